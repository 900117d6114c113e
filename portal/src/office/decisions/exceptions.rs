//! Proposals about a whole year: sessions that cannot take place, and deadlines that fall later.

use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Place, Year};
use keis_ledger::ids::{ProviderId, ServiceId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{ClosureScope, Measure};
use keis_ledger::record::{LineState, OrderState};
use keis_ledger::time::{Span, Timestamp};
use keis_registry::page::Page;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;
use warp::http::StatusCode;

use super::confirm::{Confirm, confirm};
use super::{Proposal, lines, propose, told};
use crate::call::{Answer, Call, Fields, page_with};
use crate::catalogue::{Filter, names};
use crate::frame::{Frame, Section};
use crate::office::forms::{Builder, Control, Form, Problems};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

const HOUR: u64 = 60 * 60 * 1000;
/// Hours by which deadlines may fall later.
const LATER: [u64; 12] = [3, 6, 12, 24, 48, 72, 96, 120, 168, 240, 336, 720];
/// What a closure can be about, by its name in addresses.
const KINDS: [&str; 4] = ["place", "provider", "service", "everything"];
/// Pages of orders that the count of what a closure meets reads at the most.
const PAGES: usize = 20;
/// Providers or services that a search offers.
const FOUND: u32 = 20;

#[derive(Template)]
#[template(path = "office/decision_closure.html")]
struct ClosurePage {
    f: Frame,
    kinds: Vec<(String, String, bool)>,
    kind: &'static str,
    searches: bool,
    q: String,
    form: Option<Form>,
}

#[derive(Template)]
#[template(path = "office/decision_form.html")]
struct FormPage {
    f: Frame,
    intro: String,
    form: Form,
}

/// Open years to choose from, the latest first.
async fn years(site: &Site) -> Result<Vec<(String, String)>, Trouble> {
    let years = site.years().await?;
    Ok(years.iter().rev().map(|year| (year.year.to_string(), year.year.to_string())).collect())
}

/// GET /office/decisions/force-majeure
pub(super) async fn closure_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    closure_page(&site, &call, &call.query, &Problems::default()).await
}

async fn closure_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let asked = fields.get("kind").unwrap_or_default();
    let kind = KINDS.into_iter().find(|kind| *kind == asked).unwrap_or(KINDS[0]);
    let q = fields.get("q").unwrap_or_default().to_owned();
    let searches = ["provider", "service"].contains(&kind);
    let form = if searches && q.is_empty() {
        None
    } else {
        let scopes = scopes(site, call, kind, &q).await?;
        Some(closure_fields(site, w, (kind, &q), scopes, fields, problems).await?)
    };
    let kinds = KINDS.map(|one| {
        let href = format!("/office/decisions/force-majeure?kind={one}");
        (href, w.text(&format!("decisions-closure-{one}")), one == kind)
    });
    let f = call.frame(site, Section::Decisions, w.text("decisions-closure-title")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &ClosurePage { f, kinds: kinds.to_vec(), kind, searches, q, form })
}

async fn closure_fields(
    site: &Site,
    w: &'static Words,
    (kind, q): (&str, &str),
    scopes: Vec<(String, String)>,
    fields: &Fields,
    problems: &Problems,
) -> Result<Form, Trouble> {
    let builder = Builder::new(w, "/office/decisions/force-majeure", "decisions-look", fields, problems);
    let builder = builder.hidden("kind", kind).hidden("q", q).select("year", "decisions-year", years(site).await?);
    let builder = builder.date_time("from", "decisions-closure-from").date_time("until", "decisions-closure-until");
    Ok(if kind == "everything" {
        builder.hidden("scope", kind).done()
    } else {
        builder.select("scope", "decisions-scope", scopes).done()
    })
}

