//! The store under kill -9, flipped bytes and damaged files.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keis_node::store::{Options, Store, StoreError, Verify};

use crate::store_support::{Sample, bytes, hash, open, options};

const CHILD: &str = "STORE_TEST_FOLDER";

fn small_segments() -> Options {
    Options { gather_receipts: 40, verify: Verify::All, ..options() }
}

/// Not a test of its own: the process that `kill_nine_in_a_loop_loses_nothing` kills.
#[test]
fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let (store, _) = Store::open(PathBuf::from(folder), small_segments()).unwrap();
    let mut out = std::io::stdout();
    for height in store.tip().map_or(0, |tip| tip.0) + 1.. {
        let sample = Sample::new(height);
        store
            .put_undecided(&Sample { id: hash("loser", height), ..Sample::sized(height, 9_000) }.undecided(0))
            .unwrap();
        store.put_undecided(&sample.undecided(1)).unwrap();
        store.settle().unwrap();
        writeln!(out, "proposed {height}").unwrap();
        sample.write(&store).unwrap();
        writeln!(out, "committed {height}").unwrap();
        if height % 5 == 0 {
            let mut writer = store.snapshot_writer(height, sample.id).unwrap();
            (0..4).for_each(|chunk| writer.write(&bytes("chunk", height + chunk, 50_000)).unwrap());
            writer.finish().unwrap();
            writeln!(out, "snapshot {height}").unwrap();
        }
    }
}

#[derive(Default)]
struct Acknowledged {
    proposed: u64,
    committed: u64,
    snapshot: u64,
}

#[test]
fn kill_nine_in_a_loop_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for round in 0..20u64 {
        let lines = 1 + bytes("lines", round, 1)[0] % 60;
        run_and_kill(folder.path(), usize::from(lines), &mut acknowledged);
        check_nothing_lost(folder.path(), &acknowledged);
    }
    assert!(acknowledged.committed > 100, "the child came only to {}", acknowledged.committed);
    assert_eq!(fs::read_dir(folder.path().join("sled/blobs")).unwrap().count(), 0);
}

fn run_and_kill(folder: &Path, lines: usize, acknowledged: &mut Acknowledged) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store_faults::child_that_is_killed", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = 0;
    let mut killed = false;
    // What was acknowledged before the kill arrived is read to the end of the pipe.
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((what, height)) = line.split_once(' ') else { continue };
        let Ok(height) = height.parse() else { continue };
        match what {
            "proposed" => acknowledged.proposed = height,
            "committed" => acknowledged.committed = height,
            "snapshot" => acknowledged.snapshot = height,
            _ => continue,
        }
        seen += 1;
        if seen >= lines && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself after {seen} lines");
}

