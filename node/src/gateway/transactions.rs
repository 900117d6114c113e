//! Submitting transactions, waiting for them, and their receipts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::ids::TransactionId;
use keis_ledger::list::ListProof;
use keis_ledger::receipt::Receipt;
use keis_ledger::rejection::Rejection;
use keis_ledger::transaction::RawTransaction;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::http::{HeaderValue, StatusCode, header};

use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::{Problem, rejection_json};
use super::{Context, schema, writing};
use crate::mempool::{Admitted, Origin, Refused, Status};

/// Longest wait that a client may ask for.
pub(super) const LONGEST_WAIT_SECONDS: u64 = 30;

/// Where a transaction stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Transaction {
    /// The transaction.
    #[schema(value_type = String, example = "tx_00ff…")]
    id: TransactionId,
    /// How far it is.
    status: Stage,
    /// Its receipt, once it is included. The block is decided, and durable on this node.
    #[schema(value_type = Option<schema::Receipt>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Header of its block, once it is included.
    #[schema(value_type = Option<schema::Header>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Header>,
    /// Why it was dropped: a code and its fields.
    #[schema(value_type = Option<schema::Rejection>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    rejection: Option<Value>,
    /// Height of the ledger at which it was dropped.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<Height>,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// It waits for a block; a promise of nothing.
    Waiting,
    /// It waits for an earlier transaction, or for its time.
    Parked,
    /// It took effect.
    Included,
    /// It had no effect; the same bytes may be sent again.
    Dropped,
}

/// A receipt with what verifies it.
#[derive(Serialize, ToSchema)]
pub(super) struct Located {
    /// The public part.
    #[schema(value_type = schema::Receipt)]
    receipt: Receipt,
    /// Header of its block.
    #[schema(value_type = schema::Header)]
    header: Header,
    /// Whether the network's clock is a stepped one.
    simulated: bool,
    /// Way from the receipt to the header's `receipts_root`, when asked for.
    #[schema(value_type = Option<schema::ListProof>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<ListProof>,
    /// Votes that decided the block, when asked for.
    #[schema(value_type = Option<schema::Certificate>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate>,
}

