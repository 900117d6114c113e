//! Invoices and credit notes on their way to the buyer's system, and its answers: row first, message last, one arrival; answer first,
//! wish to the ledger in the same transaction, one effect.
//!
//! A document has one id, derived from what the ledger names. It is durable that a message may have left before it leaves; after a
//! kill the receiver is asked for the id where it can tell, and the same id goes again where it cannot. Where a document stands only
//! climbs; an answer that would lead elsewhere is put aside for an officer. Owns the tables `dispatches`, `dispatch_answers` and
//! `dispatch_cursor`; must not know addresses, protocols or the documents' content, see [`Carrier`] and [`Papers`].

use std::fmt;
use std::str::FromStr;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, StatementId};
use keis_ledger::time::Timestamp;

use crate::boxed;
use crate::database::{Registry, Work, now};
use crate::error::RegistryError;
use crate::ids::MessageId;
use crate::invoices::PaperKind;
use crate::log::{Actor, Entry, append};
use crate::outbox::OutboxId;
use crate::page::{Listed, Page};
use crate::permission::{Body, Permission, demand, pass};

mod answer;
mod carrier;
mod row;
mod settle;
mod told;
mod worker;

pub use answer::{AnswerRow, AnswerStanding};
pub use carrier::{
    Answer, Batch, Carrier, Document, Found, Item, LedgerBill, Message, NotNow, Papers, PapersError, Payment,
    SendOutcome, Told, Verdict,
};
pub use told::Reason;
pub use worker::{Machine, Pace, Pulse, Stepped, run, step};

/// Where a document stands with the buyer's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DispatchState {
    /// It never left.
    Waiting,
    /// It may have left.
    Leaving,
    /// The carrier has it.
    Sent,
    /// The buyer's system has it.
    Received,
    /// The buyer does not take it.
    Rejected,
    /// The buyer takes it.
    Approved,
    /// The buyer paid, a part at least.
    Paid,
    /// It cannot be sent, or was tried too often. An officer retries or gives it up.
    Dead,
    /// It is not sent: an officer gave it up, or the ledger names it no more.
    GivenUp,
}

/// A text that is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text names no {0}")]
pub struct DispatchNameError(pub(crate) &'static str);

impl DispatchState {
    /// Every state, in the order of a document's life.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Leaving,
        Self::Sent,
        Self::Received,
        Self::Rejected,
        Self::Approved,
        Self::Paid,
        Self::Dead,
        Self::GivenUp,
    ];
}

impl fmt::Display for DispatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Leaving => "leaving",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Rejected => "rejected",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Dead => "dead",
            Self::GivenUp => "given_up",
        })
    }
}

impl FromStr for DispatchState {
    type Err = DispatchNameError;
    fn from_str(text: &str) -> Result<Self, DispatchNameError> {
        Self::ALL.into_iter().find(|state| state.to_string() == text).ok_or(DispatchNameError("state of a document"))
    }
}

/// A document that the ledger names and the buyer's system is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewDispatch {
    /// What it is.
    pub kind: PaperKind,
    /// The year of the statement.
    pub year: Year,
    /// The statement.
    pub statement: StatementId,
    /// Whose it is.
    pub provider: ProviderId,
    /// What the ledger knows of its file.
    pub file: Commitment,
}

impl NewDispatch {
    /// The id of the message: the same for the same document, also after the database was put back.
    pub fn message(&self) -> MessageId {
        let mut hasher = blake3::Hasher::new_derive_key("KEIS registry 2026 ids of messages to buyers");
        hasher.update(&self.statement.0);
        hasher.update(&self.file.0);
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        MessageId(id)
    }
}

/// A document on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The id of its message.
    pub id: MessageId,
    /// Its number, in the order of queueing.
    pub seq: u64,
    /// What it is, and of what.
    pub of: NewDispatch,
    /// Where it stands.
    pub state: DispatchState,
    /// Attempts since the last one that an officer asked for.
    pub attempts: u32,
    /// Not tried before this instant.
    pub next_at: Timestamp,
    /// Why the last attempt brought nothing, in one word of the program's own.
    pub trouble: Option<String>,
    /// The row of the outbox that approves the invoice.
    pub approval: Option<OutboxId>,
    /// When it was queued.
    pub queued: Timestamp,
    /// When it may first have left.
    pub left: Option<Timestamp>,
    /// When it last changed.
    pub changed: Timestamp,
}

