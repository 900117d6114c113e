//! What is verified without this node: public records under the state's root, changes of the validators, lines of receipts.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::chain::{Certificate, Header, Height, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::crypto::{Domain, Hash, hash};
use keis_ledger::ids::TransactionId;
use keis_ledger::list::{self, ListProof};
use keis_ledger::receipt::{FullReceipt, ReceiptLine};
use keis_ledger::record::{Entity, Network, Sealed, Service, Session, YearRecord};
use keis_ledger::tree::Proof;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use crate::chain::{self, ChainError};

/// Most changes of the validators in one answer; one of a hundred validators has some forty kilobytes.
const MOST_HANDOVERS: usize = 100;

/// A record, or its absence, with what proves it.
#[derive(Serialize, ToSchema)]
pub(super) struct ProvenRecord {
    /// The record's encoding in hexadecimal; null when the ledger holds no such record.
    record: Option<String>,
    /// Way from the record's leaf to the header's `state_root`.
    #[schema(value_type = schema::TreeProof)]
    proof: Proof,
    /// Header of the block after which it stood so.
    #[schema(value_type = schema::Header)]
    header: Header,
    /// Votes that decided the block.
    #[schema(value_type = schema::Certificate)]
    certificate: Certificate,
}

/// A block after which other validators decide.
#[derive(Serialize, ToSchema)]
pub(super) struct Handover {
    /// Its header; `next_validators` is the hash of the set below.
    #[schema(value_type = schema::Header)]
    header: Header,
    /// Votes that decided it.
    #[schema(value_type = schema::Certificate)]
    certificate: Certificate,
    /// Who decides from the next height on.
    #[schema(value_type = Vec<schema::Validator>)]
    validators: ValidatorSet,
}

/// Changes of the validators.
#[derive(Serialize, ToSchema)]
pub(super) struct Handovers {
    /// Ascending by height.
    handovers: Vec<Handover>,
    /// Height to ask from next; absent when these are all.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Height>,
}

/// A pupil's part of a receipt, with what shows it.
#[derive(Serialize, ToSchema)]
pub(super) struct ProvenLine {
    /// The pupil and the money moved.
    #[schema(value_type = schema::ReceiptLine)]
    line: ReceiptLine,
    /// Blind of the line's leaf.
    #[schema(value_type = String)]
    blind: Hash,
    /// Way from the leaf to the receipt's `lines_root`.
    #[schema(value_type = schema::ListProof)]
    proof: ListProof,
}

/// Lines of a receipt that its reader may see.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptLines {
    /// The receipt.
    #[schema(value_type = String, example = "tx_00ff…")]
    id: TransactionId,
    /// In their order.
    lines: Vec<ProvenLine>,
}

