//! What ending, dropping and attending cost, line by line.

use crate::order_state::Stage;
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::Party;
use keis_ledger::record::{Line, LineState, Order, OrderState};
use keis_ledger::time::Timestamp;

use super::choice::part;

/// What cancelling now comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::school) enum Cancelling {
    /// Nothing is due; until when, where it ends.
    Free(Option<Timestamp>),
    /// A share is due.
    Late {
        /// Of each pupil.
        each: Cents,
        /// Of all, by source.
        total: Amounts,
    },
    /// It cannot be cancelled.
    Impossible,
}

/// The last instant at which a confirmed order can be left without charge.
pub(in crate::school) fn late_from(order: &Order) -> Timestamp {
    order.start.before(order.rules.free_cancel)
}

fn late(order: &Order, now: Timestamp) -> bool {
    order.state == OrderState::Confirmed && now > late_from(order)
}

fn booked(line: &Line) -> bool {
    line.state == LineState::Booked
}

/// What the provider keeps of a line at a charge: the state's part first.
fn captured(line: &Line, charge: Cents) -> Amounts {
    let state = line.escrow.state.min(charge);
    Amounts { state, school: charge.saturating_sub(state).min(line.escrow.school) }
}

fn sum(parts: impl Iterator<Item = Amounts>) -> Amounts {
    let total = parts.into_iter().try_fold(Amounts::ZERO, |sum, part| sum.checked_add(&part));
    total.expect("the ledger holds the sum of an order's lines")
}

/// What cancelling now comes to; from `unreported` on it is free when nobody reported the order.
pub(in crate::school) fn cancelling(order: &Order, now: Timestamp, unreported: Timestamp) -> Cancelling {
    match Stage::of(order.state) {
        Stage::Asked if now < order.deadline => Cancelling::Free(Some(order.deadline)),
        Stage::Agreed if now <= late_from(order) => Cancelling::Free(Some(late_from(order))),
        Stage::Agreed if now < order.start => {
            let each = order.price.share(order.rules.late_share);
            let total = sum(order.lines.iter().filter(|line| booked(line)).map(|line| captured(line, each)));
            Cancelling::Late { each, total }
        }
        Stage::Agreed if now >= unreported => Cancelling::Free(None),
        Stage::Asked
        | Stage::Agreed
        | Stage::Delivered
        | Stage::Attended
        | Stage::Settled
        | Stage::Off
        | Stage::Disputed
        | Stage::Reversed => Cancelling::Impossible,
    }
}

/// What stays due when these lines are dropped now.
pub(in crate::school) fn drop_cost(order: &Order, lines: &[u16], now: Timestamp) -> Amounts {
    if !late(order, now) {
        return Amounts::ZERO;
    }
    let charge = order.price.share(order.rules.late_share);
    let named = lines.iter().filter_map(|line| order.lines.get(usize::from(*line)));
    sum(named.filter(|line| booked(line)).map(|line| captured(line, charge)))
}

/// What the order may still take of the school's money, once lines that are given back (`freed`) count no more.
fn school_money_left(order: &Order, freed: &[u16]) -> Cents {
    match order.orderer {
        Party::School(_) => {}
        Party::Pupil(..) | Party::Provider(_) => return Cents::ZERO,
    }
    let mut left = order.school_money;
    for (index, line) in (0..).zip(&order.lines) {
        let standing = if freed.contains(&index) { Amounts::ZERO } else { line.held };
        let escrow = if freed.contains(&index) { Amounts::ZERO } else { line.escrow };
        left = [standing, escrow, line.due].iter().fold(left, |left, part| left.saturating_sub(part.school));
    }
    left
}

/// What pupils who are put into lines of the order pay, and what of the school's part is more than the order may take.
pub(in crate::school) fn refill(order: &Order, freed: &[u16], balances: &[Cents]) -> (Amounts, Cents) {
    let total = sum(balances.iter().map(|balance| part(order.price, *balance)));
    (total, total.school.saturating_sub(school_money_left(order, freed)))
}

/// What every line would owe with these absent, `added` pupils beside: the price for who was there, a share for who was
/// not, and of those more when all together owe less than the order's minimum. As the ledger counts it.
fn owed(order: &Order, absent: &[u16], added: usize) -> Vec<(u16, Cents)> {
    let share = order.price.share(order.rules.absence_share);
    let standing = (0..).zip(&order.lines).filter(|(_, line)| line.state != LineState::Dropped);
    let mut owed: Vec<(u16, Cents)> =
        standing.map(|(index, _)| (index, if absent.contains(&index) { share } else { order.price })).collect();
    let whole = order.price.get().saturating_mul((owed.len() + added) as u64);
    let there = order.price.get().saturating_mul(added as u64);
    let sum = owed.iter().fold(there, |sum, (_, amount)| sum.saturating_add(amount.get()));
    let mut lacking = Cents::new(whole).share(order.rules.minimum_share).saturating_sub(Cents::new(sum));
    for (_, amount) in owed.iter_mut().filter(|(index, _)| absent.contains(index)) {
        let more = order.price.saturating_sub(*amount).min(lacking);
        *amount = amount.checked_add(more).expect("no line owes more than the price");
        lacking = lacking.saturating_sub(more);
    }
    owed
}

/// What an order costs when these were absent and pupils of these balances came beside.
pub(in crate::school) fn attendance(order: &Order, absent: &[u16], added: &[Cents]) -> Amounts {
    let lines = owed(order, absent, added.len()).into_iter().map(|(index, amount)| {
        let line = &order.lines[usize::from(index)];
        let state = line.escrow.state.min(amount);
        Amounts { state, school: amount.saturating_sub(state) }
    });
    let beside = added.iter().map(|balance| part(order.price, *balance));
    sum(lines.chain(beside))
}

/// What every line owes in all when both sides agree on another attendance.
pub(in crate::school) fn amendment(order: &Order, absent: &[u16]) -> Cents {
    let total = owed(order, absent, 0).iter().fold(0_u64, |sum, (_, amount)| sum.saturating_add(amount.get()));
    Cents::new(total)
}
