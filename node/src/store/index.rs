//! Where a receipt is: id → height and position, for every receipt that ever was.
//!
//! One engine entry a receipt would cost more than the receipt. So a block's ids are one value, written with the block.
//! When enough ids are gathered they become a *segment*: sorted pages of 128, with the first id of each page and a
//! Bloom filter kept in memory (about 1.4 bytes a receipt, 7 MB for five million). Eight segments of one size are
//! merged into one of the next, up to half a million ids, so a lookup asks few filters and reads mostly one page.
//! A merge writes its pages first and then switches the list of live segments in one step; whatever a crash leaves
//! half done is not on the list and is removed at the next start.

use std::collections::BTreeMap;

use super::engine::{Batch, Engine};
use super::error::{Record, StoreError};
use super::{keys, value};

const ID: usize = 32;
const ENTRY: usize = ID + 8 + 4;
const PAGE_ENTRIES: usize = 128;
/// Pages written together while a segment is built.
const PAGES_A_BATCH: usize = 256;
const FAN_IN: usize = 8;
/// Segments of this level stay as they are: it bounds the longest merge to about half a second.
const TOP_LEVEL: u8 = 2;
const FILTER_BITS_AN_ENTRY: usize = 10;
const FILTER_PROBES: usize = 7;
const MANIFEST: u8 = 1;
/// There while the index is being written anew.
const REBUILDING: u8 = 2;

type Position = (u64, u32);

/// One receipt's place, as it lies in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    id: [u8; ID],
    height: u64,
    position: u32,
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.height.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Entry {
            id: bytes[..ID].try_into().expect("an entry begins with its id"),
            height: u64::from_be_bytes(bytes[ID..ID + 8].try_into().expect("eight bytes were taken")),
            position: u32::from_be_bytes(bytes[ID + 8..ENTRY].try_into().expect("four bytes were taken")),
        }
    }
}

struct Segment {
    number: u32,
    level: u8,
    /// First id of each page.
    fences: Vec<[u8; ID]>,
    filter: Vec<u8>,
}

impl Segment {
    fn may_hold(&self, id: &[u8; ID]) -> bool {
        probes(id, self.filter.len()).all(|bit| self.filter[bit / 8] & (1 << (bit % 8)) != 0)
    }

    fn find(&self, engine: &Engine, id: &[u8; ID]) -> Result<Option<Position>, StoreError> {
        if !self.may_hold(id) {
            return Ok(None);
        }
        let Some(page) = self.fences.partition_point(|fence| fence <= id).checked_sub(1) else { return Ok(None) };
        let entries = read_page(engine, self.number, page)?;
        let found = entries.binary_search_by(|entry| entry.id.cmp(id));
        Ok(found.ok().map(|at| (entries[at].height, entries[at].position)))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.level];
        out.extend_from_slice(&(self.fences.len() as u32).to_be_bytes());
        out.extend_from_slice(self.fences.as_flattened());
        out.extend_from_slice(&self.filter);
        out
    }

    fn decode(number: u32, bytes: &[u8]) -> Option<Self> {
        let (&level, rest) = bytes.split_first()?;
        let (pages, rest) = rest.split_at_checked(4)?;
        let pages = u32::from_be_bytes(pages.try_into().ok()?) as usize;
        let (fences, filter) = rest.split_at_checked(pages.checked_mul(ID)?)?;
        let fences = fences.as_chunks::<ID>().0.to_vec();
        (!filter.is_empty()).then(|| Segment { number, level, fences, filter: filter.to_vec() })
    }
}

/// The index with what of it lives in memory.
pub(super) struct ReceiptIndex {
    /// Receipts that are in no segment yet.
    pending: BTreeMap<[u8; ID], Position>,
    segments: Vec<Segment>,
    /// Segments that were merged into another and still lie on disk.
    dropped: Vec<u32>,
    next_number: u32,
    gather: usize,
}

impl ReceiptIndex {
    pub(super) fn empty(gather: usize) -> Self {
        let (pending, segments, dropped) = (BTreeMap::new(), Vec::new(), Vec::new());
        ReceiptIndex { pending, segments, dropped, next_number: 0, gather }
    }

    /// Removes the whole index from disk, so that it can be written anew.
    pub(super) fn clear(engine: &Engine, gather: usize) -> Result<Self, StoreError> {
        let mut batch = Batch::new();
        value::replace(engine, &mut batch, &keys::system(REBUILDING), &[])?;
        value::remove(engine, &mut batch, &keys::system(MANIFEST))?;
        value::remove(engine, &mut batch, &keys::ALL_RECEIPT_IDS)?;
        engine.write(batch)?;
        remove_unfinished(engine, 0)?;
        Ok(ReceiptIndex::empty(gather))
    }

