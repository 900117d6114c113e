//! The start page.

use std::sync::Arc;

use askama::Template;
use keis_ledger::money::Cents;

use super::{standing, terms};
use crate::call::{Answer, Call, page};
use crate::catalogue::names;
use crate::frame::{Frame, Section};
use crate::site::Site;

/// Sessions shown.
const NEXT: usize = 6;

#[derive(Template)]
#[template(path = "public/home.html")]
struct Home {
    f: Frame,
    figures: Vec<Figure>,
    year: Option<String>,
    next: Vec<Next>,
}

struct Figure {
    value: String,
    label: String,
}

struct Next {
    href: String,
    title: String,
    provider: String,
    when: String,
    place: String,
    free: String,
    price: String,
}

pub(super) async fn home(site: Arc<Site>, call: Call) -> Answer {
    let (w, lang) = (call.words(), call.lang);
    let (now, programme) = standing(&site).await?;
    let figure = |value: String, key: &str| Figure { value, label: w.text(key) };
    let mut figures = vec![figure(w.number(site.catalogue.size()), "public-figure-services")];
    if let Some(programme) = &programme {
        let told = site.client.statistics(programme.year).await?.and_then(|statistics| statistics.orders);
        let funds = site.client.funds(programme.year).await?;
        // Of what the tables tell, so that nothing they withhold can be reckoned from this.
        let state =
            |name: &str| told.as_ref().and_then(|told| told.states.cells.get(name)).copied().unwrap_or_default();
        let held = ["delivered", "attended", "attended_automatically", "settled"].map(state).into_iter().sum::<u64>();
        let left = funds.map_or(Cents::ZERO, |funds| funds.money.state.pupils);
        figures.push(figure(w.money(&programme.parameters.amount_per_pupil), "public-figure-amount"));
        figures.push(figure(w.number(held), "public-figure-held"));
        figures.push(figure(w.money(&left), "public-figure-left"));
    }
    let next = site.catalogue.upcoming(now, NEXT).into_iter().map(|(session, offer)| Next {
        href: format!("/services/{}", offer.id),
        title: offer.title.of(lang).to_owned(),
        provider: offer.provider_name.clone(),
        when: terms::when(w, &session),
        place: names::place(w, session.place),
        free: w.count("count-places", session.free),
        price: w.money(&offer.terms.price),
    });
    let next = next.collect();
    let f = call.frame(&site, Section::None, w.text("public-home")).await?;
    page(&Home { f, figures, year: programme.map(|programme| programme.year.to_string()), next })
}
