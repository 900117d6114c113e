//! The pages of recording payments by file: the form, what became of each line, the next part to sign, what was refused.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;
use warp::http::StatusCode;
use warp::reply::Response;

use super::bank_file::{self, BankFile, MOST_BYTES, MOST_LINES};
use super::book::Books;
use super::recording::{Judged, Verdict, judge, keep, kept};
use super::statement::payee;
use super::table::file;
use super::{Desk, INTENT, Names, desk, href, label, open_year};
use crate::attached;
use crate::books::{amount, cell, table};
use crate::call::{Answer, Call, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Lines that are recorded in one signing.
pub(super) const PART: usize = crate::wallet::MOST_OPERATIONS;
/// Refused lines that the page shows; the download has all.
pub(super) const SHOWN: usize = 100;

/// What became of some lines.
struct Fate {
    name: String,
    count: String,
    sum: String,
}

/// A line that is recorded next.
struct Next {
    statement: keis_ledger::ids::StatementId,
    href: String,
    label: String,
    amount: String,
    written: String,
    day: String,
    bank: String,
}

/// A refused line.
pub(super) struct Refused {
    pub(super) line: String,
    pub(super) reference: String,
    pub(super) amount: String,
    pub(super) day: String,
    pub(super) bank: String,
    pub(super) why: String,
}

impl Refused {
    /// As a record of a table.
    pub(super) fn cells(self) -> [String; 6] {
        [self.line, self.reference, self.amount, self.day, self.bank, self.why]
    }
}

/// What came of a file.
struct Outcome {
    fates: Vec<Fate>,
    next: Vec<Next>,
    next_sum: String,
    more: String,
    refused: Vec<Refused>,
    refused_caption: String,
    nothing: bool,
}

#[derive(Template)]
#[template(path = "office/books_payments.html")]
struct PaymentsPage {
    f: Frame,
    year: Year,
    limits: String,
    error: Option<String>,
    outcome: Option<Outcome>,
}

/// GET /office/books/{year}/payments
pub(super) async fn show(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let outcome = match kept(&site, &desk, year).await? {
        None => None,
        Some(file) => {
            let book = books.of(&site, year, true).await?;
            let judged = judge(&site, &desk, &book, &file).await?;
            Some(outcome(&site, call.words(), year, judged).await?)
        }
    };
    shown(&site, &call, year, None, outcome).await
}

async fn shown(
    site: &Arc<Site>,
    call: &Call,
    year: Year,
    error: Option<&'static str>,
    outcome: Option<Outcome>,
) -> Answer {
    let w = call.words();
    let f = call.frame(site, Section::Bills, w.text("books-payments-title")).await?.with_scripts(INTENT);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let limits = w.with(
        "books-file-limits",
        &[("lines", &w.number(MOST_LINES)), ("kilobytes", &w.number(MOST_BYTES / 1024)), ("part", &w.number(PART))],
    );
    page_with(status, &PaymentsPage { f, year, limits, error: error.map(|key| w.text(key)), outcome })
}

/// POST /office/books/{year}/payments
pub(super) async fn take(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let sent = attached::read(&call.body).await?;
    let Some((_, bytes)) = sent.file else {
        return shown(&site, &call, year, Some("books-file-none"), None).await;
    };
    match bank_file::read(&bytes) {
        Ok(file) => {
            keep(&site, &desk, year, &file).await?;
            redirect(&address(year))
        }
        Err(key) => shown(&site, &call, year, Some(key), None).await,
    }
}

/// POST /office/books/{year}/forget
pub(super) async fn forget(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    site.registry.forget_bank_file(desk.user.id, year).await?;
    redirect(&address(year))
}

/// Where one works on a file.
pub(super) fn address(year: Year) -> String {
    format!("/office/books/{year}/payments")
}

/// What pages begin with that work on a file.
pub(super) struct Begun {
    pub(super) desk: Desk,
    pub(super) year: Year,
    pub(super) bank: BankFile,
}

/// The desk, the year and the file that is kept for it; or where one goes who has none.
pub(super) async fn begun(site: &Arc<Site>, call: &Call) -> Result<Result<Begun, Response>, Trouble> {
    let desk = desk(call)?;
    let year = match open_year(site, call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(Err(gone)),
    };
    if let Some(bank) = kept(site, &desk, year).await? {
        return Ok(Ok(Begun { desk, year, bank }));
    }
    call.flash(Flash::bad(call.words().text("books-file-gone"))).await?;
    redirect(&address(year)).map(Err)
}

/// GET /office/books/{year}/refused.csv
pub(super) async fn refused_csv(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let Begun { desk, year, bank } = match begun(&site, &call).await? {
        Ok(begun) => begun,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let w = call.words();
    let book = books.of(&site, year, true).await?;
    let heads = ["books-line", "books-reference", "books-amount", "books-day", "books-bank", "books-why"];
    let mut records = vec![heads.map(|key| w.text(key)).to_vec()];
    let judged = judge(&site, &desk, &book, &bank).await?;
    for one in judged.iter().filter_map(|one| refused(w, one)) {
        records.push(one.cells().iter().map(|text| cell(text)).collect());
    }
    let bytes = table(records).map_err(Trouble::internal)?;
    file(&format!("{}-{year}.csv", w.text("books-csv-refused")), bytes)
}

/// A line that was refused, in words.
pub(super) fn refused(w: &Words, judged: &Judged) -> Option<Refused> {
    let Verdict::Refused(key) = judged.verdict else { return None };
    let [reference, amount, day, bank] = judged.line.cells.clone();
    Some(Refused { line: judged.line.number.to_string(), reference, amount, day, bank, why: w.text(key) })
}

/// Lines that can be recorded now, the first of them; a line whose payee has no account is refused on the way.
async fn part(
    site: &Site,
    year: Year,
    judged: &mut [Judged],
    book: &mut Names,
    w: &Words,
) -> Result<Vec<Next>, Trouble> {
    let mut next = Vec::new();
    for one in judged.iter_mut().filter(|one| one.verdict == Verdict::Ready) {
        if next.len() == PART {
            break;
        }
        let Ok(said) = &one.line.said else { continue };
        let Some(view) = site.client.statement(year, said.statement).await? else {
            one.verdict = Verdict::Refused("books-line-unknown");
            continue;
        };
        if payee(site, year, view.statement.provider).await?.account.is_none() {
            one.verdict = Verdict::Refused("bills-account-missing");
            continue;
        }
        next.push(Next {
            statement: said.statement,
            href: href(year, said.statement),
            label: label(site, w, book, &view).await?,
            amount: w.money(&said.amount),
            written: amount(said.amount),
            day: said.day.to_string(),
            bank: said.bank.clone(),
        });
    }
    Ok(next)
}

fn sum<'j>(lines: impl Iterator<Item = &'j Judged>) -> Cents {
    let said = lines.filter_map(|one| one.line.said.as_ref().ok());
    said.fold(Cents::ZERO, |sum, said| sum.checked_add(said.amount).unwrap_or(sum))
}

async fn outcome(site: &Site, w: &Words, year: Year, mut judged: Vec<Judged>) -> Result<Outcome, Trouble> {
    let next = part(site, year, &mut judged, &mut Names::default(), w).await?;
    let in_part: Vec<_> = judged.iter().filter(|one| one.verdict == Verdict::Ready).take(next.len()).collect();
    let next_sum = w.money(&sum(in_part.into_iter()));
    let fate = |key: &str, fits: fn(Verdict) -> bool| {
        let these = || judged.iter().filter(|one| fits(one.verdict));
        Fate { name: w.text(key), count: w.number(these().count()), sum: w.money(&sum(these())) }
    };
    let fates = vec![
        fate("books-fate-ready", |verdict| verdict == Verdict::Ready),
        fate("books-fate-recorded", |verdict| verdict == Verdict::Recorded),
        fate("books-fate-refused", |verdict| matches!(verdict, Verdict::Refused(_))),
    ];
    let refused: Vec<Refused> = judged.iter().filter_map(|one| refused(w, one)).collect();
    Ok(Outcome {
        fates,
        more: w.count("books-next-more", judged.iter().filter(|one| one.verdict == Verdict::Ready).count()),
        nothing: judged.iter().all(|one| one.verdict == Verdict::Recorded),
        next,
        next_sum,
        refused_caption: w.count("books-refused-caption", refused.len()),
        refused: refused.into_iter().take(SHOWN).collect(),
    })
}