/// Why an officer's wish about a document or an answer is refused.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// No such document.
    #[error("{0} is no document on its way")]
    Unknown(MessageId),
    /// No such answer.
    #[error("{0} is no answer that was put aside")]
    AnswerUnknown(u64),
    /// The document stands where this cannot be done.
    #[error("{id} is {state}; this is not possible then")]
    StateWrong {
        /// The document.
        id: MessageId,
        /// Where it stands.
        state: DispatchState,
    },
    /// The registry failed, or does not permit it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Queues documents that are not queued yet; says how many those were. They leave once the caller's transaction is committed.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn enqueue(work: &mut Work, actor: &Actor, documents: &[NewDispatch]) -> Result<u64, RegistryError> {
    let mut queued = 0;
    for new in documents {
        if row::insert(work, new).await? {
            append(work, Entry::new(actor, "document queued", new.message()).detail(new.statement)).await?;
            queued += 1;
        }
    }
    Ok(queued)
}

impl Registry {
    /// Which of these documents are not queued yet.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn dispatches_missing(&self, documents: &[NewDispatch]) -> Result<Vec<NewDispatch>, RegistryError> {
        let known = row::known(&mut *self.reader().await?, documents).await?;
        Ok(documents.iter().filter(|new| !known.contains(&new.message())).copied().collect())
    }

    /// Documents in a state, the latest first; those of every state without one. For officers.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn dispatches(
        &self,
        actor: &Actor,
        state: Option<DispatchState>,
        page: &Page,
    ) -> Result<Listed<Dispatch>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let rows = row::list(&mut reader, state, page).await?;
        Ok(page.list(rows, |row| row.seq))
    }

    /// A document. For officers.
    ///
    /// # Errors
    /// As [`Registry::dispatches`].
    #[boxed]
    pub async fn dispatch(&self, actor: &Actor, id: MessageId) -> Result<Option<Dispatch>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        row::get(&mut reader, id).await
    }

    /// How many documents stand in each state, and how many answers were put aside. For officers.
    ///
    /// # Errors
    /// As [`Registry::dispatches`].
    #[boxed]
    pub async fn dispatch_counts(&self, actor: &Actor) -> Result<(Vec<(DispatchState, u64)>, u64), RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        Ok((row::counts(&mut reader).await?, answer::aside(&mut reader).await?))
    }

    /// Tries a dead or delayed document again at once. One that may have left is asked for first.
    ///
    /// # Errors
    /// [`DispatchError::StateWrong`] unless it is dead or waits; others as [`DispatchError`] says.
    #[boxed]
    pub async fn retry_dispatch(&self, actor: &Actor, id: MessageId) -> Result<(), DispatchError> {
        let (mut work, row) = self.for_officer(actor, id).await?;
        let state = match row.state {
            DispatchState::Waiting | DispatchState::Leaving | DispatchState::Dead | DispatchState::GivenUp => {
                if row.left.is_some() { DispatchState::Leaving } else { DispatchState::Waiting }
            }
            DispatchState::Sent
            | DispatchState::Received
            | DispatchState::Rejected
            | DispatchState::Approved
            | DispatchState::Paid => return Err(DispatchError::StateWrong { id, state: row.state }),
        };
        row::restart(&mut work, id, state).await?;
        append(&mut work, Entry::new(actor, "document retried", id)).await?;
        Ok(work.commit().await?)
    }

    /// Gives a document up that is dead or never left: it is not sent.
    ///
    /// # Errors
    /// [`DispatchError::StateWrong`] when it may have left or was answered; others as [`DispatchError`] says.
    #[boxed]
    pub async fn give_up_dispatch(&self, actor: &Actor, id: MessageId) -> Result<(), DispatchError> {
        let (mut work, row) = self.for_officer(actor, id).await?;
        let from = [DispatchState::Waiting, DispatchState::Dead];
        if !row::change(&mut work, id, &from, &row::Change::to(DispatchState::GivenUp, now())).await? {
            return Err(DispatchError::StateWrong { id, state: row.state });
        }
        append(&mut work, Entry::new(actor, "document given up", id)).await?;
        Ok(work.commit().await?)
    }

    async fn for_officer(&self, actor: &Actor, id: MessageId) -> Result<(Work, Dispatch), DispatchError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::RecordPayments).await?;
        let row = row::get(work.connection(), id).await?.ok_or(DispatchError::Unknown(id))?;
        Ok((work, row))
    }
}

/// Who sees everything that is on its way.
fn is_office(body: &Body) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::School(_) | Body::Provider(_) => false,
    }
}

/// The order of a credit note.
fn order_of(kind: PaperKind) -> Option<OrderId> {
    match kind {
        PaperKind::Invoice => None,
        PaperKind::CreditNote(order) => Some(order),
    }
}
