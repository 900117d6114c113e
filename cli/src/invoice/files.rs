//! Files of a folder, each written whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A folder that fills.
pub(super) struct Files {
    folder: PathBuf,
    force: bool,
    /// Files that were written.
    pub(super) written: u64,
    /// Files that were there already, byte for byte.
    pub(super) kept: u64,
}

impl Files {
    pub(super) fn at(folder: &Path, force: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), force, written: 0, kept: 0 })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Keeps a file: one that is there and equal stays, one that differs is refused unless forced.
    pub(super) fn keep(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(there) if there == bytes => {
                self.kept += 1;
                return Ok(());
            }
            Ok(_) if !self.force => bail!(
                "{} is there and differs from what the ledger names\n  --force writes over it; another --out leaves it.",
                path.display()
            ),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        self.replace(name, bytes)?;
        self.written += 1;
        Ok(())
    }

    /// Writes a file in the place of whatever is there.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = || -> anyhow::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::Builder::new().prefix(".").tempfile_in(folder)?;
            file.write_all(bytes)?;
            file.persist(&path)?;
            Ok(())
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}
