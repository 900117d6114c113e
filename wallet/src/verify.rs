//! Verifying receipts and records years later: offline, with the genesis document alone, trusting no node.
//!
//! A file carries what it proves, the head of the block that holds it, the votes that decided the block, and every change of
//! the validators since genesis, so that nothing else is needed.

mod handover;
mod receipt;
mod record;
mod sealed;

use bincode::{Decode, Encode};
use keis_ledger::chain::{Certificate, CertificateError, Header, Height, ValidatorSet};
use keis_ledger::codec::{self, CodecError};
use keis_ledger::crypto::Hash;
use keis_ledger::list::{ListError, ListProof};
use keis_ledger::receipt::Receipt;
use keis_ledger::tree::ProofError;
use serde::{Deserialize, Serialize};

use crate::wire::{CertificateWire, HeaderWire, ListProofWire, ReceiptWire};

pub use handover::{Handover, validators_after};
pub use receipt::{ProvenLine, ReceiptFile};
pub use record::{ProvenRecord, PublicRecord, RecordFile};
pub use sealed::{SealedRecordFile, Under, YearlyRecord};

/// A receipt with everything that proves it. In JSON it has the form in which a gateway gives it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ProvenReceipt {
    /// The public part.
    #[serde(deserialize_with = "ReceiptWire::deserialize")]
    pub receipt: Receipt,
    /// Head of its block.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That it stands in the block.
    #[serde(deserialize_with = "ListProofWire::deserialize")]
    pub proof: ListProof,
    /// That the validators decided the block.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
}

/// Why a receipt is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is of another network.
    #[error("the block is of the network {0}")]
    Network(Hash),
    /// Other validators decided the block.
    #[error("the block names other validators, {0}; the network's at that height are needed")]
    Validators(Hash),
    /// The certificate is for another block.
    #[error("the certificate is for another block than that of height {0}")]
    Block(Height),
    /// The certificate does not hold.
    #[error("the certificate of height {height} does not hold")]
    Certificate {
        /// The height.
        height: Height,
        /// Why.
        source: CertificateError,
    },
    /// The receipt names another height, time or place than its block.
    #[error("the receipt does not belong to the block of height {0}")]
    Place(Height),
    /// The block does not hold the receipt.
    #[error("the block of height {height} does not hold the receipt")]
    Inclusion {
        /// The height.
        height: Height,
        /// Why.
        source: ListError,
    },
    /// Changes of the validators do not follow each other up to the block.
    #[error("the change of validators at height {0} is not between the one before and the block")]
    HandoverOrder(Height),
    /// The validators given are not those that a header hands over to.
    #[error("the block of height {0} does not hand over to the validators given")]
    HandoverSet(Height),
    /// Lines are not in their order.
    #[error("the line {0} does not follow the one before")]
    LineOrder(u64),
    /// The receipt does not hold a line.
    #[error("the receipt does not hold the line {index}")]
    Line {
        /// Its place.
        index: u64,
        /// Why.
        source: ListError,
    },
    /// The bytes are no record of the kind asked about.
    #[error("the bytes given are no record of this kind")]
    Record,
    /// The state does not hold the record, or holds one where none is claimed.
    #[error("the state after height {height} does not hold what is claimed")]
    State {
        /// The height.
        height: Height,
        /// Why.
        source: ProofError,
    },
}

impl ProvenReceipt {
    /// Verifies the receipt against a network (the genesis document's hash) and its validators at the block's height.
    ///
    /// # Errors
    /// [`VerifyError`] for the first link that does not hold.
    pub fn verify(&self, network: &Hash, validators: &ValidatorSet) -> Result<(), VerifyError> {
        let Self { receipt, header, proof, certificate } = self;
        verify_header(header, certificate, network, validators)?;
        verify_inclusion(receipt, header, proof)
    }

    /// The proof as bytes, to keep.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads a kept proof; [`verify`](Self::verify) judges it.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are no proof.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }
}

fn verify_inclusion(receipt: &Receipt, header: &Header, proof: &ListProof) -> Result<(), VerifyError> {
    let height = header.height;
    if receipt.height != height || receipt.time != header.time || proof.index != u64::from(receipt.index) {
        return Err(VerifyError::Place(height));
    }
    proof.verify(&header.receipts_root, &receipt.leaf()).map_err(|source| VerifyError::Inclusion { height, source })
}

/// Verifies that the network's validators decided the block of a header.
///
/// # Errors
/// [`VerifyError`] for the first link that does not hold.
pub fn verify_header(
    header: &Header,
    certificate: &Certificate,
    network: &Hash,
    validators: &ValidatorSet,
) -> Result<(), VerifyError> {
    let height = header.height;
    if header.network != *network {
        return Err(VerifyError::Network(header.network));
    }
    if header.validators != validators.hash() {
        return Err(VerifyError::Validators(header.validators));
    }
    if certificate.height != height || certificate.block != header.id() {
        return Err(VerifyError::Block(height));
    }
    certificate.verify(network, validators).map_err(|source| VerifyError::Certificate { height, source })
}
