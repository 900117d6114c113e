//! `keis proof`: public records of the ledger with everything that proves them, judged here and by nobody else.

mod archived;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{ArgGroup, Args, Subcommand};
use keis_genesis::Genesis;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{ServiceId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::record::{Entity, Network, Record, Sealed, Service, Session, YearRecord};
use keis_wallet::client::{Client, Policy};
use keis_wallet::verify::{PublicRecord, RecordFile, SealedRecordFile};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::words::{Advice, count, instant};

/// Largest file that is read: one of a hundred changes of a hundred validators has four megabytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Commands of proofs.
#[derive(Debug, Subcommand)]
#[command(
    about = "Fetch public records of the ledger with their proofs, and verify them offline",
    after_help = "Example:\n  keis proof get --year 2027 --gateway https://keis.example.lt --out year.json\n  \
        keis proof verify year.json --genesis genesis.json"
)]
pub enum ProofCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Get(GetArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    FromExport(archived::FromExportArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Verify(VerifyArgs),
}

/// Arguments of `keis proof get`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Fetch a public record as it stands, with its proof",
    long_about = "Fetch a public record as it stands, with its proof.\n\n\
        Where the ledger holds no such record, that is proven. With --genesis the proof is judged against the founding document \
        alone: a gateway may answer from an earlier block, it cannot invent a record or deny one of that block.",
    after_help = "Exit code 0 when the record came (and is proven), 3 when the ledger holds none, 1 when no gateway answers or \
        the proof does not hold.\n\n\
        Example:\n  keis proof get --service srv_… --gateway https://keis.example.lt --genesis genesis.json \\\n    --out service.json",
    group = ArgGroup::new("record").required(true).multiple(true)
)]
pub struct GetArgs {
    /// The network's parameters and validators
    #[arg(long, group = "record", conflicts_with_all = ["year", "sealed", "service", "session"])]
    pub parameters: bool,
    /// A programme year: its rules and where its money is
    #[arg(long, value_name = "YEAR", group = "record")]
    pub year: Option<u16>,
    /// A sealed year: the root over the records that it had, and its sums
    #[arg(long, value_name = "YEAR", group = "record", conflicts_with_all = ["year", "service", "session"])]
    pub sealed: Option<u16>,
    /// A service in its current version
    #[arg(long, value_name = "ID", group = "record", conflicts_with_all = ["year", "session"])]
    pub service: Option<ServiceId>,
    /// A session of the year
    #[arg(long, value_name = "ID", group = "record", requires = "year")]
    pub session: Option<SessionId>,
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Founding document of the network, to verify the record at once
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Keep the record in a new file, for `keis proof verify`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keis proof verify`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Verify a kept record, offline",
    after_help = "Exit code 0 when the record is proven, 3 when it is proven that there was none, 1 when nothing is proven.\n\n\
        Example:\n  keis proof verify year.json --genesis genesis.json"
)]
pub struct VerifyArgs {
    /// Record, as `keis proof get --out` or `keis proof from-export --out` keeps it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl GetArgs {
    fn record(&self) -> anyhow::Result<PublicRecord> {
        if let Some(year) = self.sealed.map(Year) {
            return Ok(PublicRecord::Sealed { year });
        }
        match (self.parameters, self.year.map(Year), self.service, self.session) {
            (true, ..) => Ok(PublicRecord::Parameters {}),
            (_, _, Some(id), _) => Ok(PublicRecord::Service { id }),
            (_, Some(year), _, Some(id)) => Ok(PublicRecord::Session { year, id }),
            (_, Some(year), ..) => Ok(PublicRecord::Year { year }),
            (false, None, None, _) => {
                anyhow::bail!("name the record: --parameters, --year, --sealed, --service or --session")
            }
        }
    }
}

/// Runs a `keis proof` command; says whether there is such a record.
///
/// # Errors
/// When no gateway answers, a file cannot be used, or a proof does not hold.
pub fn run(command: &ProofCommand) -> anyhow::Result<bool> {
    match command {
        ProofCommand::Get(args) => get(args),
        ProofCommand::FromExport(args) => archived::run(args),
        ProofCommand::Verify(args) => verify(args),
    }
}

fn get(args: &GetArgs) -> anyhow::Result<bool> {
    let record = args.record()?;
    let genesis = args.genesis.as_deref().map(Genesis::load).transpose()?;
    let client = Client::new(&args.gateways, Policy { attempts: 3, ..Policy::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let file = runtime.block_on(client.record_file(record)).or_advise("Is the address right, and the node running?")?;
    if let Some(genesis) = &genesis {
        let proven = file.verify(&genesis.hash(), genesis.validators());
        proven.context("the gateway does not prove what it answers; ask another one")?;
    }
    if let Some(out) = &args.out {
        keep(out, &file)?;
    }
    show(&file, genesis.is_some(), args.json)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)?;
    let kept: Kept = load(&args.file, "record").or_advise("`keis proof get --out FILE` keeps one.")?;
    let nothing = || format!("{} proves nothing", args.file.display());
    match kept {
        Kept::Standing(file) => {
            file.verify(&genesis.hash(), genesis.validators()).with_context(nothing)?;
            show(&file, true, args.json)
        }
        Kept::Archived(file) => {
            file.verify(&genesis.hash(), genesis.validators()).with_context(nothing)?;
            archived::show(&file, args.json)
        }
    }
}

/// The two kinds of files, told apart by their format.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Kept {
    Standing(Box<RecordFile>),
    Archived(Box<SealedRecordFile>),
}

/// Keeps a file that proves, in a new file.
pub(crate) fn keep(path: &Path, file: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(file)?;
    text.push('\n');
    let written = std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written
        .with_context(|| format!("cannot write {}", path.display()))
        .or_advise("Name a new file, in a folder that exists.")
}

/// Reads a file that proves.
pub(crate) fn load<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<T> {
    let read = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).with_context(read)?.len();
    ensure!(length <= LARGEST, "{} is larger than any proof", path.display());
    let text = std::fs::read(path).with_context(read)?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no proof of a {what}", path.display()))
}

/// The fields of a record of a kind.
fn of<E: Entity + Serialize>(record: &Record) -> Option<Value> {
    serde_json::to_value(E::from_record(record)?).ok()
}

/// The record's content, by the names of its fields.
fn content(key: PublicRecord, record: &Record) -> Option<Value> {
    match key {
        PublicRecord::Parameters {} => of::<Network>(record),
        PublicRecord::Year { .. } => of::<YearRecord>(record),
        PublicRecord::Service { .. } => of::<Service>(record),
        PublicRecord::Session { .. } => of::<Session>(record),
        PublicRecord::Sealed { .. } => of::<Sealed>(record),
    }
}

fn show(file: &RecordFile, verified: bool, json: bool) -> anyhow::Result<bool> {
    let record = file.decoded().context("the gateway's answer holds no record of this kind")?;
    let content = record.as_ref().and_then(|record| content(file.key, record));
    if json {
        let header = &file.header;
        let (height, time) = (header.height, header.time);
        let told = json!({ "key": file.key, "height": height, "time": time, "verified": verified, "record": content });
        println!("{told:#}");
        return Ok(record.is_some());
    }
    match file.key {
        PublicRecord::Parameters {} => println!("parameters and validators of the network"),
        PublicRecord::Year { year } => println!("year {year}"),
        PublicRecord::Service { id } => println!("service {id}"),
        PublicRecord::Session { year, id } => println!("session {id} of {year}"),
        PublicRecord::Sealed { year } => println!("sealed year {year}"),
    }
    println!("as after     block {}, {}", file.header.height, instant(file.header.time));
    println!("validators   changed {} since genesis", count_of_times(file.handovers.len()));
    println!(
        "verified     {}",
        if verified { "against the founding document" } else { "not yet: no founding document" }
    );
    tell(content.as_ref(), "the ledger held no such record");
    Ok(record.is_some())
}

/// The record, or that there is none and what that means.
fn tell(content: Option<&Value>, none: &str) {
    match content {
        None => println!("record       none: {none}"),
        Some(content) => print("", content),
    }
}

fn count_of_times(number: usize) -> String {
    if number == 0 { "never".to_owned() } else { count(number, "time") }
}

/// Fields line by line; sums of money in euros.
fn print(name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                print(&format!("{name}{}{field}", if name.is_empty() { "" } else { "." }), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                print(&format!("{name}.{index}"), item);
            }
        }
        Value::Number(cents) if name.contains("_money.") => {
            println!("{name:<40} {}", Cents::new(cents.as_u64().unwrap_or_default()));
        }
        Value::String(text) => println!("{name:<40} {text}"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => println!("{name:<40} {value}"),
    }
}
