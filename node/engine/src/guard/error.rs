//! Why the guard cannot go on.

use std::path::PathBuf;

use keis_ledger::crypto::{Hash, PublicKey};

/// Why a guard cannot do its work. Every one of them stops the node.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The file system failed; nothing unsynced counts as written.
    #[error("sign log {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the log open.
    #[error("sign log {} is in use by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The log was changed by something other than the guard.
    #[error("sign log {} is damaged at record {record}; it is not safe to sign with it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First record that does not fit.
        record: usize,
    },
    /// The log belongs to another key or network.
    #[error("sign log {} was written for {key} in network {network}", path.display())]
    Stranger {
        /// The file.
        path: PathBuf,
        /// The key that the log is about.
        key: PublicKey,
        /// The network that the log is about.
        network: Hash,
    },
    /// An earlier write failed; what is on disk is unknown until the node starts again.
    #[error("sign log {} failed before; the node must stop", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
}
