//! One order: what it is, what happened to it, what can be done with it now and until when.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{OrderId, PupilId};
use keis_ledger::operation::Change;
use keis_ledger::receipt::{Receipt, Topic};
use keis_ledger::record::{LineState, OrderState, PendingChange, Side};
use keis_ledger::time::Timestamp;
use keis_registry::people::PupilName;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::rows::{OrderRow, rows};
use super::rules::{self, May};
use super::{INTENT, Own, find_order, own};
use crate::call::{Answer, Call, page};
use crate::dispute::{self, DisputeLook, Step};
use crate::events;
use crate::frame::{Frame, Section};
use crate::public::terms;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "provider/order.html")]
struct OrderPage {
    f: Frame,
    id: OrderId,
    tail: String,
    row: OrderRow,
    facts: Vec<(String, String)>,
    /// What happens next, and by when.
    next: String,
    may: May,
    change: Vec<String>,
    sessions: Vec<(String, String)>,
    change_until: String,
    cancel_warning: String,
    names: bool,
    lines: Vec<LineRow>,
    events: Vec<Event>,
    dispute: Option<DisputeLook>,
    /// Key of the words for what may be done about a dispute.
    dispute_step: Option<&'static str>,
}

/// A pupil of the order.
pub(super) struct LineRow {
    /// Place in the order, from 0.
    pub(super) index: u16,
    /// What people read: the name, or the number while names are not shown.
    pub(super) name: String,
    /// Class.
    pub(super) class: String,
    /// Key of the words for where the line stands.
    pub(super) state: &'static str,
    /// Whether the pupil was reported absent.
    pub(super) absent: bool,
    /// Whether the pupil takes part.
    pub(super) takes_part: bool,
    pub(super) due: String,
}

struct Event {
    at: String,
    text: String,
    on_behalf: bool,
}

/// Names of an order's pupils, from confirmation on; the registry logs that they were read.
pub(super) async fn names(site: &Site, own: &Own, view: &OrderView) -> Result<BTreeMap<PupilId, PupilName>, Trouble> {
    if !rules::names_shown(view.order.state) {
        return Ok(BTreeMap::new());
    }
    let standing = view.order.lines.iter().filter(|line| rules::takes_part(line.state));
    let wallets: Vec<PupilId> = standing.map(|line| line.pupil).collect();
    Ok(site.registry.names_for_delivery(&own.acting.actor(), own.id, view.year, &wallets).await?)
}

/// The order's lines as people read them.
pub(super) fn lines(w: &Words, view: &OrderView, names: &BTreeMap<PupilId, PupilName>) -> Vec<LineRow> {
    let line = |(index, line): (u16, &keis_ledger::record::Line)| {
        let found = names.get(&line.pupil);
        let number = (usize::from(index) + 1).to_string();
        let name = match found {
            Some(found) if found.initial.is_empty() => found.given_name.clone(),
            Some(found) => format!("{} {}.", found.given_name, found.initial),
            None => w.with("provider-pupil-number", &[("number", &number)]),
        };
        LineRow {
            index,
            name,
            class: found.map(|found| found.class.clone()).unwrap_or_default(),
            state: line_state(line.state),
            absent: line.state == LineState::Absent,
            takes_part: rules::takes_part(line.state),
            due: line.due.total().map(|total| w.money(&total)).unwrap_or_default(),
        }
    };
    (0..).zip(&view.order.lines).map(line).collect()
}

/// What the signing page calls the order's lines.
pub(super) fn line_labels(id: OrderId, lines: &[LineRow]) -> Vec<(String, String)> {
    let label = |line: &LineRow| match line.class.as_str() {
        "" => line.name.clone(),
        class => format!("{}, {class}", line.name),
    };
    lines.iter().map(|line| (format!("{id}/{}", line.index), label(line))).collect()
}

fn line_state(state: LineState) -> &'static str {
    match state {
        LineState::Proposed | LineState::Booked => "provider-line-booked",
        LineState::Dropped => "provider-line-dropped",
        LineState::Attended => "provider-line-attended",
        LineState::Absent => "provider-line-absent",
        LineState::Reversed => "provider-line-reversed",
    }
}

fn events(w: &Words, receipts: &[Receipt]) -> Vec<Event> {
    let of_order = |receipt: &&Receipt| matches!(receipt.kind.topic(), Topic::Order | Topic::Statement);
    let told = |receipt: &Receipt| {
        let text = events::what(w, receipt.kind);
        Event { at: w.date_time(&receipt.time), text, on_behalf: receipt.on_behalf }
    };
    receipts.iter().filter(of_order).map(told).collect()
}

/// What happens next with an order, and by when.
fn next(w: &Words, view: &OrderView, now: Timestamp) -> String {
    let order = &view.order;
    let by = |key: &str, at: &Timestamp| w.with(key, &[("at", &w.date_time(at))]);
    match order.state {
        OrderState::Proposed => w.text("provider-next-proposed"),
        OrderState::Requested if now < order.deadline => by("provider-next-requested", &order.deadline),
        OrderState::Requested => w.text("provider-next-lapsing"),
        OrderState::Confirmed if now < order.end => by("provider-next-confirmed", &order.end),
        OrderState::Confirmed => w.text("provider-next-report"),
        OrderState::Delivered => by("provider-next-delivered", &order.deadline),
        OrderState::Attended | OrderState::AttendedAutomatically => w.text("provider-next-attended"),
        OrderState::Settled => w.text("provider-next-settled"),
        OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Reversed => w.text("provider-next-ended"),
        OrderState::Disputed => w.text("provider-next-disputed"),
    }
}

