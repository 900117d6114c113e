//! The file of a receipt: everything that proves it, and the lines that its holder may see.

use keis_ledger::chain::{Certificate, Header, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::list::{self, ListProof};
use keis_ledger::receipt::{Receipt, ReceiptLine};
use serde::{Deserialize, Serialize};

use super::{Handover, ProvenReceipt, VerifyError, validators_after, verify_header, verify_inclusion};
use crate::wire::{CertificateWire, HeaderWire, ListProofWire, ReceiptLineWire, ReceiptWire};

/// A pupil's part of a receipt, with what shows it to its party alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenLine {
    /// The pupil and the money moved.
    #[serde(deserialize_with = "ReceiptLineWire::deserialize")]
    pub line: ReceiptLine,
    /// The blind, without which nobody can guess the line.
    pub blind: Hash,
    /// That it stands under the receipt's root of lines.
    #[serde(deserialize_with = "ListProofWire::deserialize")]
    pub proof: ListProof,
}

/// A receipt that is verified with the founding document alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFile {
    format: Format,
    /// Every change of the validators before the block, ascending.
    pub handovers: Vec<Handover>,
    /// Head of the block.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That the validators decided the block.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
    /// The public part.
    #[serde(deserialize_with = "ReceiptWire::deserialize")]
    pub receipt: Receipt,
    /// That it stands in the block.
    #[serde(deserialize_with = "ListProofWire::deserialize")]
    pub proof: ListProof,
    /// Lines of the holder, ascending; they name pupils' wallets.
    pub lines: Vec<ProvenLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "keis-receipt-1")]
    One,
}

impl ReceiptFile {
    /// A file of these parts; [`verify`](Self::verify) judges them.
    pub fn new(proven: ProvenReceipt, handovers: Vec<Handover>, lines: Vec<ProvenLine>) -> Self {
        let ProvenReceipt { receipt, header, proof, certificate } = proven;
        Self { format: Format::One, handovers, header, certificate, receipt, proof, lines }
    }

    /// Verifies receipt and lines against a network: the hash of its genesis document, and the validators named there.
    ///
    /// # Errors
    /// [`VerifyError`] for the first link that does not hold.
    pub fn verify(&self, network: &Hash, founders: &ValidatorSet) -> Result<(), VerifyError> {
        let validators = validators_after(network, founders, &self.handovers, self.header.height)?;
        verify_header(&self.header, &self.certificate, network, validators)?;
        verify_inclusion(&self.receipt, &self.header, &self.proof)?;
        let mut least = 0;
        for line in &self.lines {
            let index = line.proof.index;
            if index < least {
                return Err(VerifyError::LineOrder(index));
            }
            line.verify(&self.receipt)?;
            least = index + 1;
        }
        Ok(())
    }
}

impl ProvenLine {
    /// Verifies that the receipt, itself verified, holds the line.
    ///
    /// # Errors
    /// [`VerifyError::Line`] when it does not.
    pub fn verify(&self, receipt: &Receipt) -> Result<(), VerifyError> {
        let leaf = list::leaf(&[&self.blind.0, &codec::encode(&self.line)]);
        let index = self.proof.index;
        self.proof.verify(&receipt.lines_root, &leaf).map_err(|source| VerifyError::Line { index, source })
    }
}
