//! Blocks: building one on a state, and executing one that somebody else built. Both are the same walk.
//!
//! A block's validity depends on its parent, the parent's state and the block alone; the bound against a validator's own
//! clock is the node's to judge. First due work, then transactions in the block's order; a transaction without effect
//! makes the block invalid.

use std::borrow::Borrow;

use bincode::{Decode, Encode};

use crate::chain::{Address, Header, Height};
use crate::classifiers::Year;
use crate::codec::{self, CodecError};
use crate::crypto::{Batch, Domain, Hash, hash};
use crate::ids::{BlockId, TransactionId};
use crate::list;
use crate::plan;
use crate::protocol;
use crate::receipt::{FullReceipt, Receipt};
use crate::record::{DueWork, Network, ProtocolSwitch, RecordKey};
use crate::rejection::Rejection;
use crate::state::{Draft, Effect, State, Work};
use crate::time::{Span, Timestamp};
use crate::transaction::{RawTransaction, VerifiedTransaction};

/// A block as it travels and is stored.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// Its head.
    pub header: Header,
    /// Its transactions' bytes.
    pub transactions: Vec<Vec<u8>>,
}

impl Block {
    /// Reads a block from its bytes; the transactions' own bytes are not yet judged.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are not the one encoding of a block.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode(bytes)
    }

    /// The block's bytes.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Its transactions, in order.
    pub fn raw_transactions(&self) -> impl Iterator<Item = RawTransaction> {
        self.transactions.iter().cloned().map(RawTransaction)
    }
}

/// Where a chain stands: the last block and the state after it.
#[derive(Clone)]
pub struct Tip {
    /// Hash of the genesis document.
    pub network: Hash,
    /// Height of the last block; 0 for genesis.
    pub height: Height,
    /// Id of the last block; zero for genesis.
    pub block: BlockId,
    /// Time of the last block; the genesis document's for genesis.
    pub time: Timestamp,
    /// The state after it.
    pub state: State,
}

/// A block with all that follows from it.
#[derive(Clone)]
pub struct Executed {
    /// The block.
    pub block: Block,
    /// Where the chain stands after it.
    pub tip: Tip,
    /// A receipt for each clock step, then for each transaction.
    pub receipts: Vec<FullReceipt>,
    /// The years that the block seals, with the records that the state lets go of: an archive keeps them.
    pub sealed: Vec<(Year, State)>,
}

/// Why a transaction does not enter a block that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It has no effect.
    Rejected(Rejection),
    /// There is no room; it may enter the next block.
    Full,
}

/// Why a block must not be voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlock {
    /// It does not stand on this tip.
    #[error("the block is for another parent, height or network")]
    Parent,
    /// Its time is not later than its parent's.
    #[error("the block's time {} is not later than its parent's", .0.0)]
    Time(Timestamp),
    /// It is larger than a block may be.
    #[error("the block is larger than the network's bound")]
    TooLarge,
    /// A transaction has no effect.
    #[error("transaction {index} has no effect: {rejection}")]
    NoEffect {
        /// Its place.
        index: u32,
        /// The rule it breaks.
        rejection: Rejection,
    },
    /// Its rules are newer than this build.
    #[error("the block is under version {version} of the rules, which this build does not know")]
    ProtocolUnknown {
        /// The version that is needed.
        version: u32,
    },
    /// A root or hash in the header is not what execution gives.
    #[error("the header does not follow from the block's contents")]
    Header,
}

/// What a block stands on, but for the state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    pub(crate) network: Hash,
    pub(crate) height: Height,
    pub(crate) block: BlockId,
    pub(crate) time: Timestamp,
}

/// A block being built on a tip.
pub struct Builder {
    parent: Parent,
    time: Timestamp,
    draft: Draft,
    limits: Network,
    transactions: Vec<Vec<u8>>,
    /// Their public parts know nothing of their lines yet.
    receipts: Vec<FullReceipt>,
    bytes: usize,
}

/// Bytes of an encoded block without its transactions, and of each transaction's length.
const HEADER_BYTES: usize = 512;
const LENGTH_BYTES: usize = 8;

const NETWORK_STANDS: &str = "genesis puts the network's record, and nothing takes it away";

/// The time of a block that is proposed on `parent` when the proposer's clock shows `clock`.
pub fn next_time(parent: Timestamp, clock: Timestamp) -> Timestamp {
    parent.after(Span(1)).max(clock)
}

impl Tip {
    /// The network's record.
    pub fn network_record(&self) -> &Network {
        self.state.get::<Network>(()).expect(NETWORK_STANDS)
    }

    /// Version of the rules of the next block.
    pub fn next_protocol(&self) -> u32 {
        next_protocol(self.network_record(), self.state.get::<ProtocolSwitch>(()), self.height)
    }
}

impl From<&Tip> for Parent {
    fn from(tip: &Tip) -> Self {
        Self { network: tip.network, height: tip.height, block: tip.block, time: tip.time }
    }
}

/// Version of the rules of the block on a height.
fn next_protocol(network: &Network, switch: Option<&ProtocolSwitch>, height: Height) -> u32 {
    match switch {
        Some(switch) if switch.height <= height.next() => switch.version,
        Some(_) | None => network.parameters.protocol,
    }
}

