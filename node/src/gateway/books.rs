//! The closing report of a period, for officers and auditors.
//!
//! [`Journal`] writes down what receipts say of settled money, [`Reading`] makes a report of it and one state. Both are pure,
//! so whoever has an export can reckon the same.

mod journal;
mod report;

use std::sync::Arc;

use keis_ledger::time::Timestamp;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use super::years::readable;
use crate::view::View;

pub use journal::{Journal, Posting, Taxation};
pub use report::{
    Check, Checked, MOST_ROWS, PaidBook, Period, Reading, ReceivableBook, Report, Row, SettlementBook, SourceBook,
    TooManyRows,
};

/// What was accepted and credited in a period, by provider, municipality of the school, taxation and buyer; the accounts of
/// settlement from the period's beginning to its end; and what was reckoned held against the ledger's own sums. A statement
/// belongs to the period in which it was accepted, a credit to that in which it took effect. At most 30,000 rows.
#[utoipa::path(get, path = "/v1/settlements/report", tag = "money", security(("signature" = [])),
    params(
        ("year" = u16, Query, description = "Programme year"),
        ("from" = Option<u64>, Query, description = "The period's first instant, milliseconds since 1970; from the beginning if absent"),
        ("to" = Option<u64>, Query, description = "The first instant behind the period; until now if absent"),
    ),
    responses(
        (status = 200, body = Report),
        (status = 400, description = "A wrong parameter, or too many rows", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It is for officers and auditors", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn report(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "from", "to"])?;
    let year = call.year()?;
    let instant = |name| call.parameter(name).map(|millis| millis.map(Timestamp));
    let (from, to) = (instant("from")?, instant("to")?);
    let period = Period { from: from.unwrap_or(Period::ALL.from), to: to.unwrap_or(Period::ALL.to) };
    if period.from >= period.to {
        return Err(Problem::malformed("`from` is before `to`"));
    }
    let reader = context.reader(&call).await?;
    reader.officer()?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let (height, time, state) = (view.height(), view.tip.time, &view.tip.state);
        let (journal, taxation) = (content.journal(year), &content.taxation);
        Reading { year, height, time, state, journal, taxation }.report(period)
    };
    let report = context.list(read).await?.map_err(|error| Problem::malformed(error.to_string()))?;
    json(StatusCode::OK, Keep::Never, &report)
}
