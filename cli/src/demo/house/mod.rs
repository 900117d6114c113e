//! What `keis demo --keep` leaves open: the portal with sample people, over a year in which people can order.
//!
//! The central database is filled as an operator fills it: the register's extract is imported, wallets and money go out
//! through the outbox. A little life stands in it when the doors open: sessions, orders in several states.

mod calendar;
mod life;
mod own;
mod people;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use keis_genesis::Genesis;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, Operation};
use keis_ledger::time::{Span, Timestamp};
use keis_portal::settings::{Dispatch, DispatchKind, Limits, Settings};
use keis_portal::signin::SamplePerson;
use keis_registry::import::{self, Kind, Options};
use keis_registry::outbox::{self, New, Office, OutboxState};
use keis_registry::{Actor, Registry};
use keis_wallet::random::new_key;
use keis_wallet::secret_file;
use tokio::time::Instant;

use super::Progress;
use super::book::Book;
use super::drive::Driver;
use super::setup;
use super::translate::Officers;
use crate::found;
use crate::portal::home::{BUDGET_HOLDER_KEY, File, GENESIS, MASTER_KEY, OPERATOR_KEY, PortalHome};
use crate::portal::{self, Running};
use crate::programme::Programme;

/// Name of the portal's folder beside those of the nodes.
const FOLDER: &str = found::PORTAL;
/// How long the outbox may take for all wallets of the register.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Between two looks at the outbox.
const PAUSE: Duration = Duration::from_millis(100);
/// Seconds between two looks at what the buyer's system says.
const LOOK_AT_BUYER: u64 = 1;
/// What the registry's log calls the demo.
const ACTOR: Actor = Actor::System("demo");

/// The open house.
pub(super) struct House {
    running: Running,
    /// Where the portal answers.
    pub(super) url: String,
    /// The folder that stands for the buyer's system.
    pub(super) buyer: PathBuf,
    /// Who can sign in.
    pub(super) people: Vec<SamplePerson>,
}

impl House {
    /// Lets requests under way end.
    pub(super) async fn close(self) {
        self.running.stop().await;
    }
}

/// A house before its doors open: the portal's folder and a registry that knows schools and providers.
pub(super) struct Ground {
    home: PortalHome,
    /// The central database, open until the house is.
    pub(super) registry: Registry,
}

impl Ground {
    /// The file of the key of an officer of the operator.
    pub(super) fn operator_key(&self) -> PathBuf {
        self.home.path(OPERATOR_KEY.as_ref())
    }
}

/// Makes the portal's folder in that of a founded network. The wallets of schools and providers, which are opened next,
/// get the ids that the registry draws.
pub(super) async fn found(
    folder: &Path,
    officers: &Officers,
    gateways: &[String],
    book: &mut Book,
    programme: &Programme,
) -> anyhow::Result<Ground> {
    let home = furnish(&folder.join(FOLDER), &folder.join(found::GENESIS_FILE), officers, gateways)?;
    let registry = portal::registry(&home).await?;
    people::enrol(&registry, book, programme).await?;
    Ok(Ground { home, registry })
}

/// Opens the portal of a network on which schools, providers and services stand. `lived` says that the files' year is
/// over, so that the next one is opened.
pub(super) async fn open(
    ground: Ground,
    driver: &mut Driver,
    programme: &Programme,
    lived: bool,
    progress: &Progress,
) -> anyhow::Result<House> {
    let home = ground.home;
    let year = Year(driver.book.year.0 + u16::from(lived));
    let mut parameters = setup::parameters(programme, driver.now());
    if lived {
        parameters = calendar::shifted(&parameters, 1)?;
        // The year is some weeks old: whoever is in the extract now was there from its beginning.
        parameters.register_until = parameters.window_from.max(driver.now()).after(FIRST_WEEKS);
    }
    let people = people::sample(programme);
    let running = portal::start(&home, people.clone()).await?;
    let registry = running.registry();
    register(&registry, programme, year, driver.now(), progress).await?;
    progress.stage("the programme year", 0);
    let budget = parameters.amount_per_pupil.checked_mul(programme.pupils.len() as u64);
    let budget = budget.context("the budget does not fit")?;
    let doors = monday_morning(parameters.window_from.max(driver.now()).after(FIRST_WEEKS));
    let reserve = Cents::new(programme.parameters.reserve_cents);
    let year_opened = FundsOperation::OpenYear { year, parameters, budget, reserve };
    enqueue(&registry, Office::BudgetHolder, Operation::Funds(year_opened)).await?;
    settle(&registry, driver).await?;
    progress.stage("wallets of pupils", 0);
    import::open_wallets(&registry, &ACTOR, year).await?;
    settle(&registry, driver).await?;
    import::allocate(&registry, &ACTOR, year).await?;
    settle(&registry, driver).await?;
    progress.stage("some weeks of orders", 0);
    life::live(driver, &registry, programme, year, doors).await?;
    let buyer = home.path(found::BUYER.as_ref());
    Ok(House { url: home.settings.portal.public_url.to_string(), buyer, running, people })
}

