//! What the client promises: an answer from any gateway that has one, within bounds, and never a wrong one.

use std::time::{Duration, Instant};

use crate::support::{Gateway, Reply};
use keis_ledger::chain::Height;
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::{Hash, Signature};
use keis_ledger::ids::{DocumentId, ProviderId, ServiceId, SessionId, TransactionId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{FundsOperation, Operation, ServiceTerms};
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::record::{Totals, YearState};
use keis_ledger::rejection::Rejection as LedgerRejection;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::SignedTransaction;
use keis_wallet::client::{Client, ClientError, Outcome, Policy, Submission, TransactionStatus};
use keis_wallet::compose::Composer;
use keis_wallet::random::new_key;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp(1_767_225_600_000);
const PATIENCE: Duration = Duration::from_secs(20);

fn quick() -> Policy {
    Policy {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(10),
        attempts: 4,
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
    }
}

fn client(gateways: &[&Gateway]) -> Client {
    let addresses: Vec<&str> = gateways.iter().map(|gateway| gateway.address.as_str()).collect();
    Client::new(&addresses, quick()).unwrap()
}

fn transaction() -> SignedTransaction {
    let wish = Operation::Funds(FundsOperation::EndYear { year: Year(2026) });
    Composer::new(Hash([3; 32]), new_key()).compose(NOW, wish).unwrap()
}

fn receipt(id: TransactionId) -> Receipt {
    Receipt {
        id,
        height: Height(5),
        index: 2,
        time: NOW,
        kind: Kind::YearEnded,
        subject: Subject { year: Some(Year(2026)), ..Subject::default() },
        on_behalf: false,
        total: Amounts { state: Cents::new(100), school: Cents::ZERO },
        lines: 0,
        lines_root: Hash([9; 32]),
    }
}

fn included(id: TransactionId) -> Reply {
    Reply::Json(200, json!({ "id": id, "status": "included", "receipt": receipt(id) }))
}

fn waiting(id: TransactionId) -> Reply {
    Reply::Json(202, json!({ "id": id, "status": "waiting" }))
}

fn dropped(id: TransactionId, rejection: &LedgerRejection) -> Reply {
    Reply::Json(200, json!({ "id": id, "status": "dropped", "rejection": rejection, "height": 7 }))
}

fn problem(status: u16, code: &str) -> Value {
    json!({ "type": format!("urn:keis:problem:{code}"), "title": "T", "status": status, "detail": "D", "code": code })
}

fn status(time: Timestamp) -> Value {
    let (hash, block) = (Hash([1; 32]), keis_ledger::ids::BlockId([2; 32]));
    json!({ "network": hash, "height": 9, "block": block, "time": time, "state_root": hash, "clock": time,
        "simulated": true, "syncing": false, "version": "0.1.0" })
}

#[tokio::test]
async fn transaction_is_offered_and_waited_for() {
    let one = transaction();
    let id = one.id();
    let gateway = Gateway::start(move |number, _| if number < 2 { waiting(id) } else { included(id) }).await;
    let outcome = client(&[&gateway]).submit_and_wait(&one, PATIENCE).await.unwrap();
    assert_eq!(outcome, Outcome::Included(Box::new(receipt(id))));
    let requests = gateway.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].line.starts_with("POST /v1/transactions?wait="), "{}", requests[0].line);
    assert!(requests[0].head.contains("content-type: application/octet-stream"));
    assert_eq!(requests[0].body, one.raw());
    assert!(requests[1].line.starts_with(&format!("GET /v1/transactions/{id}?wait=")), "{}", requests[1].line);
}

#[tokio::test]
async fn next_gateway_answers_when_one_cannot() {
    let one = transaction();
    let id = one.id();
    let closing = Gateway::start(|_, _| Reply::Close).await;
    let full = Gateway::start(|_, _| Reply::Json(503, problem(503, "mempool_full"))).await;
    let sound = Gateway::start(move |_, _| included(id)).await;
    let absent = Gateway::absent().await;
    let addresses = [absent, closing.address.clone(), full.address.clone(), sound.address.clone()];
    let client = Client::new(&addresses, quick()).unwrap();
    for _ in 0..3 {
        let taken = client.submit(one.raw()).await.unwrap();
        assert_eq!(taken, Submission::Taken(TransactionStatus::Included { receipt: Box::new(receipt(id)) }));
    }
    // The one that answered is asked first from then on.
    assert_eq!((closing.lines().len(), full.lines().len(), sound.lines().len()), (1, 1, 3));
    assert!(sound.requests().iter().all(|request| request.body == one.raw()));
}

