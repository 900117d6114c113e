//! Listed peers only. The engine's swarm cuts a stranger's connection off, but late: until then it would answer what the stranger
//! asks and take what it says. Between the swarm and everything else stands this gate.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use keis_ledger::crypto::PublicKey;
use malachite_app_channel::app::engine::network::{Msg, NetworkEvent, NetworkRef, Subscriber};
use malachite_app_channel::app::net::{self, Multiaddr};
use malachite_sync::PeerId;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::context::KeisContext;
use crate::engine::EngineError;

type Event = NetworkEvent<KeisContext>;
type Network = NetworkRef<KeisContext>;

/// Whose words pass.
pub(crate) type Listed = Arc<BTreeSet<PeerId>>;

/// Puts the gate before a swarm, which goes on to belong to its starter.
///
/// # Errors
/// When no actor can be started.
pub(crate) async fn gate(network: Network, listed: Listed) -> Result<Network, ractor::SpawnErr> {
    let (gate, _) = Actor::spawn(None, Gate { network, listed }, ()).await?;
    Ok(gate)
}

/// The swarm, as everything else sees it.
struct Gate {
    network: Network,
    listed: Listed,
}

#[async_trait]
impl Actor for Gate {
    type Msg = Msg<KeisContext>;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        // What is said to the swarm passes; who listens to it hears of listed peers alone.
        let passed = if let Msg::Subscribe(subscriber) = message {
            let listener = Listener { network: self.network.clone(), listed: self.listed.clone() };
            let (listener, _) = Actor::spawn_linked(None, listener, subscriber, myself.get_cell()).await?;
            Msg::Subscribe(Box::new(listener))
        } else {
            message
        };
        self.network.cast(passed)?;
        Ok(())
    }
}

/// Hears the swarm for one subscriber.
struct Listener {
    network: Network,
    listed: Listed,
}

#[async_trait]
impl Actor for Listener {
    type Msg = Event;
    type State = Box<dyn Subscriber<Event>>;
    type Arguments = Box<dyn Subscriber<Event>>;

    async fn pre_start(
        &self,
        _: ActorRef<Event>,
        subscriber: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(subscriber)
    }

    async fn handle(
        &self,
        _: ActorRef<Event>,
        event: Event,
        subscriber: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if said_by(&event).is_none_or(|peer| self.listed.contains(peer)) {
            subscriber.send(event);
        } else if let NetworkEvent::SyncRequest(request, ..) = event {
            self.network.cast(Msg::CancelInboundRequest(request))?;
        }
        Ok(())
    }
}

/// The peer behind an event; the swarm's own have none.
fn said_by(event: &Event) -> Option<&PeerId> {
    match event {
        NetworkEvent::Listening(_) => None,
        NetworkEvent::PeerConnected(peer)
        | NetworkEvent::PeerDisconnected(peer)
        | NetworkEvent::PeerSubscribed(peer, _)
        | NetworkEvent::Vote(peer, _)
        | NetworkEvent::Proposal(peer, _)
        | NetworkEvent::ProposalPart(peer, ..)
        | NetworkEvent::PolkaCertificate(peer, _)
        | NetworkEvent::RoundCertificate(peer, _)
        | NetworkEvent::ValidatorProofReceived { peer_id: peer, .. }
        | NetworkEvent::Status(peer, _)
        | NetworkEvent::SyncRequest(_, peer, _)
        | NetworkEvent::SyncResponse(_, peer, _)
        | NetworkEvent::SyncRequestFailed(_, peer, _)
        | NetworkEvent::SyncInboundRequestFailed(_, peer) => Some(peer),
    }
}

/// The address of a node, pinned to its identity when that is known.
pub(crate) fn multiaddr(address: SocketAddr, key: Option<&PublicKey>) -> Result<Multiaddr, EngineError> {
    let version = if address.is_ipv4() { "ip4" } else { "ip6" };
    let mut text = format!("/{version}/{}/tcp/{}", address.ip(), address.port());
    if let Some(key) = key {
        text.push_str(&format!("/p2p/{}", peer_id(key)?));
    }
    text.parse().map_err(|_| EngineError::Config("address"))
}

/// A peer's id is its Ed25519 key, in a protobuf, in an identity multihash.
pub(crate) fn peer_id(key: &PublicKey) -> Result<net::PeerId, EngineError> {
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend(key.0);
    net::PeerId::from_bytes(&bytes).map_err(|_| EngineError::Config("peer key"))
}
