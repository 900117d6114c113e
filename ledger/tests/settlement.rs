//! Statements on their way to the bank: invoices, approval, payments, credits, repayments.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::ids::StatementId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Party};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{
    Books, Order, OrderState, PaymentAccount, PaymentWay, Receivable, Reference, Repayment, StatementState, YearRecord,
};
use keis_ledger::rejection::Rejection;
use support::governance::{decision, institution, vote};
use support::scenario::{check, does, refused};
use support::settlement::*;
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, replay};

const PROGRAMME: Buyer = Buyer::Programme;

fn above(open: u64) -> Rejection {
    Rejection::AboveOpen { open: Cents::new(open) }
}

fn wrong(state: StatementState) -> Rejection {
    Rejection::StatementStateWrong { state }
}

#[test]
fn a_statement_goes_its_way_to_the_bank() {
    let mut world = accepted();
    check(
        &mut world,
        [
            does("the invoice", PROVIDER, attach(1), Kind::InvoiceAttached),
            refused("one invoice", PROVIDER, attach_as(1, 9), wrong(StatementState::InvoiceAttached)),
            does("the programme refuses it", BUDGET_HOLDER, reject(1), Kind::InvoiceRejected),
            refused("nothing to approve", OPERATOR, approve_invoice(1), wrong(StatementState::Accepted)),
            does("corrected, of the same number", PROVIDER, attach(1), Kind::InvoiceAttached),
            refused("not yet approved", BUDGET_HOLDER, pay(1, 1, 70), wrong(StatementState::InvoiceAttached)),
            does("found right", OPERATOR, approve_invoice(1), Kind::InvoiceApproved),
            refused("too late", OPERATOR, reject(1), wrong(StatementState::Approved)),
            refused("more than is open", BUDGET_HOLDER, pay(1, 3_001, 70), above(3_000)),
            does("a part", BUDGET_HOLDER, pay(1, 1_000, 70), Kind::PaymentRecorded),
            refused("the same transfer", BUDGET_HOLDER, pay(1, 1_000, 70), Rejection::ReferenceUsed),
            refused("the rest is less", BUDGET_HOLDER, pay(1, 2_001, 71), above(2_000)),
            refused("not all is paid", OPERATOR, reconcile(1), wrong(StatementState::Approved)),
            does("the rest", BUDGET_HOLDER, pay(1, 2_000, 71), Kind::PaymentRecorded),
            refused("nothing is open", BUDGET_HOLDER, pay(1, 1, 72), wrong(StatementState::Paid)),
            refused("one's own work", BUDGET_HOLDER, reconcile(1), Rejection::SamePerson),
            does("another institution", OPERATOR, reconcile(1), Kind::PaymentReconciled),
            refused("once", THIRD, reconcile(1), wrong(StatementState::Reconciled)),
        ],
    );
    let year = world.get::<YearRecord>(YEAR).state_money;
    assert_eq!((year.paid, year.settlement), (Cents::new(3_000), Cents::ZERO));
    let bill = world.bill(1);
    let amounts: Vec<u64> = bill.payments.iter().map(|payment| payment.amount.get()).collect();
    assert_eq!((amounts, bill.bank), (vec![1_000, 2_000], Some(commitment(200))));
    assert_eq!(bill.payments[1].institution, institution(2));
    let way = PaymentWay::Bank { reference: commitment(71), account: commitment(90) };
    assert_eq!(bill.payments[1].way, way);
    let used = Reference { year: YEAR, statement: Some(statement(1)) };
    assert_eq!(*world.get::<Reference>(commitment(101)), used, "the invoice's number is taken");
    assert_eq!(replay(&world).state.root(), world.tip.state.root());
}

#[test]
fn who_stands_in_a_schools_place_refuses_the_invoice_for_its_money() {
    let mut world = with_school_statement();
    world.submit(PROVIDER, attach(3)).expect("attached");
    let (before, after) = (Party::School(school(1)), Party::School(school(2)));
    world.decided(9, &[OPERATOR, BUDGET_HOLDER], &succeed(before, after, &[YEAR]));
    check(
        &mut world,
        [
            refused("the old keys act no more", SCHOOL, reject(3), Rejection::NotYours),
            does("the successor refuses it", OTHER_SCHOOL, reject(3), Kind::InvoiceRejected),
            does("another one", PROVIDER, attach_as(3, 99), Kind::InvoiceAttached),
        ],
    );
}

