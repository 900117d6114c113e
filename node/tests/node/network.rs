//! What the swarm promises: listed peers hear of everything, whoever they are connected through and whenever they come;
//! nobody else hears anything; what no correct node says harms nobody but who says it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use keis_ledger::ids::{DocumentId, TransactionId};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Span;
use keis_ledger::transaction::SignedTransaction;
use keis_node::mempool::{Limits, Status};
use keis_node::network::{Config, Network, NetworkHandle, PeerConfig, PeerStatus};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, StreamProtocol, Swarm, SwarmBuilder, identity, noise, tcp, yamux};

use crate::mempool_support::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something holds that the machine brings about in its own time.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} never came about");
}

async fn peers_are(handle: &NetworkHandle, what: &str, holds: impl Fn(&[PeerStatus]) -> bool) {
    let mut peers = handle.watch_peers();
    let seen = tokio::time::timeout(PATIENCE, peers.wait_for(|peers| holds(peers))).await;
    assert!(seen.is_ok_and(|seen| seen.is_ok()), "{what} never came about");
}

struct Member {
    node: Node,
    network: NetworkHandle,
}

fn anywhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn peer(number: u8, address: Option<SocketAddr>) -> PeerConfig {
    PeerConfig { network_key: network_key(number).public(), address }
}

impl Member {
    async fn start(number: u8, peers: Vec<PeerConfig>) -> Self {
        Self::start_with(Node::new(Limits::default()), number, peers).await
    }

    async fn start_with(node: Node, number: u8, peers: Vec<PeerConfig>) -> Self {
        let config = Config { listen: anywhere(), peers, secret: network_key(number) };
        let (mempool, documents) = (node.mempool.clone(), node.documents.clone());
        let network = Network::start(config, mempool, documents, node.clock.clone()).await.unwrap();
        Self { node, network }
    }

    fn publish(&self, transaction: &SignedTransaction) -> TransactionId {
        let id = self.node.admit(transaction);
        self.network.publish(transaction.raw());
        id
    }

    fn has(&self, id: &TransactionId) -> bool {
        self.node.mempool.get(id).is_some()
    }

    async fn connected(&self, count: usize) {
        peers_are(&self.network, "the connections", |peers| {
            peers.iter().filter(|peer| peer.connected).count() == count
        })
        .await;
    }
}

