//! `keis bench`: what this machine bears, as ratios against limits and peers that are measured in the same run.

mod catalogue;
mod network;
mod postgres;
mod replay;

use std::num::NonZero;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use keis_audit::rate::Rate;
use serde::Serialize;
use serde_json::json;

/// Version of what `--json` prints.
const FORMAT: u32 = 2;
/// Most transactions in a block of an invented year.
const BLOCK: usize = 400;
/// Pupils of a class order that is counted by its debits.
const CLASS: u32 = 20;
/// Validators of the measured network; all of them verify every signature on this one machine.
const VALIDATORS: f64 = 4.0;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// How fast a ledger is audited, against signatures alone.
    Replay,
    /// What four validators decide, against PostgreSQL; reads of the catalogue, against a bare route.
    Network,
}

/// Arguments of `keis bench`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Measure what this machine bears, against limits and peers of the same run",
    long_about = "Measure what this machine bears, against limits and peers of the same run.\n\n\
        Replay: an invented year of class orders is grown in memory and audited as `keis audit` does it; or an export is. Before and \
        after, the same threads do nothing but verify signatures.\n\n\
        Network: four validators run as processes of their own on this machine and decide class orders, first of one pupil each, then \
        of twenty. The peer is a PostgreSQL server of its own, where one is installed (Debian: the package postgresql): one transfer a \
        commit, and 500 a commit. Then readers ask one gateway for the catalogue, and a bare route for the same bytes.\n\n\
        Only the ratios mean anything, and only on a quiet machine.",
    after_help = "Example:\n  keis bench\n  keis bench --json --only replay --classes 6000 --rounds 5\n  \
        keis bench --only network --orders 30000\n  keis bench --export ledger.export --genesis genesis.json"
)]
pub struct BenchArgs {
    /// Measure this alone
    #[arg(long, value_enum)]
    pub only: Option<Part>,
    /// Audit this export instead of an invented year, and nothing else
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
    /// Threads of an audit; as many as the machine has if absent
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZero<usize>>,
    /// Seconds for which signatures alone are verified, and for which each workload of PostgreSQL runs
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Class orders that are sent to the four validators
    #[arg(long, value_name = "N", default_value_t = 12_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    pub orders: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Serve a file's bytes: the bare route that the gateway is compared with
    #[arg(long, value_name = "FILE", hide = true, exclusive = true)]
    pub bare: Option<PathBuf>,
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    replay: Option<Rate>,
    /// Signatures that all threads together verify a second by `verify_strict`.
    verify_strict_per_second: Option<f64>,
    /// Class orders of one pupil.
    single: Option<network::Figures>,
    /// Class orders of twenty.
    classes: Option<network::Figures>,
    /// Absent where PostgreSQL is not installed.
    postgres: Option<postgres::Figures>,
}

/// Ratios of one run; absent where one side was not measured.
#[derive(Debug, Serialize)]
struct Ratios {
    committed_vs_postgres: Option<f64>,
    debits_vs_postgres_batch: Option<f64>,
    share_of_verify_limit: Option<f64>,
    replay_share_of_verify_limit: Option<f64>,
    replay_share_of_verify_limit_in_orders: Option<f64>,
    replay_share_of_verify_limit_by_processor_time: Option<f64>,
    catalogue_vs_bare_route: Option<f64>,
}

impl Ratios {
    fn of(figures: &Figures) -> Self {
        let (single, classes, postgres) = (figures.single, figures.classes, figures.postgres);
        let against = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs?);
        let committed = single.map(|one| one.transactions_per_second);
        Self {
            committed_vs_postgres: against(committed, postgres.map(|one| one.transfers_per_second)),
            debits_vs_postgres_batch: against(
                classes.map(|one| one.debits_per_second),
                postgres.map(|one| one.batched_transfers_per_second),
            ),
            share_of_verify_limit: against(committed, figures.verify_strict_per_second.map(|all| all / VALIDATORS)),
            replay_share_of_verify_limit: figures.replay.map(|rate| rate.share),
            replay_share_of_verify_limit_in_orders: figures.replay.and_then(|rate| rate.share_of_orders),
            replay_share_of_verify_limit_by_processor_time: figures
                .replay
                .and_then(|rate| rate.share_by_processor_time),
            catalogue_vs_bare_route: classes.map(|one| one.reads.gateway_per_second / one.reads.bare_per_second),
        }
    }
}

