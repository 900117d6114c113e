//! Erasure of a person: the data key, the mapping to wallets, blind indexes and sealed fields go; ids and the log stay.
//!
//! Once the transaction is durable, the database's files are swept (`sweep`), so that no page, free space or log of writes holds what
//! was destroyed. A backup of an earlier day still does: after it is restored, [`Registry::reapply_erasures`] with the list of
//! [`Registry::erased`], which is kept beside the backups, erases again.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::time::Timestamp;
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::{PersonId, UserId};
use crate::log::{Actor, Entry, append};
use crate::outbox::{Effect, New, Office, OutboxId, enqueue};
use crate::permission::{Permission, demand, demand_any};
use crate::vault::Vault;
use crate::wallets::{Wallet, WalletState};
use crate::{bodies, keys, officers, people, vault, wallets, web_sessions, witnesses};

/// What the caller knows of a person before the erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The ledger has orders with the person that are not over.
    pub open_orders: bool,
    /// Erase all the same: booked lines are released when the wallet closes.
    pub despite_them: bool,
}

/// What was destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureReceipt {
    /// Whom the id stood for, nothing tells any more.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// Links from the person to wallets that are gone.
    pub wallets: u64,
    /// Wallets whose closing is on its way to the ledger.
    pub closing: Vec<OutboxId>,
    /// The database's files hold nothing of it either. Otherwise [`Registry::sweep`] is to be tried again.
    pub swept: bool,
}

/// That a person was erased before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// When.
    pub at: Timestamp,
    /// Whether the database's files were swept since; until then parts of them may hold what was deleted.
    pub swept: bool,
}

/// Why somebody was not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The person is part of orders that are not over.
    #[error("{0} is part of orders that are not over")]
    OpenOrders(PersonId),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for ErasureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl Registry {
    /// Erases a pupil, a user or a provider who is a natural person. Wallets that stand on the ledger are closed, keys revoked.
    ///
    /// # Errors
    /// [`ErasureError::OpenOrders`] unless the circumstances say otherwise; [`RegistryError::PersonUnknown`] for nobody and for
    /// who was erased before.
    #[boxed]
    pub async fn erase(
        &self,
        actor: &Actor,
        person: PersonId,
        circumstances: Circumstances,
    ) -> Result<ErasureReceipt, ErasureError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ErasePerson).await?;
        if circumstances.open_orders && !circumstances.despite_them {
            append(&mut work, Entry::new(actor, "erasure refused", person).detail("open orders")).await?;
            work.commit().await?;
            return Err(ErasureError::OpenOrders(person));
        }
        let at = now();
        let Some((wallets, closing)) = destroy(&mut work, actor, person, at).await? else {
            return Err(RegistryError::PersonUnknown(person).into());
        };
        append(&mut work, Entry::new(actor, "person erased", person)).await?;
        work.commit().await?;
        // What is done is done: a sweep that fails now is tried again, and the receipt says so.
        let swept = match self.sweep().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the database could not be swept after an erasure");
                false
            }
        };
        Ok(ErasureReceipt { person, at, wallets, closing, swept })
    }

    /// The wallets of a person who may be erased, of every year: the ledger may still have to do with them.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn wallets_of(&self, actor: &Actor, person: PersonId) -> Result<Vec<(Year, PupilId)>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::ErasePerson).await?;
        let all = all_wallets(&mut reader, self.vault(), person).await?;
        self.note(reader, Entry::new(actor, "wallets read", person)).await?;
        Ok(all.into_iter().map(|wallet| (wallet.year, wallet.wallet)).collect())
    }

    /// How a person was erased here; none for whom it still has, and for whom it never had.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn erasure_of(&self, person: PersonId) -> Result<Option<Erased>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = "SELECT at, swept FROM erased WHERE person = $1";
        let row = sqlx::query(sql).bind(&person.0[..]).fetch_optional(&mut *reader).await?;
        row.map(|row| {
            let at = Timestamp(list::number(row.try_get("at")?, "erased.at")?);
            Ok(Erased { at, swept: row.try_get::<i64, _>("swept")? != 0 })
        })
        .transpose()
    }

    /// Everybody who was erased here, by id. To be kept beside the backups.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn erased(&self) -> Result<Vec<PersonId>, RegistryError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT person FROM erased ORDER BY at, person").fetch_all(&mut *reader).await?;
        rows.iter().map(|row| Ok(PersonId(list::id(row.try_get("person")?, "erased.person")?))).collect()
    }

    /// Erases again, in a restored backup, who was erased after it was made. Says how many were still there.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn reapply_erasures(&self, actor: &Actor, persons: &[PersonId]) -> Result<u64, RegistryError> {
        let mut again = 0;
        for person in persons {
            let mut work = self.begin().await?;
            demand(&mut work, actor, Permission::ErasePerson).await?;
            if destroy(&mut work, actor, *person, now()).await?.is_some() {
                append(&mut work, Entry::new(actor, "person erased again", person)).await?;
                work.commit().await?;
                again += 1;
            }
        }
        self.sweep().await?;
        Ok(again)
    }
}

