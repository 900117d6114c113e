//! The state, a draft of the next one, and the work of one transaction on a draft.
//!
//! Three layers, each reading through to the one below: [`State`] (committed, cheap to clone), [`Draft`] (one block),
//! [`Work`] (one plan). A plan that fails drops its work, so a rejection changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::Height;
use crate::crypto::Hash;
use crate::money::Amounts;
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{DueKey, DueWork, Entity, Record, RecordKey, Shared, YearRecord};
use crate::tree::{Proof, Tree, TreeKey};

/// Every record of the ledger after a block. A clone shares everything and costs nothing.
#[derive(Clone, Default)]
pub struct State {
    tree: Tree<Record>,
}

impl State {
    /// The state that holds these records, in ascending order of their places (a snapshot).
    ///
    /// # Errors
    /// [`crate::tree::OrderError`] when the places do not ascend.
    pub fn from_records(records: impl IntoIterator<Item = (TreeKey, Record)>) -> Result<Self, crate::tree::OrderError> {
        let shared = records.into_iter().map(|(place, record)| (place, record.hash(), Arc::new(record)));
        Ok(Self { tree: Tree::from_sorted(shared)? })
    }

    /// Root over all records.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.tree.len() == 0
    }

    /// A record of a known kind.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.tree.get(&E::key(key).place()).and_then(|record| E::from_record(record))
    }

    /// Proof of a record's hash, or of its absence, under the root.
    pub fn prove(&self, key: &RecordKey) -> Proof {
        self.tree.prove(&key.place())
    }

    /// Records with their places, ascending, from a place on.
    pub fn records_from(&self, from: &TreeKey) -> impl Iterator<Item = (&TreeKey, &Record)> {
        self.tree.range(from).map(|(place, record)| (place, &**record))
    }

    /// All records with their places, ascending.
    pub fn records(&self) -> impl Iterator<Item = (&TreeKey, &Record)> {
        self.tree.iter().map(|(place, record)| (place, &**record))
    }

    /// The earliest due work that ends idling; forgetting ids does not.
    pub fn first_due(&self) -> Option<DueKey> {
        self.records_from(&RecordKey::queue_start()).next().and_then(|(place, _)| DueKey::at(place))
    }
}

/// The next state while its block is being executed.
pub struct Draft {
    height: Height,
    base: State,
    changed: BTreeMap<TreeKey, Option<Shared>>,
}

impl Draft {
    /// A draft that has changed nothing yet, of a block whose height is not known: what needs a later height is let through.
    pub fn on(base: &State) -> Self {
        Self::of(Height::default(), base)
    }

    /// A draft of the block at a height, that has changed nothing yet.
    pub fn of(height: Height, base: &State) -> Self {
        Self { height, base: base.clone(), changed: BTreeMap::new() }
    }

    /// Height of the block.
    pub fn height(&self) -> Height {
        self.height
    }

    fn look(&self, place: &TreeKey) -> Option<&Shared> {
        match self.changed.get(place) {
            Some(changed) => changed.as_ref(),
            None => self.base.tree.get(place),
        }
    }

