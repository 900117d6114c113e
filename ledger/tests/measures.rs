//! What institutions decide about themselves: parameters, validators, officers, keys and the version of the rules.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::block::{Block, Builder, InvalidBlock, Refusal, execute_within};
use keis_ledger::chain::{
    Address, Certificate, CertificateError, HandoverError, Header, Height, ValidatorSet, VoteStep, verify_handover,
    vote_bytes,
};
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::BlockId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{GovernanceOperation, Measure, Operation, Owner, Party};
use keis_ledger::parameters::{NetworkLimits, ProgrammeParameters};
use keis_ledger::protocol;
use keis_ledger::receipt::Kind;
use keis_ledger::record::{Institution, Key, ProtocolSwitch, YearRecord};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::Draft;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::VerifiedTransaction;
use support::governance::*;
use support::stage::*;
use support::{BUDGET_HOLDER, NETWORK, OPERATOR, World, day, replay, secret, verified};

const THREE: [u8; 3] = [102, 104, 106];

fn last(world: &World) -> &Header {
    &world.blocks.last().expect("a block").header
}

#[test]
fn three_of_four_have_the_keys_that_are_named() {
    assert_eq!(THREE, [vote(1), vote(2), vote(3)]);
}

#[test]
fn network_parameters_hold_from_the_next_block_on() {
    let mut world = World::governed(4);
    let limits = NetworkLimits { max_validity: Span(120_000), max_touched: 4_000, ..limits() };
    world.decided(1, &THREE, &Measure::SetNetworkParameters { limits });
    let parameters = &world.network().parameters;
    assert_eq!((parameters.max_validity, parameters.max_touched), (Span(120_000), 4_000));
    assert_eq!(parameters.protocol, protocol::LATEST);
    let latest = world.next_time().after(Span(120_000));
    let long = world.sign_until(vote(1), None, approve(9), 1, latest.after(Span(1)));
    assert_eq!(world.include(&long), Err(Rejection::ValidTooLong { latest }));
}

#[test]
fn network_parameters_must_leave_room() {
    let world = World::governed(4);
    let refuses = |change: fn(&mut NetworkLimits)| {
        let mut limits = limits();
        change(&mut limits);
        world.refuses(vote(1), &Measure::SetNetworkParameters { limits })
    };
    let unsound: [fn(&mut NetworkLimits); 8] = [
        |it| it.max_validity = Span(59_999),
        |it| it.step_budget = 0,
        |it| it.max_block_bytes = 131_071,
        |it| it.max_block_bytes = 8 * 1024 * 1024 + 1,
        |it| it.max_touched = 3_999,
        |it| it.clock_bound = Span(99),
        |it| it.clock_bound = Span(0),
        |it| it.clock_bound = Span(600_001),
    ];
    for change in unsound {
        assert_eq!(refuses(change), Rejection::ParametersUnsound);
    }
    assert_eq!(refuses(|_| {}), Rejection::ChangeEmpty);
}

fn year(parameters: ProgrammeParameters) -> Measure {
    Measure::SetProgrammeParameters { year: YEAR, parameters }
}