/// What a closure of a kind can be about.
async fn scopes(site: &Arc<Site>, call: &Call, kind: &str, q: &str) -> Result<Vec<(String, String)>, Trouble> {
    let w = call.words();
    Ok(match kind {
        "place" => {
            let mut all: Vec<Place> = names::municipalities().chain(site.catalogue.places()).collect();
            all.sort_unstable();
            all.dedup();
            names::places(w, &all).into_iter().map(|(place, name)| (place.to_string(), name)).collect()
        }
        "provider" => {
            let found = site.registry.providers(q, &Page::first(FOUND)).await?.items.into_iter();
            found.map(|one| (one.id.to_string(), format!("{} ({})", one.name, one.code))).collect()
        }
        "service" => {
            let filter = Filter { text: q.to_owned(), now: site.now().await?, ..Filter::default() };
            let found = site.catalogue.search(&filter, call.lang, 1).items.into_iter();
            let label = |offer: &crate::catalogue::Offer| {
                (offer.id.to_string(), format!("{}, {}", offer.title.of(call.lang), offer.provider_name))
            };
            found.map(|hit| label(&hit.offer)).collect()
        }
        _ => Vec::new(),
    })
}

/// A closure that was asked for.
struct Closure {
    year: Year,
    from: Timestamp,
    until: Timestamp,
    scope: ClosureScope,
}

fn scope(text: &str) -> Option<ClosureScope> {
    if text == "everything" {
        return Some(ClosureScope::Everything);
    }
    let place = || Place::from_str(text).ok().map(ClosureScope::Place);
    let service = || text.parse::<ServiceId>().ok().map(ClosureScope::Service);
    text.parse::<ProviderId>().ok().map(ClosureScope::Provider).or_else(service).or_else(place)
}

/// A window of time: its end comes after its beginning.
fn window(w: &Words, fields: &Fields, problems: &mut Problems) -> Option<(Timestamp, Timestamp)> {
    let from = problems.need(fields, "from", "decisions-error-time", |text| w.instant(text))?;
    let until = problems.need(fields, "until", "decisions-error-time", |text| w.instant(text))?;
    if from >= until {
        problems.add("until", "decisions-error-window");
        return None;
    }
    Some((from, until))
}

fn year(known: &[(String, String)], fields: &Fields, problems: &mut Problems) -> Option<Year> {
    let of = |text: &str| known.iter().find(|(year, _)| year == text).and_then(|(year, _)| year.parse().ok());
    problems.need(fields, "year", "office-error-choice", of).map(Year)
}

/// POST /office/decisions/force-majeure: first shows what it would meet, then asks for the signature.
pub(super) async fn closure(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let w = call.words();
    let mut problems = Problems::default();
    let year = year(&years(&site).await?, &call.form, &mut problems);
    let window = window(w, &call.form, &mut problems);
    let scope = problems.need(&call.form, "scope", "office-error-choice", scope);
    let (Some(year), Some((from, until)), Some(scope)) = (year, window, scope) else {
        return closure_page(&site, &call, &call.form, &problems).await;
    };
    let closure = Closure { year, from, until, scope };
    let name = told::scope_words(&site, &call, scope).await?;
    let said = call.form.get("scope").unwrap_or_default().to_owned();
    if call.form.ticked("sure") {
        let labels = vec![(said, name)];
        let measure = Measure::ForceMajeure { year, from, until, scope };
        return propose(&site, &call, Proposal { measure, labels, warnings: vec![w.text("decisions-closure-note")] })
            .await;
    }
    let mut facts = told::closure(&site, &call, year, (from, until), scope).await?;
    facts.extend(met_words(w, &met(&site, &closure).await?));
    let text = |name: &str| call.form.get(name).unwrap_or_default().to_owned();
    let asked = Confirm {
        title: w.text("decisions-closure-title"),
        facts,
        warnings: vec![w.text("decisions-closure-note")],
        action: "/office/decisions/force-majeure",
        intent: "measure.force_majeure",
        fields: vec![
            ("year", year.to_string(), None),
            ("from", text("from"), None),
            ("until", text("until"), None),
            ("scope", said, Some(name)),
        ],
    };
    confirm(&site, &call, asked).await
}

/// What a closure would meet.
#[derive(Debug, Default, PartialEq, Eq)]
struct Met {
    orders: u64,
    pupils: u64,
    money: Cents,
    /// There are more orders than were looked at.
    more: bool,
}