    /// A record as the draft has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.look(&E::key(key).place()).and_then(|record| E::from_record(record))
    }

    /// Takes over what a plan on this draft writes. Cannot fail: every rule was judged by the plan.
    pub fn commit(&mut self, writes: Writes) {
        let Writes(mut writes) = writes;
        self.changed.append(&mut writes);
    }

    /// Number of records changed so far.
    pub fn touched(&self) -> usize {
        self.changed.len()
    }

    /// The first due work at or after a place of the queue, with the key it stands under.
    pub fn next_due(&self, from: &TreeKey) -> Option<(DueKey, DueWork)> {
        let standing = self
            .base
            .tree
            .range(from)
            .find(|(place, _)| !self.changed.contains_key(place))
            .map(|(place, record)| (*place, record));
        let added =
            self.changed.range(from..).find_map(|(place, record)| record.as_ref().map(|record| (*place, record)));
        let (place, record) = match (standing, added) {
            (Some(a), Some(b)) => {
                if a.0 < b.0 {
                    a
                } else {
                    b
                }
            }
            (one, other) => one.or(other)?,
        };
        Some((DueKey::at(&place)?, *DueWork::from_record(record)?))
    }

    /// Records of the state below, from a place on, as the draft has them now.
    pub fn standing_from(&self, from: &TreeKey) -> impl Iterator<Item = (TreeKey, &Record)> {
        self.base.tree.range(from).filter_map(|(place, _)| self.look(place).map(|record| (*place, &**record)))
    }

    /// The state that the draft has become.
    pub fn finish(self) -> State {
        let Self { mut base, changed, .. } = self;
        base.tree
            .apply(changed.into_iter().map(|(place, record)| (place, record.map(|record| (record.hash(), record)))));
        base
    }
}

/// What one plan has worked out so far, on top of a draft.
pub struct Work<'a> {
    draft: &'a Draft,
    writes: BTreeMap<TreeKey, Option<Shared>>,
    lines: Vec<ReceiptLine>,
}

/// Records that a plan writes.
#[derive(Debug)]
pub struct Writes(BTreeMap<TreeKey, Option<Shared>>);

/// What a plan changes and what its receipt says.
#[derive(Debug)]
pub struct Effect {
    /// What it writes.
    pub writes: Writes,
    /// What took effect.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// Money moved.
    pub total: Amounts,
    /// Pupils' parts.
    pub lines: Vec<ReceiptLine>,
}

impl<'a> Work<'a> {
    /// Work that has changed nothing yet.
    pub fn on(draft: &'a Draft) -> Self {
        Self { draft, writes: BTreeMap::new(), lines: Vec::new() }
    }

    /// A record as this work has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        let place = E::key(key).place();
        let record = match self.writes.get(&place) {
            Some(written) => written.as_ref(),
            None => self.draft.look(&place),
        };
        record.and_then(|record| E::from_record(record))
    }

    /// Whether a record is there.
    pub fn has<E: Entity>(&self, key: E::Key) -> bool {
        self.get::<E>(key).is_some()
    }

    /// A record to change.
    pub fn edit<E: Entity>(&mut self, key: E::Key) -> Option<&mut E> {
        let place = E::key(key).place();
        if !self.writes.contains_key(&place) {
            let record = self.draft.look(&place)?.clone();
            self.writes.insert(place, Some(record));
        }
        let record = self.writes.get_mut(&place)?.as_mut()?;
        E::from_record_mut(Arc::make_mut(record))
    }

    /// Puts a record in its place.
    pub fn put<E: Entity>(&mut self, key: E::Key, value: E) {
        self.writes.insert(E::key(key).place(), Some(Arc::new(value.into_record())));
    }

    /// Takes a record away.
    pub fn remove<E: Entity>(&mut self, key: E::Key) {
        self.writes.insert(E::key(key).place(), None);
    }

    /// The draft below.
    pub fn draft(&self) -> &'a Draft {
        self.draft
    }

    /// Adds a pupil's part to the receipt.
    pub fn note(&mut self, line: ReceiptLine) {
        self.lines.push(line);
    }

    /// Ends the work with what its receipt says.
    pub fn done(self, kind: Kind, subject: Subject, total: Amounts) -> Effect {
        Effect { writes: Writes(self.writes), kind, subject, total, lines: self.lines }
    }

    /// Ends work that leaves no receipt.
    pub fn silent(self) -> Writes {
        Writes(self.writes)
    }
}

impl Draft {
    /// The years that the draft has changed, as they are now.
    pub(crate) fn changed_years(&self) -> impl Iterator<Item = &YearRecord> {
        self.changed.values().flatten().filter_map(|record| YearRecord::from_record(record))
    }
}
