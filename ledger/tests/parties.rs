//! Parties to their end: suspended, closed, succeeded, robbed of their keys, promoted.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::EntityId;
use keis_ledger::operation::{Buyer, CatalogueOperation, ClosureScope, Measure, NewSchool, Party, WalletOperation};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{Order, OrderState, ProviderPurse, Pupil, School, SchoolPurse, Standing};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Timestamp;
use support::scenario::{check, does, refused};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, secret};

const TWO: [u8; 2] = [OPERATOR, BUDGET_HOLDER];

fn a_school(number: u8) -> Party {
    Party::School(school(number))
}

fn a_provider(number: u8) -> Party {
    Party::Provider(provider(number))
}

fn suspend(party: Party) -> keis_ledger::operation::Operation {
    wallet(WalletOperation::Suspend { party })
}

fn close(party: Party) -> keis_ledger::operation::Operation {
    wallet(WalletOperation::Close { party })
}

#[test]
fn a_suspended_provider_brings_what_stands_to_its_end() {
    let mut world = with_order(OrderState::Requested);
    let suspended = Rejection::WalletSuspended { item: 0 };
    check(
        &mut world,
        [
            does("suspended", OPERATOR, suspend(a_provider(1)), Kind::WalletSuspended),
            refused("no new orders", SCHOOL, request(2, 2, &[4], 0), suspended),
            refused("no new sessions", PROVIDER, open_session(9, 1, offer(90)), suspended),
            does("what was asked is confirmed", PROVIDER, confirm(1), Kind::OrderConfirmed),
            does("changed", SCHOOL, change(1, Some(2), &[], &[4]), Kind::ChangeProposed),
            does("", PROVIDER, accept_change(1), Kind::ChangeAccepted),
            does("given", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(68)),
            does("", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed),
            does("and billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued),
            does("", PROVIDER, accept(1), Kind::StatementAccepted)
                .money("state: pupils 7200, settlement 4000; school: schools 3000"),
        ],
    );
    let mut struck = with_order(OrderState::Confirmed);
    struck.submit(OPERATOR, suspend(a_provider(1))).expect("suspended");
    struck.decided(1, &TWO, &force_majeure(day(0), day(353), ClosureScope::Provider(provider(1))));
    struck.tick();
    check(
        &mut struck,
        [refused(
            "officers ended it",
            PROVIDER,
            report(1, &[]),
            Rejection::OrderStateWrong { state: OrderState::CancelledForceMajeure },
        )
        .at(day(61))
        .money("state: pupils 11200; school: schools 3000")],
    );
}

#[test]
fn who_closes_keeps_what_was_agreed_and_what_was_earned() {
    let mut world = with_order(OrderState::Confirmed);
    let closed = Rejection::WalletClosed { item: 0 };
    check(
        &mut world,
        [
            does("the provider closes", OPERATOR, close(a_provider(1)), Kind::WalletClosed),
            does("the school closes too", OPERATOR, close(a_school(1)), Kind::WalletClosed)
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            refused("no new orders", SCHOOL, request(2, 2, &[4], 0), closed),
            refused("nor by a pupil", PUPIL, request(2, 2, &[GROWN], 0), closed),
            refused("no more money", OPERATOR, school_money(1, 1), closed),
            refused("for good", OPERATOR, wallet(WalletOperation::Reinstate { party: a_school(1) }), closed),
            does("what stands is given", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("and confirmed", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed),
            does("and billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued),
            does("and accepted", PROVIDER, accept(1), Kind::StatementAccepted),
            does("the year ends", BUDGET_HOLDER, end_year(), Kind::YearEnded).at(day(353)),
        ],
    );
    world.tick();
    assert_eq!(world.get::<SchoolPurse>((YEAR, school(1))).balance.get(), 0, "its own money returned to it");
}

#[test]
fn who_is_in_a_dispute_does_not_leave() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [
            does("disputed", SCHOOL, dispute(1), Kind::OrderDisputed),
            refused("not yet", OPERATOR, close(Party::Pupil(YEAR, pupil(1))), Rejection::WalletInUse),
        ],
    );
}

#[test]
fn a_lost_key_ends_with_all_others_of_its_school_and_orders_go_on() {
    let mut world = with_order(OrderState::Confirmed);
    let mut later = grant(50, a_school(1), &[Scope::Order]);
    later.from = day(90);
    world.submit(OPERATOR, bind(vec![later])).expect("bound ahead");
    let everything = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement];
    let revoke_all = wallet(WalletOperation::RevokeAllKeys { party: a_school(1) });
    let unknown = wallet(WalletOperation::RevokeAllKeys { party: a_school(9) });
    check(
        &mut world,
        [
            refused("only the operator", SCHOOL, revoke_all.clone(), Rejection::NotPermitted),
            refused("whose?", OPERATOR, unknown, Rejection::SchoolUnknown { item: 0 }),
        ],
    );
    let revoked = world.submit(OPERATOR, revoke_all.clone()).expect("revoked").receipt.time;
    let ended = |from: Timestamp| Rejection::KeyInactive { from, until: revoked };
    assert_eq!(world.tip.state.key_end(secret(SCHOOL).public()), Some(revoked));
    assert_eq!(world.tip.state.key_end(secret(PROVIDER).public()), Some(day(400)));
    let end_again = wallet(WalletOperation::RevokeKey { key: secret(SCHOOL).public() });
    check(
        &mut world,
        [
            refused("the old key is dead", SCHOOL, cancel(1), ended(Timestamp(0))),
            refused("every old key", TEACHER, propose(2, 2, &[4]), ended(Timestamp(0))),
            refused("it has ended", OPERATOR, end_again, Rejection::TargetKeyEnded { until: revoked }),
            does("pupils keep theirs", PUPIL, request(2, 2, &[GROWN], 0), Kind::OrderRequested),
            does("a new key", OPERATOR, bind(vec![grant(51, a_school(1), &everything)]), Kind::KeysBound),
            does("goes on with the order", 51, drop_lines(1, &[0]), Kind::LinesDropped),
            refused("a key that was to begin later is dead too", 50, request(3, 3, &[4], 0), ended(day(90)))
                .at(day(91)),
            does("given", PROVIDER, report(1, &[]), Kind::DeliveryReported),
            does("and confirmed", 51, attend(1, &[], &[]), Kind::AttendanceConfirmed),
            does("lost again", OPERATOR, revoke_all, Kind::AllKeysRevoked),
        ],
    );
    assert!(matches!(world.submit(51, request(3, 3, &[4], 0)), Err(Rejection::KeyInactive { .. })));
    world.submit(OPERATOR, bind(vec![grant(52, a_school(1), &everything)])).expect("bound");
    assert!(!matches!(world.submit(52, request(3, 3, &[4], 0)), Err(Rejection::KeyInactive { .. })));
}

