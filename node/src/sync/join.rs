//! The way from an empty store to a chain that stands at a peer's snapshot.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;
use keis_ledger::state::State;
use tokio::time::Instant;

use super::candidate::{self, Candidate, Disbelief};
use super::message::{Offer, Request, Response};
use super::parts::Parts;
use super::{AskError, Neighbours};
use crate::chain::{self, ChainError, Lineage, Loaded, Proven};
use crate::store::{Store, StoreError};

/// How long peers may take to say what they have.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause before a node that insists on a snapshot asks again.
const AGAIN: Duration = Duration::from_secs(2);
/// Chunks asked for at once.
const AT_ONCE: usize = 4;
/// How often a node that may fetch blocks instead tries to fetch a snapshot that peers offer.
const ROUNDS: u32 = 3;

/// What a node that has no chain needs in order to join one.
pub struct Joining {
    /// The founders: who decides the first block.
    pub founders: Lineage,
    /// Its store, which is empty.
    pub store: Store,
    /// Where fetched chunks wait.
    pub folder: PathBuf,
    /// Heights of a peer's tip below which all blocks are fetched instead.
    pub far_behind: u64,
    /// Whether only a snapshot will do.
    pub insists: bool,
}

/// How it ended.
pub enum Outcome {
    /// The chain stands at a snapshot.
    Joined(Box<Loaded>),
    /// Blocks from the first on are as good, or all there is.
    Blocks,
}

/// Why joining failed for a reason of this node's own.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Chunks cannot be kept.
    #[error("a fetched snapshot cannot be kept")]
    Store(#[from] StoreError),
    /// The snapshot cannot become this node's chain.
    #[error("a fetched snapshot cannot become the chain")]
    Chain(#[from] ChainError),
    /// The network ended.
    #[error("the network ended while a snapshot was fetched")]
    Ended,
    /// A part of it panicked.
    #[error("rebuilding a fetched state panicked")]
    Panicked,
}

/// Why a candidate did not become the chain; another one may.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Own(#[from] SyncError),
    #[error("nobody who offers it could be believed or gave all of it")]
    Exhausted,
    #[error("its records do not make the state of its block")]
    WrongState,
}

/// Brings an empty store to the newest snapshot of a peer that proves to be the network's state.
///
/// # Errors
/// [`SyncError`]; what peers do wrong is no error, they are only asked no more.
pub async fn join(joining: &Joining, peers: &dyn Neighbours) -> Result<Outcome, SyncError> {
    let mut liars = BTreeSet::new();
    for round in 1.. {
        let (highest, mut candidates) = gather(peers, &liars).await?;
        let far = highest.0 >= joining.far_behind;
        tracing::info!(%highest, snapshots = candidates.len(), "asked the peers what they have");
        if !far && !joining.insists {
            return leave(joining);
        }
        let last = candidates.is_empty() || round >= ROUNDS;
        // A half-fetched one first, then the newest.
        candidates.sort_by_key(|candidate| !is_begun(joining, candidate));
        for candidate in candidates {
            let height = candidate.height();
            match adopt(joining, &candidate, peers, &mut liars).await {
                Ok(loaded) => return Ok(Outcome::Joined(Box::new(loaded))),
                Err(Failure::Own(error)) => return Err(error),
                Err(failure) => tracing::warn!(%height, %failure, "a snapshot is not used"),
            }
        }
        if last && !joining.insists {
            break;
        }
        tracing::warn!("no peer has given a snapshot that holds; asking again");
        tokio::time::sleep(AGAIN).await;
        if joining.insists {
            liars.clear();
        }
    }
    leave(joining)
}

fn leave(joining: &Joining) -> Result<Outcome, SyncError> {
    Parts::remove(&joining.folder)?;
    Ok(Outcome::Blocks)
}

