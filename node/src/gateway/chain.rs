//! Headers, certificates and parameters.

use std::sync::Arc;

use keis_ledger::chain::{Certificate, Header, Height, Validator};
use keis_ledger::classifiers::Year;
use keis_ledger::parameters::{NetworkParameters, ProgrammeParameters};
use keis_ledger::record::{RecordKey, Sealed, YearRecord, YearState};
use keis_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::Problem;
use super::schema;

/// Most headers in one answer.
pub(super) const MOST_HEADERS: u64 = 100;

/// Headers of consecutive blocks.
#[derive(Serialize, ToSchema)]
pub(super) struct Headers {
    /// Ascending by height.
    #[schema(value_type = Vec<schema::Header>)]
    headers: Vec<Header>,
    /// Height to ask from next; absent at the tip.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Height>,
}

/// The rules' parameters.
#[derive(Serialize, ToSchema)]
pub(super) struct Parameters {
    /// Height at which they were read.
    #[schema(value_type = u64)]
    height: Height,
    /// Of the network.
    #[schema(value_type = schema::NetworkParameters)]
    network: NetworkParameters,
    /// Who decides the next block.
    #[schema(value_type = Vec<schema::Validator>)]
    validators: Vec<Validator>,
    /// Of each programme year, ascending.
    years: Vec<YearParameters>,
    /// Years that are sealed and have no parameters any more, ascending.
    #[schema(value_type = Vec<u16>)]
    sealed: Vec<Year>,
}

/// A programme year's parameters.
#[derive(Serialize, ToSchema)]
pub(super) struct YearParameters {
    /// The year.
    #[schema(value_type = u16)]
    year: Year,
    /// Open or ended.
    #[schema(value_type = String, example = "open")]
    state: YearState,
    /// Its rules.
    #[schema(value_type = schema::ProgrammeParameters)]
    parameters: ProgrammeParameters,
}

/// The header of a block.
#[utoipa::path(get, path = "/v1/headers/{height}", tag = "chain",
    params(("height" = u64, Path, description = "Number of the block, from 1")),
    responses(
        (status = 200, body = schema::Header),
        (status = 400, description = "No height", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn header(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let height = Height(call.id()?);
    let header = context.read(move |archive| archive.header(height)).await?;
    let header = header.ok_or_else(|| no_block(height))?;
    json(StatusCode::OK, Keep::Forever, &header)
}

/// Headers of consecutive blocks.
#[utoipa::path(get, path = "/v1/headers", tag = "chain",
    params(
        ("from" = Option<u64>, Query, description = "First height; 1 if absent"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 100; 20 if absent"),
    ),
    responses(
        (status = 200, body = Headers),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn headers(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["from", "limit"])?;
    let from: u64 = call.parameter("from")?.unwrap_or(1);
    let limit: u64 = call.parameter("limit")?.unwrap_or(20);
    if from == 0 || limit == 0 || limit > MOST_HEADERS {
        return Err(Problem::malformed(format!("`from` is at least 1 and `limit` 1 to {MOST_HEADERS}")));
    }
    let tip = context.view().height();
    let until = tip.0.min(from.saturating_add(limit - 1));
    let read = context.read(move |archive| (from..=until).map(|height| archive.header(Height(height))).collect());
    let headers: Vec<Option<Header>> = read.await?;
    let next = (until < tip.0 && from <= until).then(|| Height(until + 1));
    json(StatusCode::OK, Keep::Moving, &Headers { headers: headers.into_iter().flatten().collect(), next })
}

/// The votes that decided a block, as this node holds them; other nodes may hold others.
#[utoipa::path(get, path = "/v1/certificates/{height}", tag = "chain",
    params(("height" = u64, Path, description = "Number of the block, from 1")),
    responses(
        (status = 200, body = schema::Certificate),
        (status = 400, description = "No height", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn certificate(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let height = Height(call.id()?);
    let certificate: Option<Certificate> = context.read(move |archive| archive.certificate(height)).await?;
    json(StatusCode::OK, Keep::Forever, &certificate.ok_or_else(|| no_block(height))?)
}

/// Parameters of the network and of every programme year.
#[utoipa::path(get, path = "/v1/parameters", tag = "chain", responses((status = 200, body = Parameters)))]
pub(super) async fn parameters(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let view = context.view();
    let record = view.tip.network_record();
    let year = |year| {
        let record = view.tip.state.get::<YearRecord>(year)?;
        Some(YearParameters { year, state: record.state, parameters: record.parameters.clone() })
    };
    let years = years(&view.tip.state);
    let sealed = years.iter().copied().filter(|year| view.tip.state.get::<Sealed>(*year).is_some()).collect();
    let parameters = Parameters {
        height: view.height(),
        network: record.parameters.clone(),
        validators: record.validators.as_slice().to_vec(),
        years: years.into_iter().filter_map(year).collect(),
        sealed,
    };
    json(StatusCode::OK, Keep::Moving, &parameters)
}

/// The years on the ledger, ascending; one look at the tree for each.
fn years(state: &State) -> Vec<Year> {
    let first_from = |from: Year| state.records_from(&RecordKey::year_start(from)).next().map(|(place, _)| *place);
    let mut years = Vec::new();
    let mut from = Year(1);
    while let Some(place) = first_from(from) {
        let year = Year(u16::from_be_bytes([place.0[0], place.0[1]]));
        // Known ids and the due queue stand behind all years.
        if year.0 >= u16::MAX - 1 {
            break;
        }
        years.push(year);
        from = Year(year.0 + 1);
    }
    years
}

fn no_block(height: Height) -> Problem {
    Problem::not_found(format!("no block of height {height} is on this node"))
}
