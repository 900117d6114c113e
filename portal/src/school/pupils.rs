//! Other pupils in an order's places, or fewer: what the school changes alone until the start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{OrderId, PupilId};
use keis_ledger::money::Cents;
use keis_ledger::operation::OrderAction;
use keis_ledger::record::{LineState, Order};
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
use crate::call::{Answer, Call, Fields, page_with};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "school/pupils.html")]
struct PupilsPage {
    f: Frame,
    id: OrderId,
    label: String,
    look: SessionLook,
    free_until: String,
    step: Step,
    lines: Vec<Tick>,
    classes: Vec<ClassOption>,
    swaps: Vec<SwapRow>,
    dropped: Vec<Tick>,
    cost: String,
    error: Option<String>,
}

/// Where somebody is on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Choosing whose places are concerned.
    Choose,
    /// Choosing who comes instead.
    Swap,
    /// Seeing what dropping costs.
    Drop,
}

/// A place with who may take it.
struct SwapRow {
    line: u16,
    label: String,
    options: Vec<Tick>,
}

fn step_of(fields: &Fields) -> Step {
    match fields.get("step") {
        Some("swap") => Step::Swap,
        Some("drop") => Step::Drop,
        _ => Step::Choose,
    }
}

fn booked(order: &Order, index: u16) -> bool {
    order.lines.get(usize::from(index)).is_some_and(|line| line.state == LineState::Booked)
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if !can(&desk, &found, Act::Swap) {
        return too_late(&call, &found).await;
    }
    let lines: BTreeSet<u16> = call.query.each("line")?.into_iter().collect();
    let step = step_of(&call.query);
    let error = (step != Step::Choose && lines.is_empty()).then(|| call.words().text("school-none-chosen"));
    let step = if lines.is_empty() { Step::Choose } else { step };
    show(&site, &call, &desk, &found, step, &lines, &BTreeMap::new(), error).await
}

