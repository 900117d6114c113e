//! TLS: versions, certificates, what browsers are told.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Browser, SiteOptions, TestSite, start, try_start};
use keis_portal::server::ServerError;
use keis_portal::settings::{Limits, Tls};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    site: TestSite,
    certificate: rcgen::CertifiedKey,
    _folder: TempDir,
}

fn files(folder: &TempDir, certificate: &rcgen::CertifiedKey) -> Tls {
    let tls = Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, certificate.cert.pem()).expect("a file");
    std::fs::write(&tls.key, certificate.key_pair.serialize_pem()).expect("a file");
    tls
}

async fn stage(limits: Limits) -> Stage {
    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let tls = Some(files(&folder, &certificate));
    let site = start(SiteOptions { tls, limits, ..SiteOptions::default() }).await;
    Stage { site, certificate, _folder: folder }
}

impl Stage {
    fn browser(&self, lowest: reqwest::tls::Version, highest: reqwest::tls::Version) -> Browser {
        drop(rustls::crypto::ring::default_provider().install_default());
        let root = reqwest::Certificate::from_pem(self.certificate.cert.pem().as_bytes()).expect("a certificate");
        let http =
            reqwest::Client::builder().add_root_certificate(root).min_tls_version(lowest).max_tls_version(highest);
        Browser::over(&self.site.url, http)
    }

    async fn handshake(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.cert.der().clone()).expect("a certificate");
        let config = ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.site.address()).await?;
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

#[tokio::test]
async fn versions_1_2_and_1_3_are_spoken() {
    let stage = stage(Limits::default()).await;
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let browser = stage.browser(version, version);
        let page = browser.post("/signin/simulated", &[("person", "coordinator")]).await;
        assert_eq!(page.status, 303, "{version:?}");
        assert_eq!(page.header("strict-transport-security"), "max-age=31536000", "{version:?}");
        assert_eq!(browser.get("/signin").await.status, 303, "{version:?}");
    }
}

/// A greeting of TLS 1.1, or of 1.0 and SSL 3 by its number.
fn greeting(version: [u8; 2]) -> Vec<u8> {
    let suites: [u8; 6] = [0xc0, 0x13, 0xc0, 0x14, 0x00, 0x2f];
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.extend([0, 0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0]);
    let mut handshake = vec![1, 0, 0, body.len() as u8];
    handshake.extend(body);
    let mut record = vec![22, 3, 1, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}

#[tokio::test]
async fn older_versions_are_not() {
    let stage = stage(Limits::default()).await;
    for (name, version) in [("TLS 1.1", [3, 2]), ("TLS 1.0", [3, 1]), ("SSL 3", [3, 0])] {
        let mut stream = TcpStream::connect(stage.site.address()).await.expect("it listens");
        stream.write_all(&greeting(version)).await.expect("it reads");
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends").expect("it answers");
        assert_eq!(answer.first(), Some(&21), "{name} is answered by an alert alone: {answer:?}");
        assert_eq!(answer.get(5), Some(&2), "{name}: a fatal one: {answer:?}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_it_was_agreed() {
    let stage = stage(Limits::default()).await;
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    for (offered, agreed) in
        [(vec!["h2", "http/1.1"], Some("h2")), (vec!["http/1.1"], Some("http/1.1")), (vec![], None)]
    {
        let stream = stage.handshake(&versions, &offered).await.expect("a handshake");
        let found = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        assert_eq!(found.as_deref(), agreed, "{offered:?}");
    }
    let mut stream = stage.handshake(&versions, &["h2"]).await.expect("a handshake");
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("it reads");
    stream.write_all(&empty_settings).await.expect("it reads");
    let mut frame = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut frame)).await.expect("it answers").expect("a frame");
    assert_eq!(frame[3], 4, "its settings come first");
}

#[tokio::test]
async fn who_greets_slowly_is_cut() {
    let stage = stage(Limits { header_seconds: 1, ..Limits::default() }).await;
    for start in [&[][..], &[22, 3, 1][..]] {
        let mut stream = TcpStream::connect(stage.site.address()).await.expect("it listens");
        stream.write_all(start).await.expect("it reads");
        let mut answer = Vec::new();
        drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection is cut"));
    }
    // After the handshake, too, in either protocol.
    for protocol in ["h2", "http/1.1"] {
        let mut stream = stage.handshake(&[&rustls::version::TLS13], &[protocol]).await.expect("a handshake");
        let mut answer = Vec::new();
        drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection is cut"));
    }
}

#[tokio::test]
async fn plain_http_is_not_answered_on_the_tls_port() {
    let stage = stage(Limits::default()).await;
    let mut stream = TcpStream::connect(stage.site.address()).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it reads");
    let mut answer = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it ends"));
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn certificates_of_no_use_are_told_by_their_file() {
    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let good = files(&folder, &certificate);
    let missing = folder.path().join("missing.pem");
    let foreign = folder.path().join("foreign.pem");
    let nonsense = folder.path().join("nonsense.pem");
    std::fs::write(&foreign, other.key_pair.serialize_pem()).expect("a file");
    std::fs::write(&nonsense, "nonsense").expect("a file");
    let cases = [
        (Tls { certificate: missing.clone(), ..good.clone() }, &missing),
        (Tls { key: missing.clone(), ..good.clone() }, &missing),
        (Tls { key: nonsense.clone(), ..good.clone() }, &nonsense),
        (Tls { certificate: nonsense.clone(), ..good.clone() }, &nonsense),
        (Tls { key: foreign.clone(), ..good.clone() }, &good.certificate),
    ];
    for (tls, file) in cases {
        match try_start(SiteOptions { tls: Some(tls), ..SiteOptions::default() }).await.map(|_| ()) {
            Err(ServerError::Certificate { path, .. }) => assert_eq!(&path, file),
            other => panic!("{}: {other:?}", file.display()),
        }
    }
}
