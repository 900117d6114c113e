//! Schemathesis: makes requests of an OpenAPI document, right and wrong ones, and holds the answers against it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use keis_tests::house::House;
use keis_tests::rounds;
use tokio::process::Command;

use crate::forms::Visitor;
use crate::{judges, program};

/// Requests of an operation by chance, beside those that follow from the document.
const EXAMPLES: usize = 12;
/// The same requests in every run.
const SEED: &str = "20261123";

/// Judges a door by a document; `more` is told to the judge's hooks.
async fn judge(settings: &str, document: &Path, url: &str, more: &[(&str, &str)], arguments: &[&str]) {
    let examples = (EXAMPLES * rounds(1)).to_string();
    let run = Command::new(program("schemathesis"))
        .current_dir(judges())
        .args(["--config-file", settings, "--no-color", "run"])
        .arg(document)
        .args(["--url", url, "--seed", SEED, "--max-examples", &examples])
        .args(arguments)
        .envs(more.iter().copied())
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the judge can be run");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    println!("{}", said.rsplit("SUMMARY").next().unwrap_or_default());
}

fn repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

/// The gateway by its committed description, as an officer reads it.
pub(crate) async fn gateway(house: &House) {
    let (url, key) = (house.gateways[0].trim_end_matches('/'), house.home.join("portal/operator.key"));
    let key = key.to_str().expect("a path of text");
    let more = [("KEIS_JUDGE_URL", url), ("KEIS_JUDGE_KEY", key)];
    judge("gateway.toml", &repository("node/openapi.json"), url, &more, &[]).await;
}

/// What the portal says to scripts, by its description, as a coordinator sees it.
pub(crate) async fn portal(house: &House) {
    let coordinator = Visitor::signed_in(house, "coordinator").await;
    let cookie = format!("Cookie:{}", coordinator.cookie());
    let url = house.url.trim_end_matches('/');
    judge("portal.toml", &repository("portal/openapi.json"), url, &[], &["--header", &cookie]).await;
}
