//! How fast a gateway answers a reader of the catalogue, against a bare route of the same server with the same bytes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;
use warp::Filter;

use crate::allocator::PURGE_DELAY;
use crate::found::free_port;

/// Readers at a time.
const READERS: usize = 16;
/// How long each is read at a stretch.
const STRETCH: Duration = Duration::from_secs(2);
/// Stretches of each, in turn.
const STRETCHES: usize = 3;

/// Answers a second, the median of some stretches.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figures {
    /// Length of the answer.
    pub(super) bytes: usize,
    /// Of the gateway.
    pub(super) gateway_per_second: f64,
    /// Of the bare route.
    pub(super) bare_per_second: f64,
}

/// Reads the first page of the services from a gateway, and the same bytes from a bare route in a process of its own.
pub(super) async fn measured(gateway: &str) -> anyhow::Result<Figures> {
    let page = format!("{gateway}/v1/services");
    let http = reqwest::Client::builder().pool_max_idle_per_host(READERS).build()?;
    let bytes = http.get(&page).send().await?.error_for_status()?.bytes().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("page.json");
    std::fs::write(&file, &bytes)?;
    let (_child, bare) = bare(&file).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STRETCHES {
        ours.push(stretch(&http, &page, bytes.len()).await?);
        theirs.push(stretch(&http, &bare, bytes.len()).await?);
    }
    Ok(Figures { bytes: bytes.len(), gateway_per_second: median(ours), bare_per_second: median(theirs) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn stretch(http: &reqwest::Client, address: &str, length: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let reader = || async {
        let mut count = 0_u64;
        while begun.elapsed() < STRETCH {
            let answer = http.get(address).send().await?.error_for_status()?.bytes().await?;
            anyhow::ensure!(answer.len() == length, "{address} answers with {} bytes, not {length}", answer.len());
            count += 1;
        }
        anyhow::Ok(count)
    };
    let counts = futures::future::try_join_all((0..READERS).map(|_| reader())).await?;
    Ok(counts.iter().sum::<u64>() as f64 / begun.elapsed().as_secs_f64())
}

/// Starts this program as the bare route. It ends with the child.
async fn bare(file: &Path) -> anyhow::Result<(Child, String)> {
    let mut command = Command::new(std::env::current_exe().context("the path of this program")?);
    command
        .args(["bench", "--bare"])
        .arg(file)
        .env_remove(PURGE_DELAY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().context("this program cannot be started")?;
    let mut said = BufReader::new(child.stdout.take().context("its output is piped")?);
    let mut line = String::new();
    said.read_line(&mut line).await?;
    anyhow::ensure!(line.starts_with("http://"), "the bare route does not start");
    Ok((child, line.trim().to_owned()))
}

/// Serves a file's bytes as JSON, and nothing else, until it is killed.
pub(super) async fn serve(file: &Path) -> anyhow::Result<()> {
    let bytes = warp::hyper::body::Bytes::from(std::fs::read(file)?);
    let port = free_port()?.local_addr()?.port();
    let route = warp::path!("v1" / "services").map(move || {
        warp::reply::with_header(warp::reply::Response::new(bytes.clone().into()), "content-type", "application/json")
    });
    println!("http://127.0.0.1:{port}/v1/services");
    warp::serve(route).run((Ipv4Addr::LOCALHOST, port)).await;
    Ok(())
}
