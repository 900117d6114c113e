//! What the sign guard promises, whatever happens to its file.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use keis_engine::guard::{Answer, Beginning, Foreign, Guard, GuardError, GuardState, Message, Withheld};
use keis_ledger::chain::{Certificate, Height, VoteStep};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::BlockId;

const NETWORK: Hash = Hash([3; 32]);
const RECORD: usize = 256;

fn secret() -> SecretKey {
    SecretKey::from_bytes(&[5; 32])
}

fn block(byte: u8) -> BlockId {
    BlockId([byte; 32])
}

fn prevote(height: u64, round: u32, value: Option<u8>) -> Message {
    Message::vote(VoteStep::Prevote, Height(height), round, value.map(block))
}

fn precommit(height: u64, round: u32, value: Option<u8>) -> Message {
    Message::vote(VoteStep::Precommit, Height(height), round, value.map(block))
}

fn proposal(height: u64, round: u32, value: u8) -> Message {
    Message::proposal(Height(height), round, None, block(value))
}

fn create(folder: &Path) -> Guard {
    Guard::create(folder, NETWORK, secret(), Beginning::Genesis).unwrap()
}

fn open(folder: &Path) -> Guard {
    Guard::open(folder, NETWORK, secret()).unwrap()
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("sign.log")
}

/// Asserts that the guard signs exactly this message, with a signature that verifies.
#[track_caller]
fn signs(guard: &Guard, message: Message) {
    answers(guard, message, message);
}

/// Asserts that the guard, asked for one message, answers with another that it recorded.
#[track_caller]
fn answers(guard: &Guard, asked: Message, expected: Message) {
    let Answer::Signed(answered, signature) = guard.sign(&asked).unwrap() else { panic!("{asked:?} was withheld") };
    assert_eq!(answered, expected);
    assert!(guard.public_key().verify(&expected.bytes(&NETWORK, &guard.address()), &signature));
}

#[track_caller]
fn withholds(guard: &Guard, message: Message, reason: Withheld) {
    assert_eq!(guard.sign(&message).unwrap(), Answer::Withheld(reason));
}

#[test]
fn the_same_slot_gets_the_same_message_and_signature_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    let all = [proposal(1, 0, 1), prevote(1, 0, Some(1)), precommit(1, 0, Some(1)), prevote(2, 0, None)];
    let first = all.map(|message| guard.sign(&message).unwrap());
    assert_eq!(all.map(|message| guard.sign(&message).unwrap()), first);
    drop(guard);
    let length = fs::metadata(log_of(folder.path())).unwrap().len();
    let guard = open(folder.path());
    assert_eq!(all.map(|message| guard.sign(&message).unwrap()), first);
    assert_eq!(fs::metadata(log_of(folder.path())).unwrap().len(), length);
}

#[test]
fn another_prevote_of_a_slot_is_answered_with_the_recorded_one() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 0, Some(1)));
    answers(&guard, prevote(1, 0, Some(2)), prevote(1, 0, Some(1)));
    answers(&guard, prevote(1, 0, None), prevote(1, 0, Some(1)));
}

#[test]
fn another_proposal_of_a_slot_is_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, proposal(1, 0, 1));
    withholds(&guard, proposal(1, 0, 2), Withheld::OtherProposal);
    withholds(&guard, Message::proposal(Height(1), 0, Some(0), block(1)), Withheld::OtherProposal);
    signs(&guard, proposal(1, 1, 2));
}

#[test]
fn a_recorded_precommit_that_meets_another_request_silences_the_height_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, precommit(4, 0, Some(1)));
    answers(&guard, precommit(4, 0, None), precommit(4, 0, Some(1)));
    withholds(&guard, prevote(4, 1, Some(1)), Withheld::Abstaining);
    withholds(&guard, proposal(4, 1, 1), Withheld::Abstaining);
    answers(&guard, precommit(4, 0, Some(1)), precommit(4, 0, Some(1)));
    signs(&guard, prevote(5, 0, Some(3)));
    drop(guard);
    let guard = open(folder.path());
    withholds(&guard, precommit(4, 1, None), Withheld::Abstaining);
    signs(&guard, precommit(5, 0, Some(3)));
}

#[test]
fn rounds_only_move_forward() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 3, None));
    withholds(&guard, precommit(1, 2, None), Withheld::Old);
    signs(&guard, precommit(1, 3, None));
}

