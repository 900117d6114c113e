//! What can be wrong with a folder of a programme year: always the file, and the line where there is one.

use std::path::PathBuf;

use thiserror::Error;

/// A folder that cannot be read or written, or whose content does not hold together.
#[derive(Debug, Error)]
pub enum ProgrammeError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line does not have the file's form.
    #[error("{file} line {line}: {problem}")]
    Malformed {
        /// The file's name in the folder.
        file: &'static str,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A code points to nothing.
    #[error("{file} line {line}: {column} {value} is not in {target}")]
    UnknownReference {
        /// The file's name in the folder.
        file: &'static str,
        /// Its line, from 1.
        line: u64,
        /// The column or field.
        column: &'static str,
        /// The code found there.
        value: String,
        /// The file where it should be.
        target: &'static str,
    },
    /// A code occurs twice.
    #[error("{file} line {line}: {column} {value} occurs a second time")]
    Duplicate {
        /// The file's name in the folder.
        file: &'static str,
        /// Its line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The code.
        value: String,
    },
    /// A value that the rest of the folder does not allow.
    #[error("{file} line {line}: {problem}")]
    Unfitting {
        /// The file's name in the folder.
        file: &'static str,
        /// Its line, from 1.
        line: u64,
        /// What does not fit, with the values.
        problem: String,
    },
    /// A file is shorter or longer than `programme.toml` says.
    #[error("programme.toml line {line}: counts {column} = {expected}, but the folder holds {found}")]
    Count {
        /// Line of the count in `programme.toml`.
        line: u64,
        /// Name of the count.
        column: &'static str,
        /// What `programme.toml` says.
        expected: usize,
        /// What was found.
        found: usize,
    },
}
