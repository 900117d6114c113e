//! Transactions as JSON: the same bytes as the binary way, and nothing that the text does not say.

use keis_ledger::codec::{self, MAX_TRANSACTION};
use keis_ledger::crypto::{Domain, Hash, Signature};
use keis_ledger::ids::PupilId;
use keis_ledger::operation::{FundsOperation, Operation, Party, WalletOperation};
use keis_ledger::transaction::{Body, RawTransaction, SignedTransaction};
use keis_node::gateway::writing::encode;
use serde_json::{Value, json};

use crate::support::{BUDGET_HOLDER, OPERATOR, SCHOOL, Stand, YEAR, key};

const JSON: &str = "application/json";
/// One transaction of every operation, frozen by the ledger.
const SAMPLES: &str = include_str!("../../../ledger/tests/vectors/transactions.txt");

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let raw = SAMPLES.lines().filter_map(|line| line.split_once(".raw "));
    raw.map(|(name, digits)| (name, hex::decode(digits).unwrap())).collect()
}

fn parsed(raw: &[u8]) -> (Body, Signature) {
    let signed = RawTransaction(raw.to_vec()).parse(&Hash([0; 32])).unwrap();
    let signature = raw[raw.len() - 64..].try_into().unwrap();
    (signed.body().clone(), Signature(signature))
}

fn written(body: &Body, signature: &Signature) -> Value {
    let mut text = serde_json::to_value(body).unwrap();
    text["signature"] = json!(signature);
    text
}

fn of(signed: &SignedTransaction) -> Value {
    let (body, signature) = parsed(signed.raw());
    written(&body, &signature)
}

fn suspend() -> Operation {
    Operation::Wallet(WalletOperation::Suspend { party: Party::School(SCHOOL) })
}

#[test]
fn every_operation_has_the_same_bytes_both_ways() {
    let samples = samples();
    assert!(samples.len() > 60, "{}", samples.len());
    for (name, raw) in samples {
        let (body, signature) = parsed(&raw);
        let mut text = written(&body, &signature);
        assert_eq!(encode(text.to_string().as_bytes()).unwrap(), raw, "{name}");
        assert_eq!(encode(serde_json::to_string_pretty(&text).unwrap().as_bytes()).unwrap(), raw, "{name}");
        text["salt"] = json!(body.salt.to_string());
        if text["behalf"].is_null() {
            text.as_object_mut().unwrap().remove("behalf");
        }
        assert_eq!(encode(text.to_string().as_bytes()).unwrap(), raw, "{name}");
    }
}

