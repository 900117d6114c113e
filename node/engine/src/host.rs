//! The one task that answers the engine: it asks the application, assembles blocks and decides when a height begins.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keis_ledger::chain::{Address, Certificate, Height, VoteStep};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;
use malachite_app_channel::app::engine::host::{Next, SyncedValueOutcome};
use malachite_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite_app_channel::app::types::{LocallyProposedValue, MisbehaviorEvidence, ProposedValue};
use malachite_app_channel::{AppMsg, NetworkMsg};
use malachite_core_consensus::SignedConsensusMsg;
use malachite_core_types::{CommitCertificate, HeightParams, LinearTimeouts, Round, Validity};
use malachite_sync::RawDecidedValue;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::app::{Application, Proposal, Verdict};
use crate::context::{EngineAddress, EngineHeight, EngineValidators, EngineValue, KeisContext, Part, round_of};
use crate::engine::EngineError;
use crate::guard::{Guard, GuardState};
use crate::seal::accuse;
use crate::streams::{Assembled, Streams, split};
use crate::wait::{asked_to_stop, turned_true, worth_starting};
use crate::wire::{commit_of, extended};
use crate::witness::Witness;

/// Heights above the tip of which whole blocks are kept until their turn.
const PENDING_HEIGHTS: u64 = 4;
/// Blocks kept for one of them, of one peer.
const PENDING_BLOCKS: usize = 2;
/// Blocks of a height that a peer may have judged, beside two a round.
const JUDGED_BLOCKS: u32 = 8;
/// Blocks in one answer to a peer that catches up.
const SYNC_BLOCKS: usize = 64;

/// How the host runs, beside the application.
pub(crate) struct HostConfig {
    /// Hash of the genesis document.
    pub(crate) chain: Hash,
    pub(crate) timeouts: LinearTimeouts,
    pub(crate) target_block_time: Option<Duration>,
    pub(crate) longest_idle: Duration,
    pub(crate) max_block_bytes: usize,
    /// Most that one answer to a peer that catches up may hold.
    pub(crate) max_sync_bytes: usize,
    pub(crate) peers: usize,
    /// Begins the ids of this run's streams, so that they differ from the last run's.
    pub(crate) first_stream: u64,
}

pub(crate) struct Host {
    pub(crate) app: Box<dyn Application>,
    pub(crate) config: HostConfig,
    pub(crate) network: mpsc::Sender<NetworkMsg<KeisContext>>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) guard: Option<Arc<Guard>>,
    pub(crate) tip: watch::Sender<Height>,
    streams: Streams,
    /// Blocks of heights that have not begun here.
    pending: BTreeMap<Height, BTreeMap<Vec<u8>, VecDeque<Assembled>>>,
    /// How many blocks of the started height came from each peer.
    judged: BTreeMap<Vec<u8>, u32>,
    /// The round that the engine is in.
    round: u32,
    /// The height that the engine works on; decided already while the next one is held back.
    started: Height,
    /// Whether the started height was decided by peers' certificate rather than vote by vote.
    synced: bool,
    held: Option<Held>,
    sent_streams: u64,
}

/// The engine's question for the next height, unanswered while there is nothing to do.
struct Held {
    since: Instant,
    reply: oneshot::Sender<Next<KeisContext>>,
}

type Answer<T> = Result<T, EngineError>;

impl Host {
    pub(crate) fn new(
        app: Box<dyn Application>,
        config: HostConfig,
        network: mpsc::Sender<NetworkMsg<KeisContext>>,
        witness: Arc<Witness>,
        guard: Option<Arc<Guard>>,
    ) -> Self {
        // One more than the list: parts that come back from the node itself.
        let streams = Streams::new(config.max_block_bytes, config.peers + 1);
        let tip = watch::Sender::new(app.tip());
        let (pending, sent_streams) = (BTreeMap::new(), config.first_stream);
        Self {
            started: app.tip(),
            app,
            config,
            network,
            witness,
            guard,
            tip,
            streams,
            pending,
            judged: BTreeMap::new(),
            round: 0,
            synced: false,
            held: None,
            sent_streams,
        }
    }

