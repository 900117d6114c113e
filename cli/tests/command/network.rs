//! Four nodes made and run by the command line alone, and a transaction through it.

use std::fs::File;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{FOUNDERS, Place, addresses, public_key};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node's process; it ends with this value.
pub struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Node {
    fn start(place: &Place, name: &str) -> Self {
        let log = File::create(place.path(&format!("{name}.log"))).unwrap();
        let mut command = place.command(&["node", "run", "--home", name]);
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Asks it to end and tells its exit code.
    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        let mut status = None;
        until("the node ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} in {PATIENCE:?}");
        sleep(Duration::from_millis(20));
    }
}

/// Makes and starts the four nodes; returns them with the addresses of their gateways.
pub fn network(place: &Place) -> (Vec<Node>, Vec<String>) {
    place.found("\"real\"");
    let addresses = addresses(FOUNDERS.len());
    let peers: Vec<_> = FOUNDERS
        .iter()
        .zip(&addresses)
        .map(|(name, addresses)| {
            let key = public_key(&place.run(&["key", "show", &format!("{name}-network.key")]).ok());
            format!("{key}@{}@{}", addresses[0], addresses[1])
        })
        .collect();
    for (index, name) in FOUNDERS.iter().enumerate() {
        let mut others = peers.clone();
        others.remove(index);
        let made = place.init(name, &addresses[index], &others).ok();
        assert!(!made.contains("Note"), "{made}");
    }
    let nodes = FOUNDERS.iter().map(|name| Node::start(place, name)).collect();
    for name in FOUNDERS {
        until("all nodes are well", || place.run(&["node", "status", "--home", name]).code == 0);
    }
    (nodes, addresses.iter().map(|addresses| format!("http://{}", addresses[2])).collect())
}

#[test]
fn a_founded_network_takes_and_proves_a_transaction() {
    let place = Place::new();
    let (mut nodes, gateways) = network(&place);

    let status: Value =
        serde_json::from_str(&place.run(&["node", "status", "--gateway", &gateways[0], "--json"]).ok()).unwrap();
    assert_eq!(status["network"], place.run(&["genesis", "check", "genesis.json"]).ok().trim());
    place.run(&["node", "adopt", "--home", "ministry"]).fails(1, &["in use", "Stop it"]);

    place.write("operation.json", &place.run(&["wallet", "example", "open-schools"]).ok());
    let send = |key: &str, more: &[&str]| {
        let how = ["wallet", "send", "--key", key, "--gateway", &gateways[1], "--operation", "operation.json"];
        place.run(&[&how, more].concat())
    };
    let sent = send("operator.key", &["--genesis", "genesis.json", "--json"]);
    assert!(sent.err.contains("Open wallets of 1 school"), "{}", sent.err);
    let sent: Value = serde_json::from_str(&sent.ok()).unwrap();
    assert_eq!((&sent["outcome"], &sent["verified"]), (&Value::from("included"), &Value::from(true)));
    let id = sent["id"].as_str().unwrap();

    // The same wish again, or from who may not: refused, with the rule's name.
    send("operator.key", &[]).fails(3, &["without effect"]);
    send("budget_holder.key", &["--json"]).fails(3, &["\"refused\"", "\"code\""]);
    send("driver.key", &[]).fails(1, &["driver.key"]);

    // Another node proves the receipt, and so does the kept file without any.
    until("the receipt is on every node", || {
        let fetch = ["wallet", "receipt", "--gateway", &gateways[3], "--genesis", "genesis.json", id];
        place.run(&fetch).code == 0
    });
    let keep =
        ["wallet", "receipt", "--gateway", &gateways[3], "--genesis", "genesis.json", "--out", "receipt.json", id];
    let kept = place.run(&keep).ok();
    assert!(kept.contains("schools opened") && kept.contains("verified"), "{kept}");
    let unknown = id.replace(&id[3..9], "000000");
    place
        .run(&["wallet", "receipt", "--gateway", &gateways[3], "--genesis", "genesis.json", &unknown])
        .fails(3, &["knows no receipt"]);
    place.write("operation.json", &place.run(&["wallet", "example", "open-providers"]).ok());
    let taken = send("operator.key", &["--no-wait"]).ok();
    assert!(taken.contains("promises nothing yet"), "{taken}");

    assert_eq!(nodes.pop().unwrap().stop(), Some(0));
    drop(nodes);
    assert_eq!(place.run(&["wallet", "verify", "--genesis", "genesis.json", "receipt.json"]).ok(), kept);
    let altered = place.read("receipt.json").replacen("schools_opened", "providers_opened", 1);
    place.write("altered.json", &altered);
    place
        .run(&["wallet", "verify", "--genesis", "genesis.json", "altered.json"])
        .fails(1, &["altered.json", "proves nothing"]);
}
