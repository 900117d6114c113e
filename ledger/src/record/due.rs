//! Due work: the queue that clock steps work off, and the ids of transactions that are known.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::classifiers::Year;
use crate::ids::{DecisionId, OrderId, TransactionId};
use crate::time::Timestamp;
use crate::tree::TreeKey;

/// Place of due work in the queue: by time, then kind, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct DueKey {
    /// When it is due.
    pub due: Timestamp,
    /// What kind it is.
    pub kind: DueKind,
    /// Which one; the first 23 bytes of a longer id.
    pub id: [u8; 23],
}

/// Kinds of due work, in the order in which they are done at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum DueKind {
    /// A transaction's id need no longer be known.
    Forget,
    /// A proposal or request that nobody answered lapses.
    Lapse,
    /// The provider's attendance list stands.
    Attendance,
    /// Free money of an ended year returns, wallet after wallet.
    Return,
    /// A proposal of governance that was not decided lapses.
    Expire,
    /// An order is cancelled by force majeure.
    Strike,
    /// Force majeure looks for orders, from a place of the tree on.
    Closure,
}

/// Due work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DueWork {
    /// Forget a transaction's id.
    Forget(TransactionId),
    /// Let an order lapse.
    Lapse(Year, OrderId),
    /// Let the provider's attendance list stand.
    Attendance(Year, OrderId),
    /// Return free money of an ended year, from this place of the tree on.
    Return(Year, #[serde(skip)] TreeKey),
    /// Let a proposal of governance lapse.
    Expire(DecisionId),
    /// Cancel an order by force majeure.
    Strike(Year, OrderId),
    /// Look for the orders that force majeure cancels, from this place of the tree on.
    Closure(Year, DecisionId, #[serde(skip)] TreeKey),
}

impl DueWork {
    /// The year that the work belongs to.
    pub fn year(&self) -> Option<Year> {
        match self {
            Self::Forget(_) | Self::Expire(_) => None,
            Self::Lapse(year, _)
            | Self::Attendance(year, _)
            | Self::Return(year, _)
            | Self::Strike(year, _)
            | Self::Closure(year, _, _) => Some(*year),
        }
    }
}

impl DueKey {
    /// The key of a place in the queue.
    pub fn at(place: &TreeKey) -> Option<Self> {
        let kind = match place.0[10] {
            0 => DueKind::Forget,
            1 => DueKind::Lapse,
            2 => DueKind::Attendance,
            3 => DueKind::Return,
            4 => DueKind::Expire,
            5 => DueKind::Strike,
            6 => DueKind::Closure,
            _ => return None,
        };
        let due = u64::from_be_bytes(place.0[2..10].try_into().ok()?);
        Some(Self { due: Timestamp(due), kind, id: place.0[11..].try_into().ok()? })
    }

    /// Where the id of a transaction is remembered, until it can no longer be included.
    pub fn known(id: TransactionId, valid_until: Timestamp) -> Self {
        let mut short = [0; 23];
        short.copy_from_slice(&id.0[..23]);
        Self { due: Timestamp(valid_until.0.saturating_add(1)), kind: DueKind::Forget, id: short }
    }

    /// Where work on an order is due.
    pub fn order(kind: DueKind, due: Timestamp, (year, order): (Year, OrderId)) -> Self {
        let mut id = [0; 23];
        id[..16].copy_from_slice(&order.0);
        // Two years may hold orders of one id.
        id[16..18].copy_from_slice(&year.0.to_be_bytes());
        Self { due, kind, id }
    }

    /// Where the end of a proposal is due.
    pub fn decision(due: Timestamp, decision: DecisionId) -> Self {
        let mut id = [0; 23];
        id[..16].copy_from_slice(&decision.0);
        Self { due, kind: DueKind::Expire, id }
    }

    /// Where force majeure goes on.
    pub fn closure(due: Timestamp, year: Year, decision: DecisionId) -> Self {
        let mut id = [0; 23];
        id[..16].copy_from_slice(&decision.0);
        id[16..18].copy_from_slice(&year.0.to_be_bytes());
        Self { due, kind: DueKind::Closure, id }
    }

    /// Where the return of a year's free money goes on.
    pub fn returning(due: Timestamp, year: Year) -> Self {
        let mut id = [0; 23];
        id[..2].copy_from_slice(&year.0.to_be_bytes());
        Self { due, kind: DueKind::Return, id }
    }
}
