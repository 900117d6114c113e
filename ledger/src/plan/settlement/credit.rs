//! Credits: money of an accepted statement goes back to the sources of its lines, before payment out of the statement,
//! after it out of what the provider then owes.

use super::{Actor, Key, about, amounts, bill_of, own_statement, payment, statement_at, statement_of, unused};
use crate::accounts::Account;
use crate::ids::{Commitment, OrderId};
use crate::money::{Amounts, Cents};
use crate::operation::MAX_PUPILS;
use crate::plan::{ascending, bounded, order};
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{Order, Reference};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};

/// The provider's own credit note: it gives up what it was owed, so nobody else is asked.
pub(super) fn note(
    mut work: Work,
    actor: &Actor,
    key: Key,
    (order, lines): (OrderId, &[(u16, Cents)]),
    note: Commitment,
) -> Result<Effect, Rejection> {
    super::provider_of(actor)?;
    bounded(lines, MAX_PUPILS)?;
    ascending(&lines.iter().map(|(line, _)| *line).collect::<Vec<_>>())?;
    if lines.iter().any(|(_, amount)| amount.is_zero()) {
        return Err(Rejection::AmountZero);
    }
    statement_at(&work, key)?;
    if !work.has::<Order>((key.0, order)) {
        return Err(Rejection::OrderUnknown { item: 0 });
    }
    unused(&work, note)?;
    let statement = own_statement(&work, actor, key)?;
    let (provider, buyer) = (statement.provider, statement.buyer);
    let total = credit(&mut work, key, order, lines)?;

    work.put(note, Reference { year: key.0, statement: Some(key.1) });
    let state = work.get::<Order>((key.0, order)).map(|order| order.state);
    let subject = Subject { order: Some(order), order_state: state, ..about(key, provider, buyer) };
    Ok(work.done(Kind::CreditNoted, subject, total))
}

/// Credits lines of an order in an accepted statement: ascending, existing, each at most with what is due of it. Money that
/// the statement still holds goes back to the lines' sources; for what was paid already the provider owes.
///
/// # Errors
/// [`Rejection::OrderUnknown`], [`Rejection::StatementStateWrong`], [`Rejection::LineUnknown`], [`Rejection::NothingDue`]
/// for an order that is not in the statement, [`Rejection::AboveOpen`].
pub(in crate::plan) fn credit(
    work: &mut Work,
    key: Key,
    id: OrderId,
    lines: &[(u16, Cents)],
) -> Result<Amounts, Rejection> {
    let statement = statement_at(work, key)?;
    let (provider, buyer, state) = (statement.provider, statement.buyer, statement.state);
    let order_key = (key.0, id);
    let order = work.get::<Order>(order_key).ok_or(Rejection::OrderUnknown { item: 0 })?;
    if !state.is_accepted() {
        return Err(Rejection::StatementStateWrong { state });
    }
    let source = buyer.source();
    for (line, _) in lines {
        order.lines.get(usize::from(*line)).ok_or(Rejection::LineUnknown { line: *line })?;
    }
    if statement_of(order, source) != Some(key.1) {
        return Err(Rejection::NothingDue { item: 0 });
    }
    let due = |line: u16| order.lines[usize::from(line)].due.of(source);
    if let Some((line, _)) = lines.iter().find(|(line, amount)| *amount > due(*line)) {
        return Err(Rejection::AboveOpen { open: due(*line) });
    }

    let mut total = Cents::ZERO;
    for (line, amount) in lines {
        let pupil = work.get::<Order>(order_key).expect("the order was found above").lines[usize::from(*line)].pupil;
        let home = order::home(work, order_key, pupil, source);
        let held = statement_at(work, key)?.balance.min(*amount);
        work.transfer(key.0, source, Account::Settlement(key.1), home, held)?;
        work.transfer(key.0, source, Account::Receivable(provider, buyer), home, amount.saturating_sub(held))?;
        let order = work.edit::<Order>(order_key).expect("the order was found above");
        let due = order.lines[usize::from(*line)].due.of_mut(source);
        *due = due.saturating_sub(*amount);
        work.note(ReceiptLine { pupil, moved: amounts(buyer, *amount) });
        total = total.checked_add(*amount).ok_or(Rejection::AmountTooLarge)?;
    }
    let mut bill = bill_of(work, key);
    bill.credited = bill.credited.checked_add(total).ok_or(Rejection::AmountTooLarge)?;
    work.put(key, bill);
    payment::nothing_left(work, key);
    Ok(amounts(buyer, total))
}
