//! The registry's log: who did what, and whether anybody tampered with it.

use std::sync::Arc;

use askama::Template;
use keis_registry::RegistryError;
use keis_registry::log::{LogFault, LogRecord};
use keis_registry::page::Page;
use keis_registry::permission::Permission;

use super::ROWS;
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::words::Words;

/// Pages of the log that a filter looks through for one page of results.
const LOOKED_THROUGH: u32 = 20;

/// An entry as it is shown.
struct Shown {
    seq: u64,
    at: String,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "office/log.html")]
struct LogPage {
    f: Frame,
    actor: String,
    subject: String,
    entries: Vec<Shown>,
    next: Option<String>,
    cut: bool,
}

/// GET /office/log
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::SeeLog).await?;
    let filter = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
    let (actor, subject) = (filter("actor"), filter("subject"));
    let mut after: Option<u64> = call.query.parse("after")?;
    let fits = |entry: &LogRecord| {
        (actor.is_empty() || entry.actor.contains(actor.as_str()))
            && (subject.is_empty()
                || entry.subject.contains(subject.as_str())
                || entry.detail.contains(subject.as_str()))
    };
    let filtered = !actor.is_empty() || !subject.is_empty();
    let mut entries = Vec::new();
    let rounds = if filtered { LOOKED_THROUGH } else { 1 };
    let limit = if filtered { Page::MOST } else { ROWS };
    for _ in 0..rounds {
        let listed = site.registry.log_entries(&acting.actor(), &Page { after, limit }).await?;
        after = listed.next;
        entries.extend(listed.items.into_iter().filter(&fits));
        if after.is_none() || entries.len() >= ROWS as usize {
            break;
        }
    }
    if entries.len() > ROWS as usize {
        entries.truncate(ROWS as usize);
        after = entries.last().map(|entry| entry.seq);
    }
    let cut = filtered && after.is_some() && entries.len() < ROWS as usize;
    let next = after.map(|after| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", &after.to_string()).append_pair("actor", &actor).append_pair("subject", &subject);
        format!("/office/log?{}", query.finish())
    });
    let w = call.words();
    let entries = entries.into_iter().map(|entry| shown(w, entry)).collect();
    let f = call.frame(&site, Section::Log, w.text("office-log-title")).await?;
    page(&LogPage { f, actor, subject, entries, next, cut })
}

fn shown(w: &Words, entry: LogRecord) -> Shown {
    let key = format!("office-log-{}", entry.action.replace([' ', '_'], "-").replace('\'', ""));
    let action = if w.has(&key) { w.text(&key) } else { entry.action };
    Shown {
        seq: entry.seq,
        at: w.date_time(&entry.at),
        actor: entry.actor,
        action,
        subject: entry.subject,
        detail: entry.detail,
    }
}

/// POST /office/log/verify
pub(super) async fn verify(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::SeeLog).await?;
    let w = call.words();
    let flash = match site.registry.verify_log(None).await {
        Ok(head) => {
            Flash::good(w.with("office-log-holds", &[("count", &w.number(head.seq)), ("head", &head.to_string())]))
        }
        Err(RegistryError::Log(fault)) => Flash::bad(told(w, fault)),
        Err(error) => return Err(error.into()),
    };
    call.flash(flash).await?;
    redirect("/office/log")
}

fn told(w: &Words, fault: LogFault) -> String {
    let (key, entry) = match fault {
        LogFault::HeadMissing | LogFault::HeadForged | LogFault::HeadText => ("office-log-fault-head", 0),
        LogFault::Missing(entry) => ("office-log-fault-missing", entry),
        LogFault::Changed(entry) => ("office-log-fault-changed", entry),
        LogFault::Reordered { at, .. } => ("office-log-fault-reordered", at),
        LogFault::Cut(entry) => ("office-log-fault-cut", entry),
        LogFault::Surplus(entry) | LogFault::PutBack(entry) => ("office-log-fault-foreign", entry),
    };
    w.with1(key, "entry", &entry.to_string())
}