#[test]
fn nobody_checks_their_own_work() {
    let mut world = accepted();
    let as_provider = Party::Provider(provider(1));
    check(
        &mut world,
        [
            does("an officer attaches what came by post", OPERATOR, attach(1), Kind::InvoiceAttached)
                .behalf(as_provider),
            refused("and does not approve it", OPERATOR, approve_invoice(1), Rejection::SamePerson),
            refused("nor the payer", BUDGET_HOLDER, approve_invoice(1), Rejection::NotPermitted),
            does("a colleague does", ASSISTANT, approve_invoice(1), Kind::InvoiceApproved),
            refused("state money is the budget holder's", ASSISTANT, pay(1, 3_000, 70), Rejection::NotPermitted),
            does("who pays", BUDGET_HOLDER, pay(1, 3_000, 70), Kind::PaymentRecorded),
        ],
    );
    let mut world = with_school_statement();
    check(
        &mut world,
        [
            does("the school's invoice", PROVIDER, attach(3), Kind::InvoiceAttached),
            refused("another school", OTHER_SCHOOL, reject(3), Rejection::NotYours),
            refused("a provider", PROVIDER, reject(3), Rejection::NotPermitted),
            does("the school refuses it", SCHOOL, reject(3), Kind::InvoiceRejected),
            does("another number", PROVIDER, attach_as(3, 99), Kind::InvoiceAttached),
            refused("of one number", PROVIDER, attach_as(2, 99), Rejection::ReferenceUsed),
            does("the programme's invoice", PROVIDER, attach(2), Kind::InvoiceAttached),
            refused("not the school's", SCHOOL, reject(2), Rejection::NotYours),
            does("approved", OPERATOR, approve_invoice(3), Kind::InvoiceApproved),
            refused("who approved", OPERATOR, pay(3, 1_200, 70), Rejection::SamePerson),
            refused("not the budget holder's money", BUDGET_HOLDER, pay(3, 1_200, 70), Rejection::NotPermitted),
            does("paid", ASSISTANT, pay(3, 1_200, 70), Kind::PaymentRecorded),
            refused("of the same institution", OPERATOR, reconcile(3), Rejection::SamePerson),
            does("found at the bank", BUDGET_HOLDER, reconcile(3), Kind::PaymentReconciled),
        ],
    );
    assert_eq!(world.get::<YearRecord>(YEAR).school_money.paid, Cents::new(1_200));
}

#[test]
fn a_payment_account_takes_two_persons() {
    let mut world = World::governed(4);
    staged(&mut world);
    bring(&mut world, OrderState::Settled);
    check(
        &mut world,
        [
            does("the invoice", PROVIDER, attach(1), Kind::InvoiceAttached),
            refused("nowhere to pay to", OPERATOR, approve_invoice(1), Rejection::PaymentAccountMissing),
        ],
    );
    assert_eq!(world.refuses(OPERATOR, &account(9, 90)), Rejection::ProviderUnknown);
    assert_eq!(world.refuses(PROVIDER, &account(1, 90)), Rejection::NotPermitted);
    assert_eq!(world.refuses(vote(1), &account(1, 90)), Rejection::NotPermitted);
    world.propose(1, OPERATOR, &account(1, 90)).expect("proposed");
    assert_eq!(world.approve(1, OPERATOR).err(), Some(Rejection::ApprovedAlready));
    let decided = world.approve(1, BUDGET_HOLDER).expect("another institution");
    assert_eq!(decided.receipt.kind, Kind::PaymentAccountSet);
    assert_eq!(decided.receipt.subject.provider, Some(provider(1)));
    assert_eq!(decided.receipt.subject.decision, Some(decision(1)));
    assert_eq!(world.get::<PaymentAccount>(provider(1)).account, commitment(90));
    assert_eq!(world.refuses(OPERATOR, &account(1, 90)), Rejection::StandingUnchanged);
    world.submit(OPERATOR, approve_invoice(1)).expect("approved");
    world.decided(2, &[BUDGET_HOLDER, OPERATOR], &account(1, 91));
    world.submit(BUDGET_HOLDER, pay(1, 3_000, 70)).expect("paid to the account of the day");
    let way = PaymentWay::Bank { reference: commitment(70), account: commitment(91) };
    assert_eq!(world.bill(1).payments[0].way, way);
}

