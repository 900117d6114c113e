//! Payments of approved statements, repayments of what a provider owes, and their comparison with the bank.
//!
//! What an institution's officer records, an officer of another institution reconciles.

use super::{Actor, Key, about, amounts, bill_of, in_state, statement_at, statement_mut, unused, year_of};
use crate::accounts::Account;
use crate::classifiers::Year;
use crate::ids::{Commitment, InstitutionId, ProviderId};
use crate::money::Cents;
use crate::operation::{Buyer, Owner};
use crate::plan::succession;
use crate::receipt::{Kind, Subject};
use crate::record::{
    Bill, Books, Payment, PaymentAccount, PaymentWay, Receivable, Reference, Repayment, Statement, StatementState,
};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

/// Most parts in which a statement is paid.
const MAX_PAYMENTS: u16 = 24;

/// The institution of the officer who pays for this buyer: the budget holder state money, the operator what schools have
/// paid in.
fn payer(actor: &Actor, buyer: Option<Buyer>) -> Result<InstitutionId, Rejection> {
    match (actor.owner, buyer) {
        (Owner::BudgetHolder(institution), None | Some(Buyer::Programme))
        | (Owner::Operator(institution), None | Some(Buyer::School(_))) => Ok(institution),
        (Owner::BudgetHolder(_) | Owner::Operator(_), Some(_))
        | (Owner::Party(_) | Owner::Auditor(_) | Owner::Governance(_), _) => Err(Rejection::NotPermitted),
    }
}

/// An amount of something that has so much open.
fn within(amount: Cents, open: Cents) -> Result<(), Rejection> {
    if amount <= open { Ok(()) } else { Err(Rejection::AboveOpen { open }) }
}

fn positive(amount: Cents) -> Result<(), Rejection> {
    if amount.is_zero() { Err(Rejection::AmountZero) } else { Ok(()) }
}

/// The bill, when somebody else has approved it.
fn approved_by_another(work: &Work, actor: &Actor, key: Key) -> Result<Bill, Rejection> {
    let bill = bill_of(work, key);
    let own = bill.approval.is_some_and(|approval| approval.by == actor.key);
    if own { Err(Rejection::SamePerson) } else { Ok(bill) }
}

/// The statement may be paid this amount, which is at most `most`.
fn payable(statement: &Statement, bill: &Bill, amount: Cents, most: Cents) -> Result<(), Rejection> {
    in_state(statement, &[StatementState::Approved])?;
    within(amount, statement.balance.min(most))?;
    if bill.payments.len() + 1 >= usize::from(MAX_PAYMENTS) && amount < statement.balance {
        return Err(Rejection::TooManyPayments { most: MAX_PAYMENTS });
    }
    Ok(())
}

/// The payer's institution, once the statement is known. Who pays for no buyer at all is told so first.
fn payer_of(work: &Work, actor: &Actor, key: Key) -> Result<(InstitutionId, Buyer), Rejection> {
    payer(actor, None)?;
    let buyer = work.get::<Statement>(key).map(|statement| statement.buyer);
    let institution = payer(actor, buyer)?;
    Ok((institution, buyer.unwrap_or(Buyer::Programme)))
}

pub(super) fn record(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    (amount, reference): (Cents, Commitment),
) -> Result<Effect, Rejection> {
    let (institution, buyer) = payer_of(&work, actor, key)?;
    positive(amount)?;
    let statement = statement_at(&work, key)?;
    let provider = statement.provider;
    unused(&work, reference)?;
    let bill = approved_by_another(&work, actor, key)?;
    // A successor may have taken the provider's place after the approval, and have no account yet.
    let payee = succession::provider_now(&work, provider);
    let account = work.get::<PaymentAccount>(payee).ok_or(Rejection::PaymentAccountMissing)?.account;
    payable(statement, &bill, amount, amount)?;

    work.transfer(key.0, buyer.source(), Account::Settlement(key.1), Account::Paid, amount)?;
    work.put(reference, Reference { year: key.0, statement: Some(key.1) });
    let way = PaymentWay::Bank { reference, account };
    paid(&mut work, key, bill, Payment { amount, way, institution, at });
    Ok(work.done(Kind::PaymentRecorded, about(key, provider, buyer), amounts(buyer, amount)))
}

