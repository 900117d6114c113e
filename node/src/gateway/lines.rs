//! Orders with their lines, sessions and statements, as their sides and officers read them.

use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId, SessionId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{Bill, Order, OrderState, PaymentWay, Session, Statement, StatementState};
use keis_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::page::{Page, Part};
use super::problem::Problem;
use super::reader::Sight;
use super::remedies::Remedies;
use super::schema;
use super::years::{missing, readable};
use crate::chain::ChainError;
use crate::view::View;

/// An order with its lines.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderView {
    /// The order.
    #[schema(value_type = String, example = "ord_00ff…")]
    id: OrderId,
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// The ledger's record.
    #[schema(value_type = schema::Order)]
    order: Order,
    /// What has moved or frozen it.
    #[serde(flatten)]
    remedies: Remedies,
}

/// What happened to an order.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderHistory {
    /// The order.
    #[schema(value_type = String, example = "ord_00ff…")]
    id: OrderId,
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// Public parts of the receipts that name it or a statement of it, in order.
    #[schema(value_type = Vec<schema::Receipt>)]
    receipts: Vec<Receipt>,
}

/// A provider's own session.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnSession {
    /// The session.
    #[schema(value_type = String, example = "ses_00ff…")]
    id: SessionId,
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// The ledger's record.
    #[schema(value_type = schema::Session)]
    session: Session,
}

/// A statement.
#[derive(Serialize, ToSchema)]
pub(super) struct StatementView {
    /// The statement.
    #[schema(value_type = String, example = "stm_00ff…")]
    id: StatementId,
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// The ledger's record.
    #[schema(value_type = schema::Statement)]
    statement: Statement,
    /// What followed its acceptance: invoice, approval, payments, credit notes. What is open is the statement's balance.
    #[schema(value_type = schema::Bill)]
    bill: Bill,
    /// What the bank paid and did not send back, in cents.
    #[schema(value_type = u64)]
    paid: Cents,
    /// What was set off against what the provider owed, in cents.
    #[schema(value_type = u64)]
    set_off: Cents,
}

impl OrderView {
    fn of(state: &State, (year, id): (Year, OrderId), order: Order) -> Self {
        let remedies = Remedies::of(state, (year, id), &order);
        Self { id, year, order, remedies }
    }

    /// An order's view with the number of its lines, when it is in the wanted state.
    pub(super) fn sized(view: &View, year: Year, id: OrderId, wanted: Option<OrderState>) -> Option<(Self, usize)> {
        let state = &view.tip.state;
        let order = state.get::<Order>((year, id)).filter(|order| wanted.is_none_or(|wanted| wanted == order.state))?;
        Some((Self::of(state, (year, id), order.clone()), 1 + order.lines.len()))
    }
}

impl StatementView {
    fn of(state: &State, (year, id): (Year, StatementId), statement: Statement) -> Self {
        let bill = state.get::<Bill>((year, id)).cloned().unwrap_or_default();
        let (mut paid, mut set_off) = (Cents::ZERO, Cents::ZERO);
        for payment in bill.standing() {
            let sum = match payment.way {
                PaymentWay::Bank { .. } => &mut paid,
                PaymentWay::SetOff => &mut set_off,
                PaymentWay::Returned { .. } => continue,
            };
            *sum = sum.checked_add(payment.amount).expect("parts of a statement's total fit where the total does");
        }
        Self { id, year, statement, bill, paid, set_off }
    }

    /// A statement's view with the number of its parts, when it is in the wanted state.
    pub(super) fn sized(
        view: &View,
        year: Year,
        id: StatementId,
        wanted: Option<StatementState>,
    ) -> Option<(Self, usize)> {
        let state = &view.tip.state;
        let statement = state.get::<Statement>((year, id));
        let statement = statement.filter(|one| wanted.is_none_or(|wanted| wanted == one.state))?.clone();
        let statement = Self::of(state, (year, id), statement);
        let size = 1 + statement.statement.orders.len() + statement.bill.payments.len();
        Some((statement, size))
    }
}