#[test]
fn a_credit_before_payment_goes_back_to_the_sources() {
    let mut world = accepted();
    check(
        &mut world,
        [
            does("part of two lines", PROVIDER, credit(1, 1, &[(0, 400), (2, 1_000)], 80), Kind::CreditNoted)
                .money("state: pupils 9600, settlement 1600; school: schools 3000"),
            refused("the same note", PROVIDER, credit(1, 1, &[(1, 1)], 80), Rejection::ReferenceUsed),
            refused("more than is left of it", PROVIDER, credit(1, 1, &[(0, 601)], 81), above(600)),
            refused("another line of nothing", PROVIDER, credit(1, 1, &[(2, 1)], 81), above(0)),
            does("the invoice", PROVIDER, attach(1), Kind::InvoiceAttached),
            does("approved", OPERATOR, approve_invoice(1), Kind::InvoiceApproved),
            refused("as much as was due before", BUDGET_HOLDER, pay(1, 3_000, 70), above(1_600)),
            does("a part", BUDGET_HOLDER, pay(1, 1_000, 70), Kind::PaymentRecorded),
            does("the open rest is given up", PROVIDER, credit(1, 1, &[(0, 600)], 81), Kind::CreditNoted)
                .money("state: pupils 10200, paid 1000; school: schools 3000"),
        ],
    );
    assert_eq!(world.statement(1).state, StatementState::Paid);
    assert_eq!(world.bill(1).credited, Cents::new(2_000));
    assert_eq!(world.get::<Order>((YEAR, order(1))).lines[1].due.state, Cents::new(1_000));
    world.submit(OPERATOR, reconcile(1)).expect("reconciled");

    let mut world = accepted();
    let all = credit(1, 1, &[(0, 1_000), (1, 1_000), (2, 1_000)], 80);
    check(
        &mut world,
        [
            does("all of it", PROVIDER, all, Kind::CreditNoted).money("state: pupils 11200; school: schools 3000"),
            refused("nothing is left to invoice", PROVIDER, attach(1), wrong(StatementState::Credited)),
        ],
    );
    assert_eq!(world.statement(1).state, StatementState::Credited);
}

#[test]
fn a_credit_after_payment_is_owed_and_repaid() {
    let mut world = with_statement(StatementState::Reconciled);
    check(
        &mut world,
        [
            does("after all", PROVIDER, credit(1, 1, &[(0, 700), (1, 300)], 80), Kind::CreditNoted)
                .money("state: pupils 9200, paid 3000, receivable 1000; school: schools 3000"),
            refused("more than is owed", BUDGET_HOLDER, repay(1, PROGRAMME, 1_001, 71), above(1_000)),
            refused("nothing is owed", BUDGET_HOLDER, repay(2, PROGRAMME, 1, 71), above(0)),
            does("a part comes back", BUDGET_HOLDER, repay(1, PROGRAMME, 600, 71), Kind::RepaymentRecorded)
                .money("state: pupils 9200, paid 2400, receivable 400; school: schools 3000"),
            refused("the same transfer", BUDGET_HOLDER, repay(1, PROGRAMME, 1, 71), Rejection::ReferenceUsed),
            refused("a payment's reference", BUDGET_HOLDER, repay(1, PROGRAMME, 1, 70), Rejection::ReferenceUsed),
            refused("no such repayment", OPERATOR, reconcile_repayment(70), Rejection::RepaymentUnknown),
            refused("one's own work", BUDGET_HOLDER, reconcile_repayment(71), Rejection::SamePerson),
            does("found at the bank", THIRD, reconcile_repayment(71), Kind::RepaymentReconciled),
            refused("once", OPERATOR, reconcile_repayment(71), Rejection::ReconciledBefore),
        ],
    );
    assert_eq!(world.statement(1).state, StatementState::Reconciled);
    assert_eq!(world.get::<Receivable>((YEAR, provider(1), PROGRAMME)).owed, Cents::new(400));
    assert_eq!(world.get::<Repayment>((YEAR, commitment(71))).bank, Some(commitment(201)));
}

