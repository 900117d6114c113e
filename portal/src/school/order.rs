//! One order: where it stands, what can be done until when, its pupils and what happened to it. And its printed list.

mod history;

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::OrderId;
use keis_ledger::operation::{Change, Party};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{LineState, Order, OrderState, Side, YearState};
use keis_registry::permission::Permission;

use super::look::{self, SessionLook, by_source, deadline, line_money, order_money, standing, worth};
use super::roll::{ClassKey, Names};
use super::rules::{self, Act, Possible};
use super::{Desk, Standing, acts, order_path, rating};
use crate::call::{Answer, Call, page};
use crate::dispute::{self, DisputeLook, Step};
use crate::frame::{Frame, Section};
use crate::order_state;
use crate::site::Site;
use crate::words::Words;
use history::Event;

#[derive(Template)]
#[template(path = "school/order.html")]
struct OrderPage {
    f: Frame,
    id: OrderId,
    short: String,
    look: SessionLook,
    state: String,
    state_class: &'static str,
    next: String,
    facts: Vec<(String, String)>,
    change: Option<ChangeLook>,
    actions: Vec<Action>,
    told: Option<String>,
    lines: Vec<LineRow>,
    total: String,
    prints: bool,
    events: Vec<Event>,
    warning: Option<String>,
    dispute: Option<DisputeLook>,
}

/// A change that waits, and what can be done about it.
struct ChangeLook {
    by: String,
    what: Vec<String>,
    warnings: Vec<String>,
    accept: Option<String>,
    refuse: bool,
    take_back: bool,
}

/// Something that can be done, with its page.
struct Action {
    label: String,
    href: String,
    until: String,
    first: bool,
}

struct LineRow {
    name: String,
    class: String,
    state: String,
    money: String,
}

pub(super) async fn order(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let (w, id, order) = (call.words(), found.view.id, &found.view.order);
    let look = SessionLook::of(&site, call.lang, found.view.year, order).await?;
    let title = format!("{}, {}", look.title, w.date_time(&order.start));
    let f = call.frame(&site, Section::Orders, title).await?.with_scripts(&["page.js"]);
    let mut pupils: Vec<_> = order.lines.iter().map(|line| line.pupil).collect();
    pupils.extend(acts::added(order));
    let names = Names::of(&site, &desk, found.view.year, &pupils).await?;
    let possible = found.possible(desk.now);
    let state = if rules::is_over(order, desk.now) { OrderState::Lapsed } else { order.state };
    let receipts = site.client.order_history(found.view.year, id).await?.unwrap_or_default();
    let shown = OrderPage {
        short: look::short(id),
        id,
        look,
        state: order_state::words(w, state),
        state_class: look::state_class(state),
        next: next(w, &desk, &found, state),
        facts: facts(w, &desk, &found),
        change: change(&site, w, &desk, &found, &names, &possible).await?,
        actions: actions(w, &desk, id, &possible).into_iter().chain(afterwards(w, &desk, &found, &receipts)).collect(),
        told: told(w, &desk, &possible),
        lines: lines(w, order, &names),
        total: money(w, order),
        prints: takes_place(order),
        events: history::events(w, &receipts),
        dispute: dispute::look(w, &found.view, |line| names.label(w, &order.lines[usize::from(line)].pupil)),
        warning: (found.state == YearState::Ended).then(|| w.text("school-warn-ended")),
        f,
    };
    page(&shown)
}

/// What the order comes to: by source once money is set aside.
fn money(w: &Words, order: &Order) -> String {
    if order.state == OrderState::Proposed { w.money(&worth(order)) } else { by_source(w, &order_money(order)) }
}

