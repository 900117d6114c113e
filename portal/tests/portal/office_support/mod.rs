//! A ledger for officers' pages: a gateway that knows the year's money, and a door that takes what the outbox sends.

#![allow(unreachable_pub, reason = "shared by the files of one binary")]

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::{Span, Timestamp};
use keis_registry::Registry;
use keis_registry::outbox::{self, Door, DoorError, Fate, Office, Signed};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

use crate::support::ledger::{NETWORK, NOW, parameters};

/// Starts a gateway that answers with one open year, its money and no service.
pub async fn gateway() -> String {
    let answer = |value: Value| warp::any().map(move || warp::reply::json(&value));
    let status = warp::path!("v1" / "status").and(answer(status()));
    let rules = warp::path!("v1" / "parameters").and(answer(rules()));
    let funds = warp::path!("v1" / "funds" / "2026").and(answer(funds()));
    let none = || answer(json!({ "height": 1, "items": [] }));
    let schools = warp::path!("v1" / "schools" / String / "orders").and(none()).map(|_, empty| empty);
    let providers = warp::path!("v1" / "providers" / String / "orders").and(none()).map(|_, empty| empty);
    let orders = warp::path!("v1" / "orders").and(none());
    let decisions = warp::path!("v1" / "decisions").and(none());
    let missing = warp::any().map(|| {
        let problem = json!({ "type": "about:blank", "title": "not there", "status": 404, "code": "not_found" });
        warp::reply::with_status(warp::reply::json(&problem), StatusCode::NOT_FOUND)
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(
        warp::serve(status.or(rules).or(funds).or(schools).or(providers).or(orders).or(decisions).or(missing))
            .incoming(listener)
            .run(),
    );
    format!("http://{address}")
}

fn status() -> Value {
    json!({
        "network": NETWORK.to_string(), "height": 1, "block": format!("blk_{}", "0".repeat(64)), "time": NOW,
        "state_root": NETWORK.to_string(), "clock": NOW, "simulated": true, "syncing": false,
    })
}

fn rules() -> Value {
    let network = json!({
        "protocol": 1, "max_validity": Span::days(1), "step_budget": 1000, "max_block_bytes": 1_048_576,
        "max_touched": 10_000, "clock_bound": Span::days(1),
    });
    let years = json!([{ "year": 2026, "state": "open", "parameters": parameters() }]);
    json!({ "height": 1, "network": network, "years": years })
}

fn funds() -> Value {
    let totals = |minted: u64| {
        json!({
            "minted": minted, "budget": minted, "reserve": 0, "pupils": 0, "schools": 0, "held": 0, "escrowed": 0,
            "providers": 0, "settlement": 0, "receivable": 0, "paid": 0, "returned": 0,
        })
    };
    let money = json!({ "state": totals(489_300_000), "school": totals(0) });
    json!({ "year": 2026, "state": "open", "height": 1, "time": NOW, "money": money, "balanced": true })
}

/// A door that takes everything, or refuses everything for one rule.
#[derive(Default)]
pub struct TestDoor {
    sent: AtomicU64,
    refusal: Mutex<Option<&'static str>>,
    pub operations: Mutex<Vec<(Office, Option<Party>, Operation)>>,
}

impl TestDoor {
    /// A door at work for a registry until the test ends.
    pub fn open(registry: &Registry) -> Arc<Self> {
        let door = Arc::<Self>::default();
        let (registry, at_work) = (registry.clone(), door.clone());
        tokio::spawn(async move { outbox::run(&registry, &*at_work, std::future::pending()).await });
        door
    }

    /// Refuses what comes from now on, or takes it again.
    pub fn refuse(&self, code: Option<&'static str>) {
        *self.refusal.lock().expect("no test panics with it") = code;
    }

    /// What was signed, in order.
    pub fn signed(&self) -> Vec<(Office, Option<Party>, Operation)> {
        self.operations.lock().expect("no test panics with it").clone()
    }
}

#[async_trait]
impl Door for TestDoor {
    async fn now(&self) -> Result<Timestamp, DoorError> {
        Ok(NOW)
    }

    async fn sign(
        &self,
        office: Office,
        behalf: Option<Party>,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Signed, DoorError> {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&self.sent.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        let raw = codec::encode(&operation);
        self.operations.lock().expect("no test panics with it").push((office, behalf, operation));
        Ok(Signed { id: TransactionId(id), raw, valid_until: now.after(Span::days(1)) })
    }

    async fn put_document(&self, _document: &[u8]) -> Result<(), DoorError> {
        Ok(())
    }

    async fn submit(&self, _raw: &[u8]) -> Result<Fate, DoorError> {
        Ok(match *self.refusal.lock().expect("no test panics with it") {
            None => Fate::Included { height: Height(2) },
            Some(code) => Fate::Refused { code: code.to_owned(), may_pass_later: false, message: String::new() },
        })
    }

    async fn receipt(&self, _id: TransactionId) -> Result<Option<Height>, DoorError> {
        Ok(None)
    }
}
