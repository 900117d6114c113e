//! A node's settings: `config.toml` of its folder, with `KEIS_NODE__SECTION__KEY` of the environment laid over it. Checked
//! whole at start; an unknown key is refused. Secrets are never in it, only the names of their files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use serde::{Deserialize, Serialize};

use crate::chain::SnapshotPolicy;
use crate::{gateway, mempool};

/// Begins the names of settings in the environment.
const ENVIRONMENT: &str = "KEIS_NODE";
/// Least memory for the store's pages.
const LEAST_CACHE: u64 = 1 << 20;

/// All settings of a node. Relative paths start at the node's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The founding document.
    pub genesis: PathBuf,
    /// Whose node it is. Needed only where neither the founding document nor the ledger's validators name its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<InstitutionId>,
    /// Name of the node in logs; the institution's id when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moniker: Option<String>,
    /// Where the secret keys lie.
    #[serde(default)]
    pub keys: KeyFiles,
    /// Consensus.
    pub consensus: Consensus,
    /// Exchange of transactions and documents.
    pub gossip: Gossip,
    /// The public door.
    pub gateway: Gateway,
    /// Bounds of the mempool.
    #[serde(default, skip_serializing)]
    pub mempool: mempool::Limits,
    /// The store.
    #[serde(default)]
    pub store: StoreSettings,
    /// Room on the disk.
    #[serde(default)]
    pub disk: DiskSettings,
    /// Snapshots of the state.
    #[serde(default)]
    pub snapshot: Snapshot,
    /// How a node without a chain comes to one.
    #[serde(default)]
    pub sync: Sync,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// The other nodes.
    #[serde(default)]
    pub peers: Vec<Peer>,
}

/// Files with 64 hexadecimal digits each, readable by their owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyFiles {
    /// Secret of the key that signs votes.
    pub consensus: PathBuf,
    /// Secret of the key that names the node to its peers.
    pub network: PathBuf,
}

/// Settings of consensus, times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consensus {
    /// Where the engine listens.
    pub listen: SocketAddr,
    /// Patience with a proposer.
    #[serde(default = "propose_ms")]
    pub propose_ms: u64,
    /// Patience with prevotes and precommits that differ.
    #[serde(default = "vote_ms")]
    pub vote_ms: u64,
    /// Growth of both a round.
    #[serde(default = "vote_ms")]
    pub step_ms: u64,
    /// Until a silent round's messages are sent again.
    #[serde(default = "rebroadcast_ms")]
    pub rebroadcast_ms: u64,
    /// Longest time without a block while there is nothing to do.
    #[serde(default = "longest_idle_ms")]
    pub longest_idle_ms: u64,
    /// Shortest time from block to block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_block_ms: Option<u64>,
    /// How often peers are told the own tip.
    #[serde(default = "status_ms")]
    pub status_ms: u64,
}

/// Settings of the exchange with peers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gossip {
    /// Where the swarm listens.
    pub listen: SocketAddr,
}

/// Settings of the public door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Names under which clients call it, such as `keis.example.lt`; see [`gateway::Settings::authorities`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorities: Vec<String>,
    /// Folder of legal persons' e-invoices, at the operator's node: the portal fills it (`invoices_folder`), the gateway serves
    /// them to their sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoices: Option<PathBuf>,
    /// Its bounds.
    #[serde(default, skip_serializing)]
    pub limits: gateway::Limits,
}

/// Settings of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSettings {
    /// Memory for pages that were read or written lately.
    pub cache_bytes: u64,
    /// Room that must stay free on the disk; with less, consensus waits.
    pub min_free_bytes: u64,
    /// How many of the newest blocks are read again at start.
    pub verify_last: u64,
    /// How many snapshots are kept.
    pub snapshots_kept: usize,
}

/// When little room on the disk counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiskSettings {
    /// With less the node takes no more transactions and is not ready, until there is room again.
    pub stop_below_bytes: u64,
    /// With less it says so in its log.
    pub warn_below_bytes: u64,
}

/// When a snapshot of the state is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// After so many blocks.
    pub blocks: u64,
    /// Or after blocks of so many bytes.
    pub bytes: u64,
}

/// How a node whose store is empty comes to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncMode {
    /// A peer's snapshot when the network is far ahead, else every block.
    Auto,
    /// A peer's snapshot; without one the node waits.
    Snapshot,
    /// Every block from the first on, each executed here.
    Blocks,
}

/// Settings of joining a network that lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sync {
    /// The way.
    pub mode: SyncMode,
    /// Heights from which on a network counts as far ahead.
    pub far_behind: u64,
    /// Whether blocks before the snapshot are fetched while the node works.
    pub history: bool,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Settings of the log, which goes to the standard error stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Form.
    pub format: LogFormat,
    /// What is told, as `level` or `module=level,…`.
    pub filter: String,
}

/// Another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The key that names it.
    pub network_key: PublicKey,
    /// Where its engine listens.
    pub consensus: SocketAddr,
    /// Where its swarm listens.
    pub gossip: SocketAddr,
}

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file or the environment says something that no setting means.
    #[error("settings in {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<config::ConfigError>,
    },
    /// A setting that cannot work.
    #[error("setting `{setting}`: {reason}")]
    Unusable {
        /// Its name.
        setting: &'static str,
        /// Why.
        reason: String,
    },
}

const fn propose_ms() -> u64 {
    1_000
}

const fn vote_ms() -> u64 {
    500
}

const fn rebroadcast_ms() -> u64 {
    2_000
}

