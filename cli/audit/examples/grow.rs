//! Grows an invented year and writes it as an export with its founding document, to audit or to measure:
//! `cargo run --release -p keis-audit --example grow FOLDER [CLASSES [PUPILS [ROUNDS [BLOCK]]]]`.

use std::path::PathBuf;

use keis_audit::trial::{Size, Trial};

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder is named"));
    let mut numbers = arguments.map_while(|text| text.parse::<u32>().ok());
    let mut next = |otherwise: u32| numbers.next().unwrap_or(otherwise);
    let size = Size { classes: next(3_000), pupils: next(20), rounds: next(4), block: next(400) as usize };
    let trial = Trial::year(size);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("year.export"), trial.export())?;
    trial.genesis().save(&folder.join("genesis.json")).map_err(std::io::Error::other)?;
    println!("{size:?}: {} transactions, {} records", trial.transactions(), trial.tip().state.len());
    Ok(())
}
