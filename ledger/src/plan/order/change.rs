//! Changes of an order: by proposal and acceptance, and what the orderer may change alone until the start.

use super::deadline::before_start;
use super::dispute::not_resolved;
use super::strike::is_closing;
use super::{
    Key, ascending, before, booked_lines, bounded, clear_deadline, done, in_state, line_list, lines, not_lapsed, only,
    order, order_mut, pupil_list, set_deadline, side, signed, standing,
};
use crate::accounts::Account;
use crate::classifiers::Scope;
use crate::ids::{OrderId, PupilId, SessionId};
use crate::money::{Amounts, Cents};
use crate::operation::{Change, MAX_PUPILS};
use crate::plan::{Actor, item};
use crate::receipt::Kind;
use crate::record::{DueKind, LineState, OrderState, PendingChange, Pupil, Session, Side, Statement};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

const BEFORE_DELIVERY: [OrderState; 2] = [OrderState::Requested, OrderState::Confirmed];
const AFTER_ATTENDANCE: [OrderState; 2] = [OrderState::Attended, OrderState::AttendedAutomatically];

fn scope_of(change: &Change) -> Scope {
    match change {
        Change::Booking { .. } => Scope::Order,
        Change::Attendance { .. } => Scope::Attendance,
    }
}

pub(super) fn propose(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    change: &Change,
) -> Result<Effect, Rejection> {
    actor.party(scope_of(change))?;
    let by = match change {
        Change::Booking { session, drop, add } => propose_booking(&work, at, actor, key, *session, drop, add)?,
        Change::Attendance { absent } => propose_attendance(&work, actor, key, absent)?,
    };
    signed(&mut work, key, actor, by);
    order_mut(&mut work, key).change = Some(PendingChange { by, change: change.clone() });
    Ok(done(work, key, Kind::ChangeProposed, Amounts::ZERO))
}

fn propose_booking(
    work: &Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    session: Option<SessionId>,
    drop: &[u16],
    add: &[PupilId],
) -> Result<Side, Rejection> {
    line_list(drop)?;
    pupil_list(add)?;
    lines::pupils_known(work, key.0, add)?;
    let wanted = session.map(|session| work.get::<Session>((key.0, session)).ok_or(Rejection::SessionUnknown));
    let wanted = wanted.transpose()?;
    let by = side(work, actor, key, Scope::Order)?;
    let order = order(work, key);
    if wanted.is_some_and(|session| session.service != order.service) {
        return Err(Rejection::SessionOfOtherService);
    }
    in_state(work, key, &BEFORE_DELIVERY)?;
    none_pending(work, key)?;
    if session.is_none_or(|session| session == order.session) && drop.is_empty() && add.is_empty() {
        return Err(Rejection::ChangeEmpty);
    }
    not_lapsed(work, at, key)?;
    let until = before_start(work, key, order.rules.free_change);
    if at > until {
        return Err(Rejection::TooLate { until });
    }
    booked_lines(work, key, drop)?;
    let left = usize::from(standing(order)) - drop.len() + add.len();
    size_holds(order.lines.len() + add.len(), left)?;
    if by == Side::Orderer {
        actor.may_spend_on(order.price, left)?;
    }
    Ok(by)
}

fn size_holds(lines: usize, left: usize) -> Result<(), Rejection> {
    if left == 0 {
        return Err(Rejection::NoLineLeft);
    }
    if lines > MAX_PUPILS {
        return Err(Rejection::TooManyLines { most: item(MAX_PUPILS) });
    }
    Ok(())
}

fn none_pending(work: &Work, key: Key) -> Result<(), Rejection> {
    if order(work, key).change.is_some() { Err(Rejection::ChangePending) } else { Ok(()) }
}

fn propose_attendance(work: &Work, actor: &Actor, key: Key, absent: &[u16]) -> Result<Side, Rejection> {
    line_list(absent)?;
    let by = side(work, actor, key, Scope::Attendance)?;
    in_state(work, key, &AFTER_ATTENDANCE)?;
    in_no_statement(work, key)?;
    not_resolved(work, key)?;
    none_pending(work, key)?;
    booked_lines(work, key, absent)?;
    Ok(by)
}

