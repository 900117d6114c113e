//! Decisions: who votes, what counts when it is decided, and that nobody decides alone.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::codec;
use keis_ledger::operation::{GovernanceOperation, MAX_OPEN_DECISIONS, Measure, Operation, Owner};
use keis_ledger::protocol;
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::record::{DecisionState, Institution, Key};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Span, Timestamp};
use support::governance::*;
use support::samples::every_operation;
use support::stage::{SCHOOL, YEAR, staged};
use support::{AUDITOR, BUDGET_HOLDER, OPERATOR, World, day, replay, secret};

fn approvals(world: &World, number: u8) -> Vec<u8> {
    world.decision(number).approvals.iter().map(|vote| vote.institution.0[0]).collect()
}

#[test]
fn more_than_two_thirds_of_the_institutions_decide() {
    for (institutions, needed) in [(4, 3), (5, 4), (6, 5), (7, 5), (9, 7)] {
        let mut world = World::governed(institutions);
        let voters: Vec<u8> = (1..=needed).map(vote).collect();
        let full = world.decided(1, &voters, &steps(17));
        assert_eq!(full.receipt.kind, Kind::NetworkParametersSet);
        assert_eq!(world.network().parameters.step_budget, 17);
        assert_eq!(approvals(&world, 1), (1..=needed).collect::<Vec<_>>());
        assert!(matches!(world.decision(1).state, DecisionState::Executed(_)));
        assert_eq!(replay(&world).state.root(), world.tip.state.root());
    }
}

#[test]
fn an_institution_has_one_vote_by_either_key() {
    let mut world = World::governed(4);
    world.propose(1, vote(1), &steps(17)).expect("proposed");
    for again in [vote(1), second_vote(1)] {
        assert_eq!(world.approve(1, again), Err(Rejection::ApprovedAlready));
    }
    world.approve(1, second_vote(2)).expect("either key votes");
    assert_eq!(world.approve(1, vote(2)), Err(Rejection::ApprovedAlready));
    world.approve(1, vote(3)).expect("decided");
    assert_eq!(world.network().parameters.step_budget, 17);
    let closed = Rejection::DecisionClosed { state: world.decision(1).state };
    assert_eq!(world.approve(1, vote(4)), Err(closed), "it is decided once");
    assert_eq!(world.submit(vote(1), withdraw(1)), Err(closed));
}

#[test]
fn a_governance_key_does_nothing_else_and_nobody_else_governs() {
    let mut world = World::governed(4);
    staged(&mut world);
    for operation in every_operation() {
        if !matches!(operation, Operation::Governance(_)) {
            assert_eq!(world.clone().submit(vote(1), operation), Err(Rejection::NotPermitted));
        }
    }
    let behalf = keis_ledger::operation::Party::School(support::stage::school(1));
    assert_eq!(world.submit_for(vote(1), Some(behalf), approve(1)), Err(Rejection::BehalfNotAllowed));
    assert_eq!(world.submit_for(OPERATOR, Some(behalf), approve(1)), Err(Rejection::NotPermitted));
    for other in [OPERATOR, BUDGET_HOLDER, AUDITOR, SCHOOL, support::stage::PUPIL] {
        assert_eq!(world.refuses(other, &steps(17)), Rejection::NotPermitted);
    }
    world.propose(1, vote(1), &steps(17)).expect("proposed");
    for other in [OPERATOR, BUDGET_HOLDER, AUDITOR, SCHOOL] {
        assert_eq!(world.approve(1, other), Err(Rejection::NotPermitted));
        assert_eq!(world.submit(other, withdraw(1)), Err(Rejection::NotPermitted));
    }
    assert_eq!(
        world.propose(2, 201, &steps(17)).err(),
        Some(Rejection::KeyUnknown),
        "a consensus key signs votes only"
    );
}

#[test]
fn a_proposal_is_withdrawn_by_its_institution_alone() {
    let mut world = World::governed(4);
    world.propose(1, vote(1), &steps(17)).expect("proposed");
    assert_eq!(world.submit(vote(2), withdraw(1)), Err(Rejection::NotYours));
    let full = world.submit(second_vote(1), withdraw(1)).expect("its own");
    assert_eq!((full.receipt.kind, full.receipt.subject.decision), (Kind::DecisionWithdrawn, Some(decision(1))));
    let closed = Rejection::DecisionClosed { state: world.decision(1).state };
    assert_eq!(world.approve(1, vote(2)), Err(closed));
    assert_eq!(world.propose(1, vote(1), &steps(18)), Err(Rejection::IdTaken { item: 0 }), "an id is used once");
    assert_eq!(world.get::<Institution>(institution(1)).open, 0);
    assert_eq!(world.tip.state.first_due(), None, "nothing is left to expire");
}

