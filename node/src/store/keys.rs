//! The one place that knows how keys are built. Integers are big-endian, so that keys sort by height.

use super::error::Record;

const SYSTEM: u8 = 0;
const META: u8 = 1;
const LINK: u8 = 2;
const RECEIPTS: u8 = 3;
const BODY: u8 = 4;
const UNDECIDED: u8 = 5;
const RECEIPT_IDS: u8 = 6;
const INDEX: u8 = 7;
const SNAPSHOT: u8 = 8;
const SNAPSHOT_CHUNK: u8 = 9;
const DOCUMENT: u8 = 10;

pub(super) const LINKS: [u8; 1] = [LINK];
pub(super) const ALL_UNDECIDED: [u8; 1] = [UNDECIDED];
pub(super) const ALL_RECEIPT_IDS: [u8; 1] = [RECEIPT_IDS];
pub(super) const SNAPSHOTS: [u8; 1] = [SNAPSHOT];
pub(super) const SNAPSHOT_CHUNKS: [u8; 1] = [SNAPSHOT_CHUNK];
pub(super) const INDEX_END: [u8; 1] = [INDEX + 1];
pub(super) const DOCUMENTS: [u8; 1] = [DOCUMENT];

/// Where the head of an index segment stands behind its pages.
pub(super) const INDEX_HEAD: u32 = u32::MAX;

fn join(space: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![space];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn system(name: u8) -> Vec<u8> {
    vec![SYSTEM, name]
}

/// Named by hash, so that no name is another's prefix.
pub(super) fn meta(name: &str) -> Vec<u8> {
    join(META, &[blake3::hash(name.as_bytes()).as_bytes()])
}

pub(super) fn link(height: u64) -> Vec<u8> {
    join(LINK, &[&height.to_be_bytes()])
}

pub(super) fn receipts(height: u64) -> Vec<u8> {
    join(RECEIPTS, &[&height.to_be_bytes()])
}

pub(super) fn body(height: u64, id: &[u8; 32]) -> Vec<u8> {
    join(BODY, &[&height.to_be_bytes(), id])
}

pub(super) fn undecided(height: u64, round: u32, id: &[u8; 32]) -> Vec<u8> {
    join(UNDECIDED, &[&height.to_be_bytes(), &round.to_be_bytes(), id])
}

pub(super) fn undecided_at(height: u64) -> Vec<u8> {
    join(UNDECIDED, &[&height.to_be_bytes()])
}

pub(super) fn undecided_in(height: u64, round: u32) -> Vec<u8> {
    join(UNDECIDED, &[&height.to_be_bytes(), &round.to_be_bytes()])
}

pub(super) fn receipt_ids(height: u64) -> Vec<u8> {
    join(RECEIPT_IDS, &[&height.to_be_bytes()])
}

pub(super) fn index(segment: u32, page: u32) -> Vec<u8> {
    join(INDEX, &[&segment.to_be_bytes(), &page.to_be_bytes()])
}

pub(super) fn index_segment(segment: u32) -> Vec<u8> {
    join(INDEX, &[&segment.to_be_bytes()])
}

pub(super) fn snapshot(height: u64) -> Vec<u8> {
    join(SNAPSHOT, &[&height.to_be_bytes()])
}

pub(super) fn snapshot_chunk(height: u64, chunk: u32) -> Vec<u8> {
    join(SNAPSHOT_CHUNK, &[&height.to_be_bytes(), &chunk.to_be_bytes()])
}

pub(super) fn snapshot_chunks(height: u64) -> Vec<u8> {
    join(SNAPSHOT_CHUNK, &[&height.to_be_bytes()])
}

pub(super) fn document(hash: &[u8; 32]) -> Vec<u8> {
    join(DOCUMENT, &[hash])
}

/// The height in a key that starts with one.
pub(super) fn height_of(key: &[u8]) -> Option<u64> {
    key.get(1..9).map(|bytes| u64::from_be_bytes(bytes.try_into().expect("eight bytes were taken")))
}

/// Height, round and id of an undecided proposal's key.
pub(super) fn parse_undecided(key: &[u8]) -> Option<(u64, u32, [u8; 32])> {
    let height = height_of(key)?;
    let round = u32::from_be_bytes(key.get(9..13)?.try_into().ok()?);
    let id = key.get(13..45)?.try_into().ok()?;
    Some((height, round, id))
}

/// The hash in a document's key.
pub(super) fn parse_document(key: &[u8]) -> Option<[u8; 32]> {
    key.get(1..33)?.try_into().ok()
}

/// What is stored under a key, for messages.
pub(super) fn describe(key: &[u8]) -> Record {
    let height = height_of(key);
    match (key.first().copied(), height) {
        (Some(LINK), Some(height)) => Record::Link(height),
        (Some(RECEIPTS), Some(height)) => Record::Receipts(height),
        (Some(BODY), Some(height)) => Record::Block(height),
        (Some(UNDECIDED), Some(height)) => Record::Undecided(height),
        (Some(RECEIPT_IDS), Some(height)) => Record::ReceiptIds(height),
        (Some(INDEX), _) => Record::Index,
        (Some(SNAPSHOT | SNAPSHOT_CHUNK), Some(height)) => Record::Snapshot(height),
        (Some(DOCUMENT), _) => parse_document(key).map_or(Record::System, Record::Document),
        (Some(META), _) => Record::Meta(hex::encode(&key[1..])),
        _ => Record::System,
    }
}
