//! The invoices and credit notes themselves: drawn here from facts, or taken as a provider's own e-invoice, and kept as bytes.
//!
//! A document is kept in the transaction that gives its number, before anybody signs for it; what is kept is never changed and,
//! but for an erased person's, never removed: which one stands, the ledger says by its commitments. The same facts give the same
//! bytes, so whoever was interrupted makes the same document again.

use jiff::civil::Date;
use keis_einvoice::{
    CreditHeading, CreditLine, CreditNote, Credited, Facts, Invoice, InvoiceError, Received, Text, XmlError,
};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, SchoolId, StatementId};
use keis_ledger::operation::Buyer;
use keis_ledger::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::billing;
use crate::boxed;
use crate::database::{Registry, Work};
use crate::error::RegistryError;
use crate::invoices::{self, FileMark, LONGEST_NUMBER, NewPaper, PaperCommitments, PaperKind};
use crate::log::{Actor, Entry, append};
use crate::permission::{Body, Permission, demand_for};
use crate::vault::WitnessKey;
use crate::witnesses::{self, Holder};

mod read;
mod stored;

pub use read::Recognised;

/// Most bytes of a document.
pub const LONGEST_DOCUMENT: usize = 4 * 1024 * 1024;
/// Most documents that are made ready for a statement.
pub const MOST_DOCUMENTS: usize = 2_000;

/// The number of a document to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberWish {
    /// The one that was made ready for the same and not signed, else the next one of the provider's series.
    Next,
    /// This one.
    Given(Text),
}

/// An invoice to draw and keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvoice {
    /// The year of the statement.
    pub year: Year,
    /// Who is paid and signs: the provider, or who stands in its place.
    pub provider: ProviderId,
    /// To whom, as the ledger has it.
    pub buyer: Buyer,
    /// Its number, which replaces the one in the facts.
    pub number: NumberWish,
    /// What it is drawn from.
    pub facts: Facts,
}

/// A credit note to draw and keep, of an invoice that was drawn here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCreditNote {
    /// The year of the statement.
    pub year: Year,
    /// The statement.
    pub statement: StatementId,
    /// Who issues it.
    pub provider: ProviderId,
    /// To whom, as the ledger has it.
    pub buyer: Buyer,
    /// The order that the ledger's credit note is about.
    pub order: OrderId,
    /// Its invoice: the commitment to its file.
    pub invoice: Commitment,
    /// Its number, which replaces the one in the heading.
    pub number: NumberWish,
    /// Date and reason.
    pub heading: CreditHeading,
    /// What was credited before.
    pub before: Vec<Credited>,
    /// What is credited now.
    pub credits: Vec<CreditLine>,
    /// The reversal that credited it; none for the provider's own wish.
    pub reversal: Option<Reversal>,
}

/// A provider's own e-invoice to keep; whether it is the statement's, its caller has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceived {
    /// What it is.
    pub kind: PaperKind,
    /// The year of the statement.
    pub year: Year,
    /// The statement.
    pub statement: StatementId,
    /// Whose it is.
    pub provider: ProviderId,
    /// To whom, as the ledger has it.
    pub buyer: Buyer,
    /// The file's name.
    pub name: String,
    /// Its bytes: UBL.
    pub bytes: Vec<u8>,
    /// The reversal that a credit note is about; none for the provider's own wish.
    pub reversal: Option<Reversal>,
}

/// A reversal on the ledger, by the place of its receipt. It gave the money back by itself, so the ledger takes no credit note about it:
/// the note is kept and sent without the ledger's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reversal {
    /// Height of its block.
    pub height: u64,
    /// Its place in the block.
    pub index: u32,
}

/// What a credit note was drawn from, beside its invoice's facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditFacts {
    /// Number, date, reason.
    pub heading: CreditHeading,
    /// What was credited before.
    pub before: Vec<Credited>,
    /// What it credits.
    pub credits: Vec<CreditLine>,
}

/// A document that was made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What the ledger is told.
    pub commitments: PaperCommitments,
    /// Its number.
    pub number: String,
    /// Its file.
    pub file: FileMark,
}

