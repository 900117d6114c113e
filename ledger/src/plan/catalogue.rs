//! The catalogue: services in their versions, and the sessions at which they are given.

use super::order::strike;
use super::{Actor, open_year, succession};
use crate::classifiers::{Scope, Year};
use crate::ids::{ProviderId, ServiceId, SessionId};
use crate::money::Amounts;
use crate::operation::{CatalogueOperation, MAX_VENUES, Party, ServiceTerms, SessionOffer};
use crate::receipt::{Kind, Subject};
use crate::record::{Provider, Service, Session, Standing, YearRecord};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::{Span, Timestamp};

/// No session is longer: a pupil is in one place for all of it.
const LONGEST_SESSION: Span = Span::days(7);

pub(super) fn plan(
    work: Work,
    at: Timestamp,
    actor: &Actor,
    operation: &CatalogueOperation,
) -> Result<Effect, Rejection> {
    match operation {
        CatalogueOperation::Publish { service, provider, terms } => publish(work, actor, *service, *provider, terms),
        CatalogueOperation::Amend { service, terms } => amend(work, actor, *service, terms),
        CatalogueOperation::Suspend { service } => {
            set_standing(work, actor, *service, Standing::Suspended, Kind::ServiceSuspended)
        }
        CatalogueOperation::Reinstate { service } => {
            set_standing(work, actor, *service, Standing::Active, Kind::ServiceReinstated)
        }
        CatalogueOperation::Withdraw { service } => withdraw(work, actor, *service),
        CatalogueOperation::OpenSession { year, session, service, offer } => {
            open_session(work, at, actor, (*year, *session), *service, offer)
        }
        CatalogueOperation::AmendSession { year, session, offer } => {
            amend_session(work, at, actor, (*year, *session), offer)
        }
        CatalogueOperation::CloseSession { year, session } => close_session(work, actor, (*year, *session)),
    }
}

fn about(id: ServiceId, service: &Service) -> Subject {
    Subject { service: Some(id), provider: Some(service.provider), ..Subject::default() }
}

fn about_session((year, session): (Year, SessionId), service: ServiceId, provider: ProviderId) -> Subject {
    Subject {
        year: Some(year),
        session: Some(session),
        service: Some(service),
        provider: Some(provider),
        ..Subject::default()
    }
}

fn terms_sound(terms: &ServiceTerms) -> Result<(), Rejection> {
    let sound = terms.grades.is_sound()
        && !terms.price.is_zero()
        && terms.capacity > 0
        && (1..=MAX_VENUES).contains(&terms.venues.len())
        && terms.venues.is_sorted_by(|a, b| a < b)
        && terms.venues.iter().all(|venue| venue.is_sound())
        && terms.from < terms.until;
    if sound { Ok(()) } else { Err(Rejection::TermsUnsound) }
}

fn publish(
    mut work: Work,
    actor: &Actor,
    id: ServiceId,
    provider: ProviderId,
    terms: &ServiceTerms,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    terms_sound(terms)?;
    let standing = work.get::<Provider>(provider).ok_or(Rejection::ProviderUnknown)?.standing;
    if work.has::<Service>(id) {
        return Err(Rejection::IdTaken { item: 0 });
    }
    in_use(standing)?;

    let service = Service { provider, version: 1, terms: terms.clone(), standing: Standing::Active };
    let subject = about(id, &service);
    work.put(id, service);
    Ok(work.done(Kind::ServicePublished, subject, Amounts::ZERO))
}

fn amend(mut work: Work, actor: &Actor, id: ServiceId, terms: &ServiceTerms) -> Result<Effect, Rejection> {
    actor.operator()?;
    terms_sound(terms)?;
    let service = work.edit::<Service>(id).ok_or(Rejection::ServiceUnknown)?;
    not_withdrawn(service)?;
    service.version = service.version.checked_add(1).ok_or(Rejection::AmountTooLarge)?;
    service.terms = terms.clone();
    let subject = about(id, service);
    Ok(work.done(Kind::ServiceAmended, subject, Amounts::ZERO))
}

fn set_standing(
    mut work: Work,
    actor: &Actor,
    id: ServiceId,
    standing: Standing,
    kind: Kind,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    let service = work.edit::<Service>(id).ok_or(Rejection::ServiceUnknown)?;
    if service.standing == standing {
        return Err(Rejection::StandingUnchanged);
    }
    not_withdrawn(service)?;
    service.standing = standing;
    let subject = about(id, service);
    Ok(work.done(kind, subject, Amounts::ZERO))
}

/// By the operator, or by the provider whose service it is.
fn withdraw(mut work: Work, actor: &Actor, id: ServiceId) -> Result<Effect, Rejection> {
    let own = match actor.operator() {
        Ok(()) => None,
        Err(_) => Some(provider_of(actor)?),
    };
    let giver = work.get::<Service>(id).ok_or(Rejection::ServiceUnknown)?.provider;
    let giver = succession::provider_now(&work, giver);
    let service = work.edit::<Service>(id).expect("the service was found above");
    if own.is_some_and(|provider| provider != giver) {
        return Err(Rejection::NotYours);
    }
    if service.standing == Standing::Closed {
        return Err(Rejection::StandingUnchanged);
    }
    service.standing = Standing::Closed;
    let subject = about(id, service);
    Ok(work.done(Kind::ServiceWithdrawn, subject, Amounts::ZERO))
}

