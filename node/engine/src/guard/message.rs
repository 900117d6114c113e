//! What a validator signs, and the slot that it is for.

use bincode::{Decode, Encode};
use keis_ledger::chain::{Address, Height, VoteStep, vote_bytes};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;

use crate::context::proposal_bytes;

/// A message of consensus without its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Message {
    pub(super) slot: Slot,
    pub(super) valid_round: Option<u32>,
    pub(super) block: Option<BlockId>,
}

/// A place in consensus for which at most one message may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) struct Slot {
    pub(super) height: Height,
    pub(super) round: u32,
    pub(super) step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) enum Step {
    Propose,
    Prevote,
    Precommit,
}

impl Message {
    /// A vote; `None` is the vote for no block.
    pub fn vote(step: VoteStep, height: Height, round: u32, block: Option<BlockId>) -> Self {
        let step = match step {
            VoteStep::Prevote => Step::Prevote,
            VoteStep::Precommit => Step::Precommit,
        };
        Self { slot: Slot { height, round, step }, valid_round: None, block }
    }

    /// A proposal of a block, which was prevoted by a quorum in `valid_round` if it was proposed before.
    pub fn proposal(height: Height, round: u32, valid_round: Option<u32>, block: BlockId) -> Self {
        Self { slot: Slot { height, round, step: Step::Propose }, valid_round, block: Some(block) }
    }

    /// The height that the message is about.
    pub fn height(&self) -> Height {
        self.slot.height
    }

    /// The block that it is for.
    pub fn block(&self) -> Option<BlockId> {
        self.block
    }

    /// The exact bytes that are signed.
    pub fn bytes(&self, network: &Hash, sender: &Address) -> Vec<u8> {
        let Slot { height, round, step } = self.slot;
        match step {
            Step::Propose => {
                let block = self.block.expect("a proposal always has a block");
                proposal_bytes(network, height, round, self.valid_round, block, sender)
            }
            Step::Prevote => vote_bytes(network, VoteStep::Prevote, height, round, self.block, sender),
            Step::Precommit => vote_bytes(network, VoteStep::Precommit, height, round, self.block, sender),
        }
    }
}
