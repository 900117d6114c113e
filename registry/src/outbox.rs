//! What is on its way from the registry to the ledger: row first, transaction last, one effect.
//!
//! A wish is a row, written in the same database transaction as what it follows from. The worker signs it, makes the signed bytes
//! durable, and only then lets them leave. After a kill the same bytes leave again: the ledger knows their id, so they have one
//! effect. Only bytes whose last instant has passed without effect are signed anew. What follows in the registry is applied in the
//! transaction that marks the row as done. Owns the table `outbox`; must not know keys or addresses of nodes, see [`Door`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;

use crate::boxed;
use crate::database::{Registry, Work, now};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::page::{Listed, Page};
use crate::permission::{Permission, demand};

mod door;
mod effect;
mod row;
mod split;
mod worker;

pub use door::{Door, DoorError, Fate, Signed};
pub use effect::Effect;
pub use worker::{Pace, Worked, run, run_paced, work_off};

use row::{Change, Insert};

/// A row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxId(pub i64);

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out_{}", self.0)
    }
}

/// Whose key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Office {
    /// An officer of the operator.
    Operator,
    /// An officer of the institution that holds the budget.
    BudgetHolder,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutboxState {
    /// Not signed yet, or to be signed anew.
    Waiting,
    /// Signed; the bytes may have left.
    Signed,
    /// It took effect, here and on the ledger.
    Done,
    /// The ledger refuses it for good. An officer retries or discards it.
    Refused,
    /// Smaller rows took its place.
    Split,
    /// An officer gave it up.
    Discarded,
}

/// A text that is no office or state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such {0} of the outbox")]
pub struct OutboxNameError(&'static str);

impl fmt::Display for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "operator",
            Self::BudgetHolder => "budget_holder",
        })
    }
}

impl FromStr for Office {
    type Err = OutboxNameError;
    fn from_str(text: &str) -> Result<Self, OutboxNameError> {
        let all = [Self::Operator, Self::BudgetHolder];
        all.into_iter().find(|office| office.to_string() == text).ok_or(OutboxNameError("office"))
    }
}

impl OutboxState {
    /// Every state, in the order of a row's life.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Signed, Self::Done, Self::Refused, Self::Split, Self::Discarded];

    /// Whether nothing more happens unless an officer acts.
    pub fn is_final(self) -> bool {
        match self {
            Self::Waiting | Self::Signed => false,
            Self::Done | Self::Refused | Self::Split | Self::Discarded => true,
        }
    }
}

impl fmt::Display for OutboxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Signed => "signed",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Split => "split",
            Self::Discarded => "discarded",
        })
    }
}

impl FromStr for OutboxState {
    type Err = OutboxNameError;
    fn from_str(text: &str) -> Result<Self, OutboxNameError> {
        Self::ALL.into_iter().find(|state| state.to_string() == text).ok_or(OutboxNameError("state"))
    }
}

/// A wish to the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Whose key signs.
    pub office: Office,
    /// The party for whom an officer of the operator acts.
    pub behalf: Option<Party>,
    /// What is asked of the ledger.
    pub operation: Operation,
    /// What it is for, in one word of the program's own; pages say it in words.
    pub purpose: &'static str,
    /// What follows in the registry once the ledger has it.
    pub effect: Effect,
    /// The row that must be done first.
    pub after: Option<OutboxId>,
    /// A public document that the operation names, put to the nodes before it.
    pub document: Option<Vec<u8>>,
}

impl New {
    /// A wish that follows no other, carries no document and changes nothing in the registry.
    pub fn of(office: Office, purpose: &'static str, operation: Operation) -> Self {
        Self { office, behalf: None, operation, purpose, effect: Effect::None, after: None, document: None }
    }

    /// With what follows in the registry.
    #[must_use]
    pub fn then(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// After another row.
    #[must_use]
    pub fn after(self, after: Option<OutboxId>) -> Self {
        Self { after, ..self }
    }

    /// For a party.
    #[must_use]
    pub fn on_behalf(self, party: Party) -> Self {
        Self { behalf: Some(party), ..self }
    }

    /// With a document.
    #[must_use]
    pub fn with_document(self, document: Vec<u8>) -> Self {
        Self { document: Some(document), ..self }
    }
}

/// A row, as officers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number.
    pub id: OutboxId,
    /// What it is for.
    pub purpose: String,
    /// Whose key signs.
    pub office: Office,
    /// For whom an officer acts.
    pub behalf: Option<Party>,
    /// What is asked of the ledger.
    pub operation: Operation,
    /// What follows in the registry.
    pub effect: Effect,
    /// The row that must be done first.
    pub after: Option<OutboxId>,
    /// Where it stands.
    pub state: OutboxState,
    /// How often it was tried without effect.
    pub attempts: u32,
    /// Not tried before this instant of the registry's clock.
    pub next_at: Timestamp,
    /// Why the last attempt had no effect.
    pub rejection: Option<String>,
    /// The signed transaction.
    pub transaction: Option<TransactionId>,
    /// Last instant of a block that may hold it.
    pub valid_until: Option<Timestamp>,
    /// Height of the block that holds it.
    pub height: Option<Height>,
    /// When it was written.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

/// Writes a wish. It leaves once the caller's transaction is committed.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn enqueue(work: &mut Work, actor: &Actor, new: New) -> Result<OutboxId, RegistryError> {
    let purpose = new.purpose;
    let id = row::insert(work, &[Insert::of(&new)]).await?;
    append(work, Entry::new(actor, "transaction queued", id).detail(purpose)).await?;
    Ok(id)
}

