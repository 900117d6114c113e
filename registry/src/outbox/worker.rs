//! The worker: signs, makes durable, submits, and does what follows. Killed at any step, the next one goes on.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, WalletOperation};

use super::row::{self, Change};
use super::{Door, DoorError, Fate, OutboxId, OutboxRow, OutboxState, effect, instant_now, split};
use crate::boxed;
use crate::database::Registry;
use crate::error::RegistryError;

/// How fast the worker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most rows on their way at once.
    pub in_flight: usize,
    /// Pause after the first attempt without effect; it doubles from one to the next …
    pub first_wait: Duration,
    /// … up to this.
    pub longest_wait: Duration,
    /// How often the table is looked at when nothing is on its way.
    pub look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            in_flight: 16,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(300),
            look: Duration::from_millis(100),
        }
    }
}

impl Pace {
    fn wait(&self, attempts: u32) -> Duration {
        self.first_wait.saturating_mul(2_u32.saturating_pow(attempts.min(30))).min(self.longest_wait)
    }

    fn next_at(&self, attempts: u32) -> i64 {
        let wait = i64::try_from(self.wait(attempts).as_millis()).unwrap_or(i64::MAX);
        instant_now().saturating_add(wait)
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The row is over, or smaller ones stand in its place.
    Over,
    /// It is tried again at once: its bytes had expired.
    Again,
    /// It is tried again later.
    Later,
}

/// What [`work_off`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worked {
    /// Rows that are over.
    pub over: u64,
    /// Attempts without effect that are made again later.
    pub later: u64,
}

/// Works off the outbox until `stop` ends. Whatever fails is tried again; several workers at once do no harm.
pub async fn run(registry: &Registry, door: &dyn Door, stop: impl Future<Output = ()>) {
    run_paced(registry, door, Pace::default(), stop).await;
}

/// As [`run`], at another pace.
pub async fn run_paced(registry: &Registry, door: &dyn Door, pace: Pace, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut flying = BTreeSet::new();
    let mut flights = FuturesUnordered::new();
    loop {
        match take(registry, &pace, &flying).await {
            Ok(rows) => {
                for row in rows {
                    flying.insert(row.id);
                    flights.push(advance(registry, door, &pace, row));
                }
            }
            Err(error) => warn(None, &error),
        }
        tokio::select! {
            () = &mut stop => return,
            Some((id, step)) = flights.next(), if !flights.is_empty() => {
                flying.remove(&id);
                if let Err(error) = step {
                    warn(Some(id), &error);
                    // The row stands as it did: not at once again.
                    tokio::time::sleep(pace.look).await;
                }
            }
            () = tokio::time::sleep(pace.look) => {}
        }
    }
}

fn warn(id: Option<OutboxId>, error: &RegistryError) {
    tracing::warn!(row = id.map(|id| id.0), error = %error, "the outbox could not go on; it tries again");
}

async fn take(registry: &Registry, pace: &Pace, flying: &BTreeSet<OutboxId>) -> Result<Vec<OutboxRow>, RegistryError> {
    let room = pace.in_flight.saturating_sub(flying.len());
    if room == 0 {
        return Ok(Vec::new());
    }
    let flying: Vec<OutboxId> = flying.iter().copied().collect();
    row::ready(&mut *registry.reader().await?, instant_now(), &flying, room).await
}

/// Attempts without effect after which [`work_off`] takes up no more rows: the network is down, most likely.
const MOST_IN_VAIN: u64 = 1_000;

/// Works off what is ready and what becomes ready by it, without waiting: a row that must be tried later is left.
///
/// # Errors
/// The first failure of the database.
#[boxed]
pub async fn work_off(registry: &Registry, door: &dyn Door, pace: Pace) -> Result<Worked, RegistryError> {
    let mut worked = Worked::default();
    let mut tried = BTreeSet::new();
    let mut flights = FuturesUnordered::new();
    loop {
        let in_vain = worked.later >= MOST_IN_VAIN;
        let room = if in_vain { 0 } else { pace.in_flight.saturating_sub(flights.len()) };
        let left_out: Vec<OutboxId> = tried.iter().copied().collect();
        for row in row::ready(&mut *registry.reader().await?, instant_now(), &left_out, room).await? {
            tried.insert(row.id);
            flights.push(advance(registry, door, &pace, row));
        }
        let Some((id, step)) = flights.next().await else { return Ok(worked) };
        match step? {
            Step::Over => {
                worked.over += 1;
                tried.remove(&id);
            }
            Step::Again => {
                tried.remove(&id);
            }
            Step::Later => worked.later += 1,
        }
    }
}