impl Builder {
    /// Starts a block at `time` with the due work.
    ///
    /// # Errors
    /// [`InvalidBlock::Time`] when the time is not later than the parent's; [`InvalidBlock::ProtocolUnknown`] when the
    /// block's rules are newer than this build.
    pub fn start(parent: &Tip, time: Timestamp) -> Result<Self, InvalidBlock> {
        Self::start_within(parent, time, protocol::LATEST)
    }

    /// The same for a node that knows the rules up to a version: an older build's, that waits for its replacement.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start_within(parent: &Tip, time: Timestamp, supported: u32) -> Result<Self, InvalidBlock> {
        Self::start_on(parent.into(), Draft::of(parent.height.next(), &parent.state), time, supported)
    }

    /// The same on a draft of the next state that has changed nothing yet.
    pub(crate) fn start_on(
        parent: Parent,
        draft: Draft,
        time: Timestamp,
        supported: u32,
    ) -> Result<Self, InvalidBlock> {
        if time <= parent.time {
            return Err(InvalidBlock::Time(time));
        }
        let limits = draft.get::<Network>(()).expect(NETWORK_STANDS).clone();
        let version = next_protocol(&limits, draft.get::<ProtocolSwitch>(()), parent.height);
        if version > supported.min(protocol::LATEST) {
            return Err(InvalidBlock::ProtocolUnknown { version });
        }
        let mut builder =
            Self { parent, time, draft, limits, transactions: Vec::new(), receipts: Vec::new(), bytes: HEADER_BYTES };
        builder.switch(version);
        builder.work_off();
        Ok(builder)
    }

    /// Switches the rules, when the block is the first under another version.
    fn switch(&mut self, version: u32) {
        if version == self.limits.parameters.protocol {
            return;
        }
        let effect = plan::switch_protocol(&self.draft, version);
        self.limits.parameters.protocol = version;
        self.step(effect, Hash::default());
    }

    /// Does the due work: at most `step_budget` records of the queue, and no further once half of what a block may touch
    /// is touched, so that due work never keeps transactions out for good.
    fn work_off(&mut self) {
        let budget = self.limits.parameters.step_budget;
        self.forget(budget.saturating_mul(8));
        let mut from = RecordKey::queue_start();
        let room = self.limits.parameters.max_touched as usize / 2;
        for _ in 0..budget {
            if self.draft.touched() > room {
                break;
            }
            let Some((key, due)) = self.draft.next_due(&from) else { break };
            if key.due > self.time {
                break;
            }
            from = RecordKey::Due(key).place();
            let room = room.saturating_sub(self.draft.touched()).max(1);
            let (effect, seed) = plan::due(&self.draft, self.time, key, due, room);
            self.step(effect, seed);
        }
    }

    /// Commits what no transaction asked for.
    fn step(&mut self, effect: Effect, seed: Hash) {
        let index = self.receipts.len() as u64;
        let height = self.parent.height.next().0;
        let id = hash(Domain::Step, &[&height.to_be_bytes(), &index.to_be_bytes()]).into();
        self.commit(id, effect, false, seed);
    }

    /// Forgets ids of transactions that can no longer be included. Leaves no receipt and has a budget of its own, so that
    /// the ids of a busy day delay no due work.
    fn forget(&mut self, budget: u32) {
        let mut from = RecordKey::known_start();
        for _ in 0..budget {
            let Some((key, DueWork::Forget(_))) = self.draft.next_due(&from) else { break };
            if key.due > self.time {
                break;
            }
            from = RecordKey::Due(key).place();
            let mut work = Work::on(&self.draft);
            work.remove::<DueWork>(key);
            let writes = work.silent();
            self.draft.commit(writes);
        }
    }

    /// Takes a transaction in, if it has an effect and there is room.
    ///
    /// # Errors
    /// [`Refusal`] says which of the two is missing; nothing has changed then.
    pub fn offer(&mut self, transaction: &VerifiedTransaction) -> Result<(), Refusal> {
        self.admit(transaction)?;
        self.transactions.push(transaction.raw().to_vec());
        Ok(())
    }

    fn admit(&mut self, transaction: &VerifiedTransaction) -> Result<(), Refusal> {
        let size = transaction.raw().len() + LENGTH_BYTES;
        if self.bytes + size > self.limits.parameters.max_block_bytes as usize {
            return Err(Refusal::Full);
        }
        if self.draft.touched() >= self.limits.parameters.max_touched as usize {
            return Err(Refusal::Full);
        }
        let effect = plan::plan(&self.draft, self.time, transaction).map_err(Refusal::Rejected)?;
        self.bytes += size;
        self.commit(transaction.id(), effect, transaction.body().behalf.is_some(), transaction.blind());
        Ok(())
    }

    fn commit(&mut self, id: TransactionId, effect: Effect, on_behalf: bool, seed: Hash) {
        self.draft.commit(effect.writes);
        let receipt = Receipt {
            id,
            height: self.parent.height.next(),
            index: u32::try_from(self.receipts.len()).expect("a block of a few megabytes holds fewer"),
            time: self.time,
            kind: effect.kind,
            subject: effect.subject,
            on_behalf,
            total: effect.total,
            lines: 0,
            lines_root: Hash::default(),
        };
        self.receipts.push(FullReceipt { receipt, lines: effect.lines, seed });
    }

    /// Number of transactions taken in.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether the block would hold neither due work nor a transaction.
    pub fn is_empty(&self) -> bool {
        self.receipts.is_empty()
    }

    /// Ends the block.
    ///
    /// # Panics
    /// When money is not conserved: a fault of the rules, after which no node may go on.
    pub fn seal(mut self, proposer: Address) -> Executed {
        let validators = self.limits.validators.hash();
        FullReceipt::complete(&mut self.receipts);
        let mut transactions = Batch::default();
        self.transactions.iter().for_each(|raw| transactions.add(Domain::ListLeaf, &[raw]));
        plan::assert_balanced(&self.draft);
        let sealed = self.draft.sealed().map(|(year, records)| (year, records.clone())).collect();
        let state = self.draft.finish();
        let next = state.get::<Network>(()).expect(NETWORK_STANDS).validators.hash();
        let header = Header {
            protocol: self.limits.parameters.protocol,
            network: self.parent.network,
            height: self.parent.height.next(),
            parent: self.parent.block,
            time: self.time,
            proposer,
            transactions_root: list::root(&transactions.hashes()),
            receipts_root: receipts_root(&self.receipts),
            state_root: state.root(),
            validators,
            next_validators: next,
        };
        let tip =
            Tip { network: self.parent.network, height: header.height, block: header.id(), time: self.time, state };
        let block = Block { header, transactions: self.transactions };
        Executed { block, tip, receipts: self.receipts, sealed }
    }

    /// What the block has come to, for who keeps no states: the draft, receipts that are not complete, and the protocol.
    pub(crate) fn into_parts(self) -> (Draft, Vec<FullReceipt>, u32) {
        plan::assert_balanced(&self.draft);
        (self.draft, self.receipts, self.limits.parameters.protocol)
    }

    /// Takes all of a block's transactions in.
    pub(crate) fn offer_all<T>(mut self, transactions: &[T]) -> Result<Self, InvalidBlock>
    where
        T: Borrow<VerifiedTransaction>,
    {
        for (index, transaction) in (0..).zip(transactions) {
            self.offer(transaction.borrow()).map_err(|refusal| refusal.of(index))?;
        }
        Ok(self)
    }

    /// The same for who has the transactions' bytes elsewhere.
    pub(crate) fn admit_all(mut self, transactions: &[VerifiedTransaction]) -> Result<Self, InvalidBlock> {
        for (index, transaction) in (0..).zip(transactions) {
            self.admit(transaction).map_err(|refusal| refusal.of(index))?;
        }
        Ok(self)
    }
}

