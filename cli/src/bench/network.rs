//! What four validators on this machine decide, durably: class orders of an invented year, signed beforehand, sent to all
//! four gateways, counted in the blocks that come of them.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_audit::Entry;
use keis_audit::trial::{Size, Trial, operator, secret};
use keis_ledger::block::Block;
use keis_ledger::chain::Height;
use keis_ledger::crypto::Hash;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::{RawTransaction, SignedTransaction};
use keis_node::clock::ClockStep;
use keis_wallet::client::{Client, ClientError, Outcome, Policy, Submission};
use serde::Serialize;
use tokio::time::Instant;

use super::{BLOCK, bar, catalogue};
use crate::found;
use crate::processes::Processes;

/// Transactions that are offered at a time.
const OFFERED_AT_ONCE: usize = 128;
/// Pause before a transaction is offered again that a gateway had no room for.
const AGAIN: Duration = Duration::from_millis(20);
/// How long anything here may take at most.
const PATIENCE: Duration = Duration::from_secs(600);
/// Seconds during which latency is measured.
const CALM: u32 = 10;
/// Most orders of a class: more than that its pupils' money does not reach.
const MOST_ROUNDS: u32 = 10;

/// What was decided.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figures {
    /// Class orders that were sent as fast as they were taken.
    pub(super) transactions: u64,
    /// Pupils of each.
    pub(super) pupils: u32,
    /// Seconds from the first offer until the last was in a durable block.
    pub(super) seconds: f64,
    /// Transactions a second.
    pub(super) transactions_per_second: f64,
    /// Debits of pupils' wallets a second.
    pub(super) debits_per_second: f64,
    /// Blocks that it took.
    pub(super) blocks: u64,
    /// Latency at half that rate, milliseconds from offer to receipt: median.
    pub(super) half_load_p50_millis: f64,
    /// The same, 99 of 100.
    pub(super) half_load_p99_millis: f64,
    /// Reads of the catalogue afterwards.
    pub(super) reads: catalogue::Figures,
}

/// Runs four validators over an invented year and sends it so many class orders, each of so many pupils.
pub(super) async fn measured(orders: u32, pupils: u32) -> anyhow::Result<Figures> {
    let rounds = MOST_ROUNDS.min(orders.div_ceil(1_000)).max(2);
    let size = Size { classes: orders.div_ceil(rounds), pupils, rounds, block: BLOCK };
    let bar = bar(u64::from(orders), "{bar:40} {msg}");
    bar.set_message("signing an invented year");
    let year = tokio::task::spawn_blocking(move || Year::of(size)).await??;
    let folder = tempfile::Builder::new().prefix("keis-bench-").tempdir()?;
    let mut network = Network::start(folder.path(), &year).await?;
    bar.set_message("opening wallets on four validators");
    network.open(&year).await?;
    bar.set_message("class orders");
    // A sixth is kept for the measurement of latency.
    let (at_once, calmly) = year.requests.split_at(year.requests.len() - year.requests.len() / 6);
    let (seconds, blocks) = network.flood(at_once, |count| bar.set_position(count)).await?;
    let rate = at_once.len() as f64 / seconds;
    bar.set_message("class orders at half that rate");
    let mut latencies = network.pace(calmly, rate / 2.0).await?;
    latencies.sort_by(f64::total_cmp);
    bar.set_message("reads of the catalogue");
    let gateway = network.processes.gateways().into_iter().next().context("a network has validators")?;
    let reads = catalogue::measured(&gateway).await?;
    bar.finish_and_clear();
    network.processes.stop().await?;
    Ok(Figures {
        transactions: at_once.len() as u64,
        pupils,
        seconds,
        transactions_per_second: rate,
        debits_per_second: rate * f64::from(pupils),
        blocks,
        half_load_p50_millis: quantile(&latencies, 50),
        half_load_p99_millis: quantile(&latencies, 99),
        reads,
    })
}

