//! The blocks before the snapshot with which a chain began: fetched downwards while the node works, each the parent that
//! its child names, with a certificate that holds.

use std::time::Duration;

use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;

use super::Neighbours;
use super::message::{Request, Response};
use crate::chain::{Archive, ChainError, Lineage, PastBlock};
use crate::store::{Store, StoreError};

/// Pause when nobody gives anything.
const PAUSE: Duration = Duration::from_secs(2);

/// Fetches what lies below the lowest block until the chain is whole. A peer that gives something false is passed over.
///
/// # Errors
/// [`ChainError`] when this node's own store fails; the node may go on without the past.
pub async fn complete(
    store: &Store,
    archive: &Archive,
    founders: Lineage,
    peers: &dyn Neighbours,
) -> Result<(), ChainError> {
    let mut lineage = founders;
    for change in archive.handovers_above(Height(0)) {
        let height = change.header.height;
        let damaged = |error: crate::chain::LineageError| ChainError::Damaged { height, detail: error.to_string() };
        lineage.push(change).map_err(damaged)?;
    }
    let mut round = 0;
    loop {
        let Some(first) = store.first_height().filter(|first| *first > 1) else {
            tracing::info!("every block from the first on is here");
            return Ok(());
        };
        let connected: Vec<PublicKey> =
            peers.list().iter().filter(|peer| peer.connected).map(|peer| peer.key).collect();
        let before = first;
        if !connected.is_empty() {
            let peer = connected[round % connected.len()];
            if let Ok(Response::History(blocks)) = peers.ask(peer, Request::History { below: Height(first) }).await {
                match take(store, archive, &lineage, peer, blocks).await {
                    Err(ChainError::Store { source: StoreError::DiskFull { .. }, height }) => {
                        tracing::warn!(%height, "the past waits for room on the disk");
                    }
                    taken => taken?,
                }
            }
        }
        if store.first_height().is_none_or(|first| first >= before) {
            round += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn take(
    store: &Store,
    archive: &Archive,
    lineage: &Lineage,
    peer: PublicKey,
    blocks: Vec<PastBlock>,
) -> Result<(), ChainError> {
    let (store, archive, lineage) = (store.clone(), archive.clone(), lineage.clone());
    let work = move || {
        for past in blocks {
            let Some(first) = store.first_height().map(Height) else { return Ok(()) };
            let Some(child) = archive.header(first)? else { return Ok(()) };
            match past.prove(child.parent, &lineage) {
                Ok(proven) => {
                    let height = proven.header.height;
                    proven.prepend(&store).map_err(|source| ChainError::Store { height, source })?;
                }
                Err(reason) => {
                    tracing::warn!(%peer, child = %first, %reason, "a peer gives a false block of the past");
                    return Ok(());
                }
            }
        }
        Ok(())
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(ChainError::Panicked { height: Height(0) }))
}