#[test]
fn amounts_may_change_until_somebody_has_them() {
    let mut world = World::governed(4);
    assert_eq!(world.refuses(vote(1), &year(parameters())), Rejection::YearUnknown);
    world.submit(BUDGET_HOLDER, open_year(YEAR, parameters(), 1_000_000, 500_000)).expect("opened");
    assert_eq!(world.refuses(vote(1), &year(parameters())), Rejection::ChangeEmpty);
    let more = ProgrammeParameters { amount_per_pupil: Cents::new(1_500), ..parameters() };
    world.decided(1, &THREE, &year(more.clone()));
    assert_eq!(world.get::<YearRecord>(YEAR).parameters, more);

    let mut given = World::governed(4);
    staged(&mut given);
    let used: [fn(&mut ProgrammeParameters); 3] = [
        |it| it.amount_per_pupil = Cents::new(1_500),
        |it| it.register_until = it.register_until.after(Span(1)),
        |it| it.arrivals = keis_ledger::parameters::ArrivalAmount::Full,
    ];
    for change in used {
        let mut changed = parameters();
        change(&mut changed);
        assert_eq!(given.refuses(vote(1), &year(changed)), Rejection::ParametersInUse);
    }
    let later = ProgrammeParameters { free_cancel: Span::days(1), attendance_days: 9, ..parameters() };
    let full = given.decided(1, &THREE, &year(later.clone()));
    assert_eq!((full.receipt.kind, full.receipt.subject.year), (Kind::ProgrammeParametersSet, Some(YEAR)));
    assert_eq!(given.get::<YearRecord>(YEAR).parameters, later);
    let unsound = ProgrammeParameters { attendance_days: 61, ..parameters() };
    assert_eq!(given.refuses(vote(1), &year(unsound)), Rejection::ParametersUnsound);
    given.at(day(353));
    given.submit(BUDGET_HOLDER, end_year()).expect("over");
    assert_eq!(given.refuses(vote(1), &year(parameters())), Rejection::YearEnded);
}

#[test]
fn an_allocation_between_two_votes_keeps_its_amount() {
    let mut world = World::governed(4);
    world.submit(BUDGET_HOLDER, open_year(YEAR, parameters(), 1_000_000, 500_000)).expect("opened");
    world
        .propose(1, vote(1), &year(ProgrammeParameters { amount_per_pupil: Cents::new(9), ..parameters() }))
        .expect("yes");
    world.approve(1, vote(2)).expect("a vote");
    world
        .submit(OPERATOR, wallet(keis_ledger::operation::WalletOperation::OpenSchools { schools: vec![new_school(1)] }))
        .expect("opened");
    world.submit(OPERATOR, open_pupils(vec![new_pupil(1)])).expect("opened");
    world.submit(OPERATOR, allocate(&[1])).expect("given");
    assert_eq!(world.approve(1, vote(3)), Err(Rejection::ParametersInUse));
}

#[test]
fn validators_are_added_removed_and_reweighted() {
    let mut world = World::governed(4);
    let before = world.network().validators.hash();
    world.decided(1, &THREE, &set(&equals(1..=5), &[5]));
    let joined = last(&world).clone();
    assert_eq!(joined.validators, before, "who decides the block that changes the set is the old one");
    assert_eq!(joined.next_validators, world.network().validators.hash());
    assert_ne!(joined.next_validators, before);
    assert_eq!(*world.get::<Institution>(institution(5)), Institution { keys: governance_keys(5).to_vec(), open: 0 });
    world.propose(9, vote(5), &steps(17)).expect("who joined votes");
    assert_eq!(last(&world).validators, joined.next_validators);

    // A second validator of one institution, other weights, and a leaver.
    let mut next = vec![validator(1, 3), validator(2, 3), validator(3, 2), validator(5, 2)];
    next.push(keis_ledger::chain::Validator { key: secret(230).public(), ..validator(3, 1) });
    world.decided(2, &[vote(1), vote(2), vote(3), vote(5)], &set(&next, &[]));
    assert_eq!(world.network().validators, ValidatorSet::new(next).expect("a set"));
    assert!(world.get::<Institution>(institution(4)).keys.is_empty());
    for key in governance_keys(4) {
        assert_eq!(world.get::<Key>(key).until, world.tip.time, "who leaves loses its vote");
    }
    assert_eq!(replay(&world).state.root(), world.tip.state.root());
}

#[test]
fn a_consensus_key_is_rotated() {
    let mut world = World::governed(4);
    let mut next = equals(1..=4);
    next[3].key = secret(230).public();
    world.decided(1, &THREE, &set(&next, &[]));
    assert!(world.network().validators.find(&Address::of(&secret(230).public())).is_some());
    assert!(world.network().validators.find(&Address::of(&consensus(4))).is_none());
    assert_eq!(world.get::<Institution>(institution(4)).keys, governance_keys(4), "its votes are as before");
}