#[test]
fn a_lock_that_the_engine_forgot_is_not_voted_against() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, precommit(1, 0, Some(1)));
    // In the same run the engine knows its lock, and may know of a newer quorum.
    signs(&guard, prevote(1, 1, Some(2)));
    drop(guard);
    let guard = open(folder.path());
    withholds(&guard, prevote(1, 2, Some(2)), Withheld::ForgottenLock);
    signs(&guard, prevote(1, 2, None));
    signs(&guard, prevote(1, 3, Some(1)));
    // A precommit follows a quorum of its own round: it is the new lock.
    signs(&guard, precommit(1, 3, Some(2)));
    signs(&guard, prevote(1, 4, Some(2)));
}

#[test]
fn an_engine_that_repeats_its_precommit_remembers_its_lock() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, precommit(1, 0, Some(1)));
    drop(guard);
    let guard = open(folder.path());
    signs(&guard, precommit(1, 0, Some(1)));
    signs(&guard, prevote(1, 1, Some(2)));
}

#[test]
fn a_crash_at_any_byte_of_the_last_record_loses_that_record_only() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 0, Some(1)));
    let before = fs::metadata(log_of(folder.path())).unwrap().len() as usize;
    signs(&guard, precommit(1, 0, Some(1)));
    drop(guard);
    let whole = fs::read(log_of(folder.path())).unwrap();
    assert_eq!(whole.len(), before + RECORD);
    for length in before..whole.len() {
        write_in_place(&log_of(folder.path()), &whole[..length]);
        let guard = open(folder.path());
        assert_eq!(fs::metadata(log_of(folder.path())).unwrap().len() as usize, before);
        answers(&guard, prevote(1, 0, None), prevote(1, 0, Some(1)));
        // The second record was never acknowledged, so its slot is free.
        signs(&guard, precommit(1, 0, Some(9)));
    }
}

#[test]
fn an_end_of_zeros_is_what_a_power_cut_leaves() {
    let folder = tempfile::tempdir().unwrap();
    signs(&create(folder.path()), prevote(1, 0, Some(1)));
    let mut bytes = fs::read(log_of(folder.path())).unwrap();
    bytes.resize(bytes.len() + 3 * RECORD, 0);
    write_in_place(&log_of(folder.path()), &bytes);
    let guard = open(folder.path());
    assert_eq!(guard.state(), GuardState::Active);
    answers(&guard, prevote(1, 0, Some(2)), prevote(1, 0, Some(1)));
}

#[test]
fn what_no_sync_followed_may_be_left_in_any_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 0, Some(1)));
    guard.settle().unwrap();
    let settled = fs::metadata(log_of(folder.path())).unwrap().len() as usize;
    signs(&guard, proposal(2, 0, 1));
    signs(&guard, prevote(2, 0, Some(1)));
    drop(guard);
    let whole = fs::read(log_of(folder.path())).unwrap();
    assert_eq!(whole.len(), settled + 2 * RECORD);
    for lost in [settled..whole.len(), settled..settled + RECORD, settled + RECORD..whole.len()] {
        let mut bytes = whole.clone();
        bytes[lost.clone()].fill(0);
        write_in_place(&log_of(folder.path()), &bytes);
        let guard = open(folder.path());
        assert_eq!(fs::metadata(log_of(folder.path())).unwrap().len() as usize, lost.start);
        answers(&guard, prevote(1, 0, None), prevote(1, 0, Some(1)));
        // Nothing of it had left, so its slot is free.
        signs(&guard, prevote(2, 0, Some(9)));
    }
    let mut bytes = whole;
    bytes[settled - RECORD..settled].fill(0);
    write_in_place(&log_of(folder.path()), &bytes);
    let error = Guard::open(folder.path(), NETWORK, secret()).unwrap_err();
    assert!(matches!(error, GuardError::Damaged { .. }), "what was settled is not given up: {error}");
}

#[test]
fn every_flipped_byte_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 0, Some(1)));
    signs(&guard, precommit(1, 0, Some(1)));
    drop(guard);
    let whole = fs::read(log_of(folder.path())).unwrap();
    for index in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[index] ^= 1;
        write_in_place(&log_of(folder.path()), &bytes);
        let error = Guard::open(folder.path(), NETWORK, secret()).unwrap_err();
        assert!(matches!(error, GuardError::Damaged { record, .. } if record == index / RECORD), "{index}: {error}");
    }
}

#[test]
fn a_record_cut_out_or_swapped_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    (1..4).for_each(|height| signs(&guard, prevote(height, 0, Some(1))));
    drop(guard);
    let whole = fs::read(log_of(folder.path())).unwrap();
    let without = [&whole[..RECORD], &whole[2 * RECORD..]].concat();
    let swapped =
        [&whole[..RECORD], &whole[2 * RECORD..3 * RECORD], &whole[RECORD..2 * RECORD], &whole[3 * RECORD..]].concat();
    for bytes in [without, swapped, whole[RECORD..].to_vec()] {
        write_in_place(&log_of(folder.path()), &bytes);
        let error = Guard::open(folder.path(), NETWORK, secret()).unwrap_err();
        assert!(matches!(error, GuardError::Damaged { .. }), "{error}");
    }
    write_in_place(&log_of(folder.path()), &[]);
    assert!(matches!(Guard::open(folder.path(), NETWORK, secret()), Err(GuardError::Damaged { record: 0, .. })));
}

