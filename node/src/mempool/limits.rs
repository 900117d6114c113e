//! How much a mempool takes.

use serde::{Deserialize, Serialize};

/// Bounds of a mempool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most transactions that wait for a block.
    pub count: usize,
    /// Most bytes of them.
    pub bytes: usize,
    /// Most transactions of one signing key, of those that wait and of those parked each.
    pub sender_count: usize,
    /// Most bytes of them.
    pub sender_bytes: usize,
    /// Most transactions parked until an earlier one is there.
    pub parked_count: usize,
    /// Most bytes of them.
    pub parked_bytes: usize,
    /// Most ids whose outcome is remembered.
    pub remembered: usize,
    /// Most calls that wait for an outcome.
    pub waiters: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            count: 16_384,
            bytes: 64 << 20,
            sender_count: 2_048,
            sender_bytes: 32 << 20,
            parked_count: 4_096,
            parked_bytes: 16 << 20,
            remembered: 65_536,
            waiters: 16_384,
        }
    }
}
