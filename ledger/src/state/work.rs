//! The work of one plan on a draft, and what comes of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::Arc;

use super::{Draft, State, Weighed};
use crate::classifiers::Year;
use crate::money::Amounts;
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{Entity, RecordKey, Sealed, Shared, YearRecord};
use crate::time::Timestamp;
use crate::tree::TreeKey;

/// What one plan has worked out so far, on top of a draft.
pub struct Work<'a> {
    draft: &'a Draft,
    writes: Vec<Write>,
    ways: RefCell<Ways<'a>>,
    /// The year whose sums were changed last: its index among the writes.
    year: Option<(Year, usize)>,
    sealed: Option<(Year, Option<State>)>,
    lines: Vec<ReceiptLine>,
}

/// The ways to the records that were asked for. A plan asks for its order and year again with each line, and the way to a
/// record is long: its key is hashed, then looked for in the draft and the state.
#[derive(Default)]
struct Ways<'a> {
    known: Vec<(RecordKey, Found<'a>)>,
    /// Where a key's way is, by the key's first guess and then onwards; 0 where there is none, else one more than the index.
    slots: Vec<u32>,
    /// Indices of what was written by its place alone.
    unnamed: BTreeMap<TreeKey, usize>,
}

/// Slots of the smallest table; there are always at least twice as many as keys.
const SLOTS: usize = 32;

/// Mixes what is hashed into a number. Ids are chance already; who chooses them badly makes his own plan slower.
struct Guess(u64);

impl Hasher for Guess {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, word: u64) {
        // An odd number of no meaning whose bits are half ones.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    // Years, kinds and lengths: few, and the ids beside them differ.
    fn write_u16(&mut self, word: u16) {
        self.0 = self.0.wrapping_add(u64::from(word));
    }

    fn write_usize(&mut self, word: usize) {
        self.0 = self.0.wrapping_add(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.0 = self.0.wrapping_add_signed(word as i64);
    }

    fn finish(&self) -> u64 {
        self.0 >> 32
    }
}

#[derive(Clone, Copy)]
struct Found<'a> {
    place: TreeKey,
    way: Way<'a>,
}

#[derive(Clone, Copy)]
enum Way<'a> {
    /// The work has written it: its index among the writes.
    Written(usize),
    /// It is as the draft has it.
    Standing(Option<&'a Shared>),
}

/// What a plan writes in a place.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) place: TreeKey,
    pub(super) record: Option<Shared>,
    /// Whether the plan has found a record there.
    pub(super) stands: bool,
}

