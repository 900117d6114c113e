//! `keis genesis`: the founding document of a network, made, shown and judged.

mod founders;
mod show;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use keis_genesis::Genesis;

use crate::words::{Advice, now};
use founders::Founders;

/// The file of founders that `keis genesis new --example` prints.
pub const EXAMPLE: &str = include_str!("example.toml");

/// Commands of founding documents.
#[derive(Debug, Subcommand)]
#[command(
    about = "Make, show and check the founding document of a network",
    after_help = "One institution makes the document; all others check it and compare the hash before a node starts.\n\n\
        Example:\n  keis genesis new --example > founders.toml\n  keis genesis new --from founders.toml --out genesis.json\n  \
        keis genesis check genesis.json"
)]
pub enum GenesisCommand {
    /// Make a founding document from a file of founders
    #[command(
        after_help = "Ids that the founders leave out are drawn at random, and a time that they leave out is now: the same \
            file makes another network each time. The document is made once and then copied.\n\n\
            Example:\n  keis genesis new --example > founders.toml\n  keis genesis new --from founders.toml --out genesis.json"
    )]
    New {
        /// File that names the founders
        #[arg(long, value_name = "FILE", required_unless_present = "example")]
        from: Option<PathBuf>,
        /// Document to write; one that exists is never overwritten
        #[arg(long, value_name = "FILE", required_unless_present = "example")]
        out: Option<PathBuf>,
        /// Print a file of founders with explanations, to fill in
        #[arg(long, conflicts_with_all = ["from", "out"])]
        example: bool,
    },
    /// Show what a founding document says
    #[command(after_help = "Exit code 3 when the document breaks a rule.\n\n\
            Example:\n  keis genesis show genesis.json")]
    Show {
        /// Founding document
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Judge a founding document and print its hash
    #[command(after_help = "Exit code 0 when the document founds a network, 1 when it does not.\n\n\
            Example:\n  keis genesis check genesis.json")]
    Check {
        /// Founding document
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs a `keis genesis` command; says whether the document is as it must be.
///
/// # Errors
/// When a file cannot be read or written, or the document breaks a rule.
pub fn run(command: GenesisCommand) -> anyhow::Result<bool> {
    match command {
        GenesisCommand::New { from: Some(from), out: Some(out), .. } => make(&from, &out),
        GenesisCommand::New { .. } => {
            print!("{EXAMPLE}");
            Ok(true)
        }
        GenesisCommand::Show { file, json } => show::run(&file, json),
        GenesisCommand::Check { file } => {
            let genesis = Genesis::load(&file).or_advise(
                "`keis genesis show FILE` prints what the document says; `keis genesis new` makes a sound one.",
            )?;
            println!("{}", genesis.hash());
            Ok(true)
        }
    }
}

fn make(from: &Path, out: &Path) -> anyhow::Result<bool> {
    let advice = "`keis genesis new --example` prints a file of founders with explanations.";
    let document = Founders::load(from).and_then(|founders| founders.document(now())).or_advise(advice)?;
    let genesis = document
        .check()
        .with_context(|| format!("the founders in {} found no network", from.display()))
        .or_advise(advice)?;
    genesis
        .save(out)
        .or_advise("A founding document is never overwritten; name a new file, in a folder that exists.")?;
    println!("{} founds the network", out.display());
    println!("{}", genesis.hash());
    println!("Give the file to every institution; each one compares this hash with `keis genesis check`.");
    Ok(true)
}
