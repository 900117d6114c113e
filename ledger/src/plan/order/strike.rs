//! Force majeure: the standing orders of sessions that cannot take place are cancelled without charge, through the due
//! queue. A walk over the year finds them, and closes the sessions on its way; each order is a step of its own.
//!
//! Until the walk and all its steps are done, the closure binds by itself: nothing can be done to such an order, and
//! nobody can join such a session. Proposals hold nothing and lapse.

use super::lines;
use super::{Key, clear_deadline, done, end, order, subject};
use crate::classifiers::{Place, Year};
use crate::crypto::Hash;
use crate::ids::{DecisionId, OrderId, ServiceId};
use crate::money::{Amounts, Cents};
use crate::operation::{ClosureScope, SessionOffer};
use crate::plan::governance::Applied;
use crate::plan::{item, succession, year_of};
use crate::receipt::{Kind, Subject};
use crate::record::{
    Closure, DueKey, DueKind, DueWork, Entity, Exceptions, LineState, Order, OrderState, Pupil, Record, RecordKey,
    Service, Session,
};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::{Span, Timestamp};
use crate::tree::TreeKey;

/// Most orders and sessions that one step of the walk finds.
const FOUND: usize = 400;

/// Most records that one step of the walk looks at.
const LOOKED_AT: usize = 20_000;

/// Whether the closure can be.
pub(in crate::plan) fn judge(work: &Work, year: Year, (from, until): (Timestamp, Timestamp)) -> Result<(), Rejection> {
    if from >= until {
        return Err(Rejection::MeasureUnsound);
    }
    year_of(work, year)?;
    let most = Exceptions::MOST;
    if work.get::<Exceptions>(year).is_some_and(|exceptions| exceptions.closures.len() >= most) {
        return Err(Rejection::TooManyExceptions { most: item(most) });
    }
    Ok(())
}

/// Closes the window; the walk begins with the next block.
pub(in crate::plan) fn declare(
    work: &mut Work,
    at: Timestamp,
    year: Year,
    closure: Closure,
) -> Result<Applied, Rejection> {
    judge(work, year, (closure.from, closure.until))?;
    let mut exceptions = work.get::<Exceptions>(year).cloned().unwrap_or_default();
    exceptions.closures.push(closure);
    work.put(year, exceptions);
    let begins = DueKey::closure(at.after(Span(1)), year, closure.decision);
    work.put(begins, DueWork::Closure(year, closure.decision, RecordKey::year_start(year)));
    let subject = about(year, closure.decision);
    Ok(Applied { kind: Kind::ForceMajeureDeclared, subject, total: Amounts::ZERO })
}

fn about(year: Year, decision: DecisionId) -> Subject {
    Subject { year: Some(year), decision: Some(decision), ..Subject::default() }
}

/// Whether some closure that is being worked off covers what begins then and there.
fn is_covered(work: &Work, year: Year, start: Timestamp, place: Place, service: ServiceId) -> bool {
    let covers = |closure: &Closure| covers(work, closure, start, place, service);
    work.get::<Exceptions>(year).is_some_and(|exceptions| exceptions.closures.iter().any(covers))
}

fn covers(work: &Work, closure: &Closure, start: Timestamp, place: Place, service: ServiceId) -> bool {
    if start < closure.from || start >= closure.until {
        return false;
    }
    match closure.scope {
        ClosureScope::Everything => true,
        ClosureScope::Place(other) => other == place,
        ClosureScope::Service(other) => other == service,
        ClosureScope::Provider(other) => {
            let of = work.get::<Service>(service).map(|service| service.provider);
            of.is_some_and(|of| of == other || succession::provider_now(work, of) == other)
        }
    }
}

/// Whether force majeure is closing a session.
pub(super) fn is_closing(work: &Work, year: Year, session: &Session) -> bool {
    is_covered(work, year, session.offer.start, session.offer.place, session.service)
}

/// What a session offers is not what force majeure is closing.
pub(in crate::plan) fn not_closing(
    work: &Work,
    year: Year,
    offer: &SessionOffer,
    service: ServiceId,
) -> Result<(), Rejection> {
    if is_covered(work, year, offer.start, offer.place, service) { Err(Rejection::SessionClosed) } else { Ok(()) }
}

/// The order is not about to be cancelled by force majeure.
pub(super) fn not_struck(work: &Work, key: Key) -> Result<(), Rejection> {
    let order = order(work, key);
    let covered = || {
        // Nearly always there is none, and nothing more to look for.
        work.has::<Exceptions>(key.0)
            && work
                .get::<Session>((key.0, order.session))
                .is_some_and(|session| is_covered(work, key.0, order.start, session.offer.place, order.service))
    };
    if is_standing(order.state) && covered() { Err(Rejection::SessionClosed) } else { Ok(()) }
}