#[test]
fn no_set_gives_an_institution_a_third() {
    let world = World::governed(7);
    let two_keys = keis_ledger::chain::Validator { key: secret(230).public(), ..validator(1, 1) };
    let mut twice = equals(1..=5);
    twice.push(two_keys);
    for unsound in [
        equals(1..=3),
        equals([]).into_iter().chain(equals([1])).collect(),
        vec![validator(1, 2), validator(2, 2), validator(3, 1), validator(4, 1)],
        twice,
        vec![validator(1, 0), validator(2, 1), validator(3, 1), validator(4, 1), validator(5, 1)],
        vec![validator(1, u64::MAX), validator(2, u64::MAX), validator(3, 1), validator(4, 1)],
        equals([1, 1, 2, 3, 4]),
    ] {
        assert_eq!(world.refuses(vote(1), &set(&unsound, &[])), Rejection::ValidatorsUnsound, "{unsound:?}");
    }
    let mut weak = [0; 32];
    weak[0] = 1;
    let mut unsound = equals(1..=7);
    unsound[2].key = PublicKey(weak);
    assert_eq!(world.refuses(vote(1), &set(&unsound, &[])), Rejection::ValidatorsUnsound, "a key nobody can sign with");
    assert_eq!(world.refuses(vote(1), &set(&[], &[])), Rejection::ListEmpty);
    let many: Vec<_> = (0..101).map(|_| validator(1, 1)).collect();
    assert_eq!(world.refuses(vote(1), &set(&many, &[])), Rejection::ListTooLong { most: 100 });
    assert_eq!(world.refuses(vote(1), &set(&equals(1..=7), &[])), Rejection::ChangeEmpty);
    let mut crowd = set(&equals(1..=6), &[]);
    if let Measure::SetValidators { admitted, .. } = &mut crowd {
        *admitted = vec![admission(8); 101];
    }
    assert_eq!(world.refuses(vote(1), &crowd), Rejection::ListTooLong { most: 100 });
}

#[test]
fn who_joins_brings_its_keys_and_nobody_else_does() {
    let world = World::governed(5);
    let six = equals(1..=6);
    for wrong in [&[][..], &[1], &[1, 6], &[6, 7]] {
        assert_eq!(world.refuses(vote(1), &set(&six, wrong)), Rejection::AdmissionsWrong, "{wrong:?}");
    }
    assert_eq!(world.refuses(vote(1), &set(&equals(1..=7), &[7, 6])), Rejection::ListNotAscending { item: 1 });
    let refuses = |keys: [PublicKey; 2]| {
        let mut measure = set(&six, &[6]);
        if let Measure::SetValidators { admitted, .. } = &mut measure {
            admitted[0].keys = keys;
        }
        world.refuses(vote(1), &measure)
    };
    let [low, high] = governance_keys(6);
    let mut weak = [0; 32];
    weak[0] = 1;
    for unsound in [[low, low], [high, low], [PublicKey(weak), high]] {
        assert_eq!(refuses(unsound), Rejection::ItemUnsound { item: 0 });
    }
    for taken in [vote(1), OPERATOR, 201, 206] {
        assert_eq!(refuses(two(taken, 150)), Rejection::KeyTaken { item: 0 }, "{taken}");
    }
    let mut shared = set(&equals(1..=7), &[6, 7]);
    if let Measure::SetValidators { admitted, .. } = &mut shared {
        admitted[1].keys = two(vote(6), vote(7));
    }
    assert_eq!(world.refuses(vote(1), &shared), Rejection::KeyTaken { item: 1 });
}