/// A waiting change in words.
fn change(site: &Site, call: &Call, lines: &[LineRow], waiting: &PendingChange) -> Vec<String> {
    let w = call.words();
    let named = |indices: &[u16]| {
        let names = indices.iter().filter_map(|index| lines.get(usize::from(*index))).map(|line| line.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    match &waiting.change {
        Change::Booking { session, drop, add } => {
            let mut told = Vec::new();
            if let Some(session) = session {
                let label = site.catalogue.label(*session, call.lang);
                told.push(w.with("provider-change-session", &[("session", &label)]));
            }
            if !drop.is_empty() {
                told.push(w.with("provider-change-drop", &[("names", &named(drop))]));
            }
            if !add.is_empty() {
                told.push(w.with("provider-change-add", &[("pupils", &w.count("count-pupils", add.len()))]));
            }
            told
        }
        Change::Attendance { absent } if absent.is_empty() => vec![w.text("provider-change-nobody-absent")],
        Change::Attendance { absent } => vec![w.with("provider-change-absent", &[("names", &named(absent))])],
    }
}

/// The order's waiting change in words, for who is about to sign an answer to it.
pub(super) async fn waiting(site: &Site, call: &Call, own: &Own, view: &OrderView) -> Result<Vec<String>, Trouble> {
    let Some(waiting) = &view.order.change else { return Ok(Vec::new()) };
    if let Change::Booking { session: Some(session), .. } = &waiting.change {
        site.catalogue.ensure(view.year, [*session]).await?;
    }
    let names = names(site, own, view).await?;
    Ok(change(site, call, &lines(call.words(), view, &names), waiting))
}

/// Sessions to which the order could move.
fn sessions(site: &Site, call: &Call, view: &OrderView, now: Timestamp) -> Vec<(String, String)> {
    let pupils = rules::pupils(&view.order);
    let all = site.catalogue.sessions_of(view.order.service, view.year).into_iter();
    let fits =
        all.filter(|one| one.id != view.order.session && one.takes_orders(now) && usize::from(one.free) >= pupils);
    fits.map(|one| (one.id.to_string(), site.catalogue.label(one.id, call.lang))).collect()
}

fn facts(w: &Words, view: &OrderView, row: &OrderRow) -> Vec<(String, String)> {
    let (order, due) = (&view.order, rules::due(&view.order));
    let fact = |key: &str, value: String| (w.text(key), value);
    let mut facts = vec![
        fact("provider-school", row.school.clone()),
        fact("provider-when", row.when.clone()),
        fact("provider-where", row.place.clone()),
        fact("provider-pupils", row.pupils.clone()),
        fact("provider-price", w.money(&order.price)),
        fact("provider-worth", row.worth.clone()),
        fact("provider-rule-free", w.date_time(&order.start.before(order.rules.free_cancel))),
        fact("provider-rule-late", terms::share(w, order.rules.late_share)),
    ];
    if !due.is_zero() {
        let told = [("state", w.money(&due.state)), ("school", w.money(&due.school))];
        let told = w.with("provider-earned-of", &told.each_ref().map(|(name, value)| (*name, value.as_str())));
        facts.push(fact("provider-due", told));
    }
    facts
}

pub(super) async fn order(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AnswerRequests).await?;
    let view = find_order(&site, &call, &own).await?;
    let (w, now) = (call.words(), site.now().await?);
    let row = rows(&site, call.lang, std::slice::from_ref(&view)).await?.pop().ok_or(Trouble::NotFound)?;
    if let Some(PendingChange { change: Change::Booking { session: Some(session), .. }, .. }) = &view.order.change {
        site.catalogue.ensure(view.year, [*session]).await?;
    }
    let names = names(&site, &own, &view).await?;
    let lines = lines(w, &view, &names);
    let receipts = site.client.order_history(view.year, view.id).await?.unwrap_or_default();
    let may = rules::may_with(&view, now);
    let held = w.money(&rules::worth(&view.order));
    let cancel_warning = w.with("provider-cancel-warning", &[("pupils", &row.pupils), ("money", &held)]);
    let f = call.frame(&site, Section::Requests, row.title.clone()).await?.with_scripts(INTENT);
    page(&OrderPage {
        f,
        id: view.id,
        tail: format!("?year={}", view.year),
        facts: facts(w, &view, &row),
        next: next(w, &view, now),
        change: view.order.change.as_ref().map(|waiting| change(&site, &call, &lines, waiting)).unwrap_or_default(),
        sessions: if may.change_time { sessions(&site, &call, &view, now) } else { Vec::new() },
        change_until: w.date_time(&view.order.start.before(view.order.rules.free_change)),
        cancel_warning,
        names: rules::names_shown(view.order.state),
        events: events(w, &receipts),
        dispute: dispute::look(w, &view, |line| lines[usize::from(line)].name.clone()),
        dispute_step: Step::of(&view, Side::Provider, now).map(|step| step.title()),
        may,
        lines,
        row,
    })
}
