//! The year from its opening to its seal, and what is read back of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use keis_ledger::chain::Height;
use keis_ledger::record::YearState;
use keis_registry::Registry;
use keis_wallet::client::{OrdersSummary, Status};

use super::batches::{self, Event};
use super::billing::Desk;
use super::drive::{Driver, timestamp};
use super::exceptions::Weeks;
use super::report::{self, Report};
use super::settle::{self, Books};
use super::witness::Witnesses;
use super::{Progress, decide, setup};
use crate::processes::Processes;
use crate::programme::Programme;

/// How many times `--chaos` kills a validator in the year.
const KILLS: usize = 8;
/// How long the nodes may take to come to rest at the same block.
const REST: Duration = Duration::from_secs(600);

/// A year to live.
pub(super) struct Lived<'a> {
    pub(super) programme: &'a Programme,
    pub(super) folder: &'a Path,
    pub(super) registry: &'a Registry,
    pub(super) chaos: bool,
    pub(super) started: Instant,
}

/// What is read while the year's records are still there.
struct Read {
    astray: Vec<String>,
    orders: OrdersSummary,
    kills: u64,
    seal_ms: Option<f64>,
}

impl Lived<'_> {
    /// Opens the year, lives it, pays everything, ends and seals it, and reads it back.
    pub(super) async fn whole(
        &self,
        driver: &mut Driver,
        processes: &mut Processes,
        mut desk: Desk,
        progress: &Progress,
    ) -> anyhow::Result<Report> {
        let programme = self.programme;
        let mut weeks = Weeks::new(programme);
        if let Some(weeks) = &mut weeks {
            weeks.enrol(self.registry, &mut desk).await?;
        }
        let mut books = Books::new(Witnesses::create(self.folder)?, desk);
        let guests = weeks.as_ref().map_or(0, Weeks::pupils);
        setup::year(driver, programme, guests, progress).await?;
        progress.stage("officers and payment accounts", 0);
        decide::appoint_accountant(driver).await?;
        let mut providers: Vec<_> = driver.book.providers.values().map(|provider| provider.id).collect();
        if let Some(weeks) = &weeks {
            weeks.settle_in(driver).await?;
            providers.extend(weeks.provider_ids());
        }
        decide::bind_accounts(driver, &books.desk, &providers).await?;
        let kills = self.calendar(driver, processes, &mut books, weeks.as_mut(), progress).await?;
        rest(driver, processes, progress).await?;
        let astray = report::astray(driver.client(0), programme, &driver.book).await?;
        progress.stage("paying what is left", 0);
        books.close(driver).await?;
        let statuses = rest(driver, processes, progress).await?;
        let orders =
            driver.client(0).orders_summary(driver.book.year).await?.context("the year is not at the gateway")?;
        let (statuses, seal_ms) = self.seal(driver, processes, statuses, progress).await?;
        let read = Read { astray, orders, kills, seal_ms };
        let weeks = weeks.map(|weeks| weeks.outcome).unwrap_or_default();
        self.read_back(driver, &statuses, read, (books, weeks), progress).await
    }

    /// Lives through the calendar; returns how many validators were killed on the way.
    async fn calendar(
        &self,
        driver: &mut Driver,
        processes: &mut Processes,
        books: &mut Books,
        mut weeks: Option<&mut Weeks>,
        progress: &Progress,
    ) -> anyhow::Result<u64> {
        let parameters = &self.programme.parameters;
        let events = batches::events(self.programme);
        let batches = batches::batches(self.programme, &events);
        progress.stage("the year", events.len());
        let mut chaos = Chaos::new(self.chaos, batches.len());
        let mut month = None;
        for (number, batch) in batches.into_iter().enumerate() {
            chaos.before(number, driver, processes).await?;
            let events: &[Event] = &events[batch];
            let at = events[0].at();
            progress.bar.set_message(format!("the year: {at}"));
            if let Some(weeks) = weeks.as_deref_mut() {
                weeks.until(driver, books, timestamp(at.seconds())).await?;
            }
            let now = parameters.local_day(at).month();
            if month.replace(now).is_some_and(|last| last != now) {
                books.pay_due(driver).await?;
            }
            driver.batch(events).await?;
            books.follow(driver, events);
            progress.add(events.len() as u64);
        }
        if let Some(weeks) = weeks {
            let end = timestamp(parameters.window.end.seconds());
            weeks.until(driver, books, end).await?;
        }
        chaos.over(driver, processes).await
    }

    /// Seals a year in which every cent was paid or returned. Otherwise it stays as it is, and the report tells.
    async fn seal(
        &self,
        driver: &mut Driver,
        processes: &Processes,
        statuses: Vec<Status>,
        progress: &Progress,
    ) -> anyhow::Result<(Vec<Status>, Option<f64>)> {
        let funds = driver.client(0).funds(driver.book.year).await?.context("the year is not at the gateway")?;
        let left = report::outstanding(&funds.money);
        if funds.state == YearState::Open || left != Some(0) {
            return Ok((statuses, None));
        }
        progress.stage("sealing the year", 0);
        let milliseconds = settle::seal(driver).await?;
        Ok((rest(driver, processes, progress).await?, Some(milliseconds)))
    }

    async fn read_back(
        &self,
        driver: &Driver,
        statuses: &[Status],
        read: Read,
        (books, exceptions): (Books, super::Exceptions),
        progress: &Progress,
    ) -> anyhow::Result<Report> {
        let client = driver.client(0);
        let height = statuses.first().map_or(Height::default(), |status| status.height);
        progress.stage("reading the receipts", usize::try_from(height.0).unwrap_or(usize::MAX));
        let chronicle = report::Chronicle::read(client, height, &|number| progress.bar.set_position(number)).await?;
        let funds = client.funds(driver.book.year).await?.context("the year is not at the gateway")?;
        let sources = report::Sources {
            funds,
            orders: read.orders.orders,
            state_roots: statuses.iter().map(|status| status.state_root.to_string()).collect(),
            height,
            chronicle,
            orders_astray: read.astray,
            kills: read.kills,
            seal_ms: read.seal_ms,
            seconds: self.started.elapsed().as_secs_f64(),
            settled: books.settled,
            refused: books.refused,
            drawing: books.drawing,
            exceptions,
        };
        Ok(report::report(sources, self.programme, &driver.tally))
    }
}

