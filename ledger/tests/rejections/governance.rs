//! Rejections of governance. Its rules have tests of their own; here each is hit once.

use keis_ledger::chain::Height;
use keis_ledger::operation::{GovernanceOperation, MAX_OPEN_DECISIONS, Measure, Operation};
use keis_ledger::protocol;
use keis_ledger::record::DecisionState;
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Timestamp;

use super::support::governance::*;
use super::support::stage::*;
use super::support::{OPERATOR, World, day};
use super::{Hits, after};

fn propose(number: u8, measure: Measure) -> Operation {
    let decision = decision(number);
    Operation::Governance(GovernanceOperation::Propose { decision, measure, until: day(1) })
}

/// A measure of two persons.
fn reverse() -> Operation {
    propose(1, Measure::Reverse { year: YEAR, order: order(1), lines: vec![0] })
}

pub fn hit(hits: &mut Hits) {
    let mut world = World::governed(5);
    let old = World::governed_under(protocol::FIRST, 4);
    let since = protocol::LATEST;
    hits.hit(&old, OPERATOR, reverse(), Rejection::ProtocolTooOld { since });
    world.decided(9, &[vote(2), vote(3), vote(4), vote(5)], &set(&equals(2..=5), &[]));
    hits.hit(&world, OPERATOR, reverse(), Rejection::NotMember);
    let w = &World::governed(4);
    hits.hit(w, vote(1), propose(1, set(&equals(1..=3), &[])), Rejection::ValidatorsUnsound);
    hits.hit(w, vote(1), propose(1, set(&equals(1..=5), &[])), Rejection::AdmissionsWrong);
    hits.hit(w, vote(1), propose(1, replace(5, two(150, 151))), Rejection::InstitutionUnknown);
    hits.hit(w, vote(1), approve(1), Rejection::DecisionUnknown);
    hits.hit(w, vote(1), propose(1, dismiss(vote(1))), Rejection::TargetKeyOther);
    let proposed = after(w, &[(vote(1), propose(1, replace(4, two(150, 151))))]);
    hits.hit(&proposed, vote(4), approve(1), Rejection::OwnKeys);
    hits.hit(&proposed, vote(1), approve(1), Rejection::ApprovedAlready);
    let withdrawn = after(&proposed, &[(vote(1), withdraw(1))]);
    let state = DecisionState::Withdrawn(withdrawn.tip.time);
    hits.hit(&withdrawn, vote(2), approve(1), Rejection::DecisionClosed { state });
    let many: Vec<_> = (0..MAX_OPEN_DECISIONS).map(|number| (vote(1), propose(number as u8, steps(2)))).collect();
    let most = MAX_OPEN_DECISIONS;
    hits.hit(&after(w, &many), vote(1), propose(200, steps(2)), Rejection::TooManyDecisions { most });
    let mut given = w.clone();
    staged(&mut given);
    let mut used = parameters();
    used.register_until = Timestamp(used.register_until.0 + 1);
    let used = Measure::SetProgrammeParameters { year: YEAR, parameters: used };
    let long =
        Operation::Governance(GovernanceOperation::Propose { decision: decision(1), measure: used, until: day(9) });
    hits.hit(&given, vote(1), long, Rejection::ParametersInUse);
    let never = GovernanceOperation::Propose { decision: decision(1), measure: steps(2), until: Timestamp(0) };
    let latest = w.next_time().after(keis_ledger::operation::LONGEST_PROPOSAL);
    hits.hit(w, vote(1), Operation::Governance(never), Rejection::TermWrong { latest });
    let next = protocol::LATEST + 1;
    hits.hit(w, vote(1), propose(1, switch(next + 1, Height(99))), Rejection::VersionWrong { next });
    hits.hit(w, vote(1), propose(1, switch(next, Height(1))), Rejection::HeightTooNear { earliest: Height(11) });
}
