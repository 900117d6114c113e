//! The stream of events: nothing lost, nothing twice, and its end.

use std::time::Duration;

use keis_ledger::operation::{CatalogueOperation, Operation, Party, WalletOperation};
use keis_node::gateway::{Limits, Settings};
use keis_node::mempool;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::party::{request_orders, serving, stand};
use crate::support::{OPERATOR, ORDER, PROVIDER, SCHOOL, SERVICE, Stand};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client of the stream.
struct Events {
    response: reqwest::Response,
    text: String,
}

/// One block of lines.
#[derive(Debug, Default, Clone, PartialEq)]
struct Message {
    id: String,
    event: String,
    data: Value,
}

async fn open(stand: &Stand, query: &str, last: Option<&str>) -> Events {
    let request = stand.http.get(format!("{}/v1/events{query}", stand.address)).header("accept-encoding", "gzip");
    let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(!response.headers().contains_key("content-encoding"));
    Events { response, text: String::new() }
}

impl Events {
    /// The next message; none at the end.
    async fn message(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut message = Message::default();
                for line in block.lines() {
                    match line.split_once(':').unwrap() {
                        ("id", id) => message.id = id.to_owned(),
                        ("event", event) => message.event = event.to_owned(),
                        ("data", data) => message.data = serde_json::from_str(data).unwrap(),
                        ("", _) => {}
                        other => panic!("{other:?}"),
                    }
                }
                self.text = rest.to_owned();
                return Some(message);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("the stream is silent");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next receipt with its id.
    async fn receipt(&mut self) -> Message {
        loop {
            let message = self.message().await.expect("the stream has ended");
            if message.event == "receipt" {
                assert_eq!(message.id, format!("{}.{}", message.data["height"], message.data["index"]));
                return message;
            }
        }
    }

    async fn receipts(&mut self, count: usize) -> Vec<Message> {
        let mut receipts = Vec::new();
        while receipts.len() < count {
            receipts.push(self.receipt().await);
        }
        receipts
    }
}

/// All receipts of the chain, as blocks tell them.
async fn told_by_blocks(stand: &Stand) -> Vec<Value> {
    let tip = stand.get("/v1/status").await.is(200)["height"].as_u64().unwrap();
    let mut all = Vec::new();
    for height in 1..=tip {
        let block = stand.get(&format!("/v1/blocks/{height}/receipts")).await.is(200);
        all.extend(block["receipts"].as_array().unwrap().clone());
    }
    all
}

async fn suspend(stand: &mut Stand, times: usize) {
    for turn in 0..times {
        let party = Party::School(SCHOOL);
        let operation =
            if turn % 2 == 0 { WalletOperation::Suspend { party } } else { WalletOperation::Reinstate { party } };
        stand.take_effect(OPERATOR, None, Operation::Wallet(operation)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_tells_history_and_the_present_in_order() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let expected = told_by_blocks(&stand).await;
    let mut events = open(&stand, "?after=0.0", None).await;
    let told: Vec<Value> = events.receipts(expected.len()).await.into_iter().map(|message| message.data).collect();
    assert_eq!(told, expected);
    assert!(!serde_json::to_string(&told).unwrap().contains("pup_"));
    suspend(&mut stand, 4).await;
    let later = events.receipts(4).await;
    let kinds: Vec<&str> = later.iter().map(|message| message.data["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["wallet_suspended", "wallet_reinstated", "wallet_suspended", "wallet_reinstated"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_resumes_without_loss_or_repeat() {
    let mut stand = stand().await;
    let mut first = open(&stand, "", None).await;
    let opened = first.message().await.unwrap();
    assert_eq!((opened.event.as_str(), opened.data), ("", Value::Null), "a stream from now on opens with its place");
    drop(first);
    // What happens while nobody listens is told to who comes back with the place.
    suspend(&mut stand, 6).await;
    let mut all = Vec::new();
    let mut last = opened.id;
    for cut in [1, 2, 1, 2] {
        let mut again = open(&stand, "", Some(&last)).await;
        for message in again.receipts(cut).await {
            last.clone_from(&message.id);
            all.push(message.data);
        }
    }
    let blocks = told_by_blocks(&stand).await;
    assert_eq!(all, blocks[blocks.len() - 6..]);
    // The field goes before the parameter.
    let mut both = open(&stand, "?after=0.0", Some(&last)).await;
    suspend(&mut stand, 1).await;
    assert_eq!(both.receipt().await.data["kind"], "wallet_suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_a_stream_and_its_place_moves_on() {
    let limits = Limits { stream_seconds: 1, ..Limits::default() };
    let mut stand = serving(limits.into()).await;
    request_orders(&mut stand).await;
    for (query, kinds) in [
        (format!("?after=0.0&order={ORDER}"), vec!["order_requested"]),
        (format!("?after=0.0&provider={PROVIDER}&school={SCHOOL}"), vec!["order_requested", "order_requested"]),
        (
            format!("?after=0.0&provider={PROVIDER}"),
            vec!["service_published", "session_opened", "order_requested", "order_requested"],
        ),
    ] {
        let mut events = open(&stand, &query, None).await;
        let told = events.receipts(kinds.len()).await;
        let told: Vec<&str> = told.iter().map(|message| message.data["kind"].as_str().unwrap()).collect();
        assert_eq!(told, kinds, "{query}");
    }
    // A sign of life says how far an empty stream has come, so that who resumes there reads nothing again.
    let mut none = open(&stand, &format!("?after=0.0&order=ord_{}", "77".repeat(16)), None).await;
    assert_eq!(none.message().await.unwrap().id, "0.0");
    let tip = stand.get("/v1/status").await.is(200)["height"].as_u64().unwrap();
    assert_eq!(none.message().await.unwrap().id, format!("{tip}.{}", u32::MAX));
    for wrong in ["?after=1", "?after=x.1", "?school=ord_1", "?since=1"] {
        stand.get(&format!("/v1/events{wrong}")).await.is_problem(400, "malformed");
    }
    // Passed over, a field that is no text would begin the stream at the tip: whoever resumes would miss what came between.
    for wrong in [b"x".as_slice(), b"\xc2\x84"] {
        let request = stand.http.get(format!("{}/v1/events", stand.address)).header("last-event-id", wrong);
        stand.send(request).await.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_outlive_the_request_time_and_end_with_the_node() {
    let limits = Limits { streams: 2, request_seconds: 1, stream_seconds: 1, ..Limits::default() };
    let mut stand = Stand::with(true, mempool::Limits::default(), limits).await;
    let (mut one, two) = (open(&stand, "", None).await, open(&stand, "", None).await);
    let full = stand.get("/v1/events").await;
    full.is_problem(503, "streams_full");
    assert!(!full.header("retry-after").is_empty());
    for _ in 0..4 {
        one.message().await.expect("it lives longer than a request may take");
    }
    drop(two);
    // A place is free again once the node has noticed.
    let freed = async {
        while stand.http.get(format!("{}/v1/events", stand.address)).send().await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();
    let closing = tokio::spawn(stand.gateway.take().unwrap().shutdown());
    while one.message().await.is_some() {}
    tokio::time::timeout(PATIENCE, closing).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_is_cut() {
    let limits = Limits { write_seconds: 1, ..Limits::default() };
    let mut stand = Stand::serving(true, mempool::Limits::default(), Settings::from(limits)).await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, keis_ledger::classifiers::ArtField::Theatre).await;
    let address = stand.address.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow: TcpStream = socket.connect(address).await.unwrap();
    // Requests one after the other whose answers nobody takes: more than the buffers of both sides hold.
    let request = "GET /v1/openapi.json HTTP/1.1\r\nhost: test\r\n\r\n".repeat(200);
    slow.write_all(request.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = slow.into_split();
    let cut = async {
        // Once the node has closed, a write fails.
        while writing.write_all(b"GET /v1/status HTTP/1.1\r\nhost: test\r\n\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, cut).await.expect("the connection is not cut");
    let mut rest = Vec::new();
    reading.read_to_end(&mut rest).await.ok();
    assert!(rest.len() < 200 * 20_000, "all of it was written");
    stand.get("/health/live").await.is(200);
    let suspend = CatalogueOperation::Suspend { service: SERVICE };
    stand.take_effect(OPERATOR, None, Operation::Catalogue(suspend)).await;
}
