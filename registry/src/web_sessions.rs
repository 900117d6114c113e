//! Sessions of the portal: sealed bytes under the hash of an id that only the browser holds.
//!
//! Knows nothing of what is inside. Who has the database alone has neither the id nor the bytes.

use keis_ledger::time::Timestamp;
use sqlx::Row;

use crate::boxed;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::UserId;
use crate::vault::Field;

const SEALED: Field = Field::of("web_sessions", "sealed");

impl Registry {
    /// Keeps a session until `expires`, in the place of an earlier one of the same id. The user, once known, is noted so that
    /// all sessions of a user can be ended.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn save_session(
        &self,
        id_hash: &[u8; 32],
        user: Option<UserId>,
        bytes: &[u8],
        expires: Timestamp,
    ) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        let sealed = self.vault().seal(SEALED, id_hash, bytes);
        sqlx::query(
            "INSERT INTO web_sessions (id_hash, user_id, sealed, expires) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (id_hash) DO UPDATE SET user_id = excluded.user_id, sealed = excluded.sealed, expires = excluded.expires",
        )
        .bind(&id_hash[..])
        .bind(user.map(|user| user.0.to_vec()))
        .bind(sealed)
        .bind(list::instant(expires))
        .execute(work.connection())
        .await?;
        work.commit().await
    }

    /// The bytes of a session that has not expired at `now`.
    ///
    /// # Errors
    /// What the database answers, or [`RegistryError::Vault`] for changed bytes.
    #[boxed]
    pub async fn load_session(&self, id_hash: &[u8; 32], now: Timestamp) -> Result<Option<Vec<u8>>, RegistryError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT sealed FROM web_sessions WHERE id_hash = $1 AND expires > $2")
            .bind(&id_hash[..])
            .bind(list::instant(now))
            .fetch_optional(&mut *reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(self.vault().open(SEALED, id_hash, row.try_get("sealed")?)?.to_vec()))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn delete_session(&self, id_hash: &[u8; 32]) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        sqlx::query("DELETE FROM web_sessions WHERE id_hash = $1")
            .bind(&id_hash[..])
            .execute(work.connection())
            .await?;
        work.commit().await
    }

    /// Ends all sessions of a user.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn delete_sessions_of(&self, user: UserId) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        forget_user(&mut work, user).await?;
        work.commit().await
    }

    /// Destroys what has expired at `now`; says how many sessions.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn purge_sessions(&self, now: Timestamp) -> Result<u64, RegistryError> {
        let mut work = self.begin().await?;
        let gone = sqlx::query("DELETE FROM web_sessions WHERE expires <= $1")
            .bind(list::instant(now))
            .execute(work.connection())
            .await?;
        work.commit().await?;
        Ok(gone.rows_affected())
    }
}

pub(crate) async fn forget_user(work: &mut Work, user: UserId) -> Result<(), RegistryError> {
    sqlx::query("DELETE FROM web_sessions WHERE user_id = $1").bind(&user.0[..]).execute(work.connection()).await?;
    Ok(())
}