pub(super) fn set_off(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: Key,
    amount: Cents,
) -> Result<Effect, Rejection> {
    let (institution, buyer) = payer_of(&work, actor, key)?;
    positive(amount)?;
    let statement = statement_at(&work, key)?;
    let provider = statement.provider;
    let bill = approved_by_another(&work, actor, key)?;
    payable(statement, &bill, amount, owed(&work, key.0, (provider, buyer)))?;

    let to = Account::Receivable(provider, buyer);
    work.transfer(key.0, buyer.source(), Account::Settlement(key.1), to, amount)?;
    paid(&mut work, key, bill, Payment { amount, way: PaymentWay::SetOff, institution, at });
    Ok(work.done(Kind::PaymentSetOff, about(key, provider, buyer), amounts(buyer, amount)))
}

/// The payer records that the bank sent a payment back, before it was reconciled. Its reference stays used.
pub(super) fn come_back(mut work: Work, actor: &Actor, key: Key, reference: Commitment) -> Result<Effect, Rejection> {
    let (_, buyer) = payer_of(&work, actor, key)?;
    let statement = statement_at(&work, key)?;
    let (provider, state) = (statement.provider, statement.state);
    let mut bill = bill_of(&work, key);
    let is_it = |way: PaymentWay| match way {
        PaymentWay::Bank { reference: known, .. } => known == reference,
        PaymentWay::SetOff | PaymentWay::Returned { .. } => false,
    };
    let found = bill.payments.iter_mut().find(|payment| is_it(payment.way)).ok_or(Rejection::PaymentUnknown)?;
    in_state(statement, &[StatementState::Approved, StatementState::Paid])?;
    let amount = found.amount;
    found.way = PaymentWay::Returned { reference };

    work.transfer(key.0, buyer.source(), Account::Paid, Account::Settlement(key.1), amount)?;
    work.put(key, bill);
    if state == StatementState::Paid {
        statement_mut(&mut work, key).state = StatementState::Approved;
        found_at_bank(&mut work, key.0);
    }
    Ok(work.done(Kind::PaymentReturned, about(key, provider, buyer), amounts(buyer, amount)))
}

/// Writes a payment into the bill; the last one ends the statement's way to the bank.
fn paid(work: &mut Work, key: Key, mut bill: Bill, payment: Payment) {
    bill.payments.push(payment);
    work.put(key, bill);
    nothing_left(work, key);
}

/// The statement whose money is gone is paid, or credited when nothing was paid at all.
pub(super) fn nothing_left(work: &mut Work, key: Key) {
    let paid = bill_of(work, key).standing().next().is_some();
    let statement = statement_mut(work, key);
    if !statement.balance.is_zero() {
        return;
    }
    match statement.state {
        StatementState::Accepted | StatementState::InvoiceAttached | StatementState::Approved => {}
        StatementState::Issued
        | StatementState::Contested
        | StatementState::Paid
        | StatementState::Reconciled
        | StatementState::Credited => return,
    }
    statement.state = if paid { StatementState::Paid } else { StatementState::Credited };
    if paid {
        expect_bank(work, key.0);
    }
}

/// One more entry of the year waits to be compared with the bank.
fn expect_bank(work: &mut Work, year: Year) {
    let Books { unreconciled } = work.get::<Books>(year).copied().unwrap_or_default();
    let unreconciled = unreconciled.checked_add(1).expect("a year has far fewer payments than can be counted");
    work.put(year, Books { unreconciled });
}

/// One entry less waits for the bank.
fn found_at_bank(work: &mut Work, year: Year) {
    let books = work.edit::<Books>(year).expect("what waited was counted when it was recorded");
    books.unreconciled = books.unreconciled.checked_sub(1).expect("what waited was counted once");
}

