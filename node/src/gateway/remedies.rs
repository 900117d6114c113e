//! What disputes, extensions and successions mean to readers: who stands in whose place, and when things fall due by now.
//!
//! Rules read the same records; nothing is decided here.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId};
use keis_ledger::operation::Party;
use keis_ledger::record::{Dispute, Exceptions, Order, OrderState, Succession, YearRecord};
use keis_ledger::state::State;
use keis_ledger::time::{Span, Timestamp};
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
        let moved = |instant| exceptions.map_or(instant, |exceptions| exceptions.extended(instant));
        let before_start = |span: Span| {
            let limit = order.start.before(span);
            let now = moved(limit);
            if now == limit { limit } else { now.min(order.start.before(Span(1))) }
        };
        let next = match order.state {
            OrderState::Proposed | OrderState::Requested => Some(moved(order.deadline).min(order.start)),
            OrderState::Delivered => Some(moved(order.deadline)),
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
            .map(|record| moved(order.rules.attendance_deadline(&record.parameters.calendar, order.end)));
        Self {
            next,
            free_change: before_start(order.rules.free_change),
            free_cancel: before_start(order.rules.free_cancel),
            unreported,
        }
    }
}

/// Who acts and reads in a party's place by now, mostly itself. A party is succeeded once, so the way has an end.
pub(super) fn stands_for(state: &State, party: Party) -> Party {
    let mut now = party;
    while let Some(Succession { to }) = state.get::<Succession>(now) {
        now = *to;
    }
    now
}

/// The school that stands in a school's place, if another one does.
pub(super) fn school_successor(state: &State, school: SchoolId) -> Option<SchoolId> {
    match stands_for(state, Party::School(school)) {
        Party::School(now) if now != school => Some(now),
        Party::School(_) | Party::Provider(_) | Party::Pupil(..) => None,
    }
}

/// The provider that stands in a provider's place, if another one does.
pub(super) fn provider_successor(state: &State, provider: ProviderId) -> Option<ProviderId> {
    match stands_for(state, Party::Provider(provider)) {
        Party::Provider(now) if now != provider => Some(now),
        Party::Provider(_) | Party::School(_) | Party::Pupil(..) => None,
    }
}
