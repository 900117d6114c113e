//! Transactions of others' blocks whose signatures were proven here, though they never were in the pool. Bounded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use keis_ledger::transaction::VerifiedTransaction;

use super::pool::RawHash;

/// Most bytes of them; the oldest is forgotten.
const PROVEN_BYTES: usize = 8 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Proven {
    by_raw: BTreeMap<RawHash, Arc<VerifiedTransaction>>,
    oldest: VecDeque<RawHash>,
    bytes: usize,
}

impl Proven {
    pub(super) fn find(&self, hash: &RawHash) -> Option<Arc<VerifiedTransaction>> {
        self.by_raw.get(hash).cloned()
    }

    pub(super) fn remember(&mut self, hash: RawHash, transaction: &Arc<VerifiedTransaction>) {
        if self.by_raw.insert(hash, Arc::clone(transaction)).is_some() {
            return;
        }
        self.oldest.push_back(hash);
        self.bytes += transaction.raw().len();
        while self.bytes > PROVEN_BYTES {
            let Some(oldest) = self.oldest.pop_front() else { break };
            if let Some(gone) = self.by_raw.remove(&oldest) {
                self.bytes -= gone.raw().len();
            }
        }
    }
}
