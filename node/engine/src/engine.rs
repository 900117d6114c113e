//! Configuration, start and end of the engine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use keis_ledger::chain::{Address, Height};
use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use keis_ledger::ids::BlockId;
use malachite_app_channel::app::config::{
    ConsensusConfig, NodeConfig, P2pConfig, PubSubProtocol, ValuePayload, ValueSyncConfig,
};
use malachite_app_channel::app::engine::network::NetworkRef;
use malachite_app_channel::app::metrics::SharedRegistry;
use malachite_app_channel::app::spawn::spawn_network_actor;
use malachite_app_channel::app::types::Keypair;
use malachite_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkIdentity, NetworkMsg, RequestContext, SyncContext,
};
use malachite_core_types::LinearTimeouts;
use ractor::RactorErr;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::app::{AppError, Application, Blocks};
use crate::context::{EngineAddress, KeisContext};
use crate::guard::{Guard, GuardError, GuardState};
use crate::host::{Host, HostConfig};
use crate::journal;
use crate::listed::{self, multiaddr, peer_id};
use crate::relink;
use crate::seal::{GuardedSigner, StrictVerifier};
use crate::wal;
use crate::wire::Wire;
use crate::witness::Witness;

/// Held by everything that the engine's threads own; when all are dropped, the files are closed.
pub(crate) type Alive = mpsc::Sender<()>;

/// Room beside the blocks in a message of value sync.
const SYNC_OVERHEAD: usize = 1024 * 1024;
/// Largest message of consensus: a part of a block, or a certificate of many validators.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Blocks asked for at once by a node that catches up; answers are cut to [`sync_bytes`].
const SYNC_BATCH: usize = 32;
/// How long the engine's threads may take to end.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// A node that this one talks to. Nobody else is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    /// The key that its connections prove.
    pub network_key: PublicKey,
}

/// How long consensus waits, each growing by `step` a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a proposal; a dead proposer's turn costs it.
    pub propose: Duration,
    /// For more prevotes once two thirds voted for different things.
    pub prevote: Duration,
    /// For more precommits, alike.
    pub precommit: Duration,
    /// Growth a round.
    pub step: Duration,
    /// Until a silent round's messages are sent again.
    pub rebroadcast: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            propose: Duration::from_secs(1),
            prevote: Duration::from_millis(500),
            precommit: Duration::from_millis(500),
            step: Duration::from_millis(500),
            rebroadcast: Duration::from_secs(2),
        }
    }
}

/// What an engine needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Hash of the genesis document; part of everything that is signed.
    pub network: Hash,
    /// Name of the node in logs and metrics.
    pub moniker: String,
    /// Where this node listens for the others.
    pub listen: SocketAddr,
    /// The others.
    pub peers: Vec<Peer>,
    /// File of the engine's own log; its folder is created.
    pub wal: PathBuf,
    /// Timeouts of consensus.
    pub timeouts: Timeouts,
    /// Longest time without a height while there is no work.
    pub longest_idle: Duration,
    /// Shortest time from block to block; it lets certificates gather more signatures.
    pub target_block_time: Option<Duration>,
    /// Longest encoded block that is taken in.
    pub max_block_bytes: usize,
    /// How often peers are told the own tip.
    pub status_interval: Duration,
}

