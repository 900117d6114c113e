//! Documents on their way to the buyer's system and its answers, on SQLite and PostgreSQL, against a receiver that loses, delays,
//! repeats and reorders, with the sender killed anywhere.

#![allow(clippy::unwrap_used)]

mod answers;
mod book;
mod histories;
mod receiver;
mod rows;
mod scene;
#[path = "../support/mod.rs"]
mod support;
