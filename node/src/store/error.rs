//! What can go wrong in the store, told in terms of what was stored.

use std::fmt;
use std::path::PathBuf;

/// What a stored value is, so that damage can be named and repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The store's own bookkeeping.
    System,
    /// A small named value.
    Meta(String),
    /// A decided height: block id and certificate.
    Link(u64),
    /// The bytes of a block, decided or not.
    Block(u64),
    /// The receipts of a decided block.
    Receipts(u64),
    /// What came with a block that is not decided yet.
    Undecided(u64),
    /// The receipt ids of a height that are not merged into the index yet.
    ReceiptIds(u64),
    /// A page of the receipts' index.
    Index,
    /// A snapshot of the state at a height.
    Snapshot(u64),
    /// A document, by its hash.
    Document([u8; 32]),
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::System => write!(out, "the store's own bookkeeping"),
            Record::Meta(name) => write!(out, "the value named {name:?}"),
            Record::Link(height) => write!(out, "the certificate of height {height}"),
            Record::Block(height) => write!(out, "a block of height {height}"),
            Record::Receipts(height) => write!(out, "the receipts of height {height}"),
            Record::Undecided(height) => write!(out, "an undecided proposal of height {height}"),
            Record::ReceiptIds(height) => write!(out, "the receipt ids of height {height}"),
            Record::Index => write!(out, "the receipts' index"),
            Record::Snapshot(height) => write!(out, "the snapshot of height {height}"),
            Record::Document(hash) => write!(out, "the document {}", hex::encode(hash)),
        }
    }
}

/// Why the store refuses or fails.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another handle of this one, has the folder open.
    #[error("{} is in use by {}", path.display(), holder.map_or("another process".to_owned(), |id| format!("process {id}")))]
    Locked {
        /// The store's folder.
        path: PathBuf,
        /// The process that says it holds it.
        holder: Option<u32>,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// What is on disk is not what was written.
    #[error("{record} is damaged: {detail}")]
    Corrupt {
        /// What is damaged.
        record: Record,
        /// How it was noticed.
        detail: String,
    },
    /// A write could not be made durable. The store takes no more writes until it is opened again: a second
    /// attempt could succeed without the first one's data.
    #[error("the store stopped writing: {reason}")]
    Failed {
        /// What happened first.
        reason: String,
        /// Whether that was damage, and no refusal of the operating system.
        is_damage: bool,
    },
    /// Too little room is left to write safely. Nothing was written; it may be tried again.
    #[error("{} has {free_bytes} bytes free, {needed_bytes} are needed", path.display())]
    DiskFull {
        /// The store's folder.
        path: PathBuf,
        /// Bytes free for this user.
        free_bytes: u64,
        /// Bytes that must be free before this write.
        needed_bytes: u64,
    },
    /// Written by a version with another layout.
    #[error("{} has format {found}, this version reads format {expected}", path.display())]
    WrongFormat {
        /// The store's folder.
        path: PathBuf,
        /// The format on disk.
        found: u32,
        /// The format this version writes.
        expected: u32,
    },
    /// The folder belongs to another network.
    #[error("{} belongs to network {}, not to {}", path.display(), hex::encode(found), hex::encode(expected))]
    WrongNetwork {
        /// The store's folder.
        path: PathBuf,
        /// The genesis hash on disk.
        found: [u8; 32],
        /// The genesis hash that was asked for.
        expected: [u8; 32],
    },
    /// Heights are decided one after another.
    #[error("height {given} cannot follow, the next height is {expected}")]
    OutOfSequence {
        /// The height that must come next.
        expected: u64,
        /// The height that was given.
        given: u64,
    },
    /// The height has its block already.
    #[error("height {height} is decided already")]
    AlreadyDecided {
        /// The height.
        height: u64,
    },
    /// There is no finished snapshot of the height.
    #[error("no snapshot of height {height} is stored")]
    NotStored {
        /// The height.
        height: u64,
    },
    /// One snapshot is written at a time.
    #[error("another snapshot is being written")]
    SnapshotInProgress,
    /// A finished snapshot is never overwritten.
    #[error("a snapshot of height {height} exists already")]
    SnapshotExists {
        /// Its height.
        height: u64,
    },
    /// A value exceeds its bound.
    #[error("{what} has {bytes} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What was to be stored.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
}

impl StoreError {
    pub(super) fn corrupt(record: Record, detail: impl Into<String>) -> Self {
        StoreError::Corrupt { record, detail: detail.into() }
    }

    /// Whether what is on disk is not what was written.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, StoreError::Corrupt { .. } | StoreError::Failed { is_damage: true, .. })
    }
}
