//! What is told of ratings: sums alone, and none of a few, so that nobody's own rating can be read out of them.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Fact;
use keis_ledger::ids::ServiceId;
use keis_ledger::record::{ServiceRating, Tally};
use keis_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Fewest ratings of which anything is told.
const FEWEST: u32 = 5;

/// Sums of a service's ratings over all years; absent where there are fewer than five.
#[derive(Serialize, ToSchema)]
pub(super) struct Rating {
    /// Those of schools.
    #[serde(skip_serializing_if = "Option::is_none")]
    schools: Option<Sums>,
    /// Those of pupils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pupils: Option<Sums>,
}

/// Sums of ratings.
#[derive(Serialize, ToSchema)]
pub(super) struct Sums {
    /// How many.
    count: u32,
    /// Average of the scores, 1 to 5, in hundredths: 437 is 4.37.
    average_hundredths: u64,
    /// How many say each of: `took_place`, `on_time`, `as_described`, `suited_to_age`, `accessible`.
    #[schema(value_type = BTreeMap<String, u32>)]
    facts: BTreeMap<Fact, u32>,
}

impl Rating {
    /// Of a service.
    pub(super) fn of(state: &State, service: ServiceId) -> Self {
        let sums = state.get::<ServiceRating>(service).copied().unwrap_or_default();
        Self { schools: Sums::of(&sums.schools), pupils: Sums::of(&sums.pupils) }
    }
}

impl Sums {
    fn of(tally: &Tally) -> Option<Self> {
        let Tally { count, sum, facts } = *tally;
        if count < FEWEST {
            return None;
        }
        let number = u64::from(count);
        let average_hundredths = sum.saturating_mul(100).saturating_add(number / 2) / number;
        Some(Self { count, average_hundredths, facts: Fact::ALL.into_iter().zip(facts).collect() })
    }
}
