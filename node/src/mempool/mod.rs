//! Transactions on their way to a block: admitted at the door, gossiped, kept in order, tried again, dropped with a reason.
//!
//! A signature is proven once per node; its result is kept here. What a client sends is tried on the newest view, so that
//! what has no effect is refused at the door. A peer has tried what it sends: here that must be new, in time and of a key in
//! force, and the next who builds a block tries it. What only lacks an earlier transaction is parked and tried again after
//! a commit. Everything is bounded, and no sender may hold more than is still free, so none can crowd out the others.
//!
//! The calls never wait and hold no lock while a signature or a rule is judged. This module knows neither HTTP nor peers'
//! connections, and it decides nothing about a block: the builder does.

mod answer;
mod limits;
mod memory;
mod pool;
mod proven;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keis_ledger::block;
use keis_ledger::chain::Height;
use keis_ledger::crypto::{Hash, KnownKeys};
use keis_ledger::ids::{DocumentId, TransactionId};
use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::Draft;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::{RawTransaction, SignedTransaction, TransactionError, VerifiedTransaction};
use keis_ledger::{authorized, plan};
use tokio::sync::{oneshot, watch};

use crate::clock::Clock;
use crate::documents::Documents;
use crate::view::{View, Views};

pub use answer::{Admitted, Origin, Refused, Status};
pub use limits::Limits;
pub use memory::Outcome;
use pool::{Hold, NewEntry, Pool, RawHash};
use proven::Proven;

/// Commits for which a peer's transaction may be rejected here before that is final: the peer may be ahead.
const GRACE: u64 = 4;
/// Parked ones tried again in one go.
const RETRIES: usize = 512;
/// Longest order that is judged sooner than it would be handed to another thread.
const BRIEF: usize = 2048;

/// The mempool of one node. Clones share it.
#[derive(Clone)]
pub struct Mempool(Arc<Shared>);

struct Shared {
    network: Hash,
    views: Views,
    clock: Clock,
    documents: Documents,
    /// The view of the newest commit told, which may come before it is published.
    newest: Mutex<Arc<View>>,
    pool: Mutex<Pool>,
    proven: Mutex<Proven>,
    /// Keys whose points are unpacked: unpacking one is a tenth of proving a signature.
    keys: Mutex<KnownKeys>,
    work: watch::Sender<bool>,
}

impl Mempool {
    /// An empty mempool of a network, judging by the newest of `views`.
    pub fn new(limits: Limits, network: Hash, views: Views, clock: Clock, documents: Documents) -> Self {
        let newest = Arc::clone(&views.borrow());
        let mut pool = Pool::new(limits);
        pool.height = newest.tip.height;
        Self(Arc::new(Shared {
            network,
            views,
            clock,
            documents,
            newest: Mutex::new(newest),
            pool: Mutex::new(pool),
            proven: Mutex::default(),
            keys: Mutex::default(),
            work: watch::Sender::new(false),
        }))
    }

    /// Whether taking this in costs no more than handing it to another thread: a short order, nothing to be made durable.
    pub fn is_brief(&self, raw: &[u8]) -> bool {
        let parsed = || RawTransaction(raw.to_vec()).parse(&self.0.network);
        raw.len() <= BRIEF && parsed().is_ok_and(|signed| matches!(signed.body().operation, Operation::Order { .. }))
    }

    /// Takes a transaction in, or says why not.
    ///
    /// # Errors
    /// [`Refused`]; nothing is remembered then.
    pub fn submit(&self, raw: Vec<u8>, origin: Origin) -> Result<Admitted, Refused> {
        let admitted = self.admit(raw, origin);
        let outcome = match &admitted {
            Ok(Admitted { fresh: true, .. }) => "admitted",
            Ok(Admitted { fresh: false, .. }) => "repeated",
            Err(refused) => refused.label(),
        };
        let from = match origin {
            Origin::Client => "client",
            Origin::Peer(_) => "peer",
        };
        metrics::counter!("keis_mempool_submissions_total", "outcome" => outcome, "from" => from).increment(1);
        admitted
    }

