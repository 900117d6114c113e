//! Orders by where they stand, and answers to requests, many at once.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::OrderId;
use keis_ledger::operation::OrderAction;
use keis_ledger::record::OrderState;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::rows::{OrderRow, rows};
use super::{INTENT, Own, Sheet, act, is_own, live_years, orders_in, own, rules, sign};
use crate::call::{Answer, Call, page, redirect};
use crate::deadlines::moved;
use crate::frame::{Flash, Frame, Section};
use crate::public::listing::{PageLink, page_links};
use crate::site::Site;
use crate::trouble::Trouble;

/// Orders on a page; as many as one signing page takes.
const PER_PAGE: usize = 50;

/// Which orders a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Waiting,
    Upcoming,
    ToReport,
    Reported,
    Attended,
    Disputed,
    Settled,
    Ended,
}

impl Show {
    const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Upcoming,
        Self::ToReport,
        Self::Reported,
        Self::Attended,
        Self::Disputed,
        Self::Settled,
        Self::Ended,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Upcoming => "upcoming",
            Self::ToReport => "to_report",
            Self::Reported => "reported",
            Self::Attended => "attended",
            Self::Disputed => "disputed",
            Self::Settled => "settled",
            Self::Ended => "ended",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Waiting => "provider-show-waiting",
            Self::Upcoming => "provider-show-upcoming",
            Self::ToReport => "provider-show-to-report",
            Self::Reported => "provider-show-reported",
            Self::Attended => "provider-show-attended",
            Self::Disputed => "provider-show-disputed",
            Self::Settled => "provider-show-settled",
            Self::Ended => "provider-show-ended",
        }
    }

    fn states(self) -> &'static [OrderState] {
        match self {
            Self::Waiting => &[OrderState::Requested],
            Self::Upcoming | Self::ToReport => &[OrderState::Confirmed],
            Self::Reported => &[OrderState::Delivered],
            Self::Attended => &[OrderState::Attended, OrderState::AttendedAutomatically],
            Self::Disputed => &[OrderState::Disputed],
            Self::Settled => &[OrderState::Settled],
            Self::Ended => &[
                OrderState::Declined,
                OrderState::Lapsed,
                OrderState::CancelledFree,
                OrderState::CancelledLate,
                OrderState::CancelledByProvider,
                OrderState::CancelledForceMajeure,
                OrderState::Reversed,
            ],
        }
    }

    fn has(self, view: &OrderView, now: Timestamp) -> bool {
        match self {
            Self::Waiting => now < view.order.deadline,
            Self::Upcoming => now < view.order.end,
            Self::ToReport => view.order.end <= now,
            Self::Reported | Self::Attended | Self::Disputed | Self::Settled | Self::Ended => true,
        }
    }

    /// What is ahead by its beginning, requests by their deadline, what is over the latest first.
    fn sort(self, orders: &mut [OrderView]) {
        match self {
            Self::Waiting => orders.sort_by_key(|view| (view.order.deadline, view.order.start, view.id)),
            Self::Upcoming | Self::ToReport | Self::Reported => {
                orders.sort_by_key(|view| (view.order.start, view.id));
            }
            Self::Attended | Self::Disputed | Self::Settled | Self::Ended => {
                orders.sort_by_key(|view| (std::cmp::Reverse(view.order.start), view.id));
            }
        }
    }
}

#[derive(Template)]
#[template(path = "provider/requests.html")]
struct Requests {
    f: Frame,
    tabs: Vec<Tab>,
    waiting: bool,
    to_report: bool,
    caption: String,
    list: Vec<OrderRow>,
    pages: Vec<PageLink>,
    range: String,
}

struct Tab {
    href: String,
    label: String,
    current: bool,
}

async fn found(site: &Site, own: &Own, show: Show, now: Timestamp) -> Result<Vec<OrderView>, Trouble> {
    let mut all = Vec::new();
    for year in live_years(site).await? {
        let of_year = orders_in(site, own, year, show.states()).await?;
        all.extend(of_year.into_iter().filter(|view| show.has(view, now)));
    }
    show.sort(&mut all);
    Ok(all)
}

pub(super) async fn requests(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AnswerRequests).await?;
    let (w, now) = (call.words(), site.now().await?);
    let asked = call.query.get("show");
    let show = Show::ALL.into_iter().find(|show| Some(show.code()) == asked).unwrap_or(Show::Waiting);
    let all = found(&site, &own, show, now).await?;
    let pages = all.len().div_ceil(PER_PAGE).max(1);
    let number = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let shown: Vec<OrderView> = all.into_iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).collect();
    let list = rows(&site, call.lang, &shown).await?;
    let tab = |one: Show| Tab {
        href: format!("/provider/requests?show={}", one.code()),
        label: w.text(one.label()),
        current: one == show,
    };
    let range = w.with("public-page-of", &[("page", &number.to_string()), ("pages", &pages.to_string())]);
    let f = call.frame(&site, Section::Requests, w.text("provider-orders")).await?.with_scripts(INTENT);
    page(&Requests {
        f,
        tabs: Show::ALL.into_iter().map(tab).collect(),
        waiting: show == Show::Waiting,
        to_report: show == Show::ToReport,
        caption: w.text(show.label()),
        list,
        pages: page_links(&call, number, pages),
        range,
    })
}

/// Confirms or declines: one operation for each order that was ticked.
pub(super) async fn answer(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AnswerRequests).await?;
    let (w, now) = (call.words(), site.now().await?);
    let (action, title) = match call.form.get("act") {
        Some("confirm") => (OrderAction::Confirm, "provider-confirm-title"),
        Some("decline") => (OrderAction::Decline, "provider-decline-title"),
        _ => return Err(Trouble::Malformed("trouble-field")),
    };
    let back = crate::call::local_path(call.form.get("back").unwrap_or("/provider/requests")).to_owned();
    let ticked: Vec<OrderId> = call.form.each("order")?;
    let refused = match ticked.len() {
        0 => Some("provider-nothing-ticked"),
        1..=PER_PAGE => None,
        _ => Some("provider-too-many-ticked"),
    };
    if let Some(key) = refused {
        call.flash(Flash::bad(w.text(key))).await?;
        return redirect(&back);
    }
    let chosen = chosen(&site, &own, &ticked).await?;
    if chosen.iter().any(|view| !rules::may(&view.order, now).answer) {
        call.flash(Flash::bad(w.text("provider-no-longer-waits"))).await?;
        return redirect(&back);
    }
    let list = rows(&site, call.lang, &chosen).await?;
    let sheet = Sheet {
        title: w.text(title),
        operations: chosen.iter().map(|view| act(view, action.clone())).collect(),
        labels: list.into_iter().map(|row| (row.id.to_string(), row.label)).collect(),
        scope: Scope::Order,
        next: back,
        warnings: Vec::new(),
    };
    sign(&site, &call, &own, sheet).await
}

/// The provider's orders of these ids, in the same order.
async fn chosen(site: &Site, own: &Own, ids: &[OrderId]) -> Result<Vec<OrderView>, Trouble> {
    let years: Vec<Year> = live_years(site).await?;
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let mut found = None;
        for year in &years {
            if found.is_none() {
                found = site.client.order_lines(*year, *id).await?;
            }
        }
        let view = found.filter(|view| is_own(own, view)).ok_or(Trouble::NotFound)?;
        chosen.push(moved(view));
    }
    Ok(chosen)
}
