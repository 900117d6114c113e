//! Disputes and what two persons decide about money that has moved: every cent stays where a rule can say why.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Party};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{
    Dispute, DisputeState, LineState, Order, OrderState, Pupil, Side, StatementState, YearRecord,
};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Span;
use support::scenario::{check, does, passes, refused};
use support::settlement::{pay, repay, with_school_statement, with_statement};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day};

const TWO: [u8; 2] = [OPERATOR, BUDGET_HOLDER];

fn state_of(world: &World) -> OrderState {
    world.get::<Order>((YEAR, order(1))).state
}

fn wrong(state: OrderState) -> Rejection {
    Rejection::OrderStateWrong { state }
}

#[test]
fn a_dispute_stops_the_clock_and_freezes_the_money_until_it_is_taken_back() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [
            refused("nothing to take back", SCHOOL, withdraw_dispute(1), wrong(OrderState::Delivered)),
            does("the school disputes the report", SCHOOL, dispute(1), Kind::OrderDisputed)
                .order(OrderState::Disputed)
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            refused("once", SCHOOL, dispute(1), wrong(OrderState::Disputed)),
            refused("nobody confirms now", SCHOOL, attend(1, &[], &[]), wrong(OrderState::Disputed)),
            refused("nor cancels", PROVIDER, cancel(1), wrong(OrderState::Disputed)),
            refused("the other side cannot end it", PROVIDER, withdraw_dispute(1), Rejection::NotYours),
            passes("the clock stands still", day(120), &[]),
            does("the school was mistaken", SCHOOL, withdraw_dispute(1), Kind::DisputeWithdrawn)
                .order(OrderState::Delivered)
                .money("state: pupils 8200, escrow 3000; school: schools 3000"),
            refused("its dispute is spent", SCHOOL, dispute(1), Rejection::DisputeSpent),
            does("the other side has one of its own", PROVIDER, dispute(1), Kind::OrderDisputed),
            does("and takes it back too", PROVIDER, withdraw_dispute(1), Kind::DisputeWithdrawn).at(day(121)),
            refused("then neither has", SCHOOL, dispute(1), Rejection::DisputeSpent),
            refused("", PROVIDER, dispute(1), Rejection::DisputeSpent),
            passes("the days of attendance run anew", day(125), &[]),
            passes("and end", day(130), &[(Kind::AttendanceAutomatic, OrderState::AttendedAutomatically)])
                .money("state: pupils 8200, providers 3000; school: schools 3000"),
        ],
    );
}

#[test]
fn a_charge_for_a_line_dropped_late_is_due_again_when_the_dispute_is_taken_back() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [
            does("too late to be free", SCHOOL, drop_lines(1, &[0]), Kind::LinesDropped)
                .at(day(59))
                .money("state: pupils 8700, escrow 2000, providers 500; school: schools 3000"),
            does("delivered", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("disputed", SCHOOL, dispute(1), Kind::OrderDisputed)
                .money("state: pupils 8700, escrow 2500; school: schools 3000"),
            does("taken back", SCHOOL, withdraw_dispute(1), Kind::DisputeWithdrawn)
                .order(OrderState::Delivered)
                .money("state: pupils 8700, escrow 2000, providers 500; school: schools 3000"),
            does("attended", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed)
                .money("state: pupils 8700, providers 2500; school: schools 3000"),
        ],
    );
}

#[test]
fn a_dispute_after_attendance_takes_what_was_earned_back_into_escrow() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [
            does("one was absent, says the school", SCHOOL, attend(1, &[0], &[]), Kind::AttendanceConfirmed)
                .money("state: pupils 8700, providers 2500; school: schools 3000"),
            does("an amendment waits", PROVIDER, amend_attendance(1, &[]), Kind::ChangeProposed),
            does("the provider disputes it", PROVIDER, dispute(1), Kind::OrderDisputed)
                .money("state: pupils 8700, escrow 2500; school: schools 3000"),
            refused(
                "no statement names it",
                OPERATOR,
                issue(1, 1, Buyer::Programme, &[1]),
                wrong(OrderState::Disputed),
            ),
            refused("no amendment waits now", SCHOOL, accept_change(1), Rejection::ChangeMissing),
            does("taken back", PROVIDER, withdraw_dispute(1), Kind::DisputeWithdrawn)
                .order(OrderState::Attended)
                .money("state: pupils 8700, providers 2500; school: schools 3000"),
        ],
    );
    let dispute = world.get::<Dispute>((YEAR, order(1)));
    assert_eq!((dispute.by, dispute.state, dispute.both), (Side::Provider, DisputeState::Withdrawn, false));
}