/// Offers a transaction; with `wait`, answers when its fate is known. The same bytes get the same answer.
#[utoipa::path(post, path = "/v1/transactions", tag = "transactions",
    params(("wait" = Option<u64>, Query, description = "Seconds to wait for the outcome, at most 30")),
    request_body(description = "The raw transaction, at most 64 KiB; or the same as JSON, which the node encodes into those very bytes",
        content((Vec<u8> = "application/octet-stream"), (schema::SignedTransaction = "application/json"))),
    responses(
        (status = 200, description = "Its fate is known", body = Transaction),
        (status = 202, description = "Taken in; it waits for a block", body = Transaction),
        (status = 400, description = "Not a transaction", body = schema::Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = schema::Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "It has no effect: the ledger's code and fields", body = schema::Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "Too much of this signer waits", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "The mempool or the disk is full", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn submit(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["wait"])?;
    let wait = wait(&call)?;
    context.has_room()?;
    let raw = if call.has_body_of("application/json") {
        let body = call.body.clone();
        let encoded = context.work(move || writing::encode(&body)).await?;
        Bytes::from(encoded.map_err(|error| Problem::malformed(error.to_string()))?)
    } else {
        call.body.clone()
    };
    let (services, offered) = (context.services.clone(), raw.clone());
    let offer = move || {
        let admitted = services.mempool.submit(offered.to_vec(), Origin::Client);
        // Here, since a client that goes away takes the rest of this function with it.
        if admitted.is_ok_and(|admitted| admitted.fresh) {
            services.network.publish(&offered);
        }
        admitted
    };
    let offered = if context.services.mempool.is_brief(&raw) { offer() } else { context.work(offer).await? };
    let transaction = match offered {
        Ok(Admitted { id, .. }) => {
            let missing = || Problem::unavailable("outcome_unknown", "the transaction is no longer remembered here");
            outcome(&context, id, wait).await?.ok_or_else(missing)?
        }
        Err(Refused::Rejected(rejection)) => included(&context, &raw, &rejection).await?,
        Err(refused) => return Err(refusal(&refused)),
    };
    let mut response = answer(&transaction)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/transactions/{}", transaction.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What became of a transaction.
#[utoipa::path(get, path = "/v1/transactions/{id}", tag = "transactions",
    params(
        ("id" = String, Path, description = "The transaction"),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for the outcome, at most 30"),
    ),
    responses(
        (status = 200, description = "Its fate is known", body = Transaction),
        (status = 202, description = "It waits for a block", body = Transaction),
        (status = 400, description = "No such id can be", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not known here", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn look_up(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["wait"])?;
    let id = call.id()?;
    let transaction = outcome(&context, id, wait(&call)?).await?;
    answer(&transaction.ok_or_else(|| Problem::not_found("this node does not know the transaction"))?)
}

/// A receipt, verifiable offline with its proof and certificate.
#[utoipa::path(get, path = "/v1/receipts/{id}", tag = "transactions",
    params(
        ("id" = String, Path, description = "The transaction or clock step"),
        ("proof" = Option<u8>, Query, description = "1 adds inclusion proof and certificate"),
    ),
    responses(
        (status = 200, body = Located),
        (status = 400, description = "No such id can be", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "No receipt here", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn receipt(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["proof"])?;
    let id: TransactionId = call.id()?;
    let wants_proof = match call.parameter::<u8>("proof")? {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(Problem::malformed("`proof` is 0 or 1")),
    };
    let simulated = context.view().simulated;
    let read = context.read(move |archive| {
        let Some((height, index)) = archive.find(&id)? else { return Ok(None) };
        let Some(past) = archive.past(height)? else { return Ok(None) };
        let Some(full) = past.receipts.get(index as usize) else { return Ok(None) };
        let proof = if wants_proof { past.prove(index) } else { None };
        let certificate = if wants_proof { archive.certificate(height)? } else { None };
        let (receipt, header) = (full.receipt.clone(), past.header.clone());
        Ok::<_, crate::chain::ChainError>(Some(Located { receipt, header, simulated, proof, certificate }))
    });
    let located = read.await?.ok_or_else(|| Problem::not_found("this node holds no receipt of this id"))?;
    json(StatusCode::OK, Keep::Forever, &located)
}

fn wait(call: &Call) -> Result<Duration, Problem> {
    match call.parameter::<u64>("wait")?.unwrap_or(0) {
        seconds @ 0..=LONGEST_WAIT_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(Problem::malformed(format!("`wait` is at most {LONGEST_WAIT_SECONDS} seconds"))),
    }
}

/// Where a transaction stands, after waiting for its fate if it has none yet. `None` when nothing is known of it.
async fn outcome(context: &Context, id: TransactionId, wait: Duration) -> Result<Option<Transaction>, Problem> {
    // Subscribed before looking, so that no outcome falls in between.
    let fate = if wait.is_zero() { None } else { context.services.mempool.subscribe(id) };
    let now = standing(context, id).await?;
    let undecided = now.as_ref().is_some_and(|one| matches!(one.status, Stage::Waiting | Stage::Parked));
    let Some(fate) = fate.filter(|_| undecided) else { return Ok(now) };
    tokio::select! {
        _ = fate => standing(context, id).await,
        () = tokio::time::sleep(wait) => Ok(now),
        () = context.stopping.cancelled() => Ok(now),
    }
}

async fn standing(context: &Context, id: TransactionId) -> Result<Option<Transaction>, Problem> {
    let plain = |status| Transaction { id, status, receipt: None, header: None, rejection: None, height: None };
    let status = context.services.mempool.status(&id);
    let dropped = match status {
        Some(Status::Waiting) => return Ok(Some(plain(Stage::Waiting))),
        Some(Status::Parked) => return Ok(Some(plain(Stage::Parked))),
        Some(Status::Dropped { rejection, height }) => {
            let rejection = Some(rejection_json(&rejection));
            Some(Transaction { rejection, height: Some(height), ..plain(Stage::Dropped) })
        }
        None => None,
    };
    // Another node may have had it included after this one dropped it.
    let located = context.read(move |archive| archive.receipt(&id)).await?;
    let included = located.map(|located| {
        let (receipt, header) = (Some(located.full.receipt), Some(located.header));
        Transaction { receipt, header, ..plain(Stage::Included) }
    });
    Ok(included.or(dropped))
}

/// A transaction that can take effect no more may be one that has.
async fn included(context: &Context, raw: &Bytes, rejection: &Rejection) -> Result<Transaction, Problem> {
    let network = context.view().tip.network;
    let signed = RawTransaction(raw.to_vec()).parse(&network);
    let id = signed.map_err(|error| Problem::malformed(error.to_string()))?.id();
    let standing = standing(context, id).await?.filter(|one| one.status == Stage::Included);
    standing.ok_or_else(|| Problem::rejected(rejection))
}

fn answer(transaction: &Transaction) -> Answer {
    let status = match transaction.status {
        Stage::Waiting | Stage::Parked => StatusCode::ACCEPTED,
        Stage::Included | Stage::Dropped => StatusCode::OK,
    };
    json(status, Keep::Not, transaction)
}

fn refusal(refused: &Refused) -> Problem {
    match refused {
        Refused::Malformed(error) => Problem::malformed(error.to_string()),
        Refused::Signature => {
            Problem::refused("signature_wrong", "the signature is not the signer's, or is for another network")
        }
        Refused::Rejected(rejection) => Problem::rejected(rejection),
        Refused::DocumentMissing(document) => {
            let detail = "the node does not hold the document that the terms name; post it first";
            Problem::refused("document_missing", detail).with("document", Value::String(document.to_string()))
        }
        Refused::Full => Problem::unavailable("mempool_full", "the node holds as much as it can; send it again later"),
        Refused::SenderFull => Problem::sender_full(),
    }
}
