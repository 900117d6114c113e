//! The state, a draft of the next one, and the work of one transaction on a draft.
//!
//! Three layers, each reading through to the one below: [`State`] (committed, cheap to clone), [`Draft`] (one block),
//! [`Work`] (one plan). A plan that fails drops its work, so a rejection changes nothing. Who reads one chain to its end and
//! proves nothing has [`Records`] and [`Roots`] in the place of a state.

mod buckets;
mod changed;
mod records;
mod roots;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chain::Height;
use crate::classifiers::Year;
use crate::crypto::{Batch, Domain, Hash, PublicKey};
use crate::operation::{Owner, Party};
use crate::record::{BoundIn, DueKey, DueWork, Entity, Era, Key, Record, RecordKey, Shared, Succession, YearRecord};
use crate::time::Timestamp;
use crate::tree::{self, Proof, Tree, TreeKey};

use changed::{Change, Changed, Placed};
use work::Write;

pub(crate) use records::Back;
pub use records::{Changes, Records};
pub use roots::Roots;
pub(crate) use roots::Weights;
pub use work::{Effect, Work, Writes};

/// Bytes of most records' encodings.
const RECORD: usize = 192;

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
        let (mut hashed, mut records) = (Vec::new(), records.into_iter().peekable());
        // So many at a time that their encodings stay small beside the state.
        while records.peek().is_some() {
            let some: Vec<(TreeKey, Record)> = records.by_ref().take(10_000).collect();
            let mut values = Batch::with_room(some.len(), RECORD);
            some.iter().for_each(|(_, record)| values.add_value(Domain::RecordValue, &[], record));
            let with_hash = some.into_iter().zip(values.hashes());
            hashed.extend(with_hash.map(|((place, record), hash)| (place, hash, Arc::new(record))));
        }
        Ok(Self { tree: Tree::from_sorted(hashed)? })
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

    /// Who acts and reads in a party's place by now, mostly itself.
    pub fn stands_for(&self, party: Party) -> Party {
        Succession::last(party, |party| self.get::<Succession>(party).map(|one| one.to))
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
    base: Base,
    changed: Changed,
    sealed: BTreeMap<Year, Leaving>,
}

/// A year that a draft seals.
struct Leaving {
    /// Its records, where the draft is of a state.
    records: Option<State>,
    /// What the draft had changed of them.
    changed: Vec<Placed>,
}

/// The records of a year when it is sealed.
struct Weighed {
    root: Hash,
    len: usize,
    records: Option<State>,
}

/// What a draft reads through to.
enum Base {
    State(State),
    Records(Arc<Records>, Weights),
}

impl Base {
    fn look(&self, place: &TreeKey) -> Option<&Shared> {
        match self {
            Self::State(state) => state.tree.get(place),
            Self::Records(records, _) => records.look(place),
        }
    }

    fn look_all(&self, places: &[TreeKey]) -> Vec<Option<&Shared>> {
        match self {
            Self::State(state) => state.tree.get_all(places),
            Self::Records(records, _) => records.look_all(places),
        }
    }

    fn range(&self, from: &TreeKey) -> Standing<'_> {
        match self {
            Self::State(state) => Standing::State(state.tree.range(from)),
            Self::Records(records, _) => Standing::Records(records.range(from)),
        }
    }
}

/// Records below a draft, ascending.
enum Standing<'a> {
    State(tree::Range<'a, Record>),
    Records(records::Range<'a>),
}

impl<'a> Iterator for Standing<'a> {
    type Item = (&'a TreeKey, &'a Shared);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::State(range) => range.next(),
            Self::Records(range) => range.next(),
        }
    }
}

impl Draft {
    /// A draft that has changed nothing yet, of a block whose height is not known: what needs a later height is let through.
    pub fn on(base: &State) -> Self {
        Self::of(Height::default(), base)
    }

    /// A draft of the block at a height, that has changed nothing yet.
    pub fn of(height: Height, base: &State) -> Self {
        Self::reading(height, Base::State(base.clone()))
    }

    /// The same for who follows one chain, and knows so much of its years.
    pub(crate) fn following(height: Height, records: &Arc<Records>, weights: Weights) -> Self {
        Self::reading(height, Base::Records(Arc::clone(records), weights))
    }

    fn reading(height: Height, base: Base) -> Self {
        Self { height, base, changed: Changed::new(), sealed: BTreeMap::new() }
    }

    /// Height of the block.
    pub fn height(&self) -> Height {
        self.height
    }

    fn look(&self, place: &TreeKey) -> Option<&Shared> {
        match self.changed.get(place) {
            Some(change) => change.record.as_ref(),
            None if self.sealed.contains_key(&place.year()) => None,
            None => self.base.look(place),
        }
    }

    /// The same for several places at one time.
    fn look_all(&self, places: &[TreeKey]) -> Vec<Option<&Shared>> {
        let mut found = self.base.look_all(places);
        for (place, found) in places.iter().zip(&mut found) {
            match self.changed.get(place) {
                Some(change) => *found = change.record.as_ref(),
                None if self.sealed.contains_key(&place.year()) => *found = None,
                None => {}
            }
        }
        found
    }

