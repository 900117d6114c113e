//! Rows as the database has them.

use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Effect, New, Office, OutboxId, OutboxRow, OutboxState, Signed, instant_now};
use crate::database::{Work, list};
use crate::error::RegistryError;
use crate::page::Page;

/// What a new row holds.
pub(super) struct Insert {
    purpose: String,
    office: Office,
    behalf: Option<Vec<u8>>,
    operation: Vec<u8>,
    document: Option<Vec<u8>>,
    after: Option<OutboxId>,
    effect: String,
}

impl Insert {
    pub(super) fn of(new: &New) -> Self {
        Self {
            purpose: new.purpose.to_owned(),
            office: new.office,
            behalf: new.behalf.as_ref().map(codec::encode),
            operation: codec::encode(&new.operation),
            document: new.document.clone(),
            after: new.after,
            effect: new.effect.to_text(),
        }
    }

    /// A part of what another row was to do.
    pub(super) fn part_of(row: &OutboxRow, operation: &Operation) -> Self {
        Self {
            purpose: row.purpose.clone(),
            office: row.office,
            behalf: row.behalf.as_ref().map(codec::encode),
            operation: codec::encode(operation),
            document: None,
            after: row.after,
            effect: row.effect.to_text(),
        }
    }
}

/// Rows in one statement: each may hold a full batch of wallets.
const AT_ONCE: usize = 200;

