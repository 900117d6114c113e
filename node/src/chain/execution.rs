//! The heavy work on blocks, free of any runtime: proving signatures, executing, building.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keis_ledger::block::{Block, Builder, Executed, InvalidBlock, Refusal, Tip, execute_within};
use keis_ledger::chain::Address;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::TransactionId;
use keis_ledger::list;
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::{RawTransaction, TransactionError, VerifiedTransaction};

use super::error::Fault;

/// Fewer unproven signatures than this are not worth a second thread.
const WORTH_A_THREAD: usize = 32;

/// Longest time spent on adding transactions to a block; consensus waits meanwhile.
pub(super) const BUILD_BUDGET: Duration = Duration::from_millis(60);

/// What building a block came to.
pub(super) struct Built {
    pub(super) executed: Executed,
    /// Transactions that have no effect on this tip.
    pub(super) refused: Vec<(TransactionId, Rejection)>,
}

/// Proves the signature of a transaction, or recalls that it was proven before.
pub(super) type Prove<'a> = &'a (dyn Fn(&[u8]) -> Result<Arc<VerifiedTransaction>, TransactionError> + Sync);

/// Builds a block of what has an effect, in the given order, until it is full or the time is over.
pub(super) fn build(
    parent: &Tip,
    time: Timestamp,
    candidates: &[Arc<VerifiedTransaction>],
    proposer: Address,
    supported: u32,
) -> Result<Built, InvalidBlock> {
    let until = Instant::now() + BUILD_BUDGET;
    let mut builder = Builder::start_within(parent, time, supported)?;
    let mut refused = Vec::new();
    for candidate in candidates {
        match builder.offer(candidate) {
            Ok(()) => {}
            Err(Refusal::Rejected(rejection)) => refused.push((candidate.id(), rejection)),
            Err(Refusal::Full) => break,
        }
        if Instant::now() >= until {
            break;
        }
    }
    Ok(Built { executed: builder.seal(proposer), refused })
}

/// Reads a block whose header commits to exactly these transactions, so that one id never stands for two contents.
/// Whatever else is false about it is the block's own fault.
pub(super) fn read(bytes: &[u8]) -> Option<Block> {
    let block = Block::decode(bytes).ok()?;
    let leaves: Vec<Hash> = block.transactions.iter().map(|raw| list::leaf(&[raw])).collect();
    (list::root(&leaves) == block.header.transactions_root).then_some(block)
}

/// Executes a block on its parent, proving the transactions' signatures.
pub(super) fn judge(parent: &Tip, block: &Block, prove: Prove<'_>, supported: u32) -> Result<Executed, Fault> {
    let transactions = prove_all(block, prove)?;
    Ok(execute_within(parent, block, &transactions, supported)?)
}

/// A prover that recalls nothing.
pub(super) fn prove_anew(network: Hash) -> impl Fn(&[u8]) -> Result<Arc<VerifiedTransaction>, TransactionError> + Sync {
    move |raw| RawTransaction(raw.to_vec()).parse(&network)?.verify(&network).map(Arc::new)
}

/// The block's transactions with their signatures proven, on two threads when there are many.
fn prove_all(block: &Block, prove: Prove<'_>) -> Result<Vec<Arc<VerifiedTransaction>>, Fault> {
    let all = &block.transactions;
    if all.len() < WORTH_A_THREAD {
        return prove_part(0, all, prove);
    }
    let (front, back) = all.split_at(all.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| prove_part(front.len(), back, prove));
        let mut proven = prove_part(0, front, prove)?;
        proven.extend(other.join().expect("proving signatures does not panic")?);
        Ok(proven)
    })
}

fn prove_part(first: usize, part: &[Vec<u8>], prove: Prove<'_>) -> Result<Vec<Arc<VerifiedTransaction>>, Fault> {
    let one = |(index, raw): (usize, &Vec<u8>)| {
        prove(raw).map_err(|_| Fault::Transaction { index: u32::try_from(index).unwrap_or(u32::MAX) })
    };
    (first..).zip(part).map(one).collect()
}