#[test]
fn an_undecided_proposal_expires() {
    let mut world = World::governed(4);
    let until = world.in_a_week();
    world.propose(1, vote(1), &steps(17)).expect("proposed");
    let mut swept = world.clone();
    world.at(until.before(Span(1)));
    world.approve(1, vote(2)).expect("to the last instant");

    swept.at(until);
    let late = swept.sign(vote(2), None, approve(1));
    let steps_done = swept.tick();
    let [expired] = &steps_done[..] else { panic!("one proposal expires") };
    assert_eq!((expired.receipt.kind, expired.receipt.subject.decision), (Kind::DecisionExpired, Some(decision(1))));
    assert_eq!(swept.decision(1).state, DecisionState::Expired(until));
    assert_eq!(swept.get::<Institution>(institution(1)).open, 0);
    assert_eq!(swept.include(&late), Err(Rejection::DecisionClosed { state: DecisionState::Expired(until) }));
    assert_eq!(swept.tip.state.first_due(), None);
}

#[test]
fn a_proposal_that_time_ended_is_closed_before_its_step() {
    let mut world = World::governed_with_budget(4, 1);
    let until = world.in_a_week();
    for number in 1..=3 {
        let propose =
            GovernanceOperation::Propose { decision: decision(number), measure: steps(u32::from(number) + 1), until };
        world.submit(vote(1), Operation::Governance(propose)).expect("proposed");
    }
    world.at(until);
    let late = world.sign(vote(2), None, approve(3));
    assert_eq!(world.include(&late), Err(Rejection::TooLate { until }), "one step a block, and the third has not come");
    let own = world.sign(vote(1), None, withdraw(3));
    assert_eq!(world.include(&own), Err(Rejection::TooLate { until }));
}

#[test]
fn a_proposal_stands_at_most_ninety_days() {
    let mut world = World::governed(4);
    let now = world.next_time();
    let latest = now.after(Span::days(90));
    let until =
        |until| Operation::Governance(GovernanceOperation::Propose { decision: decision(1), measure: steps(9), until });
    for wrong in [now, Timestamp(0), latest.after(Span(1)), Timestamp(u64::MAX)] {
        assert_eq!(world.submit(vote(1), until(wrong)), Err(Rejection::TermWrong { latest }));
    }
    world.submit(vote(1), until(latest)).expect("as long as may be");
}

#[test]
fn an_institution_has_a_bounded_number_of_proposals() {
    let mut world = World::governed(4);
    for number in 0..MAX_OPEN_DECISIONS {
        let number = u8::try_from(number).expect("fewer than 256");
        world.propose(number, vote(1), &steps(17)).expect("there is room");
    }
    let full = Rejection::TooManyDecisions { most: MAX_OPEN_DECISIONS };
    assert_eq!(world.propose(200, vote(1), &steps(17)), Err(full));
    assert_eq!(world.propose(200, second_vote(1), &steps(17)), Err(full));
    world.propose(201, vote(2), &steps(17)).expect("another institution has room");
    world.submit(vote(1), withdraw(0)).expect("its own");
    world.propose(200, vote(1), &steps(17)).expect("there is room again");
}

#[test]
fn votes_of_who_left_do_not_count() {
    let mut world = World::governed(6);
    world.propose(1, vote(6), &steps(17)).expect("proposed by who will leave");
    for number in [5, 1, 2] {
        world.approve(1, vote(number)).expect("a vote");
    }
    // Four of six is not enough; five of six decide that 5 and 6 leave.
    world.decided(2, &[vote(1), vote(2), vote(3), vote(4), vote(5)], &set(&equals(1..=4), &[]));
    let left_at = world.tip.time;
    for gone in [vote(5), second_vote(6)] {
        let inactive = Rejection::KeyInactive { from: Timestamp(0), until: left_at };
        assert_eq!(world.approve(1, gone), Err(inactive), "who left has no key");
    }
    let full = world.approve(1, vote(3)).expect("a third vote of four that count");
    assert_eq!(full.receipt.kind, Kind::NetworkParametersSet, "three of four decide");
    assert_eq!(approvals(&world, 1), [1, 2, 3], "the record says by whose votes");
}

#[test]
fn fewer_members_need_fewer_votes_and_more_need_more() {
    let mut world = World::governed(7);
    world.propose(1, vote(1), &steps(17)).expect("proposed");
    for number in 2..=4 {
        world.approve(1, vote(number)).expect("a vote");
    }
    // Two join: seven of nine are needed now, where five of seven were.
    world.decided(2, &[vote(1), vote(2), vote(3), vote(4), vote(5)], &set(&equals(1..=9), &[8, 9]));
    for number in [5, 8] {
        assert_eq!(world.approve(1, vote(number)).expect("a vote").receipt.kind, Kind::DecisionApproved);
    }
    assert_eq!(world.approve(1, vote(9)).expect("a vote").receipt.kind, Kind::NetworkParametersSet);
}