/// Every object inside a value takes a field more: none may be passed over.
fn with_a_stranger(value: &Value, path: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(fields) => {
            all.push(path.clone());
            for (name, inner) in fields {
                path.push(name.clone());
                with_a_stranger(inner, path, all);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                path.push(place.to_string());
                with_a_stranger(inner, path, all);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn nothing_of_a_text_is_passed_over() {
    for (name, raw) in samples() {
        let (body, signature) = parsed(&raw);
        let text = written(&body, &signature);
        let mut objects = Vec::new();
        with_a_stranger(&text, &mut Vec::new(), &mut objects);
        for path in objects {
            let mut changed = text.clone();
            let inner = path.iter().fold(&mut changed, |inner, part| match inner {
                Value::Array(items) => &mut items[part.parse::<usize>().unwrap()],
                other => &mut other[part.as_str()],
            });
            inner["stranger"] = json!(1);
            assert!(encode(changed.to_string().as_bytes()).is_err(), "{name} at {path:?}");
        }
    }
}

#[test]
fn texts_that_say_no_transaction_are_refused() {
    let (_, raw) = samples().remove(0);
    let (body, signature) = parsed(&raw);
    let whole = written(&body, &signature).to_string();
    let doubled = whole.replacen('{', r#"{"salt":1,"#, 1);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let float = whole.replace(&body.valid_until.0.to_string(), &format!("{}.0", body.valid_until.0));
    let wide: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xef, 0xbb, 0xbf], whole.as_bytes()].concat();
    let cut = &whole.as_bytes()[..whole.len() - 1];
    let twice = [whole.as_bytes(), whole.as_bytes()].concat();
    for wrong in [
        b"".as_slice(),
        b"{}",
        b"null",
        b"[]",
        b"\xff\xfe",
        doubled.as_bytes(),
        nested.as_bytes(),
        float.as_bytes(),
        &wide,
        &marked,
        cut,
        &twice,
    ] {
        assert!(encode(wrong).is_err(), "{}", String::from_utf8_lossy(&wrong[..wrong.len().min(80)]));
    }
    for salt in [json!("01"), json!("-1"), json!("1e3"), json!(-1), json!("18446744073709551616"), json!(null)] {
        let mut text = written(&body, &signature);
        text["salt"] = salt.clone();
        assert!(encode(text.to_string().as_bytes()).is_err(), "{salt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_binary_are_answered_alike() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let transaction = stand.signed(OPERATOR, None, suspend());
    let text = of(&transaction).to_string();
    let taken = stand.post("/v1/transactions", JSON, text.clone()).await;
    assert_eq!(taken.header("location"), format!("/v1/transactions/{}", transaction.id()));
    let taken = taken.is(202);
    assert_eq!(stand.submit(&transaction).await.is(202), taken, "the same transaction, sent again the other way");
    stand.block().await;
    let included = stand.submit(&transaction).await.is(200);
    assert_eq!(included["status"], "included");
    assert_eq!(stand.post("/v1/transactions", "application/json; charset=utf-8", text).await.is(200), included);

    // Refused ones, too, in every operation.
    for (name, raw) in samples() {
        let (body, signature) = parsed(&raw);
        let binary = stand.post("/v1/transactions", "application/octet-stream", raw).await;
        let json = stand.post("/v1/transactions", JSON, written(&body, &signature).to_string()).await;
        assert_eq!((json.status, json.json()), (binary.status, binary.json()), "{name}");
    }
    let end = stand.signed(BUDGET_HOLDER, None, Operation::Funds(FundsOperation::EndYear { year: YEAR }));
    let refused = stand.post("/v1/transactions", JSON, of(&end).to_string()).await;
    assert!(refused.is_problem(422, "year_not_over")["from"].is_u64());

    for wrong in ["", "{}", "[]", "rubbish", "\u{0}"] {
        stand.post("/v1/transactions", JSON, wrong).await.is_problem(400, "malformed");
    }
    let huge = stand.post("/v1/transactions", JSON, vec![b' '; 8 * MAX_TRANSACTION + 1]).await;
    assert_eq!(huge.is_problem(413, "too_large")["limit"], 8 * MAX_TRANSACTION);
    stand.post("/v1/transactions", "text/json", "{}").await.is_problem(415, "unsupported_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn composed_bytes_are_those_to_be_signed() {
    let stand = Stand::start().await;
    for (name, raw) in samples() {
        let (body, _) = parsed(&raw);
        let wish = serde_json::to_value(&body).unwrap();
        let composed = stand.post("/v1/compose", JSON, wish.to_string()).await;
        assert_eq!(composed.header("cache-control"), "private, no-store");
        let composed = composed.is(200);
        let signed = [Domain::Transaction.tag(), &stand.network.0[..], &codec::encode(&body)[..]].concat();
        assert_eq!(composed["bytes"], hex::encode(&signed), "{name}");
        assert_eq!(composed["says"], wish, "{name}");
        let signed = body.sign(&stand.network, &key(OPERATOR));
        assert_eq!(composed["id"], signed.id().to_string(), "{name}");
        assert_eq!(composed["body"], hex::encode(&signed.raw()[..signed.raw().len() - 64]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_encode_has_it_composed_signs_and_sends() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let wish = json!({ "signer": key(OPERATOR).public(), "operation": suspend() });
    let composed = stand.post("/v1/compose", JSON, wish.to_string()).await.is(200);
    let other = stand.post("/v1/compose", JSON, wish.to_string()).await.is(200);
    assert_ne!(composed["id"], other["id"], "two wishes are two");
    assert!(composed["says"]["salt"].as_u64().unwrap() < 1 << 53);
    let signature = key(OPERATOR).sign(&hex::decode(composed["bytes"].as_str().unwrap()).unwrap());
    let mut transaction = composed["says"].clone();
    transaction["signature"] = json!(signature);
    let taken = stand.post("/v1/transactions", JSON, transaction.to_string()).await.is(202);
    assert_eq!(taken["id"], composed["id"]);
    stand.block().await;
    let path = format!("/v1/transactions/{}", taken["id"].as_str().unwrap());
    assert_eq!(stand.get(&path).await.is(200)["status"], "included");
    let unsigned = stand.post("/v1/transactions", JSON, composed["says"].to_string()).await;
    unsigned.is_problem(400, "malformed");

    for wrong in ["", "{}", "null", r#"{"signer":1}"#] {
        stand.post("/v1/compose", JSON, wrong).await.is_problem(400, "malformed");
    }
    let misspelt = json!({ "signer": key(OPERATOR).public(), "valid_untill": 1, "operation": suspend() });
    stand.post("/v1/compose", JSON, misspelt.to_string()).await.is_problem(400, "malformed");
    let pupils = vec![PupilId([1; 16]); MAX_TRANSACTION / 16 + 1];
    let allocate = Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils });
    let long = json!({ "signer": key(OPERATOR).public(), "operation": allocate });
    stand.post("/v1/compose", JSON, long.to_string()).await.is_problem(413, "too_large");
    stand.get("/v1/compose").await.is_problem(405, "method_not_allowed");
}
