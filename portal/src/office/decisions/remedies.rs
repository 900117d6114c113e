//! Proposals about one order: a dispute decided line by line, and lines of which what is due is given back.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;
use keis_ledger::operation::Measure;
use keis_ledger::record::{Order, OrderState};
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;
use warp::http::StatusCode;

use super::{Proposal, lines, propose};
use crate::call::{Answer, Call, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{money, written};
use crate::site::Site;
use crate::trouble::Trouble;

/// States in which what is due of an order can be given back: the ledger's list.
const REVERSIBLE: [OrderState; 7] = [
    OrderState::Attended,
    OrderState::AttendedAutomatically,
    OrderState::Settled,
    OrderState::CancelledFree,
    OrderState::CancelledLate,
    OrderState::CancelledByProvider,
    OrderState::CancelledForceMajeure,
];

/// A line of a dispute.
struct SplitRow {
    index: usize,
    name: String,
    state: String,
    frozen: String,
    most: String,
    value: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "office/decision_resolve.html")]
struct ResolvePage {
    f: Frame,
    facts: Vec<(String, String)>,
    action: String,
    order: String,
    year: String,
    rows: Vec<SplitRow>,
    frozen: String,
    fills: Vec<(String, String)>,
}

impl ResolvePage {
    fn has_errors(&self) -> bool {
        self.rows.iter().any(|row| row.error.is_some())
    }
}

/// A line of which something is due.
struct DueRow {
    index: usize,
    name: String,
    state: String,
    due: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "office/decision_reverse.html")]
struct ReversePage {
    f: Frame,
    facts: Vec<(String, String)>,
    action: String,
    order: String,
    year: String,
    rows: Vec<DueRow>,
    why_not: Option<&'static str>,
    error: Option<&'static str>,
}

/// GET /office/decisions/order: an order by its number.
pub(super) async fn find(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let wanted = call.query.get("q").and_then(|text| text.trim().parse::<OrderId>().ok());
    if let Some(id) = wanted {
        for year in site.years().await?.iter().rev() {
            let Some(view) = site.client.order_lines(year.year, id).await? else { continue };
            let form = if view.order.state == OrderState::Disputed { "resolve" } else { "reverse" };
            return redirect(&format!("/office/decisions/{form}/{}/{id}", year.year));
        }
    }
    call.flash(Flash::bad(call.words().text("decisions-order-unknown"))).await?;
    redirect("/office/decisions")
}

async fn order(site: &Site, call: &Call) -> Result<OrderView, Trouble> {
    let (year, id) = (Year(call.part(0)?), call.part::<OrderId>(1)?);
    site.client.order_lines(year, id).await?.ok_or(Trouble::NotFound)
}

/// GET /office/decisions/resolve/{year}/{order}
pub(super) async fn resolve_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let view = disputed(&site, &call).await?;
    let filled = fill(&view.order, call.query.get("fill").unwrap_or_default());
    split_page(&site, &call, &view, &filled, false).await
}

async fn disputed(site: &Site, call: &Call) -> Result<OrderView, Trouble> {
    let view = order(site, call).await?;
    let is_open = view.order.state == OrderState::Disputed;
    if is_open { Ok(view) } else { Err(Trouble::Malformed("rejection-order_state_wrong")) }
}

/// Amounts to begin with: all that is frozen, half of it, nothing, or empty.
fn fill(order: &Order, how: &str) -> Vec<String> {
    let frozen = |line| lines::frozen(line).get();
    let amount = |line| match how {
        "all" => written(frozen(line)),
        "half" => written(frozen(line) / 2),
        "none" => written(0),
        _ => String::new(),
    };
    order.lines.iter().map(amount).collect()
}

/// What was typed for each line, or why it cannot be: the key of a sentence.
fn read(order: &Order, typed: &[String]) -> Vec<Result<Cents, &'static str>> {
    let one = |(index, line)| {
        let text = typed.get(index).map(String::as_str).unwrap_or_default();
        match money(text) {
            None if text.trim().is_empty() => Err("office-error-empty"),
            None => Err("office-error-money"),
            Some(amount) if amount > lines::most(order, line) => Err("decisions-above-most"),
            Some(amount) => Ok(amount),
        }
    };
    order.lines.iter().enumerate().map(one).collect()
}

async fn split_page(site: &Arc<Site>, call: &Call, view: &OrderView, typed: &[String], judged: bool) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    let w = call.words();
    let names = lines::names(site, call, &acting, view).await?;
    let faults = if judged { read(&view.order, typed) } else { Vec::new() };
    let row = |(index, (name, line)): (usize, (String, &keis_ledger::record::Line))| SplitRow {
        index,
        name,
        state: lines::state(w, line.state),
        frozen: w.money(&lines::frozen(line)),
        most: w.money(&lines::most(&view.order, line)),
        value: typed.get(index).cloned().unwrap_or_default(),
        error: faults.get(index).and_then(|fault| fault.err()).map(|key| w.text(key)),
    };
    let rows = names.into_iter().zip(&view.order.lines).enumerate().map(row).collect();
    let action = format!("/office/decisions/resolve/{}/{}", view.year, view.id);
    let fills =
        ["all", "half", "none"].map(|how| (format!("{action}?fill={how}"), w.text(&format!("decisions-fill-{how}"))));
    let f = call.frame(site, Section::Decisions, w.text("decisions-resolve-title")).await?.with_scripts(&["page.js"]);
    let status = if judged { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = ResolvePage {
        f,
        facts: lines::facts(site, call, view).await?,
        action,
        order: view.id.to_string(),
        year: view.year.to_string(),
        rows,
        frozen: w.money(&lines::sum(view.order.lines.iter().map(lines::frozen))),
        fills: fills.to_vec(),
    };
    page_with(status, &shown)
}

