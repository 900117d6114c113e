//! A year is sealed when nothing is left to do in it, and its records are proven ever after.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::block::{Builder, Refusal};
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, FundsOperation, KeyGrant, Operation, OrderAction, Party, SettlementOperation,
    WalletOperation,
};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{
    Entity, Order, Pupil, RecordKey, Sealed, SealedProof, ServiceRating, StatementState, YearRecord,
};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::State;
use keis_ledger::tree::ProofError;
use support::scenario::{check, does, refused};
use support::settlement::*;
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, replay};

const NEXT: Year = Year(2027);

fn left(outstanding: u64) -> Rejection {
    Rejection::MoneyLeft { outstanding: Cents::new(outstanding) }
}

/// The reconciled statement's year, ended, all free money returned.
fn ended(state: StatementState) -> World {
    let mut world = with_statement(state);
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("the year is over");
    world.tick();
    world
}

#[test]
fn a_year_is_sealed_once_nothing_is_open() {
    let mut world = with_statement(StatementState::Approved);
    check(
        &mut world,
        [
            refused("of another office", OPERATOR, seal_year(), Rejection::NotPermitted),
            refused("it goes on", BUDGET_HOLDER, seal_year(), Rejection::YearOpen),
            does("it ends", BUDGET_HOLDER, end_year(), Kind::YearEnded).at(day(353)),
            refused("a statement waits", BUDGET_HOLDER, seal_year(), left(3_000)),
            does("paid", BUDGET_HOLDER, pay(1, 3_000, 70), Kind::PaymentRecorded),
            refused("nobody has compared it", BUDGET_HOLDER, seal_year(), Rejection::PaymentsLeft { count: 1 }),
            does("compared", OPERATOR, reconcile(1), Kind::PaymentReconciled),
            does("a credit", PROVIDER, credit(1, 1, &[(0, 1_000)], 80), Kind::CreditNoted),
            refused("the provider owes", BUDGET_HOLDER, seal_year(), left(1_000)),
            does("paid back", BUDGET_HOLDER, repay(1, Buyer::Programme, 1_000, 71), Kind::RepaymentRecorded)
                .money("state: paid 2000, returned 1998000; school: returned 3000"),
            refused("nobody has compared it", BUDGET_HOLDER, seal_year(), Rejection::PaymentsLeft { count: 1 }),
            does("compared", OPERATOR, reconcile_repayment(71), Kind::RepaymentReconciled),
            does("sealed", BUDGET_HOLDER, seal_year(), Kind::YearSealed),
            refused("once", BUDGET_HOLDER, seal_year(), Rejection::YearSealed),
        ],
    );
    let sealed = world.get::<Sealed>(YEAR);
    assert_eq!(sealed.state_money.paid, Cents::new(2_000));
    assert_eq!(sealed.school_money.returned, Cents::new(3_000));
    assert!(world.tip.state.get::<YearRecord>(YEAR).is_none());
    assert_eq!(world.tip.state.year(YEAR).len(), 1);
    assert_eq!(replay(&world).state.root(), world.tip.state.root());
}

#[test]
fn work_that_is_due_comes_first() {
    let mut parameters = support::network_parameters();
    parameters.step_budget = 1;
    let mut world = World::with(parameters);
    staged(&mut world);
    world.submit(SCHOOL, propose(1, 1, &[1])).expect("proposed");
    world.submit(SCHOOL, propose(2, 2, &[2])).expect("proposed");
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("ended, and one proposal lapses");
    check(&mut world, [refused("free money is not back", BUDGET_HOLDER, seal_year(), Rejection::WorkLeft)]);
    world.tick();
    world.submit(BUDGET_HOLDER, seal_year()).expect("nothing was ever paid");
}

#[test]
fn nobody_reads_a_sealed_year() {
    let mut world = ended(StatementState::Reconciled);
    world.submit(SCHOOL, rate(1, 5, &[])).expect("rated");
    world.submit(BUDGET_HOLDER, seal_year()).expect("sealed");
    let (sealed, pupil_of) = (Rejection::YearSealed, Party::Pupil(YEAR, pupil(1)));
    let on = |operation| Operation::Catalogue(operation);
    let key = KeyGrant { party: pupil_of, ..grant(60, pupil_of, &[Scope::Order]) };
    let buyer = Buyer::Programme;
    let refusals = [
        (OPERATOR, allocate(&[1])),
        (OPERATOR, school_money(1, 1)),
        (OPERATOR, open_pupils(vec![new_pupil(20)])),
        (OPERATOR, bind(vec![key])),
        (OPERATOR, wallet(WalletOperation::Suspend { party: pupil_of })),
        (
            OPERATOR,
            wallet(WalletOperation::MovePupil {
                year: YEAR,
                pupil: pupil(1),
                school: school(2),
                grade: 5,
                keep_lines: true,
            }),
        ),
        (PROVIDER, open_session(40, 1, offer(360))),
        (PROVIDER, on(CatalogueOperation::AmendSession { year: YEAR, session: session(1), offer: offer(60) })),
        (PROVIDER, on(CatalogueOperation::CloseSession { year: YEAR, session: session(1) })),
        (SCHOOL, request(9, 1, &[1], 0)),
        (SCHOOL, on_order(1, OrderAction::Cancel)),
        (OPERATOR, issue(9, 1, buyer, &[1])),
        (PROVIDER, accept(1)),
        (PROVIDER, contest(1)),
        (PROVIDER, attach(1)),
        (OPERATOR, reject(1)),
        (OPERATOR, approve_invoice(1)),
        (BUDGET_HOLDER, pay(1, 1, 75)),
        (BUDGET_HOLDER, set_off(1, 1)),
        (OPERATOR, reconcile(1)),
        (PROVIDER, credit(1, 1, &[(0, 1)], 85)),
        (BUDGET_HOLDER, repay(1, buyer, 1, 75)),
        (OPERATOR, reconcile_repayment(71)),
        (SCHOOL, rate(1, 5, &[])),
        (BUDGET_HOLDER, end_year()),
    ];
    for (who, operation) in refusals {
        assert_eq!(world.clone().submit(who, operation.clone()).err(), Some(sealed), "{operation:?}");
    }
    let again = open_year(YEAR, parameters(), 1, 0);
    assert_eq!(world.clone().submit(BUDGET_HOLDER, again).err(), Some(Rejection::YearExists));
    assert_eq!(world.get::<ServiceRating>(service(1)).schools.count, 1, "what belongs to no year stays");
    let unknown = Operation::Settlement(SettlementOperation::Accept { year: Year(2030), statement: statement(1) });
    assert_eq!(world.clone().submit(PROVIDER, unknown).err(), Some(Rejection::YearUnknown));
    let mut next = parameters();
    (next.window_from, next.window_until, next.register_until) = (day(365), day(700), day(366));
    world.submit(BUDGET_HOLDER, open_year(NEXT, next, 10_000, 0)).expect("the next year");
    let elsewhere = FundsOperation::SealYear { year: NEXT };
    assert_eq!(world.submit(BUDGET_HOLDER, Operation::Funds(elsewhere)).err(), Some(Rejection::YearOpen));
}

