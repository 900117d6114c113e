//! A provider that lies gets nobody in; one that is honest does.

use crate::support::lying::{Begun, CLIENT, Key, Liar, NAME, SECRET, Seal, begin, come_back, now, token};
use crate::support::{Browser, Page, SiteOptions, TestSite, start};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const START: &str = "/signin/oidc/lying";

struct Stage {
    liar: Liar,
    site: TestSite,
    _folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    let liar = Liar::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let oidc = vec![liar.settings(folder.path())];
    let site = start(SiteOptions { oidc, people: Vec::new(), ..SiteOptions::default() }).await;
    Stage { liar, site, _folder: folder }
}

/// Whether the browser is signed in: only then the page of ways to sign in sends it on.
async fn is_in(browser: &Browser) -> bool {
    browser.get("/signin").await.status == 303
}

async fn nobody(case: &str, browser: &Browser, page: &Page, status: u16, key: &str) {
    assert_eq!(page.status, status, "{case}: {}", page.text);
    assert!(page.says(key), "{case} is told as {key}: {}", page.text);
    assert!(!is_in(browser).await, "{case}: somebody got in");
}

type Lie = fn(&Liar, &Begun) -> String;

fn changed(liar: &Liar, begun: &Begun, changes: Value) -> String {
    let mut claims = liar.claims(begun);
    let fields = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            fields.remove(name)
        } else {
            fields.insert(name.clone(), value.clone())
        };
    }
    token(&Liar::header(), &claims, &Seal::By(&liar.key))
}

fn with_header(liar: &Liar, begun: &Begun, header: Value, seal: &Seal<'_>) -> String {
    token(&header, &liar.claims(begun), seal)
}

fn public_key_bytes(liar: &Liar) -> Vec<u8> {
    let key = liar.key.public();
    BASE64_URL_SAFE_NO_PAD.decode(key["x"].as_str().expect("a point")).expect("base64")
}

