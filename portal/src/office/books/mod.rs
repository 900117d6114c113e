//! The closing report of a period: what was accepted and credited, the accounts of settlement, and both held against the
//! ledger's own sums. For officers; what is paid by the bank's files lies with the desk (`bills`).

mod files;
mod report;

use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_wallet::client::{BookReport, ClientError, Seal};
use warp::reply::Response;

use super::bills::{Desk, desk, open_year};
use crate::books::Period;
use crate::call::Call;
use crate::closings::is_sealed_as;
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
    /// How a sealed year's report was kept.
    sealed: Option<Sealed>,
}

/// The seal of a year whose report was kept before.
struct Sealed {
    seal: Seal,
    /// Whether nothing followed the kept reports: they have the sums of the seal.
    holds: bool,
}

/// The report that an address names, for officers. Of a sealed year the one that was kept before, else the page that says that the
/// year is sealed.
async fn asked(site: &Arc<Site>, call: &Call) -> Result<Result<Asked, Response>, Trouble> {
    let desk = desk(call)?;
    let name = call.query.get("period").unwrap_or(Period::ALL);
    let period = Period::named(name).ok_or(Trouble::Malformed("books-period-wrong"))?;
    let gone = match open_year(site, call).await? {
        Ok(year) => match site.client.book_report(year, period.from, period.to).await {
            Ok(report) => {
                let report = report.ok_or(Trouble::NotFound)?;
                return Ok(Ok(Asked { year, period, report, sealed: None }));
            }
            // It was sealed a moment ago.
            Err(ClientError::Problem(problem)) if problem.code == "year_sealed" => {
                site.forget_rules();
                open_year(site, call).await?.err().ok_or(Trouble::NotFound)?
            }
            Err(error) => return Err(error.into()),
        },
        Err(gone) => gone,
    };
    let year = Year(call.part(0)?);
    let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
    let (report, all) = (kept(site, &desk, year, &period.name).await?, kept(site, &desk, year, Period::ALL).await?);
    let (Some(report), Some(seal)) = (report, funds.sealed) else { return Ok(Err(gone)) };
    let holds = all.is_some_and(|all| is_sealed_as(&all, &funds));
    Ok(Ok(Asked { year, period, report, sealed: Some(Sealed { seal, holds }) }))
}

/// A report as the registry kept it.
async fn kept(site: &Site, desk: &Desk, year: Year, period: &str) -> Result<Option<BookReport>, Trouble> {
    let kept = site.registry.closing(&desk.actor(), year, period).await?;
    kept.map(|kept| serde_json::from_slice(&kept.bytes).map_err(Trouble::internal)).transpose()
}

/// What was reckoned in two ways, in words; what these pages do not know yet by the gateway's own name.
fn check_words(w: &Words, what: &str) -> String {
    let key = format!("books-check-{}", what.replace('_', "-"));
    if w.has(&key) { w.text(&key) } else { what.to_owned() }
}
