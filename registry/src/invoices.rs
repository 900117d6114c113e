//! Invoices and credit notes of statements: their numbers and which files they are. The files of those that were drawn here or
//! taken as e-invoices are in `documents`; of others whoever has the file compares it with its hash.
//!
//! A paper is kept when it is made ready to be signed. Which of them stand, the ledger says by their commitments.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, SchoolId, StatementId};
use keis_ledger::operation::Buyer;
use keis_ledger::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::{Body, Permission, demand_for, pass};
use crate::successions;
use crate::vault::{Field, Vault, WitnessKey};
use crate::witnesses::{self, Holder, WitnessKind};

const NAME: Field = Field::of("papers", "name_sealed");

/// Most letters of an invoice's number.
pub const LONGEST_NUMBER: usize = 60;
/// Most letters that are kept of a file's name.
pub const LONGEST_NAME: usize = 120;

/// What a paper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaperKind {
    /// The invoice of a statement.
    Invoice,
    /// A credit note about an order of the statement.
    CreditNote(OrderId),
}

/// A file by what tells it from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMark {
    /// What its owner calls it.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// SHA-256 of its bytes, which programs of every machine show.
    pub hash: [u8; 32],
}

/// A paper to keep and to commit to.
#[derive(Debug, Clone)]
pub struct NewPaper {
    /// What it is.
    pub kind: PaperKind,
    /// The year of the statement.
    pub year: Year,
    /// The statement.
    pub statement: StatementId,
    /// Who issues it: its number is one of this provider's.
    pub provider: ProviderId,
    /// To whom.
    pub buyer: Buyer,
    /// Its number, as it stands on it.
    pub number: String,
    /// Its file.
    pub file: FileMark,
}

/// What the ledger is told of a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperCommitments {
    /// Commitment to the file.
    pub file: Commitment,
    /// Commitment to the number.
    pub number: Commitment,
}

/// A kept paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// What it is.
    pub kind: PaperKind,
    /// Who issued it.
    pub provider: ProviderId,
    /// Its number.
    pub number: String,
    /// Its file.
    pub file: FileMark,
    /// What the ledger is told of it.
    pub commitments: PaperCommitments,
    /// When it was made ready.
    pub added: Timestamp,
}

impl FileMark {
    /// The mark of a file.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let plain = |letter: &char| !letter.is_control();
        let name = name.trim().chars().filter(plain).take(LONGEST_NAME).collect();
        let size = u64::try_from(bytes.len()).expect("a file in memory has fewer bytes than 64 bits count");
        Self { name, size, hash: Sha256::digest(bytes).into() }
    }

    /// Whether these are the file's bytes.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        self.hash == *Sha256::digest(bytes)
    }

    /// The hash as people compare it: hexadecimal.
    pub fn hash_text(&self) -> String {
        hex::encode(self.hash)
    }
}

impl PaperKind {
    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote(_) => "credit_note",
        }
    }

    fn witness(self) -> WitnessKind {
        match self {
            Self::Invoice => WitnessKind::InvoiceFile,
            Self::CreditNote(_) => WitnessKind::CreditNote,
        }
    }

    /// The order that a credit note is about.
    pub fn order(self) -> Option<OrderId> {
        match self {
            Self::Invoice => None,
            Self::CreditNote(order) => Some(order),
        }
    }
}

impl Registry {
    /// Keeps a paper of a statement and gives the commitments that the ledger is told; the same paper again gives the same.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor may accept statements for the provider; [`RegistryError::BodyUnknown`], or what
    /// the database answers.
    #[boxed]
    pub async fn keep_paper(&self, actor: &Actor, new: &NewPaper) -> Result<PaperCommitments, RegistryError> {
        let mut work = self.begin().await?;
        demand_for(&mut work, actor, Permission::AcceptStatements, &Body::Provider(new.provider)).await?;
        let commitments = keep(&mut work, new).await?;
        let entry = Entry::new(actor, "paper of a statement kept", new.statement);
        append(&mut work, entry.detail(new.kind.name())).await?;
        work.commit().await?;
        Ok(commitments)
    }

    /// The papers that were made ready for a statement, the latest first, for its provider, its buyer, who stands in their places,
    /// operator and budget holder.
    /// Those of a person who was erased are gone.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn papers(&self, actor: &Actor, year: Year, statement: StatementId) -> Result<Vec<Paper>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = "SELECT * FROM papers WHERE statement = $1 AND year = $2 ORDER BY added DESC, file";
        let query = sqlx::query(sql).bind(&statement.0[..]).bind(i64::from(year.0));
        let rows = query.fetch_all(&mut *reader).await?;
        let (mut papers, mut refused) = (Vec::new(), None);
        for row in &rows {
            let provider = provider_of(row)?;
            let school: Option<Vec<u8>> = row.try_get("school")?;
            let school = school.map(|id| list::id(&id, "papers.school").map(SchoolId)).transpose()?;
            let heirs = successions::heirs(&mut reader, provider, school).await?;
            let reaches = |body: &Body| sees(body, provider, school) || heirs.has(body);
            match pass(&mut reader, actor, Permission::SeeStatements, reaches).await {
                Ok(()) => papers.extend(read(&mut reader, self.vault(), row).await?),
                Err(RegistryError::Denied(permission)) => refused = Some(permission),
                Err(error) => return Err(error),
            }
        }
        if let Some(permission) = refused.filter(|_| papers.is_empty()) {
            return Err(RegistryError::Denied(permission));
        }
        if !papers.is_empty() {
            self.note(reader, Entry::new(actor, "papers of a statement read", statement)).await?;
        }
        Ok(papers)
    }

    /// The invoice of a statement: the paper that the ledger's `attached` commits to. None when it was made elsewhere or erased.
    ///
    /// # Errors
    /// As [`Registry::papers`].
    #[boxed]
    pub async fn invoice(
        &self,
        actor: &Actor,
        year: Year,
        statement: StatementId,
        attached: &keis_ledger::record::Invoice,
    ) -> Result<Option<Paper>, RegistryError> {
        let said = PaperCommitments { file: attached.file, number: attached.number };
        let papers = self.papers(actor, year, statement).await?;
        Ok(papers.into_iter().find(|paper| paper.kind == PaperKind::Invoice && paper.commitments == said))
    }
}

