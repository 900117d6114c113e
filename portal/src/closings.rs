//! Closing reports of years that ended, kept in the registry for when sealing has taken their records away. Asks gateways, knows no
//! page.

use std::collections::BTreeMap;
use std::time::Duration;

use keis_ledger::classifiers::Year;
use keis_ledger::money::{Cents, Source};
use keis_ledger::record::{Totals, YearState};
use keis_registry::closings::NewClosing;
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{BookReport, Client, ClientError, Funds};
use tokio_util::sync::CancellationToken;

use crate::books::Period;
use crate::trouble::Trouble;

/// What the registry's log calls who keeps reports by itself.
const ACTOR: Actor = Actor::System("keeper of closing reports");
/// From one look at the ended years to the next.
const PAUSE: Duration = Duration::from_secs(600);

/// Why reports were not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The gateways.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A report that cannot be written down.
    #[error("a report cannot be written down")]
    Form(#[from] serde_json::Error),
}

impl From<KeepError> for Trouble {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Ledger(error) => error.into(),
            KeepError::Registry(error) => error.into(),
            KeepError::Form(error) => Self::internal(error),
        }
    }
}

/// Keeps the reports of all of a year's periods as they are reckoned now; says how many there are. One of more rows than a gateway
/// answers is left out.
///
/// # Errors
/// [`KeepError`]; what was kept before stays.
pub async fn keep(registry: &Registry, client: &Client, actor: &Actor, year: Year) -> Result<usize, KeepError> {
    let mut all = Vec::new();
    for period in Period::names(year).iter().filter_map(|name| Period::named(name)) {
        match client.book_report(year, period.from, period.to).await {
            Ok(Some(report)) => {
                let bytes = serde_json::to_vec(&report)?;
                all.push(NewClosing { period: period.name, height: report.height, bytes });
            }
            Ok(None) => {}
            Err(ClientError::Problem(problem)) if problem.code == "malformed" => {
                tracing::warn!(%year, period = period.name, "a closing report is too long to be kept");
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !all.is_empty() {
        registry.keep_closings(actor, year, &all).await?;
    }
    Ok(all.len())
}

/// Whether the report of all of a year's settlement has the sums that the year was sealed with: nothing followed it.
pub fn is_sealed_as(report: &BookReport, sealed: &Funds) -> bool {
    Source::ALL.into_iter().all(|source| {
        let totals: &Totals = match source {
            Source::State => &sealed.money.state,
            Source::School => &sealed.money.school,
        };
        let book = report.sources.iter().find(|book| book.source == source);
        book.is_some_and(|book| {
            (book.settlement.closing, book.paid.closing, book.receivable.closing)
                == (totals.settlement, totals.paid, totals.receivable)
        })
    })
}

/// What of a year's money changes its reports.
type Mark = [Cents; 6];

/// Keeps the reports of ended years, again whenever their settlement went on, until it is stopped: a year may be sealed from
/// elsewhere than this portal.
pub(crate) async fn follow(registry: Registry, client: Client, stopping: CancellationToken) {
    let mut kept = BTreeMap::new();
    loop {
        if let Err(error) = round(&registry, &client, &mut kept).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "closing reports were not kept");
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn round(registry: &Registry, client: &Client, kept: &mut BTreeMap<Year, Mark>) -> Result<(), KeepError> {
    let years = client.parameters().await?.years;
    let ended = years.into_iter().filter(|year| year.state == YearState::Ended);
    for year in ended.map(|year| year.year) {
        let Some(funds) = client.funds(year).await? else { continue };
        let (state, school) = (&funds.money.state, &funds.money.school);
        let mark = [state.settlement, state.paid, state.receivable, school.settlement, school.paid, school.receivable];
        if kept.get(&year) != Some(&mark) {
            keep(registry, client, &ACTOR, year).await?;
            kept.insert(year, mark);
        }
    }
    Ok(())
}
