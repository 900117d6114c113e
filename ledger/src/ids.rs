//! Ids of everything on the ledger. Random, never derived from a person; each kind a type of its own.

use bincode::{Decode, Encode};

use crate::crypto::Hash;
use crate::text::{self, TextError};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        pub struct $name(pub [u8; 16]);
        text::hex_type!($name, 16, $prefix);
    };
}

id!(/// An institution that runs a validator.
    InstitutionId, "ins_");
id!(/// A pupil's wallet of one year; nothing links it to the same pupil's wallet of another year.
    PupilId, "pup_");
id!(/// A school's wallet.
    SchoolId, "sch_");
id!(/// A provider's wallet.
    ProviderId, "prv_");
id!(/// Whoever controls a school or provider in law; equal where one person controls both.
    EntityId, "ent_");
id!(/// A service of the catalogue, over all its versions.
    ServiceId, "srv_");
id!(/// A time and place at which a service is given.
    SessionId, "ses_");
id!(/// An order of a school.
    OrderId, "ord_");
id!(/// A settlement statement.
    StatementId, "stm_");
id!(/// A decision of governance.
    DecisionId, "dec_");

/// Identity of a transaction, and of its receipt: the hash of the signed body. A clock step's receipt has one too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct TransactionId(pub [u8; 32]);
text::hex_type!(TransactionId, 32, "tx_");

/// One pupil's token of one year: keyed by the registry, so that one pupil gets one wallet a year.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Nullifier(pub [u8; 32]);
text::hex_type!(Nullifier, 32, "nul_");

/// Hash of a public document that the nodes keep beside the chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct DocumentId(pub [u8; 32]);
text::hex_type!(DocumentId, 32, "doc_");

/// Keyed commitment to something that stays off the ledger: an invoice, its number, a bank reference, a payment account.
/// Key and witness are in the registry and can be destroyed. Equal things have equal commitments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Commitment(pub [u8; 32]);
text::hex_type!(Commitment, 32, "com_");

/// Hash of a block's header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct BlockId(pub [u8; 32]);
text::hex_type!(BlockId, 32, "blk_");

impl From<Hash> for TransactionId {
    fn from(hash: Hash) -> Self {
        Self(hash.0)
    }
}

impl DocumentId {
    /// The id of a document's bytes.
    pub fn of(document: &[u8]) -> Self {
        Self(crate::crypto::hash(crate::crypto::Domain::Document, &[document]).0)
    }
}