/// Measures and tells.
///
/// # Errors
/// When the export or the founding document cannot be read, the export is not sound, or the network cannot be run.
pub fn run(args: &BenchArgs) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    if let Some(file) = &args.bare {
        return runtime.block_on(catalogue::serve(file)).map(|()| true);
    }
    let wanted = |part| args.only.is_none_or(|only| only == part) && (part == Part::Replay || args.export.is_none());
    let mut figures = Figures::default();
    if wanted(Part::Network) {
        // The peer runs between the two loads, so that both meet the same machine.
        figures.single = Some(runtime.block_on(network::measured(args.orders, 1))?);
        figures.postgres = postgres::measured(args.seconds)?;
        figures.classes = Some(runtime.block_on(network::measured(args.orders, CLASS))?);
        figures.verify_strict_per_second = Some(replay::limit(args));
    }
    if wanted(Part::Replay) {
        let rate = replay::measured(args)?;
        figures.verify_strict_per_second = Some(rate.verify_per_second);
        figures.replay = Some(rate);
    }
    let ratios = Ratios::of(&figures);
    if args.json {
        println!("{:#}", json!({ "format": FORMAT, "ratios": ratios, "figures": figures }));
    } else {
        print(&figures, &ratios);
    }
    Ok(true)
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

fn print(figures: &Figures, ratios: &Ratios) {
    if let Some(limit) = figures.verify_strict_per_second {
        println!("limit        {limit:.0} signatures a second, and nothing else");
    }
    for (name, one) in [("one pupil", figures.single), ("classes", figures.classes)] {
        let Some(one) = one else { continue };
        println!(
            "{name:<13}{:.0} orders a second, {:.0} debits; {} of {} pupils in {:.1} s and {} blocks",
            one.transactions_per_second, one.debits_per_second, one.transactions, one.pupils, one.seconds, one.blocks
        );
        let (middle, slow) = (one.half_load_p50_millis, one.half_load_p99_millis);
        println!("  at half the load p50 {middle:.0} ms, p99 {slow:.0} ms");
    }
    if let Some(peer) = figures.postgres {
        let (single, batched) = (peer.transfers_per_second, peer.batched_transfers_per_second);
        println!("PostgreSQL   {single:.0} transfers a second, one a commit; {batched:.0}, 500 a commit");
    }
    if let Some(reads) = figures.classes.map(|one| one.reads) {
        let (ours, bare, bytes) = (reads.gateway_per_second, reads.bare_per_second, reads.bytes);
        println!("catalogue    {ours:.0} pages of {bytes} bytes a second; a bare route {bare:.0}");
    }
    if let Some(rate) = &figures.replay {
        println!(
            "audit        {} transactions and {} votes in {:.1} s: {:.0} transactions a second",
            rate.transactions, rate.votes, rate.seconds, rate.transactions_per_second
        );
        if let (Some(orders), Some(lines)) = (rate.orders_per_second, rate.lines_per_second) {
            println!("orders       {orders:.0} transactions a second, of {lines:.0} pupils' lines");
        }
    }
    let told = [
        ("committed vs PostgreSQL, one transfer a commit", ratios.committed_vs_postgres),
        ("debits vs PostgreSQL, 500 transfers a commit", ratios.debits_vs_postgres_batch),
        ("committed, share of the verify limit of four", ratios.share_of_verify_limit),
        ("replay, share of the verify limit", ratios.replay_share_of_verify_limit),
        ("replay of orders alone", ratios.replay_share_of_verify_limit_in_orders),
        ("replay by processor time", ratios.replay_share_of_verify_limit_by_processor_time),
        ("catalogue vs a bare route", ratios.catalogue_vs_bare_route),
    ];
    for (what, ratio) in told {
        ratio.into_iter().for_each(|ratio| println!("{ratio:>6.2}  {what}"));
    }
    if figures.single.is_some() && figures.postgres.is_none() {
        println!(
            "PostgreSQL's server is not installed (Debian: the package postgresql), so nothing is compared with it."
        );
    }
}