#[tokio::test]
async fn attempts_are_bounded() {
    let full = Gateway::start(|_, _| Reply::With(503, "retry-after: 3600", problem(503, "mempool_full"))).await;
    match client(&[&full]).status().await {
        Err(ClientError::Unavailable { attempts: 4, problem, .. }) => {
            assert_eq!((problem.status, problem.code.as_str()), (503, "mempool_full"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(full.lines().len(), 4);
    let absent = Client::new(&[Gateway::absent().await], quick()).unwrap();
    assert!(matches!(absent.status().await, Err(ClientError::Unreachable { attempts: 4, .. })));
}

#[tokio::test]
async fn pause_that_a_gateway_asks_for_is_kept() {
    for code in [503, 429] {
        let busy = Gateway::start(move |number, _| match number {
            0 => Reply::With(code, "retry-after: 1", problem(code, "sender_full")),
            _ => Reply::Json(200, status(NOW)),
        })
        .await;
        let patient = Policy { longest_pause: Duration::from_secs(5), ..quick() };
        let begun = Instant::now();
        Client::new(&[&busy.address], patient).unwrap().status().await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn silence_is_bounded() {
    let silent = Gateway::start(|_, _| Reply::Hang).await;
    let hasty = Policy { request: Duration::from_millis(50), attempts: 2, ..quick() };
    let client = Client::new(&[&silent.address], hasty).unwrap();
    assert!(
        matches!(client.status().await, Err(ClientError::Unreachable { attempts: 2, source, .. }) if source.is_timeout())
    );
    let one = transaction();
    let outcome = client.submit_and_wait(&one, Duration::from_millis(300)).await;
    assert!(matches!(outcome, Err(ClientError::TimedOut { id }) if id == one.id()));
}

#[tokio::test]
async fn fate_unknown_in_time_is_said_so() {
    let one = transaction();
    let id = one.id();
    let slow = Gateway::start(move |_, _| waiting(id)).await;
    let outcome = client(&[&slow]).submit_and_wait(&one, Duration::from_millis(200)).await;
    assert!(matches!(outcome, Err(ClientError::TimedOut { id: other }) if other == id));
}

#[tokio::test]
async fn failing_gateways_are_waited_for() {
    let one = transaction();
    let id = one.id();
    let restarted = Gateway::start(move |number, _| if number < 9 { Reply::Close } else { included(id) }).await;
    let outcome = client(&[&restarted]).submit_and_wait(&one, PATIENCE).await.unwrap();
    assert_eq!(outcome, Outcome::Included(Box::new(receipt(id))));
}

#[tokio::test]
async fn rejection_is_typed() {
    let rejection = LedgerRejection::FundsMissing { missing: Cents::new(250) };
    let mut refusal = problem(422, "funds_missing");
    refusal["missing"] = json!(250);
    let refusing = Gateway::start(move |_, _| Reply::Json(422, refusal.clone())).await;
    let outcome = client(&[&refusing]).submit_and_wait(&transaction(), PATIENCE).await.unwrap();
    let Outcome::Refused(refused) = outcome else { panic!("{outcome:?}") };
    let fields = serde_json::to_value(rejection).unwrap();
    assert_eq!(refused.code, fields["code"]);
    assert_eq!(refused.detail, "D");
    assert_eq!(refused.fields.get("missing"), Some(&fields["missing"]));
    assert!(!refused.fields.contains_key("type"));
    assert_eq!(refusing.lines().len(), 1, "a rejection is an answer and asked for once");

    let one = transaction();
    let id = one.id();
    let dropping =
        Gateway::start(move |number, _| if number == 0 { waiting(id) } else { dropped(id, &rejection) }).await;
    let outcome = client(&[&dropping]).submit_and_wait(&one, PATIENCE).await.unwrap();
    let Outcome::Dropped { rejection, height } = outcome else { panic!("{outcome:?}") };
    assert_eq!((rejection.code.as_str(), height), ("funds_missing", Height(7)));
    assert_eq!(rejection.fields.get("missing"), Some(&json!(250)));
}

#[tokio::test]
async fn expired_is_told_apart() {
    let one = transaction();
    let (id, valid_until) = (one.id(), one.body().valid_until);
    let rejection = LedgerRejection::Expired { valid_until, at: valid_until };
    let dropping = Gateway::start(move |_, _| dropped(id, &rejection)).await;
    assert_eq!(client(&[&dropping]).submit_and_wait(&one, PATIENCE).await.unwrap(), Outcome::Expired);

    // Nobody knows it, and the ledger is past its last instant.
    let past = Timestamp(valid_until.0 + 1);
    let forgetful = Gateway::start(move |_, request| match request.line.as_str() {
        "GET /v1/status" => Reply::Json(200, status(past)),
        line if line.starts_with("POST") => waiting(id),
        _ => Reply::Json(404, problem(404, "not_found")),
    })
    .await;
    assert_eq!(client(&[&forgetful]).submit_and_wait(&one, PATIENCE).await.unwrap(), Outcome::Expired);
    let last = forgetful.lines().pop().unwrap();
    assert_eq!(last, format!("GET /v1/receipts/{id}"), "the receipt is asked for after the time");
}

#[tokio::test]
async fn lost_transaction_goes_out_again() {
    let one = transaction();
    let (id, valid_until) = (one.id(), one.body().valid_until);
    let forgetful = Gateway::start(move |number, request| match request.line.as_str() {
        "GET /v1/status" => Reply::Json(200, status(valid_until)),
        line if line.starts_with("POST") && number > 0 => included(id),
        line if line.starts_with("POST") => waiting(id),
        _ => Reply::Json(404, problem(404, "not_found")),
    })
    .await;
    let outcome = client(&[&forgetful]).submit_and_wait(&one, PATIENCE).await.unwrap();
    assert_eq!(outcome, Outcome::Included(Box::new(receipt(id))));
    let offers = forgetful.requests().into_iter().filter(|request| request.line.starts_with("POST"));
    assert!(offers.map(|request| request.body).eq([one.raw(), one.raw()]));
}

#[tokio::test]
async fn answer_about_something_else_is_refused() {
    let (one, other) = (transaction(), transaction().id());
    let lying = Gateway::start(move |_, request| {
        if request.line.starts_with("GET /v1/documents") { Reply::Bytes(200, b"{}".to_vec()) } else { included(other) }
    })
    .await;
    let client = client(&[&lying]);
    assert!(matches!(client.submit_and_wait(&one, PATIENCE).await, Err(ClientError::OtherThing { .. })));
    assert!(matches!(client.document(DocumentId::of(b"[]")).await, Err(ClientError::OtherThing { .. })));
    assert_eq!(client.document(DocumentId::of(b"{}")).await.unwrap(), Some(b"{}".to_vec()));
}

#[tokio::test]
async fn answers_in_no_known_form_are_errors() {
    let odd = Gateway::start(|_, request| match request.line.as_str() {
        "GET /v1/status" => Reply::Json(200, json!({ "height": "nine" })),
        "GET /v1/parameters" => Reply::Bytes(200, vec![b' '; 9 * 1024 * 1024]),
        "GET /v1/funds/2026" => Reply::Json(404, problem(404, "not_found")),
        "GET /v1/headers/1" => Reply::Bytes(502, b"<html>".to_vec()),
        _ => Reply::Json(400, problem(400, "malformed")),
    })
    .await;
    let client = client(&[&odd]);
    assert!(matches!(client.status().await, Err(ClientError::Form { .. })));
    assert!(matches!(client.parameters().await, Err(ClientError::TooLong { .. })));
    assert!(client.funds(Year(2026)).await.unwrap().is_none());
    assert!(
        matches!(client.header(Height(1)).await, Err(ClientError::Unavailable { problem, .. }) if problem.status == 502)
    );
    let before = odd.lines().len();
    assert!(
        matches!(client.submit(b"rubbish").await, Err(ClientError::Problem(problem)) if problem.code == "malformed")
    );
    assert_eq!(odd.lines().len(), before + 1, "what is malformed stays so");
}

#[tokio::test]
async fn money_orders_and_time_are_typed() {
    let totals = Totals { minted: Cents::new(10), pupils: Cents::new(10), ..Totals::default() };
    let funds = json!({ "year": 2026, "state": "open", "height": 3, "time": NOW, "balanced": true,
        "money": { "state": totals, "school": Totals::default() } });
    let summary = json!({ "year": 2026, "height": 3, "total": 5, "orders": { "confirmed": 4, "lapsed": 1 } });
    let told = |cell: &str| json!({ "cells": { cell: 7 }, "withheld": 0 });
    let statistics = json!({ "year": 2026, "height": 3, "time": NOW, "money": funds["money"],
        "orders": { "total": 7, "states": told("settled"), "places": told("LT-57"), "fields": told("music"),
            "months": { "cells": {}, "withheld": 7 } } });
    let gateway = Gateway::start(move |_, request| match request.line.as_str() {
        "GET /v1/funds/2026" => Reply::Json(200, funds.clone()),
        "GET /v1/statistics/2026" => Reply::Json(200, statistics.clone()),
        "GET /v1/orders/summary/2026" => Reply::Json(200, summary.clone()),
        "GET /v1/status" => Reply::Json(200, status(NOW)),
        "POST /v1/documents" => Reply::Json(201, json!({ "id": DocumentId::of(b"{}") })),
        "POST /v1/clock" => Reply::Json(200, json!({ "time": NOW, "advanced": true })),
        other => panic!("{other}"),
    })
    .await;
    let client = client(&[&gateway]);
    let funds = client.funds(Year(2026)).await.unwrap().unwrap();
    assert_eq!((funds.state, funds.money.state, funds.money.balances()), (YearState::Open, totals, true));
    let summary = client.orders_summary(Year(2026)).await.unwrap().unwrap();
    assert_eq!((summary.total, summary.orders["confirmed"]), (5, 4));
    let told = client.statistics(Year(2026)).await.unwrap().unwrap().orders.unwrap();
    assert_eq!((told.total, told.places.cells["LT-57"], told.months.withheld), (7, 7, 7));
    let status = client.status().await.unwrap();
    assert_eq!((status.height, status.clock, status.simulated), (Height(9), NOW, true));
    assert_eq!(client.put_document(b"{}").await.unwrap(), DocumentId::of(b"{}"));
    client.step_clock(NOW, Signature([5; 64])).await.unwrap();
    let step: Value = serde_json::from_slice(&gateway.requests().pop().unwrap().body).unwrap();
    assert_eq!(step, json!({ "time": NOW, "signature": Signature([5; 64]) }));
}

#[tokio::test]
async fn catalogue_is_typed() {
    let terms = ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 4 },
        price: Cents::new(700),
        capacity: 60,
        vat: VatCategory::ExemptCulture,
        venues: vec!["LT-57".parse().unwrap(), "PL".parse().unwrap()],
        from: NOW,
        until: NOW,
        document: DocumentId::of(b"{}"),
    };
    let service = json!({ "id": ServiceId([1; 16]), "provider": ProviderId([2; 16]), "version": 1, "standing": "active",
        "terms": terms });
    let mut detail = service.clone();
    detail["description"] = json!("held");
    detail["document"] = json!({ "salt": "00" });
    let page = json!({ "height": 4, "services": [service], "next": ServiceId([1; 16]) });
    let sessions = json!({ "service": ServiceId([1; 16]), "year": 2026, "height": 4, "sessions": [{ "id": SessionId([3; 16]),
        "start": NOW, "end": NOW, "place": "LT-57", "capacity": 60, "free": 12, "open": true }] });
    let one = ServiceId([1; 16]);
    let gateway = Gateway::start(move |_, request| match request.line.rsplit('/').next() {
        Some("services?field=theatre&limit=1") => Reply::Json(200, page.clone()),
        Some("sessions?year=2026") => Reply::Json(200, sessions.clone()),
        Some(id) if id == one.to_string() => Reply::Json(200, detail.clone()),
        other => panic!("{other:?}"),
    })
    .await;
    let client = client(&[&gateway]);
    let page = client.services(&[("field", "theatre"), ("limit", "1")]).await.unwrap();
    assert_eq!((page.services[0].terms.clone(), page.next), (terms.clone(), Some(one)));
    let detail = client.service(one).await.unwrap().unwrap();
    assert_eq!((detail.service.terms, detail.document), (terms, Some(json!({ "salt": "00" }))));
    let sessions = client.sessions(one, Year(2026)).await.unwrap().unwrap().sessions;
    assert_eq!((sessions[0].place, sessions[0].free), (Place::Municipality(57), 12));
}

#[test]
fn addresses_are_judged() {
    for wrong in ["", "127.0.0.1:8080", "ftp://node", "http://", "http://node/?a=b", "file:///etc"] {
        assert!(matches!(Client::new(&[wrong], quick()), Err(ClientError::Address { .. })), "{wrong:?}");
    }
    assert!(matches!(Client::new::<&str>(&[], quick()), Err(ClientError::NoGateway)));
    assert!(Client::new(&["https://node.example/keis/", "http://[::1]:8080"], quick()).is_ok());
}