fn is_standing(state: OrderState) -> bool {
    matches!(state, OrderState::Requested | OrderState::Confirmed)
}

/// Clock step: looks for orders and sessions from a place of the tree on. What is left is due at the next instant, after
/// the orders that were found; past the end of the year the closure ends.
pub(in crate::plan) fn walk(
    mut work: Work,
    at: Timestamp,
    (year, decision): (Year, DecisionId),
    from: TreeKey,
    room: usize,
) -> Effect {
    let after = year.0.checked_add(1).expect("a year that was opened is far below the highest number");
    let end = RecordKey::year_start(Year(after));
    let exceptions = work.get::<Exceptions>(year);
    let closure = exceptions.and_then(|all| all.closures.iter().find(|one| one.decision == decision)).copied();
    let Some(closure) = closure.filter(|_| from < end) else {
        return finish(work, year, decision);
    };
    let mut next = end;
    let mut found = 0;
    let records = work.draft().standing_from(&from).take_while(|(place, _)| *place < end);
    for (looked_at, (place, record)) in records.enumerate() {
        if found >= room.min(FOUND) || looked_at == LOOKED_AT {
            next = place;
            break;
        }
        found += usize::from(meet(&mut work, at, year, &closure, place, record));
    }
    work.put(DueKey::closure(at.after(Span(1)), year, decision), DueWork::Closure(year, decision, next));
    work.done(Kind::ForceMajeureContinued, about(year, decision), Amounts::ZERO)
}

/// Closes a session, or puts an order into the queue, if the record is one that the closure covers.
fn meet(work: &mut Work, at: Timestamp, year: Year, closure: &Closure, place: TreeKey, record: &Record) -> bool {
    if let Some(session) = Session::from_record(record) {
        let Session { offer, service, open, .. } = session;
        let closes = *open && covers(work, closure, offer.start, offer.place, *service);
        if closes {
            work.edit_at::<Session>(place).expect("the record stands at its place").open = false;
        }
        return closes;
    }
    let Some(order) = Order::from_record(record) else { return false };
    if !is_standing(order.state) {
        return false;
    }
    let session = work.get::<Session>((year, order.session)).expect("an order's session is never taken away");
    if !covers(work, closure, order.start, session.offer.place, order.service) {
        return false;
    }
    let order = id_of(work, year, order, place);
    work.put(DueKey::order(DueKind::Strike, at, (year, order)), DueWork::Strike(year, order));
    true
}

/// An order's record does not hold its id, but the bookings of its pupils do.
fn id_of(work: &Work, year: Year, order: &Order, place: TreeKey) -> OrderId {
    let booked = order.lines.iter().filter(|line| line.state == LineState::Booked);
    let pupils = booked.filter_map(|line| work.get::<Pupil>((year, line.pupil)));
    let mut ids = pupils.flat_map(|pupil| pupil.bookings.iter().map(|booking| booking.order));
    ids.find(|id| RecordKey::Order(year, *id).place() == place).expect("a standing order has a line that is booked")
}

fn finish(mut work: Work, year: Year, decision: DecisionId) -> Effect {
    if let Some(exceptions) = work.edit::<Exceptions>(year) {
        exceptions.closures.retain(|one| one.decision != decision);
    }
    work.done(Kind::ForceMajeureEnded, about(year, decision), Amounts::ZERO)
}

/// Clock step: cancels an order that was found, unless its pupils have all left it meanwhile or it has lapsed.
pub(in crate::plan) fn strike(mut work: Work, key: Key) -> (Effect, Hash) {
    let Some(found) = work.get::<Order>(key) else {
        let subject = Subject { year: Some(key.0), order: Some(key.1), ..Subject::default() };
        return (work.done(Kind::ForceMajeureContinued, subject, Amounts::ZERO), Hash::default());
    };
    let (state, seed) = (found.state, found.blind);
    if !is_standing(state) {
        let subject = subject(&work, key);
        return (work.done(Kind::ForceMajeureContinued, subject, Amounts::ZERO), seed);
    }
    if state == OrderState::Requested {
        clear_deadline(&mut work, key, DueKind::Lapse);
    }
    let total = lines::release_all(&mut work, key, Cents::ZERO).expect("what a line holds can always be given back");
    end(&mut work, key, OrderState::CancelledForceMajeure);
    (done(work, key, Kind::OrderStruck, total), seed)
}