/// Why an engine did not start or does not run any more.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A secret or address of the configuration is of no use.
    #[error("the configuration's {0} is not usable")]
    Config(&'static str),
    /// The log's folder cannot be made.
    #[error("folder of the consensus log {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// The log of consensus cannot be read.
    #[error("log of consensus {}: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// The engine's parts did not start: a port or its log is not to be had.
    #[error("the consensus engine did not start: {0}")]
    Start(String),
    /// The application could not go on.
    #[error("the node cannot go on: {0}")]
    Application(#[source] AppError),
    /// The sign guard could not go on.
    #[error("the sign guard cannot go on: {0}")]
    Guard(#[from] GuardError),
    /// The application returned from a commit without the block.
    #[error("height {height} was decided, and is not committed")]
    NotCommitted {
        /// The height.
        height: Height,
    },
    /// A quorum decided a block that this node finds invalid.
    #[error("block {block} of height {height} was decided by a quorum and is invalid here: state or rules differ")]
    CertifiedInvalid {
        /// Its height.
        height: Height,
        /// The block.
        block: BlockId,
    },
    /// Another copy of this validator signs.
    #[error("another copy of this validator signs, seen at height {height}; end it, then adopt this folder")]
    SecondCopy {
        /// Where it was seen.
        height: Height,
    },
    /// The engine halted by itself: its own log tells more.
    #[error("the consensus engine halted; do not restart before its log was read")]
    Halted,
    /// The task that answers the engine panicked.
    #[error("the engine's task panicked")]
    Panicked,
}

/// A running engine. One that is dropped stops, too, only later than [`Engine::shutdown`] would tell.
#[derive(Debug)]
pub struct Engine {
    task: Option<JoinHandle<Result<(), EngineError>>>,
    stop: watch::Sender<bool>,
    tip: watch::Receiver<Height>,
    peers: watch::Receiver<Height>,
    guard: Option<Arc<Guard>>,
    last_state: Option<GuardState>,
}

/// The engine's own configuration, in the form that its builder asks for.
#[derive(Clone)]
struct Settings {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for Settings {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

/// The public half of a network secret, as other nodes list it.
pub fn network_key(secret: &[u8; 32]) -> PublicKey {
    SecretKey::from_bytes(secret).public()
}

/// Writes the engine's metrics in the text format of Prometheus. All engines of a process share them.
pub fn metrics(out: &mut String) {
    malachite_app_channel::app::metrics::export(out);
}

/// Starts an engine. Without a guard the node follows and serves blocks, and never votes.
///
/// Both boxes let the engine be compiled here and once: generic code, and the body of an `async fn`, are compiled by every
/// crate that uses them.
///
/// # Errors
/// [`EngineError::Config`], [`EngineError::Folder`] or [`EngineError::Start`].
pub fn start(
    config: Config,
    network_secret: [u8; 32],
    guard: Option<Guard>,
    app: Box<dyn Application>,
) -> BoxFuture<'static, Result<Engine, EngineError>> {
    Box::pin(async move {
        let folder = config.wal.parent().ok_or(EngineError::Config("log path"))?;
        std::fs::create_dir_all(folder).map_err(|source| EngineError::Folder { path: folder.to_owned(), source })?;
        wal::drop_pieces(&config.wal).map_err(|source| EngineError::Log { path: config.wal.clone(), source })?;
        let guard = guard.map(Arc::new);
        let witness = Arc::new(Witness::new(app.tip()));
        let (alive, ended) = mpsc::channel(1);
        let parts = build(&config, network_secret, guard.clone(), &witness, app.blocks(), alive).await?;
        let host_config = HostConfig {
            chain: config.network,
            timeouts: timeouts(&config.timeouts),
            target_block_time: config.target_block_time,
            longest_idle: config.longest_idle,
            max_block_bytes: config.max_block_bytes,
            max_sync_bytes: sync_bytes(config.max_block_bytes) - SYNC_OVERHEAD,
            peers: config.peers.len(),
            first_stream: nanos_now(),
        };
        let host = Host::new(app, host_config, parts.channels.network.clone(), witness.clone(), guard.clone());
        let (stop, stopping) = watch::channel(false);
        let (tip, peers) = (host.tip.subscribe(), witness.peers());
        let task = tokio::spawn(supervise(host, guard.clone(), parts, stopping, ended));
        Ok(Engine { task: Some(task), stop, tip, peers, guard, last_state: None })
    })
}

/// What runs beside the host.
struct Parts {
    channels: Channels<KeisContext>,
    handle: EngineHandle,
    /// Nobody's child: an engine kills what is left of its children as soon as one of them has ended, and a swarm that is killed
    /// leaves its connections open behind it.
    swarm: NetworkRef<KeisContext>,
}

/// Runs the host, and ends the engine with it.
async fn supervise(
    host: Host,
    guard: Option<Arc<Guard>>,
    parts: Parts,
    stopping: watch::Receiver<bool>,
    mut ended: mpsc::Receiver<()>,
) -> Result<(), EngineError> {
    let Parts { channels, handle, swarm } = parts;
    let Channels { consensus, requests, net_requests, .. } = channels;
    let EngineHandle { actor, handle: mut node } = handle;
    let mut host = tokio::spawn(host.run(consensus, stopping));
    let outcome = tokio::select! {
        outcome = &mut host => outcome.unwrap_or(Err(EngineError::Panicked)),
        _ = &mut node => Err(EngineError::Halted),
        _ = swarm.wait(None) => Err(EngineError::Halted),
    };
    host.abort();
    // A guard that fails makes its signer fail, and that halts the engine: tell the cause.
    let failure = guard.and_then(|guard| guard.failure()).filter(|_| matches!(outcome, Err(EngineError::Halted)));
    let outcome = failure.map_or(outcome, |failure| Err(EngineError::Guard(failure)));
    if let Err(error) = &outcome {
        tracing::error!(%error, "consensus stops");
    }
    drop((requests, net_requests));
    actor.stop_children_and_wait(Some("the node stops".to_owned()), Some(SHUTDOWN)).await;
    actor.stop(None);
    // Another error says that it has ended already.
    if matches!(swarm.stop_and_wait(None, Some(SHUTDOWN)).await, Err(RactorErr::Timeout)) {
        tracing::warn!("the consensus network did not end in time");
    }
    if tokio::time::timeout(SHUTDOWN, ended.recv()).await.is_err() {
        tracing::warn!("the consensus engine did not end in time");
    }
    outcome
}

async fn build(
    config: &Config,
    network_secret: [u8; 32],
    guard: Option<Arc<Guard>>,
    witness: &Arc<Witness>,
    blocks: Arc<dyn Blocks>,
    alive: Alive,
) -> Result<Parts, EngineError> {
    let keypair = Keypair::ed25519_from_bytes(network_secret).map_err(|_| EngineError::Config("network secret"))?;
    let address = guard.as_ref().map(|guard| guard.address());
    let identity = NetworkIdentity::new(config.moniker.clone(), keypair, address.map(|address| address.to_string()));
    let verifier = Box::new(StrictVerifier {
        network: config.network,
        witness: witness.clone(),
        guard: guard.clone(),
        _alive: alive.clone(),
    });
    let consensus = match guard.clone() {
        Some(guard) => {
            let address = EngineAddress(guard.address());
            let signer = Box::new(GuardedSigner { guard, alive: alive.clone() });
            ConsensusContext::new_validator(address, verifier, signer)
        }
        // An address that no key has: a follower is nobody's validator.
        None => ConsensusContext::new_full_node(EngineAddress(Address([0; 20])), verifier),
    };
    let net = || Wire::of_network(witness.clone(), guard.clone(), alive.clone());
    let settings = settings(config)?;
    let (swarm, gate, to_gate) = network(config, &settings, identity, net()).await?;
    let own = guard.as_ref().map(|guard| guard.address());
    let journal = journal::open(&config.wal, Wire::of_log(guard.clone(), alive.clone()), own, blocks).await;
    let journal = journal.inspect_err(|_| swarm.stop(None))?;
    let built = EngineBuilder::new(KeisContext, settings)
        .with_custom_wal(journal.clone())
        .with_custom_network(gate, to_gate)
        .with_default_consensus(consensus)
        .with_default_sync(SyncContext::new(net()))
        .with_default_request(RequestContext::new(16))
        .build()
        .await;
    match built {
        Ok((channels, handle)) => Ok(Parts { channels, handle, swarm }),
        Err(report) => {
            swarm.stop(None);
            journal.stop(None);
            Err(EngineError::Start(format!("{report:#}")))
        }
    }
}

/// The swarm, its gate, and the way by which the application speaks to it.
async fn network(
    config: &Config,
    settings: &Settings,
    identity: NetworkIdentity,
    wire: Wire,
) -> Result<(NetworkRef<KeisContext>, NetworkRef<KeisContext>, mpsc::Sender<NetworkMsg<KeisContext>>), EngineError> {
    let failed = |error: &dyn std::fmt::Display| EngineError::Start(error.to_string());
    let peers = config.peers.iter().map(|peer| {
        let id = peer_id(&peer.network_key)?;
        let id = malachite_sync::PeerId::from_bytes(&id.to_bytes()).map_err(|_| EngineError::Config("peer key"))?;
        Ok((id, multiaddr(peer.address, Some(&peer.network_key))?))
    });
    let peers: BTreeMap<_, _> = peers.collect::<Result<_, EngineError>>()?;
    let listed = Arc::new(peers.keys().copied().collect());
    // The registry that the builder takes, too.
    let registry = SharedRegistry::global().with_moniker(&settings.moniker);
    let swarm = spawn_network_actor(&settings.consensus, &settings.sync, identity, &registry, wire).await;
    let swarm = swarm.map_err(|error| failed(&error))?;
    relink::watch(swarm.clone(), peers).await.map_err(|error| failed(&error))?;
    let gate = listed::gate(swarm.clone(), listed).await.map_err(|error| failed(&error))?;
    let (sender, mut receiver) = mpsc::channel::<NetworkMsg<KeisContext>>(1);
    let to_gate = gate.clone();
    tokio::spawn(async move {
        while let Some(message) = receiver.recv().await {
            if to_gate.cast(message.into()).is_err() {
                break;
            }
        }
    });
    Ok((swarm, gate, sender))
}

fn settings(config: &Config) -> Result<Settings, EngineError> {
    let mut p2p = P2pConfig {
        listen_addr: multiaddr(config.listen, None)?,
        persistent_peers_only: true,
        protocol: PubSubProtocol::Broadcast,
        ..P2pConfig::default()
    };
    for peer in &config.peers {
        p2p.persistent_peers.push(multiaddr(peer.address, Some(&peer.network_key))?);
    }
    p2p.discovery.enabled = false;
    // Several nodes may share a machine, and both ends dial.
    p2p.discovery.max_connections_per_ip = 4 * (config.peers.len() + 2);
    p2p.pubsub_max_size = byte_size(MAX_MESSAGE)?;
    p2p.rpc_max_size = byte_size(sync_bytes(config.max_block_bytes))?;
    let sync = ValueSyncConfig {
        status_update_interval: config.status_interval,
        batch_size: SYNC_BATCH,
        max_response_size: byte_size(sync_bytes(config.max_block_bytes))?,
        ..ValueSyncConfig::default()
    };
    let consensus = ConsensusConfig {
        enabled: true,
        p2p,
        value_payload: ValuePayload::ProposalAndParts,
        queue_capacity: 10,
        queue_per_height_capacity: 500,
    };
    Ok(Settings { moniker: config.moniker.clone(), consensus, sync })
}

/// Largest answer of value sync: several blocks, and at least one.
fn sync_bytes(max_block_bytes: usize) -> usize {
    (8 * 1024 * 1024).max(max_block_bytes) + SYNC_OVERHEAD
}

fn byte_size<T: std::str::FromStr>(bytes: usize) -> Result<T, EngineError> {
    format!("{bytes} B").parse().map_err(|_| EngineError::Config("block size"))
}

fn timeouts(timeouts: &Timeouts) -> LinearTimeouts {
    LinearTimeouts {
        propose: timeouts.propose,
        propose_delta: timeouts.step,
        prevote: timeouts.prevote,
        prevote_delta: timeouts.step,
        precommit: timeouts.precommit,
        precommit_delta: timeouts.step,
        rebroadcast: timeouts.rebroadcast,
        ..LinearTimeouts::default()
    }
}

fn nanos_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or_default()
}

impl Engine {
    /// Waits until the engine stops, by request or by a fault. May be dropped and called again; once the engine has
    /// stopped its fault is told once.
    ///
    /// # Errors
    /// The [`EngineError`] that stopped it.
    pub async fn stopped(&mut self) -> Result<(), EngineError> {
        let Some(task) = &mut self.task else { return Ok(()) };
        let outcome = task.await;
        self.task = None;
        // Lets go of the sign log, so that it can be opened again.
        self.last_state = self.guard.take().map(|guard| guard.state());
        outcome.unwrap_or(Err(EngineError::Panicked))
    }

    /// Ends the engine: no message of it leaves and its files are closed when this returns.
    ///
    /// # Errors
    /// The [`EngineError`] that had stopped it before.
    pub async fn shutdown(mut self) -> Result<(), EngineError> {
        self.stop.send_replace(true);
        self.stopped().await
    }

    /// Follows the last committed height.
    pub fn tip(&self) -> watch::Receiver<Height> {
        self.tip.clone()
    }

    /// Follows the highest height that a peer claims to have committed; a claim, no proof.
    pub fn peer_tip(&self) -> watch::Receiver<Height> {
        self.peers.clone()
    }

    /// The sign guard, as long as the engine runs: for showing it what peers keep. To be held for a moment only.
    pub fn guard(&self) -> Weak<Guard> {
        self.guard.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }

    /// Whether the node signs; `None` for a node without a key.
    pub fn guard_state(&self) -> Option<GuardState> {
        self.guard.as_ref().map_or(self.last_state, |guard| Some(guard.state()))
    }
}
