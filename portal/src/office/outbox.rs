//! What is on its way to the ledger: rows by state, tried again or given up.

use std::sync::Arc;

use askama::Template;
use keis_registry::outbox::{self, OutboxId, OutboxRow, OutboxState};
use keis_registry::page::Page;
use keis_registry::permission::Permission;

use super::{ROWS, acts};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// A row of the table.
struct Row {
    id: i64,
    what: String,
    state: String,
    class: &'static str,
    why: Option<String>,
    attempts: u32,
    changed: String,
    may_retry: bool,
    may_discard: bool,
}

/// A state to choose, with how many rows are in it.
struct Tab {
    href: String,
    label: String,
    count: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "office/outbox.html")]
struct OutboxPage {
    f: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

/// GET /office/outbox
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::SeeDifferences).await?;
    let w = call.words();
    let state: Option<OutboxState> = call.query.parse("state")?;
    let wanted = Page { after: call.query.parse("after")?, limit: ROWS };
    let listed = outbox::list(&site.registry, state, &wanted).await?;
    let counts = outbox::counts(&site.registry).await?;
    let count = |state: OutboxState| counts.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
    let tab = |of: OutboxState| Tab {
        href: format!("/office/outbox?state={of}"),
        label: w.text(&acts::state_key(of)),
        count: w.number(count(of)),
        current: state == Some(of),
    };
    let tabs = OutboxState::ALL.into_iter().map(tab).collect();
    let of_state = state.map_or(String::new(), |state| format!("&state={state}"));
    let next = listed.next.map(|after| format!("/office/outbox?after={after}{of_state}"));
    let rows = listed.items.iter().map(|row| shown(&call, row)).collect();
    let f = call.frame(&site, Section::Differences, w.text("office-outbox-title")).await?;
    page(&OutboxPage { f, tabs, rows, next })
}

fn shown(call: &Call, row: &OutboxRow) -> Row {
    let w = call.words();
    Row {
        id: row.id.0,
        what: acts::operation(w, &row.operation),
        state: w.text(&acts::state_key(row.state)),
        class: acts::state_class(row.state),
        why: row.rejection.as_ref().map(|_| acts::reason(w, row)),
        attempts: row.attempts,
        changed: w.date_time(&row.changed),
        may_retry: !row.state.is_final() && row.attempts > 0 || row.state == OutboxState::Refused,
        may_discard: row.state == OutboxState::Refused
            || row.state == OutboxState::Waiting && row.transaction.is_none() && row.attempts > 0,
    }
}

/// POST /office/outbox/{row}/retry
pub(super) async fn retry(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::SeeDifferences).await?;
    let id = OutboxId(call.part(0)?);
    outbox::retry(&site.registry, &acting.actor(), id).await.map_err(acts::trouble)?;
    acts::settle(&site, &call, id, &call.words().text("office-outbox-retried")).await?;
    redirect("/office/outbox")
}

/// POST /office/outbox/{row}/discard
pub(super) async fn discard(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::SeeDifferences).await?;
    if !call.form.ticked("sure") {
        return Err(Trouble::Malformed("office-outbox-sure"));
    }
    let id = OutboxId(call.part(0)?);
    let given_up = outbox::discard(&site.registry, &acting.actor(), id).await.map_err(acts::trouble)?;
    let w = call.words();
    call.flash(Flash::good(w.with1("office-outbox-discarded-flash", "count", &w.number(given_up)))).await?;
    redirect("/office/outbox")
}
