//! What a node keeps: blocks, certificates, receipts, proposals, snapshots, documents.
//!
//! The store knows heights, 32-byte ids and opaque bytes, nothing of the ledger's types; its callers encode. Only this
//! module names the storage engine.
//!
//! What holds of every method that writes and returns `Ok`: the change is whole and survives a power cut (what is
//! put lazily, after `Store::settle`). After a failed write nothing is written any more (`StoreError::Failed`),
//! except after `StoreError::DiskFull`, which comes before anything is touched. What is read is checked against the checksum that it was written with
//! (`StoreError::Corrupt` names what to fetch again). A proposal that was never decided goes with the commit of
//! its height.
//!
//! Damage is never mended in place: the engine cannot change a page that it cannot read, nor its neighbours for long.
//! After `Corrupt` from anything but a snapshot or the receipts' index, drop the store, call `Store::set_aside` and fill
//! a new one from peers; until it has come as far as the old one, every `OpenReport` says what is missing. A damaged
//! snapshot gives way to an older one; the store should be filled anew at the next occasion all the same. A sound chain
//! with a lost tail needs only the missing heights.
//!
//! | module | owns |
//! |---|---|
//! | `engine` | the files, durability, recovery at start, the end of writing after a failure |
//! | `value` | values of any length, checksums |
//! | `keys` | how keys are built |
//! | `chain` | decided blocks and proposals |
//! | `undecided` | proposals of the height in progress, as they are put and read |
//! | `index` | receipt id → height and position |
//! | `snapshot` | snapshots of the state |
//! | `witness` | the note that tells a recovery that lost acknowledged writes |

mod chain;
mod engine;
mod error;
mod index;
mod keys;
mod options;
mod snapshot;
mod undecided;
mod value;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

pub use chain::{ChainReport, Commit, Damage, Link, Undecided};
pub use error::{Record, StoreError};
pub use options::{LostTail, OpenReport, Options, SyncFile, Verify};
pub use snapshot::{SNAPSHOT_CHUNK_BYTES, SnapshotChunks, SnapshotInfo, SnapshotWriter};

use chain::{Chain, Extent};
use engine::{Batch, Engine};
use index::ReceiptIndex;

const FORMAT: u32 = 1;
const FORMAT_KEY: u8 = 0;
/// The largest block, certificate, list of receipts, or value that comes with a proposal.
pub const VALUE_BYTES: usize = 16 << 20;
/// The largest document.
pub const DOCUMENT_BYTES: usize = 64 << 10;
/// The largest named value.
pub const META_BYTES: usize = 1 << 20;

/// The store of one node. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    shared: Arc<Shared>,
}

struct Shared {
    chain: Chain,
    index: RwLock<IndexState>,
    snapshot_busy: Arc<AtomicBool>,
    options: Options,
}

struct IndexState {
    index: ReceiptIndex,
    /// Why the index on disk could not be loaded.
    damage: Option<String>,
}

