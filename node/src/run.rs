//! A node from start to end: in which order its parts begin, who watches them, and in which order they stop.
//!
//! Start: store, chain, mempool, network, engine, gateway. Stop: gateway first, so that nobody new is promised anything, then
//! the engine, then the network. A part that fails takes the whole node with it, and [`run`] tells why.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keis_engine::guard::{Guard, GuardState};
use keis_engine::{Engine, EngineError};
use keis_genesis::Genesis;
use keis_ledger::chain::{Address, Height};
use keis_ledger::codec;
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::InstitutionId;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::chain::{self, Archive, Chain, ChainError, Loaded, Published};
use crate::clock::{Clock, ClockStep};
use crate::config::{Config, ConfigError};
use crate::documents::{DocumentError, Documents};
use crate::gateway::{Gateway, GatewayError, GatewayHandle, NodeStatus, Services};
use crate::home::{Home, HomeError};
use crate::mempool::Mempool;
use crate::network::{self, Network, NetworkError, NetworkHandle};
use crate::store::{self, OpenReport, Store, StoreError, Verify};
use crate::telemetry::{self, TelemetryError};
use crate::view::{View, Views};

/// How often what nobody calls for is looked after.
const TICK: Duration = Duration::from_millis(250);
/// How often histograms are condensed.
const UPKEEP_TICKS: u32 = 20;
/// Longest time that an orderly end may take.
const LONGEST_END: Duration = Duration::from_secs(30);
/// Room for a block's frame beside what the parameters bound.
const BLOCK_ROOM: usize = 64 * 1024;
/// Name of the stored step of a simulated clock.
const CLOCK: &str = "clock";

/// What an operator says besides the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The operator knows that the network's clock is stepped.
    pub simulated: bool,
}

