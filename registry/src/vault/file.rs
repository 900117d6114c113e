//! The master key as a file that its owner alone can read, or as a text typed at a prompt: 64 hexadecimal digits.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::MasterKey;

/// More than a key and a line's end is no key.
const MOST_BYTES: u64 = 128;

/// Why there is no master key. Says nothing of what was read.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file could not be read or written.
    #[error("the master key's file {path} could not be used")]
    File {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Others than the owner can read the file.
    #[error("the master key's file {path} can be read by others: it must be its owner's alone (mode 600)")]
    Open {
        /// Where it is.
        path: PathBuf,
    },
    /// The text is no key.
    #[error("a master key is 64 hexadecimal digits")]
    Text,
}

impl MasterKey {
    /// The key of a text.
    ///
    /// # Errors
    /// [`MasterKeyError::Text`].
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| MasterKeyError::Text)?;
        Ok(Self::from_bytes(*bytes))
    }

    /// Reads the key's file.
    ///
    /// # Errors
    /// [`MasterKeyError`], also when others can read the file.
    pub fn read(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
                return Err(MasterKeyError::Open { path: path.to_owned() });
            }
        }
        let mut text = Zeroizing::new(String::new());
        file.take(MOST_BYTES).read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text)
    }

    /// Draws a key and writes it into a new file, for its owner alone. Never overwrites: a lost key is a lost registry.
    ///
    /// # Errors
    /// [`MasterKeyError::File`], also when the file is there.
    pub fn create(path: &Path) -> Result<Self, MasterKeyError> {
        let failed = |source| MasterKeyError::File { path: path.to_owned(), source };
        let key = Self::generate();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        let text = Zeroizing::new(hex::encode(*key.to_bytes()));
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(key)
    }
}