    /// Loads the index; `gather` is how many ids make a segment.
    pub(super) fn open(engine: &Engine, gather: usize) -> Result<Self, StoreError> {
        if value::stored_seal(engine, &keys::system(REBUILDING))?.is_some() {
            return Err(StoreError::corrupt(Record::Index, "writing it anew was interrupted"));
        }
        let mut index = ReceiptIndex::empty(gather);
        if let Some(manifest) = value::read(engine, &keys::system(MANIFEST))? {
            index.load(engine, &manifest)?;
        }
        index.remove_dropped(engine)?;
        remove_unfinished(engine, index.next_number)?;
        for key in value::keys_under(engine, &keys::ALL_RECEIPT_IDS, 9)? {
            let height = keys::height_of(&key).unwrap_or_default();
            let ids = value::read_present(engine, &key)?;
            index.add(height, &ids);
        }
        Ok(index)
    }

    pub(super) fn find(&self, engine: &Engine, id: &[u8; ID]) -> Result<Option<Position>, StoreError> {
        if let Some(position) = self.pending.get(id) {
            return Ok(Some(*position));
        }
        for segment in self.segments.iter().rev() {
            if let Some(position) = segment.find(engine, id)? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// Takes in the ids of a block, encoded as they are stored.
    pub(super) fn add(&mut self, height: u64, encoded: &[u8]) {
        for entry in encoded.chunks_exact(ID + 4) {
            let (id, position) = entry.split_at(ID);
            let id = id.try_into().expect("the split left an id");
            let position = u32::from_be_bytes(position.try_into().expect("four bytes are left"));
            self.pending.insert(id, (height, position));
        }
    }

    /// Takes in the ids of a block that was committed long ago, after `clear`.
    pub(super) fn restore(&mut self, engine: &Engine, height: u64, encoded: &[u8]) -> Result<(), StoreError> {
        if encoded.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        value::put(&mut batch, &keys::receipt_ids(height), encoded);
        engine.write_lazily(batch)?;
        self.add(height, encoded);
        if self.is_due() { self.condense(engine, height) } else { Ok(()) }
    }

    /// Ends what `clear` began.
    pub(super) fn restored(engine: &Engine) -> Result<(), StoreError> {
        engine.settle()?;
        let mut batch = Batch::new();
        value::remove(engine, &mut batch, &keys::system(REBUILDING))?;
        engine.write(batch)
    }

    /// Whether enough is gathered for `condense`.
    pub(super) fn is_due(&self) -> bool {
        self.pending.len() >= self.gather
    }

    /// Turns what is gathered, up to the tip, into a segment, and merges segments where eight are of a size.
    pub(super) fn condense(&mut self, engine: &Engine, tip: u64) -> Result<(), StoreError> {
        let entries: Vec<Entry> = self
            .pending
            .iter()
            .map(|(id, (height, position))| Entry { id: *id, height: *height, position: *position })
            .collect();
        let segment = write_segment(engine, self.next_number, 0, &entries)?;
        let mut batch = Batch::new();
        for key in engine.keys_between(&keys::ALL_RECEIPT_IDS, &keys::receipt_ids(tip.saturating_add(1)))? {
            batch.remove(key);
        }
        self.switch(engine, batch, segment, &[])?;
        self.pending.clear();
        while let Some(level) = (0..TOP_LEVEL).find(|level| self.at_level(*level).count() >= FAN_IN) {
            self.merge(engine, level)?;
        }
        Ok(())
    }

    fn at_level(&self, level: u8) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(move |segment| segment.level == level)
    }

    fn merge(&mut self, engine: &Engine, level: u8) -> Result<(), StoreError> {
        let mut entries = Vec::new();
        for segment in self.at_level(level) {
            for page in 0..segment.fences.len() {
                entries.extend(read_page(engine, segment.number, page)?);
            }
        }
        entries.sort_unstable();
        let merged: Vec<u32> = self.at_level(level).map(|segment| segment.number).collect();
        let segment = write_segment(engine, self.next_number, level + 1, &entries)?;
        self.switch(engine, Batch::new(), segment, &merged)
    }

    /// Makes a written segment live in place of others, together with the given changes.
    fn switch(
        &mut self,
        engine: &Engine,
        mut batch: Batch,
        segment: Segment,
        replaced: &[u32],
    ) -> Result<(), StoreError> {
        let mut live: Vec<u32> = self.segments.iter().map(|segment| segment.number).collect();
        live.retain(|number| !replaced.contains(number));
        live.push(segment.number);
        let dropped = [self.dropped.as_slice(), replaced].concat();
        let manifest = encode_manifest(self.next_number + 1, &live, &dropped);
        value::replace(engine, &mut batch, &keys::system(MANIFEST), &manifest)?;
        engine.write(batch)?;
        self.next_number += 1;
        self.segments.retain(|segment| !replaced.contains(&segment.number));
        self.segments.push(segment);
        self.dropped = dropped;
        self.remove_dropped(engine)
    }

    fn remove_dropped(&mut self, engine: &Engine) -> Result<(), StoreError> {
        for number in &self.dropped {
            let mut batch = Batch::new();
            value::remove(engine, &mut batch, &keys::index_segment(*number))?;
            engine.write_lazily(batch)?;
        }
        self.dropped.clear();
        Ok(())
    }

    fn load(&mut self, engine: &Engine, manifest: &[u8]) -> Result<(), StoreError> {
        let damaged = || StoreError::corrupt(Record::Index, "its list of segments is malformed");
        let (next_number, live, dropped) = decode_manifest(manifest).ok_or_else(damaged)?;
        for number in live {
            let head = value::read_present(engine, &keys::index(number, keys::INDEX_HEAD))?;
            self.segments.push(Segment::decode(number, &head).ok_or_else(damaged)?);
        }
        self.next_number = next_number;
        self.dropped = dropped;
        Ok(())
    }
}

/// The ids of a block as one value.
pub(super) fn encode_ids(ids: impl IntoIterator<Item = ([u8; ID], u32)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (id, position) in ids {
        out.extend_from_slice(&id);
        out.extend_from_slice(&position.to_be_bytes());
    }
    out
}

fn write_segment(engine: &Engine, number: u32, level: u8, entries: &[Entry]) -> Result<Segment, StoreError> {
    let mut filter = vec![0u8; (entries.len() * FILTER_BITS_AN_ENTRY).div_ceil(8).max(8)];
    let filter_bytes = filter.len();
    for bit in entries.iter().flat_map(|entry| probes(&entry.id, filter_bytes)) {
        filter[bit / 8] |= 1 << (bit % 8);
    }
    let pages: Vec<&[Entry]> = entries.chunks(PAGE_ENTRIES).collect();
    let fences = pages.iter().map(|page| page[0].id).collect();
    for (start, group) in pages.chunks(PAGES_A_BATCH).enumerate() {
        let mut batch = Batch::new();
        for (offset, page) in group.iter().enumerate() {
            let mut bytes = Vec::with_capacity(page.len() * ENTRY);
            page.iter().for_each(|entry| entry.write(&mut bytes));
            let page_number = (start * PAGES_A_BATCH + offset) as u32;
            value::put(&mut batch, &keys::index(number, page_number), &bytes);
        }
        engine.write_lazily(batch)?;
    }
    let segment = Segment { number, level, fences, filter };
    let mut batch = Batch::new();
    value::put(&mut batch, &keys::index(number, keys::INDEX_HEAD), &segment.encode());
    engine.write_lazily(batch)?;
    Ok(segment)
}

fn read_page(engine: &Engine, segment: u32, page: usize) -> Result<Vec<Entry>, StoreError> {
    let bytes = value::read_present(engine, &keys::index(segment, page as u32))?;
    Ok(bytes.chunks_exact(ENTRY).map(Entry::read).collect())
}

/// Pages that a crash left before their segment was on the list.
fn remove_unfinished(engine: &Engine, next_number: u32) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    for key in engine.keys_between(&keys::index_segment(next_number), &keys::INDEX_END)? {
        batch.remove(key);
    }
    engine.write(batch)
}

