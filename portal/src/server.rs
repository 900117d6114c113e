//! The listener: TLS, connections and their bounds, sessions, forged requests, headers, the drain at the end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use hyper::body::Body as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use keis_door::Bounds;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration as Span;
use tower_sessions::{Expiry, Session, SessionManagerLayer};
use warp::filters::BoxedFilter;
use warp::http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use warp::reply::Response;

use crate::metrics;
use crate::route::{self, Answered};
use crate::routes;
use crate::session::{self, Sessions};
use crate::settings::{Limits, Tls};
use crate::site::Site;

/// Streams of one connection at a time.
const STREAMS: u32 = 64;
/// What somebody reads whose request another site sent, in both languages.
const FORGED: &str = "Užklausą siuntė kita svetainė, todėl ji neįvykdyta. Grįžkite į puslapį ir bandykite dar kartą.\n\
    The request came from another site, so it was not carried out. Go back to the page and try again.\n";
/// Nothing but this site's own files; nothing in a page's text can become a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why a portal does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("the portal cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Plain HTTP where others could read along.
    #[error("{address} is reachable from other machines, so the portal needs a certificate: set `tls`")]
    Plain {
        /// The address.
        address: SocketAddr,
    },
    /// A certificate or key that cannot be used.
    #[error("{path} cannot be used for TLS: {problem}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// A running portal.
pub struct Portal {
    address: SocketAddr,
    stopping: CancellationToken,
    server: JoinHandle<()>,
}

impl Portal {
    /// Listens and serves until [`Portal::shutdown`].
    ///
    /// # Errors
    /// [`ServerError`] when the address or the certificate is of no use.
    pub fn start(site: Arc<Site>) -> BoxFuture<'static, Result<Self, ServerError>> {
        // Boxed here, so that the whole server is compiled with this crate and not again with everybody who starts one.
        Box::pin(Self::listen(site))
    }

    async fn listen(site: Arc<Site>) -> Result<Self, ServerError> {
        let listen = site.settings.listen;
        let tls = site.settings.tls.as_ref().map(acceptor).transpose()?;
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(ServerError::Plain { address: listen });
        }
        let failed = |source| ServerError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let table = routes::table(&site);
        let templates = table.iter().map(|route| (route.method.clone(), route.template)).collect();
        site.templates.get_or_init(|| templates);
        let filter = route::all(&site, table);
        let stopping = CancellationToken::new();
        let told = metrics::start(&site, stopping.clone()).await;
        told.map_err(|(address, source)| ServerError::Listen { address, source })?;
        let https = tls.is_some() || site.settings.public_url.scheme() == "https";
        let door = Door { filter, tls, https, site };
        let server = tokio::spawn(serve(listener, Arc::new(door), stopping.clone()));
        tracing::info!(%address, "the portal listens");
        Ok(Self { address, stopping, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets requests under way end within the drain time, and returns.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the portal's listener did not end well");
        }
    }
}

/// Everything that a connection needs.
struct Door {
    filter: BoxedFilter<(Response,)>,
    tls: Option<TlsAcceptor>,
    /// Whether browsers reach the portal by HTTPS, here or at what stands before it.
    https: bool,
    site: Arc<Site>,
}

/// What a connection is doing, so that one that does nothing can be told from one that waits for an answer.
struct Activity {
    began: Instant,
    under_way: AtomicUsize,
    rested: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self { began: Instant::now(), under_way: AtomicUsize::new(0), rested: AtomicU64::new(0) }
    }

    fn starts(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay(self.clone())
    }

    /// Whether nothing was asked for as long.
    fn idles(&self, longest: Duration) -> bool {
        let rests = self.began.elapsed().saturating_sub(Duration::from_millis(self.rested.load(Ordering::Acquire)));
        self.under_way.load(Ordering::Acquire) == 0 && rests >= longest
    }
}

/// A request under way, until it is dropped.
struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let now = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.rested.store(now, Ordering::Release);
        self.0.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

fn acceptor(files: &Tls) -> Result<TlsAcceptor, ServerError> {
    let wrong = |path: &Path, problem: String| ServerError::Certificate { path: path.to_owned(), problem };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| wrong(&files.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error.to_string()))?;
    // The tree enables two providers of rustls, so one must be named; another part of the program may have done it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let mut config = config.map_err(|error| wrong(&files.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(listener: TcpListener, door: Arc<Door>, stopping: CancellationToken) {
    let limits = &door.site.settings.limits;
    let bounds = Bounds {
        connections: limits.connections,
        per_address: limits.connections_per_address,
        drain: Duration::from_secs(limits.drain_seconds),
    };
    let handle = |stream| secured(stream, door.clone(), stopping.clone());
    // Nothing can be said before the handshake.
    keis_door::serve(listener, bounds, stopping.clone(), |_| (), handle).await;
}