/// Attendance may be amended, and an order disputed, until it is in a statement.
pub(super) fn in_no_statement(work: &Work, key: Key) -> Result<(), Rejection> {
    let order = order(work, key);
    let statements = [order.programme_statement, order.school_statement];
    match statements.into_iter().flatten().find_map(|statement| work.get::<Statement>((key.0, statement))) {
        None => Ok(()),
        Some(statement) => Err(Rejection::StatementStateWrong { state: statement.state }),
    }
}

pub(super) fn accept(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let waiting = work.get::<crate::record::Order>(key).and_then(|order| order.change.clone());
    let scope = waiting.as_ref().map_or(Scope::Order, |waiting| scope_of(&waiting.change));
    let by = side(&work, actor, key, scope)?;
    let PendingChange { by: proposer, change } = waiting.ok_or(Rejection::ChangeMissing)?;
    if by == proposer {
        return Err(Rejection::ChangeOwn);
    }
    let total = match &change {
        Change::Booking { session, drop, add } => accept_booking(&mut work, at, actor, key, by, *session, drop, add)?,
        Change::Attendance { absent } => {
            in_state(&work, key, &AFTER_ATTENDANCE)?;
            in_no_statement(&work, key)?;
            super::attendance::amend(&mut work, key, absent)?
        }
    };
    signed(&mut work, key, actor, by);
    order_mut(&mut work, key).change = None;
    Ok(done(work, key, Kind::ChangeAccepted, total))
}

#[expect(clippy::too_many_arguments, reason = "the parts of one change, taken apart once by the caller")]
fn accept_booking(
    work: &mut Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    by: Side,
    session: Option<SessionId>,
    drop: &[u16],
    add: &[PupilId],
) -> Result<Amounts, Rejection> {
    lines::in_use(&[], &lines::records(work, key.0, add))?;
    let goes = session.filter(|session| *session != order(work, key).session);
    let wanted = goes.map(|session| (session, found(work, key, session).clone()));
    if wanted.as_ref().is_some_and(|(_, session)| !session.open || is_closing(work, key.0, session)) {
        return Err(Rejection::SessionClosed);
    }
    in_state(work, key, &BEFORE_DELIVERY)?;
    not_lapsed(work, at, key)?;
    before(at, order(work, key).start)?;
    wanted.as_ref().map_or(Ok(()), |(_, session)| before(at, session.offer.start))?;
    booked_lines(work, key, drop)?;
    let left = usize::from(standing(order(work, key))).saturating_sub(drop.len()) + add.len();
    size_holds(order(work, key).lines.len() + add.len(), left)?;
    let mut total = Amounts::ZERO;
    for line in drop {
        let (_, back) = lines::drop_line(work, key, *line, Cents::ZERO)?;
        total = total.checked_add(&back).ok_or(Rejection::AmountTooLarge)?;
    }
    if let Some((id, session)) = wanted {
        move_to(work, key, id, &session)?;
    }
    let charges = lines::join(work, key, add)?;
    if by == Side::Orderer {
        actor.may_spend_on(order(work, key).price, left)?;
    }
    let account = money_account(work, key);
    let charged = lines::charge(work, key, &charges, account)?;
    total.checked_add(&charged).ok_or(Rejection::AmountTooLarge)
}

fn found<'w>(work: &'w Work, key: Key, session: SessionId) -> &'w Session {
    work.get::<Session>((key.0, session))
        .expect("the change's proposal has looked it up, and sessions are never taken away")
}

/// Moves the order into another session of the service.
fn move_to(work: &mut Work, key: Key, to: SessionId, session: &Session) -> Result<(), Rejection> {
    let pupils: Vec<PupilId> = taking_part(work, key).collect();
    for (index, pupil) in pupils.iter().enumerate() {
        let pupil = work.get::<Pupil>((key.0, *pupil)).expect("an order's pupils are never taken away");
        if lines::is_elsewhere(pupil, Some(key), session.offer.start, session.offer.end) {
            return Err(Rejection::PupilElsewhere { item: item(index) });
        }
    }
    let count = u16::try_from(pupils.len()).expect("an order has at most a few hundred lines");
    lines::take_places(work, (key.0, to), count)?;
    lines::give_places(work, key, count);
    let requested = order(work, key).state == OrderState::Requested;
    if requested {
        clear_deadline(work, key, DueKind::Lapse);
    }
    let order = order_mut(work, key);
    (order.session, order.start, order.end) = (to, session.offer.start, session.offer.end);
    let deadline = order.deadline.min(order.start);
    if requested {
        set_deadline(work, key, DueKind::Lapse, deadline);
    }
    for pupil in pupils {
        lines::unbook(work, key, pupil);
        lines::book(work, key, pupil);
    }
    Ok(())
}

