//! Secret keys of machines: 64 hexadecimal digits in a file that only its owner may read.
//!
//! A validator must start without a person, so these are not encrypted; what people sign with belongs in the
//! [`keystore`](crate::keystore).

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use keis_ledger::crypto::SecretKey;
use zeroize::Zeroizing;

use crate::file;

const DIGITS: usize = 64;

/// Why a secret file gives no key, or was not written.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("cannot read the secret key in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may use it.
    #[error("{} may be used by others (mode {mode:03o}); a secret key's file has mode 600", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds something else.
    #[error("{} does not hold exactly {DIGITS} hexadecimal digits", path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// It is there already or cannot be written.
    #[error("cannot write a secret key to {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads the secret key in a file.
///
/// # Errors
/// [`SecretFileError`] when the file cannot be read, is open to others or holds something else.
pub fn read(path: &Path) -> Result<SecretKey, SecretFileError> {
    let failed = |source| SecretFileError::Read { path: path.to_owned(), source };
    let content = || SecretFileError::Content { path: path.to_owned() };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretFileError::Permissions { path: path.to_owned(), mode });
    }
    let text = file::read_bounded(&file, DIGITS as u64 + 2).map_err(failed)?.map(Zeroizing::new).ok_or_else(content)?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_ascii_end(), bytes.as_mut_slice()).map_err(|_| content())?;
    Ok(SecretKey::from_bytes(&bytes))
}

/// Writes a secret key to a new file of mode 600; a file that is there stays as it is.
///
/// # Errors
/// [`SecretFileError::Write`] when the file exists or cannot be written.
pub fn create(path: &Path, key: &SecretKey) -> Result<(), SecretFileError> {
    let secret = Zeroizing::new(key.to_bytes());
    let mut text = Zeroizing::new(vec![b'\n'; DIGITS + 1]);
    hex::encode_to_slice(secret.as_slice(), &mut text[..DIGITS]).expect("32 bytes have 64 digits");
    file::write_new(path, &text).map_err(|source| SecretFileError::Write { path: path.to_owned(), source })
}
