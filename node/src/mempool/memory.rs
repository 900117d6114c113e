//! What became of transactions that are no longer in the pool, and who waits to hear it. Bounded; the oldest is forgotten.

use std::collections::{BTreeMap, VecDeque};

use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_ledger::rejection::Rejection;
use tokio::sync::oneshot;

/// The end of a transaction's way through the mempool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the block of this height, which is durable here.
    Included {
        /// The height.
        height: Height,
    },
    /// It has no effect on the ledger as it stood at this height. It may be sent again.
    Dropped {
        /// The rule it breaks.
        rejection: Rejection,
        /// The height.
        height: Height,
    },
}

pub(super) struct Memory {
    outcomes: BTreeMap<TransactionId, (u64, Outcome)>,
    oldest: VecDeque<(u64, TransactionId)>,
    most: usize,
    next: u64,
    waiters: BTreeMap<TransactionId, Vec<oneshot::Sender<Outcome>>>,
    waiting: usize,
    most_waiting: usize,
}

impl Memory {
    pub(super) fn new(most: usize, most_waiting: usize) -> Self {
        Self {
            outcomes: BTreeMap::new(),
            oldest: VecDeque::new(),
            most,
            next: 0,
            waiters: BTreeMap::new(),
            waiting: 0,
            most_waiting,
        }
    }

    pub(super) fn outcome(&self, id: &TransactionId) -> Option<Outcome> {
        self.outcomes.get(id).map(|(_, outcome)| *outcome)
    }

    pub(super) fn forget(&mut self, id: &TransactionId) {
        self.outcomes.remove(id);
    }

    pub(super) fn resolve(&mut self, id: TransactionId, outcome: Outcome) {
        self.next += 1;
        self.outcomes.insert(id, (self.next, outcome));
        self.oldest.push_back((self.next, id));
        while self.oldest.len() > self.most {
            let Some((number, id)) = self.oldest.pop_front() else { break };
            if self.outcomes.get(&id).is_some_and(|(newest, _)| *newest == number) {
                self.outcomes.remove(&id);
            }
        }
        for waiter in self.release(&id) {
            // Who waited may have gone meanwhile.
            waiter.send(outcome).ok();
        }
    }

    /// Those who wait for this id, who then wait no longer.
    pub(super) fn release(&mut self, id: &TransactionId) -> Vec<oneshot::Sender<Outcome>> {
        let waiters = self.waiters.remove(id).unwrap_or_default();
        self.waiting -= waiters.len();
        waiters
    }

    /// Hears of the outcome; at once when it is known. `None` when too many wait.
    pub(super) fn subscribe(&mut self, id: TransactionId) -> Option<oneshot::Receiver<Outcome>> {
        let (sender, receiver) = oneshot::channel();
        if let Some(outcome) = self.outcome(&id) {
            sender.send(outcome).ok();
            return Some(receiver);
        }
        if self.waiting >= self.most_waiting {
            self.sweep();
        }
        if self.waiting >= self.most_waiting {
            return None;
        }
        self.waiting += 1;
        self.waiters.entry(id).or_default().push(sender);
        Some(receiver)
    }

    /// Forgets those who stopped waiting.
    fn sweep(&mut self) {
        self.waiters.retain(|_, waiters| {
            waiters.retain(|waiter| !waiter.is_closed());
            !waiters.is_empty()
        });
        self.waiting = self.waiters.values().map(Vec::len).sum();
    }
}