/// Writes rows one after the other; returns the number of the first. The caller is the only writer (see `Work`).
pub(super) async fn insert(work: &mut Work, rows: &[Insert]) -> Result<OutboxId, RegistryError> {
    let last = sqlx::query("SELECT COALESCE(MAX(id), 0) AS last FROM outbox").fetch_one(work.connection()).await?;
    let first: i64 = last.try_get::<i64, _>("last")? + 1;
    let now = instant_now();
    let mut id = first;
    for chunk in rows.chunks(AT_ONCE) {
        let sql = format!(
            "INSERT INTO outbox (id, purpose, office, behalf, operation, document, after_id, effect, state, attempts, next_at, \
             created, changed) VALUES {}",
            list::rows(chunk.len(), 13)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in chunk {
            query = query.bind(id).bind(&row.purpose[..]).bind(row.office.to_string());
            query = query.bind(row.behalf.as_deref()).bind(&row.operation[..]).bind(row.document.as_deref());
            query = query.bind(row.after.map(|after| after.0)).bind(&row.effect[..]).bind("waiting");
            query = query.bind(0_i64).bind(0_i64).bind(now).bind(now);
            id += 1;
        }
        query.execute(work.connection()).await?;
    }
    Ok(OutboxId(first))
}

const COLUMNS: &str = "id, purpose, office, behalf, operation, after_id, effect, state, transaction_id, valid_until, attempts, \
                       next_at, rejection, height, created, changed";

fn read(row: &AnyRow) -> Result<OutboxRow, RegistryError> {
    let stored = |column| RegistryError::Stored { column };
    let behalf: Option<Vec<u8>> = row.try_get("behalf")?;
    let behalf = behalf.map(|bytes| codec::decode::<Party>(&bytes).map_err(|_| stored("outbox.behalf"))).transpose()?;
    let operation: Vec<u8> = row.try_get("operation")?;
    let transaction: Option<Vec<u8>> = row.try_get("transaction_id")?;
    let transaction =
        transaction.map(|bytes| list::id(&bytes, "outbox.transaction_id").map(TransactionId)).transpose()?;
    let instant =
        |column| -> Result<Timestamp, RegistryError> { Ok(Timestamp(list::number(row.try_get(column)?, "outbox")?)) };
    let valid_until: Option<i64> = row.try_get("valid_until")?;
    let height: Option<i64> = row.try_get("height")?;
    Ok(OutboxRow {
        id: OutboxId(row.try_get("id")?),
        purpose: row.try_get("purpose")?,
        office: list::parsed(row.try_get("office")?, "outbox.office")?,
        behalf,
        operation: codec::decode(&operation).map_err(|_| stored("outbox.operation"))?,
        effect: Effect::from_text(row.try_get("effect")?).ok_or(stored("outbox.effect"))?,
        after: row.try_get::<Option<i64>, _>("after_id")?.map(OutboxId),
        state: list::parsed(row.try_get("state")?, "outbox.state")?,
        attempts: list::number(row.try_get("attempts")?, "outbox.attempts")?,
        next_at: instant("next_at")?,
        rejection: row.try_get("rejection")?,
        transaction,
        valid_until: valid_until.map(|at| list::number(at, "outbox.valid_until").map(Timestamp)).transpose()?,
        height: height.map(|height| list::number(height, "outbox.height").map(Height)).transpose()?,
        created: instant("created")?,
        changed: instant("changed")?,
    })
}

pub(super) async fn get(connection: &mut AnyConnection, id: OutboxId) -> Result<Option<OutboxRow>, RegistryError> {
    let sql = AssertSqlSafe(format!("SELECT {COLUMNS} FROM outbox WHERE id = $1"));
    let row = sqlx::query(sql).bind(id.0).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn list(
    connection: &mut AnyConnection,
    state: Option<OutboxState>,
    page: &Page,
) -> Result<Vec<OutboxRow>, RegistryError> {
    let after = page.after.and_then(|after| i64::try_from(after).ok()).unwrap_or(0);
    let of_state = if state.is_some() { "AND state = $3" } else { "" };
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id > $1 {of_state} ORDER BY id LIMIT $2");
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(page.rows());
    if let Some(state) = state {
        query = query.bind(state.to_string());
    }
    query.fetch_all(connection).await?.iter().map(read).collect()
}

pub(super) async fn counts(connection: &mut AnyConnection) -> Result<Vec<(OutboxState, u64)>, RegistryError> {
    let sql = "SELECT state, COUNT(*) AS entries FROM outbox GROUP BY state";
    let mut counts = Vec::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        let state = list::parsed(row.try_get("state")?, "outbox.state")?;
        counts.push((state, list::number(row.try_get("entries")?, "outbox")?));
    }
    counts.sort_unstable();
    Ok(counts)
}

/// Rows that may be tried now: what they wait for is done and their time has come, those that were signed first. `attempted` are left
/// out. One state at a time, so that the index gives the order and a long table is not sorted for a few rows.
pub(super) async fn ready(
    connection: &mut AnyConnection,
    at: i64,
    attempted: &[OutboxId],
    limit: usize,
) -> Result<Vec<OutboxRow>, RegistryError> {
    let without = if attempted.is_empty() {
        String::new()
    } else {
        format!("AND id NOT IN ({})", list::places(4, attempted.len()))
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox WHERE state = $1 AND next_at <= $2 {without} AND (after_id IS NULL OR \
         NOT EXISTS (SELECT 1 FROM outbox AS before WHERE before.id = outbox.after_id AND before.state <> 'done')) \
         ORDER BY id LIMIT $3"
    );
    let mut ready = Vec::new();
    for state in ["signed", "waiting"] {
        let left = i64::try_from(limit - ready.len()).unwrap_or(i64::MAX);
        let mut query = sqlx::query(AssertSqlSafe(sql.clone())).bind(state).bind(at).bind(left);
        for id in attempted {
            query = query.bind(id.0);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let row = read(&row)?;
            // It may have changed its state between the two looks.
            if ready.iter().all(|other: &OutboxRow| other.id != row.id) {
                ready.push(row);
            }
        }
    }
    Ok(ready)
}

/// The bytes that a row signed, and its document.
pub(super) async fn bytes(
    connection: &mut AnyConnection,
    id: OutboxId,
) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), RegistryError> {
    let row = sqlx::query("SELECT raw, document FROM outbox WHERE id = $1").bind(id.0).fetch_one(connection).await?;
    Ok((row.try_get("raw")?, row.try_get("document")?))
}

