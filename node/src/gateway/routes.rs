//! The table of routes. A test compares it with the OpenAPI document, both ways.

use std::convert::Infallible;
use std::sync::Arc;

use keis_ledger::codec::MAX_TRANSACTION;
use warp::reject::{InvalidHeader, InvalidQuery};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::call::{Bodies, Route, get, own, post};
use super::kept::Kept;
use super::problem::Problem;
use super::server::Door;
use super::share::Entry;
use super::{
    Context, Limits, blocks, books, catalogue, chain, debts, decisions, documents, events, handbook, invoices, lines,
    money, orders, overview, proofs, statistics, system, transactions, wallets, writing,
};

const JSON: &str = "application/json";
const TRANSACTIONS: Bodies = &[("application/octet-stream", MAX_TRANSACTION), (JSON, writing::LIMIT)];
const COMPOSITIONS: Bodies = &[(JSON, writing::LIMIT)];
const DOCUMENTS: Bodies = &[(JSON, documents::LIMIT)];
const STEPS: Bodies = &[(JSON, 1024)];

/// Every route.
fn table(context: &Arc<Context>) -> Vec<Route> {
    let it = context;
    vec![
        post(it, "/v1/transactions", TRANSACTIONS, transactions::submit),
        post(it, "/v1/compose", COMPOSITIONS, writing::compose),
        get(it, "/v1/transactions/{id}", transactions::look_up),
        get(it, "/v1/receipts/{id}", transactions::receipt),
        own(it, "/v1/receipts/{id}/lines", proofs::lines),
        get(it, "/v1/status", system::status),
        get(it, "/v1/headers", chain::headers),
        get(it, "/v1/headers/{height}", chain::header),
        get(it, "/v1/certificates/{height}", chain::certificate),
        get(it, "/v1/handovers", proofs::handovers),
        get(it, "/v1/parameters", chain::parameters),
        get(it, "/v1/proofs/parameters", proofs::parameters),
        get(it, "/v1/proofs/years/{year}", proofs::year),
        get(it, "/v1/proofs/sealed/{year}", proofs::sealed),
        get(it, "/v1/proofs/services/{id}", proofs::service),
        get(it, "/v1/proofs/sessions/{id}", proofs::session),
        get(it, "/v1/funds/{year}", money::funds),
        get(it, "/v1/orders/summary/{year}", money::orders),
        get(it, "/v1/statistics/{year}", statistics::year),
        own(it, "/v1/orders", overview::orders),
        get(it, "/v1/orders/{id}", orders::order),
        own(it, "/v1/blocks", blocks::blocks),
        get(it, "/v1/blocks/{height}/receipts", orders::block_receipts),
        get(it, "/v1/services", catalogue::services),
        get(it, "/v1/services/{id}", catalogue::service),
        get(it, "/v1/services/{id}/sessions", catalogue::sessions),
        get(it, "/v1/sessions/{id}", catalogue::session),
        get(it, "/v1/events", events::events),
        own(it, "/v1/keys/{key}", wallets::key),
        own(it, "/v1/schools/{id}", wallets::school),
        own(it, "/v1/schools/{id}/pupils", wallets::school_pupils),
        own(it, "/v1/schools/{id}/orders", lines::school_orders),
        own(it, "/v1/schools/{id}/statements", lines::school_statements),
        own(it, "/v1/pupils", wallets::pupils),
        own(it, "/v1/pupils/{id}", wallets::pupil),
        own(it, "/v1/providers/{id}", wallets::provider),
        own(it, "/v1/providers/{id}/orders", lines::provider_orders),
        own(it, "/v1/providers/{id}/sessions", lines::provider_sessions),
        own(it, "/v1/providers/{id}/statements", lines::provider_statements),
        own(it, "/v1/orders/{id}/lines", lines::order),
        own(it, "/v1/orders/{id}/history", lines::history),
        own(it, "/v1/providers/{id}/receivables", debts::receivables),
        own(it, "/v1/providers/{id}/repayments", debts::repayments),
        own(it, "/v1/settlements/report", books::report),
        own(it, "/v1/statements", overview::statements),
        own(it, "/v1/statements/{id}", lines::statement),
        own(it, "/v1/settlements/{id}/invoice", invoices::invoice),
        get(it, "/v1/decisions", decisions::decisions),
        get(it, "/v1/decisions/{id}", decisions::decision),
        own(it, "/v1/decisions/{id}/measure", decisions::measure),
        post(it, "/v1/documents", DOCUMENTS, documents::put),
        get(it, "/v1/documents/{id}", documents::get),
        post(it, "/v1/clock", STEPS, system::step),
        get(it, "/v1/openapi.json", system::openapi),
        get(it, "/docs", handbook::page),
        own(it, "/health/live", system::live),
        own(it, "/health/ready", system::ready),
        own(it, "/metrics", system::metrics),
    ]
}

/// What a gateway's connections lead to.
pub(super) fn door(context: &Arc<Context>, limits: Limits) -> Door {
    let entries = table(context).into_iter().map(|route| {
        let Route { method, template, is_shared, filter } = route;
        Entry { method, template, is_shared, filter: filter.recover(fall_through).unify().boxed() }
    });
    Door { entries: entries.collect(), context: context.clone(), kept: Kept::default(), limits }
}

/// A route did not take the request.
async fn fall_through(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = if rejection.find::<InvalidQuery>().is_some() {
        Problem::malformed("the query cannot be read")
    } else if rejection.find::<InvalidHeader>().is_some() {
        Problem::malformed("a header cannot be read")
    } else {
        Problem::nothing_here()
    };
    Ok(problem.into_response())
}
