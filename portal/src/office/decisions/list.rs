//! All decisions, those that wait for votes first, and the disputed orders that wait for one.

use std::sync::Arc;

use askama::Template;
use futures::future::try_join_all;
use keis_ledger::ids::OrderId;
use keis_ledger::operation::{Party, Threshold};
use keis_ledger::record::OrderState;
use keis_registry::permission::Permission;
use keis_wallet::client::{DecisionStage, DecisionView, OrderView};

use super::{STAGES, path, stage};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::office::acts;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows of a page.
const ROWS: u32 = 25;
/// Disputed orders that are shown.
const DISPUTES: usize = 25;

/// A decision in the list.
pub(in crate::office) struct Row {
    pub(in crate::office) href: String,
    pub(in crate::office) what: String,
    pub(in crate::office) by: String,
    pub(in crate::office) votes: String,
    pub(in crate::office) when: String,
    pub(in crate::office) state: String,
    pub(in crate::office) class: &'static str,
}

/// A disputed order.
pub(in crate::office) struct Disputed {
    pub(in crate::office) href: String,
    pub(in crate::office) session: String,
    pub(in crate::office) school: String,
    pub(in crate::office) provider: String,
    pub(in crate::office) since: String,
}

struct Tab {
    href: String,
    label: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "office/decisions.html")]
struct ListPage {
    f: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    disputes: Vec<Disputed>,
    more_disputes: bool,
}

/// GET /office/decisions
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let w = call.words();
    let asked = call.query.get("state").unwrap_or("open");
    let wanted = STAGES.into_iter().find(|one| stage(w, *one).0 == asked);
    let cursor = call.query.get("cursor");
    let listed = site.client.some_decisions(wanted, ROWS, cursor).await?;
    let tab = |code: &str, label: String| Tab {
        href: format!("/office/decisions?state={code}"),
        current: code == wanted.map_or("all", |one| stage(w, one).0),
        label,
    };
    let mut tabs: Vec<Tab> =
        STAGES.map(|one| stage(w, one)).into_iter().map(|(code, label, _)| tab(code, label)).collect();
    tabs.push(tab("all", w.text("office-all")));
    let next = listed.next.as_ref().map(|cursor| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", asked).append_pair("cursor", cursor);
        format!("/office/decisions?{}", query.finish())
    });
    let (disputes, more_disputes) = disputed(&site, &call, DISPUTES).await?;
    let rows = listed.items.iter().map(|view| row(&site, w, view)).collect();
    let f = call.frame(&site, Section::Decisions, w.text("decisions-title")).await?;
    page(&ListPage { f, tabs, rows, next, disputes, more_disputes })
}

/// A decision in one line.
fn row(site: &Site, w: &Words, view: &DecisionView) -> Row {
    let (_, state, class) = stage(w, view.state);
    let when = match (view.state, view.closed) {
        (DecisionStage::Open, _) | (_, None) => w.with1("decisions-until", "until", &w.date_time(&view.until)),
        (DecisionStage::Executed | DecisionStage::Withdrawn | DecisionStage::Expired, Some(at)) => w.date_time(&at),
    };
    let votes = [("votes", w.number(view.approvals.len())), ("wanted", w.number(view.wanted))];
    let votes: Vec<(&str, &str)> = votes.iter().map(|(name, count)| (*name, count.as_str())).collect();
    Row {
        href: path(view.id),
        what: kind(w, view),
        by: site.network.institutions.name(view.proposer),
        votes: w.with("decisions-votes-of", &votes),
        when,
        state,
        class,
    }
}

/// What a decision is about, by the name of its measure.
fn kind(w: &Words, view: &DecisionView) -> String {
    let name = view.measure.as_object().and_then(|measure| measure.keys().next());
    let key = format!("decisions-kind-{}", name.map_or("", String::as_str));
    if w.has(&key) { w.text(&key) } else { w.text("decisions-kind-unknown") }
}

/// Decisions of two persons that wait, the newest first, and whether there are more.
pub(in crate::office) async fn waiting(site: &Arc<Site>, w: &Words) -> Result<(Vec<Row>, bool), Trouble> {
    let listed = site.client.some_decisions(Some(DecisionStage::Open), ROWS, None).await?;
    let ours = listed.items.iter().filter(|view| view.threshold == Threshold::TwoPersons);
    Ok((ours.map(|view| row(site, w, view)).collect(), listed.next.is_some()))
}

/// Disputed orders of this year and the one before, the longest disputed first, and whether there are more.
pub(in crate::office) async fn disputed(
    site: &Arc<Site>,
    call: &Call,
    most: usize,
) -> Result<(Vec<Disputed>, bool), Trouble> {
    let years = site.years().await?;
    let recent =
        years.iter().rev().take(2).map(|year| site.client.orders_of(year.year, Some(OrderState::Disputed), None));
    let pages = try_join_all(recent).await?;
    let more = pages.iter().any(|page| page.next.is_some());
    let mut orders: Vec<OrderView> = pages.into_iter().flat_map(|page| page.items).collect();
    orders.sort_by_key(|view| (view.dispute.map(|dispute| dispute.raised), view.id));
    let more = more || orders.len() > most;
    orders.truncate(most);
    let mut rows = Vec::with_capacity(orders.len());
    for view in &orders {
        rows.push(disputed_row(site, call, view).await?);
    }
    Ok((rows, more))
}

async fn disputed_row(site: &Arc<Site>, call: &Call, view: &OrderView) -> Result<Disputed, Trouble> {
    site.catalogue.ensure(view.year, [view.order.session]).await?;
    Ok(Disputed {
        href: format!("/office/decisions/resolve/{}/{}", view.year, view.id),
        session: label(site, call, view.id, view),
        school: acts::party_name(site, Party::School(view.order.school)).await?,
        provider: acts::party_name(site, Party::Provider(view.order.provider)).await?,
        since: view.dispute.map_or_else(|| "–".to_owned(), |dispute| call.words().date_time(&dispute.raised)),
    })
}

/// How people name an order: its session and the first characters of its id.
pub(super) fn label(site: &Arc<Site>, call: &Call, id: OrderId, view: &OrderView) -> String {
    let short: String = id.to_string().split('_').next_back().unwrap_or_default().chars().take(8).collect();
    format!("{} ({short})", site.catalogue.label(view.order.session, call.lang))
}
