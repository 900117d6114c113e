//! `keis invoice verify`: whether a file from anywhere is the ledger's.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_einvoice::Reading;
use keis_ledger::classifiers::Year;

use super::SourceArgs;
use super::index::Row;
use super::source::Source;

/// Arguments of `keis invoice verify`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Tell whether a file is an invoice or credit note that the ledger names",
    long_about = "Tell whether a file is an invoice or credit note that the ledger names.\n\n\
        The ledger holds a commitment to the bytes of each. With --home the operator's registry, which has the keys, computes it \
        again; a gateway gives a party its own papers, and the file must be one of them byte for byte.",
    after_help = "Exit code 0 when it is the ledger's, 3 when not.\n\n\
        Examples:\n  keis invoice verify FILE.xml --home /var/lib/keis-portal\n  \
        keis invoice verify FILE.xml --gateway https://keis.example.lt --wallet school.wallet"
)]
pub struct VerifyArgs {
    /// The file: UBL 2.1
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Programme year, for a gateway; that of the file's period if absent
    #[arg(long, value_name = "YEAR")]
    pub year: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Tells whether the file is the ledger's.
pub(super) async fn run(args: &VerifyArgs) -> anyhow::Result<bool> {
    let bytes = fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let source = Source::open(&args.source).await?;
    let named = source.names(&bytes, args.year.map(Year)).await;
    source.close().await;
    let Some(paper) = named? else {
        if args.json {
            println!("{}", serde_json::json!({ "file": args.file, "of_the_ledger": false }));
        } else {
            println!("{} is not the ledger's", args.file.display());
            println!("It was changed, was refused, or was never attached to a statement.");
        }
        return Ok(false);
    };
    let reading = Reading::parse(&bytes).context("the file cannot be read")?;
    let row = Row::of(&paper, &reading, args.file.display().to_string());
    if args.json {
        let told = serde_json::json!({ "file": args.file, "of_the_ledger": true, "commitment": paper.commitment, "paper": row });
        println!("{told:#}");
        return Ok(true);
    }
    println!("{} is the ledger's", args.file.display());
    for (label, text) in [
        ("document", &row.kind),
        ("number", &row.number),
        ("provider", &row.provider),
        ("buyer", &row.buyer),
        ("total", &row.gross),
        ("statement", &row.statement),
        ("state", &row.state),
        ("commitment", &paper.commitment.to_string()),
        ("sha256", &row.sha256),
    ] {
        println!("{label:<12} {text}");
    }
    Ok(true)
}
