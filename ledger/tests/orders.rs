//! Every way of an order through the table of README.md, step by step, with the money.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::crypto::Hash;
use keis_ledger::operation::{Buyer, Party, WalletOperation};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{Order, OrderState, Pupil, Session};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Span;
use support::scenario::{check, does, passes, refused};
use support::stage::*;
use support::{OPERATOR, World, day};

fn world() -> World {
    let mut world = World::founded();
    staged(&mut world);
    world
}

#[test]
fn from_proposal_to_settlement() {
    let mut world = world();
    check(
        &mut world,
        [
            does("a teacher proposes three pupils", TEACHER, propose(1, 1, &[1, 2, 3]), Kind::OrderProposed)
                .order(OrderState::Proposed)
                .money("state: pupils 11200; school: schools 3000"),
            does("the coordinator orders four instead", SCHOOL, request(1, 1, &[1, 2, 3, 4], 0), Kind::OrderRequested)
                .order(OrderState::Requested)
                .money("state: pupils 7200, held 4000; school: schools 3000"),
            does("the provider confirms", PROVIDER, confirm(1), Kind::OrderConfirmed)
                .order(OrderState::Confirmed)
                .money("state: pupils 7200, escrow 4000; school: schools 3000"),
            does("the provider reports that pupil 4 was absent", PROVIDER, report(1, &[3]), Kind::DeliveryReported)
                .at(day(61))
                .order(OrderState::Delivered)
                .money("state: pupils 7200, escrow 4000; school: schools 3000"),
            does("the school agrees", SCHOOL, attend(1, &[3], &[]), Kind::AttendanceConfirmed)
                .order(OrderState::Attended)
                .money("state: pupils 7700, providers 3500; school: schools 3000"),
            does("both find that pupil 3 was absent too", SCHOOL, amend_attendance(1, &[2, 3]), Kind::ChangeProposed),
            does("the provider agrees", PROVIDER, accept_change(1), Kind::ChangeAccepted)
                .order(OrderState::Attended)
                .money("state: pupils 8200, providers 3000; school: schools 3000"),
            does("a statement is issued", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
                .money("state: pupils 8200, settlement 3000; school: schools 3000"),
            does("the provider accepts it", PROVIDER, accept(1), Kind::StatementAccepted)
                .money("state: pupils 8200, settlement 3000; school: schools 3000"),
            refused(
                "it is too late to amend",
                SCHOOL,
                amend_attendance(1, &[]),
                Rejection::OrderStateWrong { state: OrderState::Settled },
            ),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(1))).state, OrderState::Settled);
}

#[test]
fn a_line_takes_the_pupils_money_first_and_gives_the_schools_back_first() {
    let mut world = world();
    check(
        &mut world,
        [
            does("most of the money goes", SCHOOL, request(1, 1, &[1, 2], 0), Kind::OrderRequested)
                .money("state: pupils 9200, held 2000; school: schools 3000"),
            refused(
                "the pupils have 4.00 each",
                SCHOOL,
                request(2, 2, &[1, 2], 1_199),
                Rejection::SchoolMoneyExceeded { missing: keis_ledger::money::Cents::new(1) },
            ),
            does("the school pays the rest", SCHOOL, request(2, 2, &[1, 2], 1_200), Kind::OrderRequested)
                .money("state: pupils 8400, held 2800; school: schools 1800, held 1200"),
            does("the provider confirms", PROVIDER, confirm(2), Kind::OrderConfirmed)
                .money("state: pupils 8400, held 2000, escrow 800; school: schools 1800, escrow 1200"),
            does("one line is dropped in time", SCHOOL, drop_lines(2, &[0]), Kind::LinesDropped)
                .money("state: pupils 8800, held 2000, escrow 400; school: schools 2400, escrow 600"),
            does("the other is dropped late by cancelling", SCHOOL, cancel(2), Kind::OrderCancelled)
                .at(day(66))
                .order(OrderState::CancelledLate)
                .money("state: pupils 10800, providers 400; school: schools 2900, providers 100"),
            does("the state's part is billed", OPERATOR, issue(1, 1, Buyer::Programme, &[2]), Kind::StatementIssued),
            does("and the school's", OPERATOR, issue(2, 1, Buyer::School(school(1)), &[2]), Kind::StatementIssued)
                .money("state: pupils 10800, settlement 400; school: schools 2900, settlement 100"),
            does("one is accepted", PROVIDER, accept(1), Kind::StatementAccepted),
            does("the other contested", PROVIDER, contest(2), Kind::StatementContested)
                .money("state: pupils 10800, settlement 400; school: schools 2900, providers 100"),
            does(
                "and issued again at once",
                OPERATOR,
                issue(3, 1, Buyer::School(school(1)), &[2]),
                Kind::StatementIssued,
            ),
            does("and accepted", PROVIDER, accept(3), Kind::StatementAccepted),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(2))).state, OrderState::CancelledLate);
}

