//! A node's backup: taken from the living, restored after its loss, useless beside the living.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keis_cli::found::Founded;
use keis_tests::check::{agree, all_sign, signed, survived};
use keis_tests::cluster::{Cluster, MUST_NOT_SIGN, PATIENCE, field};
use keis_tests::council::{free_addresses, settings};
use keis_tests::flow::Flow;
use keis_tests::program::{self, Said};
use keis_tests::wait::{never, until};
use keis_tests::world::World;

use crate::text;

const PUPILS: usize = 700;

async fn backup(home: &Path, out: &Path, more: &[&str]) -> Said {
    let arguments = ["node", "backup", "--json", "--home", text(home), "--out", text(out)];
    program::keis(arguments.iter().chain(more)).await
}

async fn restore(from: &Path, home: &Path, more: &[&str]) -> Said {
    let arguments = ["node", "restore", "--json", "--from", text(from), "--home", text(home)];
    program::keis(arguments.iter().chain(more)).await
}

fn told(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Waits until a node's guard is in a state.
async fn guard_is(cluster: &Cluster, node: usize, state: &str) {
    until(&format!("the guard of {node} is {state}"), PATIENCE, async || {
        let status = cluster.client(node).status().await.ok()?;
        (field(&status, "guard") == state).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_node_is_backed_up_lost_restored_and_votes_again() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("SNAPSHOT__BLOCKS", "20");
    cluster.start_all().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(80, PATIENCE).await;
    let (home, file) = (cluster.home(2), cluster.folder().join("node.keis"));
    // It runs, and orders flow.
    let taken = told(&backup(&home, &file, &["--with-keys"]).await.well());
    assert!(taken["snapshot"].as_u64() > Some(0) && taken["to"].as_u64() > taken["snapshot"].as_u64(), "{taken}");
    assert_eq!(fs::metadata(&file).expect("the backup").permissions().mode() & 0o777, 0o600);
    flow.progress(20, PATIENCE).await;
    cluster.kill(&[2]).await;
    fs::remove_dir_all(&home).expect("the folder is lost");
    flow.progress(20, PATIENCE).await;

    // What it had signed when it was killed is decided; from here on a signature would be a new one.
    let before = cluster.status(0).await.height.next();
    let restored = told(&restore(&file, &home, &[]).await.well());
    assert_eq!((&restored["to"], &restored["block"]), (&taken["to"], &taken["block"]));
    cluster.start(2).await;
    flow.progress(40, PATIENCE).await;
    guard_is(&cluster, 2, "foreign").await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    assert_eq!(signed(&cluster, 2, &[0, 1, 3], &agreed, before).await, Vec::<u64>::new(), "a restored folder signed");

    assert!(cluster.stop(2, PATIENCE).await.success());
    program::keis(["node", "adopt", "--home", text(&home), "--heights", "5"]).await.well();
    cluster.start(2).await;
    assert_eq!(field(&cluster.status(2).await, "guard"), "observing");
    let mut flow = Flow::start(&cluster, &world, world.room() / 2);
    guard_is(&cluster, 2, "active").await;
    // Now the other three cannot decide without it.
    cluster.kill(&[0]).await;
    flow.progress(20, PATIENCE).await;
    cluster.start(0).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
}

/// Longest time until one of two copies that sign sees the other's vote: they share a name on the network, so that neither hears the
/// other, and what peers keep of both tells by chance.
const FINDING: Duration = Duration::from_secs(180);

/// Puts a restored folder on addresses of its own, as a node of the cluster.
fn beside(cluster: &mut Cluster, of: usize, home: PathBuf) -> usize {
    let [consensus, gossip, gateway] = free_addresses();
    let mut config = settings(cluster, of);
    (config.consensus.listen, config.gossip.listen, config.gateway.listen) = (consensus, gossip, gateway);
    config.genesis = "genesis.json".into();
    config.keys = keis_node::config::KeyFiles::default();
    let written = toml::to_string(&config).expect("settings are plain tables");
    fs::write(home.join("config.toml"), written).expect("settings can be changed");
    cluster.take_in(Founded { name: "copy", home, gateway })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_backup_beside_the_living_node_signs_nothing_and_of_two_that_sign_one_stops() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    let (file, home) = (cluster.folder().join("old.keis"), cluster.folder().join("copy"));
    backup(&cluster.home(3), &file, &["--with-keys"]).await.well();
    flow.progress(40, PATIENCE).await;
    restore(&file, &home, &[]).await.well();
    let copy = beside(&mut cluster, 3, home.clone());
    cluster.start(copy).await;
    let signs = async || (field(&cluster.status(copy).await, "guard") != "foreign").then_some(());
    never("a copy of a living node signs or watches", Duration::from_secs(3), signs).await;
    flow.progress(40, PATIENCE).await;
    assert_eq!(field(&cluster.status(copy).await, "guard"), "foreign");
    assert!(cluster.stop(copy, PATIENCE).await.success());
    // Nor when it is started again, in the place where it was made.
    cluster.start(copy).await;
    flow.progress(20, PATIENCE).await;
    assert_eq!(field(&cluster.status(copy).await, "guard"), "foreign");
    assert!(cluster.stop(copy, PATIENCE).await.success());
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    // No guard saw a vote of its key that it had not signed.
    all_sign(&cluster, &all).await;

    // Adopted while the other is down it signs; comes that back, both do, until one sees the other's votes.
    assert!(cluster.stop(3, PATIENCE).await.success());
    program::keis(["node", "adopt", "--home", text(&home), "--heights", "5"]).await.well();
    cluster.start(copy).await;
    let others = [0, 1, 2];
    let mut flow = Flow::through(&cluster, &world, world.room() / 2, &others);
    guard_is(&cluster, copy, "active").await;
    let back = cluster.try_start(3).await;
    let (who, ended) = match back {
        Some(ended) => (3, ended),
        None => cluster.first_ended(&[3, copy], FINDING).await,
    };
    assert_eq!(ended.code(), Some(MUST_NOT_SIGN), "{}", cluster.tail(who));
    flow.progress(40, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &others).await;
    survived(&cluster, &others, &agreed, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_stay_apart_and_bad_files_change_nothing() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 50).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    flow.finish().await;
    assert!(cluster.stop(1, PATIENCE).await.success());
    let (home, file) = (cluster.home(1), cluster.folder().join("node.keis"));
    // It is stopped, and asked without its keys.
    let taken = told(&backup(&home, &file, &[]).await.well());
    assert_eq!(taken["with_keys"], false);
    let again = backup(&home, &file, &[]).await;
    assert_eq!(again.code(), 1, "a backup was written over another: {again:?}");
    program::keis(["node", "restore", "--check", "--from", text(&file)]).await.well();

    let new = cluster.folder().join("new");
    let without = restore(&file, &new, &[]).await;
    assert!(without.code() == 1 && without.err.contains("--consensus-key") && !new.exists(), "{without:?}");
    let occupied = restore(&file, &home, &[]).await;
    assert!(occupied.code() == 1 && occupied.err.contains("--replace"), "{occupied:?}");
    let running = restore(&file, &cluster.home(0), &["--replace"]).await;
    assert!(running.code() == 1 && running.err.contains("Stop it first"), "{running:?}");

    let keys = ["keys/consensus.key", "keys/network.key"].map(|key| home.join(key));
    let with = ["--consensus-key", text(&keys[0]), "--network-key", text(&keys[1]), "--replace"];
    let whole = fs::read(&file).expect("the backup");
    for (what, bytes) in bad(&whole) {
        let (bad, guard) = (cluster.folder().join("bad.keis"), home.join("guard/sign.log"));
        fs::write(&bad, bytes).expect("a file is written");
        let before = fs::read(&guard).expect("the sign log");
        let there = fs::read_dir(cluster.folder()).expect("the folder").count();
        let refused = restore(&bad, &home, &with).await;
        assert!(refused.code() == 1 && refused.err.contains(text(&bad)), "{what}: {refused:?}");
        assert_eq!(fs::read(&guard).expect("the sign log"), before, "{what}");
        assert_eq!(fs::read_dir(cluster.folder()).expect("the folder").count(), there, "{what}");
    }
    let restored = told(&restore(&file, &home, &with).await.well());
    let aside = restored["aside"].as_str().expect("the old folder is kept");
    assert!(Path::new(aside).join("guard/sign.log").exists());
    cluster.start(1).await;
    assert_eq!(field(&cluster.status(1).await, "guard"), "foreign");
    agree(&mut cluster, &[0, 1, 2, 3]).await;
}

/// A backup's bytes, spoilt.
fn bad(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let flipped = |at: usize| {
        let mut bytes = whole.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    vec![
        ("nothing", Vec::new()),
        ("something else", b"{}".to_vec()),
        ("the beginning alone", whole[..17].to_vec()),
        ("cut off", whole[..whole.len() * 2 / 3].to_vec()),
        ("the last byte gone", whole[..whole.len() - 1].to_vec()),
        ("a bit flipped early", flipped(60)),
        ("a bit flipped in the middle", flipped(whole.len() / 2)),
        ("a bit flipped at the end", flipped(whole.len() - 9)),
    ]
}
