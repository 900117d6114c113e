//! What a node that catches up asks, and what it is answered.

use bincode::{Decode, Encode};
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::crypto::Hash;

use crate::chain::{Handover, PastBlock};

/// Longest answer, in bytes: the largest block with its receipts.
pub const MAX_ANSWER: usize = 20 << 20;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// What there is.
    Offer,
    /// The changes of validators above a height.
    Handovers {
        /// The height.
        above: Height,
    },
    /// A chunk of a snapshot.
    Chunk {
        /// The snapshot's height.
        height: Height,
        /// The chunk's number, from 0.
        index: u32,
    },
    /// Blocks below a height, downwards.
    History {
        /// The height.
        below: Height,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Response {
    /// It is not here.
    Missing,
    /// What there is.
    Offer(Offer),
    /// Changes of validators, ascending; none when there are no more.
    Handovers(Vec<Handover>),
    /// A chunk of a snapshot.
    Chunk(Vec<u8>),
    /// Blocks, descending.
    History(Vec<PastBlock>),
}

/// What a node has.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// Its tip.
    pub tip: Height,
    /// Its snapshots, newest first.
    pub snapshots: Vec<SnapshotOffer>,
}

/// A snapshot of the state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SnapshotOffer {
    /// Header of the block after which the state was taken.
    pub header: Header,
    /// The votes that decided it. Nodes hold different ones.
    pub certificate: Certificate,
    /// Hashes of its chunks, in order.
    pub digests: Vec<Hash>,
}