/// Ids are hashes already, so their own bytes serve as the filter's hash functions.
fn probes(id: &[u8; ID], filter_bytes: usize) -> impl Iterator<Item = usize> {
    let bits = (filter_bytes * 8) as u64;
    let step = u64::from_be_bytes(id[8..16].try_into().expect("eight bytes were taken")) | 1;
    let start = u64::from_be_bytes(id[16..24].try_into().expect("eight bytes were taken"));
    (0..FILTER_PROBES as u64).map(move |probe| (start.wrapping_add(step.wrapping_mul(probe)) % bits) as usize)
}

fn encode_manifest(next_number: u32, live: &[u32], dropped: &[u32]) -> Vec<u8> {
    let mut out = next_number.to_be_bytes().to_vec();
    for list in [live, dropped] {
        out.extend_from_slice(&(list.len() as u32).to_be_bytes());
        list.iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
    }
    out
}

fn decode_manifest(bytes: &[u8]) -> Option<(u32, Vec<u32>, Vec<u32>)> {
    let (next_number, rest) = take_u32(bytes)?;
    let (live, rest) = take_list(rest)?;
    let (dropped, rest) = take_list(rest)?;
    rest.is_empty().then_some((next_number, live, dropped))
}

fn take_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_at_checked(4)?;
    Some((u32::from_be_bytes(number.try_into().ok()?), rest))
}

fn take_list(bytes: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let (length, rest) = take_u32(bytes)?;
    let (list, rest) = rest.split_at_checked((length as usize).checked_mul(4)?)?;
    Some((list.chunks_exact(4).filter_map(|number| take_u32(number).map(|(number, _)| number)).collect(), rest))
}
