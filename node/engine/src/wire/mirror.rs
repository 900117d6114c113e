//! Mirrors of the engine's messages in the ledger's codec, and the way between the two.

use bincode::de::read::Reader;
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use bytes::Bytes;
use keis_ledger::chain::{Address, Height, VoteStep};
use keis_ledger::crypto::Signature;
use keis_ledger::ids::BlockId;
use malachite_core_consensus::SignedConsensusMsg;
use malachite_core_types::{
    CommitCertificate, CommitSignature, ExtendedCommitCertificate, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, VoteExtensions, VoteType,
};
use malachite_sync::{RawDecidedValue, Response};

use super::WireError;
use crate::context::{
    EngineAddress, EngineHeight, EngineProposal, EngineValue, EngineVote, KeisContext, Part, Sealed, WITHHELD, round_of,
};

/// Step in which a block's bytes are read.
const PIECE: usize = 64 * 1024;

/// Bytes of a block or of a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Blob(pub(super) Bytes);

impl Encode for Blob {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        encoder.writer().write(&self.0)
    }
}

impl<Context> Decode<Context> for Blob {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let length = u64::decode(decoder)?;
        let mut left = usize::try_from(length).map_err(|_| DecodeError::LimitExceeded)?;
        decoder.claim_bytes_read(left)?;
        let mut bytes = Vec::new();
        while left > 0 {
            let start = bytes.len();
            bytes.resize(start + left.min(PIECE), 0);
            decoder.reader().read(&mut bytes[start..])?;
            left -= bytes.len() - start;
        }
        Ok(Self(bytes.into()))
    }
}

bincode::impl_borrow_decode!(Blob);

/// A list whose memory grows only with the items that are really there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T: Encode> Encode for List<T> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        self.0.iter().try_for_each(|item| item.encode(encoder))
    }
}

impl<Context, T: Decode<Context>> Decode<Context> for List<T> {
    fn decode<D: Decoder<Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let length = u64::decode(decoder)?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::decode(decoder)?);
        }
        Ok(Self(items))
    }
}

impl<'de, Context, T: Decode<Context>> BorrowDecode<'de, Context> for List<T> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = Context>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

#[derive(Encode, Decode)]
pub(super) struct VoteMirror {
    pub(super) step: VoteStep,
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) block: Option<BlockId>,
    pub(super) voter: Address,
    pub(super) signature: Signature,
}

#[derive(Encode, Decode)]
pub(super) struct ProposalMirror {
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) block: BlockId,
    pub(super) valid_round: Option<u32>,
    pub(super) proposer: Address,
    pub(super) signature: Signature,
}

#[derive(Encode, Decode)]
pub(super) struct PolkaMirror {
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) block: BlockId,
    pub(super) signatures: List<(Address, Signature)>,
}

#[derive(Encode, Decode)]
pub(super) struct SkipMirror {
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) precommits: bool,
    pub(super) signatures: List<(VoteStep, Option<BlockId>, Address, Signature)>,
}

#[derive(Encode, Decode)]
pub(super) enum ConsensusMirror {
    Vote(VoteMirror),
    Proposal(ProposalMirror),
}

#[derive(Encode, Decode)]
pub(super) enum LivenessMirror {
    Vote(VoteMirror),
    Polka(PolkaMirror),
    Skip(SkipMirror),
}

#[derive(Encode, Decode)]
pub(super) enum PartMirror {
    Head { height: Height, round: u32, valid_round: Option<u32>, proposer: Address, length: u32 },
    Body(Blob),
    Accusation(ConsensusMirror),
}

#[derive(Encode, Decode)]
pub(super) struct StreamMirror {
    pub(super) id: Blob,
    pub(super) sequence: u64,
    pub(super) part: Option<PartMirror>,
}

#[derive(Encode, Decode)]
pub(super) struct ProposedMirror {
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) valid_round: Option<u32>,
    pub(super) proposer: Address,
    pub(super) block: BlockId,
    pub(super) valid: bool,
}

