//! `keis demo`: four validators as four processes live through a programme year of files.

mod audited;
mod batches;
mod billing;
mod book;
mod decide;
mod drive;
mod exceptions;
mod house;
mod lived;
mod report;
mod settle;
mod setup;
mod translate;
mod witness;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use keis_genesis::Genesis;
use keis_ledger::time::Span;
use keis_registry::permission::Role;
use keis_registry::users::RoleClaim;
use keis_wallet::random::new_key;

use crate::found;
use crate::processes::Processes;
use crate::programme::Programme;
use crate::sample::{self, Size};
pub use audited::Audited;
use audited::Giver;
use billing::Desk;
use book::Book;
use drive::{Driver, timestamp};
pub use exceptions::Exceptions;
use house::House;
use lived::Lived;
pub use report::{Latency, Money, Report, SettlementFigures};
use translate::Officers;

/// Arguments of `keis demo`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Run a whole programme year on a simulated network of validators",
    long_about = "Run a whole programme year on a simulated network of validators.\n\n\
        Starts the validators as processes of their own, loads a programme year from files, drives it through the REST \
        gateways until every statement is invoiced, approved, paid and found at the bank, and the year is sealed. On the way things \
        go wrong as they do: disputes, reversals, a day of force majeure, an outage, lost keys, a provider that ends. The exit \
        code is 0 only if all state roots are equal, the money equation holds, every order ended where the calendar says, every \
        cent was paid or returned, the year is sealed, and an auditor with nothing but an export finds everything sound.\n\n\
        With --keep the network stays up afterwards: the next year is opened from a central database, and the web portal \
        answers on this machine. It says who can sign in as what; time passes as outside.",
    after_help = "Examples:\n  keis demo\n  keis demo --keep\n  keis sample --out year-2027 && keis demo --data year-2027 --chaos --report figures.json"
)]
pub struct DemoArgs {
    /// Folder of a programme year, as `keis sample` writes it; without it the default sample is made
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder in which the network's folders are kept; without it they are temporary
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Number of validators
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub validators: usize,
    /// Open the portal at the end, with sample people and a year in which they can order, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Skip the year of the files: open the portal over its beginning
    #[arg(long, requires = "keep", conflicts_with_all = ["chaos", "report"])]
    pub no_year: bool,
    /// Kill a validator with kill -9, again and again, and restart it while orders run
    #[arg(long)]
    pub chaos: bool,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// How often the clock of an open house is stepped.
const TICK: Duration = Duration::from_secs(1);

/// What people see while it runs.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{elapsed_precise} {msg:<40} {wide_bar} {pos}/{len}");
        bar.set_style(style.expect("the template is a constant that is tried by every run"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    fn stage(&self, what: &str, steps: usize) {
        if self.bar.is_hidden() {
            eprintln!("{what}");
        }
        self.bar.set_position(0);
        self.bar.set_length(steps as u64);
        self.bar.set_message(what.to_owned());
    }

    fn add(&self, steps: u64) {
        self.bar.inc(steps);
    }
}

/// Runs `keis demo`; says whether the year came out as it must.
///
/// # Errors
/// When the files, the folder or the network are of no use.
pub fn run(args: &DemoArgs) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let ended = keis_node::run::asked_to_end().context("cannot listen for signals")?;
        tokio::pin!(ended);
        let outcome = tokio::select! {
            // Boxed, like the house below: one large future of futures takes minutes to compile.
            outcome = Box::pin(live(args)) => outcome?,
            () = &mut ended => anyhow::bail!("interrupted; the validators were stopped"),
        };
        match outcome.end {
            End::Open(open) => open.until(ended).await?,
            End::Over(_folder) => {}
        }
        Ok(outcome.holds)
    })
}

/// Keys of those who act for the institutions.
fn officers(folder: &Path, founded: &found::Network) -> anyhow::Result<Officers> {
    let genesis = Genesis::load(&folder.join(found::GENESIS_FILE))?;
    let key = founded.operator.public();
    let operator = genesis.document().officers.iter().find(|officer| officer.key == key);
    Ok(Officers {
        operator: founded.operator.clone(),
        accountant: new_key(),
        budget_holder: founded.budget_holder.clone(),
        operator_institution: operator.context("the operator's officer is not in the founding document")?.institution,
        governance: founded.governance.iter().map(|keys| keys[0].clone()).collect(),
    })
}

/// What stands when the year is over.
struct Outcome {
    end: End,
    holds: bool,
}

enum End {
    /// The folders go with this, where they are temporary.
    Over(Folder),
    Open(Box<Open>),
}