/// A sealed year in the state that its block left, and the records that the block let go of.
fn sealed() -> (World, State) {
    let mut world = ended(StatementState::Reconciled);
    let mut builder = Builder::start(&world.tip, world.next_time()).expect("time goes on");
    for (who, operation) in [(SCHOOL, rate(1, 4, &[])), (BUDGET_HOLDER, seal_year())] {
        builder.offer(&world.sign(who, None, operation)).expect("in one block");
    }
    let late = world.sign(PUPIL, None, rate(1, 4, &[]));
    assert_eq!(builder.offer(&late), Err(Refusal::Rejected(Rejection::YearSealed)), "the same block reads nothing");
    let executed = world.decide(builder);
    let [(YEAR, records)] = &executed.sealed[..] else { panic!("one year is sealed") };
    (world, records.clone())
}

#[test]
fn records_of_a_sealed_year_are_proven_under_its_leaf() {
    let (world, archive) = sealed();
    let (root, leaf) = (world.tip.state.root(), *world.get::<Sealed>(YEAR));
    assert_eq!((leaf.root, leaf.records), (archive.root(), archive.len() as u64));
    let proof = |key: &RecordKey| SealedProof {
        leaf: world.tip.state.prove(&RecordKey::Sealed(YEAR)),
        record: archive.prove(key),
    };
    let key = RecordKey::Order(YEAR, order(1));
    let held = archive.get::<Order>((YEAR, order(1))).expect("an archive reads on").clone().into_record().hash();
    let shown = proof(&key);
    assert_eq!(shown.verify(&root, (YEAR, &leaf), &key, Some(&held)), Ok(()));
    assert_eq!(shown.verify(&root, (YEAR, &leaf), &key, None), Err(ProofError::Present(held)));
    let none = RecordKey::Order(YEAR, order(9));
    assert_eq!(proof(&none).verify(&root, (YEAR, &leaf), &none, None), Ok(()));
    assert_eq!(proof(&none).verify(&root, (YEAR, &leaf), &none, Some(&held)), Err(ProofError::Absent));

    let richer = Sealed { records: leaf.records + 1, ..leaf };
    assert!(shown.verify(&root, (YEAR, &richer), &key, Some(&held)).is_err(), "another leaf");
    assert!(shown.verify(&root, (NEXT, &leaf), &key, Some(&held)).is_err(), "another year");
    assert!(shown.verify(&archive.root(), (YEAR, &leaf), &key, Some(&held)).is_err(), "another state");
    let mut torn = shown.clone();
    torn.record.path[0].sibling.0[0] ^= 1;
    assert!(torn.verify(&root, (YEAR, &leaf), &key, Some(&held)).is_err(), "another path");
    let bytes = keis_ledger::codec::encode(&shown);
    assert_eq!(keis_ledger::codec::decode::<SealedProof>(&bytes).as_ref(), Ok(&shown));
}

#[test]
fn the_state_lets_go_of_a_sealed_year() {
    let (world, archive) = sealed();
    let state = &world.tip.state;
    assert!(state.get::<Pupil>((YEAR, pupil(1))).is_none());
    let before = world.genesis.state.len();
    assert!(state.len() > before && state.len() < archive.len() + before + 100);
    let records: Vec<_> = state.records().map(|(place, record)| (*place, record.clone())).collect();
    assert_eq!(records.len(), state.len());
    assert_eq!(State::from_records(records).expect("they ascend").root(), state.root(), "a snapshot has its root");
    let kept: Vec<_> = archive.records().map(|(place, record)| (*place, record.clone())).collect();
    assert_eq!(State::from_records(kept).expect("they ascend").root(), archive.root(), "so has an archive");
    assert_eq!(replay(&world).state.root(), state.root());
}