/// A kept document.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it is.
    pub kind: PaperKind,
    /// The year of its statement.
    pub year: Year,
    /// Its statement.
    pub statement: StatementId,
    /// Who issued it.
    pub provider: ProviderId,
    /// To whom.
    pub buyer: Buyer,
    /// Its number.
    pub number: String,
    /// Its day of issue.
    pub issued: Date,
    /// What the ledger is told of it.
    pub commitments: PaperCommitments,
    /// The document: UBL.
    pub bytes: Vec<u8>,
    /// What it, or a credit note's invoice, was drawn from; none of a provider's own.
    pub facts: Option<Facts>,
    /// What a credit note was drawn from; none of an invoice and of a provider's own.
    pub credit: Option<CreditFacts>,
    /// The reversal that a credit note is about.
    pub reversal: Option<Reversal>,
    /// When it was made ready.
    pub added: Timestamp,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {}", self.kind, self.statement)
    }
}

impl Kept {
    /// The file's name, by the number: letters, digits and hyphens.
    pub fn file_name(&self) -> String {
        file_name(&self.number)
    }

    /// The invoice, or a credit note's, drawn again; none of a provider's own.
    ///
    /// # Errors
    /// [`InvoiceError`], which never comes of what was drawn once.
    pub fn invoice(&self) -> Result<Option<Invoice>, InvoiceError> {
        self.facts.clone().map(Invoice::draw).transpose()
    }

    /// The credit note, drawn again; none of an invoice and of a provider's own.
    ///
    /// # Errors
    /// As for [`Kept::invoice`].
    pub fn credit_note(&self) -> Result<Option<CreditNote>, InvoiceError> {
        let (Some(invoice), Some(credit)) = (self.invoice()?, &self.credit) else { return Ok(None) };
        CreditNote::draw(&invoice, credit.heading.clone(), &credit.before, &credit.credits).map(Some)
    }
}

/// Why a document is not made or kept.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The registry refuses or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The facts give no document.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// The file is no e-invoice.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The number stands on another paper.
    #[error("the number stands on another paper")]
    NumberTaken,
    /// A number longer than the ledger's parties take.
    #[error("a number has at most {LONGEST_NUMBER} letters")]
    NumberLong,
    /// The provider has set no series.
    #[error("the provider has set no series")]
    SeriesMissing,
    /// The series has no number left.
    #[error("the series has no number left")]
    SeriesOver,
    /// A document that is longer than any may be.
    #[error("the document has {0} bytes, {LONGEST_DOCUMENT} are the most")]
    TooLong(usize),
    /// More documents of one statement than anybody needs.
    #[error("{MOST_DOCUMENTS} documents were made ready for the statement, which are the most")]
    TooMany,
    /// A credit note about the reversal is kept already.
    #[error("a credit note about the reversal is kept already")]
    ReversalNoted,
    /// The invoice of a credit note was not drawn here.
    #[error("the invoice was not drawn here")]
    NotDrawn,
}

impl From<sqlx::Error> for DocumentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl Registry {
    /// Draws an invoice and keeps it with its number. Asked again with the same number, or the one that was made ready, and the
    /// same facts it gives the same document.
    ///
    /// # Errors
    /// [`DocumentError`]; [`RegistryError::Denied`] unless the actor may accept statements for the provider.
    #[boxed]
    pub async fn keep_invoice(&self, actor: &Actor, new: &NewInvoice) -> Result<Made, DocumentError> {
        let (mut work, key) = self.desk(actor, new.provider).await?;
        let mut facts = new.facts.clone();
        let statement = facts.settlement.statement;
        let of = (new.provider, statement, PaperKind::Invoice);
        facts.heading.number = number(&mut work, &key, of, &new.number, |_| true).await?;
        let invoice = Invoice::draw(facts)?;
        let facts = invoice.facts();
        let paper = Paper {
            kind: PaperKind::Invoice,
            year: new.year,
            statement,
            provider: new.provider,
            buyer: new.buyer,
            number: facts.heading.number.as_str(),
            name: &file_name(facts.heading.number.as_str()),
            bytes: invoice.to_xml(),
            sheet: Sheet { issued: facts.heading.issued, facts: Some(facts.clone()), credit: None, reversal: None },
        };
        finish(work, actor, &key, paper).await
    }

