//! The file of a record of a sealed year, or of its absence: no node holds such records any more, an export's replay does.

use keis_ledger::chain::{Certificate, Header, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{OrderId, ProviderId, PupilId, SchoolId, SessionId, StatementId};
use keis_ledger::record::{Entity, Record, RecordKey, Sealed, SealedProof};
use keis_ledger::tree::Proof;
use serde::{Deserialize, Serialize};

use super::{Handover, VerifyError, validators_after, verify_header};
use crate::wire::{CertificateWire, HeaderWire, TreeProofWire, bytes, some_bytes};

/// A record that a year had when it was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum YearlyRecord {
    /// The year's rules and money.
    Year {},
    /// A pupil's wallet.
    Pupil {
        /// The wallet.
        id: PupilId,
    },
    /// A school's own money.
    School {
        /// The school.
        id: SchoolId,
    },
    /// A provider's earned money.
    Provider {
        /// The provider.
        id: ProviderId,
    },
    /// A session.
    Session {
        /// The session.
        id: SessionId,
    },
    /// An order.
    Order {
        /// The order.
        id: OrderId,
    },
    /// A statement.
    Statement {
        /// The statement.
        id: StatementId,
    },
    /// What followed a statement's acceptance.
    Bill {
        /// The statement.
        id: StatementId,
    },
    /// The last dispute on an order.
    Dispute {
        /// The order.
        id: OrderId,
    },
}

impl YearlyRecord {
    /// Its key on the ledger.
    pub fn key(self, year: Year) -> RecordKey {
        match self {
            Self::Year {} => RecordKey::Year(year),
            Self::Pupil { id } => RecordKey::Pupil(year, id),
            Self::School { id } => RecordKey::SchoolPurse(year, id),
            Self::Provider { id } => RecordKey::ProviderPurse(year, id),
            Self::Session { id } => RecordKey::Session(year, id),
            Self::Order { id } => RecordKey::Order(year, id),
            Self::Statement { id } => RecordKey::Statement(year, id),
            Self::Bill { id } => RecordKey::Bill(year, id),
            Self::Dispute { id } => RecordKey::Dispute(year, id),
        }
    }

    /// Whether a record is of this kind.
    fn is_kind_of(self, record: &Record) -> bool {
        match self {
            Self::Year {} => matches!(record, Record::Year(_)),
            Self::Pupil { .. } => matches!(record, Record::Pupil(_)),
            Self::School { .. } => matches!(record, Record::SchoolPurse(_)),
            Self::Provider { .. } => matches!(record, Record::ProviderPurse(_)),
            Self::Session { .. } => matches!(record, Record::Session(_)),
            Self::Order { .. } => matches!(record, Record::Order(_)),
            Self::Statement { .. } => matches!(record, Record::Statement(_)),
            Self::Bill { .. } => matches!(record, Record::Bill(_)),
            Self::Dispute { .. } => matches!(record, Record::Dispute(_)),
        }
    }
}

/// A record of a sealed year, or its absence, that is verified with the founding document alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRecordFile {
    format: Format,
    /// Every change of the validators before the block, ascending.
    pub handovers: Vec<Handover>,
    /// Head of a block after which the year was sealed.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// That the validators decided the block.
    #[serde(deserialize_with = "CertificateWire::deserialize")]
    pub certificate: Certificate,
    /// The sealed year.
    pub year: Year,
    /// Encoding of what is left of it in the state.
    #[serde(serialize_with = "hex::serialize", deserialize_with = "some_bytes")]
    pub seal: Vec<u8>,
    /// The way from what is left to the state's root.
    #[serde(deserialize_with = "TreeProofWire::deserialize")]
    pub seal_proof: Proof,
    /// Which record of the year.
    pub key: YearlyRecord,
    /// Its encoding; none shows that the year held no such record when it was sealed.
    #[serde(serialize_with = "crate::wire::write_bytes", deserialize_with = "bytes")]
    pub record: Option<Vec<u8>>,
    /// The way to the root that is left of the year.
    #[serde(deserialize_with = "TreeProofWire::deserialize")]
    pub proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "keis-sealed-record-1")]
    One,
}

/// A block and the changes of the validators before it.
pub struct Under {
    /// Every change of the validators before the block, ascending.
    pub handovers: Vec<Handover>,
    /// Head of a block after which the year was sealed.
    pub header: Header,
    /// That the validators decided the block.
    pub certificate: Certificate,
}

impl SealedRecordFile {
    /// A file of these parts; [`verify`](Self::verify) judges them.
    pub fn new(
        under: Under,
        (year, sealed): (Year, &Sealed),
        (key, record): (YearlyRecord, Option<&Record>),
        proof: SealedProof,
    ) -> Self {
        let Under { handovers, header, certificate } = under;
        Self {
            format: Format::One,
            handovers,
            header,
            certificate,
            year,
            seal: codec::encode(&sealed.into_record()),
            seal_proof: proof.leaf,
            key,
            record: record.map(codec::encode),
            proof: proof.record,
        }
    }

    /// Verifies against a network, the hash of its genesis document and the validators named there, and answers the record,
    /// or `None` where the year had none.
    ///
    /// # Errors
    /// [`VerifyError`] for the first link that does not hold.
    pub fn verify(&self, network: &Hash, founders: &ValidatorSet) -> Result<Option<Record>, VerifyError> {
        let height = self.header.height;
        let validators = validators_after(network, founders, &self.handovers, height)?;
        verify_header(&self.header, &self.certificate, network, validators)?;
        let (sealed, record) = (self.sealed()?, self.decoded()?);
        let proof = SealedProof { leaf: self.seal_proof.clone(), record: self.proof.clone() };
        let hash = record.as_ref().map(Record::hash);
        let held = proof.verify(&self.header.state_root, (self.year, &sealed), &self.key.key(self.year), hash.as_ref());
        held.map_err(|source| VerifyError::State { height, source })?;
        Ok(record)
    }

    /// What the file claims to be left of the year; not verified.
    ///
    /// # Errors
    /// [`VerifyError::Record`] when the bytes are no such record.
    pub fn sealed(&self) -> Result<Sealed, VerifyError> {
        let record = codec::decode::<Record>(&self.seal).map_err(|_| VerifyError::Record)?;
        Sealed::from_record(&record).copied().ok_or(VerifyError::Record)
    }

    /// The record that the file claims, or `None` where it claims that there was none; not verified.
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
