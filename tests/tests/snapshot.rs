//! A node without a chain joins a network that lives, at a snapshot that the certificates prove, and completes its history.

use keis_ledger::chain::Height;
use keis_tests::check::{agree, all_sign, survived, whole};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::council::{newcomer, restart, set_validators, takes_part};
use keis_tests::flow::Flow;
use keis_tests::wait::until;
use keis_tests::world::World;

const PUPILS: usize = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newcomer_and_a_wiped_validator_join_at_a_snapshot_while_orders_flow() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("SNAPSHOT__BLOCKS", "20");
    cluster.set("SYNC__FAR_BEHIND", "40");
    cluster.start_all().await;
    let world = World::open(&cluster, PUPILS).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    // The validators have changed before: the newcomer has to follow that, too.
    let mut validators = cluster.genesis.validators().as_slice().to_vec();
    validators.iter_mut().for_each(|one| one.power = 2);
    set_validators(&mut cluster, validators, Vec::new()).await;
    until("the network is far ahead", PATIENCE, async || (cluster.status(0).await.height > Height(80)).then_some(()))
        .await;
    let newcomer = newcomer(&mut cluster).await;
    for node in 0..4 {
        flow.progress(10, PATIENCE).await;
        restart(&mut cluster, node).await;
    }
    cluster.start(newcomer.node).await;
    takes_part(&cluster, newcomer.node, false, newcomer.validator.address()).await;
    joined_at_a_snapshot(&cluster, newcomer.node, 1).await;
    // The same way back for a validator that lost its disk, only that it votes again.
    cluster.kill(&[2]).await;
    cluster.wipe(2);
    flow.progress(20, PATIENCE).await;
    cluster.start(2).await;
    joined_at_a_snapshot(&cluster, 2, 1).await;
    takes_part(&cluster, 2, true, cluster.address(2)).await;
    flow.progress(20, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let all = cluster.all();
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    println!("{} blocks, {} acknowledged", agreed.headers.len(), acknowledged.len());
}

/// The node says that it began at a snapshot, and tells every block from the first on after a while.
async fn joined_at_a_snapshot(cluster: &Cluster, node: usize, times: usize) {
    assert_eq!(cluster.log(node).matches("joined at a snapshot").count(), times, "{}", cluster.tail(node));
    whole(cluster, node).await;
}
