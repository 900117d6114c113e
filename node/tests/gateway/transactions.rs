//! Submitting, waiting, receipts.

use std::time::Duration;

use keis_ledger::classifiers::ArtField;
use keis_ledger::codec::MAX_TRANSACTION;
use keis_ledger::ids::{DocumentId, ServiceId};
use keis_ledger::operation::{CatalogueOperation, FundsOperation, Operation, WalletOperation};
use keis_node::gateway::Limits;
use keis_node::mempool;
use serde_json::json;

use crate::support::{BUDGET_HOLDER, OPERATOR, SCHOOL, SERVICE, Stand, YEAR, assert_no_pupil, terms};

fn suspend_unknown() -> Operation {
    Operation::Catalogue(CatalogueOperation::Suspend { service: ServiceId([99; 16]) })
}

fn end_year() -> Operation {
    Operation::Funds(FundsOperation::EndYear { year: YEAR })
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_is_taken_waits_and_is_included() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let suspend = WalletOperation::Suspend { party: keis_ledger::operation::Party::School(SCHOOL) };
    let transaction = stand.signed(OPERATOR, None, Operation::Wallet(suspend));
    let path = format!("/v1/transactions/{}", transaction.id());

    let taken = stand.submit(&transaction).await;
    assert_eq!(taken.header("location"), path);
    let body = taken.is(202);
    assert_eq!(body, json!({ "id": transaction.id(), "status": "waiting" }));
    assert_eq!(stand.submit(&transaction).await.is(202), body, "the same bytes get the same answer");
    assert_eq!(stand.get(&path).await.is(202), body);

    let height = stand.block().await;
    let included = stand.get(&path).await.is(200);
    assert_eq!(included["status"], "included");
    assert_eq!(included["receipt"]["kind"], "wallet_suspended");
    assert_eq!(included["receipt"]["height"], height.0);
    assert_eq!(included["header"]["height"], height.0);
    let again = stand.submit(&transaction).await;
    assert_eq!(again.header("location"), path);
    assert_eq!(again.is(200), included, "sent again, it answers with its receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_ends_with_the_block() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let transaction = stand.signed(
        OPERATOR,
        None,
        Operation::Wallet(WalletOperation::Suspend { party: keis_ledger::operation::Party::School(SCHOOL) }),
    );
    let request = stand
        .http
        .post(format!("{}/v1/transactions?wait=30", stand.address))
        .header("content-type", "application/octet-stream")
        .body(transaction.raw().to_vec());
    let waiting = tokio::spawn(request.send());
    while stand.get(&format!("/v1/transactions/{}", transaction.id())).await.status != 202 {}
    stand.block().await;
    let response = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["status"], "included");
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_without_end_answers_what_is_known() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let transaction = stand.signed(OPERATOR, None, suspend_unknown());
    stand.submit(&transaction).await.is(202);
    let answer = stand.get(&format!("/v1/transactions/{}?wait=1", transaction.id())).await.is(202);
    assert_eq!(answer["status"], "parked", "an earlier transaction may still come");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejection_is_a_problem_with_the_ledgers_code_and_fields() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let too_early = stand.submit(&stand.signed(BUDGET_HOLDER, None, end_year())).await;
    let problem = too_early.is_problem(422, "year_not_over");
    assert!(problem["from"].is_u64(), "{problem}");
    let not_permitted = stand.submit(&stand.signed(OPERATOR, None, end_year())).await;
    not_permitted.is_problem(422, "not_permitted");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_one_tells_its_rejection() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let unknown = stand.signed(OPERATOR, None, suspend_unknown());
    stand.submit(&unknown).await.is(202);
    // Its time passes while it is parked.
    let late = stand.clock.now().after(keis_ledger::time::Span(7_200_000));
    let step = stand.step(late);
    stand
        .post("/v1/clock", "application/json", json!({ "time": step.time, "signature": step.signature }).to_string())
        .await
        .is(200);
    let suspend = WalletOperation::Suspend { party: keis_ledger::operation::Party::School(SCHOOL) };
    stand.take_effect(OPERATOR, None, Operation::Wallet(suspend)).await;
    let answer = stand.get(&format!("/v1/transactions/{}", unknown.id())).await.is(200);
    assert_eq!(answer["status"], "dropped");
    assert_eq!(answer["rejection"]["code"], "expired");
    assert!(answer["rejection"]["detail"].is_string());
    assert!(answer["height"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_submissions_are_refused() {
    let stand = Stand::start().await;
    let octets = "application/octet-stream";
    stand.post("/v1/transactions", octets, "rubbish").await.is_problem(400, "malformed");
    stand.post("/v1/transactions", octets, "").await.is_problem(400, "malformed");
    stand.post("/v1/transactions", "text/plain", "rubbish").await.is_problem(415, "unsupported_type");
    stand.post("/v1/transactions?wait=31", octets, "x").await.is_problem(400, "malformed");
    stand.post("/v1/transactions?wait=-1", octets, "x").await.is_problem(400, "malformed");
    stand.post("/v1/transactions?weit=1", octets, "x").await.is_problem(400, "malformed");
    let large = stand.post("/v1/transactions", octets, vec![0; MAX_TRANSACTION + 1]).await;
    assert_eq!(large.is_problem(413, "too_large")["limit"], MAX_TRANSACTION);
    let huge = stand.post("/v1/transactions", octets, vec![0; 4 * MAX_TRANSACTION]).await;
    huge.is_problem(413, "too_large");
    stand.post("/v1/transactions", octets, vec![0; MAX_TRANSACTION]).await.is_problem(400, "malformed");
    let other_network = {
        let signed = stand.signed(OPERATOR, None, end_year());
        signed.body().clone().sign(&keis_ledger::crypto::Hash([1; 32]), &crate::support::key(OPERATOR))
    };
    stand.submit(&other_network).await.is_problem(422, "signature_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunked_body_is_taken() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let suspend = WalletOperation::Suspend { party: keis_ledger::operation::Party::School(SCHOOL) };
    let transaction = stand.signed(OPERATOR, None, Operation::Wallet(suspend));
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        transaction.raw().chunks(50).map(|piece| Ok(piece.to_vec())).collect();
    let answer = crate::server::chunked(&stand, "/v1/transactions", "application/octet-stream", pieces).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transaction_without_its_document_is_refused() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let document = DocumentId([5; 32]);
    let terms = terms(document, ArtField::Theatre);
    let publish = CatalogueOperation::Publish { service: SERVICE, provider: crate::support::PROVIDER, terms };
    let refused = stand.submit(&stand.signed(OPERATOR, None, Operation::Catalogue(publish))).await;
    assert_eq!(refused.is_problem(422, "document_missing")["document"], document.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn full_mempool_asks_to_come_later() {
    let limits = mempool::Limits { count: 0, ..mempool::Limits::default() };
    let stand = Stand::with(true, limits, Limits::default()).await;
    let open = stand.signed(OPERATOR, None, Operation::Wallet(WalletOperation::OpenSchools { schools: Vec::new() }));
    let full = stand.submit(&open).await;
    full.is_problem(503, "mempool_full");
    assert_eq!(full.header("retry-after"), "1");
    let limits = mempool::Limits { sender_count: 0, ..mempool::Limits::default() };
    let stand = Stand::with(true, limits, Limits::default()).await;
    let full = stand.submit(&open).await;
    full.is_problem(429, "sender_full");
    assert!(!full.header("retry-after").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_impossible_ids() {
    let stand = Stand::start().await;
    let unknown = format!("tx_{}", "0".repeat(64));
    for path in ["/v1/transactions", "/v1/receipts"] {
        stand.get(&format!("{path}/{unknown}")).await.is_problem(404, "not_found");
        stand.get(&format!("{path}/tx_12")).await.is_problem(400, "malformed");
        stand.get(&format!("{path}/ord_{}", "0".repeat(64))).await.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_is_proven_offline_and_names_no_pupil() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    stand.open_session().await;
    let order = stand.request_order().await;

    let path = format!("/v1/receipts/{}", order.id());
    let plain = stand.get(&path).await;
    assert_no_pupil(&plain);
    let plain = plain.is(200);
    assert_eq!(plain["receipt"]["kind"], "order_requested");
    assert_eq!(plain["receipt"]["subject"]["order_state"], "requested");
    assert_eq!(plain["receipt"]["total"], json!({ "state": 800, "school": 0 }));
    assert_eq!(plain["receipt"]["lines"], 1);
    assert_eq!(plain["simulated"], true);
    assert_eq!((plain.get("proof"), plain.get("certificate")), (None, None));

    let proven = stand.get(&format!("{path}?proof=1")).await;
    assert_no_pupil(&proven);
    let proven = proven.is(200);
    assert_eq!(proven["receipt"], plain["receipt"]);
    assert_eq!(proven["proof"]["index"], proven["receipt"]["index"]);
    assert_eq!(proven["certificate"]["signatures"].as_array().map(Vec::len), Some(3));
    assert_eq!(proven["certificate"]["height"], proven["header"]["height"]);
    stand.get(&format!("{path}?proof=2")).await.is_problem(400, "malformed");

    let whole = stand.get(&format!("/v1/transactions/{}", order.id())).await;
    assert_no_pupil(&whole);
}
