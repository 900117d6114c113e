//! Officers' keys, made in browsers: whose they are and what they are called.
//!
//! Only public keys are here. Nobody approves them here: governance appoints an officer's key on the ledger, and the ledger alone
//! knows its institution, its office and its time.

use keis_ledger::crypto::PublicKey;
use keis_ledger::time::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::{KeyId, PersonId, UserId};
use crate::keys::{KeyError, MOST_WAITING, checked, fingerprint, person_key};
use crate::log::{Entry, append};
use crate::permission::{Body, Permission, Role};
use crate::users::{self, User};
use crate::vault::{self, Field};

const LABEL: Field = Field::of("officer_keys", "label_sealed");
/// Most keys of one officer that the ledger may be asked about: every page that is signed looks them all up.
const MOST: i64 = MOST_WAITING;

/// A key of an officer's own.
#[derive(Clone, PartialEq, Eq)]
pub struct OfficerKey {
    /// Its number here.
    pub id: KeyId,
    /// Whose.
    pub user: UserId,
    /// The office that it was made for: an officer's of the operator or of the budget holder.
    pub role: Role,
    /// The public half.
    pub key: PublicKey,
    /// To be compared over the telephone.
    pub fingerprint: String,
    /// What the user calls it.
    pub label: String,
    /// When it was made.
    pub made: Timestamp,
}

impl std::fmt::Debug for OfficerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} as {}", self.id, self.user, self.role)
    }
}

/// The offices in which somebody may have a key of their own.
pub fn offices(user: &User) -> Vec<Role> {
    let held = user.grants.iter().filter(|grant| is_office(grant.body) && grant.role.may(Permission::HoldKeys));
    let mut roles: Vec<Role> = held.map(|grant| grant.role).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

fn is_office(body: Body) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::School(_) | Body::Provider(_) => false,
    }
}

impl Registry {
    /// Remembers a key that an officer made.
    ///
    /// # Errors
    /// [`KeyError::NotAllowed`] without the office, [`KeyError::Known`], [`KeyError::TooMany`], [`KeyError::Text`].
    #[boxed]
    pub async fn add_officer_key(
        &self,
        user: &User,
        role: Role,
        key: PublicKey,
        label: &str,
    ) -> Result<KeyId, KeyError> {
        let label = checked(label)?;
        let mut work = self.begin().await?;
        // What the session remembers may be old: the grants of now decide.
        let grants = users::active_grants(work.connection(), user.id).await?;
        let now_user = User { grants, ..user.clone() };
        if !offices(&now_user).contains(&role) {
            return Err(KeyError::NotAllowed);
        }
        refuse_known_or_many(&mut work, user.id, key).await?;
        let (person, person_key) = person_key(&mut work, user.id).await?;
        let id = KeyId::random();
        let sql = "INSERT INTO officer_keys (id, user_id, role, public_key, label_sealed, made) \
             VALUES ($1, $2, $3, $4, $5, $6)";
        sqlx::query(sql)
            .bind(&id.0[..])
            .bind(&user.id.0[..])
            .bind(role.to_string())
            .bind(&key.0[..])
            .bind(person_key.seal(LABEL, &[&person.0[..], &id.0].concat(), label.as_bytes()))
            .bind(list::instant(now()))
            .execute(work.connection())
            .await?;
        append(&mut work, Entry::new(&user.actor(), "officer key made", id).detail(role)).await?;
        work.commit().await?;
        Ok(id)
    }

    /// The officer's own keys, the newest first.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn officer_keys(&self, user: &User) -> Result<Vec<OfficerKey>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = "SELECT officer_keys.id, role, public_key, label_sealed, made, users.person, wrapped FROM officer_keys \
             JOIN users ON users.id = officer_keys.user_id LEFT JOIN person_keys ON person_keys.person = users.person \
             WHERE user_id = $1 ORDER BY made DESC, officer_keys.id";
        let rows = sqlx::query(sql).bind(&user.id.0[..]).fetch_all(&mut *reader).await?;
        rows.iter().map(|row| read(self.vault(), user.id, row)).collect()
    }

    /// Forgets a key of the officer's own: for one that was never appointed. The ledger is not told.
    ///
    /// # Errors
    /// [`RegistryError::KeyUnknown`] when it is not the user's.
    #[boxed]
    pub async fn drop_officer_key(&self, user: &User, id: KeyId) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        let sql = "DELETE FROM officer_keys WHERE id = $1 AND user_id = $2";
        let query = sqlx::query(sql).bind(&id.0[..]).bind(&user.id.0[..]);
        if query.execute(work.connection()).await?.rows_affected() == 0 {
            return Err(RegistryError::KeyUnknown(id));
        }
        append(&mut work, Entry::new(&user.actor(), "officer key forgotten", id)).await?;
        work.commit().await
    }
}

fn read(vault: &vault::Vault, user: UserId, row: &AnyRow) -> Result<OfficerKey, RegistryError> {
    let id = KeyId(list::id(row.try_get("id")?, "officer_keys.id")?);
    let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
    let wrapped: Option<Vec<u8>> = row.try_get("wrapped")?;
    let sealed: Option<Vec<u8>> = row.try_get("label_sealed")?;
    let label = match wrapped.zip(sealed) {
        Some((wrapped, sealed)) => {
            vault.unwrap_key(person, &wrapped)?.open_text(LABEL, &[&person.0[..], &id.0].concat(), &sealed)?
        }
        None => String::new(),
    };
    let key = PublicKey(list::id(row.try_get("public_key")?, "officer_keys.public_key")?);
    Ok(OfficerKey {
        id,
        user,
        role: list::parsed(row.try_get("role")?, "officer_keys.role")?,
        key,
        fingerprint: fingerprint(key),
        label,
        made: Timestamp(list::number(row.try_get("made")?, "officer_keys.made")?),
    })
}

async fn refuse_known_or_many(work: &mut Work, user: UserId, key: PublicKey) -> Result<(), KeyError> {
    let sql = "SELECT id FROM officer_keys WHERE public_key = $1 UNION SELECT id FROM user_keys WHERE public_key = $1";
    if sqlx::query(sql).bind(&key.0[..]).fetch_optional(work.connection()).await?.is_some() {
        return Err(KeyError::Known);
    }
    let sql = "SELECT COUNT(*) AS held FROM officer_keys WHERE user_id = $1";
    let row = sqlx::query(sql).bind(&user.0[..]).fetch_one(work.connection()).await?;
    if row.try_get::<i64, _>("held")? >= MOST { Err(KeyError::TooMany) } else { Ok(()) }
}

/// Forgets what the keys of a user who is erased were called. Their offices end by governance alone.
pub(crate) async fn forget_user(work: &mut Work, user: UserId) -> Result<(), RegistryError> {
    let sql = "UPDATE officer_keys SET label_sealed = NULL WHERE user_id = $1";
    sqlx::query(sql).bind(&user.0[..]).execute(work.connection()).await?;
    Ok(())
}