fn taking_part<'w>(work: &'w Work, key: Key) -> impl Iterator<Item = PupilId> + 'w {
    order(work, key).lines.iter().filter(|line| line.state == LineState::Booked).map(|line| line.pupil)
}

/// Whichever of hold and escrow the order's lines are in.
fn money_account(work: &Work, key: Key) -> fn(OrderId, u16) -> Account {
    if order(work, key).state == OrderState::Requested { Account::Hold } else { Account::Escrow }
}

pub(super) fn withdraw(mut work: Work, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let waiting = work.get::<crate::record::Order>(key).and_then(|order| order.change.clone());
    let scope = waiting.as_ref().map_or(Scope::Order, |waiting| scope_of(&waiting.change));
    let by = side(&work, actor, key, scope)?;
    waiting.ok_or(Rejection::ChangeMissing)?;
    signed(&mut work, key, actor, by);
    order_mut(&mut work, key).change = None;
    Ok(done(work, key, Kind::ChangeDropped, Amounts::ZERO))
}

pub(super) fn swap(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    swaps: &[(u16, PupilId)],
) -> Result<Effect, Rejection> {
    actor.party(Scope::Order)?;
    bounded(swaps, MAX_PUPILS)?;
    let named: Vec<u16> = swaps.iter().map(|(line, _)| *line).collect();
    let pupils: Vec<PupilId> = swaps.iter().map(|(_, pupil)| *pupil).collect();
    ascending(&named)?;
    let wallets = lines::pupils_known(&work, key.0, &pupils)?;
    only(&work, actor, key, Scope::Order, Side::Orderer)?;
    lines::in_use(&[], &wallets)?;
    in_state(&work, key, &BEFORE_DELIVERY)?;
    not_lapsed(&work, at, key)?;
    before(at, order(&work, key).start)?;
    booked_lines(&work, key, &named)?;
    lines::admit_pupils(&work, &wallets, &lines::place_of(&work, key))?;
    if let Some(twice) = (1..pupils.len()).find(|index| pupils[..*index].contains(&pupils[*index])) {
        return Err(Rejection::PupilElsewhere { item: item(twice) });
    }
    for (line, pupil) in swaps {
        lines::swap_line(&mut work, key, *line, *pupil)?;
    }
    let price = order(&work, key).price;
    let charges: Vec<(u16, Cents)> = named.iter().map(|line| (*line, price)).collect();
    let account = money_account(&work, key);
    let total = lines::charge(&mut work, key, &charges, account)?;
    signed(&mut work, key, actor, Side::Orderer);
    Ok(done(work, key, Kind::LinesSwapped, total))
}

pub(super) fn drop_lines(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    named: &[u16],
) -> Result<Effect, Rejection> {
    actor.party(Scope::Order)?;
    bounded(named, MAX_PUPILS)?;
    ascending(named)?;
    only(&work, actor, key, Scope::Order, Side::Orderer)?;
    in_state(&work, key, &BEFORE_DELIVERY)?;
    not_lapsed(&work, at, key)?;
    before(at, order(&work, key).start)?;
    booked_lines(&work, key, named)?;
    if named.len() == usize::from(standing(order(&work, key))) {
        return Err(Rejection::NoLineLeft);
    }
    let now = order(&work, key);
    let late = now.state == OrderState::Confirmed && at > before_start(&work, key, now.rules.free_cancel);
    let charge = if late { now.price.share(now.rules.late_share) } else { Cents::ZERO };
    let mut total = Amounts::ZERO;
    for line in named {
        let (earned, back) = lines::drop_line(&mut work, key, *line, charge)?;
        total = total.checked_add(if charge.is_zero() { &back } else { &earned }).ok_or(Rejection::AmountTooLarge)?;
    }
    signed(&mut work, key, actor, Side::Orderer);
    Ok(done(work, key, Kind::LinesDropped, total))
}