/// Why a node does not start or has ended.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The node's folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log or the metrics.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The founding document says that the clock is stepped.
    #[error("this network's clock is simulated: nothing on it is real; say so with --simulated")]
    Simulated,
    /// The operator expects a stepped clock, and it is not.
    #[error("this network runs on real time; do not start it with --simulated")]
    NotSimulated,
    /// The key of votes is nobody's.
    #[error("{0} is the key of no validator of this network")]
    NotAValidator(PublicKey),
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// What is damaged cannot be set aside.
    #[error("cannot set {} aside", path.display())]
    SetAside {
        /// The store's folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The chain cannot be loaded.
    #[error("the chain cannot be loaded")]
    Chain(#[from] ChainError),
    /// Documents cannot be read.
    #[error("the documents cannot be read")]
    Documents(#[from] DocumentError),
    /// The swarm does not start.
    #[error("the network does not start")]
    Network(#[from] NetworkError),
    /// Consensus does not start, or ended.
    #[error("consensus ended")]
    Engine(#[from] EngineError),
    /// The gateway does not start.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// A part of the node panicked.
    #[error("a part of the node panicked")]
    Panicked,
    /// The end took too long.
    #[error("the node did not end within {} seconds", LONGEST_END.as_secs())]
    Slow,
}

/// A running node.
pub struct Node {
    views: Views,
    archive: Archive,
    mempool: Mempool,
    documents: Documents,
    network: NetworkHandle,
    clock: Clock,
    status: watch::Receiver<NodeStatus>,
    gateway: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Result<(), NodeError>>>,
}

/// What the settings and the founding document come to.
struct Ground {
    config: Config,
    genesis: Genesis,
    guard: Guard,
    secret: Zeroizing<[u8; 32]>,
    wal: PathBuf,
    store: PathBuf,
}

/// What is watched while the node runs.
struct Parts {
    engine: Engine,
    gateway: GatewayHandle,
    network: NetworkHandle,
    mempool: Mempool,
    store: Store,
    clock: Clock,
    views: Views,
    status: watch::Sender<NodeStatus>,
    metrics: PrometheusHandle,
    peers: usize,
    /// Until then a peer may not have told its height yet.
    settled: Instant,
    stored_step: Option<ClockStep>,
    stopping: watch::Sender<bool>,
}

/// Runs a node until `shutdown` resolves or a part of it fails.
///
/// # Errors
/// [`NodeError`] says what failed.
pub async fn run(
    home: &Home,
    config: Config,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<(), NodeError> {
    let mut node = Node::start(home, config, options).await?;
    tokio::select! {
        ended = node.stopped() => ended,
        () = shutdown => node.shutdown().await,
    }
}

/// Resolves when the process is asked to end: SIGTERM or SIGINT.
///
/// # Errors
/// The operating system's, when signals cannot be listened for.
pub fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to end by SIGTERM"),
            _ = interrupt.recv() => tracing::info!("asked to end by SIGINT"),
        }
    })
}

impl Node {
    /// Starts every part, in order.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub async fn start(home: &Home, config: Config, options: Options) -> Result<Self, NodeError> {
        let metrics = telemetry::recorder()?;
        let ground = Ground::lay(home, config, options)?;
        let (config, network) = (&ground.config, ground.genesis.hash());
        let (store, loaded) = open(&ground).await?;
        let (institution, address) = identity(&ground, &loaded)?;
        let clock = clock_of(&ground.genesis, &store, &loaded)?;
        let published = Published::new(&store, loaded, ground.genesis.is_simulated());
        let (views, archive) = (published.views(), published.archive());
        let documents = Documents::open(store.clone())?;
        documents.reconcile(&views.borrow().tip.state)?;
        let mempool = Mempool::new(config.mempool, network, views.clone(), clock.clone(), documents.clone());
        let (stopping, stop_seen) = watch::channel(false);
        let policy = config.snapshot.policy();
        let chain = Chain::new(store.clone(), published, mempool.clone(), clock.clone(), policy, stop_seen)?;
        let handle =
            Network::start(swarm(&ground), mempool.clone(), documents.clone(), clock.clone()).await?;
        let engine_config = engine(&ground, &institution, &views.borrow());
        let engine = keis_engine::start(engine_config, *ground.secret, Some(ground.guard), chain).await;
        let engine = match engine {
            Ok(engine) => engine,
            Err(error) => {
                stopping.send_replace(true);
                handle.shutdown().await;
                return Err(error.into());
            }
        };
        let guard = engine.guard_state().unwrap_or(GuardState::Active);
        let first = NodeStatus { institution, address, guard, network_height: Height(0), syncing: true };
        let (status, status_seen) = watch::channel(first);
        let services = Services {
            views: views.clone(),
            archive: archive.clone(),
            mempool: mempool.clone(),
            documents: documents.clone(),
            network: handle.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            status: status_seen.clone(),
        };
        let gateway = match Gateway::start(config.gateway.listen, config.gateway.limits.clone(), services).await {
            Ok(gateway) => gateway,
            Err(error) => {
                stopping.send_replace(true);
                let _ = engine.shutdown().await;
                handle.shutdown().await;
                return Err(error.into());
            }
        };
        let gateway_address = gateway.address();
        let parts = Parts {
            engine,
            gateway,
            network: handle.clone(),
            mempool: mempool.clone(),
            store,
            clock: clock.clone(),
            views: views.clone(),
            status,
            metrics,
            peers: config.peers.len(),
            settled: Instant::now() + 2 * Duration::from_millis(config.consensus.status_ms),
            stored_step: clock.latest(),
            stopping,
        };
        let (stop, stop_asked) = watch::channel(false);
        tracing::info!(
            %institution,
            validator = %address,
            gateway = %gateway_address,
            height = %views.borrow().height(),
            simulated = ground.genesis.is_simulated(),
            "the node runs"
        );
        let task = Some(tokio::spawn(parts.watch(stop_asked)));
        Ok(Self {
            views,
            archive,
            mempool,
            documents,
            network: handle,
            clock,
            status: status_seen,
            gateway: gateway_address,
            stop,
            task,
        })
    }

    /// Follows the durable tip.
    pub fn views(&self) -> Views {
        self.views.clone()
    }

    /// The chain's history.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Where transactions wait.
    pub fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// Public documents.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Peers.
    pub fn network(&self) -> &NetworkHandle {
        &self.network
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the node says of itself.
    pub fn status(&self) -> watch::Receiver<NodeStatus> {
        self.status.clone()
    }

    /// Where the gateway listens.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Waits until the node has ended, by request or by a fault.
    ///
    /// # Errors
    /// The [`NodeError`] that ended it.
    pub async fn stopped(&mut self) -> Result<(), NodeError> {
        let Some(task) = &mut self.task else { return Ok(()) };
        let outcome = task.await;
        self.task = None;
        outcome.unwrap_or(Err(NodeError::Panicked))
    }

    /// Ends the node; its files are closed when this returns and the node's clones are dropped.
    ///
    /// # Errors
    /// The [`NodeError`] that had ended it before, or [`NodeError::Slow`].
    pub async fn shutdown(mut self) -> Result<(), NodeError> {
        self.stop.send_replace(true);
        self.stopped().await
    }
}

impl Ground {
    fn lay(home: &Home, config: Config, options: Options) -> Result<Self, NodeError> {
        config.check()?;
        let genesis = home.genesis(&config)?;
        match (genesis.is_simulated(), options.simulated) {
            (true, false) => return Err(NodeError::Simulated),
            (false, true) => return Err(NodeError::NotSimulated),
            (true, true) | (false, false) => {}
        }
        let secret = home.network_secret(&config)?;
        let guard = home.guard(genesis.hash(), home.consensus_key(&config)?)?;
        Ok(Self { config, genesis, guard, secret, wal: home.wal(), store: home.store() })
    }
}

impl Parts {
    /// Looks after the node until it is asked to stop or a part of it fails, then ends all of it.
    async fn watch(mut self, mut stop: watch::Receiver<bool>) -> Result<(), NodeError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ticks = 0u32;
        let outcome = loop {
            tokio::select! {
                ended = self.engine.stopped() => break ended.map_err(NodeError::from),
                // A node that was dropped is a node that is asked to stop.
                () = raised(&mut stop) => break Ok(()),
                changed = self.views.changed() => if changed.is_ok() { self.tell() },
                _ = tick.tick() => {
                    self.tell();
                    self.tend().await;
                    ticks = ticks.wrapping_add(1);
                    if ticks % UPKEEP_TICKS == 0 {
                        self.metrics.run_upkeep();
                    }
                }
            }
        };
        match tokio::time::timeout(LONGEST_END, self.end()).await {
            Ok(ended) => outcome.and(ended),
            Err(_) => outcome.and(Err(NodeError::Slow)),
        }
    }

    /// Publishes what the node says of itself.
    fn tell(&self) {
        let (height, peer_height) = (self.views.borrow().height(), *self.engine.peer_tip().borrow());
        let is_alone = self.peers > 0 && self.network.peers().iter().all(|peer| !peer.connected);
        let behind = peer_height.0 > height.0 + 1 || is_alone || Instant::now() < self.settled;
        let guard = self.engine.guard_state().unwrap_or(GuardState::Active);
        metrics::gauge!("keis_network_height").set(peer_height.0 as f64);
        self.status.send_if_modified(|status| {
            let now = NodeStatus { guard, network_height: peer_height.max(height), syncing: behind, ..status.clone() };
            let changed = *status != now;
            *status = now;
            changed
        });
    }

    /// What nobody calls for: waiting transactions that expire, and the clock's step that outlives the process.
    async fn tend(&mut self) {
        let latest = self.clock.latest();
        let new_step = latest.filter(|_| latest != self.stored_step);
        let (mempool, store) = (self.mempool.clone(), self.store.clone());
        let tended = tokio::task::spawn_blocking(move || {
            mempool.tend();
            new_step.map_or(Ok(()), |step| store.put_meta(CLOCK, &codec::encode(&step)))
        });
        match tended.await {
            Ok(Ok(())) => self.stored_step = latest,
            // Losing the step costs nothing: the clock never lags behind the chain, and the driver steps it again.
            Ok(Err(error)) => tracing::warn!(%error, "the clock's step was not stored"),
            Err(error) => tracing::error!(%error, "tending the mempool failed"),
        }
    }

    async fn end(self) -> Result<(), NodeError> {
        self.stopping.send_replace(true);
        self.gateway.shutdown().await;
        let ended = self.engine.shutdown().await;
        self.network.shutdown().await;
        tracing::info!(height = %self.views.borrow().height(), "the node has ended");
        ended.map_err(NodeError::from)
    }
}

