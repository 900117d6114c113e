//! How fast this machine audits.

use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use anyhow::Context;
use keis_audit::rate::{Rate, measure, measure_year, verify_rate};
use keis_audit::trial::Size;
use keis_audit::{Options, Progress};
use keis_genesis::Genesis;

use super::{BLOCK, BenchArgs, bar};
use crate::words::Advice;

/// Audits an export, or an invented year, between two halves of a measurement of signatures alone.
pub(super) fn measured(args: &BenchArgs) -> anyhow::Result<Rate> {
    let options = args.threads.map_or_else(Options::default, |threads| Options { threads });
    let time = Duration::from_secs(args.seconds);
    let (Some(export), Some(genesis)) = (&args.export, &args.genesis) else { return invented(args, &options, time) };
    let genesis = Genesis::load(genesis)?;
    let read = || format!("cannot measure with {}", export.display());
    let file = File::open(export).with_context(read)?;
    let bar = bar(file.metadata().with_context(read)?.len(), "{bar:40} {bytes}/{total_bytes}, block {msg}");
    let rate = measure(BufReader::new(file), &genesis, &options, time, |progress| {
        bar.set_position(progress.bytes);
        bar.set_message(progress.height.to_string());
    });
    bar.finish_and_clear();
    rate.with_context(read).or_advise("`keis audit` tells what is wrong with it.")
}

/// Signatures that this machine verifies a second, and nothing else.
pub(super) fn limit(args: &BenchArgs) -> f64 {
    let options = args.threads.map_or_else(Options::default, |threads| Options { threads });
    verify_rate(options.threads, Duration::from_secs(args.seconds))
}

fn invented(args: &BenchArgs, options: &Options, time: Duration) -> anyhow::Result<Rate> {
    let size = Size { classes: args.classes, pupils: args.pupils, rounds: args.rounds, block: BLOCK };
    let orders = u64::from(size.classes) * u64::from(size.rounds) * 4;
    let bar = bar(orders, "{bar:40} {msg}");
    bar.set_message("growing an invented year");
    let rate = measure_year(size, options, time, |Progress { height, transactions, .. }| {
        bar.set_position(transactions);
        bar.set_message(format!("audited up to block {height}"));
    });
    bar.finish_and_clear();
    Ok(rate?)
}
