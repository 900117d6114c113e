//! `keis registry open-sample`: two persons let the registry say that sampled wallets are pupils'.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use keis_registry::ids::UserId;
use keis_registry::sampling::{SampleReport, SampledWallet};
use serde_json::{Value, json};

use super::open;
use crate::draw::{self, Sample};
use crate::proof;
use crate::words::instant;

/// Arguments of `keis registry open-sample`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Show, under supervision, that sampled wallets are those of real, different pupils",
    long_about = "Show, under supervision, that sampled wallets are those of real, different pupils.\n\n\
        Each pupil's token is computed again from the register's code, under the key that only the registry has, and compared with \
        the ledger's. No name is shown. The officer may look pupils up, the witness is somebody else who may read the log; both \
        stand in it, with the mark of the list. The auditor sits beside them.",
    after_help = "Exit code 0 when every wallet is proven, 3 when one is not.\n\n\
        Example:\n  keis registry open-sample sample.json --home /var/lib/keis-portal --officer usr_… --witness usr_…"
)]
pub struct OpenSampleArgs {
    /// The list, as `keis audit sample` draws it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Who opens it
    #[arg(long, value_name = "USER")]
    pub officer: UserId,
    /// Who looks on
    #[arg(long, value_name = "USER")]
    pub witness: UserId,
    /// Keep the report in a new file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Opens the sample; says whether every wallet is proven.
pub(super) async fn run(args: &OpenSampleArgs) -> anyhow::Result<bool> {
    let sample = draw::load(&args.file)?;
    let (home, registry) = open(&args.home).await?;
    let network = home.genesis()?.hash();
    ensure!(sample.network == network, "the sample is of the network {}, the portal of {network}", sample.network);
    let year = sample.year;
    let wallets: Vec<SampledWallet> = sample
        .orders
        .iter()
        .flat_map(|order| &order.wallets)
        .map(|one| SampledWallet { year, wallet: one.wallet, nullifier: one.nullifier })
        .collect();
    let report = registry.open_sample(args.officer, args.witness, &sample.mark(), &wallets).await?;
    let told = value(args, &sample, &report);
    if let Some(out) = &args.out {
        proof::keep(out, &told)?;
    }
    if args.json {
        println!("{told:#}");
    } else {
        tell(&sample, &report);
    }
    Ok(report.faults.is_empty())
}

fn value(args: &OpenSampleArgs, sample: &Sample, report: &SampleReport) -> Value {
    let faults: Vec<Value> = report
        .faults
        .iter()
        .map(|(wallet, fault)| json!({ "wallet": wallet.wallet, "fault": fault.name(), "explanation": fault.explanation() }))
        .collect();
    json!({
        "sample": sample.mark(),
        "network": sample.network,
        "year": sample.year,
        "seed": sample.seed,
        "orders": sample.orders.len(),
        "drawn_from": sample.drawn_from,
        "opened": report.at,
        "officer": args.officer,
        "witness": args.witness,
        "wallets": report.wallets,
        "proven": report.proven,
        "faults": faults,
    })
}

fn tell(sample: &Sample, report: &SampleReport) {
    println!("sample       {}", sample.mark());
    println!("opened       {}", instant(report.at));
    println!("orders       {} of {}", sample.orders.len(), sample.drawn_from);
    println!(
        "wallets      {}, of which {} are proven: each of another pupil of the register",
        report.wallets, report.proven
    );
    for (wallet, fault) in &report.faults {
        println!("  {}: {}", wallet.wallet, fault.explanation());
    }
}