#[test]
fn who_comes_back_has_no_old_vote() {
    let mut world = World::governed(5);
    world.propose(1, vote(5), &steps(17)).expect("proposed");
    world.decided(2, &[vote(1), vote(2), vote(3), vote(4)], &set(&equals(1..=4), &[]));
    let mut back = set(&equals(1..=5), &[5]);
    assert_eq!(world.refuses(vote(1), &back), Rejection::KeyTaken { item: 0 }, "old keys do not come back");
    if let Measure::SetValidators { admitted, .. } = &mut back {
        admitted[0].keys = two(150, 151);
    }
    world.decided(3, &[vote(1), vote(2), vote(3)], &back);
    for number in 1..=2 {
        world.approve(1, vote(number)).expect("a vote");
    }
    assert_eq!(approvals(&world, 1), [1, 2], "the vote of the old key fell away");
    world.approve(1, 150).expect("the institution votes again");
    assert_eq!(world.submit(151, withdraw(1)).expect("it is still its proposal").receipt.kind, Kind::DecisionWithdrawn);
    assert_eq!(world.get::<Institution>(institution(5)).open, 0);
}

#[test]
fn a_replaced_keys_vote_does_not_count() {
    let mut world = World::governed(4);
    world.propose(1, vote(4), &steps(17)).expect("a thief proposes");
    world.approve(1, vote(1)).expect("a vote");
    assert_eq!(world.approve(1, vote(1)), Err(Rejection::ApprovedAlready));
    world.decided(2, &[vote(1), vote(2), vote(3)], &replace(4, two(150, 151)));
    world.approve(1, vote(2)).expect("a vote");
    assert_eq!(approvals(&world, 1), [1, 2]);
    assert_eq!(world.approve(1, 150).expect("a vote").receipt.kind, Kind::NetworkParametersSet);
}

#[test]
fn a_lost_key_is_replaced_by_the_others() {
    let mut world = World::governed(4);
    let keys = two(150, second_vote(4));
    let ended = world.clone();
    // The institution itself may propose it, but three others must agree.
    let by_itself = [second_vote(4), vote(1), vote(2), vote(3)];
    for (voters, who) in [(&by_itself[..], "itself"), (&by_itself[1..], "the others")] {
        let mut world = ended.clone();
        world.decided(1, voters, &replace(4, keys));
        assert_eq!(world.get::<Institution>(institution(4)).keys, keys, "{who}");
        assert_eq!(world.get::<Key>(secret(vote(4)).public()).until, world.tip.time);
        assert_eq!(world.get::<Key>(secret(150).public()).owner, Owner::Governance(institution(4)));
        world.propose(9, 150, &steps(17)).expect("the new key votes");
        world.propose(10, second_vote(4), &steps(17)).expect("the kept key votes");
    }
    world.propose(1, vote(1), &replace(4, keys)).expect("proposed");
    for own in [vote(4), second_vote(4)] {
        assert_eq!(world.approve(1, own), Err(Rejection::OwnKeys));
    }
}

#[test]
fn a_measure_that_no_longer_applies_is_not_decided() {
    let mut world = World::governed(4);
    let officer = Owner::Operator(institution(4));
    world.propose(1, vote(1), &appoint(50, officer, (day(0), day(300)))).expect("proposed");
    world.approve(1, vote(2)).expect("a vote");
    world.decided(2, &[vote(1), vote(2), vote(3)], &appoint(50, Owner::Auditor(institution(9)), (day(0), day(300))));
    assert_eq!(world.approve(1, vote(3)), Err(Rejection::KeyTaken { item: 0 }));
    assert_eq!(world.decision(1).state, DecisionState::Open, "the vote had no effect");
    assert_eq!(approvals(&world, 1), [1, 2]);
}

/// A measure of two persons.
fn extend() -> Measure {
    Measure::Extend { year: YEAR, from: day(10), until: day(11), by: Span(1_000) }
}

/// A staged year with a second officer of the operator's institution, [`COLLEAGUE`], and one of institution 3, [`THIRD`].
fn with_officers() -> World {
    let mut world = World::governed(5);
    staged(&mut world);
    let term = (world.next_time(), day(20));
    for (number, key, owner) in
        [(101, COLLEAGUE, Owner::BudgetHolder(institution(1))), (102, THIRD, Owner::Operator(institution(3)))]
    {
        world.decided(number, &[vote(1), vote(2), vote(3), vote(4)], &appoint(key, owner, term));
    }
    world
}

