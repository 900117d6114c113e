//! Encodings of everything that the engine sends, receives or logs: mirrors of its types in the ledger's one codec.
//!
//! Bytes come from peers. Lists and blocks are decoded piece by piece, so no length prefix makes this node allocate more
//! than the input is long.

mod mirror;

use std::sync::Arc;

use bytes::Bytes;
use keis_ledger::chain::Height;
use keis_ledger::codec::{self, CodecError};
use keis_ledger::crypto::Signature;
use malachite_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite_codec::{Codec, HasEncodedLen};
use malachite_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachite_core_types::{PolkaCertificate, ValidatorProof, Validity};
use malachite_sync::{Request, Response, Status, ValueRequest, ValueResponse};

use crate::context::{EngineAddress, EngineHeight, EngineValue, KeisContext, Part, Sealed, round_of};
use crate::engine::Alive;
use crate::guard::{Guard, GuardError, Message};
use crate::witness::Witness;
use mirror::{
    Blob, ConsensusMirror, LivenessMirror, ProposedMirror, ResponseMirror, StreamMirror, consensus_mirror,
    consensus_of, decided_of, part_mirror, part_of, polka_mirror, polka_of, response_mirror, skip_mirror, skip_of,
    vote_mirror, vote_of,
};
pub(crate) use mirror::{commit_of, extended};

/// Longest stream id accepted from a peer, in bytes.
const MAX_STREAM_ID: usize = 64;

/// The codec of the network or of the engine's log. The network's tells the witness what heights peers work on, and lets
/// nothing leave before the guard has settled what it signed; the log's tells the guard what the engine remembers.
#[derive(Clone)]
pub(crate) struct Wire {
    to: To,
    guard: Option<Arc<Guard>>,
    _alive: Alive,
}

#[derive(Clone)]
enum To {
    Network(Arc<Witness>),
    Log,
}

/// Why a message has no encoding or bytes are no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("the message was left unsigned by the sign guard and is not sent")]
    Withheld,
    #[error("the message is not sent: {0}")]
    Unsettled(#[from] GuardError),
    #[error("the {0} is out of bounds")]
    Bounds(&'static str),
}

impl Wire {
    pub(crate) fn of_network(witness: Arc<Witness>, guard: Option<Arc<Guard>>, alive: Alive) -> Self {
        Self { to: To::Network(witness), guard, _alive: alive }
    }

    pub(crate) fn of_log(guard: Option<Arc<Guard>>, alive: Alive) -> Self {
        Self { to: To::Log, guard, _alive: alive }
    }

    /// Makes durable what the guard has signed. Waits for the disk.
    pub(crate) fn settle(&self) -> Result<(), GuardError> {
        self.guard.as_ref().map_or(Ok(()), |guard| guard.settle())
    }

    /// Before a message with signatures leaves. The engine has them settled with its log, but not while it recovers.
    fn leaves(&self) -> Result<(), GuardError> {
        match self.to {
            To::Network(_) => self.settle(),
            To::Log => Ok(()),
        }
    }

    fn witness(&self) -> Option<&Witness> {
        match &self.to {
            To::Network(witness) => Some(witness),
            To::Log => None,
        }
    }

    fn heard(&self, height: Height) {
        if let Some(witness) = self.witness() {
            witness.heard(height);
        }
    }
}

impl Codec<SignedConsensusMsg<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<SignedConsensusMsg<KeisContext>, WireError> {
        let mirror = codec::decode(&bytes)?;
        match &mirror {
            ConsensusMirror::Vote(vote) => {
                self.heard(vote.height);
                if let (To::Log, Some(guard), Some(round)) = (&self.to, &self.guard, vote.round) {
                    guard.remembered(&vote.voter, &Message::vote(vote.step, vote.height, round, vote.block));
                }
            }
            ConsensusMirror::Proposal(proposal) => self.heard(proposal.height),
        }
        Ok(consensus_of(mirror))
    }

    fn encode(&self, message: &SignedConsensusMsg<KeisContext>) -> Result<Bytes, WireError> {
        self.leaves()?;
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
        self.leaves()?;
        let mirror = match message {
            LivenessMsg::Vote(vote) => LivenessMirror::Vote(vote_mirror(&vote.message, vote.signature)?),
            LivenessMsg::PolkaCertificate(polka) => LivenessMirror::Polka(polka_mirror(polka)),
            LivenessMsg::SkipRoundCertificate(skip) => LivenessMirror::Skip(skip_mirror(skip)),
        };
        Ok(codec::encode(&mirror).into())
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
        if let Some(witness) = self.witness() {
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

impl Codec<Response<KeisContext>> for Wire {
    type Error = WireError;

    fn decode(&self, bytes: Bytes) -> Result<Response<KeisContext>, WireError> {
        let mirror: ResponseMirror = codec::decode(&bytes)?;
        let values = mirror.values.0.into_iter().map(decided_of).collect();
        Ok(Response::ValueResponse(ValueResponse::new(EngineHeight(mirror.start), values)))
    }

    fn encode(&self, response: &Response<KeisContext>) -> Result<Bytes, WireError> {
        self.leaves()?;
        Ok(codec::encode(&response_mirror(response)).into())
    }
}

impl HasEncodedLen<Response<KeisContext>> for Wire {
    fn encoded_len(&self, response: &Response<KeisContext>) -> Result<usize, WireError> {
        Ok(codec::encode(&response_mirror(response)).len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
