//! `keis registry erase`: a person leaves no trace.

use std::io::BufRead;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_ledger::classifiers::Year;
use keis_registry::erasure::{Circumstances, ErasureError};

use super::{ACTOR, open};
use crate::portal;

/// Arguments of `keis registry erase`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Erase a pupil: destroy the key of the person's data, the link to the wallets and the search index",
    long_about = "Erase a pupil: destroy the key of the person's data, the link to the wallets and the search index.\n\n\
        The register's code is read from the standard input, so that it stands in no list of commands. What the ledger \
        holds stays, and names nobody. Exit code 3 when there is no such pupil, or orders with it are not over.",
    after_help = "Example:\n  keis registry erase --home /var/lib/keis-portal --year 2027"
)]
pub struct EraseArgs {
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The programme year whose orders must be over
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// Erase although orders are not over: booked lines are released
    #[arg(long)]
    pub despite_orders: bool,
}

/// Erases a pupil; says whether it was done.
pub(super) async fn run(args: &EraseArgs) -> anyhow::Result<bool> {
    let (home, registry) = open(&args.home).await?;
    eprintln!("Code in the Pupil Register:");
    let mut code = String::new();
    std::io::stdin().lock().read_line(&mut code).context("the code cannot be read")?;
    let year = Year(args.year);
    let Some(found) = registry.find_pupil(&ACTOR, code.trim(), year).await? else {
        eprintln!("keis: the registry has no pupil of this code; nothing was changed");
        return Ok(false);
    };
    let client = portal::gateways(&home)?;
    let now = client.status().await?.clock;
    let wallet = match found.card.wallet {
        Some(wallet) => client.pupil_wallet(year, wallet).await?,
        None => None,
    };
    let open_orders = wallet.is_some_and(|wallet| wallet.bookings.iter().any(|booking| booking.end > now));
    let circumstances = Circumstances { open_orders, despite_them: args.despite_orders };
    match registry.erase(&ACTOR, found.card.person, circumstances).await {
        Ok(receipt) => {
            println!("{} is erased; {} links to wallets are gone", receipt.person, receipt.wallets);
            if !receipt.closing.is_empty() {
                println!("{} wallets are closed on the ledger while the portal runs", receipt.closing.len());
            }
            if !receipt.swept {
                println!(
                    "The database's files still hold freed pages: run this again, or sweep it, when it is not in use."
                );
            }
            println!("Keep this id with the backups: a restored one must be erased again.");
            Ok(true)
        }
        Err(ErasureError::OpenOrders(person)) => {
            eprintln!("keis: {person} is part of orders that are not over; --despite-orders releases the booked lines");
            Ok(false)
        }
        Err(ErasureError::Registry(error)) => Err(error.into()),
    }
}
