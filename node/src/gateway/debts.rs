//! What a provider owes back, and what it has paid back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, ProviderId, SchoolId};
use keis_ledger::money::Cents;
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Receivable, Repayment};
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::page::{Page, Part};
use super::schema;
use super::years::readable;
use crate::view::View;

/// What a provider owes a buyer.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceivableView {
    /// To whom: `"programme"`, or `{"school": "sch_00ff…"}`.
    #[schema(value_type = Value)]
    buyer: Buyer,
    /// How much, in cents.
    #[schema(value_type = u64)]
    owed: Cents,
}

/// Money that a provider paid back.
#[derive(Serialize, ToSchema)]
pub(super) struct RepaymentView {
    /// Commitment to the bank's reference.
    #[schema(value_type = String, example = "com_00ff…")]
    reference: Commitment,
    /// The ledger's record.
    #[schema(value_type = schema::Repayment)]
    repayment: Repayment,
}

/// A buyer as a cursor names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Named(Buyer);

const PROGRAMME: &str = "programme";

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Buyer::Programme => f.write_str(PROGRAMME),
            Buyer::School(school) => school.fmt(f),
        }
    }
}

impl FromStr for Named {
    type Err = <SchoolId as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == PROGRAMME { Ok(Self(Buyer::Programme)) } else { text.parse().map(Buyer::School).map(Self) }
    }
}

/// What a provider owes for what was paid and reversed afterwards, buyer after buyer; those whom it owes nothing are absent.
#[utoipa::path(get, path = "/v1/providers/{id}/receivables", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<ReceivableView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn receivables(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let part: Part<Named> = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let buyers = content.buyers(year, id).map(|buyer| Named(*buyer));
        part.page(view.height(), buyers, |Named(buyer)| {
            let Receivable { owed } = *view.tip.state.get((year, id, buyer))?;
            (owed != Cents::ZERO).then_some((ReceivableView { buyer, owed }, 1))
        })
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// What a provider has paid back, in the order of the bank references' commitments.
#[utoipa::path(get, path = "/v1/providers/{id}/repayments", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<RepaymentView>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn repayments(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let part: Part<Commitment> = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        part.page(view.height(), content.repayments(year, id).copied(), |reference| {
            let repayment = *view.tip.state.get::<Repayment>((year, reference))?;
            Some((RepaymentView { reference, repayment }, 1))
        })
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}
