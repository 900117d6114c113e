//! How fast an audit is, against what the machine can verify at all.

use std::hint::black_box;
use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::Serialize;

use crate::audit::{Options, audit};
use crate::trial::{Size, Trial};

/// What was measured in one run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rate {
    /// Threads of both measurements.
    pub threads: usize,
    /// Signatures that the machine verifies by `verify_strict` a second, keys at hand, all threads together.
    pub verify_per_second: f64,
    /// Signatures, of transactions and validators, that an audit verifies and executes a second: class orders alone.
    pub signatures_per_second: f64,
    /// Transactions of class orders that an audit replays a second.
    pub transactions_per_second: f64,
    /// Pupils' lines in them a second.
    pub lines_per_second: f64,
    /// Signatures of the audit against those of the machine.
    pub share: f64,
    /// The same over the whole chain, the opening of the wallets included.
    pub share_of_whole_chain: f64,
}

/// Signatures that all threads together verify a second.
pub fn verify_limit(threads: NonZero<usize>, time: Duration) -> f64 {
    let counts: Vec<(u64, f64)> = thread::scope(|scope| {
        let one = |seed: usize| scope.spawn(move || verify_for(u64::try_from(seed).unwrap_or_default(), time));
        let running: Vec<_> = (0..threads.get()).map(one).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    counts.iter().map(|(count, seconds)| *count as f64 / seconds).sum()
}

fn verify_for(seed: u64, time: Duration) -> (u64, f64) {
    let keys: Vec<(VerifyingKey, [u8; 500], ed25519_dalek::Signature)> = (0..64u64)
        .map(|number| {
            let mut bytes = [0; 500];
            bytes[..8].copy_from_slice(&(number << 8 | seed).to_be_bytes());
            let key = SigningKey::from_bytes(blake3::hash(&bytes).as_bytes());
            (key.verifying_key(), bytes, key.sign(&bytes))
        })
        .collect();
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < time {
        for (key, bytes, signature) in &keys {
            assert!(black_box(key.verify_strict(black_box(bytes), signature).is_ok()), "it was signed above");
            count += 1;
        }
    }
    (count, start.elapsed().as_secs_f64())
}

/// Grows a chain and audits it, between two halves of the machine's measurement.
///
/// # Panics
/// When the audit of the invented year finds a fault.
pub fn measure(size: Size, options: &Options, verify_time: Duration) -> Rate {
    let mut trial = Trial::opened(size);
    let (opened, before) = (trial.tip().height, trial.transactions());
    trial.orders(size);
    trial.settle(size);
    let export = trial.export();
    let orders = trial.transactions() - before;
    let blocks = trial.tip().height.0 - opened.0;
    let first = verify_limit(options.threads, verify_time / 2);
    let start = Instant::now();
    let mut reached = None;
    // A thread of its own, so that a profile tells the replay from the growing of the chain.
    let report = thread::scope(|scope| {
        let replay = scope.spawn(|| {
            audit(export.as_slice(), trial.genesis(), options, |progress| {
                if progress.height >= opened {
                    reached.get_or_insert_with(|| (start.elapsed(), progress));
                }
            })
        });
        replay.join().expect("an audit ends with a report")
    });
    let whole = start.elapsed().as_secs_f64();
    let report = report.expect("an export in memory can be read");
    assert!(report.is_sound(), "the invented year is lawful: {:?}", report.fault);
    let limit = (first + verify_limit(options.threads, verify_time / 2)) / 2.0;
    let (at, progress) = reached.expect("the chain goes beyond its opening");
    let seconds = whole - at.as_secs_f64();
    // What came with the same piece as the last block of the opening is not counted twice.
    let counted = (before + orders - progress.transactions) as f64;
    let votes = (blocks.saturating_sub(progress.height.0 - opened.0) * 3) as f64;
    let signatures = (counted + votes) / seconds;
    let all = (report.verified.transactions + report.verified.precommits) as f64 / whole;
    Rate {
        threads: options.threads.get(),
        verify_per_second: limit,
        signatures_per_second: signatures,
        transactions_per_second: counted / seconds,
        lines_per_second: f64::from(size.classes * size.pupils * size.rounds) / seconds,
        share: signatures / limit,
        share_of_whole_chain: all / limit,
    }
}
