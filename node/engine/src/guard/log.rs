//! The guard's file: records of one size, each sealed by a checksum that covers all records before it.
//!
//! A record lies within one disk sector, so a crash leaves it whole, absent or empty. What a crash leaves is cut off: an
//! incomplete or empty end, and the last records from an empty one on, as many as wait for a sync. Anything else that does
//! not fit is damage, and the log refuses to open.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bincode::{Decode, Encode};
use keis_ledger::codec;

use super::GuardError;

/// Size of a record in the file, in bytes: a divisor of a sector.
pub(super) const RECORD: usize = 256;
const CHECKSUM: usize = 16;
/// Most records that wait for a sync: a proposal and the vote for it.
const UNSYNCED: usize = 2;
/// Room for a record's encoding, behind its length.
const ROOM: usize = RECORD - CHECKSUM - 2;

type Checksum = [u8; CHECKSUM];

/// An open log, locked against other processes, at its end.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    last: Checksum,
    records: usize,
    unsynced: usize,
}

/// The checksum of a record's first bytes, bound to the record before it.
fn checksum(before: &Checksum, body: &[u8]) -> Checksum {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(body);
    let mut sum = [0; CHECKSUM];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..CHECKSUM]);
    sum
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> GuardError {
    let path = path.to_owned();
    move |source| GuardError::Io { path, source }
}

impl Log {
    /// Creates an empty log, which must not exist yet.
    pub(super) fn create(path: &Path) -> Result<Self, GuardError> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(io_error(path))?;
        lock(&file, path)?;
        Ok(Self { path: path.to_owned(), file, last: [0; CHECKSUM], records: 0, unsynced: 0 })
    }

    /// Opens a log and reads all of it.
    pub(super) fn open<R: Decode<()> + Encode>(path: &Path) -> Result<(Self, Vec<R>), GuardError> {
        let mut file = OpenOptions::new().read(true).append(true).open(path).map_err(io_error(path))?;
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io_error(path))?;
        let sound = sound_length(&bytes);
        let mut records = Vec::new();
        let mut last = [0; CHECKSUM];
        for (index, record) in bytes[..sound].chunks_exact(RECORD).enumerate() {
            let damaged = || GuardError::Damaged { path: path.to_owned(), record: index };
            let (body, sum) = record.split_at(RECORD - CHECKSUM);
            last = checksum(&last, body);
            if sum != last {
                return Err(damaged());
            }
            let length = usize::from(u16::from_le_bytes([body[0], body[1]]));
            let payload = body.get(2..2 + length).ok_or_else(damaged)?;
            records.push(codec::decode(payload).map_err(|_| damaged())?);
        }
        if sound < bytes.len() {
            tracing::warn!(path = %path.display(), bytes = bytes.len() - sound, "cut off the incomplete end of the sign log");
            file.set_len(sound as u64).map_err(io_error(path))?;
        }
        // A process that was killed may have left what is here, and no more on the disk than it had synced.
        file.sync_all().map_err(io_error(path))?;
        let log = Self { path: path.to_owned(), file, last, records: records.len(), unsynced: 0 };
        Ok((log, records))
    }

    /// Appends a record; durable when this returns, with those before it.
    pub(super) fn append<R: Encode>(&mut self, record: &R) -> Result<(), GuardError> {
        self.put(record)?;
        self.sync()
    }

    /// Appends a record that the next [`Log::sync`] makes durable.
    pub(super) fn append_unsynced<R: Encode>(&mut self, record: &R) -> Result<(), GuardError> {
        if self.unsynced >= UNSYNCED {
            self.sync()?;
        }
        self.put(record)
    }

    /// Makes all records durable.
    pub(super) fn sync(&mut self) -> Result<(), GuardError> {
        if self.unsynced > 0 {
            self.file.sync_data().map_err(io_error(&self.path))?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Writes a record at the end.
    pub(super) fn put<R: Encode>(&mut self, record: &R) -> Result<(), GuardError> {
        let payload = codec::encode(record);
        assert!(payload.len() <= ROOM, "records are small: the largest is frozen by a test");
        let mut bytes = [0; RECORD];
        bytes[..2].copy_from_slice(&(payload.len() as u16).to_le_bytes());
        bytes[2..2 + payload.len()].copy_from_slice(&payload);
        let sum = checksum(&self.last, &bytes[..RECORD - CHECKSUM]);
        bytes[RECORD - CHECKSUM..].copy_from_slice(&sum);
        self.file.write_all(&bytes).map_err(io_error(&self.path))?;
        self.last = sum;
        self.records += 1;
        self.unsynced += 1;
        Ok(())
    }

    /// Makes the folder's entry for this log durable.
    pub(super) fn sync_folder(&self) -> Result<(), GuardError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error(folder))
    }

    /// Begins a log that will take this one's place: beside it, until [`Log::replace`].
    pub(super) fn successor(&self) -> Result<Self, GuardError> {
        let path = self.path.with_extension("next");
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(GuardError::Io { path, source }),
        }
        Self::create(&path)
    }

    /// Puts a complete successor in this log's place.
    pub(super) fn replace(&mut self, mut successor: Log) -> Result<(), GuardError> {
        successor.file.sync_all().map_err(io_error(&successor.path))?;
        successor.unsynced = 0;
        std::fs::rename(&successor.path, &self.path).map_err(io_error(&self.path))?;
        successor.path = std::mem::take(&mut self.path);
        *self = successor;
        self.sync_folder()
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of records in the file.
    pub(super) fn len(&self) -> usize {
        self.records
    }
}

/// Records of these payloads that follow a log, with right checksums: bytes alone would never find one.
#[cfg(fuzzing)]
pub(crate) fn sealed(log: &[u8], payloads: &[&[u8]]) -> Vec<u8> {
    let (mut file, mut last) = (Vec::new(), [0; CHECKSUM]);
    last.copy_from_slice(&log[log.len() - CHECKSUM..]);
    for payload in payloads {
        let mut body = [0; RECORD - CHECKSUM];
        let length = payload.len().min(ROOM);
        body[..2].copy_from_slice(&(payload.len() as u16).to_le_bytes());
        body[2..2 + length].copy_from_slice(&payload[..length]);
        last = checksum(&last, &body);
        file.extend([body.as_slice(), &last].concat());
    }
    file
}

fn lock(file: &File, path: &Path) -> Result<(), GuardError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => Err(GuardError::InUse { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(GuardError::Io { path: path.to_owned(), source }),
    }
}

/// Length of the file without what a crash may leave behind: part of a record, and the last records from one on that is all
/// zero.
fn sound_length(bytes: &[u8]) -> usize {
    let is_empty = |record: &[u8]| record.iter().all(|byte| *byte == 0);
    let (records, _) = bytes.as_chunks::<RECORD>();
    let written = records.iter().rposition(|record| !is_empty(record)).map_or(0, |last| last + 1);
    let unsynced = written.saturating_sub(UNSYNCED);
    let sound =
        records[unsynced..written].iter().position(|record| is_empty(record)).map_or(written, |at| unsynced + at);
    sound * RECORD
}
