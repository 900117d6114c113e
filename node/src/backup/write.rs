//! From a store to a stream. Reads only what is decided and durable, so it may run beside a node at work.

use std::io::{self, Write};

use keis_ledger::chain::Height;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;

use super::frame::{FORMAT, Frame, FrameWriter, Head, Tally};
use crate::chain::{self, ChainError, PastBlock};
use crate::store::{Store, StoreError};

/// Why a backup is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It cannot be written.
    #[error("the backup cannot be written")]
    Write(#[source] io::Error),
    /// The store cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// What is stored cannot be told.
    #[error("the chain cannot be read")]
    Chain(#[from] ChainError),
    /// A block is gone.
    #[error("height {0} is not in the store")]
    Missing(Height),
    /// Older blocks are elsewhere, and there is no state to begin with.
    #[error("history begins at height {0} here and no snapshot is sound: another node has to give the backup")]
    NoBeginning(Height),
    /// The node ends.
    #[error("the node is stopping")]
    Stopping,
}

/// Writes the ledger of a store: head, changes of validators, snapshot, blocks, documents, end.
///
/// # Errors
/// [`BackupError`]; what was written is not a backup then.
pub fn write(
    store: &Store,
    network: Hash,
    out: &mut FrameWriter<impl Write>,
    stopping: &dyn Fn() -> bool,
) -> Result<Head, BackupError> {
    let head = head(store, network)?;
    let mut sink = Sink { store, out, stopping, tally: Tally::default() };
    sink.push(&Frame::Head(head.clone()))?;
    for change in chain::stored_handovers(store, head.tip)? {
        sink.push(&Frame::Handover(Box::new(change)))?;
    }
    if let Some((height, _)) = head.snapshot {
        for chunk in store.snapshot_chunks(height.0)? {
            sink.push(&Frame::Chunk(chunk?))?;
        }
    }
    for height in order(&head) {
        sink.block(height)?;
    }
    for hash in store.documents()? {
        // One that cannot be read is fetched from peers wherever it is missing.
        if let Ok(Some(bytes)) = store.document(&hash) {
            sink.push(&Frame::Document(bytes))?;
        }
    }
    sink.end()?;
    Ok(head)
}

/// What is told: up to the tip of this moment, from the newest snapshot that reads whole.
fn head(store: &Store, network: Hash) -> Result<Head, BackupError> {
    let first = store.first_height().unwrap_or(0);
    let (snapshot, damaged) = store.newest_snapshot()?;
    for damage in &damaged {
        tracing::warn!(height = damage.height, detail = damage.detail, "a snapshot is damaged, and not backed up");
    }
    let (tip, block) = store.tip().unwrap_or((0, [0; 32]));
    let snapshot = snapshot.filter(|info| (first..=tip).contains(&info.height));
    if snapshot.is_none() && first > 1 {
        return Err(BackupError::NoBeginning(Height(first)));
    }
    let snapshot = snapshot.map(|info| (Height(info.height), BlockId(info.id)));
    Ok(Head { format: FORMAT, network, first: Height(first), tip: Height(tip), block: BlockId(block), snapshot })
}

/// The heights in the order of a stream.
pub(super) fn order(head: &Head) -> impl Iterator<Item = Height> + use<> {
    let (first, tip) = (head.first.0, head.tip.0);
    let middle = head.snapshot.map_or(0, |(height, _)| height.0);
    let down = if middle == 0 { first..first } else { first..middle + 1 };
    let up = if middle == 0 { first.max(1)..tip + 1 } else { middle + 1..tip + 1 };
    down.rev().chain(up).map(Height)
}

struct Sink<'a, W> {
    store: &'a Store,
    out: &'a mut FrameWriter<W>,
    stopping: &'a dyn Fn() -> bool,
    tally: Tally,
}

impl<W: Write> Sink<'_, W> {
    fn push(&mut self, frame: &Frame) -> Result<(), BackupError> {
        if (self.stopping)() {
            return Err(BackupError::Stopping);
        }
        match frame {
            Frame::Block(_) => self.tally.blocks += 1,
            Frame::Chunk(_) => self.tally.chunks += 1,
            Frame::Document(_) => self.tally.documents += 1,
            Frame::Head(_)
            | Frame::Settings(_)
            | Frame::Genesis(_)
            | Frame::NetworkKey(_)
            | Frame::ConsensusKey { .. }
            | Frame::Handover(_)
            | Frame::End(_) => {}
        }
        self.out.push(frame).map_err(BackupError::Write)
    }

    fn block(&mut self, height: Height) -> Result<(), BackupError> {
        let past = PastBlock::read(self.store, height)?.ok_or(BackupError::Missing(height))?;
        self.push(&Frame::Block(past))
    }

    fn end(&mut self) -> Result<(), BackupError> {
        let tally = self.tally;
        self.push(&Frame::End(tally))
    }
}
