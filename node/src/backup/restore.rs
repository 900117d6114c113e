//! From a stream to a folder of a node: always a new folder, whole and proven or not there.

use std::fs::{self, DirBuilder};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use keis_engine::guard::{Beginning, Guard, GuardError};
use keis_genesis::Genesis;
use keis_ledger::chain::Height;
use keis_ledger::crypto::{Hash, SecretKey};

use super::frame::{FORMAT, Frame, FrameError, FrameReader, Head, Tally};
use super::ledger::{fill, sync_all};
use crate::chain::{ChainError, LineageError, PastError};
use crate::config::Config;
use crate::home::{CONFIG, ConsensusKey, Home, HomeError, write_key, write_new};
use crate::store::StoreError;

/// Name of the founding document in a folder whose settings name one elsewhere.
const GENESIS: &str = "genesis.json";
/// The store's folder.
const STORE: &str = "store";

/// Told how many blocks are in, and of how many.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// Keys that are kept apart from the backup; none where the backup has them.
#[derive(Default)]
pub struct Given {
    /// The consensus keys, in the order in which they were made.
    pub consensus: Vec<SecretKey>,
    /// The network key.
    pub network: Option<SecretKey>,
}

/// What came out of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What it holds.
    pub head: Head,
    /// How much of it.
    pub tally: Tally,
    /// Whether the stream had the keys.
    pub with_keys: bool,
}

