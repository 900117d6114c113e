//! Rejections of settlement to its end, sealing and rating: each hit once, and of two broken rules the first is named.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::Commitment;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, FundsOperation, Operation, SettlementOperation};
use keis_ledger::record::{OrderState, StatementState};
use keis_ledger::rejection::Rejection;

use super::pairs::{Pair, assert_pair, leaked};
use super::support::settlement::*;
use super::support::stage::*;
use super::support::{BUDGET_HOLDER, OPERATOR, World, day};
use super::{Hits, after, at};

const PROGRAMME: Buyer = Buyer::Programme;

pub fn hit(hits: &mut Hits) {
    let approved = with_statement(StatementState::Approved);
    hits.hit(&approved, OPERATOR, seal_year().clone(), Rejection::NotPermitted);
    hits.hit(&approved, BUDGET_HOLDER, seal_year(), Rejection::YearOpen);
    let attached = with_statement(StatementState::InvoiceAttached);
    let mut unbound = World::governed(4);
    staged(&mut unbound);
    bring(&mut unbound, OrderState::Settled);
    let unbound = after(&unbound, &[(PROVIDER, attach(1))]);
    hits.hit(&unbound, OPERATOR, approve_invoice(1), Rejection::PaymentAccountMissing);
    let attached_by_officer = {
        let mut world = accepted();
        let party = keis_ledger::operation::Party::Provider(provider(1));
        world.submit_for(OPERATOR, Some(party), attach(1)).expect("attached on behalf");
        world
    };
    hits.hit(&attached_by_officer, OPERATOR, approve_invoice(1), Rejection::SamePerson);
    hits.hit(&attached, BUDGET_HOLDER, pay(1, 1, 101), Rejection::ReferenceUsed);
    hits.hit(&approved, BUDGET_HOLDER, pay(1, 3_001, 70), Rejection::AboveOpen { open: Cents::new(3_000) });
    let parts: Vec<_> = (0..23).map(|part| (BUDGET_HOLDER, pay(1, 1, part))).collect();
    let most = Rejection::TooManyPayments { most: 24 };
    hits.hit(&after(&approved, &parts), BUDGET_HOLDER, pay(1, 1, 70), most);
    let reconciled = with_statement(StatementState::Reconciled);
    hits.hit(&reconciled, OPERATOR, reconcile_repayment(70), Rejection::RepaymentUnknown);
    hits.hit(&reconciled, BUDGET_HOLDER, come_back(1, 71), Rejection::PaymentUnknown);
    let owed = after(
        &reconciled,
        &[
            (PROVIDER, credit(1, 1, &[(0, 500)], 80)),
            (BUDGET_HOLDER, repay(1, PROGRAMME, 500, 71)),
            (THIRD, reconcile_repayment(71)),
        ],
    );
    hits.hit(&owed, OPERATOR, reconcile_repayment(71), Rejection::ReconciledBefore);
    let ended = after(&at(&approved, day(353)), &[(BUDGET_HOLDER, end_year())]);
    let left = Rejection::MoneyLeft { outstanding: Cents::new(3_000) };
    hits.hit(&ended, BUDGET_HOLDER, seal_year(), left);
    let paid = after(&ended, &[(BUDGET_HOLDER, pay(1, 3_000, 70))]);
    hits.hit(&paid, BUDGET_HOLDER, seal_year(), Rejection::PaymentsLeft { count: 1 });
    let sealed = after(&paid, &[(OPERATOR, reconcile(1)), (BUDGET_HOLDER, seal_year())]);
    hits.hit(&sealed, BUDGET_HOLDER, seal_year(), Rejection::YearSealed);
    let mut slow = super::support::network_parameters();
    slow.step_budget = 1;
    let mut slow = World::with(slow);
    staged(&mut slow);
    let proposed = after(&slow, &[(SCHOOL, propose(1, 1, &[1])), (SCHOOL, propose(2, 2, &[2]))]);
    let ended = after(&at(&proposed, day(353)), &[(BUDGET_HOLDER, end_year())]);
    hits.hit(&ended, BUDGET_HOLDER, seal_year(), Rejection::WorkLeft);
    rating(hits);
}

fn rating(hits: &mut Hits) {
    let mut world = World::founded();
    staged(&mut world);
    let steps = [
        (2, SCHOOL, request(1, 1, &[1, GROWN], 0)),
        (2, PROVIDER, confirm(1)),
        (61, PROVIDER, report(1, &[1])),
        (61, SCHOOL, attend(1, &[1], &[])),
        (61, SCHOOL, rate(1, 5, &[])),
    ];
    for (on, who, operation) in steps {
        world = after(&at(&world, day(on)), &[(who, operation)]);
    }
    hits.hit(&world, SCHOOL, rate(1, 5, &[]), Rejection::RatedBefore);
    hits.hit(&world, PUPIL, rate(1, 5, &[]), Rejection::NotAttended);
}

fn in_year(year: u16, make: impl Fn(Year) -> SettlementOperation) -> Operation {
    Operation::Settlement(make(Year(year)))
}

fn reconciled_in(year: u16, number: u8) -> Operation {
    let (statement, bank) = (statement(number), Commitment([1; 32]));
    in_year(year, |year| SettlementOperation::Reconcile { year, statement, bank })
}