#[derive(Encode, Decode)]
pub(super) struct DecidedMirror {
    pub(super) block: Blob,
    pub(super) height: Height,
    pub(super) round: Option<u32>,
    pub(super) id: BlockId,
    pub(super) signatures: List<(Address, Signature)>,
}

#[derive(Encode, Decode)]
pub(super) struct ResponseMirror {
    pub(super) start: Height,
    pub(super) values: List<DecidedMirror>,
}

pub(super) fn vote_mirror(vote: &EngineVote, signature: Sealed) -> Result<VoteMirror, WireError> {
    if signature == WITHHELD {
        return Err(WireError::Withheld);
    }
    Ok(VoteMirror {
        step: vote.step,
        height: vote.height.0,
        round: vote.round.as_u32(),
        block: vote.block(),
        voter: vote.voter.0,
        signature: signature.0,
    })
}

pub(super) fn vote_of(mirror: VoteMirror) -> SignedMessage<KeisContext, EngineVote> {
    let vote = EngineVote {
        step: mirror.step,
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value: nil_or(mirror.block),
        voter: EngineAddress(mirror.voter),
    };
    SignedMessage::new(vote, Sealed(mirror.signature))
}

pub(super) fn proposal_of(mirror: ProposalMirror) -> SignedMessage<KeisContext, EngineProposal> {
    let proposal = EngineProposal {
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value: EngineValue(mirror.block),
        valid_round: round_of(mirror.valid_round),
        proposer: EngineAddress(mirror.proposer),
    };
    SignedMessage::new(proposal, Sealed(mirror.signature))
}

pub(super) fn nil_or(block: Option<BlockId>) -> NilOrVal<BlockId> {
    block.map_or(NilOrVal::Nil, NilOrVal::Val)
}

pub(super) fn step_of(kind: VoteType) -> VoteStep {
    match kind {
        VoteType::Prevote => VoteStep::Prevote,
        VoteType::Precommit => VoteStep::Precommit,
    }
}

pub(super) fn type_of(step: VoteStep) -> VoteType {
    match step {
        VoteStep::Prevote => VoteType::Prevote,
        VoteStep::Precommit => VoteType::Precommit,
    }
}

pub(super) fn consensus_mirror(message: &SignedConsensusMsg<KeisContext>) -> Result<ConsensusMirror, WireError> {
    match message {
        SignedConsensusMsg::Vote(vote) => Ok(ConsensusMirror::Vote(vote_mirror(&vote.message, vote.signature)?)),
        SignedConsensusMsg::Proposal(signed) if signed.signature == WITHHELD => Err(WireError::Withheld),
        SignedConsensusMsg::Proposal(signed) => {
            let proposal = &signed.message;
            Ok(ConsensusMirror::Proposal(ProposalMirror {
                height: proposal.height.0,
                round: proposal.round.as_u32(),
                block: proposal.value.0,
                valid_round: proposal.valid_round.as_u32(),
                proposer: proposal.proposer.0,
                signature: signed.signature.0,
            }))
        }
    }
}

pub(super) fn consensus_of(mirror: ConsensusMirror) -> SignedConsensusMsg<KeisContext> {
    match mirror {
        ConsensusMirror::Vote(mirror) => SignedConsensusMsg::Vote(vote_of(mirror)),
        ConsensusMirror::Proposal(mirror) => SignedConsensusMsg::Proposal(proposal_of(mirror)),
    }
}

pub(super) fn polka_mirror(polka: &PolkaCertificate<KeisContext>) -> PolkaMirror {
    PolkaMirror {
        height: polka.height.0,
        round: polka.round.as_u32(),
        block: polka.value_id,
        signatures: List(polka.polka_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect()),
    }
}