async fn live(args: &DemoArgs) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    // A report that cannot be written is better known before the year than after it.
    let report_file = args.report.as_deref().map(report_file).transpose()?;
    let progress = Progress::new();
    progress.stage("reading the programme year", 0);
    let programme = programme(args.data.as_deref())?;
    let folder = Folder::of(args)?;
    let begin = timestamp(programme.parameters.window.start.seconds()).before(Span::days(2));
    let mut founded = found::simulated(&folder.path, args.validators, begin)?;
    progress.stage("starting the validators", 0);
    let mut processes = Processes::start(&mut founded).await?;
    let officers = officers(&folder.path, &founded)?;
    let mut book = Book::new(&programme);
    let gateways = processes.gateways();
    let ground = house::found(&folder.path, &officers, &gateways, &mut book, &programme).await?;
    let mut driver = Driver::new(&gateways, founded.hash, founded.driver, book, officers, begin)?;
    driver.step(begin.after(Span(1000))).await?;
    setup::ground(&mut driver, &programme, &progress).await?;
    progress.stage("details for invoices", 0);
    let mut desk = Desk::new(ground.registry.clone(), &driver);
    desk.furnish(&driver, &programme).await?;
    let mut holds = true;
    if !args.no_year {
        let (folder, registry) = (&folder.path, &ground.registry);
        let lived = Lived { programme: &programme, folder, registry, chaos: args.chaos, started };
        let mut report = lived.whole(&mut driver, &mut processes, desk, &progress).await?;
        let giver = if args.keep {
            Giver::Gateway { addresses: processes.gateways(), key: ground.operator_key() }
        } else {
            processes.stop().await?;
            Giver::Folder(processes.first_home().context("a network has validators")?)
        };
        progress.stage("the auditor", 0);
        let told = (driver.book.year, &report.money);
        report.audit = Some(audited::audit(folder, args.home.is_some(), &giver, told).await?);
        progress.bar.suspend(|| print!("{}", report.page()));
        holds = report.holds();
        if let (Some(file), Some(path)) = (report_file, &args.report) {
            write_report(&report, file, path)?;
        }
    }
    ground.registry.close().await;
    let end = if args.keep {
        let opening = house::open(ground, &mut driver, &programme, !args.no_year, &progress);
        let house = Box::pin(opening).await?;
        End::Open(Box::new(Open { house, driver, processes, _folder: folder }))
    } else {
        End::Over(folder)
    };
    progress.bar.finish_and_clear();
    Ok(Outcome { end, holds })
}

fn write_report(report: &Report, mut file: tempfile::NamedTempFile, path: &Path) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(report).expect("the report is plain data");
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).context("cannot write the report")?;
    file.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// A file beside the report's place, which takes that place at the end: an earlier report is not lost to a run that fails.
fn report_file(path: &Path) -> anyhow::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder);
    file.with_context(|| format!("cannot write {}", path.display()))
}

/// The year of a folder of files; without one, of the default sample, written and read like any other.
fn programme(data: Option<&Path>) -> anyhow::Result<Programme> {
    if let Some(folder) = data {
        return Ok(Programme::load(folder)?);
    }
    let folder = tempfile::Builder::new().prefix("keis-sample-").tempdir().context("a temporary folder")?;
    sample::invent(Size::default(), 1, &ProgressBar::hidden()).write(folder.path())?;
    Ok(Programme::load(folder.path())?)
}

/// Where the network's folders lie; a temporary one goes with this value.
struct Folder {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Folder {
    fn of(args: &DemoArgs) -> anyhow::Result<Self> {
        match &args.home {
            Some(path) => Ok(Self { path: path.clone(), _temporary: None }),
            None => {
                let temporary =
                    tempfile::Builder::new().prefix("keis-demo-").tempdir().context("a temporary folder")?;
                Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) })
            }
        }
    }
}

/// The open house over its network.
struct Open {
    house: House,
    driver: Driver,
    processes: Processes,
    /// The folders go with this value, where they are temporary.
    _folder: Folder,
}

impl Open {
    /// Says who can do what where, lets time pass, and ends with `ended`.
    async fn until(mut self, ended: impl Future<Output = ()>) -> anyhow::Result<()> {
        self.tell();
        let (begun, opened) = (self.driver.now(), Instant::now());
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => break,
                _ = ticks.tick() => {
                    let passed = u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX);
                    if let Err(error) = self.driver.step(begun.after(Span(passed))).await {
                        eprintln!("keis: the clock stands still: {error:#}");
                    }
                }
            }
        }
        self.house.close().await;
        self.processes.stop().await
    }

    fn tell(&self) {
        println!("The network stays up. Its gateways:");
        for (name, address) in self.processes.names() {
            println!("  {name:<10}{address}");
        }
        println!("Sign in at {}signin as", self.house.url);
        for person in &self.house.people {
            let roles: Vec<String> = person.roles.iter().map(role).collect();
            println!("  {:<24}{}", person.name, roles.join(", "));
        }
        println!("A coordinator, teacher or provider makes a key first (My keys); the officer approves it (Keys).");
        println!(
            "Invoices leave into {}, which stands for the buyer's system.",
            self.house.buyer.join("out").display()
        );
        println!("The portal answers at {}", self.house.url);
        println!("Stop everything with Ctrl-C.");
        _ = std::io::stdout().flush();
    }
}

fn role(claim: &RoleClaim) -> String {
    let what = match claim.role {
        Role::Coordinator => "coordinator of school",
        Role::Teacher => "teacher at school",
        Role::ProviderStaff => "staff of provider",
        Role::Officer => "officer of the operator",
        Role::BudgetOfficer => "officer of the budget holder",
    };
    match &claim.body {
        Some(body) => format!("{what} {body}"),
        None => what.to_owned(),
    }
}
