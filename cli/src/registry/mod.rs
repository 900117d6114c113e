//! `keis registry`: the central database of the operator.

mod erase;
mod erased;
mod import;
mod log;
mod open_sample;
mod reconcile;

use std::path::Path;

use clap::Subcommand;
use keis_registry::{Actor, Registry};

use crate::portal::{self, home::PortalHome};

/// Commands of the central database.
#[derive(Debug, Subcommand)]
#[command(
    about = "Fill, compare and keep the central database",
    after_help = "The database is that of a portal's folder (`keis portal init`). What is imported goes to the ledger through the \
        outbox, while the portal runs.\n\n\
        Example:\n  keis registry import schools --home /var/lib/keis-portal schools.csv\n  \
        keis registry reconcile --home /var/lib/keis-portal --year 2027"
)]
pub enum RegistryCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Import(import::ImportArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Reconcile(reconcile::ReconcileArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Erase(erase::EraseArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Erased(erased::ErasedArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Log(log::LogArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    OpenSample(open_sample::OpenSampleArgs),
}

/// What the registry's log calls who uses these commands.
const ACTOR: Actor = Actor::System("command line");

/// Runs a `keis registry` command; says whether all is as it must be.
///
/// # Errors
/// When the folder, the database or a file is of no use.
pub fn run(command: RegistryCommand) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match command {
            RegistryCommand::Import(args) => import::run(&args).await,
            RegistryCommand::Reconcile(args) => reconcile::run(&args).await,
            RegistryCommand::Erase(args) => erase::run(&args).await,
            RegistryCommand::Erased(args) => erased::run(&args).await,
            RegistryCommand::Log(args) => log::run(&args).await,
            RegistryCommand::OpenSample(args) => open_sample::run(&args).await,
        }
    })
}

/// Opens the database of a portal's folder.
async fn open(folder: &Path) -> anyhow::Result<(PortalHome, Registry)> {
    let home = PortalHome::load(folder)?;
    let registry = portal::registry(&home).await?;
    Ok((home, registry))
}