#[test]
fn a_dispute_comes_in_time_and_before_a_statement() {
    let mut world = with_order(OrderState::Attended);
    check(
        &mut world,
        [
            refused("not by a stranger", OTHER_SCHOOL, dispute(1), Rejection::NotYours),
            does("a statement", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued),
            refused(
                "what is in a statement is contested, not disputed",
                SCHOOL,
                dispute(1),
                Rejection::StatementStateWrong { state: StatementState::Issued },
            ),
            does("contested", PROVIDER, contest(1), Kind::StatementContested),
            does("disputed", SCHOOL, dispute(1), Kind::OrderDisputed),
        ],
    );
    let mut requested = with_order(OrderState::Requested);
    check(&mut requested, [refused("nothing was given", SCHOOL, dispute(1), wrong(OrderState::Requested))]);
}

#[test]
fn two_persons_split_what_is_disputed() {
    let mut world = with_order(OrderState::Delivered);
    world.submit(SCHOOL, dispute(1)).expect("disputed");
    assert_eq!(world.refuses(OPERATOR, &resolve(1, &[])), Rejection::ListEmpty);
    assert_eq!(world.refuses(OPERATOR, &resolve(1, &[1, 1])), Rejection::SplitUnsound { line: 2 });
    assert_eq!(world.refuses(OPERATOR, &resolve(1, &[1, 1_001, 0])), Rejection::SplitUnsound { line: 1 });
    assert_eq!(world.refuses(OPERATOR, &resolve(2, &[1])), Rejection::OrderUnknown { item: 0 });
    assert_eq!(world.refuses(SCHOOL, &resolve(1, &[0, 0, 0])), Rejection::NotPermitted);
    world.propose(1, OPERATOR, &resolve(1, &[1_000, 333, 0])).expect("proposed");
    assert_eq!(world.approve(1, OPERATOR).err(), Some(Rejection::ApprovedAlready), "nobody decides alone");
    assert_eq!(state_of(&world), OrderState::Disputed);
    let full = world.approve(1, BUDGET_HOLDER).expect("decided");
    assert_eq!(full.receipt.kind, Kind::DisputeResolved);
    assert_eq!(full.receipt.total.state, Cents::new(1_333));
    assert_eq!(full.receipt.subject.order_state, Some(OrderState::Attended));
    assert_eq!(full.lines.iter().map(|line| line.moved.state.get()).collect::<Vec<_>>(), [1_000, 333, 0]);
    check(
        &mut world,
        [
            refused("it is final", PROVIDER, dispute(1), Rejection::DisputeSpent),
            refused("also by agreement", PROVIDER, amend_attendance(1, &[]), Rejection::DisputeSpent),
            does("and billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
                .money("state: pupils 9867, settlement 1333; school: schools 3000"),
            does("and settled", PROVIDER, accept(1), Kind::StatementAccepted),
        ],
    );
    assert_eq!(state_of(&world), OrderState::Settled);
    assert_eq!(world.refuses(OPERATOR, &resolve(1, &[0, 0, 0])), wrong(OrderState::Settled));
}

#[test]
fn a_decision_may_charge_what_was_given_back_and_no_more_than_there_is() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [
            does("two were absent, says the school", SCHOOL, attend(1, &[0, 1], &[]), Kind::AttendanceConfirmed)
                .money("state: pupils 9200, providers 2000; school: schools 3000"),
            does("the provider disputes it", PROVIDER, dispute(1), Kind::OrderDisputed),
        ],
    );
    let mut poor = world.clone();
    world.decided(1, &TWO, &resolve(1, &[1_000, 0, 500]));
    check(
        &mut world,
        [does("billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
            .money("state: pupils 9700, settlement 1500; school: schools 3000")],
    );
    // The pupil has spent it meanwhile: a decision that cannot be carried out changes nothing, and still waits.
    poor.submit(SCHOOL, request(2, 2, &[1], 600)).expect("requested");
    poor.submit(SCHOOL, request(3, 3, &[1], 1_000)).expect("requested");
    poor.propose(1, OPERATOR, &resolve(1, &[1_000, 0, 500])).expect("proposed");
    let missing = Cents::new(500);
    assert_eq!(poor.approve(1, BUDGET_HOLDER).err(), Some(Rejection::SchoolMoneyExceeded { missing }));
    assert_eq!(state_of(&poor), OrderState::Disputed);
    poor.decided(2, &TWO, &resolve(1, &[500, 0, 500]));
    assert_eq!(state_of(&poor), OrderState::Attended);
}

