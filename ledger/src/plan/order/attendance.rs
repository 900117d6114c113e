//! Delivery and attendance: who was there, and what is due for it.

use super::deadline::{deadline, postponed, postponement};
use super::{
    Key, before, booked_lines, clear_deadline, done, in_state, line_list, lines, only, order, order_mut, pupil_list,
    set_deadline, signed, standing,
};
use crate::accounts::Account;
use crate::classifiers::Scope;
use crate::crypto::Hash;
use crate::ids::PupilId;
use crate::money::{Amounts, Cents, Source};
use crate::operation::MAX_PUPILS;
use crate::plan::{Actor, item};
use crate::receipt::{Kind, ReceiptLine};
use crate::record::{DueKind, LineState, Order, OrderState, Pupil, Side, YearRecord};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) fn report(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    absent: &[u16],
) -> Result<Effect, Rejection> {
    actor.party(Scope::Attendance)?;
    line_list(absent)?;
    only(&work, actor, key, Scope::Attendance, Side::Provider)?;
    in_state(&work, key, &[OrderState::Confirmed])?;
    let end = order(&work, key).end;
    if at < end {
        return Err(Rejection::TooEarly { from: end });
    }
    booked_lines(&work, key, absent)?;
    let year = work.get::<YearRecord>(key.0).expect("the plan has looked the year up before");
    let deadline = order(&work, key).rules.attendance_deadline(&year.parameters.calendar, at);
    mark(&mut work, key, absent);
    signed(&mut work, key, actor, Side::Provider);
    let now = order_mut(&mut work, key);
    now.state = OrderState::Delivered;
    now.change = None;
    set_deadline(&mut work, key, DueKind::Attendance, deadline);
    Ok(done(work, key, Kind::DeliveryReported, Amounts::ZERO))
}

/// Marks every standing line as attended, or absent when it is named.
fn mark(work: &mut Work, key: Key, absent: &[u16]) {
    for (index, line) in (0..).zip(&mut order_mut(work, key).lines) {
        if line.state.is_standing() {
            line.state = if absent.binary_search(&index).is_ok() { LineState::Absent } else { LineState::Attended };
        }
    }
}

pub(super) fn confirm(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    absent: &[u16],
    added: &[PupilId],
) -> Result<Effect, Rejection> {
    actor.party(Scope::Attendance)?;
    line_list(absent)?;
    pupil_list(added)?;
    let wallets = lines::pupils_known(&work, key.0, added)?;
    only(&work, actor, key, Scope::Attendance, Side::Orderer)?;
    lines::in_use(&[], &wallets)?;
    in_state(&work, key, &[OrderState::Delivered])?;
    before(at, deadline(&work, key))?;
    booked_lines(&work, key, absent)?;
    if order(&work, key).lines.len() + added.len() > MAX_PUPILS {
        return Err(Rejection::TooManyLines { most: item(MAX_PUPILS) });
    }
    if !added.is_empty() {
        let charges = lines::join(&mut work, key, added)?;
        actor.may_spend_on(order(&work, key).price, usize::from(standing(order(&work, key))))?;
        lines::charge(&mut work, key, &charges, Account::Escrow)?;
    }
    mark(&mut work, key, absent);
    clear_deadline(&mut work, key, DueKind::Attendance);
    signed(&mut work, key, actor, Side::Orderer);
    order_mut(&mut work, key).state = OrderState::Attended;
    let total = earn(&mut work, key)?;
    settle_if_nothing_due(&mut work, key);
    Ok(done(work, key, Kind::AttendanceConfirmed, total))
}

/// Clock step: nobody objected to the provider's list in time.
pub(in crate::plan) fn attendance_stands(mut work: Work, at: Timestamp, key: Key) -> (Effect, Hash) {
    if postponed(&mut work, at, key, DueKind::Attendance) {
        return postponement(work, key);
    }
    order_mut(&mut work, key).state = OrderState::AttendedAutomatically;
    let total = earn(&mut work, key).expect("a delivered order's lines hold their whole price");
    settle_if_nothing_due(&mut work, key);
    let seed = order(&work, key).blind;
    (done(work, key, Kind::AttendanceAutomatic, total), seed)
}

/// No statement will name an order of which nothing is due.
pub(super) fn settle_if_nothing_due(work: &mut Work, key: Key) {
    if order(work, key).lines.iter().all(|line| line.due.is_zero()) {
        order_mut(work, key).state = OrderState::Settled;
    }
}