    fn admit(&self, raw: Vec<u8>, origin: Origin) -> Result<Admitted, Refused> {
        let raw_hash = *blake3::hash(&raw).as_bytes();
        if let Some(known) = self.pool().by_raw(&raw_hash) {
            return Ok(Admitted { id: known.id(), fresh: false });
        }
        let signed = RawTransaction(raw).parse(&self.0.network).map_err(Refused::Malformed)?;
        let id = signed.id();
        {
            let pool = self.pool();
            if pool.entry(&id).is_some() || matches!(pool.memory.outcome(&id), Some(Outcome::Included { .. })) {
                return Ok(Admitted { id, fresh: false });
            }
            pool.room_to_wait(&signed.body().signer, signed.raw().len())?;
        }
        let document = document_of(&signed.body().operation);
        if let Some(document) = document.filter(|document| !self.0.documents.has(document)) {
            return Err(Refused::DocumentMissing(document));
        }
        let transaction = self.prove(signed, &raw_hash).map_err(|_| Refused::Signature)?;
        self.place(transaction, raw_hash, document, origin)
    }

    /// Judges a proven transaction on the newest view and puts it where it belongs.
    fn place(
        &self,
        transaction: Arc<VerifiedTransaction>,
        raw_hash: RawHash,
        document: Option<DocumentId>,
        origin: Origin,
    ) -> Result<Admitted, Refused> {
        let id = transaction.id();
        loop {
            let view = self.view();
            let height = view.tip.height;
            let draft = Draft::on(&view.tip.state);
            // By all rules the node judged it that a client gave it to; who builds a block does so again.
            let verdict = if matches!(origin, Origin::Peer(_)) && document.is_none() && !self.was_dropped(&id) {
                authorized(&draft, self.next_time(&view), &transaction)
            } else {
                self.judge(&draft, &view, &transaction)
            };
            let grace = match origin {
                Origin::Client => height,
                Origin::Peer(_) => Height(height.0 + GRACE),
            };
            let hold = match (verdict, origin) {
                (Ok(()), _) => None,
                (Err(Rejection::Known), _) => return Ok(Admitted { id, fresh: false }),
                (Err(rejection), Origin::Client) if !rejection.may_pass_later() => {
                    return Err(Refused::Rejected(rejection));
                }
                (Err(rejection @ Rejection::Expired { .. }), _) => return Err(Refused::Rejected(rejection)),
                (Err(rejection), _) => Some(Hold::Rejected(rejection)),
            };
            if let (None, Some(document)) = (hold, document)
                && !self.keep(&document)
            {
                return Err(Refused::DocumentMissing(document));
            }
            let mut pool = self.pool();
            if pool.height > height {
                // A commit came between; what was missing may be there now.
                continue;
            }
            if let (Some(Hold::Rejected(rejection)), Some(Outcome::Dropped { .. }), Origin::Peer(_)) =
                (hold, pool.memory.outcome(&id), origin)
                && !rejection.may_pass_later()
            {
                return Err(Refused::Rejected(rejection));
            }
            if pool.entry(&id).is_some() || matches!(pool.memory.outcome(&id), Some(Outcome::Included { .. })) {
                return Ok(Admitted { id, fresh: false });
            }
            pool.insert(NewEntry { transaction, raw_hash, grace }, hold)?;
            self.announce(&pool);
            return Ok(Admitted { id, fresh: true });
        }
    }

    /// Where a transaction stands; `None` when it was never here, is on the ledger, or was forgotten.
    pub fn status(&self, id: &TransactionId) -> Option<Status> {
        self.pool().status(id)
    }

    /// Hears what becomes of a transaction, at once when it is known. A sender that is gone means: look on the ledger.
    /// `None` when too many calls wait already.
    pub fn subscribe(&self, id: TransactionId) -> Option<oneshot::Receiver<Outcome>> {
        self.pool().memory.subscribe(id)
    }

    /// What the next block may hold, in order of arrival but fair to each sender, up to `max_bytes` in all.
    pub fn candidates(&self, max_bytes: usize) -> Vec<Arc<VerifiedTransaction>> {
        self.pool().candidates(max_bytes)
    }

    /// A transaction with these bytes whose signature was proven on this node.
    pub fn verified(&self, raw: &[u8]) -> Option<Arc<VerifiedTransaction>> {
        let hash = *blake3::hash(raw).as_bytes();
        self.pool().by_raw(&hash).or_else(|| self.proven().find(&hash))
    }

