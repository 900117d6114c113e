//! The state, a draft of the next one, and the work of one transaction on a draft.
//!
//! Three layers, each reading through to the one below: [`State`] (committed, cheap to clone), [`Draft`] (one block),
//! [`Work`] (one plan). A plan that fails drops its work, so a rejection changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::Height;
use crate::classifiers::Year;
use crate::crypto::{Hash, PublicKey};
use crate::money::Amounts;
use crate::operation::Owner;
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{BoundIn, DueKey, DueWork, Entity, Era, Key, Record, RecordKey, Sealed, Shared, YearRecord};
use crate::time::Timestamp;
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

    /// From when on a bound key is not accepted, also where all keys of its party were revoked at once.
    pub fn key_end(&self, id: PublicKey) -> Option<Timestamp> {
        let key = self.get::<Key>(id)?;
        match key.owner {
            Owner::Party(party) => Some(key.end(self.get::<Era>(party), self.get::<BoundIn>(id))),
            Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => Some(key.until),
        }
    }

    /// Proof of a record's hash, or of its absence, under the root.
    pub fn prove(&self, key: &RecordKey) -> Proof {
        self.tree.prove(&key.place())
    }

    /// The records of one year as a state of their own, whose root a seal keeps and whose proofs are under that root. An
    /// archive holds on to it; the whole state lets go of it when the year is sealed.
    pub fn year(&self, year: Year) -> Self {
        Self { tree: self.tree.part(year.0.to_be_bytes()) }
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
    sealed: BTreeMap<Year, State>,
}

impl Draft {
    /// A draft that has changed nothing yet, of a block whose height is not known: what needs a later height is let through.
    pub fn on(base: &State) -> Self {
        Self::of(Height::default(), base)
    }

    /// A draft of the block at a height, that has changed nothing yet.
    pub fn of(height: Height, base: &State) -> Self {
        Self { height, base: base.clone(), changed: BTreeMap::new(), sealed: BTreeMap::new() }
    }

    /// Height of the block.
    pub fn height(&self) -> Height {
        self.height
    }

    fn look(&self, place: &TreeKey) -> Option<&Shared> {
        match self.changed.get(place) {
            Some(changed) => changed.as_ref(),
            None if self.sealed.contains_key(&place.year()) => None,
            None => self.base.tree.get(place),
        }
    }

    /// The records of a year as the draft has them now.
    fn year(&self, year: Year) -> State {
        let mut part = self.base.year(year);
        let changed = self.changed.range(RecordKey::year_start(year)..).take_while(|(place, _)| place.year() == year);
        let hashed = changed.map(|(place, record)| (*place, record.clone().map(|record| (record.hash(), record))));
        part.tree.apply(hashed);
        part
    }

    /// The years that were sealed on this draft, with the records that they had.
    pub fn sealed(&self) -> impl Iterator<Item = (Year, &State)> {
        self.sealed.iter().map(|(year, records)| (*year, records))
    }

    /// Whether work of a year waits in the due queue.
    pub fn has_due_work(&self, year: Year) -> bool {
        let queue = RecordKey::queue_start();
        let standing = self.standing_from(&queue).map(|(_, record)| record);
        let added = self.changed.range(queue..).filter_map(|(_, record)| record.as_deref());
        let mut work = standing.chain(added).filter_map(DueWork::from_record);
        work.any(|work| work.year() == Some(year))
    }

    /// A record as the draft has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.look(&E::key(key).place()).and_then(|record| E::from_record(record))
    }

    /// Takes over what a plan on this draft writes. Cannot fail: every rule was judged by the plan.
    pub fn commit(&mut self, writes: Writes) {
        let Writes { records, sealed } = writes;
        if let Some((year, records)) = sealed {
            self.changed.retain(|place, _| place.year() != year);
            self.sealed.insert(year, records);
        }
        // `append` would build the whole block's map anew for each transaction.
        self.changed.extend(records);
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
        let Self { mut base, changed, sealed, .. } = self;
        for year in sealed.into_keys() {
            base.tree.remove_part(year.0.to_be_bytes());
        }
        base.tree
            .apply(changed.into_iter().map(|(place, record)| (place, record.map(|record| (record.hash(), record)))));
        base
    }
}

/// What one plan has worked out so far, on top of a draft.
pub struct Work<'a> {
    draft: &'a Draft,
    writes: BTreeMap<TreeKey, Option<Shared>>,
    sealed: Option<(Year, State)>,
    lines: Vec<ReceiptLine>,
}

/// Records that a plan writes, and a year whose others it takes away.
#[derive(Debug)]
pub struct Writes {
    records: BTreeMap<TreeKey, Option<Shared>>,
    sealed: Option<(Year, State)>,
}

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
        Self { draft, writes: BTreeMap::new(), sealed: None, lines: Vec::new() }
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
        self.edit_at(E::key(key).place())
    }

    /// The record at a place, to change, if it is of this kind.
    pub fn edit_at<E: Entity>(&mut self, place: TreeKey) -> Option<&mut E> {
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

    /// Takes a year's records away and leaves one leaf in their place. The plan has changed none of them.
    pub fn seal(&mut self, year: Year, at: Timestamp) {
        let record = self.get::<YearRecord>(year).expect("the plan has looked the year up before");
        let (state_money, school_money) = (record.state_money, record.school_money);
        let records = self.draft.year(year);
        let leaf = Sealed { root: records.root(), records: records.len() as u64, at, state_money, school_money };
        self.sealed = Some((year, records));
        self.put(year, leaf);
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
        let writes = Writes { records: self.writes, sealed: self.sealed };
        Effect { writes, kind, subject, total, lines: self.lines }
    }

    /// Ends work that leaves no receipt.
    pub fn silent(self) -> Writes {
        Writes { records: self.writes, sealed: self.sealed }
    }
}

impl TreeKey {
    /// The year, or other namespace, that the place is in.
    fn year(&self) -> Year {
        Year(u16::from_be_bytes([self.0[0], self.0[1]]))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tree.fmt(f)
    }
}

impl Draft {
    /// The years that the draft has changed, as they are now.
    pub(crate) fn changed_years(&self) -> impl Iterator<Item = &YearRecord> {
        self.changed.values().flatten().filter_map(|record| YearRecord::from_record(record))
    }
}
