//! Reading documents: by who sees the statement, by whoever has a file, and all of a year for an export.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use keis_einvoice::Received;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, SchoolId, StatementId};
use keis_ledger::operation::Buyer;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Kept, stored};
use crate::bodies;
use crate::boxed;
use crate::database::{Registry, list};
use crate::error::RegistryError;
use crate::invoices::{FileMark, PaperCommitments, PaperKind, sees};
use crate::log::{Actor, Entry};
use crate::page::{Listed, Page};
use crate::permission::{Body, Permission, pass};
use crate::successions;
use crate::vault::Vault;
use crate::witnesses::{self, Holder, WitnessKind};

/// Most documents of one page: each is in memory as a whole.
const PAGE: u32 = 100;
/// Most documents of which it is told at once that they were kept.
const NEWS: i64 = 1_000;

/// A paper that a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// What it is.
    pub kind: PaperKind,
    /// The year of its statement.
    pub year: Year,
    /// The statement. Whether the paper stands, the ledger says.
    pub statement: StatementId,
    /// Who issued it.
    pub provider: ProviderId,
    /// Its number.
    pub number: String,
    /// What the ledger is told of it.
    pub commitments: PaperCommitments,
}

impl Registry {
    /// A document of a statement by the commitment to its file, for its provider, its buyer, who stands in their places, operator and
    /// budget holder.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn document(
        &self,
        actor: &Actor,
        year: Year,
        statement: StatementId,
        file: &Commitment,
    ) -> Result<Option<Kept>, RegistryError> {
        let mut reader = self.reader().await?;
        let found = stored::of_file(&mut reader, self.vault(), statement, file).await?;
        let Some(kept) = found.filter(|kept| kept.year == year) else { return Ok(None) };
        let school = school_of(kept.buyer);
        let heirs = successions::heirs(&mut reader, kept.provider, school).await?;
        let reaches = |body: &Body| sees(body, kept.provider, school) || heirs.has(body);
        pass(&mut reader, actor, Permission::SeeStatements, reaches).await?;
        self.note(reader, Entry::new(actor, "document of a statement read", statement)).await?;
        Ok(Some(kept))
    }

    /// The documents of a statement, the latest last, as for [`Registry::document`].
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn documents(
        &self,
        actor: &Actor,
        year: Year,
        statement: StatementId,
    ) -> Result<Vec<Kept>, RegistryError> {
        let mut reader = self.reader().await?;
        let (mut all, mut refused) = (Vec::new(), None);
        let found = stored::of_statement(&mut reader, self.vault(), statement, None).await?;
        for kept in found.into_iter().filter(|kept| kept.year == year) {
            let school = school_of(kept.buyer);
            let heirs = successions::heirs(&mut reader, kept.provider, school).await?;
            let reaches = |body: &Body| sees(body, kept.provider, school) || heirs.has(body);
            match pass(&mut reader, actor, Permission::SeeStatements, reaches).await {
                Ok(()) => all.push(kept),
                Err(RegistryError::Denied(permission)) => refused = Some(permission),
                Err(error) => return Err(error),
            }
        }
        if let Some(permission) = refused.filter(|_| all.is_empty()) {
            return Err(RegistryError::Denied(permission));
        }
        if !all.is_empty() {
            self.note(reader, Entry::new(actor, "documents of a statement read", statement)).await?;
        }
        Ok(all)
    }

    /// Files of a statement of which the bytes are kept here. Tells nothing that the ledger does not, so nobody is asked who it is.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn kept_files(&self, year: Year, statement: StatementId) -> Result<BTreeSet<Commitment>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = "SELECT file FROM documents WHERE statement = $1 AND year = $2";
        let query = sqlx::query(sql).bind(&statement.0[..]).bind(i64::from(year.0));
        let rows = query.fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Ok(Commitment(list::id(row.try_get("file")?, "documents.file")?))).collect()
    }

    /// Statements of which documents were kept after a place in the order of all, and the place up to which that is told: for who follows
    /// them, a thousand at a time. None for `after` tells the last place alone. Tells nothing that the ledger does not, so nobody is
    /// asked who it is.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn kept_after(&self, after: Option<u64>) -> Result<(u64, BTreeSet<(Year, StatementId)>), RegistryError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) AS last FROM documents").fetch_one(&mut *reader).await?;
        let mut last: u64 = list::number(row.try_get("last")?, "documents.seq")?;
        // Documents of an erased person go, so the last place may be an earlier one than before.
        let Some(after) = after.filter(|after| *after < last) else { return Ok((last, BTreeSet::new())) };
        let sql = "SELECT seq, year, statement FROM documents WHERE seq > $1 ORDER BY seq LIMIT $2";
        let query = sqlx::query(sql).bind(i64::try_from(after).unwrap_or(i64::MAX)).bind(NEWS);
        let mut kept = BTreeSet::new();
        for row in query.fetch_all(&mut *reader).await? {
            last = list::number(row.try_get("seq")?, "documents.seq")?;
            let year = Year(list::number(row.try_get("year")?, "documents.year")?);
            kept.insert((year, StatementId(list::id(row.try_get("statement")?, "documents.statement")?)));
        }
        Ok((last, kept))
    }

    /// Documents of a year in the order in which they were kept, at most a hundred a page, also those that were never signed. For
    /// operator and budget holder.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn documents_of(&self, actor: &Actor, year: Year, page: &Page) -> Result<Listed<Kept>, RegistryError> {
        let page = Page { after: page.after, limit: page.limit.min(PAGE) };
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let sql =
            format!("{} WHERE documents.year = $1 AND documents.seq > $2 ORDER BY documents.seq LIMIT $3", stored::ALL);
        let after = i64::try_from(page.after.unwrap_or(0)).unwrap_or(i64::MAX);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(year.0)).bind(after).bind(page.rows());
        let mut all = Vec::new();
        for row in query.fetch_all(&mut *reader).await? {
            let seq: u64 = list::number(row.try_get("seq")?, "documents.seq")?;
            all.push((seq, stored::read(&mut reader, self.vault(), &row).await?));
        }
        let listed = page.list(all, |(seq, _)| *seq);
        let items: Vec<Kept> = listed.items.into_iter().filter_map(|(_, kept)| kept).collect();
        if !items.is_empty() {
            self.note(reader, Entry::new(actor, "documents of a year read", year.0).detail(items.len())).await?;
        }
        Ok(Listed { items, next: listed.next })
    }

    /// The days on which drawn invoices say that they are to be paid, by the commitments to their files; what is not kept here, was not
    /// drawn here or is an erased person's is left out. For operator and budget holder.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn due_days(
        &self,
        actor: &Actor,
        year: Year,
        files: &[Commitment],
    ) -> Result<BTreeMap<Commitment, Date>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let found = stored::due_days(&mut reader, self.vault(), year, files).await?;
        if !found.is_empty() {
            self.note(reader, Entry::new(actor, "due days of a year read", year.0).detail(found.len())).await?;
        }
        Ok(found)
    }

    /// Which papers a file from anywhere is: its seller is found by what stands in it, its hash by the seller's key. Empty for
    /// what is no e-invoice, is nobody's here, was never made ready, and for what the actor would not see.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn recognised(&self, actor: &Actor, bytes: &[u8]) -> Result<Vec<Recognised>, RegistryError> {
        let Ok(received) = Received::parse(bytes) else { return Ok(Vec::new()) };
        let mut reader = self.reader().await?;
        let names = received.seller.code.iter().chain(&received.seller.ids).chain(&received.seller.vat);
        let mut found = Vec::new();
        for name in names {
            let provider = bodies::provider_by(&mut reader, self.vault(), name).await?;
            if let Some(provider) = provider {
                found = of_provider(&mut reader, self.vault(), actor, provider.id, bytes).await?;
                break;
            }
        }
        self.note(reader, Entry::new(actor, "file compared with papers", "papers").detail(found.len())).await?;
        Ok(found)
    }
}

