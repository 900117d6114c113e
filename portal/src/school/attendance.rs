//! Who was there: confirmed by ticking names, and amended until a statement names the order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{OrderId, PupilId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Change, MAX_PUPILS, OrderAction};
use keis_ledger::record::{LineState, Order, OrderState};
use keis_registry::permission::Permission;
use keis_wallet::client::PupilWallet;
use warp::http::StatusCode;

use super::acts::{can, too_late};
use super::change::{ClassOption, Tick, candidates, class_options, wanted};
use super::look::{SessionLook, by_source, deadline, order_label};
use super::new_order::standing_labels;
use super::roll::{self, ClassKey, Names};
use super::rules::{self, Act};
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "school/attendance.html")]
struct AttendancePage {
    f: Frame,
    id: OrderId,
    label: String,
    look: SessionLook,
    amends: bool,
    until: String,
    lines: Vec<Tick>,
    classes: Vec<ClassOption>,
    candidates: Vec<Tick>,
    cost: Vec<String>,
    error: Option<String>,
}

/// What was ticked.
struct Ticked {
    absent: Vec<u16>,
    added: BTreeSet<PupilId>,
}

impl Ticked {
    /// As the provider reported it, or as it was confirmed.
    fn as_it_stands(order: &Order) -> Self {
        let lines = (0..).zip(&order.lines);
        let absent = lines.filter(|(_, line)| line.state == LineState::Absent).map(|(index, _)| index).collect();
        Self { absent, added: BTreeSet::new() }
    }

    fn of(call: &Call, order: &Order) -> Result<Self, Trouble> {
        let present: BTreeSet<u16> = call.form.each("present")?.into_iter().collect();
        let lines = (0..).zip(&order.lines);
        let standing = lines.filter(|(_, line)| line.state != LineState::Dropped).map(|(index, _)| index);
        let absent = standing.filter(|index| !present.contains(index)).collect();
        Ok(Self { absent, added: call.form.each("added")?.into_iter().collect() })
    }
}

/// Which of the two the page is for; none when neither is possible now.
fn act(desk: &Desk, found: &Standing) -> Option<Act> {
    [Act::ConfirmAttendance, Act::AmendAttendance].into_iter().find(|act| can(desk, found, *act))
}

async fn not_now(call: &Call, found: &Standing) -> Answer {
    if matches!(found.view.order.state, OrderState::Requested | OrderState::Confirmed) {
        call.flash(Flash::bad(call.words().text("school-attendance-not-yet"))).await?;
        return redirect(&order_path(found.view.id));
    }
    too_late(call, found).await
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::TickAttendance).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let Some(act) = act(&desk, &found) else { return not_now(&call, &found).await };
    let ticked = Ticked::as_it_stands(&found.view.order);
    let class = call.query.get("class").and_then(|text| text.parse().ok());
    show(&site, &call, &desk, &found, act, &ticked, class, None).await
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::TickAttendance).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let Some(act) = act(&desk, &found) else { return not_now(&call, &found).await };
    let ticked = Ticked::of(&call, &found.view.order)?;
    let class: Option<ClassKey> = call.form.get("class").and_then(|text| text.parse().ok());
    if call.form.get("step") != Some("sign") {
        return show(&site, &call, &desk, &found, act, &ticked, class, None).await;
    }
    let wallets = roll::wallets(&site, &desk).await?;
    if let Some(fault) = fault(&site, call.words(), &found, &ticked, &wallets) {
        return show(&site, &call, &desk, &found, act, &ticked, class, Some(fault)).await;
    }
    ask(&site, &call, &desk, &found, act, ticked, &wallets).await
}

