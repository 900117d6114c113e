//! `keis invoice list`: what there is.

use anyhow::Context;
use clap::Args;
use keis_einvoice::Reading;

use super::SourceArgs;
use super::index::Row;
use super::period::Period;
use super::source::Source;
use crate::words::count;

/// Arguments of `keis invoice list`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "List the invoices and credit notes that the ledger names",
    after_help = "Examples:\n  keis invoice list --home DIR --period 2027-03\n  \
        keis invoice list --gateway https://keis.example.lt --wallet theatre.wallet --json"
)]
pub struct ListArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Month or year of supply; all if absent
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Period>,
    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Lists them.
pub(super) async fn run(args: &ListArgs) -> anyhow::Result<bool> {
    let source = Source::open(&args.source).await?;
    let mut rows = Vec::new();
    let listed = source
        .papers(None, &mut |paper| {
            let reading = Reading::parse(&paper.bytes).context("a document of the ledger cannot be read")?;
            let period = Period::of(&reading);
            if args.period.is_none_or(|wanted| wanted.has(period)) {
                rows.push(Row::of(&paper, &reading, String::new()));
            }
            Ok(())
        })
        .await;
    source.close().await;
    listed?;
    rows.sort_by(|one, other| (&one.issued, &one.number).cmp(&(&other.issued, &other.number)));
    for row in &rows {
        if args.json {
            println!("{}", serde_json::to_string(row)?);
        } else {
            println!("{}", row.told());
        }
    }
    if !args.json {
        println!("{}", count(rows.len(), "document"));
    }
    Ok(true)
}
