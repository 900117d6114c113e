//! `keis bench`: how fast this machine audits, against what it can verify at all.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keis_audit::rate::{Rate, measure, measure_year};
use keis_audit::trial::Size;
use keis_audit::{Options, Progress};
use keis_genesis::Genesis;
use serde_json::json;

use crate::words::Advice;

/// Version of what `--json` prints.
const FORMAT: u32 = 1;

/// Arguments of `keis bench`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Measure how fast this machine audits a ledger, against the signatures that it can verify at all",
    long_about = "Measure how fast this machine audits a ledger, against the signatures that it can verify at all.\n\n\
        An invented year of class orders is grown in memory and audited as `keis audit` does it; or an export is. Before and \
        after, the same threads do nothing but verify signatures. Only the ratios mean anything, and only on a quiet machine.",
    after_help = "Example:\n  keis bench\n  keis bench --json --classes 6000 --rounds 5\n  \
        keis bench --export ledger.export --genesis genesis.json"
)]
pub struct BenchArgs {
    /// Audit this export instead of an invented year
    #[arg(long, value_name = "FILE", requires = "genesis", conflicts_with_all = ["classes", "pupils", "rounds"])]
    pub export: Option<PathBuf>,
    /// Founding document of the export's network
    #[arg(long, value_name = "FILE", requires = "export")]
    pub genesis: Option<PathBuf>,
    /// Classes of the invented year
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub classes: u32,
    /// Pupils of a class
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub pupils: u32,
    /// Orders of each class
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub rounds: u32,
    /// Threads; as many as the machine has if absent
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZero<usize>>,
    /// Seconds for which signatures alone are verified
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Most transactions in a block of the invented year.
const BLOCK: usize = 400;

/// Measures and tells.
///
/// # Errors
/// When the export or the founding document cannot be read, or the export is not sound.
pub fn run(args: &BenchArgs) -> anyhow::Result<bool> {
    let options = args.threads.map_or_else(Options::default, |threads| Options { threads });
    let time = Duration::from_secs(args.seconds);
    let rate = match (&args.export, &args.genesis) {
        (Some(export), Some(genesis)) => {
            let genesis = Genesis::load(genesis)?;
            let read = || format!("cannot measure with {}", export.display());
            let file = File::open(export).with_context(read)?;
            let bar = bar(file.metadata().with_context(read)?.len(), "{bar:40} {bytes}/{total_bytes}, block {msg}");
            let rate = measure(BufReader::new(file), &genesis, &options, time, |progress| {
                bar.set_position(progress.bytes);
                bar.set_message(progress.height.to_string());
            });
            bar.finish_and_clear();
            rate.with_context(read).or_advise("`keis audit` tells what is wrong with it.")?
        }
        (None, _) | (_, None) => invented(args, &options, time)?,
    };
    if args.json {
        print_json(&rate)
    } else {
        print(&rate)
    }
    Ok(true)
}

fn invented(args: &BenchArgs, options: &Options, time: Duration) -> anyhow::Result<Rate> {
    let size = Size { classes: args.classes, pupils: args.pupils, rounds: args.rounds, block: BLOCK };
    let orders = u64::from(size.classes) * u64::from(size.rounds) * 4;
    let bar = bar(orders, "{bar:40} {msg}");
    bar.set_message("growing an invented year");
    bar.enable_steady_tick(Duration::from_millis(200));
    let rate = measure_year(size, options, time, |Progress { height, transactions, .. }| {
        bar.set_position(transactions);
        bar.set_message(format!("audited up to block {height}"));
    });
    bar.finish_and_clear();
    Ok(rate?)
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print_json(rate: &Rate) {
    let told = json!({
        "format": FORMAT,
        "threads": rate.threads,
        "ledger": { "transactions": rate.transactions, "votes": rate.votes },
        "audit": {
            "seconds": rate.seconds,
            "transactions_per_second": rate.transactions_per_second,
            "orders_per_second": rate.orders_per_second,
            "lines_per_second": rate.lines_per_second,
        },
        "limits": { "verify_strict_per_second": rate.verify_per_second },
        "ratios": {
            "replay_share_of_verify_limit": rate.share,
            "replay_share_of_verify_limit_in_orders": rate.share_of_orders,
            "replay_share_of_verify_limit_by_processor_time": rate.share_by_processor_time,
        },
    });
    println!("{told:#}");
}

fn print(rate: &Rate) {
    println!("threads      {}", rate.threads);
    println!("limit        {:.0} signatures a second, and nothing else", rate.verify_per_second);
    println!(
        "audit        {} transactions and {} votes in {:.1} s: {:.0} transactions a second",
        rate.transactions, rate.votes, rate.seconds, rate.transactions_per_second
    );
    if let (Some(orders), Some(lines)) = (rate.orders_per_second, rate.lines_per_second) {
        println!("orders       {orders:.0} transactions a second, of {lines:.0} pupils' lines");
    }
    println!("share        {:.2} of the limit", rate.share);
    if let Some(share) = rate.share_of_orders {
        println!("in orders    {share:.2}");
    }
    if let Some(share) = rate.share_by_processor_time {
        println!("by processor {share:.2}, whatever else the machine does");
    }
}
