//! Encodings of everything that the engine sends, receives or logs: mirrors of its types in the ledger's one codec.
//!
//! Bytes come from peers. Lists and blocks are decoded piece by piece, so no length prefix makes this node allocate more
//! than the input is long.

use std::sync::Arc;

use bincode::de::read::Reader;
use bincode::de::{BorrowDecode, BorrowDecoder, Decoder};
use bincode::enc::Encoder;
use bincode::enc::write::Writer;
use bincode::error::{DecodeError, EncodeError};
use bincode::{Decode, Encode};
use bytes::Bytes;
use keis_ledger::chain::{Address, Height, VoteStep};
use keis_ledger::codec::{self, CodecError};
use keis_ledger::crypto::Signature;
use keis_ledger::ids::BlockId;
use malachite_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite_codec::{Codec, HasEncodedLen};
use malachite_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachite_core_types::{
    CommitCertificate, CommitSignature, ExtendedCommitCertificate, NilOrVal, PolkaCertificate, PolkaSignature, Round,
    RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, ValidatorProof, Validity, VoteExtensions,
    VoteType,
};
use malachite_sync::{RawDecidedValue, Request, Response, Status, ValueRequest, ValueResponse};

use crate::context::{
    EngineAddress, EngineHeight, EngineProposal, EngineValue, EngineVote, KeisContext, Part, Sealed, WITHHELD, round_of,
};
use crate::engine::Alive;
use crate::guard::{Guard, Message};
use crate::witness::Witness;

/// Longest stream id accepted from a peer, in bytes.
const MAX_STREAM_ID: usize = 64;
/// Step in which a block's bytes are read.
const PIECE: usize = 64 * 1024;

/// The codec of the network or of the engine's log. Both know one thing beside the bytes, both optional:
/// the network's tells the witness what heights peers work on, the log's tells the guard what the engine remembers.
#[derive(Clone)]
pub(crate) struct Wire {
    witness: Option<Arc<Witness>>,
    guard: Option<Arc<Guard>>,
    _alive: Alive,
}

/// Why a message has no encoding or bytes are no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("the message was left unsigned by the sign guard and is not sent")]
    Withheld,
    #[error("the {0} is out of bounds")]
    Bounds(&'static str),
}

impl Wire {
    pub(crate) fn of_network(witness: Arc<Witness>, alive: Alive) -> Self {
        Self { witness: Some(witness), guard: None, _alive: alive }
    }

    pub(crate) fn of_log(guard: Option<Arc<Guard>>, alive: Alive) -> Self {
        Self { witness: None, guard, _alive: alive }
    }

    fn heard(&self, height: Height) {
        if let Some(witness) = &self.witness {
            witness.heard(height);
        }
    }
}

/// Bytes of a block or of a piece of one.
#[derive(Debug, PartialEq, Eq)]
struct Blob(Bytes);

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
struct List<T>(Vec<T>);

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
struct VoteMirror {
    step: VoteStep,
    height: Height,
    round: Option<u32>,
    block: Option<BlockId>,
    voter: Address,
    signature: Signature,
}

#[derive(Encode, Decode)]
struct ProposalMirror {
    height: Height,
    round: Option<u32>,
    block: BlockId,
    valid_round: Option<u32>,
    proposer: Address,
    signature: Signature,
}

#[derive(Encode, Decode)]
struct PolkaMirror {
    height: Height,
    round: Option<u32>,
    block: BlockId,
    signatures: List<(Address, Signature)>,
}

#[derive(Encode, Decode)]
struct SkipMirror {
    height: Height,
    round: Option<u32>,
    precommits: bool,
    signatures: List<(VoteStep, Option<BlockId>, Address, Signature)>,
}

#[derive(Encode, Decode)]
enum ConsensusMirror {
    Vote(VoteMirror),
    Proposal(ProposalMirror),
}

#[derive(Encode, Decode)]
enum LivenessMirror {
    Vote(VoteMirror),
    Polka(PolkaMirror),
    Skip(SkipMirror),
}

#[derive(Encode, Decode)]
enum PartMirror {
    Head { height: Height, round: u32, valid_round: Option<u32>, proposer: Address, length: u32 },
    Body(Blob),
    Accusation(ConsensusMirror),
}

#[derive(Encode, Decode)]
struct StreamMirror {
    id: Blob,
    sequence: u64,
    part: Option<PartMirror>,
}

#[derive(Encode, Decode)]
struct ProposedMirror {
    height: Height,
    round: Option<u32>,
    valid_round: Option<u32>,
    proposer: Address,
    block: BlockId,
    valid: bool,
}

#[derive(Encode, Decode)]
struct DecidedMirror {
    block: Blob,
    height: Height,
    round: Option<u32>,
    id: BlockId,
    signatures: List<(Address, Signature)>,
}

#[derive(Encode, Decode)]
struct ResponseMirror {
    start: Height,
    values: List<DecidedMirror>,
}

