//! Reversal: two persons give back what is due of lines. The money is taken from where it is by now: the provider's
//! earnings, an accepted statement, or, once that is paid, what the provider then owes.

use super::attendance::give_back_earned;
use super::{Key, ascending, bounded, lines, order, order_mut, subject};
use crate::ids::StatementId;
use crate::money::{Amounts, Cents, Source};
use crate::operation::MAX_PUPILS;
use crate::plan::governance::Applied;
use crate::plan::{item, settlement, year_of};
use crate::receipt::{Kind, ReceiptLine};
use crate::record::{LineState, Order, OrderState, Statement};
use crate::rejection::Rejection;
use crate::state::Work;

const REVERSIBLE: [OrderState; 7] = [
    OrderState::Attended,
    OrderState::AttendedAutomatically,
    OrderState::Settled,
    OrderState::CancelledFree,
    OrderState::CancelledLate,
    OrderState::CancelledByProvider,
    OrderState::CancelledForceMajeure,
];

/// Whether these lines can be reversed.
pub(in crate::plan) fn judge(work: &Work, key: Key, named: &[u16]) -> Result<(), Rejection> {
    bounded(named, MAX_PUPILS)?;
    ascending(named)?;
    year_of(work, key.0)?;
    let order = work.get::<Order>(key).ok_or(Rejection::OrderUnknown { item: 0 })?;
    if !REVERSIBLE.contains(&order.state) {
        return Err(Rejection::OrderStateWrong { state: order.state });
    }
    for source in Source::ALL {
        let Some(statement) = statement_of(order, source) else { continue };
        let state = work.get::<Statement>((key.0, statement)).ok_or(Rejection::StatementUnknown)?.state;
        if !state.is_accepted() {
            return Err(Rejection::StatementStateWrong { state });
        }
    }
    for line in named {
        order.lines.get(usize::from(*line)).ok_or(Rejection::LineUnknown { line: *line })?;
    }
    match named.iter().position(|line| order.lines[usize::from(*line)].due.is_zero()) {
        None => Ok(()),
        Some(index) => Err(Rejection::NothingDue { item: item(index) }),
    }
}

fn statement_of(order: &Order, source: Source) -> Option<StatementId> {
    match source {
        Source::State => order.programme_statement,
        Source::School => order.school_statement,
    }
}

/// Gives back what is due of the lines. An order of which nothing is due any more is reversed.
pub(in crate::plan) fn reverse(work: &mut Work, key: Key, named: &[u16]) -> Result<Applied, Rejection> {
    judge(work, key, named)?;
    let mut total = Amounts::ZERO;
    for source in Source::ALL {
        let back = match statement_of(order(work, key), source) {
            None => from_earnings(work, key, source, named)?,
            Some(statement) => from_statement(work, key, source, named, statement)?,
        };
        total = total.checked_add(&back).ok_or(Rejection::AmountTooLarge)?;
    }
    for line in named {
        let pupil = order(work, key).lines[usize::from(*line)].pupil;
        lines::unbook(work, key, pupil);
        order_mut(work, key).lines[usize::from(*line)].state = LineState::Reversed;
    }
    let now = order_mut(work, key);
    now.change = None;
    if now.lines.iter().all(|line| line.due.is_zero()) {
        now.state = OrderState::Reversed;
    } else {
        settlement::settle(work, key);
    }
    Ok(Applied { kind: Kind::OrderReversed, subject: subject(work, key), total })
}

/// What is in no statement yet goes back out of the provider's earnings.
fn from_earnings(work: &mut Work, key: Key, source: Source, named: &[u16]) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    for line in named {
        let now = &order(work, key).lines[usize::from(*line)];
        let (pupil, mut moved) = (now.pupil, Amounts::ZERO);
        *moved.of_mut(source) = now.due.of(source);
        if moved.is_zero() {
            continue;
        }
        give_back_earned(work, key, *line, moved)?;
        work.note(ReceiptLine { pupil, moved });
        total = total.checked_add(&moved).ok_or(Rejection::AmountTooLarge)?;
    }
    Ok(total)
}

fn from_statement(
    work: &mut Work,
    key: Key,
    source: Source,
    named: &[u16],
    statement: StatementId,
) -> Result<Amounts, Rejection> {
    let dues = named.iter().map(|line| (*line, order(work, key).lines[usize::from(*line)].due.of(source)));
    let dues: Vec<(u16, Cents)> = dues.filter(|(_, due)| !due.is_zero()).collect();
    if dues.is_empty() { Ok(Amounts::ZERO) } else { settlement::credit(work, (key.0, statement), key.1, &dues) }
}