#[test]
fn a_log_serves_one_process_one_key_and_one_network() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    assert!(matches!(Guard::open(folder.path(), NETWORK, secret()), Err(GuardError::InUse { .. })));
    drop(guard);
    let other = SecretKey::from_bytes(&[6; 32]);
    assert!(matches!(Guard::open(folder.path(), NETWORK, other), Err(GuardError::Stranger { .. })));
    assert!(matches!(Guard::open(folder.path(), Hash([4; 32]), secret()), Err(GuardError::Stranger { .. })));
    assert!(matches!(Guard::create(folder.path(), NETWORK, secret(), Beginning::Genesis), Err(GuardError::Io { .. })));
}

#[test]
fn a_restored_folder_signs_after_it_was_adopted_and_watched_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    signs(&create(folder.path()), prevote(1, 0, Some(1)));
    fs::copy(log_of(folder.path()), log_of(elsewhere.path())).unwrap();

    let guard = open(elsewhere.path());
    assert!(matches!(guard.state(), GuardState::Foreign(Foreign::Moved(_))));
    withholds(&guard, prevote(1, 0, Some(1)), Withheld::NotActive);
    withholds(&guard, prevote(9, 0, Some(1)), Withheld::NotActive);
    guard.decided(Height(9), true).unwrap();
    assert!(matches!(guard.state(), GuardState::Foreign(_)));

    guard.adopt(2).unwrap();
    assert_eq!(guard.state(), GuardState::Observing { remaining: 2 });
    guard.decided(Height(10), false).unwrap();
    assert_eq!(guard.state(), GuardState::Observing { remaining: 2 });
    guard.decided(Height(11), true).unwrap();
    drop(guard);
    let guard = open(elsewhere.path());
    assert_eq!(guard.state(), GuardState::Observing { remaining: 1 });
    guard.decided(Height(12), true).unwrap();
    assert_eq!(guard.state(), GuardState::Active);
    withholds(&guard, prevote(12, 1, None), Withheld::Old);
    signs(&guard, prevote(13, 0, None));
    drop(guard);
    assert_eq!(open(elsewhere.path()).state(), GuardState::Active);
    assert_eq!(open(folder.path()).state(), GuardState::Active);
}

#[test]
fn a_file_put_back_in_its_own_place_is_foreign() {
    let folder = tempfile::tempdir().unwrap();
    signs(&create(folder.path()), prevote(1, 0, Some(1)));
    let backup = fs::read(log_of(folder.path())).unwrap();
    fs::remove_file(log_of(folder.path())).unwrap();
    fs::write(log_of(folder.path()), backup).unwrap();
    assert!(matches!(open(folder.path()).state(), GuardState::Foreign(Foreign::Moved(_))));
}

#[test]
fn a_vote_of_its_own_begins_the_watch_anew() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::create(folder.path(), NETWORK, secret(), Beginning::Joining { heights: 2 }).unwrap();
    guard.decided(Height(5), true).unwrap();
    guard.seen(&prevote(6, 0, Some(1))).unwrap();
    assert!(matches!(guard.state(), GuardState::Observing { remaining } if remaining > 2));
}

#[test]
fn a_vote_that_it_did_not_record_stops_a_signing_folder_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    signs(&guard, prevote(1, 0, Some(1)));
    guard.seen(&prevote(1, 0, Some(1))).unwrap();
    assert_eq!(guard.state(), GuardState::Active);
    guard.seen(&prevote(1, 0, None)).unwrap();
    assert_eq!(guard.state(), GuardState::Foreign(Foreign::SecondCopy));
    withholds(&guard, prevote(2, 0, None), Withheld::NotActive);
    drop(guard);
    let guard = open(folder.path());
    assert_eq!(guard.state(), GuardState::Foreign(Foreign::SecondCopy));
    guard.adopt(0).unwrap();
    assert_eq!(guard.state(), GuardState::Active);
    answers(&guard, prevote(1, 0, None), prevote(1, 0, Some(1)));
}

