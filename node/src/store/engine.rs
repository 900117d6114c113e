//! sled, made durable and kept from harming its caller. Nothing outside this folder knows it is sled.
//!
//! What it adds: `flush` of sled orders writes but does not survive a power cut on Linux, so the data file is
//! synced after it; a write that cannot be made durable ends all writing; panics on damaged
//! files become errors; a damaged `snap.*` file, a mere cache of sled, never prevents a start; after a page
//! that could not be read the next start reads everything, so that damage is told before anything rests on it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::{Record, StoreError};
use super::keys;
use super::options::{Options, SyncFile};
use super::witness::{Note, Witness};

const FOLDER: &str = "sled";
const LOCK: &str = "lock";
const ASIDE: &str = "set-aside";
/// Lies beside sled's folder while damage is suspected in it.
const SUSPECTED: &str = "damage-suspected";
/// sled cleans up what is dead at this pace.
const HOUSEKEEPING_MS: u64 = 500;
/// A dropped sled lets go of its file a moment later, when its last thread ends.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// A child process that is being started shares our locks until it runs its own program.
const FORK_PATIENCE: Duration = Duration::from_millis(250);
/// Written bytes end up on disk about three times before old copies are cleaned up.
const WRITE_AMPLIFICATION: u64 = 3;
/// Where durable writes are counted.
const WRITES: u8 = 3;

/// Changes that are made together or not at all.
#[derive(Default)]
pub(super) struct Batch {
    changes: sled::Batch,
    bytes: u64,
    is_empty: bool,
    tip: Option<(u64, [u8; 32])>,
}

impl Batch {
    pub(super) fn new() -> Self {
        Batch { is_empty: true, ..Batch::default() }
    }

    pub(super) fn insert(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.is_empty = false;
        self.bytes += (key.len() + value.len()) as u64;
        self.changes.insert(key, value);
    }

    /// Says that the batch decides this height.
    pub(super) fn decides(&mut self, height: u64, id: [u8; 32]) {
        self.tip = Some((height, id));
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.is_empty = false;
        self.changes.remove(key);
    }
}

/// Why nothing is written any more.
struct Failure {
    reason: String,
    is_damage: bool,
}

impl Failure {
    fn told(&self) -> StoreError {
        StoreError::Failed { reason: self.reason.clone(), is_damage: self.is_damage }
    }
}

pub(super) struct Engine {
    /// Present until the drop, which must not panic.
    db: Option<sled::Db>,
    data: File,
    sync: SyncFile,
    failed: OnceLock<Failure>,
    /// What the last durable write left; held while one is made.
    writer: Mutex<Note>,
    /// Whether anything was written since that no sync followed.
    unsettled: AtomicBool,
    witness: Witness,
    /// Whether the next start is to read everything.
    is_suspected: AtomicBool,
    path: PathBuf,
    min_free_bytes: u64,
    /// Held until everything else is closed.
    _lock: File,
}

impl Engine {
    /// Opens the folder, and names the files that had to be moved out of the way for it.
    pub(super) fn open(path: &Path, options: &Options) -> Result<(Self, Vec<PathBuf>), StoreError> {
        let folder = path.join(FOLDER);
        fs::create_dir_all(&folder).map_err(|source| io("create", &folder, source))?;
        let lock = acquire_lock(path)?;
        let mut aside = set_aside(path, &folder, |name| name.starts_with("snap.") && name.ends_with(".generating"))?;
        let db = open_despite_damage(path, &folder, options, &mut aside)?;
        let data_path = folder.join("db");
        let data =
            File::options().read(true).write(true).open(&data_path).map_err(|source| io("open", &data_path, source))?;
        for synced in [path, &folder] {
            File::open(synced).and_then(|opened| opened.sync_all()).map_err(|source| io("sync", synced, source))?;
        }
        let engine = Engine {
            db: Some(db),
            data,
            sync: options.sync.clone(),
            failed: OnceLock::new(),
            writer: Mutex::new(Note::default()),
            // What a killed process wrote is here, and not on the disk for sure.
            unsettled: AtomicBool::new(true),
            witness: Witness::open(path)?,
            is_suspected: AtomicBool::new(false),
            path: path.to_owned(),
            min_free_bytes: options.min_free_bytes,
            _lock: lock,
        };
        engine.read_what_is_suspected()?;
        Ok((engine, aside))
    }

    /// Reads everything when the last process met damage: a page that cannot be read cannot be mended by writing, and would end
    /// one process after the other.
    fn read_what_is_suspected(&self) -> Result<(), StoreError> {
        let note = self.path.join(SUSPECTED);
        if !note.exists() {
            return Ok(());
        }
        tracing::warn!(path = %self.path.display(), "the last process met damage here: everything is read");
        self.guarded(&[], |db| db.iter().try_for_each(|entry| entry.map(drop)))?;
        fs::remove_file(&note).map_err(|source| io("remove", &note, source))
    }

