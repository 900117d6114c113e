//! Changes of the validators, so that whoever holds the founding document can prove who decides a height without executing
//! what came before: each change is a header that its validators signed and that commits to their successors.

use std::sync::{Arc, PoisonError, RwLock};

use bincode::{Decode, Encode};
use keis_ledger::chain::{Certificate, CertificateError, Header, Height, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::Hash;

use super::error::ChainError;
use crate::store::{Store, StoreError};

/// Begins the names under which changes are stored; a number follows.
const NAME: &str = "handover-";

/// A block after which others decide.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Handover {
    /// The block's header.
    pub header: Header,
    /// The votes of those who decided it.
    pub certificate: Certificate,
    /// Who decides the blocks after it.
    pub validators: ValidatorSet,
}

/// Why a header is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    /// It belongs to another network.
    #[error("height {0} is another network's")]
    Network(Height),
    /// It does not come after the changes that are proven.
    #[error("height {0} does not come after the changes before it")]
    Order(Height),
    /// Its validators are not those who decide its height.
    #[error("height {0} names other validators than those who decide it")]
    Validators(Height),
    /// The certificate is another block's.
    #[error("the certificate beside height {0} is another block's")]
    Block(Height),
    /// The votes do not prove it.
    #[error("the certificate of height {height} proves nothing: {source}")]
    Certificate {
        /// The height.
        height: Height,
        /// Why.
        source: CertificateError,
    },
    /// The successors are not those that the header commits to.
    #[error("height {0} hands over to other validators")]
    Successors(Height),
}

/// Who decides which height, proven from the founding document.
#[derive(Debug, Clone)]
pub struct Lineage {
    network: Hash,
    founders: ValidatorSet,
    changes: Vec<Handover>,
}

impl Lineage {
    /// The founders alone.
    pub fn new(network: Hash, founders: ValidatorSet) -> Self {
        Self { network, founders, changes: Vec::new() }
    }

    /// Adds the next change.
    ///
    /// # Errors
    /// [`LineageError`] when it does not follow from what is proven.
    pub fn push(&mut self, change: Handover) -> Result<(), LineageError> {
        let height = change.header.height;
        if height <= self.height() {
            return Err(LineageError::Order(height));
        }
        self.verify(&change.header, &change.certificate)?;
        let next = change.header.next_validators;
        if change.validators.hash() != next || next == change.header.validators {
            return Err(LineageError::Successors(height));
        }
        self.changes.push(change);
        Ok(())
    }

    /// Height of the last change.
    pub fn height(&self) -> Height {
        self.changes.last().map_or(Height(0), |change| change.header.height)
    }

    /// The changes, ascending.
    pub fn changes(&self) -> &[Handover] {
        &self.changes
    }

    /// Who decides a height, as far as the changes are known.
    pub fn at(&self, height: Height) -> &ValidatorSet {
        let before = self.changes.partition_point(|change| change.header.height < height);
        self.changes[..before].last().map_or(&self.founders, |change| &change.validators)
    }

    /// Whether those who decide its height decided this header.
    ///
    /// # Errors
    /// [`LineageError`] says what does not hold.
    pub fn verify(&self, header: &Header, certificate: &Certificate) -> Result<(), LineageError> {
        let height = header.height;
        if header.network != self.network {
            return Err(LineageError::Network(height));
        }
        let validators = self.at(height);
        if header.validators != validators.hash() {
            return Err(LineageError::Validators(height));
        }
        if certificate.height != height || certificate.block != header.id() {
            return Err(LineageError::Block(height));
        }
        certificate.verify(&self.network, validators).map_err(|source| LineageError::Certificate { height, source })
    }
}

/// The changes that this node has stored. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Handovers(Arc<RwLock<Vec<Handover>>>);

impl Handovers {
    /// Reads those up to a height; one beyond was noted for a block that is not committed.
    pub(super) fn open(store: &Store, tip: Height) -> Result<Self, ChainError> {
        let mut all = Vec::new();
        for number in 0.. {
            let bytes = match store.meta(&name(number)) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(error @ StoreError::Corrupt { .. }) => {
                    return Err(ChainError::Damaged { height: tip, detail: error.to_string() });
                }
                Err(source) => return Err(ChainError::Store { height: tip, source }),
            };
            let handover: Handover = codec::decode(&bytes)
                .map_err(|_| ChainError::Malformed { what: "a change of validators", height: tip })?;
            if handover.header.height > tip {
                break;
            }
            all.push(handover);
        }
        Ok(Self(Arc::new(RwLock::new(all))))
    }

    /// The changes above a height and up to another, ascending.
    pub(super) fn between(&self, above: Height, until: Height) -> Vec<Handover> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let within = |height: Height| above < height && height <= until;
        all.iter().filter(|change| within(change.header.height)).cloned().collect()
    }

    /// How many changes come before a height.
    fn before(&self, height: Height) -> usize {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.partition_point(|change| change.header.height < height)
    }

    /// Where a change is to be stored: durably, before the block that it stands in.
    pub(super) fn place(&self, handover: &Handover) -> (String, Vec<u8>) {
        (name(self.before(handover.header.height)), codec::encode(handover))
    }

    /// Remembers a change that is durable.
    pub(super) fn remember(&self, handover: Handover) {
        let place = self.before(handover.header.height);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.truncate(place);
        all.push(handover);
    }
}

/// The changes that a store holds up to a height, ascending.
pub(crate) fn stored(store: &Store, tip: Height) -> Result<Vec<Handover>, ChainError> {
    Ok(Handovers::open(store, tip)?.between(Height(0), tip))
}

/// Stores the changes before a chain that begins with a snapshot.
pub(crate) fn store_all(store: &Store, changes: &[Handover]) -> Result<(), StoreError> {
    for (number, change) in changes.iter().enumerate() {
        store.put_meta(&name(number), &codec::encode(change))?;
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("{NAME}{number}")
}