fn check_nothing_lost(folder: &Path, acknowledged: &Acknowledged) {
    let (store, report) = Store::open(folder, small_segments()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let tip = store.tip().map_or(0, |tip| tip.0);
    assert!(tip >= acknowledged.committed, "tip {tip}, acknowledged {}", acknowledged.committed);
    (1..=tip).for_each(|height| Sample::new(height).check(&store));
    if acknowledged.proposed > tip {
        let proposals = store.undecided(acknowledged.proposed).unwrap();
        assert!(proposals.contains(&Sample::new(acknowledged.proposed).undecided(1)));
    }
    let (newest, damaged) = store.newest_snapshot().unwrap();
    assert!(damaged.is_empty() && newest.map_or(0, |newest| newest.height) >= acknowledged.snapshot);
}

/// A power cut leaves what the last sync saw, so that must hold everything that was acknowledged by then.
#[test]
fn what_the_last_sync_saw_holds_all_that_was_acknowledged() {
    let (folder, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (data, seen) = (folder.path().join("sled/db"), cut.path().join("seen"));
    let sync = {
        let seen = seen.clone();
        std::sync::Arc::new(move |_: &fs::File| fs::copy(&data, &seen).map(drop))
    };
    let (store, _) = Store::open(folder.path(), Options { sync, ..small_segments() }).unwrap();
    for height in 1..=25 {
        let sample = Sample::new(height);
        store.put_undecided(&sample.undecided(0)).unwrap();
        store.settle().unwrap();
        assert_eq!(after_the_cut(&seen).undecided(height).unwrap(), [sample.undecided(0)]);
        sample.write(&store).unwrap();
        let restarted = after_the_cut(&seen);
        (1..=height).for_each(|height| Sample::new(height).check(&restarted));
        store.put_document(&hash("document", height), b"text").unwrap();
        assert!(after_the_cut(&seen).has_document(&hash("document", height)).unwrap());
    }
}

fn after_the_cut(data: &Path) -> Store {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sled")).unwrap();
    fs::copy(data, folder.path().join("sled/db")).unwrap();
    let (store, report) = open(folder.path());
    assert!(report.is_sound());
    store
}

/// A store with one of everything, and a last block behind it.
fn furnished(folder: &Path) {
    let (store, _) = Store::open(folder, Options { gather_receipts: 20, ..options() }).unwrap();
    (1..=3).for_each(|height| Sample::new(height).write(&store).unwrap());
    store.put_undecided(&Sample::new(9).undecided(2)).unwrap();
    store.settle().unwrap();
    store.put_document(&hash("document", 1), &bytes("document", 1, 5_000)).unwrap();
    store.put_meta("name", &bytes("value", 1, 500)).unwrap();
    for height in [1, 2] {
        let mut writer = store.snapshot_writer(height, hash("id", height)).unwrap();
        (0..3).for_each(|chunk| writer.write(&bytes("chunk", height * 10 + chunk, 3_000)).unwrap());
        writer.finish().unwrap();
    }
    Sample::new(4).write(&store).unwrap();
}

/// These bytes as [`flip`] leaves them.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let (mut bytes, middle) = (bytes.to_vec(), bytes.len() / 2);
    bytes[middle] ^= 0x10;
    bytes
}

/// Flips one bit wherever these bytes lie on disk.
fn flip(folder: &Path, needle: &[u8]) {
    let path = folder.join("sled/db");
    let mut content = fs::read(&path).unwrap();
    let places: Vec<usize> =
        content.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the bytes are not on disk");
    for place in places {
        content[place + needle.len() / 2] ^= 0x10;
    }
    fs::write(&path, content).unwrap();
}

/// Reads everything; what is read must be what was written. Says whether the damage was noticed.
fn damage_is_noticed(folder: &Path) -> bool {
    let (store, report) = match Store::open(folder, Options { verify: Verify::All, ..options() }) {
        Ok(opened) => opened,
        Err(StoreError::Corrupt { .. }) => return true,
        Err(other) => panic!("{other}"),
    };
    let mut noticed = !report.is_sound();
    let mut read = |result: Result<Option<Vec<u8>>, StoreError>, wanted: Vec<u8>| match result {
        Ok(None) => {}
        Ok(Some(found)) => assert!(found == wanted, "wrong bytes were returned"),
        Err(StoreError::Corrupt { .. }) => noticed = true,
        Err(other) => panic!("{other}"),
    };
    for height in 1..=4 {
        let sample = Sample::new(height);
        read(store.block(height), sample.block);
        read(store.certificate(height), sample.certificate);
        read(store.receipts(height), sample.receipts);
        for (id, position) in sample.receipt_ids {
            let place = |(height, position): (u64, u32)| format!("{height} {position}").into_bytes();
            read(store.find_receipt(&id).map(|found| found.map(place)), place((height, position)));
        }
    }
    let proposals = store.undecided(9);
    read(proposals.map(|mut found| found.pop().map(|found| [found.meta, found.block].concat())), {
        let wanted = Sample::new(9).undecided(2);
        [wanted.meta, wanted.block].concat()
    });
    read(store.document(&hash("document", 1)), bytes("document", 1, 5_000));
    read(store.meta("name"), bytes("value", 1, 500));
    for height in [1, 2] {
        let chunks = store.snapshot_chunks(height).and_then(|chunks| chunks.collect::<Result<Vec<_>, _>>());
        let wanted = (0..3).flat_map(|chunk| bytes("chunk", height * 10 + chunk, 3_000)).collect();
        match chunks {
            Err(StoreError::NotStored { .. }) => {}
            other => read(other.map(|chunks| Some(chunks.concat())), wanted),
        }
    }
    noticed
}

#[test]
fn a_flipped_bit_is_noticed_in_every_kind_of_value() {
    let kinds: [(&str, Vec<u8>); 10] = [
        ("block", Sample::new(2).block[100..160].to_vec()),
        ("later part of a block", Sample::new(2).block[10_000..10_060].to_vec()),
        ("certificate", Sample::new(2).certificate[100..160].to_vec()),
        ("block id", hash("id", 2).to_vec()),
        ("receipts", Sample::new(2).receipts[100..160].to_vec()),
        ("receipt id", Sample::new(2).receipt_ids[3].0.to_vec()),
        ("proposal", Sample::new(9).undecided(2).meta[10..60].to_vec()),
        ("document", bytes("document", 1, 5_000)[1_000..1_060].to_vec()),
        ("named value", bytes("value", 1, 500)[100..160].to_vec()),
        ("snapshot", bytes("chunk", 21, 3_000)[1_000..1_060].to_vec()),
    ];
    let furnished_folder = tempfile::tempdir().unwrap();
    furnished(furnished_folder.path());
    assert!(!damage_is_noticed(furnished_folder.path()), "a sound store is called damaged");
    for (kind, needle) in kinds {
        let folder = tempfile::tempdir().unwrap();
        furnished(folder.path());
        flip(folder.path(), &needle);
        assert!(damage_is_noticed(folder.path()), "a flipped bit of a {kind} passed");
    }
}

#[test]
fn a_bit_flipped_anywhere_never_gives_wrong_bytes() {
    for attempt in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        furnished(folder.path());
        let mut content = fs::read(folder.path().join("sled/db")).unwrap();
        let used = content.iter().rposition(|byte| *byte != 0).unwrap();
        let place = u64::from_be_bytes(bytes("place", attempt, 8).try_into().unwrap()) as usize % used;
        content[place] ^= 1 << (attempt % 8);
        fs::write(folder.path().join("sled/db"), content).unwrap();
        // Some places hold nothing that is still in use, so not every flip has something to be noticed by.
        damage_is_noticed(folder.path());
    }
}

