//! The engine's signer, which asks the guard, and its verifier, which tells the witness and the guard what holds.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use keis_ledger::chain::{Address, vote_bytes};
use keis_ledger::crypto::{Hash, PublicKey};
use malachite_core_consensus::SignedConsensusMsg;
use malachite_core_types::{NilOrVal, SignedMessage, ValidatorProof, VoteExtensionScope};
use malachite_signing::{Error, Signer, VerificationResult, Verifier};

use crate::context::{EngineProposal, EngineVote, KeisContext, Sealed, WITHHELD, proposal_bytes, round_of};
use crate::engine::Alive;
use crate::guard::{Answer, Guard, GuardError, Message, Withheld};
use crate::witness::Witness;

/// Votes carry no extensions and peers no proofs here: peers are known by the list, and the engine is told so.
#[derive(Debug, thiserror::Error)]
#[error("{0} are not used in this network")]
struct Unused(&'static str);

pub(crate) struct StrictVerifier {
    pub(crate) network: Hash,
    pub(crate) witness: Arc<Witness>,
    pub(crate) guard: Option<Arc<Guard>>,
    pub(crate) _alive: Alive,
}

impl StrictVerifier {
    /// A message that verified is shown to the guard when it is of the guard's own key.
    fn show(&self, sender: &Address, message: &Message) {
        let Some(guard) = self.guard.as_ref().filter(|guard| guard.address() == *sender) else { return };
        if let Err(error) = guard.seen(message) {
            // The guard has failed now: the next request to sign stops the engine.
            tracing::error!(%error, "the sign guard could not record a message of its own key");
        }
    }
}

#[async_trait]
impl Verifier<KeisContext> for StrictVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &EngineVote,
        signature: &Sealed,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let Some(round) = vote.round.as_u32().filter(|_| *signature != WITHHELD) else {
            return Ok(VerificationResult::Invalid);
        };
        let (height, voter) = (vote.height.0, vote.voter.0);
        let bytes = vote_bytes(&self.network, vote.step, height, round, vote.block(), &voter);
        let holds = key.verify(&bytes, &signature.0);
        if holds {
            if let Some(block) = vote.block() {
                self.witness.verified(vote.step, height, round, block, voter);
            }
            self.show(&voter, &Message::vote(vote.step, height, round, vote.block()));
        }
        Ok(VerificationResult::from_bool(holds))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &EngineProposal,
        signature: &Sealed,
        key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let Some(round) = proposal.round.as_u32().filter(|_| *signature != WITHHELD) else {
            return Ok(VerificationResult::Invalid);
        };
        let (height, block, proposer) = (proposal.height.0, proposal.value.0, proposal.proposer.0);
        let valid_round = proposal.valid_round.as_u32();
        let bytes = proposal_bytes(&self.network, height, round, valid_round, block, &proposer);
        let holds = key.verify(&bytes, &signature.0);
        if holds {
            self.show(&proposer, &Message::proposal(height, round, valid_round, block));
        }
        Ok(VerificationResult::from_bool(holds))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<KeisContext>,
        _: &Bytes,
        _: &Sealed,
        _: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, _: &ValidatorProof<KeisContext>) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }
}

/// The guard's form of a message, with its sender; the engine's "nil" round has none.
pub(crate) fn message_of(message: &SignedConsensusMsg<KeisContext>) -> Option<(Address, Message)> {
    let round = message.round().as_u32()?;
    Some(match message {
        SignedConsensusMsg::Vote(vote) => (vote.voter.0, Message::vote(vote.step, vote.height.0, round, vote.block())),
        SignedConsensusMsg::Proposal(proposal) => {
            let valid_round = proposal.valid_round.as_u32();
            (proposal.proposer.0, Message::proposal(proposal.height.0, round, valid_round, proposal.value.0))
        }
    })
}

