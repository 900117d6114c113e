//! A year's orders and statements as a whole, for officers and auditors.

use std::sync::Arc;

use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::lines::{OrderView, StatementView};
use super::page::{Page, Part};
use super::schema;
use super::years::readable;
use crate::view::View;

/// Every order of a year, or those in one state, such as the disputed ones; in the order of their ids.
#[utoipa::path(get, path = "/v1/orders", tag = "owners", security(("signature" = [])),
    params(
        ("year" = u16, Query, description = "Programme year"),
        ("state" = Option<String>, Query, description = "Where they stand, such as `disputed`"),
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
pub(super) async fn orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (year, state, part) = (call.year()?, call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.officer()?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.orders(year).copied();
        part.page(view.height(), ids, |order| OrderView::sized(view, year, order, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Every statement of a year, or those in one state; in the order of their ids.
#[utoipa::path(get, path = "/v1/statements", tag = "owners", security(("signature" = [])),
    params(
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
pub(super) async fn statements(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "state", "cursor", "limit"])?;
    let (year, state, part) = (call.year()?, call.word("state")?, Part::of(&call)?);
    let reader = context.reader(&call).await?;
    reader.officer()?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.statements(year).copied();
        part.page(view.height(), ids, |statement| StatementView::sized(view, year, statement, state))
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}
