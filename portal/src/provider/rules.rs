//! What a provider may do with an order now, as the ledger's rules have it. Pure.

use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::Change;
use keis_ledger::record::{LineState, Order, OrderState, Side};
use keis_ledger::time::Timestamp;
use keis_wallet::client::OrderView;

use crate::dispute::is_decided;
use crate::order_state::Stage;

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

/// The same, with what the gateway tells beside the order: after a decision of a dispute attendance stands.
pub(super) fn may_with(view: &OrderView, now: Timestamp) -> May {
    let may = may(&view.order, now);
    let attended = matches!(view.order.state, OrderState::Attended | OrderState::AttendedAutomatically);
    if attended && is_decided(view) { May { amend_attendance: false, accept: false, ..may } } else { may }
}

/// Whether pupils' names are shown to the provider: from confirmation on, because somebody must tick who is there.
pub(super) fn names_shown(state: OrderState) -> bool {
    match Stage::of(state) {
        Stage::Agreed | Stage::Delivered | Stage::Attended | Stage::Settled | Stage::Disputed | Stage::Reversed => true,
        Stage::Asked | Stage::Off => false,
    }
}

/// Whether a line's pupil takes part, or took part.
pub(super) fn takes_part(state: LineState) -> bool {
    match state {
        LineState::Proposed | LineState::Booked | LineState::Attended | LineState::Absent | LineState::Reversed => true,
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
    match Stage::of(state) {
        Stage::Attended | Stage::Settled | Stage::Off | Stage::Reversed => true,
        Stage::Asked | Stage::Agreed | Stage::Delivered | Stage::Disputed => false,
    }
}

/// What somebody who is absent costs the orderer, and what that leaves of the price.
pub(super) fn absent_costs(order: &Order) -> (Cents, Cents) {
    let share = order.price.share(order.rules.absence_share);
    (share, order.price.saturating_sub(share))
}

#[cfg(test)]
mod tests {
    use keis_ledger::classifiers::Year;
    use keis_ledger::crypto::{Hash, SecretKey};
    use keis_ledger::ids::{ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId};
    use keis_ledger::money::BasisPoints;
    use keis_ledger::operation::Party;
    use keis_ledger::record::{Line, PendingChange, PinnedRules};
    use keis_ledger::time::Span;

    use super::*;

    const START: Timestamp = Timestamp(1_000_000);
    const END: Timestamp = Timestamp(1_100_000);

    fn order(state: OrderState) -> Order {
        let share = |points| BasisPoints::new(points).expect("a share");
        let line = |number| Line {
            pupil: PupilId([number; 16]),
            state: LineState::Booked,
            held: Amounts::ZERO,
            escrow: Amounts::ZERO,
            due: Amounts::ZERO,
        };
        Order {
            school: SchoolId([1; 16]),
            orderer: Party::Pupil(Year(2028), PupilId([1; 16])),
            provider: ProviderId([2; 16]),
            service: ServiceId([3; 16]),
            version: 1,
            session: SessionId([4; 16]),
            start: START,
            end: END,
            state,
            price: Cents::new(505),
            rules: PinnedRules {
                free_change: Span(10_000),
                free_cancel: Span(20_000),
                late_share: share(5_000),
                absence_share: share(5_000),
                minimum_share: share(6_000),
                attendance_days: 5,
            },
            school_money: Cents::ZERO,
            deadline: Timestamp(500_000),
            lines: (1..=3).map(line).collect(),
            change: None,
            orderer_key: SecretKey::from_bytes(&[1; 32]).public(),
            provider_key: None,
            programme_statement: None,
            school_statement: None,
            blind: Hash([0; 32]),
        }
    }

    fn waiting(by: Side, change: Change) -> Option<PendingChange> {
        Some(PendingChange { by, change })
    }

    fn moved() -> Change {
        Change::Booking { session: Some(SessionId([5; 16])), drop: Vec::new(), add: Vec::new() }
    }

    #[test]
    fn a_request_is_answered_before_its_deadline() {
        let order = order(OrderState::Requested);
        let before = may(&order, Timestamp(499_999));
        assert!(before.answer && before.change_time && !before.cancel && !before.report);
        assert_eq!(may(&order, Timestamp(500_000)), May::default());
    }

    #[test]
    fn a_confirmed_order_can_be_moved_cancelled_and_reported_in_its_time() {
        let order = order(OrderState::Confirmed);
        let cancel = May { cancel: true, ..May::default() };
        assert_eq!(may(&order, Timestamp(990_000)), May { change_time: true, ..cancel });
        assert_eq!(may(&order, Timestamp(990_001)), cancel);
        assert_eq!(may(&order, Timestamp(END.0 - 1)), cancel);
        assert_eq!(may(&order, END), May { report: true, ..cancel });
    }

    #[test]
    fn a_waiting_change_is_answered_by_the_other_side() {
        let theirs = Order { change: waiting(Side::Orderer, moved()), ..order(OrderState::Confirmed) };
        let now = may(&theirs, Timestamp(100));
        assert!(now.accept && now.refuse && !now.take_back && !now.change_time);
        let late = may(&theirs, START);
        assert!(!late.accept && late.refuse);
        let ours = Order { change: waiting(Side::Provider, moved()), ..order(OrderState::Confirmed) };
        let now = may(&ours, Timestamp(100));
        assert!(!now.accept && !now.refuse && now.take_back);
    }

    #[test]
    fn attendance_is_corrected_until_a_statement() {
        let attended = order(OrderState::AttendedAutomatically);
        assert!(may(&attended, END).amend_attendance);
        let billed = Order { school_statement: Some(StatementId([9; 16])), ..attended.clone() };
        assert!(!may(&billed, END).amend_attendance);
        let change = waiting(Side::Orderer, Change::Attendance { absent: vec![0] });
        let theirs = may(&Order { change: change.clone(), ..attended }, END);
        assert!(theirs.accept && theirs.refuse && !theirs.amend_attendance);
        assert!(!may(&Order { change, ..billed }, END).accept);
    }

    #[test]
    fn names_are_shown_from_confirmation_on() {
        assert!(!names_shown(OrderState::Proposed) && !names_shown(OrderState::Requested));
        assert!(names_shown(OrderState::Confirmed) && names_shown(OrderState::Settled));
        assert!(!names_shown(OrderState::CancelledLate) && !names_shown(OrderState::Lapsed));
    }

    #[test]
    fn an_order_is_worth_its_pupils_until_it_is_known_what_is_due() {
        let mut order = order(OrderState::Confirmed);
        order.lines[0].state = LineState::Dropped;
        assert_eq!((pupils(&order), worth(&order)), (2, Cents::new(1_010)));
        order.lines[1].due = Amounts { state: Cents::new(500), school: Cents::new(5) };
        order.state = OrderState::Attended;
        assert_eq!(worth(&order), Cents::new(505));
        assert_eq!(absent_costs(&order), (Cents::new(253), Cents::new(252)));
        order.lines[1].due = Amounts::ZERO;
        order.state = OrderState::CancelledFree;
        assert_eq!(worth(&order), Cents::ZERO);
    }
}
