//! `keis sample`: writes an invented programme year.
//!
//! Owns the invention: who exists ([`ground`]), what happens to each order ([`story`]) and the year itself ([`year`]), a
//! small simulation that mirrors pupils' money and seats so that the expected ends are right. Formats belong to
//! [`crate::programme`]. Must not know the ledger, so that its mirror is a second opinion on the ledger's rules.

mod attendance;
mod changes;
mod choice;
mod folder;
mod ground;
mod mirror;
mod names;
mod orders;

mod register;
mod rejections;
mod rules;
mod schedule;
mod settlement;
mod size;
mod story;
mod year;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::programme::Programme;
pub use size::{Size, SizeError};

/// Arguments of `keis sample`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Write an invented programme year in the files that an operator gets",
    after_help = "Example:\n  keis sample --out year-2027\n  keis sample --out year-2027-national --national --seed 7"
)]
pub struct SampleArgs {
    /// Folder to write; must be empty, missing, or hold an earlier sample
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pupils in the register on 1 January; everything else scales with them
    #[arg(long, value_name = "N", default_value_t = size::MUNICIPALITY_PUPILS, conflicts_with = "national")]
    pub pupils: usize,
    /// The whole country: 349,500 pupils in 885 schools
    #[arg(long)]
    pub national: bool,
    /// The same seed writes the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
}

/// Runs `keis sample`.
pub fn run(args: SampleArgs) -> anyhow::Result<()> {
    let size = if args.national { Size::national() } else { Size::of_pupils(args.pupils)? };
    folder::prepare(&args.out)?;
    let progress = progress_bar(size);
    let programme = invent(size, args.seed, &progress);
    progress.set_message("writing the files");
    programme.write(&args.out)?;
    folder::write_readme(&args.out)?;
    progress.set_message("reading them back");
    Programme::load(&args.out).context("the sample just written does not read back")?;
    progress.finish_and_clear();
    let counts = programme.counts();
    println!(
        "{}: {} pupils in {} classes of {} schools, {} providers, {} services, {} sessions, {} orders, {} actions",
        args.out.display(),
        counts.pupils,
        counts.classes,
        counts.schools,
        counts.providers,
        counts.services,
        counts.sessions,
        counts.orders,
        counts.actions,
    );
    Ok(())
}

/// Invents a year: the same size and seed give the same year.
pub fn invent(size: Size, seed: u64, progress: &ProgressBar) -> Programme {
    progress.set_message("inventing schools, pupils and services");
    let ground = ground::Ground::invent(size, seed);
    progress.set_message("living the year");
    year::Year::new(ground, size, seed).live(size, progress)
}

/// A bar where it takes long enough to wonder.
fn progress_bar(size: Size) -> ProgressBar {
    const WORTH_A_BAR: usize = 50_000;
    let target = if size.pupils < WORTH_A_BAR { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style =
        ProgressStyle::with_template("{bar:30} {percent:>3}% {elapsed} {msg}").expect("the template is well formed");
    ProgressBar::with_draw_target(Some(0), target).with_style(style)
}
