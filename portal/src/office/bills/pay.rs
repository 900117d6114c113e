//! Recording what the bank paid, for one statement or many, and setting off what a provider owes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::StatementId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_registry::payments::{BankMark, LONGEST_MARK};
use keis_wallet::client::StatementView;
use warp::http::StatusCode;

use super::act::back;
use super::book::{Books, Slip};
use super::form::{self, Field, Form, Hidden};
use super::statement::{approved_here, owed, payee};
use super::upload;
use super::{Chosen, Desk, INTENT, Names, Sheet, chosen, desk, href, label, next, open_year, rows, sign};
use crate::call::{Answer, Call, Fields, page_with};
use crate::frame::{Frame, Section};
use crate::office::forms::{money, written};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A statement that is to be paid.
struct PayRow {
    row: Chosen,
    label: String,
    payee: String,
    account: String,
    amount: String,
    reference: String,
    amount_error: Option<String>,
    reference_error: Option<String>,
}

#[derive(Template)]
#[template(path = "office/bill_pay.html")]
struct PayPage {
    f: Frame,
    year: Year,
    rows: Vec<PayRow>,
    sum: String,
    problems: bool,
    most: usize,
}

/// What was filled in for a statement, and what is wrong with it.
#[derive(Default)]
struct Filled {
    amount: Option<Cents>,
    reference: String,
    wrong: (Option<&'static str>, Option<&'static str>),
}

/// Amounts and references as they were typed, statement by statement: a form sends each of them once for each statement.
fn typed(fields: &Fields) -> BTreeMap<StatementId, (String, String)> {
    let (amounts, references) = (fields.all("payment"), fields.all("reference"));
    let texts = fields.all("statement").zip(amounts.zip(references));
    let one = |(id, (amount, reference)): (&str, (&str, &str))| {
        Some((id.parse().ok()?, (amount.to_owned(), reference.to_owned())))
    };
    texts.filter_map(one).collect()
}

/// A bank's mark as people type it: not empty, on one line, not too long.
pub(super) fn mark(text: &str) -> Result<String, &'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err("office-error-empty");
    }
    if text.chars().count() > LONGEST_MARK || text.chars().any(char::is_control) {
        return Err("bills-error-mark");
    }
    Ok(text)
}

/// An amount as people type it: of something that has so much open.
pub(super) fn amount(text: &str, open: Cents) -> Result<Cents, &'static str> {
    let amount = money(text).filter(|amount| !amount.is_zero()).ok_or("office-error-money")?;
    if amount > open { Err("bills-error-above") } else { Ok(amount) }
}

/// What keeps these statements from being paid here, if something does.
async fn hindrance(site: &Site, desk: &Desk, views: &[StatementView]) -> Result<Option<&'static str>, Trouble> {
    for view in views {
        let slip = Slip::of(view);
        if !desk.pays(slip.buyer) {
            return Ok(Some("bills-not-payer"));
        }
        if !slip.standing.is_payable() {
            return Ok(Some("bills-no-longer-open"));
        }
        if approved_here(site, desk, &slip).await? {
            return Ok(Some("bills-own-approval"));
        }
        if payee(site, view.year, slip.provider).await?.account.is_none() {
            return Ok(Some("bills-account-missing"));
        }
    }
    Ok(None)
}

/// GET /office/bills/{year}/pay
pub(super) async fn pay_form(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    if call.query.get("statement").is_none() {
        return back(&call, year, "bills-none-chosen").await;
    }
    let views = chosen(&site, year, &call.query).await?;
    if let Some(key) = hindrance(&site, &desk, &views).await? {
        return back(&call, year, key).await;
    }
    let filled = views.iter().map(|view| (view.id, Filled::default())).collect();
    show(&site, &call, &desk, &views, &filled).await
}

