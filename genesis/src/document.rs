//! What the founding document says, in memory and as JSON. Knows no rule.

use bincode::{Decode, Encode};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_ledger::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The format that this crate reads and writes.
pub const FORMAT: u32 = 2;

/// The content of a founding document, not yet judged.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Format of the document.
    pub format: u32,
    /// The network's name, for people.
    pub name: String,
    /// Time of the state before the first block, in milliseconds since 1970.
    pub time: Timestamp,
    /// Where the network's time comes from.
    pub clock: ClockKind,
    /// First parameters of the network.
    #[serde(with = "ParametersText")]
    pub parameters: NetworkParameters,
    /// Who runs the validators.
    pub institutions: Vec<Institution>,
    /// Whose keys act for the institutions from the first block on.
    pub officers: Vec<Officer>,
}

/// Where a network's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockKind {
    /// The validators' clocks.
    Real,
    /// A driver steps it; for demonstrations and tests.
    Simulated {
        /// The driver's key.
        driver: PublicKey,
    },
}

/// An institution that runs a validator.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Its id.
    pub id: InstitutionId,
    /// Its name, for people.
    pub name: String,
    /// The key that signs its votes.
    pub consensus_key: PublicKey,
    /// The key that names its node to the other nodes.
    pub network_key: PublicKey,
    /// The keys by which it votes on measures: two, so that the loss of one is no loss of the vote.
    pub governance_keys: [PublicKey; 2],
    /// Weight of its vote.
    pub power: u64,
}

/// What an officer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Office {
    /// Operates the programme.
    Operator,
    /// Holds the budget.
    BudgetHolder,
    /// Reads everything, signs nothing.
    Auditor,
}

/// The key of an officer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// For which institution.
    pub institution: InstitutionId,
    /// In which office.
    pub office: Office,
    /// The key; never a consensus key.
    pub key: PublicKey,
    /// First instant of its use.
    pub from: Timestamp,
    /// Not accepted from this instant on.
    pub until: Timestamp,
}

/// JSON form of [`NetworkParameters`]; unlike the ledger's own it refuses unknown fields.
#[derive(Serialize, Deserialize)]
#[serde(remote = "NetworkParameters", deny_unknown_fields)]
struct ParametersText {
    protocol: u32,
    max_validity: Span,
    step_budget: u32,
    max_block_bytes: u32,
    max_touched: u32,
    clock_bound: Span,
}

/// The parameters with which a network starts, unless its founders say otherwise.
pub fn default_parameters() -> NetworkParameters {
    NetworkParameters {
        protocol: protocol::LATEST,
        max_validity: Span::days(1),
        step_budget: 64,
        max_block_bytes: 1_000_000,
        max_touched: 10_000,
        clock_bound: Span(10_000),
    }
}