impl Store {
    /// Opens or creates the store in a folder.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<(Store, OpenReport), StoreError> {
        let (engine, set_aside) = Engine::open(path.as_ref(), &options)?;
        let chain = Chain::open(&engine)?;
        let tip = chain.extent().map(|extent| (extent.tip, extent.tip_id));
        let lost_tail =
            engine.resume(tip)?.map(|note| LostTail { tip: tip.map(|(height, _)| height), acknowledged: note.tip });
        let created = check_format(&engine, &options.network)?;
        let unfinished_snapshots = snapshot::remove_unfinished(&engine)?;
        forget_decided_proposals(&engine, chain.extent())?;
        let index = load_index(&engine, options.gather_receipts)?;
        let verify = if set_aside.is_empty() { options.verify } else { Verify::All };
        let report = chain::verify(&engine, chain.extent(), verify)?;
        let report = OpenReport {
            created,
            set_aside,
            lost_tail,
            unfinished_snapshots,
            index_damage: index.damage.clone(),
            chain: report,
            disk_bytes: engine.disk_bytes()?,
        };
        let snapshot_busy = Arc::new(AtomicBool::new(false));
        let shared = Shared { chain, index: RwLock::new(index), snapshot_busy, options };
        Ok((Store { engine: Arc::new(engine), shared: Arc::new(shared) }, report))
    }

    /// Moves a store that is beyond repair to `set-aside` in its folder, and says where it is now.
    pub fn set_aside(path: impl AsRef<Path>) -> Result<Option<PathBuf>, StoreError> {
        Ok(engine::set_all_aside(path.as_ref())?.pop())
    }

    /// Whether a process holds the store of a folder.
    pub fn in_use(path: impl AsRef<Path>) -> Result<bool, StoreError> {
        engine::in_use(path.as_ref())
    }

    /// The highest decided height and its block's id.
    pub fn tip(&self) -> Option<(u64, [u8; 32])> {
        self.shared.chain.extent().map(|extent| (extent.tip, extent.tip_id))
    }

    /// The lowest decided height that is stored.
    pub fn first_height(&self) -> Option<u64> {
        self.shared.chain.extent().map(|extent| extent.first)
    }

    /// Makes a decided block, all that belongs to it and the places of its receipts durable in one step.
    ///
    /// An empty store starts at height 1, or after its newest snapshot.
    pub fn commit(
        &self,
        commit: &Commit<'_>,
        receipts: impl IntoIterator<Item = ([u8; 32], u32)>,
    ) -> Result<(), StoreError> {
        check_sizes(commit)?;
        let _alone = self.shared.chain.alone();
        let extent = self.shared.chain.extent();
        let expected = match extent {
            Some(extent) => extent.tip + 1,
            None => snapshot::heights(&self.engine)?.last().copied().unwrap_or(0) + 1,
        };
        if commit.height != expected {
            return Err(StoreError::OutOfSequence { expected, given: commit.height });
        }
        let ids = index::encode_ids(receipts);
        self.engine.write(chain::stage_commit(&self.engine, commit, &ids)?)?;
        let first = extent.map_or(commit.height, |extent| extent.first);
        self.shared.chain.set_extent(Extent { first, tip: commit.height, tip_id: commit.id });
        self.add_to_index(commit.height, commit.height, &ids);
        Ok(())
    }

    /// Begins an empty store with the block after which it holds a finished snapshot; its parents may follow by
    /// [`Store::prepend`].
    pub fn begin(
        &self,
        commit: &Commit<'_>,
        receipts: impl IntoIterator<Item = ([u8; 32], u32)>,
    ) -> Result<(), StoreError> {
        check_sizes(commit)?;
        let _alone = self.shared.chain.alone();
        if let Some(extent) = self.shared.chain.extent() {
            return Err(StoreError::OutOfSequence { expected: extent.tip + 1, given: commit.height });
        }
        if snapshot::info(&self.engine, commit.height)?.is_none() {
            return Err(StoreError::NotStored { height: commit.height });
        }
        let ids = index::encode_ids(receipts);
        self.engine.write(chain::stage_commit(&self.engine, commit, &ids)?)?;
        let Commit { height, id, .. } = *commit;
        self.shared.chain.set_extent(Extent { first: height, tip: height, tip_id: id });
        self.add_to_index(height, height, &ids);
        Ok(())
    }

    /// Makes the parent of the lowest stored block durable, with all that belongs to it.
    pub fn prepend(
        &self,
        commit: &Commit<'_>,
        receipts: impl IntoIterator<Item = ([u8; 32], u32)>,
    ) -> Result<(), StoreError> {
        check_sizes(commit)?;
        let _alone = self.shared.chain.alone();
        let lowest = self.shared.chain.extent().filter(|extent| extent.first == commit.height + 1 && commit.height > 0);
        let Some(extent) = lowest else {
            let expected = self.shared.chain.extent().map_or(0, |extent| extent.first.saturating_sub(1));
            return Err(StoreError::OutOfSequence { expected, given: commit.height });
        };
        let ids = index::encode_ids(receipts);
        self.engine.write(chain::stage_past(&self.engine, commit, &ids)?)?;
        self.shared.chain.set_extent(Extent { first: commit.height, ..extent });
        self.add_to_index(commit.height, extent.tip, &ids);
        Ok(())
    }

    /// The block of a decided height.
    pub fn block(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.decided(height, chain::block)
    }

    /// The receipts of a decided height.
    pub fn receipts(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.decided(height, chain::receipts)
    }

    /// Id and certificate of a decided height.
    pub fn link(&self, height: u64) -> Result<Option<Link>, StoreError> {
        self.decided(height, chain::link)
    }

    /// The certificate of a decided height.
    pub fn certificate(&self, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.link(height)?.map(|link| link.certificate))
    }

    /// Ids and certificates from a height up to the tip of this moment.
    pub fn links_from(&self, height: u64) -> impl Iterator<Item = Result<Link, StoreError>> + '_ {
        let heights = self.shared.chain.extent().map(|extent| height.max(extent.first)..=extent.tip);
        heights.into_iter().flatten().map(|height| chain::link(&self.engine, height))
    }

    /// Height and position of a receipt, whatever its age.
    pub fn find_receipt(&self, id: &[u8; 32]) -> Result<Option<(u64, u32)>, StoreError> {
        let state = self.shared.index.read().unwrap_or_else(PoisonError::into_inner);
        let found = state.index.find(&self.engine, id)?;
        match (found, &state.damage) {
            (None, Some(detail)) => Err(StoreError::corrupt(Record::Index, detail.clone())),
            (found, _) => Ok(found),
        }
    }

    /// Writes the receipts' index anew from what the receipts of every height say.
    pub fn rebuild_receipt_index(
        &self,
        mut ids_of: impl FnMut(u64, &[u8]) -> Vec<([u8; 32], u32)>,
    ) -> Result<(), StoreError> {
        let _alone = self.shared.chain.alone();
        let mut state = self.shared.index.write().unwrap_or_else(PoisonError::into_inner);
        state.index = ReceiptIndex::clear(&self.engine, self.shared.options.gather_receipts)?;
        state.damage = Some("it is being written anew".to_owned());
        let heights = self.shared.chain.extent().map(|extent| extent.first..=extent.tip);
        for height in heights.into_iter().flatten() {
            let ids = index::encode_ids(ids_of(height, &chain::receipts(&self.engine, height)?));
            state.index.restore(&self.engine, height, &ids)?;
        }
        ReceiptIndex::restored(&self.engine)?;
        state.damage = None;
        Ok(())
    }

    /// Reads a part of the chain whole and names what is missing or damaged.
    pub fn verify_chain(&self, verify: Verify) -> Result<ChainReport, StoreError> {
        chain::verify(&self.engine, self.shared.chain.extent(), verify)
    }

    /// Begins a snapshot of the state after a height.
    pub fn snapshot_writer(&self, height: u64, id: [u8; 32]) -> Result<SnapshotWriter, StoreError> {
        let (busy, kept) = (self.shared.snapshot_busy.clone(), self.shared.options.snapshots_kept);
        SnapshotWriter::start(self.engine.clone(), busy, kept, height, id)
    }

    /// Heights with a finished snapshot, newest first. Whether one is sound shows when its chunks are read.
    pub fn snapshot_heights(&self) -> Result<Vec<u64>, StoreError> {
        let mut heights = snapshot::heights(&self.engine)?;
        heights.reverse();
        Ok(heights)
    }

    /// The newest snapshot that reads whole, and what is wrong with those that are newer.
    pub fn newest_snapshot(&self) -> Result<(Option<SnapshotInfo>, Vec<Damage>), StoreError> {
        let mut damaged = Vec::new();
        for height in self.snapshot_heights()? {
            let read = self.snapshot_chunks(height).and_then(|mut chunks| {
                let info = chunks.info().clone();
                chunks.try_for_each(|chunk| chunk.map(drop))?;
                Ok(info)
            });
            match read {
                Ok(info) => return Ok((Some(info), damaged)),
                Err(error @ StoreError::Corrupt { .. }) => damaged.push(Damage { height, detail: error.to_string() }),
                Err(error) => return Err(error),
            }
        }
        Ok((None, damaged))
    }

    /// The chunks of a finished snapshot, checked as they are read.
    pub fn snapshot_chunks(&self, height: u64) -> Result<SnapshotChunks, StoreError> {
        match snapshot::info(&self.engine, height)? {
            Some(info) => Ok(SnapshotChunks::new(self.engine.clone(), info)),
            None => Err(StoreError::NotStored { height }),
        }
    }

    /// One chunk of a finished snapshot.
    pub fn snapshot_chunk(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, StoreError> {
        snapshot::chunk(&self.engine, height, index)
    }

    /// The hashes of a finished snapshot's chunks; none for one that an older version wrote.
    pub fn snapshot_digests(&self, height: u64) -> Result<Option<Vec<[u8; 32]>>, StoreError> {
        snapshot::digests(&self.engine, height)
    }

    /// Removes a snapshot, for when it is damaged.
    pub fn remove_snapshot(&self, height: u64) -> Result<(), StoreError> {
        snapshot::remove(&self.engine, height)
    }

    /// Keeps a document under its hash, which the caller has checked.
    pub fn put_document(&self, hash: &[u8; 32], bytes: &[u8]) -> Result<(), StoreError> {
        check_size("a document", bytes, DOCUMENT_BYTES)?;
        let key = keys::document(hash);
        let _alone = self.shared.chain.alone();
        if value::stored_seal(&self.engine, &key)? == Some(value::seal(&key, bytes)) {
            return self.engine.check_writable(0);
        }
        let mut batch = Batch::new();
        value::replace(&self.engine, &mut batch, &key, bytes)?;
        self.engine.write(batch)
    }

    /// A document.
    pub fn document(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        value::read(&self.engine, &keys::document(hash))
    }

    /// Whether a document is kept.
    pub fn has_document(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(value::stored_seal(&self.engine, &keys::document(hash))?.is_some())
    }

    /// The hashes of all documents, ascending.
    pub fn documents(&self) -> Result<Vec<[u8; 32]>, StoreError> {
        let found = value::keys_under(&self.engine, &keys::DOCUMENTS, 33)?;
        Ok(found.iter().filter_map(|key| keys::parse_document(key)).collect())
    }

    /// Keeps a small value under a name.
    pub fn put_meta(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        check_size("a named value", bytes, META_BYTES)?;
        let _alone = self.shared.chain.alone();
        let mut batch = Batch::new();
        value::replace(&self.engine, &mut batch, &keys::meta(name), bytes)?;
        self.engine.write(batch)
    }

    /// The value under a name.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match value::read(&self.engine, &keys::meta(name)) {
            Err(StoreError::Corrupt { detail, .. }) => Err(StoreError::corrupt(Record::Meta(name.to_owned()), detail)),
            answer => answer,
        }
    }

    /// Bytes on disk.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.engine.disk_bytes()
    }

    /// Why writing has ended, if it has, or that room is short.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        self.engine.check_writable(0)
    }

    /// Whether so many bytes can be written and leave the room that must stay free.
    pub fn check_room(&self, bytes: u64) -> Result<(), StoreError> {
        self.engine.check_writable(bytes)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.engine.path()
    }

    fn decided<T>(
        &self,
        height: u64,
        read: impl FnOnce(&Engine, u64) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if !self.shared.chain.holds(height) {
            return Ok(None);
        }
        read(&self.engine, height).map(Some)
    }

    /// The ids are durable with their block; gathering them is housekeeping that may be tried again.
    fn add_to_index(&self, height: u64, tip: u64, ids: &[u8]) {
        let mut state = self.shared.index.write().unwrap_or_else(PoisonError::into_inner);
        state.index.add(height, ids);
        if state.damage.is_none()
            && state.index.is_due()
            && let Err(error) = state.index.condense(&self.engine, tip)
        {
            tracing::warn!(height, %error, "the receipts' index was not condensed");
        }
    }
}

