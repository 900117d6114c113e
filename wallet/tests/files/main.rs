//! Files that prove: what they promise, and that a verifier written from the ledger's README alone judges them alike.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod damage;
mod promises;
mod python;
mod support;
