//! What an officer works on while recording payments by the bank's file: sealed bytes, for this officer alone, for a day at the most.
//!
//! Knows nothing of what is inside.

use keis_ledger::classifiers::Year;
use keis_ledger::time::{Span, Timestamp};
use sqlx::Row;

use crate::boxed;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::UserId;
use crate::log::{Actor, Entry, append};
use crate::permission::{Permission, demand, demand_any};
use crate::vault::Field;

const SEALED: Field = Field::of("bank_files", "sealed");

/// How long a file is kept.
pub const KEPT: Span = Span::days(1);
/// Most files that are kept; the oldest goes where there is no more room.
pub const MOST: u32 = 32;

impl Registry {
    /// Keeps an officer's file of a year in the place of the one before, until a day after `at`.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the user records payments, or what the database answers.
    #[boxed]
    pub async fn keep_bank_file(
        &self,
        user: UserId,
        year: Year,
        bytes: &[u8],
        at: Timestamp,
    ) -> Result<(), RegistryError> {
        let (mut work, actor) = (self.begin().await?, Actor::User(user));
        demand(&mut work, &actor, Permission::RecordPayments).await?;
        let sealed = self.vault().seal(SEALED, &row_of(user, year), bytes);
        sqlx::query(
            "INSERT INTO bank_files (user_id, year, sealed, kept) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (user_id, year) DO UPDATE SET sealed = excluded.sealed, kept = excluded.kept",
        )
        .bind(&user.0[..])
        .bind(i64::from(year.0))
        .bind(sealed)
        .bind(list::instant(at))
        .execute(work.connection())
        .await?;
        let sql = "SELECT user_id, year FROM bank_files ORDER BY kept DESC, user_id, year LIMIT 1000 OFFSET $1";
        let above = sqlx::query(sql).bind(i64::from(MOST)).fetch_all(work.connection()).await?;
        for row in above {
            let (whose, year): (Vec<u8>, i64) = (row.try_get("user_id")?, row.try_get("year")?);
            delete(&mut work, &whose, year).await?;
        }
        append(&mut work, Entry::new(&actor, "file of the bank kept", year)).await?;
        work.commit().await
    }

    /// The file that an officer works on, if it was kept within the day before `at`.
    ///
    /// # Errors
    /// As [`Registry::keep_bank_file`], or [`RegistryError::Vault`] for changed bytes.
    #[boxed]
    pub async fn bank_file(&self, user: UserId, year: Year, at: Timestamp) -> Result<Option<Vec<u8>>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, &Actor::User(user), Permission::RecordPayments).await?;
        let row = sqlx::query("SELECT sealed FROM bank_files WHERE user_id = $1 AND year = $2 AND kept > $3")
            .bind(&user.0[..])
            .bind(i64::from(year.0))
            .bind(list::instant(at.before(KEPT)))
            .fetch_optional(&mut *reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(self.vault().open(SEALED, &row_of(user, year), row.try_get("sealed")?)?.to_vec()))
    }

    /// The officer is done with a file.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn forget_bank_file(&self, user: UserId, year: Year) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        delete(&mut work, &user.0, i64::from(year.0)).await?;
        work.commit().await
    }

    /// Destroys files that were kept a day before `at`; says how many.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn purge_bank_files(&self, at: Timestamp) -> Result<u64, RegistryError> {
        let mut work = self.begin().await?;
        let query = sqlx::query("DELETE FROM bank_files WHERE kept <= $1").bind(list::instant(at.before(KEPT)));
        let gone = query.execute(work.connection()).await?.rows_affected();
        work.commit().await?;
        Ok(gone)
    }
}

async fn delete(work: &mut Work, user: &[u8], year: i64) -> Result<(), RegistryError> {
    let query = sqlx::query("DELETE FROM bank_files WHERE user_id = $1 AND year = $2").bind(user).bind(year);
    query.execute(work.connection()).await?;
    Ok(())
}

fn row_of(user: UserId, year: Year) -> Vec<u8> {
    [&user.0[..], &year.0.to_be_bytes()].concat()
}