/// Members that all list each other, each dialling those before it.
async fn mesh(count: u8) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for number in 0..count {
        let address = |other: u8| members.get(usize::from(other)).map(|member: &Member| member.network.address());
        let peers = (0..count).map(|other| peer(other, address(other))).collect();
        members.push(Member::start(number, peers).await);
    }
    for member in &members {
        member.connected(usize::from(count) - 1).await;
    }
    members
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_member_hears_of_every_transaction() {
    let members = mesh(4).await;
    let mut ids = Vec::new();
    for number in 0..200_u32 {
        let transaction = sign(&officer((number % 5) as u8), open_school(number));
        ids.push(members[number as usize % 4].publish(&transaction));
    }
    for member in &members {
        eventually("full propagation", || ids.iter().all(|id| member.has(id))).await;
        assert_eq!(member.node.candidates().len(), ids.len());
        member.network.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_reaches_a_member_that_its_sender_cannot_reach() {
    let middle = Member::start(0, vec![peer(1, None), peer(2, None)]).await;
    let address = Some(middle.network.address());
    let left = Member::start(1, vec![peer(0, address)]).await;
    let right = Member::start(2, vec![peer(0, address)]).await;
    middle.connected(2).await;
    let id = left.publish(&sign(&officer(0), open_school(1)));
    eventually("the relay", || right.has(&id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_or_again_gets_what_waits() {
    let first = Member::start(0, vec![peer(1, None)]).await;
    let large = |number: u32| sign(&officer((number % 8) as u8), open_schools(number * 1_000, 300));
    let ids: Vec<_> = (0..160).map(|number| first.publish(&large(number))).collect();
    let parked = first.publish(&sign(&officer(9), bind(key(b's', 1).public(), 999_999)));
    let late = Member::start(1, vec![peer(0, Some(first.network.address()))]).await;
    eventually("what waited", || ids.iter().all(|id| late.has(id)) && late.has(&parked)).await;
    // Whoever builds a block finds that it lacks an earlier one; the mempool judges for itself why.
    late.node.mempool.dropped(&[(parked, Rejection::KeyUnknown)]);
    assert_eq!(late.node.mempool.status(&parked), Some(Status::Parked));
    late.network.shutdown().await;
    peers_are(&first.network, "the parting", |peers| peers.iter().all(|peer| !peer.connected)).await;
    let missed = first.publish(&sign(&officer(0), open_school(7)));
    let again = Member::start(1, vec![peer(0, Some(first.network.address()))]).await;
    eventually("what was missed", || again.has(&missed) && ids.iter().all(|id| again.has(id))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_told_nothing_and_not_heard() {
    let first = Member::start(0, vec![peer(1, None)]).await;
    let address = Some(first.network.address());
    let waiting = first.publish(&sign(&officer(0), open_school(1)));
    let stranger = Member::start(7, vec![peer(0, address)]).await;
    let smuggled = stranger.publish(&sign(&officer(1), open_school(2)));
    let member = Member::start(1, vec![peer(0, address)]).await;
    let honest = member.publish(&sign(&officer(2), open_school(3)));
    // The stranger came first and dialled again since; the member is served nevertheless, and only the member.
    peers_are(&stranger.network, "the refusal", |peers| peers.iter().all(|peer| !peer.connected)).await;
    eventually("the exchange with the member", || first.has(&honest) && member.has(&waiting)).await;
    assert!(!first.has(&smuggled) && !member.has(&smuggled) && !stranger.has(&waiting));
    assert_eq!(first.network.peers().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_travels_with_its_transaction_and_is_fetched_where_it_lacks() {
    let mut members = mesh(2).await;
    let (one, two) = (document(1, 20_000), document(2, 20_000));
    for member in &mut members {
        member.node.decide(&[&sign(&officer(0), open_provider())]);
    }
    let id = members[0].node.documents.put(&one).unwrap();
    let first = members[0].publish(&sign(&officer(0), publish(1, id)));
    eventually("the transaction with its document", || members[1].has(&first)).await;
    assert!(members[1].node.store.has_document(&id.0).unwrap());

    // Decided while only one of them holds the document.
    let other = members[0].node.documents.put(&two).unwrap();
    let second = sign(&officer(0), publish(2, other));
    for member in &mut members {
        member.node.decide(&[&second]);
        member.node.mempool.reconcile_documents();
    }
    assert_eq!(members[1].node.documents.wanted(), [other]);
    eventually("the fetched document", || members[1].node.store.has_document(&other.0).unwrap()).await;

    let offered = members[1].node.documents.put(&document(3, 10)).unwrap();
    members[1].network.publish_document(offered);
    eventually("the offered document", || members[0].node.documents.has(&offered)).await;
    assert_eq!(offered, DocumentId::of(&document(3, 10)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_stepped_everywhere_and_for_who_comes_late() {
    let members = mesh(3).await;
    let later = START.after(Span(90_000));
    members[0].network.publish_step(members[0].node.step_to(later));
    for member in &members {
        eventually("the step", || member.node.clock.now() == later).await;
    }
    let listed = [peer(0, None), peer(3, None)];
    let host = Member::start(4, listed.to_vec()).await;
    host.node.step_to(later);
    let late = Member::start(3, vec![peer(4, Some(host.network.address()))]).await;
    eventually("the newest step", || late.node.clock.now() == later).await;
}

/// Frames of any bytes, as a broken or malicious member may send them.
#[derive(Clone, Default)]
struct Raw;

#[async_trait]
impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.take(4 << 20).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        p: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        self.read_request(p, io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await?;
        io.close().await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        p: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        self.write_request(p, io, bytes).await
    }
}

fn raw_swarm(number: u8) -> Swarm<request_response::Behaviour<Raw>> {
    let network = genesis().hash();
    let protocol = StreamProtocol::try_from_owned(format!("/keis/gossip/1/{}", hex::encode(&network.0[..8]))).unwrap();
    SwarmBuilder::with_existing_identity(identity::Keypair::ed25519_from_bytes(network_key(number).to_bytes()).unwrap())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_behaviour(|_| {
            let config = request_response::Config::default().with_request_timeout(PATIENCE);
            request_response::Behaviour::with_codec(Raw, [(protocol, ProtocolSupport::Full)], config)
        })
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
        .build()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

/// The attacker dials, sends the frames, and goes on until it is cut off.
async fn attack(address: SocketAddr, frames: Vec<Vec<u8>>) -> usize {
    let mut swarm = raw_swarm(9);
    let to: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", address.port()).parse().unwrap();
    swarm.dial(to).unwrap();
    let (mut failed, mut frames) = (0_usize, frames.into_iter());
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                for frame in frames.by_ref().take(8) {
                    swarm.behaviour_mut().send_request(&peer_id, frame);
                }
            }
            // A stream that is dropped ends without an answer, or breaks.
            SwarmEvent::Behaviour(
                request_response::Event::OutboundFailure { peer, .. } | request_response::Event::Message { peer, .. },
            ) => {
                failed += 1;
                if let Some(frame) = frames.next() {
                    swarm.behaviour_mut().send_request(&peer, frame);
                }
            }
            SwarmEvent::ConnectionClosed { .. } | SwarmEvent::OutgoingConnectionError { .. } => return failed,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_huge_frames_harm_only_who_sends_them() {
    let victim = Member::start(0, vec![peer(1, None), peer(9, None)]).await;
    let address = victim.network.address();
    let member = Member::start(1, vec![peer(0, Some(address))]).await;
    member.connected(1).await;
    let kinds = [
        u32::MAX.to_le_bytes().to_vec(),
        [(2_u32 << 20).to_le_bytes().to_vec(), vec![7; 2 << 20]].concat(),
        frame(&[0xee; 100]),
        frame(&[]),
        // A list of more ids than exist.
        frame(&[&0_u32.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat()),
        frame(&[&1_u32.to_le_bytes()[..], &(1_u64 << 22).to_le_bytes()].concat()),
    ];
    let frames = kinds.iter().cycle().take(200).cloned().collect();
    let failed = tokio::time::timeout(PATIENCE, attack(address, frames)).await.expect("the attacker is cut off");
    assert!(failed >= 8, "{failed} requests failed");
    let is_attacker = |peer: &&PeerStatus| peer.network_key == network_key(9).public();
    assert!(victim.network.peers().iter().find(is_attacker).unwrap().shut_out);
    let id = member.publish(&sign(&officer(0), open_school(1)));
    eventually("the member's transaction", || victim.has(&id)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_forged_transactions_is_shut_out() {
    let victim = Member::start(0, vec![peer(9, None)]).await;
    let mut forged = sign(&officer(0), open_school(1)).raw().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let items = [&1_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), &(forged.len() as u64).to_le_bytes(), &forged, &[0]];
    let frames: Vec<_> = std::iter::repeat_n(frame(&items.concat()), 64).collect();
    let attacker = tokio::spawn(async move {
        let mut swarm = raw_swarm(9);
        let to: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", victim.network.address().port()).parse().unwrap();
        swarm.dial(to).unwrap();
        let mut frames = frames.into_iter();
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                    swarm.behaviour_mut().send_request(&peer_id, frames.next().unwrap());
                }
                SwarmEvent::Behaviour(request_response::Event::Message {
                    peer,
                    message: request_response::Message::Response { .. },
                    ..
                }) => {
                    let next = frames.next().expect("it is shut out before");
                    swarm.behaviour_mut().send_request(&peer, next);
                }
                SwarmEvent::ConnectionClosed { .. } => return victim,
                _ => {}
            }
        }
    });
    let victim = tokio::time::timeout(PATIENCE, attacker).await.expect("it is cut off").unwrap();
    assert!(victim.network.peers()[0].shut_out);
    assert!(victim.node.mempool.ids().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_never_answers_costs_bounded_memory() {
    let limits = Limits { sender_count: 16_000, ..Limits::default() };
    let host = Member::start_with(Node::new(limits), 0, vec![peer(9, None)]).await;
    let to: Multiaddr = format!("/ip4/127.0.0.1/tcp/{}", host.network.address().port()).parse().unwrap();
    let silent = tokio::spawn(async move {
        let mut swarm = raw_swarm(9);
        swarm.dial(to).unwrap();
        let mut unanswered = Vec::new();
        loop {
            if let SwarmEvent::Behaviour(request_response::Event::Message { message, .. }) =
                swarm.select_next_some().await
            {
                unanswered.push(message);
            }
        }
    });
    host.connected(1).await;
    for number in 0..1_000 {
        host.publish(&sign(&officer((number % 20) as u8), open_schools(number * 1_000, 250)));
    }
    peers_are(&host.network, "a full queue", |peers| peers[0].queued >= 300).await;
    let status = host.network.peers()[0];
    assert!(status.queued_bytes <= 4 << 20, "{} bytes are queued", status.queued_bytes);
    silent.abort();
}
