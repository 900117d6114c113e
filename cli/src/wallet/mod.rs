//! `keis wallet`: keys of people, and the transactions that they sign.

mod examples;
mod operation;
pub(crate) mod secret;
mod send;
mod summary;

use std::path::PathBuf;

use anyhow::bail;
use clap::Subcommand;
use keis_wallet::keystore;
use keis_wallet::random::new_key;

use crate::words::Advice;

pub use examples::examples;
pub(crate) use examples::parameters as example_parameters;
pub(crate) use operation::ignored;
pub use operation::read_operation;
pub(crate) use send::Sending;
pub use summary::summary;
pub(crate) use summary::{decision_words, threshold_words};

/// Commands of wallets.
#[derive(Debug, Subcommand)]
#[command(
    about = "Make keys of people, sign and send transactions",
    after_help = "Example:\n  keis wallet new --out coordinator.wallet --label \"Vilnius, school 3\"\n  \
        keis wallet example confirm > confirm.json\n  \
        keis wallet send --wallet coordinator.wallet --operation confirm.json \\\n    --gateway https://keis.example.lt"
)]
pub enum WalletCommand {
    /// Make a key and seal it with a passphrase in a new file
    #[command(after_help = "The passphrase is asked for twice, unless a file that only you may read holds it.\n\n\
            Example:\n  keis wallet new --out coordinator.wallet --label \"Vilnius, school 3\"")]
    New {
        /// File to write; one that exists is never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// What you call the key; anybody who has the file can read it
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        /// File with the passphrase, readable by its owner alone
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the public half of a sealed key; needs no passphrase
    #[command(after_help = "Example:\n  keis wallet show coordinator.wallet")]
    Show {
        /// File of the sealed key
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Send(send::SendArgs),
    /// Print an operation in JSON to fill in; without a name, list the names
    #[command(after_help = "Ids of what the operation makes are drawn at random; all others are to be replaced.\n\n\
            Example:\n  keis wallet example request > request.json")]
    Example {
        /// Which operation
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// Runs a `keis wallet` command; says whether the ledger took what was asked.
///
/// # Errors
/// When a file is of no use, a passphrase is wrong, or no gateway answers.
pub fn run(command: WalletCommand) -> anyhow::Result<bool> {
    match command {
        WalletCommand::New { out, label, passphrase_file, json } => {
            if out.exists() {
                bail!("{} exists\n  A key's file is never overwritten; name a new one.", out.display());
            }
            let passphrase = secret::new_passphrase(passphrase_file.as_deref())?;
            let key = new_key();
            keystore::create(&out, &key, &label, &passphrase)
                .or_advise("A key's file is never overwritten; name a new one, in a folder that exists.")?;
            print(&keystore::Description { public_key: key.public(), label }, json);
            Ok(true)
        }
        WalletCommand::Show { file, json } => {
            print(&secret::describe(&file)?, json);
            Ok(true)
        }
        WalletCommand::Send(args) => send::run(&args),
        WalletCommand::Example { name } => example(name.as_deref()),
    }
}

fn print(described: &keystore::Description, json: bool) {
    if json {
        println!("{}", serde_json::json!({ "public_key": described.public_key, "label": described.label }));
        return;
    }
    println!("public key  {}", described.public_key);
    if !described.label.is_empty() {
        println!("label       {}", described.label);
    }
}

fn example(name: Option<&str>) -> anyhow::Result<bool> {
    let examples = examples();
    let Some(name) = name else {
        for example in &examples {
            println!("{:<22} {}", example.name, example.about);
        }
        return Ok(true);
    };
    let Some(example) = examples.iter().find(|example| example.name == name) else {
        bail!("there is no example `{name}`\n  `keis wallet example` lists the names.");
    };
    let text = serde_json::to_string_pretty(&example.operation)?;
    println!("{text}");
    Ok(true)
}
