//! How fast an audit is, against what the machine can verify at all. Both are measured in one run, on the same threads.

use std::hint::black_box;
use std::io::Read;
use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use keis_genesis::Genesis;
use keis_ledger::chain::Height;
use serde::Serialize;

use crate::audit::{Options, Progress, audit};
use crate::fault::Fault;
use crate::read::Opening;
use crate::trial::{Size, Trial};

/// What was measured in one run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Rate {
    /// Threads of both measurements.
    pub threads: usize,
    /// Signatures that the machine verifies by plain `verify_strict` a second, keys at hand, all threads together.
    pub verify_per_second: f64,
    /// Transactions of the export.
    pub transactions: u64,
    /// Votes of its certificates.
    pub votes: u64,
    /// Seconds of the whole audit, from the first byte to the report.
    pub seconds: f64,
    /// Transactions that the whole audit replays a second: file, signatures, votes, execution, roots, money, figures.
    pub transactions_per_second: f64,
    /// The same of class orders alone, after the opening of the wallets; of an invented year only.
    pub orders_per_second: Option<f64>,
    /// Pupils' lines in them a second.
    pub lines_per_second: Option<f64>,
    /// Transactions of the whole audit a second against signatures of `verify_strict` a second.
    pub share: f64,
    /// The same of class orders alone.
    pub share_of_orders: Option<f64>,
    /// The first by processor time instead of the clock's, which other work on the machine disturbs less; says nothing of
    /// cores that were left idle. Where the system tells processor time.
    pub share_by_processor_time: Option<f64>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    /// The export cannot be read.
    #[error(transparent)]
    Opening(#[from] Opening),
    /// An audit that ends early says nothing about its speed.
    #[error("the export is not sound: {0}")]
    Fault(Box<Fault>),
    /// Only a whole ledger is executed.
    #[error("the export is a piece, of which nothing is executed")]
    Piece,
}

/// Signatures that all threads together verify.
#[derive(Debug, Clone, Copy, Default)]
struct Limit {
    per_second: f64,
    /// Of processor time of all threads.
    per_processor_second: Option<f64>,
}

/// Signatures that so many threads together verify a second by plain `verify_strict`, keys at hand.
pub fn verify_rate(threads: NonZero<usize>, time: Duration) -> f64 {
    limit(threads, time).per_second
}

fn limit(threads: NonZero<usize>, time: Duration) -> Limit {
    let before = processor_time();
    let counts: Vec<(u64, f64)> = thread::scope(|scope| {
        let one = |seed: usize| scope.spawn(move || verify_for(u64::try_from(seed).unwrap_or_default(), time));
        let running: Vec<_> = (0..threads.get()).map(one).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let total: u64 = counts.iter().map(|(count, _)| count).sum();
    Limit {
        per_second: counts.iter().map(|(count, seconds)| *count as f64 / seconds).sum(),
        per_processor_second: spent_since(before).map(|spent| total as f64 / spent),
    }
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

/// Processor time of this process so far, in hundredths of a second, where the system tells it.
fn processor_time() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields behind the name, which ends with the last bracket; user and system time are the 12th and 13th of them.
    let mut fields = told.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn spent_since(before: Option<u64>) -> Option<f64> {
    let spent = processor_time()?.checked_sub(before?)?;
    (spent > 0).then_some(spent as f64 / 100.0)
}

/// When the audit had come beyond a height.
struct Passed {
    at: Duration,
    progress: Progress,
}

/// Audits an export between two halves of the machine's own measurement.
///
/// # Errors
/// [`RateError`] when it cannot be read or is not sound.
pub fn measure(
    export: impl Read + Send,
    genesis: &Genesis,
    options: &Options,
    verify_time: Duration,
    progress: impl FnMut(Progress) + Send,
) -> Result<Rate, RateError> {
    measure_beyond(Height(0), export, genesis, options, verify_time, progress).map(|(rate, _)| rate)
}

fn measure_beyond(
    height: Height,
    export: impl Read + Send,
    genesis: &Genesis,
    options: &Options,
    verify_time: Duration,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<(Rate, Option<Passed>), RateError> {
    let first = limit(options.threads, verify_time / 2);
    let (start, before) = (Instant::now(), processor_time());
    let mut passed = None;
    // A thread of its own, so that a profile tells the replay from what measures it.
    let report = thread::scope(|scope| {
        let replay = scope.spawn(|| {
            audit(export, genesis, options, |now| {
                if now.height >= height {
                    passed.get_or_insert_with(|| Passed { at: start.elapsed(), progress: now });
                }
                progress(now);
            })
        });
        replay.join().expect("an audit ends with a report")
    })?;
    let (seconds, spent) = (start.elapsed().as_secs_f64(), spent_since(before));
    if let Some(fault) = report.fault {
        return Err(RateError::Fault(Box::new(fault)));
    }
    if report.verdict != crate::report::Verdict::Sound {
        return Err(RateError::Piece);
    }
    let second = limit(options.threads, verify_time / 2);
    let verify_per_second = (first.per_second + second.per_second) / 2.0;
    let both = first.per_processor_second.zip(second.per_processor_second);
    let transactions = report.verified.transactions;
    let by_processor = |(first, second): (f64, f64)| Some(transactions as f64 / spent? / ((first + second) / 2.0));
    let transactions_per_second = transactions as f64 / seconds;
    let rate = Rate {
        threads: options.threads.get(),
        verify_per_second,
        transactions,
        votes: report.verified.precommits,
        seconds,
        transactions_per_second,
        orders_per_second: None,
        lines_per_second: None,
        share: transactions_per_second / verify_per_second,
        share_of_orders: None,
        share_by_processor_time: both.and_then(by_processor),
    };
    Ok((rate, passed))
}

/// Grows an invented year and measures its audit.
///
/// # Errors
/// [`RateError`] when the audit finds a fault in the invented year.
pub fn measure_year(
    size: Size,
    options: &Options,
    verify_time: Duration,
    progress: impl FnMut(Progress) + Send,
) -> Result<Rate, RateError> {
    let mut trial = Trial::opened(size);
    let (opened, before) = (trial.tip().height, trial.transactions());
    trial.orders(size);
    trial.settle(size);
    let export = trial.export();
    let measured = measure_beyond(opened, export.as_slice(), trial.genesis(), options, verify_time, progress);
    let (mut rate, passed) = measured?;
    if let Some(Passed { at, progress }) = passed {
        // What came with the same piece as the last block of the opening is not counted twice; of a small year that is everything.
        let orders = rate.transactions.saturating_sub(progress.transactions.max(before));
        if orders > 0 {
            let seconds = rate.seconds - at.as_secs_f64();
            let orders_per_second = orders as f64 / seconds;
            rate.orders_per_second = Some(orders_per_second);
            rate.lines_per_second = Some(f64::from(size.classes * size.pupils * size.rounds) / seconds);
            rate.share_of_orders = Some(orders_per_second / rate.verify_per_second);
        }
    }
    Ok(rate)
}
