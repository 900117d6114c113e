//! Records of ratings: one each, and their sums for a service's page.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::{Fact, Facts, Score};
use crate::time::Timestamp;

/// What somebody who was there says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Rating {
    /// How good it was.
    pub score: Score,
    /// What was as it should be.
    pub facts: Facts,
    /// When it was said.
    pub at: Timestamp,
}

/// Sums of a service's ratings, over all years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct ServiceRating {
    /// Those of schools.
    pub schools: Tally,
    /// Those of pupils.
    pub pupils: Tally,
}

/// Sums of ratings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u32,
    /// Sum of their scores.
    pub sum: u64,
    /// How many say each fact, in the order of [`Fact::ALL`].
    pub facts: [u32; Fact::ALL.len()],
}

impl Tally {
    /// With one more rating.
    pub fn with(mut self, score: Score, facts: Facts) -> Self {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(u64::from(score.get()));
        for (said, fact) in self.facts.iter_mut().zip(Fact::ALL) {
            *said = said.saturating_add(u32::from(facts.has(fact)));
        }
        self
    }
}
