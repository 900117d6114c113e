//! How a store is opened, and what was found when it was.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::chain::ChainReport;

/// Makes the bytes of a file survive a power cut; tests put failures here.
pub type SyncFile = Arc<dyn Fn(&File) -> io::Result<()> + Send + Sync>;

/// How much of the chain is read again at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// The newest heights only.
    Last(u64),
    /// Every height.
    All,
}

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// The genesis hash of the network that the store belongs to.
    pub network: [u8; 32],
    /// Memory for pages that were read or written lately.
    pub cache_bytes: u64,
    /// Room that must stay free on the disk after a write.
    pub min_free_bytes: u64,
    /// What is read again at start. Everything is, when the start needed a repair.
    pub verify: Verify,
    /// How many finished snapshots are kept.
    pub snapshots_kept: usize,
    /// How many receipts are gathered before they become a sorted segment of the index.
    pub gather_receipts: usize,
    /// The last step of every durable write.
    pub sync: SyncFile,
}

impl Options {
    /// Options that suit a validator.
    pub fn new(network: [u8; 32]) -> Self {
        Options {
            network,
            cache_bytes: 32 << 20,
            min_free_bytes: 64 << 20,
            verify: Verify::Last(64),
            snapshots_kept: 2,
            gather_receipts: 8_192,
            sync: Arc::new(File::sync_data),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("network", &hex::encode(self.network))
            .field("cache_bytes", &self.cache_bytes)
            .field("min_free_bytes", &self.min_free_bytes)
            .field("verify", &self.verify)
            .field("snapshots_kept", &self.snapshots_kept)
            .field("gather_receipts", &self.gather_receipts)
            .finish_non_exhaustive()
    }
}

/// What was acknowledged on this disk and is gone: decided heights if `acknowledged` is above `tip`, else other
/// writes of late, such as proposals, documents or named values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostTail {
    /// The highest height that is still there, none when all are gone.
    pub tip: Option<u64>,
    /// The highest height that had been acknowledged, and its block.
    pub acknowledged: Option<(u64, [u8; 32])>,
}

/// What a start found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// The folder was empty.
    pub created: bool,
    /// Files of the storage engine that were unreadable and moved out of the way; the chain was verified whole.
    pub set_aside: Vec<PathBuf>,
    /// Acknowledged writes that are missing: they must come back from peers before this node signs again.
    pub lost_tail: Option<LostTail>,
    /// Snapshots that were never finished, removed.
    pub unfinished_snapshots: Vec<u64>,
    /// Why the receipts' index must be written anew, if it must (`Store::rebuild_receipt_index`).
    pub index_damage: Option<String>,
    /// What verifying the chain found.
    pub chain: ChainReport,
    /// Bytes on disk.
    pub disk_bytes: u64,
}

impl OpenReport {
    /// Whether everything that was read is as it was acknowledged.
    pub fn is_sound(&self) -> bool {
        self.lost_tail.is_none() && self.index_damage.is_none() && self.chain.is_sound()
    }
}