fn check_size(what: &'static str, bytes: &[u8], limit: usize) -> Result<(), StoreError> {
    match bytes.len() {
        bytes if bytes > limit => Err(StoreError::TooLarge { what, bytes, limit }),
        _ => Ok(()),
    }
}

fn check_sizes(commit: &Commit<'_>) -> Result<(), StoreError> {
    check_size("a block", commit.block, VALUE_BYTES)?;
    check_size("a certificate", commit.certificate, VALUE_BYTES)?;
    check_size("a block's receipts", commit.receipts, VALUE_BYTES)
}

/// Records format and network in a new store, checks them in an old one; says whether it was new.
fn check_format(engine: &Engine, network: &[u8; 32]) -> Result<bool, StoreError> {
    let key = keys::system(FORMAT_KEY);
    let Some(stored) = value::read(engine, &key)? else {
        if engine.first_under(&[])?.is_some() {
            return Err(StoreError::corrupt(Record::System, "the note of format and network is missing"));
        }
        let mut batch = Batch::new();
        value::put(&mut batch, &key, &[FORMAT.to_be_bytes().as_slice(), network].concat());
        engine.write(batch)?;
        return Ok(true);
    };
    let parts = stored.split_at_checked(4).and_then(|(format, found)| {
        Some((u32::from_be_bytes(format.try_into().ok()?), <[u8; 32]>::try_from(found).ok()?))
    });
    let path = || engine.path().to_owned();
    match parts {
        Some((FORMAT, found)) if found == *network => Ok(false),
        Some((FORMAT, found)) => Err(StoreError::WrongNetwork { path: path(), found, expected: *network }),
        Some((found, _)) => Err(StoreError::WrongFormat { path: path(), found, expected: FORMAT }),
        None => Err(StoreError::corrupt(Record::System, "the note of format and network is malformed")),
    }
}

/// After a repair of the engine's files, proposals of decided heights may have come back.
fn forget_decided_proposals(engine: &Engine, extent: Option<Extent>) -> Result<(), StoreError> {
    let Some(extent) = extent else { return Ok(()) };
    let mut batch = Batch::new();
    // A block stays unless another one is known to be decided at its height.
    let stays = |height, id: &[u8; 32]| chain::link(engine, height).map_or(true, |link| link.id == *id);
    chain::stage_forget_undecided(engine, &mut batch, extent.tip, stays)?;
    engine.write(batch)
}

fn load_index(engine: &Engine, gather: usize) -> Result<IndexState, StoreError> {
    match ReceiptIndex::open(engine, gather) {
        Ok(index) => Ok(IndexState { index, damage: None }),
        Err(error @ StoreError::Corrupt { .. }) => {
            Ok(IndexState { index: ReceiptIndex::empty(gather), damage: Some(error.to_string()) })
        }
        Err(error) => Err(error),
    }
}