fn repayment_in(year: u16) -> Operation {
    let (reference, bank) = (commitment(1), commitment(2));
    in_year(year, |year| SettlementOperation::ReconcileRepayment { year, reference, bank })
}

pub fn pairs() {
    let approved = leaked(with_statement(StatementState::Approved));
    let accepted = leaked(accepted());
    let paid = leaked(with_statement(StatementState::Paid));
    let used = leaked(after(paid, &[(PROVIDER, credit(1, 1, &[(0, 500)], 80))]));
    let repaid = leaked(after(used, &[(BUDGET_HOLDER, repay(1, PROGRAMME, 500, 71))]));
    let seal = |year| Operation::Funds(FundsOperation::SealYear { year: Year(year) });
    let with_zero = credit(9, 1, &[(0, 0)], 80);
    let pairs: Vec<Pair> = vec![
        (paid, PROVIDER, seal(2030), "NotPermitted", BUDGET_HOLDER, seal(2030), "YearUnknown"),
        (paid, PROVIDER, pay(1, 0, 70), "NotPermitted", BUDGET_HOLDER, pay(1, 0, 70), "AmountZero"),
        (paid, BUDGET_HOLDER, pay(9, 0, 70), "AmountZero", BUDGET_HOLDER, pay(9, 1, 70), "StatementUnknown"),
        (paid, BUDGET_HOLDER, pay(9, 1, 70), "StatementUnknown", BUDGET_HOLDER, pay(1, 1, 70), "ReferenceUsed"),
        (paid, BUDGET_HOLDER, pay(1, 1, 70), "ReferenceUsed", BUDGET_HOLDER, pay(1, 1, 71), "StatementStateWrong"),
        (paid, THIRD, reconciled_in(2030, 1), "YearUnknown", THIRD, reconciled_in(2026, 9), "StatementUnknown"),
        (accepted, OPERATOR, repayment_in(2030), "YearUnknown", OPERATOR, repayment_in(2026), "RepaymentUnknown"),
        (
            used,
            BUDGET_HOLDER,
            set_off(1, 501),
            "StatementStateWrong",
            BUDGET_HOLDER,
            repay(1, PROGRAMME, 501, 71),
            "AboveOpen",
        ),
        (approved, BUDGET_HOLDER, set_off(1, 0), "AmountZero", BUDGET_HOLDER, set_off(1, 1), "AboveOpen"),
        (
            used,
            BUDGET_HOLDER,
            repay(9, PROGRAMME, 1, 70),
            "ProviderUnknown",
            BUDGET_HOLDER,
            repay(1, PROGRAMME, 900, 70),
            "ReferenceUsed",
        ),
        (
            used,
            BUDGET_HOLDER,
            repay(1, PROGRAMME, 900, 70),
            "ReferenceUsed",
            BUDGET_HOLDER,
            repay(1, PROGRAMME, 900, 71),
            "AboveOpen",
        ),
        (used, PROVIDER, credit(9, 1, &[], 80), "ListEmpty", PROVIDER, with_zero.clone(), "AmountZero"),
        (
            used,
            PROVIDER,
            credit(9, 1, &[(1, 1), (1, 1)], 80),
            "ListNotAscending",
            PROVIDER,
            with_zero.clone(),
            "AmountZero",
        ),
        (used, PROVIDER, with_zero, "AmountZero", PROVIDER, credit(9, 1, &[(0, 1)], 80), "StatementUnknown"),
        (
            used,
            OTHER_PROVIDER,
            credit(9, 9, &[(0, 1)], 80),
            "StatementUnknown",
            OTHER_PROVIDER,
            credit(1, 1, &[(0, 1)], 80),
            "ReferenceUsed",
        ),
        (
            used,
            OTHER_PROVIDER,
            credit(1, 1, &[(0, 1)], 80),
            "ReferenceUsed",
            OTHER_PROVIDER,
            credit(1, 1, &[(0, 1)], 81),
            "NotYours",
        ),
        (
            used,
            PROVIDER,
            credit(1, 1, &[(0, 1), (9, 1)], 81),
            "LineUnknown",
            PROVIDER,
            credit(1, 1, &[(0, 501)], 81),
            "AboveOpen",
        ),
        (repaid, OTHER_PROVIDER, attach_as(1, 71), "ReferenceUsed", OTHER_PROVIDER, attach_as(1, 99), "NotYours"),
        (paid, OTHER_PROVIDER, attach_as(1, 99), "NotYours", PROVIDER, attach_as(1, 99), "StatementStateWrong"),
        (paid, BUDGET_HOLDER, reconcile(1), "SamePerson", THIRD, approve_invoice(1), "StatementStateWrong"),
        (paid, BUDGET_HOLDER, come_back(9, 71), "StatementUnknown", BUDGET_HOLDER, come_back(1, 71), "PaymentUnknown"),
        (paid, SCHOOL, reject(9), "StatementUnknown", SCHOOL, reject(1), "NotYours"),
        (paid, SCHOOL, reject(1), "NotYours", OPERATOR, reject(1), "StatementStateWrong"),
        (paid, OTHER_SCHOOL, rate(9, 1, &[]), "OrderUnknown", OTHER_SCHOOL, rate(1, 1, &[]), "NotYours"),
    ];
    pairs.into_iter().for_each(assert_pair);
}
