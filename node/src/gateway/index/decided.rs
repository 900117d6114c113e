//! Decisions of governance in the order in which they were proposed, each with where its receipts stand.

use std::collections::BTreeMap;

use keis_ledger::chain::Height;
use keis_ledger::ids::DecisionId;

/// The decisions.
#[derive(Default)]
pub(in crate::gateway) struct Decided {
    order: Vec<DecisionId>,
    found: BTreeMap<DecisionId, Found>,
}

/// Where a decision stands among the others, and its receipts in the chain.
struct Found {
    place: usize,
    receipts: Vec<(Height, u32)>,
}

impl Decided {
    /// Takes in a receipt of a decision.
    pub(super) fn add(&mut self, decision: DecisionId, at: (Height, u32)) {
        let place = self.order.len();
        let found = self.found.entry(decision).or_insert_with(|| {
            self.order.push(decision);
            Found { place, receipts: Vec::new() }
        });
        found.receipts.push(at);
    }

    /// Decisions from the newest on, or from the one that was proposed before `cursor`; none when that is not known.
    pub(in crate::gateway) fn newest(&self, cursor: Option<DecisionId>) -> Option<impl Iterator<Item = DecisionId>> {
        let until = match cursor {
            None => self.order.len(),
            Some(cursor) => self.found.get(&cursor)?.place,
        };
        Some(self.order[..until].iter().rev().copied())
    }

    /// Where the receipts of a decision stand, in their order.
    pub(in crate::gateway) fn receipts(&self, decision: DecisionId) -> &[(Height, u32)] {
        self.found.get(&decision).map_or(&[], |found| found.receipts.as_slice())
    }
}
