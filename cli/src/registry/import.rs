//! `keis registry import`: extracts of registers, from files.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use keis_ledger::classifiers::Year;
use keis_registry::import::{self, ImportError, ImportReport, Kind, Options, Phase, Progress};

use super::{ACTOR, open};
use crate::words::{self, Advice};

/// What a file is an extract of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Extract {
    /// Schools
    Schools,
    /// Approved providers
    Providers,
    /// Everybody in the Pupil Register: who is missing has left
    Pupils,
    /// Changes in the Pupil Register
    Changes,
}

/// Arguments of `keis registry import`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Take over an extract of schools, providers or the Pupil Register",
    long_about = "Take over an extract of schools, providers or the Pupil Register.\n\n\
        The same extract twice changes nothing; one that was interrupted is given again. Lines that cannot be used are listed \
        by their number and stop nothing else. Columns are those of the files that `keis sample` writes.",
    after_help = "Exit code 3: some lines could not be used.\n\n\
        Example:\n  keis registry import schools --home /var/lib/keis-portal schools.csv\n  \
        keis registry import pupils --home /var/lib/keis-portal --year 2027 --dry-run pupils.csv"
)]
pub struct ImportArgs {
    /// What the file is an extract of
    #[arg(value_enum)]
    pub what: Extract,
    /// The file, CSV with a header
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The programme year whose wallets follow; for pupils and changes
    #[arg(
        long,
        value_name = "YEAR",
        value_parser = clap::value_parser!(u16).range(2000..2200),
        required_if_eq_any([("what", "pupils"), ("what", "changes")])
    )]
    pub year: Option<u16>,
    /// The day of a full extract, as an instant; now, if it is left out
    #[arg(long, value_name = "INSTANT")]
    pub at: Option<String>,
    /// Read and compare only
    #[arg(long)]
    pub dry_run: bool,
    /// Take over a full extract in which more than a fifth of the pupils are missing
    #[arg(long)]
    pub allow_mass_leaving: bool,
}

/// Imports a file; says whether every line could be used.
pub(super) async fn run(args: &ImportArgs) -> anyhow::Result<bool> {
    let file = File::open(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))
        .or_advise("Name the extract's file; `keis sample` writes examples.")?;
    let (_, registry) = open(&args.home).await?;
    let bar = bar();
    let mut show = |progress: Progress| show(&bar, progress);
    let report = match args.what {
        Extract::Schools => import::import_schools(&registry, &ACTOR, file, args.dry_run, &mut show).await,
        Extract::Providers => import::import_providers(&registry, &ACTOR, file, args.dry_run, &mut show).await,
        Extract::Pupils => import::import_pupils(&registry, &ACTOR, file, options(args, Kind::Full)?, &mut show).await,
        Extract::Changes => {
            import::import_pupils(&registry, &ACTOR, file, options(args, Kind::Delta)?, &mut show).await
        }
    };
    bar.finish_and_clear();
    let is_half = matches!(report, Err(ImportError::MassLeaving { .. }));
    let report = report.with_context(|| format!("{} was not taken over", args.file.display()));
    let report = if is_half {
        report.or_advise(
            "Is the extract whole? If everybody who is missing has left, --allow-mass-leaving takes it over.",
        )?
    } else {
        report?
    };
    tell(&report, &args.file, args.dry_run);
    registry.close().await;
    Ok(report.bad == 0)
}

fn options(args: &ImportArgs, kind: Kind) -> anyhow::Result<Options> {
    let year = Year(args.year.context("--year says for which programme year")?);
    let at = args.at.as_deref().map(words::read_instant).transpose()?.unwrap_or_else(words::now);
    let mut options = Options::new(kind, year, at);
    (options.dry_run, options.allow_mass_leaving) = (args.dry_run, args.allow_mass_leaving);
    Ok(options)
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {msg:<24} {wide_bar} {pos}");
    ProgressBar::new(0).with_style(style.expect("the template is a constant that is tried by every run"))
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_message(match progress.phase {
        Phase::Reading => "reading the extract",
        Phase::Writing => "taking it over",
        Phase::Drawing => "drawing wallets",
    });
    bar.set_length(progress.of.unwrap_or(progress.done));
    bar.set_position(progress.done);
}

fn tell(report: &ImportReport, file: &Path, dry_run: bool) {
    let done = if dry_run { "would bring" } else { "brought" };
    println!("{} {done}:", file.display());
    let figures = [
        ("lines", report.lines),
        ("new", report.arrived),
        ("back again", report.returned),
        ("at another school or grade", report.moved),
        ("otherwise changed", report.changed),
        ("left", report.left),
        ("as before", report.unchanged),
        ("older than what is known", report.outdated),
        ("of no use", report.bad),
        ("missing, but kept", report.kept),
    ];
    for (what, count) in figures.iter().filter(|(what, count)| *count > 0 || *what == "lines") {
        println!("  {count:>9}  {what}");
    }
    for bad in &report.bad_lines {
        println!("  line {}: {}", bad.line, bad.problem);
    }
    let more = report.bad.saturating_sub(report.bad_lines.len() as u64);
    if more > 0 {
        println!("  and {more} more lines");
    }
}