async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    views: &[StatementView],
    filled: &BTreeMap<StatementId, Filled>,
) -> Answer {
    let (w, mut names) = (call.words(), Names::default());
    let typed = typed(&call.form);
    let mut shown = Vec::new();
    for (row, view) in rows(site, call, desk, views, &mut names).await?.into_iter().zip(views) {
        let one = filled.get(&view.id).expect("every chosen statement was filled in");
        let payee = payee(site, view.year, view.statement.provider).await?;
        let opened = site.registry.opened_marks(&desk.actor(), payee.account.as_slice()).await?;
        let untouched = || (written(view.statement.balance.get()), String::new());
        let (amount, reference) = typed.get(&view.id).cloned().unwrap_or_else(untouched);
        shown.push(PayRow {
            label: label(site, w, &mut names, view).await?,
            payee: names.provider(site, payee.successor.unwrap_or(view.statement.provider)).await?,
            account: opened.into_values().next().unwrap_or_default(),
            amount,
            reference,
            amount_error: one.wrong.0.map(|key| w.text(key)),
            reference_error: one.wrong.1.map(|key| w.text(key)),
            row,
        });
    }
    let problems = filled.values().any(|one| one.wrong.0.is_some() || one.wrong.1.is_some());
    let sum = views.iter().try_fold(Cents::ZERO, |sum, view| sum.checked_add(view.statement.balance));
    let f = call.frame(site, Section::Bills, w.text("bills-pay-title")).await?.with_scripts(INTENT);
    let status = if problems { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let year = views[0].year;
    page_with(
        status,
        &PayPage { f, year, rows: shown, sum: w.money(&sum.unwrap_or_default()), problems, most: LONGEST_MARK },
    )
}

/// Everything that the form says, each reference once.
fn read(call: &Call, views: &[StatementView]) -> BTreeMap<StatementId, Filled> {
    let typed = typed(&call.form);
    let mut seen = BTreeSet::new();
    let mut filled = BTreeMap::new();
    for view in views {
        let mut one = Filled::default();
        let (sum, reference) = typed.get(&view.id).cloned().unwrap_or_default();
        match amount(&sum, view.statement.balance) {
            Ok(cents) => one.amount = Some(cents),
            Err(key) => one.wrong.0 = Some(key),
        }
        match mark(&reference) {
            Ok(text) if !seen.insert(text.clone()) => one.wrong.1 = Some("bills-error-twice"),
            Ok(text) => one.reference = text,
            Err(key) => one.wrong.1 = Some(key),
        }
        filled.insert(view.id, one);
    }
    filled
}

/// POST /office/bills/{year}/pay
pub(super) async fn pay(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let views = chosen(&site, year, &call.form).await?;
    if let Some(key) = hindrance(&site, &desk, &views).await? {
        return back(&call, year, key).await;
    }
    let mut filled = read(&call, &views);
    if filled.values().any(|one| one.wrong.0.is_some() || one.wrong.1.is_some()) {
        return show(&site, &call, &desk, &views, &filled).await;
    }
    let texts: Vec<String> = views.iter().map(|view| filled[&view.id].reference.clone()).collect();
    let references = site.registry.keep_bank_marks(&desk.actor(), BankMark::Reference, &texts).await?;
    let book = books.of(&site, year, true).await?;
    let (mut operations, mut labels) = (Vec::new(), Vec::new());
    let mut names = Names::default();
    for (view, reference) in views.iter().zip(references) {
        let one = filled.get_mut(&view.id).expect("every chosen statement was filled in");
        if book.used(reference).is_some() {
            one.wrong.1 = Some("bills-error-used");
        }
        let amount = one.amount.expect("what is wrong was shown above");
        let operation = SettlementOperation::RecordPayment { year, statement: view.id, amount, reference };
        operations.push(Operation::Settlement(operation));
        labels.push((view.id.to_string(), label(&site, call.words(), &mut names, view).await?));
        labels.push((reference.to_string(), one.reference.clone()));
    }
    if filled.values().any(|one| one.wrong.1.is_some()) {
        return show(&site, &call, &desk, &views, &filled).await;
    }
    let w = call.words();
    let sheet = Sheet {
        title: w.text("bills-pay-title"),
        operations,
        labels,
        // What came from a file goes on there.
        next: if call.query.get("from") == Some("file") { upload::address(year) } else { next(year, &views) },
        warnings: vec![w.text("bills-pay-warning")],
    };
    sign(&site, &call, sheet).await
}

/// The one statement that is set off, with what the provider owes; or why not.
async fn one(
    site: &Arc<Site>,
    desk: &Desk,
    year: Year,
    fields: &Fields,
) -> Result<Result<(StatementView, Cents), &'static str>, Trouble> {
    let views = chosen(site, year, fields).await?;
    let Ok([view]) = <[StatementView; 1]>::try_from(views) else { return Err(Trouble::Malformed("trouble-field")) };
    let slip = Slip::of(&view);
    if !desk.pays(slip.buyer) {
        return Ok(Err("bills-not-payer"));
    }
    if !slip.standing.is_payable() {
        return Ok(Err("bills-no-longer-open"));
    }
    if approved_here(site, desk, &slip).await? {
        return Ok(Err("bills-own-approval"));
    }
    let owed = owed(site, &view).await?;
    Ok(if owed.is_zero() { Err("bills-nothing-owed") } else { Ok((view, owed)) })
}

