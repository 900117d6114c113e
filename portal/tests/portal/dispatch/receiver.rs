//! The buyer's system behind a socket: driven by a seed it loses requests, breaks off after taking, answers with troubles, repeats
//! and reorders.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a request was.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// What is answered to the next requests, in turn, whatever they are.
#[derive(Debug, Clone)]
pub enum Scripted {
    Status(u16, &'static str, String),
    BreakOff,
}

#[derive(Default)]
pub struct Inside {
    seed: u64,
    pub wild: bool,
    pub token: Option<String>,
    pub inbox: BTreeMap<String, (Vec<u8>, u32)>,
    pub log: Vec<Value>,
    pub asked: Vec<Asked>,
    pub script: Vec<Scripted>,
}

/// The receiver.
#[derive(Clone)]
pub struct Receiver {
    pub address: String,
    inside: Arc<Mutex<Inside>>,
}

impl Inside {
    fn happens(&mut self, percent: u64) -> bool {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.wild && (self.seed >> 33) % 100 < percent
    }

    /// Takes a document; its answers come in any order, some twice.
    fn take(&mut self, id: &str, body: Vec<u8>) {
        let (kept, times) = self.inbox.entry(id.to_owned()).or_insert((body.clone(), 0));
        assert_eq!(*kept, body, "two documents bear one id");
        *times += 1;
        if *times > 1 {
            return;
        }
        let verdict = if self.inbox.len().is_multiple_of(2) { "rejected" } else { "approved" };
        let answer = |verdict: &str| {
            let reason = (verdict == "rejected").then_some("Neteisingas pirkėjo kodas");
            json!({ "id": format!("{id}-{verdict}"), "message": id, "verdict": verdict, "reason": reason })
        };
        let mut said = vec![answer("received"), answer(verdict)];
        if self.happens(50) {
            said.reverse();
        }
        for one in said {
            if self.happens(40) {
                self.log.push(one.clone());
            }
            self.log.push(one);
        }
    }

    fn answer(&mut self, asked: &Asked) -> Option<(u16, &'static str, String)> {
        self.asked.push(asked.clone());
        if !self.script.is_empty() {
            return match self.script.remove(0) {
                Scripted::Status(status, headers, body) => Some((status, headers, body)),
                Scripted::BreakOff => None,
            };
        }
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        if bearer.is_some() && asked.headers.get("authorization") != bearer.as_ref() {
            return Some((401, "", String::new()));
        }
        if self.happens(15) {
            return Some((503, "", String::new()));
        }
        if self.happens(15) {
            return None;
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let given = match (asked.method.as_str(), path) {
            ("POST", "/in/documents") => {
                self.take(&asked.headers["idempotency-key"], asked.body.clone());
                Some((202, "", String::new()))
            }
            ("GET", "/in/answers") => {
                let from: usize = query.strip_prefix("after=").unwrap_or_default().parse().unwrap_or(0);
                let end = self.log.len().min(from + 3);
                Some((200, "", json!({ "answers": self.log[from..end], "next": end.to_string() }).to_string()))
            }
            ("GET", path) => {
                let known = path.strip_prefix("/in/documents/").is_some_and(|id| self.inbox.contains_key(id));
                Some((if known { 200 } else { 404 }, "", String::new()))
            }
            _ => Some((405, "", String::new())),
        };
        if self.happens(20) { None } else { given }
    }
}

impl Receiver {
    pub async fn start(seed: u64, wild: bool) -> Self {
        Self::listen(seed, wild, None).await
    }

    pub async fn secured(acceptor: TlsAcceptor) -> Self {
        Self::listen(0, false, Some(acceptor)).await
    }

    async fn listen(seed: u64, wild: bool, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let address = match &tls {
            None => format!("http://127.0.0.1:{port}/in"),
            Some(_) => format!("https://localhost:{port}/in"),
        };
        let inside = Arc::new(Mutex::new(Inside { seed, wild, ..Inside::default() }));
        let receiver = Self { address, inside };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (serving, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => drop(serving.serve(stream).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                drop(serving.serve(stream).await);
                            }
                        }
                    }
                });
            }
        });
        receiver
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("no test panics with it")
    }

    /// One request a connection.
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut bytes = Vec::new();
        let head = loop {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await?;
            bytes.extend_from_slice(&piece[..read]);
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if read == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let mut lines = text.lines();
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let headers: BTreeMap<String, String> = lines.filter_map(pair).collect();
        let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = bytes.split_off(head + 4);
        while body.len() < length {
            let mut piece = [0; 4096];
            let read = stream.read(&mut piece).await?;
            if read == 0 {
                return Ok(());
            }
            body.extend_from_slice(&piece[..read]);
        }
        let answer = self.inside().answer(&Asked { method, path, headers, body });
        if let Some((status, headers, body)) = answer {
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
        stream.shutdown().await
    }
}
