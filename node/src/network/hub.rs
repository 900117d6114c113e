//! The loop of the network. It never waits for a signature, a rule or the disk: those are jobs, few at a time, taken from
//! one peer after the other.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::DocumentId;
use keis_ledger::transaction::VerifiedTransaction;
use libp2p::request_response::{self, Message, OutboundFailure, OutboundRequestId, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{PeerId, Swarm};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::exchange::{Exchange, Question};
use super::handle::{Handled, Services, handle, put};
use super::peer::{Peer, Sent, WINDOW};
use super::swarm::{Behaviour, BehaviourEvent, REQUEST, build, multiaddr, peer_id, socket_address};
use super::wire::{Request, Response};
use super::{Config, NetworkError, PeerStatus};
use crate::clock::ClockStep;

/// How often housekeeping is done, and relayed transactions are announced.
const TICK: Duration = Duration::from_millis(250);
/// Ticks between two greetings, which find dead connections and announce what is oldest.
const GREETING: u64 = 20;
/// Ticks between two comparisons of the documents with what the ledger names.
const RECONCILING: u64 = 240;
/// Oldest transactions announced with a greeting.
const OLDEST: usize = 1024;
/// Jobs at a time.
const JOBS: usize = 2;
/// Recent faults after which a peer is shut out, and for how long.
const FAULTS: u32 = 16;
const SHUT_OUT: Duration = Duration::from_secs(30);

/// What this node wants said.
pub(super) enum Command {
    Transaction(Arc<VerifiedTransaction>),
    Document(DocumentId),
    Step(ClockStep),
    /// The rest of the node stands.
    Attach(Box<Services>),
    Ask(Question),
}

enum Done {
    Handled { peer: PeerId, channel: ResponseChannel<Response>, handled: Handled },
    Documents { peer: PeerId, faulty: bool },
    Reconciled,
}

struct Pending {
    peer: PeerId,
    sent: Sent,
    push: bool,
    since: Instant,
}

pub(super) struct Hub {
    listen: SocketAddr,
    swarm: Swarm<Behaviour>,
    /// None while the node does not know yet where its chain begins.
    services: Option<Services>,
    exchange: Exchange,
    peers: BTreeMap<PeerId, Peer>,
    requests: HashMap<OutboundRequestId, Pending>,
    jobs: JoinSet<Done>,
    /// The peer whose request was handled last.
    turn: Option<PeerId>,
    ticks: u64,
    lagging: Arc<AtomicBool>,
    statuses: watch::Sender<Vec<PeerStatus>>,
}

impl Hub {
    pub(super) fn new(
        config: Config,
        network: &Hash,
        statuses: watch::Sender<Vec<PeerStatus>>,
        lagging: Arc<AtomicBool>,
    ) -> Result<Self, NetworkError> {
        let mut swarm = build(&config.secret, network)?;
        let (own, now) = (config.secret.public(), Instant::now());
        let mut peers = BTreeMap::new();
        for peer in config.peers.into_iter().filter(|peer| peer.network_key != own) {
            let id = peer_id(&peer.network_key)?;
            swarm.behaviour_mut().listed.allow_peer(id);
            peers.insert(id, Peer::new(peer, now));
        }
        let unusable = |reason: String| NetworkError::Listen { address: config.listen, reason };
        swarm.listen_on(multiaddr(config.listen)).map_err(|error| unusable(error.to_string()))?;
        let hub = Self {
            listen: config.listen,
            swarm,
            services: None,
            exchange: Exchange::default(),
            peers,
            requests: HashMap::new(),
            jobs: JoinSet::new(),
            turn: None,
            ticks: 0,
            lagging,
            statuses,
        };
        // Whoever looks at once sees peers that are not connected yet, not none.
        hub.report();
        Ok(hub)
    }

    /// Waits until the socket is bound; says to what.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the swarm's enum is not ours and grows")]
    pub(super) async fn listening(&mut self) -> Result<SocketAddr, NetworkError> {
        let unusable = |reason: String| NetworkError::Listen { address: self.listen, reason };
        loop {
            match self.swarm.select_next_some().await {
                SwarmEvent::NewListenAddr { address, .. } => {
                    return socket_address(&address).ok_or_else(|| unusable(format!("bound to {address}")));
                }
                SwarmEvent::ListenerError { error, .. } => return Err(unusable(error.to_string())),
                SwarmEvent::ListenerClosed { reason, .. } => return Err(unusable(format!("{reason:?}"))),
                _ => {}
            }
        }
    }

    /// Goes on until it is stopped.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: CancellationToken) {
        let mut ticker = tokio::time::interval(TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                event = self.swarm.select_next_some() => self.on_event(event),
                Some(command) = commands.recv() => self.on_command(command),
                Some(done) = self.jobs.join_next() => match done {
                    Ok(done) => self.on_done(done),
                    Err(error) => tracing::error!(%error, "handling a peer's words failed"),
                },
                Some((channel, response)) = self.exchange.made() => {
                    self.swarm.behaviour_mut().exchange.send_response(channel, response).ok();
                }
                _ = ticker.tick() => self.on_tick(),
            }
            self.dispatch();
            self.speak();
        }
        // Jobs touch the store: nobody may find it in use after this.
        while self.jobs.join_next().await.is_some() {}
        self.exchange.end().await;
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the swarm's enum is not ours and grows")]
    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } if num_established.get() == 1 => {
                self.open(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                if let Some(peer) = self.peers.get_mut(&peer_id) {
                    tracing::info!(peer = %peer.config.network_key, "peer disconnected");
                    peer.closed(Instant::now());
                }
                self.report();
            }
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Exchange(event)) => {
                let library = self.services.as_ref().and_then(|services| services.library.clone());
                if let Some(faulty) = self.exchange.on_event(event, library) {
                    self.blame(faulty);
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer_id), error, .. } => {
                if let Some(peer) = self.peers.get_mut(&peer_id) {
                    peer.unreachable = !peer.connected;
                    tracing::debug!(peer = %peer.config.network_key, %error, "peer not reached");
                }
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                metrics::counter!("keis_network_refused_connections_total").increment(1);
                tracing::debug!(%error, "connection refused");
            }
            _ => {}
        }
    }

    fn open(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.is_open();
        if let Some(Services { mempool, documents, clock, .. }) = &self.services {
            peer.opened(mempool.ids(), clock.latest(), documents.wanted());
        }
        tracing::info!(peer = %peer.config.network_key, "peer connected");
        self.report();
    }

    fn on_gossip(&mut self, event: request_response::Event<Option<Request>, Response>) {
        match event {
            request_response::Event::Message { peer, message: Message::Request { request: None, .. }, .. } => {
                self.blame(peer);
            }
            request_response::Event::Message {
                peer,
                message: Message::Request { request: Some(request), channel, .. },
                ..
            } => {
                let taken = self.peers.get_mut(&peer).is_some_and(|peer| peer.receive(request, channel));
                if !taken {
                    metrics::counter!("keis_network_overruns_total").increment(1);
                }
            }
            request_response::Event::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(pending) = self.answered(&request_id) {
                    self.on_response(pending.peer, response);
                }
            }
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                if let Some(pending) = self.answered(&request_id) {
                    self.on_failure(pending, &error);
                }
            }
            request_response::Event::InboundFailure { .. } | request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn answered(&mut self, id: &OutboundRequestId) -> Option<Pending> {
        let pending = self.requests.remove(id)?;
        if let Some(peer) = self.peers.get_mut(&pending.peer) {
            peer.in_flight -= 1;
            peer.pushing &= !pending.push;
        }
        Some(pending)
    }

    fn on_response(&mut self, from: PeerId, response: Response) {
        match response {
            Response::Noted => {}
            Response::Want(ids) => {
                let Some((peer, services)) = self.peers.get_mut(&from).zip(self.services.as_ref()) else { return };
                for transaction in ids.iter().filter_map(|id| services.mempool.get(id)) {
                    peer.outbox.send(transaction);
                }
            }
            Response::Documents(given) => {
                let Some(documents) = self.services.as_ref().map(|services| services.documents.clone()) else { return };
                self.jobs.spawn_blocking(move || {
                    let wanted: Vec<_> =
                        given.into_iter().filter(|bytes| documents.wants(&DocumentId::of(bytes))).collect();
                    Done::Documents { peer: from, faulty: put(&documents, &wanted) }
                });
            }
        }
    }

    fn on_failure(&mut self, Pending { peer: id, sent, .. }: Pending, error: &OutboundFailure) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        tracing::debug!(peer = %peer.config.network_key, %error, "request failed");
        if !peer.connected {
            return;
        }
        for transaction in sent {
            peer.outbox.relay(transaction);
        }
        match error {
            // Whoever does not answer is gone, whatever the socket says; a new connection shows.
            OutboundFailure::Timeout => {
                self.swarm.disconnect_peer_id(id).ok();
            }
            OutboundFailure::Io(error) if error.kind() == io::ErrorKind::InvalidData => self.blame(id),
            OutboundFailure::Io(_)
            | OutboundFailure::DialFailure
            | OutboundFailure::ConnectionClosed
            | OutboundFailure::UnsupportedProtocols => {}
        }
    }

    fn on_command(&mut self, command: Command) {
        let connected = self.peers.iter_mut().filter(|(_, peer)| peer.connected);
        match command {
            Command::Transaction(transaction) => {
                connected.for_each(|(_, peer)| peer.outbox.send(Arc::clone(&transaction)));
            }
            Command::Document(id) => connected.for_each(|(_, peer)| peer.outbox.send_document(id)),
            Command::Step(step) => connected.for_each(|(_, peer)| peer.outbox.step = Some(step)),
            Command::Attach(services) => {
                let Services { mempool, documents, clock, .. } = services.as_ref();
                connected.for_each(|(_, peer)| peer.opened(mempool.ids(), clock.latest(), documents.wanted()));
                self.services = Some(*services);
            }
            Command::Ask(question) => {
                let listed = self.peers.iter().find(|(_, peer)| peer.config.network_key == question.peer);
                let listed = listed.filter(|(_, peer)| peer.connected).map(|(id, _)| *id);
                self.exchange.ask(self.swarm.behaviour_mut(), listed, question);
            }
        }
    }

    fn on_done(&mut self, done: Done) {
        match done {
            Done::Handled { peer, channel, handled } => {
                // Who asked may have gone.
                self.swarm.behaviour_mut().gossip.send_response(channel, handled.response).ok();
                metrics::counter!("keis_network_transactions_received_total").increment(handled.fresh.len() as u64);
                for (_, other) in self.peers.iter_mut().filter(|(id, other)| **id != peer && other.connected) {
                    handled.fresh.iter().for_each(|id| other.outbox.relay(*id));
                    if let Some(step) = handled.step {
                        other.outbox.step = Some(step);
                    }
                }
                if handled.faulty {
                    self.blame(peer);
                }
            }
            Done::Documents { peer, faulty } => {
                if faulty {
                    self.blame(peer);
                }
            }
            Done::Reconciled => {}
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        self.ticks += 1;
        if self.ticks % RECONCILING == 1 {
            self.reconcile();
        }
        self.fail_overdue(now);
        self.connect(now);
        let greets = self.ticks.is_multiple_of(GREETING);
        let lagging = self.lagging.swap(false, Ordering::Relaxed);
        if greets || lagging || self.peers.values().any(|peer| peer.outbox.overflown) {
            self.announce_all(greets, lagging);
        }
        for peer in self.peers.values_mut().filter(|peer| peer.connected) {
            peer.outbox.release_relayed();
        }
        if greets {
            self.ask_for_documents();
            self.peers.values_mut().for_each(|peer| peer.faults /= 2);
        }
        self.report();
    }

    /// Announces all that is here to who missed something, and the oldest of it to everybody.
    fn announce_all(&mut self, greets: bool, lagging: bool) {
        let Some(ids) = self.services.as_ref().map(|services| services.mempool.ids()) else { return };
        for peer in self.peers.values_mut().filter(|peer| peer.connected && !peer.outbox.has_announcements()) {
            if lagging || std::mem::take(&mut peer.outbox.overflown) {
                ids.iter().for_each(|id| peer.outbox.announce(*id));
            } else if greets {
                peer.outbox.greet();
                ids.iter().take(OLDEST).for_each(|id| peer.outbox.announce(*id));
            }
        }
    }

    /// Asks one peer after the other for the documents that the ledger names and this node lacks.
    fn ask_for_documents(&mut self) {
        let Some(wanted) = self.services.as_ref().map(|services| services.documents.wanted()) else { return };
        let connected: Vec<PeerId> = self.peers.iter().filter(|(_, peer)| peer.connected).map(|(id, _)| *id).collect();
        if wanted.is_empty() || connected.is_empty() {
            return;
        }
        let round = usize::try_from(self.ticks / GREETING).unwrap_or_default();
        if let Some(peer) = self.peers.get_mut(&connected[round % connected.len()]) {
            peer.outbox.want(&wanted);
        }
    }

    fn reconcile(&mut self) {
        let Some(mempool) = self.services.as_ref().map(|services| services.mempool.clone()) else { return };
        self.jobs.spawn_blocking(move || {
            mempool.reconcile_documents();
            Done::Reconciled
        });
    }

    /// The swarm forgets a request when a connection has too many streams; it counts as failed then.
    fn fail_overdue(&mut self, now: Instant) {
        let overdue: Vec<_> = self
            .requests
            .iter()
            .filter(|(_, pending)| now.duration_since(pending.since) > REQUEST * 2)
            .map(|(id, _)| *id)
            .collect();
        for id in overdue {
            if let Some(pending) = self.answered(&id) {
                self.on_failure(pending, &OutboundFailure::Timeout);
            }
        }
    }

    fn connect(&mut self, now: Instant) {
        for (id, peer) in &mut self.peers {
            if peer.shut_until.is_some_and(|until| until <= now) {
                peer.shut_until = None;
                self.swarm.behaviour_mut().listed.allow_peer(*id);
            }
            let due = !peer.connected && peer.shut_until.is_none() && peer.dial_at <= now;
            if let (true, Some(address)) = (due, peer.config.address) {
                peer.dialled(now);
                let dial = DialOpts::peer_id(*id)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(vec![multiaddr(address)])
                    .build();
                // Already on the way, or the address is refused: the next attempt is set.
                self.swarm.dial(dial).ok();
            }
        }
    }

    /// Counts what no correct node does; too much of it shuts the peer out for a while.
    fn blame(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        metrics::counter!("keis_network_faults_total").increment(1);
        peer.faults += 1;
        if peer.faults < FAULTS || peer.shut_until.is_some() {
            return;
        }
        tracing::warn!(peer = %peer.config.network_key, "peer shut out: it says what no correct node says");
        peer.faults = 0;
        peer.shut_until = Some(Instant::now() + SHUT_OUT);
        self.swarm.behaviour_mut().listed.disallow_peer(id);
        self.report();
    }

    /// Hands the peers' requests to jobs, one peer after the other.
    fn dispatch(&mut self) {
        while self.jobs.len() < JOBS {
            let Some((id, network_key, request, channel)) = self.next_received() else { return };
            let services = self.services.clone();
            self.jobs.spawn_blocking(move || {
                let handled = match services {
                    Some(services) => handle(&services, network_key, request),
                    None => Handled::noted(),
                };
                Done::Handled { peer: id, channel, handled }
            });
        }
    }

    fn next_received(&mut self) -> Option<(PeerId, PublicKey, Request, ResponseChannel<Response>)> {
        let last = self.turn;
        let after: Vec<PeerId> = self.peers.keys().filter(|id| Some(**id) > last).copied().collect();
        let before: Vec<PeerId> = self.peers.keys().filter(|id| Some(**id) <= last).copied().collect();
        for id in after.into_iter().chain(before) {
            let peer = self.peers.get_mut(&id)?;
            if let Some((request, channel)) = peer.next_received() {
                self.turn = Some(id);
                return Some((id, peer.config.network_key, request, channel));
            }
        }
        None
    }

    /// Says to every peer what is to be said, as far as it keeps up.
    fn speak(&mut self) {
        let Some(services) = &self.services else { return };
        for (id, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.connected) {
            while peer.in_flight < WINDOW
                && let Some((request, sent)) = peer.outbox.next(&services.documents, !peer.pushing)
            {
                let push = matches!(request, Request::Push(_));
                let request_id = self.swarm.behaviour_mut().gossip.send_request(id, Some(request));
                peer.in_flight += 1;
                peer.pushing |= push;
                self.requests.insert(request_id, Pending { peer: *id, sent, push, since: Instant::now() });
            }
        }
    }

    fn report(&self) {
        let statuses: Vec<PeerStatus> = self.peers.values().map(Peer::status).collect();
        metrics::gauge!("keis_network_peers").set(statuses.iter().filter(|peer| peer.connected).count() as f64);
        self.statuses.send_if_modified(|shown| {
            let changed = *shown != statuses;
            *shown = statuses;
            changed
        });
    }
}
