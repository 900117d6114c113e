//! What officers and institutions do once orders are settled, for tests of what is then read.

use keis_ledger::ids::{Commitment, DecisionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, FundsOperation, GovernanceOperation, Measure, Operation, OrderAction, SettlementOperation,
};
use keis_ledger::time::Span;

use crate::party::{PROVIDER_KEY, SCHOOL_KEY, STATEMENT};
use crate::support::{BUDGET_HOLDER, OPERATOR, ORDER, PROVIDER, START, Stand, YEAR};

pub const ACCOUNT: Commitment = Commitment([61; 32]);
pub const INVOICE: Commitment = Commitment([62; 32]);
pub const NUMBER: Commitment = Commitment([63; 32]);
pub const BANK: Commitment = Commitment([64; 32]);

/// The first governance key of an institution, 1 to 4.
pub const fn governance(institution: u8) -> u8 {
    200 + 2 * institution
}

pub const fn decision(number: u8) -> DecisionId {
    DecisionId([number; 16])
}

/// A reference of the bank.
pub const fn reference(number: u8) -> Commitment {
    Commitment([number; 32])
}

pub async fn propose(stand: &mut Stand, seed: u8, number: u8, measure: Measure) {
    let until = stand.clock.now().after(Span::days(60));
    let propose = GovernanceOperation::Propose { decision: decision(number), measure, until };
    stand.take_effect(seed, None, Operation::Governance(propose)).await;
}

pub async fn approve(stand: &mut Stand, seed: u8, number: u8) {
    let approve = GovernanceOperation::Approve { decision: decision(number) };
    stand.take_effect(seed, None, Operation::Governance(approve)).await;
}

/// Two persons of two institutions decide.
pub async fn decide(stand: &mut Stand, number: u8, measure: Measure) {
    propose(stand, OPERATOR, number, measure).await;
    approve(stand, BUDGET_HOLDER, number).await;
}

pub async fn settlement(stand: &mut Stand, seed: u8, operation: SettlementOperation) {
    stand.take_effect(seed, None, Operation::Settlement(operation)).await;
}

pub async fn funds(stand: &mut Stand, seed: u8, operation: FundsOperation) {
    stand.take_effect(seed, None, Operation::Funds(operation)).await;
}

/// Binds where the provider is paid.
pub async fn bind_account(stand: &mut Stand, number: u8) {
    decide(stand, number, Measure::ChangePaymentAccount { provider: PROVIDER, account: ACCOUNT }).await;
}

/// Brings the accepted statement to an approved invoice.
pub async fn bill(stand: &mut Stand) {
    bind_account(stand, 1).await;
    let (year, statement) = (YEAR, STATEMENT);
    let attach = SettlementOperation::AttachInvoice { year, statement, invoice: INVOICE, number: NUMBER };
    settlement(stand, PROVIDER_KEY, attach).await;
    settlement(stand, OPERATOR, SettlementOperation::Approve { year, statement }).await;
}

pub async fn pay(stand: &mut Stand, cents: u64, number: u8) {
    let (amount, reference) = (Cents::new(cents), reference(number));
    let payment = SettlementOperation::RecordPayment { year: YEAR, statement: STATEMENT, amount, reference };
    settlement(stand, BUDGET_HOLDER, payment).await;
}

pub async fn reconcile(stand: &mut Stand) {
    let reconcile = SettlementOperation::Reconcile { year: YEAR, statement: STATEMENT, bank: BANK };
    settlement(stand, OPERATOR, reconcile).await;
}

/// Takes back what was paid for the order.
pub async fn reverse(stand: &mut Stand, number: u8) {
    decide(stand, number, Measure::Reverse { year: YEAR, order: ORDER, lines: vec![0] }).await;
}

pub async fn repay(stand: &mut Stand, cents: u64, number: u8) {
    let (amount, reference) = (Cents::new(cents), reference(number));
    let (year, provider, buyer) = (YEAR, PROVIDER, Buyer::Programme);
    let repay = SettlementOperation::RecordRepayment { year, provider, buyer, amount, reference };
    settlement(stand, BUDGET_HOLDER, repay).await;
}

pub async fn reconcile_repayment(stand: &mut Stand, number: u8) {
    let (year, reference) = (YEAR, reference(number));
    settlement(stand, OPERATOR, SettlementOperation::ReconcileRepayment { year, reference, bank: BANK }).await;
}

pub async fn act(stand: &mut Stand, seed: u8, action: OrderAction) {
    stand.take_effect(seed, None, Operation::Order { year: YEAR, order: ORDER, action }).await;
}

/// Brings the requested order to the provider's report.
pub async fn deliver(stand: &mut Stand) {
    act(stand, PROVIDER_KEY, OrderAction::Confirm).await;
    stand.step_to(START.after(Span::days(30)).after(Span(4_000_000))).await;
    act(stand, PROVIDER_KEY, OrderAction::ReportDelivery { absent: Vec::new() }).await;
}

pub async fn confirm_attendance(stand: &mut Stand) {
    act(stand, SCHOOL_KEY, OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() }).await;
}
