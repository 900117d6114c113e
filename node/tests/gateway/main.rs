//! The gateway over a real chain, store and mempool, one file a resource.

#![allow(clippy::unwrap_used, reason = "what a test expects and does not find ends it")]

mod acts;
mod blocks;
mod books;
mod catalogue;
mod chain;
mod client;
mod decisions;
mod documents;
mod events;
mod handbook;
mod invoices;
mod keeping;
mod openapi;
mod owners;
mod pages;
mod party;
mod proofs;
mod ratings;
mod remedies;
mod sealing;
mod searching;
mod server;
mod settlement;
mod signature;
mod statistics;
mod support;
mod system;
mod tongues;
mod transactions;
mod writing;
