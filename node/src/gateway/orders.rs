//! The public part of an order, and of all that took effect in a block. Neither names a pupil.

use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, SchoolId, ServiceId, SessionId, StatementId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{LineState, Order, OrderState};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use super::years::missing;

/// What everybody may know of an order.
#[derive(Serialize, ToSchema)]
pub(super) struct PublicOrder {
    /// The order.
    #[schema(value_type = String)]
    order: OrderId,
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// Where it stands.
    #[schema(value_type = String, example = "confirmed")]
    state: OrderState,
    /// The school.
    #[schema(value_type = String)]
    school: SchoolId,
    /// The provider.
    #[schema(value_type = String)]
    provider: ProviderId,
    /// The service.
    #[schema(value_type = String)]
    service: ServiceId,
    /// The service's version at request.
    version: u32,
    /// The session.
    #[schema(value_type = String)]
    session: SessionId,
    /// Price a pupil, in cents.
    #[schema(value_type = u64)]
    price: Cents,
    /// Pupils who take part, or took part.
    pupils: usize,
    /// What the provider has earned, by source.
    #[schema(value_type = schema::Amounts)]
    due: Amounts,
    /// Statement of the state's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    programme_statement: Option<StatementId>,
    /// Statement of the school's part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    school_statement: Option<StatementId>,
}

/// Everything that took effect in a block.
#[derive(Serialize, ToSchema)]
pub(super) struct BlockReceipts {
    /// Height of the block.
    #[schema(value_type = u64)]
    height: Height,
    /// Public parts, in the block's order.
    #[schema(value_type = Vec<schema::Receipt>)]
    receipts: Vec<Receipt>,
}

/// The public part of an order.
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "money",
    params(
        ("id" = String, Path, description = "The order"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = PublicOrder),
        (status = 400, description = "No order's id, or no year", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn order(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let id: OrderId = call.id()?;
    let key = (call.year()?, id);
    let view = context.view();
    let order = view.tip.state.get::<Order>(key);
    let none = || missing(&view.tip.state, key.0, "the order is not on the ledger in this year");
    let order = order.ok_or_else(none)?;
    json(StatusCode::OK, Keep::Moving, &PublicOrder::of(key, view.height(), order))
}

impl PublicOrder {
    fn of((year, id): (Year, OrderId), height: Height, order: &Order) -> Self {
        let due = order.lines.iter().try_fold(Amounts::ZERO, |sum, line| sum.checked_add(&line.due));
        Self {
            order: id,
            year,
            height,
            state: order.state,
            school: order.school,
            provider: order.provider,
            service: order.service,
            version: order.version,
            session: order.session,
            price: order.price,
            pupils: order.lines.iter().filter(|line| line.state != LineState::Dropped).count(),
            due: due.expect("a part of what was minted fits where the sum does"),
            programme_statement: order.programme_statement,
            school_statement: order.school_statement,
        }
    }
}

/// Everything that took effect in a block.
#[utoipa::path(get, path = "/v1/blocks/{height}/receipts", tag = "chain",
    params(("height" = u64, Path, description = "Number of the block, from 1")),
    responses(
        (status = 200, body = BlockReceipts),
        (status = 400, description = "No height", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn block_receipts(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let height = Height(call.id()?);
    let full = context.read(move |archive| archive.receipts(height)).await?;
    let full = full.ok_or_else(|| Problem::not_found(format!("there is no block {height} here yet")))?;
    let receipts = full.into_iter().map(|full| full.receipt).collect();
    json(StatusCode::OK, Keep::Forever, &BlockReceipts { height, receipts })
}
