//! The form by which sessions are offered and changed: one time on several days, or another time for one.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use jiff::{SignedDuration, civil};
use keis_ledger::classifiers::{Place, Scope, Year};
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::operation::{CatalogueOperation, Operation, SessionOffer};
use keis_ledger::record::YearState;
use keis_ledger::time::Timestamp;
use keis_registry::permission::Permission;
use keis_wallet::client::{SessionDetail, YearParameters};
use warp::http::StatusCode;

use super::month::Month;
use super::{INTENT, Own, Sheet, own, session, sign};
use crate::call::{Answer, Call, Fields, page, page_with};
use crate::catalogue::{Offer, names};
use crate::frame::{Frame, Section};
use crate::public::listing::Choice;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Days that one form takes.
pub(super) const DAYS: usize = 6;
/// Longest session, in minutes: seven days.
const LONGEST: i64 = 7 * 24 * 60;

/// What the form holds, as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) dates: Vec<String>,
    pub(super) start: String,
    pub(super) minutes: String,
    pub(super) place: String,
    pub(super) capacity: String,
}

impl Values {
    fn read(form: &Fields) -> Self {
        let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
        Self {
            dates: form.all("date").filter(|date| !date.is_empty()).map(str::to_owned).collect(),
            start: text("start"),
            minutes: text("minutes"),
            place: text("place"),
            capacity: text("capacity"),
        }
    }

    /// A session as it stands.
    pub(super) fn of(w: &Words, session: &SessionDetail) -> Self {
        Self {
            dates: vec![w.date(&session.start)],
            start: w.time(&session.start),
            minutes: (session.end.0.saturating_sub(session.start.0) / 60_000).to_string(),
            place: session.place.to_string(),
            capacity: session.capacity.to_string(),
        }
    }

    /// The first day.
    pub(super) fn first_date(&self) -> &str {
        self.dates.first().map(String::as_str).unwrap_or_default()
    }

    /// The days after the first, as many as the form has room for.
    fn further(&self) -> Vec<Further> {
        let date = |index: usize| self.dates.get(index).cloned().unwrap_or_default();
        (1..DAYS).map(|index| Further { number: index + 1, date: date(index) }).collect()
    }
}

/// What is wrong with a form: fields, and keys of the words that say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wrongs(Vec<(&'static str, &'static str)>);

impl Wrongs {
    fn add(&mut self, field: &'static str, key: &'static str) {
        if !self.has(field) {
            self.0.push((field, key));
        }
    }

    /// Whether anything is.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether a field is.
    pub(super) fn has(&self, field: &str) -> bool {
        self.0.iter().any(|(one, _)| *one == field)
    }

    /// What to say of a field.
    pub(super) fn key(&self, field: &str) -> &'static str {
        self.0.iter().find(|(one, _)| *one == field).map_or("trouble-field", |(_, key)| *key)
    }
}

/// What the form is judged by.
struct Bounds<'a> {
    w: &'a Words,
    offer: &'a Offer,
    years: &'a [YearParameters],
    now: Timestamp,
}

/// A wanted session and its year.
type Wanted = (Year, SessionOffer);

