//! Documents as the database has them.

use std::collections::BTreeSet;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, StatementId};
use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{Dispatch, DispatchState, NewDispatch, order_of};
use crate::database::{Work, list, now};
use crate::error::RegistryError;
use crate::ids::MessageId;
use crate::invoices::PaperKind;
use crate::outbox::OutboxId;
use crate::page::Page;

/// Queues a document; says whether it was not queued before. The caller is the only writer (see `Work`).
pub(super) async fn insert(work: &mut Work, new: &NewDispatch) -> Result<bool, RegistryError> {
    let at = list::instant(now());
    let query = sqlx::query(
        "INSERT INTO dispatches (id, seq, year, statement, file, of_order, provider, state, attempts, next_at, queued, changed) \
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6, 'waiting', 0, 0, $7, $8 FROM dispatches WHERE TRUE \
         ON CONFLICT DO NOTHING",
    );
    let query = query.bind(new.message().0.to_vec()).bind(i64::from(new.year.0)).bind(new.statement.0.to_vec());
    let query = query.bind(new.file.0.to_vec()).bind(order_of(new.kind).map(|order| order.0.to_vec()));
    let query = query.bind(new.provider.0.to_vec()).bind(at).bind(at);
    Ok(query.execute(work.connection()).await?.rows_affected() == 1)
}

/// Which of these are queued.
pub(super) async fn known(
    connection: &mut AnyConnection,
    documents: &[NewDispatch],
) -> Result<BTreeSet<MessageId>, RegistryError> {
    let mut known = BTreeSet::new();
    for chunk in documents.chunks(list::MOST) {
        let sql = format!("SELECT id FROM dispatches WHERE id IN ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for new in chunk {
            query = query.bind(new.message().0.to_vec());
        }
        for row in query.fetch_all(&mut *connection).await? {
            known.insert(MessageId(list::id(row.try_get("id")?, "dispatches.id")?));
        }
    }
    Ok(known)
}

pub(super) fn read(row: &AnyRow) -> Result<Dispatch, RegistryError> {
    let order: Option<Vec<u8>> = row.try_get("of_order")?;
    let order = order.map(|id| list::id(&id, "dispatches.of_order").map(OrderId)).transpose()?;
    let instant = |column| -> Result<Timestamp, RegistryError> {
        Ok(Timestamp(list::number(row.try_get(column)?, "dispatches")?))
    };
    let left: Option<i64> = row.try_get("left_at")?;
    Ok(Dispatch {
        id: MessageId(list::id(row.try_get("id")?, "dispatches.id")?),
        seq: list::number(row.try_get("seq")?, "dispatches.seq")?,
        of: NewDispatch {
            kind: order.map_or(PaperKind::Invoice, PaperKind::CreditNote),
            year: Year(list::number(row.try_get("year")?, "dispatches.year")?),
            statement: StatementId(list::id(row.try_get("statement")?, "dispatches.statement")?),
            provider: ProviderId(list::id(row.try_get("provider")?, "dispatches.provider")?),
            file: Commitment(list::id(row.try_get("file")?, "dispatches.file")?),
        },
        state: list::parsed(row.try_get("state")?, "dispatches.state")?,
        attempts: list::number(row.try_get("attempts")?, "dispatches.attempts")?,
        next_at: instant("next_at")?,
        trouble: row.try_get("trouble")?,
        approval: row.try_get::<Option<i64>, _>("approval")?.map(OutboxId),
        queued: instant("queued")?,
        left: left.map(|at| list::number(at, "dispatches.left_at").map(Timestamp)).transpose()?,
        changed: instant("changed")?,
    })
}

