//! A gateway of a ledger that stands still: one open year, no service, no order.

use std::net::Ipv4Addr;

use keis_ledger::classifiers::Grades;
use keis_ledger::crypto::Hash;
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Day, Offset, Span, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

/// The network.
pub const NETWORK: Hash = Hash([7; 32]);
/// What its clock shows: 10 February 2026, noon in Vilnius.
pub const NOW: Timestamp = Timestamp(1_770_717_600_000);
/// 1 January 2026 in Vilnius.
const NEW_YEAR: u64 = 1_767_218_400_000;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Rules of the year.
pub fn parameters() -> ProgrammeParameters {
    let share = |points| BasisPoints::new(points).expect("a share");
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: Timestamp(NEW_YEAR + DAY),
        arrivals: ArrivalAmount::Full,
        window_from: Timestamp(NEW_YEAR),
        window_until: Timestamp(NEW_YEAR + 353 * DAY),
        hold_expiry: Span::days(5),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: share(5_000),
        absence_share: share(5_000),
        minimum_share: share(6_000),
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar {
            holidays: vec![Day(20_454)],
            offsets: vec![
                Offset { from: Timestamp(0), minutes: 120 },
                Offset { from: Timestamp(NEW_YEAR + 87 * DAY), minutes: 180 },
            ],
        },
    }
}

/// Starts the gateway; it ends with the test's runtime.
pub async fn start() -> String {
    let status = warp::path!("v1" / "status").map(|| warp::reply::json(&status()));
    let rules = warp::path!("v1" / "parameters").map(|| warp::reply::json(&rules()));
    let missing = warp::any().map(|| {
        let problem = json!({ "type": "about:blank", "title": "not there", "status": 404, "code": "not_found" });
        warp::reply::with_status(warp::reply::json(&problem), StatusCode::NOT_FOUND)
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(warp::serve(status.or(rules).or(missing)).incoming(listener).run());
    format!("http://{address}")
}

fn status() -> Value {
    json!({
        "network": NETWORK.to_string(),
        "height": 1,
        "block": format!("blk_{}", "0".repeat(64)),
        "time": NOW,
        "state_root": NETWORK.to_string(),
        "clock": NOW,
        "simulated": true,
        "syncing": false,
    })
}

fn rules() -> Value {
    json!({
        "height": 1,
        "network": {
            "protocol": 1,
            "max_validity": Span::days(1),
            "step_budget": 1000,
            "max_block_bytes": 1_048_576,
            "max_touched": 10_000,
            "clock_bound": Span::days(1),
        },
        "years": [{ "year": 2026, "state": "open", "parameters": parameters() }],
    })
}
