//! `keis registry erase`: a person leaves no trace.

use std::io::{BufRead, Read};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_portal::erasure::{OpenOrders, open_orders};
use keis_registry::erasure::{Circumstances, Erased, ErasureError, ErasureReceipt};
use keis_registry::ids::PersonId;
use keis_registry::{Registry, RegistryError};

use super::{ACTOR, open};
use crate::portal::{self, home::PortalHome};
use crate::words::{self, Advice};

/// Longest line that is read for a code.
const LONGEST: u64 = 256;
/// Digits of a code in the Pupil Register.
const DIGITS: usize = 10;

/// Arguments of `keis registry erase`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Erase a person: destroy the key of the data, the link to the wallets and the search index",
    long_about = "Erase a person: destroy the key of the data, the link to the wallets and the search index.\n\n\
        A pupil's code in the Pupil Register is read from the standard input, so that it stands in no list of commands. Whoever \
        is no pupil, such as somebody who signs in, is named by the id on the officers' pages. What the ledger holds stays, and \
        names nobody. Broken off at any point, the command is given again; the same person twice changes nothing.",
    after_help = "Exit codes: 0 the person is erased; 3 there is nobody of this code or id, or orders with the person are not \
        over; 1 the code is no code, or the registry or the network does not answer.\n\n\
        Example:\n  keis registry erase --home /var/lib/keis-portal\n  \
        keis registry erase --home /var/lib/keis-portal --person per_0123456789abcdef0123456789abcdef"
)]
pub struct EraseArgs {
    /// The portal's folder
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// The person's id, instead of a code from the standard input
    #[arg(long, value_name = "ID")]
    pub person: Option<PersonId>,
    /// Erase although orders are not over, without asking the network: what is booked ahead is released
    #[arg(long)]
    pub despite_orders: bool,
}

/// Erases a person; says whether nothing of the person is left.
pub(super) async fn run(args: &EraseArgs) -> anyhow::Result<bool> {
    let (home, registry) = open(&args.home).await?;
    let done = erase(args, &home, &registry).await;
    registry.close().await;
    done
}

async fn erase(args: &EraseArgs, home: &PortalHome, registry: &Registry) -> anyhow::Result<bool> {
    let person = match args.person {
        Some(person) => person,
        None => match registry.person_of_code(&ACTOR, &read_code()?).await? {
            Some(person) => person,
            None => {
                // An erasure that was broken off after it was durable: the code leads nowhere any more, the files may.
                registry.sweep().await?;
                eprintln!("keis: nobody in the registry has this code, or no more; nothing was changed");
                return Ok(false);
            }
        },
    };
    let mut circumstances = Circumstances { open_orders: false, despite_them: args.despite_orders };
    if !args.despite_orders {
        let client = portal::gateways(home)?;
        let orders = open_orders(registry, &client, &ACTOR, person).await;
        let orders = orders.or_advise(
            "Whether orders are not over only the network knows: start the node, mend `gateways` in portal.toml, or give \
             --despite-orders.",
        )?;
        circumstances.open_orders = orders.any();
        if orders.any() {
            tell_orders(person, orders);
        }
    }
    match registry.erase(&ACTOR, person, circumstances).await {
        Ok(receipt) => {
            tell(&receipt);
            Ok(true)
        }
        Err(ErasureError::OpenOrders(_)) => Ok(false),
        Err(ErasureError::Registry(RegistryError::PersonUnknown(_))) => already(registry, person).await,
        Err(ErasureError::Registry(error)) => Err(error.into()),
    }
}

/// A code as people write it: ten digits, the first not zero. What was written is never repeated.
fn read_code() -> anyhow::Result<String> {
    eprintln!("Code in the Pupil Register:");
    let mut line = Vec::new();
    std::io::stdin().lock().take(LONGEST).read_until(b'\n', &mut line).context("the code cannot be read")?;
    let text = String::from_utf8_lossy(&line);
    let code = text.trim();
    anyhow::ensure!(
        !code.is_empty(),
        "no code was given\n  Write it on the standard input, or name the person with --person."
    );
    let is_code = code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()) && !code.starts_with('0');
    anyhow::ensure!(is_code, "this is no code of the Pupil Register: it has ten digits, and the first is not zero");
    Ok(code.to_owned())
}

async fn already(registry: &Registry, person: PersonId) -> anyhow::Result<bool> {
    registry.sweep().await?;
    match registry.erasure_of(person).await? {
        Some(Erased { at, .. }) => {
            println!("{person} was erased at {} already; nothing is left to erase.", words::instant(at));
            Ok(true)
        }
        None => {
            eprintln!("keis: nobody in the registry has the id {person}; nothing was changed");
            Ok(false)
        }
    }
}

fn tell_orders(person: PersonId, orders: OpenOrders) {
    let OpenOrders { ahead, begun } = orders;
    eprintln!("keis: {person} is part of orders that are not over; nothing was changed");
    eprintln!("  ahead: {ahead}, under way: {begun}");
    eprintln!("  --despite-orders releases those ahead; the wallet closes once those under way are over.");
}

fn tell(receipt: &ErasureReceipt) {
    println!("{} is erased. Links to wallets destroyed: {}", receipt.person, receipt.wallets);
    if !receipt.closing.is_empty() {
        println!("Wallets that are closed on the ledger while the portal runs: {}", receipt.closing.len());
    }
    if !receipt.swept {
        println!(
            "The database's files are not cleared yet: the portal tries again every minute, and so does this command."
        );
    }
    println!("Keep this id with the backups: a restored one must be erased again.");
}