impl Bounds<'_> {
    fn judge(&self, v: &Values) -> Result<Vec<Wanted>, Wrongs> {
        let mut wrongs = Wrongs::default();
        let start: Option<civil::Time> = v.start.parse().ok();
        if start.is_none() {
            wrongs.add("start", "provider-wrong-time");
        }
        let minutes = v.minutes.parse::<i64>().ok().filter(|minutes| (1..=LONGEST).contains(minutes));
        if minutes.is_none() {
            wrongs.add("minutes", "provider-wrong-minutes");
        }
        let place = v.place.parse::<Place>().ok().filter(|place| self.offer.terms.venues.contains(place));
        if place.is_none() {
            wrongs.add("place", "provider-wrong-place");
        }
        let most = self.offer.terms.capacity;
        let capacity = v.capacity.parse::<u16>().ok().filter(|capacity| (1..=most).contains(capacity));
        if capacity.is_none() {
            wrongs.add("capacity", "provider-wrong-capacity");
        }
        let days: Option<Vec<civil::Date>> = v.dates.iter().map(|date| date.parse().ok()).collect();
        match &days {
            None => wrongs.add("date", "provider-wrong-date"),
            Some(days) if days.is_empty() => wrongs.add("date", "provider-wrong-date"),
            Some(days) if days.iter().collect::<BTreeSet<_>>().len() < days.len() => {
                wrongs.add("date", "provider-same-date");
            }
            Some(days) if days.len() > DAYS => wrongs.add("date", "provider-too-many-days"),
            Some(_) => {}
        }
        let (Some(start), Some(minutes), Some(place), Some(capacity), Some(days), false) =
            (start, minutes, place, capacity, days, wrongs.any())
        else {
            return Err(wrongs);
        };
        let wanted = days.into_iter().map(|day| self.on(day, start, minutes, place, capacity));
        wanted.collect::<Result<_, _>>().map_err(|key| {
            wrongs.add("date", key);
            wrongs
        })
    }

    /// The session on a day, when the ledger would take it.
    fn on(
        &self,
        day: civil::Date,
        start: civil::Time,
        minutes: i64,
        place: Place,
        capacity: u16,
    ) -> Result<Wanted, &'static str> {
        let start = day.to_datetime(start);
        // The end is counted in local time, as the person who writes a form does, and the signing page with them.
        let end = start.checked_add(SignedDuration::from_mins(minutes)).map_err(|_| "provider-wrong-date")?;
        let instant = |local: civil::DateTime| self.w.instant(&local.to_string()).ok_or("provider-wrong-date");
        let (start, end) = (instant(start)?, instant(end)?);
        if start <= self.now {
            return Err("provider-date-past");
        }
        let terms = &self.offer.terms;
        let fits = |year: &&YearParameters| {
            year.state == YearState::Open
                && year.parameters.window_from.max(terms.from) <= start
                && end <= year.parameters.window_until.min(terms.until)
        };
        let year = self.years.iter().find(fits).ok_or("provider-date-outside")?;
        Ok((year.year, SessionOffer { start, end, place, capacity }))
    }
}

/// The venues of a service as choices.
pub(super) fn place_choices(w: &Words, offer: &Offer, chosen: &str) -> Vec<Choice> {
    let named = names::places(w, &offer.terms.venues).into_iter();
    let choice = |(place, label): (Place, String)| {
        let value = place.to_string();
        Choice { chosen: value == chosen, value, label }
    };
    named.map(choice).collect()
}

#[derive(Template)]
#[template(path = "provider/choose_service.html")]
struct ChooseService {
    f: Frame,
    services: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "provider/new_session.html")]
struct NewSession {
    f: Frame,
    service: ServiceId,
    title: String,
    v: Values,
    e: Wrongs,
    places: Vec<Choice>,
    most: u16,
    further: Vec<Further>,
}

/// A further day of the form.
struct Further {
    number: usize,
    date: String,
}

/// The provider's service that a form is about, while it may be ordered.
async fn service_of(site: &Site, own: &Own, id: ServiceId) -> Result<Arc<Offer>, Trouble> {
    let found = site.catalogue.find_service(id).await?.filter(|offer| offer.is_active()).ok_or(Trouble::NotFound)?;
    if own.stands_for(site, found.provider).await? { Ok(found) } else { Err(Trouble::NotFound) }
}

pub(super) async fn new(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let date = call.query.get("date").filter(|date| date.parse::<civil::Date>().is_ok()).map(str::to_owned);
    let Some(id) = call.query.parse::<ServiceId>("service")? else {
        let houses = own.houses(&site).await?;
        let of_house = |house: &ProviderId| site.catalogue.services_of(*house, call.lang);
        let own_services = houses.iter().flat_map(of_house).filter(|offer| offer.is_active());
        let tail = date.map(|date| format!("&date={date}")).unwrap_or_default();
        let link = |offer: Arc<Offer>| {
            let href = format!("/provider/sessions/new?service={}{tail}", offer.id);
            (href, offer.title.of(call.lang).to_owned())
        };
        let f = call.frame(&site, Section::Sessions, call.words().text("provider-new-session")).await?;
        return page(&ChooseService { f, services: own_services.map(link).collect() });
    };
    let offer = service_of(&site, &own, id).await?;
    let values = Values {
        dates: date.into_iter().collect(),
        minutes: "60".to_owned(),
        capacity: offer.terms.capacity.to_string(),
        ..Values::default()
    };
    form(&site, &call, &offer, values, Wrongs::default()).await
}

