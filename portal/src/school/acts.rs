//! Answers to a change that waits: accept, refuse, take back. And how changes are told in words.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::classifiers::Scope;
use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Change, OrderAction};
use keis_ledger::record::{LineState, Order};
use keis_registry::permission::Permission;

use super::look::{by_source, span};
use super::new_order::standing_labels;
use super::order::is_attendance;
use super::roll::{Names, wallets};
use super::rules::{self, Act, clash};
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, redirect};
use crate::frame::Flash;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// What somebody needs to answer a change.
pub(super) fn permission(change: &Change) -> Permission {
    if is_attendance(change) { Permission::TickAttendance } else { Permission::PlaceOrder }
}

/// Pupils that a waiting change would add.
pub(super) fn added(order: &Order) -> Vec<PupilId> {
    match order.change.as_ref().map(|waiting| &waiting.change) {
        Some(Change::Booking { add, .. }) => add.clone(),
        Some(Change::Attendance { .. }) | None => Vec::new(),
    }
}

fn dropped(order: &Order) -> Vec<u16> {
    match order.change.as_ref().map(|waiting| &waiting.change) {
        Some(Change::Booking { drop, .. }) => drop.clone(),
        Some(Change::Attendance { .. }) | None => Vec::new(),
    }
}

/// The change that waits, in sentences.
pub(super) async fn in_words(
    site: &Arc<Site>,
    w: &Words,
    found: &Standing,
    names: &Names,
) -> Result<Vec<String>, Trouble> {
    let order = &found.view.order;
    let line = |index: &u16| order.lines.get(usize::from(*index)).map(|line| names.label(w, &line.pupil));
    let join = |all: Vec<String>| all.join("; ");
    let mut said = Vec::new();
    match order.change.as_ref().map(|waiting| &waiting.change) {
        Some(Change::Booking { session, drop, add }) => {
            if let Some(session) = session.filter(|session| *session != order.session)
                && let Some((entry, _)) = site.catalogue.find_session(found.view.year, session).await?
            {
                said.push(w.with(
                    "school-change-time",
                    &[
                        ("to", &span(w, entry.start, entry.end)),
                        ("from", &span(w, order.start, order.end)),
                        ("place", &crate::catalogue::names::place(w, entry.place)),
                    ],
                ));
            }
            if !drop.is_empty() {
                said.push(w.with1("school-change-drop", "who", &join(drop.iter().filter_map(line).collect())));
            }
            if !add.is_empty() {
                let who = add.iter().map(|pupil| names.label(w, pupil)).collect();
                said.push(w.with1("school-change-add", "who", &join(who)));
            }
        }
        Some(Change::Attendance { absent }) if absent.is_empty() => said.push(w.text("school-change-all-there")),
        Some(Change::Attendance { absent }) => {
            said.push(w.with1("school-change-absent", "who", &join(absent.iter().filter_map(line).collect())));
            let sum = rules::amendment(order, absent);
            said.push(w.with1("school-change-cost", "sum", &w.money(&sum)));
        }
        None => {}
    }
    Ok(said)
}

/// What would keep the ledger from taking the change, or what it costs.
pub(super) async fn warnings(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    found: &Standing,
    names: &Names,
) -> Result<Vec<String>, Trouble> {
    let order = &found.view.order;
    let Some(Change::Booking { session, drop, add }) = order.change.as_ref().map(|waiting| &waiting.change) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    let wallets = wallets(site, desk).await?;
    let (mut start, mut end) = (order.start, order.end);
    if let Some(session) = session.filter(|session| *session != order.session)
        && let Some((entry, _)) = site.catalogue.find_session(found.view.year, session).await?
    {
        (start, end) = (entry.start, entry.end);
        if !entry.open || desk.now >= entry.start {
            all.push(w.text("school-warn-session-gone"));
        }
    }
    let staying = (0..)
        .zip(&order.lines)
        .filter(|(index, line): &(u16, _)| line.state == LineState::Booked && !drop.contains(index));
    let pupils = staying.map(|(_, line)| line.pupil).chain(add.iter().copied());
    let busy = |pupil: &PupilId| {
        let bookings = wallets.get(pupil).map(|wallet| wallet.bookings.as_slice()).unwrap_or_default();
        clash(bookings, Some(found.view.id), start, end).is_some()
    };
    let busy: Vec<String> = pupils.filter(busy).map(|pupil| names.label(w, &pupil)).collect();
    if !busy.is_empty() {
        all.push(w.with1("school-warn-busy", "who", &busy.join("; ")));
    }
    all.extend(adding(w, order, &wallets.iter().map(|(id, wallet)| (*id, wallet.balance)).collect(), add));
    Ok(all)
}

/// What pupils who join cost, and what is lacking.
pub(super) fn adding(w: &Words, order: &Order, balances: &BTreeMap<PupilId, Cents>, add: &[PupilId]) -> Vec<String> {
    if add.is_empty() {
        return Vec::new();
    }
    let balances: Vec<Cents> = add.iter().map(|pupil| balances.get(pupil).copied().unwrap_or(Cents::ZERO)).collect();
    let (cost, lacking) = rules::refill(order, &dropped(order), &balances);
    let mut all = vec![w.with1("school-warn-adding", "sum", &by_source(w, &cost))];
    if !lacking.is_zero() {
        all.push(w.with1("school-warn-lacking", "sum", &w.money(&lacking)));
    }
    all
}

/// Sends somebody back to the order when something can no longer be done.
pub(super) async fn too_late(call: &Call, found: &Standing) -> Answer {
    call.flash(Flash::bad(call.words().text("school-no-longer"))).await?;
    redirect(&order_path(found.view.id))
}

/// Whether something can be done with an order now.
pub(super) fn can(desk: &Desk, found: &Standing, act: Act) -> bool {
    found.possible(desk.now).iter().any(|one| one.act == act)
}

pub(super) async fn answer(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let (act, action, title) = match call.form.get("step") {
        Some("accept") => (Act::AcceptChange, OrderAction::AcceptChange, "school-sign-accept"),
        Some("refuse") => (Act::RefuseChange, OrderAction::DropChange, "school-sign-refuse"),
        Some("take-back") => (Act::DropChange, OrderAction::DropChange, "school-sign-take-back"),
        _ => return Err(Trouble::Malformed("trouble-field")),
    };
    let Some(waiting) = found.view.order.change.clone().filter(|_| can(&desk, &found, act)) else {
        return too_late(&call, &found).await;
    };
    if !desk.may(permission(&waiting.change)) {
        return Err(Trouble::Forbidden);
    }
    let w = call.words();
    site.catalogue.ensure(found.view.year, [found.view.order.session]).await?;
    let mut pupils: Vec<PupilId> = found.view.order.lines.iter().map(|line| line.pupil).collect();
    pupils.extend(added(&found.view.order));
    let names = Names::of(&site, &desk, found.view.year, &pupils).await?;
    let mut said = in_words(&site, w, &found, &names).await?;
    if act == Act::AcceptChange {
        said.extend(warnings(&site, w, &desk, &found, &names).await?);
    }
    let signing = Signing {
        title: w.text(title),
        operations: vec![found.act(action)],
        labels: standing_labels(&site, call.lang, &found.view, &names),
        scope: if is_attendance(&waiting.change) { Scope::Attendance } else { Scope::Order },
        next: order_path(found.view.id),
        warnings: said,
    };
    sign(&site, &call, &desk, signing).await
}