async fn secured(stream: TcpStream, door: Arc<Door>, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let Some(tls) = door.tls.clone() else { return connection(stream, Spoken::Http1, door, stopping).await };
    let patience = Duration::from_secs(door.site.settings.limits.header_seconds);
    match tokio::time::timeout(patience, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let spoken = Spoken::agreed(stream.get_ref().1.alpn_protocol());
            connection(stream, spoken, door, stopping).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

/// The protocol of a connection, settled before its first byte: nobody holds one open by not saying which.
#[derive(Clone, Copy)]
enum Spoken {
    Http1,
    Http2,
}

impl Spoken {
    fn agreed(alpn: Option<&[u8]>) -> Self {
        if alpn == Some(b"h2") { Self::Http2 } else { Self::Http1 }
    }

    fn builder(self, patience: Duration) -> auto::Builder<TokioExecutor> {
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut builder = match self {
            Self::Http1 => builder.http1_only(),
            Self::Http2 => builder.http2_only(),
        };
        builder.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(64 * 1024);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).keep_alive_interval(patience);
        builder
    }
}

async fn connection<S>(stream: S, spoken: Spoken, door: Arc<Door>, stopping: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = door.site.settings.limits.clone();
    let patience = Duration::from_secs(limits.header_seconds);
    let activity = Arc::new(Activity::new());
    let answering = {
        let (door, activity) = (door.clone(), activity.clone());
        tower::service_fn(move |request| {
            let (door, under_way) = (door.clone(), activity.starts());
            async move {
                let answered = answer(door, request).await;
                drop(under_way);
                answered
            }
        })
    };
    let sessions = SessionManagerLayer::new(Sessions::new(door.site.registry.clone()))
        .with_name("__Host-keis")
        .with_path("/")
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(minutes(&limits)));
    let own = CsrfLayer::new().with_rejection_response(|_| forged()).layer(sessions.layer(answering));
    let https = door.https;
    let own = own.map_response(move |mut response: Response| {
        secure(&mut response, https);
        response
    });
    let service = TowerToHyperService::new(CompressionLayer::new().layer(own));
    let builder = spoken.builder(patience);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let outcome = loop {
        tokio::select! {
            outcome = &mut serving => break outcome,
            () = stopping.cancelled() => {
                serving.as_mut().graceful_shutdown();
                break serving.await;
            }
            () = tokio::time::sleep(patience) => if activity.idles(patience) {
                serving.as_mut().graceful_shutdown();
                match tokio::time::timeout(patience, serving).await {
                    Ok(outcome) => break outcome,
                    Err(_) => return tracing::debug!("a connection was cut: it takes no answer"),
                }
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(error, "a connection ended early");
    }
}

/// A request that changes something and was sent by another site.
fn forged() -> Response {
    let mut response = Response::new(FORGED.into());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn minutes(limits: &Limits) -> Span {
    Span::minutes(i64::try_from(limits.session_minutes).unwrap_or(30))
}

/// One request: bounded in time, complete in its headers.
async fn answer(door: Arc<Door>, mut request: Request<hyper::body::Incoming>) -> Result<Response, Infallible> {
    let started = Instant::now();
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
    }
    // Styles and scripts are nobody's: they neither need a session nor keep one alive.
    if !request.uri().path().starts_with("/assets/")
        && let Some(session) = request.extensions().get::<Session>().cloned()
        && let Err(error) = session::keep(&session).await
    {
        tracing::error!(%error, "a session could not be kept");
    }
    let patience = Duration::from_secs(door.site.settings.limits.request_seconds);
    let answered = tokio::time::timeout(patience, warp::service(door.filter.clone()).oneshot(request)).await;
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            let mut response = Response::new("the answer took too long".into());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    };
    let route = response.extensions().get::<Answered>().map_or("none", |answered| answered.0);
    let status = response.status().as_u16();
    tracing::debug!(route, status, seconds = started.elapsed().as_secs_f64(), "answered");
    if is_head {
        let length = response.body().size_hint().exact();
        if let Some(length) = length.filter(|_| !response.headers().contains_key(header::CONTENT_LENGTH)) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = "".into();
    }
    Ok(response)
}

fn secure(response: &mut Response, https: bool) {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