/// Orders of a school, in the order of their ids.
#[utoipa::path(get, path = "/v1/schools/{id}/orders", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The school"),
        ("year" = u16, Query, description = "Programme year"),
        ("state" = Option<String>, Query, description = "Where they stand, such as `requested`"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<OrderView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school_orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.school_orders(year, id).copied();
        part.page(view.height(), ids, |order| OrderView::sized(view, year, order, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Orders of a provider, in the order of their ids.
#[utoipa::path(get, path = "/v1/providers/{id}/orders", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("state" = Option<String>, Query, description = "Where they stand, such as `requested`"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<OrderView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.provider_orders(year, id).copied();
        part.page(view.height(), ids, |order| OrderView::sized(view, year, order, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Sessions of a provider, in the order of their ids.
#[utoipa::path(get, path = "/v1/providers/{id}/sessions", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<OwnSession>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_sessions(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let part = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        part.page(view.height(), content.provider_sessions(year, id).copied(), |id| {
            let session = view.tip.state.get::<Session>((year, id))?.clone();
            Some((OwnSession { id, year, session }, 1))
        })
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Statements that a school pays, in the order of their ids.
#[utoipa::path(get, path = "/v1/schools/{id}/statements", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The school"),
        ("year" = u16, Query, description = "Programme year"),
        ("state" = Option<String>, Query, description = "Where they stand, such as `invoice_attached`"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<StatementView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school_statements(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.school_statements(year, id).copied();
        part.page(view.height(), ids, |statement| StatementView::sized(view, year, statement, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Statements of a provider, in the order of their ids.
#[utoipa::path(get, path = "/v1/providers/{id}/statements", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("state" = Option<String>, Query, description = "Where they stand, such as `invoice_attached`"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<StatementView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_statements(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.provider_statements(year, id).copied();
        part.page(view.height(), ids, |statement| StatementView::sized(view, year, statement, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// An order with its lines, for its sides. A pupil who did not order it sees of it the own lines alone.
#[utoipa::path(get, path = "/v1/orders/{id}/lines", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The order"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = OrderView),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn order(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (OrderId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let order = reader.view.tip.state.get::<Order>((year, id)).ok_or_else(|| no_order(&reader.view, year))?;
    let sight = reader.order(year, order)?;
    let mut order = order.clone();
    match sight {
        Sight::Whole => {}
        Sight::LinesOf(pupil) => {
            order.lines.retain(|line| line.pupil == pupil);
            // It may name other pupils.
            order.change = None;
        }
    }
    json(StatusCode::OK, Keep::Never, &OrderView::of(&reader.view.tip.state, (year, id), order))
}

/// What happened to an order, its statements included, for its sides.
#[utoipa::path(get, path = "/v1/orders/{id}/history", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The order"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = OrderHistory),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn history(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (OrderId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let order = reader.view.tip.state.get::<Order>((year, id)).ok_or_else(|| no_order(&reader.view, year))?;
    reader.order(year, order)?;
    let read = move |content: &Content, view: &View| (view.height(), content.history(year, id).to_vec());
    let (height, places) = context.list(read).await?;
    let receipts = context.read(move |archive| {
        let mut receipts = Vec::with_capacity(places.len());
        for (height, index) in places {
            let past = archive.past(height)?;
            receipts.extend(past.and_then(|past| Some(past.receipts.get(index as usize)?.receipt.clone())));
        }
        Ok::<_, ChainError>(receipts)
    });
    json(StatusCode::OK, Keep::Never, &OrderHistory { id, year, height, receipts: receipts.await? })
}

/// A statement, for its sides.
#[utoipa::path(get, path = "/v1/statements/{id}", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The statement"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = StatementView),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn statement(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (StatementId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let statement = reader.view.tip.state.get::<Statement>((year, id));
    let none = || missing(&reader.view.tip.state, year, "the statement is not on the ledger in this year");
    let statement = statement.ok_or_else(none)?;
    reader.statement(statement)?;
    let statement = StatementView::of(&reader.view.tip.state, (year, id), statement.clone());
    json(StatusCode::OK, Keep::Never, &statement)
}

fn no_order(view: &View, year: Year) -> Problem {
    missing(&view.tip.state, year, "the order is not on the ledger in this year")
}
