//! The engine's view of the ledger's types: newtypes, because the traits are the engine's and the types the ledger's.

use std::fmt;

use bytes::Bytes;
use keis_ledger::chain::{self, Address, Height, Validator, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::{self, Domain, PublicKey, Signature};
use keis_ledger::ids::BlockId;
use malachite_core_consensus::SignedConsensusMsg;
use malachite_core_types::{
    Context, LinearTimeouts, NilOrVal, Round, SignedExtension, SigningScheme, VoteType, VotingPower,
};

/// Marks a message that the guard did not let be signed. No key makes it valid, and it is never sent.
pub(crate) const WITHHELD: Sealed = Sealed(Signature([0; 64]));

/// Rounds as the ledger writes them; the engine's "nil" is `None`.
pub(crate) fn round_of(round: Option<u32>) -> Round {
    round.map_or(Round::Nil, Round::new)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ed25519Strict;

/// A signature, ordered because the engine asks for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed(pub(crate) Signature);

impl Ord for Sealed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.0.cmp(&other.0.0)
    }
}

impl PartialOrd for Sealed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl SigningScheme for Ed25519Strict {
    type DecodingError = std::array::TryFromSliceError;
    type Signature = Sealed;
    type PublicKey = PublicKey;
    // Secret keys never pass through the engine: the guard holds them.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Sealed, Self::DecodingError> {
        Ok(Sealed(Signature(bytes.try_into()?)))
    }

    fn encode_signature(signature: &Sealed) -> Vec<u8> {
        signature.0.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, Self::DecodingError> {
        Ok(PublicKey(bytes.try_into()?))
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.0.to_vec()
    }
}

#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EngineHeight(pub(crate) Height);

impl fmt::Display for EngineHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite_core_types::Height for EngineHeight {
    const ZERO: Self = Self(Height(0));
    const INITIAL: Self = Self(Height(1));

    fn increment_by(&self, n: u64) -> Self {
        Self(Height(self.0.0.saturating_add(n)))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.0.checked_sub(n).map(|height| Self(Height(height)))
    }

