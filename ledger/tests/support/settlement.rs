//! A statement on its way to the bank: a network that can decide, a provider with a payment account, and short names.

use keis_ledger::classifiers::{Fact, Facts, Score};
use keis_ledger::ids::Commitment;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, FundsOperation, Measure, Operation, Owner, SettlementOperation};
use keis_ledger::record::{Bill, OrderState, Statement, StatementState};

use super::governance::{appoint, institution, vote};
use super::stage::*;
use super::{BUDGET_HOLDER, OPERATOR, World, day};

/// A second officer of the operator, and one of an institution that is neither's.
pub const ASSISTANT: u8 = 5;
pub const THIRD: u8 = 6;

pub fn commitment(number: u8) -> Commitment {
    Commitment([number; 32])
}

pub fn account(of: u8, number: u8) -> Measure {
    Measure::ChangePaymentAccount { provider: provider(of), account: commitment(number) }
}

fn settlement(operation: SettlementOperation) -> Operation {
    Operation::Settlement(operation)
}

/// The invoice of a statement; its number's commitment is 100 and the statement's.
pub fn attach(number: u8) -> Operation {
    attach_as(number, 100 + number)
}

pub fn attach_as(number: u8, numbered: u8) -> Operation {
    let (statement, invoice, number) = (statement(number), commitment(50 + number), commitment(numbered));
    settlement(SettlementOperation::AttachInvoice { year: YEAR, statement, invoice, number })
}

pub fn reject(number: u8) -> Operation {
    settlement(SettlementOperation::RejectInvoice { year: YEAR, statement: statement(number) })
}

pub fn approve_invoice(number: u8) -> Operation {
    settlement(SettlementOperation::Approve { year: YEAR, statement: statement(number) })
}

pub fn pay(number: u8, amount: u64, reference: u8) -> Operation {
    let (amount, reference) = (Cents::new(amount), commitment(reference));
    settlement(SettlementOperation::RecordPayment { year: YEAR, statement: statement(number), amount, reference })
}

pub fn come_back(number: u8, reference: u8) -> Operation {
    let (statement, reference) = (statement(number), commitment(reference));
    settlement(SettlementOperation::ReturnPayment { year: YEAR, statement, reference })
}

pub fn set_off(number: u8, amount: u64) -> Operation {
    let amount = Cents::new(amount);
    settlement(SettlementOperation::SetOff { year: YEAR, statement: statement(number), amount })
}

pub fn reconcile(number: u8) -> Operation {
    let bank = commitment(200);
    settlement(SettlementOperation::Reconcile { year: YEAR, statement: statement(number), bank })
}

pub fn credit(number: u8, of: u8, lines: &[(u16, u64)], note: u8) -> Operation {
    let lines = lines.iter().map(|(line, amount)| (*line, Cents::new(*amount))).collect();
    let (statement, order, note) = (statement(number), order(of), commitment(note));
    settlement(SettlementOperation::CreditNote { year: YEAR, statement, order, lines, note })
}

pub fn repay(of: u8, buyer: Buyer, amount: u64, reference: u8) -> Operation {
    let (provider, amount, reference) = (provider(of), Cents::new(amount), commitment(reference));
    settlement(SettlementOperation::RecordRepayment { year: YEAR, provider, buyer, amount, reference })
}

pub fn reconcile_repayment(reference: u8) -> Operation {
    let (reference, bank) = (commitment(reference), commitment(201));
    settlement(SettlementOperation::ReconcileRepayment { year: YEAR, reference, bank })
}

pub fn seal_year() -> Operation {
    Operation::Funds(FundsOperation::SealYear { year: YEAR })
}

pub fn rate(number: u8, score: u8, facts: &[Fact]) -> Operation {
    let score = Score::new(score).expect("one to five");
    Operation::Rate { year: YEAR, order: order(number), score, facts: Facts::of(facts) }
}

/// The stage in a network that can decide, with two more officers, and provider 1 paid to account 90.
pub fn banked() -> World {
    let mut world = World::governed(4);
    staged(&mut world);
    let term = (day(0), day(900));
    let votes = [vote(1), vote(2), vote(3)];
    world.decided(1, &votes, &appoint(ASSISTANT, Owner::Operator(institution(1)), term));
    world.decided(2, &votes, &appoint(THIRD, Owner::Operator(institution(3)), term));
    world.decided(3, &[OPERATOR, BUDGET_HOLDER], &account(1, 90));
    world
}

/// Order 1 (pupils 1 to 3, 30.00 of state money) is in the accepted statement 1.
pub fn accepted() -> World {
    let mut world = banked();
    bring(&mut world, OrderState::Settled);
    world
}

/// That statement brought to a state on its way to the bank.
pub fn with_statement(state: StatementState) -> World {
    let mut world = accepted();
    let way = [
        (StatementState::InvoiceAttached, PROVIDER, attach(1)),
        (StatementState::Approved, OPERATOR, approve_invoice(1)),
        (StatementState::Paid, BUDGET_HOLDER, pay(1, 3_000, 70)),
        (StatementState::Reconciled, OPERATOR, reconcile(1)),
    ];
    for (reached, who, operation) in way {
        if world.statement(1).state == state {
            break;
        }
        world.submit(who, operation).expect("the statement goes its way");
        assert_eq!(world.statement(1).state, reached);
    }
    world
}

/// Besides, order 2 (pupils 1 and 2 with 4.00 each of their own, 12.00 of the school's) is in the accepted statement 2 to the
/// programme and 3 to the school.
pub fn with_school_statement() -> World {
    let mut world = banked();
    bring(&mut world, OrderState::Requested);
    let steps = [
        (2, SCHOOL, request(2, 2, &[1, 2], 1_200)),
        (2, PROVIDER, confirm(1)),
        (2, PROVIDER, confirm(2)),
        (61, PROVIDER, report(1, &[])),
        (61, SCHOOL, attend(1, &[], &[])),
        (68, PROVIDER, report(2, &[])),
        (68, SCHOOL, attend(2, &[], &[])),
        (68, OPERATOR, issue(2, 1, Buyer::Programme, &[1, 2])),
        (68, OPERATOR, issue(3, 1, Buyer::School(school(1)), &[2])),
        (69, PROVIDER, accept(2)),
        (69, PROVIDER, accept(3)),
    ];
    for (on, who, operation) in steps {
        world.at(day(on)).submit(who, operation).expect("the orders go their way");
    }
    world
}

impl World {
    pub fn statement(&self, number: u8) -> &Statement {
        self.get::<Statement>((YEAR, statement(number)))
    }

    pub fn bill(&self, number: u8) -> &Bill {
        self.get::<Bill>((YEAR, statement(number)))
    }
}
