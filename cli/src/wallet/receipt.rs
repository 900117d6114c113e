//! `keis wallet receipt` and `verify`: receipts with their proofs, judged here and by nobody else.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use keis_genesis::Genesis;
use keis_ledger::ids::TransactionId;
use keis_ledger::receipt::Receipt;
use keis_wallet::client::{Client, Policy};
use keis_wallet::verify::ProvenReceipt;
use serde_json::Value;

use crate::words::{Advice, count, instant};

/// Largest proof that is read.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Arguments of `keis wallet receipt`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Fetch a receipt with its proof and verify it",
    long_about = "Fetch a receipt with its proof and verify it.\n\n\
        The proof is judged against the founding document alone: a gateway can hide a receipt, it cannot invent one.",
    after_help = "Exit code 0 when the receipt is proven, 3 when the gateway knows none, 1 when it does not answer or the proof does \
        not hold.\n\n\
        Example:\n  keis wallet receipt --genesis genesis.json --out receipt.json tx_… \\\n    --gateway https://keis.example.lt"
)]
pub struct ReceiptArgs {
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Keep the proof in a new file, for `keis wallet verify`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Id of the transaction or clock step
    #[arg(value_name = "ID")]
    pub id: TransactionId,
}

/// Arguments of `keis wallet verify`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Verify a kept receipt, offline",
    after_help = "Exit code 0 when the receipt is proven, 1 when it is not.\n\n\
        Example:\n  keis wallet verify --genesis genesis.json receipt.json"
)]
pub struct VerifyArgs {
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Proof, as `keis wallet receipt --out` keeps it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Fetches and verifies; says whether there is a receipt.
pub(super) fn run(args: &ReceiptArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)?;
    let client = Client::new(&args.gateways, Policy { attempts: 3, ..Policy::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Some(proven) = runtime.block_on(fetch(&client, &genesis, args.id))? else {
        if args.json {
            println!("null");
        } else {
            println!("The gateway knows no receipt {}: it took no effect yet, or never will.", args.id);
        }
        return Ok(false);
    };
    if let Some(out) = &args.out {
        keep(out, &proven).or_advise("Name a new file, in a folder that exists.")?;
    }
    show(&proven, args.json)
}

/// Verifies a kept proof.
pub(super) fn verify(args: &VerifyArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)?;
    let proven = load(&args.file).or_advise("`keis wallet receipt --out FILE` keeps a proof.")?;
    judge(&proven, &genesis).with_context(|| format!("{} proves nothing", args.file.display()))?;
    show(&proven, args.json)
}

/// Fetches a receipt and verifies it against the founding document.
pub(super) async fn fetch(
    client: &Client,
    genesis: &Genesis,
    id: TransactionId,
) -> anyhow::Result<Option<ProvenReceipt>> {
    let proven = client.proven_receipt(id).await.or_advise("Is the address right, and the node running?")?;
    if let Some(proven) = &proven {
        judge(proven, genesis)
            .with_context(|| format!("the gateway does not prove the receipt of {id}; ask another one"))?;
    }
    Ok(proven)
}

fn judge(proven: &ProvenReceipt, genesis: &Genesis) -> anyhow::Result<()> {
    Ok(proven.verify(&genesis.hash(), genesis.validators())?)
}

fn keep(path: &Path, proven: &ProvenReceipt) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(proven)?;
    text.push('\n');
    let written = std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

fn load(path: &Path) -> anyhow::Result<ProvenReceipt> {
    let read = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).with_context(read)?.len();
    ensure!(length <= LARGEST, "{} is larger than any proof", path.display());
    let text = std::fs::read(path).with_context(read)?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no proof of a receipt", path.display()))
}

fn show(proven: &ProvenReceipt, json: bool) -> anyhow::Result<bool> {
    if json {
        println!("{:#}", serde_json::to_value(proven)?);
    } else {
        print(&proven.receipt, true);
    }
    Ok(true)
}

/// A receipt for people.
pub(super) fn print(receipt: &Receipt, verified: bool) {
    let value = serde_json::to_value(receipt).unwrap_or_default();
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default().replace('_', " ");
    println!("{kind}");
    println!("receipt      {}", receipt.id);
    println!("block        {}, place {}, {}", receipt.height, receipt.index, instant(receipt.time));
    if let Some(subject) = value.get("subject").and_then(Value::as_object) {
        for (name, value) in subject {
            let told = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            println!("{:<12} {told}", name.replace('_', " "));
        }
    }
    if receipt.on_behalf {
        println!("signed       by an officer, on behalf of the party");
    }
    if !receipt.total.is_zero() {
        println!("money moved  {} of the state, {} of the school", receipt.total.state, receipt.total.school);
    }
    if receipt.lines > 0 {
        println!("lines        {}", count(usize::try_from(receipt.lines).unwrap_or(usize::MAX), "pupil"));
    }
    if verified {
        println!("verified     against the founding document");
    }
}
