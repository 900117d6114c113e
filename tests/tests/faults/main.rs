//! Faults of the ground that a network stands on: disks, clocks, wires and other people's requests. Each test is named after its row of
//! the table in `tests/README.md` and prints its figure in one line; `KEIS_ROUNDS=N` makes it long.

mod clock;
mod disk;
mod flips;
mod flood;
mod ground;
mod memory;
mod partition;
mod slow;
mod streets;

use keis_ledger::receipt::Receipt;
use keis_tests::check::{Agreed, agree, all_sign, survived};
use keis_tests::cluster::Cluster;
use keis_tests::flow::Flow;

/// Ends the flow: all nodes agree, nothing that was acknowledged is lost, all sign, and nothing worse happened. Gives what they agree on
/// and what was acknowledged.
async fn ended_well(cluster: &mut Cluster, flow: Flow) -> (Agreed, Vec<Receipt>) {
    let all = cluster.all();
    let acknowledged = flow.finish().await;
    let agreed = agree(cluster, &all).await;
    survived(cluster, &all, &agreed, &acknowledged).await;
    all_sign(cluster, &all).await;
    nothing_worse_happened(cluster);
    (agreed, acknowledged)
}

/// What a node says whose key signed otherwise elsewhere.
const CONFLICT: &str = "signed two messages for one slot";

/// What no node may have had to say, whatever the fault: a vote that contradicts another of its key, something acknowledged that was
/// not there any more at a start.
fn nothing_worse_happened(cluster: &Cluster) {
    never_said(cluster, &[CONFLICT, "are missing here", " is damaged", "set the store aside"]);
}

/// No node's log has any of these words.
fn never_said(cluster: &Cluster, words: &[&str]) {
    for node in cluster.all() {
        let log = cluster.log(node);
        let worse = log.lines().find(|line| words.iter().any(|word| line.contains(word)));
        assert!(worse.is_none(), "node {node}: {worse:?}");
    }
}
