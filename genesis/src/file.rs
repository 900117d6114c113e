//! The founding document as a file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::Genesis;
use crate::check::CheckError;
use crate::document::{Document, FORMAT};

/// Largest file that is read, in bytes: a document of a thousand institutions is smaller.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Why a file gives no genesis.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the founding document {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any founding document.
    #[error("{} is larger than {LARGEST_FILE} bytes and no founding document", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not JSON, lacks a field or has an unknown one.
    #[error("{} is no founding document", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It breaks a rule.
    #[error("the founding document {} breaks a rule", path.display())]
    Check {
        /// The file.
        path: PathBuf,
        /// Which one.
        source: CheckError,
    },
}

/// Why a genesis was not saved.
#[derive(Debug, thiserror::Error)]
#[error("cannot save the founding document as {}", path.display())]
pub struct SaveError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Genesis {
    /// Reads and judges a file.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let document = Document::load(path)?;
        document.check().map_err(|source| LoadError::Check { path: path.to_owned(), source })
    }

    /// Saves the document in a new file, which is whole and durable afterwards; a file that is there stays as it is.
    ///
    /// # Errors
    /// [`SaveError`] when the file exists or cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SaveError> {
        let mut text = serde_json::to_string_pretty(self.document()).expect("a document has only fields that JSON has");
        text.push('\n');
        write_new(path, text.as_bytes()).map_err(|source| SaveError { path: path.to_owned(), source })
    }
}

impl Document {
    /// Reads a file without judging what it says, to show it.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read or is no founding document of this format.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(read)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(read)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(LoadError::TooLarge { path: path.to_owned() });
        }
        let syntax = |source| LoadError::Syntax { path: path.to_owned(), source };
        // Another format has other fields: what it lacks says less than what it is.
        let Format { format } = serde_json::from_slice(&bytes).map_err(syntax)?;
        if format != FORMAT {
            return Err(LoadError::Check { path: path.to_owned(), source: CheckError::Format(format) });
        }
        serde_json::from_slice(&bytes).map_err(syntax)
    }
}

/// The part of a founding document that every format has.
#[derive(serde::Deserialize)]
struct Format {
    format: u32,
}

/// Writes beside the file and gives it its name when it is durable: a link never replaces what has the name.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
    let mut beside_name = name.to_owned();
    beside_name.push(format!(".{}.new", std::process::id()));
    let beside = folder.join(beside_name);
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::hard_link(&beside, path));
    let removed = fs::remove_file(&beside);
    written?;
    removed?;
    File::open(folder)?.sync_all()
}
