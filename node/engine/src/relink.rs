//! A peer tells what it listens to on the first connection to it, and never again. A machine that vanished without a word and is
//! back before its peers have noticed is taken for the old one: nobody tells it anything, and its votes go nowhere. So whoever is
//! connected to a peer that does not tell breaks the connection and makes it anew, until the peer has seen the old one's end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use malachite_app_channel::app::engine::network::{Msg, NetworkEvent, NetworkRef, PersistentPeersOp};
use malachite_app_channel::app::net::Multiaddr;
use malachite_network::Channel;
use malachite_sync::PeerId;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr};

use crate::context::KeisContext;

type Network = NetworkRef<KeisContext>;

/// A peer that is silent from one look to the next is connected anew; one that is well tells within a moment.
const LOOK: Duration = Duration::from_secs(3);

/// Starts to watch a swarm's connections; ends with the supervisor.
///
/// # Errors
/// When the actor cannot be started.
pub(crate) async fn watch(network: Network, peers: BTreeMap<PeerId, Multiaddr>) -> Result<(), SpawnErr> {
    Actor::spawn_linked(None, Relink, (network.clone(), peers), network.get_cell()).await?;
    Ok(())
}

struct Relink;

/// What is known of the listed peers.
struct Links {
    network: Network,
    peers: BTreeMap<PeerId, Multiaddr>,
    told: BTreeSet<PeerId>,
    /// Connected and silent; true after a look.
    silent: BTreeMap<PeerId, bool>,
}

/// What the watcher hears.
enum Heard {
    Connected(PeerId),
    Told(PeerId),
    Gone(PeerId),
    Other,
    Look,
}

impl From<NetworkEvent<KeisContext>> for Heard {
    fn from(event: NetworkEvent<KeisContext>) -> Self {
        match event {
            NetworkEvent::PeerConnected(peer) => Self::Connected(peer),
            NetworkEvent::PeerSubscribed(peer, Channel::Consensus) => Self::Told(peer),
            NetworkEvent::PeerDisconnected(peer) => Self::Gone(peer),
            _ => Self::Other,
        }
    }
}

#[async_trait]
impl Actor for Relink {
    type Msg = Heard;
    type State = Links;
    type Arguments = (Network, BTreeMap<PeerId, Multiaddr>);

    async fn pre_start(
        &self,
        myself: ActorRef<Heard>,
        (network, peers): Self::Arguments,
    ) -> Result<Links, ActorProcessingErr> {
        network.cast(Msg::Subscribe(Box::new(myself.clone())))?;
        myself.send_interval(LOOK, || Heard::Look);
        Ok(Links { network, peers, told: BTreeSet::new(), silent: BTreeMap::new() })
    }

    async fn handle(&self, _: ActorRef<Heard>, heard: Heard, links: &mut Links) -> Result<(), ActorProcessingErr> {
        match heard {
            Heard::Connected(peer) => {
                if !links.told.contains(&peer) {
                    links.silent.entry(peer).or_insert(false);
                }
            }
            Heard::Told(peer) => {
                links.silent.remove(&peer);
                links.told.insert(peer);
            }
            Heard::Gone(peer) => {
                links.silent.remove(&peer);
                links.told.remove(&peer);
            }
            Heard::Other => {}
            Heard::Look => links.look().await,
        }
        Ok(())
    }
}

impl Links {
    async fn look(&mut self) {
        let silent: Vec<_> = self.silent.iter().filter(|(_, seen)| **seen).map(|(peer, _)| *peer).collect();
        self.silent.values_mut().for_each(|seen| *seen = true);
        for peer in silent {
            let Some(address) = self.peers.get(&peer).cloned() else { continue };
            tracing::warn!(%peer, "a peer does not tell what it listens to: connecting anew");
            for change in [PersistentPeersOp::Remove(address.clone()), PersistentPeersOp::Add(address)] {
                let done = self.network.call(|reply| Msg::UpdatePersistentPeers(change, reply), Some(LOOK)).await;
                if !matches!(done, Ok(CallResult::Success(Ok(())))) {
                    tracing::warn!(%peer, outcome = ?done, "the connection was not made anew");
                }
            }
        }
    }
}
