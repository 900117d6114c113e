//! Settlement: what providers earned is put into statements, which they accept or contest, invoice and are paid for.

mod credit;
mod invoice;
mod payment;

pub(super) use credit::credit;

use super::{Actor, ascending, bounded, every, succession, year_of};
use crate::accounts::Account;
use crate::classifiers::{Scope, Year};
use crate::ids::{Commitment, OrderId, ProviderId, StatementId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::{Buyer, MAX_STATEMENT_ORDERS, Party, SettlementOperation};
use crate::receipt::{Kind, Subject};
use crate::record::{Bill, Billing, Entity, Order, OrderState, Provider, Reference, School, Statement, StatementState};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) fn plan(
    work: Work,
    at: Timestamp,
    actor: &Actor,
    operation: &SettlementOperation,
) -> Result<Effect, Rejection> {
    match operation {
        SettlementOperation::Issue { year, statement, provider, buyer, orders } => {
            let request = Request { year: *year, statement: *statement, provider: *provider, buyer: *buyer, orders };
            issue(work, at, actor, &request)
        }
        SettlementOperation::Accept { year, statement } => accept(work, actor, (*year, *statement)),
        SettlementOperation::Contest { year, statement } => contest(work, actor, (*year, *statement)),
        SettlementOperation::AttachInvoice { year, statement, invoice, number } => {
            invoice::attach(work, actor, (*year, *statement), (*invoice, *number))
        }
        SettlementOperation::RejectInvoice { year, statement } => invoice::reject(work, actor, (*year, *statement)),
        SettlementOperation::Approve { year, statement } => invoice::approve(work, at, actor, (*year, *statement)),
        SettlementOperation::RecordPayment { year, statement, amount, reference } => {
            payment::record(work, at, actor, (*year, *statement), (*amount, *reference))
        }
        SettlementOperation::SetOff { year, statement, amount } => {
            payment::set_off(work, at, actor, (*year, *statement), *amount)
        }
        SettlementOperation::Reconcile { year, statement, bank } => {
            payment::reconcile(work, actor, (*year, *statement), *bank)
        }
        SettlementOperation::CreditNote { year, statement, order, lines, note } => {
            credit::note(work, actor, (*year, *statement), (*order, lines), *note)
        }
        SettlementOperation::RecordRepayment { year, provider, buyer, amount, reference } => {
            payment::repay(work, at, actor, *year, (*provider, *buyer), (*amount, *reference))
        }
        SettlementOperation::ReconcileRepayment { year, reference, bank } => {
            payment::reconcile_repayment(work, actor, (*year, *reference), *bank)
        }
        SettlementOperation::ReturnPayment { year, statement, reference } => {
            payment::come_back(work, actor, (*year, *statement), *reference)
        }
    }
}

/// A statement that is asked for.
struct Request<'o> {
    year: Year,
    statement: StatementId,
    provider: ProviderId,
    buyer: Buyer,
    orders: &'o [OrderId],
}

/// What identifies a statement.
type Key = (Year, StatementId);

fn amounts(buyer: Buyer, amount: Cents) -> Amounts {
    let mut amounts = Amounts::ZERO;
    *amounts.of_mut(buyer.source()) = amount;
    amounts
}

fn about((year, id): Key, provider: ProviderId, buyer: Buyer) -> Subject {
    let school = match buyer {
        Buyer::Programme => None,
        Buyer::School(school) => Some(school),
    };
    Subject { year: Some(year), statement: Some(id), provider: Some(provider), school, ..Subject::default() }
}

/// Where an order names its statement of a source.
fn statement_of(order: &Order, source: Source) -> Option<StatementId> {
    match source {
        Source::State => order.programme_statement,
        Source::School => order.school_statement,
    }
}

fn set_statement(order: &mut Order, source: Source, statement: Option<StatementId>) {
    match source {
        Source::State => order.programme_statement = statement,
        Source::School => order.school_statement = statement,
    }
}

/// What an order owes of a source; `None` when it cannot be counted.
fn due(order: &Order, source: Source) -> Option<Cents> {
    order.lines.iter().try_fold(Cents::ZERO, |sum, line| sum.checked_add(line.due.of(source)))
}