/// Whether chunks of it are on the disk already.
fn is_begun(joining: &Joining, candidate: &Candidate) -> bool {
    let Some(first) = candidate.digests.first() else { return false };
    let name = format!("{:08}-{}", 0, hex::encode(&first.0[..8]));
    joining.folder.join(name).exists()
}

/// Asks every peer what it has, until all have answered or are out of reach, or the time is over.
async fn gather(peers: &dyn Neighbours, liars: &BTreeSet<PublicKey>) -> Result<(Height, Vec<Candidate>), SyncError> {
    let deadline = Instant::now() + PATIENCE;
    let (mut highest, mut candidates) = (Height(0), Vec::new());
    let (mut asked, mut answers) = (BTreeSet::new(), FuturesUnordered::new());
    loop {
        let list = peers.list();
        for peer in list.iter().filter(|peer| peer.connected) {
            if !liars.contains(&peer.key) && asked.insert(peer.key) {
                let key = peer.key;
                answers.push(async move { (key, peers.ask(key, Request::Offer).await) });
            }
        }
        let is_settled = |key: &PublicKey| asked.contains(key) || liars.contains(key);
        let settled = list.iter().all(|peer| is_settled(&peer.key) || peer.out_of_reach);
        if settled && answers.is_empty() {
            return Ok((highest, candidates));
        }
        tokio::select! {
            Some((key, answer)) = answers.next() => match answer {
                Ok(Response::Offer(Offer { tip, snapshots })) => {
                    highest = highest.max(tip);
                    candidate::add(&mut candidates, key, snapshots);
                }
                Ok(_) => tracing::warn!(peer = %key, "a peer answers another question"),
                Err(AskError::Ended) => return Err(SyncError::Ended),
                Err(error) => tracing::debug!(peer = %key, %error, "a peer does not say what it has"),
            },
            () = peers.changed() => {}
            () = tokio::time::sleep_until(deadline) => return Ok((highest, candidates)),
        }
    }
}

/// Fetches one candidate, proves it and makes it this node's chain.
async fn adopt(
    joining: &Joining,
    candidate: &Candidate,
    peers: &dyn Neighbours,
    liars: &mut BTreeSet<PublicKey>,
) -> Result<Loaded, Failure> {
    let (lineage, givers) = believe(joining, candidate, peers, liars).await.ok_or(Failure::Exhausted)?;
    let Candidate { header, digests, .. } = candidate;
    let (height, chunks) = (header.height, digests.len());
    tracing::info!(%height, chunks, peers = givers.len(), "fetching a snapshot");
    let parts = Parts::open(&joining.folder, digests).map_err(SyncError::from)?;
    fetch(&parts, candidate, &givers, peers, liars).await?;
    let block = block(candidate, &lineage, &givers, peers, liars).await.ok_or(Failure::Exhausted)?;
    let (store, folder, root) = (joining.store.clone(), joining.folder.clone(), header.state_root);
    let install = move || {
        let state = match rebuilt(&parts) {
            Some(state) if state.root() == root => state,
            Some(_) | None => {
                Parts::remove(&folder).map_err(SyncError::from)?;
                return Err(Failure::WrongState);
            }
        };
        let loaded = chain::join(&store, &block, state, &lineage, parts.chunks()).map_err(SyncError::from)?;
        Parts::remove(&folder).map_err(SyncError::from)?;
        Ok(loaded)
    };
    let installed = tokio::task::spawn_blocking(install).await.unwrap_or(Err(SyncError::Panicked.into()));
    if let Err(Failure::WrongState) = &installed {
        // Whoever offered these chunks vouched for them.
        liars.extend(givers);
    }
    installed
}

/// The state of the fetched chunks; none when they hold no records in order.
fn rebuilt(parts: &Parts) -> Option<State> {
    let state = chain::rebuild(parts.chunks());
    state.inspect_err(|error| tracing::warn!(%error, "a fetched snapshot makes no state")).ok()
}

