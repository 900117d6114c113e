//! Times a national year's closing report as a page and as tables, and says what memory they took: `cargo run --release -p keis-portal
//! --example books`. The gateway is in this process and tells one report; what the reckoning itself takes, `keis-node`'s example
//! `report` measures.
//!
//! Arguments: statements, providers, schools, orders of a statement.

#[path = "../tests/portal/bills_support/mod.rs"]
#[allow(dead_code, reason = "made for tests")]
mod bills_support;
#[path = "../tests/portal/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "made for tests")]
mod support;

use std::collections::BTreeMap;
use std::time::Instant;

use bills_support::YEAR;
use bills_support::stage::Stage;
use keis_ledger::classifiers::Place;
use keis_ledger::ids::{ProviderId, SchoolId};
use keis_ledger::operation::Buyer;
use keis_registry::Registry;
use keis_registry::bodies::{NewProvider, NewSchool, ProviderKind, put_provider, put_school};
use serde_json::{Value, json};
use support::ledger::NOW;

/// Money of an order, in cents.
const ORDER: u64 = 8_000;
/// Each page is asked for so often.
const ROUNDS: usize = 3;

/// How much there is.
struct Size {
    statements: usize,
    providers: usize,
    schools: usize,
    orders: usize,
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let mut next = |standard| arguments.next().unwrap_or(standard);
    let size = Size { statements: next(8_000), providers: next(400), schools: next(1_200), orders: next(12) };
    let stage = Stage::new().await;
    let (providers, schools) = bodies(&stage.site.registry, &size).await;
    let report = report(&size, &providers, &schools);
    let rows = report["rows"].as_array().map_or(0, Vec::len);
    println!("{} statements, {} orders, {rows} rows", size.statements, size.statements * size.orders);
    stage.ledger.shelf().report = Some(report);
    let officer = stage.budget_holder().await;
    println!("{:<28}{:>10}{:>10}{:>12}{:>10}", "", "first ms", "best ms", "bytes", "MB more");
    for page in [
        "",
        "?by=place",
        "?by=vat",
        "?by=buyer",
        "?by=everything",
        "?by=everything&page=150",
        "/rows.csv",
        "/accounts.csv",
    ] {
        let before = peak();
        let mut times = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let shown = officer.get(&format!("/office/books/{YEAR}{page}")).await;
            times.push(begun.elapsed().as_secs_f64() * 1_000.0);
            assert_eq!(shown.status, 200, "{page}: {}", shown.text);
            bytes = shown.text.len();
        }
        let best = times.iter().copied().fold(f64::INFINITY, f64::min);
        let more = peak_since(before);
        println!("{:<28}{:>10.0}{best:>10.0}{bytes:>12}{more:>10}", format!("/{YEAR}{page}"), times[0]);
    }
    stage.site.shutdown().await;
}

/// Resident megabytes now, from which the peak is counted anew.
fn peak() -> u64 {
    // The kernel takes the peak back to what is resident; where it does not, only growth is seen.
    drop(std::fs::write("/proc/self/clear_refs", "5"));
    resident("VmRSS:")
}

fn peak_since(before: u64) -> u64 {
    resident("VmHWM:").saturating_sub(before)
}

fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// Providers and schools under names as they are.
async fn bodies(registry: &Registry, size: &Size) -> (Vec<ProviderId>, Vec<(SchoolId, Place)>) {
    let mut work = registry.begin().await.expect("the registry writes");
    let (mut providers, mut schools) = (Vec::new(), Vec::new());
    for number in 0..size.providers {
        let new = NewProvider {
            code: format!("31{number:07}"),
            kind: ProviderKind::Legal,
            name: format!("{} teatras Nr. {number}", ["Ąžuolo", "Šviesos", "Žalgirio", "Ėriuko"][number % 4]),
            place: Place::Municipality(57),
            vat_registered: number.is_multiple_of(2),
            controlling_code: None,
        };
        providers.push(put_provider(&mut work, &new).await.expect("a provider").body.id);
    }
    for number in 0..size.schools {
        let place = Place::Municipality(u8::try_from(number % 60 + 1).expect("a municipality"));
        let new = NewSchool {
            code: format!("19{number:07}"),
            name: format!("{} gimnazija Nr. {number}", ["Liepų", "Čiurlionio", "Ūlos", "Šilo"][number % 4]),
            place,
            branches: 0,
            controlling_code: None,
        };
        schools.push((put_school(&mut work, &new).await.expect("a school").body.id, place));
    }
    work.commit().await.expect("it is written");
    (providers, schools)
}

/// The report that a gateway reckons of so many statements: every other one is the programme's, with orders from everywhere, the rest
/// are schools', one each.
fn report(size: &Size, providers: &[ProviderId], schools: &[(SchoolId, Place)]) -> Value {
    let mut rows: BTreeMap<(ProviderId, Place, usize, Buyer), u64> = BTreeMap::new();
    for statement in 0..size.statements {
        let provider = providers[statement % providers.len()];
        for order in 0..size.orders {
            let is_school = !statement.is_multiple_of(2);
            let from = if is_school { 0 } else { order };
            let (school, place) = schools[(statement * 31 + from * 101) % schools.len()];
            let buyer = if is_school { Buyer::School(school) } else { Buyer::Programme };
            *rows.entry((provider, place, order % 2, buyer)).or_default() += 1;
        }
    }
    let mut sums = [0, 0];
    let told: Vec<Value> = rows
        .into_iter()
        .map(|((provider, place, vat, buyer), orders)| {
            sums[usize::from(buyer != Buyer::Programme)] += orders * ORDER;
            let vat = ["exempt_culture", "standard"][vat];
            json!({
                "provider": provider, "place": place, "vat": vat, "buyer": buyer,
                "orders": orders, "pupils": orders * 10, "accepted": orders * ORDER, "credits": 1, "credited": 300,
            })
        })
        .collect();
    json!({
        "year": YEAR, "height": 7, "time": NOW, "agrees": true, "rows": told,
        "sources": [book("state", sums[0]), book("school", sums[1])],
    })
}

fn book(source: &str, accepted: u64) -> Value {
    json!({
        "source": source, "statements": 1, "accepted": accepted, "credited": 0,
        "settlement": {
            "opening": 0, "issued": accepted, "contested": 0, "paid": 0, "came_back": 0, "set_off": 0, "credited": 0,
            "closing": accepted,
        },
        "paid": { "opening": 0, "paid": 0, "came_back": 0, "repaid": 0, "closing": 0 },
        "receivable": { "opening": 0, "credited": 0, "set_off": 0, "repaid": 0, "closing": 0 },
        "checks": [{ "what": "settlement", "reckoned": accepted, "account": accepted }],
    })
}