fn issue(mut work: Work, at: Timestamp, actor: &Actor, request: &Request) -> Result<Effect, Rejection> {
    let Request { year, statement, provider, buyer, orders } = *request;
    let source = buyer.source();
    actor.operator()?;
    bounded(orders, MAX_STATEMENT_ORDERS)?;
    ascending(orders)?;
    let period = year_of(&work, year)?.parameters.settlement_period;
    parties_known(&work, provider, buyer)?;
    look_for(&work, year, orders);
    every(orders, |order| work.has::<Order>((year, *order)), |item| Rejection::OrderUnknown { item })?;
    if work.has::<Statement>((year, statement)) {
        return Err(Rejection::IdTaken { item: 0 });
    }
    let total = billable(&work, request)?;
    if let Some(Billing { last }) = work.get::<Billing>((year, provider, buyer)) {
        let from = last.after(period);
        if at < from {
            return Err(Rejection::StatementTooSoon { from });
        }
    }

    let record = Statement {
        provider,
        buyer,
        orders: orders.to_vec(),
        total,
        balance: Cents::ZERO,
        state: StatementState::Issued,
        issued: at,
    };
    work.put((year, statement), record);
    work.transfer(year, source, Account::Provider(provider), Account::Settlement(statement), total)?;
    for order in orders {
        let order = work.edit::<Order>((year, *order)).expect("every order was found above");
        set_statement(order, source, Some(statement));
    }
    work.put((year, provider, buyer), Billing { last: at });
    Ok(work.done(Kind::StatementIssued, about((year, statement), provider, buyer), amounts(buyer, total)))
}

/// Looks for a statement's orders, all at one time.
fn look_for(work: &Work, year: Year, orders: &[OrderId]) {
    work.look_ahead(orders.iter().map(|order| Order::key((year, *order))));
}

fn parties_known(work: &Work, provider: ProviderId, buyer: Buyer) -> Result<(), Rejection> {
    if let Buyer::School(school) = buyer
        && !work.has::<School>(school)
    {
        return Err(Rejection::SchoolUnknown { item: 0 });
    }
    if work.has::<Provider>(provider) { Ok(()) } else { Err(Rejection::ProviderUnknown) }
}

/// The sum of orders that all belong to the two sides, are earned, and are in no statement of this source.
fn billable(work: &Work, request: &Request) -> Result<Cents, Rejection> {
    let Request { year, provider, buyer, orders: ids, .. } = *request;
    let source = buyer.source();
    let found = |id: &OrderId| work.get::<Order>((year, *id)).expect("every order was found before");
    let orders: Vec<&Order> = ids.iter().map(found).collect();
    let theirs = |order: &&Order| {
        order.provider == provider
            && match buyer {
                Buyer::Programme => true,
                Buyer::School(school) => order.school == school,
            }
    };
    every(&orders, theirs, |_| Rejection::NotYours)?;
    if let Some(order) = orders.iter().find(|order| !is_earned(order.state)) {
        return Err(Rejection::OrderStateWrong { state: order.state });
    }
    every(&orders, |order| order.change.is_none(), |_| Rejection::ChangePending)?;
    let parts: Option<Vec<Cents>> = orders.iter().map(|order| due(order, source)).collect();
    let parts = parts.ok_or(Rejection::AmountTooLarge)?;
    let total = parts.iter().try_fold(Cents::ZERO, |sum, part| sum.checked_add(*part));
    let total = total.ok_or(Rejection::AmountTooLarge)?;
    let owed: Vec<bool> = orders
        .iter()
        .zip(&parts)
        .map(|(order, part)| !part.is_zero() && statement_of(order, source).is_none())
        .collect();
    every(&owed, |owed| *owed, |item| Rejection::NothingDue { item })?;
    Ok(total)
}

/// Whether what is due of an order is final.
fn is_earned(state: OrderState) -> bool {
    match state {
        OrderState::Attended
        | OrderState::AttendedAutomatically
        | OrderState::Settled
        | OrderState::CancelledLate
        // A line that was dropped late is owed, however the order ended.
        | OrderState::CancelledFree
        | OrderState::CancelledByProvider
        | OrderState::CancelledForceMajeure
        | OrderState::Reversed => true,
        OrderState::Proposed
        | OrderState::Requested
        | OrderState::Confirmed
        | OrderState::Delivered
        | OrderState::Disputed
        | OrderState::Declined
        | OrderState::Lapsed => false,
    }
}

