//! Replays an invented year and tells how fast, against what the machine verifies at all:
//! `cargo run --release -p keis-audit --example replay [CLASSES [PUPILS [ROUNDS [BLOCK]]]]`;
//! or the year that `grow` or `nation` has written: `… --example replay FOLDER [SECONDS]`, so long verifying alone.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use keis_audit::Options;
use keis_audit::rate::{Rate, RateError, measure, measure_year};
use keis_audit::trial::Size;
use keis_genesis::Genesis;

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn grown(mut numbers: impl Iterator<Item = u32>) -> Result<Rate, RateError> {
    let mut next = |otherwise: u32| numbers.next().unwrap_or(otherwise);
    let size = Size { classes: next(3_000), pupils: next(20), rounds: next(4), block: next(400) as usize };
    println!("{size:?}");
    measure_year(size, &Options::default(), Duration::from_secs(4), |_| ())
}

fn written(folder: &Path, seconds: u64) -> Result<Rate, RateError> {
    let genesis = Genesis::load(&folder.join("genesis.json")).expect("the folder has a founding document");
    let export = File::open(folder.join("year.export")).expect("the folder has an export");
    measure(BufReader::new(export), &genesis, &Options::default(), Duration::from_secs(seconds), |_| ())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut numbers = arguments.iter().map_while(|text| text.parse::<u32>().ok());
    let rate = match arguments.first() {
        Some(folder) if folder.parse::<u32>().is_err() => {
            let seconds = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(4);
            written(Path::new(folder), seconds)
        }
        Some(_) | None => grown(&mut numbers),
    };
    println!("{:#?}", rate.expect("the year is lawful"));
}
