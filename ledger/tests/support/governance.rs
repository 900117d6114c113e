//! Institutions that decide: their keys, and short names for what they propose.

use keis_ledger::block::Builder;
use keis_ledger::chain::{Height, Validator};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{Admission, GovernanceOperation, Measure, Operation, Owner};
use keis_ledger::parameters::{NetworkLimits, NetworkParameters};
use keis_ledger::receipt::{FullReceipt, Kind};
use keis_ledger::record::{Decision, Entity, Institution, Key, Network, Record};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::tree::TreeKey;

use super::{World, network_parameters, proposer, secret, validators_of};

pub fn institution(number: u8) -> InstitutionId {
    InstitutionId([number; 16])
}

pub fn decision(number: u8) -> DecisionId {
    DecisionId([number; 16])
}

/// Number of the secret of an institution's governance key; each has two.
pub fn vote(number: u8) -> u8 {
    100 + 2 * number
}

pub fn second_vote(number: u8) -> u8 {
    101 + 2 * number
}

/// The consensus key with which an institution was founded.
pub fn consensus(number: u8) -> PublicKey {
    secret(200 + number).public()
}

pub fn two(one: u8, other: u8) -> [PublicKey; 2] {
    let mut keys = [secret(one).public(), secret(other).public()];
    keys.sort_unstable();
    keys
}

pub fn governance_keys(number: u8) -> [PublicKey; 2] {
    two(vote(number), second_vote(number))
}

pub fn validator(number: u8, power: u64) -> Validator {
    Validator { institution: institution(number), key: consensus(number), power }
}

pub fn admission(number: u8) -> Admission {
    Admission { institution: institution(number), keys: governance_keys(number) }
}

fn records(institutions: u8) -> Vec<(TreeKey, Record)> {
    let of = |number: u8| {
        let keys = governance_keys(number);
        let bound = Key::governance(institution(number), Timestamp(0));
        let mut records: Vec<_> =
            keys.map(|key| (Key::key(key).place(), bound.clone().into_record())).into_iter().collect();
        let member = Institution { keys: keys.to_vec(), open: 0 };
        records.push((Institution::key(institution(number)).place(), member.into_record()));
        records
    };
    (1..=institutions).flat_map(of).collect()
}

impl World {
    /// A network of so many institutions that can decide, under a version of the rules.
    pub fn governed_under(protocol: u32, institutions: u8) -> Self {
        let parameters = NetworkParameters { protocol, ..network_parameters() };
        Self::from_state(super::founding(parameters, validators_of(institutions), records(institutions)))
    }

    /// The same, with another number of clock steps a block.
    pub fn governed_with_budget(institutions: u8, step_budget: u32) -> Self {
        let parameters = NetworkParameters { step_budget, ..network_parameters() };
        Self::from_state(super::founding(parameters, validators_of(institutions), records(institutions)))
    }

    pub fn governed(institutions: u8) -> Self {
        Self::governed_under(keis_ledger::protocol::LATEST, institutions)
    }

    /// The last instant of a proposal that is made now and stands a week.
    pub fn in_a_week(&self) -> Timestamp {
        self.next_time().after(Span::days(7))
    }

    pub fn propose(&mut self, number: u8, by: u8, measure: &Measure) -> Result<FullReceipt, Rejection> {
        let until = self.in_a_week();
        let (decision, measure) = (decision(number), measure.clone());
        self.submit(by, Operation::Governance(GovernanceOperation::Propose { decision, measure, until }))
    }

    pub fn approve(&mut self, number: u8, by: u8) -> Result<FullReceipt, Rejection> {
        self.submit(by, approve(number))
    }

    /// A measure proposed and approved by these keys, the last of which decides.
    pub fn decided(&mut self, number: u8, by: &[u8], measure: &Measure) -> FullReceipt {
        let [first, between @ .., last] = by else { panic!("nobody decides alone") };
        let proposed = self.propose(number, *first, measure).expect("it can be proposed");
        assert_eq!(proposed.receipt.kind, Kind::DecisionProposed);
        for one in between {
            let approved = self.approve(number, *one).expect("a vote");
            assert_eq!(approved.receipt.kind, Kind::DecisionApproved, "the vote of {one} does not decide yet");
        }
        let full = self.approve(number, *last).expect("it is decided");
        assert_ne!(full.receipt.kind, Kind::DecisionApproved, "the vote of {last} decides");
        assert_eq!(full.receipt.subject.decision, Some(decision(number)));
        full
    }

    /// The rejection of a proposal.
    pub fn refuses(&self, by: u8, measure: &Measure) -> Rejection {
        self.clone().propose(99, by, measure).expect_err("nobody may do this")
    }

    /// Blocks without transactions, up to a height.
    pub fn pass(&mut self, height: Height) {
        while self.tip.height < height {
            let builder = Builder::start(&self.tip, self.next_time()).expect("time goes on");
            let header = self.decide(builder).block.header;
            assert_eq!(header.proposer, proposer());
        }
    }

    pub fn network(&self) -> &Network {
        self.get::<Network>(())
    }

    pub fn decision(&self, number: u8) -> &Decision {
        self.get::<Decision>(decision(number))
    }
}

pub fn approve(number: u8) -> Operation {
    Operation::Governance(GovernanceOperation::Approve { decision: decision(number) })
}

pub fn withdraw(number: u8) -> Operation {
    Operation::Governance(GovernanceOperation::Withdraw { decision: decision(number) })
}

/// The network's limits with another number of steps a block.
pub fn steps(step_budget: u32) -> Measure {
    let limits = NetworkLimits { step_budget, ..limits() };
    Measure::SetNetworkParameters { limits }
}

pub fn limits() -> NetworkLimits {
    let NetworkParameters { max_validity, step_budget, max_block_bytes, max_touched, clock_bound, .. } =
        network_parameters();
    NetworkLimits { max_validity, step_budget, max_block_bytes, max_touched, clock_bound }
}

pub fn set(validators: &[Validator], admitted: &[u8]) -> Measure {
    let admitted = admitted.iter().map(|number| admission(*number)).collect();
    Measure::SetValidators { validators: validators.to_vec(), admitted }
}

/// The validators of these institutions, of one weight.
pub fn equals(numbers: impl IntoIterator<Item = u8>) -> Vec<Validator> {
    numbers.into_iter().map(|number| validator(number, 1)).collect()
}

pub fn appoint(key: u8, owner: Owner, (from, until): (Timestamp, Timestamp)) -> Measure {
    Measure::AppointOfficer { key: secret(key).public(), owner, from, until }
}

pub fn dismiss(key: u8) -> Measure {
    Measure::DismissOfficer { key: secret(key).public() }
}

pub fn replace(number: u8, keys: [PublicKey; 2]) -> Measure {
    Measure::ReplaceGovernanceKeys { institution: institution(number), keys }
}

pub fn switch(version: u32, height: Height) -> Measure {
    Measure::SwitchProtocol { version, height }
}
