//! A gateway over a small market in memory: services, sessions, orders and statements that tests put there, and the stream of
//! events that tells of them.

#![allow(unreachable_pub, reason = "shared by the files of one binary")]

mod pupils;
mod told;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::stream::{self, Stream};
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{DocumentId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{Buyer, Operation, OrderAction, Party, ServiceTerms, SessionOffer};
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::record::{Line, LineState, Order, OrderState, PinnedRules, Session, Standing, Statement};
use keis_ledger::time::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use warp::Filter;
use warp::http::StatusCode;

use super::support::ledger::{NOW, parameters};
use super::support::{SiteOptions, TestSite, start};
use told::{funds, receipt, rules, status};

pub use pupils::pupils;

/// The year of the market.
pub const YEAR: Year = Year(2026);
pub const HOUR: u64 = 60 * 60 * 1000;
pub const DAY: u64 = 24 * HOUR;

/// What the market holds.
#[derive(Default)]
pub struct Book {
    pub services: BTreeMap<ServiceId, Service>,
    /// Services as they were in versions of before.
    pub earlier: BTreeMap<(ServiceId, u32), Service>,
    pub sessions: BTreeMap<SessionId, Session>,
    pub orders: BTreeMap<OrderId, Order>,
    pub statements: BTreeMap<StatementId, Statement>,
    /// Wallets of pupils, as gateways tell of them.
    pub pupils: Vec<Value>,
    /// Own money of every school, in cents.
    pub purse: u64,
    /// What gateways tell of an order beside its record: dispute, deadlines, successors.
    pub beside: BTreeMap<OrderId, Value>,
    /// The same of a statement: its bill, what was paid.
    pub bills: BTreeMap<StatementId, Value>,
    /// What gateways tell of providers' wallets beside the usual.
    pub provider: Value,
    /// In whose place schools stand.
    pub schools_before: Vec<SchoolId>,
    pub receivables: Vec<Value>,
    pub repayments: Vec<Value>,
    /// Ratings of every service.
    pub rating: Option<Value>,
    /// What is told of the year's orders, where that is not all.
    pub told: Option<Value>,
    /// A year of which one record is left.
    pub sealed: Option<Year>,
    receipts: Vec<Receipt>,
}

/// A service with its description.
#[derive(Clone)]
pub struct Service {
    pub provider: ProviderId,
    pub version: u32,
    pub standing: Standing,
    pub terms: ServiceTerms,
    pub document: Option<Value>,
}

/// A running gateway.
#[derive(Clone)]
pub struct Market {
    pub address: String,
    book: Arc<Mutex<Book>>,
    /// Number of receipts, and how often streams were cut.
    told: watch::Sender<(usize, u32)>,
}

/// An id that ends in a number.
pub fn bytes(number: u16) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The service of most tests.
pub const SERVICE: ServiceId = ServiceId([5; 16]);

/// An order by its number.
pub fn id(number: u16) -> OrderId {
    OrderId(bytes(number))
}

/// An act on an order.
pub fn act(number: u16, action: OrderAction) -> Operation {
    Operation::Order { year: YEAR, order: id(number), action }
}

/// The portal's catalogue follows the market and has everything.
pub async fn follow(site: &TestSite) {
    site.site.catalogue.follow(site.site.client.clone(), site.registry.clone());
    site.site.catalogue.until(|catalogue| catalogue.ready()).await;
}

/// A session of `SERVICE` that three pupils had joined and that is over.
pub fn past() -> Session {
    let start = Timestamp(NOW.0 - 3 * HOUR);
    let past = session(SERVICE, 0, 3);
    let offer = SessionOffer { start, end: Timestamp(start.0 + HOUR), ..past.offer };
    Session { offer, ..past }
}

impl Market {
    /// Starts a gateway; it ends with the test's runtime.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = format!("http://{}", listener.local_addr().expect("it has an address"));
        let market = Self { address, book: Arc::default(), told: watch::channel((0, 0)).0 };
        let (for_events, for_reads) = (market.clone(), market.clone());
        let query = || warp::query::<BTreeMap<String, String>>();
        let events = warp::path!("v1" / "events").and(query()).map(move |query: BTreeMap<String, String>| {
            warp::sse::reply(for_events.events(query.get("after").map(String::as_str).unwrap_or_default()))
        });
        let reads = warp::path::full().and(query()).map(move |path: warp::path::FullPath, query| {
            let (status, found) = match for_reads.answer(path.as_str(), &query) {
                _ if for_reads.is_sealed(path.as_str(), &query) => {
                    (StatusCode::GONE, json!({ "title": "sealed", "status": 410, "code": "year_sealed" }))
                }
                Some(found) => (StatusCode::OK, found),
                None => (StatusCode::NOT_FOUND, json!({ "title": "not there", "status": 404, "code": "not_found" })),
            };
            warp::reply::with_status(warp::reply::json(&found), status)
        });
        tokio::spawn(warp::serve(events.or(reads)).incoming(listener).run());
        market
    }

    /// A portal over this market.
    pub async fn site(&self) -> TestSite {
        start(SiteOptions { gateway: Some(self.address.clone()), ..SiteOptions::default() }).await
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no test panics with it")
    }

    /// Changes the market and tells of it.
    pub fn change(&self, kind: Kind, subject: Subject, change: impl FnOnce(&mut Book)) {
        let count = {
            let mut book = self.book();
            change(&mut book);
            let height = book.receipts.len() as u64 + 2;
            book.receipts.push(receipt(height, kind, subject));
            book.receipts.len()
        };
        self.told.send_modify(|told| told.0 = count);
    }

    /// Tells of an order what moved money of the state.
    pub fn moved(&self, kind: Kind, subject: Subject, cents: u64, lines: u32) {
        self.change(kind, subject, |_| {});
        let mut book = self.book();
        let receipt = book.receipts.last_mut().expect("it was told");
        (receipt.total.state, receipt.lines) = (Cents::new(cents), lines);
    }

    /// Ends every stream of events.
    pub fn cut(&self) {
        self.told.send_modify(|told| told.1 += 1);
    }

    fn events(&self, after: &str) -> impl Stream<Item = Result<warp::sse::Event, Infallible>> + use<> {
        let after = after.split_once('.').and_then(|(height, index)| Some((height.parse().ok()?, index.parse().ok()?)));
        let after: (u64, u32) = after.unwrap_or((u64::MAX, 0));
        let (book, mut told) = (self.book.clone(), self.told.subscribe());
        let cuts = told.borrow_and_update().1;
        stream::unfold((book, told, after), move |(book, mut told, after)| async move {
            loop {
                let next = {
                    let book = book.lock().expect("no test panics with it");
                    book.receipts.iter().find(|receipt| (receipt.height.0, receipt.index) > after).cloned()
                };
                if told.borrow_and_update().1 != cuts {
                    return None;
                }
                if let Some(receipt) = next {
                    let place = (receipt.height.0, receipt.index);
                    let event = warp::sse::Event::default().id(format!("{}.{}", place.0, place.1)).event("receipt");
                    let event = event.json_data(&receipt).expect("a receipt is JSON");
                    return Some((Ok(event), (book, told, place)));
                }
                told.changed().await.ok()?;
            }
        })
    }

    fn is_sealed(&self, path: &str, query: &BTreeMap<String, String>) -> bool {
        let Some(year) = self.book().sealed.map(|year| year.to_string()) else { return false };
        query.get("year") == Some(&year) || path == format!("/v1/orders/summary/{year}")
    }

    fn answer(&self, path: &str, query: &BTreeMap<String, String>) -> Option<Value> {
        let book = self.book();
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match parts[..] {
            ["status"] => Some(status()),
            ["parameters"] => Some(rules()),
            ["funds", _] => Some(funds()),
            ["orders", "summary", _] => Some(book.summary()),
            ["statistics", _] => Some(book.statistics()),
            ["services"] => Some(book.services_after(query.get("cursor").map(String::as_str))),
            ["services", id] => book.service(id.parse().ok()?, query.get("version").map(String::as_str)),
            ["services", id, "sessions"] => Some(book.sessions_of(id.parse().ok()?)),
            ["sessions", id] => book.session(id.parse().ok()?),
            ["providers", id] => Some(with(
                json!({
                    "height": 1, "provider": id, "standing": "active", "purse": { "state": 12_345, "school": 67 },
                    "keys": [],
                }),
                Some(&book.provider),
            )),
            ["providers", id, list] => {
                let items = book.of_provider(id.parse().ok()?, list, query.get("state").map(String::as_str))?;
                Some(json!({ "height": 1, "items": items }))
            }
            ["schools", id] => Some(json!({
                "height": 1, "school": id, "place": "LT-57", "standing": "active", "purse": book.purse,
                "pupils": book.pupils.len(), "keys": [], "predecessors": book.schools_before,
            })),
            ["schools", id, list] => Some(json!({ "height": 1, "items": book.of_school(id.parse().ok()?, list)? })),
            ["orders", id, "lines"] => {
                let order = book.orders.get(&id.parse().ok()?)?;
                Some(book.order_view(id.parse().ok()?, order))
            }
            ["orders", id, "history"] => {
                let id: OrderId = id.parse().ok()?;
                let own = book.receipts.iter().filter(|receipt| receipt.subject.order == Some(id));
                Some(json!({ "receipts": own.collect::<Vec<_>>() }))
            }
            ["statements", id] => {
                let statement = book.statements.get(&id.parse().ok()?)?;
                Some(book.statement_view(id.parse().ok()?, statement))
            }
            _ => None,
        }
    }
}

