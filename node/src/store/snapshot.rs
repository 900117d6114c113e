//! Snapshots of the state, written beside the work.
//!
//! Chunks are written as they come; the snapshot exists from the moment its head is durable, which is after all its
//! chunks are. Chunks without a head are what a crash left, and are removed at the next start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::engine::{Batch, Engine};
use super::error::{Record, StoreError};
use super::{keys, value};

/// The largest chunk of a snapshot.
pub const SNAPSHOT_CHUNK_BYTES: usize = 1 << 20;
/// Entries removed together, so that others are not kept waiting.
const REMOVED_TOGETHER: usize = 1_000;
const HEAD_BYTES: usize = 32 + 4 + 8 + 32;
/// Where the digests of all chunks stand, behind the chunks.
const DIGESTS: u32 = u32::MAX;

/// A finished snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The height whose state it holds.
    pub height: u64,
    /// The block of that height.
    pub id: [u8; 32],
    /// How many chunks it has.
    pub chunks: u32,
    /// How many bytes its chunks have.
    pub bytes: u64,
    digest: [u8; 32],
}

impl SnapshotInfo {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.id.to_vec();
        out.extend_from_slice(&self.chunks.to_be_bytes());
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out.extend_from_slice(&self.digest);
        out
    }

    fn decode(height: u64, head: &[u8]) -> Option<Self> {
        let head: &[u8; HEAD_BYTES] = head.try_into().ok()?;
        Some(SnapshotInfo {
            height,
            id: head[..32].try_into().ok()?,
            chunks: u32::from_be_bytes(head[32..36].try_into().ok()?),
            bytes: u64::from_be_bytes(head[36..44].try_into().ok()?),
            digest: head[44..].try_into().ok()?,
        })
    }
}

/// Writes one snapshot, from any thread. Dropped without `finish`, it leaves nothing.
pub struct SnapshotWriter {
    engine: Arc<Engine>,
    busy: Arc<AtomicBool>,
    kept: usize,
    height: u64,
    id: [u8; 32],
    chunks: u32,
    bytes: u64,
    hasher: blake3::Hasher,
    digests: Vec<u8>,
    finished: bool,
}

impl SnapshotWriter {
    pub(super) fn start(
        engine: Arc<Engine>,
        busy: Arc<AtomicBool>,
        kept: usize,
        height: u64,
        id: [u8; 32],
    ) -> Result<Self, StoreError> {
        if engine.first_under(&keys::snapshot(height))?.is_some() {
            return Err(StoreError::SnapshotExists { height });
        }
        if busy.swap(true, Ordering::AcqRel) {
            return Err(StoreError::SnapshotInProgress);
        }
        let (hasher, digests) = (blake3::Hasher::new(), Vec::new());
        let writer =
            SnapshotWriter { engine, busy, kept, height, id, chunks: 0, bytes: 0, hasher, digests, finished: false };
        remove_in_steps(&writer.engine, &keys::snapshot_chunks(height))?;
        Ok(writer)
    }

    /// Adds the next chunk; any sizes up to `SNAPSHOT_CHUNK_BYTES` may follow each other.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), StoreError> {
        if chunk.len() > SNAPSHOT_CHUNK_BYTES {
            let (bytes, limit) = (chunk.len(), SNAPSHOT_CHUNK_BYTES);
            return Err(StoreError::TooLarge { what: "a chunk of a snapshot", bytes, limit });
        }
        let mut batch = Batch::new();
        value::put(&mut batch, &keys::snapshot_chunk(self.height, self.chunks), chunk);
        // Durable chunk by chunk, so that finishing never has a whole snapshot to sync while a commit waits.
        self.engine.write(batch)?;
        self.hasher.update(chunk);
        self.digests.extend_from_slice(blake3::hash(chunk).as_bytes());
        self.chunks += 1;
        self.bytes += chunk.len() as u64;
        Ok(())
    }

    /// Makes the snapshot exist and removes those that are too old.
    pub fn finish(mut self) -> Result<SnapshotInfo, StoreError> {
        let info = SnapshotInfo {
            height: self.height,
            id: self.id,
            chunks: self.chunks,
            bytes: self.bytes,
            digest: *self.hasher.finalize().as_bytes(),
        };
        let mut batch = Batch::new();
        value::put(&mut batch, &keys::snapshot_chunk(self.height, DIGESTS), &self.digests);
        value::put(&mut batch, &keys::snapshot(self.height), &info.encode());
        self.engine.write(batch)?;
        self.finished = true;
        let heights = heights(&self.engine)?;
        for old in heights.iter().rev().skip(self.kept.max(1)) {
            remove(&self.engine, *old)?;
        }
        Ok(info)
    }
}

