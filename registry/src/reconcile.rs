//! Registry and ledger compared, wallet by wallet, with every difference explained.
//!
//! Both are read in parts: a page of the ledger's wallets in whatever order it has, the registry's rows of these, then the rows
//! that no page named. What was seen is noted in the database, so memory stays flat. The ledger goes on meanwhile: what may only
//! have been on its way between two looks is looked at again before it is reported.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{ProviderId, PupilId, SchoolId};
use keis_ledger::money::Cents;
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;

use crate::boxed;
use crate::database::Registry;
use crate::error::RegistryError;
use crate::ids::{KeyId, PersonId};
use crate::log::{Actor, Entry, append};
use crate::outbox::OutboxId;
use crate::permission::{Permission, demand};

mod bodies;
mod pupils;
mod rows;

/// Differences that a report lists; the others are counted.
const LISTED: usize = 1_000;

/// A pupil's wallet as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookPupil {
    /// The wallet.
    pub pupil: PupilId,
    /// Where it belongs.
    pub school: SchoolId,
    /// Its grade.
    pub grade: u8,
    /// Whether it may be used.
    pub standing: Standing,
    /// Whether it has had its money of the year.
    pub allocated: bool,
    /// What is left of it.
    pub balance: Cents,
}

/// A key of a school or provider as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookKey {
    /// The key.
    pub key: PublicKey,
    /// Not accepted from this instant on.
    pub until: Timestamp,
}

/// A school or provider as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookBody {
    /// Whether it may be used.
    pub standing: Standing,
    /// Its keys, also those that have ended.
    pub keys: Vec<BookKey>,
}

/// A part of the ledger's wallets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookPage {
    /// The wallets.
    pub pupils: Vec<BookPupil>,
    /// Where the next part begins, if there is one.
    pub next: Option<String>,
}

/// The ledger could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the ledger cannot be read: {0}")]
pub struct BookError(pub String);

/// The ledger, as it is compared. Somebody who has an officer's key and a gateway's address implements it.
#[async_trait]
pub trait LedgerBook: Send + Sync {
    /// The ledger's time.
    async fn now(&self) -> Result<Timestamp, BookError>;

    /// A part of all pupils' wallets of a year.
    async fn pupils(&self, year: Year, cursor: Option<&str>) -> Result<BookPage, BookError>;

    /// One pupil's wallet.
    async fn pupil(&self, year: Year, pupil: PupilId) -> Result<Option<BookPupil>, BookError>;

    /// A school.
    async fn school(&self, school: SchoolId, year: Year) -> Result<Option<BookBody>, BookError>;

    /// A provider.
    async fn provider(&self, provider: ProviderId, year: Year) -> Result<Option<BookBody>, BookError>;
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The ledger has a wallet that is nobody's here.
    WalletUnknown,
    /// The ledger does not have a wallet that it had by the registry.
    WalletMissing,
    /// A drawn wallet is not on the ledger though the year's wallets are opened.
    WalletNotOpened,
    /// An enrolled pupil has no wallet of the year.
    WalletNotDrawn,
    /// The pupil learns at another school or grade than the ledger has it.
    PlaceDiffers,
    /// The wallet has no money though the year's wallets have theirs.
    NotAllocated,
    /// The ledger has gone further with a wallet than the registry has heard.
    StateBehind,
    /// Money was given by the registry, but the ledger knows nothing of it.
    StateAhead,
    /// The pupil is not enrolled, the wallet is not closed.
    StillOpen,
    /// The pupil is enrolled, the wallet is closed.
    ClosedOnLedger,
    /// A school or provider is not on the ledger.
    BodyMissing,
    /// A school or provider is on the ledger, and the registry has not heard.
    BodyBehind,
    /// A school or provider is suspended or closed on the ledger.
    BodyNotActive,
    /// A key that is used here is not on the ledger, or has ended there.
    KeyMissing,
    /// A key that is not used here is active on the ledger.
    KeyStillActive,
    /// The ledger has a key of a school or provider that nobody asked for here.
    KeyUnknown,
    /// The ledger refuses a row of the outbox.
    RowRefused,
    /// A row of the outbox has been tried many times.
    RowStuck,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing: it is on its way to the ledger.
    Wait,
    /// See why the row does not pass, and retry or discard it.
    SeeRow,
    /// Import the extract once more: what is missing is drawn, opened, moved or closed by it.
    Import,
    /// Open the year's wallets, or give them their money, once more.
    OpenAgain,
    /// Nothing in this year: the ledger gives a pupil one wallet a year.
    NextYear,
    /// Revoke the key.
    Revoke,
    /// Ask who did this, past the registry; a restored backup does it too.
    Inquire,
}

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A pupil's wallet, and whose it is here.
    Wallet(PupilId, Option<PersonId>),
    /// A pupil without wallet.
    Person(PersonId),
    /// A school.
    School(SchoolId),
    /// A provider.
    Provider(ProviderId),
    /// A key, and its request here.
    Key(PublicKey, Option<KeyId>),
    /// A row of the outbox.
    Row(OutboxId),
}

/// One difference, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub kind: DifferenceKind,
    /// Whose.
    pub about: About,
    /// The row of the outbox that will end it, if one is on its way.
    pub waiting: Option<OutboxId>,
    /// What to do.
    pub remedy: Remedy,
    /// What either side says, in ids and numbers.
    pub detail: String,
}