#[test]
fn refused_lapsed_and_cancelled_orders_cost_nothing() {
    let mut world = world();
    let untouched = "state: pupils 11200; school: schools 3000";
    check(
        &mut world,
        [
            does("asked", SCHOOL, request(1, 1, &[1, 2], 0), Kind::OrderRequested),
            does("declined", PROVIDER, decline(1), Kind::OrderDeclined).order(OrderState::Declined).money(untouched),
            refused("for good", PROVIDER, confirm(1), Rejection::OrderStateWrong { state: OrderState::Declined }),
            does("asked again", SCHOOL, request(2, 1, &[1, 2], 0), Kind::OrderRequested).at(day(10)),
            does("proposed", TEACHER, propose(3, 1, &[3, 4]), Kind::OrderProposed).at(day(11)),
            passes("nobody answers the request", day(15).after(Span(5)), &[(Kind::OrderLapsed, OrderState::Lapsed)])
                .money(untouched),
            passes("nor takes the proposal up", day(17), &[(Kind::OrderLapsed, OrderState::Lapsed)]).money(untouched),
            does("asked", SCHOOL, request(4, 1, &[1, 2], 0), Kind::OrderRequested),
            does("the school takes it back", SCHOOL, cancel(4), Kind::OrderCancelled)
                .order(OrderState::CancelledFree)
                .money(untouched),
            does("proposed", TEACHER, propose(5, 1, &[1]), Kind::OrderProposed),
            does("taken back", SCHOOL, cancel(5), Kind::OrderCancelled).order(OrderState::CancelledFree),
            does("asked", SCHOOL, request(6, 1, &[1, 2], 0), Kind::OrderRequested),
            does("confirmed", PROVIDER, confirm(6), Kind::OrderConfirmed),
            does("cancelled in time", SCHOOL, cancel(6), Kind::OrderCancelled)
                .at(day(56).after(Span(10 * 3_600_000)))
                .order(OrderState::CancelledFree)
                .money(untouched),
            does("asked", SCHOOL, request(7, 1, &[1, 2], 0), Kind::OrderRequested),
            does("confirmed", PROVIDER, confirm(7), Kind::OrderConfirmed),
            does("the provider is ill", PROVIDER, cancel(7), Kind::OrderCancelled)
                .at(day(59))
                .order(OrderState::CancelledByProvider)
                .money(untouched),
        ],
    );
    assert_eq!(world.get::<Session>((YEAR, session(1))).booked, 0);
    assert!(world.get::<Pupil>((YEAR, pupil(1))).bookings.is_empty());
}

#[test]
fn what_is_never_reported_is_free_once_attendance_would_have_stood() {
    let mut world = with_order(OrderState::Confirmed);
    let start = offer(60).start;
    check(
        &mut world,
        [
            refused("not while it may be reported", SCHOOL, cancel(1), Rejection::TooLate { until: start }).at(day(61)),
            does("but afterwards", SCHOOL, cancel(1), Kind::OrderCancelled)
                .at(day(70))
                .order(OrderState::CancelledFree)
                .money("state: pupils 11200; school: schools 3000"),
        ],
    );
}