#[test]
fn a_year_is_promoted_in_one_transaction_or_not_at_all() {
    let mut world = with_order(OrderState::Confirmed);
    let grades = |world: &World| [1, 2, 3].map(|number| world.get::<Pupil>((YEAR, pupil(number))).grade);
    check(
        &mut world,
        [
            refused("not by a school", SCHOOL, promote(&[1], 1, 6, true), Rejection::NotPermitted),
            refused("nobody", OPERATOR, promote(&[], 1, 6, true), Rejection::ListEmpty),
            refused("once each", OPERATOR, promote(&[1, 1], 1, 6, true), Rejection::ListNotAscending { item: 1 }),
            refused("no grade", OPERATOR, promote(&[1], 1, 13, true), Rejection::ItemUnsound { item: 0 }),
            refused("no school", OPERATOR, promote(&[1], 9, 6, true), Rejection::SchoolUnknown { item: 0 }),
            refused("one is unknown", OPERATOR, promote(&[1, 99], 1, 6, true), Rejection::PupilUnknown { item: 1 }),
            refused("one stays", OPERATOR, promote(&[1, GROWN], 1, 10, true), Rejection::StandingUnchanged),
            does("one leaves", OPERATOR, close(Party::Pupil(YEAR, pupil(5))), Kind::WalletClosed),
            refused("one has left", OPERATOR, promote(&[1, 5], 1, 6, true), Rejection::WalletClosed { item: 1 }),
        ],
    );
    assert_eq!(grades(&world), [5, 5, 5]);
    check(
        &mut world,
        [
            does("promoted, lines stay", OPERATOR, promote(&[1, 2, 3], 1, 6, true), Kind::PupilsMoved)
                .money("state: pupils 6800, escrow 3000, returned 1400; school: schools 3000"),
            does("moved away, lines go", OPERATOR, promote(&[1, 2], 2, 6, false), Kind::PupilsMoved)
                .money("state: pupils 8800, escrow 1000, returned 1400; school: schools 3000"),
        ],
    );
    assert_eq!(grades(&world), [6, 6, 6]);
    assert_eq!(world.receipts.last().expect("moved").receipt.total.state.get(), 2_000);
    assert_eq!(world.get::<Order>((YEAR, order(1))).state, OrderState::Confirmed);
}