impl Book {
    fn services_after(&self, cursor: Option<&str>) -> Value {
        // A short page, so that a list of a few services has several.
        const PAGE: usize = 7;
        let after: Option<ServiceId> = cursor.and_then(|cursor| cursor.parse().ok());
        let rest = self.services.iter().filter(|(id, one)| Some(**id) > after && one.standing == Standing::Active);
        let page: Vec<_> = rest.take(PAGE).collect();
        let next = page.last().filter(|_| page.len() == PAGE).map(|(id, _)| **id);
        let items: Vec<Value> = page.into_iter().map(|(id, one)| view(*id, one)).collect();
        match next {
            Some(next) => json!({ "height": 1, "services": items, "next": next }),
            None => json!({ "height": 1, "services": items }),
        }
    }

    fn service(&self, id: ServiceId, version: Option<&str>) -> Option<Value> {
        let mut service = self.services.get(&id)?;
        if let Some(version) = version.and_then(|version| version.parse().ok())
            && version != service.version
        {
            service = self.earlier.get(&(id, version))?;
        }
        let mut view = view(id, service);
        if let Some(rating) = &self.rating {
            view["rating"] = rating.clone();
        }
        if let Some(document) = &service.document {
            view["document"] = document.clone();
        }
        Some(view)
    }

