//! A node from start to end: in which order its parts begin, who watches them, and in which order they stop.
//!
//! Start: store, chain, mempool, network, engine, gateway. Stop: gateway first, so that nobody new is promised anything, then
//! the engine, then the network. A part that fails takes the whole node with it, and [`run`] tells why.

mod error;
mod ground;
mod notify;
mod told;
mod twins;
mod watcher;

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use keis_engine::Engine;
use keis_engine::guard::GuardState;
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::backup;
use crate::chain::{Archive, Loaded};
use crate::clock::{Clock, ClockStep};
use crate::config::Config;
use crate::disk::{Disk, Room};
use crate::documents::Documents;
use crate::gateway::{Gateway, GatewayHandle, NodeStatus, Services};
use crate::home::Home;
use crate::mempool::Mempool;
use crate::network::{Network, NetworkHandle};
use crate::store::Store;
use crate::sync;
use crate::telemetry;
use crate::view::Views;
use ground::{Ground, Seat, assemble, engine, founders, join, open, swarm};
use watcher::Watcher;

pub use error::{NodeError, Renewal};

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
    /// Fetches the blocks before the snapshot; says whether all are there.
    history: Option<JoinHandle<bool>>,
    status: watch::Sender<NodeStatus>,
    metrics: PrometheusHandle,
    peers: usize,
    /// Until then a peer may not have told its height yet.
    settled: Instant,
    stored_step: Option<ClockStep>,
    disk: Disk,
    room: Room,
    /// Where the ledger is handed out for a backup.
    door: Option<JoinHandle<()>>,
    /// Looks for another copy of the key while the folder observes.
    twins: Option<JoinHandle<()>>,
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
        notify::tell("READY=1\nSTATUS=The node runs");
        tokio::select! {
            ended = node.stopped() => match ended {
                Err(NodeError::Renewed(why)) => tracing::info!(?why, "the node begins again"),
                ended => return ended,
            },
            () = &mut shutdown => {
                notify::tell("STOPPING=1");
                return node.shutdown().await;
            }
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
    /// Boxed, so that network and gateway are compiled here, once and by this crate's settings: an `async fn` is
    /// compiled by whoever awaits it, and everything with it that it alone begins.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn start(home: &Home, config: Config, options: Options) -> BoxFuture<'_, Result<Self, NodeError>> {
        Box::pin(async move {
            let ground = Ground::lay(home, config, options)?;
            let (store, loaded) = open(&ground).await?;
            let network = Network::open(swarm(&ground), &ground.genesis.hash()).await?;
            let started = Self::start_on(ground, store, loaded, &network).await;
            if started.is_err() {
                network.shutdown().await;
            }
            started
        })
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
        if !ground.config.peers.is_empty() {
            guard.await_testimony();
        }
        let engine_config = engine(&ground, &institution, &first_view);
        let history = shared.complete(&ground, &store, stop_seen.clone());
        let disk = Disk::new(&ground.home.store(), &ground.config.disk, ground.config.store.min_free_bytes);
        let room = disk.look(Room::Enough);
        let Ground { config, genesis, secret, supported, home } = ground;
        let engine = match keis_engine::start(engine_config, *secret, Some(guard), Box::new(chain)).await {
            Ok(engine) => engine,
            Err(error) => {
                stopping.send_replace(true);
                return Err(error.into());
            }
        };
        let guard = engine.guard_state().unwrap_or(GuardState::Active);
        let twins = shared.twins(&engine, stop_seen.clone());
        let first =
            NodeStatus { institution, address, guard, supported, network_height: Height(0), syncing: true, room };
        let (status, status_seen) = watch::channel(first);
        let services = shared.services(metrics.clone(), status_seen.clone());
        let listen = config.gateway.listen;
        let settings = ground::gateway(&home, config.gateway);
        let gateway = match Gateway::start(listen, settings, services).await {
            Ok(gateway) => gateway,
            Err(error) => {
                stopping.send_replace(true);
                let _ = engine.shutdown().await;
                return Err(error.into());
            }
        };
        told::once(config.peers.len(), &config.mempool, supported);
        let door = hand_out(&home, &store, genesis.hash(), stop_seen);
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
            disk,
            room,
            door,
            twins,
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

    /// Looks for another copy of the key, while the folder observes.
    fn twins(&self, engine: &Engine, stopping: watch::Receiver<bool>) -> Option<JoinHandle<()>> {
        let observes = matches!(engine.guard_state(), Some(GuardState::Observing { .. }));
        let look = twins::watch(engine.guard(), self.views.clone(), self.network.clone(), stopping);
        observes.then(|| tokio::spawn(look))
    }

    /// Begins to fetch the blocks before the snapshot with which this chain began, if there are any.
    fn complete(
        &self,
        ground: &Ground,
        store: &Store,
        mut stopping: watch::Receiver<bool>,
    ) -> Option<JoinHandle<bool>> {
        let first = store.first_height().filter(|first| *first > 1 && ground.config.sync.history)?;
        tracing::info!(first, "history begins here; what is before is fetched from peers");
        let (store, archive, network) = (store.clone(), self.archive.clone(), self.network.clone());
        let founders = founders(ground);
        Some(tokio::spawn(async move {
            tokio::select! {
                completed = sync::complete(&store, &archive, founders, &network) => completed
                    .inspect_err(|error| tracing::error!(%error, "older blocks are not fetched any more"))
                    .is_ok(),
                () = raised(&mut stopping) => false,
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
                    if self.has_completed_history().await {
                        break Err(NodeError::Renewed(Renewal::History));
                    }
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

    /// Whether the past has just become whole. What reads it from the first block on has to begin again then.
    async fn has_completed_history(&mut self) -> bool {
        match self.history.take_if(|history| history.is_finished()) {
            Some(history) => history.await.unwrap_or(false),
            None => false,
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
        let behind =
            peer_height.0 > height.0 + 1 || is_alone || Instant::now() < self.settled || self.history.is_some();
        let guard = self.engine.guard_state().unwrap_or(GuardState::Active);
        metrics::gauge!("keis_network_height").set(peer_height.0 as f64);
        self.status.send_if_modified(|status| {
            let (network_height, room) = (peer_height.max(height), self.room);
            let now = NodeStatus { guard, network_height, syncing: behind, room, ..status.clone() };
            let changed = *status != now;
            *status = now;
            changed
        });
        told::status(&self.status.borrow(), &self.shared.views.borrow());
    }

    /// What nobody calls for: waiting transactions that expire, and the clock's step that outlives the process.
    async fn tend(&mut self) {
        let latest = self.shared.clock.latest();
        let new_step = latest.filter(|_| latest != self.stored_step);
        let (mempool, store) = (self.shared.mempool.clone(), self.store.clone());
        let (disk, before) = (self.disk.clone(), self.room);
        let tended = tokio::task::spawn_blocking(move || {
            mempool.tend();
            (disk.look(before), new_step.map_or(Ok(()), |step| store.put_meta(CLOCK, &codec::encode(&step))))
        });
        match tended.await {
            Ok((room, Ok(()))) => (self.room, self.stored_step) = (room, latest),
            // Losing the step costs nothing: the clock never lags behind the chain, and the driver steps it again.
            Ok((room, Err(error))) => {
                self.room = room;
                tracing::warn!(%error, "the clock's step was not stored");
            }
            Err(error) => tracing::error!(%error, "tending the mempool failed"),
        }
    }

    async fn end(mut self) -> Result<(), NodeError> {
        self.tend().await;
        self.stopping.send_replace(true);
        self.gateway.shutdown().await;
        // Before the engine: its sign log must be closed when it has ended.
        if let Some(twins) = self.twins
            && let Err(error) = twins.await
        {
            tracing::error!(%error, "looking for another copy failed");
        }
        let ended = self.engine.shutdown().await;
        self.shared.network.shutdown().await;
        if let Some(door) = self.door
            && let Err(error) = door.await
        {
            tracing::error!(%error, "handing out backups failed");
        }
        if let Some(history) = self.history
            && let Err(error) = history.await
        {
            tracing::error!(%error, "fetching older blocks failed");
        }
        tracing::info!(height = %self.shared.views.borrow().height(), "the node has ended");
        ended.map_err(NodeError::from)
    }
}

/// Opens the door for backups. A node without it works, and is backed up when it stands still.
fn hand_out(home: &Home, store: &Store, network: Hash, stopping: watch::Receiver<bool>) -> Option<JoinHandle<()>> {
    let door = backup::door::open(home.path(), store.clone(), network, stopping);
    door.inspect_err(|error| tracing::warn!(%error, "no backup can be taken while the node runs")).ok()
}

/// Waits until a flag is raised, or nobody is left who could.
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}
