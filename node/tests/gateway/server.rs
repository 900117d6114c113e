//! The listener: routes that are not there, methods, connections, compression, the end.

use std::time::Duration;

use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_node::gateway::Limits;
use keis_node::mempool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{OPERATOR, SERVICE, Stand, document};

async fn connect(stand: &Stand) -> TcpStream {
    TcpStream::connect(stand.address.trim_start_matches("http://")).await.unwrap()
}

/// Posts a body in pieces whose length is not announced.
pub async fn chunked(
    stand: &Stand,
    path: &str,
    media_type: &str,
    pieces: Vec<Result<Vec<u8>, std::io::Error>>,
) -> String {
    let mut stream = connect(stand).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in pieces {
        let piece = piece.unwrap();
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        stream.write_all(&piece).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_addresses_and_methods_are_problems() {
    let stand = Stand::start().await;
    for path in ["/", "/v1", "/v2/status", "/v1/status/more", "/v1/headers/1/2"] {
        stand.get(path).await.is_problem(404, "not_found");
    }
    for (method, path, allow) in [
        (reqwest::Method::DELETE, "/v1/status", "GET, HEAD, OPTIONS"),
        (reqwest::Method::GET, "/v1/transactions", "POST, OPTIONS"),
        (reqwest::Method::POST, "/v1/headers/3", "GET, HEAD, OPTIONS"),
        (reqwest::Method::PUT, "/v1/documents", "POST, OPTIONS"),
    ] {
        let answer = stand.send(stand.http.request(method, format!("{}{path}", stand.address))).await;
        answer.is_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    stand.get("/v1/status?verbose=1").await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_too_many_connections_is_told_so() {
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let stand = Stand::with(true, mempool::Limits::default(), limits).await;
    // The stand's own client keeps none open.
    let mut held = [connect(&stand).await, connect(&stand).await];
    for one in &mut held {
        one.write_all(b"GET /v1/status HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        one.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    let mut answer = String::new();
    connect(&stand).await.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(problem["code"], "visitor_full");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_answers_without_a_body() {
    let stand = Stand::start().await;
    let full = stand.get("/v1/parameters").await;
    let head = stand.send(stand.http.head(format!("{}/v1/parameters", stand.address))).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), full.header("content-type"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_for_those_who_can_read_it() {
    let stand = Stand::start().await;
    let request = stand.http.get(format!("{}/v1/openapi.json", stand.address)).header("accept-encoding", "gzip");
    let packed = stand.send(request).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.body[..2], [0x1f, 0x8b]);
    let plain = stand.get("/v1/openapi.json").await;
    assert_eq!(plain.header("content-encoding"), "");
    assert!(packed.body.len() * 3 < plain.body.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_chunks_are_refused() {
    let stand = Stand::start().await;
    let pieces = (0..40).map(|_| Ok(vec![b' '; 1024])).collect();
    let answer = chunked(&stand, "/v1/documents", "application/json", pieces).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let pieces = vec![Ok(document(7).into_bytes())];
    let answer = chunked(&stand, "/v1/documents", "application/json", pieces).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_are_cut_and_rubbish_ends_its_connection_only() {
    let limits = Limits { header_seconds: 1, ..Limits::default() };
    let stand = Stand::with(true, mempool::Limits::default(), limits).await;
    let mut slow = connect(&stand).await;
    slow.write_all(b"GET /v1/status HTTP/1.1\r\nhost: ").await.unwrap();
    let mut left = Vec::new();
    let cut = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut left)).await;
    assert!(cut.is_ok(), "the connection stays open");
    let mut rubbish = connect(&stand).await;
    rubbish.write_all(b"\x16\x03\x01 rubbish\r\n\r\n").await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), rubbish.read_to_end(&mut left)).await.unwrap().ok();
    stand.get("/health/live").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_wait_for_their_turn() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let stand = Stand::with(true, mempool::Limits::default(), limits).await;
    let mut first = connect(&stand).await;
    first.write_all(b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut piece = [0; 12];
    first.read_exact(&mut piece).await.unwrap();
    assert_eq!(&piece, b"HTTP/1.1 200");
    let second = tokio::spawn(stand.http.get(format!("{}/health/live", stand.address)).send());
    drop(first);
    let answer = tokio::time::timeout(Duration::from_secs(10), second).await.unwrap().unwrap().unwrap();
    assert_eq!(answer.status(), 200);
}

/// Posts a head, and returns when the handler has begun to read the body.
async fn begin(stand: &Stand, path: &str, media_type: &str, length: usize) -> TcpStream {
    let mut stream = connect(stand).await;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_answers_what_is_under_way_and_takes_no_more() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let unknown = CatalogueOperation::Suspend { service: SERVICE };
    let parked = stand.signed(OPERATOR, None, Operation::Catalogue(unknown));
    let text = document(7);
    let octets = "application/octet-stream";
    let mut waiting = begin(&stand, "/v1/transactions?wait=30", octets, parked.raw().len()).await;
    let mut writing = begin(&stand, "/v1/documents", "application/json", text.len()).await;
    waiting.write_all(parked.raw()).await.unwrap();

    let address = stand.address.trim_start_matches("http://").to_owned();
    let closing = tokio::spawn(stand.gateway.take().unwrap().shutdown());
    while TcpStream::connect(&address).await.is_ok() {}
    writing.write_all(text.as_bytes()).await.unwrap();
    for (mut stream, status) in [(writing, "HTTP/1.1 201 "), (waiting, "HTTP/1.1 202 ")] {
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut answer)).await;
        read.unwrap().unwrap();
        assert!(answer.starts_with(status), "{answer}");
    }
    tokio::time::timeout(Duration::from_secs(20), closing).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_cuts_who_does_not_end() {
    let limits = Limits { drain_seconds: 1, ..Limits::default() };
    let mut stand = Stand::with(true, mempool::Limits::default(), limits).await;
    let mut stalled = begin(&stand, "/v1/documents", "application/json", 100).await;
    let closing = stand.gateway.take().unwrap().shutdown();
    tokio::time::timeout(Duration::from_secs(8), closing).await.unwrap();
    let mut rest = Vec::new();
    stalled.read_to_end(&mut rest).await.ok();
    assert!(rest.is_empty());
}
