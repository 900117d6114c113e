//! Ids of services, sessions and orders, followed from the receipts of every block.
//!
//! Records stand in the state under hashes of their ids, so the state alone cannot list them; receipts name them. Only ids
//! and the services' current terms are kept here, everything else is read from the state when it is asked for. The first
//! reading of a long chain runs beside everything else; until it has reached the tip, answers that need it are withheld.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ServiceId, SessionId};
use keis_ledger::receipt::{FullReceipt, Kind};
use keis_ledger::record::Service;
use keis_ledger::state::State;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::chain::{Archive, ChainError};
use crate::view::Views;

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

/// What is on the ledger, by id.
#[derive(Default)]
pub(super) struct Content {
    /// Every service as it is now.
    pub(super) services: BTreeMap<ServiceId, Service>,
    /// Sessions of each service and year.
    pub(super) sessions: BTreeMap<(ServiceId, Year), BTreeSet<SessionId>>,
    /// Orders of each year.
    pub(super) orders: BTreeMap<Year, BTreeSet<OrderId>>,
}

/// What a few blocks add.
#[derive(Default)]
struct News {
    services: BTreeSet<ServiceId>,
    sessions: Vec<(ServiceId, Year, SessionId)>,
    orders: Vec<(Year, OrderId)>,
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
                index.take(read(&archive, from, until)?, &state);
                index.height.send_replace(until);
                Ok::<(), ChainError>(())
            });
            let failure: Box<dyn std::error::Error + Send + Sync> = match read.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.into(),
                Err(error) => error.into(),
            };
            tracing::error!(height = from.0, error = &*failure as &dyn std::error::Error, "receipts cannot be indexed");
            return false;
        }
        true
    }

    fn take(&self, news: News, state: &State) {
        let mut content = self.content.write().unwrap_or_else(PoisonError::into_inner);
        for id in news.services {
            if let Some(service) = state.get::<Service>(id) {
                content.services.insert(id, service.clone());
            }
        }
        for (service, year, session) in news.sessions {
            content.sessions.entry((service, year)).or_default().insert(session);
        }
        for (year, order) in news.orders {
            content.orders.entry(year).or_default().insert(order);
        }
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

fn read(archive: &Archive, from: Height, until: Height) -> Result<News, ChainError> {
    let mut news = News::default();
    for height in from.0..=until.0 {
        let past = archive.past(Height(height))?;
        past.iter().flat_map(|past| &past.receipts).for_each(|receipt| news.add(receipt));
    }
    Ok(news)
}

impl News {
    fn add(&mut self, full: &FullReceipt) {
        let subject = &full.receipt.subject;
        if let (Some(service), true) = (subject.service, changes_service(full.receipt.kind)) {
            self.services.insert(service);
        }
        if let (Some(service), Some(year), Some(session), Kind::SessionOpened) =
            (subject.service, subject.year, subject.session, full.receipt.kind)
        {
            self.sessions.push((service, year, session));
        }
        if let (Some(year), Some(order), Kind::OrderProposed | Kind::OrderRequested) =
            (subject.year, subject.order, full.receipt.kind)
        {
            self.orders.push((year, order));
        }
    }
}

fn changes_service(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ServicePublished
            | Kind::ServiceAmended
            | Kind::ServiceSuspended
            | Kind::ServiceReinstated
            | Kind::ServiceWithdrawn
    )
}
