//! `keis node restore`: a node's folder out of a backup.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::ProgressBar;
use keis_node::backup::{self, FrameReader, Given, RestoreError, Restored};
use keis_node::home::Home;
use keis_node::store::Store;
use keis_wallet::secret_file;

use super::backup::{beside, open, progress_bar};
use crate::words::{Advice, explain};

/// Arguments of `keis node restore`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Make a node's folder out of a backup",
    long_about = "Make a node's folder out of a backup.\n\n\
        The new folder is made beside the place where it is to be, and proven there: checksums, certificates from the founding document \
        on, the state's root, every block after the snapshot executed. Only then does it take its place; a folder that was there is \
        renamed, never removed.\n\n\
        The node follows the network and signs nothing until `keis node adopt` and the heights that it watches after it. Meanwhile it \
        serves its gateway.",
    after_help = "Keys come from the backup if it has them, else from --consensus-key and --network-key.\n\n\
        Example:\n  keis node restore --from node.keis --home /var/lib/keis/node --consensus-key consensus.key --network-key network.key\n  \
        keis node restore --from node.keis --check"
)]
pub struct RestoreArgs {
    /// The backup
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// Folder to make
    #[arg(long, value_name = "DIR", required_unless_present = "check")]
    pub home: Option<PathBuf>,
    /// Secret key that signs votes, where the backup has none; again for one that is to follow
    #[arg(long = "consensus-key", value_name = "FILE")]
    pub consensus_keys: Vec<PathBuf>,
    /// Secret key that names the node to the others, where the backup has none
    #[arg(long, value_name = "FILE")]
    pub network_key: Option<PathBuf>,
    /// Rename a folder that is there already, and take its place
    #[arg(long)]
    pub replace: bool,
    /// Only prove the backup, in a folder beside it that is removed again
    #[arg(long, conflicts_with_all = ["home", "replace"])]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Restores or checks.
pub(super) fn run(args: &RestoreArgs) -> anyhow::Result<bool> {
    let Some(home) = &args.home else {
        let folder = beside(&args.from, ".checking");
        let restored = read(args, |frames, progress| backup::check(frames, &folder, progress))?;
        tell(args, &restored, None);
        return Ok(true);
    };
    let home = standing(home)?;
    ensure_free(args, &home)?;
    let folder = beside(&home, ".restoring");
    let given = given(args)?;
    let restored = read(args, |frames, progress| backup::restore(frames, &folder, given, progress))?;
    let aside = take_place(&folder, &home).or_advise("The restored folder is whole; rename it by hand.")?;
    tell(args, &restored, Some((&home, aside.as_deref())));
    Ok(true)
}

/// The folder's full name; its parent must be there.
fn standing(home: &Path) -> anyhow::Result<PathBuf> {
    let home = std::path::absolute(home)?;
    let parent = home.parent().context("the root of the file system is no node's folder")?;
    ensure!(parent.is_dir(), "{} is missing\n  Make it first.", parent.display());
    Ok(home)
}

fn ensure_free(args: &RestoreArgs, home: &Path) -> anyhow::Result<()> {
    let is_empty = || fs::read_dir(home).is_ok_and(|mut entries| entries.next().is_none());
    if !home.exists() || is_empty() {
        return Ok(());
    }
    ensure!(
        args.replace,
        "{} is there already, and stays as it is\n  With --replace it is renamed, and the restored folder takes its place.",
        home.display()
    );
    let in_use = Store::in_use(Home::at(home).store())?;
    ensure!(!in_use, "the node of {} runs, and nothing was touched\n  Stop it first.", home.display());
    Ok(())
}

fn given(args: &RestoreArgs) -> anyhow::Result<Given> {
    let key = |path: &PathBuf| secret_file::read(path).or_advise("A key's file is one that `keis key new` writes.");
    let consensus = args.consensus_keys.iter().map(key).collect::<anyhow::Result<_>>()?;
    Ok(Given { consensus, network: args.network_key.as_ref().map(key).transpose()? })
}

/// Reads the backup with a bar.
fn read(
    args: &RestoreArgs,
    work: impl FnOnce(&mut FrameReader<Box<dyn Read>>, &mut dyn FnMut(u64, u64)) -> Result<Restored, RestoreError>,
) -> anyhow::Result<Restored> {
    let mut frames = open(&args.from)?;
    let mut bar: Option<ProgressBar> = None;
    let mut progress = |done, all| bar.get_or_insert_with(|| progress_bar(all)).set_position(done);
    let done = work(&mut frames, &mut progress);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    done.map_err(|error| refusal(args, error))
}

fn refusal(args: &RestoreArgs, error: RestoreError) -> anyhow::Error {
    let advice = match &error {
        RestoreError::NoKey(_) => "Name the keys with --consensus-key and --network-key.",
        RestoreError::Format(_) => "Use a newer build.",
        RestoreError::Folder { .. } | RestoreError::Home(_) | RestoreError::Guard(_) | RestoreError::Store(_) => {
            "Look at the disk and at the permissions. A folder of that name is what an attempt before left: remove it."
        }
        RestoreError::Settings(_) => "The backup is of another version.",
        RestoreError::Frame(_)
        | RestoreError::Misplaced(_)
        | RestoreError::Network { .. }
        | RestoreError::Lineage { .. }
        | RestoreError::Block { .. }
        | RestoreError::Gap { .. }
        | RestoreError::Chain(_)
        | RestoreError::OtherState { .. } => {
            "Take another backup. Without any, `keis node init --restored` makes a folder that fetches the chain from its peers."
        }
    };
    let happened = explain(&anyhow::Error::new(error));
    anyhow::anyhow!("{} is not restored, and nothing was touched: {happened}\n  {advice}", args.from.display())
}

/// Puts the new folder in its place; says where the one is that was there.
fn take_place(folder: &Path, home: &Path) -> anyhow::Result<Option<PathBuf>> {
    let aside = if home.exists() {
        let free = (1u32..).map(|number| beside(home, &format!(".before-{number}"))).find(|aside| !aside.exists());
        let aside = free.context("there are more numbers than folders")?;
        fs::rename(home, &aside).with_context(|| format!("cannot rename {}", home.display()))?;
        Some(aside)
    } else {
        None
    };
    fs::rename(folder, home).with_context(|| format!("cannot rename {} to {}", folder.display(), home.display()))?;
    if let Some(parent) = home.parent() {
        File::open(parent).and_then(|parent| parent.sync_all()).context("the folder's name is not durable")?;
    }
    Ok(aside)
}

fn tell(args: &RestoreArgs, restored: &Restored, made: Option<(&Path, Option<&Path>)>) {
    let Restored { head, tally, with_keys } = restored;
    if args.json {
        let told = serde_json::json!({
            "home": made.map(|(home, _)| home), "aside": made.and_then(|(_, aside)| aside), "network": head.network,
            "from": head.first, "to": head.tip, "block": head.block, "blocks": tally.blocks, "documents": tally.documents,
            "with_keys": with_keys,
        });
        println!("{told:#}");
        return;
    }
    match made {
        Some((home, _)) => println!("{} is a node's folder again", home.display()),
        None => println!("{} is sound", args.from.display()),
    }
    println!("network      {}", head.network);
    println!("heights      {} to {}", head.first, head.tip);
    println!("last block   {}", head.block);
    if let Some((home, aside)) = made {
        if let Some(aside) = aside {
            println!("before it    {}", aside.display());
        }
        println!("Next: keis node run --home {}", home.display());
        println!(
            "It follows and signs nothing. When the old machine's key is destroyed: keis node adopt --home {}",
            home.display()
        );
    } else {
        println!("keys         {}", if *with_keys { "in it" } else { "not in it" });
    }
}