    /// The records of a year as the draft has them now.
    fn weigh(&self, year: Year) -> Weighed {
        let changed = self.changed.of_year(year).into_iter();
        match &self.base {
            Base::State(state) => {
                let mut part = state.year(year);
                let value = |record: &Shared| (record.hash(), Arc::clone(record));
                part.tree.apply(changed.map(|(place, change)| (*place, change.record.as_ref().map(value))));
                Weighed { root: part.root(), len: part.len(), records: Some(part) }
            }
            Base::Records(_, weights) if changed.len() == 0 && weights.contains_key(&year) => {
                let (root, len) = weights[&year];
                Weighed { root, len, records: None }
            }
            Base::Records(records, _) => {
                let standing =
                    records.range(&RecordKey::year_start(year)).take_while(|(place, _)| place.year() == year);
                let standing = standing.filter(|(place, _)| !self.changed.has(place));
                let changed = changed.filter_map(|(place, change)| Some((place, change.record.as_ref()?)));
                let mut now: Vec<(&TreeKey, &Shared)> = standing.chain(changed).collect();
                now.sort_by_key(|(place, _)| *place);
                Weighed { root: roots::root_of(&now), len: now.len(), records: None }
            }
        }
    }

    /// The years that were sealed on this draft, with the records that they had, where the draft is of a state.
    pub fn sealed(&self) -> impl Iterator<Item = (Year, &State)> {
        self.sealed.iter().filter_map(|(year, leaving)| Some((*year, leaving.records.as_ref()?)))
    }

    /// Whether work of a year waits in the due queue.
    pub fn has_due_work(&self, year: Year) -> bool {
        let queue = RecordKey::queue_start();
        let standing = self.standing_from(&queue).map(|(_, record)| record);
        let added = self.changed.due_from(&queue).filter_map(|(_, change)| change.record.as_deref());
        let mut work = standing.chain(added).filter_map(DueWork::from_record);
        work.any(|work| work.year() == Some(year))
    }

    /// A record as the draft has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.look(&E::key(key).place()).and_then(|record| E::from_record(record))
    }

    /// A record that the draft has changed, as it is now.
    pub(crate) fn changed<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.changed.get(&E::key(key).place())?.record.as_ref().and_then(|record| E::from_record(record))
    }

    /// Takes over what a plan on this draft writes. Cannot fail: every rule was judged by the plan.
    pub fn commit(&mut self, writes: Writes) {
        let Writes { records, sealed } = writes;
        if let Some((year, records)) = sealed {
            let changed = self.changed.take_year(year);
            self.sealed.insert(year, Leaving { records, changed });
        }
        for Write { place, record, stands } in records {
            self.changed.set(place, Change { record, stands });
        }
    }

    /// Number of records changed so far.
    pub fn touched(&self) -> usize {
        self.changed.len()
    }

    /// The first due work at or after a place of the queue, with the key it stands under.
    pub fn next_due(&self, from: &TreeKey) -> Option<(DueKey, DueWork)> {
        let standing =
            self.base.range(from).find(|(place, _)| !self.changed.has(place)).map(|(place, record)| (*place, record));
        let added = self.changed.due_from(from).find_map(|(place, change)| Some((*place, change.record.as_ref()?)));
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
        self.base.range(from).filter_map(|(place, _)| self.look(place).map(|record| (*place, &**record)))
    }

    /// The state that the draft has become.
    ///
    /// # Panics
    /// When the draft is not of a state.
    pub fn finish(self) -> State {
        let Base::State(mut base) = self.base else { unreachable!("who follows a chain has no states") };
        base.let_go_of(self.sealed.keys());
        base.tree.apply_known(hashed(self.changed.into_sorted()));
        base
    }

    /// Takes what the draft has changed over into the records that it reads, which nobody else holds besides by now.
    pub(crate) fn finish_in(self, records: &mut Arc<Records>) -> (Changes, Back) {
        drop(self.base);
        let records = Arc::get_mut(records).expect("one draft at a time reads the records");
        records.change(self.sealed, self.changed.into_sorted())
    }
}

/// The changes for the tree, with the records' hashes, which are made together.
fn hashed(changed: Vec<Placed>) -> impl Iterator<Item = tree::Change<Record>> {
    let mut values = Batch::with_room(changed.len(), RECORD);
    for record in changed.iter().filter_map(|(_, change)| change.record.as_ref()) {
        values.add_value(Domain::RecordValue, &[], &**record);
    }
    let mut hashes = values.hashes().into_iter();
    changed.into_iter().map(move |(key, Change { record, stands })| {
        let value = record.map(|record| (hashes.next().expect("there is a hash for every record"), record));
        tree::Change { key, stands, value }
    })
}

impl State {
    fn let_go_of<'y>(&mut self, years: impl Iterator<Item = &'y Year>) {
        for year in years {
            self.tree.remove_part(year.0.to_be_bytes());
        }
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
        self.changed.records().filter_map(|record| YearRecord::from_record(record))
    }
}
