//! Clean ends, restarts from a snapshot, and a disk that changes what it holds.

use std::fs;
use std::time::Duration;

use keis_tests::check::{agree, all_sign, rest, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::flow::Flow;
use keis_tests::wait::until;
use keis_tests::world::World;

/// Longest time that an orderly end may take.
const END: Duration = Duration::from_secs(15);
const PUPILS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_they_end_well_and_start_where_they_stood() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("SNAPSHOT__BLOCKS", "20");
    cluster.start_all().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(150, PATIENCE).await;
    // One stops while orders flow; the others go on.
    assert!(cluster.stop(2, END).await.success(), "{}", cluster.tail(2));
    flow.progress(20, PATIENCE).await;
    cluster.start(2).await;
    let acknowledged = flow.finish().await;
    let before = rest(&cluster, &all).await;
    for (node, gateway) in cluster.gateways().into_iter().enumerate().filter(|(node, _)| *node != 2) {
        until(&format!("a snapshot is written by {node}"), PATIENCE, async || {
            let metrics = http().get(format!("{gateway}/metrics")).send().await.ok()?.text().await.ok()?;
            let height = metrics.lines().find_map(|line| line.strip_prefix("keis_snapshot_height "))?;
            (height != "0").then_some(())
        })
        .await;
    }
    for node in &all {
        assert!(cluster.stop(*node, END).await.success(), "{}", cluster.tail(*node));
    }
    cluster.start_all().await;
    let agreed = agree(&mut cluster, &all).await;
    for before in &before {
        // What was under way when they were asked to stop may follow; nothing of what stood may change.
        let header = &agreed.headers[usize::try_from(before.height.0 - 1).expect("few blocks")];
        assert_eq!((header.id(), header.time, header.state_root), (before.block, before.time, before.state_root));
    }
    assert_eq!(agreed.headers.last().map(|header| header.state_root), before.first().map(|before| before.state_root));
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bits_that_flip_on_a_disk_are_repaired_or_refused_and_never_served() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(60, PATIENCE).await;
    let acknowledged = flow.finish().await;
    rest(&cluster, &all).await;
    // Flips at places spread over the file; each alone, because a start repairs what the one before left.
    for part in 1..4 {
        cluster.kill(&[1]).await;
        let data = cluster.home(1).join("store/sled/db");
        let mut bytes = fs::read(&data).expect("the store's data");
        let written = bytes.iter().rposition(|byte| *byte != 0).expect("something is stored");
        bytes[written * part / 4] ^= 0x10;
        fs::write(&data, bytes).expect("the disk flips a bit");
        cluster.start(1).await;
        let agreed = agree(&mut cluster, &all).await;
        survived(&cluster, &all, &agreed, &acknowledged).await;
    }
    all_sign(&cluster, &all).await;
}
