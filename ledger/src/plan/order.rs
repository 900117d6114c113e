//! Rules of orders: from proposal to attendance. `ledger/README.md` tabulates state × operation.

mod attendance;
mod change;
pub(super) mod deadline;
pub(super) mod dispute;
mod lines;
mod request;
pub(super) mod reversal;
pub(super) mod strike;

pub(super) use attendance::attendance_stands;
pub(super) use lines::{home, release_pupil};

use deadline::{clear_deadline, set_deadline};

use super::{Actor, ascending, bounded, succession, year_of};
use crate::classifiers::{Scope, Year};
use crate::crypto::Hash;
use crate::ids::{OrderId, PupilId};
use crate::money::{Amounts, Cents};
use crate::operation::{MAX_PUPILS, OrderAction, Party};
use crate::receipt::{Kind, Subject};
use crate::record::{DueKind, LineState, Order, OrderState, Side};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

/// What identifies an order.
pub(super) type Key = (Year, OrderId);

pub(super) fn plan(
    work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    action: &OrderAction,
    blind: Hash,
) -> Result<Effect, Rejection> {
    match action {
        OrderAction::Propose { session, pupils } => request::propose(work, at, actor, key, *session, pupils, blind),
        OrderAction::Request { session, pupils, price, school_money } => {
            let wish = request::Wish { session: *session, pupils, price: *price, school_money: *school_money };
            request::request(work, at, actor, key, &wish, blind)
        }
        OrderAction::Confirm => confirm(work, at, actor, key),
        OrderAction::Decline => decline(work, at, actor, key),
        OrderAction::ProposeChange(change) => change::propose(work, at, actor, key, change),
        OrderAction::AcceptChange => change::accept(work, at, actor, key),
        OrderAction::DropChange => change::withdraw(work, actor, key),
        OrderAction::Swap { lines } => change::swap(work, at, actor, key, lines),
        OrderAction::DropLines { lines } => change::drop_lines(work, at, actor, key, lines),
        OrderAction::Cancel => cancel(work, at, actor, key),
        OrderAction::ReportDelivery { absent } => attendance::report(work, at, actor, key, absent),
        OrderAction::ConfirmAttendance { absent, added } => attendance::confirm(work, at, actor, key, absent, added),
        OrderAction::Dispute => dispute::raise(work, at, actor, key),
        OrderAction::WithdrawDispute => dispute::withdraw(work, at, actor, key),
    }
}

/// The order as the work has it. Callers have seen that it is there.
fn order<'w>(work: &'w Work, key: Key) -> &'w Order {
    work.get::<Order>(key).expect("the plan has looked the order up before")
}

fn order_mut<'w>(work: &'w mut Work, key: Key) -> &'w mut Order {
    work.edit::<Order>(key).expect("the plan has looked the order up before")
}

/// Which side of the order the actor is, with a key of the scope. One key never stands on both sides.
fn side(work: &Work, actor: &Actor, key: Key, scope: Scope) -> Result<Side, Rejection> {
    let party = actor.party(scope)?;
    year_of(work, key.0)?;
    let order = work.get::<Order>(key).ok_or(Rejection::OrderUnknown { item: 0 })?;
    let sides = succession::sides(work, order);
    let alone = matches!(order.orderer, Party::Pupil(..)) && party == order.orderer;
    let side = if alone || party == Party::School(sides.school) {
        Side::Orderer
    } else if party == Party::Provider(sides.provider) {
        Side::Provider
    } else {
        return Err(Rejection::NotYours);
    };
    let other = match side {
        Side::Orderer => order.provider_key,
        Side::Provider => Some(order.orderer_key),
    };
    if other == Some(actor.key) || sides.one_hand { Err(Rejection::BothSides) } else { Ok(side) }
}

/// The order, when the actor is the side that this needs.
fn only(work: &Work, actor: &Actor, key: Key, scope: Scope, needed: Side) -> Result<(), Rejection> {
    if side(work, actor, key, scope)? == needed { Ok(()) } else { Err(Rejection::NotYours) }
}

/// Remembers the key that signed last for a side.
fn signed(work: &mut Work, key: Key, actor: &Actor, side: Side) {
    let order = order_mut(work, key);
    match side {
        Side::Orderer => order.orderer_key = actor.key,
        Side::Provider => order.provider_key = Some(actor.key),
    }
}

/// The order is in one of these states, and not about to be cancelled by force majeure.
fn in_state(work: &Work, key: Key, states: &[OrderState]) -> Result<(), Rejection> {
    strike::not_struck(work, key)?;
    let state = order(work, key).state;
    if states.contains(&state) { Ok(()) } else { Err(Rejection::OrderStateWrong { state }) }
}

/// Nobody answered a proposal or request in time: it has lapsed, whether or not the clock step has come to it yet.
fn not_lapsed(work: &Work, at: Timestamp, key: Key) -> Result<(), Rejection> {
    let state = order(work, key).state;
    if matches!(state, OrderState::Proposed | OrderState::Requested) {
        before(at, deadline::deadline(work, key))
    } else {
        Ok(())
    }
}

/// Before an instant, exclusive.
fn before(at: Timestamp, until: Timestamp) -> Result<(), Rejection> {
    if at < until { Ok(()) } else { Err(Rejection::TooLate { until }) }
}

fn subject(work: &Work, key: Key) -> Subject {
    let order = order(work, key);
    Subject {
        year: Some(key.0),
        order: Some(key.1),
        order_state: Some(order.state),
        session: Some(order.session),
        service: Some(order.service),
        school: Some(order.school),
        provider: Some(order.provider),
        ..Subject::default()
    }
}

