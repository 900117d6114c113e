//! The records of a reader who goes on with one chain and keeps no state but the last: found in a step, changed in their
//! place. It has no root: [`super::Roots`] makes the hashes, from the changes alone, and may be elsewhere.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use super::buckets::{Buckets, Entry};
use super::{Changed, Leaving, RECORD, State};
use crate::classifiers::Year;
use crate::crypto::{Batch, Domain};
use crate::record::{Entity, Record, RecordKey, Shared};
use crate::tree::TreeKey;

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
    gone: Vec<Gone>,
    before: Vec<(TreeKey, Option<Shared>)>,
}

/// The records of a sealed year.
struct Gone {
    year: Year,
    part: Part,
    /// What stood there before the block that sealed it.
    before: Vec<(TreeKey, Option<Shared>)>,
}

impl Changes {
    /// Years whose records are taken away.
    pub fn sealed(&self) -> &[Year] {
        &self.sealed
    }
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

    fn set(&mut self, place: TreeKey, record: Option<Shared>) -> Option<Shared> {
        let year = place.year();
        self.years.entry(year).or_insert_with(|| Part::of(year)).set(place, record)
    }

    /// Takes over what a block changes. Of years that it seals, what it changed before is told to nobody else.
    pub(super) fn change(
        &mut self,
        leaving: BTreeMap<Year, Leaving>,
        changed: BTreeMap<TreeKey, Changed>,
    ) -> (Changes, Back) {
        let (mut sealed, mut gone) = (Vec::new(), Vec::new());
        for (year, Leaving { changed, .. }) in leaving {
            let before = changed.into_iter().map(|(place, Changed { record, .. })| (place, self.set(place, record)));
            let before = before.collect();
            sealed.push(year);
            gone.extend(self.years.remove(&year).map(|part| Gone { year, part, before }));
        }
        let (places, values) = (Vec::with_capacity(changed.len()), Batch::with_room(changed.len(), RECORD));
        let mut changes = Changes { sealed, places, values };
        let mut before = Vec::with_capacity(changed.len());
        for (place, Changed { record, .. }) in changed {
            changes.places.push((place, record.is_some()));
            if let Some(record) = &record {
                changes.values.add_value(Domain::RecordValue, &[], &**record);
            }
            before.push((place, self.set(place, record)));
        }
        (changes, Back { gone, before })
    }

    /// The records as they were before a block, the last that was taken over.
    pub(crate) fn go_back(&mut self, back: Back) {
        for (place, record) in back.before {
            self.set(place, record);
        }
        for Gone { year, part, before } in back.gone {
            self.years.insert(year, part);
            for (place, record) in before {
                self.set(place, record);
            }
        }
    }
}

impl Back {
    /// The years that the block sealed, with the records that they had.
    pub(crate) fn into_sealed(self) -> Vec<(Year, Records)> {
        let alone = |Gone { year, part, .. }| (year, Records { years: BTreeMap::from([(year, part)]) });
        self.gone.into_iter().map(alone).collect()
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