/// What happens next, who must do it, until when.
fn next(w: &Words, desk: &Desk, found: &Standing, state: OrderState) -> String {
    let order = &found.view.order;
    let at = |until| deadline(w, desk.now, until);
    let report_by = found.unreported();
    let (key, until) = match state {
        OrderState::Proposed => ("school-next-proposed", at(order.deadline)),
        OrderState::Requested => ("school-next-requested", at(order.deadline)),
        OrderState::Confirmed if desk.now < order.start => ("school-next-confirmed", at(order.start)),
        OrderState::Confirmed if desk.now < report_by => ("school-next-report", at(report_by)),
        OrderState::Confirmed => ("school-next-unreported", at(report_by)),
        OrderState::Delivered if desk.now < order.deadline => ("school-next-delivered", at(order.deadline)),
        OrderState::Delivered => ("school-next-automatic", at(order.deadline)),
        OrderState::Attended | OrderState::AttendedAutomatically if dispute::is_decided(&found.view) => {
            ("school-next-decided", String::new())
        }
        OrderState::Attended | OrderState::AttendedAutomatically => ("school-next-attended", String::new()),
        OrderState::Settled => ("school-next-settled", String::new()),
        OrderState::Declined => ("school-next-declined", String::new()),
        OrderState::Lapsed => ("school-next-lapsed", String::new()),
        OrderState::CancelledFree => ("school-next-cancelled", String::new()),
        OrderState::CancelledLate => ("school-next-cancelled-late", String::new()),
        OrderState::CancelledByProvider => ("school-next-cancelled-provider", String::new()),
        OrderState::CancelledForceMajeure => ("school-next-cancelled-force-majeure", String::new()),
        OrderState::Disputed => ("school-next-disputed", String::new()),
        OrderState::Reversed => ("school-next-reversed", String::new()),
    };
    w.with1(key, "until", &until)
}

/// Whether anybody takes part or took part.
fn takes_place(order: &Order) -> bool {
    standing(order) > 0
}

fn facts(w: &Words, desk: &Desk, found: &Standing) -> Vec<(String, String)> {
    let order = &found.view.order;
    // Nobody takes part in an order that was declined; how many it was for is still worth knowing.
    let pupils = if takes_place(order) { standing(order) } else { order.lines.len() };
    let mut all = vec![
        (w.text("school-fact-pupils"), w.count("count-pupils", pupils)),
        (w.text("school-fact-price"), w.money(&order.price)),
        (w.text("school-fact-money"), money(w, order)),
    ];
    if !order.school_money.is_zero() {
        all.push((w.text("school-fact-school-money"), w.money(&order.school_money)));
    }
    if order.state == OrderState::Confirmed && desk.now < order.start {
        all.push((w.text("school-fact-cancel"), deadline(w, desk.now, rules::late_from(order))));
        let share = w.money(&order.price.share(order.rules.late_share));
        all.push((w.text("school-fact-late-share"), w.with1("school-a-pupil", "sum", &share)));
    }
    if matches!(order.orderer, Party::Pupil(..)) {
        all.push((w.text("school-fact-orderer"), w.text("school-orderer-pupil")));
    }
    all
}

async fn change(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    found: &Standing,
    names: &Names,
    possible: &[Possible],
) -> Result<Option<ChangeLook>, crate::trouble::Trouble> {
    let Some(waiting) = &found.view.order.change else { return Ok(None) };
    let may = desk.may(acts::permission(&waiting.change));
    let can = |act: Act| possible.iter().find(|one| one.act == act).filter(|_| may);
    let by = match waiting.by {
        Side::Orderer => "school-change-own",
        Side::Provider => "school-change-provider",
    };
    let accept = can(Act::AcceptChange).map(|one| one.until.map(|until| deadline(w, desk.now, until)));
    Ok(Some(ChangeLook {
        by: w.text(by),
        what: acts::in_words(site, w, found, names).await?,
        warnings: acts::warnings(site, w, desk, found, names).await?,
        accept: accept.map(Option::unwrap_or_default),
        refuse: can(Act::RefuseChange).is_some(),
        take_back: can(Act::DropChange).is_some(),
    }))
}

