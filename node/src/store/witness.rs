//! A note beside the engine of what was acknowledged last.
//!
//! An engine that recovers from a damaged log may silently end earlier than it once did. The note is written after
//! a write is durable and is not synced itself: it may lag, it never leads, so a store below it has lost something.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::engine::io;
use super::error::StoreError;

const NAME: &str = "acknowledged";
const CONTENT_BYTES: usize = 8 + 8 + 32;
const BYTES: usize = CONTENT_BYTES + 32;

/// How far the store had come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// How many durable writes there were.
    pub(super) writes: u64,
    /// The highest decided height and its block; heights begin at 1.
    pub(super) tip: Option<(u64, [u8; 32])>,
}

impl Note {
    /// Whether its tip is above another's.
    pub(super) fn is_above(&self, other: &Note) -> bool {
        self.tip.map(|tip| tip.0) > other.tip.map(|tip| tip.0)
    }
}

pub(super) struct Witness {
    file: File,
}

impl Witness {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.join(NAME);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| io("open", &path, source))?;
        Ok(Witness { file })
    }

    /// The note; none when it is missing or torn.
    pub(super) fn read(&self) -> Option<Note> {
        let mut bytes = [0; BYTES];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        let (content, checksum) = bytes.split_at(CONTENT_BYTES);
        if blake3::hash(content).as_bytes() != checksum {
            return None;
        }
        let number = |at: usize| u64::from_be_bytes(content[at..at + 8].try_into().expect("eight bytes were taken"));
        let id = content[16..].try_into().expect("the content has a fixed length");
        let tip = (number(8) > 0).then_some((number(8), id));
        Some(Note { writes: number(0), tip })
    }

    /// Replaces the note. A failure costs only the warning that it would have given.
    pub(super) fn write(&self, note: &Note) {
        let (height, id) = note.tip.unwrap_or_default();
        let mut bytes = note.writes.to_be_bytes().to_vec();
        bytes.extend_from_slice(&height.to_be_bytes());
        bytes.extend_from_slice(&id);
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        if let Err(error) = self.file.write_all_at(&bytes, 0) {
            tracing::warn!(height, %error, "what was acknowledged could not be noted");
        }
    }
}
