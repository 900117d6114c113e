//! The `keis` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use keis_cli::{demo, genesis, governance, key, node, portal, registry, sample, wallet, words};

/// The ledger of the culture passport: networks, nodes, wallets, and a year to try them on.
#[derive(Debug, Parser)]
#[command(
    name = "keis",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 failed, the error says what to do next; 2 wrong usage; 3 done, but the outcome is not \
        what it must be.\nSecrets are read from files or asked for, never given as arguments.\n\n\
        Example:\n  keis demo"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sample(sample::SampleArgs),
    Demo(demo::DemoArgs),
    #[command(subcommand)]
    Genesis(genesis::GenesisCommand),
    #[command(subcommand)]
    Node(node::NodeCommand),
    #[command(subcommand)]
    Portal(portal::PortalCommand),
    #[command(subcommand)]
    Registry(registry::RegistryCommand),
    #[command(subcommand)]
    Wallet(wallet::WalletCommand),
    #[command(subcommand)]
    Governance(governance::GovernanceCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage (clap's), 3 done, but the outcome is not what it must be.
const ASTRAY: u8 = 3;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(ASTRAY),
        Err(error) => {
            eprintln!("keis: {}", words::explain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Sample(args) => sample::run(args).map(|()| true),
        Command::Demo(args) => demo::run(&args),
        Command::Genesis(command) => genesis::run(command),
        Command::Node(command) => node::run(command),
        Command::Portal(command) => portal::run(command),
        Command::Registry(command) => registry::run(command),
        Command::Wallet(command) => wallet::run(command),
        Command::Governance(command) => governance::run(command),
        Command::Key(command) => key::run(command),
    }
}
