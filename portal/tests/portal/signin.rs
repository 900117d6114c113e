//! Sample people, sessions and their end.

use crate::support::ledger::NETWORK;
use crate::support::{Browser, SiteOptions, TestSite, sample_people, start};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keis_ledger::time::Timestamp;
use keis_portal::settings::{Limits, Oidc, Settings};
use keis_portal::signin::{SetupError, SignIn};
use keis_portal::site::{Institutions, Network};
use keis_registry::ids::UserId;
use keis_registry::{Actor, now};
use serde_json::json;

const COOKIE: &str = "__Host-keis";

async fn is_in(browser: &Browser) -> bool {
    browser.get("/signin").await.status == 303
}

/// Where the registry keeps a browser's session.
fn place(browser: &Browser) -> [u8; 32] {
    let id = BASE64_URL_SAFE_NO_PAD.decode(browser.cookie(COOKIE).expect("a session")).expect("base64");
    *blake3::hash(&id).as_bytes()
}

/// The bytes of a browser's session, as text: its id is a number that not every reader of JSON can hold.
async fn session(site: &TestSite, browser: &Browser) -> Option<String> {
    let bytes = site.registry.load_session(&place(browser), now()).await.expect("the registry answers")?;
    Some(String::from_utf8(bytes).expect("JSON"))
}

/// A value of a session, as it is written.
fn value<'a>(session: &'a str, name: &str) -> &'a str {
    let rest = session.split(&format!("\"{name}\":")).nth(1).unwrap_or_else(|| panic!("no {name} in {session}"));
    rest.split([',', '}']).next().unwrap_or_default()
}

/// Sets a time of a session back and lets it end in a minute.
async fn set_back(site: &TestSite, browser: &Browser, name: &str, seconds: u64) {
    let session = session(site, browser).await.expect("a session");
    let was = format!("\"{name}\":{}", value(&session, name));
    let changed = session.replace(&was, &format!("\"{name}\":{}", now().0 / 1000 - seconds));
    let (id, end) = (user(site, browser).await, Timestamp(now().0 + 60_000));
    site.registry.save_session(&place(browser), Some(id), changed.as_bytes(), end).await.expect("the registry answers");
}

async fn user(site: &TestSite, browser: &Browser) -> UserId {
    let session = session(site, browser).await.expect("a session");
    value(&session, "user").trim_matches('"').parse().expect("an id")
}

