//! What a provider may do with an order now, as the ledger's rules have it. Pure.

use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::Change;
use keis_ledger::record::{LineState, Order, OrderState, Side};
use keis_ledger::time::Timestamp;

/// What a provider may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct May {
    /// Confirm or decline.
    pub(super) answer: bool,
    /// Propose another session.
    pub(super) change_time: bool,
    /// Accept the school's change.
    pub(super) accept: bool,
    /// Refuse the school's change.
    pub(super) refuse: bool,
    /// Take its own proposed change back.
    pub(super) take_back: bool,
    /// Cancel.
    pub(super) cancel: bool,
    /// Report delivery.
    pub(super) report: bool,
    /// Propose to amend attendance.
    pub(super) amend_attendance: bool,
}

impl May {
    /// Whether there is anything.
    pub(super) fn anything(&self) -> bool {
        *self != Self::default()
    }
}

/// What a provider may do with its order at an instant.
pub(super) fn may(order: &Order, now: Timestamp) -> May {
    let waiting = order.change.as_ref();
    let by = |side: Side| waiting.is_some_and(|change| change.by == side);
    let answer = order.state == OrderState::Requested && now < order.deadline;
    let booked = answer || order.state == OrderState::Confirmed;
    let attended = matches!(order.state, OrderState::Attended | OrderState::AttendedAutomatically);
    let billed = order.programme_statement.is_some() || order.school_statement.is_some();
    let acceptable = waiting.is_some_and(|waiting| match waiting.change {
        Change::Booking { .. } => booked && now < order.start,
        Change::Attendance { .. } => attended && !billed,
    });
    May {
        answer,
        change_time: booked && waiting.is_none() && now <= order.start.before(order.rules.free_change),
        accept: by(Side::Orderer) && acceptable,
        refuse: by(Side::Orderer),
        take_back: by(Side::Provider),
        cancel: order.state == OrderState::Confirmed,
        report: order.state == OrderState::Confirmed && order.end <= now,
        amend_attendance: attended && !billed && waiting.is_none(),
    }
}

/// Whether pupils' names are shown to the provider: from confirmation on, because somebody must tick who is there.
pub(super) fn names_shown(state: OrderState) -> bool {
    match state {
        OrderState::Confirmed
        | OrderState::Delivered
        | OrderState::Attended
        | OrderState::AttendedAutomatically
        | OrderState::Settled => true,
        OrderState::Proposed
        | OrderState::Requested
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider => false,
    }
}

/// Whether a line's pupil takes part, or took part.
pub(super) fn takes_part(state: LineState) -> bool {
    match state {
        LineState::Proposed | LineState::Booked | LineState::Attended | LineState::Absent => true,
        LineState::Dropped => false,
    }
}

/// Pupils who take part, or took part.
pub(super) fn pupils(order: &Order) -> usize {
    order.lines.iter().filter(|line| takes_part(line.state)).count()
}

/// What the order comes to: what is due once attendance stands, before that the price of all who take part.
pub(super) fn worth(order: &Order) -> Cents {
    let due = due(order);
    match due.total() {
        Some(total) if !total.is_zero() => total,
        _ if earns(order.state) => Cents::ZERO,
        _ => order.price.checked_mul(pupils(order) as u64).unwrap_or_default(),
    }
}

/// What is due to the provider, by source.
pub(super) fn due(order: &Order) -> Amounts {
    let add = |sum: Amounts, line: &keis_ledger::record::Line| sum.checked_add(&line.due).unwrap_or(sum);
    order.lines.iter().fold(Amounts::ZERO, add)
}

/// Whether nothing more will be due than is.
fn earns(state: OrderState) -> bool {
    match state {
        OrderState::Attended
        | OrderState::AttendedAutomatically
        | OrderState::Settled
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider => true,
        OrderState::Proposed | OrderState::Requested | OrderState::Confirmed | OrderState::Delivered => false,
    }
}

/// What somebody who is absent costs the orderer, and what that leaves of the price.
pub(super) fn absent_costs(order: &Order) -> (Cents, Cents) {
    let share = order.price.share(order.rules.absence_share);
    (share, order.price.saturating_sub(share))
}
