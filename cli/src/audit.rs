//! `keis audit`: judges an export with nothing but the founding document.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use keis_audit::{Language, Options, Report, Verdict};
use keis_genesis::Genesis;

use crate::draw;
use crate::words::{Advice, explain, instant};

/// Arguments of `keis audit`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Judge an export of the ledger: every signature, every block, every cent",
    long_about = "Judge an export of the ledger: every signature, every block, every cent.\n\n\
        Nothing is asked of anybody: the file and the founding document are enough. Every certificate is verified against the \
        validators of its height, everything is executed again, every root is compared, and the money of each source is proven \
        to be somewhere in every block and in the records themselves.",
    after_help = "Exit code 0 only when everything holds; 1 when a fault is found; 2 when the input cannot be read or the usage is wrong; \
        3 for a piece that begins behind the first block: its links and signatures hold, its money cannot be judged.\n\n\
        Example:\n  keis audit ledger.export --genesis genesis.json --report report\n  \
        keis audit ledger.export --genesis genesis.json --json > report.json",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct AuditArgs {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    #[command(flatten)]
    pub judge: Option<JudgeArgs>,
}

/// What else an auditor does with an export.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Sample(draw::SampleArgs),
}

/// What is judged, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct JudgeArgs {
    /// The export
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Folder for report.html and report.json, made if it is not there
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// File for the report as a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Language of the page
    #[arg(long, value_name = "LANG", value_enum, default_value_t = Lang::Lt)]
    pub lang: Lang,
    /// Threads that verify signatures; as many as the machine has if absent
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZero<usize>>,
}

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Lithuanian
    Lt,
    /// English
    En,
}

/// A fault was found.
const FAULT: u8 = 1;
/// The input cannot be read.
const UNREADABLE: u8 = 2;
/// Nothing is wrong, and not everything could be judged.
const PIECE: u8 = 3;

/// Judges an export, or draws from it, and tells the outcome by the exit code.
pub fn run(args: &AuditArgs) -> ExitCode {
    let outcome = match (&args.command, &args.judge) {
        (Some(AuditCommand::Sample(args)), _) => {
            draw::run(args).map(|well| if well { Verdict::Sound } else { Verdict::Fault })
        }
        (None, Some(args)) => judge(args),
        (None, None) => Err(anyhow::anyhow!("name the export and, with --genesis, the founding document")),
    };
    match outcome {
        Ok(Verdict::Sound) => ExitCode::SUCCESS,
        Ok(Verdict::Fault) => ExitCode::from(FAULT),
        Ok(Verdict::Piece) => ExitCode::from(PIECE),
        Err(error) => {
            eprintln!("keis: {}", explain(&error));
            ExitCode::from(UNREADABLE)
        }
    }
}

fn judge(args: &JudgeArgs) -> anyhow::Result<Verdict> {
    let genesis = Genesis::load(&args.genesis)?;
    let read = || format!("cannot read {}", args.file.display());
    let file = File::open(&args.file).with_context(read)?;
    let bar = ProgressBar::new(file.metadata().with_context(read)?.len());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, block {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let options = args.threads.map_or_else(Options::default, |threads| Options { threads });
    let started = Instant::now();
    let report = keis_audit::audit(BufReader::new(file), &genesis, &options, |progress| {
        bar.set_position(progress.bytes);
        bar.set_message(progress.height.to_string());
    });
    bar.finish_and_clear();
    let report = report.with_context(read).or_advise("`keis export` writes what is audited here.")?;
    write(args, &report)?;
    if args.json {
        print!("{}", report.json());
    } else {
        print(&report, started.elapsed().as_secs_f64());
    }
    Ok(report.verdict)
}

fn write(args: &JudgeArgs, report: &Report) -> anyhow::Result<()> {
    let language = match args.lang {
        Lang::Lt => Language::Lithuanian,
        Lang::En => Language::English,
    };
    if let Some(folder) = &args.report {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        keep(&folder.join("report.html"), &report.html(language))?;
        keep(&folder.join("report.json"), &report.json())?;
    }
    match &args.html {
        Some(file) => keep(file, &report.html(language)),
        None => Ok(()),
    }
}

fn keep(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn print(report: &Report, seconds: f64) {
    println!("{}", report.name);
    println!("network      {}", report.network);
    match &report.fault {
        None if report.verdict == Verdict::Piece => {
            println!("verdict      a piece: links and signatures hold, money cannot be judged without the beginning");
        }
        None => println!("verdict      everything holds"),
        Some(fault) => println!("first fault  {fault}"),
    }
    if let Some(tip) = &report.tip {
        println!("last block   {}, {}, {}", tip.height, instant(tip.time), tip.block);
        println!("state root   {}", tip.state_root);
    }
    for year in &report.years {
        for money in year.money.iter().filter(|money| money.equation.came_in > 0) {
            let whose = if money.is_state() { "state" } else { "school" };
            let (came_in, is) = (cents(money.equation.came_in), cents(money.equation.is_somewhere));
            println!("{} {whose:<7} {came_in} came in, {is} is somewhere", year.year);
        }
        let flagged: Vec<String> = year
            .anomalies
            .iter()
            .filter(|anomaly| anomaly.found > 0)
            .map(|anomaly| format!("{} {}", anomaly.code.replace('_', " "), anomaly.found))
            .collect();
        if !flagged.is_empty() {
            println!("{} look at {}", year.year, flagged.join(", "));
        }
    }
    let verified = &report.verified;
    println!(
        "verified     {} transactions, {} votes, {} clock steps in {seconds:.1} s",
        verified.transactions, verified.precommits, verified.clock_steps
    );
}

fn cents(cents: u128) -> String {
    format!("{}.{:02} EUR", cents / 100, cents % 100)
}
