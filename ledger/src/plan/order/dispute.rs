//! Disputes: one side freezes what is due of an order, until it takes that back or two persons decide.

use super::attendance::settle_if_nothing_due;
use super::change::in_no_statement;
use super::deadline::deadline;
use super::{
    Key, before, bounded, clear_deadline, done, in_state, lines, order, order_mut, set_deadline, side, signed, subject,
};
use crate::accounts::Account;
use crate::classifiers::Scope;
use crate::money::{Amounts, Cents, Source};
use crate::operation::MAX_PUPILS;
use crate::plan::governance::Applied;
use crate::plan::{Actor, year_of};
use crate::receipt::{Kind, ReceiptLine};
use crate::record::{Dispute, DisputeState, DueKind, Line, LineState, Order, OrderState, Side, YearRecord};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

const DISPUTABLE: [OrderState; 3] = [OrderState::Delivered, OrderState::Attended, OrderState::AttendedAutomatically];

/// A side raises a dispute: once each, and none after a decision.
pub(super) fn raise(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let by = side(&work, actor, key, Scope::Attendance)?;
    in_state(&work, key, &DISPUTABLE)?;
    in_no_statement(&work, key)?;
    let both = not_spent(&work, key, by)?;
    let was = order(&work, key).state;
    if was == OrderState::Delivered {
        before(at, deadline(&work, key))?;
        clear_deadline(&mut work, key, DueKind::Attendance);
    }
    let total = freeze(&mut work, key)?;
    signed(&mut work, key, actor, by);
    let order = order_mut(&mut work, key);
    order.state = OrderState::Disputed;
    order.change = None;
    work.put(key, Dispute { by, raised: at, was, state: DisputeState::Open, both });
    Ok(done(work, key, Kind::OrderDisputed, total))
}

/// Whether the other side has had its dispute; a side that had its own has no other.
fn not_spent(work: &Work, key: Key, by: Side) -> Result<bool, Rejection> {
    match work.get::<Dispute>(key) {
        None => Ok(false),
        Some(last) if last.state == DisputeState::Withdrawn && last.by != by && !last.both => Ok(true),
        Some(_) => Err(Rejection::DisputeSpent),
    }
}

/// What is due is final once a dispute was decided.
pub(super) fn not_resolved(work: &Work, key: Key) -> Result<(), Rejection> {
    let resolved = work.get::<Dispute>(key).is_some_and(|dispute| dispute.state == DisputeState::Resolved);
    if resolved { Err(Rejection::DisputeSpent) } else { Ok(()) }
}

/// Everything that is due goes back into escrow of its line.
fn freeze(work: &mut Work, key: Key) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    let provider = order(work, key).provider;
    for (line, Line { due, pupil, .. }) in (0..).zip(order(work, key).lines.clone()) {
        if due.is_zero() {
            continue;
        }
        for source in Source::ALL {
            let (from, to) = (Account::Provider(provider), Account::Escrow(key.1, line));
            work.transfer(key.0, source, from, to, due.of(source))?;
        }
        order_mut(work, key).lines[usize::from(line)].due = Amounts::ZERO;
        total = total.checked_add(&due).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: due });
    }
    Ok(total)
}

/// The side that raised it takes it back: the order stands where it stood, with a deadline anew.
pub(super) fn withdraw(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let by = side(&work, actor, key, Scope::Attendance)?;
    let open = work.get::<Dispute>(key).copied().filter(|dispute| dispute.state == DisputeState::Open);
    if open.is_some_and(|dispute| dispute.by != by) {
        return Err(Rejection::NotYours);
    }
    in_state(&work, key, &[OrderState::Disputed])?;
    let dispute = open.expect("an order is disputed exactly while its dispute is open");
    let delivered = dispute.was == OrderState::Delivered;
    let total = thaw(&mut work, key, |line| !delivered || !line.is_standing())?;
    if delivered {
        let year = work.get::<YearRecord>(key.0).expect("the plan has looked the year up before");
        let until = order(&work, key).rules.attendance_deadline(&year.parameters.calendar, at);
        set_deadline(&mut work, key, DueKind::Attendance, until);
    }
    signed(&mut work, key, actor, by);
    order_mut(&mut work, key).state = dispute.was;
    work.put(key, Dispute { state: DisputeState::Withdrawn, ..dispute });
    Ok(done(work, key, Kind::DisputeWithdrawn, total))
}

