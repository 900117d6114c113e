//! A month of days in weeks. Pure.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month {
    first: Date,
}

/// A text that is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MonthError;

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let first: Date = format!("{text}-01").parse().map_err(|_| MonthError)?;
        if (2000..=9999).contains(&first.year()) { Ok(Self { first }) } else { Err(MonthError) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

impl Month {
    /// The month of a local instant.
    pub(super) fn of(at: &Zoned) -> Self {
        Self { first: at.date().first_of_month() }
    }

    /// The programme year.
    pub(super) fn year(self) -> u16 {
        u16::try_from(self.first.year()).unwrap_or_default()
    }

    /// Its number in the year, from 1.
    pub(super) fn number(self) -> i8 {
        self.first.month()
    }

    /// The month after it.
    pub(super) fn next(self) -> Self {
        Self { first: self.first.checked_add(1.month()).unwrap_or(self.first) }
    }

    /// The month before it.
    pub(super) fn previous(self) -> Self {
        Self { first: self.first.checked_sub(1.month()).unwrap_or(self.first) }
    }

    /// Whether a local instant is in it.
    pub(super) fn has(self, at: &Zoned) -> bool {
        Self::of(at) == self
    }

    /// Its weeks, Mondays first; days of other months are none.
    pub(super) fn weeks(self) -> Vec<[Option<Date>; 7]> {
        let mut weeks = Vec::new();
        let mut week = [None; 7];
        for number in 1..=self.first.days_in_month() {
            let day = self.first.with().day(number).build().expect("the number is one of the month's days");
            let place = usize::try_from(day.weekday().to_monday_zero_offset()).expect("weekdays are 0 to 6");
            week[place] = Some(day);
            if place == 6 || number == self.first.days_in_month() {
                weeks.push(week);
                week = [None; 7];
            }
        }
        weeks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_their_weeks() {
        let month: Month = "2028-02".parse().expect("a month");
        let weeks = month.weeks();
        assert_eq!(weeks.len(), 5);
        // 1 February 2028 is a Tuesday; the year is a leap year and its 29th a Tuesday too.
        assert_eq!(
            weeks[0].map(|day| day.map(|day| day.day())),
            [None, Some(1), Some(2), Some(3), Some(4), Some(5), Some(6)]
        );
        assert_eq!(weeks[4].map(|day| day.map(|day| day.day())), [Some(28), Some(29), None, None, None, None, None]);
        assert_eq!((month.previous().to_string(), month.next().to_string()), ("2028-01".into(), "2028-03".into()));
        assert_eq!("2027-12".parse::<Month>().expect("a month").next().to_string(), "2028-01");
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in ["", "2028", "2028-13", "2028-2x", "99999-01", "2028-02-01", "1999-12"] {
            assert_eq!(wrong.parse::<Month>(), Err(MonthError), "{wrong}");
        }
    }
}