const fn longest_idle_ms() -> u64 {
    600_000
}

const fn status_ms() -> u64 {
    1_000
}

impl Default for KeyFiles {
    fn default() -> Self {
        Self { consensus: "keys/consensus.key".into(), network: "keys/network.key".into() }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { cache_bytes: 32 << 20, min_free_bytes: 64 << 20, verify_last: 64, snapshots_kept: 2 }
    }
}

impl Default for DiskSettings {
    fn default() -> Self {
        Self { stop_below_bytes: 512 << 20, warn_below_bytes: 2 << 30 }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { blocks: 2_000, bytes: 64 << 20 }
    }
}

impl Default for Sync {
    fn default() -> Self {
        Self { mode: SyncMode::Auto, far_behind: 1_000, history: true }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info,arc_malachitebft=warn".to_owned() }
    }
}

impl Consensus {
    /// Settings with the usual times.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            propose_ms: propose_ms(),
            vote_ms: vote_ms(),
            step_ms: vote_ms(),
            rebroadcast_ms: rebroadcast_ms(),
            longest_idle_ms: longest_idle_ms(),
            target_block_ms: None,
            status_ms: status_ms(),
        }
    }

    /// The engine's timeouts.
    pub fn timeouts(&self) -> keis_engine::Timeouts {
        keis_engine::Timeouts {
            propose: Duration::from_millis(self.propose_ms),
            prevote: Duration::from_millis(self.vote_ms),
            precommit: Duration::from_millis(self.vote_ms),
            step: Duration::from_millis(self.step_ms),
            rebroadcast: Duration::from_millis(self.rebroadcast_ms),
        }
    }
}

impl Snapshot {
    /// The chain's policy.
    pub fn policy(&self) -> SnapshotPolicy {
        SnapshotPolicy { blocks: self.blocks, bytes: self.bytes }
    }
}

impl Config {
    /// Settings of a node with everything that can be left out left out.
    pub fn new(
        genesis: PathBuf,
        consensus: SocketAddr,
        gossip: SocketAddr,
        gateway: SocketAddr,
        peers: Vec<Peer>,
    ) -> Self {
        Self {
            genesis,
            institution: None,
            moniker: None,
            keys: KeyFiles::default(),
            consensus: Consensus::at(consensus),
            gossip: Gossip { listen: gossip },
            gateway: Gateway {
                listen: gateway,
                authorities: Vec::new(),
                invoices: None,
                limits: gateway::Limits::default(),
            },
            mempool: mempool::Limits::default(),
            store: StoreSettings::default(),
            disk: DiskSettings::default(),
            snapshot: Snapshot::default(),
            sync: Sync::default(),
            log: Log::default(),
            peers,
        }
    }

    /// Reads a file, lays the environment over it and checks the whole.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let refused = |source| ConfigError::Read { path: path.to_owned(), source: Box::new(source) };
        let environment =
            config::Environment::with_prefix(ENVIRONMENT).prefix_separator("__").separator("__").try_parsing(true);
        let read = config::Config::builder()
            .add_source(config::File::from(path).format(config::FileFormat::Toml))
            .add_source(environment)
            .build()
            .and_then(config::Config::try_deserialize::<Self>)
            .map_err(refused)?;
        read.check()?;
        Ok(read)
    }

    /// Whether a node can run with these settings.
    ///
    /// # Errors
    /// [`ConfigError::Unusable`] for the first that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("consensus.propose_ms", self.consensus.propose_ms),
            ("consensus.vote_ms", self.consensus.vote_ms),
            ("consensus.rebroadcast_ms", self.consensus.rebroadcast_ms),
            ("consensus.longest_idle_ms", self.consensus.longest_idle_ms),
            ("consensus.status_ms", self.consensus.status_ms),
            ("snapshot.blocks", self.snapshot.blocks),
            ("snapshot.bytes", self.snapshot.bytes),
            ("store.snapshots_kept", self.store.snapshots_kept as u64),
        ];
        for (setting, value) in positive {
            require(value > 0, setting, "must not be 0")?;
        }
        require(self.store.cache_bytes >= LEAST_CACHE, "store.cache_bytes", "must be 1 MiB at least")?;
        let (stop, warn) = (self.disk.stop_below_bytes, self.disk.warn_below_bytes);
        require(stop <= warn, "disk.warn_below_bytes", "must be disk.stop_below_bytes at least")?;
        require(self.consensus.listen.port() != 0, "consensus.listen", "needs a port: peers list it")?;
        require(self.gossip.listen.port() != 0, "gossip.listen", "needs a port: peers list it")?;
        for name in &self.gateway.authorities {
            let bare = !name.is_empty() && !name.contains(['/', '?', '#', '@']) && !name.contains(char::is_whitespace);
            require(bare, "gateway.authorities", &format!("`{name}` is no host, or host and port"))?;
        }
        for (index, peer) in self.peers.iter().enumerate() {
            let before = &self.peers[..index];
            let alone = before.iter().all(|other| {
                other.network_key != peer.network_key
                    && other.consensus != peer.consensus
                    && other.gossip != peer.gossip
            });
            require(alone, "peers", &format!("{} repeats a key or an address", peer.network_key))?;
            let other = peer.consensus != self.consensus.listen && peer.gossip != self.gossip.listen;
            require(other, "peers", &format!("{} is at this node's own address", peer.network_key))?;
        }
        Ok(())
    }
}

fn require(holds: bool, setting: &'static str, reason: &str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Unusable { setting, reason: reason.to_owned() }) }
}