    /// Counts on from what is stored, and returns what had been acknowledged, if that was more.
    pub(super) fn resume(&self, tip: Option<(u64, [u8; 32])>) -> Result<Option<Note>, StoreError> {
        let stored = self.get(&keys::system(WRITES))?;
        let writes = stored.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let seen = self.witness.read();
        let here = Note { writes, tip };
        let lost = seen.filter(|seen| seen.writes > writes || seen.is_above(&here));
        // What was lost stays noted until the store has come as far again.
        let last = seen.filter(|seen| seen.is_above(&here)).map_or(here, |seen| Note { writes, ..seen });
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = last;
        Ok(lost)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.guarded(key, |db| Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    pub(super) fn keys_under(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.guarded(prefix, |db| db.scan_prefix(prefix).keys().map(|key| Ok(key?.to_vec())).collect())
    }

    /// Keys from one up to, but without, another.
    pub(super) fn keys_between(&self, from: &[u8], to: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.guarded(from, |db| db.range(from..to).keys().map(|key| Ok(key?.to_vec())).collect())
    }

    pub(super) fn first_under(&self, prefix: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.guarded(prefix, |db| Ok(db.scan_prefix(prefix).keys().next().transpose()?.map(|key| key.to_vec())))
    }

    /// The lowest key from one up to, but without, another.
    pub(super) fn first_between(&self, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.guarded(from, |db| Ok(db.range(from..to).keys().next().transpose()?.map(|key| key.to_vec())))
    }

    pub(super) fn last_under(&self, prefix: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.guarded(prefix, |db| Ok(db.scan_prefix(prefix).keys().next_back().transpose()?.map(|key| key.to_vec())))
    }

    /// Makes the changes, together and durably.
    pub(super) fn write(&self, mut batch: Batch) -> Result<(), StoreError> {
        if batch.is_empty {
            return self.check_alive();
        }
        self.check_room_for(&batch)?;
        let mut last = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = Note { writes: last.writes + 1, tip: batch.tip };
        let note = if last.is_above(&decided) { Note { tip: last.tip, ..decided } } else { decided };
        batch.changes.insert(keys::system(WRITES), note.writes.to_be_bytes().to_vec());
        self.apply(batch)?;
        self.make_durable()?;
        self.witness.write(&note);
        *last = note;
        Ok(())
    }

    /// Makes the changes together; they become durable with the next durable write.
    pub(super) fn write_lazily(&self, batch: Batch) -> Result<(), StoreError> {
        if batch.is_empty {
            return self.check_alive();
        }
        self.check_room_for(&batch)?;
        let _alone = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.unsettled.store(true, Ordering::Relaxed);
        self.apply(batch)
    }

    /// Makes durable what was written lazily, if anything was.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        self.check_alive()?;
        let _alone = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.unsettled.load(Ordering::Relaxed) { self.make_durable() } else { Ok(()) }
    }

    pub(super) fn disk_bytes(&self) -> Result<u64, StoreError> {
        let file = self.data.metadata().map_err(|source| io("measure", &self.path, source))?;
        // Holes count as nothing: a fresh segment is sparse.
        Ok(std::os::unix::fs::MetadataExt::blocks(&file) * 512)
    }

    pub(super) fn check_writable(&self, bytes: u64) -> Result<(), StoreError> {
        self.check_alive()?;
        if self.min_free_bytes == 0 {
            return Ok(());
        }
        let disk = rustix::fs::statvfs(&self.path).map_err(|source| io("measure", &self.path, source.into()))?;
        let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        let needed_bytes = self.min_free_bytes.saturating_add(bytes.saturating_mul(WRITE_AMPLIFICATION));
        if free_bytes < needed_bytes {
            return Err(StoreError::DiskFull { path: self.path.clone(), free_bytes, needed_bytes });
        }
        Ok(())
    }

    fn check_alive(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            Some(failure) => Err(failure.told()),
            None => Ok(()),
        }
    }

    /// What only removes may go on when the disk is full.
    fn check_room_for(&self, batch: &Batch) -> Result<(), StoreError> {
        if batch.bytes == 0 { self.check_alive() } else { self.check_writable(batch.bytes) }
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        self.check_alive()?;
        // A batch that failed half way is visible in memory and not on disk, so nothing may follow it.
        self.guarded(&[], |db| db.apply_batch(batch.changes)).map_err(|error| self.fail("change", error))
    }

