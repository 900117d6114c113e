//! A school's orders, filtered and page by page.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::SessionId;
use keis_ledger::record::OrderState;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::look::{span, standing, state_class, worth};
use super::rules::is_over;
use super::{Desk, order_path};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::order_state::{self, Stage};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows of a page.
const ROWS: usize = 25;

#[derive(Template)]
#[template(path = "school/orders.html")]
struct OrdersPage {
    f: Frame,
    states: Vec<StateOption>,
    years: Vec<YearOption>,
    count: String,
    rows: Vec<OrderRow>,
    pages: Option<Pages>,
    /// Whether statements of the school's own money may be seen.
    statements: bool,
}

struct StateOption {
    code: &'static str,
    label: String,
    chosen: bool,
}

struct YearOption {
    year: String,
    chosen: bool,
}

/// The way through a list of several pages.
pub(super) struct Pages {
    pub(super) position: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

impl Pages {
    /// None when there is only one; `at` gives the address of a page.
    pub(super) fn of(w: &Words, number: usize, last: usize, at: impl Fn(usize) -> String) -> Option<Self> {
        (last > 1).then(|| Self {
            position: w.with("school-page-of", &[("page", &number.to_string()), ("last", &last.to_string())]),
            before: (number > 1).then(|| at(number - 1)),
            after: (number < last).then(|| at(number + 1)),
        })
    }
}

/// An order in a table.
pub(super) struct OrderRow {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) when: String,
    pub(super) state: String,
    pub(super) class: &'static str,
    pub(super) pupils: String,
    pub(super) money: String,
    pub(super) waiting: bool,
}

impl OrderRow {
    /// An order; its session was seen to be at hand before.
    pub(super) fn of(site: &Arc<Site>, w: &Words, view: &OrderView, now: Timestamp) -> Self {
        let order = &view.order;
        let state = if is_over(order, now) { OrderState::Lapsed } else { order.state };
        Self {
            href: order_path(view.id),
            title: site.catalogue.title(order.service, w.lang()),
            when: span(w, order.start, order.end),
            state: order_state::words(w, state),
            class: state_class(state),
            pupils: w.number(standing(order)),
            money: w.money(&worth(order)),
            waiting: order.change.is_some(),
        }
    }
}

pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let wanted = call.query.get("state").unwrap_or_default();
    let state = order_state::ALL.into_iter().find(|state| order_state::code(*state) == wanted);
    let years = site.years().await?;
    let asked: Option<u16> = call.query.parse("year")?;
    let year = asked.map_or(desk.year, Year);
    if !years.iter().any(|known| known.year == year) {
        return Err(site.no_year(year).await);
    }
    let mut orders = desk.orders(&site, year).await?;
    orders.retain(|view| match state {
        None => true,
        Some(OrderState::Lapsed) => view.order.state == OrderState::Lapsed || is_over(&view.order, desk.now),
        Some(state) => view.order.state == state && !is_over(&view.order, desk.now),
    });
    orders.sort_by_key(|view| (std::cmp::Reverse(view.order.start), view.id));
    let f = call.frame(&site, Section::Orders, call.words().text("school-orders-title")).await?;
    let last = orders.len().div_ceil(ROWS).max(1);
    let number = call.query.parse::<usize>("page")?.unwrap_or(1).clamp(1, last);
    let part: Vec<OrderView> = orders.iter().skip((number - 1) * ROWS).take(ROWS).cloned().collect();
    site.catalogue.ensure(year, sessions_of(&part)).await?;
    let at = |number: usize| format!("/school/orders?year={year}&state={}&page={number}", state.map_or("", |_| wanted));
    let pages = Pages::of(f.w, number, last, at);
    let shown = OrdersPage {
        states: order_state::ALL
            .into_iter()
            .map(|one| StateOption {
                code: order_state::code(one),
                label: order_state::words(f.w, one),
                chosen: Some(one) == state,
            })
            .collect(),
        years: years
            .iter()
            .rev()
            .map(|one| YearOption { year: one.year.to_string(), chosen: one.year == year })
            .collect(),
        count: f.w.count("count-orders", orders.len()),
        rows: part.iter().map(|view| OrderRow::of(&site, f.w, view, desk.now)).collect(),
        pages,
        statements: desk.may(Permission::SeeStatements),
        f,
    };
    page(&shown)
}

fn sessions_of(orders: &[OrderView]) -> Vec<SessionId> {
    orders.iter().map(|view| view.order.session).collect()
}

/// Orders of the recent years with their sessions at hand.
pub(super) async fn recent(site: &Arc<Site>, desk: &Desk) -> Result<Vec<OrderView>, Trouble> {
    let mut all = Vec::new();
    for (year, _) in desk.recent_years(site).await? {
        let orders = desk.orders(site, year).await?;
        let waits = |view: &OrderView| view.year == desk.year || !has_ended(view.order.state);
        let orders: Vec<OrderView> = orders.into_iter().filter(waits).collect();
        site.catalogue.ensure(year, sessions_of(&orders)).await?;
        all.extend(orders);
    }
    Ok(all)
}

/// Nothing more is to be done by the school.
fn has_ended(state: OrderState) -> bool {
    match Stage::of(state) {
        Stage::Asked | Stage::Agreed | Stage::Delivered | Stage::Disputed => false,
        Stage::Attended | Stage::Settled | Stage::Off | Stage::Reversed => true,
    }
}
