//! What peers that catch up are answered. Reads the disk.

use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;

use super::message::{MAX_ANSWER, Offer, Request, Response, SnapshotOffer};
use crate::chain::{Archive, ChainError, PastBlock};
use crate::store::Store;

/// Newest snapshots that are offered.
const OFFERED: usize = 2;
/// Changes of validators in one answer.
const HANDOVERS: usize = 64;
/// Bytes of blocks after which an answer takes no more, and most blocks.
const HISTORY_BYTES: usize = 1 << 20;
const HISTORY_BLOCKS: u64 = 64;

/// What a node tells peers that catch up.
pub struct Library {
    store: Store,
    archive: Archive,
}

impl Library {
    /// Tells of a store and its history.
    pub fn new(store: Store, archive: Archive) -> Self {
        Self { store, archive }
    }

    /// Answers a question.
    pub fn answer(&self, request: &Request) -> Response {
        let answer = match request {
            Request::Offer => self.offer(),
            Request::Handovers { above } => {
                let mut changes = self.archive.handovers_above(*above);
                changes.truncate(HANDOVERS);
                Ok(Response::Handovers(changes))
            }
            Request::Chunk { height, index } => self.chunk(*height, *index),
            Request::History { below } => self.history(*below),
        };
        match answer {
            Ok(answer) => answer,
            // What this disk lost is somebody else's to tell.
            Err(error) => {
                tracing::warn!(?request, %error, "a peer's question is not answered");
                Response::Missing
            }
        }
    }

    fn offer(&self) -> Result<Response, ChainError> {
        let tip = self.archive.tip();
        let failed = |source| ChainError::Store { height: tip, source };
        let mut snapshots = Vec::new();
        for height in self.store.snapshot_heights().map_err(failed)?.into_iter().take(OFFERED) {
            let Some(decision) = self.archive.decision(Height(height))? else { continue };
            let Some(digests) = self.store.snapshot_digests(height).map_err(failed)? else { continue };
            let digests = digests.into_iter().map(Hash).collect();
            snapshots.push(SnapshotOffer { header: decision.header, certificate: decision.certificate, digests });
        }
        Ok(Response::Offer(Offer { tip, snapshots }))
    }

    fn chunk(&self, height: Height, index: u32) -> Result<Response, ChainError> {
        let chunk = self.store.snapshot_chunk(height.0, index);
        let chunk = chunk.map_err(|source| ChainError::Store { height, source })?;
        Ok(chunk.map_or(Response::Missing, Response::Chunk))
    }

    fn history(&self, below: Height) -> Result<Response, ChainError> {
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        for number in (below.0.saturating_sub(HISTORY_BLOCKS).max(1)..below.0).rev() {
            let Some(past) = self.archive.past_block(Height(number))? else { break };
            bytes += size(&past);
            if bytes > MAX_ANSWER || (bytes > HISTORY_BYTES && !blocks.is_empty()) {
                break;
            }
            blocks.push(past);
        }
        Ok(if blocks.is_empty() { Response::Missing } else { Response::History(blocks) })
    }
}

fn size(past: &PastBlock) -> usize {
    past.block.len() + past.receipts.len() + codec::encode(&past.certificate).len() + 64
}