    fn make_durable(&self) -> Result<(), StoreError> {
        self.guarded(&[], |db| db.flush()).map_err(|error| self.fail("flush", error))?;
        (self.sync)(&self.data).map_err(|source| self.fail("sync", io("sync", &self.path, source)))?;
        self.unsettled.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn fail(&self, what: &str, error: StoreError) -> StoreError {
        let source = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
        let failure = self
            .failed
            .get_or_init(|| Failure { reason: format!("{what}: {error}{source}"), is_damage: error.is_damage() });
        tracing::error!(path = %self.path.display(), reason = failure.reason, "the store stopped writing");
        failure.told()
    }

    fn guarded<T>(&self, key: &[u8], work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StoreError> {
        let db = self.db.as_ref().expect("the engine is open until it is dropped");
        let damaged = |detail: String| {
            self.suspect(&detail);
            StoreError::corrupt(keys::describe(key), detail)
        };
        match catch_unwind(AssertUnwindSafe(|| work(db))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(sled::Error::Io(source))) => Err(io("use", &self.path, source)),
            Ok(Err(error)) => Err(damaged(error.to_string())),
            Err(panic) => Err(damaged(panic_text(&*panic))),
        }
    }

    /// Leaves a note for the next start.
    fn suspect(&self, detail: &str) {
        if !self.is_suspected.swap(true, Ordering::Relaxed)
            && let Err(error) = fs::write(self.path.join(SUSPECTED), detail)
        {
            tracing::error!(%error, "the next start is not told of damage");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let db = self.db.take();
        if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::error!(path = %self.path.display(), "the store was not closed cleanly");
        }
    }
}

/// Files that sled can make anew are moved out of the way, one kind after another, when it cannot open.
fn open_despite_damage(
    path: &Path,
    folder: &Path,
    options: &Options,
    aside: &mut Vec<PathBuf>,
) -> Result<sled::Db, StoreError> {
    let mut opened = open_sled(folder, options);
    for kind in ["snap.", "conf"] {
        if opened.is_err() {
            aside.extend(set_aside(path, folder, |name| name.starts_with(kind))?);
            opened = open_sled(folder, options);
        }
    }
    opened.map_err(|detail| StoreError::corrupt(Record::System, detail))
}

/// Moves all of sled's files out of the way, for a store that is to be filled anew.
pub(super) fn set_all_aside(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let _lock = acquire_lock(path)?;
    set_aside(path, path, |name| name == FOLDER)
}

fn open_sled(folder: &Path, options: &Options) -> Result<sled::Db, String> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        let config =
            sled::Config::new().path(folder).cache_capacity(options.cache_bytes).flush_every_ms(Some(HOUSEKEEPING_MS));
        let opened = match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(opened) => opened.map_err(|error| error.to_string()),
            Err(panic) => Err(panic_text(&*panic)),
        };
        match opened {
            Err(text) if text.contains("could not acquire lock") && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// Whether the lock of a store is held.
pub(super) fn in_use(path: &Path) -> Result<bool, StoreError> {
    match acquire_lock(path) {
        Ok(_) => Ok(false),
        Err(StoreError::Locked { .. }) => Ok(true),
        // Without a store nobody holds it.
        Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn acquire_lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = path.join(LOCK);
    let mut lock = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(|source| io("open", &lock_path, source))?;
    let deadline = Instant::now() + FORK_PATIENCE;
    let mut locked = lock.try_lock();
    while matches!(locked, Err(fs::TryLockError::WouldBlock)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
        locked = lock.try_lock();
    }
    match locked {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The holder's number only helps to find it; without it the refusal stands.
            let holder = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::Locked { path: path.to_owned(), holder });
        }
        Err(fs::TryLockError::Error(source)) => return Err(io("lock", &lock_path, source)),
    }
    lock.set_len(0)
        .and_then(|()| lock.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(lock, "{}", std::process::id()))
        .map_err(|source| io("write", &lock_path, source))?;
    Ok(lock)
}

/// Moves matching files of sled to a folder beside it, where a person may look at them.
fn set_aside(path: &Path, folder: &Path, matches: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, StoreError> {
    let mut moved = Vec::new();
    for entry in fs::read_dir(folder).map_err(|source| io("list", folder, source))? {
        let entry = entry.map_err(|source| io("list", folder, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !matches(&name) {
            continue;
        }
        let aside = path.join(ASIDE);
        fs::create_dir_all(&aside).map_err(|source| io("create", &aside, source))?;
        let target = (0u32..)
            .map(|number| aside.join(format!("{name}.{number}")))
            .find(|candidate| !candidate.exists())
            .expect("some number is free");
        fs::rename(entry.path(), &target).map_err(|source| io("move", &entry.path(), source))?;
        moved.push(target);
    }
    Ok(moved)
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    format!("the storage engine gave up: {text}")
}

pub(super) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io { doing, path: path.to_owned(), source }
}