async fn show_set_off(
    site: &Arc<Site>,
    call: &Call,
    (view, owed): (&StatementView, Cents),
    (value, error): (String, Option<&'static str>),
) -> Answer {
    let w: &'static Words = call.words();
    let mut names = Names::default();
    let label = label(site, w, &mut names, view).await?;
    let form = Form {
        title: w.text("bills-set-off-title"),
        back: (href(view.year, view.id), w.text("bills-statement")),
        intro: w.text("bills-set-off-more"),
        facts: vec![
            (w.text("bills-provider"), names.provider(site, view.statement.provider).await?),
            (w.text("bills-buyer"), names.buyer(site, w, view.statement.buyer).await?),
            (w.text("bills-open"), w.money(&view.statement.balance)),
            (w.text("bills-owed"), w.money(&owed)),
        ],
        action: format!("/office/bills/{}/set-off", view.year),
        intent: "settlement.set_off",
        hidden: vec![Hidden { name: "statement", value: view.id.to_string(), label }],
        fields: vec![Field {
            name: "payment",
            line: Some(view.id.to_string()),
            label: w.text("bills-set-off-amount"),
            hint: None,
            value,
            error: error.map(|key| w.text(key)),
            is_amount: true,
        }],
    };
    form::show(site, call, form).await
}

/// GET /office/bills/{year}/set-off
pub(super) async fn set_off_form(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    match one(&site, &desk, year, &call.query).await? {
        Ok((view, owed)) => {
            let proposed = written(view.statement.balance.min(owed).get());
            show_set_off(&site, &call, (&view, owed), (proposed, None)).await
        }
        Err(key) => back(&call, year, key).await,
    }
}

/// POST /office/bills/{year}/set-off
pub(super) async fn set_off(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let (view, owed) = match one(&site, &desk, year, &call.form).await? {
        Ok(found) => found,
        Err(key) => return back(&call, year, key).await,
    };
    let given = call.form.get("payment").unwrap_or_default().to_owned();
    let amount = match amount(&given, view.statement.balance.min(owed)) {
        Ok(amount) => amount,
        Err(key) => return show_set_off(&site, &call, (&view, owed), (given, Some(key))).await,
    };
    let w = call.words();
    let operation = SettlementOperation::SetOff { year, statement: view.id, amount };
    let sheet = Sheet {
        title: w.text("bills-set-off-title"),
        operations: vec![Operation::Settlement(operation)],
        labels: vec![(view.id.to_string(), label(&site, w, &mut Names::default(), &view).await?)],
        next: next(year, std::slice::from_ref(&view)),
        warnings: vec![w.text("bills-set-off-more")],
    };
    sign(&site, &call, sheet).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_at_most_what_is_open() {
        let open = Cents::new(1_250);
        assert_eq!(amount("12,50", open), Ok(open));
        assert_eq!(amount("12.5 €", open), Ok(open));
        assert_eq!(amount("12,51", open), Err("bills-error-above"));
        for wrong in ["", "0", "-1", "12,505", "dvylika"] {
            assert_eq!(amount(wrong, open), Err("office-error-money"), "{wrong}");
        }
    }

    #[test]
    fn marks_are_one_line_without_outer_spaces() {
        assert_eq!(mark("  FT 24  0012 "), Ok("FT 24 0012".to_owned()));
        assert_eq!(mark(" \t "), Err("office-error-empty"));
        assert_eq!(mark(&"9".repeat(LONGEST_MARK + 1)), Err("bills-error-mark"));
        assert_eq!(mark("a\u{7}b"), Err("bills-error-mark"));
    }
}
