//! A running network goes over to newer rules: one build after the other is replaced while orders flow, the rules switch at
//! a height, and a node that was forgotten stops before it would err, and catches up when it is replaced.

use keis_genesis::default_parameters;
use keis_ledger::chain::Height;
use keis_ledger::operation::Measure;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_tests::check::{agree, all_sign, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::council::{decide, restart};
use keis_tests::flow::Flow;
use keis_tests::world::World;

const PUPILS: usize = 1_500;
/// Blocks between the decision and the switch.
const NOTICE: u64 = 30;
/// What a build says by its exit code that does not know the rules to come.
const OUTDATED: i32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_switch_at_a_height_under_a_rolling_upgrade() {
    let parameters = NetworkParameters { protocol: protocol::FIRST, ..default_parameters() };
    let mut cluster = Cluster::found_under(4, parameters).await;
    let (all, first) = (cluster.all(), protocol::FIRST.to_string());
    for node in &all {
        cluster.start_with(*node, &["--protocol-up-to", &first]);
    }
    cluster.start_all().await;
    let world = World::open(&cluster, PUPILS).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    // Three are upgraded, one after the other, while old and new builds decide together.
    for node in 0..3 {
        cluster.start_with(node, &[]);
        restart(&mut cluster, node).await;
        flow.progress(10, PATIENCE).await;
    }
    let now = cluster.status(0).await.height;
    let height = Height(now.0 + NOTICE);
    decide(&cluster, Measure::SwitchProtocol { version: protocol::SECOND, height }).await;
    // The forgotten one stops by itself, before the first block that it could not execute.
    let ended = cluster.ended(3).await;
    assert_eq!(ended.code(), Some(OUTDATED), "{}", cluster.tail(3));
    let log = cluster.log(3);
    let named = format!("from height {height} on this network's rules are of version {}", protocol::SECOND);
    assert!(log.contains(&named), "{}", cluster.tail(3));
    assert!(log.contains("the rules change, and this build does not know them"), "nobody was warned");
    flow.progress(20, PATIENCE).await;
    // Started as it was, it stops again, and says the same.
    let (ended, log) = cluster.refused(3).await;
    assert_eq!((ended.code(), log.matches(&named).count()), (Some(OUTDATED), 2), "{}", cluster.tail(3));
    cluster.start_with(3, &[]);
    cluster.start(3).await;
    flow.progress(20, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    for header in &agreed.headers {
        let version = if header.height < height { protocol::FIRST } else { protocol::SECOND };
        assert_eq!(header.protocol, version, "height {}", header.height);
    }
    assert!(agreed.headers.last().is_some_and(|last| last.height > height));
    println!("{} blocks, switched at {height}, {} acknowledged", agreed.headers.len(), acknowledged.len());
}
