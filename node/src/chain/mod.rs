//! The chain on this node: what it proposes, how it judges, what it commits, and how it begins.
//!
//! [`Chain`] answers the consensus engine, one question after the other. Nothing is answered that is not durable first. It
//! knows neither peers nor clients; readers see it through [`crate::view`] and [`Archive`].

mod archive;
mod error;
mod execution;
mod handover;
mod load;
mod past;
mod pending;
mod records;
mod snapshot;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use keis_engine::{AppError, Application, Blocks, Proposal, Verdict};
use keis_ledger::block::{Executed, Tip, next_time};
use keis_ledger::chain::{Address, Certificate, Header, Height, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::ids::{BlockId, TransactionId};
use keis_ledger::protocol;
use tokio::sync::watch;

pub use archive::{Archive, Located, Past};
pub use error::{ChainError, Fault};
pub use handover::{Handover, Lineage, LineageError};
pub(crate) use handover::{store_all, stored as stored_handovers};
pub(crate) use load::join;
pub use load::{Loaded, load, load_within, rebuild_index};
pub(crate) use past::Proven;
pub use past::{PastBlock, PastError};
pub use records::stored_certificate;
pub use snapshot::SnapshotPolicy;
pub(crate) use snapshot::rebuild;

use crate::clock::Clock;
use crate::mempool::Mempool;
use crate::store::{Commit, Store, StoreError};
use crate::view::{View, Views};
use pending::{Candidate, Pending};
use records::{Decision, Judgement, Note};
use snapshot::Snapshots;
use work::Work;

/// How long a proposal that is ahead of the clock may wait for the clock; consensus waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often a full disk is asked for room again.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// What readers and the mempool follow, before the chain itself runs.
pub struct Published {
    sender: watch::Sender<Arc<View>>,
    archive: Archive,
}

impl Published {
    /// Publishes the chain as it was loaded.
    pub fn new(store: &Store, loaded: Loaded, simulated: bool) -> Self {
        let view = View { tip: loaded.tip, header: loaded.header, simulated };
        let sender = watch::Sender::new(Arc::new(view));
        let archive = Archive::new(store.clone(), sender.subscribe(), loaded.handovers);
        Self { sender, archive }
    }

    /// Follows the chain.
    pub fn views(&self) -> Views {
        self.sender.subscribe()
    }

    /// The chain's history.
    pub fn archive(&self) -> Archive {
        self.archive.clone()
    }
}

/// The engine's application.
pub struct Chain {
    store: Store,
    view: Arc<View>,
    /// Who decided the tip's block.
    decided_by: ValidatorSet,
    pending: Pending,
    published: Published,
    mempool: Mempool,
    clock: Clock,
    work: Arc<Work>,
    snapshots: Snapshots,
    /// The newest version of the rules that may be executed here.
    supported: u32,
    stopping: watch::Receiver<bool>,
}

/// What a block that came in is.
enum Judged {
    Garbage,
    Block(Box<Result<Executed, Fault>>),
}

impl Chain {
    /// Takes up the work where the store stands. Call within a runtime: a task follows the clock.
    ///
    /// # Errors
    /// [`ChainError`] when the proposals of the next height cannot be read.
    pub fn new(
        store: Store,
        published: Published,
        mempool: Mempool,
        clock: Clock,
        policy: SnapshotPolicy,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, ChainError> {
        let view = published.sender.borrow().clone();
        clock.not_before(view.tip.time);
        let pending = pending_at_start(&store, view.height().next())?;
        let work = Arc::new(Work::new(mempool.work(), published.views(), clock.clone()));
        tokio::spawn(follow(work.clone(), stopping.clone()));
        let decided_by = view.tip.network_record().validators.clone();
        let snapshots = Snapshots::new(store.clone(), policy, view.height());
        let snapshots = snapshots.map_err(ChainError::store(view.height()))?;
        let supported = protocol::LATEST;
        Ok(Self { store, view, decided_by, pending, published, mempool, clock, work, snapshots, supported, stopping })
    }

    /// The same chain on a node that knows the rules up to a version.
    pub fn within(self, supported: u32) -> Self {
        Self { supported, ..self }
    }

    /// Whether the next block is under rules that are known here.
    fn check_protocol(&self) -> Result<(), ChainError> {
        load::check_protocol(&self.view.tip, self.supported)
    }

    fn next(&self) -> Height {
        self.view.height().next()
    }

    /// Writes to the store, waiting while the disk is full.
    async fn durable(
        &self,
        height: Height,
        write: impl Fn(&Store) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Result<(), ChainError> {
        let write = Arc::new(write);
        let mut stopping = self.stopping.clone();
        loop {
            let (store, attempt) = (self.store.clone(), write.clone());
            match off_the_executor(height, move || attempt(&store)).await? {
                Err(StoreError::DiskFull { path, free_bytes, needed_bytes }) => {
                    tracing::error!(%height, free_bytes, needed_bytes, "the disk is full; consensus waits for room");
                    metrics::counter!("keis_store_full_total").increment(1);
                    tokio::select! {
                        () = tokio::time::sleep(ROOM_INTERVAL) => {}
                        _ = stopping.wait_for(|stopping| *stopping) => return Err(ChainError::NoRoom { path }),
                    }
                }
                written => return written.map_err(ChainError::store(height)),
            }
        }
    }

    /// Stores a proposal, then remembers it.
    async fn keep(&mut self, proposal: &Proposal, note: Note, executed: Option<Executed>) -> Result<(), ChainError> {
        if self.pending.note(proposal.round, proposal.block).is_some_and(|held| held.judgement == note.judgement) {
            return Ok(());
        }
        let own = self.pending.note(proposal.round, proposal.block).is_some_and(|held| held.own);
        let note = Note { own: note.own || own, ..note };
        let undecided = pending::undecided(proposal, &note);
        // The engine settles the store before this node votes for it.
        self.durable(proposal.height, move |store| store.put_undecided(&undecided)).await?;
        let candidate = Candidate { bytes: proposal.bytes.clone(), judgement: note.judgement, executed };
        self.pending.put(proposal.round, proposal.block, note, candidate);
        Ok(())
    }

    async fn build(&self, height: Height, proposer: Address) -> Result<Executed, ChainError> {
        let parent = self.view.tip.clone();
        let most_bytes = parent.network_record().parameters.max_block_bytes as usize;
        let time = next_time(parent.time, self.clock.now());
        let (mempool, supported) = (self.mempool.clone(), self.supported);
        let started = Instant::now();
        let built = off_the_executor(height, move || {
            let candidates = mempool.candidates(most_bytes);
            execution::build(&parent, time, &candidates, proposer, supported)
        });
        let built =
            built.await?.expect("the rules are known, and the time is at least a millisecond after the parent's");
        metrics::histogram!("keis_block_build_seconds").record(started.elapsed().as_secs_f64());
        if !built.refused.is_empty() {
            self.mempool.dropped(&built.refused);
        }
        Ok(built.executed)
    }

    async fn judge(&self, height: Height, block: BlockId, bytes: Bytes) -> Result<Judged, ChainError> {
        let (parent, mempool, supported) = (self.view.tip.clone(), self.mempool.clone(), self.supported);
        let started = Instant::now();
        let judged = off_the_executor(height, move || {
            let decoded = execution::read(&bytes).filter(|decoded| decoded.header.id() == block);
            let Some(decoded) = decoded.filter(|decoded| decoded.header.height == height) else {
                return Judged::Garbage;
            };
            Judged::Block(Box::new(execution::judge(&parent, &decoded, &|raw| mempool.verify(raw), supported)))
        });
        let judged = judged.await?;
        metrics::histogram!("keis_block_execute_seconds").record(started.elapsed().as_secs_f64());
        Ok(judged)
    }

    /// Whether a fresh block's time is within the bound of this node's clock, which may take a moment to be stepped.
    async fn is_timely(&self, header: &Header) -> bool {
        let bound = self.view.tip.network_record().parameters.clock_bound;
        self.clock.reaches(header.time.before(bound), PATIENCE).await
    }

    async fn take_in(&mut self, proposal: Proposal, fresh: bool) -> Result<Verdict, ChainError> {
        let Proposal { height, round, valid_round, proposer, block, .. } = proposal;
        if height != self.next() {
            return Ok(Verdict::Garbage);
        }
        let note = |judgement| Note { proposer, valid_round, judgement, own: false };
        if let Some(held) = self.pending.get(&block) {
            let judgement = match (held.judgement, fresh) {
                (Judgement::Early, false) => Judgement::Valid,
                (held, _) => held,
            };
            if !self.pending.is_full() || self.pending.note(round, block).is_some() {
                self.keep(&proposal, note(judgement), None).await?;
            }
            return Ok(verdict(judgement));
        }
        if fresh && self.pending.is_full() {
            tracing::warn!(%height, round, %block, "too many proposals at one height; one is dropped");
            return Ok(Verdict::Garbage);
        }
        let (judgement, executed) = match self.judge(height, block, proposal.bytes.clone()).await? {
            Judged::Garbage => return Ok(Verdict::Garbage),
            Judged::Block(judged) => match *judged {
                Ok(executed) if fresh && !self.is_timely(&executed.block.header).await => {
                    (Judgement::Early, Some(executed))
                }
                Ok(executed) => (Judgement::Valid, Some(executed)),
                Err(reason) => {
                    tracing::warn!(%height, round, %block, %proposer, %reason, "an invalid block was proposed");
                    (Judgement::Invalid, None)
                }
            },
        };
        if judgement == Judgement::Early {
            tracing::warn!(%height, round, %block, %proposer, "a block is ahead of this node's clock");
        }
        self.keep(&proposal, note(judgement), executed).await?;
        Ok(verdict(judgement))
    }

    async fn decide(&mut self, certificate: Certificate) -> Result<(), ChainError> {
        let (height, block) = (certificate.height, certificate.block);
        if height <= self.view.height() {
            return Ok(());
        }
        let candidate = self.pending.take(&block).filter(|_| height == self.next());
        let Candidate { bytes, executed, .. } = candidate.ok_or(ChainError::Unknown { height, block })?;
        let executed = match executed {
            Some(executed) => executed,
            None => self.execute_again(height, block, bytes.clone()).await?,
        };
        let started = Instant::now();
        let header = executed.block.header.clone();
        let handover = (header.validators != header.next_validators).then(|| Handover {
            header: header.clone(),
            certificate: certificate.clone(),
            validators: executed.tip.network_record().validators.clone(),
        });
        let decision = codec::encode(&Decision { header, certificate });
        let note = handover.as_ref().map(|handover| self.published.archive.handovers().place(handover));
        let receipts = codec::encode(&executed.receipts);
        let ids: Vec<([u8; 32], u32)> =
            executed.receipts.iter().map(|full| (full.receipt.id.0, full.receipt.index)).collect();
        let size = bytes.len();
        let write = move |store: &Store| {
            if let Some((name, bytes)) = &note {
                store.put_meta(name, bytes)?;
            }
            let commit =
                Commit { height: height.0, id: block.0, block: &bytes, certificate: &decision, receipts: &receipts };
            store.commit(&commit, ids.iter().copied())
        };
        self.durable(height, write).await?;
        metrics::histogram!("keis_block_commit_seconds").record(started.elapsed().as_secs_f64());
        if let Some(handover) = handover {
            self.published.archive.handovers().remember(handover);
        }
        self.advance(executed, size);
        Ok(())
    }

    /// A block from before a restart, or one that this node had found invalid.
    async fn execute_again(&self, height: Height, block: BlockId, bytes: Bytes) -> Result<Executed, ChainError> {
        match self.judge(height, block, bytes).await? {
            Judged::Garbage => Err(ChainError::Malformed { what: "the decided block", height }),
            Judged::Block(judged) => judged.map_err(|reason| ChainError::DecidedInvalid { height, block, reason }),
        }
    }

    /// Lets everybody see a block that is durable.
    fn advance(&mut self, executed: Executed, block_bytes: usize) {
        let Executed { block, tip, receipts, sealed: _ } = executed;
        self.decided_by = self.view.tip.network_record().validators.clone();
        self.pending = Pending::default();
        self.clock.not_before(tip.time);
        let ids: Vec<TransactionId> = receipts.iter().map(|full| full.receipt.id).collect();
        count(&tip, block.transactions.len(), receipts.len(), block_bytes);
        tracing::debug!(
            height = %tip.height,
            block = %tip.block,
            transactions = block.transactions.len(),
            steps = receipts.len() - block.transactions.len(),
            "committed"
        );
        self.published.archive.remember(Arc::new(Past { header: block.header.clone(), receipts }));
        self.view = Arc::new(View { tip, header: Some(block.header), simulated: self.view.simulated });
        self.published.sender.send_replace(self.view.clone());
        self.mempool.committed(&ids, &self.view);
        self.work.refresh();
        self.snapshots.committed(&self.view.tip, block_bytes);
    }
}

#[async_trait]
impl Application for Chain {
    fn tip(&self) -> Height {
        self.view.height()
    }

    fn first_height(&self) -> Height {
        Height(self.store.first_height().unwrap_or(0))
    }

    fn validators(&self, height: Height) -> ValidatorSet {
        // The state holds who decides the next block; the block at the tip was decided by those before.
        if height > self.view.height() {
            self.view.tip.network_record().validators.clone()
        } else {
            self.decided_by.clone()
        }
    }

    fn identify(&self, bytes: &Bytes) -> Option<BlockId> {
        execution::read(bytes).map(|block| block.header.id())
    }

    async fn propose(&mut self, height: Height, round: u32, proposer: Address) -> Result<Proposal, AppError> {
        if height != self.next() {
            return Err(ChainError::NotNext { height, tip: self.view.height() }.into());
        }
        self.check_protocol()?;
        if let Some(before) = self.pending.own(height, round) {
            return Ok(before);
        }
        let executed = self.build(height, proposer).await?;
        let (block, bytes) = (executed.tip.block, Bytes::from(executed.block.encode()));
        let proposal = Proposal { height, round, valid_round: None, proposer, block, bytes };
        let note = Note { proposer, valid_round: None, judgement: Judgement::Valid, own: true };
        self.keep(&proposal, note, Some(executed)).await?;
        Ok(proposal)
    }

    async fn receive(&mut self, proposal: Proposal, fresh: bool) -> Result<Verdict, AppError> {
        self.check_protocol()?;
        Ok(self.take_in(proposal, fresh).await?)
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(self.store.clone())
    }

    async fn undecided(&mut self, height: Height, round: u32) -> Result<Vec<(Proposal, Verdict)>, AppError> {
        if height != self.next() {
            return Ok(Vec::new());
        }
        let held = self.pending.of_round(height, round);
        Ok(held.into_iter().map(|(proposal, judgement)| (proposal, verdict(judgement))).collect())
    }

    async fn find(&mut self, height: Height, block: BlockId) -> Result<Option<Proposal>, AppError> {
        Ok(self.pending.find(height, block).filter(|_| height == self.next()))
    }

    async fn commit(&mut self, certificate: Certificate) -> Result<(), AppError> {
        Ok(self.decide(certificate).await?)
    }

    async fn decided(&self, height: Height) -> Result<Option<(Bytes, Certificate)>, AppError> {
        let archive = self.published.archive();
        let read = off_the_executor(height, move || {
            let Some(bytes) = archive.block_bytes(height)? else { return Ok(None) };
            Ok(archive.certificate(height)?.map(|certificate| (Bytes::from(bytes), certificate)))
        });
        match read.await? {
            // An old block that this disk lost is somebody else's to serve; it ends nothing here.
            Err(ChainError::Store { source: source @ StoreError::Corrupt { .. }, .. }) => {
                tracing::error!(%height, error = %source, "a stored block is damaged, and not served");
                Ok(None)
            }
            read => Ok(read?),
        }
    }

    fn work(&self) -> watch::Receiver<bool> {
        self.work.subscribe()
    }
}

fn verdict(judgement: Judgement) -> Verdict {
    match judgement {
        Judgement::Valid => Verdict::Valid,
        Judgement::Early | Judgement::Invalid => Verdict::Invalid,
    }
}

/// The proposals of the height in progress. Damaged ones are forgotten: their blocks come again, and the sign guard alone
/// keeps this node from contradicting itself.
fn pending_at_start(store: &Store, height: Height) -> Result<Pending, ChainError> {
    match Pending::load(store, height) {
        Err(ChainError::Store { source: StoreError::Corrupt { detail, .. }, .. }) => {
            tracing::warn!(%height, detail, "the proposals of the height in progress are damaged, and forgotten");
            store.forget_undecided(height.0).map_err(ChainError::store(height))?;
            Ok(Pending::default())
        }
        loaded => loaded,
    }
}

async fn follow(work: Arc<Work>, mut stopping: watch::Receiver<bool>) {
    tokio::select! {
        () = work.follow() => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

/// Runs heavy or blocking work where it holds nobody up. The rules panic when money is not conserved; the node ends then.
async fn off_the_executor<T: Send + 'static>(
    height: Height,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ChainError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ChainError::Panicked { height })
}

fn count(tip: &Tip, transactions: usize, receipts: usize, block_bytes: usize) {
    metrics::gauge!("keis_height").set(tip.height.0 as f64);
    metrics::gauge!("keis_block_time_seconds").set(tip.time.0 as f64 / 1000.0);
    metrics::gauge!("keis_state_records").set(tip.state.len() as f64);
    metrics::counter!("keis_blocks_total").increment(1);
    metrics::counter!("keis_transactions_total").increment(transactions as u64);
    metrics::counter!("keis_clock_steps_total").increment((receipts - transactions) as u64);
    metrics::histogram!("keis_block_bytes").record(block_bytes as f64);
}
