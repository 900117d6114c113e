//! The closing report of a period: what was accepted and credited, the accounts of settlement, and both held against the
//! ledger's own sums. For officers; what is paid by the bank's files lies with the desk (`bills`).

mod files;
mod report;

use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_wallet::client::BookReport;
use warp::reply::Response;

use super::bills::{desk, open_year};
use crate::books::Period;
use crate::call::Call;
use crate::route::{Route, get};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/office/books/{year}", report::show),
        get(site, "/office/books/{year}/rows.csv", files::rows),
        get(site, "/office/books/{year}/accounts.csv", files::accounts),
    ]
}

/// What is asked for, and what the gateway reckoned.
struct Asked {
    year: Year,
    period: Period,
    report: BookReport,
}

/// The report that an address names, for officers; of a sealed year the page that says so.
async fn asked(site: &Arc<Site>, call: &Call) -> Result<Result<Asked, Response>, Trouble> {
    desk(call)?;
    let year = match open_year(site, call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(Err(gone)),
    };
    let name = call.query.get("period").unwrap_or(Period::ALL);
    let period = Period::named(name).ok_or(Trouble::Malformed("books-period-wrong"))?;
    let report = site.client.book_report(year, period.from, period.to).await?.ok_or(Trouble::NotFound)?;
    Ok(Ok(Asked { year, period, report }))
}

/// What was reckoned in two ways, in words; what these pages do not know yet by the gateway's own name.
fn check_words(w: &Words, what: &str) -> String {
    let key = format!("books-check-{}", what.replace('_', "-"));
    if w.has(&key) { w.text(&key) } else { what.to_owned() }
}