async fn form(site: &Arc<Site>, call: &Call, offer: &Offer, v: Values, e: Wrongs) -> Answer {
    let w = call.words();
    let status = if e.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Sessions, w.text("provider-new-session")).await?.with_scripts(INTENT);
    let new = NewSession {
        f,
        service: offer.id,
        title: offer.title.of(call.lang).to_owned(),
        places: place_choices(w, offer, &v.place),
        most: offer.terms.capacity,
        further: v.further(),
        v,
        e,
    };
    page_with(status, &new)
}

/// What the signing page calls the place and the service.
fn labels(w: &Words, offer: &Offer) -> Vec<(String, String)> {
    let places = offer.terms.venues.iter().map(|place| (place.to_string(), names::place(w, *place)));
    let title = offer.title.of(w.lang()).to_owned();
    places.chain([(offer.id.to_string(), title)]).collect()
}

fn new_id() -> Result<SessionId, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Trouble::internal(error.to_string()))?;
    Ok(SessionId(bytes))
}

/// Where to go on: the month of a session.
fn back_to(w: &Words, at: Timestamp) -> String {
    format!("/provider/sessions?month={}", Month::of(&w.local(&at)))
}

pub(super) async fn open(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let w = call.words();
    let offer = service_of(&site, &own, call.form.need("service")?).await?;
    let (years, now) = (site.years().await?, site.now().await?);
    let values = Values::read(&call.form);
    let wanted = match (Bounds { w, offer: &offer, years: &years, now }).judge(&values) {
        Ok(wanted) => wanted,
        Err(wrongs) => return form(&site, &call, &offer, values, wrongs).await,
    };
    let next = wanted.first().map_or_else(|| "/provider/sessions".to_owned(), |(_, first)| back_to(w, first.start));
    let mut labels = labels(w, &offer);
    let mut operations = Vec::with_capacity(wanted.len());
    for (year, offered) in wanted {
        let session = new_id()?;
        labels.push((session.to_string(), w.text("provider-the-new-session")));
        let operation = CatalogueOperation::OpenSession { year, session, service: offer.id, offer: offered };
        operations.push(Operation::Catalogue(operation));
    }
    let title = w.text("provider-new-session");
    sign(&site, &call, &own, Sheet { title, operations, labels, scope: Scope::Order, next, warnings: Vec::new() }).await
}

pub(super) async fn amend(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::OfferSessions).await?;
    let w = call.words();
    let (found, offer) = session::find(&site, &call, &own).await?;
    let (years, now) = (site.years().await?, site.now().await?);
    let values = Values::read(&call.form);
    let judged = Bounds { w, offer: &offer, years: &years, now }.judge(&values).and_then(|wanted| match wanted[..] {
        [(year, offered)] if year == found.year => Ok(offered),
        _ => Err(Wrongs(vec![("date", "provider-date-outside")])),
    });
    let offered = match judged {
        Ok(offered) => offered,
        Err(wrongs) => return session::show(&site, &call, &own, &found, &offer, values, wrongs).await,
    };
    site.catalogue.ensure(found.year, [found.id]).await?;
    let mut labels = labels(w, &offer);
    labels.push((found.id.to_string(), site.catalogue.label(found.id, call.lang)));
    let operation = CatalogueOperation::AmendSession { year: found.year, session: found.id, offer: offered };
    let sheet = Sheet {
        title: w.text("provider-amend"),
        operations: vec![Operation::Catalogue(operation)],
        labels,
        scope: Scope::Order,
        next: format!("/provider/sessions/{}?year={}", found.id, found.year),
        warnings: Vec::new(),
    };
    sign(&site, &call, &own, sheet).await
}
