//! The records of a reader who goes on with one chain and keeps no state but the last: found in a step, changed in their
//! place. It has no root: [`super::Roots`] makes the hashes, from the changes alone, and may be elsewhere.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use super::buckets::{Buckets, Entry};
use super::{Changed, RECORD, State};
use crate::classifiers::Year;
use crate::crypto::{Batch, Domain};
use crate::record::{Entity, Record, RecordKey, Shared};
use crate::tree::{Tree, TreeKey};

/// Every record of the ledger after the last block.
#[derive(Default)]
pub struct Records {
    years: BTreeMap<Year, Part>,
}

/// The records of a year or of another namespace.
enum Part {
    /// Places are hashes.
    Even(Buckets<Shared>),
    /// Places are in the order of their keys: due work and known ids.
    Ordered(BTreeMap<TreeKey, Shared>),
}

/// What a block changes in the records, for who makes the hashes.
pub struct Changes {
    /// Years whose records are taken away before anything else changes.
    pub(super) sealed: Vec<Year>,
    /// Places, ascending, and whether something stands there afterwards.
    pub(super) places: Vec<(TreeKey, bool)>,
    /// What stands there, in that order.
    pub(super) values: Batch,
}

/// What leads back to the records before a block.
#[derive(Default)]
pub(crate) struct Back {
    sealed: Vec<(Year, Part)>,
    before: Vec<(TreeKey, Option<Shared>)>,
}

/// Whether the places of a namespace are hashes.
pub(super) fn is_even(year: Year) -> bool {
    year < RecordKey::known_start().year()
}

impl Part {
    fn of(year: Year) -> Self {
        if is_even(year) { Self::Even(Buckets::new()) } else { Self::Ordered(BTreeMap::new()) }
    }

    fn get(&self, place: &TreeKey) -> Option<&Shared> {
        match self {
            Self::Even(buckets) => buckets.get(place),
            Self::Ordered(records) => records.get(place),
        }
    }

    fn set(&mut self, place: TreeKey, record: Option<Shared>) -> Option<Shared> {
        match self {
            Self::Even(buckets) => {
                let before = buckets.set(place, record);
                buckets.widen();
                before
            }
            Self::Ordered(records) => match record {
                Some(record) => records.insert(place, record),
                None => records.remove(&place),
            },
        }
    }

    fn from(&self, place: &TreeKey) -> PartRange<'_> {
        match self {
            Self::Even(buckets) => PartRange::Even(Box::new(buckets.from(place))),
            Self::Ordered(records) => PartRange::Ordered(records.range(place..)),
        }
    }
}

impl Records {
    /// The records of a state.
    pub fn of(state: &State) -> Self {
        let mut records = Self::default();
        for (place, record) in &state.tree {
            records.set(*place, Some(Arc::clone(record)));
        }
        records
    }

    /// A record of a known kind.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.look(&E::key(key).place()).and_then(|record| E::from_record(record))
    }

    /// Records with their places, ascending, from a place on.
    pub fn records_from(&self, from: &TreeKey) -> impl Iterator<Item = (&TreeKey, &Record)> {
        self.range(from).map(|(place, record)| (place, &**record))
    }

    pub(super) fn look(&self, place: &TreeKey) -> Option<&Shared> {
        self.years.get(&place.year())?.get(place)
    }

    pub(super) fn look_all(&self, places: &[TreeKey]) -> Vec<Option<&Shared>> {
        places.iter().map(|place| self.look(place)).collect()
    }

    pub(super) fn range(&self, from: &TreeKey) -> Range<'_> {
        let mut parts = self.years.range(from.year()..);
        let first = parts.next().map(|(_, part)| part.from(from));
        Range { now: first, ahead: parts }
    }

    /// The records of a year as a state, whose root a seal keeps.
    pub(super) fn year(&self, year: Year) -> State {
        let records = self.range(&RecordKey::year_start(year)).take_while(|(place, _)| place.year() == year);
        let (mut hashed, mut records) = (Vec::new(), records.peekable());
        while records.peek().is_some() {
            let some: Vec<(&TreeKey, &Shared)> = records.by_ref().take(10_000).collect();
            let mut values = Batch::with_room(some.len(), RECORD);
            some.iter().for_each(|(_, record)| values.add_value(Domain::RecordValue, &[], &***record));
            let with_hash = some.into_iter().zip(values.hashes());
            hashed.extend(with_hash.map(|((place, record), hash)| (*place, hash, Arc::clone(record))));
        }
        State { tree: Tree::from_sorted(hashed).expect("a range ascends") }
    }

    fn set(&mut self, place: TreeKey, record: Option<Shared>) -> Option<Shared> {
        let year = place.year();
        self.years.entry(year).or_insert_with(|| Part::of(year)).set(place, record)
    }

    /// Takes over what a block changes.
    pub(super) fn change(
        &mut self,
        sealed: impl Iterator<Item = Year>,
        changed: BTreeMap<TreeKey, Changed>,
    ) -> (Changes, Back) {
        let parts: Vec<(Year, Part)> = sealed.filter_map(|year| Some((year, self.years.remove(&year)?))).collect();
        let mut changes = Changes {
            sealed: parts.iter().map(|(year, _)| *year).collect(),
            places: Vec::with_capacity(changed.len()),
            values: Batch::with_room(changed.len(), RECORD),
        };
        let mut before = Vec::with_capacity(changed.len());
        for (place, Changed { record, .. }) in changed {
            changes.places.push((place, record.is_some()));
            if let Some(record) = &record {
                changes.values.add_value(Domain::RecordValue, &[], &**record);
            }
            before.push((place, self.set(place, record)));
        }
        (changes, Back { sealed: parts, before })
    }

    /// The records as they were before a block, the last that was taken over.
    pub(crate) fn go_back(&mut self, back: Back) {
        for (place, record) in back.before {
            self.set(place, record);
        }
        self.years.extend(back.sealed);
    }
}

/// Records in the order of their places.
pub(super) struct Range<'a> {
    now: Option<PartRange<'a>>,
    ahead: btree_map::Range<'a, Year, Part>,
}

enum PartRange<'a> {
    Even(Box<dyn Iterator<Item = &'a Entry<Shared>> + 'a>),
    Ordered(btree_map::Range<'a, TreeKey, Shared>),
}

impl<'a> Iterator for Range<'a> {
    type Item = (&'a TreeKey, &'a Shared);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match self.now.as_mut()? {
                PartRange::Even(entries) => entries.next().map(|(place, record)| (place, record)),
                PartRange::Ordered(records) => records.next(),
            };
            if next.is_some() {
                return next;
            }
            self.now = self.ahead.next().map(|(year, part)| part.from(&RecordKey::year_start(*year)));
        }
    }
}