#[boxed]
async fn advance(
    registry: &Registry,
    door: &dyn Door,
    pace: &Pace,
    row: OutboxRow,
) -> (OutboxId, Result<Step, RegistryError>) {
    let id = row.id;
    (id, attempt(registry, door, pace, row).await)
}

/// One attempt: everything up to the first answer that settles or delays the row.
async fn attempt(registry: &Registry, door: &dyn Door, pace: &Pace, row: OutboxRow) -> Result<Step, RegistryError> {
    let row = match row.state {
        OutboxState::Waiting => match sign(registry, door, &row).await? {
            Ok(signed) => signed,
            Err(error) => return delay(registry, pace, &row, &error.to_string()).await,
        },
        OutboxState::Signed => row,
        OutboxState::Done | OutboxState::Refused | OutboxState::Split | OutboxState::Discarded => {
            return Ok(Step::Over);
        }
    };
    match submit(registry, door, &row).await? {
        Ok(Some(Fate::Included { height })) => finish(registry, &row, Some(height)).await,
        Ok(Some(Fate::Expired)) => expired(registry, door, pace, &row).await,
        Ok(Some(Fate::Refused { code, may_pass_later, message })) => {
            refused(registry, door, pace, &row, Refusal { code, may_pass_later, message }).await
        }
        Ok(None) => Ok(Step::Over),
        Err(error) => delay(registry, pace, &row, &error.to_string()).await,
    }
}

/// Signs a row and makes the bytes durable before anything leaves. Gives the row as it stands then.
async fn sign(
    registry: &Registry,
    door: &dyn Door,
    row: &OutboxRow,
) -> Result<Result<OutboxRow, DoorError>, RegistryError> {
    let signing = async {
        let now = door.now().await?;
        door.sign(row.office, row.behalf, row.operation.clone(), now).await
    };
    let signed = match signing.await {
        Ok(signed) => signed,
        Err(error) => return Ok(Err(error)),
    };
    let mut work = registry.begin().await?;
    row::sign(&mut work, row.id, &signed).await?;
    work.commit().await?;
    // Another worker may have been first, or an officer: what the row says counts, and these bytes are forgotten.
    let stands = row::get(&mut *registry.reader().await?, row.id).await?;
    Ok(Ok(stands.ok_or(RegistryError::Stored { column: "outbox.id" })?))
}

/// Lets the stored bytes leave. None when the row has none to send any more.
async fn submit(
    registry: &Registry,
    door: &dyn Door,
    row: &OutboxRow,
) -> Result<Result<Option<Fate>, DoorError>, RegistryError> {
    if row.state != OutboxState::Signed {
        return Ok(Ok(None));
    }
    let (raw, document) = row::bytes(&mut *registry.reader().await?, row.id).await?;
    let Some(raw) = raw else { return Ok(Ok(None)) };
    if let Some(document) = document
        && let Err(error) = door.put_document(&document).await
    {
        return Ok(Err(error));
    }
    Ok(door.submit(&raw).await.map(Some))
}

/// The row took effect: it is done, with all that follows, in one transaction.
async fn finish(registry: &Registry, row: &OutboxRow, height: Option<Height>) -> Result<Step, RegistryError> {
    let mut work = registry.begin().await?;
    let change = Change { attempts: row.attempts, height, of: row.transaction, ..Change::to(OutboxState::Done) };
    if row::change(&mut work, row.id, &[OutboxState::Signed, OutboxState::Refused], &change).await? {
        effect::apply(&mut work, row).await?;
        work.commit().await?;
        tracing::debug!(row = row.id.0, purpose = row.purpose, "the ledger has it");
    }
    Ok(Step::Over)
}

async fn delay(registry: &Registry, pace: &Pace, row: &OutboxRow, why: &str) -> Result<Step, RegistryError> {
    let mut work = registry.begin().await?;
    let change = Change {
        attempts: row.attempts.saturating_add(1),
        next_at: pace.next_at(row.attempts),
        rejection: Some(why.to_owned()),
        of: row.transaction,
        ..Change::to(row.state)
    };
    row::change(&mut work, row.id, &[row.state], &change).await?;
    work.commit().await?;
    tracing::debug!(row = row.id.0, purpose = row.purpose, why, "to be tried again");
    Ok(Step::Later)
}

