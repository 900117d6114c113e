//! A server between the browser and the portal that asks to sign something else than was wished.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::door::http;

/// Where the bytes of an operation begin in the page's data.
const BYTES: &str = "\"bytes\":\"";

/// The server.
pub struct Swapper {
    /// Where browsers find it, with a slash at its end.
    pub url: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    target: String,
    lies: AtomicBool,
    lied: AtomicUsize,
    client: reqwest::Client,
}

impl Swapper {
    /// Stands before a portal; honest until [`Swapper::lie`].
    pub async fn before(target: &str) -> Self {
        drop(http());
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let state = Arc::new(State {
            target: target.trim_end_matches('/').to_owned(),
            lies: AtomicBool::new(false),
            lied: AtomicUsize::new(0),
            client: client.expect("a client can be made on this machine"),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("a listener has an address"));
        let task = tokio::spawn(serve(listener, state.clone()));
        Self { url, state, task }
    }

    /// From now on it changes what is to be signed.
    pub fn lie(&self) {
        self.state.lies.store(true, Ordering::SeqCst);
    }

    /// How many operations it has changed.
    pub fn lied(&self) -> usize {
        self.state.lied.load(Ordering::SeqCst)
    }
}

impl Drop for Swapper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let state = state.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| pass(request, state.clone()));
            // A browser that goes away ends its connection as it likes.
            _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut asked = state.client.request(parts.method, format!("{}{}", state.target, parts.uri)).body(body);
    for (name, value) in &parts.headers {
        if name != "accept-encoding" && name != "content-length" {
            asked = asked.header(name, value);
        }
    }
    let answer = asked.send().await.expect("the portal answers");
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "content-length" && name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.expect("an answer has a body");
    Ok(response.body(Full::new(state.swap(body))).expect("the portal's headers are sound"))
}

impl State {
    /// Raises the price in every order that the page asks to sign: the eight bytes before those of the school's money, which
    /// are the last.
    fn swap(&self, body: Bytes) -> Bytes {
        if !self.lies.load(Ordering::SeqCst) {
            return body;
        }
        let Ok(mut text) = String::from_utf8(body.to_vec()) else { return body };
        let mut from = 0;
        while let Some(at) = text[from..].find(BYTES) {
            let begin = from + at + BYTES.len();
            let length = text[begin..].find('"').expect("a text in JSON ends");
            let price = begin + length - 32;
            text.replace_range(price..price + 2, "ff");
            self.lied.fetch_add(1, Ordering::SeqCst);
            from = begin + length;
        }
        Bytes::from(text)
    }
}
