//! A service with its sessions.

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::ServiceId;
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;

use super::listing::{PageLink, page_links};
use super::{standing, terms};
use crate::call::{Answer, Call, page};
use crate::catalogue::{Offer, SessionEntry, names};
use crate::frame::{Frame, Section};
use crate::ratings::{self, RatingLook};
use crate::site::{Programme, Site};
use crate::trouble::Trouble;
use crate::words::Words;

/// Sessions on a page.
const SESSIONS: usize = 50;

#[derive(Template)]
#[template(path = "public/service.html")]
struct ServicePage {
    f: Frame,
    id: ServiceId,
    title: String,
    sort: String,
    provider: String,
    provider_href: String,
    paragraphs: Vec<String>,
    facts: Vec<(String, String)>,
    /// Key of the sentence that says why it cannot be ordered.
    stopped: Option<&'static str>,
    rules: Vec<String>,
    sessions: Vec<Row>,
    pages: Vec<PageLink>,
    range: String,
    orders: bool,
    ratings: Vec<RatingLook>,
}

struct Row {
    when: String,
    place: String,
    free: String,
    full: bool,
    closed: bool,
    order: Option<String>,
}

fn facts(w: &Words, offer: &Offer) -> Vec<(String, String)> {
    let terms = &offer.terms;
    let validity = [("from", w.date(&terms.from)), ("until", w.date(&Timestamp(terms.until.0.saturating_sub(1))))];
    let validity = w.with("public-valid-range", &validity.each_ref().map(|(name, value)| (*name, value.as_str())));
    let fact = |key: &str, value: String| (w.text(key), value);
    vec![
        fact("public-fact-price", w.money(&terms.price)),
        fact("public-fact-vat", names::vat(w, terms.vat)),
        fact("public-fact-grades", names::grades(w, terms.grades)),
        fact("public-fact-capacity", w.count("count-pupils", terms.capacity)),
        fact("public-fact-places", terms::venues(w, offer, usize::MAX)),
        fact("public-fact-valid", validity),
    ]
}

/// What ordering means, by the rules of the year.
fn rules(w: &Words, programme: &Programme) -> Vec<String> {
    let rules = &programme.parameters;
    vec![
        w.with("public-rule-answer", &[("span", &terms::span(w, rules.hold_expiry))]),
        w.with("public-rule-cancel", &[("span", &terms::span(w, rules.free_cancel))]),
        w.with("public-rule-late", &[("share", &terms::share(w, rules.late_share))]),
        w.with("public-rule-absent", &[("share", &terms::share(w, rules.absence_share))]),
    ]
}

fn stopped(offer: &Offer) -> Option<&'static str> {
    match offer.standing {
        Standing::Active => None,
        Standing::Suspended => Some("public-suspended"),
        Standing::Closed => Some("public-withdrawn"),
    }
}

fn row(w: &Words, session: &SessionEntry, may_order: bool, now: Timestamp) -> Row {
    let order = may_order && session.takes_orders(now);
    Row {
        when: terms::when(w, session),
        place: names::place(w, session.place),
        free: w.count("count-places", session.free),
        full: session.free == 0,
        closed: !session.open,
        order: order.then(|| format!("/school/orders/new?session={}", session.id)),
    }
}

/// Whether somebody may be shown the way to an order; who is not signed in is asked to do so there.
fn may_order(call: &Call) -> bool {
    let orders = |role: keis_registry::permission::Role| role.may(Permission::ProposeOrder);
    call.user.as_ref().is_none_or(|user| user.grants.iter().any(|grant| orders(grant.role)))
}

pub(super) async fn service(site: Arc<Site>, call: Call) -> Answer {
    let (w, lang) = (call.words(), call.lang);
    let id: ServiceId = call.part(0)?;
    let (now, programme) = standing(&site).await?;
    let offer = site.catalogue.find_service(id).await?.ok_or(Trouble::NotFound)?;
    let orders = may_order(&call) && offer.is_active();
    let all = programme.as_ref().map(|programme| site.catalogue.sessions_of(id, programme.year)).unwrap_or_default();
    let ahead: Vec<_> = all.into_iter().filter(|session| now < session.start).collect();
    let pages = ahead.len().div_ceil(SESSIONS).max(1);
    let asked = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let shown = ahead.iter().skip((asked - 1) * SESSIONS).take(SESSIONS);
    let sessions = shown.map(|session| row(w, session, orders, now)).collect();
    let range = w.with("public-page-of", &[("page", &asked.to_string()), ("pages", &pages.to_string())]);
    let title = offer.title.of(lang).to_owned();
    let description = offer.description.of(lang).lines().map(str::trim).filter(|line| !line.is_empty());
    let paragraphs = description.map(str::to_owned).collect();
    let rated = site.client.service(id).await?;
    let ratings = rated.map(|found| ratings::look(w, &found.service.rating)).unwrap_or_default();
    let f = call.frame(&site, Section::Services, title.clone()).await?;
    page(&ServicePage {
        f,
        id,
        title,
        sort: terms::sort_of(w, &offer),
        provider: offer.provider_name.clone(),
        provider_href: format!("/services?provider={}", offer.provider),
        paragraphs,
        facts: facts(w, &offer),
        stopped: stopped(&offer),
        rules: programme.as_ref().map(|programme| rules(w, programme)).unwrap_or_default(),
        sessions,
        pages: page_links(&call, asked, pages),
        range,
        orders,
        ratings,
    })
}
