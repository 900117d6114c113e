//! How the chain's parts lie in the store: decisions, receipts, and what is noted beside a proposal.

use bincode::{Decode, Encode};
use keis_ledger::chain::{Address, Certificate, Header, Height};
use keis_ledger::codec;
use keis_ledger::receipt::FullReceipt;

use super::error::ChainError;

/// What is stored beside a decided block: enough to answer for it without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Decision {
    pub(crate) header: Header,
    pub(crate) certificate: Certificate,
}

/// This node's judgement of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) enum Judgement {
    /// It follows from the tip.
    Valid,
    /// It follows from the tip, and was too far ahead of this node's clock when it came fresh.
    Early,
    /// It breaks a rule.
    Invalid,
}

/// What is stored beside a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Note {
    pub(super) proposer: Address,
    pub(super) valid_round: Option<u32>,
    pub(super) judgement: Judgement,
    /// Built here, for this very round.
    pub(super) own: bool,
}

impl Decision {
    pub(super) fn decode(bytes: &[u8], height: Height) -> Result<Self, ChainError> {
        codec::decode(bytes).map_err(|_| ChainError::Malformed { what: "the decision", height })
    }
}

/// The votes among what a store keeps beside a decided block.
///
/// # Errors
/// [`ChainError::Malformed`] when the bytes are something else.
pub fn stored_certificate(bytes: &[u8], height: Height) -> Result<Certificate, ChainError> {
    Decision::decode(bytes, height).map(|decision| decision.certificate)
}

pub(super) fn decode_receipts(bytes: &[u8], height: Height) -> Result<Vec<FullReceipt>, ChainError> {
    codec::decode(bytes).map_err(|_| ChainError::Malformed { what: "the list of receipts", height })
}
