//! Operation, as an operator does it: backups and their restoring, a full disk, nodes restarted one after the other, alerts.

mod alerts;
mod backup;
mod disk;
mod registry;
mod rolling;

use std::path::{Path, PathBuf};

use keis_tests::sources::root;

/// The room of operation.
fn room() -> PathBuf {
    root().join("node/operation")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
