//! Doors of this crate for fuzzers alone (`--cfg fuzzing`): what a peer, the engine or a torn disk hands over, given to who
//! decodes it. Each panics where a promise does not hold. `fuzz/README.md` tells how they are run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use keis_ledger::chain::{Address, Height, VoteStep};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::BlockId;
use malachite_app_channel::app::streaming::StreamMessage;
use malachite_app_channel::app::wal::Log;
use malachite_codec::Codec;
use malachite_core_consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachite_core_types::{PolkaCertificate, ValidatorProof};
use malachite_sync::{Request, Response, Status};

use crate::context::{KeisContext, Part};
use crate::guard::{Answer, Beginning, Guard, Message, sealed};
use crate::seal::message_of;
use crate::streams::{PIECE, Streams, split};
use crate::wal::drop_pieces;
use crate::wire::{Wire, WireError};
use crate::witness::Witness;

const NETWORK: Hash = Hash([3; 32]);
/// Most requests of one run of a guard: each opens or writes a file.
const MOST_REQUESTS: usize = 64;

fn secret() -> SecretKey {
    SecretKey::from_bytes(&[5; 32])
}

/// A message of the engine, of the kind that the first byte names: what is read is the one encoding of itself.
pub fn wire(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let bytes = Bytes::copy_from_slice(bytes);
    match kind % 9 {
        0 => {
            if let Some(message) = again::<SignedConsensusMsg<KeisContext>>(bytes)
                && let Some((sender, message)) = message_of(&message)
            {
                message.bytes(&NETWORK, &sender);
            }
        }
        1 => drop(again::<LivenessMsg<KeisContext>>(bytes)),
        2 => drop(again::<Part>(bytes)),
        3 => drop(again::<StreamMessage<Part>>(bytes)),
        4 => drop(again::<ProposedValue<KeisContext>>(bytes)),
        5 => drop(again::<PolkaCertificate<KeisContext>>(bytes)),
        6 => drop(again::<Status<KeisContext>>(bytes)),
        7 => blocks(bytes),
        _ => {
            drop(again::<ValidatorProof<KeisContext>>(bytes.clone()));
            again::<Request<KeisContext>>(bytes);
        }
    }
}

fn network() -> Wire {
    Wire::of_network(Arc::new(Witness::new(Height(5))), None, tokio::sync::mpsc::channel(1).0)
}

/// Decided blocks of a peer: the engine puts the votes of a certificate in order, so only what it writes comes back as it was.
fn blocks(bytes: Bytes) {
    let wire = network();
    let read = |bytes| -> Result<Response<KeisContext>, WireError> { wire.decode(bytes) };
    let Ok(response) = read(bytes) else { return };
    let encoded = wire.encode(&response).expect("what was read can be written");
    let again = read(encoded.clone()).expect("what was written can be read");
    assert_eq!(
        wire.encode(&again).expect("what was read can be written"),
        encoded,
        "the engine's answer has one encoding"
    );
}

fn again<T>(bytes: Bytes) -> Option<T>
where
    Wire: Codec<T, Error = WireError>,
{
    let wire = network();
    let message = wire.decode(bytes.clone()).ok()?;
    match wire.encode(&message) {
        Ok(encoded) => assert_eq!(encoded, bytes, "a message has one encoding"),
        Err(error) => assert!(matches!(error, WireError::Withheld), "what was read cannot be written: {error}"),
    }
    Some(message)
}

/// Parts of blocks from some peers, in any order: six bytes a part. What is held stays bounded, and a block that comes
/// together is the one that its parts make.
pub fn streams(mut bytes: &[u8]) {
    const BLOCK: usize = 2 * PIECE + 5_000;
    const PEERS: usize = 3;
    let zeros = Bytes::from(vec![0; PIECE + 1]);
    let mut streams = Streams::new(BLOCK, PEERS);
    while let [who, sequence, kind, low, high, middle, rest @ ..] = bytes {
        bytes = rest;
        let (peer, id) = ([who % 5], Bytes::from(vec![who / 5 % 7]));
        let number = usize::from(*low) + 256 * usize::from(*high) + 65_536 * usize::from(*middle);
        let part = match kind % 8 {
            0 => {
                streams.committed(Height(number as u64 % 16));
                continue;
            }
            1..4 => {
                let (height, proposer) = (Height(u64::from(*kind)), Address([*who; 20]));
                Part::Head { height, round: 1, valid_round: None, proposer, length: number as u32 }
            }
            4 => Part::Body(zeros.slice(..PIECE)),
            _ => Part::Body(zeros.slice(..number.min(PIECE + 1))),
        };
        if let Some(block) = streams.accept(&peer, &id, u64::from(*sequence), part) {
            assert!((1..=BLOCK).contains(&block.bytes.len()), "a block is as long as blocks may be");
            let mut fresh = Streams::new(BLOCK, PEERS);
            let parts = (0..).zip(split(&block));
            let again = parts.filter_map(|(sequence, part)| fresh.accept(&peer, &id, sequence, part)).last();
            assert_eq!(again, Some(block), "a block comes together out of its parts");
        }
        assert!(streams.held() <= PEERS * 4 * 3 * PIECE, "what peers may make this node hold is bounded");
    }
}