#[test]
fn a_provider_takes_the_place_of_another() {
    let mut world = with_order(OrderState::Confirmed);
    world.submit(SCHOOL, request(2, 2, &[4], 0)).expect("requested");
    let full = world.decided(1, &TWO, &succeed(a_provider(1), a_provider(2), &[]));
    assert_eq!(full.receipt.kind, Kind::PartySucceeded);
    let withdraw = catalogue(CatalogueOperation::Withdraw { service: service(1) });
    check(
        &mut world,
        [
            refused("the old keys act no more", PROVIDER, confirm(2), Rejection::NotYours),
            refused("for nothing", PROVIDER, open_session(9, 1, offer(90)), Rejection::NotYours),
            does("the successor confirms", OTHER_PROVIDER, confirm(2), Kind::OrderConfirmed),
            does("offers the service", OTHER_PROVIDER, open_session(9, 1, offer(90)), Kind::SessionOpened),
            does("and is ordered", SCHOOL, request(3, 9, &[5], 0), Kind::OrderRequested),
            does("gives what the other had agreed", OTHER_PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed),
            does("billed under the old name", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued),
            refused("not accepted by the old one", PROVIDER, accept(1), Rejection::NotYours),
            does("but by the new one", OTHER_PROVIDER, accept(1), Kind::StatementAccepted)
                .money("state: pupils 7200, escrow 1000, settlement 3000; school: schools 3000"),
            does("which may withdraw the service", OTHER_PROVIDER, withdraw, Kind::ServiceWithdrawn),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(3))).provider, provider(2));
    assert!(world.get::<ProviderPurse>((YEAR, provider(1))).balance.is_zero());
    let again = world.refuses(OPERATOR, &succeed(a_provider(1), a_provider(2), &[]));
    assert_eq!(again, Rejection::StandingUnchanged);
    assert_eq!(
        world.refuses(OPERATOR, &succeed(a_provider(2), a_provider(1), &[])),
        Rejection::WalletClosed { item: 1 },
        "nobody succeeds in a circle"
    );
}

#[test]
fn a_school_takes_the_place_of_another_with_its_pupils_and_money() {
    let mut world = with_order(OrderState::Confirmed);
    world.submit(TEACHER, propose(2, 2, &[4])).expect("proposed");
    world.decided(1, &TWO, &succeed(a_school(1), a_school(2), &[YEAR]));
    assert_eq!(world.get::<SchoolPurse>((YEAR, school(2))).balance.get(), 3_000);
    assert_eq!(world.get::<School>(school(1)).standing, Standing::Closed);
    check(
        &mut world,
        [
            refused("the old keys act no more", SCHOOL, cancel(1), Rejection::NotYours),
            refused("nor order", SCHOOL, request(3, 3, &[4], 0), Rejection::WalletClosed { item: 0 }),
            does("the successor takes a proposal up", OTHER_SCHOOL, request(2, 2, &[4], 0), Kind::OrderRequested),
            does("adds a pupil of either", OTHER_SCHOOL, change(1, None, &[], &[5, 7]), Kind::ChangeProposed),
            does("", PROVIDER, accept_change(1), Kind::ChangeAccepted),
            does("orders with the money", OTHER_SCHOOL, request(3, 3, &[4], 600), Kind::OrderRequested)
                .money("state: pupils 4800, held 1400, escrow 5000; school: schools 2400, held 600"),
            does("a pupil orders alone", PUPIL, request(4, 3, &[GROWN], 0), Kind::OrderRequested),
            does("which the successor may cancel", OTHER_SCHOOL, cancel(4), Kind::OrderCancelled),
            does("released to the successor", OTHER_SCHOOL, cancel(3), Kind::OrderCancelled)
                .money("state: pupils 5200, held 1000, escrow 5000; school: schools 3000"),
            does("given", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("confirmed", OTHER_SCHOOL, attend(1, &[0], &[]), Kind::AttendanceConfirmed),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(3))).school, school(2));
    assert_eq!(world.get::<SchoolPurse>((YEAR, school(1))).balance.get(), 0);
}

