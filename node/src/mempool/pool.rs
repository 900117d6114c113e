//! The pool's bookkeeping: what waits, what is parked, whose it is, what became of the rest. No clock, no rules, no lock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::TransactionId;
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::VerifiedTransaction;

use super::memory::{Memory, Outcome};
use super::{Limits, Refused, Status};

/// Hash of a transaction's bytes, signature included.
pub(super) type RawHash = [u8; 32];

/// A transaction that stays.
pub(super) struct Entry {
    pub(super) transaction: Arc<VerifiedTransaction>,
    pub(super) raw_hash: RawHash,
    /// Until this height a rejection is not final: the peer that sent it may be ahead of this node.
    pub(super) grace: Height,
    arrival: u64,
    place: Place,
}

/// Why a transaction does not wait for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// A rule that may be met later.
    Rejected(Rejection),
    /// The document that it names has gone before it was made durable.
    Document,
    /// There is no room among those that wait.
    Room,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Waiting,
    Parked { turn: u64, hold: Hold },
}

#[derive(Debug, Clone, Copy, Default)]
struct Usage {
    count: usize,
    bytes: usize,
}

#[derive(Default)]
struct Sender {
    waiting: Usage,
    parked: Usage,
    queue: BTreeMap<u64, TransactionId>,
}

/// Everything under the mempool's lock.
pub(super) struct Pool {
    limits: Limits,
    entries: BTreeMap<TransactionId, Entry>,
    by_raw: BTreeMap<RawHash, TransactionId>,
    senders: BTreeMap<PublicKey, Sender>,
    turns: BTreeMap<u64, TransactionId>,
    expiries: BTreeSet<(Timestamp, TransactionId)>,
    waiting: Usage,
    parked: Usage,
    /// Parked ones whose signer the ledger does not know: anybody can make those, so they get a small part only.
    strangers: usize,
    next: u64,
    pub(super) memory: Memory,
    /// Height of the newest commit seen.
    pub(super) height: Height,
    /// Parked ones not yet tried again since that commit.
    pub(super) untried: usize,
}

impl Usage {
    fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
    }

    fn subtract(&mut self, bytes: usize) {
        self.count -= 1;
        self.bytes -= bytes;
    }
}

/// Senders with fewer than this have the last part of the room to themselves.
const LIGHT: usize = 2;
/// One part in so many is theirs.
const RESERVE: usize = 8;

/// What a class of transactions may take, together and of one sender.
struct Bounds {
    count: usize,
    bytes: usize,
    sender_count: usize,
    sender_bytes: usize,
}

impl Bounds {
    /// Whether one more of `bytes` fits. A sender may hold at most as much as is free, and the last part is for those who
    /// hold hardly anything, so that even many who flood leave something for the others.
    fn room(&self, all: Usage, own: Usage, bytes: usize) -> Result<(), Refused> {
        let free = (self.count.saturating_sub(all.count), self.bytes.saturating_sub(all.bytes));
        if free.0 == 0 || bytes > free.1 {
            return Err(Refused::Full);
        }
        if own.count < LIGHT && own.count < self.sender_count && own.bytes + bytes <= self.sender_bytes {
            return Ok(());
        }
        let count = free.0.saturating_sub(self.count / RESERVE).min(self.sender_count);
        let total = free.1.saturating_sub(self.bytes / RESERVE).min(self.sender_bytes);
        if own.count < count && own.bytes + bytes <= total { Ok(()) } else { Err(Refused::SenderFull) }
    }
}

