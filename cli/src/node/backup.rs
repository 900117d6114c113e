//! `keis node backup`: a node's ledger, settings and, if asked, keys in one file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keis_ledger::crypto::Hash;
use keis_node::backup::{self, BackupError, Frame, FrameReader, FrameWriter, Head, Tally, door};
use keis_node::config::Config;
use keis_node::home::Home;
use keis_node::store::{Options, Store};

use crate::words::Advice;

/// What the file begins with, so that a person and a program know it.
const MAGIC: &[u8] = b"KEIS node backup\n";
const LEVEL: i32 = 3;
const BUFFER: usize = 1 << 20;

/// Arguments of `keis node backup`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Write a node's ledger and settings to one file, while it runs or stands still",
    long_about = "Write a node's ledger and settings to one file, while it runs or stands still.\n\n\
        The file holds the newest sound snapshot, every block with certificate and receipts up to the node's tip, the public \
        documents, the settings and the founding document, each piece under a checksum. It appears under its name only when it was \
        written whole, made durable and read again. It names pupils' wallets: it is restricted data, for its owner alone.\n\n\
        Keys are left out unless --with-keys asks for them; the sign log always is. A folder that is restored follows unsigned until \
        it is adopted.",
    after_help = "A running node is asked on this machine, by its own user or the superuser. A file that is there already stays as it \
        is.\n\n\
        Example:\n  keis node backup --home /var/lib/keis/node --out /var/backups/keis/node.keis"
)]
pub struct BackupArgs {
    /// Folder of the node
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// File to write; must not exist
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Put the node's secret keys into the file too: keep it as you keep them
    #[arg(long)]
    pub with_keys: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Writes the backup.
pub(super) fn run(args: &BackupArgs) -> anyhow::Result<bool> {
    let home = Home::at(&args.home);
    let config = super::settings(&home)?;
    ensure!(!args.out.exists(), "{} exists already\n  Name another file.", args.out.display());
    let part = beside(&args.out, ".part");
    let written = write(args, &home, &config, &part).and_then(|told| {
        // Read again from the file, so that what the disk took is what was written.
        verify(&part).context("the backup was written, and cannot be read again")?;
        fs::rename(&part, &args.out).with_context(|| format!("cannot name {}", args.out.display()))?;
        let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).context("the file's name is not durable")?;
        Ok(told)
    });
    let (head, tally) = written.inspect_err(|_| drop(fs::remove_file(&part)))?;
    tell(args, &head, &tally)?;
    Ok(true)
}

/// A file beside another, on the same disk.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn write(args: &BackupArgs, home: &Home, config: &Config, part: &Path) -> anyhow::Result<(Head, Tally)> {
    let genesis = home.genesis(config)?;
    drop(fs::remove_file(part));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    let file = file.with_context(|| format!("cannot make {}", part.display()))?;
    let mut packed = zstd::Encoder::new(BufWriter::with_capacity(BUFFER, begun(file)?), LEVEL)?;
    packed.include_checksum(true)?;
    let mut out = FrameWriter::new(packed);
    out.push(&Frame::Settings(read(&home.path().join("config.toml"))?))?;
    out.push(&Frame::Genesis(read(&home.file(&config.genesis))?))?;
    if args.with_keys {
        out.push(&Frame::NetworkKey(*home.network_secret(config)?))?;
        for key in home.consensus_keys(config)? {
            out.push(&Frame::ConsensusKey { number: key.number, secret: key.secret.to_bytes() })?;
        }
    }
    let (out, told) = ledger(home, genesis.hash(), out)?;
    let file = out.into_inner().finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.sync_all().with_context(|| format!("{} is not durable", part.display()))?;
    Ok(told)
}

