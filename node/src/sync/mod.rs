//! How a node without a chain comes to one: by every block from genesis, or by a peer's snapshot of the state.
//!
//! A snapshot is believed for nothing that a peer says. Its header is proven by certificates from the founding document on
//! ([`crate::chain::Lineage`]), and the state rebuilt from its records must have exactly the header's root; a peer that lies
//! costs time and is asked no more. Later blocks come by the engine's own value sync. Blocks before the snapshot are
//! fetched in the background, downwards, each proven by its child's header and its own certificate. What was fetched stays
//! on the disk, so that a node that is killed goes on where it was.
//!
//! | module | owns |
//! |---|---|
//! | `message` | questions and answers |
//! | `library` | what peers are answered |
//! | `candidate` | what peers offer, proven as far as it can be before it is fetched |
//! | `parts` | fetched chunks on the disk |
//! | `join` | the way from an empty store to a chain |
//! | `history` | the blocks before the snapshot |
//!
//! It must not know the transport: peers are [`Neighbours`].

mod candidate;
#[cfg(fuzzing)]
pub mod fuzzing;
mod history;
mod join;
mod library;
mod message;
mod parts;

use async_trait::async_trait;
use keis_ledger::crypto::PublicKey;

pub use history::complete;
pub use join::{Joining, Outcome, SyncError, join};
pub use library::Library;
pub use message::{MAX_ANSWER, Offer, Request, Response, SnapshotOffer};

/// A peer as far as it can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// Its network key.
    pub key: PublicKey,
    /// Whether a connection stands.
    pub connected: bool,
    /// Whether there is no hope for a connection at the moment.
    pub out_of_reach: bool,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No connection stands.
    #[error("the peer is not connected")]
    Unreachable,
    /// No answer in time.
    #[error("the peer does not answer")]
    Silent,
    /// The peer's software is older than the question.
    #[error("the peer does not know this protocol")]
    Unsupported,
    /// The answer cannot be read.
    #[error("the peer's answer cannot be read")]
    Garbage,
    /// This node's network has ended.
    #[error("the network has ended")]
    Ended,
}

/// The peers that a node may ask.
#[async_trait]
pub trait Neighbours: Send + Sync {
    /// All of them.
    fn list(&self) -> Vec<Neighbour>;

    /// Resolves when the list has changed.
    async fn changed(&self);

    /// Asks one of them.
    async fn ask(&self, peer: PublicKey, request: Request) -> Result<Response, AskError>;
}
