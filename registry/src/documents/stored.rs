//! Rows of documents: packed, sealed under the provider's key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::civil::Date;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, SchoolId, StatementId};
use keis_ledger::time::Timestamp;
use serde::Deserialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Kept, LONGEST_DOCUMENT, Paper, Sheet, buyer_of};
use crate::billing::{parsed, written};
use crate::database::{Work, list};
use crate::error::RegistryError;
use crate::invoices::{PaperCommitments, PaperKind};
use crate::vault::{Field, Vault, WitnessKey};
use crate::witnesses::{self, Holder};

const SHEET: Field = Field::of("documents", "sheet_sealed");
const BYTES: Field = Field::of("documents", "bytes_sealed");
/// How hard a document is packed: XML loses nine tenths.
const LEVEL: i32 = 3;
/// Most bytes of what a document is drawn from.
const LONGEST_SHEET: usize = 4 * LONGEST_DOCUMENT;

/// Everything of a document, with its paper.
pub(super) const ALL: &str = "SELECT documents.seq, documents.statement, documents.file, documents.number, \
     documents.year, documents.provider, documents.sheet_sealed, documents.bytes_sealed, \
     papers.kind, papers.of_order, papers.school, papers.added \
     FROM documents JOIN papers ON papers.statement = documents.statement \
     AND papers.file = documents.file AND papers.number = documents.number";

/// Where a document stands: no sealed bytes open in another's row.
fn place(statement: StatementId, commitments: PaperCommitments) -> Vec<u8> {
    [&statement.0[..], &commitments.file.0[..], &commitments.number.0[..]].concat()
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL).expect("what is in memory is packed in memory")
}

fn unpack(bytes: &[u8], longest: usize, column: &'static str) -> Result<Vec<u8>, RegistryError> {
    zstd::bulk::decompress(bytes, longest).map_err(|_| RegistryError::Stored { column })
}

/// Keeps a document; one that is there stays.
pub(super) async fn put(
    work: &mut Work,
    key: &WitnessKey,
    paper: &Paper<'_>,
    commitments: PaperCommitments,
) -> Result<(), RegistryError> {
    let row = place(paper.statement, commitments);
    sqlx::query(
        "INSERT INTO documents (seq, statement, file, number, year, provider, sheet_sealed, bytes_sealed) \
         SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM documents WHERE TRUE \
         ON CONFLICT (statement, file, number) DO NOTHING",
    )
    .bind(&paper.statement.0[..])
    .bind(&commitments.file.0[..])
    .bind(&commitments.number.0[..])
    .bind(i64::from(paper.year.0))
    .bind(&paper.provider.0[..])
    .bind(key.seal(SHEET, &row, &pack(written(&paper.sheet).as_bytes())))
    .bind(key.seal(BYTES, &row, &pack(&paper.bytes)))
    .execute(work.connection())
    .await?;
    Ok(())
}

/// How many documents a statement has.
pub(super) async fn count(connection: &mut AnyConnection, statement: StatementId) -> Result<usize, RegistryError> {
    let sql = "SELECT COUNT(*) AS kept FROM documents WHERE statement = $1";
    let row = sqlx::query(sql).bind(&statement.0[..]).fetch_one(connection).await?;
    list::number(row.try_get("kept")?, "documents.statement")
}

/// The documents of a statement, the latest last; of one kind alone where one is named. An erased person's are gone.
pub(super) async fn of_statement(
    connection: &mut AnyConnection,
    vault: &Vault,
    statement: StatementId,
    kind: Option<PaperKind>,
) -> Result<Vec<Kept>, RegistryError> {
    let order = kind.and_then(PaperKind::order);
    let narrowed = match (kind, order) {
        (None, _) => "",
        (Some(_), None) => "AND papers.of_order IS NULL",
        (Some(_), Some(_)) => "AND papers.of_order = $2",
    };
    let sql = format!("{ALL} WHERE documents.statement = $1 {narrowed} ORDER BY papers.added, documents.seq");
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(&statement.0[..]);
    if let Some(order) = order {
        query = query.bind(order.0.to_vec());
    }
    let mut all = Vec::new();
    for row in &query.fetch_all(&mut *connection).await? {
        all.extend(read(connection, vault, row).await?);
    }
    Ok(all)
}

