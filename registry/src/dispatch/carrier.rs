//! The way to the buyer's system and to what a document is, as the dispatch needs them. Somebody who has addresses, tokens and
//! gateways implements them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::record::StatementState;

use super::{Dispatch, DispatchNameError};
use crate::ids::MessageId;

/// A document's bytes and whom they go between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// UBL.
    pub bytes: Vec<u8>,
    /// The sender's electronic address, `SCHEME:ID`.
    pub sender: Option<String>,
    /// The receiver's electronic address, `SCHEME:ID`.
    pub receiver: Option<String>,
}

/// What leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What the receiver tells messages apart by.
    pub id: MessageId,
    /// Whether it is a credit note.
    pub is_credit_note: bool,
    /// The document.
    pub document: Document,
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The carrier has it, now or from before.
    Sent,
    /// The carrier will never take it. One word of the program's own says why, such as `status_422`.
    Refused(String),
}

/// The carrier cannot say or do it now; nothing is known of the message then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the buyer's system is not to be reached now: {why}")]
pub struct NotNow {
    /// Why, in one word of the program's own, such as `unreachable`.
    pub why: String,
    /// Not before so long.
    pub after: Option<Duration>,
}

impl NotNow {
    /// For this reason.
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), after: None }
    }
}

/// What the buyer says of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It arrived.
    Received,
    /// The buyer does not take it.
    Rejected,
    /// The buyer takes it.
    Approved,
    /// The buyer paid.
    Paid,
    /// The answer could not be read.
    Unreadable,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 5] = [Self::Received, Self::Rejected, Self::Approved, Self::Paid, Self::Unreadable];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Rejected => "rejected",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Unreadable => "unreadable",
        })
    }
}

impl FromStr for Verdict {
    type Err = DispatchNameError;
    fn from_str(text: &str) -> Result<Self, DispatchNameError> {
        Self::ALL.into_iter().find(|verdict| verdict.to_string() == text).ok_or(DispatchNameError("verdict"))
    }
}

/// A payment that the buyer tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// How much.
    pub amount: Cents,
    /// What the bank calls it.
    pub reference: String,
    /// The day, as `2026-11-30`.
    pub day: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the receiver calls the answer.
    pub id: String,
    /// Which message it is about, as the receiver names it.
    pub message: String,
    /// What it says; never [`Verdict::Unreadable`].
    pub verdict: Verdict,
    /// Why, in the buyer's words.
    pub reason: Option<String>,
    /// The payment, of [`Verdict::Paid`].
    pub payment: Option<Payment>,
}

/// What the receiver told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// An answer.
    Answer(Answer),
    /// What is no answer.
    Unreadable {
        /// Why, in one word of the program's own.
        why: &'static str,
        /// What was told, as far as it is kept.
        text: String,
    },
}

/// One thing that the receiver told, and where the carrier has it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The carrier's own name for it, such as a file's.
    pub source: String,
    /// What it is.
    pub told: Told,
}

/// Answers, in the receiver's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What was told.
    pub items: Vec<Item>,
    /// From where the next answers are asked for.
    pub cursor: String,
    /// Whether more are there already.
    pub more: bool,
}

/// The way to the buyer's system.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Hands a message over. The same id again has no second effect where the receiver looks at it.
    async fn send(&self, message: &Message) -> Result<SendOutcome, NotNow>;

    /// Whether a message arrived; none where the carrier cannot tell.
    async fn known(&self, id: MessageId) -> Result<Option<bool>, NotNow>;

    /// Answers after a cursor; the first one is empty.
    async fn answers(&self, after: &str) -> Result<Batch, NotNow>;

    /// The answers are kept: the carrier may put them away. It may be told twice of the same.
    async fn taken(&self, batch: &Batch) -> Result<(), NotNow>;
}

/// A statement as the ledger has it now, as far as answers move it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerBill {
    /// Where it stands.
    pub state: StatementState,
    /// The file of the attached invoice.
    pub invoice: Option<Commitment>,
    /// What is open.
    pub open: Cents,
    /// References of payments that were recorded.
    pub references: Vec<Commitment>,
}

/// Whether a document is at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is.
    Document(Document),
    /// Its bytes are not kept here: it was made elsewhere, or erased.
    Missing,
}

/// Why documents or the ledger could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// No gateway answers.
    #[error("the ledger cannot be read: {0}")]
    Ledger(String),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] crate::error::RegistryError),
}

/// What a document is, and where its statement stands on the ledger.
#[async_trait]
pub trait Papers: Send + Sync {
    /// The document's bytes.
    async fn document(&self, dispatch: &Dispatch) -> Result<Found, PapersError>;

    /// The statement as it stands; none when there is none, or its year is sealed.
    async fn bill(&self, year: Year, statement: StatementId) -> Result<Option<LedgerBill>, PapersError>;

    /// Whether the key of the programme's payer is here: it alone records what the programme paid.
    fn pays(&self) -> bool;
}
