//! The records of a reader who goes on with one chain and keeps no state but the last: found in a step, changed in their
//! place. It has no root: [`super::Roots`] makes the hashes, from the changes alone, and may be elsewhere.

use std::collections::{BTreeMap, btree_map};
use std::hint::black_box;
use std::sync::Arc;

use super::buckets::{Buckets, Entry};
use super::{Change, Leaving, Placed, State};
use crate::classifiers::Year;
use crate::record::{Entity, Pupil, Record, RecordKey, Shared};
use crate::tree::TreeKey;

/// Records that are read at a time when all are.
const ROW: usize = 64;

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
    /// Places, ascending, and what stands there afterwards.
    pub(super) records: Vec<(TreeKey, Option<Shared>)>,
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
            Self::Even(buckets) => {
                PartRange::Even(Fetched { ahead: Box::new(buckets.from(place)), row: Vec::new().into_iter() })
            }
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
        self.fetch(places.iter());
        let found: Vec<Option<&Shared>> = places.iter().map(|place| self.look(place)).collect();
        fetch(found.iter().flatten().copied());
        found
    }

    /// Reads where records are about to be looked for.
    fn fetch<'p>(&self, places: impl Iterator<Item = &'p TreeKey> + Clone) {
        for (year, part) in &self.years {
            match part {
                Part::Even(buckets) => buckets.fetch(places.clone().filter(|place| place.year() == *year)),
                Part::Ordered(_) => {}
            }
        }
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
    pub(super) fn change(&mut self, leaving: BTreeMap<Year, Leaving>, changed: Vec<Placed>) -> (Changes, Back) {
        let (mut sealed, mut gone) = (Vec::new(), Vec::new());
        for (year, Leaving { changed, .. }) in leaving {
            let before = changed.into_iter().map(|(place, Change { record, .. })| (place, self.set(place, record)));
            let before = before.collect();
            sealed.push(year);
            gone.extend(self.years.remove(&year).map(|part| Gone { year, part, before }));
        }
        let mut changes = Changes { sealed, records: Vec::with_capacity(changed.len()) };
        let mut before = Vec::with_capacity(changed.len());
        self.fetch(changed.iter().map(|(place, _)| place));
        for (place, Change { record, .. }) in changed {
            changes.records.push((place, record.clone()));
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
    Even(Fetched<'a>),
    Ordered(btree_map::Range<'a, TreeKey, Shared>),
}

/// Records that are read some at a time.
struct Fetched<'a> {
    ahead: Box<dyn Iterator<Item = &'a Entry<Shared>> + 'a>,
    row: std::vec::IntoIter<&'a Entry<Shared>>,
}

impl<'a> Iterator for Fetched<'a> {
    type Item = &'a Entry<Shared>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.row.as_slice().is_empty() {
            self.row = self.ahead.by_ref().take(ROW).collect::<Vec<_>>().into_iter();
            fetch(self.row.as_slice().iter().map(|(_, record)| record));
        }
        self.row.next()
    }
}

/// Reads records that are about to be asked for; pupils, which are most, to where they are booked.
pub(super) fn fetch<'r>(records: impl Iterator<Item = &'r Shared> + Clone) {
    let pupils = records.clone().filter(|record| matches!(***record, Record::Pupil(_))).count();
    let pupil = |record: &'r Shared| Pupil::from_record(record);
    let bookings =
        records.filter_map(pupil).fold(0, |sum, pupil| sum ^ pupil.bookings.len() ^ usize::from(pupil.pupil.0[0]));
    black_box((pupils, bookings));
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
