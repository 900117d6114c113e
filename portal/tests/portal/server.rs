//! The listener: headers, forged requests, methods, bounds.

use std::time::Duration;

use crate::support::{Page, SiteOptions, start, try_start};
use keis_portal::server::ServerError;
use keis_portal::settings::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough for a machine that is busy; what is tested ends far earlier.
const PATIENCE: Duration = Duration::from_secs(30);

fn short() -> Limits {
    Limits { header_seconds: 1, request_seconds: 1, drain_seconds: 1, ..Limits::default() }
}

fn assert_secured(case: &str, page: &Page) {
    let policy = page.header("content-security-policy");
    for part in
        ["default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
    {
        assert!(policy.contains(part), "{case}: {part} is missing from {policy:?}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{case}: {policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff", "{case}");
    assert_eq!(page.header("referrer-policy"), "same-origin", "{case}");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin", "{case}");
    assert!(!page.header("permissions-policy").is_empty(), "{case}");
    assert!(!page.header("cache-control").is_empty(), "{case}");
    assert_eq!(page.header("server"), "", "{case}: says nothing of its make");
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let site = start(SiteOptions::default()).await;
    let browser = site.browser();
    for path in [
        "/",
        "/signin",
        "/signedout",
        "/services",
        "/figures",
        "/school",
        "/provider",
        "/office",
        "/wallet",
        "/nowhere",
    ] {
        let page = browser.get(path).await;
        assert_secured(path, &page);
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    let style = browser.get("/assets/site.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.header("cache-control").starts_with("public"));
    assert_secured("a style sheet", &style);
    assert_secured("a missing file", &browser.get("/assets/../Cargo.toml").await);
    assert_secured("a wrong method", &browser.post("/services", &[]).await);
    assert_secured("a forged form", &browser.post_from("/signout", &[], &[("sec-fetch-site", "cross-site")]).await);
    assert_secured("a sign-in", &browser.post("/signin/simulated", &[("person", "coordinator")]).await);
    assert_secured("an error", &browser.post("/signin/simulated", &[]).await);
}

#[tokio::test]
async fn pages_hold_nothing_that_the_policy_forbids() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    for path in ["/", "/signedout", "/nowhere", "/services"] {
        let page = browser.get(path).await;
        for (index, tag) in page.text.split('<').enumerate().skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            let inline = tag.contains(" style=") || tag.contains(" onclick=") || tag.contains("javascript:");
            let script =
                tag.starts_with("script") && !tag.contains("src=\"/assets/") && !tag.contains("application/json");
            assert!(!inline && !script && !tag.starts_with("style"), "{path}, tag {index}: <{tag}>");
        }
    }
}

#[tokio::test]
async fn the_session_cookie_belongs_to_this_site_alone() {
    let site = start(SiteOptions::default()).await;
    let page = site.browser().post("/signin/simulated", &[("person", "coordinator")]).await;
    let cookie = page.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-keis="), "{cookie}");
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.split("; ").any(|found| found == part), "{part} is missing from {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let page = site.browser().get("/services").await;
    assert_eq!(page.header("set-cookie"), "", "who only reads is given no session");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let site = start(SiteOptions::default()).await;
    let own = site.url.clone();
    let cases: [(&[(&str, &str)], bool); 10] = [
        (&[("sec-fetch-site", "same-origin"), ("origin", &own)], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("origin", &own)], true),
        (&[], true),
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://elsewhere.example")], false),
        (&[("sec-fetch-site", "same-site"), ("origin", "https://other.pasas.example")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("origin", "https://elsewhere.example")], false),
        (&[("origin", "http://127.0.0.1:1")], false),
        (&[("origin", "null")], false),
    ];
    for (headers, taken) in cases {
        let browser = site.browser();
        let page = browser.post_from("/signin/simulated", &[("person", "coordinator")], headers).await;
        assert_eq!(page.status, if taken { 303 } else { 403 }, "{headers:?}");
        assert_eq!(browser.get("/signin").await.status == 303, taken, "{headers:?}: signed in by another site");
        if !taken {
            assert!(page.text.contains("kita svetainė") && page.text.contains("another site"), "{}", page.text);
        }
    }
    let browser = site.signed_in("coordinator").await;
    browser.post_from("/signout", &[], &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(browser.get("/signin").await.status, 303, "nor does another site sign anybody out");
}

#[tokio::test]
async fn methods_are_those_of_the_route() {
    let site = start(SiteOptions::default()).await;
    let browser = site.browser();
    let send = async |method: reqwest::Method, path: &str| {
        browser.send(browser.http().request(method, browser.url(path))).await
    };
    for (method, path, allow) in [
        (reqwest::Method::GET, "/signout", "POST"),
        (reqwest::Method::PUT, "/signin", "GET, HEAD"),
        (reqwest::Method::DELETE, "/signin/simulated", "POST"),
        (reqwest::Method::OPTIONS, "/signedout", "GET, HEAD"),
        (reqwest::Method::PATCH, "/assets/site.css", "GET, HEAD"),
    ] {
        let page = send(method.clone(), path).await;
        assert_eq!((page.status, page.header("allow")), (405, allow), "{method} {path}");
    }
    assert_eq!(send(reqwest::Method::PUT, "/nowhere").await.status, 404);

    let (got, head) = (send(reqwest::Method::GET, "/signin").await, send(reqwest::Method::HEAD, "/signin").await);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-type"), got.header("content-type"));
    assert_eq!(head.header("content-length"), got.text.len().to_string());
    assert_secured("HEAD", &head);
}

#[tokio::test]
async fn too_long_a_form_is_refused() {
    let site = start(SiteOptions::default()).await;
    let text = "x".repeat(9 * 1024 * 1024);
    let page = site.browser().post("/signin/simulated", &[("person", &text)]).await;
    assert_eq!(page.status, 413);
    let page = site.browser().post("/signin/simulated", &[("person", &text[..100_000])]).await;
    assert_eq!(page.status, 404, "a form below the bound is read");
}

/// What comes over a connection after these bytes, until the portal ends it.
async fn until_end(site: &crate::support::TestSite, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(site.address()).await.expect("it listens");
    stream.write_all(bytes).await.expect("it reads");
    let mut answer = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let end = end.unwrap_or_else(|_| panic!("the connection is still open after {bytes:?}"));
    drop(end);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn who_is_slow_is_cut() {
    let site = start(SiteOptions { limits: short(), ..SiteOptions::default() }).await;
    assert_eq!(until_end(&site, b"").await, "", "who says nothing");
    until_end(&site, b"GET /signin HT").await;
    until_end(&site, b"PRI * HTTP/2.0").await;
    until_end(&site, b"GET /signin HTTP/1.1\r\nhost: a\r\n").await;
    let answer = until_end(&site, b"GET /nowhere HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "who is done, but stays: {answer}");
    let form = b"POST /signin/simulated HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nperson=";
    let answer = until_end(&site, form).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "whose form never ends: {answer}");
}

#[tokio::test]
async fn connections_are_bounded_and_places_come_free() {
    let limits = Limits { connections: 2, ..short() };
    let site = start(SiteOptions { limits, ..SiteOptions::default() }).await;
    let silent = [
        TcpStream::connect(site.address()).await.expect("it listens"),
        TcpStream::connect(site.address()).await.expect("it listens"),
    ];
    let page = timeout(PATIENCE, site.browser().get("/signedout")).await.expect("silent connections give way");
    assert_eq!(page.status, 200);
    drop(silent);
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let site = start(SiteOptions { limits, ..SiteOptions::default() }).await;
    let connect = || TcpStream::connect(site.address());
    let mut held = [connect().await.expect("it listens"), connect().await.expect("it listens")];
    for one in &mut held {
        one.write_all(b"GET /signedout HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it takes a request");
        let mut answer = [0; 12];
        one.read_exact(&mut answer).await.expect("it answers");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    let mut third = connect().await.expect("it listens");
    assert_eq!(third.read(&mut [0; 1]).await.expect("it is closed in order"), 0, "a third is closed");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let site = start(SiteOptions::default()).await;
    let head = format!("GET /signin HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(200_000));
    let mut stream = TcpStream::connect(site.address()).await.expect("it listens");
    // The portal stops reading half way, so the writer may see the end first.
    let mut answer = vec![0; 12];
    let (reading, mut writing) = stream.split();
    let mut reading = reading;
    let (read, _) =
        timeout(PATIENCE, async { tokio::join!(reading.read_exact(&mut answer), writing.write_all(head.as_bytes())) })
            .await
            .expect("it answers");
    if read.is_ok() {
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 431");
    }
}

#[tokio::test]
async fn the_end_waits_no_longer_than_it_may() {
    let site =
        start(SiteOptions { limits: Limits { drain_seconds: 1, ..Limits::default() }, ..SiteOptions::default() }).await;
    let mut silent = TcpStream::connect(site.address()).await.expect("it listens");
    silent.write_all(b"GET /signin HTTP/1.1\r\n").await.expect("it reads");
    let address = site.address();
    timeout(PATIENCE, site.shutdown()).await.expect("the portal ends");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn plain_http_stays_within_the_machine() {
    let listen = "0.0.0.0:0".parse().expect("an address");
    let public_url = "http://pasas.example".parse().ok();
    let refused = try_start(SiteOptions { listen, public_url, ..SiteOptions::default() }).await;
    assert!(matches!(refused.err(), Some(ServerError::Plain { .. })));
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https_where_it_is_spoken() {
    let plain = start(SiteOptions::default()).await;
    assert_eq!(plain.browser().get("/signedout").await.header("strict-transport-security"), "");
    let public_url = "https://pasas.example".parse().ok();
    let behind = start(SiteOptions { public_url, ..SiteOptions::default() }).await;
    assert_eq!(behind.browser().get("/signedout").await.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn pages_are_compressed_for_who_asks() {
    let site = start(SiteOptions::default()).await;
    let browser = site.browser();
    let request = browser.http().get(browser.url("/assets/site.css")).header("accept-encoding", "gzip");
    let response = request.send().await.expect("it answers");
    assert_eq!(response.headers().get("content-encoding").map(|value| value.as_bytes()), Some(&b"gzip"[..]));
}

#[tokio::test]
async fn the_language_is_asked_for_kept_and_told() {
    let site = start(SiteOptions::default()).await;
    let browser = site.browser();
    let lang = async |path: &str, accepted: &str| {
        let request = browser.http().get(browser.url(path)).header("accept-language", accepted);
        let page = browser.send(request).await;
        page.text.split("<html lang=\"").nth(1).map(|rest| rest[..2].to_owned()).unwrap_or_default()
    };
    assert_eq!(lang("/signin", "").await, "lt");
    assert_eq!(lang("/signin", "en-GB,en;q=0.9,lt;q=0.8").await, "en");
    assert_eq!(lang("/signin", "de").await, "lt");
    assert_eq!(lang("/signin?lang=en", "lt").await, "en");
    assert_eq!(lang("/signin", "lt").await, "en", "the choice is kept");
    assert_eq!(lang("/nowhere", "lt").await, "en", "on every page");
    assert_eq!(lang("/signin?lang=xx", "lt").await, "en");
}
