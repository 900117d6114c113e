//! `programme.toml`: the year, its money, the rules that the calendar keeps, and what the folder counts.

use serde::{Deserialize, Serialize};

use super::time::{Day, UtcInstant};

/// The content of `programme.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Marks the folder as ours: always [`super::KIND`].
    pub kind: String,
    /// The programme year.
    pub year: i16,
    /// The seed that the sample was made from.
    pub seed: u64,
    /// Money of a pupil who is in the register on 1 January.
    pub amount_per_pupil_cents: u32,
    /// What a pupil gets who arrives during the year.
    pub arrival_amount: ArrivalAmount,
    /// Money kept back for arrivals.
    pub reserve_cents: u64,
    /// Days without work beside weekends.
    pub holidays: Vec<Day>,
    /// When services may run.
    pub window: Window,
    /// Deadlines and shares.
    pub rules: Rules,
    /// How much the files hold.
    pub counts: Counts,
    /// Local time, by the instant from which it holds.
    pub offsets: Vec<Offset>,
}

/// What a pupil gets who arrives during the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalAmount {
    /// The whole amount.
    Full,
    /// The share of the year that is left.
    ProRata,
    /// Nothing.
    None,
}

/// When services may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First instant of the window.
    pub start: UtcInstant,
    /// First instant after the window.
    pub end: UtcInstant,
}

/// Deadlines and shares of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// A request lapses so many times 24 hours after it was made, or at the session's start if that is earlier.
    pub hold_expiry_days: u16,
    /// A change costs nothing until so many times 24 hours before the start.
    pub free_change_days: u16,
    /// Cancelling costs nothing until so many times 24 hours before the start.
    pub free_cancel_days: u16,
    /// Share of a line's price that a late cancellation costs, in basis points, half up to the cent.
    pub late_share_bp: u16,
    /// Share of a line's price that an absent pupil costs, in basis points, half up to the cent.
    pub absence_share_bp: u16,
    /// Least that a delivered order costs; 0 asks for nothing.
    pub minimum_group_charge_cents: u32,
    /// Attendance counts as confirmed when so many working days after the report have passed.
    pub attendance_working_days: u16,
    /// Statements are issued once in so many months.
    pub settlement_months: u16,
}

/// How much the files hold; a folder that holds something else is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Pupils in the register's extract.
    pub pupils: usize,
    /// Classes that occur in it.
    pub classes: usize,
    /// Schools.
    pub schools: usize,
    /// Arrivals, leavers and movers.
    pub pupil_changes: usize,
    /// Providers.
    pub providers: usize,
    /// Services.
    pub services: usize,
    /// Sessions.
    pub sessions: usize,
    /// Orders.
    pub orders: usize,
    /// Lines of the calendar.
    pub actions: usize,
}

impl Counts {
    /// Each count with its name in `programme.toml`.
    pub(super) fn named(&self) -> [(&'static str, usize); 9] {
        [
            ("pupils", self.pupils),
            ("classes", self.classes),
            ("schools", self.schools),
            ("pupil_changes", self.pupil_changes),
            ("providers", self.providers),
            ("services", self.services),
            ("sessions", self.sessions),
            ("orders", self.orders),
            ("actions", self.actions),
        ]
    }
}

/// Local time from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offset {
    /// First instant with this offset.
    pub from: UtcInstant,
    /// Minutes to add to UTC.
    pub minutes: i16,
}

impl Parameters {
    /// The local day on which an instant falls.
    pub fn local_day(&self, at: UtcInstant) -> Day {
        let local = at.seconds() + self.offset_seconds(at);
        Day::from_epoch_days(local.div_euclid(86_400))
    }

    /// The instant of this local time.
    pub fn instant(&self, day: Day, hour: u8, minute: u8) -> UtcInstant {
        let wall = day.epoch_days() * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60;
        // The offset just before and just after a change differ; the first guess is off by an hour at most.
        let guess = UtcInstant::from_seconds(wall - self.offset_seconds(UtcInstant::from_seconds(wall)));
        UtcInstant::from_seconds(wall - self.offset_seconds(guess))
    }

    /// Whether offices work on this day.
    pub fn is_working_day(&self, day: Day) -> bool {
        !day.is_weekend() && !self.holidays.contains(&day)
    }

    /// The day itself, or the first working day after it.
    pub fn working_day_from(&self, mut day: Day) -> Day {
        while !self.is_working_day(day) {
            day = day.plus(1);
        }
        day
    }

    /// The instant at which so many whole working days after `at`'s day have passed.
    pub fn after_working_days(&self, at: UtcInstant, working_days: u16) -> UtcInstant {
        let mut day = self.local_day(at);
        for _ in 0..working_days {
            day = self.working_day_from(day.plus(1));
        }
        self.instant(day.plus(1), 0, 0)
    }

    fn offset_seconds(&self, at: UtcInstant) -> i64 {
        let holding = self.offsets.iter().rev().find(|offset| offset.from <= at);
        holding.or(self.offsets.first()).map_or(0, |offset| i64::from(offset.minutes) * 60)
    }
}
