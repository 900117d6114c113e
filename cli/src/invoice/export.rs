//! `keis invoice export`: invoices of whole periods as files, with an index beside them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keis_einvoice::{Kind, Reading};
use keis_einvoice_print::{Language, Sheet};

use super::SourceArgs;
use super::files::Files;
use super::index::{self, Row};
use super::period::Period;
use super::source::{Paper, Source};

/// Name of the index.
const INDEX: &str = "index.csv";

/// Arguments of `keis invoice export`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Write the invoices and credit notes that the ledger names to files, with an index beside them",
    long_about = "Write the invoices and credit notes that the ledger names to files, with an index beside them.\n\n\
        Credit notes about reversals are among them. A file lies in the folder of its month of supply and is named by its statement; \
        index.csv says of each what it is and comes to. Called again it goes on: files that are there and equal stay, one that \
        differs ends it unless forced.",
    after_help = "With --home no network needs to run where the folder is a demo's: the ledger's file lies in it.\n\n\
        Examples:\n  keis demo --home DIR && keis invoice export --home DIR --out invoices\n  \
        keis invoice export --home /var/lib/keis-portal --period 2027-03 --out invoices --pdf\n  \
        keis invoice export --gateway https://keis.example.lt --wallet theatre.wallet --out invoices"
)]
pub struct ExportArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    /// Month or year of supply; all if absent
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Period>,
    /// Folder to fill, or to go on with
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write a PDF to read beside each
    #[arg(long)]
    pub pdf: bool,
    /// Write an HTML page to read beside each
    #[arg(long)]
    pub html: bool,
    /// Language of what is to be read: lt or en
    #[arg(long, value_name = "LANGUAGE", default_value = "lt")]
    pub language: Language,
    /// Write over files that differ
    #[arg(long)]
    pub force: bool,
}

/// Writes the files.
pub(super) async fn run(args: &ExportArgs) -> anyhow::Result<bool> {
    let bar = progress();
    bar.set_message("reading the ledger");
    let source = Source::open(&args.source).await?;
    bar.set_length(source.expected());
    bar.set_message("invoices");
    let mut files = Files::at(&args.out, args.force)?;
    let mut rows = index::read(&files.path(INDEX))?;
    let mut found = 0_usize;
    let filled = source
        .papers(None, &mut |paper| {
            bar.inc(1);
            let reading = Reading::parse(&paper.bytes).context("a document of the ledger cannot be read")?;
            let period = Period::of(&reading);
            if args.period.is_some_and(|wanted| !wanted.has(period)) {
                return Ok(());
            }
            found += 1;
            let name = name(&paper, &reading, period);
            write(args, &mut files, &name, &paper, &reading)?;
            let row = Row::of(&paper, &reading, format!("{name}.xml"));
            rows.insert(row.file.clone(), row);
            Ok(())
        })
        .await;
    source.close().await;
    bar.finish_and_clear();
    // What came so far is sound, and told.
    files.replace(INDEX, &index::text(&rows)?)?;
    filled?;
    println!("{}", args.out.display());
    println!("documents    {found}");
    println!("files        {} new, {} there already", files.written, files.kept);
    println!("index        {}", files.path(INDEX).display());
    if found == 0 {
        println!("Nothing was found for this period.");
    }
    Ok(true)
}

fn write(args: &ExportArgs, files: &mut Files, name: &str, paper: &Paper, reading: &Reading) -> anyhow::Result<()> {
    files.keep(&format!("{name}.xml"), &paper.bytes)?;
    if args.pdf || args.html {
        let sheet = Sheet::of(reading, args.language);
        if args.pdf {
            files.keep(&format!("{name}.pdf"), &sheet.to_pdf()?)?;
        }
        if args.html {
            files.keep(&format!("{name}.html"), &sheet.to_html())?;
        }
    }
    Ok(())
}

/// A file's name without its ending: a statement has one invoice that stands, and any number of credit notes.
fn name(paper: &Paper, reading: &Reading, period: Period) -> String {
    let statement = paper.key.1;
    match reading.received.kind {
        Kind::Invoice => format!("{period}/{statement}"),
        Kind::CreditNote => format!("{period}/{statement}-credit-{}", &hex::encode(paper.commitment.0)[..12]),
    }
}

fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{elapsed_precise} {msg:<20} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