/// A document of a statement by the commitment to its file.
pub(super) async fn of_file(
    connection: &mut AnyConnection,
    vault: &Vault,
    statement: StatementId,
    file: &Commitment,
) -> Result<Option<Kept>, RegistryError> {
    let sql = format!("{ALL} WHERE documents.statement = $1 AND documents.file = $2 ORDER BY documents.seq DESC");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(&statement.0[..]).bind(&file.0[..]);
    match query.fetch_optional(&mut *connection).await? {
        None => Ok(None),
        Some(row) => read(connection, vault, &row).await,
    }
}

/// Of a document's sheet, the day on which its invoice is due.
#[derive(Deserialize)]
struct Due {
    facts: Option<DueFacts>,
}

#[derive(Deserialize)]
struct DueFacts {
    heading: DueHeading,
}

#[derive(Deserialize)]
struct DueHeading {
    due: Date,
}

/// When drawn invoices are due, without reading their bytes; keys are opened once each.
pub(super) async fn due_days(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    files: &[Commitment],
) -> Result<BTreeMap<Commitment, Date>, RegistryError> {
    let mut keys: BTreeMap<ProviderId, Option<WitnessKey>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for chunk in files.chunks(list::MOST - 1) {
        let sql = "SELECT statement, file, number, provider, sheet_sealed FROM documents WHERE year = $1 AND file IN";
        let sql = format!("{sql} ({})", list::places(2, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(year.0));
        for file in chunk {
            query = query.bind(&file.0[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let provider = ProviderId(list::id(row.try_get("provider")?, "documents.provider")?);
            let key = match keys.entry(provider) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    free.insert(witnesses::key_of(&mut *connection, vault, Holder::Provider(provider)).await?)
                }
            };
            let Some(key) = key else { continue };
            let statement = StatementId(list::id(row.try_get("statement")?, "documents.statement")?);
            let file = Commitment(list::id(row.try_get("file")?, "documents.file")?);
            let number = Commitment(list::id(row.try_get("number")?, "documents.number")?);
            let place = place(statement, PaperCommitments { file, number });
            let sheet = key.open(SHEET, &place, row.try_get("sheet_sealed")?)?;
            let due: Due = parsed(&unpack(&sheet, LONGEST_SHEET, SHEET.column)?, SHEET.column)?;
            found.extend(due.facts.map(|facts| (file, facts.heading.due)));
        }
    }
    Ok(found)
}

/// None once the key is destroyed.
pub(super) async fn read(
    connection: &mut AnyConnection,
    vault: &Vault,
    row: &AnyRow,
) -> Result<Option<Kept>, RegistryError> {
    let provider = ProviderId(list::id(row.try_get("provider")?, "documents.provider")?);
    let Some(key) = witnesses::key_of(&mut *connection, vault, Holder::Provider(provider)).await? else {
        return Ok(None);
    };
    let statement = StatementId(list::id(row.try_get("statement")?, "documents.statement")?);
    let commitment = |column| -> Result<Commitment, RegistryError> {
        Ok(Commitment(list::id(row.try_get(column)?, "documents.file")?))
    };
    let commitments = PaperCommitments { file: commitment("file")?, number: commitment("number")? };
    let opened = witnesses::opened(connection, vault, &[commitments.number]).await?.remove(&commitments.number);
    let Some(number) = opened else { return Ok(None) };
    let place = place(statement, commitments);
    let sheet = key.open(SHEET, &place, row.try_get("sheet_sealed")?)?;
    let sheet: Sheet = parsed(&unpack(&sheet, LONGEST_SHEET, SHEET.column)?, SHEET.column)?;
    let bytes = key.open(BYTES, &place, row.try_get("bytes_sealed")?)?;
    let order: Option<Vec<u8>> = row.try_get("of_order")?;
    let order = order.map(|id| list::id(&id, "papers.of_order").map(OrderId)).transpose()?;
    Ok(Some(Kept {
        kind: order.map_or(PaperKind::Invoice, PaperKind::CreditNote),
        year: Year(list::number(row.try_get("year")?, "documents.year")?),
        statement,
        provider,
        buyer: buyer_of(school(row)?),
        number,
        issued: sheet.issued,
        commitments,
        bytes: unpack(&bytes, LONGEST_DOCUMENT, BYTES.column)?,
        facts: sheet.facts,
        credit: sheet.credit,
        reversal: sheet.reversal,
        added: Timestamp(list::number(row.try_get("added")?, "papers.added")?),
    }))
}

/// The buying school of a paper's row, if it is one.
pub(super) fn school(row: &AnyRow) -> Result<Option<SchoolId>, RegistryError> {
    let school: Option<Vec<u8>> = row.try_get("school")?;
    school.map(|id| list::id(&id, "papers.school").map(SchoolId)).transpose()
}