    /// Draws a credit note and keeps it with its number; asked again as for an invoice.
    ///
    /// # Errors
    /// As [`Registry::keep_invoice`]; [`DocumentError::NotDrawn`].
    #[boxed]
    pub async fn keep_credit_note(&self, actor: &Actor, new: &NewCreditNote) -> Result<Made, DocumentError> {
        let (mut work, key) = self.desk(actor, new.provider).await?;
        let vault = work.vault();
        let invoice = stored::of_file(work.connection(), &vault, new.statement, &new.invoice).await?;
        let invoice = invoice.filter(|kept| kept.kind == PaperKind::Invoice && kept.year == new.year);
        let facts = invoice.and_then(|kept| kept.facts).ok_or(DocumentError::NotDrawn)?;
        let kind = PaperKind::CreditNote(new.order);
        // One that was signed has lowered what is open since, so that `before` tells it from this one.
        let same = |kept: &Kept| {
            kept.reversal == new.reversal && kept.credit.as_ref().is_some_and(|credit| credit.before == new.before)
        };
        let mut heading = new.heading.clone();
        heading.number = number(&mut work, &key, (new.provider, new.statement, kind), &new.number, same).await?;
        let note = CreditNote::draw(&Invoice::draw(facts.clone())?, heading.clone(), &new.before, &new.credits)?;
        let credit = CreditFacts { heading, before: new.before.clone(), credits: new.credits.clone() };
        let paper = Paper {
            kind,
            year: new.year,
            statement: new.statement,
            provider: new.provider,
            buyer: new.buyer,
            number: credit.heading.number.as_str(),
            name: &file_name(credit.heading.number.as_str()),
            bytes: note.to_xml(),
            sheet: Sheet {
                issued: credit.heading.issued,
                facts: Some(facts),
                credit: Some(credit.clone()),
                reversal: new.reversal,
            },
        };
        finish(work, actor, &key, paper).await
    }

    /// Keeps a provider's own e-invoice or credit note, with the number that stands on it.
    ///
    /// # Errors
    /// As [`Registry::keep_invoice`]; [`DocumentError::Xml`].
    #[boxed]
    pub async fn keep_received(&self, actor: &Actor, new: &NewReceived) -> Result<Made, DocumentError> {
        if new.bytes.len() > LONGEST_DOCUMENT {
            return Err(DocumentError::TooLong(new.bytes.len()));
        }
        let received = Received::parse(&new.bytes)?;
        let (mut work, key) = self.desk(actor, new.provider).await?;
        free(&mut work, &key, &received.number, (new.statement, new.kind)).await?;
        let paper = Paper {
            kind: new.kind,
            year: new.year,
            statement: new.statement,
            provider: new.provider,
            buyer: new.buyer,
            number: &received.number,
            name: &new.name,
            bytes: new.bytes.clone(),
            sheet: Sheet { issued: received.issued, facts: None, credit: None, reversal: new.reversal },
        };
        finish(work, actor, &key, paper).await
    }

