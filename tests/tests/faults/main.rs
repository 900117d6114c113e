//! Faults of the ground that a network stands on: disks, clocks, wires and other people's requests. Each test is named after its row of
//! the table in `tests/README.md` and prints its figure in one line; `KEIS_ROUNDS=N` makes it long.

mod clock;
mod disk;
mod flood;
mod ground;
mod partition;
mod slow;
mod streets;

use std::time::Duration;

use keis_tests::cluster::Cluster;

/// What no node may have had to say, whatever the fault: a vote that contradicts another of its key, something acknowledged that was
/// not there any more at a start.
fn nothing_worse_happened(cluster: &Cluster) {
    for node in cluster.all() {
        let log = cluster.log(node);
        let words = ["signed two messages for one slot", "are missing here", " is damaged", "set the store aside"];
        let worse = log.lines().find(|line| words.iter().any(|word| line.contains(word)));
        assert!(worse.is_none(), "node {node}: {worse:?}");
    }
}

/// The time within which so many percent of these were done.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().checked_sub(1).expect("something was measured");
    sorted[(sorted.len() * percent / 100).min(last)]
}

/// Median and 99th percentile, as figures are written.
fn told(times: &[Duration]) -> String {
    let [half, most] = [50, 99].map(|percent| percentile(times, percent).as_millis());
    format!("p50 {half} ms, p99 {most} ms of {}", times.len())
}