/// The doors open so long after the beginning.
const FIRST_WEEKS: Span = Span::days(35);

/// Eight o'clock, UTC, of the first Monday after an instant.
fn monday_morning(at: Timestamp) -> Timestamp {
    const DAY: u64 = Span::days(1).0;
    let mut day = at.0 / DAY + 1;
    // Day 0 was a Thursday.
    while !(day + 3).is_multiple_of(7) {
        day += 1;
    }
    Timestamp(day * DAY + DAY / 3)
}

/// Makes the portal's folder: settings, keys, a copy of the founding document.
fn furnish(folder: &Path, genesis: &Path, officers: &Officers, gateways: &[String]) -> anyhow::Result<PortalHome> {
    let listen = found::free_port()?.local_addr()?;
    let public_url = format!("http://{listen}/").parse().context("the portal's address")?;
    let mut dispatch = Dispatch::new(DispatchKind::Folder, found::BUYER);
    dispatch.look_seconds = LOOK_AT_BUYER;
    let settings = File {
        genesis: GENESIS.into(),
        gateways: gateways.to_vec(),
        database: "sqlite:registry.sqlite".to_owned(),
        master_key: Some(MASTER_KEY.into()),
        operator_key: OPERATOR_KEY.into(),
        budget_holder_key: Some(BUDGET_HOLDER_KEY.into()),
        invoices_folder: Some(found::INVOICES.into()),
        portal: Settings {
            listen,
            public_url,
            tls: None,
            oidc: Vec::new(),
            simulated_sign_in: true,
            limits: Limits::default(),
            dispatch: Some(dispatch),
            metrics: None,
        },
    };
    let home = PortalHome::create(folder, settings)?;
    Genesis::load(genesis)?.save(&home.path(GENESIS.as_ref()))?;
    secret_file::create(&home.path(MASTER_KEY.as_ref()), &new_key())?;
    secret_file::create(&home.path(OPERATOR_KEY.as_ref()), &officers.operator)?;
    secret_file::create(&home.path(BUDGET_HOLDER_KEY.as_ref()), &officers.budget_holder)?;
    Ok(home)
}

/// Imports the register's extract of the files.
async fn register(
    registry: &Registry,
    programme: &Programme,
    year: Year,
    at: Timestamp,
    progress: &Progress,
) -> anyhow::Result<()> {
    progress.stage("the Pupil Register", programme.pupils.len());
    let files = tempfile::Builder::new().prefix("keis-extract-").tempdir().context("a temporary folder")?;
    programme.write(files.path())?;
    let extract = std::fs::File::open(files.path().join("pupils.csv")).context("the register's extract")?;
    let options = Options::new(Kind::Full, year, at);
    let report = import::import_pupils(registry, &ACTOR, extract, options, &mut |_| {}).await?;
    anyhow::ensure!(report.bad == 0, "{} lines of the sample's extract are faulty", report.bad);
    Ok(())
}

async fn enqueue(registry: &Registry, office: Office, operation: Operation) -> anyhow::Result<()> {
    let mut work = registry.begin().await?;
    outbox::enqueue(&mut work, &ACTOR, New::of(office, "demo", operation)).await?;
    Ok(work.commit().await?)
}

/// Waits until the ledger has everything that waited for it. Time passes meanwhile.
async fn settle(registry: &Registry, driver: &mut Driver) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let counts = outbox::counts(registry).await?;
        let of = |state| counts.iter().filter(|(one, _)| *one == state).map(|(_, count)| count).sum::<u64>();
        let refused = of(OutboxState::Refused);
        anyhow::ensure!(refused == 0, "the ledger refused {refused} of the demo's operations");
        let waiting: u64 = counts.iter().filter(|(state, _)| !state.is_final()).map(|(_, count)| count).sum();
        if waiting == 0 {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "the outbox does not empty; {waiting} operations wait");
        tokio::time::sleep(PAUSE).await;
        driver.step(driver.now().after(Span(100))).await?;
    }
}

/// Wallets of a school's pupils who can pay a price, by the registry.
async fn wallets(
    registry: &Registry,
    school: keis_ledger::ids::SchoolId,
    year: Year,
) -> anyhow::Result<Vec<(u8, PupilId)>> {
    let pupils = registry.school_pupils(&ACTOR, school, year).await?;
    Ok(pupils.into_iter().filter_map(|card| Some((card.grade, card.wallet?))).collect())
}
