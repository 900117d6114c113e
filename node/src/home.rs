//! A node's folder: settings, secret keys, sign guard, store and the engine's log, each in its place.
//!
//! ```text
//! config.toml   keys/consensus.key   keys/network.key   guard/sign.log   consensus/wal   store/
//! ```
//!
//! A consensus key that is to follow the first one lies beside it, with a sign guard of its own: `keys/consensus-2.key`,
//! `guard/2/sign.log`, and so on. No log is ever moved or shared: which of the keys votes is the ledger's to say.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keis_engine::guard::{Beginning, Guard, GuardError};
use keis_genesis::Genesis;
use keis_ledger::chain::{Address, ValidatorSet};
use keis_ledger::crypto::{Hash, SecretKey};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};

pub(crate) const CONFIG: &str = "config.toml";
const GUARD: &str = "guard";
const SIGN_LOG: &str = "sign.log";
const STORE: &str = "store";
const FETCHED: &str = "fetched";
const WAL: &str = "consensus/wal";
/// Hexadecimal digits of a secret key.
const DIGITS: usize = 64;

/// A node's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

/// What a new folder begins with.
pub struct NewHome {
    /// Its settings, from which the places of the keys are taken.
    pub config: Config,
    /// The key that signs votes.
    pub consensus: SecretKey,
    /// The key that names the node to its peers.
    pub network: SecretKey,
    /// Whether the key may have signed before.
    pub beginning: Beginning,
}

/// A consensus key of a folder.
#[derive(Clone)]
pub struct ConsensusKey {
    /// 1 for the key with which the folder was made, then counted on.
    pub number: u32,
    /// The secret.
    pub secret: SecretKey,
}

/// Why a folder is of no use.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The file system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A new node's folder holds something already.
    #[error("{} holds a node already, or is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A secret that others can read.
    #[error("{} has mode {mode:03o}; a secret key must be readable by its owner alone (chmod 600)", path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not a key.
    #[error("{} does not hold 64 hexadecimal digits", .0.display())]
    NotAKey(PathBuf),
    /// The settings are of no use.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The founding document is of no use.
    #[error("founding document {}: {source}", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<keis_genesis::LoadError>,
    },
    /// The sign guard refuses.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

impl Home {
    /// A folder that is a node's already.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes a node's folder. The settings' file comes last, so that a folder without it was never finished.
    ///
    /// # Errors
    /// [`HomeError`]; a folder with anything in it is left as it is.
    pub fn create(path: impl Into<PathBuf>, new: &NewHome) -> Result<Self, HomeError> {
        let home = Self::at(path);
        new.config.check()?;
        fs::create_dir_all(&home.path).map_err(failed("create", &home.path))?;
        let mut entries = fs::read_dir(&home.path).map_err(failed("read", &home.path))?;
        if entries.next().is_some() {
            return Err(HomeError::NotEmpty(home.path));
        }
        let genesis = home.genesis(&new.config)?;
        write_key(&home.file(&new.config.keys.consensus), &new.consensus)?;
        write_key(&home.file(&new.config.keys.network), &new.network)?;
        let guard = home.path.join(GUARD);
        fs::create_dir_all(&guard).map_err(failed("create", &guard))?;
        drop(Guard::create(&guard, genesis.hash(), new.consensus.clone(), new.beginning)?);
        let text = toml::to_string_pretty(&new.config).expect("the settings are plain tables of texts and numbers");
        write_new(&home.path.join(CONFIG), 0o644, text.as_bytes())?;
        File::open(&home.path).and_then(|folder| folder.sync_all()).map_err(failed("sync", &home.path))?;
        Ok(home)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file that the settings name.
    pub fn file(&self, named: &Path) -> PathBuf {
        self.path.join(named)
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    /// Where a snapshot waits that is being fetched from peers.
    pub fn fetched(&self) -> PathBuf {
        self.path.join(FETCHED)
    }

    /// The engine's own log.
    pub fn wal(&self) -> PathBuf {
        self.path.join(WAL)
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.path.join(CONFIG))
    }

    /// Reads the founding document.
    ///
    /// # Errors
    /// [`HomeError::Genesis`].
    pub fn genesis(&self, config: &Config) -> Result<Genesis, HomeError> {
        let path = self.file(&config.genesis);
        Genesis::load(&path).map_err(|source| HomeError::Genesis { path, source: Box::new(source) })
    }

    /// Reads the secret key of votes.
    ///
    /// # Errors
    /// [`HomeError`] when the file is missing, readable by others or no key.
    pub fn consensus_key(&self, config: &Config) -> Result<SecretKey, HomeError> {
        read_key(&self.file(&config.keys.consensus)).map(|bytes| SecretKey::from_bytes(&bytes))
    }

    /// Reads the secret of the network key.
    ///
    /// # Errors
    /// As for [`Home::consensus_key`].
    pub fn network_secret(&self, config: &Config) -> Result<Zeroizing<[u8; 32]>, HomeError> {
        read_key(&self.file(&config.keys.network))
    }

    /// All consensus keys of the folder, in the order in which they were made.
    ///
    /// # Errors
    /// [`HomeError::Mode`], [`HomeError::NotAKey`] or [`HomeError::Io`].
    pub fn consensus_keys(&self, config: &Config) -> Result<Vec<ConsensusKey>, HomeError> {
        let mut keys = vec![ConsensusKey { number: 1, secret: self.consensus_key(config)? }];
        for number in 2.. {
            let path = self.key_file(config, number);
            if !path.try_exists().map_err(failed("look for", &path))? {
                break;
            }
            // A key without a guard was never finished, and never shown to anybody.
            let guard = self.guard_folder(number).join(SIGN_LOG);
            if guard.try_exists().map_err(failed("look for", &guard))? {
                let secret = read_key(&path)?;
                keys.push(ConsensusKey { number, secret: SecretKey::from_bytes(&secret) });
            }
        }
        Ok(keys)
    }

    /// Makes the key that is to follow, with a guard for it. The node goes on with the key that the ledger names.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn rotate(&self, config: &Config, network: Hash, secret: SecretKey) -> Result<ConsensusKey, HomeError> {
        let numbers = 2..;
        let free = |number: &u32| !self.key_file(config, *number).exists() && !self.guard_folder(*number).exists();
        let number = numbers.into_iter().find(free).expect("there are more numbers than keys");
        write_key(&self.key_file(config, number), &secret)?;
        let guard = self.guard_folder(number);
        fs::create_dir_all(&guard).map_err(failed("create", &guard))?;
        drop(Guard::create(&guard, network, secret.clone(), Beginning::Genesis)?);
        for folder in [self.path.join(GUARD), self.file(&config.keys.consensus)] {
            let folder = if folder.is_dir() { folder.as_path() } else { folder.parent().unwrap_or(&self.path) };
            File::open(folder).and_then(|opened| opened.sync_all()).map_err(failed("sync", folder))?;
        }
        Ok(ConsensusKey { number, secret })
    }

