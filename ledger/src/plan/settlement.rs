//! Settlement: what providers earned is put into statements, which they accept or contest.

use super::{Actor, ascending, bounded, every};
use crate::accounts::Account;
use crate::classifiers::{Scope, Year};
use crate::ids::{OrderId, ProviderId, StatementId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::{Buyer, MAX_STATEMENT_ORDERS, Party, SettlementOperation};
use crate::receipt::{Kind, Subject};
use crate::record::{Billing, Order, OrderState, Provider, School, Statement, StatementState, YearRecord};
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

/// Whose money a buyer pays with.
fn source(buyer: Buyer) -> Source {
    match buyer {
        Buyer::Programme => Source::State,
        Buyer::School(_) => Source::School,
    }
}

fn amounts(buyer: Buyer, amount: Cents) -> Amounts {
    let mut amounts = Amounts::ZERO;
    *amounts.of_mut(source(buyer)) = amount;
    amounts
}

fn about((year, id): (Year, StatementId), provider: ProviderId, buyer: Buyer) -> Subject {
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
    let source = source(buyer);
    actor.operator()?;
    bounded(orders, MAX_STATEMENT_ORDERS)?;
    ascending(orders)?;
    let period = work.get::<YearRecord>(year).ok_or(Rejection::YearUnknown)?.parameters.settlement_period;
    parties_known(&work, provider, buyer)?;
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
    let source = source(buyer);
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
        | OrderState::CancelledByProvider => true,
        OrderState::Proposed
        | OrderState::Requested
        | OrderState::Confirmed
        | OrderState::Delivered
        | OrderState::Declined
        | OrderState::Lapsed => false,
    }
}

/// The statement that its provider answers, while it waits for the answer.
fn answered(work: &Work, actor: &Actor, key: (Year, StatementId)) -> Result<Statement, Rejection> {
    let own = match actor.party(Scope::Settlement)? {
        Party::Provider(provider) => provider,
        Party::School(_) | Party::Pupil(..) => return Err(Rejection::NotPermitted),
    };
    if !work.has::<YearRecord>(key.0) {
        return Err(Rejection::YearUnknown);
    }
    let statement = work.get::<Statement>(key).ok_or(Rejection::StatementUnknown)?;
    if statement.provider != own {
        return Err(Rejection::NotYours);
    }
    match statement.state {
        StatementState::Issued => Ok(statement.clone()),
        state @ (StatementState::Accepted | StatementState::Contested) => Err(Rejection::StatementStateWrong { state }),
    }
}

fn accept(mut work: Work, actor: &Actor, key: (Year, StatementId)) -> Result<Effect, Rejection> {
    let Statement { provider, buyer, orders, total, .. } = answered(&work, actor, key)?;

    work.edit::<Statement>(key).expect("the statement was found above").state = StatementState::Accepted;
    for order in orders {
        if is_settled(&work, key.0, order) {
            let order = work.edit::<Order>((key.0, order)).expect("it was looked at a line above");
            order.state = OrderState::Settled;
        }
    }
    Ok(work.done(Kind::StatementAccepted, about(key, provider, buyer), amounts(buyer, total)))
}

/// Whether an attended order has nothing due that no accepted statement covers.
fn is_settled(work: &Work, year: Year, order: OrderId) -> bool {
    let order = work.get::<Order>((year, order)).expect("a statement's orders are never removed");
    let attended = matches!(order.state, OrderState::Attended | OrderState::AttendedAutomatically);
    attended
        && Source::ALL.into_iter().all(|source| {
            let covered = statement_of(order, source)
                .and_then(|statement| work.get::<Statement>((year, statement)))
                .is_some_and(|statement| statement.state == StatementState::Accepted);
            covered || due(order, source).is_some_and(Cents::is_zero)
        })
}

fn contest(mut work: Work, actor: &Actor, key: (Year, StatementId)) -> Result<Effect, Rejection> {
    let Statement { provider, buyer, orders, balance, .. } = answered(&work, actor, key)?;
    let source = source(buyer);
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
