//! `keis node rotate-key`: the consensus key that is to follow.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_node::home::Home;
use keis_wallet::random::new_key;

use crate::words::Advice;

/// Arguments of `keis node rotate-key`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Make the consensus key that is to follow the node's present one",
    long_about = "Make the consensus key that is to follow the node's present one, with a sign guard of its own.\n\n\
        The node goes on with its present key; it may run meanwhile. Propose the new key to the other institutions as a change \
        of validators. From the block after which the validators name it, the node votes with it, by itself; the present key \
        never votes again, and its file may be destroyed then.",
    after_help = "Example:\n  keis node rotate-key --home /var/lib/keis"
)]
pub struct RotateArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Makes the key.
pub(super) fn run(args: &RotateArgs) -> anyhow::Result<bool> {
    let home = Home::at(&args.home);
    let config = super::settings(&home)?;
    let genesis = home.genesis(&config)?;
    home.consensus_keys(&config).context("the folder's present keys")?;
    let made = home
        .rotate(&config, genesis.hash(), new_key())
        .or_advise("Look at the disk and at the permissions of the folder; the present key is untouched.")?;
    let (key, address) = (made.secret.public(), made.address());
    if args.json {
        println!("{:#}", serde_json::json!({ "key": key, "address": address, "number": made.number }));
        return Ok(true);
    }
    println!("key        {key}");
    println!("validator  {address}");
    println!("It is key number {} of {}.", made.number, args.home.display());
    println!(
        "Next: propose it to the institutions as a change of validators. The node votes with it once they decide so."
    );
    Ok(true)
}
