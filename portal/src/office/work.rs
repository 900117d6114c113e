//! The officer's start page: what waits for a decision, and what needs attention.

use std::sync::Arc;

use askama::Template;
use keis_registry::keys::KeyState;
use keis_registry::outbox::{self, OutboxState};
use keis_registry::page::Page;
use keis_registry::permission::Permission;

use super::acts;
use super::decisions::{self, Disputed};
use super::import::what;
use super::job::Jobs;
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// Things of one kind that are shown here.
const SHOWN: u32 = 5;
/// Attempts after which a row needs attention.
const STUCK: u32 = 3;

/// A key that waits.
struct Waiting {
    id: String,
    who: String,
    body: String,
    since: String,
}

/// A row of the outbox that needs attention.
struct Stuck {
    what: String,
    why: String,
}

#[derive(Template)]
#[template(path = "office/work.html")]
struct WorkPage {
    f: Frame,
    keys: Vec<Waiting>,
    more_keys: bool,
    stuck: Vec<Stuck>,
    refused: u64,
    moving: String,
    year: Option<String>,
    import: Option<String>,
    decisions: Option<Decisions>,
    /// What of invoices on their way waits for an officer.
    dispatch: Option<String>,
}

/// What waits for a decision of two institutions.
struct Decisions {
    rows: Vec<decisions::Row>,
    disputes: Vec<Disputed>,
    more: bool,
}

/// None while the ledger does not tell: the rest of the page is of the registry, and is shown all the same.
async fn waiting(site: &Arc<Site>, call: &Call) -> Result<Option<Decisions>, Trouble> {
    let told = async {
        let (rows, more_rows) = decisions::waiting(site, call.words()).await?;
        let (disputes, more) = decisions::disputed(site, call, SHOWN as usize).await?;
        Ok(Decisions { rows, disputes, more: more || more_rows })
    };
    match told.await {
        Ok(found) => Ok(Some(found)),
        Err(Trouble::Ledger(error)) => {
            tracing::warn!(error = &*error as &dyn std::error::Error, "decisions could not be read");
            Ok(None)
        }
        Err(trouble) => Err(trouble),
    }
}

/// GET /office
pub(super) async fn show(site: Arc<Site>, call: Call, jobs: Arc<Jobs>) -> Answer {
    let acting = match call.acting(Permission::SeeDifferences).await {
        // Officers of the budget holder have the years alone.
        Err(Trouble::Forbidden) if call.acting(Permission::ManageYear).await.is_ok() => {
            return redirect("/office/year");
        }
        acting => acting?,
    };
    let w = call.words();
    let listed = site.registry.key_requests(&acting.actor(), KeyState::Requested, &Page::first(SHOWN)).await?;
    let keys = listed.items.iter().map(|key| Waiting {
        id: key.id.to_string(),
        who: key.user_name.clone(),
        body: key.body_name.clone(),
        since: w.date_time(&key.requested),
    });
    let counts = outbox::counts(&site.registry).await?;
    let count = |state: OutboxState| counts.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
    let year = match site.programme().await {
        Ok(programme) => Some(programme.year.to_string()),
        Err(Trouble::NotFound) => None,
        Err(trouble) => return Err(trouble),
    };
    let import = jobs.running().map(|(task, _)| what(w, &task));
    let keys = keys.collect();
    let f = call.frame(&site, Section::Office, w.text("office-work-title")).await?;
    page(&WorkPage {
        f,
        keys,
        more_keys: listed.next.is_some(),
        stuck: stuck(&site, &call).await?,
        refused: count(OutboxState::Refused),
        moving: w.number(count(OutboxState::Waiting) + count(OutboxState::Signed)),
        year,
        import,
        decisions: waiting(&site, &call).await?,
        dispatch: super::dispatch::waiting(&site, &call, &acting.actor()).await?,
    })
}

/// Rows that the ledger refuses, and rows that were tried again and again.
async fn stuck(site: &Arc<Site>, call: &Call) -> Result<Vec<Stuck>, Trouble> {
    let w = call.words();
    let mut found = Vec::new();
    for state in [OutboxState::Refused, OutboxState::Signed, OutboxState::Waiting] {
        for row in outbox::list(&site.registry, Some(state), &Page::first(Page::MOST)).await?.items {
            if state == OutboxState::Refused || row.attempts >= STUCK {
                found.push(Stuck { what: acts::operation(w, &row.operation), why: acts::reason(w, &row) });
            }
            if found.len() == SHOWN as usize {
                return Ok(found);
            }
        }
    }
    Ok(found)
}
