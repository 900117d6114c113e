#![doc = include_str!("../README.md")]

pub mod bank_accounts;
pub mod bank_files;
pub mod billing;
pub mod bodies;
pub mod closings;
pub mod collate;
pub mod database;
pub mod dispatch;
pub mod documents;
pub mod erasure;
pub mod error;
pub mod ids;
pub mod import;
pub mod invoices;
pub mod keys;
pub mod log;
pub mod notices;
pub mod officers;
pub mod outbox;
pub mod page;
pub mod payments;
pub mod people;
pub mod permission;
pub mod reconcile;
pub mod refusals;
pub mod sampling;
pub mod successions;
mod sweep;
pub mod users;
pub mod vault;
pub mod wallets;
pub mod web_sessions;
pub mod witnesses;

pub use database::{Backend, Registry, Work, now};
pub use error::RegistryError;
pub use log::Actor;
pub use page::{Listed, Page};
pub use vault::MasterKey;

/// Every public future is boxed, so that it is compiled here and once: the body of an `async fn` is compiled by every crate
/// that awaits it.
use async_recursion::async_recursion as boxed;