fn vote_mirror(vote: &EngineVote, signature: Sealed) -> Result<VoteMirror, WireError> {
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

fn vote_of(mirror: VoteMirror) -> SignedMessage<KeisContext, EngineVote> {
    let vote = EngineVote {
        step: mirror.step,
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value: nil_or(mirror.block),
        voter: EngineAddress(mirror.voter),
    };
    SignedMessage::new(vote, Sealed(mirror.signature))
}

fn proposal_of(mirror: ProposalMirror) -> SignedMessage<KeisContext, EngineProposal> {
    let proposal = EngineProposal {
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value: EngineValue(mirror.block),
        valid_round: round_of(mirror.valid_round),
        proposer: EngineAddress(mirror.proposer),
    };
    SignedMessage::new(proposal, Sealed(mirror.signature))
}

fn nil_or(block: Option<BlockId>) -> NilOrVal<BlockId> {
    block.map_or(NilOrVal::Nil, NilOrVal::Val)
}

fn step_of(kind: VoteType) -> VoteStep {
    match kind {
        VoteType::Prevote => VoteStep::Prevote,
        VoteType::Precommit => VoteStep::Precommit,
    }
}

fn type_of(step: VoteStep) -> VoteType {
    match step {
        VoteStep::Prevote => VoteType::Prevote,
        VoteStep::Precommit => VoteType::Precommit,
    }
}

fn consensus_mirror(message: &SignedConsensusMsg<KeisContext>) -> Result<ConsensusMirror, WireError> {
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

fn consensus_of(mirror: ConsensusMirror) -> SignedConsensusMsg<KeisContext> {
    match mirror {
        ConsensusMirror::Vote(mirror) => SignedConsensusMsg::Vote(vote_of(mirror)),
        ConsensusMirror::Proposal(mirror) => SignedConsensusMsg::Proposal(proposal_of(mirror)),
    }
}

fn polka_mirror(polka: &PolkaCertificate<KeisContext>) -> PolkaMirror {
    PolkaMirror {
        height: polka.height.0,
        round: polka.round.as_u32(),
        block: polka.value_id,
        signatures: List(polka.polka_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect()),
    }
}

fn polka_of(mirror: PolkaMirror) -> PolkaCertificate<KeisContext> {
    let sign = |(address, signature)| PolkaSignature::new(EngineAddress(address), Sealed(signature));
    PolkaCertificate {
        height: EngineHeight(mirror.height),
        round: round_of(mirror.round),
        value_id: mirror.block,
        polka_signatures: mirror.signatures.0.into_iter().map(sign).collect(),
    }
}

fn skip_mirror(skip: &RoundCertificate<KeisContext>) -> SkipMirror {
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

fn skip_of(mirror: SkipMirror) -> RoundCertificate<KeisContext> {
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

impl Codec<SignedConsensusMsg<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<SignedConsensusMsg<KeisContext>, WireError> {
        let mirror = codec::decode(&bytes)?;
        match &mirror {
            ConsensusMirror::Vote(vote) => {
                self.heard(vote.height);
                if let (Some(guard), Some(round)) = (&self.guard, vote.round) {
                    guard.remembered(&vote.voter, &Message::vote(vote.step, vote.height, round, vote.block));
                }
            }
            ConsensusMirror::Proposal(proposal) => self.heard(proposal.height),
        }
        Ok(consensus_of(mirror))
    }

    fn encode(&self, message: &SignedConsensusMsg<KeisContext>) -> Result<Bytes, WireError> {
        Ok(codec::encode(&consensus_mirror(message)?).into())
    }
}

impl Codec<LivenessMsg<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<LivenessMsg<KeisContext>, WireError> {
        Ok(match codec::decode::<LivenessMirror>(&bytes)? {
            LivenessMirror::Vote(mirror) => {
                self.heard(mirror.height);
                LivenessMsg::Vote(vote_of(mirror))
            }
            LivenessMirror::Polka(mirror) => LivenessMsg::PolkaCertificate(polka_of(mirror)),
            LivenessMirror::Skip(mirror) => LivenessMsg::SkipRoundCertificate(skip_of(mirror)),
        })
    }

    fn encode(&self, message: &LivenessMsg<KeisContext>) -> Result<Bytes, WireError> {
        let mirror = match message {
            LivenessMsg::Vote(vote) => LivenessMirror::Vote(vote_mirror(&vote.message, vote.signature)?),
            LivenessMsg::PolkaCertificate(polka) => LivenessMirror::Polka(polka_mirror(polka)),
            LivenessMsg::SkipRoundCertificate(skip) => LivenessMirror::Skip(skip_mirror(skip)),
        };
        Ok(codec::encode(&mirror).into())
    }
}

fn part_mirror(part: &Part) -> Result<PartMirror, WireError> {
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

fn part_of(mirror: PartMirror) -> Part {
    match mirror {
        PartMirror::Head { height, round, valid_round, proposer, length } => {
            Part::Head { height, round, valid_round, proposer, length }
        }
        PartMirror::Body(Blob(bytes)) => Part::Body(bytes),
        PartMirror::Accusation(mirror) => Part::Accusation(consensus_of(mirror)),
    }
}

impl Codec<Part> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Part, WireError> {
        Ok(part_of(codec::decode(&bytes)?))
    }

    fn encode(&self, part: &Part) -> Result<Bytes, WireError> {
        Ok(codec::encode(&part_mirror(part)?).into())
    }
}

impl Codec<StreamMessage<Part>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<StreamMessage<Part>, WireError> {
        let mirror: StreamMirror = codec::decode(&bytes)?;
        if mirror.id.0.len() > MAX_STREAM_ID {
            return Err(WireError::Bounds("stream id"));
        }
        let content = mirror.part.map_or(StreamContent::Fin, |part| StreamContent::Data(part_of(part)));
        Ok(StreamMessage::new(StreamId::new(mirror.id.0), mirror.sequence, content))
    }

    fn encode(&self, message: &StreamMessage<Part>) -> Result<Bytes, WireError> {
        let part = message.content.as_data().map(part_mirror).transpose()?;
        let mirror = StreamMirror { id: Blob(message.stream_id.to_bytes()), sequence: message.sequence, part };
        Ok(codec::encode(&mirror).into())
    }
}

impl Codec<ValidatorProof<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<ValidatorProof<KeisContext>, WireError> {
        let (key, peer, signature): (Blob, Blob, Signature) = codec::decode(&bytes)?;
        Ok(ValidatorProof::new(key.0.to_vec(), peer.0.to_vec(), Sealed(signature)))
    }

    fn encode(&self, proof: &ValidatorProof<KeisContext>) -> Result<Bytes, WireError> {
        let key = Blob(proof.public_key.clone().into());
        let peer = Blob(proof.peer_id.clone().into());
        Ok(codec::encode(&(key, peer, proof.signature.0)).into())
    }
}