impl Drop for SnapshotWriter {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = remove_in_steps(&self.engine, &keys::snapshot_chunks(self.height))
        {
            tracing::warn!(height = self.height, %error, "an abandoned snapshot stays until the next start");
        }
        self.busy.store(false, Ordering::Release);
    }
}

/// The chunks of a snapshot, in order, each checked; the last step checks that the whole is as it was written.
pub struct SnapshotChunks {
    engine: Arc<Engine>,
    info: SnapshotInfo,
    next: u32,
    hasher: blake3::Hasher,
    ended: bool,
}

impl SnapshotChunks {
    pub(super) fn new(engine: Arc<Engine>, info: SnapshotInfo) -> Self {
        SnapshotChunks { engine, info, next: 0, hasher: blake3::Hasher::new(), ended: false }
    }

    /// What is being read.
    pub fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    fn step(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.next == self.info.chunks {
            if *self.hasher.finalize().as_bytes() != self.info.digest {
                return Err(StoreError::corrupt(
                    Record::Snapshot(self.info.height),
                    "its chunks do not make the whole",
                ));
            }
            return Ok(None);
        }
        let chunk = value::read_present(&self.engine, &keys::snapshot_chunk(self.info.height, self.next))?;
        self.hasher.update(&chunk);
        self.next += 1;
        Ok(Some(chunk))
    }
}

impl Iterator for SnapshotChunks {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = !matches!(step, Some(Ok(_)));
        step
    }
}

/// Heights with a finished snapshot, ascending.
pub(super) fn heights(engine: &Engine) -> Result<Vec<u64>, StoreError> {
    let found = value::keys_under(engine, &keys::SNAPSHOTS, 9)?;
    Ok(found.iter().filter_map(|key| keys::height_of(key)).collect())
}

pub(super) fn info(engine: &Engine, height: u64) -> Result<Option<SnapshotInfo>, StoreError> {
    let Some(head) = value::read(engine, &keys::snapshot(height))? else { return Ok(None) };
    let malformed = || StoreError::corrupt(Record::Snapshot(height), "its head is malformed");
    SnapshotInfo::decode(height, &head).map(Some).ok_or_else(malformed)
}

/// A chunk of a finished snapshot, checked.
pub(super) fn chunk(engine: &Engine, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
    if index == DIGESTS || info(engine, height)?.is_none_or(|info| index >= info.chunks) {
        return Ok(None);
    }
    value::read(engine, &keys::snapshot_chunk(height, index))
}

/// The hash of every chunk of a finished snapshot; none when an older version wrote it, which kept no hashes.
pub(super) fn digests(engine: &Engine, height: u64) -> Result<Option<Vec<[u8; 32]>>, StoreError> {
    let Some(info) = info(engine, height)? else { return Ok(None) };
    let Some(stored) = value::read(engine, &keys::snapshot_chunk(height, DIGESTS))? else { return Ok(None) };
    let digests = stored.as_chunks::<32>().0.to_vec();
    Ok((digests.len() == info.chunks as usize).then_some(digests))
}

/// Removes a snapshot: the head first, so that a crash leaves no snapshot that misses chunks.
pub(super) fn remove(engine: &Engine, height: u64) -> Result<(), StoreError> {
    let mut batch = Batch::new();
    value::remove(engine, &mut batch, &keys::snapshot(height))?;
    engine.write(batch)?;
    remove_chunks(engine, height)
}

/// Chunks that cannot be read cannot be removed either: they stay, unused.
fn remove_chunks(engine: &Engine, height: u64) -> Result<(), StoreError> {
    match remove_in_steps(engine, &keys::snapshot_chunks(height)) {
        Err(error @ StoreError::Corrupt { .. }) => {
            tracing::warn!(height, %error, "the chunks of a snapshot could not be removed");
            Ok(())
        }
        other => other,
    }
}

/// Removes chunks whose snapshot was never finished, and names its height.
pub(super) fn remove_unfinished(engine: &Engine) -> Result<Vec<u64>, StoreError> {
    let finished = heights(engine)?;
    let mut removed = Vec::new();
    let mut from = keys::SNAPSHOT_CHUNKS.to_vec();
    while let Some(height) = engine.first_between(&from, &keys::DOCUMENTS)?.and_then(|key| keys::height_of(&key)) {
        if !finished.contains(&height) {
            remove_chunks(engine, height)?;
            removed.push(height);
        }
        let Some(next) = height.checked_add(1) else { break };
        from = keys::snapshot_chunks(next);
    }
    Ok(removed)
}

fn remove_in_steps(engine: &Engine, prefix: &[u8]) -> Result<(), StoreError> {
    let found = engine.keys_under(prefix)?;
    for group in found.chunks(REMOVED_TOGETHER) {
        let mut batch = Batch::new();
        group.iter().for_each(|key| batch.remove(key.clone()));
        engine.write_lazily(batch)?;
    }
    Ok(())
}
