//! `keis registry log`: whether the log of accesses and acts is whole.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_registry::log::LogHead;
use keis_registry::{Page, RegistryError};

use super::{ACTOR, open};
use crate::words;

/// Arguments of `keis registry log`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Verify the log of accesses to personal data and of officers' acts, and show its newest entries",
    long_about = "Verify the log of accesses to personal data and of officers' acts, and show its newest entries.\n\n\
        Every entry is chained to the one before under a key that is not in the database. Keep the head that is printed \
        somewhere else: given back with --known, it shows that no older copy of the database was put in place.",
    after_help = "Exit code 3 when the log is not whole.\n\n\
        Example:\n  keis registry log --home /var/lib/keis-portal --last 20"
)]
pub struct LogArgs {
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// A head that was printed earlier
    #[arg(long, value_name = "HEAD")]
    pub known: Option<String>,
    /// So many of the newest entries
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub last: u32,
}

/// Verifies the log; says whether it is whole.
pub(super) async fn run(args: &LogArgs) -> anyhow::Result<bool> {
    let known: Option<LogHead> = args.known.as_deref().map(str::parse).transpose().context("--known")?;
    let (_, registry) = open(&args.home).await?;
    let head = match registry.verify_log(known).await {
        Ok(head) => head,
        Err(RegistryError::Log(fault)) => {
            println!("The log is not whole: {fault}.");
            return Ok(false);
        }
        Err(other) => return Err(other.into()),
    };
    println!("The log is whole. Entries: {}", head.seq);
    println!("head {head}");
    if args.last > 0 {
        let entries = registry.log_entries(&ACTOR, &Page::first(args.last)).await?;
        for entry in entries.items {
            let at = words::instant(entry.at);
            println!("{:>8}  {at}  {}  {}  {}  {}", entry.seq, entry.actor, entry.action, entry.subject, entry.detail);
        }
    }
    Ok(true)
}
