//! Hashes, keys and signatures: blake3 with a domain tag before everything, Ed25519 by `verify_strict` and only that.

mod many;
mod together;

use std::collections::BTreeMap;

use bincode::{Decode, Encode};
use curve25519_dalek::edwards::EdwardsPoint;
use ed25519_dalek::{Signer, VerifyingKey};

use crate::text::{self, TextError};

pub use many::Batch;
pub use together::Signatures;

/// A blake3 hash, 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Hash(pub [u8; 32]);

/// An Ed25519 public key in its 32-byte form; may be no valid point, which then verifies nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Signature(pub [u8; 64]);

/// Hashes `parts` one after the other under a domain tag. The caller sees to it that the parts' borders are fixed.
pub fn hash(domain: Domain, parts: &[&[u8]]) -> Hash {
    let mut digest = Digest::new(domain);
    for part in parts {
        digest.update(part);
    }
    digest.finish()
}

/// Longest input of most hashes: records of pupils, nodes of trees, lines of receipts.
const SHORT: usize = 256;

/// A hash that is being made. What is short is gathered and hashed at once, which is twice as fast as piece by piece.
pub(crate) struct Digest {
    gathered: [u8; SHORT],
    filled: usize,
    spilled: Option<Box<blake3::Hasher>>,
}

impl Digest {
    pub(crate) fn new(domain: Domain) -> Self {
        let mut gathered = [0; SHORT];
        let tag = domain.tag();
        gathered[..tag.len()].copy_from_slice(tag);
        Self { gathered, filled: tag.len(), spilled: None }
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let end = self.filled + bytes.len();
        if end <= SHORT {
            self.gathered[self.filled..end].copy_from_slice(bytes);
            self.filled = end;
        } else {
            self.spill(bytes);
        }
    }

    fn spill(&mut self, bytes: &[u8]) {
        let hasher = self.spilled.get_or_insert_with(Box::default);
        hasher.update(&self.gathered[..self.filled]);
        self.filled = 0;
        if bytes.len() < SHORT {
            self.gathered[..bytes.len()].copy_from_slice(bytes);
            self.filled = bytes.len();
        } else {
            hasher.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> Hash {
        let gathered = &self.gathered[..self.filled];
        let hash = match self.spilled {
            None => blake3::hash(gathered),
            Some(mut hasher) => hasher.update(gathered).finalize(),
        };
        Hash(*hash.as_bytes())
    }
}

/// What a hash or a signature is about. A tag never stands for two things, so no bytes can be passed off as another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Signed body of a transaction.
    Transaction,
    /// Header of a block.
    Block,
    /// Leaf of a list's Merkle tree.
    ListLeaf,
    /// Inner node of a list's Merkle tree.
    ListNode,
    /// Key of a record in the state tree.
    RecordKey,
    /// Value of a record in the state tree.
    RecordValue,
    /// Leaf of the state tree.
    StateLeaf,
    /// Inner node of the state tree.
    StateNode,
    /// Seed that blinds a receipt's lines.
    Blind,
    /// Receipt of a clock step.
    Step,
    /// Vote of a validator.
    Vote,
    /// Proposal of a validator.
    Proposal,
    /// Parts that carry a proposed block.
    Parts,
    /// Set of validators.
    Validators,
    /// Genesis document.
    Genesis,
    /// Public document beside the chain.
    Document,
    /// Step of a simulated clock.
    Clock,
}

impl Domain {
    /// The bytes that open everything hashed or signed in this domain; all of one length, so none is a prefix of another.
    pub const fn tag(self) -> &'static [u8; 16] {
        match self {
            Domain::Transaction => b"KEIS/transact/1\0",
            Domain::Block => b"KEIS/block/0001\0",
            Domain::ListLeaf => b"KEIS/listleaf/1\0",
            Domain::ListNode => b"KEIS/listnode/1\0",
            Domain::RecordKey => b"KEIS/reckey/001\0",
            Domain::RecordValue => b"KEIS/recvalue/1\0",
            Domain::StateLeaf => b"KEIS/stateleaf/\0",
            Domain::StateNode => b"KEIS/statenode/\0",
            Domain::Blind => b"KEIS/blind/0001\0",
            Domain::Step => b"KEIS/step/00001\0",
            Domain::Vote => b"KEIS/vote/00001\0",
            Domain::Proposal => b"KEIS/proposal/1\0",
            Domain::Parts => b"KEIS/parts/0001\0",
            Domain::Validators => b"KEIS/validator/\0",
            Domain::Genesis => b"KEIS/genesis/01\0",
            Domain::Document => b"KEIS/document/1\0",
            Domain::Clock => b"KEIS/clock/0001\0",
        }
    }
}

