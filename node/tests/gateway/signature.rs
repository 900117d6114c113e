//! Signatures of reads: the standard's own example, and every way in which one does not hold.

use keis_ledger::crypto::PublicKey;
use keis_node::gateway::Settings;
use keis_node::gateway::signature::{Flaw, Message, Signed};
use reqwest::header::{HeaderMap, HeaderValue};

use crate::party::{LATER_KEY, SCHOOL_KEY, STRANGER_KEY, Signing, TEACHER_KEY, serving, stand};
use crate::support::{OPERATOR, SCHOOL, Stand, key};

fn path() -> String {
    format!("/v1/schools/{SCHOOL}?year=2026")
}

fn example() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", "18"),
        (
            "signature-input",
            "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
             ;created=1618884473;keyid=\"test-key-ed25519\"",
        ),
        (
            "signature",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

fn message(headers: &HeaderMap) -> Message<'_> {
    Message { method: "POST", authority: "example.com".into(), path: "/foo", query: "param=Value&Pet=dog", headers }
}

/// RFC 9421, appendix B.2.6, with the key of B.1.4.
#[test]
fn example_of_the_standard_holds() {
    let headers = example();
    let signed = Signed::all(&headers).unwrap().remove(0);
    let base = signed.base(&message(&headers)).unwrap();
    let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
        \"@method\": POST\n\
        \"@path\": /foo\n\
        \"@authority\": example.com\n\
        \"content-type\": application/json\n\
        \"content-length\": 18\n\
        \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
        ;created=1618884473;keyid=\"test-key-ed25519\"";
    assert_eq!(base, expected);
    let key = "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb";
    let key: PublicKey = format!("key_{key}").parse().unwrap();
    assert!(key.verify(base.as_bytes(), &signed.signature));
    assert!(!key.verify(base.replace("/foo", "/bar").as_bytes(), &signed.signature));
    assert_eq!((signed.created(), signed.key_id()), (Some(1_618_884_473), Some("test-key-ed25519")));
}

#[test]
fn unreadable_fields_are_flaws() {
    let with = |name: &'static str, value: &'static str| {
        let mut headers = example();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    };
    let of = |headers: &HeaderMap| Signed::all(headers).and_then(|all| all[0].base(&message(headers)));
    assert_eq!(of(&with("signature-input", "sig-b26=(")).unwrap_err(), Flaw::Form("signature-input"));
    assert_eq!(of(&with("signature-input", "sig-b26=1")).unwrap_err(), Flaw::Form("signature-input"));
    assert_eq!(of(&with("signature", "???")).unwrap_err(), Flaw::Form("signature"));
    for short in ["sig-b26=:AAAA:", "other=:AAAA:", "sig-b26=()"] {
        assert_eq!(of(&with("signature", short)).unwrap_err(), Flaw::Unsigned("sig-b26".into()), "{short}");
    }
    for (covered, name) in [
        ("sig-b26=(\"@path\" \"@path\")", "@path"),
        ("sig-b26=(\"@status\")", "@status"),
        ("sig-b26=(\"@path\";req)", "@path"),
        ("sig-b26=(\"date\";sf)", "date"),
    ] {
        assert_eq!(of(&with("signature-input", covered)).unwrap_err(), Flaw::Component(name.into()), "{covered}");
    }
    let absent = of(&with("signature-input", "sig-b26=(\"digest\")")).unwrap_err();
    assert_eq!(absent, Flaw::Absent("digest".into()));
    assert!(Signed::all(&HeaderMap::new()).unwrap().is_empty());
}

