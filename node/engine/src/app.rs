//! What a node answers to the engine, and what passes between them. No type of the engine's libraries occurs here.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use keis_ledger::chain::{Address, Certificate, Height, ValidatorSet};
use keis_ledger::ids::BlockId;
use tokio::sync::watch;

/// A block as it is proposed, on its way or stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Height that it is for.
    pub height: Height,
    /// Round in which it is proposed.
    pub round: u32,
    /// Earlier round in which a quorum prevoted it, when it is proposed again. As the sender says.
    pub valid_round: Option<u32>,
    /// Who proposed it, as the sender says; only a signed proposal in consensus is binding.
    pub proposer: Address,
    /// Id of the block, computed by [`Application::identify`].
    pub block: BlockId,
    /// The encoded block.
    pub bytes: Bytes,
}

/// The application's judgement of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be voted for.
    Valid,
    /// It is a block of this height, and breaks a rule.
    Invalid,
    /// It is no block at all, or none of this height. Nothing was stored.
    Garbage,
}

/// Why the application cannot go on: a failed disk, a broken invariant. The engine stops on it.
pub type AppError = Box<dyn std::error::Error + Send + Sync>;

/// The blocks that an application stores, for whoever writes of them beside it, from any thread. Waits for the disk.
pub trait Blocks: Send + Sync + 'static {
    /// Makes durable what is stored and is not yet.
    fn settle(&self) -> Result<(), AppError>;

    /// Whether this block, not decided yet, is stored.
    fn holds(&self, height: Height, block: BlockId) -> Result<bool, AppError>;
}

/// A node, as the engine sees it. All calls come from one task, one after the other; while one runs consensus waits.
#[async_trait]
pub trait Application: Send + Sync + 'static {
    /// The last committed height.
    fn tip(&self) -> Height;

    /// The lowest height whose block is still held, 0 if none is.
    fn first_height(&self) -> Height;

    /// The validators that decide a height, at most one above the tip.
    fn validators(&self, height: Height) -> ValidatorSet;

    /// The id of an encoded block, or `None` when the bytes are no block. Reads nothing but the bytes.
    fn identify(&self, bytes: &Bytes) -> Option<BlockId>;

    /// The block to propose, stored as a received one is: the same one for the same height and round, also after a crash if it
    /// was durable. Must not wait for work: an empty block will do.
    async fn propose(&mut self, height: Height, round: u32, proposer: Address) -> Result<Proposal, AppError>;

    /// Stores a block of the height after the tip and judges it; [`Blocks::settle`] makes it durable. `fresh`: no quorum is
    /// known to have voted for it, so the bound against the own clock is judged. One that is known keeps its verdict, save that an invalid one which
    /// rests on the own clock alone is judged anew, without the clock, when it comes again and is not fresh.
    async fn receive(&mut self, proposal: Proposal, fresh: bool) -> Result<Verdict, AppError>;

    /// The stored blocks. They are settled before anything that this node signed about them leaves it; a node that only
    /// follows what others decide never needs that, since a commit makes its block durable.
    fn blocks(&self) -> Arc<dyn Blocks>;

    /// The stored blocks, not decided yet, of a round.
    async fn undecided(&mut self, height: Height, round: u32) -> Result<Vec<(Proposal, Verdict)>, AppError>;

    /// A stored block, not decided yet, to be sent to peers again.
    async fn find(&mut self, height: Height, block: BlockId) -> Result<Option<Proposal>, AppError>;

    /// Commits a stored block; block and certificate are durable before this returns. A height at or below the tip is
    /// committed already: nothing is to be done.
    async fn commit(&mut self, certificate: Certificate) -> Result<(), AppError>;

    /// A committed block with its certificate, for peers that catch up.
    async fn decided(&self, height: Height) -> Result<Option<(Bytes, Certificate)>, AppError>;

    /// True while a new height is worth starting: a transaction waits or a clock step is due. Read at every height's end.
    fn work(&self) -> watch::Receiver<bool>;
}
