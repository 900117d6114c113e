//! The year's end: what still stands in the way of sealing it, the seal, and what is left of a sealed year.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, Operation};
use keis_ledger::record::{Totals, YearState};
use keis_registry::outbox::{New, Office};
use keis_registry::permission::Permission;
use keis_wallet::client::{Funds, Seal};
use warp::http::StatusCode;
use warp::reply::Response;

use super::book::{Book, Books, Standing, debts};
use super::{Desk, desk, open_year, standing};
use crate::books::Period;
use crate::call::{Answer, Call, page_with, redirect};
use crate::closings;
use crate::frame::{Frame, Section};
use crate::office::acts;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// States of orders that are not over, by the names under which gateways count them.
const OPEN_ORDERS: [&str; 5] = ["proposed", "requested", "confirmed", "delivered", "disputed"];

/// Something that must be so before a year is sealed.
struct Check {
    done: bool,
    text: String,
    /// What is left, in words.
    left: String,
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "office/bill_end.html")]
struct EndPage {
    f: Frame,
    year: Year,
    checks: Vec<Check>,
    ready: bool,
    may_seal: bool,
    wrong: bool,
}

/// A line of a sealed year's money.
struct Class {
    name: String,
    state: String,
    school: String,
}

#[derive(Template)]
#[template(path = "office/bill_sealed.html")]
struct SealedPage {
    f: Frame,
    at: String,
    root: String,
    records: String,
    classes: Vec<Class>,
    gone: bool,
    /// Where its closing report is, which was kept before.
    report: Option<String>,
}

/// Of one class, both sources together.
fn both(funds: &Funds, class: impl Fn(&Totals) -> Cents) -> Cents {
    let (state, school) = (class(&funds.money.state), class(&funds.money.school));
    // What was minted fits, so its parts do.
    state.checked_add(school).unwrap_or(state)
}

fn sum(parts: &[Cents]) -> Cents {
    parts.iter().fold(Cents::ZERO, |sum, part| sum.checked_add(*part).unwrap_or(sum))
}

/// GET /office/bills/{year}/end
pub(super) async fn show(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = Year(call.part(0)?);
    let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
    match &funds.sealed {
        Some(seal) => sealed(&site, &call, &funds, seal, StatusCode::OK).await,
        None => standing_year(&site, &call, &desk, (&funds, &*books.of(&site, year, true).await?), false).await,
    }
}

/// What is told of a sealed year where its records are asked for.
pub(super) async fn gone(site: &Arc<Site>, call: &Call, year: Year) -> Result<Response, Trouble> {
    let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
    let seal = funds.sealed.ok_or(Trouble::NotFound)?;
    sealed(site, call, &funds, &seal, StatusCode::GONE).await
}

async fn sealed(site: &Arc<Site>, call: &Call, funds: &Funds, seal: &Seal, status: StatusCode) -> Answer {
    let w = call.words();
    let class = |key: &str, of: fn(&Totals) -> Cents| Class {
        name: w.text(key),
        state: w.money(&of(&funds.money.state)),
        school: w.money(&of(&funds.money.school)),
    };
    let classes = vec![
        class("office-money-minted", |totals| totals.minted),
        class("office-money-paid", |totals| totals.paid),
        class("office-money-returned", |totals| totals.returned),
    ];
    let report = site.registry.closing(&desk(call)?.actor(), funds.year, Period::ALL).await?;
    let f = call.frame(site, Section::Bills, w.with1("bills-sealed-title", "year", &funds.year.to_string())).await?;
    let shown = SealedPage {
        f,
        at: w.date_time(&seal.at),
        root: seal.root.to_string(),
        records: w.number(seal.records),
        classes,
        gone: status == StatusCode::GONE,
        report: report.map(|_| format!("/office/books/{}", funds.year)),
    };
    page_with(status, &shown)
}

