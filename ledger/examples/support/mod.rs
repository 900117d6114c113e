//! Invented records for measurements of the state's tree.

use std::sync::Arc;

use keis_ledger::crypto::{Domain, Hash, hash};
use keis_ledger::tree::TreeKey;

/// A place and what is put there.
pub type Change = (TreeKey, Option<(Hash, Arc<u64>)>);

/// The place of a record by its number.
pub fn key(n: u64) -> TreeKey {
    let mut key = [0; 34];
    key[2..].copy_from_slice(&hash(Domain::RecordKey, &[&n.to_le_bytes()]).0);
    TreeKey(key)
}

/// A record that is put.
pub fn record(n: u64, value: u64) -> Change {
    (key(n), Some((hash(Domain::RecordValue, &[&value.to_le_bytes()]), Arc::new(value))))
}

/// Changes in the order of their places, as the tree takes them.
pub fn sorted(mut records: Vec<Change>) -> Vec<Change> {
    records.sort_by_key(|(key, _)| *key);
    records
}
