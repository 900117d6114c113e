//! `keis invoice`: e-invoices in files, and whether a file is the ledger's.
//!
//! | module | owns |
//! |---|---|
//! | `source` | where invoices come from: a folder with its central database, or a gateway |
//! | `ledger` | which papers the blocks name, and how far each statement has come |
//! | `files` | files of whole periods, resumable, with an index beside them |
//! | `index` | the lines of the index |
//! | `verify` | whether a file from anywhere is the ledger's |

mod export;
mod files;
mod index;
mod ledger;
mod list;
mod period;
mod source;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Commands of e-invoices.
#[derive(Debug, Subcommand)]
#[command(
    about = "Write e-invoices to files, and tell whether a file is the ledger's",
    after_help = "From --home, the folder of a demo or a portal, come all invoices that the operator keeps. From a gateway come those \
        of legal persons that the key's holder is a party of; natural persons' are shown by the portal alone.\n\n\
        Example:\n  keis invoice export --home DIR --out invoices\n  keis invoice verify invoices/2027-03/FILE.xml --home DIR"
)]
pub enum InvoiceCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Export(export::ExportArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Verify(verify::VerifyArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    List(list::ListArgs),
}

/// Where invoices come from.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// Folder of a demo or a portal
    #[arg(long, value_name = "DIR", required_unless_present = "gateways", conflicts_with_all = ["gateways", "wallet", "key"])]
    pub home: Option<PathBuf>,
    /// An export of the ledger (`keis export`), instead of asking the gateways that the folder names
    #[arg(long, value_name = "FILE", requires = "home")]
    pub ledger: Option<PathBuf>,
    /// Address of the operator's gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL")]
    pub gateways: Vec<String>,
    /// File of the sealed key of a party, officer or auditor, for a gateway
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub wallet: Option<PathBuf>,
    /// File of a machine's key, instead of --wallet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// File with the passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub passphrase_file: Option<PathBuf>,
}

/// Runs a `keis invoice` command; says whether all is as it must be.
///
/// # Errors
/// When the source or a file is of no use.
pub fn run(command: InvoiceCommand) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match command {
            InvoiceCommand::Export(args) => export::run(&args).await,
            InvoiceCommand::Verify(args) => verify::run(&args).await,
            InvoiceCommand::List(args) => list::run(&args).await,
        }
    })
}
