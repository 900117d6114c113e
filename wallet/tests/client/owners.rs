//! What the client promises of signed reads, pages and the stream of events.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Gateway, Reply, Request};
use futures::StreamExt;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, Signature};
use keis_ledger::ids::{DecisionId, InstitutionId, OrderId, PupilId, SchoolId, TransactionId};
use keis_ledger::money::Amounts;
use keis_ledger::operation::{Measure, Threshold};
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::time::Timestamp;
use keis_wallet::client::{Client, ClientError, DecisionStage, EventFilter, Policy};
use keis_wallet::random::new_key;
use serde_json::{Value, json};
use sfv::{Dictionary, ListEntry, Parser};

const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> Policy {
    Policy {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(10),
        attempts: 3,
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
    }
}

fn client(gateway: &Gateway) -> Client {
    Client::new(&[&gateway.address], quick()).unwrap()
}

/// A field of a head.
fn field(request: &Request, name: &str) -> Option<String> {
    let fields = request.raw_head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
}

fn wallet(number: u8) -> Value {
    json!({ "pupil": PupilId([number; 16]), "school": SchoolId([1; 16]), "grade": 3, "standing": "active",
        "allocated": true, "balance": 1500, "bookings": [{ "order": OrderId([2; 16]), "start": 5, "end": 6 }] })
}

#[tokio::test]
async fn every_attempt_is_signed_anew_over_what_is_sent() {
    let gateway = Gateway::start(|number, _| match number {
        0 => Reply::Close,
        1 => Reply::Json(503, json!({ "code": "index_behind" })),
        _ => Reply::Json(200, wallet(6)),
    })
    .await;
    let key = new_key();
    let (client, public) = (client(&gateway), key.public());
    let id = PupilId([6; 16]);
    let found = client.signed_by(key).pupil_wallet(Year(2026), id).await.unwrap().unwrap();
    assert_eq!((found.pupil, found.bookings[0].start), (id, Timestamp(5)));

    let requests = gateway.requests();
    assert_eq!(requests.len(), 3);
    let mut nonces = BTreeSet::new();
    for request in &requests {
        let input = field(request, "signature-input").unwrap();
        let authority = gateway.address.trim_start_matches("http://");
        assert_eq!(field(request, "host").as_deref(), Some(authority));
        let (label, parameters) = input.split_once('=').unwrap();
        let base = format!(
            "\"@method\": GET\n\"@authority\": {authority}\n\"@path\": /v1/pupils/{id}\n\"@query\": ?year=2026\n\
             \"@signature-params\": {parameters}"
        );
        assert_eq!(label, "keis");
        let parsed: Dictionary = Parser::new(&input).parse().unwrap();
        let ListEntry::InnerList(covered) = &parsed["keis"] else { panic!("{input}") };
        let text = |name: &str| covered.params[name].as_string().unwrap().as_str().to_owned();
        let instant = |name: &str| i64::from(covered.params[name].as_integer().unwrap());
        assert_eq!((text("alg"), text("tag"), text("keyid")), ("ed25519".into(), "keis".into(), public.to_string()));
        assert!((1..=300).contains(&(instant("expires") - instant("created"))));
        assert!(nonces.insert(text("nonce")), "a nonce serves once");
        let signature = field(request, "signature").unwrap();
        let signature: Dictionary = Parser::new(&signature).parse().unwrap();
        let ListEntry::Item(item) = &signature["keis"] else { panic!() };
        let bytes = item.bare_item.as_byte_sequence().unwrap().try_into().unwrap();
        assert!(public.verify(base.as_bytes(), &Signature(bytes)), "{base}");
    }
}

#[tokio::test]
async fn nothing_is_signed_without_a_key_and_no_body_ever() {
    let gateway = Gateway::start(|_, _| Reply::Json(404, json!({ "code": "not_found" }))).await;
    let client = client(&gateway);
    assert!(client.pupil_wallet(Year(2026), PupilId([6; 16])).await.unwrap().is_none());
    client.signed_by(new_key()).submit(b"x").await.unwrap_err();
    for request in gateway.requests() {
        assert!(!request.head.contains("signature"), "{}", request.head);
    }
}

