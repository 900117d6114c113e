//! The node's public door: REST over HTTP, described by OpenAPI at `/v1/openapi.json`.
//!
//! It owns routes, texts and bounds. It can offer a transaction to the mempool, keep a document, pass on a step of a
//! simulated clock, and read what is durable; it can do nothing else to the ledger. What is answered without a signature is
//! public: no pupil's wallet id is in it. Owners of wallets and officers sign what they ask (RFC 9421). `/metrics` and `/health` stand on the same listener; an operator's proxy hides them.
//!
//! | module | owns |
//! |---|---|
//! | `server`, `patient` | connections, their bounds, drain |
//! | `call` | paths, queries, bodies, answers |
//! | `keep` | how long answers are kept, tags, 304 |
//! | `share` | pages of other sites, methods of an address |
//! | `problem`, `tongue` | what goes wrong, RFC 9457, in English or Lithuanian |
//! | `routes` | the table of routes |
//! | `index` | ids of everything that can be listed, followed from every block |
//! | `signature` | signatures of requests, RFC 9421 |
//! | `reader` | who asks, and what the one may read |
//! | `page` | lists in pages |
//! | `transactions`, `chain`, `money`, `orders`, `catalogue`, `documents`, `system` | the public handlers, one group each |
//! | `proofs` | what is verified without the node: records, changes of the validators, lines of receipts |
//! | `decisions`, `ratings` | what institutions decided; what is told of ratings |
//! | `writing` | transactions as JSON, and what is to be signed for who cannot encode |
//! | `search` | words of the services' descriptions |
//! | `statistics` | a year's orders and money in tables that tell of no few |
//! | `wallets`, `lines`, `debts` | what owners and officers read: wallets; orders, sessions and statements; what is owed back |
//! | `books` | the closing report of a period, for officers |
//! | `invoices` | e-invoices of legal persons, from the folder that the operator fills |
//! | `overview` | a year's orders and statements as a whole, for officers |
//! | `remedies`, `years` | what extensions, disputes, successions and seals mean to readers |
//! | `events` | the stream of what takes effect |
//! | `openapi`, `schema`, `bounds`, `handbook` | the description, also as a page |

mod blocks;
pub mod books;
mod bounds;
mod call;
mod catalogue;
mod chain;
mod debts;
mod decisions;
mod documents;
mod events;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handbook;
mod index;
mod invoices;
mod keep;
mod kept;
mod lines;
mod money;
mod openapi;
mod orders;
mod overview;
mod page;
mod patient;
pub mod problem;
mod proofs;
mod ratings;
mod reader;
mod remedies;
mod routes;
mod schema;
mod search;
mod server;
mod share;
pub mod signature;
pub mod statistics;
mod system;
mod tongue;
mod transactions;
mod wallets;
pub mod writing;
mod years;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keis_door::Bounds;
use keis_engine::guard::GuardState;
use keis_ledger::chain::{Address, Height};
use keis_ledger::ids::InstitutionId;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::chain::Archive;
use crate::clock::Clock;
use crate::disk::Room;
use crate::documents::Documents;
use crate::mempool::Mempool;
use crate::network::NetworkHandle;
use crate::view::{View, Views};

use index::Index;
use kept::Source;
use problem::Problem;
use search::Search;
use signature::Replays;

pub use openapi::document as openapi_document;

/// Bounds of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address at a time, of IPv6 of one network; more are answered 429. Behind a proxy all are the proxy's.
    pub connections_per_address: usize,
    /// Longest time for the head of a request, also of the next one on a kept connection.
    pub header_seconds: u64,
    /// Longest time for an answer, waiting included.
    pub request_seconds: u64,
    /// Longest time that requests under way have to end when the node stops.
    pub drain_seconds: u64,
    /// Requests that read the store or the state, or verify a signature, at a time.
    pub workers: usize,
    /// Longest time that a client takes nothing of an answer that waits for it.
    pub write_seconds: u64,
    /// Streams of events at a time.
    pub streams: usize,
    /// Between two signs of life of a stream without events.
    pub stream_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 256,
            header_seconds: 30,
            request_seconds: 45,
            drain_seconds: 5,
            workers: 8,
            write_seconds: 30,
            streams: 256,
            stream_seconds: 10,
        }
    }
}

impl Limits {
    fn header(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    fn bounds(&self) -> Bounds {
        let drain = Duration::from_secs(self.drain_seconds);
        Bounds { connections: self.connections, per_address: self.connections_per_address, drain }
    }

    fn write(&self) -> Duration {
        Duration::from_secs(self.write_seconds.max(1))
    }

    fn stream(&self) -> Duration {
        Duration::from_secs(self.stream_seconds.max(1))
    }
}

/// How a gateway serves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Its bounds.
    pub limits: Limits,
    /// Names, with ports that are not usual, under which clients call it, such as `keis.example.lt`. A signed request must be
    /// for one of them; for the one that it gives itself where none is set.
    pub authorities: Vec<String>,
    /// Folder of the e-invoices that it serves, at the operator's node.
    pub invoices: Option<PathBuf>,
}

