//! F10: one client that sends all it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use keis_tests::check::{agree, all_sign, rest, survived};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::rounds;
use keis_tests::times::{percentile, told};
use keis_tests::world::{World, client, deliver};
use keis_wallet::client::Outcome;

/// Requests that the flood has under way at once, over all gateways.
const STREAMS: usize = 32;
/// Orders of others under way at once.
const HONEST: usize = 4;
/// Longest time that an honest client waits for its receipt.
const WAIT: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Counts {
    taken: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// Sends payments, each of which could take effect, and every eighth time bytes that mean nothing.
async fn flood(world: World, gateway: String, stop: Arc<AtomicBool>, counts: Arc<Counts>) {
    let http = http();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let body = if number % 8 == 0 { vec![7; 500] } else { world.payment(number).raw().to_vec() };
        let request = http
            .post(format!("{gateway}/v1/transactions"))
            .header("content-type", "application/octet-stream")
            .body(body);
        let count = match request.send().await.map(|answer| answer.status().as_u16()) {
            Ok(200 | 202) => &counts.taken,
            // 503 is the honest word for a full mempool; any other fault of the server's is one.
            Ok(400..=499 | 503) => &counts.refused,
            Ok(_) | Err(_) => &counts.failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_a_flood_of_one_client_does_not_keep_others_out_and_drains() {
    let mut cluster = Cluster::running().await;
    let (seconds, all) = (rounds(5) as u64, cluster.all());
    let world = World::open(&cluster, 1_000 + 50 * rounds(5)).await;
    let (stop, counts) = (Arc::<AtomicBool>::default(), Arc::<Counts>::default());
    let gateways = cluster.gateways();
    let floods: Vec<_> = (0..STREAMS)
        .map(|stream| flood(world.clone(), gateways[stream % all.len()].clone(), stop.clone(), counts.clone()))
        .map(tokio::spawn)
        .collect();
    let until = Instant::now() + Duration::from_secs(seconds);
    let honest = (0..HONEST).map(async |worker| {
        let (client, mut told) = (client(&cluster, worker), Vec::new());
        for number in (worker..world.room()).step_by(HONEST) {
            let pair = world.pair(number);
            for transaction in [&pair.request, &pair.confirm] {
                let sent = Instant::now();
                let first = client.submit_and_wait(transaction, WAIT).await;
                let (took, well) = (sent.elapsed(), matches!(first, Ok(Outcome::Included(_))));
                told.push((deliver(&client, transaction).await, took, well));
            }
            if Instant::now() > until {
                break;
            }
        }
        told
    });
    let told_by: Vec<_> = join_all(honest).await.into_iter().flatten().collect();
    stop.store(true, Ordering::Relaxed);
    join_all(floods).await.into_iter().for_each(|ended| ended.expect("the flood runs to its end"));
    let ended = Instant::now();
    rest(&cluster, &all).await;
    let drained = ended.elapsed();
    let agreed = agree(&mut cluster, &all).await;
    let acknowledged: Vec<_> = told_by.iter().map(|(receipt, ..)| receipt.clone()).collect();
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    let well = told_by.iter().filter(|(.., well)| *well).count();
    let times: Vec<Duration> = told_by.iter().map(|(_, took, _)| *took).collect();
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (taken, refused, failed) = (count(&counts.taken), count(&counts.refused), count(&counts.failed));
    println!(
        "F10: {seconds} s of flood ({taken} taken, {refused} refused, {failed} failed); {well} of {} of others' succeeded at once, {}; drained in {} ms",
        times.len(),
        told(&times),
        drained.as_millis()
    );
    assert!(well * 100 >= times.len() * 99, "only {well} of {} succeeded", times.len());
    assert!(drained < PATIENCE && percentile(&times, 99) < WAIT);
    assert_eq!(failed, 0, "the gateways failed under the flood");
}
