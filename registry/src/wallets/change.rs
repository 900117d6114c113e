//! What changes rows of wallets: the outbox's effects, and what the import enqueues.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{PupilId, SchoolId};
use sqlx::{AssertSqlSafe, query};

use super::index;
use crate::database::{Work, list};
use crate::error::RegistryError;
use crate::outbox::OutboxId;

/// Sets columns of the rows of wallets. `set` begins with `$1`, and `values` are numbers for it.
async fn update(
    work: &mut Work,
    set: &'static str,
    values: &[i64],
    year: Year,
    wallets: &[PupilId],
) -> Result<u64, RegistryError> {
    let vault = work.vault();
    let mut changed = 0;
    for chunk in wallets.chunks(list::MOST - values.len()) {
        let places = list::places(values.len() + 1, chunk.len());
        let mut statement = query(AssertSqlSafe(format!("UPDATE wallets SET {set} WHERE wallet_index IN ({places})")));
        for value in values {
            statement = statement.bind(*value);
        }
        for wallet in chunk {
            statement = statement.bind(index(&vault, year, *wallet));
        }
        changed += statement.execute(work.connection()).await?.rows_affected();
    }
    Ok(changed)
}

/// The ledger has these wallets.
pub(crate) async fn opened(work: &mut Work, year: Year, wallets: &[PupilId]) -> Result<u64, RegistryError> {
    let set = "pending = NULL, state = CASE WHEN state = 'drawn' THEN 'opened' ELSE state END";
    update(work, set, &[], year, wallets).await
}

/// These wallets have their money of the year.
pub(crate) async fn funded(work: &mut Work, year: Year, wallets: &[PupilId]) -> Result<u64, RegistryError> {
    let set = "pending = NULL, state = CASE WHEN state = 'closed' THEN state ELSE 'allocated' END";
    update(work, set, &[], year, wallets).await
}

/// A row of the outbox opens these wallets or gives them their money.
pub(crate) async fn link(
    work: &mut Work,
    year: Year,
    wallets: &[PupilId],
    row: OutboxId,
) -> Result<u64, RegistryError> {
    update(work, "pending = $1", &[row.0], year, wallets).await
}

/// Another row takes the place of the one that was to open these wallets or give them their money.
pub(crate) async fn relink(work: &mut Work, from: OutboxId, to: OutboxId) -> Result<(), RegistryError> {
    for column in ["pending", "latest"] {
        query(AssertSqlSafe(format!("UPDATE wallets SET {column} = $1 WHERE {column} = $2")))
            .bind(to.0)
            .bind(from.0)
            .execute(work.connection())
            .await?;
    }
    Ok(())
}

/// A row of the outbox moves or closes this wallet alone.
pub(crate) async fn note_latest(
    work: &mut Work,
    year: Year,
    wallet: PupilId,
    row: OutboxId,
) -> Result<u64, RegistryError> {
    update(work, "latest = $1", &[row.0], year, &[wallet]).await
}

/// The ledger has moved a wallet.
pub(crate) async fn moved(
    work: &mut Work,
    year: Year,
    wallet: PupilId,
    (school, grade): (SchoolId, u8),
    row: OutboxId,
) -> Result<(), RegistryError> {
    let vault = work.vault();
    query(
        "UPDATE wallets SET school = $1, grade = $2, latest = CASE WHEN latest = $3 THEN NULL ELSE latest END \
         WHERE wallet_index = $4",
    )
    .bind(&school.0[..])
    .bind(i64::from(grade))
    .bind(row.0)
    .bind(index(&vault, year, wallet))
    .execute(work.connection())
    .await?;
    Ok(())
}

/// A wallet that the ledger does not have yet belongs elsewhere now.
pub(crate) async fn retold(
    work: &mut Work,
    year: Year,
    wallet: PupilId,
    (school, grade): (SchoolId, u8),
) -> Result<(), RegistryError> {
    let vault = work.vault();
    query("UPDATE wallets SET school = $1, grade = $2 WHERE wallet_index = $3")
        .bind(&school.0[..])
        .bind(i64::from(grade))
        .bind(index(&vault, year, wallet))
        .execute(work.connection())
        .await?;
    Ok(())
}

/// The ledger has closed these wallets.
pub(crate) async fn closed(work: &mut Work, year: Year, wallets: &[PupilId]) -> Result<u64, RegistryError> {
    update(work, "state = 'closed', pending = NULL, latest = NULL", &[], year, wallets).await
}

/// Nothing comes of a row any more: what it was to do may be enqueued again.
pub(crate) async fn free(work: &mut Work, row: OutboxId) -> Result<(), RegistryError> {
    for column in ["pending", "latest"] {
        query(AssertSqlSafe(format!("UPDATE wallets SET {column} = NULL WHERE {column} = $1")))
            .bind(row.0)
            .execute(work.connection())
            .await?;
    }
    Ok(())
}

/// Wallets that the ledger never had and never will are forgotten; their persons may get others.
pub(crate) async fn undrawn(work: &mut Work, year: Year, wallets: &[PupilId]) -> Result<u64, RegistryError> {
    let vault = work.vault();
    let mut gone = 0;
    for chunk in wallets.chunks(list::MOST) {
        let places = list::places(1, chunk.len());
        let sql =
            format!("DELETE FROM wallets WHERE state = 'drawn' AND pending IS NULL AND wallet_index IN ({places})");
        let mut statement = query(AssertSqlSafe(sql));
        for wallet in chunk {
            statement = statement.bind(index(&vault, year, *wallet));
        }
        gone += statement.execute(work.connection()).await?.rows_affected();
    }
    Ok(gone)
}
