//! Time as the ledger knows it: instants of block headers, and the working days of Europe/Vilnius as parameters give them.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A UTC instant in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    /// A length of whole days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(days as u64 * DAY)
    }
}

/// The latest local day that a calendar counts to; far enough below what a day's number can hold to count on from there.
const LATEST_DAY: u32 = 3_000_000;

impl Timestamp {
    /// End of the year 9999: no programme ends later.
    pub const LATEST: Self = Self(253_402_300_800_000);

    /// The instant `span` later; the last instant when there is none.
    pub fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The instant `span` earlier; the first instant when there is none.
    pub fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

/// A local calendar day, counted from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub u32);

impl Day {
    /// Saturday or Sunday; day 0 was a Thursday.
    fn is_weekend(self) -> bool {
        matches!((self.0 + 3) % 7, 5 | 6)
    }
}

/// Offset of local time from UTC from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Offset {
    /// From when.
    pub from: Timestamp,
    /// Minutes east of UTC, below a day.
    pub minutes: u16,
}

/// Working days and local days of one year, all from parameters: no clock and no zone table in the rules.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Calendar {
    /// Public holidays, ascending.
    pub holidays: Vec<Day>,
    /// Offsets, ascending; the first holds before its start too.
    pub offsets: Vec<Offset>,
}

impl Calendar {
    /// Whether holidays and offsets ascend and an offset is below a day.
    pub fn is_sound(&self) -> bool {
        self.holidays.is_sorted_by(|a, b| a < b)
            && self.offsets.is_sorted_by(|a, b| a.from < b.from)
            && !self.offsets.is_empty()
            && self.offsets.iter().all(|offset| offset.minutes < 24 * 60)
    }

    fn offset(&self, at: Timestamp) -> u64 {
        let after = self.offsets.partition_point(|offset| offset.from <= at);
        self.offsets.get(after.saturating_sub(1)).map_or(0, |offset| u64::from(offset.minutes) * 60_000)
    }

    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Day {
        Day(u32::try_from(at.0.saturating_add(self.offset(at)) / DAY).map_or(LATEST_DAY, |day| day.min(LATEST_DAY)))
    }

    /// The instant at which a local day begins.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let local = u64::from(day.0) * DAY;
        // Midnight is never in the hour of a change in this zone, so the offset at local midnight, read as UTC, less at
        // most a day's error of reading, is found by asking again at the first answer.
        let guess = Timestamp(local.saturating_sub(self.offset(Timestamp(local))));
        Timestamp(local.saturating_sub(self.offset(guess)))
    }

    /// The end of the `count`-th working day after the day of `at`; the end of that day itself for 0.
    pub fn end_of_working_day(&self, at: Timestamp, count: u16) -> Timestamp {
        let mut day = self.day(at);
        let mut left = count;
        while left > 0 {
            day = Day(day.0 + 1);
            if !day.is_weekend() && self.holidays.binary_search(&day).is_err() {
                left -= 1;
            }
        }
        self.start_of(Day(day.0 + 1))
    }
}