#[tokio::test]
async fn sample_people_are_listed_by_role_and_let_in() {
    let site = start(SiteOptions::default()).await;
    let page = site.browser().get("/signin").await;
    for text in ["Ona Kazlauskienė – Vilniaus Ąžuolų gimnazija", "Rūta Šimkutė – Šviesos teatras", "Darius Ąžuolas"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(page.says("signin-role-coordinator") && page.says("signin-place-operator"), "{}", page.text);

    let homes = [
        ("coordinator", "/school"),
        ("teacher", "/school"),
        ("provider_staff", "/provider"),
        ("officer", "/office"),
        ("budget_officer", "/office"),
    ];
    for (person, home) in homes {
        let browser = site.browser();
        let page = browser.post("/signin/simulated", &[("person", person)]).await;
        assert_eq!((page.status, page.header("location")), (303, home), "{person}");
        assert!(is_in(&browser).await, "{person}");
    }
}

#[tokio::test]
async fn people_come_back_to_where_they_wanted_to_go_and_nowhere_else() {
    let site = start(SiteOptions::default()).await;
    let cases = [
        ("/services?field=theatre", "/services?field=theatre"),
        ("https://elsewhere.example", "/school"),
        ("//elsewhere.example", "/school"),
        ("/\\elsewhere.example", "/school"),
        ("/\t/elsewhere.example", "/school"),
        ("/signin", "/school"),
        ("/signout", "/school"),
    ];
    for (next, home) in cases {
        let form = [("person", "coordinator"), ("next", next)];
        let page = site.browser().post("/signin/simulated", &form).await;
        assert_eq!(page.header("location"), home, "{next:?}");
    }
}

#[tokio::test]
async fn unknown_people_and_people_of_nowhere_are_not_let_in() {
    let site = start(SiteOptions::default()).await;
    for (person, status) in [("somebody", 404), ("nobody", 403), ("", 400)] {
        let browser = site.browser();
        assert_eq!(browser.post("/signin/simulated", &[("person", person)]).await.status, status, "{person}");
        assert!(!is_in(&browser).await, "{person}");
    }
}

#[tokio::test]
async fn without_sample_people_nobody_is_one() {
    let site = start(SiteOptions { people: Vec::new(), ..SiteOptions::default() }).await;
    let browser = site.browser();
    let page = browser.get("/signin").await;
    assert!(page.says("signin-none"), "{}", page.text);
    assert_eq!(browser.post("/signin/simulated", &[("person", "officer")]).await.status, 404);
    assert!(!is_in(&browser).await);
}

fn settings(simulated_sign_in: bool) -> Settings {
    Settings {
        listen: crate::support::reserve(),
        public_url: "https://pasas.example".parse().expect("an address"),
        tls: None,
        oidc: Vec::new(),
        simulated_sign_in,
        limits: Limits::default(),
        dispatch: None,
        metrics: None,
    }
}

#[test]
fn sample_people_are_refused_where_people_are_real() {
    let real = Network { hash: NETWORK, simulated: false, institutions: Institutions::default() };
    let simulated = Network { hash: NETWORK, simulated: true, institutions: Institutions::default() };
    assert!(matches!(SignIn::new(&settings(true), &real), Err(SetupError::NotSimulated)));
    for network in [real, simulated] {
        let sign_in = SignIn::new(&settings(false), &network).expect("no way in is a set-up, too");
        assert!(matches!(sign_in.simulated(sample_people()), Err(SetupError::NotSet)));
    }
}

#[test]
fn providers_need_a_name_and_a_safe_address() {
    let simulated = Network { hash: NETWORK, simulated: true, institutions: Institutions::default() };
    let provider = |name: &str, issuer: &str| Oidc {
        name: name.to_owned(),
        label: name.to_owned(),
        issuer: issuer.parse().expect("an address"),
        client_id: "keis".to_owned(),
        client_secret_file: None,
        roles_claim: "roles".to_owned(),
        scopes: Oidc::standard_scopes(),
        authority_file: None,
    };
    let set_up = |oidc: Vec<Oidc>| SignIn::new(&Settings { oidc, ..settings(false) }, &simulated).map(|_| ());
    assert!(set_up(vec![provider("svis", "https://login.example")]).is_ok());
    for name in ["", "Svis", "a/b", "ąž"] {
        assert!(matches!(set_up(vec![provider(name, "https://login.example")]), Err(SetupError::Name(_))), "{name}");
    }
    let twice = vec![provider("svis", "https://a.example"), provider("svis", "https://b.example")];
    assert!(matches!(set_up(twice), Err(SetupError::Name(_))));
    assert!(matches!(set_up(vec![provider("svis", "http://login.example")]), Err(SetupError::Issuer(_))));
    let mut lost = provider("svis", "https://login.example");
    lost.client_secret_file = Some("/nowhere/secret".into());
    assert!(matches!(set_up(vec![lost]), Err(SetupError::Secret { .. })));
    for scope in ["", "two words", "quo\"te", "back\\slash", "ąž"] {
        let scoped = Oidc { scopes: vec![scope.to_owned()], ..provider("svis", "https://login.example") };
        assert!(matches!(set_up(vec![scoped]), Err(SetupError::Scope(_))), "{scope:?}");
    }
}

#[test]
fn an_authority_of_its_own_must_be_a_file_of_certificates() {
    let folder = tempfile::tempdir().expect("a folder");
    let network = Network { hash: NETWORK, simulated: true, institutions: Institutions::default() };
    let set_up = |path: std::path::PathBuf| {
        let least = json!({ "name": "svis", "label": "SVIS", "issuer": "https://login.example", "client_id": "keis" });
        let mut oidc: Oidc = serde_json::from_value(least).expect("the rest has its usual values");
        assert_eq!(oidc.scopes, ["profile", "email"]);
        oidc.authority_file = Some(path);
        SignIn::new(&Settings { oidc: vec![oidc], ..settings(false) }, &network).map(|_| ())
    };
    let missing = set_up(folder.path().join("missing.pem"));
    assert!(matches!(missing, Err(SetupError::Authority { .. })), "{missing:?}");
    let own = rcgen::generate_simple_self_signed(["login.example".to_owned()]).expect("a certificate");
    let sound = own.cert.pem();
    let torn = sound.replace("MII", "MI");
    for (name, text) in
        [("empty", ""), ("words", "no certificate"), ("key", &own.key_pair.serialize_pem()), ("torn", &torn)]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        let refused = set_up(path);
        assert!(matches!(refused, Err(SetupError::NoCertificate { .. })), "{name}: {refused:?}");
    }
    let path = folder.path().join("sound");
    std::fs::write(&path, format!("{sound}{sound}")).expect("a file");
    set_up(path).expect("two certificates are as good as one");
}

#[tokio::test]
async fn a_page_for_users_sends_to_the_sign_in_and_back() {
    let site = start(SiteOptions::default()).await;
    let page = site.browser().get("/wallet?lang=en").await;
    assert_eq!((page.status, page.header("location")), (303, "/signin?next=%2Fwallet%3Flang%3Den"));
    // A form's address answers no link, so whoever sent one comes back to the start page.
    let page = site.browser().post("/account/acting", &[("body", "operator")]).await;
    assert_eq!((page.status, page.header("location")), (303, "/signin?next=%2F"));
}