/// Proof of the network's parameters and validators, as they stand.
#[utoipa::path(get, path = "/v1/proofs/parameters", tag = "chain",
    responses(
        (status = 200, body = ProvenRecord),
        (status = 503, description = "There is no block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn parameters(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    prove::<Network>(&context, ()).await
}

/// Proof of a year's rules and money, or that the ledger has no such year.
#[utoipa::path(get, path = "/v1/proofs/years/{year}", tag = "money",
    params(("year" = u16, Path, description = "Programme year")),
    responses(
        (status = 200, body = ProvenRecord),
        (status = 400, description = "No year", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "There is no block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn year(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    prove::<YearRecord>(&context, Year(call.id()?)).await
}

/// Proof of what is left of a sealed year, or that it is not sealed.
#[utoipa::path(get, path = "/v1/proofs/sealed/{year}", tag = "money",
    params(("year" = u16, Path, description = "Programme year")),
    responses(
        (status = 200, body = ProvenRecord),
        (status = 400, description = "No year", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "There is no block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn sealed(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    prove::<Sealed>(&context, Year(call.id()?)).await
}

/// Proof of a service in its current version, or that the ledger has no such service.
#[utoipa::path(get, path = "/v1/proofs/services/{id}", tag = "catalogue",
    params(("id" = String, Path, description = "The service")),
    responses(
        (status = 200, body = ProvenRecord),
        (status = 400, description = "No service's id", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "There is no block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn service(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    prove::<Service>(&context, call.id()?).await
}

/// Proof of a session, or that the ledger has no such session in the year.
#[utoipa::path(get, path = "/v1/proofs/sessions/{id}", tag = "catalogue",
    params(
        ("id" = String, Path, description = "The session"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = ProvenRecord),
        (status = 400, description = "No session's id, or no year", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "There is no block yet", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn session(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    prove::<Session>(&context, (call.year()?, call.id()?)).await
}

async fn prove<E: Entity>(context: &Context, id: E::Key) -> Answer {
    let view = context.view();
    let header = view.header.clone().ok_or_else(|| Problem::unavailable("no_block", "there is no block yet"))?;
    let (height, key) = (header.height, E::key(id));
    let record = view.tip.state.get::<E>(id).map(|entity| hex::encode(codec::encode(&entity.clone().into_record())));
    let proof = view.tip.state.prove(&key);
    let certificate = context.read(move |archive| archive.certificate(height)).await?;
    let certificate = certificate.ok_or_else(|| history_begins_later(height))?;
    json(StatusCode::OK, Keep::Moving, &ProvenRecord { record, proof, header, certificate })
}

/// Every change of the validators up to a height, each signed for by those before it: with the founding document they tell
/// who decides the next block.
#[utoipa::path(get, path = "/v1/handovers", tag = "chain",
    params(
        ("from" = Option<u64>, Query, description = "First height; 1 if absent"),
        ("until" = Option<u64>, Query, description = "Last height; the tip if absent"),
    ),
    responses(
        (status = 200, body = Handovers),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "History begins later on this node", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn handovers(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["from", "until"])?;
    let tip = context.view().height();
    let from = Height(call.parameter("from")?.unwrap_or(1));
    let until = Height(call.parameter("until")?.unwrap_or(tip.0)).min(tip);
    context.index.reached(until).await?;
    // Those that the node was given when it joined, also below the first block that it holds.
    let held =
        context.read(move |archive| Ok::<_, ChainError>(archive.handovers_above(Height(from.0.saturating_sub(1)))));
    let held = held.await?.into_iter().map(|change| (change.header.height, change));
    let mut held: BTreeMap<Height, chain::Handover> = held.filter(|(height, _)| *height <= until).collect();
    let seen: BTreeMap<Height, Option<ValidatorSet>> =
        context.index.with(|content| content.handovers(from, until).collect());
    let mut heights: Vec<Height> = held.keys().chain(seen.keys()).copied().collect();
    heights.sort_unstable();
    heights.dedup();
    let next = heights.get(MOST_HANDOVERS).copied();
    let mut handovers = Vec::new();
    for height in heights.into_iter().take(MOST_HANDOVERS) {
        handovers.push(match held.remove(&height) {
            Some(chain::Handover { header, certificate, validators }) => Handover { header, certificate, validators },
            None => in_history(&context, height, seen.get(&height).cloned().flatten()).await?,
        });
    }
    json(StatusCode::OK, Keep::Moving, &Handovers { handovers, next })
}

/// A change of the validators in the blocks that this node holds.
async fn in_history(context: &Context, height: Height, validators: Option<ValidatorSet>) -> Result<Handover, Problem> {
    let read = context.read(move |archive| {
        let (header, certificate) = (archive.header(height)?, archive.certificate(height)?);
        Ok::<_, ChainError>(header.zip(certificate))
    });
    let found = read.await?.zip(validators).ok_or_else(|| history_begins_later(height))?;
    let ((header, certificate), validators) = found;
    Ok(Handover { header, certificate, validators })
}

/// Lines of a receipt with their proofs, for its sides; a pupil sees the own line, a school in a receipt of several those
/// of its pupils.
#[utoipa::path(get, path = "/v1/receipts/{id}/lines", tag = "owners", security(("signature" = [])),
    params(("id" = String, Path, description = "The transaction or clock step")),
    responses(
        (status = 200, body = ReceiptLines),
        (status = 400, description = "No such id can be", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "No line of it is the reader's", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "No receipt here", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn lines(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let id: TransactionId = call.id()?;
    let reader = context.reader(&call).await?;
    let located = context.read(move |archive| archive.receipt(&id)).await?;
    let full = located.ok_or_else(|| Problem::not_found("this node holds no receipt of this id"))?.full;
    let seen: Vec<bool> = full.lines.iter().map(|line| reader.sees_line(&full.receipt.subject, line)).collect();
    if !seen.contains(&true) && !reader.sees_receipt(&full.receipt.subject) {
        return Err(Problem::not_yours("only the sides of the receipt, officers and auditors may read its lines"));
    }
    let lines = context.work(move || proven_lines(&full, &seen)).await?;
    json(StatusCode::OK, Keep::Never, &ReceiptLines { id, lines })
}

fn proven_lines(full: &FullReceipt, seen: &[bool]) -> Vec<ProvenLine> {
    let FullReceipt { receipt, lines, seed } = full;
    let leaves: Vec<Hash> = (0..).zip(lines).map(|(index, line)| line.leaf(seed, &receipt.id, index)).collect();
    let proven = (0u32..).zip(lines).enumerate().filter(|(place, _)| seen[*place]);
    proven
        .filter_map(|(place, (index, line))| {
            let blind = hash(Domain::Blind, &[&seed.0, &receipt.id.0, &index.to_be_bytes()]);
            Some(ProvenLine { line: line.clone(), blind, proof: list::prove(&leaves, place)? })
        })
        .collect()
}

fn history_begins_later(height: Height) -> Problem {
    Problem::not_found(format!("this node does not hold the history of height {height}; ask another one"))
}