/// The provider that signs, with the scope that sessions need.
fn provider_of(actor: &Actor) -> Result<ProviderId, Rejection> {
    match actor.party(Scope::Order)? {
        Party::Provider(provider) => Ok(provider),
        Party::School(_) | Party::Pupil(..) => Err(Rejection::NotPermitted),
    }
}

fn in_use(standing: Standing) -> Result<(), Rejection> {
    match standing {
        Standing::Active => Ok(()),
        Standing::Suspended => Err(Rejection::WalletSuspended { item: 0 }),
        Standing::Closed => Err(Rejection::WalletClosed { item: 0 }),
    }
}

fn not_withdrawn(service: &Service) -> Result<(), Rejection> {
    match service.standing {
        Standing::Active | Standing::Suspended => Ok(()),
        Standing::Closed => Err(Rejection::ServiceNotOffered),
    }
}

fn open_session(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: (Year, SessionId),
    id: ServiceId,
    offer: &SessionOffer,
) -> Result<Effect, Rejection> {
    let own = provider_of(actor)?;
    let service = work.get::<Service>(id);
    offer_sound(offer, service)?;
    let year = open_year(&work, key.0)?;
    let service = service.ok_or(Rejection::ServiceUnknown)?;
    if work.has::<Session>(key) {
        return Err(Rejection::IdTaken { item: 0 });
    }
    if succession::provider_now(&work, service.provider) != own {
        return Err(Rejection::NotYours);
    }
    offered(&work, service)?;
    strike::not_closing(&work, key.0, offer, id)?;
    fits(at, offer, year, service)?;

    work.put(key, Session { service: id, offer: *offer, booked: 0, open: true });
    Ok(work.done(Kind::SessionOpened, about_session(key, id, own), Amounts::ZERO))
}

fn amend_session(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: (Year, SessionId),
    offer: &SessionOffer,
) -> Result<Effect, Rejection> {
    let own = provider_of(actor)?;
    let session = work.get::<Session>(key);
    offer_sound(offer, session.and_then(|session| work.get::<Service>(session.service)))?;
    let year = open_year(&work, key.0)?;
    let session = session.ok_or(Rejection::SessionUnknown)?;
    let id = session.service;
    let service = service_of(&work, session);
    if succession::provider_now(&work, service.provider) != own {
        return Err(Rejection::NotYours);
    }
    offered(&work, service)?;
    if !session.open {
        return Err(Rejection::SessionClosed);
    }
    strike::not_closing(&work, key.0, offer, id)?;
    if session.booked > 0 {
        return Err(Rejection::SessionInUse);
    }
    fits(at, offer, year, service)?;

    work.edit::<Session>(key).expect("the session was found above").offer = *offer;
    Ok(work.done(Kind::SessionAmended, about_session(key, id, own), Amounts::ZERO))
}

fn close_session(mut work: Work, actor: &Actor, key: (Year, SessionId)) -> Result<Effect, Rejection> {
    let own = provider_of(actor)?;
    open_year(&work, key.0)?;
    let session = work.get::<Session>(key).ok_or(Rejection::SessionUnknown)?;
    let id = session.service;
    if succession::provider_now(&work, service_of(&work, session).provider) != own {
        return Err(Rejection::NotYours);
    }
    if !session.open {
        return Err(Rejection::SessionClosed);
    }

    work.edit::<Session>(key).expect("the session was found above").open = false;
    Ok(work.done(Kind::SessionClosed, about_session(key, id, own), Amounts::ZERO))
}

fn service_of<'w>(work: &'w Work, session: &Session) -> &'w Service {
    work.get::<Service>(session.service).expect("a session is opened for a service, and services are never removed")
}

/// What can be judged of an offer before anything about its year is known.
fn offer_sound(offer: &SessionOffer, service: Option<&Service>) -> Result<(), Rejection> {
    let sound = offer.start < offer.end
        && offer.length() <= LONGEST_SESSION
        && offer.capacity > 0
        && offer.place.is_sound()
        && service.is_none_or(|service| offer.capacity <= service.terms.capacity);
    if sound { Ok(()) } else { Err(Rejection::OfferUnsound) }
}

/// Provider and service may take new business.
fn offered(work: &Work, service: &Service) -> Result<(), Rejection> {
    let provider = work.get::<Provider>(succession::provider_now(work, service.provider));
    in_use(provider.expect("a service is published for a provider, and providers are never removed").standing)?;
    match service.standing {
        Standing::Active => Ok(()),
        Standing::Suspended | Standing::Closed => Err(Rejection::ServiceNotOffered),
    }
}

/// The session lies ahead, within the programme's time and the service's, at one of its venues.
fn fits(at: Timestamp, offer: &SessionOffer, year: &YearRecord, service: &Service) -> Result<(), Rejection> {
    if offer.start <= at {
        return Err(Rejection::TooLate { until: offer.start });
    }
    let from = year.parameters.window_from.max(service.terms.from);
    let until = year.parameters.window_until.min(service.terms.until);
    if offer.start < from || offer.end > until {
        return Err(Rejection::OutsideWindow);
    }
    if service.terms.venues.binary_search(&offer.place).is_err() {
        return Err(Rejection::VenueNotOffered);
    }
    Ok(())
}
