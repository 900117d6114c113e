//! Times of the files: UTC instants to the second, days and months of the local calendar.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::codes::text_form;

/// An instant in UTC, to the second; RFC 3339 in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcInstant(i64);

impl UtcInstant {
    /// The instant this many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Panics
    /// When the year has more than four digits.
    pub fn from_seconds(seconds: i64) -> Self {
        assert!(Timestamp::from_second(seconds).is_ok(), "{seconds} seconds lie outside the calendar");
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// This instant, so many seconds later (or earlier).
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_seconds(self.0 + seconds)
    }

    /// This instant, so many times 24 hours later (or earlier).
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days * 86_400)
    }
}

impl fmt::Display for UtcInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timestamp::from_second(self.0).expect("checked when made").fmt(f)
    }
}

impl FromStr for UtcInstant {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is not a UTC instant such as 2027-01-04T08:00:00Z");
        if !text.ends_with('Z') {
            return Err(refused());
        }
        let instant: Timestamp = text.parse().map_err(|_| refused())?;
        if instant.subsec_nanosecond() != 0 {
            return Err(refused());
        }
        Ok(Self(instant.as_second()))
    }
}

/// A day of the local calendar, `2027-01-04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// The day of this year, month and day of month.
    ///
    /// # Panics
    /// When there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Self {
        Self(Date::new(year, month, day).expect("the caller names a day of the calendar"))
    }

    /// The day on which this many whole days have passed since 1970-01-01.
    pub(super) fn from_epoch_days(days: i64) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        Self(epoch.checked_add(days.days()).expect("instants lie within the calendar"))
    }

    /// Whole days since 1970-01-01.
    pub fn epoch_days(self) -> i64 {
        let span = self.0.since(Date::constant(1970, 1, 1)).expect("days are the default unit");
        i64::from(span.get_days())
    }

    /// The day so many days later (or earlier).
    pub fn plus(self, days: i64) -> Self {
        Self::from_epoch_days(self.epoch_days() + days)
    }

    /// Day of the month, from 1.
    pub fn day_of_month(self) -> i8 {
        self.0.day()
    }

    /// Whether it is a Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        self.0.weekday().to_monday_zero_offset() >= 5
    }

    /// The month in which the day lies.
    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: self.0.month() }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is not a day such as 2027-01-04");
        if text.len() != 10 {
            return Err(refused());
        }
        text.parse().map(Self).map_err(|_| refused())
    }
}

/// A month of the local calendar, `2027-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month's number, from 1.
    pub fn number(self) -> i8 {
        self.month
    }

    /// The first day of the month after this one.
    pub fn first_day_after(self) -> Day {
        if self.month == 12 { Day::new(self.year + 1, 1, 1) } else { Day::new(self.year, self.month + 1, 1) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is not a month such as 2027-01");
        if text.len() != 7 {
            return Err(refused());
        }
        let day: Date = format!("{text}-01").parse().map_err(|_| refused())?;
        Ok(Self { year: day.year(), month: day.month() })
    }
}

text_form!(UtcInstant, Day, Month);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back_what_they_write() {
        let text = "2027-03-28T01:00:00Z";
        let instant: UtcInstant = text.parse().expect("a UTC instant");
        assert_eq!(instant.to_string(), text);
        for wrong in ["2027-03-28T01:00:00+02:00", "2027-03-28", "2027-03-28T01:00:00.5Z"] {
            assert!(wrong.parse::<UtcInstant>().is_err(), "{wrong} must be refused");
        }
        let day: Day = "2027-12-31".parse().expect("a day");
        assert_eq!(day.plus(1).to_string(), "2028-01-01");
        assert_eq!(day.month().first_day_after(), day.plus(1));
        assert_eq!("2027-02".parse::<Month>().map(|month| month.to_string()), Ok("2027-02".to_owned()));
    }
}
