//! From a stream to a store. Every block is proven by its parent or child and by its certificate before it is stored; the state
//! is held against the root of its block when all of it is there.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use keis_genesis::Genesis;
use keis_ledger::chain::Height;
use keis_ledger::ids::{BlockId, DocumentId};

use super::frame::{Frame, FrameReader, Head, Tally};
use super::restore::{Progress, RestoreError};
use crate::chain::{self, Lineage, PastBlock, Proven};
use crate::store::{self, SnapshotWriter, Store};

/// A store that is being filled.
struct Filling<'a> {
    head: &'a Head,
    store: Store,
    lineage: Lineage,
    /// Whether the changes of validators are stored: they come before everything that they prove.
    settled: bool,
    writer: Option<SnapshotWriter>,
    /// The lowest block so far, and what it names as its parent.
    lowest: Option<(Height, BlockId)>,
    highest: (Height, BlockId),
    tally: Tally,
    progress: Progress<'a>,
}

/// Fills a new store in a folder from what follows the head, then loads the chain from it as a node does at its start.
pub(super) fn fill(
    frames: &mut FrameReader<impl Read>,
    head: &Head,
    genesis: &Genesis,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<Tally, RestoreError> {
    // Nothing of this store counts before all of it is there, so it is made durable once, at the end.
    let unsynced = store::Options { sync: Arc::new(|_| Ok(())), ..store::Options::new(head.network.0) };
    let (store, _) = Store::open(folder, unsynced)?;
    let mut filling = Filling {
        head,
        store,
        lineage: Lineage::new(head.network, genesis.validators().clone()),
        settled: false,
        writer: None,
        lowest: None,
        highest: (Height(0), genesis.tip().block),
        tally: Tally::default(),
        progress,
    };
    let told = loop {
        let frame = frames.pull()?;
        if let Frame::End(tally) = frame {
            break tally;
        }
        filling.take(frame)?;
    };
    frames.end()?;
    filling.finish(told)?;
    sync_all(folder).map_err(|source| RestoreError::Folder { path: folder.to_owned(), source })?;
    prove(folder, head, genesis)?;
    Ok(told)
}

impl Filling<'_> {
    fn take(&mut self, frame: Frame) -> Result<(), RestoreError> {
        match frame {
            Frame::Handover(change) if !self.settled => {
                let height = change.header.height;
                self.lineage.push(*change).map_err(|source| RestoreError::Lineage { height, source })
            }
            Frame::Chunk(bytes) if self.tally.blocks == 0 => self.chunk(&bytes),
            Frame::Block(past) => self.block(past),
            Frame::Document(bytes) => {
                self.tally.documents += 1;
                Ok(self.store.put_document(&DocumentId::of(&bytes).0, &bytes)?)
            }
            misplaced @ (Frame::Head(_)
            | Frame::Settings(_)
            | Frame::Genesis(_)
            | Frame::NetworkKey(_)
            | Frame::ConsensusKey { .. }
            | Frame::Handover(_)
            | Frame::Chunk(_)
            | Frame::End(_)) => Err(RestoreError::Misplaced(misplaced.name())),
        }
    }

    fn settle(&mut self) -> Result<(), RestoreError> {
        if !std::mem::replace(&mut self.settled, true) {
            chain::store_all(&self.store, self.lineage.changes())?;
        }
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        self.settle()?;
        let Some((height, block)) = self.head.snapshot else { return Err(RestoreError::Misplaced("a snapshot")) };
        self.tally.chunks += 1;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(self.store.snapshot_writer(height.0, block.0)?),
        };
        Ok(writer.write(bytes)?)
    }

    fn block(&mut self, past: PastBlock) -> Result<(), RestoreError> {
        self.settle()?;
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        self.tally.blocks += 1;
        let header = past.header().ok_or(RestoreError::Misplaced("something that is no block"))?;
        let (height, id) = (header.height, header.id());
        (self.progress)(self.tally.blocks, self.head.tip.0 + 1 - self.head.first.0);
        match (self.lowest, self.head.snapshot) {
            (None, Some((_, wanted))) => {
                self.prove(past, wanted, height)?.begin(&self.store)?;
                self.highest = (height, id);
            }
            (Some((lowest, parent)), Some((snapshot, _))) if lowest > self.head.first && height < snapshot => {
                self.prove(past, parent, height)?.prepend(&self.store)?;
            }
            (None | Some(_), None | Some(_)) => {
                if header.parent != self.highest.1 || height != self.highest.0.next() {
                    return Err(RestoreError::Gap { after: self.highest.0 });
                }
                self.prove(past, id, height)?.append(&self.store)?;
                self.highest = (height, id);
            }
        }
        if self.lowest.is_none_or(|(lowest, _)| height < lowest) {
            self.lowest = Some((height, header.parent));
        }
        Ok(())
    }

    fn prove(&self, past: PastBlock, id: BlockId, height: Height) -> Result<Proven, RestoreError> {
        past.prove(id, &self.lineage).map_err(|source| RestoreError::Block { height, source })
    }

    fn finish(mut self, told: Tally) -> Result<(), RestoreError> {
        self.settle()?;
        let first = self.lowest.map_or(Height(0), |(height, _)| height);
        let whole = told == self.tally
            && first == self.head.first
            && (self.head.tip == Height(0) || self.highest == (self.head.tip, self.head.block));
        if whole { Ok(()) } else { Err(RestoreError::Gap { after: self.highest.0 }) }
    }
}

/// Loads the chain: every record of the snapshot hashed, every block above it executed.
fn prove(folder: &Path, head: &Head, genesis: &Genesis) -> Result<(), RestoreError> {
    let (store, _) = Store::open(folder, store::Options::new(head.network.0))?;
    let loaded = chain::load(&store, &genesis.tip()).map_err(|source| RestoreError::Chain(Box::new(source)))?;
    let reached = (loaded.tip.height, loaded.tip.block);
    if head.tip > Height(0) && reached != (head.tip, head.block) {
        return Err(RestoreError::OtherState { reached: reached.0, tip: head.tip });
    }
    Ok(())
}

/// Makes everything below a folder durable.
pub(super) fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}