    /// Answers until the engine stops, something fails or `stop` becomes true.
    pub(crate) async fn run(
        mut self,
        mut inbox: mpsc::Receiver<AppMsg<KeisContext>>,
        mut stop: watch::Receiver<bool>,
    ) -> Answer<()> {
        let mut work = self.app.work();
        let (mut newest, mut claimed) = (self.witness.newest(), self.witness.claimed());
        let mut second_copy = match &self.guard {
            Some(guard) => guard.second_copy(),
            None => watch::channel(false).1,
        };
        loop {
            let deadline = self.held.as_ref().map(|held| held.since + self.config.longest_idle);
            let tip = self.app.tip();
            tokio::select! {
                message = inbox.recv() => match message {
                    Some(message) => self.answer(message).await?,
                    None => return Err(EngineError::Halted),
                },
                () = worth_starting(&mut work, &mut newest, &mut claimed, tip, deadline), if deadline.is_some() => self.begin_next(),
                () = turned_true(&mut second_copy) => return Err(EngineError::SecondCopy { height: self.started }),
                () = asked_to_stop(&mut stop) => return Ok(()),
            }
        }
    }

    async fn answer(&mut self, message: AppMsg<KeisContext>) -> Answer<()> {
        match message {
            AppMsg::ConsensusReady { reply } => {
                let next = self.app.tip().next();
                let _ = reply.send((EngineHeight(next), self.parameters(next)));
            }
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                let values = self.round_started(height.0, round).await?;
                let _ = reply_value.send(values);
            }
            AppMsg::GetValue { height, round, reply, .. } => self.propose(height.0, round, reply).await?,
            AppMsg::ReceivedProposalPart { from, published_by, part, reply } => {
                let value = self.part_received(&published_by.unwrap_or(from).to_bytes(), part).await?;
                let _ = reply.send(value);
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                self.send_again(height.0, round, valid_round, address.0, value_id).await?;
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.commit(certificate).await?;
                let _ = reply.send(());
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.judge_evidence(certificate.height.0, &evidence).await?;
                self.held = Some(Held { since: Instant::now(), reply });
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let outcome = self.synced_value(height.0, round, proposer.0, value_bytes).await?;
                let _ = reply.send(outcome);
            }
            AppMsg::GetDecidedValues { range, reply } => {
                let _ = reply.send(self.decided_values(range).await?);
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let _ = reply.send(EngineHeight(self.app.first_height()));
            }
            AppMsg::ExtendVote { reply, .. } => {
                let _ = reply.send(None);
            }
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                let _ = reply.send(extensions.into_iter().map(|(address, _)| (address, Ok(()))).collect());
            }
        }
        Ok(())
    }

    fn parameters(&self, height: Height) -> HeightParams<KeisContext> {
        let validators = EngineValidators::from(&self.app.validators(height));
        HeightParams::new(validators, self.config.timeouts, self.config.target_block_time)
    }

    fn begin_next(&mut self) {
        if let Some(held) = self.held.take() {
            let next = self.app.tip().next();
            let _ = held.reply.send(Next::Start(EngineHeight(next), self.parameters(next)));
        }
    }

    /// Whether this node's signature on what it sends would be worth anything.
    fn signs(&self) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.state() == GuardState::Active)
    }

    async fn round_started(&mut self, height: Height, round: Round) -> Answer<Vec<ProposedValue<KeisContext>>> {
        if height != self.started {
            self.started = height;
            self.synced = false;
            self.judged.clear();
        }
        let Some(round) = round.as_u32() else { return Ok(Vec::new()) };
        self.round = round;
        let mut values = Vec::new();
        for waiting in self.pending.remove(&height).unwrap_or_default().into_values().flatten() {
            values.extend(self.judge(waiting).await?);
        }
        for (proposal, verdict) in self.app.undecided(height, round).await.map_err(EngineError::Application)? {
            let value = proposed(&proposal, verdict);
            values.extend(value.filter(|value| !values.contains(value)));
        }
        Ok(values)
    }

    async fn propose(
        &mut self,
        height: Height,
        round: Round,
        reply: oneshot::Sender<LocallyProposedValue<KeisContext>>,
    ) -> Answer<()> {
        let Some((number, guard)) = round.as_u32().zip(self.guard.as_ref()) else { return Ok(()) };
        let proposer = guard.address();
        let proposal = self.app.propose(height, number, proposer).await.map_err(EngineError::Application)?;
        let _ = reply.send(LocallyProposedValue::new(EngineHeight(height), round, EngineValue(proposal.block)));
        self.send(&proposal).await
    }

    async fn send_again(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        proposer: Address,
        block: BlockId,
    ) -> Answer<()> {
        let found = self.app.find(height, block).await.map_err(EngineError::Application)?;
        let Some((found, round)) = found.zip(round.as_u32()) else { return Ok(()) };
        self.send(&Proposal { round, valid_round: valid_round.as_u32(), proposer, ..found }).await
    }

    /// Sends a block to all peers, part by part.
    async fn send(&mut self, proposal: &Proposal) -> Answer<()> {
        if !self.signs() {
            return Ok(());
        }
        let block = Assembled {
            height: proposal.height,
            round: proposal.round,
            valid_round: proposal.valid_round,
            proposer: proposal.proposer,
            bytes: proposal.bytes.clone(),
        };
        self.publish(split(&block)).await
    }

    async fn publish(&mut self, parts: impl IntoIterator<Item = Part>) -> Answer<()> {
        self.sent_streams = self.sent_streams.wrapping_add(1);
        let stream = StreamId::new(Bytes::copy_from_slice(&self.sent_streams.to_be_bytes()));
        for (sequence, part) in (0..).zip(parts) {
            let message = StreamMessage::new(stream.clone(), sequence, StreamContent::Data(part));
            let sent = self.network.send(NetworkMsg::PublishProposalPart(message)).await;
            sent.map_err(|_| EngineError::Halted)?;
        }
        Ok(())
    }

    async fn part_received(
        &mut self,
        peer: &[u8],
        message: StreamMessage<Part>,
    ) -> Answer<Option<ProposedValue<KeisContext>>> {
        let StreamContent::Data(part) = message.content else { return Ok(None) };
        match &part {
            Part::Head { height, .. } => self.witness.heard(*height),
            Part::Body(_) => {}
            Part::Accusation(message) => {
                if let Some(guard) = &self.guard {
                    accuse(guard, &self.config.chain, message)?;
                }
                return Ok(None);
            }
        }
        let id = message.stream_id.to_bytes();
        let Some(block) = self.streams.accept(peer, &id, message.sequence, part) else { return Ok(None) };
        let tip = self.app.tip();
        if block.height <= tip {
            Ok(None)
        } else if block.height == self.started {
            if !self.admit(peer) {
                tracing::warn!(height = %block.height, "a peer sends more blocks than rounds explain; dropped one");
                return Ok(None);
            }
            self.judge(block).await
        } else {
            self.keep(peer, tip, block);
            Ok(None)
        }
    }

    /// Whether a peer may still have a block of this height stored and judged.
    fn admit(&mut self, peer: &[u8]) -> bool {
        let count = self.judged.entry(peer.to_vec()).or_default();
        *count += 1;
        *count <= JUDGED_BLOCKS.saturating_add(self.round.saturating_mul(2))
    }

    /// Keeps a block of a later height; a peer's oldest gives way to its newest.
    fn keep(&mut self, peer: &[u8], tip: Height, block: Assembled) {
        if block.height.0 > tip.0.saturating_add(PENDING_HEIGHTS) {
            return;
        }
        let waiting = self.pending.entry(block.height).or_default().entry(peer.to_vec()).or_default();
        if waiting.contains(&block) {
            return;
        }
        if waiting.len() >= PENDING_BLOCKS {
            waiting.pop_front();
        }
        waiting.push_back(block);
    }

    /// Lets the application store and judge a block of the height in progress.
    async fn judge(&mut self, block: Assembled) -> Answer<Option<ProposedValue<KeisContext>>> {
        let Some(id) = self.app.identify(&block.bytes) else {
            tracing::debug!(height = %block.height, "dropped parts that make no block");
            return Ok(None);
        };
        // That the block was voted for before is the sender's word; only verified votes free it from the clock's bound.
        let voted = block.valid_round.is_some_and(|round| {
            let validators = self.app.validators(block.height);
            self.witness.quorum(VoteStep::Prevote, block.height, round, id, &validators)
        });
        let proposal = Proposal {
            height: block.height,
            round: block.round,
            valid_round: block.valid_round,
            proposer: block.proposer,
            block: id,
            bytes: block.bytes,
        };
        let verdict = self.app.receive(proposal.clone(), !voted).await.map_err(EngineError::Application)?;
        Ok(proposed(&proposal, verdict))
    }

    async fn commit(&mut self, certificate: CommitCertificate<KeisContext>) -> Answer<()> {
        let height = certificate.height.0;
        let round = certificate.round.as_u32().expect("a decision is made in a defined round");
        let signatures = certificate.commit_signatures.iter().map(|s| (s.address.0, s.signature.0)).collect();
        let certificate = Certificate { height, round, block: certificate.value_id, signatures };
        self.app.commit(certificate).await.map_err(EngineError::Application)?;
        let tip = self.app.tip();
        if tip < height {
            return Err(EngineError::NotCommitted { height });
        }
        if let Some(guard) = &self.guard {
            guard.decided(height, !self.synced)?;
        }
        self.witness.committed(tip, self.synced);
        self.streams.committed(tip);
        self.pending.retain(|height, _| *height > tip);
        self.tip.send_replace(tip);
        Ok(())
    }

    /// Two messages of one validator for one slot: our own mean that another copy of this node signs, another's are sent
    /// round, so that its copies see each other.
    async fn judge_evidence(&mut self, height: Height, evidence: &MisbehaviorEvidence<KeisContext>) -> Answer<()> {
        let own = self.guard.as_ref().map(|guard| guard.address());
        let votes = evidence.votes.iter().map(|(who, pairs)| {
            let pairs = pairs.iter().flat_map(|(a, b)| [a, b]);
            (who.0, pairs.cloned().map(SignedConsensusMsg::Vote).collect::<Vec<_>>())
        });
        let proposals = evidence.proposals.iter().map(|(who, pairs)| {
            let pairs = pairs.iter().flat_map(|(a, b)| [a, b]);
            (who.0, pairs.cloned().map(SignedConsensusMsg::Proposal).collect::<Vec<_>>())
        });
        for (who, messages) in votes.chain(proposals) {
            tracing::warn!(%height, validator = %who, "signed two messages for one slot");
            if own == Some(who) {
                return Err(EngineError::SecondCopy { height });
            }
            for message in messages {
                self.publish([Part::Accusation(message)]).await?;
            }
        }
        Ok(())
    }

    async fn synced_value(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        bytes: Bytes,
    ) -> Answer<SyncedValueOutcome<KeisContext>> {
        let Some(number) = round.as_u32().filter(|_| height == self.app.tip().next()) else {
            return Ok(SyncedValueOutcome::LocalTransientError);
        };
        let Some(block) = self.app.identify(&bytes) else { return Ok(SyncedValueOutcome::PeerFault) };
        let validators = self.app.validators(height);
        if !self.witness.quorum(VoteStep::Precommit, height, number, block, &validators) {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        self.synced = true;
        let proposal = Proposal { height, round: number, valid_round: None, proposer, block, bytes };
        let verdict = self.app.receive(proposal.clone(), false).await.map_err(EngineError::Application)?;
        match verdict {
            Verdict::Valid => {
                let value = proposed(&proposal, verdict).expect("a valid block is a value");
                Ok(SyncedValueOutcome::Verdict(value))
            }
            // More than two thirds decided it: this node's state or rules are wrong, and voting on would be guessing.
            Verdict::Invalid | Verdict::Garbage => Err(EngineError::CertifiedInvalid { height, block }),
        }
    }

    async fn decided_values(&self, range: RangeInclusive<EngineHeight>) -> Answer<Vec<RawDecidedValue<KeisContext>>> {
        let mut values = Vec::new();
        let mut size = 0;
        for number in range.start().0.0.max(1)..=range.end().0.0.min(self.app.tip().0) {
            let Some((bytes, certificate)) =
                self.app.decided(Height(number)).await.map_err(EngineError::Application)?
            else {
                break;
            };
            size += bytes.len();
            if values.len() >= SYNC_BLOCKS || size > self.config.max_sync_bytes && !values.is_empty() {
                break;
            }
            let Certificate { height, round, block, signatures } = certificate;
            let certificate = commit_of(height, round_of(Some(round)), block, signatures);
            values.push(RawDecidedValue::new(bytes, extended(certificate)));
        }
        Ok(values)
    }
}

fn proposed(proposal: &Proposal, verdict: Verdict) -> Option<ProposedValue<KeisContext>> {
    let validity = match verdict {
        Verdict::Valid => Validity::Valid,
        Verdict::Invalid => Validity::Invalid,
        Verdict::Garbage => return None,
    };
    Some(ProposedValue {
        height: EngineHeight(proposal.height),
        round: round_of(Some(proposal.round)),
        valid_round: round_of(proposal.valid_round),
        proposer: EngineAddress(proposal.proposer),
        value: EngineValue(proposal.block),
        validity,
    })
}
