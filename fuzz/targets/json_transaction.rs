//! Transactions as JSON: what is encoded is read by the ledger, or is too long for it.
#![no_main]

use keis_ledger::codec::MAX_TRANSACTION;
use keis_ledger::crypto::Hash;
use keis_ledger::transaction::RawTransaction;
use keis_node::gateway::writing::encode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = encode(bytes) else { return };
    let is_short = raw.len() <= MAX_TRANSACTION;
    assert!(RawTransaction(raw).parse(&Hash([7; 32])).is_ok() || !is_short);
});