impl PublicKey {
    /// Whether some signature could ever hold under this key.
    pub fn is_sound(&self) -> bool {
        VerifyingKey::from_bytes(&self.0).is_ok_and(|key| !key.is_weak())
    }

    /// Whether `signature` over `message` is this key's, by `verify_strict`: small-order keys and second forms are refused.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        KnownKey::of(self).verify(message, signature)
    }
}

/// A public key with the point that it is, if it is one.
#[derive(Debug, Clone, Copy)]
pub struct KnownKey {
    key: PublicKey,
    point: Option<VerifyingKey>,
}

impl KnownKey {
    /// Unpacks a key.
    pub fn of(key: &PublicKey) -> Self {
        Self { key: *key, point: VerifyingKey::from_bytes(&key.0).ok() }
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The same as [`PublicKey::verify`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.point.is_some_and(|point| point.verify_strict(message, &signature).is_ok())
    }
}

/// Public keys with the points that they are, for who verifies much: unpacking a point is a tenth of a verification.
#[derive(Debug, Default)]
pub struct KnownKeys(BTreeMap<PublicKey, Known>);

#[derive(Debug)]
struct Known {
    key: KnownKey,
    /// The point, if it is of prime order and the key its one encoding; found out when it is first asked for.
    of_prime_order: Option<Option<EdwardsPoint>>,
}

impl KnownKeys {
    /// Most keys that are kept: some megabytes.
    const MOST: usize = 16_384;

    /// A key with its point.
    pub fn find(&mut self, key: &PublicKey) -> KnownKey {
        self.known(key).key
    }

    fn of_prime_order(&mut self, key: &PublicKey) -> Option<EdwardsPoint> {
        let known = self.known(key);
        *known.of_prime_order.get_or_insert_with(|| {
            let point = known.key.point.as_ref()?.to_edwards();
            let sound = point.compress().0 == key.0 && !point.is_small_order() && point.is_torsion_free();
            sound.then_some(point)
        })
    }

    fn known(&mut self, key: &PublicKey) -> &mut Known {
        if self.0.len() >= Self::MOST && !self.0.contains_key(key) {
            self.0.clear();
        }
        let unpack = || Known { key: KnownKey::of(key), of_prime_order: None };
        self.0.entry(*key).or_insert_with(unpack)
    }
}

impl Signature {
    /// The nonce's encoding and the scalar's.
    fn halves(&self) -> (&[u8; 32], &[u8; 32]) {
        let (nonce, scalar) = self.0.split_first_chunk().expect("a signature has 64 bytes");
        (nonce, scalar.first_chunk().expect("half of a signature has 32 bytes"))
    }
}

/// A secret key. Never shown, printed or encoded; zeroed when dropped.
#[derive(Clone)]
pub struct SecretKey(ed25519_dalek::SigningKey);

impl SecretKey {
    /// The key of 32 secret bytes, which the caller draws from a sound source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(bytes))
    }

    /// The 32 secret bytes, for the encrypted keystore alone.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message, which opens with a domain tag and the network.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey of {}", self.public())
    }
}

text::hex_type!(Hash, 32, "");
text::hex_type!(PublicKey, 32, "key_");
text::hex_type!(Signature, 64, "");
