//! An order's state as pages name it: one list for words, filters and addresses.

use keis_ledger::record::OrderState;

use crate::words::Words;

/// What the keys of the states' words begin with.
const BEGINNING: &str = "order-";

/// Every state, in the order in which filters list them.
pub(crate) const ALL: [OrderState; 15] = [
    OrderState::Proposed,
    OrderState::Requested,
    OrderState::Confirmed,
    OrderState::Delivered,
    OrderState::Attended,
    OrderState::AttendedAutomatically,
    OrderState::Settled,
    OrderState::Declined,
    OrderState::Lapsed,
    OrderState::CancelledFree,
    OrderState::CancelledLate,
    OrderState::CancelledByProvider,
    OrderState::CancelledForceMajeure,
    OrderState::Disputed,
    OrderState::Reversed,
];

/// Key of a state's words.
fn key(state: OrderState) -> &'static str {
    match state {
        OrderState::Proposed => "order-proposed",
        OrderState::Requested => "order-requested",
        OrderState::Confirmed => "order-confirmed",
        OrderState::Delivered => "order-delivered",
        OrderState::Attended => "order-attended",
        OrderState::AttendedAutomatically => "order-attended_automatically",
        OrderState::Settled => "order-settled",
        OrderState::Declined => "order-declined",
        OrderState::Lapsed => "order-lapsed",
        OrderState::CancelledFree => "order-cancelled_free",
        OrderState::CancelledLate => "order-cancelled_late",
        OrderState::CancelledByProvider => "order-cancelled_by_provider",
        OrderState::CancelledForceMajeure => "order-cancelled_force_majeure",
        OrderState::Disputed => "order-disputed",
        OrderState::Reversed => "order-reversed",
    }
}

/// A state as filters and addresses name it, which is also the ledger's name.
pub(crate) fn code(state: OrderState) -> &'static str {
    key(state).trim_start_matches(BEGINNING)
}

/// A state in words.
pub(crate) fn words(w: &Words, state: OrderState) -> String {
    w.text(key(state))
}