/// Waits until a flag is raised, or nobody is left who could.
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

/// Opens the store and brings the chain into memory; what is too damaged for that is set aside, to come again from peers.
async fn open(ground: &Ground) -> Result<(Store, Loaded), NodeError> {
    let settings = &ground.config.store;
    let options = store::Options {
        cache_bytes: settings.cache_bytes,
        min_free_bytes: settings.min_free_bytes,
        verify: Verify::Last(settings.verify_last),
        snapshots_kept: settings.snapshots_kept,
        ..store::Options::new(ground.genesis.hash().0)
    };
    let (path, genesis) = (ground.store.clone(), ground.genesis.tip());
    let opened = tokio::task::spawn_blocking(move || {
        let (store, report) = Store::open(&path, options.clone())?;
        match load(&store, &report, &genesis) {
            Err(ChainError::Damaged { height, detail }) => {
                tracing::error!(%height, detail, "the chain is damaged on this disk, and fetched again from peers");
                drop(store);
                set_aside(&path)?;
                let (store, report) = Store::open(&path, options)?;
                let loaded = load(&store, &report, &genesis)?;
                Ok((store, loaded))
            }
            loaded => Ok((store, loaded?)),
        }
    });
    opened.await.unwrap_or(Err(NodeError::Panicked))
}

