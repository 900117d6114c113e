//! What institutions decide together: proposals, approvals, and the measures that they bring about.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{ClosureScope, Owner, Party};
use crate::chain::{Height, Validator};
use crate::classifiers::Year;
use crate::crypto::PublicKey;
use crate::ids::{Commitment, DecisionId, InstitutionId, OrderId, ProviderId};
use crate::money::Cents;
use crate::parameters::{NetworkLimits, ProgrammeParameters};
use crate::time::{Span, Timestamp};

/// Longest time for which a proposal stands.
pub const LONGEST_PROPOSAL: Span = Span::days(90);
/// Most proposals of one institution that stand at a time.
pub const MAX_OPEN_DECISIONS: u16 = 100;
/// Most validators of a set.
pub const MAX_VALIDATORS: usize = 100;
/// A version of the rules is switched at the earliest so many blocks after the decision.
pub const SWITCH_NOTICE: u64 = 10;

/// Operations of governance.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GovernanceOperation {
    /// Proposes a measure; the proposer's is the first vote for it.
    Propose {
        /// The decision.
        decision: DecisionId,
        /// What it is to bring about.
        measure: Measure,
        /// It lapses at this instant, if it is not decided.
        until: Timestamp,
    },
    /// Votes for a proposal. The vote that reaches the threshold carries the measure out.
    Approve {
        /// The decision.
        decision: DecisionId,
    },
    /// Takes one's own proposal back.
    Withdraw {
        /// The decision.
        decision: DecisionId,
    },
}

/// How many must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Officers, of the operator or the budget holder, of two different institutions.
    TwoPersons,
    /// More than two thirds of the institutions that hold a validator, by their governance keys.
    TwoThirds,
}

impl Threshold {
    /// Whether so many institutions' votes suffice where `members` institutions hold validators.
    pub fn is_met(self, votes: usize, members: usize) -> bool {
        match self {
            Self::TwoPersons => votes >= 2,
            Self::TwoThirds => votes * 3 > members * 2,
        }
    }

    /// For which institution a key of this owner votes, if at all.
    pub fn voter(self, owner: Owner) -> Option<InstitutionId> {
        match (self, owner) {
            (Self::TwoPersons, Owner::Operator(institution) | Owner::BudgetHolder(institution))
            | (Self::TwoThirds, Owner::Governance(institution)) => Some(institution),
            (Self::TwoPersons, Owner::Governance(_))
            | (Self::TwoThirds, Owner::Operator(_) | Owner::BudgetHolder(_))
            | (Self::TwoPersons | Self::TwoThirds, Owner::Party(_) | Owner::Auditor(_)) => None,
        }
    }
}

/// An institution that joins with a validator, and the keys by which it votes on measures.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Admission {
    /// Who joins.
    pub institution: InstitutionId,
    /// Its governance keys, ascending.
    pub keys: [PublicKey; 2],
}

