//! A transaction on its way: bytes, then a form, then a proven signature. Each stage is a type.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::codec::{self, CodecError};
use crate::crypto::{Batch, Domain, Hash, KnownKey, KnownKeys, PublicKey, SecretKey, Signature, Signatures, hash};
use crate::ids::TransactionId;
use crate::operation::{Operation, Party};
use crate::time::Timestamp;

/// What is signed, together with the domain tag and the network.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Body {
    /// The key that signs.
    pub signer: PublicKey,
    /// The party for which an officer acts who was asked by telephone or letter; the receipt says so.
    pub behalf: Option<Party>,
    /// Any number; tells apart two wishes that are otherwise equal.
    pub salt: u64,
    /// Last instant of a block that may hold it.
    pub valid_until: Timestamp,
    /// What it asks for.
    pub operation: Operation,
}

/// Bytes that claim to be a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawTransaction(pub Vec<u8>);

/// A well-formed transaction in its one encoding; the signature is not yet proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTransaction {
    body: Body,
    signature: Signature,
    id: TransactionId,
    raw: Vec<u8>,
}

/// A transaction whose signature holds on one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTransaction(SignedTransaction);

#[derive(Encode, Decode)]
struct Wire {
    body: Body,
    signature: Signature,
}

/// Why bytes are no transaction of this network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Longer than any transaction may be.
    #[error("{length} bytes; a transaction has at most {limit}", limit = codec::MAX_TRANSACTION)]
    TooLong {
        /// Length in bytes.
        length: usize,
    },
    /// Not the encoding of a transaction.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The signature is not the signer's, or is for another network.
    #[error("the signature does not hold on this network")]
    Signature,
}

/// What is signed and hashed: the domain, the network, the encoded body.
fn signed_bytes(network: &Hash, body: &[u8]) -> Vec<u8> {
    [Domain::Transaction.tag(), &network.0[..], body].concat()
}

/// The body in a transaction's one encoding, which the signature ends.
fn body_of(raw: &[u8]) -> &[u8] {
    &raw[..raw.len() - size_of::<Signature>()]
}

impl RawTransaction {
    fn read(&self) -> Result<Wire, TransactionError> {
        if self.0.len() > codec::MAX_TRANSACTION {
            return Err(TransactionError::TooLong { length: self.0.len() });
        }
        Ok(codec::decode(&self.0)?)
    }

    /// The same as [`RawTransaction::parse`] for several, whose ids are hashed together.
    ///
    /// # Errors
    /// [`TransactionError`] of the first that is not well formed.
    pub fn parse_all(several: Vec<Self>, network: &Hash) -> Result<Vec<SignedTransaction>, TransactionError> {
        let bytes = several.iter().map(|raw| raw.0.len()).max().unwrap_or_default();
        let mut ids = Batch::with_room(several.len(), bytes + size_of::<Hash>());
        let mut wires = Vec::with_capacity(several.len());
        for raw in &several {
            wires.push(raw.read()?);
            ids.add(Domain::Transaction, &[&network.0, body_of(&raw.0)]);
        }
        let named = several.into_iter().zip(wires).zip(ids.hashes());
        let one = |((raw, Wire { body, signature }), id): ((Self, Wire), Hash)| SignedTransaction {
            body,
            signature,
            id: id.into(),
            raw: raw.0,
        };
        Ok(named.map(one).collect())
    }

    /// Reads the form and names the transaction. `network` is the hash of the genesis document.
    ///
    /// # Errors
    /// [`TransactionError`] when the bytes are too long or not the one encoding of a transaction.
    pub fn parse(self, network: &Hash) -> Result<SignedTransaction, TransactionError> {
        let Wire { body, signature } = self.read()?;
        let id = Hash(*blake3::hash(&signed_bytes(network, body_of(&self.0))).as_bytes()).into();
        Ok(SignedTransaction { body, signature, id, raw: self.0 })
    }
}

impl Body {
    /// Signs the body for a network.
    pub fn sign(self, network: &Hash, key: &SecretKey) -> SignedTransaction {
        let bytes = signed_bytes(network, &codec::encode(&self));
        let signature = key.sign(&bytes);
        let wire = Wire { body: self, signature };
        let raw = codec::encode(&wire);
        SignedTransaction { body: wire.body, signature, id: Hash(*blake3::hash(&bytes).as_bytes()).into(), raw }
    }
}

impl SignedTransaction {
    /// Its identity: the hash of the signed body.
    pub fn id(&self) -> TransactionId {
        self.id
    }

    /// What was signed.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The bytes that travel.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Proves the signature, once; the result is kept in the type.
    ///
    /// # Errors
    /// [`TransactionError::Signature`] when it does not hold.
    pub fn verify(self, network: &Hash) -> Result<VerifiedTransaction, TransactionError> {
        let signer = KnownKey::of(&self.body.signer);
        self.verify_by(network, &signer)
    }

    /// The same for who verifies much and has the signer's key at hand.
    ///
    /// # Errors
    /// As there, and when the key is another's.
    pub fn verify_by(self, network: &Hash, signer: &KnownKey) -> Result<VerifiedTransaction, TransactionError> {
        let bytes = signed_bytes(network, body_of(&self.raw));
        if *signer.key() == self.body.signer && signer.verify(&bytes, &self.signature) {
            Ok(VerifiedTransaction(self))
        } else {
            Err(TransactionError::Signature)
        }
    }
}

impl VerifiedTransaction {
    /// Proves the signatures of many transactions, here those of several blocks, together with what `others` holds already;
    /// says nothing unless all of them hold.
    pub fn all(
        signed: Vec<Vec<SignedTransaction>>,
        network: &Hash,
        keys: &mut KnownKeys,
        mut others: Signatures,
    ) -> Option<Vec<Vec<Self>>> {
        for one in signed.iter().flatten() {
            let parts = [Domain::Transaction.tag(), &network.0[..], body_of(&one.raw)];
            others.add(keys, &one.body.signer, &parts, &one.signature);
        }
        let proven = |block: Vec<SignedTransaction>| block.into_iter().map(Self).collect();
        others.hold().then(|| signed.into_iter().map(proven).collect())
    }

    /// Seed that blinds the lines of this transaction's receipt: known to who holds the raw block, to nobody else.
    pub fn blind(&self) -> Hash {
        hash(Domain::Blind, &[&self.0.signature.0])
    }
}

impl std::ops::Deref for VerifiedTransaction {
    type Target = SignedTransaction;
    fn deref(&self) -> &SignedTransaction {
        &self.0
    }
}