#[expect(clippy::too_many_arguments, reason = "the page with all that somebody has chosen on it so far")]
async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    found: &Standing,
    step: Step,
    chosen: &BTreeSet<u16>,
    swaps: &BTreeMap<u16, PupilId>,
    error: Option<String>,
) -> Answer {
    let order = &found.view.order;
    let f = call.frame(site, Section::Orders, call.words().text("school-pupils-title")).await?;
    let f = f.with_scripts(&["page.js"]);
    let look = SessionLook::of(site, call.lang, found.view.year, order).await?;
    let names = Names::of_order(site, desk, found.view.year, order).await?;
    let all = names.in_order(f.w, order).into_iter().filter(|index| booked(order, *index));
    let tick = |index: u16| Tick {
        value: index.to_string(),
        label: names.label(f.w, &order.lines[usize::from(index)].pupil),
        note: String::new(),
        ticked: chosen.contains(&index),
        enabled: true,
    };
    let lines: Vec<Tick> = all.map(tick).collect();
    let class: Option<ClassKey> = call.query.get("class").or(call.form.get("class")).and_then(|text| text.parse().ok());
    let chosen_lines: Vec<u16> = chosen.iter().copied().filter(|index| booked(order, *index)).collect();
    let rows = match step {
        Step::Swap => swap_rows(site, f.w, desk, found, &names, &chosen_lines, class.as_ref(), swaps).await?,
        Step::Choose | Step::Drop => Vec::new(),
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = PupilsPage {
        id: found.view.id,
        label: order_label(site, call.lang, found.view.id, order.session),
        look,
        free_until: deadline(f.w, desk.now, rules::late_from(order)),
        step,
        classes: class_options(site, f.w, desk, class.as_ref()).await?,
        swaps: rows,
        dropped: chosen_lines.iter().map(|index| tick(*index)).collect(),
        cost: drop_words(f.w, desk, order, &chosen_lines),
        lines,
        error,
        f,
    };
    page_with(status, &shown)
}

/// Who may come instead: pupils of the same classes, and of a class that was chosen.
#[expect(clippy::too_many_arguments, reason = "all that decides who may take a place")]
async fn swap_rows(
    site: &Arc<Site>,
    w: &Words,
    desk: &Desk,
    found: &Standing,
    names: &Names,
    lines: &[u16],
    class: Option<&ClassKey>,
    swaps: &BTreeMap<u16, PupilId>,
) -> Result<Vec<SwapRow>, Trouble> {
    let order = &found.view.order;
    let pupil = |index: &u16| order.lines[usize::from(*index)].pupil;
    let mut classes: BTreeSet<ClassKey> =
        lines.iter().filter_map(|index| names.card(&pupil(index))).map(ClassKey::of).collect();
    classes.extend(class.cloned());
    let wallets = roll::wallets(site, desk).await?;
    let wanted = wanted(site, desk, found).await?;
    let mut free: Vec<(String, String)> = Vec::new();
    for class in &classes {
        let of_class = candidates(site, w, desk, &wallets, Some(class), &wanted, &BTreeSet::new()).await?;
        free.extend(of_class.into_iter().filter(|tick| tick.enabled).map(|tick| (tick.value, tick.label)));
    }
    let row = |index: &u16| SwapRow {
        line: *index,
        label: names.label(w, &pupil(index)),
        options: free
            .iter()
            .map(|(id, label)| Tick {
                value: format!("{index}:{id}"),
                label: label.clone(),
                note: String::new(),
                ticked: swaps.get(index).is_some_and(|pupil| pupil.to_string() == *id),
                enabled: true,
            })
            .collect(),
    };
    Ok(lines.iter().map(row).collect())
}

/// What dropping these comes to.
fn drop_words(w: &Words, desk: &Desk, order: &Order, lines: &[u16]) -> String {
    let cost = rules::drop_cost(order, lines, desk.now);
    if cost.is_zero() {
        return w.text("school-drop-free");
    }
    let share = w.money(&order.price.share(order.rules.late_share));
    w.with("school-drop-late", &[("each", &share), ("total", &by_source(w, &cost))])
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    match step_of(&call.form) {
        Step::Swap if can(&desk, &found, Act::Swap) => swap(&site, &call, &desk, &found).await,
        Step::Drop if can(&desk, &found, Act::DropLines) => drop_lines(&site, &call, &desk, &found).await,
        Step::Choose => Err(Trouble::Malformed("trouble-field")),
        Step::Swap | Step::Drop => too_late(&call, &found).await,
    }
}

async fn drop_lines(site: &Arc<Site>, call: &Call, desk: &Desk, found: &Standing) -> Answer {
    let (w, order) = (call.words(), &found.view.order);
    let lines: BTreeSet<u16> = call.form.each("line")?.into_iter().collect();
    let standing = order.lines.iter().filter(|line| line.state == LineState::Booked).count();
    let fault = if lines.is_empty() {
        Some("school-none-chosen")
    } else if !lines.iter().all(|line| booked(order, *line)) {
        Some("school-fault-line-gone")
    } else {
        (lines.len() == standing).then_some("school-fault-nobody-left")
    };
    if let Some(fault) = fault {
        return show(site, call, desk, found, Step::Choose, &lines, &BTreeMap::new(), Some(w.text(fault))).await;
    }
    let lines: Vec<u16> = lines.into_iter().collect();
    let names = Names::of_order(site, desk, found.view.year, order).await?;
    site.catalogue.ensure(found.view.year, [order.session]).await?;
    let signing = Signing {
        title: w.text("school-sign-drop"),
        warnings: vec![drop_words(w, desk, order, &lines)],
        operations: vec![found.act(OrderAction::DropLines { lines })],
        labels: standing_labels(site, call.lang, &found.view, &names),
        scope: Scope::Order,
        next: order_path(found.view.id),
    };
    sign(site, call, desk, signing).await
}

/// `3:pup_…`: a line and who comes into it.
fn parse_swap(text: &str) -> Option<(u16, PupilId)> {
    let (line, pupil) = text.split_once(':')?;
    Some((line.parse().ok()?, pupil.parse().ok()?))
}

async fn swap(site: &Arc<Site>, call: &Call, desk: &Desk, found: &Standing) -> Answer {
    let (w, order) = (call.words(), &found.view.order);
    let given = call.form.all("swap").filter(|text| !text.is_empty());
    let given: Option<Vec<(u16, PupilId)>> = given.map(parse_swap).collect();
    let given = given.ok_or(Trouble::Malformed("trouble-field"))?;
    let swaps: BTreeMap<u16, PupilId> = given.iter().copied().collect();
    let wallets = roll::wallets(site, desk).await?;
    let fault = swap_fault(w, order, &given, &swaps, &wallets);
    if let Some(fault) = fault {
        let mut lines: BTreeSet<u16> = call.form.each("line")?.into_iter().collect();
        lines.extend(swaps.keys());
        return show(site, call, desk, found, Step::Swap, &lines, &swaps, Some(fault)).await;
    }
    let mut pupils: Vec<PupilId> = order.lines.iter().map(|line| line.pupil).collect();
    pupils.extend(swaps.values());
    let names = Names::of(site, desk, found.view.year, &pupils).await?;
    site.catalogue.ensure(found.view.year, [order.session]).await?;
    let mut labels = standing_labels(site, call.lang, &found.view, &names);
    labels.extend(swaps.values().map(|pupil| (pupil.to_string(), names.label(w, pupil))));
    let (cost, _) = refill(order, &swaps, &wallets);
    let signing = Signing {
        title: w.text("school-sign-swap"),
        operations: vec![found.act(OrderAction::Swap { lines: swaps.into_iter().collect() })],
        labels,
        scope: Scope::Order,
        next: order_path(found.view.id),
        warnings: vec![w.with1("school-warn-adding", "sum", &by_source(w, &cost))],
    };
    sign(site, call, desk, signing).await
}

fn refill(
    order: &Order,
    swaps: &BTreeMap<u16, PupilId>,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> (keis_ledger::money::Amounts, Cents) {
    let freed: Vec<u16> = swaps.keys().copied().collect();
    let balance = |pupil: &PupilId| wallets.get(pupil).map_or(Cents::ZERO, |wallet| wallet.balance);
    let balances: Vec<Cents> = swaps.values().map(balance).collect();
    rules::refill(order, &freed, &balances)
}

fn swap_fault(
    w: &Words,
    order: &Order,
    given: &[(u16, PupilId)],
    swaps: &BTreeMap<u16, PupilId>,
    wallets: &BTreeMap<PupilId, PupilWallet>,
) -> Option<String> {
    if given.is_empty() {
        return Some(w.text("school-fault-no-swap"));
    }
    if !swaps.keys().all(|line| booked(order, *line)) || !swaps.values().all(|pupil| wallets.contains_key(pupil)) {
        return Some(w.text("school-fault-line-gone"));
    }
    let distinct: BTreeSet<&PupilId> = given.iter().map(|(_, pupil)| pupil).collect();
    if distinct.len() != given.len() || swaps.len() != given.len() {
        return Some(w.text("school-fault-twice"));
    }
    let (_, lacking) = refill(order, swaps, wallets);
    (!lacking.is_zero()).then(|| w.with1("school-warn-lacking", "sum", &w.money(&lacking)))
}