#[test]
fn every_key_serves_one_purpose() {
    let mut world = World::governed(4);
    staged(&mut world);
    for taken in [OPERATOR, SCHOOL, vote(2)] {
        let mut next = equals(1..=4);
        next[1].key = secret(taken).public();
        assert_eq!(world.refuses(vote(1), &set(&next, &[])), Rejection::KeyTaken { item: 1 });
    }
    let bound = bind(vec![grant(203, Party::School(school(1)), &[keis_ledger::classifiers::Scope::Read])]);
    assert_eq!(
        world.submit(OPERATOR, bound),
        Err(Rejection::KeyTaken { item: 0 }),
        "a consensus key is bound to nobody"
    );
    let term = (day(0), day(300));
    for taken in [OPERATOR, SCHOOL, vote(2), 203] {
        assert_eq!(
            world.refuses(vote(1), &appoint(taken, Owner::Operator(institution(1)), term)),
            Rejection::KeyTaken { item: 0 }
        );
        assert!(matches!(world.refuses(vote(1), &replace(4, two(taken, 150))), Rejection::KeyTaken { .. }));
    }
}

#[test]
fn officers_are_appointed_and_dismissed() {
    let mut world = World::governed(4);
    let term = (world.next_time(), day(300));
    world.decided(1, &THREE, &appoint(50, Owner::BudgetHolder(institution(3)), term));
    world.submit(50, open_year(YEAR, parameters(), 1_000_000, 1)).expect("the new officer acts");
    world.decided(2, &THREE, &appoint(51, Owner::Auditor(institution(77)), term));
    assert_eq!(world.get::<Key>(secret(51).public()).owner, Owner::Auditor(institution(77)));
    world.decided(3, &THREE, &dismiss(50));
    let until = world.tip.time;
    let refused = world.submit(50, open_year(keis_ledger::classifiers::Year(2027), parameters(), 1, 1));
    assert_eq!(refused, Err(Rejection::KeyInactive { from: term.0, until }));
    assert_eq!(world.refuses(vote(1), &dismiss(50)), Rejection::TargetKeyEnded { until });
    assert_eq!(world.refuses(vote(1), &dismiss(52)), Rejection::TargetKeyUnknown);
    assert_eq!(world.refuses(vote(1), &dismiss(vote(2))), Rejection::TargetKeyOther);
    assert_eq!(
        world.refuses(vote(1), &appoint(50, Owner::Auditor(institution(1)), term)),
        Rejection::KeyTaken { item: 0 }
    );

    let operator = Owner::Operator(institution(1));
    for (owner, term) in [
        (Owner::Party(Party::School(school(1))), term),
        (Owner::Governance(institution(1)), term),
        (operator, (day(300), day(300))),
        (operator, (Timestamp(0), world.next_time())),
    ] {
        assert_eq!(world.refuses(vote(1), &appoint(53, owner, term)), Rejection::ItemUnsound { item: 0 });
    }
    for stranger in [Owner::Operator(institution(5)), Owner::BudgetHolder(institution(5))] {
        assert_eq!(world.refuses(vote(1), &appoint(53, stranger, term)), Rejection::InstitutionUnknown);
    }
}

#[test]
fn governance_keys_are_sound_and_new() {
    let world = World::governed(4);
    let [low, high] = governance_keys(4);
    assert_eq!(world.refuses(vote(1), &replace(4, [high, low])), Rejection::ItemUnsound { item: 0 });
    assert_eq!(world.refuses(vote(1), &replace(4, [low, low])), Rejection::ItemUnsound { item: 0 });
    assert_eq!(world.refuses(vote(1), &replace(4, [low, high])), Rejection::ChangeEmpty);
    assert_eq!(world.refuses(vote(1), &replace(5, two(150, 151))), Rejection::InstitutionUnknown);
    // A network that was founded without the keys' records can be given them by those that have.
    let mut world = World::governed(4);
    world.decided(1, &THREE, &replace(4, two(150, 151)));
    let mut back = two(vote(4), 151);
    back.sort_unstable();
    assert!(
        matches!(world.refuses(vote(1), &replace(4, back)), Rejection::KeyTaken { .. }),
        "an ended key stays ended"
    );
}