/// What a decision brings about.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Sets the network's parameters, all but the version of the rules.
    SetNetworkParameters {
        /// The new ones.
        limits: NetworkLimits,
    },
    /// Sets the parameters of an open year.
    SetProgrammeParameters {
        /// The year.
        year: Year,
        /// The new ones.
        parameters: ProgrammeParameters,
    },
    /// Sets the validators as a whole: adds, removes, changes keys and weights.
    SetValidators {
        /// The new set.
        validators: Vec<Validator>,
        /// The institutions that it brings in, ascending.
        admitted: Vec<Admission>,
    },
    /// Gives an officer's key its office.
    AppointOfficer {
        /// The key.
        key: PublicKey,
        /// The office, and whose.
        owner: Owner,
        /// First instant of its use.
        from: Timestamp,
        /// Not accepted from this instant on.
        until: Timestamp,
    },
    /// Ends an officer's key.
    DismissOfficer {
        /// The key.
        key: PublicKey,
    },
    /// Gives an institution other governance keys: after a loss, or in time. Its own vote does not count.
    ReplaceGovernanceKeys {
        /// The institution.
        institution: InstitutionId,
        /// Its keys from now on, ascending; one of them may be an old one.
        keys: [PublicKey; 2],
    },
    /// Switches to the next version of the rules at a height. Takes the place of a switch that waits.
    SwitchProtocol {
        /// The version: one more than the chain's.
        version: u32,
        /// The first block under it.
        height: Height,
    },
    /// Decides a dispute.
    Resolve {
        /// The year.
        year: Year,
        /// The order.
        order: OrderId,
        /// What the provider receives of each line, in their order.
        split: Vec<Cents>,
    },
    /// Gives back what is due of lines, wherever that money is by now.
    Reverse {
        /// The year.
        year: Year,
        /// The order.
        order: OrderId,
        /// The lines, ascending.
        lines: Vec<u16>,
    },
    /// Cancels the standing orders of sessions that cannot take place, without charge.
    ForceMajeure {
        /// The year.
        year: Year,
        /// Sessions that begin from this instant on …
        from: Timestamp,
        /// … and before this one.
        until: Timestamp,
        /// Which of them.
        scope: ClosureScope,
    },
    /// Moves deadlines.
    Extend {
        /// The year.
        year: Year,
        /// Deadlines that fall from this instant on …
        from: Timestamp,
        /// … and before this one …
        until: Timestamp,
        /// … fall so much later.
        by: Span,
    },
    /// Puts a school in the place of a school, or a provider in the place of a provider, for good.
    Succeed {
        /// Whose place is taken.
        from: Party,
        /// Who takes it.
        to: Party,
        /// Years, ascending, whose money of a school passes to its successor.
        years: Vec<Year>,
    },
    /// Binds or changes where a provider is paid.
    ChangePaymentAccount {
        /// The provider.
        provider: ProviderId,
        /// Commitment to the account's number.
        account: Commitment,
    },
}

impl Measure {
    /// How many must agree to it.
    pub fn threshold(&self) -> Threshold {
        match self {
            Self::SetNetworkParameters { .. }
            | Self::SetProgrammeParameters { .. }
            | Self::SetValidators { .. }
            | Self::AppointOfficer { .. }
            | Self::DismissOfficer { .. }
            | Self::ReplaceGovernanceKeys { .. }
            | Self::SwitchProtocol { .. } => Threshold::TwoThirds,
            Self::Resolve { .. }
            | Self::Reverse { .. }
            | Self::ForceMajeure { .. }
            | Self::Extend { .. }
            | Self::Succeed { .. }
            | Self::ChangePaymentAccount { .. } => Threshold::TwoPersons,
        }
    }

    /// The institution whose own vote does not count.
    pub fn without_vote(&self) -> Option<InstitutionId> {
        match self {
            Self::ReplaceGovernanceKeys { institution, .. } => Some(*institution),
            Self::SetNetworkParameters { .. }
            | Self::SetProgrammeParameters { .. }
            | Self::SetValidators { .. }
            | Self::AppointOfficer { .. }
            | Self::DismissOfficer { .. }
            | Self::SwitchProtocol { .. }
            | Self::Resolve { .. }
            | Self::Reverse { .. }
            | Self::ForceMajeure { .. }
            | Self::Extend { .. }
            | Self::Succeed { .. }
            | Self::ChangePaymentAccount { .. } => None,
        }
    }

    /// The version of the rules from which it can be decided.
    pub fn since(&self) -> u32 {
        match self {
            Self::SetNetworkParameters { .. }
            | Self::SetProgrammeParameters { .. }
            | Self::SetValidators { .. }
            | Self::AppointOfficer { .. }
            | Self::DismissOfficer { .. }
            | Self::ReplaceGovernanceKeys { .. }
            | Self::SwitchProtocol { .. } => crate::protocol::FIRST,
            Self::Resolve { .. }
            | Self::Reverse { .. }
            | Self::ForceMajeure { .. }
            | Self::Extend { .. }
            | Self::Succeed { .. }
            | Self::ChangePaymentAccount { .. } => crate::protocol::SECOND,
        }
    }
}
