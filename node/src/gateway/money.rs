//! The money equation of a year, and its orders by state.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::record::{OrderState, Sealed, Totals, YearRecord, YearState};
use keis_ledger::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use super::years::readable;
use crate::view::View;

/// Where a year's money is.
#[derive(Serialize, ToSchema)]
pub(super) struct Funds {
    /// The year.
    #[schema(value_type = u16)]
    year: Year,
    /// Open or ended.
    #[schema(value_type = String, example = "open")]
    state: YearState,
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// Time of that block, milliseconds since 1970.
    #[schema(value_type = u64)]
    time: Timestamp,
    /// The sums by source.
    money: Money,
    /// Whether all that was brought in is somewhere, for each source.
    balanced: bool,
    /// What is left of the year, once it is sealed; it has ended before.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<Seal>,
}

/// The one record that a sealed year leaves.
#[derive(Serialize, ToSchema)]
pub(super) struct Seal {
    /// Root over the records that it had.
    #[schema(value_type = String)]
    root: Hash,
    /// How many there were.
    records: u64,
    /// When it was sealed, milliseconds since 1970.
    #[schema(value_type = u64)]
    at: Timestamp,
}

/// Sums by source.
#[derive(Serialize, ToSchema)]
pub(super) struct Money {
    /// The state's money, in cents.
    #[schema(value_type = schema::Totals)]
    state: Totals,
    /// The schools' money, in cents.
    #[schema(value_type = schema::Totals)]
    school: Totals,
}

/// A year's orders by state.
#[derive(Serialize, ToSchema)]
pub(super) struct OrdersSummary {
    /// The year.
    #[schema(value_type = u16)]
    year: Year,
    /// Height at which they were counted.
    #[schema(value_type = u64)]
    height: Height,
    /// All of them.
    total: u64,
    /// By state; states without an order are absent.
    #[schema(value_type = BTreeMap<String, u64>)]
    orders: BTreeMap<OrderState, u64>,
}

/// A year's money by class and source: the money equation.
#[utoipa::path(get, path = "/v1/funds/{year}", tag = "money",
    params(("year" = u16, Path, description = "Programme year")),
    responses(
        (status = 200, body = Funds),
        (status = 400, description = "No year", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn funds(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let year = Year(call.id()?);
    let view = context.view();
    let (state, money, sealed) = standing(&view, year)?;
    let balanced = money.state.balances() && money.school.balances();
    let funds = Funds { year, state, height: view.height(), time: view.tip.time, money, balanced, sealed };
    json(StatusCode::OK, Keep::Moving, &funds)
}

/// A year's sums, which outlive its other records.
pub(super) fn standing(view: &View, year: Year) -> Result<(YearState, Money, Option<Seal>), Problem> {
    let ledger = &view.tip.state;
    if let Some(YearRecord { state, state_money, school_money, .. }) = ledger.get(year) {
        return Ok((*state, Money { state: *state_money, school: *school_money }, None));
    }
    let none = || Problem::not_found(format!("the year {year} is not on the ledger"));
    let Sealed { root, records, at, state_money, school_money } = *ledger.get(year).ok_or_else(none)?;
    let money = Money { state: state_money, school: school_money };
    Ok((YearState::Ended, money, Some(Seal { root, records, at })))
}

/// A year's orders, counted by state.
#[utoipa::path(get, path = "/v1/orders/summary/{year}", tag = "money",
    params(("year" = u16, Path, description = "Programme year")),
    responses(
        (status = 200, body = OrdersSummary),
        (status = 400, description = "No year", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn orders(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let year = Year(call.id()?);
    let view = context.view();
    readable(&view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let orders = content.tally(year).map(|tally| tally.states.clone()).unwrap_or_default();
        OrdersSummary { year, height: view.height(), total: orders.values().sum(), orders }
    };
    json(StatusCode::OK, Keep::Moving, &context.list(read).await?)
}