/// Shows the guard a message that some peer says is of its key, when the signature bears that out.
pub(crate) fn accuse(
    guard: &Guard,
    network: &Hash,
    message: &SignedConsensusMsg<KeisContext>,
) -> Result<(), GuardError> {
    let Some((sender, claimed)) = message_of(message).filter(|(sender, _)| *sender == guard.address()) else {
        return Ok(());
    };
    if guard.public_key().verify(&claimed.bytes(network, &sender), &message.signature().0) {
        guard.seen(&claimed)?;
    }
    Ok(())
}

pub(crate) struct GuardedSigner {
    pub(crate) guard: Arc<Guard>,
    /// Dropped after the guard.
    pub(crate) alive: Alive,
}

impl GuardedSigner {
    /// Asks the guard away from the engine's threads: it waits for the disk.
    async fn ask(&self, message: Message) -> Result<Answer, Error> {
        let (guard, alive) = (self.guard.clone(), self.alive.clone());
        let sign = move || {
            let answer = guard.sign(&message);
            drop(guard);
            drop(alive);
            answer
        };
        let asked = tokio::task::spawn_blocking(sign).await;
        let answer: Result<Answer, GuardError> = asked.map_err(Error::from_source)?;
        let answer = answer.map_err(Error::from_source)?;
        if let Answer::Withheld(reason) = answer {
            report(&message, reason);
        }
        Ok(answer)
    }
}

fn report(message: &Message, reason: Withheld) {
    match reason {
        Withheld::NotActive => tracing::debug!(height = %message.height(), "following unsigned"),
        Withheld::Old | Withheld::Abstaining | Withheld::OtherProposal | Withheld::ForgottenLock => {
            tracing::warn!(height = %message.height(), ?reason, ?message, "the sign guard withheld a signature");
        }
    }
}

// A signer that fails stops the engine; a withheld signature must not. The message goes back with a signature that never
// verifies: the engine drops it as its own invalid vote, the codec refuses to send it, and the height is followed.
#[async_trait]
impl Signer<KeisContext> for GuardedSigner {
    async fn sign_vote(&self, vote: EngineVote) -> Result<SignedMessage<KeisContext, EngineVote>, Error> {
        let Some(round) = vote.round.as_u32() else { return Ok(SignedMessage::new(vote, WITHHELD)) };
        let asked = Message::vote(vote.step, vote.height.0, round, vote.block());
        Ok(match self.ask(asked).await? {
            Answer::Signed(message, signature) => {
                let value = message.block().map_or(NilOrVal::Nil, NilOrVal::Val);
                SignedMessage::new(EngineVote { value, ..vote }, Sealed(signature))
            }
            Answer::Withheld(_) => SignedMessage::new(vote, WITHHELD),
        })
    }

    async fn sign_proposal(
        &self,
        proposal: EngineProposal,
    ) -> Result<SignedMessage<KeisContext, EngineProposal>, Error> {
        let Some(round) = proposal.round.as_u32() else { return Ok(SignedMessage::new(proposal, WITHHELD)) };
        let valid_round = proposal.valid_round.as_u32();
        debug_assert_eq!(round_of(valid_round), proposal.valid_round);
        let asked = Message::proposal(proposal.height.0, round, valid_round, proposal.value.0);
        // The guard answers a proposal with itself or not at all.
        Ok(match self.ask(asked).await? {
            Answer::Signed(_, signature) => SignedMessage::new(proposal, Sealed(signature)),
            Answer::Withheld(_) => SignedMessage::new(proposal, WITHHELD),
        })
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<KeisContext>,
        _: Bytes,
    ) -> Result<SignedMessage<KeisContext, Bytes>, Error> {
        Err(Error::from_source(Unused("vote extensions")))
    }

    async fn sign_validator_proof(&self, _: Vec<u8>, _: Vec<u8>) -> Result<ValidatorProof<KeisContext>, Error> {
        Err(Error::from_source(Unused("validator proofs")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