impl Codec<ProposedValue<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<ProposedValue<KeisContext>, WireError> {
        let mirror: ProposedMirror = codec::decode(&bytes)?;
        Ok(ProposedValue {
            height: EngineHeight(mirror.height),
            round: round_of(mirror.round),
            valid_round: round_of(mirror.valid_round),
            proposer: EngineAddress(mirror.proposer),
            value: EngineValue(mirror.block),
            validity: Validity::from_bool(mirror.valid),
        })
    }

    fn encode(&self, value: &ProposedValue<KeisContext>) -> Result<Bytes, WireError> {
        let mirror = ProposedMirror {
            height: value.height.0,
            round: value.round.as_u32(),
            valid_round: value.valid_round.as_u32(),
            proposer: value.proposer.0,
            block: value.value.0,
            valid: value.validity.to_bool(),
        };
        Ok(codec::encode(&mirror).into())
    }
}

impl Codec<PolkaCertificate<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<PolkaCertificate<KeisContext>, WireError> {
        Ok(polka_of(codec::decode(&bytes)?))
    }

    fn encode(&self, polka: &PolkaCertificate<KeisContext>) -> Result<Bytes, WireError> {
        Ok(codec::encode(&polka_mirror(polka)).into())
    }
}

impl Codec<Status<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Status<KeisContext>, WireError> {
        let (peer, tip, lowest): (Blob, Height, Height) = codec::decode(&bytes)?;
        if let Some(witness) = &self.witness {
            witness.peer_tip(tip);
        }
        Ok(Status {
            peer_id: malachite_sync::PeerId::from_bytes(&peer.0).map_err(|_| WireError::Bounds("peer id"))?,
            tip_height: EngineHeight(tip),
            history_min_height: EngineHeight(lowest),
        })
    }

    fn encode(&self, status: &Status<KeisContext>) -> Result<Bytes, WireError> {
        let peer = Blob(status.peer_id.to_bytes().into());
        Ok(codec::encode(&(peer, status.tip_height.0, status.history_min_height.0)).into())
    }
}

impl Codec<Request<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Request<KeisContext>, WireError> {
        let (first, last): (Height, Height) = codec::decode(&bytes)?;
        if last < first {
            return Err(WireError::Bounds("range of heights"));
        }
        Ok(Request::ValueRequest(ValueRequest::new(EngineHeight(first)..=EngineHeight(last))))
    }

    fn encode(&self, request: &Request<KeisContext>) -> Result<Bytes, WireError> {
        let Request::ValueRequest(values) = request;
        Ok(codec::encode(&(values.range.start().0, values.range.end().0)).into())
    }
}

fn response_mirror(response: &Response<KeisContext>) -> ResponseMirror {
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

fn decided_of(mirror: DecidedMirror) -> RawDecidedValue<KeisContext> {
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

impl Codec<Response<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Response<KeisContext>, WireError> {
        let mirror: ResponseMirror = codec::decode(&bytes)?;
        let values = mirror.values.0.into_iter().map(decided_of).collect();
        Ok(Response::ValueResponse(ValueResponse::new(EngineHeight(mirror.start), values)))
    }

    fn encode(&self, response: &Response<KeisContext>) -> Result<Bytes, WireError> {
        Ok(codec::encode(&response_mirror(response)).into())
    }
}

impl HasEncodedLen<Response<KeisContext>> for Wire {
    fn encoded_len(&self, response: &Response<KeisContext>) -> Result<usize, WireError> {
        Ok(codec::encode(&response_mirror(response)).len())
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