#[test]
fn what_is_owed_is_set_off_against_the_next_statement_of_that_buyer() {
    let mut world = with_school_statement();
    let steps = [
        (PROVIDER, attach(2)),
        (OPERATOR, approve_invoice(2)),
        (BUDGET_HOLDER, pay(2, 3_800, 70)),
        (PROVIDER, credit(2, 1, &[(0, 1_000)], 80)),
        (PROVIDER, attach(3)),
        (OPERATOR, approve_invoice(3)),
    ];
    for (who, operation) in steps {
        world.submit(who, operation).expect("the statements go their way");
    }
    check(&mut world, [refused("the school is owed nothing", ASSISTANT, set_off(3, 1), above(0))]);
    let later = [
        (100, OTHER_PROVIDER, open_session(30, 2, offer(101))),
        (100, PROVIDER, open_session(31, 1, offer(101))),
        (100, SCHOOL, request(3, 31, &[4], 0)),
        (100, PROVIDER, confirm(3)),
        (103, PROVIDER, report(3, &[])),
        (103, SCHOOL, attend(3, &[], &[])),
        (103, OPERATOR, issue(4, 1, PROGRAMME, &[3])),
        (103, PROVIDER, accept(4)),
        (103, PROVIDER, attach(4)),
        (103, OPERATOR, approve_invoice(4)),
    ];
    for (on, who, operation) in later {
        world.at(day(on)).submit(who, operation).expect("the next order goes its way");
    }
    check(
        &mut world,
        [
            refused("more than the statement", BUDGET_HOLDER, set_off(4, 1_001), above(1_000)),
            does("a part", BUDGET_HOLDER, set_off(4, 400), Kind::PaymentSetOff),
            refused("more than is open", BUDGET_HOLDER, set_off(4, 601), above(600)),
            refused("one's own work", BUDGET_HOLDER, reconcile(2), Rejection::SamePerson),
            does("the rest", BUDGET_HOLDER, set_off(4, 600), Kind::PaymentSetOff),
            does("seen by another", OPERATOR, reconcile(4), Kind::PaymentReconciled),
        ],
    );
    assert_eq!(world.bill(4).payments[0].way, PaymentWay::SetOff);
    let year = world.get::<YearRecord>(YEAR).state_money;
    assert_eq!((year.paid, year.receivable), (Cents::new(3_800), Cents::ZERO));
}

#[test]
fn what_the_bank_sends_back_is_open_again() {
    let mut world = with_statement(StatementState::Approved);
    check(
        &mut world,
        [
            does("a part", BUDGET_HOLDER, pay(1, 1_000, 70), Kind::PaymentRecorded),
            does("the rest", BUDGET_HOLDER, pay(1, 2_000, 71), Kind::PaymentRecorded),
            refused("not the payer", OPERATOR, come_back(1, 71), Rejection::NotPermitted),
            refused("no such payment", BUDGET_HOLDER, come_back(1, 72), Rejection::PaymentUnknown),
            does("it bounced", BUDGET_HOLDER, come_back(1, 71), Kind::PaymentReturned)
                .money("state: pupils 8200, settlement 2000, paid 1000; school: schools 3000"),
            refused("once", BUDGET_HOLDER, come_back(1, 71), Rejection::PaymentUnknown),
            refused("not all is paid", OPERATOR, reconcile(1), wrong(StatementState::Approved)),
            refused("the old transfer", BUDGET_HOLDER, pay(1, 2_000, 71), Rejection::ReferenceUsed),
            does("the other part bounced too", BUDGET_HOLDER, come_back(1, 70), Kind::PaymentReturned),
            does("all at once", BUDGET_HOLDER, pay(1, 3_000, 73), Kind::PaymentRecorded),
            does("compared", OPERATOR, reconcile(1), Kind::PaymentReconciled),
            refused("too late", BUDGET_HOLDER, come_back(1, 73), wrong(StatementState::Reconciled)),
        ],
    );
    assert_eq!((world.bill(1).payments.len(), world.bill(1).standing().count()), (3, 1));
    assert_eq!(world.get::<Books>(YEAR).unreconciled, 0);
}

#[test]
fn a_statement_is_paid_in_a_bounded_number_of_parts() {
    let mut world = with_statement(StatementState::Approved);
    for part in 0..23 {
        world.submit(BUDGET_HOLDER, pay(1, 1, part)).expect("a part");
    }
    check(
        &mut world,
        [
            refused("one more", BUDGET_HOLDER, pay(1, 1, 30), Rejection::TooManyPayments { most: 24 }),
            does("all that is open", BUDGET_HOLDER, pay(1, 2_977, 30), Kind::PaymentRecorded),
        ],
    );
}

#[test]
fn no_receipt_of_settlement_names_a_pupil() {
    let mut world = with_statement(StatementState::Reconciled);
    let full = world.submit(PROVIDER, credit(1, 1, &[(0, 700)], 80)).expect("credited");
    assert_eq!((full.lines.len(), full.lines[0].pupil), (1, pupil(1)));
    for full in &world.receipts {
        assert!(!format!("{:?}", full.receipt).contains("pup_"));
    }
    assert_eq!(full.receipt.subject.statement, Some(StatementId([1; 16])));
}
