//! The `keis` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use keis_cli::{demo, node, sample};

/// The ledger of the culture passport: networks, nodes, wallets, and a year to try them on.
#[derive(Debug, Parser)]
#[command(name = "keis", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sample(sample::SampleArgs),
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Node(node::NodeCommand),
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage (clap's), 3 done, but the outcome is not what it must be.
const ASTRAY: u8 = 3;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(ASTRAY),
        Err(error) => {
            eprintln!("keis: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Sample(args) => sample::run(args).map(|()| true),
        Command::Demo(args) => demo::run(&args),
        Command::Node(command) => node::run(command),
    }
}
