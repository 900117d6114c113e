//! `keis export`: the whole ledger in one file, for an auditor who then needs nobody.

mod source;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keis_audit::{Export, ExportError, Extent};
use keis_genesis::Genesis;
use keis_ledger::chain::Height;

use crate::words::Advice;
use source::Source;

/// Arguments of `keis export`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Write the ledger's blocks, certificates and public documents to one file, for an audit",
    long_about = "Write the ledger's blocks, certificates and public documents to one file, for an audit.\n\n\
        The file is compressed, tells what it is, and carries checksums. Stopped in between, the same command goes on after the last \
        sound part; called again later it adds what is new. It names pupils' wallets: it is restricted data.",
    after_help = "From a folder the node must be stopped. A gateway gives raw blocks to officers and auditors alone.\n\
        Exit code 0 when the file reaches the height asked for, 1 when not.\n\n\
        Example:\n  keis export --home /var/lib/keis --out ledger.export\n  \
        keis export --gateway https://keis.example.lt --wallet auditor.wallet --out ledger.export"
)]
pub struct ExportArgs {
    /// Folder of a stopped node
    #[arg(long, value_name = "DIR", required_unless_present = "gateways", conflicts_with_all = ["gateways", "wallet", "key"])]
    pub home: Option<PathBuf>,
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL")]
    pub gateways: Vec<String>,
    /// File of an officer's or auditor's sealed key, for a gateway
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub wallet: Option<PathBuf>,
    /// File of a machine's key, instead of --wallet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// File with the passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub passphrase_file: Option<PathBuf>,
    /// Founding document: the source must be of its network
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// First height; only an export from 1 on can be executed again by an audit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub from: Option<u64>,
    /// Last height; the newest if absent
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    pub to: Option<u64>,
    /// File to write, or an export to go on with
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Writes or continues an export.
///
/// # Errors
/// When the source does not give what is asked for, or the file is something else or cannot be written.
pub fn run(args: &ExportArgs) -> anyhow::Result<bool> {
    let genesis = args.genesis.as_deref().map(Genesis::load).transpose()?;
    let mut source = Source::open(args)?;
    let network = source.network();
    if let Some(genesis) = &genesis {
        ensure!(
            network == genesis.hash(),
            "the source is of the network {network}, the founding document of {}; nothing was written",
            genesis.hash()
        );
    }
    let tip = source.tip();
    let to = args.to.map_or(tip, Height);
    ensure!(to <= tip, "the source has come to height {tip}, not to {to}\n  Leave --to away for the newest.");
    let mut export = Export::open(&args.out, network, args.from.map(Height)).map_err(advised)?;
    let begin = export.next_height();
    if export.cut() > 0 {
        eprintln!("Going on at height {begin}; {} bytes behind the last sound part are written anew.", export.cut());
    }
    let bar = progress_bar(&begin, &to);
    let filled = fill(&mut export, &mut source, to, &bar);
    // What came so far is sound: a later call goes on there.
    let extent = export.finish();
    bar.finish_and_clear();
    filled?;
    let extent = extent?;
    let bytes = std::fs::metadata(&args.out).with_context(|| args.out.display().to_string())?.len();
    tell(args, &extent, begin, bytes);
    Ok(true)
}

fn fill(export: &mut Export, source: &mut Source, to: Height, bar: &ProgressBar) -> anyhow::Result<()> {
    while export.next_height() <= to {
        let from = export.next_height();
        let blocks = source.blocks(from)?;
        ensure!(!blocks.is_empty(), "the source gave no block of height {from}\n  Call again: it goes on there.");
        for raw in blocks.into_iter().take_while(|raw| raw.height <= to) {
            for id in export.push(raw.block, &raw.certificate)? {
                if let Some(bytes) = source.document(id)? {
                    export.document(id, bytes)?;
                }
            }
            export.settle()?;
            bar.inc(1);
        }
    }
    Ok(())
}

fn progress_bar(begin: &Height, to: &Height) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} blocks, {eta} left");
    ProgressBar::new((to.0 + 1).saturating_sub(begin.0))
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn advised(error: ExportError) -> anyhow::Error {
    let told = Err::<(), _>(error).or_advise("Name a new file, or an export of this network to go on with.");
    told.err().unwrap_or_else(|| anyhow::anyhow!("the export cannot be opened"))
}

fn tell(args: &ExportArgs, extent: &Extent, begin: Height, bytes: u64) {
    let last = Height(extent.next().0 - 1);
    if args.json {
        let told = serde_json::json!({
            "file": args.out, "from": extent.from, "to": last, "blocks": extent.blocks, "block": extent.tip,
            "documents": extent.documents, "added": extent.next().0 - begin.0, "bytes": bytes,
        });
        println!("{told:#}");
        return;
    }
    println!("{}", args.out.display());
    println!("heights      {} to {last}, {} of them new", extent.from, extent.next().0 - begin.0);
    println!("documents    {}", extent.documents);
    if let Some(tip) = extent.tip {
        println!("last block   {tip}");
    }
}

/// A folder that a node has used.
fn existing(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        bail!("{} holds no blocks\n  --home names the folder of a node that has run.", folder.display());
    }
    std::fs::read_dir(folder).map(drop).with_context(|| format!("cannot read {}", folder.display()))
}
