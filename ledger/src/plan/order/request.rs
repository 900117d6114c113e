//! Proposing and requesting orders.

use super::strike::is_closing;
use super::{Key, clear_deadline, done, lines, set_deadline};
use crate::accounts::Account;
use crate::classifiers::{Scope, Year};
use crate::crypto::Hash;
use crate::ids::{EntityId, ProviderId, PupilId, SchoolId, SessionId};
use crate::money::{Amounts, Cents};
use crate::operation::{MAX_PUPILS, Party};
use crate::plan::{Actor, ascending, bounded, open_year, succession};
use crate::receipt::Kind;
use crate::record::{
    DueKind, Entity, Line, LineState, Order, OrderState, PinnedRules, Provider, Pupil, School, Service, Session,
    Standing, Succession,
};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

/// What an orderer asks for.
pub(super) struct Wish<'t> {
    pub(super) session: SessionId,
    pub(super) pupils: &'t [PupilId],
    pub(super) price: Cents,
    pub(super) school_money: Cents,
}

/// What the ledger knows about it.
struct Found {
    school: SchoolId,
    orderer: Party,
    provider: ProviderId,
    session: Session,
    service: Service,
    rules: PinnedRules,
    deadline: Timestamp,
}

pub(super) fn propose(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    session: SessionId,
    pupils: &[PupilId],
    blind: Hash,
) -> Result<Effect, Rejection> {
    let orderer = actor.party(Scope::Propose)?;
    let found = look(&work, at, key, orderer, session, pupils, None)?;
    clear_proposal(&mut work, key);
    let wish = Wish { session, pupils, price: found.service.terms.price, school_money: Cents::ZERO };
    place(&mut work, actor, key, &found, &wish, OrderState::Proposed, blind);
    set_deadline(&mut work, key, DueKind::Lapse, found.deadline);
    Ok(done(work, key, Kind::OrderProposed, Amounts::ZERO))
}

pub(super) fn request(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    wish: &Wish,
    blind: Hash,
) -> Result<Effect, Rejection> {
    let orderer = actor.party(Scope::Order)?;
    let found = look(&work, at, key, orderer, wish.session, wish.pupils, Some(wish.price))?;
    let price = found.service.terms.price;
    let count = u16::try_from(wish.pupils.len()).map_err(|_| Rejection::AmountTooLarge)?;
    let free = found.session.offer.capacity.saturating_sub(found.session.booked);
    if count > free {
        return Err(Rejection::SessionFull { free });
    }
    let cost = price.checked_mul(u64::from(count)).ok_or(Rejection::AmountTooLarge)?;
    actor.may_spend(cost)?;
    clear_proposal(&mut work, key);
    place(&mut work, actor, key, &found, wish, OrderState::Requested, blind);
    lines::take_places(&mut work, (key.0, wish.session), count)?;
    for pupil in wish.pupils {
        lines::book(&mut work, key, *pupil);
    }
    let charges: Vec<(u16, Cents)> = (0..count).map(|line| (line, price)).collect();
    let total = lines::charge(&mut work, key, &charges, Account::Hold)?;
    set_deadline(&mut work, key, DueKind::Lapse, found.deadline);
    Ok(done(work, key, Kind::OrderRequested, total))
}

/// A proposal whose place is taken lapses no more.
fn clear_proposal(work: &mut Work, key: Key) {
    if work.has::<Order>(key) {
        clear_deadline(work, key, DueKind::Lapse);
    }
}

