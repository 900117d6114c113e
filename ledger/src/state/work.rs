//! The work of one plan on a draft, and what comes of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Draft, State};
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
    sealed: Option<(Year, State)>,
    lines: Vec<ReceiptLine>,
}

/// The ways to the records that were asked for. A plan asks for its order and year again with each line, and the way to a
/// record is long: its key is hashed, then looked for in the draft and the state.
#[derive(Default)]
struct Ways<'a> {
    /// The last ones, found without any search.
    recent: [Option<(RecordKey, Found<'a>)>; RECENT],
    /// The one of them that is forgotten next.
    oldest: usize,
    known: BTreeMap<RecordKey, Found<'a>>,
    /// Indices of what was written by its place alone.
    unnamed: BTreeMap<TreeKey, usize>,
}

/// A plan goes about with its order, the year, a purse or two and a pupil.
const RECENT: usize = 6;

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
    pub(super) sealed: Option<(Year, State)>,
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
        Self { draft, writes: Vec::new(), ways: RefCell::default(), sealed: None, lines: Vec::new() }
    }

    /// A record as this work has it.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        let record = match self.find(E::key(key)).way {
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
        let key = E::key(key);
        let Found { place, way } = self.find(key);
        let index = match way {
            Way::Written(index) => index,
            Way::Standing(record) => {
                let record = Some(Arc::clone(record?));
                self.write(key, Write { place, record, stands: true })
            }
        };
        self.at_mut(index)
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

    /// Takes a record away.
    pub fn remove<E: Entity>(&mut self, key: E::Key) {
        self.set(E::key(key), None);
    }

    fn set(&mut self, key: RecordKey, record: Option<Shared>) {
        let ways = self.ways.get_mut();
        let known = ways.get(&key);
        let place = known.map_or_else(|| key.place(), |found| found.place);
        let (written, stands) = match known.map(|found| found.way) {
            Some(Way::Written(index)) => (Some(index), false),
            Some(Way::Standing(found)) => (None, found.is_some()),
            None => (ways.unnamed.get(&place).copied(), false),
        };
        match written {
            Some(index) => self.writes[index].record = record,
            None => {
                self.write(key, Write { place, record, stands });
            }
        }
    }

    /// Looks for records that the plan is about to ask for one by one, all at one time.
    pub(crate) fn look_ahead(&self, keys: impl Iterator<Item = RecordKey>) {
        let mut ways = self.ways.borrow_mut();
        let unknown: Vec<RecordKey> = keys.filter(|key| ways.get(key).is_none()).collect();
        let places = RecordKey::places(&unknown);
        for ((key, place), standing) in unknown.into_iter().zip(&places).zip(self.draft.look_all(&places)) {
            let written = ways.unnamed.get(place).copied();
            let way = written.map_or(Way::Standing(standing), Way::Written);
            ways.known.insert(key, Found { place: *place, way });
        }
    }

    fn find(&self, key: RecordKey) -> Found<'a> {
        let mut ways = self.ways.borrow_mut();
        if let Some(found) = ways.get(&key) {
            return found;
        }
        let place = key.place();
        let written = ways.unnamed.get(&place).copied();
        let way = written.map_or_else(|| Way::Standing(self.draft.look(&place)), Way::Written);
        let found = Found { place, way };
        ways.remember(key, found);
        found
    }

    /// Writes for the first time at a place and gives the index of what is written there.
    fn write(&mut self, key: RecordKey, write: Write) -> usize {
        let (index, place) = (self.writes.len(), write.place);
        self.writes.push(write);
        self.ways.get_mut().remember(key, Found { place, way: Way::Written(index) });
        index
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

impl<'a> Ways<'a> {
    fn get(&mut self, key: &RecordKey) -> Option<Found<'a>> {
        if let Some((_, found)) = self.recent.iter().flatten().find(|(recent, _)| recent == key) {
            return Some(*found);
        }
        let found = *self.known.get(key)?;
        self.use_now(*key, found);
        Some(found)
    }

    fn remember(&mut self, key: RecordKey, found: Found<'a>) {
        self.known.insert(key, found);
        match self.recent.iter_mut().flatten().find(|(recent, _)| *recent == key) {
            Some((_, recent)) => *recent = found,
            None => self.use_now(key, found),
        }
    }

    fn use_now(&mut self, key: RecordKey, found: Found<'a>) {
        self.recent[self.oldest] = Some((key, found));
        self.oldest = (self.oldest + 1) % RECENT;
    }

    /// The index of what was written at a place. Searched through: few plans go by places.
    fn written(&self, place: &TreeKey) -> Option<usize> {
        let index = |found: &Found| match found.way {
            Way::Written(index) if found.place == *place => Some(index),
            Way::Written(_) | Way::Standing(_) => None,
        };
        self.unnamed.get(place).copied().or_else(|| self.known.values().find_map(index))
    }

    fn wrote_unnamed(&mut self, place: TreeKey, index: usize) {
        self.unnamed.insert(place, index);
        self.known.retain(|_, found| found.place != place);
        self.recent = [None; RECENT];
    }
}
