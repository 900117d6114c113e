//! Money: whole cents, checked, never negative, each cent tagged with where it came from.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// An amount of whole euro cents. Arithmetic answers `None` instead of wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(u64);

impl Cents {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of `cents`.
    pub const fn new(cents: u64) -> Self {
        Self(cents)
    }

    /// The number of cents.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, unless it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, unless `other` is more.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// What is left after taking `other`, nothing when it is more.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount `count` times, unless it does not fit.
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        self.0.checked_mul(count).map(Self)
    }

    /// A share of the amount, half a cent rounded up. Never more than the amount.
    pub fn share(self, share: BasisPoints) -> Self {
        let rounded = (u128::from(self.0) * u128::from(share.0) + 5_000) / 10_000;
        Self(u64::try_from(rounded).expect("a share of at most the whole fits where the whole does"))
    }
}

impl std::fmt::Display for Cents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02} EUR", self.0 / 100, self.0 % 100)
    }
}

/// A share in hundredths of a per cent, at most the whole (10,000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Serialize)]
#[serde(transparent)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);

    /// A share, unless it is more than the whole.
    pub const fn new(points: u16) -> Option<Self> {
        if points <= 10_000 { Some(Self(points)) } else { None }
    }

    /// The number of basis points.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl<Context> Decode<Context> for BasisPoints {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        Self::new(u16::decode(decoder)?).ok_or(bincode::error::DecodeError::Other("a share above the whole"))
    }
}

bincode::impl_borrow_decode!(BasisPoints);

impl<'de> Deserialize<'de> for BasisPoints {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u16::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("a share is at most 10000 basis points"))
    }
}

/// Where money came from; it goes back there when it is not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The state's yearly money.
    State,
    /// A school's own money, or the parents'.
    School,
}

impl Source {
    /// Both sources, in the order in which a line takes them.
    pub const ALL: [Self; 2] = [Self::State, Self::School];
}

/// Money of both sources side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Amounts {
    /// From the state.
    pub state: Cents,
    /// From the school.
    pub school: Cents,
}

impl Amounts {
    /// No money.
    pub const ZERO: Self = Self { state: Cents::ZERO, school: Cents::ZERO };

    /// The part of one source.
    pub fn of(&self, source: Source) -> Cents {
        match source {
            Source::State => self.state,
            Source::School => self.school,
        }
    }

    /// The part of one source, to change.
    pub fn of_mut(&mut self, source: Source) -> &mut Cents {
        match source {
            Source::State => &mut self.state,
            Source::School => &mut self.school,
        }
    }

    /// Both parts together, unless the sum does not fit.
    pub fn total(&self) -> Option<Cents> {
        self.state.checked_add(self.school)
    }

    /// Whether there is none of either.
    pub fn is_zero(&self) -> bool {
        self.state.is_zero() && self.school.is_zero()
    }

    /// Part by part, unless a sum does not fit.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        Some(Self { state: self.state.checked_add(other.state)?, school: self.school.checked_add(other.school)? })
    }
}
