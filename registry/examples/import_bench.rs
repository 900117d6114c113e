//! How long a national extract takes, and how much memory: `import_bench FOLDER [sqlite:PATH | postgres://…]`.
//!
//! FOLDER holds `schools.csv`, `providers.csv`, `pupils.csv` and `pupil_changes.csv`, as `keis sample --national` writes them. The
//! database must be new. Figures are seconds by the clock and of the processor, memory now, and the greatest with mapped pages of
//! SQLite's file.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use keis_registry::import::{Kind, Options, allocate, import_providers, import_pupils, import_schools, open_wallets};
use keis_registry::{Actor, MasterKey, Registry, wallets};

const ACTOR: Actor = Actor::System("bench");
const YEAR: Year = Year(2027);

/// A figure of this process, in MB.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Processor seconds of this process so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>();
    ticks as f64 / 100.0
}

fn say(what: &str, began: Instant) {
    let (own, most) = (memory("RssAnon:"), memory("VmHWM:"));
    let (wall, worked) = (began.elapsed().as_secs_f64(), processor());
    println!(
        "{what:<44} {wall:>7.1} s, processor {worked:>6.1} s in all, {own:>4} MB of its own, {most:>4} MB with the file at most"
    );
}

async fn pupils(registry: &Registry, file: &Path, options: Options, what: &str) {
    let began = Instant::now();
    let file = File::open(file).expect("the folder holds the extracts");
    let report = import_pupils(registry, &ACTOR, file, options, &mut |_| {}).await.expect("the extract is taken over");
    say(what, began);
    println!(
        "    {} lines: {} arrived, {} moved, {} left, {} unchanged, {} bad",
        report.lines, report.arrived, report.moved, report.left, report.unchanged, report.bad
    );
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the first argument is the folder of the extracts");
    let folder = Path::new(&folder);
    let own = tempfile::tempdir().expect("a temporary folder");
    let url = arguments.next().unwrap_or_else(|| format!("sqlite:{}", own.path().join("registry.db").display()));
    let registry = Registry::open(&url, &MasterKey::generate()).await.expect("the database opens");

    let began = Instant::now();
    let file = |name: &str| File::open(folder.join(name)).expect("the folder holds the extracts");
    let schools = file("schools.csv");
    import_schools(&registry, &ACTOR, schools, false, &mut |_| {}).await.expect("schools are taken over");
    let providers = file("providers.csv");
    import_providers(&registry, &ACTOR, providers, false, &mut |_| {}).await.expect("providers are taken over");
    say("schools and providers", began);

    let all = folder.join("pupils.csv");
    let full = Options::new(Kind::Full, YEAR, Timestamp(1));
    pupils(&registry, &all, full.clone(), "full extract into an empty registry").await;
    pupils(&registry, &all, full.clone(), "the same again").await;
    pupils(&registry, &all, full.dry(), "the same as a trial").await;

    let began = Instant::now();
    let opened = open_wallets(&registry, &ACTOR, YEAR).await.expect("wallets are enqueued");
    say("wallets enqueued to be opened", began);
    let began = Instant::now();
    let funded = allocate(&registry, &ACTOR, YEAR).await.expect("money is enqueued");
    say("year marked to be funded", began);
    println!("    {opened} wallets to open, {funded} to fund");

    let changes = Options::new(Kind::Delta, YEAR, Timestamp(1));
    let file = folder.join("pupil_changes.csv");
    pupils(&registry, &file, changes.clone(), "a year's changes").await;
    pupils(&registry, &file, changes, "the same changes again").await;

    let began = Instant::now();
    let mut after = None;
    let mut read: u64 = 0;
    loop {
        let page = wallets::of_year(&registry, YEAR, after.as_ref(), 1_000).await.expect("wallets are read");
        read += page.wallets.len() as u64;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    say("all wallets read and opened", began);
    println!("    {read} wallets");
    registry.close().await;
}
