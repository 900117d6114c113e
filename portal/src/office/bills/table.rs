//! What is to be paid, as payment orders for the treasury: a table for its program, and a page that says what is in it and what
//! is not, and why.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use askama::Template;
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, ProviderId};
use keis_ledger::money::Cents;
use keis_ledger::time::Span;
use keis_registry::bank_accounts::iban;
use keis_registry::invoices::FileMark;
use warp::http::{HeaderValue, header};
use warp::reply::Response;

use super::bank_file::reference;
use super::book::{Books, Slip};
use super::list::Filter;
use super::statement::{Payee, payee};
use super::{Desk, Names, desk, href, open_year};
use crate::books::{amount, cell, table};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Questions to gateways at a time.
const AT_ONCE: usize = 8;
/// Days until an invoice is due where no terms are set: what the law on late payments gives.
const USUAL_DAYS: u16 = 30;
/// Longest text of a payment's purpose that a SEPA order takes.
const LONGEST_PURPOSE: usize = 140;

/// What the treasury is to pay.
struct Order {
    payee: String,
    code: String,
    account: String,
    cents: Cents,
    invoice: String,
    buyer: String,
    issued: String,
    statement: String,
    reference: String,
    purpose: String,
    due: String,
}

/// What cannot be ordered.
struct LeftOut {
    href: String,
    payee: String,
    invoice: String,
    sum: String,
    why: String,
}

/// The payment orders of a desk, with what is left out.
struct Orders {
    all: Vec<Order>,
    out: Vec<LeftOut>,
}

#[derive(Template)]
#[template(path = "office/books_payable.html")]
struct PayablePage {
    f: Frame,
    year: Year,
    count: String,
    sum: String,
    hash: String,
    file: String,
    csv: String,
    out: Vec<LeftOut>,
}

async fn orders(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    (year, books): (Year, Arc<Books>),
) -> Result<Orders, Trouble> {
    let w = call.words();
    let book = books.of(site, year, true).await?;
    let filter = Filter::of(site, call).await?;
    let wanted = |slip: &&Slip| slip.standing.is_payable() && desk.pays(slip.buyer) && filter.takes(w, slip);
    let slips: Vec<&Slip> = book.slips.iter().filter(wanted).collect();
    let payees = payees(site, year, &slips).await?;
    let marks: Vec<Commitment> =
        slips.iter().filter_map(|slip| slip.invoice).chain(payees.values().filter_map(|payee| payee.account)).collect();
    let opened = site.registry.opened_marks(&desk.actor(), &marks).await?;
    let text = |mark: Option<Commitment>| mark.and_then(|mark| opened.get(&mark).cloned());
    let dues = Dues::of(site, desk, year, &slips).await?;
    let (mut names, mut orders) = (Names::default(), Orders { all: Vec::new(), out: Vec::new() });
    let mut codes: BTreeMap<ProviderId, String> = BTreeMap::new();
    for slip in slips {
        let payee = payees.get(&slip.provider).ok_or(Trouble::NotFound)?;
        let provider = payee.successor.unwrap_or(slip.provider);
        let called = names.provider(site, provider).await?;
        let invoice = text(slip.invoice).unwrap_or_default();
        let account = match (payee.account, text(payee.account)) {
            (None, _) => Err("books-out-none"),
            (Some(_), None) => Err("books-out-elsewhere"),
            (Some(_), Some(text)) => iban(&text).ok_or("books-out-wrong"),
        };
        let account = match account {
            Ok(account) => account,
            Err(key) => {
                let (href, sum, why) = (href(year, slip.id), w.money(&slip.open), w.text(key));
                orders.out.push(LeftOut { href, payee: called, invoice, sum, why });
                continue;
            }
        };
        if let Entry::Vacant(vacant) = codes.entry(provider) {
            let found = site.registry.provider(provider).await?;
            vacant.insert(found.map(|provider| provider.code).unwrap_or_default());
        }
        orders.all.push(Order {
            payee: called,
            code: codes.get(&provider).cloned().unwrap_or_default(),
            account,
            cents: slip.open,
            buyer: names.buyer(site, w, slip.buyer).await?,
            issued: w.date(&slip.issued),
            statement: slip.id.to_string(),
            reference: reference(slip.id, slip.payments.len() + 1),
            purpose: purpose(w, &invoice, slip),
            due: dues.of_slip(w, slip),
            invoice,
        });
    }
    Ok(orders)
}