#[test]
fn a_decision_that_gives_everything_back_settles() {
    let mut world = with_order(OrderState::Attended);
    world.submit(SCHOOL, dispute(1)).expect("disputed");
    world.decided(1, &TWO, &resolve(1, &[0, 0, 0]));
    check(
        &mut world,
        [refused("nothing is owed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Rejection::NothingDue { item: 0 })
            .money("state: pupils 11200; school: schools 3000")],
    );
    assert_eq!(state_of(&world), OrderState::Settled);
}

#[test]
fn what_is_disputed_is_decided_also_after_the_year() {
    let mut world = with_order(OrderState::Attended);
    check(
        &mut world,
        [
            does("disputed", SCHOOL, dispute(1), Kind::OrderDisputed),
            does("the year ends", BUDGET_HOLDER, end_year(), Kind::YearEnded).at(day(353)),
        ],
    );
    world.tick();
    world.decided(1, &TWO, &resolve(1, &[1_000, 500, 0]));
    check(
        &mut world,
        [does("billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
            .money("state: settlement 1500, returned 1998500; school: returned 3000")],
    );
}

#[test]
fn a_reversal_takes_the_money_from_where_it_is() {
    let mut world = with_order(OrderState::Attended);
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[])), Rejection::ListEmpty);
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[3])), Rejection::LineUnknown { line: 3 });
    world.decided(1, &TWO, &reverse(1, &[0]));
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[0])), Rejection::NothingDue { item: 0 });
    let order_now = world.get::<Order>((YEAR, order(1)));
    assert_eq!((order_now.state, order_now.lines[0].state), (OrderState::Attended, LineState::Reversed));
    assert!(world.get::<Pupil>((YEAR, pupil(1))).bookings.is_empty());
    check(
        &mut world,
        [does("the rest is billed", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued)
            .money("state: pupils 9200, settlement 2000; school: schools 3000")],
    );
    let issued = Rejection::StatementStateWrong { state: StatementState::Issued };
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[1])), issued, "the provider answers first");
    world.submit(PROVIDER, accept(1)).expect("accepted");
    world.decided(2, &TWO, &reverse(1, &[1]));
    assert_eq!(state_of(&world), OrderState::Settled);
    world.decided(3, &TWO, &reverse(1, &[2]));
    assert_eq!(state_of(&world), OrderState::Reversed, "nothing is due any more");
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[2])), wrong(OrderState::Reversed));
    check(
        &mut world,
        [refused("over", SCHOOL, dispute(1), wrong(OrderState::Reversed))
            .money("state: pupils 11200; school: schools 3000")],
    );
}

#[test]
fn a_late_share_is_reversed_too() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [does("cancelled late", SCHOOL, cancel(1), Kind::OrderCancelled)
            .at(day(59))
            .order(OrderState::CancelledLate)
            .money("state: pupils 9700, providers 1500; school: schools 3000")],
    );
    world.decided(1, &TWO, &reverse(1, &[0, 1, 2]));
    assert_eq!(state_of(&world), OrderState::Reversed);
    check(
        &mut world,
        [refused("", SCHOOL, cancel(1), wrong(OrderState::Reversed))
            .money("state: pupils 11200; school: schools 3000")],
    );
}

#[test]
fn both_sources_go_back_to_where_they_came_from() {
    let mut world = World::founded();
    staged(&mut world);
    let far = world.next_time();
    check(
        &mut world,
        [
            does("spent", SCHOOL, request(9, 3, &[1], 0), Kind::OrderRequested).at(far),
            does("with school money", SCHOOL, request(1, 1, &[1, 2], 600), Kind::OrderRequested),
            does("", PROVIDER, confirm(1), Kind::OrderConfirmed),
            does("", PROVIDER, report(1, &[]), Kind::DeliveryReported).at(day(61)),
            does("", SCHOOL, attend(1, &[], &[]), Kind::AttendanceConfirmed)
                .money("state: pupils 9800, providers 1400; school: schools 2400, providers 600"),
            does("the state's part", OPERATOR, issue(1, 1, Buyer::Programme, &[1]), Kind::StatementIssued),
            does("is accepted", PROVIDER, accept(1), Kind::StatementAccepted)
                .money("state: pupils 9800, settlement 1400; school: schools 2400, providers 600"),
        ],
    );
    assert_eq!(state_of(&world), OrderState::Attended, "the school's part is in no statement");
    world.decided(1, &TWO, &reverse(1, &[0]));
    assert_eq!(state_of(&world), OrderState::Settled, "what is left is in an accepted statement");
    check(
        &mut world,
        [refused("", PROVIDER, confirm(1), wrong(OrderState::Settled))
            .money("state: pupils 10200, settlement 1000; school: schools 3000")],
    );
}