/// Who sees a paper beside the system: both parties to it, and who keeps the programme's books. Who stands in a party's place is
/// [`successions::heirs`].
pub(crate) fn sees(body: &Body, provider: ProviderId, school: Option<SchoolId>) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::Provider(id) => *id == provider,
        Body::School(id) => Some(*id) == school,
    }
}

/// Keeps a paper within a transaction; who may is asked before.
pub(crate) async fn keep(work: &mut Work, new: &NewPaper) -> Result<PaperCommitments, RegistryError> {
    let holder = Holder::Provider(new.provider);
    let key = witnesses::key(work, holder).await?;
    let file = witnesses::keep(work, holder, new.kind.witness(), &new.file.hash_text()).await?;
    let number = witnesses::keep(work, holder, WitnessKind::InvoiceNumber, &new.number).await?;
    let school = match new.buyer {
        Buyer::Programme => None,
        Buyer::School(id) => Some(id.0.to_vec()),
    };
    sqlx::query(
        "INSERT INTO papers (statement, file, number, kind, year, of_order, provider, school, name_sealed, size, added) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (statement, file, number) DO UPDATE SET added = excluded.added",
    )
    .bind(&new.statement.0[..])
    .bind(&file.0[..])
    .bind(&number.0[..])
    .bind(new.kind.name())
    .bind(i64::from(new.year.0))
    .bind(new.kind.order().map(|order| order.0.to_vec()))
    .bind(&new.provider.0[..])
    .bind(school)
    .bind(key.seal(NAME, &file.0, new.file.name.as_bytes()))
    .bind(i64::try_from(new.file.size).unwrap_or(i64::MAX))
    .bind(list::instant(now()))
    .execute(work.connection())
    .await?;
    Ok(PaperCommitments { file, number })
}

/// Whether a number stands on another paper of the same provider than those of this kind about this statement.
pub(crate) async fn stands_elsewhere(
    work: &mut Work,
    key: &WitnessKey,
    number: &str,
    (statement, kind): (StatementId, PaperKind),
) -> Result<bool, RegistryError> {
    let witness = WitnessKind::InvoiceNumber;
    let number = key.commit(witness.name(), witness.normal(number).as_bytes());
    let order = kind.order().map(|order| order.0.to_vec()).unwrap_or_default();
    let sql = "SELECT statement FROM papers WHERE number = $1 \
               AND NOT (statement = $2 AND kind = $3 AND (of_order IS NULL OR of_order = $4)) LIMIT 1";
    let query = sqlx::query(sql).bind(number.to_vec()).bind(&statement.0[..]).bind(kind.name()).bind(order);
    Ok(query.fetch_optional(work.connection()).await?.is_some())
}

fn provider_of(row: &AnyRow) -> Result<ProviderId, RegistryError> {
    Ok(ProviderId(list::id(row.try_get("provider")?, "papers.provider")?))
}

/// None once the key is destroyed.
async fn read(connection: &mut AnyConnection, vault: &Vault, row: &AnyRow) -> Result<Option<Paper>, RegistryError> {
    let provider = provider_of(row)?;
    let file = Commitment(list::id(row.try_get("file")?, "papers.file")?);
    let number = Commitment(list::id(row.try_get("number")?, "papers.number")?);
    let Some(key) = witnesses::key_of(connection, vault, Holder::Provider(provider)).await? else { return Ok(None) };
    let mut opened = witnesses::opened(connection, vault, &[file, number]).await?;
    let (Some(hash), Some(text)) = (opened.remove(&file), opened.remove(&number)) else { return Ok(None) };
    let mut bytes = [0; 32];
    hex::decode_to_slice(&hash, &mut bytes).map_err(|_| RegistryError::Stored { column: "witnesses.sealed" })?;
    let order: Option<Vec<u8>> = row.try_get("of_order")?;
    let order = order.map(|id| list::id(&id, "papers.of_order").map(OrderId)).transpose()?;
    Ok(Some(Paper {
        kind: order.map_or(PaperKind::Invoice, PaperKind::CreditNote),
        provider,
        number: text,
        file: FileMark {
            name: key.open_text(NAME, &file.0, row.try_get("name_sealed")?)?,
            size: list::number(row.try_get("size")?, "papers.size")?,
            hash: bytes,
        },
        commitments: PaperCommitments { file, number },
        added: Timestamp(list::number(row.try_get("added")?, "papers.added")?),
    }))
}
