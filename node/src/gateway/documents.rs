//! Public descriptions, by the hash that the ledger names.

use std::sync::Arc;

use keis_ledger::ids::DocumentId;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::{HeaderValue, StatusCode, header};

use super::Context;
use super::call::{Answer, Call, bytes, json};
use super::keep::Keep;
use super::problem::Problem;
use super::schema;
use crate::documents::{DocumentError, MAX_DOCUMENT};

/// Longest document.
pub(super) const LIMIT: usize = MAX_DOCUMENT;

/// A document that was taken in.
#[derive(Serialize, ToSchema)]
pub(super) struct Document {
    /// What a transaction names it by.
    #[schema(value_type = String, example = "doc_00ff…")]
    id: DocumentId,
}

/// Takes a document in, to be named by a transaction soon.
#[utoipa::path(post, path = "/v1/documents", tag = "documents",
    request_body(content = schema::Described, content_type = "application/json",
        description = "A JSON object of at most 32 KiB with a field `salt` of 64 hexadecimal digits; kept byte for byte"),
    responses(
        (status = 201, body = Document),
        (status = 400, description = "An unknown parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = schema::Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a document", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn put(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let (services, body) = (context.services.clone(), call.body.clone());
    let taken =
        context.work(move || services.documents.put(&body).inspect(|id| services.network.publish_document(*id)));
    let id = taken.await?.map_err(|error| problem(&error))?;
    let mut response = json(StatusCode::CREATED, Keep::Not, &Document { id })?;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/documents/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A document, byte for byte.
#[utoipa::path(get, path = "/v1/documents/{id}", tag = "documents",
    params(("id" = String, Path, description = "The document")),
    responses(
        (status = 200, description = "The document", body = Object),
        (status = 304, description = "The client holds it"),
        (status = 400, description = "No such id can be", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not held here", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn get(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let id: DocumentId = call.id()?;
    let documents = context.services.documents.clone();
    let held = context.work(move || documents.get(&id)).await?.map_err(|error| problem(&error))?;
    let held = held.ok_or_else(|| Problem::not_found("this node does not hold the document"))?;
    Ok(bytes(StatusCode::OK, Keep::Forever, "application/json", held))
}

fn problem(error: &DocumentError) -> Problem {
    match error {
        DocumentError::TooLong { .. } => Problem::too_large(LIMIT),
        DocumentError::NotAnObject | DocumentError::Salt => Problem::refused("document_unsound", error.to_string()),
        DocumentError::Store(_) => Problem::internal(error),
    }
}
