//! What the gateway tells of a ledger that stands still: where it is, its rules and money, and the form of a receipt.

use keis_ledger::chain::Height;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::TransactionId;
use keis_ledger::money::Amounts;
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::time::Span;
use serde_json::{Value, json};

use super::YEAR;
use crate::support::ledger::{NETWORK, NOW, parameters};

pub(super) fn status() -> Value {
    json!({
        "network": NETWORK, "height": 1, "block": format!("blk_{}", "0".repeat(64)), "time": NOW, "state_root": NETWORK,
        "clock": NOW, "simulated": true, "syncing": false,
    })
}

pub(super) fn rules() -> Value {
    json!({
        "height": 1,
        "network": {
            "protocol": 1, "max_validity": Span::days(1), "step_budget": 1000, "max_block_bytes": 1_048_576,
            "max_touched": 10_000, "clock_bound": Span::days(1),
        },
        "years": [{ "year": YEAR, "state": "open", "parameters": parameters() }],
    })
}

/// A year of 1,000,000 euro in a few places.
pub(super) fn funds() -> Value {
    let totals = |minted: u64, budget: u64, pupils: u64, schools: u64, held: u64| {
        json!({
            "minted": minted, "budget": budget, "reserve": 0, "pupils": pupils, "schools": schools, "held": held,
            "escrowed": 0, "providers": 0, "settlement": 0, "receivable": 0, "paid": 0, "returned": 0,
        })
    };
    json!({
        "year": YEAR, "state": "open", "height": 1, "time": NOW, "balanced": true,
        "money": {
            "state": totals(100_000_000, 1_000_000, 98_765_400, 0, 234_600),
            "school": totals(50_000, 0, 0, 49_000, 1_000),
        },
    })
}

pub(super) fn receipt(height: u64, kind: Kind, subject: Subject) -> Receipt {
    Receipt {
        id: TransactionId([u8::try_from(height % 251).expect("a byte"); 32]),
        height: Height(height),
        index: 0,
        time: NOW,
        kind,
        subject,
        on_behalf: false,
        total: Amounts::ZERO,
        lines: 0,
        lines_root: Hash([0; 32]),
    }
}
