//! `keis registry reconcile`: registry and ledger side by side.

use std::path::PathBuf;

use clap::Args;
use keis_ledger::classifiers::Year;
use keis_portal::door::Book;
use keis_registry::reconcile::{Report, reconcile};
use keis_wallet::client::Client;

use super::{ACTOR, open};
use crate::portal;
use crate::words::Advice;

/// Arguments of `keis registry reconcile`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Compare the registry with the ledger and explain every difference",
    after_help = "Exit code 3 when they differ. Nothing is changed.\n\n\
        Example:\n  keis registry reconcile --home /var/lib/keis-portal --year 2027"
)]
pub struct ReconcileArgs {
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The programme year
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Compares; says whether both sides agree.
pub(super) async fn run(args: &ReconcileArgs) -> anyhow::Result<bool> {
    let (home, registry) = open(&args.home).await?;
    let client = portal::gateways(&home)?;
    opened(&client, Year(args.year)).await?;
    let report = reconcile(&registry, &ACTOR, Year(args.year), &Book::new(client)).await?;
    if args.json {
        println!("{}", json(&report));
    } else {
        tell(&report);
    }
    Ok(report.agrees())
}

/// Whether the ledger has the year at all.
async fn opened(client: &Client, year: Year) -> anyhow::Result<()> {
    let parameters = client.parameters().await;
    let parameters = parameters.or_advise("No gateway answers; start the node, or mend `gateways` in portal.toml.")?;
    let years: Vec<Year> = parameters.years.iter().map(|known| known.year).collect();
    let listed = years.iter().map(Year::to_string).collect::<Vec<_>>().join(", ");
    anyhow::ensure!(years.contains(&year), "the ledger has no programme year {year}; it has: {listed}");
    Ok(())
}

fn json(report: &Report) -> serde_json::Value {
    let counts: serde_json::Map<_, _> =
        report.counts.iter().map(|(kind, count)| (kind.name().to_owned(), (*count).into())).collect();
    let differences: Vec<_> = report
        .differences
        .iter()
        .map(|one| {
            serde_json::json!({
                "kind": one.kind.name(),
                "about": one.about.to_string(),
                "explanation": one.kind.explanation(),
                "advice": one.remedy.advice(),
                "detail": one.detail,
                "outbox": one.waiting.map(|row| row.to_string()),
            })
        })
        .collect();
    serde_json::json!({
        "agrees": report.agrees(),
        "wallets": report.pupils,
        "erased": report.erased,
        "bodies": report.bodies,
        "keys": report.keys,
        "counts": counts,
        "differences": differences,
    })
}

fn tell(report: &Report) {
    println!("Compared: {} wallets, {} schools and providers, {} keys.", report.pupils, report.bodies, report.keys);
    if report.erased > 0 {
        println!("{} closed wallets are nobody's any more: their persons were erased.", report.erased);
    }
    if report.agrees() {
        println!("Registry and ledger agree.");
        return;
    }
    for (kind, count) in &report.counts {
        println!("{count:>9}  {}", kind.explanation());
    }
    for difference in &report.differences {
        println!("  {difference}");
    }
    let told = report.differences.len() as u64;
    let all: u64 = report.counts.values().sum();
    if all > told {
        println!("  and {} more", all - told);
    }
}
