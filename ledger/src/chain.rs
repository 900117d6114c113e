//! What links blocks to each other and to the validators that decided them. Verifiable with this crate alone.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::crypto::{Domain, Hash, KnownKeys, PublicKey, Signature, Signatures, hash};
use crate::ids::{BlockId, InstitutionId};
use crate::time::Timestamp;

/// Number of a block; the first is 1, 0 is the state of genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Height(pub u64);

impl Height {
    /// The height after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Height {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A validator's address in votes: the first 20 bytes of the hash of its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Address(pub [u8; 20]);
crate::text::hex_type!(Address, 20, "val_");
use crate::text::TextError;

impl Address {
    /// The address of a consensus key.
    pub fn of(key: &PublicKey) -> Self {
        let hash = blake3::hash(&key.0);
        let mut address = [0; 20];
        address.copy_from_slice(&hash.as_bytes()[..20]);
        Self(address)
    }
}

/// One institution's vote in consensus.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Validator {
    /// Whose vote it is.
    pub institution: InstitutionId,
    /// The key that signs votes; never a governance key.
    pub key: PublicKey,
    /// Weight of the vote; strictly less than a third of all.
    pub power: u64,
}

impl Validator {
    /// The address that votes carry.
    pub fn address(&self) -> Address {
        Address::of(&self.key)
    }
}

/// The validators of a height, ordered by address.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ValidatorSet(Vec<Validator>);

/// Why validators do not make a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorSetError {
    /// A consensus key occurs twice.
    #[error("two validators have the same consensus key {0}")]
    DuplicateKey(PublicKey),
    /// A vote of no weight, or the sum does not fit.
    #[error("the voting power of a validator is zero or too large")]
    Power,
    /// One institution could block or, with another, decide alone.
    #[error("institution {0} holds a third of the votes or more; at least four institutions of like weight are needed")]
    TooPowerful(InstitutionId),
}

impl ValidatorSet {
    /// Orders and checks validators (DESIGN section 4: every institution holds strictly less than a third).
    ///
    /// # Errors
    /// [`ValidatorSetError`] names the first rule that is broken.
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorSetError> {
        validators.sort_by_key(Validator::address);
        for pair in validators.windows(2) {
            if pair[0].key == pair[1].key {
                return Err(ValidatorSetError::DuplicateKey(pair[0].key));
            }
        }
        let total =
            validators.iter().try_fold(0u64, |sum, v| sum.checked_add(v.power)).ok_or(ValidatorSetError::Power)?;
        if total > u64::MAX / 4 || validators.iter().any(|v| v.power == 0) {
            return Err(ValidatorSetError::Power);
        }
        for validator in &validators {
            let of_institution: u64 =
                validators.iter().filter(|v| v.institution == validator.institution).map(|v| v.power).sum();
            if of_institution * 3 >= total {
                return Err(ValidatorSetError::TooPowerful(validator.institution));
            }
        }
        Ok(Self(validators))
    }

    /// The validators, ordered by address.
    pub fn as_slice(&self) -> &[Validator] {
        &self.0
    }

    /// The validator of an address.
    pub fn find(&self, address: &Address) -> Option<&Validator> {
        self.0.binary_search_by_key(address, Validator::address).ok().map(|index| &self.0[index])
    }

    /// Sum of the weights.
    pub fn total_power(&self) -> u64 {
        self.0.iter().map(|v| v.power).sum()
    }

    /// Hash that a block's header carries.
    pub fn hash(&self) -> Hash {
        hash(Domain::Validators, &[&codec::encode(self)])
    }
}

/// What a vote is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum VoteStep {
    /// First vote of a round.
    Prevote,
    /// Second vote of a round; a quorum of them decides.
    Precommit,
}

/// The bytes that a validator signs when it votes. `None` is the vote for no block.
pub fn vote_bytes(
    network: &Hash,
    step: VoteStep,
    height: Height,
    round: u32,
    block: Option<BlockId>,
    voter: &Address,
) -> Vec<u8> {
    let mut bytes = Domain::Vote.tag().to_vec();
    bytes.extend(codec::encode(&(*network, step, height, round, block, *voter)));
    bytes
}

/// Proof that more than two thirds of the voting power decided a block. Nodes hold different ones; no root covers them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Certificate {
    /// Height of the block.
    pub height: Height,
    /// Round in which it was decided.
    pub round: u32,
    /// The block.
    pub block: BlockId,
    /// Precommits, one a validator.
    pub signatures: Vec<(Address, Signature)>,
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Somebody outside the set signed.
    #[error("{0} is no validator of this height")]
    Stranger(Address),
    /// A validator signed twice.
    #[error("{0} is counted twice")]
    Twice(Address),
    /// A signature does not hold.
    #[error("the signature of {0} does not hold")]
    Signature(Address),
    /// Not more than two thirds.
    #[error("{signed} of {total} voting power signed; more than two thirds are needed")]
    Quorum {
        /// Power that signed.
        signed: u64,
        /// Power in all.
        total: u64,
    },
}

