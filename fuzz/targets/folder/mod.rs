//! A folder of the process's own; on a file system in memory (`TMPDIR=/dev/shm`) syncs cost nothing.

use std::path::PathBuf;
use std::sync::LazyLock;

pub static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("keis-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    folder
});