fn certificate(header: &Header, signers: &[SecretKey]) -> Certificate {
    let sign = |key: &SecretKey| {
        let address = Address::of(&key.public());
        let message = vote_bytes(&NETWORK, VoteStep::Precommit, header.height, 0, Some(header.id()), &address);
        (address, key.sign(&message))
    };
    Certificate { height: header.height, round: 0, block: header.id(), signatures: signers.iter().map(sign).collect() }
}

#[test]
fn one_set_of_validators_leads_to_the_next() {
    let mut world = World::governed(4);
    let old = world.network().validators.clone();
    world.decided(1, &THREE, &set(&equals(2..=6), &[5, 6]));
    let new = world.network().validators.clone();
    let header = last(&world).clone();
    let signers: Vec<SecretKey> = (1..=3).map(|number| secret(200 + number)).collect();
    let proof = certificate(&header, &signers);
    let verify = |header: &Header, proof: &Certificate, next: &ValidatorSet| {
        verify_handover(&NETWORK, &old, header, proof, next)
    };
    assert_eq!(verify(&header, &proof, &new), Ok(()));
    assert_eq!(verify(&header, &proof, &old), Err(HandoverError::Next));
    let few = certificate(&header, &signers[..2]);
    let quorum = CertificateError::Quorum { signed: 2, total: 4 };
    assert_eq!(verify(&header, &few, &new), Err(HandoverError::Certificate(quorum)));
    let other = Header { parent: BlockId([9; 32]), ..header.clone() };
    assert_eq!(verify(&other, &proof, &new), Err(HandoverError::Block));
    assert_eq!(
        verify_handover(&NETWORK, &new, &header, &proof, &new),
        Err(HandoverError::Validators(header.height)),
        "the new set does not hand over to itself"
    );
    let elsewhere = keis_ledger::crypto::Hash([1; 32]);
    assert_eq!(verify_handover(&elsewhere, &old, &header, &proof, &new), Err(HandoverError::Network));
    let bytes = keis_ledger::codec::encode(&new);
    assert_eq!(keis_ledger::codec::decode::<ValidatorSet>(&bytes), Ok(new), "a set travels");
}

#[test]
fn the_rules_switch_at_their_height() {
    let mut world = World::governed_under(protocol::FIRST, 4);
    let now = world.tip.height.next();
    assert_eq!(world.refuses(vote(1), &switch(1, Height(1_000))), Rejection::VersionWrong { next: 2 });
    assert_eq!(world.refuses(vote(1), &switch(3, Height(1_000))), Rejection::VersionWrong { next: 2 });
    let earliest = Height(now.0 + 10);
    assert_eq!(world.refuses(vote(1), &switch(2, Height(now.0 + 9))), Rejection::HeightTooNear { earliest });
    world.decided(1, &THREE, &switch(2, Height(30)));
    assert_eq!(*world.get::<ProtocolSwitch>(()), ProtocolSwitch { version: 2, height: Height(30) });
    // Decided again, the later decision holds.
    world.decided(2, &THREE, &switch(2, Height(20)));
    world.pass(Height(19));
    assert_eq!((last(&world).protocol, world.tip.next_protocol()), (1, 2));
    let old_tip = world.tip.clone();
    world.pass(Height(20));
    assert_eq!(last(&world).protocol, 2, "the block at the height is executed by the new rules and says so");
    assert_eq!(world.receipts.last().expect("a step").receipt.kind, Kind::ProtocolSwitched);
    assert_eq!(world.tip.state.get::<ProtocolSwitch>(()), None);
    assert_eq!(world.network().parameters.protocol, 2);
    world.pass(Height(31));
    assert_eq!(last(&world).protocol, 2);
    assert_eq!(world.refuses(vote(1), &switch(2, Height(1_000))), Rejection::VersionWrong { next: 3 });
    assert_eq!(replay(&world).state.root(), world.tip.state.root());

    // An older build stops at the height, and not before.
    let first = protocol::FIRST;
    let unknown = InvalidBlock::ProtocolUnknown { version: 2 };
    assert_eq!(Builder::start_within(&old_tip, old_tip.time.after(Span(1)), first).err(), Some(unknown));
    let mut tip = world.genesis.clone();
    for block in &world.blocks {
        match execute_within(&tip, block, &verified(block), first) {
            Ok(executed) => tip = executed.tip,
            Err(fault) => {
                assert_eq!((fault, block.header.height), (unknown, Height(20)));
                return;
            }
        }
    }
    panic!("the older build did not stop");
}

