//! Fetched chunks of a snapshot in a folder of their own. A chunk counts only while its bytes have its hash, so a torn or
//! changed file is fetched again, and nothing needs to be synced.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use keis_ledger::crypto::Hash;

use crate::store::{SNAPSHOT_CHUNK_BYTES, StoreError};

/// Where fetched chunks wait until all are there.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    folder: PathBuf,
    digests: Vec<Hash>,
}

impl Parts {
    /// The chunks with these hashes. Others in the folder are removed.
    pub(super) fn open(folder: &Path, digests: &[Hash]) -> Result<Self, StoreError> {
        let parts = Self { folder: folder.to_owned(), digests: digests.to_vec() };
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
        let expected: Vec<PathBuf> = (0..digests.len()).map(|index| parts.path(index)).collect();
        for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
            let path = entry.map_err(failed("list", folder))?.path();
            if expected.binary_search(&path).is_err() {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(parts)
    }

    /// Numbers of the chunks that are not there whole.
    pub(super) fn missing(&self) -> Vec<u32> {
        (0..self.digests.len()).filter(|index| self.read(*index).is_none()).map(|index| index as u32).collect()
    }

    /// Whether these bytes are the chunk of a number.
    pub(super) fn fits(&self, index: u32, bytes: &[u8]) -> bool {
        bytes.len() <= SNAPSHOT_CHUNK_BYTES
            && self.digests.get(index as usize).is_some_and(|digest| digest.0 == *blake3::hash(bytes).as_bytes())
    }

    /// Keeps a chunk.
    pub(super) fn keep(&self, index: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(index as usize);
        fs::write(&path, bytes).map_err(failed("write", &path))
    }

    /// All chunks, in order.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> + '_ {
        (0..self.digests.len()).map(|index| {
            let path = self.path(index);
            let gone = || io::Error::new(io::ErrorKind::InvalidData, "it was changed after it was fetched");
            self.read(index).ok_or_else(|| failed("read", &path)(gone()))
        })
    }

    /// Removes the folder with all chunks.
    pub(super) fn remove(folder: &Path) -> Result<(), StoreError> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(failed("remove", folder)),
        }
    }

    fn read(&self, index: usize) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(index)).ok()?;
        self.fits(u32::try_from(index).ok()?, &bytes).then_some(bytes)
    }

    /// Named by number and hash, so that chunks of another snapshot are told apart by name.
    fn path(&self, index: usize) -> PathBuf {
        self.folder.join(format!("{index:08}-{}", hex::encode(&self.digests[index].0[..8])))
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}
