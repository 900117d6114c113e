//! The `keis` command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use keis_cli::{
    allocator, audit, bench, books, demo, export, genesis, governance, invoice, key, node, portal, proof, receipt,
    registry, sample, wallet, words,
};

/// A ledger's records are many and small: an audit spends a fifth of its time on the system's own allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The ledger of the culture passport: networks, nodes, wallets, and a year to try them on.
#[derive(Debug, Parser)]
#[command(
    name = "keis",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done; 1 failed, the error says what to do next; 2 wrong usage; 3 done, but the outcome is not \
        what it must be; 4 a node that must not sign before a person has looked.\nSecrets are read from files or asked for, never given as arguments.\n\n\
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
    Receipt(receipt::ReceiptCommand),
    #[command(subcommand)]
    Proof(proof::ProofCommand),
    Export(export::ExportArgs),
    #[command(subcommand)]
    Invoice(invoice::InvoiceCommand),
    Audit(audit::AuditArgs),
    Books(books::BooksArgs),
    Bench(bench::BenchArgs),
    #[command(subcommand)]
    Governance(governance::GovernanceCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
}

/// Exit codes: 0 done, 1 failed, 2 wrong usage (clap's), 3 done, but the outcome is not what it must be, 4 as below.
const ASTRAY: u8 = 3;
/// Exit code of a node that a person must look at before it is started again: it could sign what it must not.
const MUST_NOT_SIGN: u8 = 4;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("keis: {}", words::explain(&error));
            if node::forbids_restart(&error) { ExitCode::from(MUST_NOT_SIGN) } else { ExitCode::FAILURE }
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    if matches!(&command, Command::Audit(_)) || matches!(&command, Command::Bench(args) if args.bare.is_none()) {
        allocator::keep_what_is_freed();
    }
    let well = match command {
        Command::Sample(args) => sample::run(args).map(|()| true),
        Command::Demo(args) => demo::run(&args),
        Command::Genesis(command) => genesis::run(command),
        Command::Node(command) => node::run(command),
        Command::Portal(command) => portal::run(command),
        Command::Registry(command) => registry::run(command),
        Command::Wallet(command) => wallet::run(command),
        Command::Receipt(command) => receipt::run(&command),
        Command::Proof(command) => proof::run(&command),
        Command::Export(args) => export::run(&args),
        Command::Invoice(command) => invoice::run(command),
        // Its exit codes are an auditor's: the verdict before all.
        Command::Audit(args) => return Ok(audit::run(&args)),
        Command::Books(args) => books::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Governance(command) => governance::run(command),
        Command::Key(command) => key::run(command),
    };
    well.map(|well| if well { ExitCode::SUCCESS } else { ExitCode::from(ASTRAY) })
}