fn load(store: &Store, report: &OpenReport, genesis: &keis_ledger::block::Tip) -> Result<Loaded, ChainError> {
    if let Some(lost) = &report.lost_tail {
        tracing::error!(?lost, "acknowledged heights are missing here, and fetched from peers");
    }
    for damage in &report.chain.damaged {
        tracing::error!(height = damage.height, detail = damage.detail, "a stored height is damaged");
    }
    metrics::gauge!("keis_store_damaged_heights").set(report.chain.damaged.len() as f64);
    if let Some(detail) = &report.index_damage {
        tracing::warn!(detail, "the index of receipts is written anew");
        chain::rebuild_index(store)?;
    }
    chain::load(store, genesis)
}

/// Renames the store's folder; an operator may look at it, nothing reads it again.
fn set_aside(path: &Path) -> Result<(), NodeError> {
    let aside = (1u32..).map(|number| path.with_extension(format!("damaged-{number}"))).find(|aside| !aside.exists());
    let aside = aside.expect("there are more numbers than folders");
    let failed = |source| NodeError::SetAside { path: path.to_owned(), source };
    std::fs::rename(path, &aside).map_err(failed)?;
    tracing::warn!(from = %path.display(), to = %aside.display(), "set the store aside");
    Ok(())
}

fn identity(ground: &Ground, loaded: &Loaded) -> Result<(InstitutionId, Address), NodeError> {
    let address = ground.guard.address();
    let validators = &loaded.tip.network_record().validators;
    let validator = validators.find(&address).ok_or(NodeError::NotAValidator(ground.guard.public_key()))?;
    Ok((validator.institution, address))
}

/// The clock that the founding document names, as far as it had been stepped before.
fn clock_of(genesis: &Genesis, store: &Store, loaded: &Loaded) -> Result<Clock, NodeError> {
    let Some(driver) = genesis.driver() else { return Ok(Clock::real()) };
    let clock = Clock::simulated(genesis.hash(), driver, loaded.tip.time);
    let stored = match store.meta(CLOCK) {
        Err(StoreError::Corrupt { .. }) => None,
        stored => stored?,
    };
    if let Some(step) = stored.and_then(|bytes| codec::decode::<ClockStep>(&bytes).ok())
        && let Err(error) = clock.step(&step)
    {
        tracing::warn!(%error, "the stored step of the clock is not used");
    }
    Ok(clock)
}

fn swarm(ground: &Ground) -> network::Config {
    let peers = ground.config.peers.iter();
    network::Config {
        listen: ground.config.gossip.listen,
        peers: peers
            .map(|peer| network::PeerConfig { network_key: peer.network_key, address: Some(peer.gossip) })
            .collect(),
        secret: SecretKey::from_bytes(&ground.secret),
    }
}

fn engine(ground: &Ground, institution: &InstitutionId, view: &Arc<View>) -> keis_engine::Config {
    let settings = &ground.config.consensus;
    let peers = ground.config.peers.iter();
    let most = view.tip.network_record().parameters.max_block_bytes as usize;
    keis_engine::Config {
        network: ground.genesis.hash(),
        moniker: ground.config.moniker.clone().unwrap_or_else(|| institution.to_string()),
        listen: settings.listen,
        peers: peers
            .map(|peer| keis_engine::Peer { address: peer.consensus, network_key: peer.network_key })
            .collect(),
        wal: ground.wal.clone(),
        timeouts: settings.timeouts(),
        longest_idle: Duration::from_millis(settings.longest_idle_ms),
        target_block_time: settings.target_block_ms.map(Duration::from_millis),
        max_block_bytes: most + BLOCK_ROOM,
        status_interval: Duration::from_millis(settings.status_ms),
    }
}
