//! Random histories of statements to the seal of their year: no cent is lost, nothing is paid twice or beyond a statement, and a
//! year is sealed only when nothing is open.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::classifiers::Fact;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Measure, Operation, OrderAction};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{
    Bill, Entity, Order, OrderState, PaymentWay, Receivable, Reference, Repayment, Sealed, Statement, StatementState,
    YearRecord,
};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::State;
use proptest::prelude::*;
use support::settlement::*;
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, replay};

/// Numbers that follow from a seed alone.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

const OFFICERS: [u8; 4] = [OPERATOR, ASSISTANT, THIRD, BUDGET_HOLDER];
const ANYBODY: [u8; 8] = [OPERATOR, ASSISTANT, THIRD, BUDGET_HOLDER, PROVIDER, OTHER_PROVIDER, SCHOOL, PUPIL];
const ORDERS: u8 = 6;

struct Story {
    world: World,
    dice: Dice,
    /// Statements that were issued, by their numbers.
    statements: u8,
    reference: u8,
    decisions: u8,
}

impl Story {
    /// Six attended orders with state and school money, in any statements.
    fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut world = World::governed(4);
        staged_with(
            &mut world,
            keis_ledger::parameters::ProgrammeParameters {
                settlement_period: keis_ledger::time::Span(0),
                ..parameters()
            },
        );
        let votes = [1, 2, 3].map(support::governance::vote);
        let term = (day(0), day(900));
        let of = |number| keis_ledger::operation::Owner::Operator(support::governance::institution(number));
        world.decided(1, &votes, &support::governance::appoint(ASSISTANT, of(1), term));
        world.decided(2, &votes, &support::governance::appoint(THIRD, of(3), term));
        world.decided(3, &[OPERATOR, BUDGET_HOLDER], &account(1, 90));
        world.submit(OPERATOR, school_money(1, 30_000)).expect("the school pays in");
        for number in 1..=ORDERS {
            let begin = day(60 + 7 * u32::from(number));
            world.submit(PROVIDER, open_session(100 + number, 1, offer(60 + 7 * u32::from(number)))).expect("offered");
            let numbers: Vec<u8> = (1..=GROWN).filter(|_| dice.below(3) > 0).take(5).collect();
            let numbers = if numbers.is_empty() { vec![GROWN] } else { numbers };
            world.submit(SCHOOL, request(number, 100 + number, &numbers, 5_000)).expect("requested");
            world.submit(PROVIDER, confirm(number)).expect("confirmed");
            assert!(world.next_time() < begin, "all are ordered before the first begins");
        }
        for number in 1..=ORDERS {
            world.at(day(61 + 7 * u32::from(number))).submit(PROVIDER, report(number, &[])).expect("reported");
            world.submit(SCHOOL, attend(number, &[], &[])).expect("attended");
        }
        Self { world, dice, statements: 0, reference: 0, decisions: 10 }
    }

    fn fresh(&mut self) -> u8 {
        self.reference = self.reference.wrapping_add(1);
        self.reference
    }

    /// Something that may or may not be lawful now.
    fn operation(&mut self) -> (u8, Operation) {
        let number = 1 + self.dice.below(u64::from(self.statements) + 1) as u8;
        let of = 1 + self.dice.below(u64::from(ORDERS)) as u8;
        let buyer = self.dice.one(&[Buyer::Programme, Buyer::School(school(1))]);
        let open = self.world.tip.state.get::<Statement>((YEAR, statement(number))).map_or(0, |one| one.balance.get());
        let amount = self.dice.one(&[1, open / 2, open, open + 1]);
        let reference = if self.dice.below(8) == 0 { self.reference } else { self.fresh() };
        let officer = self.dice.one(&OFFICERS);
        match self.dice.below(16) {
            0 | 1 => {
                let orders: Vec<u8> = (1..=ORDERS).filter(|_| self.dice.below(2) == 0).collect();
                let orders = if orders.is_empty() { vec![of] } else { orders };
                (OPERATOR, issue(self.statements + 1, 1, buyer, &orders))
            }
            2 | 3 => (PROVIDER, accept(number)),
            4 => (PROVIDER, contest(number)),
            5 | 6 => (PROVIDER, attach(number)),
            7 => (self.dice.one(&[OPERATOR, BUDGET_HOLDER, SCHOOL]), reject(number)),
            8 | 9 => (self.dice.one(&[OPERATOR, ASSISTANT, THIRD]), approve_invoice(number)),
            10 | 11 => (officer, pay(number, amount, reference)),
            12 if self.dice.below(2) == 0 => (officer, come_back(number, self.last_payment(number))),
            12 => (officer, set_off(number, amount)),
            13 => (officer, reconcile(number)),
            14 => {
                let lines = self.world.get::<Order>((YEAR, order(of))).lines.len() as u64;
                let line = self.dice.below(lines + 1) as u16;
                let amount = self.dice.one(&[1, 300, 600, 1_000, 1_001]);
                (PROVIDER, credit(number, of, &[(line, amount)], reference))
            }
            _ => match self.dice.below(3) {
                0 => (officer, repay(1, buyer, self.dice.one(&[1, 300, 600]), reference)),
                1 => (officer, reconcile_repayment(reference)),
                _ => (self.dice.one(&[SCHOOL, PUPIL]), rate(of, 1 + self.dice.below(5) as u8, &[Fact::TookPlace])),
            },
        }
    }

    /// The reference of the last payment of a statement, if the bank made it.
    fn last_payment(&self, number: u8) -> u8 {
        let bill = self.world.tip.state.get::<Bill>((YEAR, statement(number)));
        match bill.and_then(|bill| bill.payments.last()).map(|payment| payment.way) {
            Some(PaymentWay::Bank { reference, .. } | PaymentWay::Returned { reference }) => reference.0[0],
            Some(PaymentWay::SetOff) | None => 0,
        }
    }

    /// Two persons give lines back, wherever their money is by now.
    fn reverse(&mut self, of: u8) {
        let lines = self.world.get::<Order>((YEAR, order(of))).lines.len() as u64;
        let lines = vec![self.dice.below(lines) as u16];
        self.decide(&Measure::Reverse { year: YEAR, order: order(of), lines });
    }

    fn decide(&mut self, measure: &Measure) -> bool {
        self.decisions += 1;
        let number = self.decisions;
        self.world.propose(number, OPERATOR, measure).is_ok() && self.world.approve(number, BUDGET_HOLDER).is_ok()
    }

    fn step(&mut self) {
        let of = 1 + self.dice.below(u64::from(ORDERS)) as u8;
        match self.dice.below(16) {
            0 if self.decisions < 60 => return self.reverse(of),
            1 => {
                let who = self.dice.one(&[SCHOOL, PROVIDER]);
                let dispute = self.dice.below(3) > 0;
                let action = if dispute { OrderAction::Dispute } else { OrderAction::WithdrawDispute };
                let _ = self.world.submit(who, on_order(of, action));
                return;
            }
            _ => {}
        }
        let (who, operation) = self.operation();
        let who = if self.dice.below(20) == 0 { self.dice.one(&ANYBODY) } else { who };
        if let Ok(full) = self.world.submit(who, operation)
            && full.receipt.kind == Kind::StatementIssued
        {
            self.statements += 1;
        }
    }

    fn seal(&mut self) -> Result<(), Rejection> {
        self.world.submit(BUDGET_HOLDER, seal_year()).map(|_| ())
    }

    /// Brings every cent to its end by lawful steps alone, whatever stands.
    fn finish(&mut self) {
        for of in 1..=ORDERS {
            let order_of = self.world.get::<Order>((YEAR, order(of)));
            if order_of.state == OrderState::Disputed {
                let split = order_of.lines.iter().map(|line| Cents::new(line.escrow.total().expect("a sum").get() / 3));
                let split = split.collect();
                assert!(self.decide(&Measure::Resolve { year: YEAR, order: order(of), split }), "two persons decide");
            }
        }
        for buyer in [Buyer::Programme, Buyer::School(school(1))] {
            for of in 1..=ORDERS {
                if self.world.submit(OPERATOR, issue(self.statements + 1, 1, buyer, &[of])).is_ok() {
                    self.statements += 1;
                }
            }
        }
        for number in 1..=self.statements {
            self.finish_statement(number);
        }
        for buyer in [Buyer::Programme, Buyer::School(school(1))] {
            let owed =
                self.world.tip.state.get::<Receivable>((YEAR, provider(1), buyer)).map_or(0, |one| one.owed.get());
            if owed > 0 {
                assert!(matches!(self.seal(), Err(Rejection::MoneyLeft { .. })), "{owed} are owed");
                let payer = if buyer == Buyer::Programme { BUDGET_HOLDER } else { OPERATOR };
                let reference = self.fresh_bank(0);
                self.world.submit(payer, repay(1, buyer, owed, reference)).expect("what is owed is repaid");
            }
        }
        let waiting: Vec<u8> = (0..=255)
            .filter(|number| {
                let key = (YEAR, commitment(*number));
                let repayment = self.world.tip.state.get::<Repayment>(key);
                repayment.is_some_and(|repayment| repayment.bank.is_none())
            })
            .collect();
        for number in waiting {
            assert!(matches!(self.seal(), Err(Rejection::PaymentsLeft { .. })), "{number} waits for the bank");
            let by = [OPERATOR, BUDGET_HOLDER, THIRD];
            let found = by.into_iter().any(|who| self.world.submit(who, reconcile_repayment(number)).is_ok());
            assert!(found, "somebody else reconciles");
        }
    }

    fn finish_statement(&mut self, number: u8) {
        let buyer = self.world.statement(number).buyer;
        let payer = if buyer == Buyer::Programme { BUDGET_HOLDER } else { ASSISTANT };
        for _ in 0..6 {
            let statement = self.world.statement(number).clone();
            let done = match statement.state {
                StatementState::Issued => self.world.submit(PROVIDER, accept(number)),
                StatementState::Accepted => {
                    let numbered = self.fresh_bank(number);
                    self.world.submit(PROVIDER, attach_as(number, numbered))
                }
                StatementState::InvoiceAttached => self.world.submit(OPERATOR, approve_invoice(number)),
                StatementState::Approved => {
                    let reference = self.fresh_bank(number);
                    let pay = pay(number, statement.balance.get(), reference);
                    let answer = self.world.submit(payer, pay.clone());
                    if answer.is_err() { self.world.submit(THIRD, pay) } else { answer }
                }
                StatementState::Paid => {
                    let by = [OPERATOR, BUDGET_HOLDER, THIRD];
                    by.into_iter()
                        .map(|who| self.world.submit(who, reconcile(number)))
                        .find(Result::is_ok)
                        .expect("one may")
                }
                StatementState::Contested | StatementState::Reconciled | StatementState::Credited => return,
            };
            done.unwrap_or_else(|rejection| panic!("statement {number} is {:?}: {rejection}", statement.state));
        }
        panic!("statement {number} has an end");
    }

    /// A commitment that the random part did not use.
    fn fresh_bank(&self, number: u8) -> u8 {
        let used = |one: &u8| self.world.tip.state.get::<Reference>(commitment(*one)).is_some();
        (160 + number..=255).find(|one| !used(one)).expect("one is free")
    }
}

