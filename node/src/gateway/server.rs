//! What happens on a connection: requests, bounded in time, answered, counted. TLS, when it comes, stands between accept and serving.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;
use warp::http::{HeaderValue, Method, Request, header};
use warp::reply::Response;

use super::call::{Answered, Asked};
use super::keep;
use super::kept::Kept;
use super::patient::Patient;
use super::problem::Problem;
use super::share::{self, Entry};
use super::tongue::{self, Tongue};
use super::{Context, Limits};

/// Streams of one connection at a time.
const STREAMS: u32 = 64;

/// What the access log is switched on by, in the filter of the log.
const ACCESS: &str = "access";

/// Everything that a connection needs.
pub(super) struct Door {
    /// Every address with what answers there.
    pub(super) entries: Vec<Entry>,
    /// What answers are made of.
    pub(super) context: Arc<Context>,
    /// Answers that are good for more than one reader.
    pub(super) kept: Kept,
    /// The bounds.
    pub(super) limits: Limits,
}

/// A connection, counted until it is dropped, also when its task panics.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("keis_gateway_connections").increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("keis_gateway_connections").decrement(1);
    }
}

/// Takes connections until `stopping`, then lets requests under way end within the drain time.
pub(super) async fn serve(listener: TcpListener, door: Arc<Door>, stopping: CancellationToken) {
    let refusal = Problem::visitor_full().into_bytes();
    let refuse = |stream: &TcpStream| {
        metrics::counter!("keis_gateway_refused_connections_total").increment(1);
        // Whoever takes nothing at once is gone.
        stream.try_write(&refusal).ok();
    };
    let handle = |stream| {
        let (door, stopping) = (door.clone(), stopping.clone());
        async move {
            let counted = Counted::new();
            connection(stream, door, stopping).await;
            drop(counted);
        }
    };
    keis_door::serve(listener, door.limits.bounds(), stopping.clone(), refuse, handle).await;
}

async fn connection(stream: TcpStream, door: Arc<Door>, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let limits = door.limits.clone();
    let answering = tower::service_fn(move |request| answer(door.clone(), request));
    let packing = CompressionLayer::new().layer(answering);
    let packing = ServiceExt::<Request<hyper::body::Incoming>>::map_response(packing, keep::tell_packed);
    let service = TowerToHyperService::new(packing);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header()).max_buf_size(64 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).keep_alive_interval(limits.header());
    let stream = Patient::new(stream, limits.write());
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = tokio::select! {
        outcome = &mut serving => outcome,
        () = stopping.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(error, "a connection ended early");
    }
}

/// One request: bounded in time, counted by route, complete in its headers.
async fn answer(door: Arc<Door>, mut request: Request<hyper::body::Incoming>) -> Result<Response, Infallible> {
    let started = Instant::now();
    let asked = Asked { method: request.method().clone(), uri: request.uri().clone() };
    request.extensions_mut().insert(asked);
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let held = text(&request, header::IF_NONE_MATCH);
    let tongue = Tongue::of(text(&request, header::ACCEPT_LANGUAGE).as_deref());
    let options =
        if method == Method::OPTIONS { share::options(&door.entries, &path, request.headers()) } else { None };
    let is_shared = method == Method::GET && share::is_shared(&door.entries, &path);
    let response = match options {
        Some(response) => response,
        None if is_shared => once(&door, request, &path).await,
        None => route(&door, request, &path).await,
    };
    let mut response = tongue::say(response, tongue);
    if is_shared {
        share::open(&mut response);
    }
    if method == Method::GET {
        response = keep::unless_held(response, held.as_deref(), || "".into());
    }
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    count(&method, &response, started.elapsed());
    if is_head {
        response = without_body(response);
    }
    Ok(response)
}

/// A field of the head; several of one name are one list.
fn text<B>(request: &Request<B>, name: header::HeaderName) -> Option<String> {
    let values = request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    let values: Vec<&str> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// A public answer, made once for all who ask before it would be another.
async fn once(door: &Door, request: Request<hyper::body::Incoming>, path: &str) -> Response {
    let address = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let source = door.context.source();
    if let Some(response) = door.kept.take(source, &address) {
        return response;
    }
    let response = route(door, request, path).await;
    if door.context.source() == source {
        door.kept.put(source, &address, &response);
    }
    response
}

/// What the routes answer, within the time for it.
async fn route(door: &Door, request: Request<hyper::body::Incoming>, path: &str) -> Response {
    let Some(entry) = share::at(&door.entries, path).find(|entry| entry.method == *request.method()) else {
        let problem = match share::allowed(&door.entries, path) {
            none if none.is_empty() => Problem::nothing_here(),
            methods => Problem::method_not_allowed(methods),
        };
        return problem.into_response();
    };
    let answered = tokio::time::timeout(door.limits.request(), warp::service(entry.filter.clone()).oneshot(request));
    match answered.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => Problem::unavailable("timeout", "the answer took too long").into_response(),
    }
}

fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = hyper::body::Body::size_hint(&body).exact() {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, "".into())
}

fn count(method: &Method, response: &Response, elapsed: Duration) {
    let route = response.extensions().get::<Answered>().map_or("none", |answered| answered.0);
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    };
    let status = response.status().as_str().to_owned();
    // The access log: the route's template instead of the address, and nothing of who asks.
    let bytes = hyper::body::Body::size_hint(response.body()).exact();
    tracing::debug!(target: ACCESS, route, method, status, milliseconds = elapsed.as_millis() as u64, bytes, "answered");
    metrics::counter!("keis_gateway_requests_total", "route" => route, "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("keis_gateway_seconds", "route" => route, "method" => method).record(elapsed.as_secs_f64());
}
