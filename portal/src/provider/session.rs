//! One session: who joined it, its change while nobody has, its closing.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::SessionId;
use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_ledger::record::{OrderState, YearState};
use keis_registry::permission::Permission;
use keis_wallet::client::SessionDetail;

use super::rows::{OrderRow, rows};
use super::session_form::{Values, Wrongs, place_choices};
use super::{INTENT, Own, Sheet, orders_in, own, sign};
use crate::call::{Answer, Call, page_with};
use crate::catalogue::{Offer, names};
use crate::frame::{Frame, Section};
use crate::public::listing::Choice;
use crate::site::Site;
use crate::trouble::Trouble;
use warp::http::StatusCode;

/// States of orders that hold places.
const IN_IT: [OrderState; 5] = [
    OrderState::Requested,
    OrderState::Confirmed,
    OrderState::Delivered,
    OrderState::Attended,
    OrderState::AttendedAutomatically,
];

#[derive(Template)]
#[template(path = "provider/session.html")]
struct SessionPage {
    f: Frame,
    id: SessionId,
    year: Year,
    title: String,
    service_href: String,
    when: String,
    place: String,
    taken: String,
    capacity: u16,
    open: bool,
    amendable: bool,
    closable: bool,
    caption: String,
    list: Vec<OrderRow>,
    v: Values,
    e: Wrongs,
    places: Vec<Choice>,
    most: u16,
}

/// A session of the provider, with its service.
pub(super) async fn find(site: &Site, call: &Call, own: &Own) -> Result<(SessionDetail, Arc<Offer>), Trouble> {
    let id: SessionId = call.part(0)?;
    let years = match call.query.parse::<u16>("year")? {
        Some(year) => vec![Year(year)],
        None => site.years().await?.iter().rev().map(|year| year.year).collect(),
    };
    for year in years {
        if let Some(found) = site.client.session(year, id).await? {
            let offer = site.catalogue.find_service(found.service).await?.ok_or(Trouble::NotFound)?;
            let ours = own.stands_for(site, offer.provider).await?;
            return if ours { Ok((found, offer)) } else { Err(Trouble::NotFound) };
        }
    }
    Err(Trouble::NotFound)
}

/// Whether sessions of a year may still be changed.
async fn year_is_open(site: &Site, year: Year) -> Result<bool, Trouble> {
    Ok(site.years().await?.iter().any(|known| known.year == year && known.state == YearState::Open))
}

pub(super) async fn session(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let (found, offer) = find(&site, &call, &own).await?;
    let values = Values::of(call.words(), &found);
    show(&site, &call, &own, &found, &offer, values, Wrongs::default()).await
}

/// The page, with what was typed into the form and what is wrong with it.
pub(super) async fn show(
    site: &Arc<Site>,
    call: &Call,
    own: &Own,
    found: &SessionDetail,
    offer: &Offer,
    v: Values,
    e: Wrongs,
) -> Answer {
    let (w, now) = (call.words(), site.now().await?);
    let orders = orders_in(site, own, found.year, &IN_IT).await?;
    let orders: Vec<_> = orders.into_iter().filter(|view| view.order.session == found.id).collect();
    let list = rows(site, call.lang, &orders).await?;
    let open_year = year_is_open(site, found.year).await?;
    let status = if e.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = offer.title.of(call.lang).to_owned();
    let f = call.frame(site, Section::Sessions, title.clone()).await?.with_scripts(INTENT);
    page_with(
        status,
        &SessionPage {
            f,
            id: found.id,
            year: found.year,
            title,
            service_href: format!("/services/{}", offer.id),
            when: format!("{}, {}–{}", w.weekday_date(&found.start), w.time(&found.start), w.time(&found.end)),
            place: names::place(w, found.place),
            taken: w.number(found.capacity.saturating_sub(found.free)),
            capacity: found.capacity,
            open: found.open,
            amendable: open_year && found.open && found.free == found.capacity && offer.is_active(),
            closable: open_year && found.open && now < found.start,
            caption: w.count("count-orders", list.len()),
            list,
            places: place_choices(w, offer, &v.place),
            most: offer.terms.capacity,
            v,
            e,
        },
    )
}

pub(super) async fn close(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let (found, _) = find(&site, &call, &own).await?;
    let w = call.words();
    site.catalogue.ensure(found.year, [found.id]).await?;
    let operation = CatalogueOperation::CloseSession { year: found.year, session: found.id };
    let sheet = Sheet {
        title: w.text("provider-close-title"),
        operations: vec![Operation::Catalogue(operation)],
        labels: vec![(found.id.to_string(), site.catalogue.label(found.id, call.lang))],
        scope: Scope::Order,
        next: format!("/provider/sessions/{}?year={}", found.id, found.year),
        warnings: vec![w.text("provider-close-warning")],
    };
    sign(&site, &call, &own, sheet).await
}