/// Why a backup cannot be restored. Nothing that was there before is touched.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The stream cannot be read on.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A piece stands where it must not.
    #[error("the backup has {0} where it must not be")]
    Misplaced(&'static str),
    /// It was written by a newer build.
    #[error("the backup has form {0}; this build reads form {FORMAT}")]
    Format(u32),
    /// Settings and blocks are of two networks.
    #[error("the blocks are of the network {blocks}, the founding document of {genesis}")]
    Network {
        /// The blocks'.
        blocks: Hash,
        /// The document's.
        genesis: Hash,
    },
    /// The settings cannot be used.
    #[error("the settings in the backup are not understood")]
    Settings(#[source] Box<toml::de::Error>),
    /// The folder, its settings or keys.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The sign guard cannot be begun.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The new folder cannot be written.
    #[error("cannot write {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Without its keys it is no node.
    #[error("the backup has no {0} key, and none was given")]
    NoKey(&'static str),
    /// A change of validators does not follow.
    #[error("the change of validators at height {height} is not proven")]
    Lineage {
        /// Its height.
        height: Height,
        /// Why.
        #[source]
        source: LineageError,
    },
    /// A block is not what it must be.
    #[error("the block of height {height} is not proven")]
    Block {
        /// Its height.
        height: Height,
        /// Why.
        #[source]
        source: PastError,
    },
    /// Blocks are missing.
    #[error("blocks are missing after height {after}")]
    Gap {
        /// The last before.
        after: Height,
    },
    /// The new store fails.
    #[error("the new store cannot be filled")]
    Store(#[from] StoreError),
    /// The chain does not follow from its state.
    #[error("the chain cannot be loaded from what the backup holds")]
    Chain(#[source] Box<ChainError>),
    /// The state that is reached is another one.
    #[error("the backup leads to height {reached}, not to {tip}: its snapshot is not sound")]
    OtherState {
        /// Where it leads.
        reached: Height,
        /// Where it must lead.
        tip: Height,
    },
}

/// What stands before the ledger in a stream.
struct Beginnings {
    settings: toml::Table,
    genesis: Vec<u8>,
    keys: Given,
    head: Head,
}

/// Makes a node's folder of a backup, at a place where nothing is. It follows unsigned until it is adopted.
///
/// # Errors
/// [`RestoreError`]; what was made until then is removed.
pub fn restore(
    frames: &mut FrameReader<impl Read>,
    folder: &Path,
    given: Given,
    progress: Progress<'_>,
) -> Result<Restored, RestoreError> {
    anew(folder)?;
    let made = make(frames, folder, given, progress);
    if made.is_err() {
        // What is left of it is in nobody's way; the reason is what counts.
        let _ = fs::remove_dir_all(folder);
    }
    made
}

/// Proves a backup in a folder that is removed again. Keys are not needed for that.
///
/// # Errors
/// As for [`restore`].
pub fn check(
    frames: &mut FrameReader<impl Read>,
    folder: &Path,
    progress: Progress<'_>,
) -> Result<Restored, RestoreError> {
    anew(folder)?;
    let proven = begin(frames).and_then(|begun| {
        let genesis = found(folder, &begun)?;
        let tally = fill(frames, &begun.head, &genesis, &folder.join(STORE), progress)?;
        Ok(Restored { head: begun.head, tally, with_keys: begun.keys.network.is_some() })
    });
    let _ = fs::remove_dir_all(folder);
    proven
}

fn make(
    frames: &mut FrameReader<impl Read>,
    folder: &Path,
    given: Given,
    progress: Progress<'_>,
) -> Result<Restored, RestoreError> {
    let begun = begin(frames)?;
    let genesis = found(folder, &begun)?;
    let home = Home::at(folder);
    let config = home.config().map_err(HomeError::from)?;
    let with_keys = begun.keys.network.is_some();
    let consensus = if given.consensus.is_empty() { begun.keys.consensus } else { given.consensus };
    let network = given.network.or(begun.keys.network).ok_or(RestoreError::NoKey("network"))?;
    if consensus.is_empty() {
        return Err(RestoreError::NoKey("consensus"));
    }
    secrets(&home, &config, &genesis, consensus, &network)?;
    let tally = fill(frames, &begun.head, &genesis, &home.store(), progress)?;
    sync_all(folder).map_err(|source| RestoreError::Folder { path: folder.to_owned(), source })?;
    Ok(Restored { head: begun.head, tally, with_keys })
}

/// Reads what stands before the ledger.
fn begin(frames: &mut FrameReader<impl Read>) -> Result<Beginnings, RestoreError> {
    let (mut settings, mut genesis, mut keys) = (None, None, Given::default());
    loop {
        match frames.pull()? {
            Frame::Settings(bytes) => settings = Some(bytes),
            Frame::Genesis(bytes) => genesis = Some(bytes),
            Frame::NetworkKey(secret) => keys.network = Some(SecretKey::from_bytes(&secret)),
            Frame::ConsensusKey { number: _, secret } => keys.consensus.push(SecretKey::from_bytes(&secret)),
            Frame::Head(head) if head.format != FORMAT => return Err(RestoreError::Format(head.format)),
            Frame::Head(head) => {
                let settings = settings.ok_or(RestoreError::Misplaced("blocks before its settings"))?;
                let genesis = genesis.ok_or(RestoreError::Misplaced("blocks before its founding document"))?;
                let settings = toml::from_str(&String::from_utf8_lossy(&settings));
                let settings = settings.map_err(|error| RestoreError::Settings(Box::new(error)))?;
                return Ok(Beginnings { settings, genesis, keys, head });
            }
            misplaced @ (Frame::Handover(_)
            | Frame::Chunk(_)
            | Frame::Block(_)
            | Frame::Document(_)
            | Frame::End(_)) => return Err(RestoreError::Misplaced(misplaced.name())),
        }
    }
}

/// Writes settings and founding document, and judges both.
fn found(folder: &Path, begun: &Beginnings) -> Result<Genesis, RestoreError> {
    let mut settings = begun.settings.clone();
    // Whatever lay outside of the folder lies in it now: elsewhere, another folder's may be.
    settings.insert("genesis".to_owned(), GENESIS.into());
    settings.remove("keys");
    let text = toml::to_string_pretty(&settings).expect("what was read as a table can be written as one");
    write_new(&folder.join(GENESIS), 0o644, &begun.genesis)?;
    write_new(&folder.join(CONFIG), 0o644, text.as_bytes())?;
    let home = Home::at(folder);
    let genesis = home.genesis(&home.config().map_err(HomeError::from)?)?;
    let (blocks, genesis_hash) = (begun.head.network, genesis.hash());
    if blocks == genesis_hash { Ok(genesis) } else { Err(RestoreError::Network { blocks, genesis: genesis_hash }) }
}

/// Writes the keys, each with a guard that signs nothing until the folder is adopted.
fn secrets(
    home: &Home,
    config: &Config,
    genesis: &Genesis,
    consensus: Vec<SecretKey>,
    network: &SecretKey,
) -> Result<(), RestoreError> {
    write_key(&home.file(&config.keys.network), network)?;
    for (number, secret) in (1..).zip(consensus) {
        let key = ConsensusKey { number, secret };
        write_key(&home.key_file(config, number), &key.secret)?;
        let guard = home.guard_folder(number);
        fs::create_dir_all(&guard).map_err(|source| RestoreError::Folder { path: guard.clone(), source })?;
        drop(Guard::create(&guard, genesis.hash(), key.secret, Beginning::Restored)?);
    }
    Ok(())
}

/// Makes a folder that nobody else may look into.
fn anew(folder: &Path) -> Result<(), RestoreError> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|source| RestoreError::Folder { path: folder.to_owned(), source })
}
