//! A node from start to end: in which order its parts begin, who watches them, and in which order they stop.
//!
//! Start: store, chain, mempool, network, engine, gateway. Stop: gateway first, so that nobody new is promised anything, then
//! the engine, then the network. A part that fails takes the whole node with it, and [`run`] tells why.

mod ground;
mod watcher;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use keis_engine::guard::GuardState;
use keis_engine::{Engine, EngineError};
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::crypto::PublicKey;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::chain::{Archive, ChainError, Loaded};
use crate::clock::{Clock, ClockStep};
use crate::config::{Config, ConfigError};
use crate::documents::{DocumentError, Documents};
use crate::gateway::{Gateway, GatewayError, GatewayHandle, NodeStatus, Services, Settings};
use crate::home::{Home, HomeError};
use crate::mempool::Mempool;
use crate::network::{Network, NetworkError, NetworkHandle};
use crate::store::{Store, StoreError};
use crate::sync::{self, SyncError};
use crate::telemetry::{self, TelemetryError};
use crate::view::Views;
use ground::{Ground, Seat, assemble, engine, founders, join, open, swarm};
use watcher::Watcher;

/// How often what nobody calls for is looked after.
const TICK: Duration = Duration::from_millis(250);
/// How often histograms are condensed.
const UPKEEP_TICKS: u32 = 20;
/// Longest time that an orderly end may take.
const LONGEST_END: Duration = Duration::from_secs(30);
/// Name of the stored step of a simulated clock.
const CLOCK: &str = "clock";

/// What an operator says besides the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The operator knows that the network's clock is stepped.
    pub simulated: bool,
    /// The newest version of the rules that this node may use, as if its build were older; none is what the build knows.
    pub protocol_up_to: Option<u32>,
}