const LIES: &[(&str, Lie)] = &[
    ("another nonce", |liar, begun| changed(liar, begun, json!({ "nonce": "other" }))),
    ("no nonce", |liar, begun| changed(liar, begun, json!({ "nonce": null }))),
    ("another audience", |liar, begun| changed(liar, begun, json!({ "aud": "somebody" }))),
    ("no audience", |liar, begun| changed(liar, begun, json!({ "aud": null }))),
    ("a second audience", |liar, begun| changed(liar, begun, json!({ "aud": [CLIENT, "somebody"] }))),
    ("made for another", |liar, begun| changed(liar, begun, json!({ "azp": "somebody" }))),
    ("another issuer", |liar, begun| changed(liar, begun, json!({ "iss": "https://elsewhere.example" }))),
    ("an issuer with a slash too many", |liar, begun| {
        changed(liar, begun, json!({ "iss": format!("{}/", liar.issuer) }))
    }),
    ("no issuer", |liar, begun| changed(liar, begun, json!({ "iss": null }))),
    ("no subject", |liar, begun| changed(liar, begun, json!({ "sub": null }))),
    ("an empty subject", |liar, begun| changed(liar, begun, json!({ "sub": "" }))),
    ("ended", |liar, begun| changed(liar, begun, json!({ "exp": now() - 1 }))),
    ("no end", |liar, begun| changed(liar, begun, json!({ "exp": null }))),
    ("issued in the future", |liar, begun| changed(liar, begun, json!({ "iat": now() + 120, "exp": now() + 600 }))),
    ("issued long before", |liar, begun| changed(liar, begun, json!({ "iat": now() - 3600 }))),
    ("no time of issue", |liar, begun| changed(liar, begun, json!({ "iat": null }))),
    ("another access token's hash", |liar, begun| changed(liar, begun, json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }))),
    ("another key by the same name", |liar, begun| {
        with_header(liar, begun, Liar::header(), &Seal::By(&Key::new("first")))
    }),
    ("a key that nobody published", |liar, begun| {
        let header = json!({ "alg": "EdDSA", "kid": "second" });
        with_header(liar, begun, header, &Seal::By(&Key::new("second")))
    }),
    ("a key of the token's own", |liar, begun| {
        let own = Key::new("own");
        let header = json!({ "alg": "EdDSA", "kid": "own", "jwk": own.public() });
        with_header(liar, begun, header, &Seal::By(&own))
    }),
    ("no signature", |liar, begun| with_header(liar, begun, Liar::header(), &Seal::Nothing)),
    ("algorithm none", |liar, begun| with_header(liar, begun, json!({ "alg": "none" }), &Seal::Nothing)),
    ("algorithm NONE", |liar, begun| with_header(liar, begun, json!({ "alg": "NONE" }), &Seal::Nothing)),
    ("none, yet signed", |liar, begun| with_header(liar, begun, json!({ "alg": "none" }), &Seal::By(&liar.key))),
    ("the public key as a shared secret", |liar, begun| {
        let header = json!({ "alg": "HS256", "kid": "first" });
        with_header(liar, begun, header, &Seal::Shared(public_key_bytes(liar)))
    }),
    ("the portal's secret as a shared secret", |liar, begun| {
        with_header(liar, begun, json!({ "alg": "HS256" }), &Seal::Shared(SECRET.as_bytes().to_vec()))
    }),
    ("another algorithm's name", |liar, begun| {
        with_header(liar, begun, json!({ "alg": "RS256", "kid": "first" }), &Seal::By(&liar.key))
    }),
    ("a condition that is not understood", |liar, begun| {
        let header = json!({ "alg": "EdDSA", "kid": "first", "crit": ["exp"] });
        with_header(liar, begun, header, &Seal::By(&liar.key))
    }),
    ("claims changed after signing", |liar, begun| {
        let honest = token(&Liar::header(), &liar.claims(begun), &Seal::By(&liar.key));
        let parts: Vec<&str> = honest.split('.').collect();
        let mut claims = liar.claims(begun);
        claims["sub"] = json!("somebody else");
        format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
    }),
    ("no token at all", |_, _| "nothing".to_owned()),
];

#[tokio::test]
async fn an_honest_provider_lets_people_in() {
    let Stage { liar, site, .. } = stage().await;
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    liar.give_claims(&liar.claims(&begun));
    let before = browser.cookie("__Host-keis").expect("a session");
    let page = come_back(&browser, &begun.state).await;
    assert_eq!((page.status, page.header("location")), (303, "/school"), "{}", page.text);
    assert!(is_in(&browser).await);
    assert_ne!(browser.cookie("__Host-keis"), Some(before), "the session's id changes at sign-in");

    let asked = liar.script().asked.clone();
    let verifier = asked[0].iter().find(|(name, _)| name == "code_verifier").map(|(_, value)| value.clone());
    let verifier = openidconnect::PkceCodeVerifier::new(verifier.expect("the verifier is sent"));
    let challenge = openidconnect::PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    assert_eq!(challenge.as_str(), begun.challenge, "who ends the sign-in shows that they began it");
}

#[tokio::test]
async fn no_lie_lets_anybody_in() {
    let Stage { liar, site, .. } = stage().await;
    for (case, lie) in LIES {
        let browser = site.browser();
        let begun = begin(&browser, START).await;
        liar.give(&lie(&liar, &begun));
        let page = come_back(&browser, &begun.state).await;
        nobody(case, &browser, &page, 403, "signin-unverified-more").await;
    }
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    liar.give_claims(&liar.claims(&begun));
    come_back(&browser, &begun.state).await;
    assert!(is_in(&browser).await, "after all lies, the truth is still taken");
}