    /// Opens the sign guard of a key. A folder without its log never signs: the log may have been lost.
    ///
    /// # Errors
    /// [`HomeError::Guard`].
    pub fn guard(&self, network: Hash, key: &ConsensusKey) -> Result<Guard, HomeError> {
        Ok(Guard::open(&self.guard_folder(key.number), network, key.secret.clone())?)
    }

    pub(crate) fn guard_folder(&self, number: u32) -> PathBuf {
        let first = self.path.join(GUARD);
        if number == 1 { first } else { first.join(number.to_string()) }
    }

    pub(crate) fn key_file(&self, config: &Config, number: u32) -> PathBuf {
        let first = self.file(&config.keys.consensus);
        if number == 1 {
            return first;
        }
        let mut name = first.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = first.extension() {
            name.push(".");
            name.push(extension);
        }
        first.with_file_name(name)
    }
}

impl ConsensusKey {
    /// The address under which it votes.
    pub fn address(&self) -> Address {
        Address::of(&self.secret.public())
    }

    /// Which key of a folder votes: the newest that is a validator's. Where none is, the newest follows.
    pub fn choose(keys: Vec<Self>, validators: &ValidatorSet) -> Option<Self> {
        let votes = |key: &&Self| validators.find(&key.address()).is_some();
        keys.iter().rev().find(votes).or(keys.last()).cloned()
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    move |source| HomeError::Io { doing, path: path.to_owned(), source }
}

pub(crate) fn write_key(path: &Path, key: &SecretKey) -> Result<(), HomeError> {
    let mut text = Zeroizing::new(hex::encode(*Zeroizing::new(key.to_bytes())));
    text.push('\n');
    write_new(path, 0o600, text.as_bytes())
}

/// Writes a file that must not exist, durably.
pub(crate) fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<(), HomeError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("create", folder))?;
    }
    let mut file =
        File::options().write(true).create_new(true).mode(mode).open(path).map_err(failed("create", path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, HomeError> {
    let mut file = File::open(path).map_err(failed("open", path))?;
    let metadata = file.metadata().map_err(failed("read", path))?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(HomeError::Mode { path: path.to_owned(), mode });
    }
    // A little more than a key, so that a longer file is seen to be one.
    let mut text = Zeroizing::new(Vec::with_capacity(DIGITS + 2));
    Read::take(&mut file, DIGITS as u64 + 2).read_to_end(&mut text).map_err(failed("read", path))?;
    let digits = text.strip_suffix(b"\n").unwrap_or(&text);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, key.as_mut()).map_err(|_| HomeError::NotAKey(path.to_owned()))?;
    Ok(key)
}