/// Kills a validator and starts it again, in turn, through the year.
struct Chaos {
    /// Batches from one kill to the next.
    period: Option<usize>,
    down: Option<usize>,
    kills: usize,
}

impl Chaos {
    fn new(wanted: bool, batches: usize) -> Self {
        Self { period: wanted.then_some((batches / KILLS).max(1)), down: None, kills: 0 }
    }

    async fn before(&mut self, number: usize, driver: &mut Driver, processes: &mut Processes) -> anyhow::Result<()> {
        let Some(period) = self.period else { return Ok(()) };
        if self.down.is_some() {
            // Down for a quarter of the time: every block that it should propose waits for it in vain.
            let again = (period / 4).max(1) % period;
            return if number % period == again { self.up(driver, processes).await } else { Ok(()) };
        }
        if number == 0 || !number.is_multiple_of(period) {
            return Ok(());
        }
        let index = self.kills % processes.len();
        processes.kill(index).await?;
        self.down = Some(index);
        self.kills += 1;
        Ok(())
    }

    async fn up(&mut self, driver: &mut Driver, processes: &mut Processes) -> anyhow::Result<()> {
        if let Some(index) = self.down.take() {
            processes.restart(index).await?;
            driver.step(driver.now()).await?;
        }
        Ok(())
    }

    async fn over(mut self, driver: &mut Driver, processes: &mut Processes) -> anyhow::Result<u64> {
        self.up(driver, processes).await?;
        Ok(self.kills as u64)
    }
}

/// Waits until free money of the ended year has returned and all nodes stand at the same block.
async fn rest(driver: &Driver, processes: &Processes, progress: &Progress) -> anyhow::Result<Vec<Status>> {
    progress.stage("coming to rest", 0);
    let deadline = tokio::time::Instant::now() + REST;
    loop {
        let statuses = processes.statuses().await?;
        let same = statuses.windows(2).all(|pair| pair[0].height == pair[1].height);
        let funds = driver.client(0).funds(driver.book.year).await?.context("the year is not at the gateway")?;
        let swept = funds.state == YearState::Open
            || (funds.money.state.pupils.is_zero() && funds.money.school.schools.is_zero());
        if same && swept {
            return Ok(statuses);
        }
        anyhow::ensure!(tokio::time::Instant::now() < deadline, "the nodes do not come to rest at one block");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
