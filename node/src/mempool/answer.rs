//! What the mempool is asked and what it answers.

use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{DocumentId, TransactionId};
use keis_ledger::rejection::Rejection;
use keis_ledger::transaction::TransactionError;

/// Where a transaction comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a client of this node.
    Client,
    /// From the node with this network key.
    Peer(PublicKey),
}

/// A transaction is in good hands; no promise that it will be in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Its id.
    pub id: TransactionId,
    /// Whether it was new. Otherwise it waits already, or is on the ledger.
    pub fresh: bool,
}

/// Why a transaction is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bytes are no transaction.
    #[error("the bytes are no transaction: {0}")]
    Malformed(TransactionError),
    /// The signature does not hold on this network.
    #[error("the signature does not hold on this network")]
    Signature,
    /// It would have no effect.
    #[error("it would have no effect: {0}")]
    Rejected(Rejection),
    /// No room; send it again later.
    #[error("this node has no room for another transaction now")]
    Full,
    /// Its sender has too many here; send it again later.
    #[error("too many transactions of this key are waiting")]
    SenderFull,
    /// The document that it names must be sent first.
    #[error("the document {0} must be sent first")]
    DocumentMissing(DocumentId),
}

/// Where a transaction stands that is not on the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits for a block.
    Waiting,
    /// It waits for an earlier transaction, or for time to pass.
    Parked,
    /// It has no effect, and may be sent again.
    Dropped {
        /// The rule it breaks.
        rejection: Rejection,
        /// Height of the ledger on which it was judged.
        height: Height,
    },
}

impl Refused {
    /// A word for metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Signature => "signature",
            Self::Rejected(_) => "rejected",
            Self::Full => "full",
            Self::SenderFull => "sender_full",
            Self::DocumentMissing(_) => "document_missing",
        }
    }
}
