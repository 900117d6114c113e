//! The chain as the engine sees it, question by question, with crashes in between.

use bytes::Bytes;
use keis_engine::{Application, Proposal, Verdict};
use keis_genesis::Genesis;
use keis_ledger::block::{Block, Builder};
use keis_ledger::chain::{Address, Certificate, Height, VoteStep, vote_bytes};
use keis_ledger::ids::BlockId;
use keis_ledger::list;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, RawTransaction, VerifiedTransaction};
use keis_node::chain::{Archive, Chain, Published, SnapshotPolicy, load};
use keis_node::clock::Clock;
use keis_node::documents::Documents;
use keis_node::mempool::{Limits, Mempool, Origin};
use keis_node::store::{Options, Store};
use keis_node::view::Views;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::cluster_support::{START, genesis, key, open_school};

const FAR: SnapshotPolicy = SnapshotPolicy { blocks: u64::MAX, bytes: u64::MAX };

/// A chain without an engine.
struct Bench {
    folder: TempDir,
    genesis: Genesis,
}

struct Opened {
    chain: Chain,
    mempool: Mempool,
    archive: Archive,
    views: Views,
    clock: Clock,
    stop: watch::Sender<bool>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), genesis: genesis(4, true) }
    }

    /// Opens the chain; dropping it without a word is the crash.
    fn open(&self, policy: SnapshotPolicy) -> Opened {
        self.open_with(policy, Options::new(self.genesis.hash().0))
    }

    fn open_with(&self, policy: SnapshotPolicy, options: Options) -> Opened {
        let network = self.genesis.hash();
        let (store, _) = Store::open(self.folder.path(), options).expect("the store opens");
        let loaded = load(&store, &self.genesis.tip()).expect("the chain loads");
        let clock = Clock::simulated(network, key(4, 0).public(), START);
        let published = Published::new(&store, loaded, true);
        let (views, archive) = (published.views(), published.archive());
        let documents = Documents::open(store.clone()).expect("readable documents");
        let mempool = Mempool::new(Limits::default(), network, views.clone(), clock.clone(), documents);
        let (stop, stopping) = watch::channel(false);
        let chain = Chain::new(store, published, mempool.clone(), clock.clone(), policy, stopping);
        Opened { chain: chain.expect("a chain"), mempool, archive, views, clock, stop }
    }

    fn transaction(&self, number: u8) -> VerifiedTransaction {
        let operator = key(3, 0);
        let body = Body {
            signer: operator.public(),
            behalf: None,
            salt: u64::from(number),
            valid_until: START.after(Span(60_000)),
            operation: open_school(number),
        };
        let raw = RawTransaction(body.sign(&self.genesis.hash(), &operator).raw().to_vec());
        let parsed = raw.parse(&self.genesis.hash()).expect("well formed");
        parsed.verify(&self.genesis.hash()).expect("signed")
    }

    fn certificate(&self, height: Height, block: BlockId) -> Certificate {
        let network = self.genesis.hash();
        let signatures = (0..3).map(|number| {
            let key = key(1, number);
            let voter = Address::of(&key.public());
            let message = vote_bytes(&network, VoteStep::Precommit, height, 0, Some(block), &voter);
            (voter, key.sign(&message))
        });
        Certificate { height, round: 0, block, signatures: signatures.collect() }
    }
}

impl Opened {
    /// A block of one transaction as another validator would build it now, at a time of its own.
    fn foreign(&self, bench: &Bench, number: u8, time: Timestamp) -> Proposal {
        let tip = self.views.borrow().tip.clone();
        let mut builder = Builder::start(&tip, time).expect("a later time");
        builder.offer(&bench.transaction(number)).expect("it has an effect");
        let executed = builder.seal(Address::of(&key(1, 3).public()));
        proposal(&executed.block)
    }
}

fn proposal(block: &Block) -> Proposal {
    Proposal {
        height: block.header.height,
        round: 0,
        valid_round: None,
        proposer: block.header.proposer,
        block: block.header.id(),
        bytes: Bytes::from(block.encode()),
    }
}