#[expect(clippy::too_many_arguments, reason = "the page with all that somebody has ticked on it so far")]
async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    found: &Standing,
    act: Act,
    ticked: &Ticked,
    class: Option<ClassKey>,
    error: Option<String>,
) -> Answer {
    let order = &found.view.order;
    let amends = act == Act::AmendAttendance;
    let title = if amends { "school-amend-title" } else { "school-attendance-title" };
    let f = call.frame(site, Section::Orders, call.words().text(title)).await?;
    let f = f.with_scripts(&["page.js"]);
    let look = SessionLook::of(site, call.lang, found.view.year, order).await?;
    let names = Names::of_order(site, desk, found.view.year, order).await?;
    let standing = |index: &u16| order.lines[usize::from(*index)].state != LineState::Dropped;
    let tick = |index: u16| {
        let line = &order.lines[usize::from(index)];
        Tick {
            value: index.to_string(),
            label: names.label(f.w, &line.pupil),
            note: f.w.text(super::order::line_key(line.state)),
            ticked: !ticked.absent.contains(&index),
            enabled: true,
        }
    };
    let lines = names.in_order(f.w, order).into_iter().filter(standing).map(tick).collect();
    let wallets = roll::wallets(site, desk).await?;
    let (classes, beside) = if amends {
        (Vec::new(), Vec::new())
    } else {
        let wanted = wanted(site, desk, found).await?;
        let beside = candidates(site, f.w, desk, &wallets, class.as_ref(), &wanted, &ticked.added).await?;
        (class_options(site, f.w, desk, class.as_ref()).await?, beside)
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = AttendancePage {
        id: found.view.id,
        label: order_label(site, call.lang, found.view.id, order.session),
        look,
        amends,
        until: if amends { String::new() } else { deadline(f.w, desk.now, order.deadline) },
        lines,
        classes,
        candidates: beside,
        cost: cost(f.w, order, amends, ticked, &wallets),
        error,
        f,
    };
    page_with(status, &shown)
}

fn balances(ticked: &Ticked, wallets: &BTreeMap<PupilId, PupilWallet>) -> Vec<Cents> {
    let balance = |pupil: &PupilId| wallets.get(pupil).map_or(Cents::ZERO, |wallet| wallet.balance);
    ticked.added.iter().map(balance).collect()
}

/// What this attendance comes to.
fn cost(
    w: &Words,
    order: &Order,
    amends: bool,
    ticked: &Ticked,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> Vec<String> {
    let absent = ticked.absent.len();
    let sum = if amends {
        w.money(&rules::amendment(order, &ticked.absent))
    } else {
        by_source(w, &rules::attendance(order, &ticked.absent, &balances(ticked, wallets)))
    };
    let mut said = vec![w.with1("school-attendance-cost", "sum", &sum)];
    if absent > 0 {
        let share = w.money(&order.price.share(order.rules.absence_share));
        said.push(
            w.with("school-attendance-absent", &[("absent", &w.count("count-pupils", absent)), ("share", &share)]),
        );
    }
    said
}

/// What keeps an attendance from being confirmed.
fn fault(
    site: &Arc<Site>,
    w: &Words,
    found: &Standing,
    ticked: &Ticked,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> Option<String> {
    let order = &found.view.order;
    if ticked.added.is_empty() {
        return None;
    }
    if !ticked.added.iter().all(|pupil| wallets.contains_key(pupil)) {
        return Some(w.text("school-fault-line-gone"));
    }
    if order.lines.len() + ticked.added.len() > MAX_PUPILS {
        return Some(w.text("school-fault-too-many-lines"));
    }
    let free = site.catalogue.session(order.session).map(|session| session.free);
    if let Some(free) = free.filter(|free| ticked.added.len() > usize::from(*free)) {
        return Some(w.count("school-fault-full", free));
    }
    let (_, lacking) = rules::refill(order, &[], &balances(ticked, wallets));
    (!lacking.is_zero()).then(|| w.with1("school-warn-lacking", "sum", &w.money(&lacking)))
}

async fn ask(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    found: &Standing,
    act: Act,
    ticked: Ticked,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> Answer {
    let (w, order) = (call.words(), &found.view.order);
    let mut pupils: Vec<PupilId> = order.lines.iter().map(|line| line.pupil).collect();
    pupils.extend(&ticked.added);
    let names = Names::of(site, desk, found.view.year, &pupils).await?;
    site.catalogue.ensure(found.view.year, [order.session]).await?;
    let mut labels = standing_labels(site, call.lang, &found.view, &names);
    labels.extend(ticked.added.iter().map(|pupil| (pupil.to_string(), names.label(w, pupil))));
    let amends = act == Act::AmendAttendance;
    let warnings = cost(w, order, amends, &ticked, wallets);
    let Ticked { absent, added } = ticked;
    let (action, title) = if amends {
        (OrderAction::ProposeChange(Change::Attendance { absent }), "school-amend-title")
    } else {
        (OrderAction::ConfirmAttendance { absent, added: added.into_iter().collect() }, "school-attendance-title")
    };
    let signing = Signing {
        title: w.text(title),
        operations: vec![found.act(action)],
        labels,
        scope: Scope::Attendance,
        next: order_path(found.view.id),
        warnings,
    };
    sign(site, call, desk, signing).await
}
