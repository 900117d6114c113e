//! F3: bits that flip, on a disk at rest and on their way to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use keis_tests::check::{agree, all_sign, rest, survived, whole};
use keis_tests::cluster::{Cluster, MUST_NOT_SIGN, PATIENCE, copy};
use keis_tests::flow::Flow;
use keis_tests::rounds;
use keis_tests::wait::until;
use keis_tests::world::World;

use crate::ground::{Flip, Ground};
use crate::{CONFLICT, never_said};

/// Whose bits flip.
const VICTIM: usize = 3;
/// How often it may end until it goes on: damage ends it once, the next start sets the store aside.
const MOST_STOPS: usize = 3;

/// The files below a folder, in order.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path());
    let mut entries: Vec<PathBuf> = entries.collect();
    entries.sort_unstable();
    for path in entries {
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_a_bit_flipped_in_any_file_of_a_node_is_repaired_or_refused() {
    let mut cluster = Cluster::found(4).await;
    cluster.set("SNAPSHOT__BLOCKS", "10");
    cluster.start_all().await;
    let flips = rounds(1);
    let world = World::open(&cluster, 400).await;
    let all = cluster.all();
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(80, PATIENCE).await;
    let acknowledged = flow.finish().await;
    rest(&cluster, &all).await;
    assert!(cluster.stop(VICTIM, PATIENCE).await.success());
    let (home, aside) = (cluster.home(VICTIM), cluster.folder().join("sound"));
    copy(&home, &aside);
    let mut found = Vec::new();
    for part in ["store", "consensus", "guard"] {
        files(&aside.join(part), &mut found);
    }
    let (mut started, mut refused) = (0, Vec::new());
    for (number, file) in found.iter().enumerate() {
        let name = file.strip_prefix(&aside).expect("below the folder");
        for flip in 0..flips {
            put_back(&aside, &home);
            let (path, sound) = (home.join(name), fs::read(home.join(name)).expect("a readable file"));
            let Some(written) = sound.iter().rposition(|byte| *byte != 0) else { continue };
            let mut bytes = sound.clone();
            bytes[(written * (2 * flip + 1) / (2 * flips)).min(written)] ^= 1 << ((number + flip) % 8);
            fs::write(&path, bytes).expect("the disk flips a bit");
            match cluster.try_start(VICTIM).await {
                None => {
                    let agreed = agree(&mut cluster, &all).await;
                    survived(&cluster, &all, &agreed, &acknowledged).await;
                    cluster.kill(&[VICTIM]).await;
                    started += 1;
                }
                Some(ended) => {
                    assert!(ended.code().is_some_and(|code| code != 0), "{}: {ended}", name.display());
                    fs::write(&path, sound).expect("the bit is mended");
                    refused.push(name.display().to_string());
                }
            }
        }
    }
    put_back(&aside, &home);
    cluster.start(VICTIM).await;
    agree(&mut cluster, &all).await;
    all_sign(&cluster, &all).await;
    println!(
        "F3: {} bits flipped in {} files: {started} starts that tell the others' truth, {} refusals ({refused:?}), 0 wrong answers",
        started + refused.len(),
        found.len(),
        refused.len()
    );
}

/// Puts store and engine's log back as they were. The sign log stays: it knows the file that it is, and has gone on.
fn put_back(aside: &Path, home: &Path) {
    for entry in fs::read_dir(home).expect("a readable folder").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name();
        if ["store", "consensus"].iter().any(|part| name.as_encoded_bytes().starts_with(part.as_bytes())) {
            fs::remove_dir_all(entry.path()).expect("a part is removed");
        }
    }
    for part in ["store", "consensus"] {
        copy(&aside.join(part), &home.join(part));
    }
}

/// Starts the victim again, as its service manager does, until it goes on while orders flow; `ended` is how it had ended by itself.
/// Says how often it ended, and how often a person had to put its sign log right.
async fn comes_back(
    cluster: &mut Cluster,
    flow: &mut Flow,
    mut ended: Option<ExitStatus>,
    flip: Option<Flip>,
) -> (usize, usize) {
    let (mut stopped, mut mended) = (0, 0);
    loop {
        if let Some(ended) = ended {
            assert!(ended.code().is_some_and(|code| code != 0), "{ended}\n{}", cluster.tail(VICTIM));
            stopped += 1;
            if ended.code() == Some(MUST_NOT_SIGN) {
                flip.as_ref().expect("a bit has flipped").mend(&cluster.home(VICTIM));
                mended += 1;
            }
        }
        assert!(stopped <= MOST_STOPS, "it does not come back\n{}", cluster.tail(VICTIM));
        ended = cluster.try_start(VICTIM).await;
        if ended.is_none() {
            flow.progress(8, PATIENCE).await;
            if !cluster.has_ended(VICTIM) {
                return (stopped, mended);
            }
            ended = cluster.kill_unless_ended(VICTIM).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_a_bit_flipped_between_hash_and_write_is_repaired_or_refused() {
    let (ground, mut cluster) = (Ground::build(), Cluster::found(4).await);
    cluster.set("SNAPSHOT__BLOCKS", "4");
    cluster.start_all().await;
    let flips = rounds(5);
    let world = World::open(&cluster, 700 + 60 * flips).await;
    let mut flow = Flow::start(&cluster, &world, 0);
    flow.progress(20, PATIENCE).await;
    let points = ground.count(&mut cluster, VICTIM, &mut flow).await;
    let (mut flipped, mut stopped, mut mended) = (BTreeMap::<String, usize>::new(), 0, 0);
    for number in 0..flips {
        let (point, seed) = ((1 + number * points / flips).to_string(), number.to_string());
        let faults = [("KEIS_DISK_FLIP", point.as_str()), ("KEIS_DISK_SEED", &seed)];
        cluster.start_within(VICTIM, ground.disk(&cluster, VICTIM, &faults));
        let mut ended = cluster.try_start(VICTIM).await;
        if ended.is_none() {
            // What flipped before may end it first.
            until("a bit flips", PATIENCE, async || {
                (ground.flip(VICTIM).is_some() || cluster.has_ended(VICTIM)).then_some(())
            })
            .await;
            flow.progress(16, PATIENCE).await;
            ended = cluster.kill_unless_ended(VICTIM).await;
        }
        let flip = ground.flip(VICTIM);
        if let Some(flip) = &flip {
            *flipped.entry(flip.file.display().to_string()).or_default() += 1;
        }
        ground.points(VICTIM);
        cluster.start_within(VICTIM, Vec::new());
        let (again, by_hand) = comes_back(&mut cluster, &mut flow, ended, flip).await;
        (stopped, mended) = (stopped + again, mended + by_hand);
        cluster.kill_unless_ended(VICTIM).await;
    }
    cluster.start(VICTIM).await;
    flow.progress(20, PATIENCE).await;
    whole(&cluster, VICTIM).await;
    let (all, acknowledged) = (cluster.all(), flow.finish().await);
    let agreed = agree(&mut cluster, &all).await;
    survived(&cluster, &all, &agreed, &acknowledged).await;
    all_sign(&cluster, &all).await;
    never_said(&cluster, &[CONFLICT]);
    println!(
        "F3: bits flipped between hash and write, at {points} points: {flipped:?}; {stopped} stops, of them {mended} for a person to look, {} acknowledged, 0 wrong answers, 0 conflicting signatures, {} blocks equal",
        acknowledged.len(),
        agreed.headers.len()
    );
}
