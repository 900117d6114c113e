//! Public descriptions.

use keis_ledger::ids::DocumentId;
use keis_node::documents::MAX_DOCUMENT;

use crate::support::{Stand, document};

const JSON: &str = "application/json";

#[tokio::test(flavor = "multi_thread")]
async fn document_comes_back_byte_for_byte() {
    let stand = Stand::start().await;
    let text = document(1);
    let taken = stand.post("/v1/documents", JSON, text.clone()).await;
    let id = DocumentId::of(text.as_bytes());
    let path = format!("/v1/documents/{id}");
    assert_eq!(taken.header("location"), path);
    assert_eq!(taken.is(201)["id"], id.to_string());
    assert_eq!(
        stand.post("/v1/documents", "application/json; charset=utf-8", text.clone()).await.is(201)["id"],
        id.to_string()
    );

    let held = stand.get(&path).await;
    assert_eq!((held.status, held.body.as_slice()), (200, text.as_bytes()));
    assert_eq!(held.header("content-type"), JSON);
    assert_eq!(held.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(held.header("x-content-type-options"), "nosniff");
    let tag = held.header("etag").to_owned();
    let request = stand.http.get(format!("{}{path}", stand.address)).header("if-none-match", &tag);
    let unchanged = stand.send(request).await;
    assert_eq!((unchanged.status, unchanged.body.len(), unchanged.header("etag")), (304, 0, tag.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_is_refused() {
    let stand = Stand::start().await;
    for text in ["", "[]", "{}", "{\"salt\":\"12\"}", "not json", "\u{0}"] {
        stand.post("/v1/documents", JSON, text).await.is_problem(422, "document_unsound");
    }
    stand.post("/v1/documents", "text/html", document(1)).await.is_problem(415, "unsupported_type");
    stand.post("/v1/documents", JSON, vec![b' '; MAX_DOCUMENT + 1]).await.is_problem(413, "too_large");
    stand.get(&format!("/v1/documents/{}", DocumentId([1; 32]))).await.is_problem(404, "not_found");
    stand.get("/v1/documents/1").await.is_problem(400, "malformed");
}
