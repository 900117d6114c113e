//! F12: clients that send and read as slowly as they can, and bodies that are too large.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use keis_tests::check::{agree, all_sign};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::{percentile, told};

/// Slow clients of each kind; together fewer than the gateway's connections.
const CROWD: usize = 300;
/// Between two bytes of a slow client.
const DRIP: Duration = Duration::from_millis(400);
/// How long the gateway waits for the head of a request in this test.
const HEAD_SECONDS: u64 = 3;
/// Honest requests in a measurement.
const REQUESTS: usize = 400;

/// Drips bytes until the gateway has enough of it; how long it was patient.
async fn drip(gateway: SocketAddr, beginning: &'static [u8]) -> Option<Duration> {
    let mut stream = TcpStream::connect(gateway).await.ok()?;
    let began = Instant::now();
    stream.write_all(beginning).await.ok()?;
    let (mut reads, mut writes) = stream.split();
    let drips = async {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
    };
    let ends = async { while reads.read(&mut [0; 1_024]).await.is_ok_and(|read| read > 0) {} };
    tokio::select! { () = drips => {}, () = ends => {} }
    Some(began.elapsed())
}

/// Asks for much, again and again, and takes nothing of it.
async fn take_nothing(gateway: SocketAddr) -> Option<Duration> {
    let mut stream = TcpStream::connect(gateway).await.ok()?;
    let began = Instant::now();
    while stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: keis\r\n\r\n").await.is_ok() {
        tokio::time::sleep(DRIP).await;
    }
    Some(began.elapsed())
}

/// How long honest requests take, one after another; each must be answered.
async fn measure(cluster: &Cluster) -> Vec<Duration> {
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let began = Instant::now();
        cluster.status(0).await;
        times.push(began.elapsed());
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_slow_clients_are_cut_off_and_large_bodies_are_refused() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("GATEWAY__LIMITS__HEADER_SECONDS", &HEAD_SECONDS.to_string());
    cluster.set("GATEWAY__LIMITS__REQUEST_SECONDS", "20");
    cluster.start_all().await;
    let world = World::open(&cluster, 200).await;
    let gateway = cluster.network.validators[0].gateway;
    measure(&cluster).await;
    let alone = measure(&cluster).await;
    let (mut heads, mut others) = (JoinSet::new(), JoinSet::new());
    let mut flow = Flow::start(&cluster, &world, 0);
    let (mut patience, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..rounds(1) {
        for number in 0..CROWD {
            heads.spawn(drip(gateway, b"GET /v1/status HTTP/1.1\r\nx-slow: "));
            others.spawn(drip(
                gateway,
                b"POST /v1/transactions HTTP/1.1\r\nhost: keis\r\ncontent-type: application/octet-stream\r\ncontent-length: 60000\r\n\r\n",
            ));
            if number % 4 == 0 {
                others.spawn(take_nothing(gateway));
            }
        }
        tokio::time::sleep(DRIP).await;
        beside.extend(measure(&cluster).await);
        flow.progress(10, PATIENCE).await;
        // Every slow head is cut off.
        while let Some(ended) = heads.join_next().await {
            patience.extend(ended.expect("a client ends"));
        }
    }
    assert!(percentile(&patience, 100) < Duration::from_secs(10 * HEAD_SECONDS), "slow heads are waited for");
    others.abort_all();
    let statuses = oversized(&format!("http://{gateway}")).await;
    flow.finish().await;
    let all = cluster.all();
    agree(&mut cluster, &all).await;
    all_sign(&cluster, &all).await;
    println!(
        "F12: {} slow heads cut off ({}); honest requests beside {} slow clients {}, alone {}; bodies too large: {statuses:?}",
        patience.len(),
        told(&patience),
        2 * CROWD + CROWD / 4,
        told(&beside),
        told(&alone)
    );
    assert_eq!(statuses, [413; 2]);
}

/// The answers of both doors that take bodies, to bodies that are too large.
async fn oversized(gateway: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for (path, kind) in [("/v1/transactions", "application/octet-stream"), ("/v1/documents", "application/json")] {
        let request = http().post(format!("{gateway}{path}")).header("content-type", kind);
        let answer = request.body(vec![7; 1 << 20]).send().await.expect("a large body is answered");
        statuses.push(answer.status().as_u16());
    }
    statuses
}
