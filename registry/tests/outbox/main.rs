//! Import, wallets, outbox and reconciliation, each on SQLite and on PostgreSQL, against a ledger with its real rules.

#![allow(clippy::unwrap_used)]

mod histories;
mod import;
mod in_use;
mod ledger;
mod lines;
mod outbox;
mod reconcile;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod wallets;
