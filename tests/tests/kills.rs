//! Invariants 4 and 5 under kill -9: of one validator after another, and of all at once, while orders flow.

use std::time::{Duration, Instant};

use keis_tests::check::{agree, all_sign, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::times::told;
use keis_tests::wait::until;
use keis_tests::world::World;

/// Pupils that so many rounds need for their orders.
const fn pupils(rounds: usize) -> usize {
    500 + 80 * rounds
}

/// Until a node that is started shows what the others had come to.
async fn recovered(cluster: &mut Cluster, victim: usize) -> Duration {
    let others = cluster.status((victim + 1) % cluster.len()).await.height;
    let began = Instant::now();
    cluster.start(victim).await;
    until("the killed node catches up", PATIENCE, async || {
        (cluster.status(victim).await.height >= others).then_some(())
    })
    .await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_one_of_four_again_and_again_loses_nothing() {
    let mut cluster = Cluster::running().await;
    let rounds = rounds(6);
    let world = World::open(&cluster, pupils(rounds)).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    let mut recoveries = Vec::new();
    for round in 0..rounds {
        let victim = round % cluster.len();
        flow.progress(20, PATIENCE).await;
        cluster.kill(&[victim]).await;
        flow.progress(20, PATIENCE).await;
        recoveries.push(recovered(&mut cluster, victim).await);
    }
    flow.progress(20, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let all = cluster.all();
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    let (blocks, caught_up) = (agreed.headers.len(), told(&recoveries));
    println!("F8: {blocks} blocks, {} acknowledged; killed nodes have caught up after {caught_up}", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_all_four_at_once_loses_nothing() {
    let mut cluster = Cluster::running().await;
    let rounds = rounds(5);
    let world = World::open(&cluster, pupils(rounds)).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    for _ in 0..rounds {
        flow.progress(25, PATIENCE).await;
        cluster.kill(&all).await;
        cluster.start_all().await;
    }
    flow.progress(25, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    println!(
        "F8: {rounds} power cuts, {} kills: {} blocks equal, 0 lost of {}",
        rounds * all.len(),
        agreed.headers.len(),
        acknowledged.len()
    );
}