async fn payees(site: &Arc<Site>, year: Year, slips: &[&Slip]) -> Result<BTreeMap<ProviderId, Payee>, Trouble> {
    let mut providers: Vec<ProviderId> = slips.iter().map(|slip| slip.provider).collect();
    providers.sort_unstable();
    providers.dedup();
    let asked = stream::iter(providers).map(async |provider| Ok((provider, payee(site, year, provider).await?)));
    asked.buffered(AT_ONCE).try_collect().await
}

/// When invoices are to be paid.
struct Dues {
    /// As the invoices say that are kept here, by the commitments to their files.
    said: BTreeMap<Commitment, String>,
    days: u16,
}

impl Dues {
    async fn of(site: &Arc<Site>, desk: &Desk, year: Year, slips: &[&Slip]) -> Result<Self, Trouble> {
        let files: Vec<Commitment> = slips.iter().filter_map(|slip| slip.file).collect();
        let days = site.registry.due_days(&desk.actor(), year, &files).await?;
        let said = days.into_iter().map(|(file, day)| (file, day.to_string())).collect();
        let terms = site.registry.programme_billing().await?.terms;
        Ok(Self { said, days: terms.map_or(USUAL_DAYS, |terms| terms.days_due) })
    }

    /// What its invoice says; for another one so many days from its approval.
    fn of_slip(&self, w: &Words, slip: &Slip) -> String {
        let approved = slip.approved_at.unwrap_or(slip.issued);
        let said = slip.file.and_then(|file| self.said.get(&file).cloned());
        said.unwrap_or_else(|| w.date(&approved.after(Span::days(self.days.into()))))
    }
}

/// What the payment is for: the invoice and the statement, as much as an order takes.
fn purpose(w: &Words, invoice: &str, slip: &Slip) -> String {
    let text = w.with("books-purpose", &[("invoice", invoice), ("statement", &slip.id.to_string())]);
    text.chars().take(LONGEST_PURPOSE).collect()
}

const HEADS: [&str; 12] = [
    "bills-csv-payee",
    "bills-csv-code",
    "bills-csv-account",
    "bills-csv-amount",
    "bills-csv-currency",
    "bills-csv-invoice",
    "bills-csv-buyer",
    "bills-csv-issued",
    "bills-csv-statement",
    "books-csv-reference",
    "books-csv-purpose",
    "books-csv-due",
];

fn written(w: &Words, orders: &[Order]) -> Result<Vec<u8>, Trouble> {
    let record = |order: &Order| {
        let cells = [
            &order.payee,
            &order.code,
            &order.account,
            &amount(order.cents),
            "EUR",
            &order.invoice,
            &order.buyer,
            &order.issued,
            &order.statement,
            &order.reference,
            &order.purpose,
            &order.due,
        ];
        cells.iter().map(|text| cell(text)).collect::<Vec<String>>()
    };
    let heads = HEADS.iter().map(|key| w.text(key)).collect();
    table(std::iter::once(heads).chain(orders.iter().map(record))).map_err(Trouble::internal)
}

/// GET /office/bills/{year}/payable
pub(super) async fn show(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let Orders { all, out } = orders(&site, &call, &desk, (year, books)).await?;
    let sum = all.iter().try_fold(Cents::ZERO, |sum, order| sum.checked_add(order.cents)).unwrap_or_default();
    let name = name(w, year);
    let mark = FileMark::of(&name, &written(w, &all)?);
    let f = call.frame(&site, Section::Bills, w.text("books-payable-title")).await?;
    let query = call.uri.query().map_or_else(|| format!("year={year}"), str::to_owned);
    page(&PayablePage {
        f,
        year,
        count: w.count("books-payable-count", all.len()),
        sum: w.money(&sum),
        hash: mark.hash_text(),
        file: name,
        csv: format!("/office/bills/{year}/payable.csv?{query}"),
        out,
    })
}

/// GET /office/bills/{year}/payable.csv
pub(super) async fn payable(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let orders = orders(&site, &call, &desk, (year, books)).await?;
    file(&name(call.words(), year), written(call.words(), &orders.all)?)
}

fn name(w: &Words, year: Year) -> String {
    format!("{}-{year}.csv", w.text("bills-csv-file"))
}

/// A table to be kept.
pub(in crate::office) fn file(name: &str, bytes: Vec<u8>) -> Answer {
    let mut response = Response::new(bytes.into());
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(Trouble::internal)?);
    Ok(response)
}
