//! What a draft has changed so far. Most places are hashes and are asked for one by one: they are found in a step and put in
//! order once, at the end. Due work and known ids are asked for in their order.

use std::collections::BTreeMap;
use std::collections::btree_map;

use super::records::is_even;
use crate::classifiers::Year;
use crate::record::Shared;
use crate::tree::TreeKey;

/// Slots of a small table; there are always at least twice as many as places.
const SLOTS: usize = 256;

/// What a draft has made of a record.
pub(super) struct Change {
    pub(super) record: Option<Shared>,
    /// Whether the state below is known to hold a record in this place.
    pub(super) stands: bool,
}

/// A place with what was made of it.
pub(super) type Placed = (TreeKey, Change);

/// Everything that a draft has changed.
pub(super) struct Changed {
    /// Places that are hashes, in the order in which they were changed first.
    even: Vec<Placed>,
    /// Where a place of those is, by the place's own bits and then onwards: 0 for nowhere, else one more than the index.
    slots: Vec<u32>,
    ordered: BTreeMap<TreeKey, Change>,
}

impl Changed {
    pub(super) fn new() -> Self {
        Self { even: Vec::new(), slots: vec![0; SLOTS], ordered: BTreeMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.even.len() + self.ordered.len()
    }

    pub(super) fn get(&self, place: &TreeKey) -> Option<&Change> {
        if !is_even(place.year()) {
            return self.ordered.get(place);
        }
        let index = self.slots[self.slot(place)].checked_sub(1)?;
        Some(&self.even[index as usize].1)
    }

    pub(super) fn has(&self, place: &TreeKey) -> bool {
        self.get(place).is_some()
    }

    /// Notes what a place holds from now on. Whether it held something before all changes is known from the first one.
    pub(super) fn set(&mut self, place: TreeKey, change: Change) {
        if !is_even(place.year()) {
            match self.ordered.entry(place) {
                btree_map::Entry::Occupied(mut known) => known.get_mut().record = change.record,
                btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(change);
                }
            }
            return;
        }
        let slot = self.slot(&place);
        if let Some(index) = self.slots[slot].checked_sub(1) {
            self.even[index as usize].1.record = change.record;
            return;
        }
        self.even.push((place, change));
        self.slots[slot] = number(self.even.len());
        if self.even.len() * 2 > self.slots.len() {
            self.arrange(self.slots.len() * 2);
        }
    }

    /// The slot of a place, or the free one where it belongs.
    fn slot(&self, place: &TreeKey) -> usize {
        let last = self.slots.len() - 1;
        let bits = u64::from_le_bytes(*place.0.last_chunk().expect("a place has 34 bytes"));
        let mut slot = bits as usize & last;
        while let Some(index) = self.slots[slot].checked_sub(1)
            && self.even[index as usize].0 != *place
        {
            slot = (slot + 1) & last;
        }
        slot
    }

    fn arrange(&mut self, slots: usize) {
        self.slots = vec![0; slots];
        for index in 0..self.even.len() {
            let slot = self.slot(&self.even[index].0);
            self.slots[slot] = number(index + 1);
        }
    }

    /// What was changed from a place of the due queue, or of the known ids, on; ascending.
    pub(super) fn due_from(&self, place: &TreeKey) -> impl Iterator<Item = (&TreeKey, &Change)> {
        self.ordered.range(place..)
    }

    /// What was changed of a year; ascending.
    pub(super) fn of_year(&self, year: Year) -> Vec<(&TreeKey, &Change)> {
        let of_year = self.even.iter().filter(|(place, _)| place.year() == year);
        let mut changes: Vec<_> = of_year.map(|(place, change)| (place, change)).collect();
        changes.sort_unstable_by_key(|(place, _)| **place);
        changes
    }

    /// Takes away what was changed of a year; ascending.
    pub(super) fn take_year(&mut self, year: Year) -> Vec<Placed> {
        let mut taken: Vec<Placed> = self.even.extract_if(.., |(place, _)| place.year() == year).collect();
        self.arrange(self.slots.len());
        sort(&mut taken);
        taken
    }

    /// Every record that was changed and stands, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = &Shared> {
        let changes = self.even.iter().map(|(_, change)| change).chain(self.ordered.values());
        changes.filter_map(|change| change.record.as_ref())
    }

    /// Everything, ascending.
    pub(super) fn into_sorted(self) -> Vec<Placed> {
        let Self { even: mut changes, ordered, .. } = self;
        sort(&mut changes);
        // Their namespaces come after every year.
        changes.extend(ordered);
        changes
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a block touches some thousand records")
}

/// By place; the first bytes tell it nearly always, in a step.
fn sort(changes: &mut [Placed]) {
    let first = |place: &TreeKey| u128::from_be_bytes(*place.0.first_chunk().expect("a place has 34 bytes"));
    changes.sort_unstable_by(|(one, _), (other, _)| first(one).cmp(&first(other)).then_with(|| one.cmp(other)));
}
