//! `keis receipt`: receipts with everything that proves them, judged here and by nobody else.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use keis_genesis::Genesis;
use keis_ledger::ids::TransactionId;
use keis_ledger::receipt::Receipt;
use keis_wallet::client::{Client, Policy};
use keis_wallet::verify::{ProvenLine, ReceiptFile};
use serde_json::Value;

use crate::proof;
use crate::wallet::secret;
use crate::words::{Advice, count, instant};

/// Commands of receipts.
#[derive(Debug, Subcommand)]
#[command(
    about = "Fetch receipts with their proofs, and verify them offline",
    after_help = "Example:\n  keis receipt get tx_… --gateway https://keis.example.lt --out receipt.json\n  \
        keis receipt verify receipt.json --genesis genesis.json"
)]
pub enum ReceiptCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Get(GetArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Verify(VerifyArgs),
}

/// Arguments of `keis receipt get`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Fetch a receipt with its proof",
    long_about = "Fetch a receipt with its proof.\n\n\
        With --genesis the proof is judged against the founding document alone: a gateway can hide a receipt, it cannot invent \
        one. With --wallet or --key the lines that the key's holder may see come too; they name pupils' wallets.",
    after_help = "Exit code 0 when the receipt came (and is proven), 3 when the gateway knows none, 1 when it does not answer or \
        the proof does not hold.\n\n\
        Example:\n  keis receipt get tx_… --gateway https://keis.example.lt --genesis genesis.json \\\n    --out receipt.json"
)]
pub struct GetArgs {
    /// Id of the transaction or clock step
    #[arg(value_name = "ID")]
    pub id: TransactionId,
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Founding document of the network, to verify the receipt at once
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Keep the receipt in a new file, for `keis receipt verify`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// File of a sealed key whose holder may see lines of the receipt
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub wallet: Option<PathBuf>,
    /// File of a machine's key whose holder may see lines, instead of --wallet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// File with the passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", requires = "wallet")]
    pub passphrase_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keis receipt verify`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Verify a kept receipt, offline",
    after_help = "Exit code 0 when the receipt is proven, 1 when it is not.\n\n\
        Example:\n  keis receipt verify receipt.json --genesis genesis.json"
)]
pub struct VerifyArgs {
    /// Receipt, as `keis receipt get --out` keeps it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs a `keis receipt` command; says whether there is a receipt.
///
/// # Errors
/// When no gateway answers, a file cannot be used, or a proof does not hold.
pub fn run(command: &ReceiptCommand) -> anyhow::Result<bool> {
    match command {
        ReceiptCommand::Get(args) => get(args),
        ReceiptCommand::Verify(args) => verify(args),
    }
}

fn get(args: &GetArgs) -> anyhow::Result<bool> {
    let genesis = args.genesis.as_deref().map(Genesis::load).transpose()?;
    let key = match (&args.wallet, &args.key) {
        (Some(wallet), _) => Some(secret::open(wallet, args.passphrase_file.as_deref())?),
        (None, Some(file)) => Some(secret::machine(file)?),
        (None, None) => None,
    };
    let client = Client::new(&args.gateways, Policy { attempts: 3, ..Policy::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(async {
        let Some(mut file) = fetch(&client, genesis.as_ref(), args.id).await? else { return Ok(None) };
        if let Some(key) = key {
            let lines = client.signed_by(key).receipt_lines(args.id).await;
            file.lines =
                lines.or_advise("The lines are for the receipt's sides and for officers.")?.unwrap_or_default();
        }
        judge(&file, genesis.as_ref(), args.id)?;
        anyhow::Ok(Some(file))
    })?;
    let Some(file) = found else {
        if args.json {
            println!("null");
        } else {
            println!("The gateway knows no receipt {}: it took no effect yet, or never will.", args.id);
        }
        return Ok(false);
    };
    if let Some(out) = &args.out {
        proof::keep(out, &file)?;
    }
    show(&file, genesis.is_some(), args.json)
}

fn verify(args: &VerifyArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)?;
    let file: ReceiptFile = proof::load(&args.file, "receipt").or_advise("`keis receipt get --out FILE` keeps one.")?;
    let proven = file.verify(&genesis.hash(), genesis.validators());
    proven.with_context(|| format!("{} proves nothing", args.file.display()))?;
    show(&file, true, args.json)
}

/// Fetches a receipt and verifies it against the founding document, where there is one.
pub(crate) async fn fetch(
    client: &Client,
    genesis: Option<&Genesis>,
    id: TransactionId,
) -> anyhow::Result<Option<ReceiptFile>> {
    let file = client.receipt_file(id).await.or_advise("Is the address right, and the node running?")?;
    if let Some(file) = &file {
        judge(file, genesis, id)?;
    }
    Ok(file)
}

fn judge(file: &ReceiptFile, genesis: Option<&Genesis>, id: TransactionId) -> anyhow::Result<()> {
    let Some(genesis) = genesis else { return Ok(()) };
    let proven = file.verify(&genesis.hash(), genesis.validators());
    proven.with_context(|| format!("the gateway does not prove the receipt of {id}; ask another one"))
}

fn show(file: &ReceiptFile, verified: bool, json: bool) -> anyhow::Result<bool> {
    if json {
        println!("{:#}", serde_json::to_value(file)?);
        return Ok(true);
    }
    print(&file.receipt, verified);
    for ProvenLine { line, .. } in &file.lines {
        println!("line         {}  {} of the state, {} of the school", line.pupil, line.moved.state, line.moved.school);
    }
    Ok(true)
}

/// A receipt for people.
pub(crate) fn print(receipt: &Receipt, verified: bool) {
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
    println!(
        "verified     {}",
        if verified { "against the founding document" } else { "not yet: no founding document" }
    );
}
