//! Validators that come, go and change their key while orders flow: nobody notices but the certificates.

use keis_ledger::chain::{Address, Validator};
use keis_tests::check::{agree, all_sign, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::council::{newcomer, restart, set_validators, signs, takes_part};
use keis_tests::flow::Flow;
use keis_tests::program;
use keis_tests::world::World;

const PUPILS: usize = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_is_added_and_another_removed_while_orders_flow() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let founders: Vec<Validator> = cluster.genesis.validators().as_slice().to_vec();
    let leaving = cluster.address(3);
    let mut flow = Flow::start(&cluster, &world, 0);
    // The others let the newcomer in, one restart after the other.
    let newcomer = newcomer(&mut cluster).await;
    for node in 0..4 {
        flow.progress(10, PATIENCE).await;
        restart(&mut cluster, node).await;
    }
    let joining = newcomer.validator.address();
    cluster.start(newcomer.node).await;
    takes_part(&cluster, newcomer.node, false, joining).await;
    // Five: it votes from the next block on.
    let five: Vec<Validator> = founders.iter().chain([&newcomer.validator]).cloned().collect();
    let height = set_validators(&mut cluster, five.clone(), vec![newcomer.admission.clone()]).await;
    takes_part(&cluster, newcomer.node, true, joining).await;
    flow.progress(20, PATIENCE).await;
    signs(&cluster, 0, joining, height).await;
    // Four again: one founder follows only, and is not needed any more, not even with another one away.
    let four: Vec<Validator> = five.into_iter().filter(|one| one.address() != leaving).collect();
    set_validators(&mut cluster, four, Vec::new()).await;
    takes_part(&cluster, 3, false, leaving).await;
    flow.progress(20, PATIENCE).await;
    cluster.kill(&[3, 2]).await;
    flow.progress(20, PATIENCE).await;
    cluster.start(2).await;
    cluster.start(3).await;
    flow.progress(20, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let all = cluster.all();
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    println!("{} blocks, {} acknowledged", agreed.headers.len(), acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_changes_its_key_while_orders_flow() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let before = cluster.address(1);
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    let home = cluster.home(1);
    let home = home.to_str().expect("temporary folders have plain names");
    let made = program::keis(["node", "rotate-key", "--home", home, "--json"]).await.well();
    let made: serde_json::Value = serde_json::from_str(&made.out).expect("JSON");
    let key = made["key"].as_str().expect("a key").parse().expect("a public key");
    let after = Address::of(&key);
    assert_eq!(made["address"], after.to_string());
    // The prepared key does nothing until it is decided on, also over a restart.
    restart(&mut cluster, 1).await;
    takes_part(&cluster, 1, true, before).await;
    flow.progress(20, PATIENCE).await;
    let mut validators: Vec<Validator> = cluster.genesis.validators().as_slice().to_vec();
    validators.iter_mut().find(|one| one.address() == before).expect("a founder").key = key;
    let height = set_validators(&mut cluster, validators, Vec::new()).await;
    takes_part(&cluster, 1, true, after).await;
    signs(&cluster, 0, after, height).await;
    flow.progress(20, PATIENCE).await;
    // It is a validator like the others: with one of them away its vote is needed.
    cluster.kill(&[3]).await;
    flow.progress(20, PATIENCE).await;
    cluster.start(3).await;
    restart(&mut cluster, 1).await;
    takes_part(&cluster, 1, true, after).await;
    let acknowledged = flow.finish().await;
    let all = cluster.all();
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    println!("{} blocks, {} acknowledged", agreed.headers.len(), acknowledged.len());
}