/// Whether the row's bytes took effect, and whether they still can. The time is asked first: a block that holds the bytes and is
/// younger than it would already be seen by the same node.
async fn standing(door: &dyn Door, row: &OutboxRow) -> Result<(Option<Height>, bool), DoorError> {
    let now = door.now().await?;
    let receipt = match row.transaction {
        Some(id) => receipt(door, id).await?,
        None => None,
    };
    Ok((receipt, row.valid_until.is_some_and(|until| now > until)))
}

async fn receipt(door: &dyn Door, id: TransactionId) -> Result<Option<Height>, DoorError> {
    door.receipt(id).await
}

/// The door says that the bytes are over. Only a node whose time is past their last instant, without a receipt, proves it.
async fn expired(registry: &Registry, door: &dyn Door, pace: &Pace, row: &OutboxRow) -> Result<Step, RegistryError> {
    match standing(door, row).await {
        Ok((Some(height), _)) => finish(registry, row, Some(height)).await,
        Ok((None, true)) => {
            let mut work = registry.begin().await?;
            let change = Change { attempts: row.attempts, of: row.transaction, ..Change::to(OutboxState::Waiting) };
            row::change(&mut work, row.id, &[OutboxState::Signed], &change).await?;
            work.commit().await?;
            tracing::debug!(row = row.id.0, purpose = row.purpose, "expired without effect; signed anew");
            Ok(Step::Again)
        }
        Ok((None, false)) => delay(registry, pace, row, "expired").await,
        Err(error) => delay(registry, pace, row, &error.to_string()).await,
    }
}

struct Refusal {
    code: String,
    may_pass_later: bool,
    message: String,
}

async fn refused(
    registry: &Registry,
    door: &dyn Door,
    pace: &Pace,
    row: &OutboxRow,
    refusal: Refusal,
) -> Result<Step, RegistryError> {
    if refusal.code == "expired" {
        return expired(registry, door, pace, row).await;
    }
    // What is refused now may be refused because these very bytes took effect before.
    match standing(door, row).await {
        Ok((Some(height), _)) => return finish(registry, row, Some(height)).await,
        Ok((None, _)) => {}
        Err(error) => return delay(registry, pace, row, &error.to_string()).await,
    }
    let why = format!("{}: {}", refusal.code, refusal.message);
    if refusal.may_pass_later || refusal.code == "known" || passes_with_time(&row.operation, &refusal.code) {
        return delay(registry, pace, row, &why).await;
    }
    if stands_already(&row.operation, &refusal.code) {
        return finish(registry, row, None).await;
    }
    let mut work = registry.begin().await?;
    if !split::split(&mut work, row).await? {
        let change = Change {
            attempts: row.attempts.saturating_add(1),
            rejection: Some(why),
            of: row.transaction,
            ..Change::to(OutboxState::Refused)
        };
        row::change(&mut work, row.id, &[OutboxState::Signed], &change).await?;
        tracing::warn!(row = row.id.0, purpose = row.purpose, code = refusal.code, "the ledger refuses it");
    }
    work.commit().await?;
    Ok(Step::Over)
}

/// Whether time alone lifts this refusal: a pupil's wallet closes once the orders that have begun are over. Who was erased has
/// nobody left who would ask again.
fn passes_with_time(operation: &Operation, code: &str) -> bool {
    code == "wallet_in_use" && matches!(operation, Operation::Wallet(WalletOperation::Close { .. }))
}

/// Whether the refusal says that the ledger stands already as the row wishes.
fn stands_already(operation: &Operation, code: &str) -> bool {
    match operation {
        Operation::Wallet(WalletOperation::MovePupil { .. }) => code == "standing_unchanged",
        Operation::Wallet(WalletOperation::Close { .. }) => code == "wallet_closed",
        Operation::Wallet(WalletOperation::RevokeKey { .. }) => code == "target_key_ended",
        Operation::Wallet(
            WalletOperation::OpenSchools { .. }
            | WalletOperation::OpenProviders { .. }
            | WalletOperation::OpenPupils { .. }
            | WalletOperation::BindKeys { .. }
            | WalletOperation::Suspend { .. }
            | WalletOperation::Reinstate { .. }
            | WalletOperation::RevokeAllKeys { .. }
            | WalletOperation::MovePupils { .. },
        )
        | Operation::Funds(_)
        | Operation::Catalogue(_)
        | Operation::Order { .. }
        | Operation::Settlement(_)
        | Operation::Governance(_)
        | Operation::Rate { .. } => false,
    }
}
