//! Validators that are away: too few to decide, wiped, lost, moved. Invariant 4's second half: a folder never signs twice,
//! so a folder that may have forgotten what it signed does not sign.

use std::fs;
use std::path::Path;
use std::time::Duration;

use keis_tests::check::{agree, all_sign, rest, signed, survived};
use keis_tests::cluster::{Cluster, PATIENCE, copy, field};
use keis_tests::flow::Flow;
use keis_tests::program;
use keis_tests::wait::{never, until};
use keis_tests::world::World;
use keis_wallet::client::{Submission, TransactionStatus};

/// Long enough for several blocks, were there a quorum.
const LOOKING: Duration = Duration::from_secs(3);
const PUPILS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_four_decide_nothing_and_three_go_on() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 50).await;
    let all = cluster.all();
    let height = rest(&cluster, &all).await[0].height;
    cluster.kill(&[1, 2]).await;
    let mut waiting = Vec::new();
    for (node, cents) in [(0, 100), (3, 200), (0, 300), (3, 400)] {
        let payment = world.payment(cents);
        let taken = cluster.client(node).submit(payment.raw()).await.expect("a gateway answers");
        assert!(matches!(taken, Submission::Taken(TransactionStatus::Waiting)), "{taken:?}");
        waiting.push(payment.id());
    }
    never("a minority made a block", LOOKING, async || {
        for node in [0, 3] {
            let status = cluster.status(node).await;
            if status.height > height {
                return Some(status);
            }
        }
        None
    })
    .await;
    cluster.start(1).await;
    for id in &waiting {
        let receipt = until("what waited takes effect", PATIENCE, async || {
            cluster.client(1).receipt(*id).await.expect("a gateway answers")
        });
        receipt.await;
    }
    agree(&mut cluster, &[0, 1, 3]).await;
    cluster.start(2).await;
    let agreed = agree(&mut cluster, &all).await;
    assert!(waiting.iter().all(|id| agreed.receipts.contains_key(id)));
    all_sign(&cluster, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_node_is_rebuilt_from_its_peers_and_signs_on() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(100, PATIENCE).await;
    cluster.kill(&[3]).await;
    cluster.wipe(3);
    flow.progress(20, PATIENCE).await;
    cluster.start(3).await;
    flow.progress(50, PATIENCE).await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    // Its guard was not lost: it still knows what it signed, so it may sign.
    all_sign(&cluster, &all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_folder_follows_unsigned_until_it_is_adopted_and_has_watched() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    cluster.kill(&[2]).await;
    // A backup is taken and restored: the same bytes, but no longer the file that was written.
    let (home, aside) = (cluster.home(2), cluster.folder().join("aside"));
    fs::rename(&home, &aside).expect("the folder is moved aside");
    copy(&aside, &home);
    fs::remove_dir_all(&aside).expect("the original is destroyed");
    // Everything that was under way when it was killed is decided; from here on its signature would be a new one.
    flow.progress(20, PATIENCE).await;
    let before = cluster.status(0).await.height.next();
    cluster.start(2).await;
    flow.progress(40, PATIENCE).await;
    assert_eq!(field(&cluster.status(2).await, "guard"), "foreign");
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    assert_eq!(signed(&cluster, 2, &[0, 1, 3], &agreed, before).await, Vec::<u64>::new(), "a foreign folder signed");

    assert!(cluster.stop(2, PATIENCE).await.success());
    let home = home.to_str().expect("a path of text").to_owned();
    let adopted = program::keis(["node", "adopt", "--home", &home, "--heights", "5"]).await.well();
    assert!(adopted.out.contains("adopted"), "{}", adopted.out);
    cluster.start(2).await;
    assert_eq!(field(&cluster.status(2).await, "guard"), "observing");
    let mut flow = Flow::start(&cluster, &world, world.room() / 2);
    until("the adopted folder signs", PATIENCE, async || {
        (field(&cluster.status(2).await, "guard") == "active").then_some(())
    })
    .await;
    let from = cluster.status(2).await.height;
    // Now the other three cannot decide without it.
    cluster.kill(&[0]).await;
    flow.progress(20, PATIENCE).await;
    cluster.start(0).await;
    flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    assert!(!signed(&cluster, 2, &[1, 3], &agreed, from).await.is_empty(), "an adopted folder does not sign");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_without_its_guard_does_not_start_and_a_new_one_watches_first() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, PUPILS).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    cluster.kill(&[1]).await;
    let (home, keys) = (cluster.home(1), cluster.folder().join("keys"));
    copy(&home.join("keys"), &keys);
    for part in ["store", "consensus", "guard"] {
        fs::remove_dir_all(home.join(part)).expect("a part of the folder is removed");
    }
    let (ended, log) = cluster.refused(1).await;
    assert_eq!(ended.code(), Some(4), "nothing may start it again by itself");
    assert!(log.contains("sign.log"), "the refusal does not name the missing log: {log}");

    fs::remove_dir_all(&home).expect("the rest is removed");
    let text = |path: &Path| path.to_str().expect("a path of text").to_owned();
    let document = cluster.genesis.document();
    let settings = |index: usize| -> toml::Table {
        let text = fs::read_to_string(cluster.home(index).join("config.toml")).expect("settings of a peer");
        text.parse().expect("settings are TOML")
    };
    let listen = |table: &toml::Table, part: &str| table[part]["listen"].as_str().expect("an address").to_owned();
    let of_peer = settings(0);
    let own_key = document.institutions[1].network_key.to_string();
    let own = of_peer["peers"].as_array().expect("peers").iter();
    let own = own.into_iter().find(|peer| peer["network_key"].as_str() == Some(&own_key));
    let own = own.expect("the lost node is a peer of the others");
    let of_own = |part: &str| own[part].as_str().expect("an address").to_owned();
    let mut arguments = vec![
        "node".to_owned(),
        "init".to_owned(),
        "--restored".to_owned(),
        "--heights=5".to_owned(),
        format!("--home={}", text(&home)),
        format!("--genesis={}", text(&cluster.folder().join("genesis.json"))),
        format!("--consensus-key={}", text(&keys.join("consensus.key"))),
        format!("--network-key={}", text(&keys.join("network.key"))),
        format!("--listen-consensus={}", of_own("consensus")),
        format!("--listen-gossip={}", of_own("gossip")),
        format!("--listen-gateway={}", cluster.network.validators[1].gateway),
    ];
    for index in [0, 2, 3] {
        let (table, key) = (settings(index), document.institutions[index].network_key);
        arguments.push(format!("--peer={key}@{}@{}", listen(&table, "consensus"), listen(&table, "gossip")));
    }
    program::keis(&arguments).await.well();
    cluster.start(1).await;
    assert_eq!(field(&cluster.status(1).await, "guard"), "observing");
    flow.progress(40, PATIENCE).await;
    until("the new folder signs", PATIENCE, async || {
        (field(&cluster.status(1).await, "guard") == "active").then_some(())
    })
    .await;
    let acknowledged = flow.finish().await;
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
}