#[test]
fn a_page_that_cannot_be_read_is_told_by_the_next_start() {
    let folder = thirty_heights();
    let needle = Sample::new(7).receipts[100..160].to_vec();
    flip(folder.path(), &needle);
    // A start reads what it needs, which is sound.
    let lazy = || Store::open(folder.path(), Options { verify: Verify::Last(3), ..options() });
    (0..2).for_each(|_| assert!(lazy().unwrap().1.is_sound()));
    assert!(matches!(lazy().unwrap().0.receipts(7), Err(StoreError::Corrupt { .. })));
    (0..2).for_each(|_| assert!(matches!(lazy().map(drop), Err(StoreError::Corrupt { .. }))));
    flip(folder.path(), &flipped(&needle));
    (0..2).for_each(|_| assert!(lazy().unwrap().1.is_sound()));
}

/// The engine ends its log where it is damaged: what was written last would be gone without a word.
#[test]
fn a_flipped_bit_of_the_last_write_is_noticed_too() {
    type Write = fn(&Store);
    let writes: [(&str, Write, Vec<u8>); 3] = [
        (
            "document",
            |store| store.put_document(&hash("document", 8), &bytes("document", 8, 900)).unwrap(),
            bytes("document", 8, 900),
        ),
        (
            "proposal",
            |store| store.put_undecided(&Sample::new(9).undecided(7)).and_then(|()| store.settle()).unwrap(),
            bytes("meta", 9, 200),
        ),
        ("block", |store| Sample::new(5).write(store).unwrap(), bytes("certificate", 5, 700)),
    ];
    for (kind, write, needle) in writes {
        let folder = tempfile::tempdir().unwrap();
        furnished(folder.path());
        write(&open(folder.path()).0);
        flip(folder.path(), &needle[20..100]);
        let report = Store::open(folder.path(), options()).map(|(_, report)| report);
        assert!(!report.is_ok_and(|report| report.is_sound()), "a flipped bit of the last {kind} passed");
    }
}

#[test]
fn a_store_with_a_flipped_bit_is_made_whole_again() {
    for height in [1, 7, 16, 29] {
        let folder = thirty_heights();
        flip(folder.path(), &Sample::new(height).receipts[100..160]);
        make_whole(folder.path());
        let (store, report) = Store::open(folder.path(), small_segments()).unwrap();
        assert!(report.is_sound(), "{report:?}");
        (1..=30).for_each(|height| Sample::new(height).check(&store));
    }
}

fn thirty_heights() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    (1..=30).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    // The engine now trusts its files up to here and no longer reads them again at start.
    drop(open(folder.path()));
    folder
}

