//! `keis node status`: where a running node stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use keis_node::home::Home;
use keis_wallet::client::{Client, Policy, Status};
use serde_json::{Map, Value};

use crate::words::{Advice, instant};

/// Arguments of `keis node status`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Show where a running node stands",
    after_help = "Exit code 0 when the node is well, 3 when it answers but catches up or does not sign, 1 when it does not answer.\n\n\
        Example:\n  keis node status --home /var/lib/keis\n  keis node status --gateway https://keis.example.lt --json"
)]
pub struct StatusArgs {
    /// Folder of the node, which runs on this machine
    #[arg(long, value_name = "DIR", required_unless_present = "gateway", conflicts_with = "gateway")]
    pub home: Option<PathBuf>,
    /// Address of a gateway
    #[arg(long, value_name = "URL")]
    pub gateway: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Asks the node; says whether it is well.
pub(super) fn run(args: &StatusArgs) -> anyhow::Result<bool> {
    let (address, advice) = match (&args.gateway, &args.home) {
        (Some(gateway), _) => (gateway.clone(), "Is the address right, and the node running?".to_owned()),
        (None, Some(home)) => {
            let config = super::settings(&Home::at(home))?;
            let advice = format!("The node is stopped or still starting: keis node run --home {}", home.display());
            (format!("http://{}", reachable(config.gateway.listen)), advice)
        }
        (None, None) => anyhow::bail!("name the node with --home or --gateway"),
    };
    let patience = Duration::from_secs(5);
    let policy = Policy { connect: patience, request: patience, attempts: 1, ..Policy::default() };
    let client = Client::new(&[address], policy)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(client.status()).or_advise(&advice)?;
    if args.json {
        println!("{:#}", Value::Object(json(&status)));
    } else {
        print(&status);
    }
    Ok(is_well(&status))
}

/// An address that listens everywhere is asked on the loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => ip.into(),
    };
    SocketAddr::new(ip, listen.port())
}

fn is_well(status: &Status) -> bool {
    let signs = text(status, "guard").is_none_or(|guard| guard == "active");
    (signs || !votes(status)) && !status.syncing
}

/// Whether its key is a validator's; a node that only follows is well without a signature.
fn votes(status: &Status) -> bool {
    status.node.get("validator").and_then(Value::as_bool).unwrap_or(true)
}

fn json(status: &Status) -> Map<String, Value> {
    let mut all = status.node.clone();
    let known = serde_json::json!({
        "network": status.network,
        "height": status.height,
        "block": status.block,
        "time": status.time,
        "state_root": status.state_root,
        "clock": status.clock,
        "simulated": status.simulated,
        "syncing": status.syncing,
    });
    if let Value::Object(known) = known {
        all.extend(known);
    }
    all
}

fn print(status: &Status) {
    let simulated = if status.simulated { "  (simulated: nothing on it is real)" } else { "" };
    println!("network      {}{simulated}", status.network);
    for (label, name) in [("institution", "institution"), ("validator", "address"), ("version", "version")] {
        if let Some(value) = text(status, name) {
            println!("{label:<12} {value}");
        }
    }
    let known = number(status, "network_height").unwrap_or(status.height.0);
    let catching_up = if status.syncing { "  (catching up)" } else { "" };
    println!("height       {} of {known} known{catching_up}", status.height);
    println!("block        {}", status.block);
    println!("block time   {}", instant(status.time));
    println!("clock        {}", instant(status.clock));
    println!("state root   {}", status.state_root);
    if let Some(guard) = text(status, "guard") {
        println!("signing      {}", if votes(status) { signing(guard) } else { "no: it is no validator, and follows" });
    }
    if let Some(peers) = status.node.get("peers").and_then(Value::as_array) {
        let connected = peers.iter().filter(|peer| peer.get("connected") == Some(&Value::Bool(true))).count();
        println!("peers        {connected} of {} connected", peers.len());
    }
    if let Some(waiting) = status.node.get("mempool").and_then(|pool| pool.get("transactions")) {
        println!("waiting      {waiting} transactions");
    }
}

fn signing(guard: &str) -> &str {
    match guard {
        "active" => "yes",
        "observing" => "not yet: it watches the network first",
        "foreign" => "no: the folder was moved, restored or has a second copy; see `keis node adopt --help`",
        other => other,
    }
}

fn text<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    status.node.get(name)?.as_str()
}

fn number(status: &Status, name: &str) -> Option<u64> {
    status.node.get(name)?.as_u64()
}