/// The pages on which something can be done; answering a change is done on this page.
fn actions(w: &Words, desk: &Desk, id: OrderId, possible: &[Possible]) -> Vec<Action> {
    let mut all = Vec::new();
    for one in possible {
        let path = order_path(id);
        let (label, href, permission) = match one.act {
            Act::TakeUp => ("school-act-take-up", format!("/school/orders/new?order={id}"), Permission::PlaceOrder),
            Act::ProposeChange => ("school-act-change", format!("{path}/change"), Permission::PlaceOrder),
            Act::Swap => ("school-act-pupils", format!("{path}/pupils"), Permission::PlaceOrder),
            Act::ConfirmAttendance => {
                ("school-act-attendance", format!("{path}/attendance"), Permission::TickAttendance)
            }
            Act::AmendAttendance => ("school-act-amend", format!("{path}/attendance"), Permission::TickAttendance),
            Act::Cancel => ("school-act-cancel", format!("{path}/cancel"), Permission::PlaceOrder),
            // Dropping is on the page of swapping; answers are buttons beside the change.
            Act::DropLines | Act::AcceptChange | Act::RefuseChange | Act::DropChange => continue,
        };
        if desk.may(permission) {
            let until = one.until.map_or_else(String::new, |until| deadline(w, desk.now, until));
            let first = matches!(one.act, Act::TakeUp | Act::ConfirmAttendance);
            all.push(Action { label: w.text(label), href, until, first });
        }
    }
    all
}

/// What a school may say of an order once it took place: that it is wrong, and how it was.
fn afterwards(w: &Words, desk: &Desk, found: &Standing, receipts: &[Receipt]) -> Vec<Action> {
    let path = order_path(found.view.id);
    let way = |key: &str, part: &str, first: bool| Action {
        label: w.text(key),
        href: format!("{path}/{part}"),
        until: String::new(),
        first,
    };
    let rates = rating::may(desk, found, receipts).then(|| way("rating-title", "rate", true));
    let disputes = super::dispute::step(desk, found).filter(|_| desk.may(Permission::PlaceOrder));
    rates.into_iter().chain(disputes.map(|step: Step| way(step.title(), "dispute", false))).collect()
}

/// Who is told that somebody else at the school must act.
fn told(w: &Words, desk: &Desk, possible: &[Possible]) -> Option<String> {
    let ordering = possible
        .iter()
        .any(|one| matches!(one.act, Act::TakeUp | Act::ProposeChange | Act::Swap | Act::DropLines | Act::Cancel));
    (ordering && !desk.may(Permission::PlaceOrder)).then(|| w.text("school-told-coordinator"))
}

/// Key of a line's state in words.
pub(super) fn line_key(state: LineState) -> &'static str {
    match state {
        LineState::Proposed => "school-line-proposed",
        LineState::Booked => "school-line-booked",
        LineState::Dropped => "school-line-dropped",
        LineState::Attended => "school-line-attended",
        LineState::Absent => "school-line-absent",
        LineState::Reversed => "school-line-reversed",
    }
}

fn lines(w: &Words, order: &Order, names: &Names) -> Vec<LineRow> {
    let row = |index: u16| {
        let line = &order.lines[usize::from(index)];
        let card = names.card(&line.pupil);
        LineRow {
            name: card.map_or_else(
                || w.text("school-pupil-unknown"),
                |card| format!("{} {}", card.family_name, card.given_name),
            ),
            class: card.map_or_else(String::new, |card| ClassKey::of(card).label(w)),
            state: w.text(line_key(line.state)),
            money: by_source(w, &line_money(line)),
        }
    };
    names.in_order(w, order).into_iter().map(row).collect()
}

#[derive(Template)]
#[template(path = "school/print.html")]
struct PrintPage {
    f: Frame,
    id: OrderId,
    short: String,
    school: String,
    look: SessionLook,
    state: String,
    lines: Vec<LineRow>,
}

/// The class list and attendance sheet, to print.
pub(super) async fn print(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let f = call.frame(&site, Section::Orders, call.words().text("school-print-title")).await?;
    let f = f.with_scripts(&["page.js"]);
    let order = &found.view.order;
    let names = Names::of_order(&site, &desk, found.view.year, order).await?;
    let mut taking_part = order.clone();
    taking_part.lines.retain(|line| line.state != LineState::Dropped);
    let shown = PrintPage {
        id: found.view.id,
        short: look::short(found.view.id),
        school: site.registry.school(desk.school).await?.map(|school| school.name).unwrap_or_default(),
        look: SessionLook::of(&site, call.lang, found.view.year, order).await?,
        state: order_state::words(f.w, order.state),
        lines: lines(f.w, &taking_part, &names),
        f,
    };
    page(&shown)
}

/// Whether a change concerns attendance.
pub(super) fn is_attendance(change: &Change) -> bool {
    match change {
        Change::Booking { .. } => false,
        Change::Attendance { .. } => true,
    }
}