    fn sessions_of(&self, service: ServiceId) -> Value {
        let of = self.sessions.iter().filter(|(_, session)| session.service == service);
        let sessions: Vec<Value> = of.map(|(id, session)| session_view(*id, session)).collect();
        json!({ "service": service, "year": YEAR, "height": 1, "sessions": sessions })
    }

    fn session(&self, id: SessionId) -> Option<Value> {
        let session = self.sessions.get(&id)?;
        let mut view = session_view(id, session);
        view["year"] = json!(YEAR);
        view["service"] = json!(session.service);
        Some(view)
    }

    fn of_provider(&self, provider: ProviderId, list: &str, state: Option<&str>) -> Option<Vec<Value>> {
        let is = |order: &Order| state.is_none_or(|state| json!(order.state) == state);
        let items = match list {
            "orders" => {
                let own = self.orders.iter().filter(|(_, order)| order.provider == provider && is(order));
                own.map(|(id, order)| self.order_view(*id, order)).collect()
            }
            "receivables" => self.receivables.clone(),
            "repayments" => self.repayments.clone(),
            "sessions" => {
                let own = |session: &Session| self.services.get(&session.service).map(|one| one.provider);
                let own = self.sessions.iter().filter(|(_, session)| own(session) == Some(provider));
                own.map(|(id, session)| json!({ "id": id, "year": YEAR, "session": session })).collect()
            }
            "statements" => {
                let own = self.statements.iter().filter(|(_, statement)| statement.provider == provider);
                own.map(|(id, statement)| self.statement_view(*id, statement)).collect()
            }
            _ => return None,
        };
        Some(items)
    }

    fn of_school(&self, school: SchoolId, list: &str) -> Option<Vec<Value>> {
        let own = self.orders.iter().filter(|(_, order)| order.school == school);
        match list {
            "pupils" => Some(self.pupils.iter().filter(|one| one["school"] == json!(school)).cloned().collect()),
            "orders" => Some(own.map(|(id, order)| self.order_view(*id, order)).collect()),
            "statements" => {
                let own = self.statements.iter().filter(|(_, one)| one.buyer == Buyer::School(school));
                Some(own.map(|(id, statement)| self.statement_view(*id, statement)).collect())
            }
            _ => None,
        }
    }

    fn order_view(&self, id: OrderId, order: &Order) -> Value {
        with(json!({ "id": id, "year": YEAR, "order": order }), self.beside.get(&id))
    }

