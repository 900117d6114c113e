//! The file of a public record of the ledger, or of its absence, as it stood after one block.

use keis_ledger::chain::{Certificate, Header, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{ServiceId, SessionId};
use keis_ledger::record::{Record, RecordKey};
use keis_ledger::tree::Proof;
use serde::{Deserialize, Serialize};

use super::{Handover, VerifyError, validators_after, verify_header};
use crate::wire::{CertificateWire, HeaderWire, TreeProofWire, bytes};

/// A record that everybody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PublicRecord {
    /// The network's parameters and validators.
    Parameters {},
    /// A year's rules and money.
    Year {
        /// The year.
        year: Year,
    },
    /// A service in its current version.
    Service {
        /// The service.
        id: ServiceId,
    },
    /// A session.
    Session {
        /// Its year.
        year: Year,
        /// The session.
        id: SessionId,
    },
    /// What is left of a sealed year: the root over the records that it had, and its sums.
    Sealed {
        /// The year.
        year: Year,
    },
}

impl PublicRecord {
    /// Its key on the ledger.
    pub fn key(&self) -> RecordKey {
        match *self {
            Self::Parameters {} => RecordKey::Network,
            Self::Year { year } => RecordKey::Year(year),
            Self::Service { id } => RecordKey::Service(id),
            Self::Session { year, id } => RecordKey::Session(year, id),
            Self::Sealed { year } => RecordKey::Sealed(year),
        }
    }

    /// Whether a record is of this kind.
    fn is_kind_of(&self, record: &Record) -> bool {
        match self {
            Self::Parameters {} => matches!(record, Record::Network(_)),
            Self::Year { .. } => matches!(record, Record::Year(_)),
            Self::Service { .. } => matches!(record, Record::Service(_)),
            Self::Session { .. } => matches!(record, Record::Session(_)),
            Self::Sealed { .. } => matches!(record, Record::Sealed(_)),
        }
    }
}

/// A record with its proof, in the form in which a gateway gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProvenRecord {
    /// The record's encoding; none when the ledger holds no such record.
    #[serde(deserialize_with = "bytes")]
    pub record: Option<Vec<u8>>,
    /// The way to the state's root.
    #[serde(deserialize_with = "TreeProofWire::deserialize")]
    pub proof: Proof,
    /// Head of the block after which it stood so.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That the validators decided the block.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
}

/// A record, or its absence, that is verified with the founding document alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    format: Format,
    /// Every change of the validators before the block, ascending.
    pub handovers: Vec<Handover>,
    /// Head of the block after which the record stood so.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That the validators decided the block.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
    /// Which record.
    pub key: PublicRecord,
    /// Its encoding; none shows that the ledger held no such record.
    #[serde(serialize_with = "crate::wire::write_bytes", deserialize_with = "bytes")]
    pub record: Option<Vec<u8>>,
    /// The way to the state's root.
    #[serde(deserialize_with = "TreeProofWire::deserialize")]
    pub proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "keis-record-1")]
    One,
}

impl RecordFile {
    /// A file of these parts; [`verify`](Self::verify) judges them.
    pub fn new(key: PublicRecord, proven: ProvenRecord, handovers: Vec<Handover>) -> Self {
        let ProvenRecord { record, proof, header, certificate } = proven;
        Self { format: Format::One, handovers, header, certificate, key, record, proof }
    }

    /// Verifies against a network, the hash of its genesis document and the validators named there, and answers the record,
    /// or `None` where there was none.
    ///
    /// # Errors
    /// [`VerifyError`] for the first link that does not hold.
    pub fn verify(&self, network: &Hash, founders: &ValidatorSet) -> Result<Option<Record>, VerifyError> {
        let height = self.header.height;
        let validators = validators_after(network, founders, &self.handovers, height)?;
        verify_header(&self.header, &self.certificate, network, validators)?;
        let record = self.decoded()?;
        let (place, hash) = (self.key.key().place(), record.as_ref().map(Record::hash));
        let held = self.proof.verify(&self.header.state_root, &place, hash.as_ref());
        held.map_err(|source| VerifyError::State { height, source })?;
        Ok(record)
    }

    /// The record that the file claims, or `None` where it claims that there is none; not verified.
    ///
    /// # Errors
    /// [`VerifyError::Record`] when the bytes are no record of this kind.
    pub fn decoded(&self) -> Result<Option<Record>, VerifyError> {
        let record = self.record.as_deref().map(codec::decode::<Record>).transpose();
        let record = record.map_err(|_| VerifyError::Record)?;
        let fits = record.as_ref().is_none_or(|record| self.key.is_kind_of(record));
        if fits { Ok(record) } else { Err(VerifyError::Record) }
    }
}