/// What was frozen of lines in these states is due again. Of an order that was only delivered, the lines that take part
/// had nothing due yet; one that was dropped late had.
fn thaw(work: &mut Work, key: Key, states: impl Fn(LineState) -> bool) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    for (line, Line { escrow, pupil, state, .. }) in (0..).zip(order(work, key).lines.clone()) {
        if !states(state) {
            continue;
        }
        let Some(amount) = escrow.total().filter(|amount| !amount.is_zero()) else { continue };
        let part = lines::capture(work, key, line, amount)?;
        total = total.checked_add(&part).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: part });
    }
    Ok(total)
}

/// Whether a dispute can be decided so.
pub(in crate::plan) fn judge(work: &Work, key: Key, split: &[Cents]) -> Result<(), Rejection> {
    bounded(split, MAX_PUPILS)?;
    year_of(work, key.0)?;
    let order = work.get::<Order>(key).ok_or(Rejection::OrderUnknown { item: 0 })?;
    in_state(work, key, &[OrderState::Disputed])?;
    let unsound = |line: usize| Rejection::SplitUnsound { line: u16::try_from(line).unwrap_or(u16::MAX) };
    if split.len() != order.lines.len() {
        return Err(unsound(split.len().min(order.lines.len())));
    }
    match split.iter().zip(&order.lines).position(|(amount, line)| *amount > most(order, line)) {
        None => Ok(()),
        Some(line) => Err(unsound(line)),
    }
}

/// Most that a line may come to owe: the price, or what it owed when it took no part any more.
fn most(order: &Order, line: &Line) -> Cents {
    match line.state {
        LineState::Attended | LineState::Absent => order.price,
        LineState::Proposed | LineState::Booked | LineState::Dropped | LineState::Reversed => {
            line.escrow.total().unwrap_or(Cents::ZERO)
        }
    }
}

/// Two persons have decided: the provider receives the split, the rest goes back. What a line lacks is charged to it.
pub(in crate::plan) fn resolve(work: &mut Work, key: Key, split: &[Cents]) -> Result<Applied, Rejection> {
    judge(work, key, split)?;
    let frozen = |line: &Line| line.escrow.total().unwrap_or(Cents::ZERO);
    let held: Vec<Cents> = order(work, key).lines.iter().map(frozen).collect();
    let lacking: Vec<(u16, Cents)> = (0..)
        .zip(split.iter().zip(&held))
        .map(|(line, (amount, held))| (line, amount.saturating_sub(*held)))
        .filter(|(_, more)| !more.is_zero())
        .collect();
    // Released first, so that the school's agreed money is free for lines that owe more.
    for (line, (amount, held)) in (0..).zip(split.iter().zip(&held)) {
        lines::capture(work, key, line, (*amount).min(*held))?;
        lines::give_back(work, key, line)?;
    }
    lines::charge(work, key, &lacking, Account::Escrow)?;
    for (line, more) in &lacking {
        lines::capture(work, key, *line, *more)?;
    }
    let total = conclude(work, key)?;
    let dispute = work.get::<Dispute>(key).copied().expect("a disputed order has a dispute");
    work.put(key, Dispute { state: DisputeState::Resolved, ..dispute });
    Ok(Applied { kind: Kind::DisputeResolved, subject: subject(work, key), total })
}

/// The order is attended, or settled if nothing is due. Returns what is due, and notes it line by line.
fn conclude(work: &mut Work, key: Key) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    for Line { pupil, state, due, .. } in order(work, key).lines.clone() {
        if state == LineState::Absent {
            lines::unbook(work, key, pupil);
        }
        total = total.checked_add(&due).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: due });
    }
    order_mut(work, key).state = OrderState::Attended;
    settle_if_nothing_due(work, key);
    Ok(total)
}
