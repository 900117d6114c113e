//! What a record costs as the state grows from 10⁴ to 10⁷ records: `cargo run --release -p keis-ledger --example growth [FILE.svg [MOST]]`.
//! Prints a table, and draws it where a file is named. Ten million records take some 3 GB.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a bench reads the clock; the rules never do")]

mod support;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use keis_ledger::crypto::Hash;
use keis_ledger::tree::Tree;
use plotters::prelude::*;
use support::{Change, key, record, sorted};

/// Records that a block changes.
const CHANGES: u64 = 1_000;
/// Measurements of each figure, of which the middle one is told.
const ROUNDS: u64 = 9;
/// Records that are looked up or proven in one measurement.
const LOOKED_UP: u64 = 10_000;
const SIZES: [u64; 7] = [10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000];

/// Figures of one size; times in microseconds a record.
struct Costs {
    records: u64,
    look_up: f64,
    change: f64,
    insert: f64,
    prove: f64,
    verify: f64,
    proof_bytes: f64,
}

/// The changes of a block; records of one place are one change.
fn block(numbers: impl Iterator<Item = u64>, value: u64) -> Vec<Change> {
    let mut block = sorted(numbers.map(|n| record(n, value)).collect());
    block.dedup_by_key(|(key, _)| *key);
    block
}

/// A tree of the first records.
fn grown(records: u64) -> Tree<u64> {
    let all = sorted((0..records).map(|n| record(n, n)).collect());
    let set = all.into_iter().map(|(key, value)| {
        let (hash, value) = value.expect("only set");
        (key, hash, value)
    });
    Tree::from_sorted(set).expect("the records are sorted")
}

/// The middle of several measurements, in microseconds for each of `unit`.
fn median(unit: u64, mut run: impl FnMut(u64)) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let start = Instant::now();
            run(round);
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2] * 1e6 / unit as f64
}

fn measured(records: u64) -> Costs {
    let mut tree = grown(records);
    // Primes, so that each round meets others.
    let anywhere = |round: u64| (0..CHANGES).map(move |n| (n * 7_919 + round * 104_729) % records);
    let changes: Vec<_> = (0..ROUNDS).map(|round| block(anywhere(round), round)).collect();
    let change = median(CHANGES, |round| {
        // A node keeps the state of before until the block is decided.
        let mut next = tree.clone();
        next.apply(changes[round as usize].iter().cloned());
        tree = next;
    });
    let fresh: Vec<_> =
        (0..ROUNDS).map(|round| block((0..CHANGES).map(|n| records + round * CHANGES + n), round)).collect();
    let insert = median(CHANGES, |round| {
        let mut next = tree.clone();
        next.apply(fresh[round as usize].iter().cloned());
        tree = next;
    });
    let keys: Vec<_> = (0..LOOKED_UP).map(|n| key(n * 7_919 % records)).collect();
    let mut found = 0;
    let look_up = median(LOOKED_UP, |_| found += keys.iter().filter(|key| tree.get(key).is_some()).count());
    assert_eq!(found as u64, ROUNDS * LOOKED_UP, "every record is found");
    let mut proofs = Vec::new();
    let prove = median(LOOKED_UP, |_| proofs = keys.iter().map(|key| tree.prove(key)).collect());
    let root = tree.root();
    let values: Vec<_> = keys.iter().map(|key| tree.value_hash(key)).collect();
    let verify = median(LOOKED_UP, |_| {
        for ((key, value), proof) in keys.iter().zip(&values).zip(&proofs) {
            proof.verify(&root, key, value.as_ref()).expect("a proof of this tree holds");
        }
    });
    let hashes: usize = proofs.iter().map(|proof| proof.path.len()).sum();
    let proof_bytes = (hashes * size_of::<Hash>()) as f64 / LOOKED_UP as f64;
    Costs { records, look_up, change, insert, prove, verify, proof_bytes }
}

/// A line of the drawing: its name and what it tells of a size.
type Line = (&'static str, fn(&Costs) -> f64);

const LINES: [Line; 5] = [
    ("change, in a block of 1,000", |costs| costs.change),
    ("new record, in a block of 1,000", |costs| costs.insert),
    ("look-up", |costs| costs.look_up),
    ("proof, made", |costs| costs.prove),
    ("proof, verified", |costs| costs.verify),
];

fn draw(file: &std::path::Path, all: &[Costs]) -> Result<(), Box<dyn Error>> {
    let most = all.last().map_or(1.0, |last| last.records as f64);
    let highest = all.iter().flat_map(|costs| LINES.map(|(_, of)| of(costs))).fold(0.0, f64::max);
    let area = SVGBackend::new(file, (900, 520)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Microseconds a record, as the state grows", ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((10_000.0..most).log_scale(), 0.0..highest * 1.1)?;
    chart.configure_mesh().x_desc("records").y_desc("µs").light_line_style(WHITE).draw()?;
    for (index, (name, of)) in LINES.into_iter().enumerate() {
        let colour = Palette99::pick(index).to_rgba();
        let points = all.iter().map(|costs| (costs.records as f64, of(costs)));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().map(PathBuf::from);
    let most = arguments.next().map_or(Ok(u64::MAX), |text| text.parse())?;
    println!("| records | look-up µs | change µs | new record µs | proof made µs | verified µs | proof bytes |");
    println!("|---|---|---|---|---|---|---|");
    let mut all = Vec::new();
    for records in SIZES.into_iter().filter(|records| *records <= most) {
        let costs = measured(records);
        let Costs { look_up, change, insert, prove, verify, proof_bytes, .. } = costs;
        println!(
            "| {records} | {look_up:.2} | {change:.1} | {insert:.1} | {prove:.1} | {verify:.1} | {proof_bytes:.0} |"
        );
        all.push(costs);
    }
    match file {
        Some(file) => draw(&file, &all),
        None => Ok(()),
    }
}
