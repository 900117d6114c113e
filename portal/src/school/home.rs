//! A school's start page: what waits for whom and until when, and the money of the year.

use std::sync::Arc;

use askama::Template;
use keis_ledger::money::Cents;
use keis_ledger::record::{Order, OrderState, Side, Standing};
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::look::{days_between, deadline};
use super::notices::{self, NoticeLook};
use super::order_list::{OrderRow, recent};
use super::rules::is_over;
use super::{Desk, order_path, roll};
use crate::call::{Answer, Call, page};
use crate::deadlines::unreported;
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::words::Words;

/// From so many days before the year's end on, unspent money is warned about.
const LATE_DAYS: u64 = 75;
/// Visits ahead that the start page names.
const MOST_VISITS: usize = 10;

#[derive(Template)]
#[template(path = "school/home.html")]
struct HomePage {
    f: Frame,
    school: String,
    trouble: Option<String>,
    own: Vec<Task>,
    others: Vec<Task>,
    visits: Vec<OrderRow>,
    left: String,
    purse: String,
    pupils: String,
    unreached: String,
    year: String,
    until: String,
    warning: Option<String>,
    notices: Vec<NoticeLook>,
}

/// Something that waits.
struct Task {
    href: String,
    title: String,
    what: String,
    until: String,
    at: Timestamp,
}

/// Who must move next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// The school.
    School,
    /// The provider.
    Provider,
    /// Officers of two institutions.
    Officers,
}

pub(super) async fn home(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let f = call.frame(&site, Section::School, call.words().text("school-home-title")).await?;
    let school = site.registry.school(desk.school).await?;
    let wallet = site.client.school_wallet(desk.school, desk.year).await?;
    let mut wallets = roll::wallets(&site, &desk).await?;
    wallets.retain(|_, one| one.standing != Standing::Closed);
    let orders = recent(&site, &desk).await?;
    let years = desk.recent_years(&site).await?;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for view in &orders {
        let calendar = years.iter().find(|(year, _)| *year == view.year).map(|(_, rules)| &rules.calendar);
        let calendar = calendar.unwrap_or(&desk.parameters.calendar);
        if let Some((waits, key, at)) = waiting(&view.order, desk.now, unreported(view, calendar)) {
            let task = task(&site, f.w, &desk, view, key, at);
            match waits {
                Waits::School => own.push(task),
                Waits::Provider | Waits::Officers => others.push(task),
            }
        }
    }
    own.sort_by_key(|task| task.at);
    others.sort_by_key(|task| task.at);
    let left = wallets.values().fold(Cents::ZERO, |sum, one| sum.checked_add(one.balance).unwrap_or(sum));
    let unreached = wallets.values().filter(|one| !one.bookings.iter().any(|booking| booking.end <= desk.now)).count();
    let standing = wallet.as_ref().map(|wallet| wallet.standing);
    let shown = HomePage {
        school: school.map(|school| school.name).unwrap_or_default(),
        trouble: standing_key(standing).map(|key| f.w.text(key)),
        visits: visits(&site, f.w, &orders, desk.now),
        left: f.w.money(&left),
        purse: f.w.money(&wallet.map_or(Cents::ZERO, |wallet| wallet.purse)),
        pupils: f.w.count("count-pupils", wallets.len()),
        unreached: f.w.count("school-unreached-count", unreached),
        year: desk.year.to_string(),
        until: deadline(f.w, desk.now, desk.parameters.window_until),
        warning: unspent(f.w, &desk, left),
        notices: notices::notices(&site, &desk, f.w).await?,
        own,
        others,
        f,
    };
    page(&shown)
}

/// What an order waits for, of whom, until when.
fn waiting(order: &Order, now: Timestamp, report_by: Timestamp) -> Option<(Waits, &'static str, Timestamp)> {
    if is_over(order, now) {
        return None;
    }
    let change = order.change.as_ref().map(|waiting| match waiting.by {
        Side::Provider => (Waits::School, "school-waits-change"),
        Side::Orderer => (Waits::Provider, "school-waits-own-change"),
    });
    match order.state {
        OrderState::Proposed => Some((Waits::School, "school-waits-proposal", order.deadline)),
        OrderState::Requested | OrderState::Confirmed if change.is_some() && now < order.start => {
            change.map(|(waits, key)| (waits, key, answer_until(order)))
        }
        OrderState::Requested => Some((Waits::Provider, "school-waits-request", order.deadline)),
        OrderState::Confirmed if now >= report_by => Some((Waits::School, "school-waits-unreported", report_by)),
        OrderState::Confirmed if now >= order.end => Some((Waits::Provider, "school-waits-report", report_by)),
        OrderState::Delivered => Some((Waits::School, "school-waits-attendance", order.deadline)),
        OrderState::Attended | OrderState::AttendedAutomatically => {
            change.map(|(waits, _)| (waits, "school-waits-amendment", Timestamp::LATEST))
        }
        OrderState::Confirmed
        | OrderState::Settled
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Reversed => None,
        OrderState::Disputed => Some((Waits::Officers, "school-waits-dispute", Timestamp::LATEST)),
    }
}

/// Until when a change of time or pupils can be answered.
fn answer_until(order: &Order) -> Timestamp {
    if order.state == OrderState::Requested { order.deadline.min(order.start) } else { order.start }
}

fn task(site: &Arc<Site>, w: &Words, desk: &Desk, view: &OrderView, key: &str, at: Timestamp) -> Task {
    Task {
        href: order_path(view.id),
        title: site.catalogue.label(view.order.session, w.lang()),
        what: w.text(key),
        until: if at == Timestamp::LATEST { String::new() } else { deadline(w, desk.now, at) },
        at,
    }
}

/// Visits ahead, the next one first.
fn visits(site: &Arc<Site>, w: &Words, orders: &[OrderView], now: Timestamp) -> Vec<OrderRow> {
    let ahead = |view: &&OrderView| {
        let order = &view.order;
        matches!(order.state, OrderState::Requested | OrderState::Confirmed) && order.end > now && !is_over(order, now)
    };
    let mut ahead: Vec<&OrderView> = orders.iter().filter(ahead).collect();
    ahead.sort_by_key(|view| (view.order.start, view.id));
    ahead.into_iter().take(MOST_VISITS).map(|view| OrderRow::of(site, w, view, now)).collect()
}

fn unspent(w: &Words, desk: &Desk, left: Cents) -> Option<String> {
    let days = days_between(desk.now, desk.parameters.window_until);
    let late = days <= LATE_DAYS && !left.is_zero();
    let (sum, until) = (w.money(&left), w.date(&desk.parameters.window_until));
    let days = w.count("count-days", days);
    late.then(|| w.with("school-unspent", &[("sum", &sum), ("until", &until), ("days", &days)]))
}

fn standing_key(standing: Option<Standing>) -> Option<&'static str> {
    match standing {
        None => Some("school-wallet-missing"),
        Some(Standing::Suspended) => Some("school-wallet-suspended"),
        Some(Standing::Closed) => Some("school-wallet-closed"),
        Some(Standing::Active) => None,
    }
}
