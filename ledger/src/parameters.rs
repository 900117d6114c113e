//! What governance sets and the rules read: never a constant in a rule.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::Grades;
use crate::money::{BasisPoints, Cents};
use crate::time::{Calendar, Span, Timestamp};

/// Parameters of the network itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NetworkParameters {
    /// Version of the rules that headers carry.
    pub protocol: u32,
    /// Longest time between a transaction's inclusion and its `valid_until`.
    pub max_validity: Span,
    /// Most due records worked off at the head of a block.
    pub step_budget: u32,
    /// Largest block, in bytes.
    pub max_block_bytes: u32,
    /// Most records that a block may touch.
    pub max_touched: u32,
    /// How far a fresh proposal's time may lie ahead of a validator's clock.
    pub clock_bound: Span,
}

impl NetworkParameters {
    /// Whether the bounds leave room for every lawful transaction.
    pub fn is_sound(&self) -> bool {
        self.max_validity.0 > 0
            && self.step_budget > 0
            && self.max_block_bytes as usize >= 2 * crate::codec::MAX_TRANSACTION
            && self.max_block_bytes <= 8 * 1024 * 1024
            && self.max_touched >= 4_000
    }
}

/// The network's parameters without the version of the rules, as governance sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NetworkLimits {
    /// Longest time between a transaction's inclusion and its `valid_until`.
    pub max_validity: Span,
    /// Most due records worked off at the head of a block.
    pub step_budget: u32,
    /// Largest block, in bytes.
    pub max_block_bytes: u32,
    /// Most records that a block may touch.
    pub max_touched: u32,
    /// How far a fresh proposal's time may lie ahead of a validator's clock.
    pub clock_bound: Span,
}

impl NetworkLimits {
    /// The least that a decision may set: below it, hands are too slow to decide anything else afterwards.
    const LEAST_VALIDITY: Span = Span(60_000);
    /// Below the first, honest clocks differ by more; above the second, one proposer could pass a deadline by itself.
    const CLOCK_BOUNDS: std::ops::RangeInclusive<Span> = Span(100)..=Span(600_000);

    /// The parameters of a network under these limits, unless they leave no room for lawful transactions.
    pub fn under(&self, protocol: u32) -> Option<NetworkParameters> {
        let Self { max_validity, step_budget, max_block_bytes, max_touched, clock_bound } = *self;
        let parameters =
            NetworkParameters { protocol, max_validity, step_budget, max_block_bytes, max_touched, clock_bound };
        let usable = max_validity >= Self::LEAST_VALIDITY && Self::CLOCK_BOUNDS.contains(&clock_bound);
        (usable && parameters.is_sound()).then_some(parameters)
    }
}

/// What a pupil who arrives during the year receives, from the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalAmount {
    /// As much as everybody.
    Full,
    /// The part of the window that is left, half up to the cent.
    ProRata,
    /// Nothing.
    None,
}

/// Parameters of one programme year.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ProgrammeParameters {
    /// Money of each pupil for the year.
    pub amount_per_pupil: Cents,
    /// Pupils whose wallets open after this instant arrive during the year.
    pub register_until: Timestamp,
    /// What those receive.
    pub arrivals: ArrivalAmount,
    /// Services take place from this instant …
    pub window_from: Timestamp,
    /// … until this one.
    pub window_until: Timestamp,
    /// A proposal or request that nobody answers lapses this long after it, or when its session begins.
    pub hold_expiry: Span,
    /// The time or pupils' number may be changed by agreement until this long before the start.
    pub free_change: Span,
    /// Cancelling and dropping are free until this long before the start.
    pub free_cancel: Span,
    /// Share of a line that is due when it is cancelled or dropped late.
    pub late_share: BasisPoints,
    /// Share of a line that is due when its pupil is absent.
    pub absence_share: BasisPoints,
    /// Share of the whole order that is due at least when it is delivered, whoever is absent.
    pub minimum_share: BasisPoints,
    /// Working days after the end, in which the orderer confirms attendance; afterwards the provider's list stands.
    pub attendance_days: u16,
    /// Shortest time between two statements of one provider to one buyer.
    pub settlement_period: Span,
    /// Grades whose pupils may bind a key of their own and order alone.
    pub own_key_grades: Grades,
    /// Working days of the year.
    pub calendar: Calendar,
}

impl ProgrammeParameters {
    /// Whether the parameters make a year.
    pub fn is_sound(&self) -> bool {
        !self.amount_per_pupil.is_zero()
            && self.window_from < self.window_until
            && self.window_until <= Timestamp::LATEST
            && self.register_until < self.window_until
            && self.hold_expiry.0 > 0
            && self.attendance_days <= 60
            && self.own_key_grades.is_sound()
            && self.calendar.is_sound()
    }

    /// The amount of a wallet opened at `opened`: everybody's until the register's day, the arrivals' policy after it.
    pub fn amount_for(&self, opened: Timestamp) -> Cents {
        if opened <= self.register_until {
            return self.amount_per_pupil;
        }
        match self.arrivals {
            ArrivalAmount::Full => self.amount_per_pupil,
            ArrivalAmount::None => Cents::ZERO,
            ArrivalAmount::ProRata => self.pro_rata(opened),
        }
    }

    fn pro_rata(&self, opened: Timestamp) -> Cents {
        let whole = u128::from(self.window_until.0 - self.window_from.0);
        let left = u128::from(self.window_until.0.saturating_sub(opened.max(self.window_from).0));
        let cents = (u128::from(self.amount_per_pupil.get()) * left * 2 + whole) / (2 * whole);
        Cents::new(u64::try_from(cents).expect("a part of the amount fits where the amount does"))
    }
}
