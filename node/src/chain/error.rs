//! What ends the chain's work on this node.

use std::path::PathBuf;

use keis_ledger::block::InvalidBlock;
use keis_ledger::chain::{CertificateError, Height};
use keis_ledger::ids::BlockId;

use crate::store::StoreError;

/// Why the chain cannot go on. Every one of them stops the node.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The store failed.
    #[error("at height {height}")]
    Store {
        /// The height worked on.
        height: Height,
        /// The cause.
        #[source]
        source: StoreError,
    },
    /// A stored value is whole, and is not what this version writes.
    #[error("{what} of height {height} cannot be read")]
    Malformed {
        /// What it should be.
        what: &'static str,
        /// Its height.
        height: Height,
    },
    /// Asked for a block of another height than the next.
    #[error("asked to propose at height {height}, and the tip is {tip}")]
    NotNext {
        /// The height asked for.
        height: Height,
        /// The tip.
        tip: Height,
    },
    /// A decided block that was never stored here.
    #[error("block {block} of height {height} was decided, and is not stored")]
    Unknown {
        /// Its height.
        height: Height,
        /// The block.
        block: BlockId,
    },
    /// A decided block that breaks the rules as this node has them.
    #[error("block {block} of height {height} was decided, and is invalid here: {reason}")]
    DecidedInvalid {
        /// Its height.
        height: Height,
        /// The block.
        block: BlockId,
        /// Why.
        reason: Fault,
    },
    /// The chain as stored does not follow from genesis by the rules of this version.
    #[error("replaying height {height} failed: {reason}")]
    Replay {
        /// The height.
        height: Height,
        /// Why.
        reason: Fault,
    },
    /// The next block is under rules that this build, as it is used, does not know.
    #[error("from height {height} on the rules are of version {version}, and this node knows them up to {supported}")]
    ProtocolUnknown {
        /// The first height under them.
        height: Height,
        /// Their version.
        version: u32,
        /// The newest version that is known.
        supported: u32,
    },
    /// A stored certificate does not prove its block.
    #[error("the certificate of height {height} proves nothing: {source}")]
    Certificate {
        /// The height.
        height: Height,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// A part of the chain that is needed for the state is damaged on this disk.
    #[error("height {height} is damaged on disk: {detail}")]
    Damaged {
        /// The height.
        height: Height,
        /// What is wrong.
        detail: String,
    },
    /// The rules panicked.
    #[error("executing at height {height} ended in a panic")]
    Panicked {
        /// The height.
        height: Height,
    },
    /// The node is stopping while it waits for room on the disk.
    #[error("the disk of {} is full, and the node is stopping", path.display())]
    NoRoom {
        /// The store's folder.
        path: PathBuf,
    },
}

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not follow from its parent.
    #[error(transparent)]
    Block(#[from] InvalidBlock),
    /// One of its transactions is none of this network.
    #[error("transaction {index} is malformed or not signed by its signer")]
    Transaction {
        /// Its place.
        index: u32,
    },
}

impl ChainError {
    /// A store's failure while a height was worked on.
    pub(super) fn store(height: Height) -> impl FnOnce(StoreError) -> Self {
        move |source| Self::Store { height, source }
    }
}
