//! `keis registry erased`: who was erased, for whoever restores an older backup.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_registry::ids::PersonId;

use super::{ACTOR, open};
use crate::words::count;

/// Arguments of `keis registry erased`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "List the persons who were erased, by id; erase them again in a restored backup",
    long_about = "List the persons who were erased, by id; erase them again in a restored backup.\n\n\
        A backup still knows who was erased after it was made. Keep the newest list beside the backups, and erase its persons again \
        after a restore, before the portal lets anybody in. Ids alone name nobody.",
    after_help = "Example:\n  keis registry erased --home /var/lib/keis-portal/portal > erased.list\n  \
        keis registry erased --home /var/lib/keis-portal/portal --again erased.list"
)]
pub struct ErasedArgs {
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// A list that was printed earlier: erase its persons again
    #[arg(long, value_name = "FILE")]
    pub again: Option<PathBuf>,
}

/// Lists or erases again.
pub(super) async fn run(args: &ErasedArgs) -> anyhow::Result<bool> {
    let listed = args.again.as_ref().map(|file| {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let ids = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::parse);
        ids.collect::<Result<Vec<PersonId>, _>>()
            .with_context(|| format!("{} lists other things than persons", file.display()))
    });
    let listed = listed.transpose()?;
    let (_, registry) = open(&args.home).await?;
    match listed {
        Some(persons) => {
            let again = registry.reapply_erasures(&ACTOR, &persons).await?;
            let again = usize::try_from(again).unwrap_or(usize::MAX);
            println!("{} of {} erased again; of the others nothing was left.", count(again, "person"), persons.len());
        }
        None => {
            for person in registry.erased().await? {
                println!("{person}");
            }
        }
    }
    registry.close().await;
    Ok(true)
}
