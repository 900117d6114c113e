//! Records of what goes another way than agreed: disputes, force majeure, extended deadlines, succession, lost keys.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::ids::DecisionId;
use crate::operation::{ClosureScope, Party};
use crate::record::{Key, OrderState, Side};
use crate::time::{Span, Timestamp};

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The order's money is frozen.
    Open,
    /// Who raised it took it back.
    Withdrawn,
    /// Two persons decided it.
    Resolved,
}

/// The last dispute on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Dispute {
    /// Who raised it.
    pub by: Side,
    /// When.
    pub raised: Timestamp,
    /// Where the order stood.
    pub was: OrderState,
    /// Where the dispute stands.
    pub state: DisputeState,
    /// Whether the other side raised one before this one.
    pub both: bool,
}

/// Deadlines of a year that were moved, and its sessions that are being cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Exceptions {
    /// In the order in which they were decided.
    pub extensions: Vec<Extension>,
    /// Force majeure whose orders are still being worked off.
    pub closures: Vec<Closure>,
}

/// Deadlines that fall within `from..until` fall later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Extension {
    /// First instant of the window.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
    /// How much later.
    pub by: Span,
}

/// Sessions that begin within `from..until` do not take place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Closure {
    /// Who decided.
    pub decision: DecisionId,
    /// First instant of the window.
    pub from: Timestamp,
    /// First instant after it.
    pub until: Timestamp,
    /// Which of the sessions in it.
    pub scope: ClosureScope,
}

/// A school or provider that another one has taken the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Succession {
    /// Who acts, orders, gives and is paid in its place.
    pub to: Party,
}

impl Succession {
    /// Who stands in a party's place by now, mostly itself, where `of` tells each one's successor. A party is succeeded
    /// once, and only an active one succeeds, so the way has an end.
    pub fn last(party: Party, of: impl Fn(Party) -> Option<Party>) -> Party {
        let mut now = party;
        while let Some(next) = of(now) {
            now = next;
        }
        now
    }
}

/// All keys of a party were revoked at once, once or more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Era {
    /// Counts from 1; keys bound before the first revocation are of era 0.
    pub number: u32,
    /// When it began: older keys are not accepted from this instant on.
    pub from: Timestamp,
}

/// The era in which a key was bound, when that is not era 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct BoundIn {
    /// Number of the era.
    pub era: u32,
}

impl Exceptions {
    /// Most extensions and most closures of a year at a time.
    pub const MOST: usize = 16;

    /// Where an instant falls by now in a year that may have exceptions.
    pub fn moved(exceptions: Option<&Self>, instant: Timestamp) -> Timestamp {
        exceptions.map_or(instant, |exceptions| exceptions.extended(instant))
    }

    /// When a deadline falls that was set for `deadline`.
    pub fn extended(&self, deadline: Timestamp) -> Timestamp {
        self.stages(deadline).last().unwrap_or(deadline)
    }

    /// Every instant at which the deadline fell, extension after extension, the first one included.
    pub fn stages(&self, deadline: Timestamp) -> impl Iterator<Item = Timestamp> {
        let moved = self.extensions.iter().scan(deadline, |now, one| {
            if one.from <= *now && *now < one.until {
                *now = now.after(one.by);
            }
            Some(*now)
        });
        std::iter::once(deadline).chain(moved)
    }
}

impl Key {
    /// From when on the key is not accepted, given its party's era and the one that it was bound in.
    pub fn end(&self, era: Option<&Era>, bound: Option<&BoundIn>) -> Timestamp {
        match era {
            Some(era) if bound.map_or(0, |bound| bound.era) < era.number => self.until.min(era.from),
            Some(_) | None => self.until,
        }
    }
}
