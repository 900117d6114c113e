//! Proposals of the height in progress.

use super::chain::{self, Undecided};
use super::engine::Batch;
use super::error::StoreError;
use super::{Store, VALUE_BYTES, check_size, keys, value};

impl Store {
    /// Stores a proposal; [`Store::settle`] or the next durable write makes it durable. Its block's bytes are stored once, in
    /// however many rounds it is proposed.
    pub fn put_undecided(&self, proposal: &Undecided) -> Result<(), StoreError> {
        check_size("a block", &proposal.block, VALUE_BYTES)?;
        check_size("what comes with a proposal", &proposal.meta, VALUE_BYTES)?;
        let _alone = self.shared.chain.alone();
        if self.shared.chain.extent().is_some_and(|extent| proposal.height <= extent.tip) {
            return Err(StoreError::AlreadyDecided { height: proposal.height });
        }
        self.engine.write_lazily(chain::stage_undecided(&self.engine, proposal)?)
    }

    /// Makes durable what is not yet, if there is anything.
    pub fn settle(&self) -> Result<(), StoreError> {
        self.engine.settle()
    }

    /// The proposals of a height, by round.
    pub fn undecided(&self, height: u64) -> Result<Vec<Undecided>, StoreError> {
        let _alone = self.shared.chain.alone();
        chain::undecided(&self.engine, &keys::undecided_at(height))
    }

    /// The proposals of a height and round.
    pub fn undecided_by_round(&self, height: u64, round: u32) -> Result<Vec<Undecided>, StoreError> {
        let _alone = self.shared.chain.alone();
        chain::undecided(&self.engine, &keys::undecided_in(height, round))
    }

    /// The bytes of a proposed block.
    pub fn undecided_block(&self, height: u64, id: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.shared.chain.holds(height) {
            return Ok(None);
        }
        value::read(&self.engine, &keys::body(height, id))
    }

    /// Removes the proposals up to a height, for when they are damaged; their blocks come again from peers.
    pub fn forget_undecided(&self, height: u64) -> Result<(), StoreError> {
        let _alone = self.shared.chain.alone();
        if self.shared.chain.extent().is_some_and(|extent| height <= extent.tip) {
            return Err(StoreError::AlreadyDecided { height });
        }
        let mut batch = Batch::new();
        chain::stage_forget_undecided(&self.engine, &mut batch, height, |_, _| false)?;
        self.engine.write(batch)
    }
}
