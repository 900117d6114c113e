//! Whole blocks, for those who audit: they name pupils' wallets, and are for nobody else.

use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::codec;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, bytes};
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use crate::chain::{Archive, ChainError};

/// Bytes of blocks in one answer; one block may be longer.
const ANSWER_BYTES: usize = 2 << 20;
/// Most blocks in one answer.
const MOST_BLOCKS: usize = 1_000;

/// Consecutive blocks with the votes that decided them, from a height on; as many as fit an answer.
#[utoipa::path(get, path = "/v1/blocks", tag = "owners", security(("signature" = [])),
    params(("from" = u64, Query, description = "First height, from 1; behind the tip the list is empty")),
    responses(
        (status = 200, description = "The ledger's encoding of a list of (height, block, certificate), both as bytes",
            body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "No height", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "For officers and auditors", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "History begins later on this node", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn blocks(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["from"])?;
    let from: u64 = call.required("from")?;
    if from == 0 {
        return Err(Problem::malformed("heights begin at 1"));
    }
    context.reader(&call).await?.officer()?;
    let tip = context.view().height();
    let read = context.read(move |archive| several(archive, Height(from), tip)).await?;
    let entries = read.ok_or_else(|| Problem::not_found(format!("this node's history does not hold height {from}")))?;
    Ok(bytes(StatusCode::OK, Keep::Never, "application/octet-stream", codec::encode(&entries)))
}

type Entries = Vec<(Height, Vec<u8>, Vec<u8>)>;

/// Blocks from a height on; none when the first of them is not held here.
fn several(archive: &Archive, from: Height, tip: Height) -> Result<Option<Entries>, ChainError> {
    let mut entries = Entries::new();
    let (mut height, mut length) = (from, 0);
    while height <= tip && length < ANSWER_BYTES && entries.len() < MOST_BLOCKS {
        let (Some(block), Some(certificate)) = (archive.block_bytes(height)?, archive.certificate(height)?) else {
            return Ok((!entries.is_empty()).then_some(entries));
        };
        let certificate = codec::encode(&certificate);
        length += block.len() + certificate.len();
        entries.push((height, block, certificate));
        height = height.next();
    }
    Ok(Some(entries))
}