const COLLEAGUE: u8 = 60;
const THIRD: u8 = 61;

#[test]
fn officers_of_two_institutions_are_two_persons() {
    let mut world = with_officers();
    for nobody in [vote(1), AUDITOR, SCHOOL] {
        assert_eq!(world.refuses(nobody, &extend()), Rejection::NotPermitted);
    }
    world.propose(1, OPERATOR, &extend()).expect("proposed");
    for same in [OPERATOR, COLLEAGUE] {
        assert_eq!(world.approve(1, same), Err(Rejection::ApprovedAlready), "one institution is one person");
    }
    for nobody in [vote(2), AUDITOR] {
        assert_eq!(world.approve(1, nobody), Err(Rejection::NotPermitted));
    }
    assert_eq!(world.submit(THIRD, withdraw(1)), Err(Rejection::NotYours));
    let mut withdrawn = world.clone();
    withdrawn.submit(COLLEAGUE, withdraw(1)).expect("its institution's proposal");
    for second in [BUDGET_HOLDER, THIRD] {
        let mut world = world.clone();
        world.approve(1, second).expect("a second institution's officer");
        assert!(matches!(world.decision(1).state, DecisionState::Executed(_)));
    }
}

#[test]
fn a_dismissed_or_expired_officers_vote_does_not_count() {
    let mut world = with_officers();
    world.propose(1, THIRD, &extend()).expect("proposed");
    let mut dismissed = world.clone();
    dismissed.decided(2, &[vote(1), vote(2), vote(3), vote(4)], &dismiss(THIRD));
    let mut left = world.clone();
    left.decided(2, &[vote(1), vote(2), vote(4), vote(5)], &set(&equals([1, 2, 4, 5]), &[]));
    assert_eq!(left.approve(1, THIRD), Err(Rejection::NotMember));
    for mut world in [dismissed, left] {
        assert_eq!(world.approve(1, OPERATOR).expect("a vote").receipt.kind, Kind::DecisionApproved);
        assert_eq!(approvals(&world, 1), [1], "the first vote fell away");
        world.approve(1, BUDGET_HOLDER).expect("two persons");
        assert!(matches!(world.decision(1).state, DecisionState::Executed(_)));
    }
}

#[test]
fn a_receipt_names_its_decision_and_has_one_encoding() {
    let mut world = World::governed(4);
    let full = world.decided(1, &[vote(1), vote(2), vote(3)], &steps(17));
    let bytes = codec::encode(&full.receipt);
    assert_eq!(codec::decode::<Receipt>(&bytes).as_ref(), Ok(&full.receipt));
    let named = codec::encode(&full.receipt.subject);
    assert_eq!(named[..17], [&[2][..], &[1; 16]].concat(), "the decision stands in front");
    assert_eq!(named[17..], [0; 8], "and what every subject has follows");
    for first in [3, 255] {
        let mut other = named.clone();
        other[0] = first;
        assert!(codec::decode::<Subject>(&other).is_err());
    }
    let twice = [&named[..17], &named[..]].concat();
    assert!(codec::decode::<Subject>(&twice).is_err(), "a decision is named once");
}

#[test]
fn of_two_broken_rules_the_decisions_own_is_named_first() {
    let mut world = World::governed(4);
    let never = |number, measure| {
        let operation = GovernanceOperation::Propose { decision: decision(number), measure, until: Timestamp(0) };
        Operation::Governance(operation)
    };
    world.propose(1, vote(1), &replace(4, two(150, 151))).expect("proposed");
    let latest = world.next_time().after(Span::days(90));
    assert_eq!(world.submit(OPERATOR, never(1, steps(0))), Err(Rejection::NotPermitted));
    assert_eq!(world.submit(vote(1), never(1, steps(0))), Err(Rejection::IdTaken { item: 0 }));
    assert_eq!(world.submit(vote(1), never(2, steps(0))), Err(Rejection::TermWrong { latest }));
    assert_eq!(world.approve(9, AUDITOR), Err(Rejection::NotPermitted));
    assert_eq!(world.submit(vote(2), withdraw(9)), Err(Rejection::DecisionUnknown));
    world.submit(vote(1), withdraw(1)).expect("its own");
    assert_eq!(world.approve(1, vote(4)), Err(Rejection::OwnKeys), "before that it is closed");
    assert_eq!(world.submit(vote(2), withdraw(1)), Err(Rejection::NotYours), "before that it is closed");
}

#[test]
fn governance_is_of_every_version() {
    let mut world = World::governed_under(protocol::FIRST, 4);
    world.decided(1, &[vote(1), vote(2), vote(3)], &steps(17));
    assert_eq!(world.blocks.last().expect("a block").header.protocol, protocol::FIRST);
}
