//! What a school can do with an order now, and until when.

use crate::order_state::Stage;
use keis_ledger::operation::Change;
use keis_ledger::record::{LineState, Order, OrderState, Side};
use keis_ledger::time::Timestamp;

/// Something that the school can do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::school) enum Act {
    /// Order what a teacher proposed.
    TakeUp,
    /// Accept what the provider proposes.
    AcceptChange,
    /// Refuse what the provider proposes.
    RefuseChange,
    /// Take the school's own proposal back.
    DropChange,
    /// Propose another time or other pupils to the provider.
    ProposeChange,
    /// Put other pupils into places.
    Swap,
    /// Drop pupils.
    DropLines,
    /// Say who was there.
    ConfirmAttendance,
    /// Propose another attendance than was confirmed.
    AmendAttendance,
    /// End the order.
    Cancel,
}

/// An act with the last instant at which the ledger takes it, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::school) struct Possible {
    /// The act.
    pub(in crate::school) act: Act,
    /// Until when.
    pub(in crate::school) until: Option<Timestamp>,
}

/// Whether nobody answered in time, though the ledger's clock may not have come to it yet.
pub(in crate::school) fn is_over(order: &Order, now: Timestamp) -> bool {
    Stage::of(order.state) == Stage::Asked && now >= order.deadline
}

/// Everything that the school can do with an order now; from `unreported` on it is free to cancel when nobody reported it.
pub(in crate::school) fn possible(order: &Order, now: Timestamp, unreported: Timestamp) -> Vec<Possible> {
    let mut all = Vec::new();
    let mut can = |act, until| all.push(Possible { act, until });
    match order.state {
        OrderState::Proposed if now < order.deadline => {
            can(Act::TakeUp, Some(order.deadline));
            can(Act::Cancel, Some(order.deadline));
        }
        OrderState::Requested if now < order.deadline => {
            before_start(order, now, &mut can);
            can(Act::Cancel, Some(order.deadline));
        }
        OrderState::Confirmed if now < order.start => {
            before_start(order, now, &mut can);
            can(Act::Cancel, Some(order.start));
        }
        OrderState::Confirmed if now >= unreported => can(Act::Cancel, None),
        OrderState::Delivered if now < order.deadline => can(Act::ConfirmAttendance, Some(order.deadline)),
        OrderState::Attended | OrderState::AttendedAutomatically => after_attendance(order, &mut can),
        OrderState::Proposed
        | OrderState::Requested
        | OrderState::Confirmed
        | OrderState::Delivered
        | OrderState::Settled
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Disputed
        | OrderState::Reversed => {}
    }
    if order.change.as_ref().is_some_and(|waiting| waiting.by == Side::Orderer) {
        can(Act::DropChange, None);
    }
    if order.change.as_ref().is_some_and(|waiting| waiting.by == Side::Provider) {
        can(Act::RefuseChange, None);
    }
    all.sort_by_key(|possible| possible.act);
    all
}

fn before_start(order: &Order, now: Timestamp, can: &mut impl FnMut(Act, Option<Timestamp>)) {
    let is_request = order.state == OrderState::Requested;
    let last = if is_request { order.deadline.min(order.start) } else { order.start };
    let free_change = order.start.before(order.rules.free_change);
    match &order.change {
        None if now <= free_change => can(Act::ProposeChange, Some(free_change.min(last))),
        None => {}
        Some(waiting) => match (&waiting.change, waiting.by) {
            (Change::Booking { .. }, Side::Provider) => can(Act::AcceptChange, Some(last)),
            (Change::Booking { .. }, Side::Orderer) | (Change::Attendance { .. }, _) => {}
        },
    }
    can(Act::Swap, Some(last));
    if order.lines.iter().filter(|line| line.state == LineState::Booked).count() > 1 {
        can(Act::DropLines, Some(last));
    }
}

fn after_attendance(order: &Order, can: &mut impl FnMut(Act, Option<Timestamp>)) {
    if order.programme_statement.is_some() || order.school_statement.is_some() {
        return;
    }
    match &order.change {
        None => can(Act::AmendAttendance, None),
        Some(waiting) => match (&waiting.change, waiting.by) {
            (Change::Attendance { .. }, Side::Provider) => can(Act::AcceptChange, None),
            (Change::Attendance { .. }, Side::Orderer) | (Change::Booking { .. }, _) => {}
        },
    }
}
