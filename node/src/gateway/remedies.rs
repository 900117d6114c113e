//! What disputes, extensions and successions mean to readers: who stands in whose place, and when things fall due by now.
//!
//! The ledger says both; nothing is decided here.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId};
use keis_ledger::operation::Party;
use keis_ledger::record::{Dispute, Exceptions, Order, OrderState, YearRecord};
use keis_ledger::state::State;
use keis_ledger::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::schema;

/// When an order's deadlines fall by now: as they were set at its request, moved by the year's extensions.
#[derive(Serialize, ToSchema)]
pub(super) struct Deadlines {
    /// From this instant on an answer, or a confirmation of attendance, comes too late; absent when none is awaited.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Timestamp>,
    /// Changes by agreement are free until then.
    #[schema(value_type = u64)]
    free_change: Timestamp,
    /// Cancelling is free until then.
    #[schema(value_type = u64)]
    free_cancel: Timestamp,
    /// A confirmed order that was never reported is free to cancel from then on.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    unreported: Option<Timestamp>,
}

/// What stands beside an order's record.
#[derive(Serialize, ToSchema)]
pub(super) struct Remedies {
    /// Its deadlines.
    deadlines: Deadlines,
    /// The last dispute on it.
    #[schema(value_type = Option<schema::Dispute>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dispute: Option<Dispute>,
    /// Who stands in its school's place by now.
    #[schema(value_type = Option<String>, example = "sch_00ff…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    school_successor: Option<SchoolId>,
    /// Who stands in its provider's place by now.
    #[schema(value_type = Option<String>, example = "prv_00ff…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_successor: Option<ProviderId>,
}

impl Remedies {
    /// Of an order.
    pub(super) fn of(state: &State, (year, id): (Year, OrderId), order: &Order) -> Self {
        Self {
            deadlines: Deadlines::of(state, year, order),
            dispute: state.get::<Dispute>((year, id)).copied(),
            school_successor: school_successor(state, order.school),
            provider_successor: provider_successor(state, order.provider),
        }
    }
}

impl Deadlines {
    fn of(state: &State, year: Year, order: &Order) -> Self {
        let exceptions = state.get::<Exceptions>(year);
        let next = match order.state {
            OrderState::Proposed | OrderState::Requested | OrderState::Delivered => {
                Some(order.deadline_now(exceptions))
            }
            OrderState::Confirmed
            | OrderState::Attended
            | OrderState::AttendedAutomatically
            | OrderState::Settled
            | OrderState::Declined
            | OrderState::Lapsed
            | OrderState::CancelledFree
            | OrderState::CancelledLate
            | OrderState::CancelledByProvider
            | OrderState::Disputed
            | OrderState::Reversed
            | OrderState::CancelledForceMajeure => None,
        };
        let unreported = state
            .get::<YearRecord>(year)
            .filter(|_| order.state == OrderState::Confirmed)
            .map(|record| order.rules.attendance_deadline(&record.parameters.calendar, order.end))
            .map(|reported| Exceptions::moved(exceptions, reported));
        Self {
            next,
            free_change: order.limit_before_start(order.rules.free_change, exceptions),
            free_cancel: order.limit_before_start(order.rules.free_cancel, exceptions),
            unreported,
        }
    }
}

/// The school that stands in a school's place, if another one does.
pub(super) fn school_successor(state: &State, school: SchoolId) -> Option<SchoolId> {
    match state.stands_for(Party::School(school)) {
        Party::School(now) if now != school => Some(now),
        Party::School(_) | Party::Provider(_) | Party::Pupil(..) => None,
    }
}

/// The provider that stands in a provider's place, if another one does.
pub(super) fn provider_successor(state: &State, provider: ProviderId) -> Option<ProviderId> {
    match state.stands_for(Party::Provider(provider)) {
        Party::Provider(now) if now != provider => Some(now),
        Party::Provider(_) | Party::School(_) | Party::Pupil(..) => None,
    }
}