/// Who of those that offer a candidate can prove its header, and the proof.
async fn believe(
    joining: &Joining,
    candidate: &Candidate,
    peers: &dyn Neighbours,
    liars: &mut BTreeSet<PublicKey>,
) -> Option<(Lineage, Vec<PublicKey>)> {
    let (mut lineage, mut givers) = (None, Vec::new());
    for (peer, certificate) in &candidate.peers {
        if liars.contains(peer) {
            continue;
        }
        // One proof is enough: the header is the same.
        if lineage.is_some() {
            givers.push(*peer);
            continue;
        }
        match candidate::prove(candidate, &joining.founders, *peer, certificate, peers).await {
            Ok(proven) => {
                lineage = Some(proven);
                givers.push(*peer);
            }
            Err(reason) => {
                tracing::warn!(%peer, height = %candidate.height(), %reason, "a peer's snapshot is not believed");
                if !matches!(reason, Disbelief::NoAnswer(_)) {
                    liars.insert(*peer);
                }
            }
        }
    }
    lineage.map(|lineage| (lineage, givers))
}

/// Fetches the chunks that are missing, from all who have them.
async fn fetch(
    parts: &Parts,
    candidate: &Candidate,
    givers: &[PublicKey],
    peers: &dyn Neighbours,
    liars: &mut BTreeSet<PublicKey>,
) -> Result<(), Failure> {
    let height = candidate.height();
    let mut missing: VecDeque<u32> = parts.missing().into();
    let mut givers: VecDeque<PublicKey> = givers.iter().copied().collect();
    let mut asked = FuturesUnordered::new();
    let mut failures: BTreeMap<PublicKey, u32> = BTreeMap::new();
    let (mut left, all) = (missing.len(), candidate.digests.len());
    while left > 0 {
        while asked.len() < AT_ONCE
            && let Some((index, peer)) = missing.front().copied().zip(givers.front().copied())
        {
            missing.pop_front();
            givers.rotate_left(1);
            asked.push(async move { (index, peer, peers.ask(peer, Request::Chunk { height, index }).await) });
        }
        let Some((index, peer, answer)) = asked.next().await else { return Err(Failure::Exhausted) };
        match answer {
            Ok(Response::Chunk(bytes)) if parts.fits(index, &bytes) => {
                parts.keep(index, &bytes).map_err(SyncError::from)?;
                left -= 1;
                if left.is_multiple_of((all / 10).max(1)) {
                    tracing::info!(%height, left, of = all, "fetching a snapshot");
                }
                continue;
            }
            Ok(Response::Chunk(_)) => {
                tracing::warn!(%peer, index, "a peer gives another chunk than it promised");
                liars.insert(peer);
                givers.retain(|giver| *giver != peer);
            }
            Ok(_) => givers.retain(|giver| *giver != peer),
            Err(error) => {
                tracing::debug!(%peer, index, %error, "a peer gives no chunk");
                let count = failures.entry(peer).or_default();
                *count += 1;
                if *count >= 3 || error != AskError::Silent {
                    givers.retain(|giver| *giver != peer);
                }
            }
        }
        missing.push_back(index);
    }
    Ok(())
}

/// The block after which the snapshot was taken: the store begins with it.
async fn block(
    candidate: &Candidate,
    lineage: &Lineage,
    givers: &[PublicKey],
    peers: &dyn Neighbours,
    liars: &mut BTreeSet<PublicKey>,
) -> Option<Proven> {
    let below = candidate.height().next();
    for peer in givers {
        if liars.contains(peer) {
            continue;
        }
        let Ok(Response::History(blocks)) = peers.ask(*peer, Request::History { below }).await else { continue };
        let Some(past) = blocks.into_iter().next() else { continue };
        match past.prove(candidate.header.id(), lineage) {
            Ok(proven) => return Some(proven),
            Err(reason) => {
                tracing::warn!(%peer, %reason, "a peer gives another block than it promised");
                liars.insert(*peer);
            }
        }
    }
    None
}
