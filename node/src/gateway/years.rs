//! Whether a year can still be read.

use keis_ledger::classifiers::Year;
use keis_ledger::record::{Sealed, YearRecord};
use keis_ledger::state::State;

use super::problem::Problem;

/// Refuses a year that is not on the ledger, or whose records were sealed away.
pub(super) fn readable(state: &State, year: Year) -> Result<(), Problem> {
    if state.get::<YearRecord>(year).is_some() {
        return Ok(());
    }
    Err(missing(state, year, format!("the year {year} is not on the ledger")))
}

/// Why something of a year is not found: the year was sealed, or what `detail` says.
pub(super) fn missing(state: &State, year: Year, detail: impl Into<String>) -> Problem {
    match state.get::<Sealed>(year) {
        Some(sealed) => Problem::year_sealed(year, &sealed.root),
        None => Problem::not_found(detail),
    }
}
