//! What the store promises its callers.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keis_node::store::{
    DOCUMENT_BYTES, LostTail, Options, SNAPSHOT_CHUNK_BYTES, Store, StoreError, Undecided, VALUE_BYTES, Verify,
};

use crate::store_support::{NETWORK, Sample, bytes, hash, open, options};

#[test]
fn a_new_store_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (store, report) = open(folder.path());
    assert!(report.created && report.is_sound());
    assert_eq!((store.tip(), store.first_height()), (None, None));
    assert_eq!(store.block(1).unwrap(), None);
    assert_eq!(store.find_receipt(&[1; 32]).unwrap(), None);
    assert_eq!(store.links_from(0).count(), 0);
    assert!(store.newest_snapshot().unwrap().0.is_none());
}

#[test]
fn what_is_committed_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for height in 1..=40 {
        Sample::new(height).write(&store).unwrap();
    }
    drop(store);
    let (store, report) = open(folder.path());
    assert!(!report.created && report.is_sound(), "{report:?}");
    assert_eq!(report.chain.checked, 40);
    assert_eq!((store.first_height(), store.tip()), (Some(1), Some((40, hash("id", 40)))));
    (1..=40).for_each(|height| Sample::new(height).check(&store));
    assert_eq!(store.block(41).unwrap(), None);
    let heights: Vec<u64> = store.links_from(38).map(|link| link.unwrap().height).collect();
    assert_eq!(heights, [38, 39, 40]);
}

#[test]
fn heights_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let refused = |height, wanted| match Sample::new(height).write(&store) {
        Err(StoreError::OutOfSequence { expected, given }) => assert_eq!((expected, given), (wanted, height)),
        other => panic!("{other:?}"),
    };
    refused(0, 1);
    refused(2, 1);
    Sample::new(1).write(&store).unwrap();
    refused(1, 2);
    refused(3, 2);
    Sample::new(2).write(&store).unwrap();
    assert_eq!(store.tip().unwrap().0, 2);
}

#[test]
fn a_store_that_begins_with_a_snapshot_goes_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let mut writer = store.snapshot_writer(500, hash("id", 500)).unwrap();
    writer.write(b"state").unwrap();
    writer.finish().unwrap();
    assert!(Sample::new(1).write(&store).is_err());
    Sample::new(501).write(&store).unwrap();
    assert_eq!(store.first_height(), Some(501));
}

#[test]
fn large_values_stay_out_of_files_that_are_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for height in 1..=60 {
        let length = [0, 1, 6_103, 6_104, 6_105, 12_248, 100_000, 1 << 20][height as usize % 8];
        let sample = Sample::sized(height, length);
        store.put_undecided(&sample.undecided(0)).unwrap();
        sample.write(&store).unwrap();
        store.put_document(&hash("document", height), &bytes("document", height, DOCUMENT_BYTES)).unwrap();
        store.put_meta("repeated", &bytes("repeated", height, 200_000)).unwrap();
        assert_eq!(store.block(height).unwrap(), Some(sample.block));
    }
    assert_eq!(fs::read_dir(folder.path().join("sled/blobs")).unwrap().count(), 0);
    drop(store);
    let (store, report) = Store::open(folder.path(), Options { verify: Verify::All, ..options() }).unwrap();
    assert!(report.is_sound() && report.chain.checked == 60);
    assert_eq!(store.meta("repeated").unwrap(), Some(bytes("repeated", 60, 200_000)));
}

#[test]
fn what_exceeds_its_bound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let too_large = |result| assert!(matches!(result, Err(StoreError::TooLarge { .. })), "{result:?}");
    too_large(store.put_document(&[1; 32], &vec![0; DOCUMENT_BYTES + 1]));
    too_large(Sample::sized(1, VALUE_BYTES + 1).write(&store));
    too_large(store.snapshot_writer(1, [1; 32]).unwrap().write(&vec![0; SNAPSHOT_CHUNK_BYTES + 1]));
    assert_eq!(store.tip(), None);
}

