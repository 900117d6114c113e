//! Four nodes in one process: they agree, survive restarts, and rebuild what was lost.

use std::time::Duration;

use keis_ledger::chain::Height;
use keis_ledger::ids::SchoolId;
use keis_ledger::receipt::Kind;
use keis_ledger::record::School;
use keis_ledger::time::Timestamp;
use keis_node::chain::load;
use keis_node::store::{Options, Store};

use crate::cluster_support::{Cluster, START, open_provider, open_school};

const ALL: [usize; 4] = [0, 1, 2, 3];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_nodes_commit_the_same_blocks() {
    let mut cluster = Cluster::running(true).await;
    let school = cluster.submit(0, open_school(1));
    let provider = cluster.submit(3, open_provider(1));
    for number in ALL {
        let located = cluster.receipt(number, &school).await;
        assert_eq!(located.full.receipt.kind, Kind::SchoolsOpened);
        assert_eq!(located.header.height, located.full.receipt.height);
        assert_eq!(cluster.receipt(number, &provider).await.full.receipt.kind, Kind::ProvidersOpened);
        let proof = cluster.node(number).archive().prove(&school).expect("readable").expect("a known receipt");
        proof.verify(&located.header.receipts_root, &located.full.receipt.leaf()).expect("a proof that holds");
        let tip = cluster.tip(number);
        assert!(tip.state.get::<School>(SchoolId([1; 16])).is_some(), "node {number}");
    }
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn blocks_carry_the_time_that_the_driver_shows() {
    let mut cluster = Cluster::running(true).await;
    let later = Timestamp(START.0 + 30 * 24 * 60 * 60 * 1000);
    cluster.step(2, later);
    for number in ALL {
        let reached =
            tokio::time::timeout(crate::cluster_support::PATIENCE, cluster.node(number).clock().reached(later));
        reached.await.expect("the step reaches every node");
    }
    let school = cluster.submit(0, open_school(1));
    let located = cluster.receipt(1, &school).await;
    assert!(located.header.time >= later && located.header.time.0 < later.0 + 1_000);
    cluster.assert_equal(&ALL).await;
    let latest = Timestamp(later.0 + 1_000_000);
    cluster.step(0, latest);
    cluster.stop_all().await;
    cluster.start(0).await;
    assert!(cluster.node(0).clock().now() >= latest, "the step outlives the process");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_was_away_catches_up() {
    let mut cluster = Cluster::running(true).await;
    let first = cluster.submit(0, open_school(1));
    cluster.receipt(2, &first).await;
    cluster.stop(2).await;
    for number in 2..6 {
        let school = cluster.submit(0, open_school(number));
        cluster.receipt(1, &school).await;
    }
    cluster.start(2).await;
    let last = cluster.submit(2, open_school(6));
    for number in ALL {
        cluster.receipt(number, &last).await;
    }
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_four_start_again_where_they_stood() {
    let mut cluster = Cluster::running(true).await;
    let first = cluster.submit(0, open_school(1));
    for number in ALL {
        cluster.receipt(number, &first).await;
    }
    cluster.assert_equal(&ALL).await;
    let (height, root) = (cluster.tip(0).height, cluster.tip(0).state.root());
    cluster.stop_all().await;
    cluster.start_all().await;
    for number in ALL {
        let tip = cluster.tip(number);
        assert!(tip.height >= height);
        let header = cluster.node(number).archive().header(height).expect("readable").expect("stored");
        assert_eq!(header.state_root, root, "node {number}");
        cluster.receipt(number, &first).await;
    }
    let second = cluster.submit(1, open_school(2));
    for number in ALL {
        cluster.receipt(number, &second).await;
    }
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wiped_store_is_rebuilt_from_peers() {
    let mut cluster = Cluster::running(true).await;
    let mut receipts = Vec::new();
    for number in 1..6 {
        let school = cluster.submit(0, open_school(number));
        cluster.receipt(3, &school).await;
        receipts.push(school);
    }
    cluster.stop(3).await;
    std::fs::remove_dir_all(cluster.store(3)).expect("the store is removed");
    cluster.start(3).await;
    for receipt in &receipts {
        cluster.receipt(3, receipt).await;
    }
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_damaged_store_is_set_aside_and_rebuilt_from_peers() {
    let mut cluster = Cluster::running(true).await;
    let mut receipts = Vec::new();
    for number in 1..4 {
        let school = cluster.submit(0, open_school(number));
        cluster.receipt(3, &school).await;
        receipts.push(school);
    }
    cluster.stop(3).await;
    let data = cluster.store(3).join("sled/db");
    let mut bytes = std::fs::read(&data).expect("the data file");
    for at in (4_096..bytes.len()).step_by(509) {
        bytes[at] ^= 0x55;
    }
    std::fs::write(&data, bytes).expect("damaged");
    cluster.start(3).await;
    for receipt in &receipts {
        cluster.receipt(3, receipt).await;
    }
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_snapshot_and_a_whole_replay_give_the_same_state() {
    let mut cluster = Cluster::new(true, |config| config.snapshot.blocks = 3);
    cluster.start_all().await;
    for number in 1..9 {
        let school = cluster.submit(0, open_school(number));
        cluster.receipt(0, &school).await;
    }
    let root = cluster.tip(0).state.root();
    let height = cluster.tip(0).height;
    cluster.stop_all().await;
    let (store, _) = Store::open(cluster.store(0), Options::new(cluster.network().0)).expect("the store opens");
    let genesis = cluster.genesis.tip();
    let short = load(&store, &genesis).expect("the chain loads");
    assert!(short.snapshot.is_some_and(|at| at.0 >= 3), "no snapshot was written in {height} blocks");
    for at in store.snapshot_heights().expect("readable") {
        store.remove_snapshot(at).expect("removed");
    }
    let whole = load(&store, &genesis).expect("the chain loads");
    assert_eq!((whole.snapshot, whole.replayed), (None, whole.tip.height.0));
    assert_eq!(whole.tip.state.root(), short.tip.state.root());
    assert_eq!(whole.tip.block, short.tip.block);
    if whole.tip.height == height {
        assert_eq!(whole.tip.state.root(), root);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_network_makes_no_blocks() {
    let mut cluster = Cluster::running(true).await;
    let school = cluster.submit(0, open_school(1));
    for number in ALL {
        cluster.receipt(number, &school).await;
    }
    let mut views = cluster.node(0).views();
    // A block that was begun before the transaction was decided may still come; afterwards nothing does.
    let settled = tokio::time::timeout(Duration::from_secs(3), views.wait_for(|view| view.height() > Height(4))).await;
    assert!(settled.is_err(), "blocks are made without work");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn real_time_enters_the_blocks() {
    let mut cluster = Cluster::running(false).await;
    let before = cluster.node(0).clock().now();
    let school = cluster.submit(0, open_school(1));
    let located = cluster.receipt(2, &school).await;
    let after = cluster.node(0).clock().now();
    assert!(located.header.time >= before && located.header.time <= after);
    cluster.assert_equal(&ALL).await;
    cluster.stop_all().await;
}
