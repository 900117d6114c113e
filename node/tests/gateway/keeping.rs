//! How long answers are kept, what is answered to who holds them, and what pages of other sites may read.

use keis_ledger::classifiers::ArtField;
use reqwest::Method;

use crate::party;
use crate::support::{AUDITOR, Answer, ORDER, SCHOOL, SERVICE, SESSION, Stand};

const FOREVER: &str = "public, max-age=31536000, immutable";
const MOVING: &str = "public, max-age=2";

async fn ask(stand: &Stand, method: Method, path: &str, head: &[(&str, &str)]) -> Answer {
    let mut request = stand.http.request(method, format!("{}{path}", stand.address));
    for (name, value) in head {
        request = request.header(*name, *value);
    }
    stand.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_change_is_kept_and_what_moves_has_a_tag() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let document = stand.publish(SERVICE, 1, ArtField::Theatre).await;
    stand.open_session().await;
    let order = stand.request_order().await.id();
    for path in [
        "/v1/headers/1".to_owned(),
        "/v1/certificates/1".to_owned(),
        "/v1/blocks/1/receipts".to_owned(),
        format!("/v1/receipts/{order}?proof=1"),
        format!("/v1/documents/{document}"),
    ] {
        let answer = stand.get(&path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, FOREVER), "{path}");
    }
    for path in [
        "/v1/headers".to_owned(),
        "/v1/parameters".to_owned(),
        "/v1/handovers".to_owned(),
        "/v1/proofs/parameters".to_owned(),
        "/v1/funds/2026".to_owned(),
        "/v1/statistics/2026".to_owned(),
        "/v1/orders/summary/2026".to_owned(),
        format!("/v1/orders/{ORDER}?year=2026"),
        "/v1/services".to_owned(),
        format!("/v1/services/{SERVICE}"),
        format!("/v1/sessions/{SESSION}?year=2026"),
        "/v1/decisions".to_owned(),
        "/v1/openapi.json".to_owned(),
        "/docs".to_owned(),
    ] {
        let answer = stand.get(&path).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, MOVING), "{path}");
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 34, "{path}: {tag}");
        for held in [tag.clone(), format!("W/{tag}"), format!("\"a\", {tag}"), "*".to_owned()] {
            let same = ask(&stand, Method::GET, &path, &[("if-none-match", &held)]).await;
            assert_eq!((same.status, same.body.len()), (304, 0), "{path} {held}");
            assert_eq!((same.header("etag"), same.header("cache-control")), (tag.as_str(), MOVING));
        }
        for other in ["\"a\"", "", "rubbish", "\u{e9}"] {
            assert_eq!(ask(&stand, Method::GET, &path, &[("if-none-match", other)]).await.status, 200, "{path}");
        }
        let head = ask(&stand, Method::HEAD, &path, &[]).await;
        assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag.as_str()), "{path}");
        assert_eq!(head.header("content-length"), answer.body.len().to_string(), "{path}");
        let same = ask(&stand, Method::HEAD, &path, &[("if-none-match", &tag)]).await;
        assert_eq!(same.status, 304, "{path}");
    }
    for path in ["/v1/status", "/health/live", "/metrics"] {
        let answer = stand.get(path).await;
        assert_eq!((answer.header("cache-control"), answer.header("etag")), ("no-cache", ""), "{path}");
    }
    assert_eq!(stand.get("/v1/headers/999").await.header("cache-control"), "no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn tag_moves_with_the_tip_and_packed_bytes_have_their_own() {
    let mut stand = Stand::start().await;
    let before = stand.get("/v1/parameters").await.header("etag").to_owned();
    stand.open_year().await;
    let after = ask(&stand, Method::GET, "/v1/parameters", &[("if-none-match", &before)]).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), before);

    let packed = ask(&stand, Method::GET, "/v1/openapi.json", &[("accept-encoding", "gzip")]).await;
    let plain = stand.get("/v1/openapi.json").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.header("etag"), format!("{}-gzip\"", plain.header("etag").trim_end_matches('"')));
    let held = [("accept-encoding", "gzip"), ("if-none-match", packed.header("etag"))];
    assert_eq!(ask(&stand, Method::GET, "/v1/openapi.json", &held).await.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_read_what_is_public_and_nothing_else() {
    let stand = party::stand().await;
    let origin = ("origin", "https://example.lt");
    let reads = [origin, ("access-control-request-method", "GET")];
    let writes = [origin, ("access-control-request-method", "POST")];
    for path in ["/v1/services", "/v1/headers/1", "/v1/statistics/2026", "/v1/events", "/v1/openapi.json"] {
        let before = ask(&stand, Method::OPTIONS, path, &reads).await;
        assert_eq!((before.status, before.header("access-control-allow-origin")), (204, "*"), "{path}");
        assert_eq!(before.header("access-control-allow-methods"), "GET, HEAD");
        assert!(before.header("access-control-allow-headers").contains("if-none-match"));
        assert_eq!(before.header("allow"), "GET, HEAD, OPTIONS");
        let write = ask(&stand, Method::OPTIONS, path, &writes).await;
        assert_eq!((write.status, write.header("access-control-allow-origin")), (204, ""), "{path}");
    }
    for path in ["/v1/services", "/v1/headers/999", "/v1/status"] {
        assert_eq!(
            ask(&stand, Method::GET, path, &[origin]).await.header("access-control-allow-origin"),
            "*",
            "{path}"
        );
    }
    let school = format!("/v1/schools/{SCHOOL}?year=2026");
    for path in [&school, "/v1/transactions", "/v1/compose", "/v1/documents", "/v1/clock", "/metrics", "/v1/blocks"] {
        for head in [reads, writes] {
            let before = ask(&stand, Method::OPTIONS, path, &head).await;
            assert_eq!((before.status, before.header("access-control-allow-origin")), (204, ""), "{path}");
        }
    }
    let answer = stand.read(AUDITOR, &school).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""));
    assert_eq!((answer.header("cache-control"), answer.header("etag")), ("private, no-store", ""));
    ask(&stand, Method::OPTIONS, "/v1/nowhere", &reads).await.is_problem(404, "not_found");
}