impl Refusal {
    /// What it makes of a block that holds the transaction in this place.
    fn of(self, index: u32) -> InvalidBlock {
        match self {
            Self::Rejected(rejection) => InvalidBlock::NoEffect { index, rejection },
            Self::Full => InvalidBlock::TooLarge,
        }
    }
}

/// The root over complete receipts.
pub(crate) fn receipts_root(receipts: &[FullReceipt]) -> Hash {
    let mut batch = Batch::default();
    receipts.iter().for_each(|full| batch.add_value(Domain::ListLeaf, &[], &full.receipt));
    list::root(&batch.hashes())
}

/// Executes a block on its parent. `transactions` are the block's own, in its order, with their signatures proven.
///
/// # Errors
/// [`InvalidBlock`] when the block does not follow from its parent by the rules.
pub fn execute<T>(parent: &Tip, block: &Block, transactions: &[T]) -> Result<Executed, InvalidBlock>
where
    T: Borrow<VerifiedTransaction>,
{
    execute_within(parent, block, transactions, protocol::LATEST)
}

/// The same for a node that knows the rules up to a version.
///
/// # Errors
/// As [`execute`].
pub fn execute_within<T>(
    parent: &Tip,
    block: &Block,
    transactions: &[T],
    supported: u32,
) -> Result<Executed, InvalidBlock>
where
    T: Borrow<VerifiedTransaction>,
{
    let header = &block.header;
    stands_on(&parent.into(), header)?;
    assert!(
        block.transactions.iter().map(Vec::as_slice).eq(transactions.iter().map(|one| one.borrow().raw())),
        "the caller passes the block's own transactions"
    );
    let builder = Builder::start_within(parent, header.time, supported)?;
    let executed = builder.offer_all(transactions)?.seal(header.proposer);
    if executed.block.header != *header {
        return Err(InvalidBlock::Header);
    }
    Ok(executed)
}

/// The block is the next one.
pub(crate) fn stands_on(parent: &Parent, header: &Header) -> Result<(), InvalidBlock> {
    if header.network != parent.network || header.height != parent.height.next() || header.parent != parent.block {
        return Err(InvalidBlock::Parent);
    }
    Ok(())
}