async fn standing_year(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    (funds, book): (&Funds, &Book),
    wrong: bool,
) -> Answer {
    let (w, year) = (call.words(), funds.year);
    let debts = debts(site, year, book.debtors()).await?;
    let summary = site.client.orders_summary(year).await?.ok_or(Trouble::NotFound)?;
    let open: u64 = OPEN_ORDERS.iter().filter_map(|state| summary.orders.get(*state)).sum();
    let checks = checks(w, funds, book, (open, debts.unreconciled()));
    let ready = checks.iter().all(|check| check.done);
    let f = call.frame(site, Section::Bills, w.with1("bills-end-title", "year", &year.to_string())).await?;
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &EndPage { f, year, checks, ready, may_seal: desk.budget_holder, wrong })
}

fn checks(w: &Words, funds: &Funds, book: &Book, (open, repayments): (u64, usize)) -> Vec<Check> {
    let year = funds.year;
    let money = |cents: Cents| if cents.is_zero() { String::new() } else { w.money(&cents) };
    let check =
        |key: &str, done: bool, left: String, href: Option<String>| Check { done, text: w.text(key), left, href };
    let free = sum(&[
        both(funds, |totals| totals.budget),
        both(funds, |totals| totals.reserve),
        both(funds, |totals| totals.pupils),
        both(funds, |totals| totals.schools),
    ]);
    let booked = sum(&[both(funds, |totals| totals.held), both(funds, |totals| totals.escrowed)]);
    let (earned, owed) = (both(funds, |totals| totals.providers), both(funds, |totals| totals.receivable));
    let settlement = both(funds, |totals| totals.settlement);
    let ended = match funds.state {
        YearState::Open => false,
        YearState::Ended => true,
    };
    let orders = if open == 0 { money(booked) } else { w.count("count-orders", open) };
    let paid = book.slips.iter().filter(|slip| slip.standing == Standing::Paid).count();
    let unreconciled = paid + repayments;
    let compare = if unreconciled == 0 { String::new() } else { w.count("bills-count-payments", unreconciled) };
    let list = |state: &str| Some(format!("/office/bills?year={year}&state={state}"));
    vec![
        check("bills-check-ended", ended, String::new(), Some(format!("/office/year/{year}"))),
        check("bills-check-orders", open == 0 && booked.is_zero(), orders, None),
        check("bills-check-free", free.is_zero(), money(free), None),
        check("bills-check-earned", earned.is_zero(), money(earned), None),
        check(
            "bills-check-statements",
            settlement.is_zero(),
            open_statements(w, book),
            Some(format!("/office/bills?year={year}")),
        ),
        check("bills-check-owed", owed.is_zero(), money(owed), Some(format!("/office/bills/{year}/debts"))),
        check(
            "bills-check-compared",
            unreconciled == 0,
            compare,
            if paid > 0 { list("paid") } else { Some(format!("/office/bills/{year}/debts")) },
        ),
    ]
}

/// How many statements stand where, of those that still hold money.
fn open_statements(w: &Words, book: &Book) -> String {
    let part = |one: Standing| {
        let count = book.slips.iter().filter(|slip| slip.standing == one && !slip.open.is_zero()).count();
        (count > 0).then(|| format!("{}: {}", standing(w, one), w.number(count)))
    };
    Standing::ALL.into_iter().filter_map(part).collect::<Vec<_>>().join(", ")
}

/// POST /office/bills/{year}/seal
pub(super) async fn seal(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    if !desk.budget_holder {
        return Err(Trouble::Forbidden);
    }
    let acting = call.acting(Permission::ManageYear).await?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    if call.form.get("typed") != Some(year.to_string().as_str()) {
        let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
        let book = books.of(&site, year, true).await?;
        return standing_year(&site, &call, &desk, (&funds, &*book), true).await;
    }
    // Once the year is sealed, nobody can reckon its reports again from the ledger's records.
    closings::keep(&site.registry, &site.client, &acting.actor(), year).await?;
    let operation = Operation::Funds(FundsOperation::SealYear { year });
    let id = acts::enqueue(&site, &acting, New::of(Office::BudgetHolder, "seal_year", operation)).await?;
    acts::settle(&site, &call, id, &call.words().with1("bills-sealed-flash", "year", &year.to_string())).await?;
    redirect(&format!("/office/bills/{year}/end"))
}