/// Why a node begins again within its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Another consensus key of its folder votes from here on.
    Key,
    /// The network's bound of a block has changed.
    BlockSize,
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
    /// Nobody knows whose node this is.
    #[error(
        "{0} is no validator's key, and neither the founding document nor `institution` in the settings says whose node this is"
    )]
    NoInstitution(PublicKey),
    /// The node must begin again with what was decided: [`run`] lets it.
    #[error("the network has decided what this node takes up only at a start ({0:?})")]
    Renewed(Renewal),
    /// The network goes over to rules that this build, as it is used, does not know.
    #[error(
        "from height {height} on this network's rules are of version {version}; this node knows them up to version {supported}. \
         Nothing is lost: install a build that knows version {version} and start the node again, it catches up"
    )]
    ProtocolUnknown {
        /// The first height under them.
        height: Height,
        /// Their version.
        version: u32,
        /// The newest version that is known here.
        supported: u32,
    },
    /// No snapshot could be fetched.
    #[error("the node cannot join the network")]
    Sync(#[from] SyncError),
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
    Chain(#[source] ChainError),
    /// Documents cannot be read.
    #[error("the documents cannot be read")]
    Documents(#[from] DocumentError),
    /// The swarm does not start.
    #[error("the network does not start")]
    Network(#[from] NetworkError),
    /// Consensus does not start, or ended.
    #[error("consensus ended")]
    Engine(#[source] EngineError),
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

impl From<ChainError> for NodeError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::ProtocolUnknown { height, version, supported } => {
                Self::ProtocolUnknown { height, version, supported }
            }
            error => Self::Chain(error),
        }
    }
}

impl From<EngineError> for NodeError {
    fn from(error: EngineError) -> Self {
        if let EngineError::Application(source) = &error
            && let Some(ChainError::ProtocolUnknown { height, version, supported }) = source.downcast_ref()
        {
            let (height, version, supported) = (*height, *version, *supported);
            return Self::ProtocolUnknown { height, version, supported };
        }
        Self::Engine(error)
    }
}

impl NodeError {
    /// Whether what is on this disk cannot be read, and would be whole again when it came from peers.
    fn is_damage(&self) -> bool {
        matches!(self, Self::Store(StoreError::Corrupt { .. }) | Self::Chain(ChainError::Damaged { .. }))
    }
}

/// A running node.
pub struct Node {
    shared: Shared,
    status: watch::Receiver<NodeStatus>,
    gateway: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<Result<(), NodeError>>>,
}

/// The parts that others hold on to as well.
#[derive(Clone)]
struct Shared {
    views: Views,
    archive: Archive,
    mempool: Mempool,
    documents: Documents,
    network: NetworkHandle,
    clock: Clock,
}

/// What is watched while the node runs.
struct Parts {
    shared: Shared,
    engine: Engine,
    gateway: GatewayHandle,
    store: Store,
    watcher: Watcher,
    history: Option<JoinHandle<()>>,
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
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // A node that fetches a snapshot may be asked to end as well; what it has fetched stays.
        let mut node = tokio::select! {
            started = Node::start(home, config.clone(), options) => started?,
            () = &mut shutdown => return Ok(()),
        };
        tokio::select! {
            ended = node.stopped() => match ended {
                Err(NodeError::Renewed(why)) => tracing::info!(?why, "the node begins again"),
                ended => return ended,
            },
            () = &mut shutdown => return node.shutdown().await,
        }
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
        let ground = Ground::lay(home, config, options)?;
        let (store, loaded) = open(&ground).await?;
        let network = Network::open(swarm(&ground), &ground.genesis.hash()).await?;
        let started = Self::start_on(ground, store, loaded, &network).await;
        if started.is_err() {
            network.shutdown().await;
        }
        started
    }

    /// Starts what stands on store and network.
    async fn start_on(
        ground: Ground,
        store: Store,
        loaded: Loaded,
        network: &NetworkHandle,
    ) -> Result<Self, NodeError> {
        let metrics = telemetry::recorder()?;
        let loaded = join(&ground, &store, loaded, network).await?;
        let (stopping, stop_seen) = watch::channel(false);
        let (shared, chain) = assemble(&ground, &store, loaded, network, stop_seen.clone()).await?;
        let first_view = shared.views.borrow().clone();
        let Seat { institution, address, guard, watcher } = ground.seat(&first_view)?;
        let engine_config = engine(&ground, &institution, &first_view);
        let history = shared.complete(&ground, &store, stop_seen);
        let Ground { config, genesis, secret, .. } = ground;
        let engine = match keis_engine::start(engine_config, *secret, Some(guard), chain).await {
            Ok(engine) => engine,
            Err(error) => {
                stopping.send_replace(true);
                return Err(error.into());
            }
        };
        let guard = engine.guard_state().unwrap_or(GuardState::Active);
        let first = NodeStatus { institution, address, guard, network_height: Height(0), syncing: true };
        let (status, status_seen) = watch::channel(first);
        let services = shared.services(metrics.clone(), status_seen.clone());
        let settings = Settings { limits: config.gateway.limits, authorities: config.gateway.authorities };
        let gateway = match Gateway::start(config.gateway.listen, settings, services).await {
            Ok(gateway) => gateway,
            Err(error) => {
                stopping.send_replace(true);
                let _ = engine.shutdown().await;
                return Err(error.into());
            }
        };
        let (gateway_address, height) = (gateway.address(), first_view.height());
        let simulated = genesis.is_simulated();
        tracing::info!(%institution, validator = %address, gateway = %gateway_address, %height, simulated, "the node runs");
        let parts = Parts {
            shared: shared.clone(),
            engine,
            gateway,
            store,
            watcher,
            history,
            status,
            metrics,
            peers: config.peers.len(),
            settled: Instant::now() + 2 * Duration::from_millis(config.consensus.status_ms),
            stored_step: shared.clock.latest(),
            stopping,
        };
        let (stop, stop_asked) = watch::channel(false);
        let task = Some(tokio::spawn(parts.watch(stop_asked)));
        Ok(Self { shared, status: status_seen, gateway: gateway_address, stop, task })
    }

    /// Follows the durable tip.
    pub fn views(&self) -> Views {
        self.shared.views.clone()
    }

    /// The chain's history.
    pub fn archive(&self) -> &Archive {
        &self.shared.archive
    }

    /// Where transactions wait.
    pub fn mempool(&self) -> &Mempool {
        &self.shared.mempool
    }

    /// Public documents.
    pub fn documents(&self) -> &Documents {
        &self.shared.documents
    }

    /// Peers.
    pub fn network(&self) -> &NetworkHandle {
        &self.shared.network
    }

    /// The node's clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
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

impl Shared {
    fn services(&self, metrics: PrometheusHandle, status: watch::Receiver<NodeStatus>) -> Services {
        let Self { views, archive, mempool, documents, network, clock } = self.clone();
        Services { views, archive, mempool, documents, network, clock, metrics, status }
    }

    /// Begins to fetch the blocks before the snapshot with which this chain began, if there are any.
    fn complete(&self, ground: &Ground, store: &Store, mut stopping: watch::Receiver<bool>) -> Option<JoinHandle<()>> {
        let first = store.first_height().filter(|first| *first > 1 && ground.config.sync.history)?;
        tracing::info!(first, "history begins here; what is before is fetched from peers");
        let (store, archive, network) = (store.clone(), self.archive.clone(), self.network.clone());
        let founders = founders(ground);
        Some(tokio::spawn(async move {
            tokio::select! {
                completed = sync::complete(&store, &archive, founders, &network) => {
                    if let Err(error) = completed {
                        tracing::error!(%error, "older blocks are not fetched any more");
                    }
                }
                () = raised(&mut stopping) => {}
            }
        }))
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
                () = self.shared.network.ended() => break Err(NodeError::Panicked),
                // A node that was dropped is a node that is asked to stop.
                () = raised(&mut stop) => break Ok(()),
                changed = self.shared.views.changed() => if changed.is_ok() && let Err(reason) = self.look() {
                    break Err(reason);
                },
                _ = tick.tick() => {
                    self.tell();
                    self.tend().await;
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(UPKEEP_TICKS) {
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

    /// Looks at a new tip: whether this process may go on as it is.
    fn look(&mut self) -> Result<(), NodeError> {
        self.tell();
        let view = self.shared.views.borrow().clone();
        self.watcher.look(&view)
    }

    /// Publishes what the node says of itself.
    fn tell(&self) {
        let (height, peer_height) = (self.shared.views.borrow().height(), *self.engine.peer_tip().borrow());
        let is_alone = self.peers > 0 && self.shared.network.peers().iter().all(|peer| !peer.connected);
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
        let latest = self.shared.clock.latest();
        let new_step = latest.filter(|_| latest != self.stored_step);
        let (mempool, store) = (self.shared.mempool.clone(), self.store.clone());
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

    async fn end(mut self) -> Result<(), NodeError> {
        self.tend().await;
        self.stopping.send_replace(true);
        self.gateway.shutdown().await;
        let ended = self.engine.shutdown().await;
        self.shared.network.shutdown().await;
        if let Some(history) = self.history
            && let Err(error) = history.await
        {
            tracing::error!(%error, "fetching older blocks failed");
        }
        tracing::info!(height = %self.shared.views.borrow().height(), "the node has ended");
        ended.map_err(NodeError::from)
    }
}

/// Waits until a flag is raised, or nobody is left who could.
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}
