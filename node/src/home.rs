//! A node's folder: settings, secret keys, sign guard, store and the engine's log, each in its place.
//!
//! ```text
//! config.toml   keys/consensus.key   keys/network.key   guard/sign.log   consensus/wal   store/
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use keis_engine::guard::{Beginning, Guard, GuardError};
use keis_genesis::Genesis;
use keis_ledger::crypto::{Hash, SecretKey};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};

const CONFIG: &str = "config.toml";
const GUARD: &str = "guard";
const STORE: &str = "store";
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

    /// Opens the sign guard. A folder without its log never signs: the log may have been lost.
    ///
    /// # Errors
    /// [`HomeError::Guard`].
    pub fn guard(&self, network: Hash, consensus: SecretKey) -> Result<Guard, HomeError> {
        Ok(Guard::open(&self.path.join(GUARD), network, consensus)?)
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    move |source| HomeError::Io { doing, path: path.to_owned(), source }
}

fn write_key(path: &Path, key: &SecretKey) -> Result<(), HomeError> {
    let mut text = Zeroizing::new(hex::encode(*Zeroizing::new(key.to_bytes())));
    text.push('\n');
    write_new(path, 0o600, text.as_bytes())
}

/// Writes a file that must not exist, durably.
fn write_new(path: &Path, mode: u32, content: &[u8]) -> Result<(), HomeError> {
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
