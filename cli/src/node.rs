//! `keis node`: one institution's machine.

mod adopt;
mod backup;
mod init;
mod restore;
mod rotate;
mod status;

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use keis_node::config::Config;
use keis_node::home::Home;
use keis_node::run::{self, NodeError, Options};
use keis_node::telemetry;

use crate::words::Advice;

/// Commands of a node.
#[derive(Debug, Subcommand)]
#[command(
    about = "Make, run and look after one institution's node",
    after_help = "Example:\n  keis node run --home /var/lib/keis\n  keis node status --home /var/lib/keis"
)]
pub enum NodeCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Init(Box<init::InitArgs>),
    /// Run the node of a folder until it is asked to stop (SIGTERM or Ctrl-C)
    #[command(
        after_help = "Settings are in DIR/config.toml; KEIS_NODE__SECTION__KEY in the environment overrides one, such as \
            KEIS_NODE__LOG__FORMAT=json. The log goes to the standard error stream.\n\n\
            Peers are the [[peers]] of the settings, read at the start: a node that joins is let in by those that have it there.\n\n\
            Exit code 3: the network goes over to rules that this build does not know. Nothing is lost: install the newer build \
            and start the node again.\n\
            Exit code 4: the node must not sign before a person has looked: its key signs elsewhere, or its sign log is gone, damaged \
            or another key's. Do not let anything start it again by itself.\n\n\
            Example:\n  keis node run --home /var/lib/keis"
    )]
    Run {
        /// The node's folder
        #[arg(long, value_name = "DIR")]
        home: PathBuf,
        /// Needed for a network whose clock is simulated: nothing on it is real
        #[arg(long)]
        simulated: bool,
        /// Rehearse an upgrade: know the network's rules up to this version only, as an older build would
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        protocol_up_to: Option<u32>,
    },
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Status(status::StatusArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Adopt(adopt::AdoptArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    RotateKey(rotate::RotateArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Backup(backup::BackupArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Restore(restore::RestoreArgs),
}

/// Runs a `keis node` command; says whether the node is as it must be.
///
/// # Errors
/// When the folder is of no use, or the node does not start, does not answer or ends by a failure.
pub fn run(command: NodeCommand) -> anyhow::Result<bool> {
    match command {
        NodeCommand::Init(args) => init::run(&args),
        NodeCommand::Run { home, simulated, protocol_up_to } => {
            serve(&Home::at(home), Options { simulated, protocol_up_to })
        }
        NodeCommand::Status(args) => status::run(&args),
        NodeCommand::Adopt(args) => adopt::run(&args),
        NodeCommand::RotateKey(args) => rotate::run(&args),
        NodeCommand::Backup(args) => backup::run(&args),
        NodeCommand::Restore(args) => restore::run(&args),
    }
}

/// Whether this error ended a node that must not be started again before a person has looked at it.
pub fn forbids_restart(error: &anyhow::Error) -> bool {
    error.downcast_ref().is_some_and(NodeError::forbids_restart)
}

/// The settings of a node's folder.
fn settings(home: &Home) -> anyhow::Result<Config> {
    home.config().or_advise("`keis node init` makes a node's folder; --home names it.")
}

fn serve(home: &Home, options: Options) -> anyhow::Result<bool> {
    let config = settings(home)?;
    telemetry::start_log(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ended = run::asked_to_end().context("cannot listen for signals")?;
        match run::run(home, config, options, ended).await {
            Err(outdated @ NodeError::ProtocolUnknown { .. }) => {
                tracing::error!("{outdated}");
                Ok(false)
            }
            ended => Ok(ended.map(|()| true)?),
        }
    })
}