pub(super) fn polka_of(mirror: PolkaMirror) -> PolkaCertificate<KeisContext> {
    let sign = |(address, signature)| PolkaSignature::new(EngineAddress(address), Sealed(signature));
    PolkaCertificate {
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value_id: mirror.block,
        polka_signatures: mirror.signatures.0.into_iter().map(sign).collect(),
    }
}

pub(super) fn skip_mirror(skip: &RoundCertificate<KeisContext>) -> SkipMirror {
    let of = |s: &RoundSignature<KeisContext>| {
        let block = match s.value_id {
            NilOrVal::Nil => None,
            NilOrVal::Val(block) => Some(block),
        };
        (step_of(s.vote_type), block, s.address.0, s.signature.0)
    };
    SkipMirror {
        height: skip.height.0,
        round: skip.round.as_u32(),
        precommits: match skip.cert_type {
            RoundCertificateType::Precommit => true,
            RoundCertificateType::Skip => false,
        },
        signatures: List(skip.round_signatures.iter().map(of).collect()),
    }
}

pub(super) fn skip_of(mirror: SkipMirror) -> RoundCertificate<KeisContext> {
    let sign = |(step, block, address, signature)| {
        RoundSignature::new(type_of(step), nil_or(block), EngineAddress(address), Sealed(signature))
    };
    RoundCertificate {
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        cert_type: if mirror.precommits { RoundCertificateType::Precommit } else { RoundCertificateType::Skip },
        round_signatures: mirror.signatures.0.into_iter().map(sign).collect(),
    }
}

pub(super) fn part_mirror(part: &Part) -> Result<PartMirror, WireError> {
    Ok(match part {
        Part::Head { height, round, valid_round, proposer, length } => PartMirror::Head {
            height: *height,
            round: *round,
            valid_round: *valid_round,
            proposer: *proposer,
            length: *length,
        },
        Part::Body(bytes) => PartMirror::Body(Blob(bytes.clone())),
        Part::Accusation(message) => PartMirror::Accusation(consensus_mirror(message)?),
    })
}

pub(super) fn part_of(mirror: PartMirror) -> Part {
    match mirror {
        PartMirror::Head { height, round, valid_round, proposer, length } => {
            Part::Head { height, round, valid_round, proposer, length }
        }
        PartMirror::Body(Blob(bytes)) => Part::Body(bytes),
        PartMirror::Accusation(mirror) => Part::Accusation(consensus_of(mirror)),
    }
}

pub(super) fn response_mirror(response: &Response<KeisContext>) -> ResponseMirror {
    let Response::ValueResponse(values) = response;
    let of = |value: &RawDecidedValue<KeisContext>| DecidedMirror {
        block: Blob(value.value_bytes.clone()),
        height: value.certificate.height.0,
        round: value.certificate.round.as_u32(),
        id: value.certificate.value_id,
        signatures: List(value.certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect()),
    };
    ResponseMirror { start: values.start_height.0, values: List(values.values.iter().map(of).collect()) }
}

pub(super) fn decided_of(mirror: DecidedMirror) -> RawDecidedValue<KeisContext> {
    let certificate = commit_of(mirror.height, round_of(mirror.round), mirror.id, mirror.signatures.0);
    RawDecidedValue::new(mirror.block.0, extended(certificate))
}

/// The engine's form of a certificate.
pub(crate) fn commit_of(
    height: Height,
    round: Round,
    block: BlockId,
    signatures: Vec<(Address, Signature)>,
) -> CommitCertificate<KeisContext> {
    let sign = |(address, signature)| CommitSignature::new(EngineAddress(address), Sealed(signature));
    CommitCertificate {
        height: EngineHeight(height),
        round,
        value_id: block,
        commit_signatures: signatures.into_iter().map(sign).collect(),
    }
}

/// A certificate as value sync carries it: votes here have no extensions.
pub(crate) fn extended(certificate: CommitCertificate<KeisContext>) -> ExtendedCommitCertificate<KeisContext> {
    ExtendedCommitCertificate::from_commit_certificate_and_extensions(certificate, VoteExtensions::default())
}