#[test]
fn one_officer_is_not_both_sides_of_a_dispute() {
    let mut world = with_order(OrderState::Delivered);
    check(
        &mut world,
        [
            does("the school telephones", OPERATOR, dispute(1), Kind::OrderDisputed).behalf(Party::School(school(1))),
            refused("not the other side too", OPERATOR, withdraw_dispute(1), Rejection::BothSides)
                .behalf(Party::Provider(provider(1))),
        ],
    );
    let later = world.next_time().after(Span::days(400));
    world.at(later);
    assert!(world.tick().iter().all(|step| step.receipt.kind != Kind::AttendanceAutomatic));
}

#[test]
fn what_was_paid_is_owed_by_the_provider_and_the_sources_have_it_at_once() {
    for state in [StatementState::Accepted, StatementState::InvoiceAttached, StatementState::Approved] {
        let mut world = with_statement(state);
        world.decided(9, &TWO, &reverse(1, &[0, 1, 2]));
        assert_eq!(state_of(&world), OrderState::Reversed);
        assert_eq!((world.statement(1).balance, world.statement(1).state), (Cents::ZERO, StatementState::Credited));
        check(
            &mut world,
            [refused(
                "nothing is left to pay",
                BUDGET_HOLDER,
                pay(1, 1, 71),
                Rejection::StatementStateWrong { state: StatementState::Credited },
            )
            .money("state: pupils 11200; school: schools 3000")],
        );
    }
    let mut world = with_statement(StatementState::Reconciled);
    world.decided(9, &TWO, &reverse(1, &[0, 1]));
    let totals = world.get::<YearRecord>(YEAR).state_money;
    assert_eq!([totals.pupils, totals.paid, totals.receivable].map(Cents::get), [10_200, 3_000, 2_000]);
    assert_eq!(state_of(&world), OrderState::Settled, "one line is still owed and was paid");
    world.decided(10, &TWO, &reverse(1, &[2]));
    assert_eq!(state_of(&world), OrderState::Reversed);
    world.submit(BUDGET_HOLDER, repay(1, Buyer::Programme, 3_000, 72)).expect("repaid");
    let totals = world.get::<YearRecord>(YEAR).state_money;
    assert_eq!([totals.pupils, totals.paid, totals.receivable].map(Cents::get), [11_200, 0, 0]);
}

#[test]
fn each_buyer_has_its_own_part_back() {
    let mut world = with_school_statement();
    let before = world.get::<YearRecord>(YEAR).clone();
    let owed: Vec<_> = world.get::<Order>((YEAR, order(2))).lines.iter().map(|line| line.due).collect();
    assert_eq!(
        owed.iter().map(|due| (due.state.get(), due.school.get())).collect::<Vec<_>>(),
        [(400, 600), (400, 600)]
    );
    let full = world.decided(9, &TWO, &reverse(2, &[1]));
    assert_eq!((full.receipt.total.state.get(), full.receipt.total.school.get()), (400, 600));
    assert_eq!(full.lines.len(), 2, "a line of each source");
    let after = world.get::<YearRecord>(YEAR);
    assert_eq!(after.state_money.pupils.get() - before.state_money.pupils.get(), 400);
    assert_eq!(after.school_money.schools.get() - before.school_money.schools.get(), 600);
    assert_eq!(before.school_money.settlement.get() - after.school_money.settlement.get(), 600);
}

#[test]
fn what_is_reversed_after_the_year_leaves_the_programme() {
    let mut world = with_statement(StatementState::Paid);
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("ended");
    world.tick();
    let returned = world.get::<YearRecord>(YEAR).state_money.returned.get();
    world.decided(9, &TWO, &reverse(1, &[0]));
    let totals = world.get::<YearRecord>(YEAR).state_money;
    assert_eq!((totals.returned.get() - returned, totals.receivable.get()), (1_000, 1_000));
    assert!(totals.pupils.is_zero());
}

#[test]
fn no_receipt_of_a_remedy_names_a_pupil() {
    let mut world = with_order(OrderState::Delivered);
    world.submit(SCHOOL, dispute(1)).expect("disputed");
    let resolved = world.decided(1, &TWO, &resolve(1, &[1_000, 1_000, 0]));
    let reversed = world.decided(2, &TWO, &reverse(1, &[0]));
    for full in [resolved, reversed] {
        assert!(!full.lines.is_empty());
        assert!(!format!("{:?}", full.receipt).contains("pup_"));
    }
}
