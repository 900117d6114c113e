//! The swarm itself: transport, who may connect, how much at a time. Between its names and the system's.

use std::net::SocketAddr;
use std::time::Duration;

use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use libp2p::allow_block_list::{self, AllowedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::multiaddr::{Multiaddr, Protocol};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, Swarm, SwarmBuilder, identity, noise, tcp, yamux};

use super::NetworkError;
use super::exchange::{self, ExchangeFraming};
use super::wire::{Framing, protocol};

/// After this long a request has failed.
pub(super) const REQUEST: Duration = Duration::from_secs(15);
/// Streams of one connection at a time; each holds at most a frame.
const STREAMS: usize = 16;
/// Connections close when nothing was said for this long; greetings come far more often.
const IDLE: Duration = Duration::from_secs(600);

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) listed: allow_block_list::Behaviour<AllowedPeers>,
    limits: connection_limits::Behaviour,
    pub(super) gossip: request_response::Behaviour<Framing>,
    pub(super) exchange: request_response::Behaviour<ExchangeFraming>,
}

/// A swarm that knows nobody yet.
pub(super) fn build(secret: &SecretKey, network: &Hash) -> Result<Swarm<Behaviour>, NetworkError> {
    let keypair = identity::Keypair::ed25519_from_bytes(secret.to_bytes()).expect("32 bytes are an Ed25519 secret key");
    let config = request_response::Config::default().with_request_timeout(REQUEST).with_max_concurrent_streams(STREAMS);
    let protocols = [(protocol(network), ProtocolSupport::Full)];
    let exchange_config = request_response::Config::default()
        .with_request_timeout(REQUEST)
        .with_max_concurrent_streams(exchange::STREAMS);
    let exchange_protocols = [(exchange::protocol(network), ProtocolSupport::Full)];
    let limits = ConnectionLimits::default().with_max_pending_incoming(Some(64)).with_max_established_per_peer(Some(4));
    let behaviour = Behaviour {
        listed: allow_block_list::Behaviour::default(),
        limits: connection_limits::Behaviour::new(limits),
        gossip: request_response::Behaviour::with_codec(Framing, protocols, config),
        exchange: request_response::Behaviour::with_codec(ExchangeFraming, exchange_protocols, exchange_config),
    };
    let streams = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(4 * STREAMS);
        config
    };
    let transport = |error: String| NetworkError::Transport(error);
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, streams)
        .map_err(|error| transport(error.to_string()))?
        .with_behaviour(|_| behaviour)
        .map_err(|error| transport(error.to_string()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE))
        .build();
    Ok(swarm)
}

pub(super) fn peer_id(key: &PublicKey) -> Result<PeerId, NetworkError> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&key.0).map_err(|_| NetworkError::Key(*key))?;
    Ok(identity::PublicKey::from(key).to_peer_id())
}

pub(super) fn multiaddr(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

pub(super) fn socket_address(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    match (parts.next()?, parts.next()?) {
        (Protocol::Ip4(ip), Protocol::Tcp(port)) => Some((ip, port).into()),
        (Protocol::Ip6(ip), Protocol::Tcp(port)) => Some((ip, port).into()),
        _ => None,
    }
}