    fn statement_view(&self, id: StatementId, statement: &Statement) -> Value {
        with(json!({ "id": id, "year": YEAR, "statement": statement }), self.bills.get(&id))
    }

    /// The year in tables as the gateway would tell it; nothing is withheld here, unless the test says what is told.
    fn statistics(&self) -> Value {
        let all = self.summary();
        let table = json!({ "cells": all["orders"], "withheld": 0 });
        let none = json!({ "cells": {}, "withheld": 0 });
        let orders = json!({ "total": all["total"], "states": table, "places": none, "fields": none, "months": none });
        let orders = self.told.clone().unwrap_or(orders);
        json!({ "year": YEAR, "height": 1, "money": funds()["money"], "orders": orders })
    }

    fn summary(&self) -> Value {
        let mut orders: BTreeMap<String, u64> = BTreeMap::new();
        for order in self.orders.values() {
            let name = json!(order.state).as_str().unwrap_or_default().to_owned();
            *orders.entry(name).or_default() += 1;
        }
        json!({ "year": YEAR, "height": 1, "total": self.orders.len(), "orders": orders })
    }
}

/// An object with the fields of another beside its own.
fn with(mut view: Value, beside: Option<&Value>) -> Value {
    for (name, value) in beside.and_then(Value::as_object).into_iter().flatten() {
        view[name] = value.clone();
    }
    view
}

fn view(id: ServiceId, one: &Service) -> Value {
    json!({
        "id": id, "provider": one.provider, "version": one.version, "standing": one.standing, "terms": one.terms,
        "description": "held",
    })
}

fn session_view(id: SessionId, session: &Session) -> Value {
    let Session { offer, booked, open, .. } = session;
    json!({
        "id": id, "start": offer.start, "end": offer.end, "place": offer.place, "capacity": offer.capacity,
        "free": offer.capacity - booked, "open": open,
    })
}

/// A service of 5 euro for grades 1 to 8 in Vilnius and Kaunas.
pub fn service(provider: ProviderId, lt: &str, en: &str) -> Service {
    Service {
        provider,
        version: 1,
        standing: Standing::Active,
        terms: ServiceTerms {
            field: ArtField::Theatre,
            kind: ServiceKind::Performance,
            grades: Grades { from: 1, until: 8 },
            price: Cents::new(500),
            capacity: 30,
            vat: VatCategory::ExemptCulture,
            venues: vec![Place::Municipality(15), Place::Municipality(57)],
            from: Timestamp(NOW.0 - 30 * DAY),
            until: Timestamp(NOW.0 + 200 * DAY),
            document: DocumentId([7; 32]),
        },
        document: Some(json!({
            "salt": "0".repeat(64), "title": { "lt": lt, "en": en },
            "description": { "lt": "Pirmoji pastraipa.\nAntroji <b>pastraipa</b>.", "en": "First.\nSecond." },
        })),
    }
}

/// An open session of an hour, so long after now, for 30 pupils in Vilnius.
pub fn session(service: ServiceId, after: u64, booked: u16) -> Session {
    let start = Timestamp(NOW.0 + after);
    let end = Timestamp(start.0 + HOUR);
    let offer = SessionOffer { start, end, place: Place::Municipality(57), capacity: 30 };
    Session { service, offer, booked, open: true }
}

/// An order of pupils into a session.
pub fn order(
    school: SchoolId,
    provider: ProviderId,
    at: (SessionId, &Session),
    pupils: &[PupilId],
    state: OrderState,
) -> Order {
    let line = |pupil: &PupilId| Line {
        pupil: *pupil,
        state: LineState::Booked,
        held: Amounts::ZERO,
        escrow: Amounts::ZERO,
        due: Amounts::ZERO,
    };
    Order {
        school,
        orderer: Party::School(school),
        provider,
        service: at.1.service,
        version: 1,
        session: at.0,
        start: at.1.offer.start,
        end: at.1.offer.end,
        state,
        price: Cents::new(500),
        rules: PinnedRules::of(&parameters()),
        school_money: Cents::ZERO,
        deadline: Timestamp(NOW.0 + DAY),
        lines: pupils.iter().map(line).collect(),
        change: None,
        orderer_key: SecretKey::from_bytes(&[1; 32]).public(),
        provider_key: None,
        programme_statement: None,
        school_statement: None,
        blind: Hash([0; 32]),
    }
}