#[test]
fn a_vote_too_late_for_the_height_does_not_switch() {
    let mut world = World::governed_under(protocol::FIRST, 4);
    world.propose(1, vote(1), &switch(2, Height(14))).expect("in time");
    world.approve(1, vote(2)).expect("a vote");
    world.pass(Height(5));
    assert_eq!(world.approve(1, vote(3)), Err(Rejection::HeightTooNear { earliest: Height(16) }));
    world.pass(Height(14));
    assert_eq!(last(&world).protocol, protocol::FIRST);
}

#[test]
fn a_height_binds_in_a_block_alone() {
    let mut world = World::governed(4);
    let near = GovernanceOperation::Propose {
        decision: decision(1),
        measure: switch(protocol::LATEST + 1, Height(10)),
        until: world.in_a_week(),
    };
    let transaction = world.sign(vote(1), None, Operation::Governance(near));
    let (state, at) = (&world.tip.state, world.next_time());
    let height = world.tip.height.next();
    assert!(keis_ledger::plan(&Draft::on(state), at, &transaction).is_ok(), "a height that is not known is none");
    let judged = keis_ledger::plan(&Draft::of(height, state), at, &transaction);
    assert_eq!(judged.err(), Some(Rejection::HeightTooNear { earliest: Height(height.0 + 10) }));
}

#[test]
fn a_newer_chain_than_any_build_is_not_executed() {
    let mut world = World::governed(4);
    world.decided(1, &THREE, &switch(protocol::LATEST + 1, Height(20)));
    world.pass(Height(19));
    let next = Builder::start(&world.tip, world.next_time());
    assert_eq!(next.err(), Some(InvalidBlock::ProtocolUnknown { version: protocol::LATEST + 1 }));
    // Decided otherwise before the height, it would not have come to that.
    let mut other = World::governed(4);
    other.decided(1, &THREE, &switch(protocol::LATEST + 1, Height(20)));
    other.decided(2, &THREE, &switch(protocol::LATEST + 1, Height(2_000)));
    other.pass(Height(21));
    assert_eq!(last(&other).protocol, protocol::LATEST);
}

#[test]
fn what_a_version_does_not_know_is_refused_by_it() {
    let operations: Vec<_> = support::samples::every_operation()
        .into_iter()
        .filter(|operation| operation.since() > protocol::FIRST)
        .collect();
    assert!(!operations.is_empty());
    let mut world = World::governed_under(protocol::FIRST, 4);
    staged(&mut world);
    for operation in operations {
        let since = operation.since();
        assert_eq!(world.submit(OPERATOR, operation), Err(Rejection::ProtocolTooOld { since }));
    }
}

#[test]
fn a_header_of_another_version_is_no_block_of_the_chain() {
    let world = World::governed(4);
    let mut builder = Builder::start(&world.tip, world.next_time()).expect("time goes on");
    let refused = builder.offer(&world.clone().sign(vote(1), None, approve(1)));
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::DecisionUnknown)));
    let built = builder.seal(support::proposer()).block;
    for version in [protocol::FIRST, protocol::LATEST + 1] {
        let block = Block { header: Header { protocol: version, ..built.header.clone() }, ..built.clone() };
        let fault = execute_within::<VerifiedTransaction>(&world.tip, &block, &[], protocol::LATEST).err();
        assert_eq!(fault, Some(InvalidBlock::Header));
    }
}