/// Every rule on a new order but money, places and the signer's cap.
fn look(
    work: &Work,
    at: Timestamp,
    key: Key,
    orderer: Party,
    session_id: SessionId,
    pupils: &[PupilId],
    agreed: Option<Cents>,
) -> Result<Found, Rejection> {
    may_order(key.0, orderer, pupils)?;
    bounded(pupils, MAX_PUPILS)?;
    ascending(pupils)?;
    let year = open_year(work, key.0)?;
    let school_id = school_of(work, orderer)?;
    let school = work.get::<School>(school_id).ok_or(Rejection::SchoolUnknown { item: 0 })?;
    let wallets = lines::pupils_known(work, key.0, pupils)?;
    let session = work.get::<Session>((key.0, session_id)).ok_or(Rejection::SessionUnknown)?;
    let service = work.get::<Service>(session.service).expect("a session's service is never taken away");
    let names = [Provider::key(service.provider), Succession::key(Party::Provider(service.provider))];
    work.look_ahead(names.into_iter());
    let giver = succession::provider_now(work, service.provider);
    let provider = work.get::<Provider>(giver).expect("a service's provider is never taken away");
    free_or_own_proposal(work, key, orderer, school_id)?;
    sides_differ(school.entity, provider.entity)?;
    lines::in_use(&[school.standing, provider.standing], &wallets)?;
    if service.standing != Standing::Active {
        return Err(Rejection::ServiceNotOffered);
    }
    if !session.open || is_closing(work, key.0, session) {
        return Err(Rejection::SessionClosed);
    }
    super::before(at, session.offer.start)?;
    let price = service.terms.price;
    if agreed.is_some_and(|agreed| agreed != price) {
        return Err(Rejection::PriceDiffers { price });
    }
    let place = lines::Place {
        school: school_id,
        grades: service.terms.grades,
        start: session.offer.start,
        end: session.offer.end,
    };
    lines::admit_pupils(work, &wallets, &place)?;
    Ok(Found {
        school: school_id,
        orderer,
        provider: giver,
        session: session.clone(),
        service: service.clone(),
        rules: PinnedRules::of(&year.parameters),
        deadline: at.after(year.parameters.hold_expiry).min(session.offer.start),
    })
}

/// Schools order for pupils, a pupil for itself alone.
fn may_order(year: Year, orderer: Party, pupils: &[PupilId]) -> Result<(), Rejection> {
    match orderer {
        Party::School(_) => Ok(()),
        Party::Pupil(of, own) if of == year && pupils == [own] => Ok(()),
        Party::Pupil(..) | Party::Provider(_) => Err(Rejection::NotPermitted),
    }
}

/// The school of who orders.
fn school_of(work: &Work, orderer: Party) -> Result<SchoolId, Rejection> {
    match orderer {
        Party::School(school) => Ok(school),
        Party::Pupil(year, pupil) => {
            let record = work.get::<Pupil>((year, pupil)).ok_or(Rejection::PupilUnknown { item: 0 })?;
            Ok(succession::school_now(work, record.school))
        }
        Party::Provider(_) => Err(Rejection::NotPermitted),
    }
}

/// The order's id is free, or names a proposal of the same orderer; a school takes up those of its pupils too.
fn free_or_own_proposal(work: &Work, key: Key, orderer: Party, school: SchoolId) -> Result<(), Rejection> {
    let own = |order: &Order| {
        order.state == OrderState::Proposed
            && succession::school_now(work, order.school) == school
            && (order.orderer == orderer || orderer == Party::School(school))
    };
    if work.get::<Order>(key).is_none_or(own) { Ok(()) } else { Err(Rejection::IdTaken { item: 0 }) }
}

fn sides_differ(school: EntityId, provider: EntityId) -> Result<(), Rejection> {
    if school == provider { Err(Rejection::BothSides) } else { Ok(()) }
}

fn place(work: &mut Work, actor: &Actor, key: Key, found: &Found, wish: &Wish, state: OrderState, blind: Hash) {
    let line_state = if state == OrderState::Proposed { LineState::Proposed } else { LineState::Booked };
    let order = Order {
        school: found.school,
        orderer: found.orderer,
        provider: found.provider,
        service: found.session.service,
        version: found.service.version,
        session: wish.session,
        start: found.session.offer.start,
        end: found.session.offer.end,
        state,
        price: wish.price,
        rules: found.rules.clone(),
        school_money: wish.school_money,
        deadline: found.deadline,
        lines: wish.pupils.iter().map(|pupil| Line::new(*pupil, line_state)).collect(),
        change: None,
        orderer_key: actor.key,
        provider_key: None,
        programme_statement: None,
        school_statement: None,
        blind,
    };
    work.put(key, order);
}