/// The provider that signs, with the scope that statements need.
fn provider_of(actor: &Actor) -> Result<ProviderId, Rejection> {
    match actor.party(Scope::Settlement)? {
        Party::Provider(provider) => Ok(provider),
        Party::School(_) | Party::Pupil(..) => Err(Rejection::NotPermitted),
    }
}

fn statement_at<'w>(work: &'w Work, key: Key) -> Result<&'w Statement, Rejection> {
    year_of(work, key.0)?;
    work.get::<Statement>(key).ok_or(Rejection::StatementUnknown)
}

fn statement_mut<'w>(work: &'w mut Work, key: Key) -> &'w mut Statement {
    work.edit::<Statement>(key).expect("the plan has looked the statement up before")
}

/// A provider's own statement.
fn own_statement<'w>(work: &'w Work, actor: &Actor, key: Key) -> Result<&'w Statement, Rejection> {
    let own = provider_of(actor)?;
    let statement = statement_at(work, key)?;
    if succession::provider_now(work, statement.provider) == own { Ok(statement) } else { Err(Rejection::NotYours) }
}

fn in_state(statement: &Statement, states: &[StatementState]) -> Result<(), Rejection> {
    let state = statement.state;
    if states.contains(&state) { Ok(()) } else { Err(Rejection::StatementStateWrong { state }) }
}

/// What followed the statement's acceptance, so far.
fn bill_of(work: &Work, key: Key) -> Bill {
    work.get::<Bill>(key).cloned().unwrap_or_default()
}

/// Each of these commitments stands for nothing yet.
fn unused(work: &Work, reference: Commitment) -> Result<(), Rejection> {
    if work.has::<Reference>(reference) { Err(Rejection::ReferenceUsed) } else { Ok(()) }
}

/// The statement that its provider answers, while it waits for the answer.
fn answered(work: &Work, actor: &Actor, key: Key) -> Result<Statement, Rejection> {
    let statement = own_statement(work, actor, key)?;
    in_state(statement, &[StatementState::Issued])?;
    Ok(statement.clone())
}

fn accept(mut work: Work, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let Statement { provider, buyer, orders, total, .. } = answered(&work, actor, key)?;

    work.edit::<Statement>(key).expect("the statement was found above").state = StatementState::Accepted;
    look_for(&work, key.0, &orders);
    for order in orders {
        settle(&mut work, (key.0, order));
    }
    Ok(work.done(Kind::StatementAccepted, about(key, provider, buyer), amounts(buyer, total)))
}

/// Settles an order of which nothing is open any more.
pub(super) fn settle(work: &mut Work, key: (Year, OrderId)) {
    if is_settled(work, key.0, key.1) {
        work.edit::<Order>(key).expect("it was looked at a line above").state = OrderState::Settled;
    }
}

/// Whether an attended order has nothing due that no accepted statement covers.
fn is_settled(work: &Work, year: Year, order: OrderId) -> bool {
    let order = work.get::<Order>((year, order)).expect("a statement's orders are never removed");
    let attended = matches!(order.state, OrderState::Attended | OrderState::AttendedAutomatically);
    attended
        && Source::ALL.into_iter().all(|source| {
            let covered = statement_of(order, source)
                .and_then(|statement| work.get::<Statement>((year, statement)))
                .is_some_and(|statement| statement.state.is_accepted());
            covered || due(order, source).is_some_and(Cents::is_zero)
        })
}

fn contest(mut work: Work, actor: &Actor, key: Key) -> Result<Effect, Rejection> {
    let Statement { provider, buyer, orders, balance, .. } = answered(&work, actor, key)?;
    let source = buyer.source();
    work.transfer(key.0, source, Account::Settlement(key.1), Account::Provider(provider), balance)?;
    work.edit::<Statement>(key).expect("the statement was found above").state = StatementState::Contested;
    for order in orders {
        let order = work.edit::<Order>((key.0, order)).expect("a statement's orders are never removed");
        set_statement(order, source, None);
    }
    // The provider waits for a corrected statement, not for the next period.
    work.remove::<Billing>((key.0, provider, buyer));
    Ok(work.done(Kind::StatementContested, about(key, provider, buyer), amounts(buyer, balance)))
}