/// What was compared, and what differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Wallets of pupils on the ledger.
    pub pupils: u64,
    /// Closed wallets on the ledger that are nobody's here any more: of persons who were erased.
    pub erased: u64,
    /// Schools and providers.
    pub bodies: u64,
    /// Keys.
    pub keys: u64,
    /// Differences by kind.
    pub counts: BTreeMap<DifferenceKind, u64>,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Whether both sides say the same.
    pub fn agrees(&self) -> bool {
        self.counts.is_empty()
    }

    fn add(&mut self, difference: Difference) {
        *self.counts.entry(difference.kind).or_default() += 1;
        if self.differences.len() < LISTED {
            self.differences.push(difference);
        }
    }
}

/// Why registry and ledger could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger could not be read.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The registry failed, or does not permit it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for ReconcileError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// Compares the registry with the ledger in a year. Changes neither.
///
/// # Errors
/// [`ReconcileError`].
#[boxed]
pub async fn reconcile(
    registry: &Registry,
    actor: &Actor,
    year: Year,
    book: &dyn LedgerBook,
) -> Result<Report, ReconcileError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, Permission::SeeDifferences).await?;
    work.commit().await?;
    let mut report = Report::default();
    rows::compare(registry, &mut report).await?;
    bodies::compare(registry, year, book, &mut report).await?;
    pupils::compare(registry, year, book, &mut report).await?;
    let mut work = registry.begin().await?;
    let differences: u64 = report.counts.values().sum();
    let detail = format!("{} wallets, {} bodies, {differences} differences", report.pupils, report.bodies);
    append(&mut work, Entry::new(actor, "ledger compared", year).detail(detail)).await?;
    work.commit().await?;
    Ok(report)
}

impl DifferenceKind {
    /// Stable name, for pages to say it in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::WalletUnknown => "wallet_unknown",
            Self::WalletMissing => "wallet_missing",
            Self::WalletNotOpened => "wallet_not_opened",
            Self::WalletNotDrawn => "wallet_not_drawn",
            Self::PlaceDiffers => "place_differs",
            Self::NotAllocated => "not_allocated",
            Self::StateBehind => "state_behind",
            Self::StateAhead => "state_ahead",
            Self::StillOpen => "still_open",
            Self::ClosedOnLedger => "closed_on_ledger",
            Self::BodyMissing => "body_missing",
            Self::BodyBehind => "body_behind",
            Self::BodyNotActive => "body_not_active",
            Self::KeyMissing => "key_missing",
            Self::KeyStillActive => "key_still_active",
            Self::KeyUnknown => "key_unknown",
            Self::RowRefused => "row_refused",
            Self::RowStuck => "row_stuck",
        }
    }

    /// What it means, in a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::WalletUnknown => "the ledger has a wallet that is nobody's in the registry",
            Self::WalletMissing => "the registry has a wallet as opened that the ledger does not have",
            Self::WalletNotOpened => "a wallet is drawn but not on the ledger yet",
            Self::WalletNotDrawn => "an enrolled pupil has no wallet of the year",
            Self::PlaceDiffers => "the ledger has the pupil at another school or grade",
            Self::NotAllocated => "the wallet has not had its money of the year",
            Self::StateBehind => "the ledger is further with the wallet than the registry has heard",
            Self::StateAhead => "the registry holds the wallet for funded, the ledger does not",
            Self::StillOpen => "the pupil has left, the wallet is not closed",
            Self::ClosedOnLedger => "the pupil is enrolled, the wallet is closed",
            Self::BodyMissing => "the school or provider is not on the ledger",
            Self::BodyBehind => "the ledger has the school or provider, the registry has not heard",
            Self::BodyNotActive => "the school or provider is suspended or closed on the ledger",
            Self::KeyMissing => "a key in use here is not active on the ledger",
            Self::KeyStillActive => "a key that is not used here is active on the ledger",
            Self::KeyUnknown => "the ledger has a key that nobody asked for here",
            Self::RowRefused => "the ledger refuses a transaction of the registry",
            Self::RowStuck => "a transaction of the registry has been tried many times",
        }
    }
}

impl Remedy {
    /// What to do, in a sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Wait => "nothing to do: it is on its way",
            Self::SeeRow => "see why the outbox's row does not pass; retry or discard it",
            Self::Import => "import the full extract once more",
            Self::OpenAgain => "open the year's wallets, or allocate, once more",
            Self::NextYear => "nothing in this year: a pupil has one wallet a year",
            Self::Revoke => "revoke the key",
            Self::Inquire => "find out who did this past the registry, or whether a backup was restored",
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wallet(wallet, Some(person)) => write!(f, "{wallet} of {person}"),
            Self::Wallet(wallet, None) => wallet.fmt(f),
            Self::Person(person) => person.fmt(f),
            Self::School(school) => school.fmt(f),
            Self::Provider(provider) => provider.fmt(f),
            Self::Key(key, Some(id)) => write!(f, "{id}, {key}"),
            Self::Key(key, None) => key.fmt(f),
            Self::Row(row) => row.fmt(f),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}); {}", self.about, self.kind.explanation(), self.detail, self.remedy.advice())?;
        self.waiting.map_or(Ok(()), |row| write!(f, ": {row}"))
    }
}