    /// Proves a transaction of somebody's block, unless that was done before, and remembers it.
    ///
    /// # Errors
    /// [`TransactionError`] when the bytes are no transaction of this network.
    pub fn verify(&self, raw: &[u8]) -> Result<Arc<VerifiedTransaction>, TransactionError> {
        let hash = *blake3::hash(raw).as_bytes();
        if let Some(known) = self.pool().by_raw(&hash) {
            return Ok(known);
        }
        let signed = RawTransaction(raw.to_vec()).parse(&self.0.network)?;
        let transaction = self.prove(signed, &hash)?;
        self.proven().remember(hash, &transaction);
        Ok(transaction)
    }

    /// Tells which candidates a block being built could not take. What the decided ledger alone would still take stays;
    /// what may pass later is parked; the rest is dropped.
    pub fn dropped(&self, refused: &[(TransactionId, Rejection)]) {
        let view = self.view();
        let draft = Draft::on(&view.tip.state);
        for (id, _) in refused {
            let Some(transaction) = self.get(id) else { continue };
            if let Err(rejection) = self.judge(&draft, &view, &transaction) {
                let mut pool = self.pool();
                if pool.height <= view.tip.height {
                    settle_rejected(&mut pool, id, rejection, view.tip.height);
                }
            }
        }
        self.announce(&self.pool());
    }

    /// A block is durable: its transactions leave, the parked ones are tried again on `view`, the expired ones go.
    pub fn committed(&self, ids: &[TransactionId], view: &View) {
        *self.newest() = Arc::new(view.clone());
        {
            let mut pool = self.pool();
            let height = view.tip.height;
            pool.height = pool.height.max(height);
            for id in ids {
                pool.resolve(id, Outcome::Included { height });
            }
            pool.expire(self.next_time(view));
            pool.untried = pool.parked_count();
        }
        self.retry(view);
        self.announce(&self.pool());
    }

    /// What must be done although nothing was committed: drop the expired, go on trying the parked. Called every moment.
    pub fn tend(&self) {
        let view = self.view();
        let now = self.next_time(&view);
        let matured = {
            let mut pool = self.pool();
            pool.expire(now);
            pool.matured(now.after(view.tip.network_record().parameters.max_validity), RETRIES)
        };
        self.try_again(&view, matured);
        self.retry(&view);
        let pool = self.pool();
        self.announce(&pool);
        metrics::gauge!("keis_mempool_transactions", "state" => "waiting").set(pool.waiting_count() as f64);
        metrics::gauge!("keis_mempool_transactions", "state" => "parked").set(pool.parked_count() as f64);
        metrics::gauge!("keis_mempool_bytes").set(pool.bytes() as f64);
    }

    /// Keeps or wants the documents that the ledger names.
    pub fn reconcile_documents(&self) {
        if let Err(error) = self.0.documents.reconcile(&self.view().tip.state) {
            tracing::error!(error = &error as &dyn std::error::Error, "documents cannot be kept");
        }
    }

    /// Hash of the network's genesis document.
    pub fn network(&self) -> Hash {
        self.0.network
    }

    /// Whether anything waits for a block.
    pub fn work(&self) -> watch::Receiver<bool> {
        self.0.work.subscribe()
    }

    /// Ids of all that is here, oldest first, for peers.
    pub fn ids(&self) -> Vec<TransactionId> {
        self.pool().ids()
    }

    /// A transaction that is here.
    pub fn get(&self, id: &TransactionId) -> Option<Arc<VerifiedTransaction>> {
        self.pool().entry(id).map(|entry| Arc::clone(&entry.transaction))
    }

    /// Which of these ids this node neither has nor has done with.
    pub fn lacks(&self, ids: &[TransactionId]) -> Vec<TransactionId> {
        let pool = self.pool();
        let lacking = ids.iter().filter(|id| pool.entry(id).is_none() && pool.memory.outcome(id).is_none());
        lacking.copied().collect()
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn proven(&self) -> MutexGuard<'_, Proven> {
        self.0.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, KnownKeys> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newest(&self) -> MutexGuard<'_, Arc<View>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> Arc<View> {
        let published = Arc::clone(&self.0.views.borrow());
        let told = Arc::clone(&self.newest());
        if told.tip.height > published.tip.height { told } else { published }
    }

    /// Time of a block that would be proposed now.
    fn next_time(&self, view: &View) -> Timestamp {
        block::next_time(view.tip.time, self.0.clock.now())
    }

