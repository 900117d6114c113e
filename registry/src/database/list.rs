//! Lists in statements, and ids in rows.

use std::fmt::Write;

use crate::error::RegistryError;

/// Most values in one statement, below the bounds of both databases.
pub(crate) const MOST: usize = 8_000;

/// `$from, $from+1, …`, `count` of them.
pub(crate) fn places(from: usize, count: usize) -> String {
    let mut text = String::new();
    for number in from..from + count {
        let comma = if number == from { "" } else { ", " };
        write!(text, "{comma}${number}").expect("a text takes everything");
    }
    text
}

/// `($1, $2), ($3, $4), …`, `count` rows of `width` values.
pub(crate) fn rows(count: usize, width: usize) -> String {
    let row = |index: usize| format!("({})", places(index * width + 1, width));
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

/// The fixed number of bytes of an id or hash.
pub(crate) fn id<const N: usize>(bytes: &[u8], column: &'static str) -> Result<[u8; N], RegistryError> {
    bytes.try_into().map_err(|_| RegistryError::Stored { column })
}

/// A number that the registry wrote itself, in the type that it had.
pub(crate) fn number<T: TryFrom<i64>>(stored: i64, column: &'static str) -> Result<T, RegistryError> {
    T::try_from(stored).map_err(|_| RegistryError::Stored { column })
}

/// A stored text, in the type that it was written from.
pub(crate) fn parsed<T: std::str::FromStr>(stored: &str, column: &'static str) -> Result<T, RegistryError> {
    stored.parse().map_err(|_| RegistryError::Stored { column })
}

/// An instant as the databases keep it.
pub(crate) fn instant(at: keis_ledger::time::Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