/// What each line owes: the price for who was there, a share for who was not; and if that is less than the order's
/// minimum, absent lines owe more in their order, up to the price.
fn owed(order: &Order) -> Vec<(u16, Cents)> {
    let absent_share = order.price.share(order.rules.absence_share);
    let mut owed: Vec<(u16, Cents, bool)> = (0..)
        .zip(&order.lines)
        .filter_map(|(index, line)| match line.state {
            LineState::Attended => Some((index, order.price, false)),
            LineState::Absent => Some((index, absent_share, true)),
            LineState::Proposed | LineState::Booked | LineState::Dropped | LineState::Reversed => None,
        })
        .collect();
    let whole = order.price.get().saturating_mul(owed.len() as u64);
    let sum: u64 = owed.iter().map(|(_, amount, _)| amount.get()).sum();
    let mut lacking = Cents::new(whole).share(order.rules.minimum_share).saturating_sub(Cents::new(sum));
    for (_, amount, _) in owed.iter_mut().filter(|(_, _, absent)| *absent) {
        let more = order.price.saturating_sub(*amount).min(lacking);
        *amount = amount.checked_add(more).expect("no line owes more than the price");
        lacking = lacking.saturating_sub(more);
    }
    owed.into_iter().map(|(index, amount, _)| (index, amount)).collect()
}

/// Earns what each line owes and gives the rest back.
fn earn(work: &mut Work, key: Key) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    lines::look_for_pupils(work, key, |state| state == LineState::Absent);
    for (line, amount) in owed(order(work, key)) {
        let pupil = order(work, key).lines[usize::from(line)].pupil;
        let part = lines::capture(work, key, line, amount)?;
        lines::give_back(work, key, line)?;
        if order(work, key).lines[usize::from(line)].state == LineState::Absent {
            lines::unbook(work, key, pupil);
        }
        total = total.checked_add(&part).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: part });
    }
    Ok(total)
}

/// Both sides agree on another attendance: what was earned too much goes back, what is lacking is charged.
pub(super) fn amend(work: &mut Work, key: Key, absent: &[u16]) -> Result<Amounts, Rejection> {
    let before: Vec<LineState> = order(work, key).lines.iter().map(|line| line.state).collect();
    came_after_all(work, key, absent, &before)?;
    mark(work, key, absent);
    let mut lacking = Vec::new();
    for (line, amount) in owed(order(work, key)) {
        let due = order(work, key).lines[usize::from(line)].due;
        let earned = due.total().ok_or(Rejection::AmountTooLarge)?;
        let back = part_back(work, key, line, earned.saturating_sub(amount));
        give_back_earned(work, key, line, back)?;
        let more = amount.saturating_sub(earned);
        if !more.is_zero() {
            lacking.push((line, more));
        }
    }
    lines::charge(work, key, &lacking, Account::Escrow)?;
    for (line, more) in lacking {
        lines::capture(work, key, line, more)?;
    }
    rebook(work, key, &before);
    settle_if_nothing_due(work, key);
    let dues = order(work, key).lines.iter().map(|line| line.due);
    dues.into_iter().try_fold(Amounts::ZERO, |sum, due| sum.checked_add(&due)).ok_or(Rejection::AmountTooLarge)
}

/// Who came after all cannot have been somewhere else at that time.
fn came_after_all(work: &Work, key: Key, absent: &[u16], before: &[LineState]) -> Result<(), Rejection> {
    let order = order(work, key);
    for (index, line) in (0..).zip(&order.lines) {
        if before[usize::from(index)] != LineState::Absent || absent.binary_search(&index).is_ok() {
            continue;
        }
        let pupil = work.get::<Pupil>((key.0, line.pupil)).expect("an order's pupils are never taken away");
        if lines::is_elsewhere(pupil, Some(key), order.start, order.end) {
            return Err(Rejection::PupilElsewhere { item: u32::from(index) });
        }
    }
    Ok(())
}

fn rebook(work: &mut Work, key: Key, before: &[LineState]) {
    let now: Vec<(LineState, PupilId)> = order(work, key).lines.iter().map(|line| (line.state, line.pupil)).collect();
    for (old, (new, pupil)) in before.iter().zip(now) {
        if *old == LineState::Attended && new == LineState::Absent {
            lines::unbook(work, key, pupil);
        }
        if *old == LineState::Absent && new == LineState::Attended {
            lines::book(work, key, pupil);
        }
    }
}

/// What goes back of a line that owes less, the school's part first.
fn part_back(work: &Work, key: Key, line: u16, amount: Cents) -> Amounts {
    let school = order(work, key).lines[usize::from(line)].due.school.min(amount);
    Amounts { state: amount.saturating_sub(school), school }
}

/// Gives earned money of a line back.
pub(super) fn give_back_earned(work: &mut Work, key: Key, line: u16, part: Amounts) -> Result<(), Rejection> {
    let (pupil, provider) = (order(work, key).lines[usize::from(line)].pupil, order(work, key).provider);
    for source in [Source::School, Source::State].into_iter().filter(|source| !part.of(*source).is_zero()) {
        let home = lines::home(work, key, pupil, source);
        work.transfer(key.0, source, Account::Provider(provider), home, part.of(source))?;
        let due = order_mut(work, key).lines[usize::from(line)].due.of_mut(source);
        *due = due.checked_sub(part.of(source)).expect("no more goes back than the line owed");
    }
    Ok(())
}