#[tokio::test]
async fn pages_are_walked_to_their_end() {
    let gateway = Gateway::start(|_, request| {
        let cursor = request.line.split_once("cursor=").map_or("", |(_, cursor)| cursor);
        match cursor {
            "" => Reply::Json(200, json!({ "height": 7, "items": [wallet(1), wallet(2)], "next": "a b" })),
            "a+b" => Reply::Json(200, json!({ "height": 8, "items": [wallet(3)], "next": "c" })),
            "c" => Reply::Json(200, json!({ "height": 8, "items": [wallet(4)] })),
            other => panic!("{other}"),
        }
    })
    .await;
    let all = client(&gateway).all_school_pupils(SchoolId([1; 16]), Year(2026)).await.unwrap();
    assert_eq!(all.iter().map(|wallet| wallet.pupil.0[0]).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(gateway.lines()[0].ends_with("/pupils?year=2026&limit=500"), "{}", gateway.lines()[0]);

    let stuck =
        Gateway::start(|_, _| Reply::Json(200, json!({ "height": 7, "items": [wallet(1)], "next": "a" }))).await;
    let all = client(&stuck).all_school_pupils(SchoolId([1; 16]), Year(2026)).await;
    assert!(matches!(all, Err(ClientError::OtherThing { .. })));
    assert_eq!(stuck.lines().len(), 2);
}

fn receipt(height: u64, index: u32) -> Receipt {
    Receipt {
        id: TransactionId([height as u8; 32]),
        height: Height(height),
        index,
        time: Timestamp(1),
        kind: Kind::SchoolMoneyRecorded,
        subject: Subject::default(),
        on_behalf: false,
        total: Amounts::ZERO,
        lines: 0,
        lines_root: Hash([9; 32]),
    }
}

fn told(height: u64, index: u32) -> String {
    let data = serde_json::to_string(&receipt(height, index)).unwrap();
    format!("event:receipt\ndata:{data}\nid:{height}.{index}\n\n")
}

#[tokio::test]
async fn events_go_on_where_they_were() {
    let gateway = Gateway::start(|number, _| match number {
        // The place of a stream from now on; then half an event.
        0 => Reply::Bytes(200, format!(":open\nid:4.9\n\n{}event:rec", told(5, 0)).into_bytes()),
        1 => Reply::Close,
        // What was told before, and then news.
        2 => Reply::Bytes(200, format!("{}{}", told(5, 0), told(5, 1)).into_bytes()),
        3 => Reply::Bytes(200, b":here\nid:8.4294967295\n\n".to_vec()),
        4 => Reply::Json(503, json!({ "code": "streams_full" })),
        5 => Reply::Bytes(200, format!("retry:5\n\nevent:other\ndata:{{}}\n\n{}", told(9, 0)).into_bytes()),
        _ => Reply::Json(400, json!({ "code": "malformed" })),
    })
    .await;
    let filter = EventFilter { school: Some(SchoolId([1; 16])), ..EventFilter::default() };
    let events: Vec<_> = tokio::time::timeout(PATIENCE, client(&gateway).events(None, filter).collect()).await.unwrap();
    let places: Vec<Option<(u64, u32)>> =
        events.iter().map(|event| event.as_ref().ok().map(|event| (event.height.0, event.index))).collect();
    assert_eq!(places, [Some((5, 0)), Some((5, 1)), Some((9, 0)), None]);
    assert!(matches!(events.last(), Some(Err(ClientError::Problem(problem))) if problem.code == "malformed"));
    let asked: Vec<String> = gateway.lines();
    let school = SchoolId([1; 16]);
    assert_eq!(asked[0], format!("GET /v1/events?school={school}"));
    assert_eq!(asked[1], format!("GET /v1/events?after=5.0&school={school}"));
    assert_eq!(asked[2], asked[1]);
    assert_eq!(asked[3], format!("GET /v1/events?after=5.1&school={school}"));
    assert_eq!(asked[4], format!("GET /v1/events?after=8.4294967295&school={school}"));
}

fn decision(number: u8, measure: Value, whole: bool) -> Value {
    json!({ "id": DecisionId([number; 16]), "measure": measure, "whole": whole, "threshold": "two_persons", "wanted": 2,
        "proposer": InstitutionId([1; 16]), "proposed": 1, "until": 9, "state": "open",
        "approvals": [{ "institution": InstitutionId([1; 16]), "at": 1 }] })
}

#[tokio::test]
async fn decisions_are_listed_by_state_and_without_a_year() {
    let extend = json!({ "extend": { "year": 2026, "from": 1, "until": 2, "by": 3 } });
    let reverse = json!({ "reverse": { "year": 2026, "order": OrderId([2; 16]), "lines": 1 } });
    let items = [decision(2, extend, true), decision(1, reverse, false)];
    let gateway = Gateway::start(move |number, _| match number {
        0 => Reply::Json(200, json!({ "height": 7, "items": items, "next": "x" })),
        1 => Reply::Json(200, json!({ "height": 7, "items": [] })),
        _ => Reply::Json(200, json!({ "height": 7, "receipts": [], "id": DecisionId([3; 16]) })),
    })
    .await;
    let client = client(&gateway);
    let all = client.all_decisions(Some(DecisionStage::Open)).await.unwrap();
    let extension =
        Measure::Extend { year: Year(2026), from: Timestamp(1), until: Timestamp(2), by: keis_ledger::time::Span(3) };
    assert_eq!(all[0].public_measure(), Some(extension));
    assert_eq!((all[1].public_measure(), all[1].threshold), (None, Threshold::TwoPersons));
    let asked = gateway.lines();
    assert_eq!(asked[0], "GET /v1/decisions?limit=500&state=open");
    assert_eq!(asked[1], "GET /v1/decisions?limit=500&state=open&cursor=x");
    assert!(matches!(client.decision(DecisionId([2; 16])).await, Err(ClientError::Form { .. })));
}

#[tokio::test]
async fn sealed_year_is_no_missing_one() {
    let gateway = Gateway::start(|_, _| Reply::Json(410, json!({ "code": "year_sealed", "year": 2026 }))).await;
    let found = client(&gateway).pupil_wallet(Year(2026), PupilId([6; 16])).await;
    assert!(matches!(found, Err(ClientError::Problem(problem)) if problem.code == "year_sealed"));
    assert_eq!(gateway.lines().len(), 1, "it is not asked again");
}
