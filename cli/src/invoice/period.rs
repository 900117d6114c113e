//! A year or a month of settlements.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use keis_einvoice::Reading;

/// A year, or a month of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    year: i16,
    month: Option<i8>,
}

impl Period {
    /// The month in which what a document settles was supplied at last; that of its issue where it names no period.
    pub(super) fn of(reading: &Reading) -> Self {
        let day = reading.period.map_or(reading.received.issued, |period| period.until);
        Self { year: day.year(), month: Some(day.month()) }
    }

    /// Whether a period lies within this one.
    pub(super) fn has(self, other: Self) -> bool {
        self.year == other.year && self.month.is_none_or(|month| other.month == Some(month))
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no period such as 2027-03 or 2027");
        let whole = |text: &str, digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        let (year, month) = text.split_once('-').map_or((text, None), |(year, month)| (year, Some(month)));
        if !whole(year, 4) || month.is_some_and(|month| !whole(month, 2)) {
            return Err(wrong());
        }
        let year: i16 = year.parse().map_err(|_| wrong())?;
        let month: Option<i8> = month.map(str::parse).transpose().map_err(|_| wrong())?;
        Date::new(year, month.unwrap_or(1), 1).map_err(|_| wrong())?;
        Ok(Self { year, month })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.month {
            Some(month) => write!(f, "{:04}-{month:02}", self.year),
            None => write!(f, "{:04}", self.year),
        }
    }
}
