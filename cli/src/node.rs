//! `keis node`: one institution's machine.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use keis_node::home::Home;
use keis_node::run::{self, Options};
use keis_node::telemetry;

/// Commands of a node.
#[derive(Debug, Subcommand)]
#[command(about = "Run and look after one institution's node")]
pub enum NodeCommand {
    /// Run the node of a folder until it is asked to stop (SIGTERM or Ctrl-C)
    #[command(after_help = "Example:\n  keis node run --home /var/lib/keis")]
    Run {
        /// The node's folder
        #[arg(long, value_name = "DIR")]
        home: PathBuf,
        /// Needed for a network whose clock is simulated: nothing on it is real
        #[arg(long)]
        simulated: bool,
    },
}

/// Runs a `keis node` command.
///
/// # Errors
/// When the node does not start, or ends by a failure.
pub fn run(command: NodeCommand) -> anyhow::Result<bool> {
    match command {
        NodeCommand::Run { home, simulated } => serve(Home::at(home), Options { simulated }),
    }
}

fn serve(home: Home, options: Options) -> anyhow::Result<bool> {
    let config = home.config()?;
    telemetry::start_log(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ended = run::asked_to_end().context("cannot listen for signals")?;
        run::run(&home, config, options, ended).await?;
        Ok(true)
    })
}