#[test]
fn the_providers_list_stands_when_nobody_objects() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [
            does("reported on a Tuesday", PROVIDER, report(1, &[0]), Kind::DeliveryReported).at(day(61)),
            passes(
                "the fifth working day is the Wednesday after the holiday",
                day(68).after(Span(22 * 3_600_000 - 1)),
                &[],
            ),
            passes(
                "its last instant passes",
                day(70),
                &[(Kind::AttendanceAutomatic, OrderState::AttendedAutomatically)],
            )
            .money("state: pupils 8700, providers 2500; school: schools 3000"),
            does("both may still amend it", PROVIDER, amend_attendance(1, &[]), Kind::ChangeProposed),
            does("and do", SCHOOL, accept_change(1), Kind::ChangeAccepted)
                .order(OrderState::AttendedAutomatically)
                .money("state: pupils 8200, providers 3000; school: schools 3000"),
        ],
    );
    let mut late = with_order(OrderState::Delivered);
    late.at(day(80));
    late.tick();
    let attended = late.submit(SCHOOL, attend(1, &[0, 1, 2], &[]));
    assert_eq!(attended, Err(Rejection::OrderStateWrong { state: OrderState::AttendedAutomatically }));
}

#[test]
fn the_minimum_is_due_whoever_is_absent() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [does(
            "nobody came: 60 per cent of 30.00, first lines first",
            SCHOOL,
            attend(1, &[0, 1, 2], &[]),
            Kind::AttendanceConfirmed,
        )
        .money("state: pupils 9400, providers 1800; school: schools 3000")],
    );
    let due: Vec<u64> = world.get::<Order>((YEAR, order(1))).lines.iter().map(|line| line.due.state.get()).collect();
    assert_eq!(due, [800, 500, 500]);
}

#[test]
fn an_order_of_which_nothing_is_due_is_settled_at_once() {
    let mut free = parameters();
    free.absence_share = keis_ledger::money::BasisPoints::new(0).expect("nothing");
    free.minimum_share = free.absence_share;
    let mut world = World::founded();
    staged_with(&mut world, free);
    bring(&mut world, OrderState::Delivered);
    check(
        &mut world,
        [does("nobody came, nothing is due", SCHOOL, attend(1, &[0, 1, 2], &[]), Kind::AttendanceConfirmed)
            .order(OrderState::Settled)
            .money("state: pupils 11200; school: schools 3000")],
    );
}

#[test]
fn changes_by_agreement_before_delivery() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [
            does(
                "the school asks for a later day and another pupil",
                SCHOOL,
                change(1, Some(2), &[0], &[4]),
                Kind::ChangeProposed,
            ),
            refused("one change at a time", PROVIDER, change(1, Some(3), &[], &[]), Rejection::ChangePending),
            refused("not by who asked", SCHOOL, accept_change(1), Rejection::ChangeOwn),
            does("the provider agrees", PROVIDER, accept_change(1), Kind::ChangeAccepted)
                .order(OrderState::Confirmed)
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            refused("there is nothing to agree to", PROVIDER, accept_change(1), Rejection::ChangeMissing),
            does("the provider asks for yet another day", PROVIDER, change(1, Some(3), &[], &[]), Kind::ChangeProposed),
            does("the school refuses", SCHOOL, drop_change(1), Kind::ChangeDropped),
            does("the school asks to go back", SCHOOL, change(1, Some(1), &[], &[]), Kind::ChangeProposed),
            does("and takes that back", SCHOOL, drop_change(1), Kind::ChangeDropped),
            refused("nothing waits", SCHOOL, drop_change(1), Rejection::ChangeMissing),
        ],
    );
    let moved = world.get::<Order>((YEAR, order(1)));
    assert_eq!((moved.session, moved.start), (session(2), offer(67).start));
    assert_eq!(world.get::<Session>((YEAR, session(1))).booked, 0);
    assert_eq!(world.get::<Session>((YEAR, session(2))).booked, 3);
    assert!(world.get::<Pupil>((YEAR, pupil(1))).bookings.is_empty());
    assert_eq!(world.get::<Pupil>((YEAR, pupil(4))).bookings[0].start, offer(67).start);
}