#[test]
fn proposals_stay_until_their_height_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let (winner, loser) = (Sample::new(1), Sample { id: hash("loser", 1), ..Sample::new(1) });
    let later = Sample::new(2);
    store.put_undecided(&winner.undecided(0)).unwrap();
    store.put_undecided(&loser.undecided(0)).unwrap();
    store.put_undecided(&winner.undecided(3)).unwrap();
    store.put_undecided(&later.undecided(0)).unwrap();
    let changed = Undecided { meta: b"another verdict".to_vec(), ..winner.undecided(3) };
    store.put_undecided(&changed).unwrap();
    drop(store);

    let (store, _) = open(folder.path());
    let rounds: Vec<u32> = store.undecided(1).unwrap().iter().map(|proposal| proposal.round).collect();
    assert_eq!(rounds, [0, 0, 3]);
    assert_eq!(store.undecided_by_round(1, 3).unwrap(), [changed]);
    assert_eq!(store.undecided_block(1, &winner.id).unwrap().as_ref(), Some(&winner.block));

    winner.write(&store).unwrap();
    assert_eq!(store.undecided(1).unwrap(), []);
    assert_eq!(store.undecided(2).unwrap(), [later.undecided(0)]);
    assert!(matches!(store.put_undecided(&loser.undecided(4)), Err(StoreError::AlreadyDecided { height: 1 })));
    drop(store);
    let (store, report) = open(folder.path());
    assert!(report.is_sound());
    winner.check(&store);
    store.forget_undecided(2).unwrap();
    assert_eq!(store.undecided(2).unwrap(), []);
    assert_eq!(store.undecided_block(2, &later.id).unwrap(), None);
}

#[test]
fn receipts_are_found_before_and_after_every_merge() {
    let folder = tempfile::tempdir().unwrap();
    let opened = || Store::open(folder.path(), Options { gather_receipts: 10, ..options() }).unwrap();
    let (store, _) = opened();
    // 8 segments of 14 make one of the next size, 8 of these one of the last.
    for height in 1..=300 {
        let sample = Sample { block: vec![1], ..Sample::sized(height, 1) };
        sample.write(&store).unwrap();
        if height % 50 == 0 {
            (1..=height).for_each(|height| check_receipts(&store, height));
        }
    }
    drop(store);
    let (store, _) = opened();
    (1..=300).for_each(|height| check_receipts(&store, height));
    for stranger in 0..2_000 {
        assert_eq!(store.find_receipt(&hash("stranger", stranger)).unwrap(), None);
    }
}

#[test]
fn the_receipts_index_can_be_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), Options { gather_receipts: 10, ..options() }).unwrap();
    (1..=30).for_each(|height| Sample::sized(height, 10).write(&store).unwrap());
    store.rebuild_receipt_index(|height, _| crate::store_support::receipt_ids(height)).unwrap();
    (1..=30).for_each(|height| check_receipts(&store, height));
    drop(store);
    let (store, report) = open(folder.path());
    assert!(report.is_sound());
    (1..=30).for_each(|height| check_receipts(&store, height));
}

fn check_receipts(store: &Store, height: u64) {
    for (id, position) in crate::store_support::receipt_ids(height) {
        assert_eq!(store.find_receipt(&id).unwrap(), Some((height, position)));
    }
}

#[test]
fn the_two_newest_snapshots_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for height in [10, 20, 30] {
        let mut writer = store.snapshot_writer(height, hash("id", height)).unwrap();
        assert!(matches!(store.snapshot_writer(99, [0; 32]), Err(StoreError::SnapshotInProgress)));
        for chunk in 0..5 {
            writer.write(&bytes("chunk", height + chunk, 100_000)).unwrap();
        }
        assert_eq!(writer.finish().unwrap().bytes, 500_000);
    }
    assert!(matches!(store.snapshot_writer(30, [0; 32]), Err(StoreError::SnapshotExists { height: 30 })));
    drop(store);
    let (store, report) = open(folder.path());
    assert!(report.unfinished_snapshots.is_empty());
    assert_eq!(store.snapshot_heights().unwrap(), [30, 20]);
    let (newest, damaged) = store.newest_snapshot().unwrap();
    let newest = newest.unwrap();
    assert_eq!((newest.height, newest.id, newest.chunks, damaged.len()), (30, hash("id", 30), 5, 0));
    let chunks: Vec<Vec<u8>> = store.snapshot_chunks(30).unwrap().map(Result::unwrap).collect();
    assert_eq!(chunks, (0..5).map(|chunk| bytes("chunk", 30 + chunk, 100_000)).collect::<Vec<_>>());
    assert!(matches!(store.snapshot_chunks(10), Err(StoreError::NotStored { height: 10 })));
}

#[test]
fn an_abandoned_snapshot_leaves_nothing_and_bars_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let mut writer = store.snapshot_writer(10, [1; 32]).unwrap();
    writer.write(&[1; 9_000]).unwrap();
    drop(writer);
    assert!(store.snapshot_heights().unwrap().is_empty());
    let mut writer = store.snapshot_writer(10, [1; 32]).unwrap();
    writer.write(&[2; 7_000]).unwrap();
    writer.finish().unwrap();
    let chunks: Vec<Vec<u8>> = store.snapshot_chunks(10).unwrap().map(Result::unwrap).collect();
    assert_eq!(chunks, [vec![2; 7_000]]);
}

