//! Figures of the state tree at the size of a national year: `cargo run --release -p keis-ledger --example tree_bench`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a bench reads the clock; the rules never do")]

mod support;

use std::sync::Arc;
use std::time::Instant;

use keis_ledger::tree::Tree;
use support::{Change, key, record, sorted};

const LEAVES: u64 = 1_000_000;
const CHANGES: u64 = 1_000;

/// Resident memory of this process in bytes, where the system tells it.
fn resident() -> usize {
    let pages =
        std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn median(label: &str, unit: u64, rounds: usize, mut run: impl FnMut(u64)) {
    let mut times: Vec<_> = (0..rounds as u64)
        .map(|round| {
            let start = Instant::now();
            run(round);
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[rounds / 2];
    println!("{label}: {median:.1?}, {:.0} ns each", median.as_nanos() as f64 / unit as f64);
}

fn main() {
    let records = sorted((0..LEAVES).map(|n| record(n, n)).collect());
    let before = resident();
    let start = Instant::now();
    let grown = Tree::from_sorted(records.iter().map(|(key, value)| {
        let (hash, value) = value.as_ref().expect("only set");
        (*key, *hash, Arc::clone(value))
    }));
    let mut tree = grown.expect("sorted");
    println!("from_sorted, {LEAVES} leaves: {:.1?}", start.elapsed());
    println!("memory without values: {} bytes a leaf", (resident() - before) as u64 / LEAVES);
    drop(records);

    let batches: Vec<Vec<Change>> = (0..40)
        .map(|round| sorted((0..CHANGES).map(|n| record((n * 997 + round * 7919) % LEAVES, round)).collect()))
        .collect();
    let mut next = batches.iter();
    median("apply 1,000 changes in place", CHANGES, 20, |_| {
        tree.apply(next.next().expect("40 batches").iter().cloned())
    });
    median("apply 1,000 changes onto a clone", CHANGES, 20, |_| {
        let mut draft = tree.clone();
        draft.apply(next.next().expect("40 batches").iter().cloned());
        std::mem::swap(&mut draft, &mut tree);
    });
    let blocks: Vec<Vec<Change>> =
        (0..10).map(|round| sorted((0..10_000).map(|n| record((n * 99 + round) % LEAVES, round)).collect())).collect();
    median("apply 10,000 changes in place, a full block", 10_000, 10, |round| {
        tree.apply(blocks[round as usize].iter().cloned());
    });
    let fresh: Vec<_> =
        (0..20).map(|r| sorted((0..CHANGES).map(|n| record(LEAVES + r * CHANGES + n, n)).collect())).collect();
    median("insert 1,000 new keys", CHANGES, 20, |round| tree.apply(fresh[round as usize].iter().cloned()));
    median("remove 1,000 keys", CHANGES, 20, |round| {
        tree.apply(fresh[round as usize].iter().map(|(key, _)| (*key, None)));
    });

    let keys: Vec<_> = (0..100_000).map(|n| key(n * 9)).collect();
    let mut sum = 0u64;
    median("get, 100,000 random keys", 100_000, 5, |_| {
        sum += keys.iter().filter_map(|key| tree.get(key)).map(|v| **v % 2).sum::<u64>()
    });
    median("iterate over all", LEAVES, 5, |_| sum += tree.iter().map(|(_, value)| **value % 2).sum::<u64>());
    median("prove, 1,000 keys", 1_000, 5, |_| {
        sum += keys[..1_000].iter().map(|key| tree.prove(key).path.len() as u64).sum::<u64>()
    });
    let root = tree.root();
    let proofs: Vec<_> = keys[..1_000].iter().map(|key| (key, tree.value_hash(key), tree.prove(key))).collect();
    median("verify 1,000 proofs", 1_000, 5, |_| {
        sum +=
            proofs.iter().filter(|(key, value, proof)| proof.verify(&root, key, value.as_ref()).is_ok()).count() as u64;
    });
    println!("root {root}, checksum {sum}");
}