/// The engine's own log as a disk may give it back: any bytes, or a sound log that is cut and changed. What is left is sound.
pub fn wal(folder: &Path, bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let path = folder.join("consensus.wal");
    for left in [&path, &path.with_extension("damaged")] {
        std::fs::remove_file(left).ok();
    }
    let file = if kind % 2 == 0 { bytes.to_vec() } else { changed_log(&path, bytes) };
    std::fs::write(&path, &file).expect("a folder of ours");
    drop_pieces(&path).expect("the disk answers");
    let mut log = Log::open(&path).expect("what is left can be opened");
    if !log.is_empty() {
        for entry in log.iter().expect("what is left can be read") {
            assert!(!entry.expect("what is left is sound").is_empty(), "the engine writes no empty entry");
        }
    }
    drop(log);
    let left = std::fs::read(&path).expect("a file of ours");
    drop_pieces(&path).expect("the disk answers");
    assert_eq!(std::fs::read(&path).expect("a file of ours"), left, "a sound log stays as it is");
}

/// A log of five entries, of which three bytes each name a place and what stands there instead; the last ones cut it off.
fn changed_log(path: &Path, changes: &[u8]) -> Vec<u8> {
    let mut log = Log::open(path).expect("a new log");
    (1..6u8).for_each(|length| log.append(vec![length; usize::from(length) * 9]).expect("a folder of ours"));
    log.flush().expect("a folder of ours");
    drop(log);
    let mut file = std::fs::read(path).expect("a file of ours");
    for change in changes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
        match file.get_mut(place) {
            Some(byte) => *byte = change[2],
            None => file.resize(place.min(4_096), change[2]),
        }
    }
    file
}

/// A sign log that its folder has begun, with anything behind: of an odd first byte the rest as it is, of an even one payloads
/// of records, each behind its length, which are sealed here. A guard that opens it signs no two messages for one slot, now or
/// when it opens again.
pub fn sign_log(folder: &Path, bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let path = folder.join("sign.log");
    std::fs::remove_file(&path).ok();
    drop(Guard::create(folder, NETWORK, secret(), Beginning::Joining { heights: 2 }).expect("a folder of ours"));
    let begun = std::fs::read(&path).expect("a file of ours");
    let behind = if kind % 2 == 1 { bytes.to_vec() } else { sealed(&begun, &payloads(bytes)) };
    std::fs::write(&path, [begun, behind].concat()).expect("a folder of ours");
    let mut signed = BTreeMap::new();
    for _ in 0..2 {
        let Ok(guard) = Guard::open(folder, NETWORK, secret()) else { return };
        guard.adopt(0).expect("the disk answers");
        for height in [0, 1, u64::MAX] {
            for block in [1, 2] {
                let asked = [
                    Message::proposal(Height(height), 1, None, BlockId([block; 32])),
                    Message::vote(VoteStep::Prevote, Height(height), 1, Some(BlockId([block; 32]))),
                    Message::vote(VoteStep::Precommit, Height(height), 1, (block == 1).then_some(BlockId([1; 32]))),
                ];
                asked.iter().enumerate().for_each(|(step, message)| ask(&guard, (height, step), message, &mut signed));
            }
        }
    }
}

fn payloads(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let [length, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        payloads.push(payload);
        bytes = rest;
    }
    payloads
}

fn ask<S: Ord>(guard: &Guard, slot: S, message: &Message, signed: &mut BTreeMap<S, Message>) {
    if let Answer::Signed(answered, _) = guard.sign(message).expect("the disk answers") {
        assert_eq!(*signed.entry(slot).or_insert(answered), answered, "a slot has one message");
    }
}

/// Requests to a guard, four bytes each, between restarts, torn writes and words of a second copy: it never signs two messages for
/// one slot.
pub fn guard(folder: &Path, bytes: &[u8]) {
    std::fs::remove_file(folder.join("sign.log")).ok();
    let mut guard = Guard::create(folder, NETWORK, secret(), Beginning::Genesis).expect("a folder of ours");
    let mut signed = BTreeMap::new();
    for request in bytes.chunks_exact(4).take(MOST_REQUESTS) {
        let (height, round) = (Height(u64::from(request[1] >> 4)), u32::from(request[1] & 15));
        let block = Some(BlockId([request[2]; 32])).filter(|_| request[2] > 0);
        let (step, message) = match (request[3] % 3, block) {
            (0, Some(block)) => (0, Message::proposal(height, round, Some(u32::from(request[3] >> 4)), block)),
            (1, block) => (1, Message::vote(VoteStep::Prevote, height, round, block)),
            (_, block) => (2, Message::vote(VoteStep::Precommit, height, round, block)),
        };
        match request[0] % 8 {
            0..4 => ask(&guard, (height, round, step), &message, &mut signed),
            4 => guard.seen(&message).expect("the disk answers"),
            5 => guard.decided(height, request[3] > 127).expect("the disk answers"),
            6 => guard.adopt(u64::from(request[2] % 4)).expect("the disk answers"),
            _ => {
                drop(guard);
                tear(&folder.join("sign.log"), usize::from(request[1]), request[2]);
                guard = Guard::open(folder, NETWORK, secret()).expect("what a crash leaves is cut off");
                guard.remembered(&guard.address(), &message);
            }
        }
    }
}

/// Part of a record behind the log, or nothing, as a crash leaves it.
fn tear(path: &Path, length: usize, byte: u8) {
    let mut file = std::fs::read(path).expect("a file of ours");
    file.resize(file.len() + length, byte);
    std::fs::write(path, file).expect("a file of ours");
}