async fn refused(stand: &Stand, what: &str, change: impl FnOnce(&mut Signing)) {
    let mut signing = Signing::of(stand, SCHOOL_KEY, &path());
    change(&mut signing);
    let answer = stand.read_with(&path(), &signing).await;
    assert_eq!(answer.status, 401, "{what}: {}", String::from_utf8_lossy(&answer.body));
    answer.is_problem(401, "signature_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_signature_holds_and_its_absence_is_told() {
    let stand = stand().await;
    stand.read(SCHOOL_KEY, &path()).await.is(200);
    let absent = stand.get(&path()).await;
    absent.is_problem(401, "signature_missing");
    assert_eq!(absent.header("www-authenticate"), "Signature");
    assert!(absent.header("accept-signature").contains("tag=\"keis\""));
    let mut other = Signing::of(&stand, SCHOOL_KEY, &path());
    other.tag = "other".into();
    stand.read_with(&path(), &other).await.is_problem(401, "signature_missing");
    // More may be covered than must be, in any order.
    let mut more = Signing::of(&stand, SCHOOL_KEY, &path());
    more.covered = vec!["@query", "accept", "@path", "@authority", "@method"];
    stand.read_with(&path(), &more).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_than_the_signed_one_are_refused() {
    let stand = stand().await;
    refused(&stand, "another method", |signing| signing.method = "POST".into()).await;
    refused(&stand, "another path", |signing| signing.path = "/v1/schools".into()).await;
    refused(&stand, "another query", |signing| signing.query = "year=2025".into()).await;
    refused(&stand, "another gateway", |signing| signing.authority = "127.0.0.1:1".into()).await;
    refused(&stand, "another key", |signing| signing.key = key(OPERATOR)).await;
    refused(&stand, "another algorithm", |signing| signing.algorithm = "hmac-sha256".into()).await;
    refused(&stand, "no key", |signing| signing.key_id = "test-key-ed25519".into()).await;
    refused(&stand, "no nonce", |signing| signing.nonce.clear()).await;
    refused(&stand, "a long nonce", |signing| signing.nonce = "1".repeat(129)).await;
    for missing in ["@method", "@authority", "@path", "@query"] {
        refused(&stand, missing, |signing| signing.covered.retain(|name| *name != missing)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_bound_a_signature() {
    let stand = stand().await;
    refused(&stand, "expired", |signing| {
        (signing.created, signing.expires) = (signing.created - 200, signing.created - 90)
    })
    .await;
    refused(&stand, "to come", |signing| {
        (signing.created, signing.expires) = (signing.created + 120, signing.created + 180);
    })
    .await;
    refused(&stand, "too long", |signing| signing.expires = signing.created + 301).await;
    refused(&stand, "ends before it begins", |signing| signing.expires = signing.created - 1).await;
    for (created, expires) in [(-40, -20), (40, 80), (0, 300)] {
        let mut signing = Signing::of(&stand, SCHOOL_KEY, &path());
        (signing.created, signing.expires) = (signing.created + created, signing.created + expires);
        stand.read_with(&path(), &signing).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signature_serves_once() {
    let stand = stand().await;
    let signing = Signing::of(&stand, SCHOOL_KEY, &path());
    stand.read_with(&path(), &signing).await.is(200);
    let again = stand.read_with(&path(), &signing).await;
    assert!(again.is_problem(401, "signature_wrong")["detail"].as_str().unwrap().contains("nonce"));
    // The same nonce signed anew is no other one.
    let mut renewed = signing.clone();
    renewed.expires += 1;
    stand.read_with(&path(), &renewed).await.is_problem(401, "signature_wrong");
    // It is another key's own, though.
    let mut others = Signing::of(&stand, OPERATOR, &path());
    others.nonce = signing.nonce;
    stand.read_with(&path(), &others).await.is(200);
    // A request that does not hold takes no nonce.
    let mut good = Signing::of(&stand, SCHOOL_KEY, &path());
    let path_of_good = std::mem::replace(&mut good.path, "/v1/other".into());
    stand.read_with(&path(), &good).await.is_problem(401, "signature_wrong");
    good.path = path_of_good;
    stand.read_with(&path(), &good).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_must_be_known_in_use_and_may_read() {
    let stand = stand().await;
    stand.read(STRANGER_KEY, &path()).await.is_problem(401, "signature_wrong");
    stand.read(TEACHER_KEY, &path()).await.is_problem(403, "not_yours");
    stand.read(LATER_KEY, &path()).await.is_problem(403, "not_yours");
    let sent = stand.http.get(format!("{}{}", stand.address, path())).body("{}");
    let fields = Signing::of(&stand, SCHOOL_KEY, &path()).fields();
    let sent = fields.iter().fold(sent, |request, (name, value)| request.header(*name, value));
    stand.send(sent).await.is_problem(401, "signature_wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_signed_as_it_is_sent() {
    let stand = stand().await;
    let head = |method: &str| {
        let mut signing = Signing::of(&stand, SCHOOL_KEY, &path());
        signing.method = method.into();
        let request = stand.http.head(format!("{}{}", stand.address, path()));
        signing.fields().iter().fold(request, |request, (name, value)| request.header(*name, value))
    };
    assert_eq!(stand.send(head("HEAD")).await.status, 200);
    assert_eq!(stand.send(head("GET")).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_behind_a_proxy_answers_to_its_own_names_alone() {
    let authorities = vec!["keis.example.lt".to_owned(), "Second.Example.LT:8443".to_owned()];
    let stand = serving(Settings { authorities, ..Settings::default() }).await;
    for name in ["keis.example.lt", "second.example.lt:8443"] {
        let mut signing = Signing::of(&stand, SCHOOL_KEY, &path());
        signing.authority = name.into();
        stand.read_with(&path(), &signing).await.is(200);
    }
    stand.read(SCHOOL_KEY, &path()).await.is_problem(401, "signature_wrong");
}
