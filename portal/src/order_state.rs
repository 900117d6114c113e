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

/// Where an order is in its life, for pages that need no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Proposed or requested: nobody has answered yet.
    Asked,
    /// The provider has confirmed it.
    Agreed,
    /// The provider has reported who was there.
    Delivered,
    /// Attendance stands.
    Attended,
    /// Its statement is accepted.
    Settled,
    /// It ended without taking place.
    Off,
    /// Officers decide.
    Disputed,
    /// Officers took it back.
    Reversed,
}

impl Stage {
    /// The stage of a state.
    pub(crate) fn of(state: OrderState) -> Self {
        match state {
            OrderState::Proposed | OrderState::Requested => Self::Asked,
            OrderState::Confirmed => Self::Agreed,
            OrderState::Delivered => Self::Delivered,
            OrderState::Attended | OrderState::AttendedAutomatically => Self::Attended,
            OrderState::Settled => Self::Settled,
            OrderState::Declined
            | OrderState::Lapsed
            | OrderState::CancelledFree
            | OrderState::CancelledLate
            | OrderState::CancelledByProvider
            | OrderState::CancelledForceMajeure => Self::Off,
            OrderState::Disputed => Self::Disputed,
            OrderState::Reversed => Self::Reversed,
        }
    }

    /// The colour of a badge; the words beside it say the same.
    pub(crate) fn mood(self) -> &'static str {
        match self {
            Self::Asked | Self::Delivered | Self::Disputed => "wait",
            Self::Agreed | Self::Attended | Self::Settled => "good",
            Self::Off | Self::Reversed => "bad",
        }
    }
}

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
