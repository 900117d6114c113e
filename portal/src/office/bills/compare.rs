//! Comparison with the bank by file: every payment of the bank's statement held against what was recorded, and what is wholly
//! found signed in parts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::record::{Payment, PaymentWay};
use keis_registry::payments::{BankMark, LONGEST_MARK};

use super::bank_file::{BankFile, Line, Said};
use super::book::{Book, Books, Slip, Standing};
use super::recording::{Judged, Verdict, references};
use super::table::file;
use super::upload::{Begun, PART, Refused, SHOWN, begun, refused};
use super::{Desk, INTENT, Names, href};
use crate::books::{cell, table};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// What came of the comparison.
struct Compared {
    lines: Vec<Judged>,
    /// Statements all of whose payments the file shows, from the oldest on.
    found: Vec<StatementId>,
    /// Paid statements that wait for this desk, of which the file shows none or not all.
    missing: usize,
}

struct Row {
    id: StatementId,
    href: String,
    label: String,
    paid: String,
}

#[derive(Template)]
#[template(path = "office/books_compare.html")]
struct ComparePage {
    f: Frame,
    year: Year,
    found: String,
    missing: String,
    rows: Vec<Row>,
    refused: Vec<Refused>,
    refused_caption: String,
    most: usize,
}

/// GET /office/books/{year}/compare
pub(super) async fn show(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let Begun { desk, year, bank } = match begun(&site, &call).await? {
        Ok(begun) => begun,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let w = call.words();
    let book = books.of(&site, year, true).await?;
    let Compared { lines, found, missing } = compare(&site, &desk, &book, &bank).await?;
    let mut names = Names::default();
    let mut rows = Vec::new();
    let by_id: BTreeMap<StatementId, &Slip> = book.slips.iter().map(|slip| (slip.id, slip)).collect();
    for slip in found.iter().take(PART).filter_map(|id| by_id.get(id)) {
        let (provider, buyer) = (names.provider(&site, slip.provider).await?, names.buyer(&site, w, slip.buyer).await?);
        let label = format!("{provider} → {buyer}, {}, {}", w.date(&slip.issued), w.money(&slip.total));
        rows.push(Row { id: slip.id, href: href(year, slip.id), label, paid: w.money(&slip.total) });
    }
    let all: Vec<Refused> = lines.iter().filter_map(|one| refused(w, one)).collect();
    let f = call.frame(&site, Section::Bills, w.text("books-compare-title")).await?.with_scripts(INTENT);
    page(&ComparePage {
        f,
        year,
        found: w.count("books-compare-found", found.len()),
        missing: w.count("books-compare-missing", missing),
        rows,
        refused_caption: w.count("books-refused-caption", all.len()),
        refused: all.into_iter().take(SHOWN).collect(),
        most: LONGEST_MARK,
    })
}

/// GET /office/books/{year}/differences.csv
pub(super) async fn differences(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let Begun { desk, year, bank } = match begun(&site, &call).await? {
        Ok(begun) => begun,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let w = call.words();
    let book = books.of(&site, year, true).await?;
    let compared = compare(&site, &desk, &book, &bank).await?;
    let heads = ["books-line", "books-reference", "books-amount", "books-day", "books-bank", "books-why"];
    let mut records = vec![heads.map(|key| w.text(key)).to_vec()];
    for one in compared.lines.iter().filter_map(|one| refused(w, one)) {
        records.push(one.cells().iter().map(|text| cell(text)).collect());
    }
    let bytes = table(records).map_err(Trouble::internal)?;
    file(&format!("{}-{year}.csv", w.text("books-csv-refused")), bytes)
}

/// Holds every line of the file against what was recorded.
async fn compare(site: &Site, desk: &Desk, book: &Book, kept: &BankFile) -> Result<Compared, Trouble> {
    let texts: Vec<String> =
        kept.lines.iter().filter_map(|line| line.said.as_ref().ok()).map(|said| said.bank.clone()).collect();
    let known = site.registry.known_bank_marks(&desk.actor(), BankMark::Reference, &texts).await?;
    let slips: BTreeMap<StatementId, &Slip> = book.slips.iter().map(|slip| (slip.id, slip)).collect();
    let used: BTreeMap<Commitment, (StatementId, Payment)> = book.slips.iter().flat_map(references).collect();
    let (mut seen, mut shown) = (BTreeSet::new(), BTreeSet::new());
    let mut lines = Vec::with_capacity(kept.lines.len());
    for line in &kept.lines {
        let verdict = match &line.said {
            Err(key) => Verdict::Refused(key),
            Ok(said) if !seen.insert(said.bank.clone()) => Verdict::Refused("books-line-twice"),
            Ok(said) => {
                let found = known.get(&said.bank).and_then(|mark| Some((*mark, used.get(mark)?)));
                match found {
                    None => Verdict::Refused("books-line-not-recorded"),
                    Some((mark, (statement, payment))) => {
                        let slip = slips.get(statement).ok_or(Trouble::NotFound)?;
                        let verdict = verdict(site, desk, said, slip, payment);
                        if verdict == Verdict::Ready {
                            shown.insert(mark);
                        }
                        verdict
                    }
                }
            }
        };
        lines.push(Judged { line: Line::clone(line), verdict });
    }
    let waits = |slip: &&Slip| slip.standing == Standing::Paid && desk.compares(site, slip.buyer, &slip.recorded_by);
    let whole = |slip: &&Slip| {
        let is_shown = |payment: &Payment| match payment.way {
            PaymentWay::Bank { reference, .. } => shown.contains(&reference),
            // Nothing of these is on the bank's statement in the end.
            PaymentWay::SetOff | PaymentWay::Returned { .. } => true,
        };
        let by_bank = slip.payments.iter().any(|payment| matches!(payment.way, PaymentWay::Bank { .. }));
        by_bank && slip.payments.iter().all(is_shown)
    };
    let (found, missing): (Vec<&Slip>, Vec<&Slip>) = book.slips.iter().filter(waits).partition(whole);
    Ok(Compared { lines, found: found.into_iter().map(|slip| slip.id).collect(), missing: missing.len() })
}

fn verdict(site: &Site, desk: &Desk, said: &Said, slip: &Slip, payment: &Payment) -> Verdict {
    if slip.id != said.statement {
        return Verdict::Refused("books-line-used");
    }
    if matches!(payment.way, PaymentWay::Returned { .. }) {
        return Verdict::Refused("books-line-returned");
    }
    if payment.amount != said.amount {
        return Verdict::Refused("books-line-otherwise");
    }
    match slip.standing {
        Standing::Paid if desk.compares(site, slip.buyer, &slip.recorded_by) => Verdict::Ready,
        Standing::Paid => Verdict::Refused("books-line-not-comparer"),
        Standing::Reconciled => Verdict::Recorded,
        Standing::Issued
        | Standing::Accepted
        | Standing::InvoiceAttached
        | Standing::Approved
        | Standing::PartPaid
        | Standing::Contested
        | Standing::Credited => Verdict::Refused("books-line-part"),
    }
}
