//! A gateway that knows the books of one year: statements with what followed them, debts, repayments, accounts, officers' keys.

#![allow(unreachable_pub, reason = "shared by the files of one binary")]

pub mod stage;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Owner};
use keis_ledger::record::{Bill, Order, Payment, PaymentWay, Repayment, Statement, StatementState};
use keis_ledger::time::{Span, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

use crate::support::ledger::{NETWORK, NOW, parameters};

/// The year of the books.
pub const YEAR: Year = Year(2026);
/// A year that was sealed.
pub const SEALED: Year = Year(2024);
/// Most statements of one answer, so that a year has several pages.
const PAGE: usize = 40;

/// What the gateway tells.
#[derive(Default)]
pub struct Shelf {
    pub height: u64,
    pub statements: BTreeMap<StatementId, (Statement, Bill)>,
    pub orders: BTreeMap<OrderId, Order>,
    pub owed: Vec<(ProviderId, Buyer, Cents)>,
    pub repaid: Vec<(Commitment, Repayment)>,
    pub accounts: BTreeMap<ProviderId, Commitment>,
    pub keys: BTreeMap<PublicKey, Owner>,
    /// Sums of the year that are not zero, of state money.
    pub funds: BTreeMap<&'static str, u64>,
    pub ended: bool,
    /// Whether the year is sealed by now.
    pub sealed: bool,
    pub open_orders: u64,
    /// What is answered to who asks for a closing report.
    pub report: Option<Value>,
}

/// The running gateway.
#[derive(Clone)]
pub struct Ledger {
    pub address: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl Ledger {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it has an address"));
        let ledger = Self { address, shelf: Arc::default() };
        let reader = ledger.clone();
        let query = warp::query::<BTreeMap<String, String>>();
        let reads = warp::path::full().and(query).map(move |path: warp::path::FullPath, query| {
            let (status, value) = reader.answer(path.as_str(), &query);
            warp::reply::with_status(warp::reply::json(&value), status)
        });
        tokio::spawn(warp::serve(reads).incoming(listener).run());
        ledger
    }

    /// The shelf, to be changed: whoever looks at it makes a block.
    pub fn shelf(&self) -> MutexGuard<'_, Shelf> {
        let mut shelf = self.shelf.lock().expect("no test panics with it");
        shelf.height += 1;
        shelf
    }

    fn answer(&self, path: &str, query: &BTreeMap<String, String>) -> (StatusCode, Value) {
        let shelf = self.shelf.lock().expect("no test panics with it");
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let is_gone = |year: &String| *year == SEALED.to_string() || shelf.sealed && *year == YEAR.to_string();
        let of_sealed = query.get("year").is_some_and(is_gone);
        if of_sealed {
            let problem = json!({ "title": "The year is sealed", "status": 410, "code": "year_sealed" });
            return (StatusCode::GONE, problem);
        }
        match shelf.found(&parts, query) {
            Some(value) => (StatusCode::OK, value),
            None => (StatusCode::NOT_FOUND, json!({ "title": "not there", "status": 404, "code": "not_found" })),
        }
    }
}

impl Shelf {
    fn found(&self, parts: &[&str], query: &BTreeMap<String, String>) -> Option<Value> {
        match parts {
            ["status"] => Some(json!({
                "network": NETWORK, "height": self.height, "block": format!("blk_{}", "0".repeat(64)), "time": NOW,
                "state_root": NETWORK, "clock": NOW, "simulated": true, "syncing": false,
            })),
            ["parameters"] => Some(self.rules()),
            ["funds", year] => self.funds_of(year.parse().ok()?),
            ["orders", "summary", _] => Some(json!({
                "year": YEAR, "height": self.height, "total": self.open_orders, "orders": { "confirmed": self.open_orders },
            })),
            ["orders", id, "lines"] => {
                let order = self.orders.get(&id.parse().ok()?)?;
                Some(json!({ "id": id, "year": YEAR, "order": order }))
            }
            ["settlements", "report"] => self.report.clone(),
            ["statements"] => Some(self.page(query.get("cursor").map(String::as_str))),
            ["statements", id] => {
                let id = id.parse().ok()?;
                self.statements.get(&id).map(|one| view(id, one))
            }
            ["providers", id] => {
                let account = self.accounts.get(&id.parse().ok()?);
                let account = account.map(|account| json!({ "account": account, "since": NOW }));
                Some(json!({
                    "height": self.height, "provider": id, "standing": "active", "purse": { "state": 0, "school": 0 },
                    "keys": [], "payment_account": account,
                }))
            }
            ["providers", id, list] => {
                let id: ProviderId = id.parse().ok()?;
                Some(json!({ "height": self.height, "items": self.of_provider(id, list)? }))
            }
            ["keys", key] => {
                let key: PublicKey = key.parse().ok()?;
                let owner = self.keys.get(&key)?;
                Some(json!({
                    "key": key, "owner": owner, "scopes": [], "cap": 0, "from": 0, "until": u64::MAX,
                }))
            }
            _ => None,
        }
    }