pub(super) async fn get(connection: &mut AnyConnection, id: MessageId) -> Result<Option<Dispatch>, RegistryError> {
    let query = sqlx::query("SELECT * FROM dispatches WHERE id = $1").bind(id.0.to_vec());
    query.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// The invoices of a statement, the latest first.
pub(super) async fn invoices_of(
    connection: &mut AnyConnection,
    statement: StatementId,
) -> Result<Vec<Dispatch>, RegistryError> {
    let sql = "SELECT * FROM dispatches WHERE statement = $1 AND of_order IS NULL ORDER BY seq DESC";
    let query = sqlx::query(sql).bind(statement.0.to_vec());
    query.fetch_all(connection).await?.iter().map(read).collect()
}

pub(super) async fn list(
    connection: &mut AnyConnection,
    state: Option<DispatchState>,
    page: &Page,
) -> Result<Vec<Dispatch>, RegistryError> {
    let before = page.after.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
    let of_state = if state.is_some() { "AND state = $3" } else { "" };
    let sql = format!("SELECT * FROM dispatches WHERE seq < $1 {of_state} ORDER BY seq DESC LIMIT $2");
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(page.rows());
    if let Some(state) = state {
        query = query.bind(state.to_string());
    }
    query.fetch_all(connection).await?.iter().map(read).collect()
}

pub(super) async fn counts(connection: &mut AnyConnection) -> Result<Vec<(DispatchState, u64)>, RegistryError> {
    let sql = "SELECT state, COUNT(*) AS entries FROM dispatches GROUP BY state";
    let mut counts = Vec::new();
    for row in sqlx::query(sql).fetch_all(connection).await? {
        let state = list::parsed(row.try_get("state")?, "dispatches.state")?;
        counts.push((state, list::number(row.try_get("entries")?, "dispatches")?));
    }
    counts.sort_unstable();
    Ok(counts)
}

/// Documents whose time has come, those that may have left first. A credit note follows its invoice.
pub(super) async fn ready(
    connection: &mut AnyConnection,
    at: Timestamp,
    limit: usize,
) -> Result<Vec<Dispatch>, RegistryError> {
    let sql = "SELECT * FROM dispatches WHERE state = $1 AND next_at <= $2 AND (of_order IS NULL OR NOT EXISTS \
               (SELECT 1 FROM dispatches AS before WHERE before.statement = dispatches.statement \
               AND before.of_order IS NULL AND before.state IN ('waiting', 'leaving', 'dead'))) \
               ORDER BY seq LIMIT $3";
    let mut ready: Vec<Dispatch> = Vec::new();
    for state in ["leaving", "waiting"] {
        let left = i64::try_from(limit - ready.len()).unwrap_or(i64::MAX);
        let query = sqlx::query(sql).bind(state).bind(list::instant(at)).bind(left);
        for row in query.fetch_all(&mut *connection).await? {
            let row = read(&row)?;
            // It may have changed its state between the two looks.
            if ready.iter().all(|other| other.id != row.id) {
                ready.push(row);
            }
        }
    }
    Ok(ready)
}

/// What changes in a document's row.
pub(super) struct Change {
    pub(super) state: DispatchState,
    pub(super) next_at: Timestamp,
    pub(super) trouble: Option<String>,
    pub(super) at: Timestamp,
}

impl Change {
    pub(super) fn to(state: DispatchState, at: Timestamp) -> Self {
        Self { state, next_at: Timestamp(0), trouble: None, at }
    }

    pub(super) fn with(self, trouble: &str) -> Self {
        Self { trouble: Some(trouble.to_owned()), ..self }
    }
}

/// Changes a document that stands in one of the states `from`; says whether it did.
pub(super) async fn change(
    work: &mut Work,
    id: MessageId,
    from: &[DispatchState],
    change: &Change,
) -> Result<bool, RegistryError> {
    let sql = format!(
        "UPDATE dispatches SET state = $1, next_at = $2, trouble = $3, changed = $4 WHERE id = $5 AND state IN ({})",
        list::places(6, from.len())
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(change.state.to_string()).bind(list::instant(change.next_at));
    let query = query.bind(change.trouble.as_deref()).bind(list::instant(change.at));
    let mut query = query.bind(id.0.to_vec());
    for state in from {
        query = query.bind(state.to_string());
    }
    Ok(query.execute(work.connection()).await?.rows_affected() == 1)
}

/// Takes a document for one attempt, until `lease`: it may have left from now on. Says whether nobody else has it.
pub(super) async fn claim(
    work: &mut Work,
    id: MessageId,
    at: Timestamp,
    lease: Timestamp,
) -> Result<bool, RegistryError> {
    let query = sqlx::query(
        "UPDATE dispatches SET state = 'leaving', attempts = attempts + 1, next_at = $1, \
         left_at = COALESCE(left_at, $2), changed = $3 WHERE id = $4 AND state IN ('waiting', 'leaving') AND next_at <= $5",
    );
    let at = list::instant(at);
    let query = query.bind(list::instant(lease)).bind(at).bind(at).bind(id.0.to_vec()).bind(at);
    Ok(query.execute(work.connection()).await?.rows_affected() == 1)
}

/// Begins anew, with all attempts ahead.
pub(super) async fn restart(work: &mut Work, id: MessageId, state: DispatchState) -> Result<(), RegistryError> {
    let sql = "UPDATE dispatches SET state = $1, attempts = 0, next_at = 0, trouble = NULL, changed = $2 WHERE id = $3";
    let query = sqlx::query(sql).bind(state.to_string()).bind(list::instant(now()));
    query.bind(id.0.to_vec()).execute(work.connection()).await?;
    Ok(())
}

/// Names the row of the outbox that approves the invoice; says whether none was named before.
pub(super) async fn approve(work: &mut Work, id: MessageId, wish: OutboxId) -> Result<bool, RegistryError> {
    let query = sqlx::query("UPDATE dispatches SET approval = $1 WHERE id = $2 AND approval IS NULL");
    Ok(query.bind(wish.0).bind(id.0.to_vec()).execute(work.connection()).await?.rows_affected() == 1)
}

/// Nothing comes of the wish to approve: another may be made.
pub(super) async fn forget_approval(work: &mut Work, id: MessageId) -> Result<(), RegistryError> {
    let query = sqlx::query("UPDATE dispatches SET approval = NULL WHERE id = $1").bind(id.0.to_vec());
    query.execute(work.connection()).await?;
    Ok(())
}
