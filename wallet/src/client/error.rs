//! What goes wrong between a client and the gateways.

use std::collections::BTreeMap;

use keis_ledger::ids::TransactionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why an answer did not come or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No gateway was named.
    #[error("no gateway was named")]
    NoGateway,
    /// An address that is none.
    #[error("`{address}` is no address of a gateway; it begins with http:// or https:// and names a host")]
    Address {
        /// What was given.
        address: String,
    },
    /// The client cannot be made on this machine.
    #[error("the machine cannot make connections")]
    Setup(#[source] reqwest::Error),
    /// No gateway could be reached.
    #[error("{gateway} cannot be reached; {attempts} attempts in all")]
    Unreachable {
        /// The last one tried.
        gateway: String,
        /// Attempts over all gateways.
        attempts: u32,
        /// Why the last one failed.
        source: reqwest::Error,
    },
    /// No gateway could answer.
    #[error("{gateway} cannot answer now; {attempts} attempts in all")]
    Unavailable {
        /// The last one tried.
        gateway: String,
        /// Attempts over all gateways.
        attempts: u32,
        /// What it said.
        #[source]
        problem: Box<Problem>,
    },
    /// A gateway does not take what was asked.
    #[error("the gateway does not take this")]
    Problem(#[source] Box<Problem>),
    /// An answer in another form than this version knows.
    #[error("the answer of {path} has another form than expected")]
    Form {
        /// What was asked.
        path: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// An answer longer than any that is expected.
    #[error("the answer of {path} is longer than {most} bytes")]
    TooLong {
        /// What was asked.
        path: String,
        /// Most bytes.
        most: usize,
    },
    /// An answer that is not about what was asked for.
    #[error("the answer of {path} is about something else")]
    OtherThing {
        /// What was asked.
        path: String,
    },
    /// The fate of a transaction is not known in time.
    #[error("what became of {id} is not known yet; it may still take effect, and may be sent again")]
    TimedOut {
        /// The transaction.
        id: TransactionId,
    },
}

/// A gateway's problem (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{title} ({status}): {detail}")]
pub struct Problem {
    /// Status of the answer.
    #[serde(default)]
    pub status: u16,
    /// Short words for its kind.
    #[serde(default)]
    pub title: String,
    /// Words for this case.
    #[serde(default)]
    pub detail: String,
    /// Stable name of its kind.
    #[serde(default)]
    pub code: String,
    /// Typed fields of its kind.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

/// The rule of the ledger that a transaction breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// Stable name of the rule.
    pub code: String,
    /// Words for people, where the gateway gives them.
    #[serde(default)]
    pub detail: String,
    /// The rule's typed fields.
    #[serde(flatten)]
    pub fields: BTreeMap<String, Value>,
}

impl ClientError {
    /// Whether the same call may succeed a little later.
    pub fn may_pass_later(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unavailable { .. } | Self::TimedOut { .. } => true,
            Self::NoGateway
            | Self::Address { .. }
            | Self::Setup(_)
            | Self::Problem(_)
            | Self::Form { .. }
            | Self::TooLong { .. }
            | Self::OtherThing { .. } => false,
        }
    }
}

impl Problem {
    /// The rejection that a problem carries.
    pub(super) fn into_rejection(mut self) -> Rejection {
        self.fields.remove("type");
        Rejection { code: self.code, detail: self.detail, fields: self.fields }
    }
}
