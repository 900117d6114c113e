//! Status, health, metrics, the stepped clock.

use keis_engine::guard::GuardState;
use keis_ledger::crypto::Signature;
use keis_ledger::time::{Span, Timestamp};
use keis_node::gateway::Limits;
use keis_node::mempool;
use serde_json::{Value, json};

use crate::support::{START, Stand};

fn step_of(time: Timestamp, signature: Signature) -> String {
    json!({ "time": time, "signature": signature }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_where_the_node_stands() {
    let mut stand = Stand::start().await;
    let status = stand.get("/v1/status").await.is(200);
    assert_eq!((&status["height"], &status["simulated"]), (&json!(0), &json!(true)));
    assert_eq!(status["network"], stand.network.to_string());
    assert_eq!(
        (&status["validator"], &status["guard"], &status["peers"]),
        (&json!(true), &json!("active"), &json!([]))
    );
    stand.open_year().await;
    stand.status.send_modify(|status| {
        status.syncing = true;
        status.guard = GuardState::Observing { remaining: 3 };
    });
    let later = stand.get("/v1/status").await.is(200);
    assert_eq!((&later["height"], &later["network_height"]), (&json!(5), &json!(5)));
    assert_eq!((&later["syncing"], &later["guard"]), (&json!(true), &json!("observing")));
    assert_ne!(later["state_root"], status["state_root"]);
    let header = stand.get("/v1/headers/5").await.is(200);
    assert_eq!((&later["state_root"], &later["time"]), (&header["state_root"], &header["time"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_catching_up() {
    let stand = Stand::start().await;
    assert_eq!(stand.get("/health/ready").await.is(200), json!({ "status": "ok" }));
    stand.status.send_modify(|status| status.syncing = true);
    stand.get("/health/ready").await.is_problem(503, "syncing");
    assert_eq!(stand.get("/health/live").await.is(200), json!({ "status": "ok" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_by_template_and_never_by_path() {
    let stand = Stand::start().await;
    let unknown = format!("tx_{}", "ab".repeat(32));
    stand.get(&format!("/v1/transactions/{unknown}")).await.is_problem(404, "not_found");
    stand.get("/no/such/place").await.is_problem(404, "not_found");
    let metrics = stand.get("/metrics").await;
    let text = String::from_utf8(metrics.body.clone()).unwrap();
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(
        text.contains(r#"keis_gateway_requests_total{route="/v1/transactions/{id}",method="GET",status="404"}"#),
        "{text}"
    );
    assert!(!text.contains(&unknown) && !text.contains("/no/such/place"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn driver_alone_steps_a_simulated_clock() {
    let stand = Stand::start().await;
    let noon = START.after(Span(43_200_000));
    let good = stand.step(noon);
    let path = "/v1/clock";
    let json_type = "application/json";
    let answer = stand.post(path, json_type, step_of(noon, good.signature)).await.is(200);
    assert_eq!(answer, json!({ "time": noon, "advanced": true }));
    assert_eq!(stand.clock.now(), noon);
    let again = stand.post(path, json_type, step_of(noon, good.signature)).await.is(200);
    assert_eq!(again["advanced"], false);

    let later = noon.after(Span(1));
    stand.post(path, json_type, step_of(later, good.signature)).await.is_problem(422, "signature_wrong");
    stand.post(path, json_type, "{}").await.is_problem(400, "malformed");
    let extra: Value = json!({ "time": noon, "signature": good.signature, "force": true });
    stand.post(path, json_type, extra.to_string()).await.is_problem(400, "malformed");
    stand.post(path, "text/plain", step_of(noon, good.signature)).await.is_problem(415, "unsupported_type");
    assert_eq!(stand.clock.now(), noon);
}

#[tokio::test(flavor = "multi_thread")]
async fn real_time_is_not_stepped() {
    let stand = Stand::with(false, mempool::Limits::default(), Limits::default()).await;
    let step = stand.step(START);
    stand.post("/v1/clock", "application/json", step_of(START, step.signature)).await.is_problem(404, "not_found");
    assert_eq!(stand.get("/v1/status").await.is(200)["simulated"], false);
}