#[test]
fn a_folder_out_of_a_backup_signs_nothing_until_it_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    drop(Guard::create(folder.path(), NETWORK, secret(), Beginning::Restored).unwrap());
    // In the very place and file in which it was begun.
    let guard = open(folder.path());
    assert!(matches!(guard.state(), GuardState::Foreign(Foreign::Moved(_))));
    withholds(&guard, prevote(1, 0, None), Withheld::NotActive);
    guard.decided(Height(1), true).unwrap();
    assert!(matches!(guard.state(), GuardState::Foreign(Foreign::Moved(_))));
    guard.adopt(1).unwrap();
    drop(guard);
    let guard = open(folder.path());
    assert_eq!(guard.state(), GuardState::Observing { remaining: 1 });
    guard.decided(Height(2), true).unwrap();
    signs(&guard, prevote(3, 0, None));
}

/// What a peer keeps of a height, with a vote of this guard's key or without.
fn certificate(guard: &Guard, height: u64, with: bool) -> Certificate {
    let message = precommit(height, 0, Some(1));
    let signature = secret().sign(&message.bytes(&NETWORK, &guard.address()));
    let signatures = if with { vec![(guard.address(), signature)] } else { Vec::new() };
    Certificate { height: Height(height), round: 0, block: block(1), signatures }
}

/// A folder that was adopted, is to watch so many heights, and waits for what its peers keep.
fn watching(folder: &Path, heights: u64) -> Guard {
    let guard = Guard::create(folder, NETWORK, secret(), Beginning::Joining { heights }).unwrap();
    guard.await_testimony();
    guard
}

#[test]
fn the_last_height_counts_when_what_peers_keep_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let guard = watching(folder.path(), 3);
    for height in 5..20 {
        guard.decided(Height(height), true).unwrap();
    }
    assert_eq!(guard.state(), GuardState::Observing { remaining: 1 });
    assert_eq!(guard.observed_since(), Some(Height(5)));
    for height in 5..20 {
        assert!(!guard.show(&certificate(&guard, height, false)).unwrap());
    }
    guard.testified(Height(19));
    guard.decided(Height(20), true).unwrap();
    signs(&guard, prevote(21, 0, None));
}

#[test]
fn another_copys_vote_in_what_a_peer_keeps_begins_the_watch_anew_or_stops_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let guard = watching(folder.path(), 3);
    for height in 5..8 {
        guard.decided(Height(height), true).unwrap();
    }
    // Before the watch the key may have signed, and a vote that does not hold is anybody's.
    assert!(!guard.show(&certificate(&guard, 4, true)).unwrap());
    let mut forged = certificate(&guard, 6, true);
    forged.block = block(2);
    assert!(!guard.show(&forged).unwrap());
    assert_eq!(guard.state(), GuardState::Observing { remaining: 1 });
    assert!(guard.show(&certificate(&guard, 6, true)).unwrap());
    assert_eq!(guard.state(), GuardState::Observing { remaining: 10 });
    // The other copy has ended: what peers keep of it for good holds the folder up no more.
    for height in 8..18 {
        guard.decided(Height(height), true).unwrap();
        for kept in 5..=height {
            assert!(!guard.show(&certificate(&guard, kept, kept <= 6)).unwrap(), "height {height}");
        }
        guard.testified(Height(height));
    }
    guard.decided(Height(18), true).unwrap();
    signs(&guard, prevote(19, 0, None));

    let folder = tempfile::tempdir().unwrap();
    let guard = watching(folder.path(), 1);
    guard.testified(Height(9));
    guard.decided(Height(5), true).unwrap();
    signs(&guard, precommit(6, 0, Some(1)));
    // Its own, which it recorded, and then another's.
    assert!(!guard.show(&certificate(&guard, 6, true)).unwrap());
    assert!(guard.show(&certificate(&guard, 5, true)).unwrap());
    assert_eq!(guard.state(), GuardState::Foreign(Foreign::SecondCopy));
}

#[test]
fn the_log_stays_small_and_forgets_nothing_near_the_tip() {
    let folder = tempfile::tempdir().unwrap();
    let guard = create(folder.path());
    fs::write(folder.path().join("sign.next"), b"left by a crash while the log was rewritten").unwrap();
    let mut height = 0;
    let mut longest = 0;
    while height < 2_100 {
        height += 1;
        signs(&guard, prevote(height, 0, Some(1)));
        signs(&guard, precommit(height, 0, Some(1)));
        guard.decided(Height(height), true).unwrap();
        longest = longest.max(fs::metadata(log_of(folder.path())).unwrap().len());
    }
    assert!(longest <= 4_100 * RECORD as u64, "{longest}");
    assert!(fs::metadata(log_of(folder.path())).unwrap().len() < longest);
    drop(guard);
    let guard = open(folder.path());
    assert_eq!(guard.state(), GuardState::Active);
    answers(&guard, prevote(height, 0, None), prevote(height, 0, Some(1)));
    withholds(&guard, prevote(1, 0, None), Withheld::Old);
}

/// Overwrites a file and keeps its identity.
fn write_in_place(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