fn own() -> Address {
    Address::of(&key(1, 0).public())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_proposed_is_proposed_again_after_a_crash() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    opened.mempool.submit(bench.transaction(1).raw().to_vec(), Origin::Client).expect("taken");
    let first = opened.chain.propose(Height(1), 0, own()).await.expect("a proposal");
    assert_eq!(Block::decode(&first.bytes).expect("a block").transactions.len(), 1);
    drop(opened);
    let mut opened = bench.open(FAR);
    let again = opened.chain.propose(Height(1), 0, own()).await.expect("a proposal");
    assert_eq!(first, again);
    assert_eq!(opened.chain.undecided(Height(1), 0).await.expect("readable"), vec![(first.clone(), Verdict::Valid)]);
    assert_eq!(opened.chain.find(Height(1), first.block).await.expect("readable"), Some(first.clone()));
    let other = opened.chain.propose(Height(1), 1, own()).await.expect("a proposal");
    assert_eq!(other.round, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_block_is_committed_after_a_crash() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    let block = opened.foreign(&bench, 1, Timestamp(START.0 + 5));
    assert_eq!(opened.chain.receive(block.clone(), true).await.expect("judged"), Verdict::Valid);
    drop(opened);
    let mut opened = bench.open(FAR);
    let certificate = bench.certificate(Height(1), block.block);
    opened.chain.commit(certificate.clone()).await.expect("committed");
    assert_eq!(opened.views.borrow().height(), Height(1));
    assert_eq!(opened.archive.certificate(Height(1)).expect("readable"), Some(certificate.clone()));
    let id = bench.transaction(1).id();
    assert_eq!(opened.archive.receipt(&id).expect("readable").expect("a receipt").full.receipt.id, id);
    opened.chain.commit(certificate).await.expect("a second time changes nothing");
    let root = opened.views.borrow().tip.state.root();
    let served = opened.chain.decided(Height(1)).await.expect("readable").expect("stored");
    assert_eq!(served.0, block.bytes);
    drop(opened);
    let opened = bench.open(FAR);
    assert_eq!(opened.views.borrow().tip.state.root(), root);
    assert_eq!(opened.views.borrow().header.as_ref().map(keis_ledger::chain::Header::id), Some(block.block));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_from_the_future_is_invalid_until_a_quorum_voted_for_it() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    let bound = bench.genesis.document().parameters.clock_bound;
    let block = opened.foreign(&bench, 1, START.after(bound).after(Span(1)));
    assert_eq!(opened.chain.receive(block.clone(), true).await.expect("judged"), Verdict::Invalid);
    drop(opened);
    let mut opened = bench.open(FAR);
    // The clock is there by now, and the verdict stays: it was given once.
    opened.clock.not_before(START.after(bound));
    assert_eq!(opened.chain.receive(block.clone(), true).await.expect("judged"), Verdict::Invalid);
    assert_eq!(opened.chain.receive(block.clone(), false).await.expect("judged"), Verdict::Valid);
    assert_eq!(opened.chain.receive(block.clone(), true).await.expect("judged"), Verdict::Valid);
    opened.chain.commit(bench.certificate(Height(1), block.block)).await.expect("committed");
    assert_eq!(opened.clock.now(), opened.views.borrow().tip.time);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_is_refused() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    let sound = opened.foreign(&bench, 1, Timestamp(START.0 + 5));
    let mut twice = Block::decode(&sound.bytes).expect("a block");
    twice.transactions.push(bench.transaction(1).raw().to_vec());
    let mut unsigned = Block::decode(&sound.bytes).expect("a block");
    *unsigned.transactions[0].last_mut().expect("some bytes") ^= 1;
    for mut wrong in [twice, unsigned] {
        // Other content under the sound block's id must not stand in its way.
        let disguised = proposal(&wrong);
        assert_eq!(disguised.block, sound.block);
        assert_eq!(opened.chain.identify(&disguised.bytes), None);
        assert_eq!(opened.chain.receive(disguised, true).await.expect("judged"), Verdict::Garbage);
        let leaves: Vec<_> = wrong.transactions.iter().map(|raw| list::leaf(&[raw])).collect();
        wrong.header.transactions_root = list::root(&leaves);
        assert_eq!(opened.chain.receive(proposal(&wrong), true).await.expect("judged"), Verdict::Invalid);
    }
    let mut other = Block::decode(&sound.bytes).expect("a block");
    other.header.state_root.0[0] ^= 1;
    assert_eq!(opened.chain.receive(proposal(&other), false).await.expect("judged"), Verdict::Invalid);
    let garbage = Proposal { bytes: Bytes::from_static(b"no block"), ..sound.clone() };
    assert_eq!(opened.chain.receive(garbage, true).await.expect("judged"), Verdict::Garbage);
    let later = Proposal { height: Height(2), ..sound.clone() };
    assert_eq!(opened.chain.receive(later, true).await.expect("judged"), Verdict::Garbage);
    assert_eq!(opened.chain.receive(sound.clone(), true).await.expect("judged"), Verdict::Valid);
    assert!(opened.chain.commit(bench.certificate(Height(1), BlockId([7; 32]))).await.is_err(), "an unknown block");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decided_block_that_is_invalid_here_ends_the_node() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    let sound = opened.foreign(&bench, 1, Timestamp(START.0 + 5));
    let mut block = Block::decode(&sound.bytes).expect("a block");
    block.header.state_root.0[0] ^= 1;
    let wrong = proposal(&block);
    assert_eq!(opened.chain.receive(wrong.clone(), true).await.expect("judged"), Verdict::Invalid);
    assert!(opened.chain.commit(bench.certificate(Height(1), wrong.block)).await.is_err());
    assert_eq!(opened.views.borrow().height(), Height(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_of_one_height_are_bounded() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    let mut refused = 0;
    for number in 0..64u64 {
        let block = opened.foreign(&bench, 1, Timestamp(START.0 + 1 + number));
        refused += u32::from(opened.chain.receive(block, true).await.expect("judged") == Verdict::Garbage);
    }
    assert_eq!(refused, 32);
    let decided = opened.foreign(&bench, 2, Timestamp(START.0 + 1));
    assert_eq!(
        opened.chain.receive(decided, false).await.expect("judged"),
        Verdict::Valid,
        "a quorum stands behind it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_not_the_state_of_its_block_is_not_used() {
    let bench = Bench::new();
    let mut opened = bench.open(FAR);
    for number in 1..=3u8 {
        let block = opened.foreign(&bench, number, Timestamp(START.0 + 10 * u64::from(number)));
        assert_eq!(opened.chain.receive(block.clone(), true).await.expect("judged"), Verdict::Valid);
        opened.chain.commit(bench.certificate(block.height, block.block)).await.expect("committed");
    }
    let tip = opened.views.borrow().tip.clone();
    drop(opened);
    let (store, _) = Store::open(bench.folder.path(), Options::new(bench.genesis.hash().0)).expect("the store opens");
    // The state of genesis, called the state of height 2.
    let id = store.link(2).expect("readable").expect("stored").id;
    let mut writer = store.snapshot_writer(2, id).expect("a snapshot");
    let state = bench.genesis.state();
    let records: Vec<_> = state.records().collect();
    writer.write(&keis_ledger::codec::encode(&records)).expect("written");
    writer.finish().expect("finished");
    let loaded = load(&store, &bench.genesis.tip()).expect("the chain loads");
    assert_eq!((loaded.snapshot, loaded.replayed), (None, 3));
    assert_eq!(loaded.tip.state.root(), tip.state.root());
    assert!(store.snapshot_heights().expect("readable").is_empty(), "it is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_the_chain_wait() {
    let bench = Bench::new();
    drop(bench.open(FAR));
    let full = Options { min_free_bytes: 1 << 62, ..Options::new(bench.genesis.hash().0) };
    let mut opened = bench.open_with(FAR, full);
    let block = opened.foreign(&bench, 1, Timestamp(START.0 + 5));
    let stop = opened.stop.clone();
    let judged = tokio::spawn(async move { opened.chain.receive(block, true).await });
    tokio::task::yield_now().await;
    assert!(!judged.is_finished(), "nothing is answered that is not durable");
    stop.send_replace(true);
    assert!(judged.await.expect("no panic").is_err(), "a node that stops does not wait for room");
}