/// Writes many wishes, with one entry in the log. Returns their numbers, in order.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn enqueue_all(work: &mut Work, actor: &Actor, new: &[New]) -> Result<Vec<OutboxId>, RegistryError> {
    let Some(purpose) = new.first().map(|new| new.purpose) else { return Ok(Vec::new()) };
    let rows: Vec<Insert> = new.iter().map(Insert::of).collect();
    let OutboxId(first) = row::insert(work, &rows).await?;
    let count = new.len();
    let entry = Entry::new(actor, "transactions queued", OutboxId(first)).detail(format!("{count} {purpose}"));
    append(work, entry).await?;
    Ok((first..).take(count).map(OutboxId).collect())
}

/// A row.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn get(registry: &Registry, id: OutboxId) -> Result<Option<OutboxRow>, RegistryError> {
    row::get(&mut *registry.reader().await?, id).await
}

/// Rows in a state, the oldest first; those of every state without one. The cursor is the number of the last row seen.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn list(
    registry: &Registry,
    state: Option<OutboxState>,
    page: &Page,
) -> Result<Listed<OutboxRow>, RegistryError> {
    let rows = row::list(&mut *registry.reader().await?, state, page).await?;
    Ok(page.list(rows, |row| row.id.0.unsigned_abs()))
}

/// How many rows stand in each state.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn counts(registry: &Registry) -> Result<Vec<(OutboxState, u64)>, RegistryError> {
    row::counts(&mut *registry.reader().await?).await
}

/// Why an officer's wish about a row is refused.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// No such row.
    #[error("{0} is not in the outbox")]
    Unknown(OutboxId),
    /// The row stands where this cannot be done.
    #[error("{id} is {state}; this is not possible then")]
    StateWrong {
        /// The row.
        id: OutboxId,
        /// Where it stands.
        state: OutboxState,
    },
    /// The registry failed, or does not permit it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Tries a refused or delayed row again at once. Bytes that were signed leave again as they are; they are signed anew only when
/// they can have no effect any more.
///
/// # Errors
/// [`OutboxError::StateWrong`] unless the row is refused or waits; others as [`OutboxError`] says.
#[boxed]
pub async fn retry(registry: &Registry, actor: &Actor, id: OutboxId) -> Result<(), OutboxError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, Permission::SeeDifferences).await?;
    let row = row::get(work.connection(), id).await?.ok_or(OutboxError::Unknown(id))?;
    match row.state {
        OutboxState::Waiting | OutboxState::Signed | OutboxState::Refused => {}
        OutboxState::Done | OutboxState::Split | OutboxState::Discarded => {
            return Err(OutboxError::StateWrong { id, state: row.state });
        }
    }
    let state = if row.transaction.is_some() { OutboxState::Signed } else { OutboxState::Waiting };
    row::change(&mut work, id, &[row.state], &Change { attempts: 0, ..Change::to(state) }).await?;
    append(&mut work, Entry::new(actor, "transaction retried", id)).await?;
    Ok(work.commit().await?)
}

/// Gives a row up, with all that waits for it: refused ones, and those that were never signed. What was to follow from them may be
/// enqueued again. Returns how many were given up.
///
/// # Errors
/// [`OutboxError::StateWrong`] when it may have left already or is over; others as [`OutboxError`] says.
#[boxed]
pub async fn discard(registry: &Registry, actor: &Actor, id: OutboxId) -> Result<u64, OutboxError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, Permission::SeeDifferences).await?;
    let row = row::get(work.connection(), id).await?.ok_or(OutboxError::Unknown(id))?;
    let never_left = row.state == OutboxState::Waiting && row.transaction.is_none();
    if row.state != OutboxState::Refused && !never_left {
        return Err(OutboxError::StateWrong { id, state: row.state });
    }
    let mut given_up = 0;
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        row::change(&mut work, id, &OutboxState::ALL, &Change::to(OutboxState::Discarded)).await?;
        effect::free(&mut work, id).await?;
        append(&mut work, Entry::new(actor, "transaction discarded", id)).await?;
        next.extend(row::followers(&mut work, id).await?);
        given_up += 1;
    }
    work.commit().await?;
    Ok(given_up)
}

/// Takes a row back that was never signed, for a reason of the registry's own; says whether it could.
pub(crate) async fn take_back(work: &mut Work, id: OutboxId) -> Result<bool, RegistryError> {
    let Some(row) = row::get(work.connection(), id).await? else { return Ok(false) };
    if row.state != OutboxState::Waiting || row.transaction.is_some() || !row::followers(work, id).await?.is_empty() {
        return Ok(false);
    }
    row::change(work, id, &[OutboxState::Waiting], &Change::to(OutboxState::Discarded)).await?;
    effect::free(work, id).await?;
    Ok(true)
}

/// Waits until a row is done, refused or given up, or until `timeout` has passed; says where it stands then.
///
/// # Errors
/// [`OutboxError::Unknown`], or what the database answers.
#[boxed]
pub async fn wait(registry: &Registry, id: OutboxId, timeout: Duration) -> Result<OutboxState, OutboxError> {
    let until = tokio::time::Instant::now() + timeout;
    loop {
        let row = get(registry, id).await?.ok_or(OutboxError::Unknown(id))?;
        if row.state.is_final() || tokio::time::Instant::now() >= until {
            return Ok(row.state);
        }
        tokio::time::sleep(ASKING).await;
    }
}

const ASKING: Duration = Duration::from_millis(50);

/// Now, as rows keep it.
fn instant_now() -> i64 {
    crate::database::list::instant(now())
}
