//! F7: a machine's clock that is off.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keis_ledger::time::{Span, Timestamp};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::times::told;
use keis_tests::world::World;

use crate::ended_well;
use crate::ground::Ground;

const WRONG: usize = 3;
const DAY: i64 = 86_400;
const OFF: [(&str, i64); 4] = [
    ("a day ahead", DAY),
    ("ten years ahead", 3_650 * DAY),
    ("a day behind", -DAY),
    ("ten years behind", -3_650 * DAY),
];

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("this machine's clock is right");
    Timestamp(u64::try_from(since.as_millis()).expect("these days"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_one_wrong_clock_neither_stops_the_network_nor_moves_its_time() {
    let (ground, mut cluster) = (Ground::build(), Cluster::found_on_real_time(4).await);
    let file = ground.file("clock");
    fs::write(&file, "0").expect("a folder of ours");
    cluster.start_within(WRONG, ground.clock(&file));
    let began = now();
    cluster.start_all().await;
    let (again, more) = (rounds(1), 24);
    let world = World::open_at(&cluster, 500 + 300 * again, began).await;
    let mut flow = Flow::through(&cluster, &world, 0, &[0, 1, 2]);
    flow.progress(more, PATIENCE).await;
    flow.times();
    flow.progress(more, PATIENCE).await;
    let mut figures = vec![format!("right {}", told(&flow.times()))];
    for round in 0..again {
        for (name, seconds) in OFF {
            fs::write(&file, seconds.to_string()).expect("a folder of ours");
            if round % 2 == 1 {
                // It starts with the wrong time, too.
                cluster.kill(&[WRONG]).await;
                cluster.start(WRONG).await;
            }
            flow.progress(more, PATIENCE).await;
            figures.push(format!("{name} {}", told(&flow.times())));
            cluster.assert_alive(WRONG);
        }
    }
    fs::write(&file, "0").expect("a folder of ours");
    flow.progress(more, PATIENCE).await;
    let (agreed, acknowledged) = ended_well(&mut cluster, flow).await;
    let bound = cluster.genesis.document().parameters.clock_bound;
    let times: Vec<Timestamp> = agreed.headers.iter().map(|header| header.time).collect();
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "time went back: {times:?}");
    assert!(times[0] >= began.before(Span(1_000)), "the first block is older than the network");
    assert!(times.iter().all(|time| *time <= now().after(bound)), "a block is ahead of the true time");
    println!("F7: {} blocks in order of time, 0 lost of {}; {}", times.len(), acknowledged.len(), figures.join("; "));
    tokio::time::timeout(Duration::from_secs(15), cluster.stop(WRONG, PATIENCE)).await.expect("it stops");
}