async fn met(site: &Site, closure: &Closure) -> Result<Met, Trouble> {
    let mut met = Met::default();
    for state in [OrderState::Requested, OrderState::Confirmed] {
        let mut cursor: Option<String> = None;
        for read in 0.. {
            if read == PAGES {
                met.more = true;
                break;
            }
            let page = match closure.scope {
                ClosureScope::Provider(provider) => {
                    site.client.provider_orders(provider, closure.year, Some(state), cursor.as_deref()).await?
                }
                ClosureScope::Everything | ClosureScope::Place(_) | ClosureScope::Service(_) => {
                    site.client.orders_of(closure.year, Some(state), cursor.as_deref()).await?
                }
            };
            count(&mut met, closure, &page.items, |view| place_of(site, view));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(met)
}

fn place_of(site: &Site, view: &OrderView) -> Option<Place> {
    site.catalogue.session(view.order.session).map(|session| session.place)
}

fn count(met: &mut Met, closure: &Closure, orders: &[OrderView], place: impl Fn(&OrderView) -> Option<Place>) {
    for view in orders {
        let order = &view.order;
        let in_time = closure.from <= order.start && order.start < closure.until;
        let in_scope = match closure.scope {
            ClosureScope::Everything => true,
            // Gateways list a provider's orders with those of whom it took the place of.
            ClosureScope::Provider(_) => true,
            ClosureScope::Service(service) => service == order.service,
            ClosureScope::Place(wanted) => place(view) == Some(wanted),
        };
        if !(in_time && in_scope) {
            continue;
        }
        met.orders += 1;
        let booked = order.lines.iter().filter(|line| line.state == LineState::Booked);
        met.pupils += booked.count() as u64;
        let aside = order.lines.iter().filter_map(|line| line.held.checked_add(&line.escrow)?.total());
        met.money = lines::sum(std::iter::once(met.money).chain(aside));
    }
}

fn met_words(w: &Words, met: &Met) -> Vec<(String, String)> {
    let orders = w.count("count-orders", met.orders);
    let orders = if met.more { w.with1("decisions-at-least", "count", &orders) } else { orders };
    vec![
        (w.text("decisions-met-orders"), orders),
        (w.text("decisions-met-pupils"), w.count("count-pupils", met.pupils)),
        (w.text("decisions-met-money"), w.money(&met.money)),
    ]
}

/// GET /office/decisions/extend
pub(super) async fn extension_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    extension_page(&site, &call, &call.query, &Problems::default()).await
}

async fn extension_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let span = |hours: u64| ((hours * HOUR).to_string(), crate::public::terms::span(w, Span(hours * HOUR)));
    let form = Builder::new(w, "/office/decisions/extend", "decisions-propose", fields, problems)
        .signs("measure.extend")
        .select("year", "decisions-year", years(site).await?)
        .date_time("from", "decisions-extend-from")
        .date_time("until", "decisions-extend-until")
        .select("by", "decisions-by", LATER.map(span).to_vec())
        .done();
    let f = call.frame(site, Section::Decisions, w.text("decisions-extend-title")).await?.with_scripts(&["page.js"]);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &FormPage { f, intro: w.text("decisions-extend-intro"), form })
}

/// POST /office/decisions/extend
pub(super) async fn extension(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::Decide).await?;
    let w = call.words();
    let mut problems = Problems::default();
    let year = year(&years(&site).await?, &call.form, &mut problems);
    let window = window(w, &call.form, &mut problems);
    let later = |text: &str| text.parse::<u64>().ok().filter(|by| LATER.contains(&(by / HOUR)) && by % HOUR == 0);
    let by = problems.need(&call.form, "by", "office-error-choice", later).map(Span);
    let (Some(year), Some((from, until)), Some(by)) = (year, window, by) else {
        return extension_page(&site, &call, &call.form, &problems).await;
    };
    let measure = Measure::Extend { year, from, until, by };
    let warnings = vec![w.text("decisions-extend-note")];
    propose(&site, &call, Proposal { measure, labels: Vec::new(), warnings }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_by_its_form() {
        let provider = ProviderId([1; 16]);
        let service = ServiceId([2; 16]);
        let cases = [
            ("everything".to_owned(), Some(ClosureScope::Everything)),
            ("LT-57".to_owned(), Some(ClosureScope::Place(Place::Municipality(57)))),
            (provider.to_string(), Some(ClosureScope::Provider(provider))),
            (service.to_string(), Some(ClosureScope::Service(service))),
            ("LT-99".to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in cases {
            assert_eq!(scope(&text), expected, "{text}");
        }
    }
}
