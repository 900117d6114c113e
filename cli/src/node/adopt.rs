//! `keis node adopt`: an operator's word that a folder may sign again.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use keis_engine::guard::{DEFAULT_OBSERVED_HEIGHTS, Foreign, Guard, GuardError, GuardState};
use keis_node::home::{Home, HomeError};

use crate::words::{count, explain};

/// Arguments of `keis node adopt`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Let a moved or restored folder sign again",
    long_about = "Let a moved or restored folder sign again.\n\n\
        A validator must never sign two different votes for one step. A folder that was moved, restored from a backup or \
        copied may lack what its key signed since, so its node follows the network but signs nothing. Adopting says: this is \
        the one folder that uses the key from now on. The node still waits until it has seen a number of heights decided \
        without a vote of its key, and starts to count again when it sees one.\n\n\
        Before you adopt, make sure that the other copy is stopped for good: destroy its consensus key. Two copies that sign \
        are detected, stop, and may cost the network its safety.\n\n\
        The node must be stopped. A folder that signs already is left as it is.",
    after_help = "Example:\n  keis node adopt --home /var/lib/keis"
)]
pub struct AdoptArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Heights to observe before signing; 0 signs at once and needs --no-other-copy
    #[arg(long, value_name = "N", default_value_t = DEFAULT_OBSERVED_HEIGHTS)]
    pub heights: u64,
    /// It is certain that no other folder holds the key, and that it signed nothing that this folder lacks
    #[arg(long)]
    pub no_other_copy: bool,
}

/// Adopts the folder.
pub(super) fn run(args: &AdoptArgs) -> anyhow::Result<bool> {
    anyhow::ensure!(
        args.heights > 0 || args.no_other_copy,
        "--heights 0 lets the node sign at once, without watching for another copy\n  \
         Give --no-other-copy too when that is certain, else leave --heights out."
    );
    let home = Home::at(&args.home);
    let config = super::settings(&home)?;
    let genesis = home.genesis(&config)?;
    let mut adopted = false;
    // A folder that prepares a rotation, or has gone through one, holds several keys, each with a guard of its own.
    for key in home.consensus_keys(&config)? {
        let guard = home.guard(genesis.hash(), &key).map_err(|error| refusal(args, error))?;
        adopted |= adopt(args, &guard)?;
    }
    if adopted && args.heights == 0 {
        println!("It signs from its next start.");
    } else if adopted {
        let heights = usize::try_from(args.heights).unwrap_or(usize::MAX);
        println!("It signs after {} decided without its key; `keis node status` tells.", count(heights, "height"));
    }
    Ok(true)
}

/// Adopts the folder for one key; says whether there was anything to adopt.
fn adopt(args: &AdoptArgs, guard: &Guard) -> anyhow::Result<bool> {
    let why = match guard.state() {
        GuardState::Active => {
            println!("{} signs as {}; there is nothing to adopt.", args.home.display(), guard.address());
            return Ok(false);
        }
        GuardState::Observing { remaining } => format!("it was adopted before and had {remaining} heights to observe"),
        GuardState::Foreign(Foreign::Moved(how)) => format!("its sign log does not belong here: {how}"),
        GuardState::Foreign(Foreign::SecondCopy) => "votes of its key were seen that it did not sign".to_owned(),
    };
    guard.adopt(args.heights)?;
    println!("{} is adopted for {}; {why}.", args.home.display(), guard.address());
    Ok(true)
}

fn refusal(args: &AdoptArgs, error: HomeError) -> anyhow::Error {
    let anew = "Set the folder aside and make a new one with `keis node init --restored`; the node fetches the chain from its peers.";
    let advice = match &error {
        HomeError::Guard(GuardError::InUse { .. }) => "The node runs. Stop it (SIGTERM), adopt, start it again.",
        HomeError::Guard(GuardError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => anew,
        HomeError::Guard(GuardError::Damaged { .. }) => anew,
        HomeError::Guard(GuardError::Stranger { .. }) => {
            "The log belongs to another key or network; put the key and the document back that belong to this folder."
        }
        HomeError::Guard(GuardError::Io { .. } | GuardError::Failed { .. })
        | HomeError::Io { .. }
        | HomeError::NotEmpty(_)
        | HomeError::Mode { .. }
        | HomeError::NotAKey(_)
        | HomeError::Config(_)
        | HomeError::Genesis { .. } => "Look at the disk and at the permissions of the folder.",
    };
    let happened = explain(&anyhow::Error::new(error));
    anyhow::anyhow!("{} cannot be adopted: {happened}\n  {advice}", args.home.display())
}
