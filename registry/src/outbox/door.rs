//! The way to the ledger, as the outbox needs it. Somebody who has keys and a gateway's address implements it.

use async_trait::async_trait;
use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;

use super::Office;

/// A transaction as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its identity.
    pub id: TransactionId,
    /// The bytes that travel.
    pub raw: Vec<u8>,
    /// Last instant of a block that may hold it.
    pub valid_until: Timestamp,
}

/// What became of a transaction that was submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It took effect, now or when it was submitted before.
    Included {
        /// Height of its block.
        height: Height,
    },
    /// It has no effect: refused at the door, or taken and dropped.
    Refused {
        /// The rule it breaks, by its stable name.
        code: String,
        /// Whether an earlier transaction or time may lift the rule (`Rejection::may_pass_later`).
        may_pass_later: bool,
        /// Words for people; never anything about a person.
        message: String,
    },
    /// Its last instant has passed without effect.
    Expired,
}

/// Why the door could not say. Nothing is known of the transaction then.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// No node answered, or not in time.
    #[error("no node of the network answers: {0}")]
    Unreachable(String),
    /// There is no key of this office here.
    #[error("no key of the {0} is here")]
    NoKey(Office),
    /// The transaction cannot be made.
    #[error("the transaction cannot be made: {0}")]
    Unsound(String),
}

/// The way to the ledger.
#[async_trait]
pub trait Door: Send + Sync {
    /// The network's time: that of the last block of the node that answers [`Door::receipt`] too.
    async fn now(&self) -> Result<Timestamp, DoorError>;

    /// Signs for an office. Nothing leaves yet.
    async fn sign(
        &self,
        office: Office,
        behalf: Option<Party>,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Signed, DoorError>;

    /// Puts a public document where the nodes keep it. The same again changes nothing.
    async fn put_document(&self, document: &[u8]) -> Result<(), DoorError>;

    /// Submits bytes and waits for what becomes of them. The same bytes again have no second effect.
    async fn submit(&self, raw: &[u8]) -> Result<Fate, DoorError>;

    /// The block of a transaction, if it took effect.
    async fn receipt(&self, id: TransactionId) -> Result<Option<Height>, DoorError>;
}
