//! The provider's invoice of an accepted statement: attached, refused by the buyer, or approved by an officer.

use super::{Actor, Key, about, amounts, bill_of, in_state, statement_at, statement_mut};
use crate::classifiers::Scope;
use crate::ids::Commitment;
use crate::operation::{Buyer, Owner, Party};
use crate::plan::succession;
use crate::receipt::Kind;
use crate::record::{Invoice, InvoiceApproval, PaymentAccount, Reference, StatementState};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) fn attach(
    mut work: Work,
    actor: &Actor,
    key: Key,
    (file, number): (Commitment, Commitment),
) -> Result<Effect, Rejection> {
    let own = super::provider_of(actor)?;
    let statement = statement_at(&work, key)?;
    let (provider, buyer, balance) = (statement.provider, statement.buyer, statement.balance);
    // A corrected invoice may keep its number; no two statements share one.
    let mine = Reference { year: key.0, statement: Some(key.1) };
    if work.get::<Reference>(number).is_some_and(|used| *used != mine) {
        return Err(Rejection::ReferenceUsed);
    }
    if succession::provider_now(&work, provider) != own {
        return Err(Rejection::NotYours);
    }
    in_state(statement, &[StatementState::Accepted])?;

    let mut bill = bill_of(&work, key);
    bill.invoice = Some(Invoice { file, number, by: actor.key });
    work.put(key, bill);
    work.put(number, mine);
    statement_mut(&mut work, key).state = StatementState::InvoiceAttached;
    Ok(work.done(Kind::InvoiceAttached, about(key, provider, buyer), amounts(buyer, balance)))
}

/// The buyer refuses: an officer for the programme, the school itself for its own money.
pub(super) fn reject(mut work: Work, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let school = match actor.owner {
        Owner::Operator(_) | Owner::BudgetHolder(_) => None,
        Owner::Party(_) | Owner::Auditor(_) | Owner::Governance(_) => match actor.party(Scope::Settlement)? {
            Party::School(school) => Some(school),
            Party::Provider(_) | Party::Pupil(..) => return Err(Rejection::NotPermitted),
        },
    };
    let statement = statement_at(&work, key)?;
    let theirs = |school| match statement.buyer {
        Buyer::Programme => false,
        Buyer::School(buyer) => succession::school_now(&work, buyer) == school,
    };
    if school.is_some_and(|school| !theirs(school)) {
        return Err(Rejection::NotYours);
    }
    in_state(statement, &[StatementState::InvoiceAttached])?;
    let (provider, buyer, balance) = (statement.provider, statement.buyer, statement.balance);

    let mut bill = bill_of(&work, key);
    bill.invoice = None;
    work.put(key, bill);
    statement_mut(&mut work, key).state = StatementState::Accepted;
    Ok(work.done(Kind::InvoiceRejected, about(key, provider, buyer), amounts(buyer, balance)))
}

/// An officer of the operator, not the one who attached the invoice for the provider, finds it right.
pub(super) fn approve(mut work: Work, at: Timestamp, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    actor.operator()?;
    let statement = statement_at(&work, key)?;
    let mut bill = bill_of(&work, key);
    if bill.invoice.is_some_and(|invoice| invoice.by == actor.key) {
        return Err(Rejection::SamePerson);
    }
    if !work.has::<PaymentAccount>(succession::provider_now(&work, statement.provider)) {
        return Err(Rejection::PaymentAccountMissing);
    }
    in_state(statement, &[StatementState::InvoiceAttached])?;
    let (provider, buyer, balance) = (statement.provider, statement.buyer, statement.balance);

    bill.approval = Some(InvoiceApproval { by: actor.key, at });
    work.put(key, bill);
    statement_mut(&mut work, key).state = StatementState::Approved;
    Ok(work.done(Kind::InvoiceApproved, about(key, provider, buyer), amounts(buyer, balance)))
}
