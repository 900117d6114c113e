//! F12: clients that send and read as slowly as they can, and bodies that are too large.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use keis_tests::check::{agree, all_sign};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::door::http;
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::times::{percentile, told};
use keis_tests::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

/// Slow clients of each kind; together more than the gateway has connections.
const CROWD: usize = 600;
/// Where they come from; honest clients come from another address of the same machine.
const ELSEWHERE: &str = "127.0.0.2:0";
/// Connections of one address that this test's gateway takes.
const PER_ADDRESS: usize = 200;
/// Between two bytes of a slow client.
const DRIP: Duration = Duration::from_millis(400);
/// How long the gateway waits for the head of a request in this test.
const HEAD_SECONDS: u64 = 3;
/// Honest requests in a measurement.
const REQUESTS: usize = 400;

/// How a slow client fared.
enum Fared {
    /// The gateway was patient for so long, then cut it off.
    CutOff(Duration),
    /// Its address had as many connections as it may.
    Refused,
}

async fn visit(gateway: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(ELSEWHERE.parse().expect("an address")).ok()?;
    socket.connect(gateway).await.ok()
}

/// Drips bytes until the gateway has enough of it.
async fn drip(gateway: SocketAddr, beginning: &'static [u8]) -> Option<Fared> {
    let mut stream = visit(gateway).await?;
    let began = Instant::now();
    let (mut reads, mut writes) = stream.split();
    let drips = async {
        let mut begun = writes.write_all(beginning).await.is_ok();
        while begun {
            tokio::time::sleep(DRIP).await;
            begun = writes.write_all(b"x").await.is_ok();
        }
    };
    let mut answer = Vec::new();
    let ends = async { while reads.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {} };
    tokio::select! { () = ends => {}, () = drips => {} }
    let refused = answer.starts_with(b"HTTP/1.1 429 ") || began.elapsed() < DRIP;
    Some(if refused { Fared::Refused } else { Fared::CutOff(began.elapsed()) })
}

/// Asks for much, again and again, and takes nothing of it.
async fn take_nothing(gateway: SocketAddr) {
    let Some(mut stream) = visit(gateway).await else { return };
    while stream.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: keis\r\n\r\n").await.is_ok() {
        tokio::time::sleep(DRIP).await;
    }
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
    cluster.set("GATEWAY__LIMITS__CONNECTIONS_PER_ADDRESS", &PER_ADDRESS.to_string());
    cluster.start_all().await;
    let world = World::open(&cluster, 200).await;
    let gateway = cluster.network.validators[0].gateway;
    measure(&cluster).await;
    let alone = measure(&cluster).await;
    let (mut heads, mut others) = (JoinSet::new(), JoinSet::new());
    let mut flow = Flow::start(&cluster, &world, 0);
    let (mut patience, mut refused, mut beside) = (Vec::new(), 0, Vec::new());
    for _ in 0..rounds(1) {
        for number in 0..CROWD {
            heads.spawn(drip(gateway, b"GET /v1/status HTTP/1.1\r\nx-slow: "));
            others.spawn(drip(
                gateway,
                b"POST /v1/transactions HTTP/1.1\r\nhost: keis\r\ncontent-type: application/octet-stream\r\ncontent-length: 60000\r\n\r\n",
            ));
            if number % 4 == 0 {
                others.spawn(async move {
                    take_nothing(gateway).await;
                    None
                });
            }
        }
        tokio::time::sleep(DRIP).await;
        beside.extend(measure(&cluster).await);
        flow.progress(10, PATIENCE).await;
        // Every slow head is cut off or was refused.
        while let Some(ended) = heads.join_next().await {
            match ended.expect("a client ends") {
                Some(Fared::CutOff(held)) => patience.push(held),
                Some(Fared::Refused) => refused += 1,
                None => {}
            }
        }
    }
    assert!(refused > 0, "an address has only its share");
    assert!(percentile(&patience, 100) < Duration::from_secs(10 * HEAD_SECONDS), "slow heads are waited for");
    others.abort_all();
    let statuses = oversized(&format!("http://{gateway}")).await;
    flow.finish().await;
    let all = cluster.all();
    agree(&mut cluster, &all).await;
    all_sign(&cluster, &all).await;
    println!(
        "F12: {} slow heads cut off ({}), {refused} refused; honest requests beside {} slow clients {}, alone {}; bodies too large: {statuses:?}",
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
