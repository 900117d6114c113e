//! Numbers for whoever watches over the portal, for Prometheus, at an address of their own that is set apart from the pages.
//! Only counts, times and states: nothing of people or money.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use keis_registry::outbox::{self, OutboxState};
use keis_registry::{Actor, Page, RegistryError, now};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use warp::Filter;
use warp::http::header;
use warp::reply::Response;

use crate::site::Site;

/// Those who watch are few.
const CONNECTIONS: usize = 8;
/// Longest life of a connection.
const LONGEST: Duration = Duration::from_secs(30);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What the registry's log would call who counts.
const ACTOR: Actor = Actor::System("metrics");

/// Listens where the settings say, if they do. Ends with the portal.
pub(crate) async fn start(site: &Arc<Site>, stopping: CancellationToken) -> Result<(), (SocketAddr, std::io::Error)> {
    let Some(address) = site.settings.metrics else { return Ok(()) };
    let listener = TcpListener::bind(address).await.map_err(|source| (address, source))?;
    let expires = site.settings.tls.as_ref().and_then(|tls| expiry(&tls.certificate));
    tokio::spawn(serve(listener, site.clone(), expires, stopping));
    Ok(())
}

/// The last second of a certificate, as it was when the portal began to show it.
fn expiry(file: &Path) -> Option<i64> {
    let certificate = CertificateDer::from_pem_file(file).ok()?;
    let (_, read) = x509_parser::parse_x509_certificate(&certificate).ok()?;
    Some(read.validity().not_after.timestamp())
}

async fn serve(listener: TcpListener, site: Arc<Site>, expires: Option<i64>, stopping: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (site, stopping) = (site.clone(), stopping.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = tokio::time::timeout(LONGEST, connection(stream, site, expires)) => {}
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, site: Arc<Site>, expires: Option<i64>) {
    let route = warp::path!("metrics").and(warp::get()).then(move || {
        let site = site.clone();
        async move { answer(text(&site, expires).await) }
    });
    let service = TowerToHyperService::new(warp::service(route));
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(LONGEST);
    let served: Result<(), _> = builder.serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(error, "a connection for metrics ended early");
    }
}

fn answer(text: String) -> Response {
    let mut response = Response::new(text.into());
    let form = "text/plain; version=0.0.4; charset=utf-8";
    response.headers_mut().insert(header::CONTENT_TYPE, warp::http::HeaderValue::from_static(form));
    response
}

/// Everything that is told.
async fn text(site: &Site, expires: Option<i64>) -> String {
    let (counted, status) = tokio::join!(registry(site), site.client.status());
    let mut text = String::new();
    let mut tell = |name: &str, value: i64| {
        // Writing into memory cannot fail.
        let _ = writeln!(text, "# TYPE {name} gauge\n{name} {value}");
    };
    tell("keis_portal_registry_up", counted.is_ok().into());
    tell("keis_portal_gateway_up", status.is_ok().into());
    tell("keis_portal_catalogue_ready", site.catalogue.ready().into());
    if let Some(expires) = expires {
        tell("keis_portal_certificate_expires_timestamp_seconds", expires);
    }
    match counted {
        Ok(numbers) => text.push_str(&numbers),
        Err(error) => tracing::warn!(%error, "the registry does not tell its numbers"),
    }
    text
}

/// What waits in the registry, and for what an officer is waited.
async fn registry(site: &Site) -> Result<String, RegistryError> {
    let mut text = String::from("# TYPE keis_outbox_rows gauge\n");
    let counts = outbox::counts(&site.registry).await?;
    for state in [OutboxState::Waiting, OutboxState::Signed, OutboxState::Refused] {
        let count = counts.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        let _ = writeln!(text, "keis_outbox_rows{{state=\"{state}\"}} {count}");
    }
    let mut oldest = None;
    for state in [OutboxState::Waiting, OutboxState::Signed] {
        let first = outbox::list(&site.registry, Some(state), &Page::first(1)).await?.items.pop();
        oldest = first.map(|row| row.created).into_iter().chain(oldest).min();
    }
    let age = oldest.map_or(0, |created| now().0.saturating_sub(created.0) / 1000);
    let _ = writeln!(text, "# TYPE keis_outbox_oldest_seconds gauge\nkeis_outbox_oldest_seconds {age}");
    let (states, aside) = site.registry.dispatch_counts(&ACTOR).await?;
    let _ = writeln!(text, "# TYPE keis_dispatch_documents gauge");
    for state in keis_registry::dispatch::DispatchState::ALL {
        let count = states.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        let _ = writeln!(text, "keis_dispatch_documents{{state=\"{state}\"}} {count}");
    }
    let _ = writeln!(text, "# TYPE keis_dispatch_answers_aside gauge\nkeis_dispatch_answers_aside {aside}");
    Ok(text)
}