#[tokio::test]
async fn answers_of_the_token_endpoint_that_are_none() {
    let Stage { liar, site, .. } = stage().await;
    let answers = [
        ("no token", 200, json!({ "access_token": "access", "token_type": "Bearer" })),
        ("a refusal", 400, json!({ "error": "invalid_grant" })),
        ("something else", 200, json!(["access"])),
        ("a failure", 500, json!({})),
    ];
    for (case, status, answer) in answers {
        let browser = site.browser();
        let begun = begin(&browser, START).await;
        liar.script().answer = (status, answer);
        let page = come_back(&browser, &begun.state).await;
        nobody(case, &browser, &page, 403, "signin-unverified-more").await;
    }
}

#[tokio::test]
async fn a_state_is_of_one_browser_and_one_answer() {
    let Stage { liar, site, .. } = stage().await;
    let (victim, attacker) = (site.browser(), site.browser());
    let own = begin(&attacker, START).await;
    liar.give_claims(&liar.claims(&own));

    let page = come_back(&victim, &own.state).await;
    nobody("an answer without a sign-in", &victim, &page, 400, "signin-expired-more").await;
    begin(&victim, START).await;
    let page = come_back(&victim, &own.state).await;
    nobody("another browser's state", &victim, &page, 400, "signin-expired-more").await;
    for state in ["", "guess"] {
        let page = come_back(&victim, state).await;
        nobody("a guessed state", &victim, &page, 400, "signin-expired-more").await;
    }

    let page = come_back(&attacker, &own.state).await;
    assert_eq!(page.status, 303, "its own browser is let in");
    attacker.post("/signout", &[]).await;
    let page = come_back(&attacker, &own.state).await;
    nobody("an answer used before", &attacker, &page, 400, "signin-expired-more").await;
}

#[tokio::test]
async fn a_failed_answer_uses_its_state_up() {
    let Stage { liar, site, .. } = stage().await;
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    liar.give("nothing");
    let page = come_back(&browser, &begun.state).await;
    nobody("a bad token", &browser, &page, 403, "signin-unverified-more").await;
    liar.give_claims(&liar.claims(&begun));
    let page = come_back(&browser, &begun.state).await;
    nobody("the same state again", &browser, &page, 400, "signin-expired-more").await;
}

#[tokio::test]
async fn several_tabs_may_sign_in() {
    let Stage { liar, site, .. } = stage().await;
    let browser = site.browser();
    let first = begin(&browser, START).await;
    begin(&browser, START).await;
    liar.give_claims(&liar.claims(&first));
    assert_eq!(come_back(&browser, &first.state).await.status, 303, "the earlier tab's answer is taken");
}

#[tokio::test]
async fn what_the_provider_says_of_a_failure_is_told() {
    let Stage { liar, site, .. } = stage().await;
    let callback = format!("/signin/callback/{NAME}");
    let cases = [
        ("error=access_denied", "signin-cancelled-more"),
        ("error=login_required", "signin-said"),
        ("error=%3Cscript%3E", "signin-said"),
        ("nothing=1", "signin-unverified-more"),
        ("code=code&iss=https://elsewhere.example", "signin-unverified-more"),
    ];
    for (query, key) in cases {
        let browser = site.browser();
        let begun = begin(&browser, START).await;
        liar.give_claims(&liar.claims(&begun));
        let page = browser.get(&format!("{callback}?{query}&state={}", begun.state)).await;
        nobody(query, &browser, &page, 403, key).await;
        assert!(!page.text.contains("<script>"), "{query}");
    }
}

#[tokio::test]
async fn new_keys_are_fetched_and_old_ones_forgotten() {
    let Stage { liar, site, .. } = stage().await;
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    let second = Key::new("second");
    liar.script().keys = vec![second.public()];
    let header = json!({ "alg": "EdDSA", "kid": "second" });
    liar.give(&token(&header, &liar.claims(&begun), &Seal::By(&second)));
    assert_eq!(come_back(&browser, &begun.state).await.status, 303, "a key that was published meanwhile");
    assert_eq!(liar.script().fetched, 2);

    let browser = site.browser();
    let begun = begin(&browser, START).await;
    liar.give_claims(&liar.claims(&begun));
    let page = come_back(&browser, &begun.state).await;
    nobody("a key that was taken back", &browser, &page, 403, "signin-unverified-more").await;
    assert_eq!(liar.script().fetched, 2, "unknown keys do not make the portal ask without end");
}

