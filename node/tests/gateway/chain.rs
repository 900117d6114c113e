//! Headers, certificates, parameters, money.

use keis_ledger::classifiers::ArtField;
use serde_json::json;

use crate::support::{ORDER, SERVICE, Stand, assert_no_pupil};

#[tokio::test(flavor = "multi_thread")]
async fn genesis_has_parameters_and_no_block() {
    let stand = Stand::start().await;
    stand.get("/v1/headers/1").await.is_problem(404, "not_found");
    stand.get("/v1/certificates/1").await.is_problem(404, "not_found");
    assert_eq!(stand.get("/v1/headers").await.is(200), json!({ "headers": [] }));
    let parameters = stand.get("/v1/parameters").await.is(200);
    assert_eq!((&parameters["height"], &parameters["years"]), (&json!(0), &json!([])));
    assert_eq!(parameters["validators"].as_array().map(Vec::len), Some(4));
    stand.get("/v1/funds/2026").await.is_problem(404, "not_found");
    stand.get("/v1/orders/summary/2026").await.is_problem(404, "not_found");
    assert_eq!(stand.get("/v1/services").await.is(200)["services"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_are_linked_and_paged() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let all = stand.get("/v1/headers").await.is(200);
    let headers = all["headers"].as_array().unwrap();
    assert_eq!((headers.len(), all.get("next")), (5, None));
    for pair in headers.windows(2) {
        assert_eq!(pair[0]["height"].as_u64().unwrap() + 1, pair[1]["height"].as_u64().unwrap());
        assert!(pair[0]["time"].as_u64() < pair[1]["time"].as_u64());
    }
    let page = stand.get("/v1/headers?from=2&limit=2").await.is(200);
    assert_eq!(page, json!({ "headers": headers[1..3], "next": 4 }));
    assert_eq!(stand.get("/v1/headers?from=6").await.is(200), json!({ "headers": [] }));
    for query in ["from=0", "limit=0", "limit=101", "from=x", "to=3"] {
        stand.get(&format!("/v1/headers?{query}")).await.is_problem(400, "malformed");
    }

    let one = stand.get("/v1/headers/3").await;
    assert_eq!(one.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(one.is(200), headers[2]);
    stand.get("/v1/headers/three").await.is_problem(400, "malformed");
    let certificate = stand.get("/v1/certificates/3").await.is(200);
    assert_eq!(certificate["block"], headers[3]["parent"], "the next block stands on the certified one");
    assert_eq!(certificate["signatures"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn funds_and_parameters_of_a_year() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let funds = stand.get("/v1/funds/2026").await;
    assert_no_pupil(&funds);
    let funds = funds.is(200);
    assert_eq!((&funds["balanced"], &funds["state"], &funds["height"]), (&json!(true), &json!("open"), &json!(5)));
    let state = &funds["money"]["state"];
    let class = |name: &str| state[name].as_u64().unwrap();
    assert_eq!((class("minted"), class("pupils"), class("budget")), (105_000, 1_500, 98_500));
    assert_eq!(funds["money"]["school"]["minted"], 0);

    let parameters = stand.get("/v1/parameters").await.is(200);
    let year = &parameters["years"][0];
    assert_eq!((&year["year"], &year["state"]), (&json!(2026), &json!("open")));
    assert_eq!(year["parameters"]["amount_per_pupil"], 1_500);
    assert_eq!(stand.get("/v1/orders/summary/2026").await.is(200)["total"], 0);
    for path in ["/v1/funds/next", "/v1/funds/70000", "/v1/orders/summary/x"] {
        stand.get(path).await.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_blocks_show_their_public_part_alone() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    stand.open_session().await;
    let request = stand.request_order().await;

    let path = format!("/v1/orders/{ORDER}");
    let order = stand.get(&format!("{path}?year=2026")).await;
    assert_no_pupil(&order);
    let order = order.is(200);
    assert_eq!((&order["state"], &order["pupils"], &order["price"]), (&json!("requested"), &json!(1), &json!(800)));
    stand.get(&path).await.is_problem(400, "malformed");
    stand.get(&format!("{path}?year=2025")).await.is_problem(404, "not_found");
    stand.get("/v1/orders/ord_1?year=2026").await.is_problem(400, "malformed");

    let height = order["height"].as_u64().unwrap();
    let receipts = stand.get(&format!("/v1/blocks/{height}/receipts")).await;
    assert_no_pupil(&receipts);
    assert_eq!(receipts.is(200)["receipts"][0]["id"], request.id().to_string());
    for earlier in 1..height {
        assert_no_pupil(&stand.get(&format!("/v1/blocks/{earlier}/receipts")).await);
    }
    stand.get(&format!("/v1/blocks/{}/receipts", height + 1)).await.is_problem(404, "not_found");
    stand.get("/v1/blocks/x/receipts").await.is_problem(400, "malformed");
}
