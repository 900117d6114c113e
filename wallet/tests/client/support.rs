//! A gateway that answers what a test tells it to, one request a connection.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and target, such as `GET /v1/status`.
    pub line: String,
    /// Everything before the body, in lower case.
    pub head: String,
    /// The same as it arrived.
    pub raw_head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What the gateway does with a request.
pub enum Reply {
    /// Answers a status and a body.
    Json(u16, Value),
    /// Answers a status, a further header and a body.
    With(u16, &'static str, Value),
    /// Answers a status and bytes.
    Bytes(u16, Vec<u8>),
    /// Closes the connection without an answer.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
}

/// A running gateway.
pub struct Gateway {
    /// Its address.
    pub address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Gateway {
    /// Answers each request by its number, from 0, and its content.
    pub async fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (seen, answer) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (seen.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = read(&mut stream).await else { return };
                    let number = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(request.clone());
                        seen.len() - 1
                    };
                    write(stream, answer(number, &request)).await;
                });
            }
        });
        Self { address, requests }
    }

    /// The address of a gateway that is not there.
    pub async fn absent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Method and target of every request so far.
    pub fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let line = String::from_utf8_lossy(&bytes[..end]).lines().next()?.to_owned();
                let line = line.trim_end_matches(" HTTP/1.1").to_owned();
                let raw_head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                return Some(Request { line, head, raw_head, body: bytes[end + 4..].to_vec() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn write(mut stream: TcpStream, reply: Reply) {
    let (status, header, body) = match reply {
        Reply::Json(status, value) => (status, "x-plain: 1", value.to_string().into_bytes()),
        Reply::With(status, header, value) => (status, header, value.to_string().into_bytes()),
        Reply::Bytes(status, bytes) => (status, "x-plain: 1", bytes),
        Reply::Close => return,
        Reply::Hang => {
            std::future::pending::<()>().await;
            return;
        }
    };
    let head =
        format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{header}\r\n\r\n", body.len());
    // A client that has seen enough may be gone.
    let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
    let _ = stream.shutdown().await;
}