impl Pool {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            entries: BTreeMap::new(),
            by_raw: BTreeMap::new(),
            senders: BTreeMap::new(),
            turns: BTreeMap::new(),
            expiries: BTreeSet::new(),
            waiting: Usage::default(),
            parked: Usage::default(),
            strangers: 0,
            next: 0,
            memory: Memory::new(limits.remembered, limits.waiters),
            height: Height::default(),
            untried: 0,
            limits,
        }
    }

    pub(super) fn entry(&self, id: &TransactionId) -> Option<&Entry> {
        self.entries.get(id)
    }

    pub(super) fn by_raw(&self, hash: &RawHash) -> Option<Arc<VerifiedTransaction>> {
        let id = self.by_raw.get(hash)?;
        self.entries.get(id).map(|entry| Arc::clone(&entry.transaction))
    }

    pub(super) fn status(&self, id: &TransactionId) -> Option<Status> {
        match self.entries.get(id).map(|entry| entry.place) {
            Some(Place::Waiting) => Some(Status::Waiting),
            Some(Place::Parked { .. }) => Some(Status::Parked),
            None => match self.memory.outcome(id)? {
                Outcome::Dropped { rejection, height } => Some(Status::Dropped { rejection, height }),
                Outcome::Included { .. } => None,
            },
        }
    }

    /// Whether one more transaction of this sender may wait.
    pub(super) fn room_to_wait(&self, signer: &PublicKey, bytes: usize) -> Result<(), Refused> {
        let own = self.senders.get(signer).map_or(Usage::default(), |sender| sender.waiting);
        let Limits { count, bytes: most, sender_count, sender_bytes, .. } = self.limits;
        Bounds { count, bytes: most, sender_count, sender_bytes }.room(self.waiting, own, bytes)
    }

    fn room_to_park(&self, signer: &PublicKey, bytes: usize, hold: Hold) -> Result<(), Refused> {
        let own = self.senders.get(signer).map_or(Usage::default(), |sender| sender.parked);
        let Limits { parked_count: count, parked_bytes: most, sender_count, sender_bytes, .. } = self.limits;
        if is_stranger(hold) && self.strangers >= count / 4 {
            return Err(Refused::Full);
        }
        Bounds { count, bytes: most, sender_count, sender_bytes }.room(self.parked, own, bytes)
    }

    /// Takes a new transaction in: to wait, or to be parked while `hold` stands in its way.
    pub(super) fn insert(&mut self, new: NewEntry, hold: Option<Hold>) -> Result<(), Refused> {
        let NewEntry { transaction, raw_hash, grace } = new;
        let (id, bytes, signer) = (transaction.id(), transaction.raw().len(), transaction.body().signer);
        match hold {
            None => self.room_to_wait(&signer, bytes)?,
            Some(hold) => self.room_to_park(&signer, bytes, hold)?,
        }
        self.expiries.insert((transaction.body().valid_until, id));
        self.by_raw.insert(raw_hash, id);
        self.memory.forget(&id);
        let arrival = self.tick();
        self.entries.insert(id, Entry { transaction, raw_hash, grace, arrival, place: Place::Waiting });
        self.settle(&id, hold);
        Ok(())
    }

    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Puts an entry, which stands nowhere now, into its place.
    fn settle(&mut self, id: &TransactionId, hold: Option<Hold>) {
        let turn = self.tick();
        let entry = self.entries.get_mut(id).expect("the caller has just inserted or found it");
        let (bytes, signer) = (entry.transaction.raw().len(), entry.transaction.body().signer);
        let sender = self.senders.entry(signer).or_default();
        match hold {
            None => {
                entry.place = Place::Waiting;
                sender.waiting.add(bytes);
                sender.queue.insert(entry.arrival, *id);
                self.waiting.add(bytes);
            }
            Some(hold) => {
                entry.place = Place::Parked { turn, hold };
                sender.parked.add(bytes);
                self.parked.add(bytes);
                self.strangers += usize::from(is_stranger(hold));
                self.turns.insert(turn, *id);
            }
        }
    }

    /// Takes an entry out of its place; it still is an entry.
    fn unsettle(&mut self, id: &TransactionId) {
        let Some(entry) = self.entries.get(id) else { return };
        let (bytes, signer) = (entry.transaction.raw().len(), entry.transaction.body().signer);
        let sender = self.senders.get_mut(&signer).expect("every entry is counted with its sender");
        match entry.place {
            Place::Waiting => {
                sender.waiting.subtract(bytes);
                sender.queue.remove(&entry.arrival);
                self.waiting.subtract(bytes);
            }
            Place::Parked { turn, hold } => {
                sender.parked.subtract(bytes);
                self.parked.subtract(bytes);
                self.strangers -= usize::from(is_stranger(hold));
                self.turns.remove(&turn);
            }
        }
        if sender.waiting.count + sender.parked.count == 0 {
            self.senders.remove(&signer);
        }
    }

    /// Lets a parked one wait, or parks it if there is no room; one that waits keeps its place.
    pub(super) fn release(&mut self, id: &TransactionId) {
        let Some(entry) = self.entries.get(id) else { return };
        if entry.place == Place::Waiting {
            return;
        }
        let (bytes, signer) = (entry.transaction.raw().len(), entry.transaction.body().signer);
        let hold = self.room_to_wait(&signer, bytes).err().map(|_| Hold::Room);
        self.unsettle(id);
        self.settle(id, hold);
    }

    /// Parks an entry; says whether there was room.
    pub(super) fn park(&mut self, id: &TransactionId, hold: Hold) -> bool {
        let Some(entry) = self.entries.get(id) else { return true };
        let (bytes, signer) = (entry.transaction.raw().len(), entry.transaction.body().signer);
        let parked = matches!(entry.place, Place::Parked { .. });
        if !parked && self.room_to_park(&signer, bytes, hold).is_err() {
            return false;
        }
        self.unsettle(id);
        self.settle(id, Some(hold));
        true
    }

    /// Takes an entry away without a word about it.
    pub(super) fn remove(&mut self, id: &TransactionId) {
        self.unsettle(id);
        if let Some(entry) = self.entries.remove(id) {
            self.by_raw.remove(&entry.raw_hash);
            self.expiries.remove(&(entry.transaction.body().valid_until, *id));
        }
    }

    /// Takes an entry away and tells what became of it.
    pub(super) fn resolve(&mut self, id: &TransactionId, outcome: Outcome) {
        self.remove(id);
        self.memory.resolve(*id, outcome);
    }

    /// Drops what can be in no block whose time is `at` or later; says how many.
    pub(super) fn expire(&mut self, at: Timestamp) -> usize {
        let mut count = 0;
        while let Some((valid_until, id)) = self.expiries.first().copied().filter(|(until, _)| *until < at) {
            let rejection = Rejection::Expired { valid_until, at };
            self.resolve(&id, Outcome::Dropped { rejection, height: self.height });
            count += 1;
        }
        count
    }

    /// The parked ones whose turn it is to be tried again.
    pub(super) fn next_parked(&self, most: usize) -> Vec<(TransactionId, Arc<VerifiedTransaction>)> {
        self.turns.values().take(most).map(|id| (*id, Arc::clone(&self.entries[id].transaction))).collect()
    }

    /// The parked ones that no commit would release, and whose time has come: `latest` is the latest last instant that the
    /// ledger takes now.
    pub(super) fn matured(&self, latest: Timestamp, most: usize) -> Vec<(TransactionId, Arc<VerifiedTransaction>)> {
        let roomy = self.waiting.count < self.limits.count / 2 && self.waiting.bytes < self.limits.bytes / 2;
        let matured = self.turns.values().map(|id| &self.entries[id]).filter(|entry| match entry.place {
            Place::Waiting => false,
            Place::Parked { hold: Hold::Document, .. } => true,
            Place::Parked { hold: Hold::Room, .. } => roomy,
            Place::Parked { hold: Hold::Rejected(rejection), .. } => {
                matches!(rejection, Rejection::ValidTooLong { .. }) && entry.transaction.body().valid_until <= latest
            }
        });
        matured.take(most).map(|entry| (entry.transaction.id(), Arc::clone(&entry.transaction))).collect()
    }

    /// What a block may take, in order of arrival, but one of each sender before the next of any.
    pub(super) fn candidates(&self, max_bytes: usize) -> Vec<Arc<VerifiedTransaction>> {
        let mut queues: Vec<_> = self.senders.values().map(|sender| sender.queue.iter().peekable()).collect();
        let mut heap = BinaryHeap::new();
        for (index, queue) in queues.iter_mut().enumerate() {
            if let Some((arrival, _)) = queue.peek() {
                heap.push(Reverse((0_u32, **arrival, index)));
            }
        }
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(Reverse((round, _, index))) = heap.pop() {
            let (_, id) = queues[index].next().expect("a queue in the heap has a next one");
            let transaction = &self.entries[id].transaction;
            if bytes + transaction.raw().len() <= max_bytes {
                bytes += transaction.raw().len();
                taken.push(Arc::clone(transaction));
            } else if bytes + keis_ledger::codec::MAX_TRANSACTION > max_bytes {
                break;
            }
            if let Some((arrival, _)) = queues[index].peek() {
                heap.push(Reverse((round + 1, **arrival, index)));
            }
        }
        taken
    }

    /// Ids of everything here, oldest first.
    pub(super) fn ids(&self) -> Vec<TransactionId> {
        let mut ids: Vec<_> = self.entries.iter().map(|(id, entry)| (entry.arrival, *id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.count
    }

    pub(super) fn parked_count(&self) -> usize {
        self.parked.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.waiting.bytes + self.parked.bytes
    }
}

/// What a new entry is made of.
pub(super) struct NewEntry {
    pub(super) transaction: Arc<VerifiedTransaction>,
    pub(super) raw_hash: RawHash,
    pub(super) grace: Height,
}

fn is_stranger(hold: Hold) -> bool {
    hold == Hold::Rejected(Rejection::KeyUnknown)
}