#[test]
fn a_change_of_a_request_moves_its_deadline_with_the_session() {
    let mut world = with_order(OrderState::Requested);
    check(
        &mut world,
        [
            does("asked", PROVIDER, change(1, Some(2), &[], &[5]), Kind::ChangeProposed),
            does("agreed", SCHOOL, accept_change(1), Kind::ChangeAccepted)
                .money("state: pupils 7200, held 4000; school: schools 3000"),
            passes("but never confirmed", day(43), &[(Kind::OrderLapsed, OrderState::Lapsed)])
                .money("state: pupils 11200; school: schools 3000"),
            passes("once only", day(80), &[]),
        ],
    );
}

#[test]
fn the_orderer_swaps_and_drops_until_the_start() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [
            does("another pupil comes", SCHOOL, swap(1, &[(0, 4)]), Kind::LinesSwapped)
                .at(day(60))
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            does("one falls ill on the day", SCHOOL, drop_lines(1, &[1]), Kind::LinesDropped)
                .money("state: pupils 8700, escrow 2000, providers 500; school: schools 3000"),
            refused("a dropped line is gone", SCHOOL, drop_lines(1, &[1]), Rejection::LineNotBooked { line: 1 }),
            refused("the last lines are cancelled", SCHOOL, drop_lines(1, &[0, 2]), Rejection::NoLineLeft),
            does("reported", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("one more was there", SCHOOL, attend(1, &[], &[5]), Kind::AttendanceConfirmed)
                .order(OrderState::Attended)
                .money("state: pupils 7700, providers 3500; school: schools 3000"),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(1))).lines.len(), 4);
}

#[test]
fn a_pupil_of_age_orders_alone() {
    let mut world = world();
    check(
        &mut world,
        [
            refused("for nobody else", PUPIL, request(1, 1, &[1], 0), Rejection::NotPermitted),
            does("for itself", PUPIL, request(1, 1, &[GROWN], 0), Kind::OrderRequested)
                .money("state: pupils 10200, held 1000; school: schools 3000"),
            does("the provider confirms", PROVIDER, confirm(1), Kind::OrderConfirmed),
            refused(
                "but has no school money",
                PUPIL,
                request(2, 2, &[GROWN], 600),
                Rejection::SchoolMoneyExceeded { missing: keis_ledger::money::Cents::new(600) },
            ),
            does("delivered", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("the school may confirm too", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed),
        ],
    );
}

#[test]
fn orders_of_two_schools_share_a_session() {
    let mut world = world();
    check(
        &mut world,
        [
            does("three of five places", SCHOOL, request(1, 1, &[1, 2, 3], 0), Kind::OrderRequested),
            refused("the rest has two", SCHOOL, request(2, 1, &[4, 5, 6], 0), Rejection::SessionFull { free: 2 }),
            does("which another school takes", OTHER_SCHOOL, request(2, 1, &[7, 8], 0), Kind::OrderRequested),
            does("one declined", PROVIDER, decline(1), Kind::OrderDeclined),
            does("gives three places back", SCHOOL, request(3, 1, &[4, 5, 6], 0), Kind::OrderRequested),
        ],
    );
}

#[test]
fn an_officer_acts_for_a_party_within_its_rights() {
    let mut world = world();
    let (ours, theirs) = (Party::School(school(1)), Party::Provider(provider(1)));
    check(
        &mut world,
        [
            does("the school telephones", OPERATOR, request(1, 1, &[1], 0), Kind::OrderRequested).behalf(ours),
            refused("one officer is not both sides", OPERATOR, confirm(1), Rejection::BothSides).behalf(theirs),
            does("the provider does it itself", PROVIDER, confirm(1), Kind::OrderConfirmed),
            refused("no party of the other", OPERATOR, cancel(1), Rejection::NotYours).behalf(Party::School(school(2))),
            does("the school writes", OPERATOR, cancel(1), Kind::OrderCancelled).behalf(ours),
        ],
    );
}

#[test]
fn leavers_and_movers() {
    let mut world = with_order(OrderState::Confirmed);
    let moves = |number: u8, keep_lines: bool| {
        wallet(WalletOperation::MovePupil { year: YEAR, pupil: pupil(number), school: school(2), grade: 5, keep_lines })
    };
    let close = |number: u8| wallet(WalletOperation::Close { party: Party::Pupil(YEAR, pupil(number)) });
    check(
        &mut world,
        [
            does("one moves and still comes along", OPERATOR, moves(1, true), Kind::PupilMoved)
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            does("one moves and stays away", OPERATOR, moves(2, false), Kind::PupilMoved)
                .money("state: pupils 9200, escrow 2000; school: schools 3000"),
            does("one leaves", OPERATOR, close(3), Kind::WalletClosed)
                .money("state: pupils 8800, escrow 1000, returned 1400; school: schools 3000"),
            does("the last one leaves too", OPERATOR, close(1), Kind::WalletClosed)
                .at(day(59))
                .money("state: pupils 8400, returned 2800; school: schools 3000"),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(1))).state, OrderState::CancelledFree, "an empty order ends");
}