/// Records that a plan writes, and a year whose others it takes away.
#[derive(Debug)]
pub struct Writes {
    pub(super) records: Vec<Write>,
    /// A year that leaves the state; with its records, where a state has them.
    pub(super) sealed: Option<(Year, Option<State>)>,
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
        Self { draft, writes: Vec::new(), ways: RefCell::default(), year: None, sealed: None, lines: Vec::new() }
    }

    /// A record as this work has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        let record = match self.find(E::key(key)).1.way {
            Way::Written(index) => self.writes[index].record.as_ref(),
            Way::Standing(record) => record,
        };
        record.and_then(|record| E::from_record(record))
    }

    /// Whether a record is there.
    pub fn has<E: Entity>(&self, key: E::Key) -> bool {
        self.get::<E>(key).is_some()
    }

    /// A record to change.
    pub fn edit<E: Entity>(&mut self, key: E::Key) -> Option<&mut E> {
        let index = self.written(E::key(key))?;
        self.at_mut(index)
    }

    /// A year's record to change, as every movement of money does.
    pub(crate) fn edit_year(&mut self, year: Year) -> Option<&mut YearRecord> {
        let index = match self.year {
            Some((known, index)) if known == year => index,
            Some(_) | None => self.written(YearRecord::key(year))?,
        };
        self.year = Some((year, index));
        self.at_mut(index)
    }

    /// The index among the writes of a record that stands; it is written as it is, if it was not before.
    fn written(&mut self, key: RecordKey) -> Option<usize> {
        let (known, Found { place, way }) = self.find(key);
        Some(match way {
            Way::Written(index) => index,
            Way::Standing(record) => {
                let record = Some(Arc::clone(record?));
                self.write(known, Write { place, record, stands: true })
            }
        })
    }

    /// The record at a place, to change, if it is of this kind.
    pub fn edit_at<E: Entity>(&mut self, place: TreeKey) -> Option<&mut E> {
        let ways = self.ways.get_mut();
        let index = match ways.written(&place) {
            Some(index) => index,
            None => {
                let index = self.writes.len();
                let record = Some(Arc::clone(self.draft.look(&place)?));
                self.writes.push(Write { place, record, stands: true });
                ways.wrote_unnamed(place, index);
                index
            }
        };
        self.at_mut(index)
    }

    fn at_mut<E: Entity>(&mut self, index: usize) -> Option<&mut E> {
        let record = self.writes[index].record.as_mut()?;
        E::from_record_mut(Arc::make_mut(record))
    }

    /// Puts a record in its place.
    pub fn put<E: Entity>(&mut self, key: E::Key, value: E) {
        self.set(E::key(key), Some(Arc::new(value.into_record())));
    }

    /// Puts the same record in several places; it is in memory once.
    pub(crate) fn put_all<E: Entity>(&mut self, keys: impl Iterator<Item = E::Key>, value: E) {
        let record = Arc::new(value.into_record());
        keys.for_each(|key| self.set(E::key(key), Some(Arc::clone(&record))));
    }

    /// Takes a record away.
    pub fn remove<E: Entity>(&mut self, key: E::Key) {
        self.set(E::key(key), None);
    }

    fn set(&mut self, key: RecordKey, record: Option<Shared>) {
        let ways = self.ways.get_mut();
        let (known, found) = ways.at(key).unwrap_or_else(|slot| {
            let place = key.place();
            // Whether something stands there is not asked for.
            let way = ways.unnamed.get(&place).map_or(Way::Standing(None), |index| Way::Written(*index));
            (ways.add(slot, key, Found { place, way }), Found { place, way })
        });
        match found.way {
            Way::Written(index) => self.writes[index].record = record,
            Way::Standing(standing) => {
                self.write(known, Write { place: found.place, record, stands: standing.is_some() });
            }
        }
    }

    /// Looks for records that the plan is about to ask for one by one, all at one time.
    pub(crate) fn look_ahead(&self, keys: impl Iterator<Item = RecordKey>) {
        let mut ways = self.ways.borrow_mut();
        let first = ways.known.len();
        for key in keys {
            if let Err(slot) = ways.at(key) {
                ways.add(slot, key, Found { place: TreeKey([0; 34]), way: Way::Standing(None) });
            }
        }
        let unknown: Vec<RecordKey> = ways.known[first..].iter().map(|(key, _)| *key).collect();
        if unknown.is_empty() {
            return;
        }
        let places = RecordKey::places(&unknown);
        let standing = self.draft.look_all(&places);
        for (index, (place, standing)) in (first..).zip(places.into_iter().zip(standing)) {
            let written = ways.unnamed.get(&place).copied();
            ways.known[index].1 = Found { place, way: written.map_or(Way::Standing(standing), Way::Written) };
        }
    }

    /// Notes where a record stands that the plan has come upon by its place and is about to ask for by its key.
    pub(crate) fn came_upon(&self, key: RecordKey, place: TreeKey) {
        let mut ways = self.ways.borrow_mut();
        if let Err(slot) = ways.at(key) {
            let found = self.look(&ways, place);
            ways.add(slot, key, found);
        }
    }

    /// The way to a record, and its index among the ways.
    fn find(&self, key: RecordKey) -> (usize, Found<'a>) {
        let mut ways = self.ways.borrow_mut();
        ways.at(key).unwrap_or_else(|slot| {
            let found = self.look(&ways, key.place());
            (ways.add(slot, key, found), found)
        })
    }

    fn look(&self, ways: &Ways, place: TreeKey) -> Found<'a> {
        let written = ways.unnamed.get(&place).copied();
        let way = written.map_or_else(|| Way::Standing(self.draft.look(&place)), Way::Written);
        Found { place, way }
    }

    /// Writes for the first time at a place, to which a way is known, and gives the index of what is written there.
    fn write(&mut self, known: usize, write: Write) -> usize {
        let index = self.writes.len();
        self.writes.push(write);
        self.ways.get_mut().known[known].1.way = Way::Written(index);
        index
    }

    /// Takes a year's records away and leaves one leaf in their place. The plan has changed none of them.
    pub fn seal(&mut self, year: Year, at: Timestamp) {
        let record = self.get::<YearRecord>(year).expect("the plan has looked the year up before");
        let (state_money, school_money) = (record.state_money, record.school_money);
        let Weighed { root, len, records } = self.draft.weigh(year);
        let leaf = Sealed { root, records: len as u64, at, state_money, school_money };
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

/// What a slot holds for an index.
fn number(index: usize) -> u32 {
    u32::try_from(index + 1).expect("a plan touches some thousand records")
}

impl<'a> Ways<'a> {
    /// The way of a key with its index, or the free slot where it belongs.
    #[inline]
    fn at(&mut self, key: RecordKey) -> Result<(usize, Found<'a>), usize> {
        // There is a free slot for one more.
        if self.known.len() * 2 >= self.slots.len() {
            self.widen();
        }
        let slot = self.slot(&key);
        match self.slots[slot].checked_sub(1) {
            Some(index) => Ok((index as usize, self.known[index as usize].1)),
            None => Err(slot),
        }
    }

    /// The slot of a key, or the free one where it belongs.
    fn slot(&self, key: &RecordKey) -> usize {
        let last = self.slots.len() - 1;
        let mut guess = Guess(0);
        key.hash(&mut guess);
        let mut slot = guess.finish() as usize & last;
        while let Some(index) = self.slots[slot].checked_sub(1)
            && self.known[index as usize].0 != *key
        {
            slot = (slot + 1) & last;
        }
        slot
    }

    /// Adds a key in its free slot and gives its index.
    fn add(&mut self, slot: usize, key: RecordKey, found: Found<'a>) -> usize {
        let index = self.known.len();
        self.known.push((key, found));
        self.slots[slot] = number(index);
        index
    }

    /// Makes room for twice as many keys.
    fn widen(&mut self) {
        let slots = (self.slots.len() * 2).max(SLOTS);
        self.slots = vec![0; slots];
        self.known.reserve_exact(slots / 2 - self.known.len());
        for index in 0..self.known.len() {
            let slot = self.slot(&self.known[index].0);
            self.slots[slot] = number(index);
        }
    }

    /// The index of what was written at a place. Searched through: few plans go by places.
    fn written(&self, place: &TreeKey) -> Option<usize> {
        let index = |(_, found): &(RecordKey, Found)| match found.way {
            Way::Written(index) if found.place == *place => Some(index),
            Way::Written(_) | Way::Standing(_) => None,
        };
        self.unnamed.get(place).copied().or_else(|| self.known.iter().find_map(index))
    }

    /// What was written by its place alone is found by its key too.
    fn wrote_unnamed(&mut self, place: TreeKey, index: usize) {
        self.unnamed.insert(place, index);
        for (_, found) in self.known.iter_mut().filter(|(_, found)| found.place == place) {
            found.way = Way::Written(index);
        }
    }
}