#[test]
fn a_snapshot_is_written_while_blocks_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut writer = store.snapshot_writer(5, hash("id", 5)).unwrap();
            (0..20).for_each(|chunk| writer.write(&bytes("chunk", chunk, 200_000)).unwrap());
            writer.finish().unwrap();
        });
        (1..=50).for_each(|height| Sample::new(height).write(&store).unwrap());
    });
    (1..=50).for_each(|height| Sample::new(height).check(&store));
    assert_eq!(store.newest_snapshot().unwrap().0.unwrap().bytes, 4_000_000);
}

#[test]
fn documents_and_named_values_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let hashes: Vec<[u8; 32]> = (1..=9).map(|number| [number; 32]).collect();
    for hash in hashes.iter().rev() {
        store.put_document(hash, &bytes("document", u64::from(hash[0]), 20_000)).unwrap();
        store.put_document(hash, &bytes("document", u64::from(hash[0]), 20_000)).unwrap();
    }
    store.put_meta("a", &[1; 50_000]).unwrap();
    store.put_meta("a", b"short").unwrap();
    store.put_meta("ab", b"").unwrap();
    drop(store);
    let (store, _) = open(folder.path());
    assert_eq!(store.documents().unwrap(), hashes);
    assert_eq!(store.document(&[4; 32]).unwrap(), Some(bytes("document", 4, 20_000)));
    assert!(store.has_document(&[4; 32]).unwrap() && !store.has_document(&[44; 32]).unwrap());
    assert_eq!(store.meta("a").unwrap(), Some(b"short".to_vec()));
    assert_eq!(store.meta("ab").unwrap(), Some(vec![]));
    assert_eq!(store.meta("b").unwrap(), None);
}

#[test]
fn a_second_opener_is_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    match Store::open(folder.path(), options()) {
        Err(StoreError::Locked { path, holder }) => {
            assert_eq!((path.as_path(), holder), (folder.path(), Some(std::process::id())));
        }
        other => panic!("{:?}", other.map(|(_, report)| report)),
    }
    drop(store);
    open(folder.path());
}

#[test]
fn a_folder_of_another_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    match Store::open(folder.path(), Options::new([9; 32])) {
        Err(StoreError::WrongNetwork { found, expected, .. }) => assert_eq!((found, expected), (NETWORK, [9; 32])),
        other => panic!("{:?}", other.map(|(_, report)| report)),
    }
}

#[test]
fn a_full_disk_refuses_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let (store, _) = Store::open(folder.path(), Options { min_free_bytes: u64::MAX / 2, ..options() }).unwrap();
    for _ in 0..2 {
        assert!(matches!(Sample::new(1).write(&store), Err(StoreError::DiskFull { .. })));
    }
    assert_eq!(store.tip(), None);
    drop(store);
    Sample::new(1).write(&open(folder.path()).0).unwrap();
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let seen = broken.clone();
    let sync = Arc::new(move |file: &fs::File| match seen.load(Ordering::SeqCst) {
        true => Err(io::Error::other("injected")),
        false => file.sync_data(),
    });
    let (store, _) = Store::open(folder.path(), Options { sync, ..options() }).unwrap();
    Sample::new(1).write(&store).unwrap();
    broken.store(true, Ordering::SeqCst);
    let failed = |result: Result<(), StoreError>| match result {
        Err(StoreError::Failed { reason, is_damage }) => assert!(reason.contains("injected") && !is_damage, "{reason}"),
        other => panic!("{other:?}"),
    };
    failed(Sample::new(2).write(&store));
    broken.store(false, Ordering::SeqCst);
    failed(Sample::new(2).write(&store));
    failed(store.put_undecided(&Sample::new(2).undecided(0)));
    failed(store.put_document(&[1; 32], b"text"));
    failed(store.put_meta("name", b"value"));
    failed(store.snapshot_writer(1, [0; 32]).and_then(|mut writer| writer.write(b"chunk")));
    failed(store.check_writable());
    assert_eq!(store.tip().unwrap().0, 1);
    Sample::new(1).check(&store);
}

#[test]
fn a_folder_that_lost_acknowledged_heights_says_so() {
    let (folder, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, _) = open(old.path());
    (1..=3).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    let (store, _) = open(folder.path());
    (1..=5).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    fs::remove_dir_all(folder.path().join("sled")).unwrap();
    fs::rename(old.path().join("sled"), folder.path().join("sled")).unwrap();
    let (store, report) = open(folder.path());
    assert_eq!(report.lost_tail, Some(LostTail { tip: Some(3), acknowledged: Some((5, hash("id", 5))) }));
    (4..=5).for_each(|height| Sample::new(height).write(&store).unwrap());
    drop(store);
    assert!(open(folder.path()).1.is_sound());
}