impl Certificate {
    /// Verifies every signature and the quorum against the validators of the height.
    ///
    /// # Errors
    /// [`CertificateError`] for the first fault found.
    pub fn verify(&self, network: &Hash, validators: &ValidatorSet) -> Result<(), CertificateError> {
        self.judge(network, validators, |key, message, signature| key.verify(message, signature))
    }

    /// The same, but for the signatures, which are added to others that are judged together.
    ///
    /// # Errors
    /// [`CertificateError`] for the first fault found, if it is none of a signature.
    pub fn verify_with(
        &self,
        network: &Hash,
        validators: &ValidatorSet,
        keys: &mut KnownKeys,
        others: &mut Signatures,
    ) -> Result<(), CertificateError> {
        self.judge(network, validators, |key, message, signature| {
            others.add(keys, key, &[message], signature);
            true
        })
    }

    fn judge(
        &self,
        network: &Hash,
        validators: &ValidatorSet,
        mut holds: impl FnMut(&PublicKey, &[u8], &Signature) -> bool,
    ) -> Result<(), CertificateError> {
        let mut signed = 0;
        for (index, (address, signature)) in self.signatures.iter().enumerate() {
            if self.signatures[..index].iter().any(|(other, _)| other == address) {
                return Err(CertificateError::Twice(*address));
            }
            let validator = validators.find(address).ok_or(CertificateError::Stranger(*address))?;
            let message = vote_bytes(network, VoteStep::Precommit, self.height, self.round, Some(self.block), address);
            if !holds(&validator.key, &message, signature) {
                return Err(CertificateError::Signature(*address));
            }
            signed += validator.power;
        }
        let total = validators.total_power();
        if signed * 3 <= total * 2 {
            return Err(CertificateError::Quorum { signed, total });
        }
        Ok(())
    }
}

/// Head of a block; its hash is the block's id. It holds no round, so a re-proposed block is the same block.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Header {
    /// Version of the rules.
    pub protocol: u32,
    /// Hash of the genesis document.
    pub network: Hash,
    /// Number of the block.
    pub height: Height,
    /// The block before; zero for the first.
    pub parent: BlockId,
    /// Time of everything in the block, later than the parent's.
    pub time: Timestamp,
    /// Who built the block; not compared with the round's proposer.
    pub proposer: Address,
    /// Root over the transactions' bytes.
    pub transactions_root: Hash,
    /// Root over the receipts' public parts.
    pub receipts_root: Hash,
    /// Root of the state after the block.
    pub state_root: Hash,
    /// Hash of the validators that decide this block.
    pub validators: Hash,
    /// Hash of the validators that decide the next one.
    pub next_validators: Hash,
}

impl Header {
    /// The block's id.
    pub fn id(&self) -> BlockId {
        BlockId(hash(Domain::Block, &[&codec::encode(self)]).0)
    }
}

/// Why a change of validators is not proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// The header is of another network.
    #[error("the header is of another network")]
    Network,
    /// The known validators do not decide this height.
    #[error("the validators that are known do not decide height {0}")]
    Validators(Height),
    /// The certificate is of another block.
    #[error("the certificate is of another block")]
    Block,
    /// The certificate proves nothing.
    #[error("the certificate proves nothing: {0}")]
    Certificate(CertificateError),
    /// The new validators are not those that the header names.
    #[error("the header names other validators for the next height")]
    Next,
}

/// Proves by the validators of a height who decides the next one. Whoever trusts one set goes on with `next`, so the headers
/// at which the set changes lead from genesis to any height.
///
/// # Errors
/// [`HandoverError`] for the first fault found.
pub fn verify_handover(
    network: &Hash,
    validators: &ValidatorSet,
    header: &Header,
    certificate: &Certificate,
    next: &ValidatorSet,
) -> Result<(), HandoverError> {
    if header.network != *network {
        return Err(HandoverError::Network);
    }
    if header.validators != validators.hash() {
        return Err(HandoverError::Validators(header.height));
    }
    if certificate.block != header.id() || certificate.height != header.height {
        return Err(HandoverError::Block);
    }
    certificate.verify(network, validators).map_err(HandoverError::Certificate)?;
    if header.next_validators != next.hash() {
        return Err(HandoverError::Next);
    }
    Ok(())
}
