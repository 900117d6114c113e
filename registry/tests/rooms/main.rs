//! The rooms of the registry, each on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used)]

mod bank_accounts;
mod bank_files;
mod billing;
mod bodies;
mod closings;
mod database;
mod erasure;
mod invoices;
mod keys;
mod log;
mod master_key;
mod notices;
mod officers;
mod payments;
mod people;
mod permission;
mod refusals;
mod sampling;
mod scene;
mod sessions;
mod successions;
#[path = "../support/mod.rs"]
mod support;
mod users;
