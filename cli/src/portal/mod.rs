//! `keis portal`: the web pages, with the central database behind them.

mod assemble;
pub(crate) mod home;
mod init;

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use keis_node::config::Log;
use keis_node::{run as node_run, telemetry};

pub(crate) use assemble::{Running, gateways, registry, start};
use home::PortalHome;

/// Commands of a portal.
#[derive(Debug, Subcommand)]
#[command(
    about = "Make and run the web portal of an institution",
    after_help = "Example:\n  keis portal init --help\n  keis portal run --home /var/lib/keis-portal"
)]
pub enum PortalCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Init(Box<init::InitArgs>),
    /// Serve the pages of a folder until asked to stop (SIGTERM or Ctrl-C)
    #[command(
        after_help = "Settings are in DIR/portal.toml. The log goes to the standard error stream and names no person.\n\n\
            Example:\n  keis portal run --home /var/lib/keis-portal"
    )]
    Run {
        /// The portal's folder
        #[arg(long, value_name = "DIR")]
        home: PathBuf,
    },
}

/// Runs a `keis portal` command.
///
/// # Errors
/// When the folder is of no use, or the portal does not start.
pub fn run(command: PortalCommand) -> anyhow::Result<bool> {
    match command {
        PortalCommand::Init(args) => init::run(&args),
        PortalCommand::Run { home } => serve(&PortalHome::load(&home)?),
    }
}

fn serve(home: &PortalHome) -> anyhow::Result<bool> {
    telemetry::start_log(&Log::default())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ended = node_run::asked_to_end().context("cannot listen for signals")?;
        let running = start(home, Vec::new()).await?;
        println!("The portal answers at {}", home.settings.portal.public_url);
        ended.await;
        running.stop().await;
        Ok(true)
    })
}