    /// The number that a new invoice of a statement is offered: one that was made ready for it, else the next one of the series.
    /// Nothing is taken.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn offered_number(
        &self,
        actor: &Actor,
        provider: ProviderId,
        statement: StatementId,
    ) -> Result<Option<Text>, RegistryError> {
        let (mut work, key) = self.desk(actor, provider).await?;
        let of = (provider, statement, PaperKind::Invoice);
        match number(&mut work, &key, of, &NumberWish::Next, |_| true).await {
            Ok(number) => Ok(Some(number)),
            Err(DocumentError::Registry(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// A transaction of who may bind the provider, and the provider's key.
    async fn desk(&self, actor: &Actor, provider: ProviderId) -> Result<(Work, WitnessKey), RegistryError> {
        let mut work = self.begin().await?;
        demand_for(&mut work, actor, Permission::AcceptStatements, &Body::Provider(provider)).await?;
        let key = witnesses::key(&mut work, Holder::Provider(provider)).await?;
        Ok((work, key))
    }
}

/// What is kept of a document beside its bytes.
#[derive(Serialize, Deserialize)]
struct Sheet {
    issued: Date,
    facts: Option<Facts>,
    credit: Option<CreditFacts>,
    #[serde(default)]
    reversal: Option<Reversal>,
}

/// A document that is ready to be kept.
struct Paper<'a> {
    kind: PaperKind,
    year: Year,
    statement: StatementId,
    provider: ProviderId,
    buyer: Buyer,
    number: &'a str,
    name: &'a str,
    bytes: Vec<u8>,
    sheet: Sheet,
}

/// The number of a document: as given, or that of the latest one of the same kind that `is_same` and stands in the series, or the
/// next one.
async fn number(
    work: &mut Work,
    key: &WitnessKey,
    (provider, statement, kind): (ProviderId, StatementId, PaperKind),
    wish: &NumberWish,
    is_same: impl Fn(&Kept) -> bool + Send,
) -> Result<Text, DocumentError> {
    let vault = work.vault();
    let drawn = stored::of_statement(work.connection(), &vault, statement, Some(kind)).await?;
    let (same, signed): (Vec<Kept>, Vec<Kept>) = drawn.into_iter().partition(is_same);
    if let NumberWish::Given(number) = wish {
        free(work, key, number.as_str(), (statement, kind)).await?;
        let twice = signed.iter().any(|kept| kept.number == number.as_str());
        return if twice { Err(DocumentError::NumberTaken) } else { Ok(number.clone()) };
    }
    let file = billing::seller_file(work.connection(), &vault, provider).await?;
    let series = file.details.series.ok_or(DocumentError::SeriesMissing)?;
    let own = |kept: &&Kept| kept.provider == provider && kept.facts.is_some();
    let ready = same.iter().rev().filter(own).find(|kept| in_series(&kept.number, &series));
    if let Some(kept) = ready {
        return Text::new(&kept.number).map_err(|error| DocumentError::Invoice(error.into()));
    }
    billing::take(work, key, (provider, statement, kind), &series).await?.ok_or(DocumentError::SeriesOver)
}

fn in_series(number: &str, series: &Text) -> bool {
    let rest = number.strip_prefix(series.as_str()).and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

async fn free(
    work: &mut Work,
    key: &WitnessKey,
    number: &str,
    of: (StatementId, PaperKind),
) -> Result<(), DocumentError> {
    if number.chars().count() > LONGEST_NUMBER {
        return Err(DocumentError::NumberLong);
    }
    let elsewhere = invoices::stands_elsewhere(work, key, number, of).await?;
    if elsewhere { Err(DocumentError::NumberTaken) } else { Ok(()) }
}

/// Keeps a document and its paper, which ends the transaction.
async fn finish(mut work: Work, actor: &Actor, key: &WitnessKey, paper: Paper<'_>) -> Result<Made, DocumentError> {
    if paper.bytes.len() > LONGEST_DOCUMENT {
        return Err(DocumentError::TooLong(paper.bytes.len()));
    }
    if stored::count(work.connection(), paper.statement).await? >= MOST_DOCUMENTS {
        return Err(DocumentError::TooMany);
    }
    let file = FileMark::of(paper.name, &paper.bytes);
    if paper.sheet.reversal.is_some() {
        let vault = work.vault();
        let kept = stored::of_statement(work.connection(), &vault, paper.statement, Some(paper.kind)).await?;
        if kept.iter().any(|kept| kept.reversal == paper.sheet.reversal && kept.bytes != paper.bytes) {
            return Err(DocumentError::ReversalNoted);
        }
    }
    let new = NewPaper {
        kind: paper.kind,
        year: paper.year,
        statement: paper.statement,
        provider: paper.provider,
        buyer: paper.buyer,
        number: paper.number.to_owned(),
        file: file.clone(),
    };
    let commitments = invoices::keep(&mut work, &new).await?;
    stored::put(&mut work, key, &paper, commitments).await?;
    let entry = Entry::new(actor, "document of a statement kept", paper.statement);
    append(&mut work, entry.detail(paper.kind.name())).await?;
    work.commit().await?;
    Ok(Made { commitments, number: paper.number.to_owned(), file })
}

fn file_name(number: &str) -> String {
    let plain = |letter: char| if letter.is_alphanumeric() || letter == '-' { letter } else { '_' };
    format!("{}.xml", number.chars().map(plain).collect::<String>())
}

fn buyer_of(school: Option<SchoolId>) -> Buyer {
    school.map_or(Buyer::Programme, Buyer::School)
}
