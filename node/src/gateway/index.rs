//! Ids of everything that can be listed, followed from every block.
//!
//! Records stand in the state under hashes of their ids, so the state alone cannot list them; receipts and transactions
//! name them. Only ids and the services' current terms are kept here, everything else is read from the state when it is
//! asked for. The first reading of a long chain runs beside everything else; until it has reached the tip, answers that
//! need it are withheld.

mod content;
mod decided;
mod facts;
mod tally;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keis_ledger::chain::Height;
use keis_ledger::state::State;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::chain::{Archive, ChainError};
use crate::view::Views;

pub(super) use content::Content;

/// Blocks read in one go.
const STRIDE: u64 = 256;
/// Longest wait of a request for the index.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause after history could not be read.
const PAUSE: Duration = Duration::from_secs(5);

/// The index; clones share it.
#[derive(Clone)]
pub(super) struct Index {
    content: Arc<RwLock<Content>>,
    height: Arc<watch::Sender<Height>>,
}

impl Default for Index {
    fn default() -> Self {
        Self { content: Arc::default(), height: Arc::new(watch::Sender::new(Height(0))) }
    }
}

impl Index {
    /// Follows the chain until `stopping`.
    pub(super) async fn follow(self, mut views: Views, archive: Archive, stopping: CancellationToken) {
        loop {
            let view = views.borrow_and_update().clone();
            let caught_up = self.advance(&archive, view.height(), &view.tip.state, &stopping).await;
            tokio::select! {
                () = stopping.cancelled() => return,
                changed = views.changed(), if caught_up => if changed.is_err() { return },
                () = tokio::time::sleep(PAUSE), if !caught_up => {}
            }
        }
    }

    /// Reads up to `tip`; says whether it came so far.
    async fn advance(&self, archive: &Archive, tip: Height, state: &State, stopping: &CancellationToken) -> bool {
        while *self.height.borrow() < tip && !stopping.is_cancelled() {
            let from = self.height.borrow().next();
            let until = Height(tip.0.min(from.0 + STRIDE - 1));
            let (index, archive, state) = (self.clone(), archive.clone(), state.clone());
            let read = tokio::task::spawn_blocking(move || {
                let facts = facts::read(&archive, from, until)?;
                index.content.write().unwrap_or_else(PoisonError::into_inner).take(facts, until, &state);
                index.height.send_replace(until);
                Ok::<(), ChainError>(())
            });
            let failure: Box<dyn std::error::Error + Send + Sync> = match read.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.into(),
                Err(error) => error.into(),
            };
            tracing::error!(height = from.0, error = &*failure as &dyn std::error::Error, "blocks cannot be indexed");
            return false;
        }
        true
    }

    /// Height up to which it has read.
    pub(super) fn height(&self) -> Height {
        *self.height.borrow()
    }

    /// Waits until the index has read `height`.
    pub(super) async fn reached(&self, height: Height) -> Result<(), Problem> {
        let mut indexed = self.height.subscribe();
        let reached = tokio::time::timeout(PATIENCE, indexed.wait_for(|indexed| *indexed >= height)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                Err(Problem::unavailable("index_behind", "the node is still reading its history; ask again soon"))
            }
        }
    }

    /// Reads the content.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Content) -> T) -> T {
        read(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }
}