/// What a node does about damage, with peers that have everything.
fn make_whole(folder: &Path) {
    match Store::open(folder, small_segments()) {
        // The engine ended its log before the damage: what is left is sound, and goes on.
        Ok((store, report)) if report.chain.is_sound() => {
            assert_eq!(report.lost_tail.unwrap().acknowledged, Some((30, hash("id", 30))));
            return catch_up(&store).unwrap();
        }
        Ok((_, report)) => assert!(!report.is_sound()),
        Err(StoreError::Corrupt { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    assert!(Store::set_aside(folder).unwrap().unwrap().is_dir());
    let (store, report) = open(folder);
    assert_eq!(report.lost_tail.unwrap().acknowledged, Some((30, hash("id", 30))));
    (1..=9).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    let (store, report) = open(folder);
    assert_eq!(report.lost_tail.unwrap().acknowledged.unwrap().0, 30, "half filled, it still says so");
    catch_up(&store).unwrap();
}

fn catch_up(store: &Store) -> Result<(), StoreError> {
    (store.tip().map_or(1, |tip| tip.0 + 1)..=30).try_for_each(|height| Sample::new(height).write(store))
}

fn engine_snapshots(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("sled")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap.")).collect()
}

#[test]
fn a_truncated_cache_file_of_the_engine_does_not_prevent_a_start() {
    let folder = tempfile::tempdir().unwrap();
    furnished(folder.path());
    drop(open(folder.path()));
    let files = engine_snapshots(folder.path());
    assert!(!files.is_empty());
    for file in &files {
        let length = fs::metadata(file).unwrap().len();
        fs::File::options().write(true).open(file).unwrap().set_len(length / 2).unwrap();
    }
    let (store, report) = open(folder.path());
    assert_eq!(report.set_aside.len(), files.len());
    assert!(report.is_sound() && report.chain.checked == 4);
    (1..=4).for_each(|height| Sample::new(height).check(&store));
    Sample::new(5).write(&store).unwrap();
    drop(store);
    assert_eq!(open(folder.path()).1.set_aside, Vec::<PathBuf>::new());
}

#[test]
fn a_stray_half_written_cache_file_is_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    furnished(folder.path());
    drop(open(folder.path()));
    let stray = folder.path().join("sled/snap.00000000FFFFFFFF.generating");
    fs::write(&stray, b"half").unwrap();
    let (store, report) = open(folder.path());
    assert!(report.is_sound() && report.set_aside.len() == 1 && !stray.exists());
    (1..=4).for_each(|height| Sample::new(height).check(&store));
}

#[test]
fn a_damaged_configuration_of_the_engine_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    furnished(folder.path());
    fs::write(folder.path().join("sled/conf"), b"segment_size: what\nnonsense\n").unwrap();
    let (store, report) = open(folder.path());
    assert!(report.is_sound() && !report.set_aside.is_empty());
    (1..=4).for_each(|height| Sample::new(height).check(&store));
}

#[test]
fn a_half_written_snapshot_is_ignored_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    Sample::new(1).write(&store).unwrap();
    let mut writer = store.snapshot_writer(1, hash("id", 1)).unwrap();
    writer.write(&bytes("chunk", 1, 30_000)).unwrap();
    // As a crash would: the writer never learns that it ended.
    std::mem::forget(writer);
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir_all(copy.path().join("sled/blobs")).unwrap();
    for entry in fs::read_dir(folder.path().join("sled")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.path().join("sled").join(entry.file_name())).unwrap();
        }
    }
    let (store, report) = open(copy.path());
    assert_eq!(report.unfinished_snapshots, [1]);
    assert_eq!(store.newest_snapshot().unwrap().0, None);
    drop(store);
    assert!(open(copy.path()).1.unfinished_snapshots.is_empty());
}

#[test]
fn a_damaged_snapshot_gives_way_to_the_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for height in [1, 2] {
        let mut writer = store.snapshot_writer(height, hash("id", height)).unwrap();
        (0..60).for_each(|chunk| writer.write(&bytes("chunk", height * 100 + chunk, 6_000)).unwrap());
        writer.finish().unwrap();
    }
    (3..40).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    drop(open(folder.path()));
    flip(folder.path(), &bytes("chunk", 230, 6_000)[1_000..1_060]);
    let (store, report) = open(folder.path());
    assert!(report.is_sound());
    let (newest, damaged) = store.newest_snapshot().unwrap();
    assert_eq!(damaged.iter().map(|damage| damage.height).collect::<Vec<_>>(), [2]);
    assert_eq!(newest.map(|newest| newest.height), Some(1));
}
