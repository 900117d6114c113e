//! Composing transactions: who signs, for how long they may wait, on whose behalf.

use keis_ledger::codec::MAX_TRANSACTION;
use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, SignedTransaction};

use crate::random::random_bytes;

/// How long a transaction may wait for its block, unless its composer says otherwise.
pub const STANDARD_VALIDITY: Span = Span(60 * 60 * 1000);

/// Composes and signs the transactions of one key on one network.
#[derive(Debug, Clone)]
pub struct Composer {
    network: Hash,
    key: SecretKey,
    validity: Span,
}

/// An operation that fits in no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transaction would have {length} bytes; {MAX_TRANSACTION} is the most, so it must be sent in parts")]
pub struct TooLong {
    /// Its length in bytes.
    pub length: usize,
}

impl Composer {
    /// A composer for the network of a genesis document's hash.
    pub fn new(network: Hash, key: SecretKey) -> Self {
        Self { network, key, validity: STANDARD_VALIDITY }
    }

    /// The same, for transactions that may wait this long; the network's `max_validity` bounds it.
    pub fn valid_for(self, validity: Span) -> Self {
        Self { validity, ..self }
    }

    /// The key that signs.
    pub fn signer(&self) -> PublicKey {
        self.key.public()
    }

    /// Composes and signs. `now` is the network's time (a gateway's status tells it); each call makes another transaction.
    ///
    /// # Errors
    /// [`TooLong`] when the operation fits in no transaction.
    pub fn compose(&self, now: Timestamp, operation: Operation) -> Result<SignedTransaction, TooLong> {
        self.sign(now, None, operation)
    }

    /// Composes and signs for a party that asked by telephone or letter; the receipt says so.
    ///
    /// # Errors
    /// [`TooLong`] when the operation fits in no transaction.
    pub fn compose_on_behalf(
        &self,
        now: Timestamp,
        party: Party,
        operation: Operation,
    ) -> Result<SignedTransaction, TooLong> {
        self.sign(now, Some(party), operation)
    }

    fn sign(&self, now: Timestamp, behalf: Option<Party>, operation: Operation) -> Result<SignedTransaction, TooLong> {
        let body = Body {
            signer: self.key.public(),
            behalf,
            salt: u64::from_le_bytes(random_bytes()),
            valid_until: now.after(self.validity),
            operation,
        };
        let signed = body.sign(&self.network, &self.key);
        let length = signed.raw().len();
        if length > MAX_TRANSACTION { Err(TooLong { length }) } else { Ok(signed) }
    }
}
