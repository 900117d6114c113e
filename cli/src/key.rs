//! `keis key`: secret keys of machines.

use std::path::PathBuf;

use clap::Subcommand;
use keis_ledger::chain::Address;
use keis_ledger::crypto::PublicKey;
use keis_wallet::random::new_key;
use keis_wallet::secret_file;

use crate::words::Advice;

/// Commands of machines' keys.
#[derive(Debug, Subcommand)]
#[command(
    about = "Make and look at the secret keys of machines",
    after_help = "A machine's key is not encrypted, since a node starts without a person; its file has mode 600. \
        Keys of people are made with `keis wallet new`.\n\n\
        Example:\n  keis key new --out consensus.key"
)]
pub enum KeyCommand {
    /// Make a key and write its secret to a new file of mode 600
    #[command(after_help = "Example:\n  keis key new --out consensus.key")]
    New {
        /// File to write; one that exists is never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the public half of a key
    #[command(after_help = "Example:\n  keis key show consensus.key")]
    Show {
        /// File that holds the secret key
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs a `keis key` command.
///
/// # Errors
/// When a file cannot be written or holds no key.
pub fn run(command: KeyCommand) -> anyhow::Result<bool> {
    let (public, json) = match command {
        KeyCommand::New { out, json } => {
            let key = new_key();
            secret_file::create(&out, &key)
                .or_advise("A key's file is never overwritten; name a new one, in a folder that exists.")?;
            (key.public(), json)
        }
        KeyCommand::Show { file, json } => {
            let key = secret_file::read(&file).or_advise(
                "`keis key new --out FILE` makes a machine's key; `keis wallet show FILE` shows a wallet's.",
            )?;
            (key.public(), json)
        }
    };
    print(&public, json);
    Ok(true)
}

fn print(public: &PublicKey, json: bool) {
    let address = Address::of(public);
    if json {
        println!("{}", serde_json::json!({ "public_key": public, "address": address }));
    } else {
        println!("public key         {public}");
        println!("validator address  {address}");
    }
}