/// An officer who is of none of these institutions.
fn another(actor: &Actor, mut recorded: impl Iterator<Item = InstitutionId>) -> Result<(), Rejection> {
    let own = officer(actor)?;
    if recorded.any(|institution| institution == own) { Err(Rejection::SamePerson) } else { Ok(()) }
}

fn officer(actor: &Actor) -> Result<InstitutionId, Rejection> {
    match actor.owner {
        Owner::Operator(institution) | Owner::BudgetHolder(institution) => Ok(institution),
        Owner::Party(_) | Owner::Auditor(_) | Owner::Governance(_) => Err(Rejection::NotPermitted),
    }
}

pub(super) fn reconcile(mut work: Work, actor: &Actor, key: Key, bank: Commitment) -> Result<Effect, Rejection> {
    officer(actor)?;
    let statement = statement_at(&work, key)?;
    let mut bill = bill_of(&work, key);
    another(actor, bill.payments.iter().map(|payment| payment.institution))?;
    in_state(statement, &[StatementState::Paid])?;
    let (provider, buyer) = (statement.provider, statement.buyer);
    let paid = bill.standing().try_fold(Cents::ZERO, |sum, payment| sum.checked_add(payment.amount));
    let paid = paid.ok_or(Rejection::AmountTooLarge)?;

    bill.bank = Some(bank);
    work.put(key, bill);
    statement_mut(&mut work, key).state = StatementState::Reconciled;
    found_at_bank(&mut work, key.0);
    Ok(work.done(Kind::PaymentReconciled, about(key, provider, buyer), amounts(buyer, paid)))
}

fn owed(work: &Work, year: Year, (provider, buyer): (ProviderId, Buyer)) -> Cents {
    work.get::<Receivable>((year, provider, buyer)).map_or(Cents::ZERO, |receivable| receivable.owed)
}

fn about_debt(year: Year, provider: ProviderId, buyer: Buyer) -> Subject {
    let school = match buyer {
        Buyer::Programme => None,
        Buyer::School(school) => Some(school),
    };
    Subject { year: Some(year), provider: Some(provider), school, ..Subject::default() }
}

pub(super) fn repay(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    year: Year,
    (provider, buyer): (ProviderId, Buyer),
    (amount, reference): (Cents, Commitment),
) -> Result<Effect, Rejection> {
    let institution = payer(actor, Some(buyer))?;
    positive(amount)?;
    year_of(&work, year)?;
    super::parties_known(&work, provider, buyer)?;
    unused(&work, reference)?;
    within(amount, owed(&work, year, (provider, buyer)))?;

    work.transfer(year, buyer.source(), Account::Paid, Account::Receivable(provider, buyer), amount)?;
    work.put(reference, Reference { year, statement: None });
    work.put((year, reference), Repayment { provider, buyer, amount, institution, at, bank: None });
    expect_bank(&mut work, year);
    Ok(work.done(Kind::RepaymentRecorded, about_debt(year, provider, buyer), amounts(buyer, amount)))
}

pub(super) fn reconcile_repayment(
    mut work: Work,
    actor: &Actor,
    key: (Year, Commitment),
    bank: Commitment,
) -> Result<Effect, Rejection> {
    officer(actor)?;
    year_of(&work, key.0)?;
    let Repayment { provider, buyer, amount, institution, bank: before, .. } =
        *work.get::<Repayment>(key).ok_or(Rejection::RepaymentUnknown)?;
    another(actor, std::iter::once(institution))?;
    if before.is_some() {
        return Err(Rejection::ReconciledBefore);
    }

    work.edit::<Repayment>(key).expect("the repayment was found above").bank = Some(bank);
    found_at_bank(&mut work, key.0);
    Ok(work.done(Kind::RepaymentReconciled, about_debt(key.0, provider, buyer), amounts(buyer, amount)))
}