/// A value below or at which so many of a hundred are.
fn quantile(sorted: &[f64], of_hundred: usize) -> f64 {
    sorted.get((sorted.len() * of_hundred / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Transactions that were signed beforehand.
struct Year {
    trial: Trial,
    /// What opens the year, in its order.
    opening: Vec<SignedTransaction>,
    /// Class orders, none depending on another.
    requests: Vec<SignedTransaction>,
    /// When they are sent.
    at: Timestamp,
}

impl Year {
    fn of(size: Size) -> anyhow::Result<Self> {
        let mut trial = Trial::opened(size);
        let opened = trial.entries().len();
        let at = trial.requests(size);
        let network = trial.genesis().hash();
        let signed = |entries: &[Entry]| -> anyhow::Result<Vec<SignedTransaction>> {
            let mut all = Vec::new();
            for entry in entries {
                let block = Block::decode(&entry.block).context("a block of the invented year")?;
                let parsed = block.raw_transactions().map(|raw: RawTransaction| raw.parse(&network));
                all.extend(parsed.collect::<Result<Vec<_>, _>>().context("a transaction of the invented year")?);
            }
            Ok(all)
        };
        let (opening, requests) = (signed(&trial.entries()[..opened])?, signed(&trial.entries()[opened..])?);
        Ok(Self { trial, opening, requests, at })
    }
}

/// Four validators, and a client of each.
struct Network {
    processes: Processes,
    clients: Vec<Client>,
    hash: Hash,
}

impl Network {
    async fn start(folder: &Path, year: &Year) -> anyhow::Result<Self> {
        let mut network = found::invented(folder, year.trial.genesis())?;
        let processes = Processes::start(&mut network).await?;
        let client = |gateway: String| {
            let client = Client::new(&[gateway], Policy::default())?;
            Ok::<_, ClientError>(client.signed_by(operator()))
        };
        let clients = processes.gateways().into_iter().map(client).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { processes, clients, hash: network.hash })
    }

    /// Opens the year, and steps the clock to when its orders are sent.
    async fn open(&self, year: &Year) -> anyhow::Result<()> {
        for (_, document) in year.trial.documents() {
            // To every gateway: what names a document is refused where it has not come yet.
            for client in &self.clients {
                client.put_document(document).await?;
            }
        }
        // Transactions of one kind that follow each other do not depend on each other.
        for stage in year.opening.chunk_by(|one, next| kind(one) == kind(next)) {
            let opening = stage.iter().enumerate().map(|(index, one)| self.included(index, one));
            stream::iter(opening).buffer_unordered(OFFERED_AT_ONCE).try_collect::<Vec<()>>().await?;
            self.level().await?;
        }
        let step = ClockStep::sign(&self.hash, &secret("driver", 0), year.at);
        for client in &self.clients {
            client.step_clock(step.time, step.signature).await?;
        }
        Ok(())
    }

    async fn included(&self, index: usize, transaction: &SignedTransaction) -> anyhow::Result<()> {
        match self.clients[index % self.clients.len()].submit_and_wait(transaction, PATIENCE).await? {
            Outcome::Included(_) => Ok(()),
            refused @ (Outcome::Refused(_) | Outcome::Dropped { .. } | Outcome::Expired) => {
                anyhow::bail!("{} of the invented year is refused: {refused:?}", transaction.id())
            }
        }
    }

    /// Waits until every gateway shows what the first does.
    async fn level(&self) -> anyhow::Result<()> {
        let height = self.clients[0].status().await?.height;
        for client in &self.clients[1..] {
            while client.status().await?.height < height {
                tokio::time::sleep(AGAIN).await;
            }
        }
        Ok(())
    }

    /// Offers everything as fast as it is taken; gives the seconds until all of it is in blocks, and how many blocks.
    async fn flood(&self, transactions: &[SignedTransaction], told: impl Fn(u64)) -> anyhow::Result<(f64, u64)> {
        let mut next = Height(self.clients[0].status().await?.height.0 + 1);
        let (first, started) = (next, Instant::now());
        let offers = transactions.iter().enumerate().map(|(index, one)| self.offer(index, one));
        let offering = stream::iter(offers).buffer_unordered(OFFERED_AT_ONCE).try_collect::<Vec<()>>();
        let counting = async {
            let mut count = 0;
            while count < transactions.len() {
                anyhow::ensure!(started.elapsed() < PATIENCE, "{count} of {} orders were decided", transactions.len());
                let blocks = self.clients[0].raw_blocks(next).await?.unwrap_or_default();
                if blocks.is_empty() {
                    tokio::time::sleep(AGAIN).await;
                }
                for block in blocks {
                    count += Block::decode(&block.block).context("a block of the gateway")?.raw_transactions().count();
                    next = Height(block.height.0 + 1);
                }
                told(count as u64);
            }
            Ok(started.elapsed().as_secs_f64())
        };
        let (_, seconds) = tokio::try_join!(offering, counting)?;
        Ok((seconds, next.0 - first.0))
    }

    /// Offers a transaction until a gateway has room for it.
    async fn offer(&self, index: usize, transaction: &SignedTransaction) -> anyhow::Result<()> {
        let client = &self.clients[index % self.clients.len()];
        loop {
            match client.submit(transaction.raw()).await {
                Ok(Submission::Taken(_)) => return Ok(()),
                Ok(Submission::Refused(rejection)) => {
                    anyhow::bail!("{} of the invented year is refused: {rejection:?}", transaction.id())
                }
                Err(error) if error.may_pass_later() => tokio::time::sleep(AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Offers so many a second for a while; gives the milliseconds that each took.
    async fn pace(&self, transactions: &[SignedTransaction], per_second: f64) -> anyhow::Result<Vec<f64>> {
        let count = transactions.len().min((per_second * f64::from(CALM)) as usize).max(1);
        let started = Instant::now();
        let offers = transactions[..count].iter().enumerate().map(|(index, one)| async move {
            let due = started + Duration::from_secs_f64(index as f64 / per_second);
            tokio::time::sleep_until(due).await;
            self.included(index, one).await?;
            // From when it was due: a generator that falls behind does not flatter.
            anyhow::Ok(due.elapsed().as_secs_f64() * 1_000.0)
        });
        futures::future::try_join_all(offers).await
    }
}

/// What kind of operation a transaction holds.
fn kind(transaction: &SignedTransaction) -> String {
    format!("{:?}", transaction.body().operation).split('{').take(1).collect()
}