/// Destroys what tells who it is. None when there is nothing to destroy. Gives how many links to wallets went, and the wishes to
/// close those that stand on the ledger.
async fn destroy(
    work: &mut Work,
    actor: &Actor,
    person: PersonId,
    at: Timestamp,
) -> Result<Option<(u64, Vec<OutboxId>)>, RegistryError> {
    let vault = work.vault();
    if vault::load_key(work.connection(), &vault, person).await?.is_none() {
        return Ok(None);
    }
    let closing = close_wallets(work, actor, person).await?;
    let id = &person.0[..];
    // A comparison that was broken off may have left the wallets' indexes.
    sqlx::query(
        "DELETE FROM reconcile_seen WHERE wallet_index IN (SELECT wallet_index FROM wallets WHERE person = $1)",
    )
    .bind(id)
    .execute(work.connection())
    .await?;
    let wallets = sqlx::query("DELETE FROM wallets WHERE person = $1").bind(id).execute(work.connection()).await?;
    people::forget_person(work, person, at).await?;
    bodies::forget_person(work, person).await?;
    witnesses::forget_person(work, person).await?;
    let user = sqlx::query("SELECT id FROM users WHERE person = $1").bind(id).fetch_optional(work.connection()).await?;
    if let Some(row) = user {
        forget_user(work, actor, UserId(list::id(row.try_get("id")?, "users.id")?)).await?;
    }
    sqlx::query("DELETE FROM person_keys WHERE person = $1").bind(id).execute(work.connection()).await?;
    sqlx::query(
        "INSERT INTO erased (person, at, swept) VALUES ($1, $2, 0) ON CONFLICT (person) DO UPDATE SET swept = 0",
    )
    .bind(id)
    .bind(list::instant(at))
    .execute(work.connection())
    .await?;
    Ok(Some((wallets.rows_affected(), closing)))
}

async fn close_wallets(work: &mut Work, actor: &Actor, person: PersonId) -> Result<Vec<OutboxId>, RegistryError> {
    let mut closing = Vec::new();
    let vault = work.vault();
    for wallet in all_wallets(work.connection(), &vault, person).await? {
        let stands = match wallet.state {
            WalletState::Opened | WalletState::Allocated => true,
            // Its opening may be on the way.
            WalletState::Drawn => wallet.pending.is_some(),
            WalletState::Closed => false,
        };
        if stands {
            let operation = WalletOperation::Close { party: Party::Pupil(wallet.year, wallet.wallet) };
            let new = New::of(Office::Operator, "close_wallet_of_erased", Operation::Wallet(operation));
            let new = new.then(Effect::None).after(wallet.latest.or(wallet.pending));
            closing.push(enqueue(work, actor, new).await?);
        }
    }
    Ok(closing)
}

async fn all_wallets(
    connection: &mut AnyConnection,
    vault: &Vault,
    person: PersonId,
) -> Result<Vec<Wallet>, RegistryError> {
    let sql = "SELECT year FROM wallets WHERE person = $1 ORDER BY year";
    let rows = sqlx::query(sql).bind(&person.0[..]).fetch_all(&mut *connection).await?;
    let mut all = Vec::new();
    for row in rows {
        let year = Year(list::number(row.try_get("year")?, "wallets.year")?);
        all.extend(wallets::of_persons(&mut *connection, vault, year, &[person]).await?.into_values());
    }
    Ok(all)
}

async fn forget_user(work: &mut Work, actor: &Actor, user: UserId) -> Result<(), RegistryError> {
    keys::forget_user(work, actor, user).await?;
    officers::forget_user(work, user).await?;
    web_sessions::forget_user(work, user).await?;
    sqlx::query("DELETE FROM grants WHERE user_id = $1").bind(&user.0[..]).execute(work.connection()).await?;
    sqlx::query(
        "UPDATE users SET subject_index = NULL, name_sealed = NULL, email_sealed = NULL, disabled = 1 WHERE id = $1",
    )
    .bind(&user.0[..])
    .execute(work.connection())
    .await?;
    Ok(())
}
