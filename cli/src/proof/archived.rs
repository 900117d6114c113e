//! `keis proof from-export`: records of sealed years, which no node holds any more, out of an export that is audited first.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use keis_audit::{Archive, Change, Options};
use keis_genesis::Genesis;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, PupilId, SchoolId, SessionId, StatementId};
use keis_ledger::record::{
    Bill, Dispute, Order, ProviderPurse, Pupil, Record, SchoolPurse, Session, Statement, YearRecord,
};
use keis_wallet::verify::{Handover, SealedRecordFile, Under, YearlyRecord};
use serde_json::{Value, json};

use super::{count_of_times, keep, of, tell};
use crate::words::{Advice, instant};

/// Arguments of `keis proof from-export`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Prove a record of a sealed year out of an export of the ledger",
    long_about = "Prove a record of a sealed year out of an export of the ledger.\n\n\
        Sealing a year leaves one entry of it on the ledger; its records live on in exports. The whole export is audited first, which \
        takes as long as `keis audit`. Where the year had no such record, that is proven.",
    after_help = "Exit code 0 when the record is proven, 3 when it is proven that the year had none, 1 when the export is not sound \
        or seals no such year.\n\n\
        Example:\n  keis proof from-export ledger.export --genesis genesis.json --year 2027 --order ord_… --out order.json",
    group = ArgGroup::new("yearly").required(true)
)]
pub struct FromExportArgs {
    /// Export, from the first block on, as `keis export` writes it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// The sealed year
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// The year's rules and money, as they were last
    #[arg(long, group = "yearly")]
    pub rules: bool,
    /// An order with its lines
    #[arg(long, value_name = "ID", group = "yearly")]
    pub order: Option<OrderId>,
    /// A statement
    #[arg(long, value_name = "ID", group = "yearly")]
    pub statement: Option<StatementId>,
    /// A statement's invoice, approval and payments
    #[arg(long, value_name = "ID", group = "yearly")]
    pub bill: Option<StatementId>,
    /// The last dispute on an order
    #[arg(long, value_name = "ID", group = "yearly")]
    pub dispute: Option<OrderId>,
    /// A session
    #[arg(long, value_name = "ID", group = "yearly")]
    pub session: Option<SessionId>,
    /// A school's own money
    #[arg(long, value_name = "ID", group = "yearly")]
    pub school: Option<SchoolId>,
    /// A provider's earned money
    #[arg(long, value_name = "ID", group = "yearly")]
    pub provider: Option<ProviderId>,
    /// A pupil's wallet
    #[arg(long, value_name = "ID", group = "yearly")]
    pub pupil: Option<PupilId>,
    /// Keep the record in a new file, for `keis proof verify`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl FromExportArgs {
    fn key(&self) -> Option<YearlyRecord> {
        let statement = self.statement.map(|id| YearlyRecord::Statement { id });
        let bill = self.bill.map(|id| YearlyRecord::Bill { id });
        let order = self.order.map(|id| YearlyRecord::Order { id });
        let dispute = self.dispute.map(|id| YearlyRecord::Dispute { id });
        let session = self.session.map(|id| YearlyRecord::Session { id });
        let school = self.school.map(|id| YearlyRecord::School { id });
        let provider = self.provider.map(|id| YearlyRecord::Provider { id });
        let pupil = self.pupil.map(|id| YearlyRecord::Pupil { id });
        let rules = self.rules.then_some(YearlyRecord::Year {});
        order.or(statement).or(bill).or(dispute).or(session).or(school).or(provider).or(pupil).or(rules)
    }
}

/// Audits the export and proves the record; says whether the year had it.
pub(super) fn run(args: &FromExportArgs) -> anyhow::Result<bool> {
    let key = args.key().context("name the record: --order, --statement, --bill or another")?;
    let genesis = Genesis::load(&args.genesis)?;
    let archive = audited(args, &genesis)?;
    let year = Year(args.year);
    let Some(kept) = archive.prove(year, &key.key(year)) else {
        let years: Vec<String> = archive.years().map(|year| year.to_string()).collect();
        let sealed = if years.is_empty() { "no year".to_owned() } else { years.join(", ") };
        bail!("the export seals {sealed}, not {year}; a record of an open year comes from a gateway: `keis proof get`");
    };
    let handover = |change: Change| {
        let Change { header, certificate, validators } = change;
        Handover { header, certificate, validators }
    };
    let handovers = kept.changes.into_iter().map(handover).collect();
    let under = Under { handovers, header: kept.header, certificate: kept.certificate };
    let file = SealedRecordFile::new(under, (year, &kept.sealed), (key, kept.record.as_ref()), kept.proof);
    file.verify(&genesis.hash(), genesis.validators()).context("what the export proves does not verify")?;
    if let Some(out) = &args.out {
        keep(out, &file)?;
    }
    show(&file, args.json)
}

fn audited(args: &FromExportArgs, genesis: &Genesis) -> anyhow::Result<Archive> {
    let read = || format!("cannot read {}", args.file.display());
    let file = File::open(&args.file).with_context(read)?;
    let bar = ProgressBar::new(file.metadata().with_context(read)?.len());
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, block {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let audited = keis_audit::archive(BufReader::new(file), genesis, &Options::default(), |progress| {
        bar.set_position(progress.bytes);
        bar.set_message(progress.height.to_string());
    });
    bar.finish_and_clear();
    let (report, archive) = audited.with_context(read).or_advise("`keis export` writes what is read here.")?;
    match (&report.fault, archive) {
        (None, Some(archive)) => Ok(archive),
        (Some(fault), _) => bail!("{} is not sound: {fault}", args.file.display()),
        (None, None) => bail!("{} is a piece; an export from the first block on is needed", args.file.display()),
    }
}

/// Tells a verified file.
pub(super) fn show(file: &SealedRecordFile, json: bool) -> anyhow::Result<bool> {
    let unread = "the file holds no record of this kind";
    let (sealed, record) = (file.sealed().context(unread)?, file.decoded().context(unread)?);
    let content = record.as_ref().and_then(|record| content(file.key, record));
    if json {
        let header = &file.header;
        let told = json!({
            "key": file.key, "year": file.year, "sealed_at": sealed.at, "height": header.height, "time": header.time,
            "verified": true, "record": content,
        });
        println!("{told:#}");
        return Ok(record.is_some());
    }
    println!("year {}, sealed {}", file.year, instant(sealed.at));
    println!("proven by    block {}, {}", file.header.height, instant(file.header.time));
    println!("validators   changed {} since genesis", count_of_times(file.handovers.len()));
    println!("verified     against the founding document");
    tell(content.as_ref(), "the year had no such record when it was sealed");
    Ok(record.is_some())
}

/// The record's content, by the names of its fields.
fn content(key: YearlyRecord, record: &Record) -> Option<Value> {
    match key {
        YearlyRecord::Year {} => of::<YearRecord>(record),
        YearlyRecord::Pupil { .. } => of::<Pupil>(record),
        YearlyRecord::School { .. } => of::<SchoolPurse>(record),
        YearlyRecord::Provider { .. } => of::<ProviderPurse>(record),
        YearlyRecord::Session { .. } => of::<Session>(record),
        YearlyRecord::Order { .. } => of::<Order>(record),
        YearlyRecord::Statement { .. } => of::<Statement>(record),
        YearlyRecord::Bill { .. } => of::<Bill>(record),
        YearlyRecord::Dispute { .. } => of::<Dispute>(record),
    }
}
