//! What is remembered of the institutions and of what they decide.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::chain::Height;
use crate::crypto::PublicKey;
use crate::ids::InstitutionId;
use crate::operation::Measure;
use crate::time::Timestamp;

/// An institution as governance knows it. Whether it is a member, the validators say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Institution {
    /// Its governance keys.
    pub keys: Vec<PublicKey>,
    /// How many of its proposals stand.
    pub open: u16,
}

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionState {
    /// It waits for votes.
    Open,
    /// It was decided and carried out.
    Executed(Timestamp),
    /// Its proposer took it back.
    Withdrawn(Timestamp),
    /// It was not decided in time.
    Expired(Timestamp),
}

/// An institution's vote for a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Approval {
    /// Whose vote it is.
    pub institution: InstitutionId,
    /// The key that gave it.
    pub key: PublicKey,
    /// When.
    pub at: Timestamp,
}

/// A proposal, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Decision {
    /// What it is to bring about, or brought about.
    pub measure: Measure,
    /// Who proposed it.
    pub proposer: InstitutionId,
    /// When.
    pub proposed: Timestamp,
    /// It lapses at this instant, if it is not decided.
    pub until: Timestamp,
    /// The votes, as they counted when the last of them was given.
    pub approvals: Vec<Approval>,
    /// Where it stands.
    pub state: DecisionState,
}

/// A switch of the rules that was decided and whose height has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ProtocolSwitch {
    /// The version.
    pub version: u32,
    /// The first block under it.
    pub height: Height,
}
