//! Snapshots of the state: written beside the work from a shared state, and read with every record hashed again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use keis_ledger::block::Tip;
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::ids::BlockId;
use keis_ledger::record::Record;
use keis_ledger::state::State;
use keis_ledger::tree::TreeKey;

use crate::store::{SNAPSHOT_CHUNK_BYTES, Store, StoreError};

/// Records encoded together; fewer when they do not fit a chunk.
const RECORDS_A_CHUNK: usize = 1_024;

/// When a snapshot is worth writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// After so many blocks.
    pub blocks: u64,
    /// Or after blocks of so many bytes in all, which bounds a start's replay.
    pub bytes: u64,
}

/// Writes snapshots, one at a time, on a thread of their own.
pub(super) struct Snapshots {
    store: Store,
    policy: SnapshotPolicy,
    since: Mutex<Since>,
    cancelled: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Since {
    blocks: u64,
    bytes: u64,
}

#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a record of {bytes} bytes does not fit a chunk")]
    RecordTooLarge { bytes: usize },
    #[error("the node is stopping")]
    Cancelled,
}

impl Snapshots {
    /// Counts on from what the newest snapshot lacks at `tip`, so that a node which restarts often writes one, too.
    pub(super) fn new(store: Store, policy: SnapshotPolicy, tip: Height) -> Result<Self, StoreError> {
        let newest = store.snapshot_heights()?.into_iter().max().unwrap_or(0);
        let since = Mutex::new(Since { blocks: tip.0.saturating_sub(newest), bytes: 0 });
        Ok(Self { store, policy, since, cancelled: Arc::default(), thread: Mutex::default() })
    }

    /// Counts a committed block, and begins a snapshot after it when one is due and none is being written.
    pub(super) fn committed(&self, tip: &Tip, block_bytes: usize) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.blocks += 1;
        since.bytes += block_bytes as u64;
        if since.blocks < self.policy.blocks && since.bytes < self.policy.bytes {
            return;
        }
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) || self.cancelled.load(Ordering::Acquire) {
            return;
        }
        let (store, tip, cancelled) = (self.store.clone(), tip.clone(), self.cancelled.clone());
        let spawned = std::thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
            write_and_tell(&store, &tip, &cancelled);
        });
        match spawned {
            Ok(handle) => {
                *thread = Some(handle);
                *since = Since::default();
            }
            Err(error) => tracing::warn!(%error, "no thread for a snapshot; it is tried again after the next block"),
        }
    }

    /// Ends a snapshot that is being written; it leaves nothing. None begins afterwards.
    pub(super) fn stop(&self) {
        self.cancelled.store(true, Ordering::Release);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the thread of a snapshot panicked");
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A snapshot saves time at the next start and nothing else, so its failure is told and not fatal.
fn write_and_tell(store: &Store, tip: &Tip, cancelled: &AtomicBool) {
    let (height, started) = (tip.height, Instant::now());
    match write(store, tip, cancelled) {
        Ok(bytes) => {
            let seconds = started.elapsed().as_secs_f64();
            metrics::gauge!("keis_snapshot_height").set(height.0 as f64);
            metrics::histogram!("keis_snapshot_seconds").record(seconds);
            tracing::info!(%height, bytes, records = tip.state.len(), seconds, "wrote a snapshot");
        }
        Err(WriteError::Cancelled) => tracing::debug!(%height, "gave a snapshot up"),
        Err(error) => tracing::warn!(%height, %error, "the snapshot failed"),
    }
}

fn write(store: &Store, tip: &Tip, cancelled: &AtomicBool) -> Result<u64, WriteError> {
    // One that would not fit would only eat the room that blocks need: the file of the store never shrinks.
    store.check_room(newest_bytes(store)?)?;
    let mut writer = store.snapshot_writer(tip.height.0, tip.block.0)?;
    let mut records = tip.state.records();
    loop {
        let part: Vec<(&TreeKey, &Record)> = records.by_ref().take(RECORDS_A_CHUNK).collect();
        if part.is_empty() {
            return Ok(writer.finish()?.bytes);
        }
        for chunk in chunks(&part)? {
            if cancelled.load(Ordering::Acquire) {
                return Err(WriteError::Cancelled);
            }
            writer.write(&chunk)?;
        }
    }
}

/// How large the newest snapshot is; the next one will hardly be smaller.
fn newest_bytes(store: &Store) -> Result<u64, StoreError> {
    let Some(newest) = store.snapshot_heights()?.first().copied() else { return Ok(0) };
    Ok(store.snapshot_chunks(newest)?.info().bytes)
}

/// The records' encoding in as many chunks as they need.
fn chunks(part: &[(&TreeKey, &Record)]) -> Result<Vec<Vec<u8>>, WriteError> {
    let encoded = codec::encode(&part.to_vec());
    if encoded.len() <= SNAPSHOT_CHUNK_BYTES {
        return Ok(vec![encoded]);
    }
    if part.len() == 1 {
        return Err(WriteError::RecordTooLarge { bytes: encoded.len() });
    }
    let (front, back) = part.split_at(part.len() / 2);
    let mut all = chunks(front)?;
    all.extend(chunks(back)?);
    Ok(all)
}

/// A state read from a snapshot. Its root was computed from the records, and is to be compared with the block's.
pub(super) struct Restored {
    pub(super) height: Height,
    pub(super) block: BlockId,
    pub(super) state: State,
}

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("chunk {chunk} holds no records of this version")]
    Malformed { chunk: usize },
    #[error("its records are not in order: {0}")]
    Order(#[from] keis_ledger::tree::OrderError),
}

/// Reads a snapshot and hashes each of its records.
pub(super) fn read(store: &Store, height: Height) -> Result<Restored, ReadError> {
    let chunks = store.snapshot_chunks(height.0)?;
    let block = BlockId(chunks.info().id);
    Ok(Restored { height, block, state: rebuild(chunks)? })
}

/// The state of which these are the chunks, each record hashed. Holds one chunk beside the state.
pub(crate) fn rebuild(mut chunks: impl Iterator<Item = Result<Vec<u8>, StoreError>>) -> Result<State, ReadError> {
    let mut fault = None;
    let records = (0..).map_while(|index| match read_chunk(chunks.next()?, index) {
        Ok(records) => Some(records),
        Err(error) => {
            fault = Some(error);
            None
        }
    });
    let state = State::from_records(records.flatten());
    match fault {
        Some(error) => Err(error),
        None => Ok(state?),
    }
}

fn read_chunk(chunk: Result<Vec<u8>, StoreError>, index: usize) -> Result<Vec<(TreeKey, Record)>, ReadError> {
    codec::decode(&chunk?).map_err(|_| ReadError::Malformed { chunk: index })
}
