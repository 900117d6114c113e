//! F11: networks that fall apart, and come together again.

use std::time::{Duration, Instant};

use futures::future::join_all;
use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_tests::check::{agree, all_sign, rest};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::rounds;
use keis_tests::times::told;
use keis_tests::wait::{never, until};
use keis_tests::world::{World, client_among, deliver};

use crate::nothing_worse_happened;
use crate::streets::{Streets, inside};

/// How long the first partitions last; later ones are longer.
const APART: Duration = Duration::from_secs(2);
const LONGEST_APART: Duration = Duration::from_secs(60);
/// In this time what was under way when the wires were cut is decided.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// Most rounds of consensus for the first block after the healing, counted from 0.
const ROUNDS: u32 = 3;

/// A way to fall apart.
struct Partition {
    name: &'static str,
    /// Who no longer hears whom.
    deaf: &'static [(usize, usize)],
    /// Who can decide nothing: fewer than a quorum hear each other.
    minority: &'static [usize],
    /// Who goes on.
    majority: &'static [usize],
}

const PARTITIONS: [Partition; 5] = [
    Partition {
        name: "two against two",
        deaf: &[(0, 2), (0, 3), (1, 2), (1, 3), (2, 0), (2, 1), (3, 0), (3, 1)],
        minority: &[0, 1, 2, 3],
        majority: &[],
    },
    Partition {
        name: "three against one",
        deaf: &[(0, 3), (1, 3), (2, 3), (3, 0), (3, 1), (3, 2)],
        minority: &[3],
        majority: &[0, 1, 2],
    },
    Partition { name: "one hears nobody", deaf: &[(1, 0), (1, 2), (1, 3)], minority: &[1], majority: &[0, 2, 3] },
    Partition { name: "nobody hears one", deaf: &[(0, 2), (1, 2), (3, 2)], minority: &[2], majority: &[0, 1, 3] },
    Partition { name: "two do not hear each other", deaf: &[(0, 3), (3, 0)], minority: &[], majority: &[0, 1, 2, 3] },
];

/// Heights of some nodes.
async fn heights(cluster: &Cluster, nodes: &[usize]) -> Vec<Height> {
    join_all(nodes.iter().map(async |node| cluster.status(*node).await.height)).await
}

/// What a partition came to.
struct Healed {
    /// Until everything that had been sent to either side was on every node.
    after: Duration,
    /// The highest round in which a block was decided from the healing on.
    round: u32,
}

async fn fall_apart(
    cluster: &Cluster,
    streets: &Streets,
    world: &World,
    partition: &Partition,
    lasting: Duration,
    sent: &mut Vec<TransactionId>,
) -> Healed {
    rest(cluster, &cluster.all()).await;
    partition.deaf.iter().for_each(|(who, whom)| streets.deafen(*who, *whom));
    tokio::time::sleep(UNDER_WAY).await;
    let stuck = heights(cluster, partition.minority).await;
    for node in partition.minority {
        let payment = world.payment(100 + sent.len() as u64);
        cluster.client(*node).submit(payment.raw()).await.expect("a gateway answers");
        sent.push(payment.id());
    }
    let began = Instant::now();
    while !partition.majority.is_empty() && began.elapsed() < lasting {
        let client = client_among(cluster, partition.majority, sent.len());
        let payment = world.payment(100 + sent.len() as u64);
        deliver(&client, &payment).await;
        sent.push(payment.id());
    }
    never(
        &format!("{}: a minority made a block", partition.name),
        lasting.saturating_sub(began.elapsed()),
        async || {
            let now = heights(cluster, partition.minority).await;
            (now != stuck).then_some(now)
        },
    )
    .await;
    assert_eq!(heights(cluster, partition.minority).await, stuck, "{}", partition.name);
    let before = heights(cluster, &cluster.all()).await.into_iter().max().expect("there are nodes");
    streets.heal();
    let healed = Instant::now();
    let last = world.payment(100 + sent.len() as u64);
    cluster.client(partition.deaf[0].0).submit(last.raw()).await.expect("a gateway answers");
    sent.push(last.id());
    for node in cluster.all() {
        for id in sent.iter() {
            let receipt = until("what was sent is everywhere", PATIENCE, async || {
                cluster.client(node).receipt(*id).await.expect("a gateway answers")
            });
            receipt.await;
        }
    }
    let after = healed.elapsed();
    let tip = cluster.status(0).await.height;
    let mut round = 0;
    for number in before.0 + 1..=tip.0 {
        let certificate = cluster.client(0).certificate(Height(number)).await.expect("a gateway answers");
        round = round.max(certificate.expect("every height has a certificate").round);
    }
    Healed { after, round }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_minority_commits_nothing_and_a_healed_network_goes_on_at_once() {
    if !inside("partition::f11_a_minority_commits_nothing_and_a_healed_network_goes_on_at_once").await {
        return;
    }
    let (streets, mut cluster) = (Streets::lay(4), Cluster::found(4).await);
    cluster.move_to(&streets.addresses());
    for node in cluster.all() {
        cluster.start_by(node, &["nsenter", &streets.way(node), "--"]);
    }
    cluster.start_all().await;
    let world = World::open(&cluster, 20).await;
    let all = cluster.all();
    let (mut sent, mut figures, mut times, mut round) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for number in 1..=rounds(1) as u32 {
        let lasting = (APART * number).min(LONGEST_APART);
        for partition in &PARTITIONS {
            let healed = fall_apart(&cluster, &streets, &world, partition, lasting, &mut sent).await;
            figures.push(format!("{} {} ms, round {}", partition.name, healed.after.as_millis(), healed.round));
            times.push(healed.after);
            round = round.max(healed.round);
        }
    }
    let agreed = agree(&mut cluster, &all).await;
    assert!(sent.iter().all(|id| agreed.receipts.contains_key(id)), "something that was taken is lost");
    all_sign(&cluster, &all).await;
    nothing_worse_happened(&cluster);
    println!(
        "F11: {} partitions, 0 blocks in a minority, {} payments, 0 lost; healed {}, at most round {round}; {}",
        times.len(),
        sent.len(),
        told(&times),
        figures[figures.len() - PARTITIONS.len()..].join("; ")
    );
    assert!(round <= ROUNDS, "a healed network needed round {round}");
}