/// What the bank moved is what the year says, and no statement was paid beyond its total.
fn assert_bank(world: &World, statements: u8) {
    let mut paid = [0i64; 2];
    let mut moved = |buyer: Buyer, amount: Cents, sign: i64| {
        paid[usize::from(buyer != Buyer::Programme)] += sign * i64::try_from(amount.get()).expect("a small sum");
    };
    for number in 1..=statements {
        let one = world.statement(number);
        let Some(bill) = world.tip.state.get::<Bill>((YEAR, statement(number))) else { continue };
        let sum: u64 = bill.standing().map(|payment| payment.amount.get()).sum();
        assert!(sum <= one.total.get(), "paid {sum} of {:?}", one.total);
        bill.standing().filter(|one| one.way != PaymentWay::SetOff).for_each(|payment| {
            moved(one.buyer, payment.amount, 1);
        });
    }
    for one in world.tip.state.records().filter_map(|(_, record)| Repayment::from_record(record)) {
        moved(one.buyer, one.amount, -1);
    }
    let year = world.get::<YearRecord>(YEAR);
    let said = [year.state_money.paid, year.school_money.paid].map(|sum| sum.get() as i64);
    assert_eq!(paid, said, "the bank's movements are all there");
}

fn histories() -> u32 {
    std::env::var("KEIS_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: histories(), failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn histories_of_settlement_come_to_their_seal(seed: u64) {
        let mut story = Story::begin(seed);
        let end = story.dice.below(150);
        for step in 0..250 {
            story.step();
            if step == end {
                story.world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("the year is over");
            }
        }
        assert_bank(&story.world, story.statements);
        if story.seal().is_err() {
            story.finish();
            assert_bank(&story.world, story.statements);
            prop_assert_eq!(story.seal(), Ok(()));
        }
        let state: &State = &story.world.tip.state;
        let sealed = state.get::<Sealed>(YEAR).expect("the year is sealed");
        prop_assert_eq!(sealed.state_money.outstanding(), Some(Cents::ZERO));
        prop_assert_eq!(sealed.school_money.outstanding(), Some(Cents::ZERO));
        prop_assert_eq!(state.year(YEAR).len(), 1);
        prop_assert_eq!(replay(&story.world).state.root(), state.root());
    }
}