#[test]
fn succession_has_its_rules() {
    let mut world = with_order(OrderState::Confirmed);
    let refuses = |world: &World, measure: &Measure| world.refuses(OPERATOR, measure);
    let unsound = Rejection::MeasureUnsound;
    assert_eq!(refuses(&world, &succeed(a_school(1), a_provider(1), &[])), unsound);
    assert_eq!(refuses(&world, &succeed(a_school(1), a_school(1), &[])), unsound);
    assert_eq!(refuses(&world, &succeed(a_provider(1), a_provider(2), &[YEAR])), unsound);
    let pupils = |number| Party::Pupil(YEAR, pupil(number));
    assert_eq!(refuses(&world, &succeed(pupils(1), pupils(2), &[])), unsound);
    let twice = succeed(a_school(1), a_school(2), &[YEAR, YEAR]);
    assert_eq!(refuses(&world, &twice), Rejection::ListNotAscending { item: 1 });
    let many: Vec<Year> = (2000..2017).map(Year).collect();
    assert_eq!(refuses(&world, &succeed(a_school(1), a_school(2), &many)), Rejection::ListTooLong { most: 16 });
    assert_eq!(refuses(&world, &succeed(a_school(1), a_school(2), &[Year(2030)])), Rejection::YearUnknown);
    assert_eq!(refuses(&world, &succeed(a_school(1), a_school(9), &[])), Rejection::SchoolUnknown { item: 1 });
    assert_eq!(refuses(&world, &succeed(a_provider(9), a_provider(1), &[])), Rejection::ProviderUnknown);
    world.submit(OPERATOR, suspend(a_school(2))).expect("suspended");
    assert_eq!(refuses(&world, &succeed(a_school(1), a_school(2), &[])), Rejection::WalletSuspended { item: 1 });
}

#[test]
fn what_succession_brings_into_one_hand_nobody_confirms_alone() {
    let mut world = with_order(OrderState::Confirmed);
    let own = NewSchool { entity: EntityId([101; 16]), ..new_school(9) };
    world.submit(OPERATOR, wallet(WalletOperation::OpenSchools { schools: vec![own] })).expect("opened");
    world.submit(OPERATOR, bind(vec![grant(60, a_school(9), &[Scope::Order, Scope::Attendance])])).expect("bound");
    world.decided(1, &TWO, &succeed(a_school(1), a_school(9), &[YEAR]));
    check(
        &mut world,
        [
            refused("neither side", 60, cancel(1), Rejection::BothSides),
            refused("nor the other", PROVIDER, report(1, &[]), Rejection::BothSides).at(day(61)),
        ],
    );
    world.decided(2, &TWO, &force_majeure(day(60), day(61), ClosureScope::Provider(provider(1))));
    world.tick();
    assert_eq!(world.get::<Order>((YEAR, order(1))).state, OrderState::CancelledForceMajeure);
}

#[test]
fn a_successor_is_succeeded_in_turn() {
    let mut world = with_order(OrderState::Confirmed);
    world.submit(OPERATOR, wallet(WalletOperation::OpenSchools { schools: vec![new_school(3)] })).expect("opened");
    let scopes = [Scope::Order, Scope::Attendance, Scope::Propose];
    world.submit(OPERATOR, bind(vec![grant(61, a_school(3), &scopes)])).expect("bound");
    world.decided(1, &TWO, &succeed(a_school(1), a_school(2), &[YEAR]));
    world.decided(2, &TWO, &succeed(a_school(2), a_school(3), &[YEAR]));
    check(
        &mut world,
        [
            refused("not the one between", OTHER_SCHOOL, cancel(1), Rejection::NotYours),
            does("pupils of all three", 61, request(2, 2, &[4, 7], 1_200), Kind::OrderRequested),
            does("the last one", 61, cancel(1), Kind::OrderCancelled)
                .money("state: pupils 9200, held 2000; school: schools 3000"),
        ],
    );
}