#[test]
fn a_late_share_is_billed_however_the_order_ends() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [
            does("one line is dropped late", SCHOOL, drop_lines(1, &[0]), Kind::LinesDropped)
                .at(day(59))
                .money("state: pupils 8700, escrow 2000, providers 500; school: schools 3000"),
            does("then the provider cancels", PROVIDER, cancel(1), Kind::OrderCancelled)
                .order(OrderState::CancelledByProvider)
                .money("state: pupils 10700, providers 500; school: schools 3000"),
            does("what was due before stays due", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
                .money("state: pupils 10700, settlement 500; school: schools 3000"),
        ],
    );
}

#[test]
fn a_proposal_made_twice_leaves_no_deadline_behind() {
    let mut world = world();
    check(
        &mut world,
        [
            does("proposed", TEACHER, propose(1, 1, &[1, 2]), Kind::OrderProposed).at(day(3)),
            does("proposed otherwise", TEACHER, propose(1, 1, &[1]), Kind::OrderProposed).at(day(4)),
            does("ordered", SCHOOL, request(1, 1, &[1], 0), Kind::OrderRequested).at(day(5)),
            does("confirmed", PROVIDER, confirm(1), Kind::OrderConfirmed).at(day(6)),
            passes("the proposals' deadlines mean nothing", day(20), &[])
                .money("state: pupils 10200, escrow 1000; school: schools 3000"),
        ],
    );
    assert_eq!(world.get::<Order>((YEAR, order(1))).state, OrderState::Confirmed);
}

#[test]
fn orders_of_one_id_in_two_years_have_deadlines_of_their_own() {
    use keis_ledger::record::{DueKey, DueKind};
    let key = |year| DueKey::order(DueKind::Lapse, day(60), (keis_ledger::classifiers::Year(year), order(1)));
    assert_ne!(key(2026), key(2027));
}

#[test]
fn deadlines_bind_before_the_clock_has_come_to_them() {
    let mut parameters = support::network_parameters();
    parameters.step_budget = 1;
    let mut world = World::with(parameters);
    staged(&mut world);
    world.submit(SCHOOL, request(1, 1, &[1], 0)).expect("requested");
    world.submit(SCHOOL, request(2, 2, &[2], 0)).expect("requested");
    world.submit(SCHOOL, request(3, 3, &[3], 0)).expect("requested");
    let deadline = world.get::<Order>((YEAR, order(3))).deadline;
    world.at(day(20));
    // The block lets one order lapse first; the third still stands as requested.
    for operation in [confirm(3), decline(3)] {
        assert_eq!(world.submit(PROVIDER, operation), Err(Rejection::TooLate { until: deadline }));
    }
    for operation in [cancel(3), drop_lines(3, &[0]), swap(3, &[(0, 5)]), change(3, None, &[], &[5])] {
        let answer = world.submit(SCHOOL, operation).expect_err("it is too late");
        assert!(matches!(answer, Rejection::TooLate { until } if until == deadline) || answer == Rejection::NoLineLeft);
    }
    assert_eq!(world.get::<Order>((YEAR, order(3))).state, OrderState::Requested);
    assert_eq!(world.tick().len(), 3);
}

#[test]
fn lines_are_shown_to_their_parties_alone() {
    let mut world = world();
    let full = world.submit(SCHOOL, request(1, 1, &[1, 2], 0)).expect("requested");
    assert_eq!(full.lines.len(), 2);
    assert_ne!(full.seed, Hash::default());
    let public = format!("{:?}", full.receipt);
    assert!(!public.contains("pup_"), "the public part names no pupil: {public}");
}