#[tokio::test]
async fn who_has_no_role_here_is_told_so() {
    let Stage { liar, site, .. } = stage().await;
    let roles = [
        json!(null),
        json!([]),
        json!([{ "role": "coordinator", "body": "999999999" }]),
        json!([{ "role": "officer", "body": "190000001" }]),
        json!(["king:190000001"]),
    ];
    for claimed in roles {
        let browser = site.browser();
        let begun = begin(&browser, START).await;
        liar.give(&changed(&liar, &begun, json!({ "keis_roles": claimed })));
        let page = come_back(&browser, &begun.state).await;
        nobody(&claimed.to_string(), &browser, &page, 403, "signin-no-role-more").await;
    }
}

#[tokio::test]
async fn roles_at_unknown_bodies_are_dropped_and_told() {
    let Stage { liar, site, .. } = stage().await;
    let browser = site.browser();
    let begun = begin(&browser, START).await;
    let claimed = json!(["teacher:190000001", { "role": "coordinator", "body": "999999999" }]);
    liar.give(&changed(&liar, &begun, json!({ "keis_roles": claimed })));
    assert_eq!(come_back(&browser, &begun.state).await.status, 303);
    let page = browser.get("/nowhere").await;
    let next = browser.get("/signedout").await;
    assert!(page.text.contains("999999999") || next.text.contains("999999999"), "{}", next.text);
}

#[tokio::test]
async fn what_the_token_leaves_out_is_asked_for() {
    let Stage { liar, site, .. } = stage().await;
    liar.script().metadata = json!({ "userinfo_endpoint": format!("{}/me", liar.issuer) });
    for (case, subject, status) in [("the same person", "7d1c", 303), ("another person", "0000", 403)] {
        let browser = site.browser();
        let begun = begin(&browser, START).await;
        let person = json!({ "sub": subject, "name": "Ona", "keis_roles": ["teacher:190000001"] });
        liar.script().person = (200, person);
        liar.give(&changed(&liar, &begun, json!({ "keis_roles": null, "name": null })));
        let page = come_back(&browser, &begun.state).await;
        assert_eq!(page.status, status, "{case}: {}", page.text);
        assert_eq!(is_in(&browser).await, status == 303, "{case}");
    }
}

#[tokio::test]
async fn a_silent_provider_is_told_of_and_asked_again() {
    let address = crate::support::reserve();
    let folder = tempfile::tempdir().expect("a folder");
    let mut oidc = Liar::start().await.settings(folder.path());
    oidc.issuer = format!("http://{address}").parse().expect("an address");
    let site = start(SiteOptions { oidc: vec![oidc], ..SiteOptions::default() }).await;
    let page = site.browser().get(START).await;
    assert_eq!(page.status, 503);
    assert!(page.says("signin-unreachable-more"), "{}", page.text);
    assert_eq!(site.browser().get("/signin").await.status, 200, "other ways stay open");
}

#[tokio::test]
async fn endpoints_elsewhere_without_https_are_not_used() {
    let Stage { liar, site, .. } = stage().await;
    liar.script().metadata = json!({ "token_endpoint": "http://login.example/token" });
    let page = site.browser().get(START).await;
    assert_eq!(page.status, 403);
    assert!(page.says("signin-unverified-more"), "{}", page.text);
}

#[tokio::test]
async fn a_provider_nobody_set_up_is_nowhere() {
    let Stage { site, .. } = stage().await;
    for path in ["/signin/oidc/other", "/signin/callback/other?code=1&state=1"] {
        assert_eq!(site.browser().get(path).await.status, 404, "{path}");
    }
}
