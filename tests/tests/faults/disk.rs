//! F1, F2, F4 and F6: a node that dies at any write or sync, a power cut, a sync that fails, a slow disk.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use keis_tests::check::{agree, all_sign, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::times::told;
use keis_tests::world::World;

use crate::ended_well;
use crate::ground::{Ground, text};

/// Whose disk fails.
const VICTIM: usize = 3;
const KILLED: i32 = 9;
/// How a node ends at a point: before it, with half of a write done, or with everything gone that no sync followed.
const ENDS: [&str; 3] = ["before", "torn", "cut"];

/// Points of one network: what a start reads grows with every point, so that a long form takes one network after another.
const MOST_POINTS: usize = 100;

/// What came of the points that one network went through.
struct Part {
    points: usize,
    died: usize,
    acknowledged: usize,
    blocks: usize,
}

/// Lets a node die at points of one part in so many of a run, so many points, each in every way.
async fn f1_part(ground: &Ground, part: usize, parts: usize, most: usize) -> Part {
    let mut cluster = Cluster::found(4).await;
    cluster.set("SNAPSHOT__BLOCKS", "4");
    cluster.start_all().await;
    let world = World::open(&cluster, 1_000 + 40 * most).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    let points = ground.count(&mut cluster, VICTIM, &mut flow).await;
    let (first, last) = (part * points / parts, (part + 1) * points / parts);
    let here = most.min(last - first);
    for number in 0..here {
        let point = (1 + first + number * (last - first) / here).to_string();
        let seed = number.to_string();
        for end in ENDS {
            let faults = [("KEIS_DISK_KILL", point.as_str()), ("KEIS_DISK_END", end), ("KEIS_DISK_SEED", &seed)];
            cluster.start_within(VICTIM, ground.disk(&cluster, VICTIM, &faults));
            let ended = cluster.run_to_end(VICTIM).await;
            assert_eq!(ended.signal(), Some(KILLED), "point {point}, {end}: {ended}\n{}", cluster.tail(VICTIM));
        }
        flow.progress(1, PATIENCE).await;
    }
    cluster.start_within(VICTIM, Vec::new());
    cluster.start(VICTIM).await;
    flow.progress(20, PATIENCE).await;
    let (agreed, acknowledged) = ended_well(&mut cluster, flow).await;
    Part { points, died: here, acknowledged: acknowledged.len(), blocks: agreed.headers.len() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f1_a_node_that_dies_at_any_write_or_sync_loses_nothing_and_signs_on() {
    let (ground, began) = (Ground::build(), Instant::now());
    let wanted = rounds(15).div_ceil(ENDS.len());
    let parts = wanted.div_ceil(MOST_POINTS);
    let (mut covered, mut deaths, mut acknowledged, mut blocks) = (0.0, 0, 0, 0);
    for part in 0..parts {
        let done = f1_part(&ground, part, parts, wanted.div_ceil(parts)).await;
        covered += 100.0 * done.died as f64 / done.points as f64;
        deaths += done.died * ENDS.len();
        (acknowledged, blocks) = (acknowledged + done.acknowledged, blocks + done.blocks);
        let took = began.elapsed().as_secs();
        println!(
            "F1: {covered:.0} % of some {} points, each with {ENDS:?}: {deaths} deaths in {took} s, {acknowledged} acknowledged, 0 lost, 0 conflicting signatures, {blocks} blocks equal",
            done.points
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_power_cut_of_all_that_takes_back_what_was_not_synced_loses_nothing() {
    let (ground, mut cluster) = (Ground::build(), Cluster::found(4).await);
    cluster.set("SNAPSHOT__BLOCKS", "10");
    cluster.start_all().await;
    let cuts = rounds(3);
    let world = World::open(&cluster, 500 + 20 * cuts).await;
    let (all, trigger) = (cluster.all(), ground.file("trigger"));
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    cluster.kill(&all).await;
    let mut recoveries = Vec::new();
    for round in 0..=cuts {
        // Seed 0: nothing of what was not synced is left. Others: some of it, in any order.
        let seed = (round / 2 * (round % 2)).to_string();
        let faults = [("KEIS_DISK_END", "cut"), ("KEIS_DISK_SEED", &seed), ("KEIS_DISK_TRIGGER", text(&trigger))];
        for node in &all {
            let last = round == cuts;
            cluster.start_within(*node, if last { Vec::new() } else { ground.disk(&cluster, *node, &faults) });
        }
        let began = Instant::now();
        cluster.start_all().await;
        flow.progress(1, PATIENCE).await;
        recoveries.push(began.elapsed());
        flow.progress(25, PATIENCE).await;
        if round < cuts {
            File::create(&trigger).expect("a folder of ours");
            for node in &all {
                assert_eq!(cluster.ended(*node).await.signal(), Some(KILLED), "{}", cluster.tail(*node));
            }
            fs::remove_file(&trigger).expect("it was made");
        }
    }
    let (agreed, acknowledged) = ended_well(&mut cluster, flow).await;
    println!(
        "F2: {cuts} power cuts of all four, {} acknowledged, 0 lost, {} blocks equal; first order after the start {}",
        acknowledged.len(),
        agreed.headers.len(),
        told(&recoveries)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_a_node_whose_disk_cannot_sync_stops_and_counts_nothing_as_done() {
    let (ground, mut cluster) = (Ground::build(), Cluster::found(4).await);
    cluster.start_all().await;
    let all = cluster.all();
    let again = rounds(1);
    let world = World::open(&cluster, 500 + 100 * again).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    let (trigger, mut stops, mut after) = (ground.file("trigger"), 0, Vec::new());
    for round in 0..again {
        for (number, file) in ["guard/sign.log", "sled/db", "consensus/wal"].into_iter().enumerate() {
            let node = (1 + number + round) % all.len();
            let faults = [("KEIS_DISK_FAIL", file), ("KEIS_DISK_TRIGGER", text(&trigger))];
            cluster.kill(&[node]).await;
            cluster.start_within(node, ground.disk(&cluster, node, &faults));
            cluster.start(node).await;
            flow.progress(20, PATIENCE).await;
            File::create(&trigger).expect("a folder of ours");
            let began = Instant::now();
            let ended = cluster.ended(node).await;
            after.push(began.elapsed());
            assert!(ended.code().is_some_and(|code| code != 0), "{file}: {ended}\n{}", cluster.tail(node));
            let points = ground.points(node);
            let failed = points.iter().position(|point| point.starts_with("fail ")).expect("a sync failed");
            // sled syncs its file once more as it closes; nothing is acknowledged on the strength of that.
            let counts = |point: &String| {
                point == "write store/acknowledged" || (file != "sled/db" && *point == format!("sync {file}"))
            };
            let retried = points[failed..].iter().find(|point| counts(point));
            assert!(retried.is_none(), "{file}: {:?}", &points[failed..]);
            fs::remove_file(&trigger).expect("it was made");
            cluster.start_within(node, Vec::new());
            cluster.start(node).await;
            stops += 1;
        }
    }
    flow.progress(20, PATIENCE).await;
    let (_, acknowledged) = ended_well(&mut cluster, flow).await;
    println!(
        "F4: {stops} failed syncs of sign log, store and engine's log, {stops} stops ({}), 0 counted as done, {} acknowledged, 0 lost",
        told(&after),
        acknowledged.len()
    );
}

/// What a disk that spins takes for a sync: half a turn and the way of its head, and twice that.
const SLOW: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(20)];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_beside_a_slow_disk_the_others_go_on() {
    let (ground, mut cluster) = (Ground::build(), Cluster::found(4).await);
    cluster.start_all().await;
    let all = cluster.all();
    let more = 120 * rounds(1);
    let world = World::open(&cluster, 700 + 2 * more).await;
    let mut flow = Flow::through(&cluster, &world, 0, &[0, 1, 2]);
    flow.progress(100, PATIENCE).await;
    flow.times();
    flow.progress(more, PATIENCE * 10).await;
    let mut figures = vec![format!("as it is {}", told(&flow.times()))];
    for slow in SLOW {
        cluster.kill(&[VICTIM]).await;
        let delay = slow.as_micros().to_string();
        cluster.start_within(VICTIM, ground.disk(&cluster, VICTIM, &[("KEIS_DISK_DELAY", &delay)]));
        cluster.start(VICTIM).await;
        flow.progress(100, PATIENCE).await;
        flow.times();
        flow.progress(more, PATIENCE * 10).await;
        figures.push(format!("{} ms more for every sync of one {}", slow.as_millis(), told(&flow.times())));
    }
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    println!("F6: {}", figures.join("; "));
}