/// POST /office/decisions/resolve/{year}/{order}
pub(super) async fn resolve(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    let view = disputed(&site, &call).await?;
    let typed: Vec<String> = call.form.all("split").map(str::to_owned).collect();
    let read: Result<Vec<Cents>, &str> = read(&view.order, &typed).into_iter().collect();
    let Ok(split) = read else {
        return split_page(&site, &call, &view, &typed, true).await;
    };
    let w = call.words();
    let names = lines::names(&site, &call, &acting, &view).await?;
    site.catalogue.ensure(view.year, [view.order.session]).await?;
    let given = lines::sum(split.iter().copied());
    let frozen = lines::sum(view.order.lines.iter().map(lines::frozen));
    let mut warnings = vec![w.with(
        "decisions-split-sum",
        &[("given", &w.money(&given)), ("back", &w.money(&frozen.saturating_sub(given)))],
    )];
    let lacks = split.iter().zip(&view.order.lines).any(|(amount, line)| *amount > lines::frozen(line));
    if lacks {
        warnings.push(w.text("decisions-split-lacks"));
    }
    let measure = Measure::Resolve { year: view.year, order: view.id, split };
    let labels = lines::labels(&site, &call, &view, &names);
    propose(&site, &call, Proposal { measure, labels, warnings }).await
}

/// GET /office/decisions/reverse/{year}/{order}
pub(super) async fn reverse_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let view = order(&site, &call).await?;
    reverse_page(&site, &call, &view, None).await
}

/// Why nothing of the order can be given back: the key of a sentence.
async fn irreversible(site: &Site, view: &OrderView) -> Result<Option<&'static str>, Trouble> {
    let order = &view.order;
    if !REVERSIBLE.contains(&order.state) {
        return Ok(Some("rejection-order_state_wrong"));
    }
    if order.lines.iter().all(|line| lines::due(line).is_zero()) {
        return Ok(Some("rejection-nothing_due"));
    }
    for statement in [order.programme_statement, order.school_statement].into_iter().flatten() {
        let found = site.client.statement(view.year, statement).await?.ok_or(Trouble::NotFound)?;
        if !found.statement.state.is_accepted() {
            return Ok(Some("decisions-statement-open"));
        }
    }
    Ok(None)
}

async fn reverse_page(site: &Arc<Site>, call: &Call, view: &OrderView, error: Option<&'static str>) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    let w = call.words();
    let names = lines::names(site, call, &acting, view).await?;
    let ticked: Vec<usize> = call.form.each("line")?;
    let rows = names.into_iter().zip(&view.order.lines).enumerate();
    let rows = rows.filter(|(_, (_, line))| !lines::due(line).is_zero()).map(|(index, (name, line))| DueRow {
        index,
        name,
        state: lines::state(w, line.state),
        due: w.money(&lines::due(line)),
        ticked: ticked.contains(&index),
    });
    let rows = rows.collect();
    let f = call.frame(site, Section::Decisions, w.text("decisions-reverse-title")).await?.with_scripts(&["page.js"]);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = ReversePage {
        f,
        facts: lines::facts(site, call, view).await?,
        action: format!("/office/decisions/reverse/{}/{}", view.year, view.id),
        order: view.id.to_string(),
        year: view.year.to_string(),
        rows,
        why_not: irreversible(site, view).await?,
        error,
    };
    page_with(status, &shown)
}

/// POST /office/decisions/reverse/{year}/{order}
pub(super) async fn reverse(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::Decide).await?;
    let view = order(&site, &call).await?;
    let mut named: Vec<u16> = call.form.each("line")?;
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        return reverse_page(&site, &call, &view, Some("decisions-no-line")).await;
    }
    if let Some(why) = irreversible(&site, &view).await? {
        return Err(Trouble::Malformed(why));
    }
    let due = |index: &u16| view.order.lines.get(usize::from(*index)).map(lines::due).filter(|due| !due.is_zero());
    let Some(all) = named.iter().map(due).collect::<Option<Vec<Cents>>>() else {
        return reverse_page(&site, &call, &view, Some("rejection-nothing_due")).await;
    };
    let w = call.words();
    let names = lines::names(&site, &call, &acting, &view).await?;
    site.catalogue.ensure(view.year, [view.order.session]).await?;
    let warnings = vec![w.with1("decisions-back", "amount", &w.money(&lines::sum(all)))];
    let measure = Measure::Reverse { year: view.year, order: view.id, lines: named };
    let labels = lines::labels(&site, &call, &view, &names);
    propose(&site, &call, Proposal { measure, labels, warnings }).await
}