async fn of_provider(
    reader: &mut AnyConnection,
    vault: &Vault,
    actor: &Actor,
    provider: ProviderId,
    bytes: &[u8],
) -> Result<Vec<Recognised>, RegistryError> {
    let Some(key) = witnesses::key_of(reader, vault, Holder::Provider(provider)).await? else { return Ok(Vec::new()) };
    let hash = FileMark::of("", bytes).hash_text();
    let mut found = Vec::new();
    for kind in [WitnessKind::InvoiceFile, WitnessKind::CreditNote] {
        let file = key.commit(kind.name(), kind.normal(&hash).as_bytes());
        let sql = "SELECT statement, number, year, of_order, school FROM papers WHERE file = $1 ORDER BY added DESC";
        for row in sqlx::query(sql).bind(file.to_vec()).fetch_all(&mut *reader).await? {
            let school = stored::school(&row)?;
            let heirs = successions::heirs(reader, provider, school).await?;
            let reaches = |body: &Body| sees(body, provider, school) || heirs.has(body);
            match pass(reader, actor, Permission::SeeStatements, reaches).await {
                Err(RegistryError::Denied(_)) => continue,
                other => other?,
            }
            let number = Commitment(list::id(row.try_get("number")?, "papers.number")?);
            let order: Option<Vec<u8>> = row.try_get("of_order")?;
            let order = order.map(|id| list::id(&id, "papers.of_order").map(OrderId)).transpose()?;
            found.push(Recognised {
                kind: order.map_or(PaperKind::Invoice, PaperKind::CreditNote),
                year: Year(list::number(row.try_get("year")?, "papers.year")?),
                statement: StatementId(list::id(row.try_get("statement")?, "papers.statement")?),
                provider,
                number: witnesses::opened(reader, vault, &[number]).await?.remove(&number).unwrap_or_default(),
                commitments: PaperCommitments { file: Commitment(file), number },
            });
        }
    }
    Ok(found)
}

fn school_of(buyer: Buyer) -> Option<SchoolId> {
    match buyer {
        Buyer::Programme => None,
        Buyer::School(id) => Some(id),
    }
}

fn is_office(body: &Body) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::School(_) | Body::Provider(_) => false,
    }
}
