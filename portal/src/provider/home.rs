//! What waits for a provider.

use std::sync::Arc;

use askama::Template;
use keis_ledger::operation::Change;
use keis_ledger::record::{OrderState, Side, StatementState};
use keis_ledger::time::{Span, Timestamp};
use keis_registry::Page;
use keis_registry::notices::{Notice, NoticeKind};
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::rows::{OrderRow, rows};
use super::{Own, live_years, orders_in, own};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows of one list; the rest is on the list's own page.
const MOST: usize = 10;
/// Sessions within this time are shown as coming up.
const SOON: Span = Span::days(14);
/// States in which something may wait.
const LIVE: [OrderState; 6] = [
    OrderState::Requested,
    OrderState::Confirmed,
    OrderState::Delivered,
    OrderState::Attended,
    OrderState::AttendedAutomatically,
    OrderState::Disputed,
];

#[derive(Template)]
#[template(path = "provider/home.html")]
struct Home {
    f: Frame,
    name: String,
    requests: Work,
    changes: Work,
    reports: Work,
    disputes: Work,
    soon: Work,
    statements: Vec<StatementLink>,
    notices: Vec<NoticeRow>,
    earned: Vec<(String, String)>,
    nothing: bool,
}

/// Part of the list of work.
struct Work {
    total: usize,
    rows: Vec<OrderRow>,
}

struct StatementLink {
    href: String,
    buyer: String,
    total: String,
    issued: String,
    state: String,
}

struct NoticeRow {
    seq: u64,
    at: String,
    text: String,
    subject: String,
    /// Where more is told.
    href: Option<String>,
}

/// Orders by what waits.
#[derive(Default)]
struct Piles {
    requests: Vec<OrderView>,
    changes: Vec<OrderView>,
    reports: Vec<OrderView>,
    disputes: Vec<OrderView>,
    soon: Vec<OrderView>,
}

impl Piles {
    fn sort(orders: Vec<OrderView>, now: Timestamp) -> Self {
        let mut piles = Self::default();
        for view in orders {
            let order = &view.order;
            if order.state == OrderState::Requested && now < order.deadline {
                piles.requests.push(view.clone());
            }
            if waits_for_provider(&view) {
                piles.changes.push(view.clone());
            }
            if order.state == OrderState::Disputed {
                piles.disputes.push(view);
            } else if order.state == OrderState::Confirmed && order.end <= now {
                piles.reports.push(view);
            } else if order.state == OrderState::Confirmed && order.start < now.after(SOON) {
                piles.soon.push(view);
            }
        }
        piles.requests.sort_by_key(|view| (view.order.deadline, view.id));
        piles.changes.sort_by_key(|view| (view.order.start, view.id));
        piles.reports.sort_by_key(|view| (view.order.end, view.id));
        piles.disputes.sort_by_key(|view| (view.order.start, view.id));
        piles.soon.sort_by_key(|view| (view.order.start, view.id));
        piles
    }
}

/// Whether the other side's change waits, of a kind that can still be accepted or refused.
fn waits_for_provider(view: &OrderView) -> bool {
    view.order.change.as_ref().is_some_and(|waiting| {
        waiting.by == Side::Orderer
            && match waiting.change {
                Change::Booking { .. } => matches!(view.order.state, OrderState::Requested | OrderState::Confirmed),
                Change::Attendance { .. } => true,
            }
    })
}

async fn work(site: &Site, call: &Call, orders: Vec<OrderView>) -> Result<Work, Trouble> {
    let total = orders.len();
    let shown = &orders[..total.min(MOST)];
    Ok(Work { total, rows: rows(site, call.lang, shown).await? })
}

fn notice(w: &Words, notice: Notice) -> NoticeRow {
    let key = match notice.kind {
        NoticeKind::OfficerActed => "provider-notice-officer",
        NoticeKind::KeyApproved => "provider-notice-approved",
        NoticeKind::KeyActive => "provider-notice-active",
        NoticeKind::KeyRefused => "provider-notice-refused",
        NoticeKind::KeyRevoked => "provider-notice-revoked",
        NoticeKind::InvoiceRejected => "dispatch-notice-refused",
    };
    let href = (notice.kind == NoticeKind::InvoiceRejected).then(|| format!("/provider/refused/{}", notice.subject));
    NoticeRow { href, seq: notice.seq, at: w.date_time(&notice.at), text: w.text(key), subject: notice.subject }
}

/// Whether the provider has to move next: answer the statement, or attach its invoice.
fn awaits_provider(state: StatementState) -> bool {
    match state {
        StatementState::Issued | StatementState::Accepted => true,
        StatementState::Contested
        | StatementState::InvoiceAttached
        | StatementState::Approved
        | StatementState::Paid
        | StatementState::Reconciled
        | StatementState::Credited => false,
    }
}

async fn statements(site: &Site, call: &Call, own: &Own) -> Result<Vec<StatementLink>, Trouble> {
    let mut waiting = Vec::new();
    for year in live_years(site).await? {
        let all = super::statements::of_year(site, own, year).await?;
        for view in all.into_iter().filter(|view| awaits_provider(view.statement.state)) {
            waiting.push(StatementLink {
                href: format!("/provider/statements/{}?year={year}", view.id),
                buyer: super::statements::buyer(site, call.words(), view.statement.buyer).await?,
                total: call.words().money(&view.statement.total),
                issued: call.words().date(&view.statement.issued),
                state: super::statements::state(call.words(), &view).0,
            });
        }
    }
    Ok(waiting)
}

pub(super) async fn home(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let (w, now) = (call.words(), site.now().await?);
    let (mut orders, mut earned) = (Vec::new(), Vec::new());
    for year in live_years(&site).await? {
        orders.extend(orders_in(&site, &own, year, &LIVE).await?);
        if let Some(wallet) = site.client.provider_wallet(own.id, year).await? {
            let (state, school) = (w.money(&wallet.purse.state), w.money(&wallet.purse.school));
            let told = w.with("provider-earned-of", &[("state", &state), ("school", &school)]);
            earned.push((year.to_string(), told));
        }
    }
    let piles = Piles::sort(orders, now);
    let requests = work(&site, &call, piles.requests).await?;
    let changes = work(&site, &call, piles.changes).await?;
    let reports = work(&site, &call, piles.reports).await?;
    let disputes = work(&site, &call, piles.disputes).await?;
    let soon = work(&site, &call, piles.soon).await?;
    let statements = statements(&site, &call, &own).await?;
    let notices = site.registry.notices(own.party(), &Page::first(20)).await?;
    let notices = notices.items.into_iter().map(|one| notice(w, one)).collect::<Vec<_>>();
    let waiting = [&requests, &changes, &reports].into_iter().all(|work| work.total == 0);
    let nothing = waiting && statements.is_empty() && notices.is_empty();
    let name = site.registry.provider(own.id).await?.map(|provider| provider.name).unwrap_or_default();
    let f = call.frame(&site, Section::Provider, w.text("provider-home")).await?;
    page(&Home { f, name, requests, changes, reports, disputes, soon, statements, notices, earned, nothing })
}

pub(super) async fn dismiss(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    site.registry.dismiss(own.party(), call.form.need("seq")?).await?;
    redirect("/provider")
}
