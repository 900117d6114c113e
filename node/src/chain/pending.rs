//! The proposals of the height after the tip: durable in the store, and held here with what was computed from them.

use std::collections::BTreeMap;

use bytes::Bytes;
use keis_engine::{AppError, Blocks, Proposal};
use keis_ledger::block::Executed;
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::ids::BlockId;

use super::error::ChainError;
use super::records::{Judgement, Note};
use crate::store::{Store, Undecided};

/// Most different blocks of one height; only one that a quorum voted for is taken in beyond it.
const MOST_BLOCKS: usize = 32;

/// Proposals of one height.
#[derive(Default)]
pub(super) struct Pending {
    blocks: BTreeMap<BlockId, Candidate>,
    rounds: BTreeMap<(u32, BlockId), Note>,
}

/// A block that may be decided.
pub(super) struct Candidate {
    pub(super) bytes: Bytes,
    pub(super) judgement: Judgement,
    /// What follows from it; none when it is invalid, or was read from the disk.
    pub(super) executed: Option<Executed>,
}

impl Pending {
    /// The proposals of a height that the store holds.
    pub(super) fn load(store: &Store, height: Height) -> Result<Self, ChainError> {
        let mut pending = Self::default();
        for stored in store.undecided(height.0).map_err(ChainError::store(height))? {
            let note: Note =
                codec::decode(&stored.meta).map_err(|_| ChainError::Malformed { what: "a proposal's note", height })?;
            let (bytes, judgement) = (stored.block.into(), note.judgement);
            pending.put(stored.round, BlockId(stored.id), note, Candidate { bytes, judgement, executed: None });
        }
        Ok(pending)
    }

    /// Takes in a proposal of a round. A block that is held already keeps its content and what was computed from it.
    pub(super) fn put(&mut self, round: u32, block: BlockId, note: Note, candidate: Candidate) {
        self.rounds.insert((round, block), note);
        let held = self.blocks.entry(block).or_insert(candidate);
        // A quorum's votes free a block from the bound of the clock, for good.
        if held.judgement == Judgement::Early && note.judgement == Judgement::Valid {
            held.judgement = Judgement::Valid;
        }
    }

    pub(super) fn get(&self, block: &BlockId) -> Option<&Candidate> {
        self.blocks.get(block)
    }

    pub(super) fn take(&mut self, block: &BlockId) -> Option<Candidate> {
        self.blocks.remove(block)
    }

    /// What is noted for a proposal of a round.
    pub(super) fn note(&self, round: u32, block: BlockId) -> Option<&Note> {
        self.rounds.get(&(round, block))
    }

    pub(super) fn is_full(&self) -> bool {
        self.blocks.len() >= MOST_BLOCKS || self.rounds.len() >= 8 * MOST_BLOCKS
    }

    /// The proposals of a round, with this node's judgement.
    pub(super) fn of_round(&self, height: Height, round: u32) -> Vec<(Proposal, Judgement)> {
        let range = (round, BlockId::default())..=(round, BlockId([u8::MAX; 32]));
        let entries = self.rounds.range(range);
        entries.filter_map(|((round, block), note)| self.proposal(height, *round, *block, note)).collect()
    }

    /// What this node built for a round.
    pub(super) fn own(&self, height: Height, round: u32) -> Option<Proposal> {
        let range = (round, BlockId::default())..=(round, BlockId([u8::MAX; 32]));
        let (&(round, block), note) = self.rounds.range(range).find(|(_, note)| note.own)?;
        self.proposal(height, round, block, note).map(|(proposal, _)| proposal)
    }

    /// A held block, as it was proposed first.
    pub(super) fn find(&self, height: Height, block: BlockId) -> Option<Proposal> {
        let (&(round, block), note) = self.rounds.iter().find(|((_, id), _)| *id == block)?;
        self.proposal(height, round, block, note).map(|(proposal, _)| proposal)
    }

    fn proposal(&self, height: Height, round: u32, block: BlockId, note: &Note) -> Option<(Proposal, Judgement)> {
        let candidate = self.blocks.get(&block)?;
        let (valid_round, proposer, bytes) = (note.valid_round, note.proposer, candidate.bytes.clone());
        Some((Proposal { height, round, valid_round, proposer, block, bytes }, candidate.judgement))
    }
}

impl Blocks for Store {
    fn settle(&self) -> Result<(), AppError> {
        Ok(Store::settle(self)?)
    }

    fn holds(&self, height: Height, block: BlockId) -> Result<bool, AppError> {
        Ok(self.undecided_block(height.0, &block.0)?.is_some())
    }
}

/// A proposal as the store keeps it.
pub(super) fn undecided(proposal: &Proposal, note: &Note) -> Undecided {
    Undecided {
        height: proposal.height.0,
        round: proposal.round,
        id: proposal.block.0,
        meta: codec::encode(note),
        block: proposal.bytes.to_vec(),
    }
}