impl From<Limits> for Settings {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// What the node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Whose machine it is.
    pub institution: InstitutionId,
    /// Address of its consensus key.
    pub address: Address,
    /// Whether its sign guard signs.
    pub guard: GuardState,
    /// The newest version of the rules that it follows.
    pub supported: u32,
    /// The highest height that a peer is known to have.
    pub network_height: Height,
    /// Whether it is still catching up with its peers.
    pub syncing: bool,
    /// Whether its disk has room.
    pub room: Room,
}

/// The parts of the node that the gateway reads and offers to.
#[derive(Clone)]
pub struct Services {
    /// The durable tip.
    pub views: Views,
    /// History.
    pub archive: Archive,
    /// Where transactions wait.
    pub mempool: Mempool,
    /// Public descriptions.
    pub documents: Documents,
    /// Peers.
    pub network: NetworkHandle,
    /// The node's clock.
    pub clock: Clock,
    /// The metrics' recorder.
    pub metrics: PrometheusHandle,
    /// What the node says of itself.
    pub status: watch::Receiver<NodeStatus>,
}

/// What every handler has at hand.
struct Context {
    services: Services,
    index: Index,
    stopping: CancellationToken,
    workers: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stream_pause: Duration,
    authorities: Vec<String>,
    invoices: Option<PathBuf>,
    replays: Replays,
    search: Search,
}

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address cannot be listened on.
    #[error("the gateway cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// A running gateway.
pub struct GatewayHandle {
    address: SocketAddr,
    stopping: CancellationToken,
    routes: Vec<(String, &'static str)>,
    server: JoinHandle<()>,
    follower: JoinHandle<()>,
}

/// The gateway, before it runs.
pub struct Gateway;

impl Gateway {
    /// Listens and serves until [`GatewayHandle::shutdown`].
    ///
    /// # Errors
    /// [`GatewayError`] when the address cannot be listened on.
    pub async fn start(
        listen: SocketAddr,
        settings: impl Into<Settings>,
        services: Services,
    ) -> Result<GatewayHandle, GatewayError> {
        let Settings { limits, authorities, invoices } = settings.into();
        let failed = |source| GatewayError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = CancellationToken::new();
        let index = Index::default();
        let follower =
            tokio::spawn(index.clone().follow(services.views.clone(), services.archive.clone(), stopping.clone()));
        let context = Arc::new(Context {
            services,
            index,
            stopping: stopping.clone(),
            workers: Arc::new(Semaphore::new(limits.workers.clamp(1, Semaphore::MAX_PERMITS))),
            streams: Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS))),
            stream_pause: limits.stream(),
            authorities: authorities.iter().map(|name| name.to_ascii_lowercase()).collect(),
            invoices,
            replays: Replays::default(),
            search: Search::default(),
        });
        let door = Arc::new(routes::door(&context, limits));
        let routes = door.entries.iter().map(|entry| (entry.method.to_string(), entry.template)).collect();
        let server = tokio::spawn(server::serve(listener, door, stopping.clone()));
        tracing::info!(%address, "the gateway listens");
        Ok(GatewayHandle { address, stopping, routes, server, follower })
    }
}

impl GatewayHandle {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Method and path of everything that it answers.
    pub fn routes(&self) -> &[(String, &'static str)] {
        &self.routes
    }

    /// Takes no more connections, lets requests under way end within the drain time, and returns.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        for task in [self.server, self.follower] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the gateway did not end well");
            }
        }
        tracing::info!(address = %self.address, "the gateway has closed");
    }
}

impl Context {
    /// The durable tip of this moment.
    fn view(&self) -> Arc<View> {
        self.services.views.borrow().clone()
    }

    /// What public answers of this moment are made of.
    fn source(&self) -> Source {
        let tip = self.services.views.borrow().height();
        Source { tip, indexed: self.index.height(), documents: self.services.documents.changes() }
    }

    /// Refuses work that a full disk could not finish.
    fn has_room(&self) -> Result<(), Problem> {
        match self.services.status.borrow().room {
            Room::Enough | Room::Low => Ok(()),
            Room::Short => Err(Problem::disk_full()),
        }
    }

    /// Does work that would hold up the executor, a bounded number at a time. Once begun it goes on to its end, whether
    /// its client waits or not.
    async fn work<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let place = self.workers.clone().acquire_owned().await.map_err(|error| Problem::internal(&error))?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))
    }

    /// Reads from history, off the executor.
    async fn read<T, E, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: std::error::Error + Send + 'static,
        F: FnOnce(&Archive) -> Result<T, E> + Send + 'static,
    {
        let archive = self.services.archive.clone();
        self.work(move || read(&archive)).await?.map_err(|error| Problem::internal(&error))
    }
}
