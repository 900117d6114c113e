//! `keis books`: the closing report of a period, equal to the ledger's accounts or told where not.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use keis_ledger::classifiers::Year;
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::Buyer;
use keis_portal::books::{Period, lines, net, rows_table};
use keis_wallet::client::{BookReport, BookRow, Client, Policy, SourceBook};
use serde::Serialize;
use serde_json::json;

use crate::wallet::secret;
use crate::words::{Advice, instant};

/// Arguments of `keis books`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Closing report of a period: accepted, credited, paid, owed, held against the ledger's accounts",
    long_about = "Closing report of a period: accepted, credited, paid, owed, held against the ledger's accounts.\n\n\
        A statement belongs to the period in which its provider accepted it, a credit to the one in which it took effect; periods \
        begin at midnight in Vilnius. The gateway reckons from receipts and orders; what it finds is compared with the sums that \
        the ledger's accounts keep by themselves.",
    after_help = "For officers and auditors. Exit code 0 when everything agrees, 3 when something differs, 1 when there is no \
        report.\n\n\
        Example:\n  keis books --gateway https://keis.example.lt --wallet auditor.wallet --year 2027 --period 2027-Q1\n  \
        keis books --gateway https://keis.example.lt --key auditor.key --year 2027 --csv > report.csv"
)]
pub struct BooksArgs {
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// File of an officer's or auditor's sealed key
    #[arg(long, value_name = "FILE", required_unless_present = "key", conflicts_with = "key")]
    pub wallet: Option<PathBuf>,
    /// File of a machine's key, instead of --wallet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// File with the passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", requires = "wallet")]
    pub passphrase_file: Option<PathBuf>,
    /// Programme year
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// Period: all, 2027, 2027-Q1 or 2027-03
    #[arg(long, value_name = "PERIOD", default_value = Period::ALL, value_parser = period)]
    pub period: Period,
    /// Print the rows as a table for spreadsheets, with semicolons
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn period(text: &str) -> Result<Period, String> {
    Period::named(text).ok_or_else(|| "a period is all, a year, a quarter as 2027-Q1 or a month as 2027-03".to_owned())
}

/// Prints a closing report; says whether it agrees with the ledger's accounts.
///
/// # Errors
/// When no gateway gives a report, or it cannot be printed.
pub fn run(args: &BooksArgs) -> anyhow::Result<bool> {
    let key = match (&args.wallet, &args.key) {
        (Some(wallet), _) => secret::open(wallet, args.passphrase_file.as_deref())?,
        (None, Some(file)) => secret::machine(file)?,
        (None, None) => bail!("the report is for officers and auditors\n  Name the key with --wallet or --key."),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::new(&args.gateways, Policy::default())?.signed_by(key);
    let asked = client.book_report(Year(args.year), args.period.from, args.period.to);
    let report = runtime.block_on(asked).or_advise("Whose key asks? The report is for officers and auditors.")?;
    let report = report.with_context(|| format!("the year {} is not on the ledger", args.year))?;
    if args.json {
        println!("{:#}", json(&report));
    } else if args.csv {
        print!("{}", csv(&report)?);
    } else {
        print(&report, &args.period);
    }
    if !report.agrees {
        eprintln!("keis: what was reckoned is not what the ledger's accounts say");
    }
    Ok(report.agrees)
}

/// The ledger's own word for a value of a closed list; nothing where it is not known.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn buyer(buyer: Buyer) -> String {
    match buyer {
        Buyer::Programme => "programme".to_owned(),
        Buyer::School(school) => school.to_string(),
    }
}

fn csv(report: &BookReport) -> anyhow::Result<String> {
    let heads =
        ["provider", "place", "vat", "money", "buyer", "orders", "pupils", "accepted", "credits", "credited", "net"];
    let called = |row: &BookRow| {
        vec![row.provider.to_string(), word(row.place), word(row.vat), word(row.buyer.source()), buyer(row.buyer)]
    };
    let table = rows_table(heads.map(str::to_owned).to_vec(), report, called)?;
    String::from_utf8(table).context("the table is text")
}

fn json(report: &BookReport) -> serde_json::Value {
    json!({
        "year": report.year, "from": report.from, "to": report.to, "height": report.height, "time": report.time,
        "agrees": report.agrees, "sources": report.sources, "rows": report.rows,
    })
}

fn whose(source: Source) -> &'static str {
    match source {
        Source::State => "state",
        Source::School => "school",
    }
}

fn print(report: &BookReport, period: &Period) {
    println!("year         {}, period {}", report.year, period.name);
    println!("read         at height {}, {}", report.height, instant(report.time));
    for book in &report.sources {
        print_source(book);
    }
    println!("rows         {}, as a table with --csv", report.rows.len());
    println!("verdict      {}", if report.agrees { "equal to the ledger's accounts" } else { "DIFFERS" });
}

fn print_source(book: &SourceBook) {
    println!("{} money, {} statements accepted", whose(book.source), book.statements);
    for line in lines(book) {
        let amount = if line.is_less { net(Cents::ZERO, line.amount) } else { net(line.amount, Cents::ZERO) };
        println!("  {:<12} {:<12} {amount:>18}", line.account, line.entry.replace('_', " "));
    }
    for check in &book.checks {
        let what = check.what.replace('_', " ");
        let (reckoned, account) = (net(check.reckoned, Cents::ZERO), net(check.account, Cents::ZERO));
        let verdict =
            if check.reckoned == check.account { "equal".to_owned() } else { format!("ledger says {account}") };
        println!("  check        {what:<16} {reckoned:>14} {verdict}");
    }
}
