//! Signing in through the certified provider of npm `oidc-provider`, which demands PKCE and signs with RSA.

use std::process::Stdio;

use crate::support::{Browser, Page, SCHOOL, SiteOptions, TestSite, reserve, start};
use keis_portal::settings::Oidc;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const NAME: &str = "directory";
const SECRET: &str = "a secret of the certified provider";

struct Certified {
    issuer: String,
    _process: Child,
    // It ends when what it says can no longer be read.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Certified {
    async fn start(portal: &str, people: &Value) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web");
        let installed = std::path::Path::new(folder).join("node_modules/oidc-provider");
        assert!(installed.exists(), "the provider is not installed: run `sh portal/tests/web/prepare.sh`");
        let settings = json!({
            "callback": format!("{portal}/signin/callback/{NAME}"),
            "signedOut": format!("{portal}/signedout"),
            "secret": SECRET,
            "people": people,
        });
        let mut process = Command::new("node")
            .args(["provider.mjs", &settings.to_string()])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is installed");
        let output = process.stdout.take().expect("its output is ours");
        let mut output = BufReader::new(output).lines();
        let first = output.next_line().await.expect("its output can be read");
        Self { issuer: first.expect("it says where it listens"), _process: process, _output: output }
    }
}

struct Stage {
    site: TestSite,
    _certified: Certified,
    _folder: tempfile::TempDir,
}

async fn stage() -> Stage {
    let listen = reserve();
    let people = json!({
        "ona": {
            "name": "Ona Kazlauskienė",
            "email": "ona@mokykla.example",
            "email_verified": true,
            "keis_roles": [{ "role": "coordinator", "body": SCHOOL }, { "role": "teacher", "body": SCHOOL }],
        },
        "petras": { "name": "Petras Nepriskirtas" },
    });
    let certified = Certified::start(&format!("http://{listen}"), &people).await;
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).expect("a file");
    let oidc = Oidc {
        name: NAME.to_owned(),
        label: "Švietimo katalogas".to_owned(),
        issuer: certified.issuer.parse().expect("an address"),
        client_id: "keis".to_owned(),
        client_secret_file: Some(secret),
        roles_claim: "keis_roles".to_owned(),
        scopes: Oidc::standard_scopes(),
        authority_file: None,
    };
    let site = start(SiteOptions { listen, oidc: vec![oidc], people: Vec::new(), ..SiteOptions::default() }).await;
    Stage { site, _certified: certified, _folder: folder }
}

/// Where the first form of a page leads.
fn action(page: &Page) -> String {
    let form = page.text.split("<form").nth(1).unwrap_or_else(|| panic!("no form: {}", page.text));
    let form = form.split('>').next().expect("a tag ends");
    let action = form.split("action=\"").nth(1).and_then(|rest| rest.split('"').next());
    page.url.join(action.expect("the form leads somewhere")).expect("an address").to_string()
}

/// Signs in at the provider and comes back.
async fn through(browser: &Browser, path: &str, login: &str) -> Page {
    let page = browser.get(path).await;
    let page = browser.follow(page).await;
    assert_eq!(page.status, 200, "the provider asks who it is: {}", page.text);
    let form = [("prompt", "login"), ("login", login), ("password", "any")];
    let page = browser.post(&action(&page), &form).await;
    browser.follow(page).await
}

#[tokio::test]
async fn a_coordinator_signs_in_and_out() {
    let stage = stage().await;
    let site = &stage.site;
    let browser = site.browser();
    let choice = browser.get("/signin?next=/account/there").await;
    assert!(choice.text.contains("Švietimo katalogas"), "{}", choice.text);
    assert!(choice.text.contains("/signin/oidc/directory?next=%2Faccount%2Fthere"), "{}", choice.text);

    let page = through(&browser, "/signin/oidc/directory?next=/account/there", "ona").await;
    assert_eq!(page.url.as_str(), format!("{}/account/there", site.url), "back where she wanted to go: {}", page.text);
    assert!(page.text.contains("Ona Kazlauskienė"), "{}", page.text);

    let page = browser.post("/signout", &[]).await;
    assert_eq!(page.header("location"), "/signedout?from=directory");
    let page = browser.follow(page).await;
    assert!(page.text.contains("/session/end?"), "signing out there is offered: {}", page.text);
    assert!(!page.text.contains("Ona"), "{}", page.text);
}

#[tokio::test]
async fn who_has_no_role_is_turned_away() {
    let stage = stage().await;
    let site = &stage.site;
    let browser = site.browser();
    let page = through(&browser, "/signin/oidc/directory", "petras").await;
    assert_eq!(page.status, 403);
    assert!(page.says("signin-no-role-more"), "{}", page.text);
}

#[tokio::test]
async fn without_pkce_the_provider_gives_no_code() {
    let stage = stage().await;
    let site = &stage.site;
    let browser = site.browser();
    let mut url = browser.get("/signin/oidc/directory").await.location();
    let kept: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(name, _)| !name.starts_with("code_challenge")).collect();
    url.query_pairs_mut().clear().extend_pairs(kept);
    let page = browser.get(url.as_str()).await;
    let page = browser.follow(page).await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert!(page.says("signin-said"), "{}", page.text);
    assert!(page.text.contains("invalid_request"), "{}", page.text);
}

#[tokio::test]
async fn a_code_of_another_sign_in_is_worth_nothing() {
    let stage = stage().await;
    let site = &stage.site;
    // The attacker stops before coming back and hands the code to somebody's own sign-in.
    let attacker = site.browser();
    let page = attacker.get("/signin/oidc/directory").await;
    let page = attacker.get(page.location().as_str()).await;
    let page = attacker.get(page.location().as_str()).await;
    let form = [("prompt", "login"), ("login", "ona"), ("password", "any")];
    let mut page = attacker.post(&action(&page), &form).await;
    while !page.header("location").contains("/signin/callback/") {
        page = attacker.get(page.location().as_str()).await;
    }
    let answer = page.location();
    let code = answer.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());

    let victim = site.browser();
    let start = victim.get("/signin/oidc/directory").await.location();
    let state = start.query_pairs().find(|(name, _)| name == "state").map(|(_, state)| state.into_owned());
    let (code, state) = (code.expect("a code"), state.expect("a state"));
    let page = victim.get(&format!("/signin/callback/directory?code={code}&state={state}")).await;
    assert_eq!(page.status, 403, "{}", page.text);
    assert_eq!(victim.get("/signin").await.status, 200, "the victim is nobody");
}
