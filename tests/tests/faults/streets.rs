//! A network of its own for every node: network namespaces, joined by a bridge, in a namespace that the test has to itself. Nothing of the
//! machine's network is touched, and all of it is gone with the processes.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use keis_tests::wait::turn;

/// Set where the test runs in its own namespace.
const INSIDE: &str = "KEIS_INSIDE_STREETS";
/// Ways into a namespace of one's own: as root, and as anybody where the machine lets them.
const WAYS: [&[&str]; 2] = [&["--mount", "--net"], &["--user", "--map-root-user", "--mount", "--net"]];
/// What must be possible there.
const PROBE: &str = "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link add bridge0 type bridge && ip netns add probe \
    && ip link add probe0 type veth peer name eth0 netns probe && nft add table ip probe";

/// Runs the rest of this test in a namespace of its own, as another process. True where that is now; false when it is done, or cannot be.
pub async fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let _turn = turn().await;
    let Some(way) = WAYS.iter().find(|way| run(unshare(way).args(["sh", "-c", PROBE])).is_ok()) else {
        let why = run(unshare(WAYS[0]).args(["sh", "-c", PROBE])).expect_err("it was tried");
        println!("F11: not tried, this machine makes no network namespaces: {why}");
        return false;
    };
    let this = std::env::current_exe().expect("a running test has a path");
    let mut command = unshare(way);
    command.arg(this).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    match run(&mut command) {
        Ok(said) => print!("{said}"),
        Err(said) => panic!("{said}"),
    }
    false
}

fn unshare(way: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(way).env("PATH", path());
    command
}

/// Where the tools are, for those who are not root, too.
fn path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// What a command said, or why it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if output.status.success() { Ok(out) } else { Err(format!("{}\n{out}\n{err}", output.status)) }
}

fn sh(script: &str) {
    run(Command::new("sh").args(["-euc", script]).env("PATH", path()))
        .unwrap_or_else(|error| panic!("{script}\n{error}"));
}

/// Nodes' networks, numbered from 0; the test itself is on the bridge.
pub struct Streets {
    count: usize,
}

impl Streets {
    /// Lays so many.
    pub fn lay(count: usize) -> Self {
        sh("mount -t tmpfs tmpfs /run; mkdir /run/netns; ip link set lo up; ip link add bridge0 type bridge; \
            ip addr add 10.77.0.254/24 dev bridge0; ip link set bridge0 up");
        for index in 0..count {
            let number = index + 1;
            sh(&format!(
                "ip netns add n{index}; ip link add v{index} type veth peer name eth0 netns n{index}; \
                 ip link set v{index} master bridge0 up; \
                 nsenter --net=/run/netns/n{index} sh -euc '\
                 ip link set lo up; ip addr add 10.77.0.{number}/24 dev eth0; ip link set eth0 up; \
                 nft add table ip streets; \
                 nft add set ip streets deaf \"{{ type ipv4_addr; }}\"; \
                 nft add chain ip streets input \"{{ type filter hook input priority 0; }}\"; \
                 nft add rule ip streets input ip saddr @deaf drop'"
            ));
        }
        Self { count }
    }

    /// Where each node is.
    pub fn addresses(&self) -> Vec<IpAddr> {
        (1..=self.count).map(|number| Ipv4Addr::new(10, 77, 0, number as u8).into()).collect()
    }

    /// The option of `nsenter` that leads to a node's network.
    pub fn way(&self, index: usize) -> String {
        format!("--net=/run/netns/n{index}")
    }

    /// From now on a node hears nothing from another.
    pub fn deafen(&self, index: usize, to: usize) {
        self.tell(index, &format!("add element ip streets deaf '{{ 10.77.0.{} }}'", to + 1));
    }

    /// Everybody hears everybody.
    pub fn heal(&self) {
        (0..self.count).for_each(|index| self.tell(index, "flush set ip streets deaf"));
    }

    fn tell(&self, index: usize, what: &str) {
        sh(&format!("nsenter {} nft {what}", self.way(index)));
    }
}
