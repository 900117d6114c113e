//! Replays an invented year and tells how fast, against what the machine verifies at all:
//! `cargo run --release -p keis-audit --example replay [CLASSES [PUPILS [ROUNDS [BLOCK]]]]`.

use std::time::Duration;

use keis_audit::Options;
use keis_audit::rate::measure_year;
use keis_audit::trial::Size;

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut numbers = std::env::args().skip(1).map_while(|text| text.parse::<u32>().ok());
    let mut next = |otherwise: u32| numbers.next().unwrap_or(otherwise);
    let size = Size { classes: next(3_000), pupils: next(20), rounds: next(4), block: next(400) as usize };
    let rate = measure_year(size, &Options::default(), Duration::from_secs(4), |_| ());
    let rate = rate.expect("the invented year is lawful");
    println!("{size:?}");
    println!("{rate:#?}");
}