    fn of_provider(&self, id: ProviderId, list: &str) -> Option<Vec<Value>> {
        match list {
            "receivables" => {
                let own = self.owed.iter().filter(|(provider, _, _)| *provider == id);
                Some(own.map(|(_, buyer, owed)| json!({ "buyer": buyer, "owed": owed })).collect())
            }
            "repayments" => {
                let own = self.repaid.iter().filter(|(_, repayment)| repayment.provider == id);
                Some(own.map(|(reference, one)| json!({ "reference": reference, "repayment": one })).collect())
            }
            _ => None,
        }
    }

    fn page(&self, cursor: Option<&str>) -> Value {
        let after: Option<StatementId> = cursor.and_then(|cursor| cursor.parse().ok());
        let rest = self.statements.iter().filter(|(id, _)| Some(**id) > after);
        let shown: Vec<_> = rest.take(PAGE).collect();
        let next = shown.last().filter(|_| shown.len() == PAGE).map(|(id, _)| **id);
        let items: Vec<Value> = shown.into_iter().map(|(id, one)| view(*id, one)).collect();
        json!({ "height": self.height, "items": items, "next": next })
    }

    fn rules(&self) -> Value {
        let state = if self.ended { "ended" } else { "open" };
        let years =
            if self.sealed { json!([]) } else { json!([{ "year": YEAR, "state": state, "parameters": parameters() }]) };
        let sealed = if self.sealed { vec![SEALED, YEAR] } else { vec![SEALED] };
        json!({
            "height": self.height,
            "network": {
                "protocol": 2, "max_validity": Span::days(1), "step_budget": 1000, "max_block_bytes": 1_048_576,
                "max_touched": 10_000, "clock_bound": Span::days(1),
            },
            "years": years,
            "sealed": sealed,
        })
    }

    fn funds_of(&self, year: u16) -> Option<Value> {
        let classes = [
            "minted",
            "budget",
            "reserve",
            "pupils",
            "schools",
            "held",
            "escrowed",
            "providers",
            "settlement",
            "receivable",
            "paid",
            "returned",
        ];
        let totals = |sums: &BTreeMap<&'static str, u64>| {
            let of = |class: &&'static str| ((*class).to_owned(), json!(sums.get(class).copied().unwrap_or_default()));
            Value::Object(classes.iter().map(of).collect())
        };
        let answer = |state: &str, sums: &BTreeMap<&'static str, u64>, sealed: Option<Value>| {
            Some(json!({
                "year": year, "state": state, "height": self.height, "time": NOW, "balanced": true, "sealed": sealed,
                "money": { "state": totals(sums), "school": totals(&BTreeMap::new()) },
            }))
        };
        if Year(year) == SEALED {
            let sums = BTreeMap::from([("minted", 98_765_400), ("paid", 90_000_000), ("returned", 8_765_400)]);
            return answer("ended", &sums, Some(json!({ "root": NETWORK, "records": 1_234_567, "at": NOW })));
        }
        if Year(year) != YEAR {
            return None;
        }
        let seal = self.sealed.then(|| json!({ "root": NETWORK, "records": 1_000, "at": NOW }));
        answer(if self.ended { "ended" } else { "open" }, &self.funds, seal)
    }
}

fn view(id: StatementId, (statement, bill): &(Statement, Bill)) -> Value {
    let sum = |wanted: fn(PaymentWay) -> bool| {
        let cents = bill.payments.iter().filter(|payment| wanted(payment.way)).map(|payment| payment.amount.get());
        cents.sum::<u64>()
    };
    json!({
        "id": id, "year": YEAR, "statement": statement, "bill": bill,
        "paid": sum(|way| matches!(way, PaymentWay::Bank { .. })), "set_off": sum(|way| way == PaymentWay::SetOff),
    })
}

/// A statement of these cents that nothing followed yet.
pub fn statement(provider: ProviderId, buyer: Buyer, cents: u64, state: StatementState) -> (Statement, Bill) {
    let total = Cents::new(cents);
    let issued = Timestamp(NOW.0 - 24 * 60 * 60 * 1000);
    let statement = Statement { provider, buyer, orders: Vec::new(), total, balance: total, state, issued };
    (statement, Bill::default())
}

/// Records a payment in a bill.
pub fn pay((statement, bill): &mut (Statement, Bill), payment: Payment) {
    statement.balance = statement.balance.saturating_sub(payment.amount);
    bill.payments.push(payment);
    if statement.balance.is_zero() {
        statement.state = StatementState::Paid;
    }
}