/// Rows that wait for a row.
pub(super) async fn followers(work: &mut Work, id: OutboxId) -> Result<Vec<OutboxId>, RegistryError> {
    let sql = "SELECT id FROM outbox WHERE after_id = $1 AND state IN ('waiting', 'signed', 'refused')";
    let rows = sqlx::query(sql).bind(id.0).fetch_all(work.connection()).await?;
    rows.iter().map(|row| Ok(OutboxId(row.try_get("id")?))).collect()
}

/// Lets a row wait for another one than before, or for none.
pub(super) async fn follow(work: &mut Work, id: OutboxId, after: Option<OutboxId>) -> Result<(), RegistryError> {
    let query = sqlx::query("UPDATE outbox SET after_id = $1 WHERE id = $2").bind(after.map(|after| after.0));
    query.bind(id.0).execute(work.connection()).await?;
    Ok(())
}

/// What changes in a row.
pub(super) struct Change {
    pub(super) state: OutboxState,
    pub(super) attempts: u32,
    pub(super) next_at: i64,
    pub(super) rejection: Option<String>,
    pub(super) height: Option<Height>,
    /// Only while the row's bytes are still those of this transaction.
    pub(super) of: Option<TransactionId>,
}

impl Change {
    pub(super) fn to(state: OutboxState) -> Self {
        Self { state, attempts: 0, next_at: 0, rejection: None, height: None, of: None }
    }
}

/// Changes a row that stands in one of the states `from`; says whether it did. Bytes are kept while they may still be needed.
pub(super) async fn change(
    work: &mut Work,
    id: OutboxId,
    from: &[OutboxState],
    change: &Change,
) -> Result<bool, RegistryError> {
    let places = list::places(8, from.len());
    let keep = match change.state {
        OutboxState::Signed | OutboxState::Refused => "raw = raw",
        OutboxState::Waiting => "raw = NULL, transaction_id = NULL, valid_until = NULL",
        OutboxState::Done | OutboxState::Split | OutboxState::Discarded => "raw = NULL, document = NULL",
    };
    let of = if change.of.is_some() { format!("AND transaction_id = ${}", 8 + from.len()) } else { String::new() };
    let sql = format!(
        "UPDATE outbox SET state = $1, attempts = $2, next_at = $3, rejection = $4, height = $5, changed = $6, {keep} \
         WHERE id = $7 AND state IN ({places}) {of}"
    );
    let height = change.height.map(|height| i64::try_from(height.0).unwrap_or(i64::MAX));
    let mut query = sqlx::query(AssertSqlSafe(sql))
        .bind(change.state.to_string())
        .bind(i64::from(change.attempts))
        .bind(change.next_at)
        .bind(change.rejection.as_deref())
        .bind(height)
        .bind(instant_now())
        .bind(id.0);
    for state in from {
        query = query.bind(state.to_string());
    }
    if let Some(TransactionId(id)) = &change.of {
        query = query.bind(&id[..]);
    }
    Ok(query.execute(work.connection()).await?.rows_affected() == 1)
}

/// Keeps what was signed for a waiting row; says whether it was still waiting. Another worker's bytes are never overwritten.
pub(super) async fn sign(work: &mut Work, id: OutboxId, signed: &Signed) -> Result<bool, RegistryError> {
    let query = sqlx::query(
        "UPDATE outbox SET state = 'signed', raw = $1, transaction_id = $2, valid_until = $3, changed = $4 \
         WHERE id = $5 AND state = 'waiting'",
    );
    let query = query.bind(&signed.raw[..]).bind(&signed.id.0[..]).bind(list::instant(signed.valid_until));
    Ok(query.bind(instant_now()).bind(id.0).execute(work.connection()).await?.rows_affected() == 1)
}