#[tokio::test]
async fn the_session_id_changes_at_sign_in_and_ends_at_sign_out() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    let first = browser.cookie(COOKIE).expect("a session");
    browser.post("/signin/simulated", &[("person", "teacher")]).await;
    let second = browser.cookie(COOKIE).expect("a session");
    assert_ne!(first, second, "an id that somebody knew before is worth nothing afterwards");

    let thief = site.browser();
    thief.set_cookie(COOKIE, &first);
    assert!(!is_in(&thief).await, "the earlier session is gone");
    thief.set_cookie(COOKIE, &second);
    assert!(is_in(&thief).await);
    let page = browser.post("/signout", &[]).await;
    assert_eq!((page.status, page.header("location")), (303, "/signedout"));
    assert_eq!(browser.cookie(COOKIE), None, "the browser forgets it");
    assert!(!is_in(&thief).await, "and so does the portal");
}

#[tokio::test]
async fn a_session_id_that_a_browser_brings_along_is_not_taken() {
    let site = start(SiteOptions::default()).await;
    let browser = site.browser();
    let planted = BASE64_URL_SAFE_NO_PAD.encode([9; 16]);
    browser.set_cookie(COOKIE, &planted);
    browser.post("/signin/simulated", &[("person", "coordinator")]).await;
    assert_ne!(browser.cookie(COOKIE), Some(planted));
    for odd in ["", "short", "*", &"A".repeat(300)] {
        let browser = site.browser();
        browser.set_cookie(COOKIE, odd);
        assert_eq!(browser.get("/signin").await.status, 200, "{odd:?}");
    }
}

#[tokio::test]
async fn an_ended_session_does_not_come_back() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    let old = browser.cookie(COOKIE).expect("a session");
    let kept = session(&site, &browser).await.expect("a session");
    browser.post("/signout", &[]).await;
    browser.set_cookie(COOKIE, &old);
    assert_eq!(session(&site, &browser).await, None, "{kept}");
    browser.get("/signin").await;
    browser.set_cookie(COOKIE, &old);
    assert_eq!(session(&site, &browser).await, None);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let site = start(SiteOptions::default()).await;
    let (one, two) = (site.signed_in("coordinator").await, site.signed_in("coordinator").await);
    let officer = site.signed_in("officer").await;
    let coordinator = user(&site, &one).await;
    assert_eq!(coordinator, user(&site, &two).await, "the same person is the same user");
    let by = Actor::User(user(&site, &officer).await);
    site.registry.disable_user(&by, coordinator).await.expect("the officer may");
    assert!(!is_in(&one).await && !is_in(&two).await);
    assert!(is_in(&officer).await);
    let page = site.browser().post("/signin/simulated", &[("person", "coordinator")]).await;
    assert_eq!(page.status, 403);
    assert!(page.says("signin-disabled-more"), "{}", page.text);
    site.registry.enable_user(&by, coordinator).await.expect("the officer may");
    assert!(is_in(&site.signed_in("coordinator").await).await);
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_the_sign_in() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    for (hours, is_in_then) in [(11, true), (12, false)] {
        set_back(&site, &browser, "since", hours * 3600).await;
        assert_eq!(is_in(&browser).await, is_in_then, "{hours} hours");
    }
    assert_eq!(browser.cookie(COOKIE), None);
}

#[tokio::test]
async fn reading_pages_makes_a_session_last_longer() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    set_back(&site, &browser, "seen", 120).await;
    assert!(is_in(&browser).await);
    let later = Timestamp(now().0 + 20 * 60_000);
    let still = site.registry.load_session(&place(&browser), later).await.expect("the registry answers");
    assert!(still.is_some(), "a session that is used lives on");
    let end = Timestamp(now().0 + 31 * 60_000);
    let ended = site.registry.load_session(&place(&browser), end).await.expect("the registry answers");
    assert!(ended.is_none(), "one that is not used ends after half an hour");
}

#[tokio::test]
async fn the_database_holds_neither_session_ids_nor_names() {
    let site = start(SiteOptions::default()).await;
    let browser = site.signed_in("coordinator").await;
    let cookie = browser.cookie(COOKIE).expect("a session");
    let id = BASE64_URL_SAFE_NO_PAD.decode(&cookie).expect("base64");
    for ending in ["", "-wal"] {
        let file = format!("{}{ending}", site.database().display());
        let bytes = std::fs::read(&file).unwrap_or_default();
        let marks: [&[u8]; 3] = [&id, cookie.as_bytes(), "Kazlauskienė".as_bytes()];
        for mark in marks {
            assert!(!bytes.windows(mark.len()).any(|window| window == mark), "{file} holds {mark:?}");
        }
    }
}
