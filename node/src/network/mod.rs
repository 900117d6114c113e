//! The swarm on which nodes tell each other transactions, documents and steps of a simulated clock.
//!
//! Only listed peers are talked to. A node sends a client's transaction whole to every peer; what it heard from a peer it
//! announces a moment later, and sends whole to who lacks it. On a new connection each side announces all that it has,
//! and from time to time the oldest of it, so that nothing stays unknown after losses. A node that has no chain yet opens
//! its swarm before anything else, to ask its peers for theirs ([`Network::open`]); what [`NetworkHandle::attach`] brings
//! later is what peers may ask and tell. Consensus has a swarm of its own.
//!
//! Only this module names libp2p.
//!
//! | module | owns |
//! |---|---|
//! | `exchange` | questions of nodes that catch up, and the answers |
//! | `wire` | messages and frames |
//! | `peer` | what is remembered of a peer, and what is to be said to it |
//! | `handle` | what is done with a peer's words |
//! | `swarm` | transport, who may connect |
//! | `hub` | the loop: connections, requests, time |

mod exchange;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handle;
mod hub;
mod peer;
mod swarm;
mod wire;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use keis_ledger::ids::DocumentId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::{Clock, ClockStep};
use crate::documents::Documents;
use crate::mempool::Mempool;
use crate::sync::{AskError, Neighbour, Neighbours, Request, Response};

use exchange::{LONGEST_ANSWER, Question};
pub use handle::Services;
use hub::{Command, Hub};

/// Words of this node that wait for the loop; of transactions beyond, all peers are told anew.
const COMMANDS: usize = 4096;

/// A peer that this node talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerConfig {
    /// Its network key.
    pub network_key: PublicKey,
    /// Where it listens; without it this node waits for the peer to connect.
    pub address: Option<SocketAddr>,
}

/// What a network needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where this node listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The listed peers. This node itself may be among them and is skipped.
    pub peers: Vec<PeerConfig>,
    /// This node's network key.
    pub secret: SecretKey,
}

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A key is no point of the curve.
    #[error("the network key {0} is not a valid key")]
    Key(PublicKey),
    /// The transport cannot be built.
    #[error("the transport cannot be built: {0}")]
    Transport(String),
    /// Nothing can listen there.
    #[error("cannot listen at {address}: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
}

/// How things stand with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its network key.
    pub network_key: PublicKey,
    /// Where it should be.
    pub address: Option<SocketAddr>,
    /// Whether a connection stands.
    pub connected: bool,
    /// Whether the last attempt to reach it failed.
    pub unreachable: bool,
    /// Whether it is shut out for a while, because it said what no correct node says.
    pub shut_out: bool,
    /// How many items wait to be said to it.
    pub queued: usize,
    /// Bytes of the transactions among them that will be sent whole.
    pub queued_bytes: usize,
}

/// The gossip of one node.
pub struct Network;

/// A running network; it ends when the last handle is gone, or at `shutdown`. Clones share it.
#[derive(Clone)]
pub struct NetworkHandle(Arc<Running>);

struct Running {
    address: SocketAddr,
    mempool: OnceLock<Mempool>,
    commands: mpsc::Sender<Command>,
    lagging: Arc<AtomicBool>,
    peers: watch::Receiver<Vec<PeerStatus>>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _stop_when_gone: DropGuard,
}

impl Network {
    /// Listens, connects to the peers and goes on until it is shut down. Transactions and documents wait for
    /// [`NetworkHandle::attach`].
    ///
    /// # Errors
    /// [`NetworkError`] when a key is invalid or the address cannot be listened at.
    pub async fn open(config: Config, network: &Hash) -> Result<NetworkHandle, NetworkError> {
        let (commands, received) = mpsc::channel(COMMANDS);
        let (statuses, peers) = watch::channel(Vec::new());
        let (stop, lagging) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let mut hub = Hub::new(config, network, statuses, Arc::clone(&lagging))?;
        let address = hub.listening().await?;
        let task = tokio::spawn(hub.run(received, stop.clone()));
        Ok(NetworkHandle(Arc::new(Running {
            address,
            mempool: OnceLock::new(),
            commands,
            lagging,
            peers,
            _stop_when_gone: stop.clone().drop_guard(),
            stop,
            task: Mutex::new(Some(task)),
        })))
    }

    /// [`Network::open`] for a node whose other parts stand already.
    ///
    /// # Errors
    /// As for [`Network::open`].
    pub async fn start(
        config: Config,
        mempool: Mempool,
        documents: Documents,
        clock: Clock,
    ) -> Result<NetworkHandle, NetworkError> {
        let handle = Self::open(config, &mempool.network()).await?;
        handle.attach(Services { mempool, documents, clock, library: None });
        Ok(handle)
    }
}

impl NetworkHandle {
    /// Resolves when the swarm runs no more, which it does by itself only after a fault.
    pub async fn ended(&self) {
        self.0.commands.closed().await;
    }

    /// Begins the exchange of transactions and documents, and answers peers that catch up. Once.
    pub fn attach(&self, services: Services) {
        if self.0.mempool.set(services.mempool.clone()).is_ok() {
            self.tell(Command::Attach(Box::new(services)));
        }
    }

    /// Where this node listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Sends a transaction that the mempool has just admitted to every peer.
    pub fn publish(&self, raw: &[u8]) {
        if let Some(transaction) = self.0.mempool.get().and_then(|mempool| mempool.verified(raw)) {
            self.tell(Command::Transaction(transaction));
        }
    }

    /// Sends a document that a client has given to every peer.
    pub fn publish_document(&self, id: DocumentId) {
        self.tell(Command::Document(id));
    }

    /// Sends a step that moved this node's clock to every peer.
    pub fn publish_step(&self, step: ClockStep) {
        self.tell(Command::Step(step));
    }

    /// How things stand with the peers.
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.0.peers.borrow().clone()
    }

    /// Follows how things stand with the peers.
    pub fn watch_peers(&self) -> watch::Receiver<Vec<PeerStatus>> {
        self.0.peers.clone()
    }

    /// Closes every connection and ends.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
        let task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the network did not end well");
        }
    }

    fn tell(&self, command: Command) {
        if self.0.commands.try_send(command).is_err() {
            self.0.lagging.store(true, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Neighbours for NetworkHandle {
    fn list(&self) -> Vec<Neighbour> {
        let peers = self.0.peers.borrow();
        let of = |peer: &PeerStatus| Neighbour {
            key: peer.network_key,
            connected: peer.connected,
            out_of_reach: peer.unreachable || peer.shut_out,
        };
        peers.iter().map(of).collect()
    }

    async fn changed(&self) {
        let mut peers = self.0.peers.clone();
        // A swarm that has ended changes nothing any more; whoever waits is ended by the node.
        if peers.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn ask(&self, peer: PublicKey, request: Request) -> Result<Response, AskError> {
        let (reply, answer) = oneshot::channel();
        let asked = self.0.commands.send(Command::Ask(Question { peer, request, reply })).await;
        asked.map_err(|_| AskError::Ended)?;
        // The swarm forgets a request when a connection has too many streams.
        let answered = tokio::time::timeout(LONGEST_ANSWER, answer).await.map_err(|_| AskError::Silent)?;
        answered.map_err(|_| AskError::Ended)?
    }
}