    fn prove(&self, signed: SignedTransaction, hash: &RawHash) -> Result<Arc<VerifiedTransaction>, TransactionError> {
        if let Some(known) = self.proven().find(hash) {
            return Ok(known);
        }
        let signer = self.keys().find(&signed.body().signer);
        signed.verify_by(&self.0.network, &signer).map(Arc::new)
    }

    fn judge(&self, draft: &Draft, view: &View, transaction: &VerifiedTransaction) -> Result<(), Rejection> {
        plan(draft, self.next_time(view), transaction).map(drop)
    }

    /// Whether it had no effect here before.
    fn was_dropped(&self, id: &TransactionId) -> bool {
        matches!(self.pool().memory.outcome(id), Some(Outcome::Dropped { .. }))
    }

    /// Makes the document of an admitted transaction durable.
    fn keep(&self, document: &DocumentId) -> bool {
        self.0.documents.keep(document).unwrap_or_else(|error| {
            tracing::error!(%document, error = &error as &dyn std::error::Error, "a document cannot be kept");
            false
        })
    }

    /// Tries the next parked ones again, if the newest commit left any untried.
    fn retry(&self, view: &View) {
        let parked = {
            let mut pool = self.pool();
            let parked = pool.next_parked(pool.untried.min(RETRIES));
            pool.untried -= parked.len().min(pool.untried);
            if parked.is_empty() {
                pool.untried = 0;
            }
            parked
        };
        self.try_again(view, parked);
    }

    fn try_again(&self, view: &View, parked: Vec<(TransactionId, Arc<VerifiedTransaction>)>) {
        let draft = Draft::on(&view.tip.state);
        for (id, transaction) in parked {
            let verdict = self.judge(&draft, view, &transaction);
            let document = document_of(&transaction.body().operation);
            let here = verdict.is_err() || document.is_none_or(|document| self.keep(&document));
            let mut pool = self.pool();
            match verdict {
                Ok(()) if here => pool.release(&id),
                Ok(()) => {
                    pool.park(&id, Hold::Document);
                }
                Err(rejection) => settle_rejected(&mut pool, &id, rejection, view.tip.height),
            }
        }
    }

    fn announce(&self, pool: &Pool) {
        let some = pool.waiting_count() > 0;
        self.0.work.send_if_modified(|work| std::mem::replace(work, some) != some);
    }
}

/// Parks an entry that the ledger rejects, or drops it for good.
fn settle_rejected(pool: &mut Pool, id: &TransactionId, rejection: Rejection, height: Height) {
    let Some(grace) = pool.entry(id).map(|entry| entry.grace) else { return };
    if rejection == Rejection::Known {
        // It is on the ledger: who waits for it finds it there.
        pool.remove(id);
        pool.memory.release(id);
        return;
    }
    let expired = matches!(rejection, Rejection::Expired { .. });
    let later = !expired && (rejection.may_pass_later() || height < grace);
    if !(later && pool.park(id, Hold::Rejected(rejection))) {
        tracing::debug!(%id, height = height.0, %rejection, "transaction dropped");
        metrics::counter!("keis_mempool_dropped_total").increment(1);
        pool.resolve(id, Outcome::Dropped { rejection, height });
    }
}

/// The document that an operation names.
fn document_of(operation: &Operation) -> Option<DocumentId> {
    match operation {
        Operation::Catalogue(catalogue) => match catalogue {
            CatalogueOperation::Publish { terms, .. } | CatalogueOperation::Amend { terms, .. } => Some(terms.document),
            CatalogueOperation::Suspend { .. }
            | CatalogueOperation::Reinstate { .. }
            | CatalogueOperation::Withdraw { .. }
            | CatalogueOperation::OpenSession { .. }
            | CatalogueOperation::AmendSession { .. }
            | CatalogueOperation::CloseSession { .. } => None,
        },
        Operation::Funds(_)
        | Operation::Wallet(_)
        | Operation::Order { .. }
        | Operation::Settlement(_)
        | Operation::Governance(_)
        | Operation::Rate { .. } => None,
    }
}

/// The document that a transaction names and that travels with it.
pub fn named_document(transaction: &VerifiedTransaction) -> Option<DocumentId> {
    document_of(&transaction.body().operation)
}