fn begun(mut file: File) -> std::io::Result<File> {
    file.write_all(MAGIC)?;
    Ok(file)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Adds the ledger: from the node if it runs, else from its store.
fn ledger<W: Write>(
    home: &Home,
    network: Hash,
    out: FrameWriter<W>,
) -> anyhow::Result<(FrameWriter<W>, (Head, Tally))> {
    let mut seen = Seen { out, head: None, bar: ProgressBar::hidden() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(door::ask(home.path()));
    let tally = match asked.or_advise("Run the command as the node's user, or as the superuser.")? {
        Some(stream) => seen.pass(stream).or_advise("The node broke off; its log says why. Try again.")?,
        None => from_store(home, network, &mut seen)?,
    };
    seen.bar.finish_and_clear();
    let head = seen.head.context("a ledger without a head")?;
    ensure!(head.network == network, "another network's node runs in {}", home.path().display());
    Ok((seen.out, (head, tally)))
}

/// Reads the store of a stopped node, through the same pipe as a running node's.
fn from_store<W: Write>(home: &Home, network: Hash, seen: &mut Seen<W>) -> anyhow::Result<Tally> {
    ensure!(home.store().exists(), "{} holds no blocks\n  --home names a node that has run.", home.path().display());
    let opened = Store::open(home.store(), Options::new(network.0));
    let (store, _) = opened.or_advise("A node of an older version has to be stopped first.")?;
    std::thread::scope(|scope| {
        let (reader, writer) = std::io::pipe()?;
        let store = &store;
        let writing = scope.spawn(move || {
            let mut frames = FrameWriter::new(BufWriter::with_capacity(BUFFER, writer));
            let written = backup::write(store, network, &mut frames, &|| false);
            let flushed = frames.into_inner().flush();
            written.and_then(|_| flushed.map_err(BackupError::Write))
        });
        let passed = seen.pass(reader);
        match writing.join().map_err(|_| anyhow::anyhow!("reading the store failed"))? {
            // Whoever read the pipe went away, and knows why.
            Ok(()) | Err(BackupError::Write(_)) => passed,
            Err(error) => Err(error).or_advise("The node repairs its store from its peers when it runs."),
        }
    })
}

/// What went by on its way to the file.
struct Seen<W> {
    out: FrameWriter<W>,
    head: Option<Head>,
    bar: ProgressBar,
}

impl<W: Write> Seen<W> {
    /// Passes a ledger on, up to its end.
    fn pass(&mut self, from: impl Read) -> anyhow::Result<Tally> {
        let mut frames = FrameReader::new(BufReader::with_capacity(BUFFER, from));
        loop {
            let frame = frames.pull()?;
            match &frame {
                Frame::Head(head) => {
                    self.bar = progress_bar(head.tip.0.saturating_sub(head.first.0) + 1);
                    self.head = Some(head.clone());
                }
                Frame::Block(_) => self.bar.inc(1),
                Frame::Settings(_)
                | Frame::Genesis(_)
                | Frame::NetworkKey(_)
                | Frame::ConsensusKey { .. }
                | Frame::Handover(_)
                | Frame::Chunk(_)
                | Frame::Document(_)
                | Frame::End(_) => {}
            }
            self.out.push(&frame).context("the backup cannot be written")?;
            if let Frame::End(tally) = frame {
                return Ok(tally);
            }
        }
    }
}

/// A bar of blocks.
pub(super) fn progress_bar(blocks: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} blocks, {eta} left");
    ProgressBar::new(blocks).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Opens a backup to be read.
pub(super) fn open(path: &Path) -> anyhow::Result<FrameReader<Box<dyn Read>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut file = BufReader::with_capacity(BUFFER, file);
    let mut magic = [0; MAGIC.len()];
    let is_one = file.read_exact(&mut magic).is_ok() && magic == MAGIC;
    ensure!(is_one, "{} is no backup of a node", path.display());
    let unpacked = BufReader::with_capacity(BUFFER, zstd::Decoder::with_buffer(file)?);
    Ok(FrameReader::new(Box::new(unpacked)))
}

/// Reads a file to its end.
fn verify(path: &Path) -> anyhow::Result<()> {
    let mut frames = open(path)?;
    while !matches!(frames.pull()?, Frame::End(_)) {}
    Ok(frames.end()?)
}

fn tell(args: &BackupArgs, head: &Head, tally: &Tally) -> anyhow::Result<()> {
    let bytes = fs::metadata(&args.out)?.len();
    if args.json {
        let told = serde_json::json!({
            "file": args.out, "network": head.network, "from": head.first, "to": head.tip, "block": head.block,
            "snapshot": head.snapshot.map(|(height, _)| height), "blocks": tally.blocks, "documents": tally.documents,
            "bytes": bytes, "with_keys": args.with_keys,
        });
        println!("{told:#}");
        return Ok(());
    }
    println!("{}", args.out.display());
    println!("heights      {} to {}", head.first, head.tip);
    println!("last block   {}", head.block);
    match head.snapshot {
        Some((height, _)) => println!("snapshot     of height {height}"),
        None => println!("snapshot     none yet: restoring executes every block"),
    }
    println!("documents    {}", tally.documents);
    println!("bytes        {bytes}");
    let keys = if args.with_keys { "in it: lock this file away" } else { "not in it: keep them apart" };
    println!("keys         {keys}");
    Ok(())
}