fn done(work: Work, key: Key, kind: Kind, total: Amounts) -> Effect {
    let subject = subject(&work, key);
    work.done(kind, subject, total)
}

/// Lines named by index: ascending, existing, booked.
fn booked_lines(work: &Work, key: Key, named: &[u16]) -> Result<(), Rejection> {
    let lines = &order(work, key).lines;
    for line in named {
        lines.get(usize::from(*line)).ok_or(Rejection::LineUnknown { line: *line })?;
    }
    match named.iter().find(|line| !lines[usize::from(**line)].state.is_standing()) {
        None => Ok(()),
        Some(line) => Err(Rejection::LineNotBooked { line: *line }),
    }
}

/// A list of line indices that may be empty.
fn line_list(named: &[u16]) -> Result<(), Rejection> {
    if named.is_empty() {
        return Ok(());
    }
    bounded(named, MAX_PUPILS)?;
    ascending(named)
}

/// A list of pupils that may be empty.
fn pupil_list(named: &[PupilId]) -> Result<(), Rejection> {
    if named.is_empty() {
        return Ok(());
    }
    bounded(named, MAX_PUPILS)?;
    ascending(named)
}

/// Number of lines that still take part.
fn standing(order: &Order) -> u16 {
    let count = order.lines.iter().filter(|line| line.state.is_standing()).count();
    u16::try_from(count).expect("an order has at most a few hundred lines")
}

impl LineState {
    /// Whether the line's pupil takes part, or took part.
    fn is_standing(self) -> bool {
        match self {
            Self::Proposed | Self::Booked | Self::Attended | Self::Absent => true,
            Self::Dropped | Self::Reversed => false,
        }
    }
}

fn confirm(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    only(&work, actor, key, Scope::Order, Side::Provider)?;
    in_state(&work, key, &[OrderState::Requested])?;
    before(at, deadline::deadline(&work, key))?;
    let total = lines::hold_to_escrow(&mut work, key)?;
    clear_deadline(&mut work, key, DueKind::Lapse);
    signed(&mut work, key, actor, Side::Provider);
    order_mut(&mut work, key).state = OrderState::Confirmed;
    Ok(done(work, key, Kind::OrderConfirmed, total))
}

fn decline(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    only(&work, actor, key, Scope::Order, Side::Provider)?;
    in_state(&work, key, &[OrderState::Requested])?;
    before(at, deadline::deadline(&work, key))?;
    clear_deadline(&mut work, key, DueKind::Lapse);
    signed(&mut work, key, actor, Side::Provider);
    let total = lines::release_all(&mut work, key, Cents::ZERO)?;
    end(&mut work, key, OrderState::Declined);
    Ok(done(work, key, Kind::OrderDeclined, total))
}

/// Ends an order that does not take place.
fn end(work: &mut Work, key: Key, state: OrderState) {
    let order = order_mut(work, key);
    order.state = state;
    order.change = None;
}

/// Clock step: nobody answered a proposal or request in time.
pub(super) fn lapse(mut work: Work, at: Timestamp, key: Key) -> (Effect, Hash) {
    if deadline::postponed(&mut work, at, key, DueKind::Lapse) {
        return deadline::postponement(work, key);
    }
    let total = lines::release_all(&mut work, key, Cents::ZERO).expect("what a line holds can always be given back");
    end(&mut work, key, OrderState::Lapsed);
    let seed = order(&work, key).blind;
    (done(work, key, Kind::OrderLapsed, total), seed)
}

fn cancel(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let side = side(&work, actor, key, Scope::Order)?;
    let outcome = match side {
        Side::Orderer => cancelled_by_orderer(&work, at, key)?,
        Side::Provider => {
            in_state(&work, key, &[OrderState::Confirmed])?;
            OrderState::CancelledByProvider
        }
    };
    if order(&work, key).state != OrderState::Confirmed {
        clear_deadline(&mut work, key, DueKind::Lapse);
    }
    let late = outcome == OrderState::CancelledLate;
    let charge = if late { order(&work, key).price.share(order(&work, key).rules.late_share) } else { Cents::ZERO };
    signed(&mut work, key, actor, side);
    let total = lines::release_all(&mut work, key, charge)?;
    end(&mut work, key, outcome);
    Ok(done(work, key, Kind::OrderCancelled, total))
}

/// What the orderer's cancelling comes to. Once confirmed it is free until the limit, late until the start; and free
/// again when the provider has not reported delivery by the time at which attendance would have been confirmed.
fn cancelled_by_orderer(work: &Work, at: Timestamp, key: Key) -> Result<OrderState, Rejection> {
    in_state(work, key, &[OrderState::Proposed, OrderState::Requested, OrderState::Confirmed])?;
    not_lapsed(work, at, key)?;
    let order = order(work, key);
    if order.state != OrderState::Confirmed || at <= deadline::before_start(work, key, order.rules.free_cancel) {
        return Ok(OrderState::CancelledFree);
    }
    if at < order.start {
        return Ok(OrderState::CancelledLate);
    }
    let year = year_of(work, key.0)?;
    let reported = order.rules.attendance_deadline(&year.parameters.calendar, order.end);
    if at >= deadline::extended(work, key.0, reported) {
        return Ok(OrderState::CancelledFree);
    }
    Err(Rejection::TooLate { until: order.start })
}
