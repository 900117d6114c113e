//! Four nodes made and run by the command line alone, and a transaction through it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
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
    let get = |what: &[&str]| place.run(&[what, &["--gateway", &gateways[3], "--genesis", "genesis.json"]].concat());
    until("the receipt is on every node", || get(&["receipt", "get", id]).code == 0);
    let kept = get(&["receipt", "get", id, "--out", "receipt.json", "--key", "operator.key"]).ok();
    assert!(kept.contains("schools opened") && kept.contains("verified     against"), "{kept}");
    get(&["receipt", "get", &id.replace(&id[3..9], "000000")]).fails(3, &["knows no receipt"]);
    get(&["receipt", "get", id, "--key", "driver.key"]).fails(1, &["driver.key"]);
    let unverified = place.run(&["receipt", "get", id, "--gateway", &gateways[3]]).ok();
    assert!(unverified.contains("not yet: no founding document"), "{unverified}");

    let parameters = get(&["proof", "get", "--parameters", "--out", "parameters.json"]).ok();
    assert!(parameters.contains("max_validity") && parameters.contains("changed never"), "{parameters}");
    let none = get(&["proof", "get", "--year", "2027", "--out", "year.json"]);
    none.fails(3, &["the ledger held no such record", "verified     against"]);
    place.write("operation.json", &place.run(&["wallet", "example", "open-providers"]).ok());
    let taken = send("operator.key", &["--no-wait"]).ok();
    assert!(taken.contains("promises nothing yet"), "{taken}");

    books_of_a_year(&place, &gateways[1]);
    exported_from_a_gateway(&place, &gateways[3]);
    assert_eq!(nodes.pop().unwrap().stop(), Some(0));
    drop(nodes);
    exported_from_a_folder_and_audited(&place);
    let verify = |what: &str, file: &str| place.run(&[what, "verify", "--genesis", "genesis.json", file]);
    assert_eq!(verify("receipt", "receipt.json").ok(), kept);
    assert_eq!(verify("proof", "parameters.json").ok(), parameters);
    verify("proof", "year.json").fails(3, &["the ledger held no such record"]);
    let altered = place.read("receipt.json").replacen("schools_opened", "providers_opened", 1);
    place.write("altered.json", &altered);
    verify("receipt", "altered.json").fails(1, &["altered.json", "proves nothing"]);
    stranger(&place, &["receipt.json", "parameters.json", "year.json"], "altered.json");
}

/// A year without a statement has empty books that agree; who may not read them is told so.
fn books_of_a_year(place: &Place, gateway: &str) {
    let books = |key: &str, more: &[&str]| {
        place.run(&[&["books", "--gateway", gateway, "--key", key, "--year", "2027"], more].concat())
    };
    books("operator.key", &[]).fails(1, &["2027 is not on the ledger"]);
    place.write("operation.json", &place.run(&["wallet", "example", "open-year"]).ok());
    let open = ["wallet", "send", "--key", "budget_holder.key", "--gateway", gateway, "--operation", "operation.json"];
    place.run(&open).ok();
    place.key("curious");
    books("curious.key", &[]).fails(1, &["officers and auditors"]);
    let told = books("operator.key", &["--period", "2027-Q1"]).ok();
    assert!(told.contains("period 2027-Q1") && told.contains("equal to the ledger's accounts"), "{told}");
    let report: Value = serde_json::from_str(&books("operator.key", &["--json"]).ok()).unwrap();
    assert_eq!((&report["agrees"], report["rows"].as_array().map(Vec::len)), (&Value::from(true), Some(0)));
    let table = books("operator.key", &["--csv"]).ok();
    assert!(table.contains("provider;place;vat;money;buyer;orders") && table.lines().count() == 1, "{table}");
}

fn exported_from_a_gateway(place: &Place, gateway: &str) {
    let from = |key: &str| {
        place.run(&[
            "export",
            "--gateway",
            gateway,
            "--key",
            key,
            "--genesis",
            "genesis.json",
            "--out",
            "gateway.export",
        ])
    };
    from("driver.key").fails(1, &["driver.key"]);
    place.key("stranger");
    from("stranger.key").fails(1, &["officers and auditors"]);
    let told = from("operator.key").ok();
    assert!(told.contains("heights      1 to"), "{told}");
    place.run(&["export", "--home", "ministry", "--out", "folder.export"]).fails(1, &["in use", "Stop the node"]);
}

fn exported_from_a_folder_and_audited(place: &Place) {
    let export = |more: &[&str]| {
        place.run(
            &[&["export", "--home", FOUNDERS[3], "--genesis", "genesis.json", "--out", "folder.export"], more].concat(),
        )
    };
    let first: Value = serde_json::from_str(&export(&["--to", "1", "--json"]).ok()).unwrap();
    assert_eq!((&first["to"], &first["added"]), (&Value::from(1), &Value::from(1)));
    let rest: Value = serde_json::from_str(&export(&["--json"]).ok()).unwrap();
    assert_eq!((&rest["from"], &rest["blocks"]), (&Value::from(1), &rest["to"]));
    export(&["--to", "100000"]).fails(1, &["has come to height"]);

    let audit = |file: &str, more: &[&str]| place.run(&[&["audit", file, "--genesis", "genesis.json"], more].concat());
    for file in ["folder.export", "gateway.export"] {
        let report: Value = serde_json::from_str(&audit(file, &["--json", "--report", "report"]).ok()).unwrap();
        assert_eq!(report["verdict"], "sound");
        assert!(place.read("report/report.html").contains("Viskas galioja"));
        assert_eq!(serde_json::from_str::<Value>(&place.read("report/report.json")).unwrap(), report);
    }
    assert!(audit("folder.export", &["--threads", "1"]).ok().contains("everything holds"));
    let mut bytes = std::fs::read(place.path("folder.export")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(place.path("damaged.export"), &bytes).unwrap();
    audit("damaged.export", &["--html", "fault.html", "--lang", "en"]).fails(1, &["file_damaged"]);
    assert!(place.read("fault.html").contains("A fault was found"));
    audit("genesis.json", &[]).fails(2, &["is no export", "keis export"]);
    audit("nothing.export", &[]).fails(2, &["nothing.export"]);
    place.run(&["audit", "folder.export"]).fails(2, &["--genesis"]);
    place.run(&["export", "--home", FOUNDERS[3], "--out", "genesis.json"]).fails(1, &["stays as it is"]);
}

/// A verifier that shares no code with this command judges the files as it does.
fn stranger(place: &Place, good: &[&str], altered: &str) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/verifier");
    let python = home.join("venv/bin/python");
    assert!(python.exists(), "the verifier's libraries are missing: run `sh tests/verifier/prepare.sh`");
    let verify = |files: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(home.join("verify.py")).args(["--genesis", "genesis.json"]).args(files);
        command.current_dir(place.path("")).output().unwrap()
    };
    let output = verify(good);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.matches(": holds\n").count() == good.len(), "{told}");
    let output = verify(&[altered]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
}
