//! What a network of four engines promises.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod support;

use std::time::{Duration, Instant};

use keis_engine::guard::{Beginning, Foreign, Guard, GuardState};
use keis_engine::{EngineError, Peer};
use support::{
    NETWORK, Net, PATIENCE, Wire, address, all_reached, consensus_secret, free, reached, shut_down, validators,
};

/// How long nothing must happen to count as idle.
const QUIET: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_engines_decide_one_chain_with_certificates_that_verify_offline() {
    let net = Net::new(4, 1000);
    net.work_until(20);
    let engines = net.start_all().await;
    all_reached(&engines, 20).await;
    let chain = net.apps[0].chain();
    for app in &net.apps {
        assert_eq!(app.chain()[..20], chain[..20]);
        for certificate in app.certificates() {
            certificate.verify(&NETWORK, &validators(4)).unwrap();
        }
    }
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_of_many_parts_arrive_whole() {
    let net = Net::new(4, 2 * 1024 * 1024 + 17);
    net.work_until(5);
    let engines = net.start_all().await;
    all_reached(&engines, 5).await;
    assert!(net.apps[3].store.lock().unwrap().committed[4].0.len() > 2 * 1024 * 1024);
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_work_no_height_begins_and_one_nodes_work_ends_the_rest() {
    let net = Net::new(4, 0);
    net.work_until(3);
    let engines = net.start_all().await;
    all_reached(&engines, 3).await;
    let mut tip = engines[1].tip();
    tokio::time::timeout(QUIET, tip.wait_for(|tip| tip.0 > 3)).await.expect_err("the network is idle");
    let begun = Instant::now();
    net.work_until(4);
    all_reached(&engines, 4).await;
    eprintln!("first block after idling: {:?}", begun.elapsed());
    net.apps[2].work_until(6);
    all_reached(&engines, 6).await;
    eprintln!("two blocks for one node's work alone: {:?}", begun.elapsed());
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_network_still_makes_a_block_now_and_then() {
    let mut net = Net::new(4, 0);
    net.longest_idle = Duration::from_millis(300);
    let engines = net.start_all().await;
    all_reached(&engines, 3).await;
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_engine_catches_up_and_votes_again() {
    let net = Net::new(4, 100);
    net.work_until(10);
    let mut engines = net.start_all().await;
    all_reached(&engines, 10).await;
    engines.pop().unwrap().shutdown().await.unwrap();
    net.work_until(25);
    all_reached(&engines, 25).await;
    engines.push(net.start(3).await);
    reached(&engines[3], 25).await;
    assert_eq!(net.apps[3].chain(), net.apps[0].chain());
    assert_eq!(engines[3].guard_state(), Some(GuardState::Active));
    // With one of the others gone, nothing is decided without the returned one's votes.
    engines.remove(0).shutdown().await.unwrap();
    net.work_until(30);
    all_reached(&engines, 30).await;
    assert!(net.apps[1].certificates()[29].signatures.iter().any(|(voter, _)| *voter == address(3)));
    shut_down(engines).await;
}

/// As after a loss of power: its peers hold the old connections for good when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_vanished_without_a_word_is_back_and_votes() {
    let mut net = Net::new(4, 100);
    let mut wires = Vec::new();
    for (from, to) in [(0, 3), (1, 3), (2, 3), (3, 0), (3, 1), (3, 2)] {
        let wire = Wire::to(net.addresses[usize::from(to)]).await;
        net.detours.insert((from, to), wire.address);
        wires.push(wire);
    }
    net.work_until(5);
    let mut engines = net.start_all().await;
    all_reached(&engines, 5).await;
    wires.iter().for_each(Wire::goes_dead);
    engines.pop().unwrap().shutdown().await.unwrap();
    engines.push(net.start(3).await);
    engines.remove(0).shutdown().await.unwrap();
    net.work_until(10);
    all_reached(&engines, 10).await;
    assert!(net.apps[1].certificates()[9].signatures.iter().any(|(voter, _)| *voter == address(3)));
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_engines_stopped_go_on_where_they_were() {
    let net = Net::new(4, 100);
    net.work_until(1_000);
    let engines = net.start_all().await;
    reached(&engines[0], 8).await;
    shut_down(engines).await;
    let engines = net.start_all().await;
    let before = net.apps.iter().map(|app| app.chain().len() as u64).max().unwrap();
    all_reached(&engines, before + 5).await;
    let shared = net.apps.iter().map(|app| app.chain().len()).min().unwrap();
    for app in &net.apps {
        assert_eq!(app.chain()[..shared], net.apps[0].chain()[..shared]);
    }
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_that_lost_their_logs_go_on_and_contradict_nothing() {
    let net = Net::new(4, 100);
    net.work_until(1_000);
    for turn in 0..3 {
        let engines = net.start_all().await;
        let before = net.apps.iter().map(|app| app.chain().len() as u64).max().unwrap();
        all_reached(&engines, before + 3).await;
        assert!(engines.iter().all(|engine| engine.guard_state() == Some(GuardState::Active)), "in turn {turn}");
        shut_down(engines).await;
        (0..4).for_each(|index| std::fs::remove_file(net.folder(index).join("consensus.wal")).unwrap());
    }
    let shared = net.apps.iter().map(|app| app.chain().len()).min().unwrap();
    for app in &net.apps {
        assert_eq!(app.chain()[..shared], net.apps[0].chain()[..shared]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_folder_follows_unsigned_until_it_was_adopted_and_has_watched() {
    let net = Net::new(4, 0);
    net.work_until(5);
    let mut engines = net.start_all().await;
    all_reached(&engines, 5).await;
    engines.pop().unwrap().shutdown().await.unwrap();
    let copy = net.root.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in ["sign.log", "consensus.wal"] {
        std::fs::copy(net.folder(3).join(file), copy.join(file)).unwrap();
    }

    let guard = Guard::open(&copy, NETWORK, consensus_secret(3)).unwrap();
    assert!(matches!(guard.state(), GuardState::Foreign(Foreign::Moved(_))));
    let follower = net.start_with(3, &copy, guard).await;
    net.work_until(15);
    all_reached(&engines, 15).await;
    reached(&follower, 15).await;
    assert!(
        !net.apps[0].certificates()[5..].iter().any(|c| c.signatures.iter().any(|(voter, _)| *voter == address(3)))
    );
    follower.shutdown().await.unwrap();

    let guard = Guard::open(&copy, NETWORK, consensus_secret(3)).unwrap();
    guard.adopt(3).unwrap();
    let adopted = net.start_with(3, &copy, guard).await;
    net.work_until(40);
    reached(&adopted, 40).await;
    assert_eq!(adopted.guard_state(), Some(GuardState::Active));
    adopted.shutdown().await.unwrap();
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_node_that_joins_rebuilds_from_its_peers() {
    let net = Net::new(4, 0);
    net.work_until(12);
    let mut engines = net.start_all().await;
    all_reached(&engines, 12).await;
    engines.pop().unwrap().shutdown().await.unwrap();
    net.apps[3].forget_everything();
    let folder = net.root.path().join("wiped");
    std::fs::create_dir(&folder).unwrap();
    let guard = Guard::create(&folder, NETWORK, consensus_secret(3), Beginning::Joining { heights: 2 }).unwrap();
    let joined = net.start_with(3, &folder, guard).await;
    reached(&joined, 12).await;
    assert_eq!(net.apps[3].chain(), net.apps[0].chain());
    net.work_until(40);
    reached(&joined, 40).await;
    assert_eq!(joined.guard_state(), Some(GuardState::Active));
    joined.shutdown().await.unwrap();
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_node_that_claims_to_be_new_is_found_out_and_stops() {
    let net = Net::new(4, 0);
    net.work_until(12);
    let mut engines = net.start_all().await;
    all_reached(&engines, 12).await;
    engines.pop().unwrap().shutdown().await.unwrap();
    net.apps[3].forget_everything();
    let folder = net.root.path().join("wiped");
    std::fs::create_dir(&folder).unwrap();
    let guard = Guard::create(&folder, NETWORK, consensus_secret(3), Beginning::Genesis).unwrap();
    let mut liar = net.start_with(3, &folder, guard).await;
    let outcome = tokio::time::timeout(PATIENCE, liar.stopped()).await.unwrap();
    assert!(matches!(outcome, Err(EngineError::SecondCopy { .. })), "{outcome:?}");
    assert_eq!(liar.guard_state(), Some(GuardState::Foreign(Foreign::SecondCopy)));
    let guard = Guard::open(&folder, NETWORK, consensus_secret(3)).unwrap();
    assert_eq!(guard.state(), GuardState::Foreign(Foreign::SecondCopy));
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_live_copies_one_finds_out_and_stops_and_the_network_goes_on() {
    let net = Net::with_seats(4, 5, 0);
    net.work_until(5);
    let mut engines = Vec::new();
    for index in 0..4 {
        engines.push(net.start(index).await);
    }
    all_reached(&engines, 5).await;
    engines.pop().unwrap().shutdown().await.unwrap();
    let copy = net.root.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(net.folder(3).join("sign.log"), copy.join("sign.log")).unwrap();
    let guard = Guard::open(&copy, NETWORK, consensus_secret(3)).unwrap();
    guard.adopt(0).unwrap();
    let (mut original, mut copied) = (net.start(3).await, net.start_with(4, &copy, guard).await);
    net.work_until(u64::MAX);
    let outcome = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            outcome = original.stopped() => outcome,
            outcome = copied.stopped() => outcome,
        }
    });
    assert!(matches!(outcome.await.unwrap(), Err(EngineError::SecondCopy { .. })));
    let tip = net.apps[0].chain().len() as u64;
    all_reached(&engines, tip + 10).await;
    for app in &net.apps {
        let shared = app.chain().len().min(tip as usize);
        assert_eq!(app.chain()[..shared], net.apps[0].chain()[..shared]);
    }
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_key_follows() {
    let net = Net::with_seats(4, 5, 100);
    net.work_until(10);
    let mut engines = Vec::new();
    for index in 0..4 {
        engines.push(net.start(index).await);
    }
    let follower = net.start_follower(4).await;
    assert_eq!(follower.guard_state(), None);
    engines.push(follower);
    all_reached(&engines, 10).await;
    assert_eq!(net.apps[4].chain()[..10], net.apps[0].chain()[..10]);
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_application_stops_its_engine_alone() {
    let net = Net::new(4, 100);
    net.work_until(3);
    let mut engines = net.start_all().await;
    all_reached(&engines, 3).await;
    net.apps[2].fail();
    net.work_until(8);
    let outcome = tokio::time::timeout(PATIENCE, engines[2].stopped()).await.unwrap();
    assert!(matches!(outcome, Err(EngineError::Application(_))), "{outcome:?}");
    engines.remove(2);
    all_reached(&engines, 8).await;
    shut_down(engines).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_not_let_in() {
    let net = Net::new(4, 0);
    net.work_until(3);
    let engines = net.start_all().await;
    all_reached(&engines, 3).await;
    let folder = net.root.path().join("stranger");
    std::fs::create_dir(&folder).unwrap();
    let mut config = net.config(3, &folder);
    config.listen = free().local_addr().unwrap();
    config.peers = (0..4u8)
        .map(|index| Peer {
            address: net.addresses[usize::from(index)],
            network_key: keis_engine::network_key(&[index + 101; 32]),
        })
        .collect();
    let app = support::TestApp::new(validators(4), 0);
    let stranger = keis_engine::start(config, [99; 32], None, Box::new(app)).await.unwrap();
    let mut tip = stranger.tip();
    tokio::time::timeout(QUIET, tip.wait_for(|tip| tip.0 > 0)).await.expect_err("a stranger hears nothing");
    stranger.shutdown().await.unwrap();
    shut_down(engines).await;
}
