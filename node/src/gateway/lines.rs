//! Orders with their lines, sessions and statements, as their sides and officers read them.

use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId, SessionId, StatementId};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{Order, OrderState, Session, Statement};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, Keep, json};
use super::index::Content;
use super::page::{Page, Part};
use super::problem::Problem;
use super::reader::Sight;
use super::schema;
use super::wallets::known_year;
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
}

impl OrderView {
    /// An order's view with the number of its lines, when it is in the wanted state.
    fn sized(view: &View, year: Year, id: OrderId, wanted: Option<OrderState>) -> Option<(Self, usize)> {
        let order = view.tip.state.get::<Order>((year, id))?;
        let fits = wanted.is_none_or(|wanted| wanted == order.state);
        fits.then(|| (Self { id, year, order: order.clone() }, 1 + order.lines.len()))
    }
}

impl StatementView {
    fn sized(view: &View, year: Year, id: StatementId) -> Option<(Self, usize)> {
        let statement = view.tip.state.get::<Statement>((year, id))?.clone();
        let size = 1 + statement.orders.len();
        Some((Self { id, year, statement }, size))
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
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school_orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    known_year(&reader.view, year)?;
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
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let (state, part) = (call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    known_year(&reader.view, year)?;
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
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_sessions(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let part = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    known_year(&reader.view, year)?;
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
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<StatementView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school_statements(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let part = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    known_year(&reader.view, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.school_statements(year, id).copied();
        part.page(view.height(), ids, |statement| StatementView::sized(view, year, statement))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Statements of a provider, in the order of their ids.
#[utoipa::path(get, path = "/v1/providers/{id}/statements", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<StatementView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider_statements(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let part = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    known_year(&reader.view, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.provider_statements(year, id).copied();
        part.page(view.height(), ids, |statement| StatementView::sized(view, year, statement))
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
    ))]
pub(super) async fn order(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (OrderId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let order = reader.view.tip.state.get::<Order>((year, id)).ok_or_else(no_order)?;
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
    json(StatusCode::OK, Keep::Never, &OrderView { id, year, order })
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
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn history(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (OrderId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let order = reader.view.tip.state.get::<Order>((year, id)).ok_or_else(no_order)?;
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
    ))]
pub(super) async fn statement(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (StatementId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let statement = reader.view.tip.state.get::<Statement>((year, id));
    let statement = statement.ok_or_else(|| Problem::not_found("the statement is not on the ledger in this year"))?;
    reader.statement(statement)?;
    json(StatusCode::OK, Keep::Never, &StatementView { id, year, statement: statement.clone() })
}

fn no_order() -> Problem {
    Problem::not_found("the order is not on the ledger in this year")
}