    fn as_u64(&self) -> u64 {
        self.0.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EngineAddress(pub(crate) Address);

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite_core_types::Address for EngineAddress {}

/// What consensus decides on: the id of a block. The block itself travels in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EngineValue(pub(crate) BlockId);

impl malachite_core_types::Value for EngineValue {
    type Id = BlockId;

    fn id(&self) -> BlockId {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineValidator {
    address: EngineAddress,
    key: PublicKey,
    power: VotingPower,
}

impl From<&Validator> for EngineValidator {
    fn from(validator: &Validator) -> Self {
        Self { address: EngineAddress(validator.address()), key: validator.key, power: validator.power }
    }
}

impl malachite_core_types::Validator<KeisContext> for EngineValidator {
    fn address(&self) -> &EngineAddress {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn voting_power(&self) -> VotingPower {
        self.power
    }
}

/// In the ledger's order, by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineValidators(Vec<EngineValidator>);

impl From<&ValidatorSet> for EngineValidators {
    fn from(set: &ValidatorSet) -> Self {
        Self(set.as_slice().iter().map(EngineValidator::from).collect())
    }
}

impl malachite_core_types::ValidatorSet<KeisContext> for EngineValidators {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> VotingPower {
        self.0.iter().map(|validator| validator.power).sum()
    }

    fn get_by_address(&self, address: &EngineAddress) -> Option<&EngineValidator> {
        self.0.iter().find(|validator| validator.address == *address)
    }

    fn get_by_index(&self, index: usize) -> Option<&EngineValidator> {
        self.0.get(index)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineProposal {
    pub(crate) height: EngineHeight,
    pub(crate) round: Round,
    pub(crate) value: EngineValue,
    pub(crate) valid_round: Round,
    pub(crate) proposer: EngineAddress,
}

impl malachite_core_types::Proposal<KeisContext> for EngineProposal {
    fn height(&self) -> EngineHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &EngineValue {
        &self.value
    }

    fn take_value(self) -> EngineValue {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &EngineAddress {
        &self.proposer
    }
}

/// The bytes that a proposer signs.
pub(crate) fn proposal_bytes(
    network: &crypto::Hash,
    height: Height,
    round: u32,
    valid_round: Option<u32>,
    block: BlockId,
    proposer: &Address,
) -> Vec<u8> {
    let mut bytes = Domain::Proposal.tag().to_vec();
    bytes.extend(codec::encode(&(*network, height, round, valid_round, block, *proposer)));
    bytes
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EngineVote {
    pub(crate) step: chain::VoteStep,
    pub(crate) height: EngineHeight,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<BlockId>,
    pub(crate) voter: EngineAddress,
}

impl EngineVote {
    /// The block voted for, or none.
    pub(crate) fn block(&self) -> Option<BlockId> {
        match self.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(block) => Some(block),
        }
    }
}

impl malachite_core_types::Vote<KeisContext> for EngineVote {
    fn height(&self) -> EngineHeight {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        match self.step {
            chain::VoteStep::Prevote => VoteType::Prevote,
            chain::VoteStep::Precommit => VoteType::Precommit,
        }
    }

    fn validator_address(&self) -> &EngineAddress {
        &self.voter
    }

    // Votes carry no extensions in this network; the engine is told so at every height.
    fn extension(&self) -> Option<&SignedExtension<KeisContext>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<KeisContext>> {
        None
    }

    fn extend(self, _: SignedExtension<KeisContext>) -> Self {
        self
    }
}

/// A piece of a proposed block on its way to the other validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What follows: opens every stream.
    Head {
        height: Height,
        round: u32,
        valid_round: Option<u32>,
        proposer: Address,
        /// Length of the whole block.
        length: u32,
    },
    /// The next bytes of the block.
    Body(Bytes),
    /// No part of a block: one of two messages that a validator signed for one slot, for that validator to see.
    Accusation(SignedConsensusMsg<KeisContext>),
}

impl malachite_core_types::ProposalPart<KeisContext> for Part {
    fn is_first(&self) -> bool {
        matches!(self, Part::Head { .. })
    }

    // The head says how long the block is; no part is special for being the last.
    fn is_last(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeisContext;

impl Context for KeisContext {
    type Address = EngineAddress;
    type Height = EngineHeight;
    type ProposalPart = Part;
    type Proposal = EngineProposal;
    type Validator = EngineValidator;
    type ValidatorSet = EngineValidators;
    type Timeouts = LinearTimeouts;
    type Value = EngineValue;
    type Vote = EngineVote;
    type Extension = Bytes;
    type SigningScheme = Ed25519Strict;

    /// Validators take turns in the order of their addresses, one step a height and one a round.
    fn select_proposer<'a>(
        &self,
        set: &'a EngineValidators,
        height: EngineHeight,
        round: Round,
    ) -> &'a EngineValidator {
        let round = u64::from(round.as_u32().expect("the engine selects a proposer only for a defined round"));
        let turn = height.0.0.wrapping_sub(1).wrapping_add(round) % set.0.len() as u64;
        &set.0[turn as usize]
    }

    fn new_proposal(
        &self,
        height: EngineHeight,
        round: Round,
        value: EngineValue,
        valid_round: Round,
        proposer: EngineAddress,
    ) -> EngineProposal {
        EngineProposal { height, round, value, valid_round, proposer }
    }

    fn new_prevote(
        &self,
        height: EngineHeight,
        round: Round,
        value: NilOrVal<BlockId>,
        voter: EngineAddress,
    ) -> EngineVote {
        EngineVote { step: chain::VoteStep::Prevote, height, round, value, voter }
    }

    fn new_precommit(
        &self,
        height: EngineHeight,
        round: Round,
        value: NilOrVal<BlockId>,
        voter: EngineAddress,
    ) -> EngineVote {
        EngineVote { step: chain::VoteStep::Precommit, height, round, value, voter }
    }
}
