//! Users and what they were granted, by the directory's claims at their last sign-in.
//!
//! Name and e-mail are sealed under a person key of the user's own; issuer and subject stand as a blind index alone.

use keis_ledger::ids::{ProviderId, SchoolId};
use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::{PersonId, UserId};
use crate::log::{Actor, Entry, append};
use crate::page::{Listed, Page};
use crate::permission::{Body, Permission, Role, demand};
use crate::vault::{self, Field, PersonKey, Vault};
use crate::{bodies, collate};

pub(crate) const NAME: Field = Field::of("users", "name_sealed");
const EMAIL: Field = Field::of("users", "email_sealed");
const SUBJECT: Field = Field::of("users", "subject_index");

/// What the directory says of somebody who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who says it.
    pub issuer: String,
    /// The issuer's own id of the person.
    pub subject: String,
    /// The person's name.
    pub name: String,
    /// Where the person can be written to.
    pub email: Option<String>,
    /// What the person is, and where.
    pub roles: Vec<RoleClaim>,
}

/// One role that the directory claims for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleClaim {
    /// The role.
    pub role: Role,
    /// The code of the school or provider; none for officers.
    pub body: Option<String>,
}

/// Somebody who signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Drawn at the first sign-in.
    pub id: UserId,
    /// The name.
    pub name: String,
    /// What the user may be where.
    pub grants: Vec<Grant>,
}

/// A role at a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where.
    pub body: Body,
}

/// A sign-in that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who it is.
    pub user: User,
    /// Claims that were dropped: the body is unknown here, or the role does not exist at such a body.
    pub dropped: Vec<RoleClaim>,
}

/// A user as officers see one.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// Who, and what the user may be where.
    pub user: User,
    /// Under whose key the name is sealed; an erasure names it.
    pub person: PersonId,
    /// Where the user can be written to.
    pub email: Option<String>,
    /// An officer shut the user out.
    pub disabled: bool,
    /// The last sign-in.
    pub signed_in: Timestamp,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Of everything that the directory claims, nothing holds here.
    #[error("no role of this person is known here")]
    NoRole {
        /// What was claimed.
        dropped: Vec<RoleClaim>,
    },
    /// An officer disabled the user.
    #[error("the user was disabled")]
    Disabled,
    /// The claims name nobody.
    #[error("the claims lack an issuer or a subject")]
    Nameless,
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for SignInError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Claims of {} roles", self.roles.len())
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.id, self.grants)
    }
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.user)
    }
}

impl User {
    /// Whether the user may do this for that body. Denied unless the table says otherwise.
    pub fn may(&self, permission: Permission, body: &Body) -> bool {
        self.grants.iter().any(|grant| grant.role.may(permission) && grant.body.covers(body))
    }

    /// The actor of what the user does.
    pub fn actor(&self) -> Actor {
        Actor::User(self.id)
    }

    /// The schools where the user has a role.
    pub fn schools(&self) -> Vec<SchoolId> {
        let school = |grant: &Grant| match grant.body {
            Body::School(school) => Some(school),
            Body::Provider(_) | Body::Operator | Body::BudgetHolder => None,
        };
        distinct(self.grants.iter().filter_map(school))
    }

    /// The providers where the user has a role.
    pub fn providers(&self) -> Vec<ProviderId> {
        let provider = |grant: &Grant| match grant.body {
            Body::Provider(provider) => Some(provider),
            Body::School(_) | Body::Operator | Body::BudgetHolder => None,
        };
        distinct(self.grants.iter().filter_map(provider))
    }
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

impl Registry {
    /// Lets somebody in by the directory's claims: the user is found or made, name and grants become what is claimed.
    ///
    /// # Errors
    /// [`SignInError`]; a refused sign-in takes the grants of an earlier one away.
    #[boxed]
    pub async fn sign_in(&self, claims: &Claims) -> Result<SignedIn, SignInError> {
        if claims.issuer.is_empty() || claims.subject.is_empty() {
            return Err(SignInError::Nameless);
        }
        let mut work = self.begin().await?;
        let (grants, dropped) = resolve(&mut work, &claims.roles).await?;
        let index = subject_index(&work.vault(), claims);
        let known = sqlx::query("SELECT id, person, disabled FROM users WHERE subject_index = $1")
            .bind(&index[..])
            .fetch_optional(work.connection())
            .await?;
        let id = match known {
            Some(row) if row.try_get::<i64, _>("disabled")? != 0 => {
                let id = UserId(list::id(row.try_get("id")?, "users.id")?);
                append(&mut work, Entry::new(&Actor::User(id), "sign-in refused", id).detail("disabled")).await?;
                work.commit().await?;
                return Err(SignInError::Disabled);
            }
            Some(row) => {
                let id = UserId(list::id(row.try_get("id")?, "users.id")?);
                let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
                renew(&mut work, id, person, claims).await?;
                Some(id)
            }
            None if grants.is_empty() => None,
            None => Some(create(&mut work, &index, claims).await?),
        };
        let Some(id) = id else { return Err(SignInError::NoRole { dropped }) };
        replace_grants(&mut work, id, &grants).await?;
        let detail = format!("{} grants, {} claims dropped", grants.len(), dropped.len());
        let action = if grants.is_empty() { "sign-in refused" } else { "signed in" };
        append(&mut work, Entry::new(&Actor::User(id), action, id).detail(detail)).await?;
        work.commit().await?;
        if grants.is_empty() {
            return Err(SignInError::NoRole { dropped });
        }
        Ok(SignedIn { user: User { id, name: claims.name.clone(), grants }, dropped })
    }

    /// A user who may still act. Meant for the user's own session, so it is not logged.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn user(&self, id: UserId) -> Result<Option<User>, RegistryError> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT users.person, name_sealed, wrapped FROM users JOIN person_keys ON person_keys.person = users.person \
             WHERE id = $1 AND disabled = 0",
        )
        .bind(&id.0[..])
        .fetch_optional(&mut *reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
        let key = self.vault().unwrap_key(person, row.try_get("wrapped")?)?;
        let name = key.open_text(NAME, &person.0, row.try_get("name_sealed")?)?;
        let grants = grants_of(&mut reader, id).await?;
        Ok(Some(User { id, name, grants }))
    }

    /// Users who are not erased, in the order of their names. The cursor is a position.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn users(&self, actor: &Actor, page: &Page) -> Result<Listed<UserRecord>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        let rows = sqlx::query(
            "SELECT id, users.person, name_sealed, email_sealed, disabled, signed_in, wrapped FROM users \
             JOIN person_keys ON person_keys.person = users.person",
        )
        .fetch_all(work.connection())
        .await?;
        let mut records = rows.iter().map(|row| record(self.vault(), row)).collect::<Result<Vec<_>, _>>()?;
        records.sort_by(|a, b| collate::names(&a.user.name, &b.user.name).then_with(|| a.user.id.cmp(&b.user.id)));
        let mut listed = page.part(records);
        for record in &mut listed.items {
            record.user.grants = grants_of(work.connection(), record.user.id).await?;
        }
        append(&mut work, Entry::new(actor, "users read", "users").detail(listed.items.len())).await?;
        work.commit().await?;
        Ok(listed)
    }

    /// Shuts a user out at once: grants and web sessions end. Keys on the ledger are revoked one by one.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], [`RegistryError::UserUnknown`].
    #[boxed]
    pub async fn disable_user(&self, actor: &Actor, id: UserId) -> Result<(), RegistryError> {
        self.set_disabled(actor, id, true).await
    }

    /// Lets a disabled user in again, at the next sign-in.
    ///
    /// # Errors
    /// As [`Registry::disable_user`].
    #[boxed]
    pub async fn enable_user(&self, actor: &Actor, id: UserId) -> Result<(), RegistryError> {
        self.set_disabled(actor, id, false).await
    }

    async fn set_disabled(&self, actor: &Actor, id: UserId, disabled: bool) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        let changed = sqlx::query("UPDATE users SET disabled = $1 WHERE id = $2")
            .bind(i64::from(disabled))
            .bind(&id.0[..])
            .execute(work.connection())
            .await?;
        if changed.rows_affected() == 0 {
            return Err(RegistryError::UserUnknown(id));
        }
        if disabled {
            replace_grants(&mut work, id, &[]).await?;
            crate::web_sessions::forget_user(&mut work, id).await?;
        }
        append(&mut work, Entry::new(actor, if disabled { "user disabled" } else { "user enabled" }, id)).await?;
        work.commit().await
    }
}

/// A record without its grants.
fn record(vault: &Vault, row: &AnyRow) -> Result<UserRecord, RegistryError> {
    let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
    let key = vault.unwrap_key(person, row.try_get("wrapped")?)?;
    let email: Option<Vec<u8>> = row.try_get("email_sealed")?;
    Ok(UserRecord {
        user: User {
            id: UserId(list::id(row.try_get("id")?, "users.id")?),
            name: key.open_text(NAME, &person.0, row.try_get("name_sealed")?)?,
            grants: Vec::new(),
        },
        person,
        email: email.map(|sealed| key.open_text(EMAIL, &person.0, &sealed)).transpose()?,
        disabled: row.try_get::<i64, _>("disabled")? != 0,
        signed_in: Timestamp(list::number(row.try_get("signed_in")?, "users.signed_in")?),
    })
}

fn subject_index(vault: &Vault, claims: &Claims) -> Vec<u8> {
    // The length keeps issuer and subject apart.
    let text = [&(claims.issuer.len() as u64).to_be_bytes()[..], claims.issuer.as_bytes(), claims.subject.as_bytes()];
    vault.index_bytes(SUBJECT, &text.concat())
}

async fn resolve(work: &mut Work, claims: &[RoleClaim]) -> Result<(Vec<Grant>, Vec<RoleClaim>), RegistryError> {
    let mut grants = std::collections::BTreeSet::new();
    let mut dropped = Vec::new();
    for claim in claims {
        let body = match (claim.role, &claim.body) {
            (Role::Coordinator | Role::Teacher, Some(code)) => {
                bodies::school_of_code(work, code).await?.map(|school| Body::School(school.id))
            }
            (Role::ProviderStaff, Some(code)) => {
                bodies::provider_of_code(work, code).await?.map(|provider| Body::Provider(provider.id))
            }
            (Role::Officer, None) => Some(Body::Operator),
            (Role::BudgetOfficer, None) => Some(Body::BudgetHolder),
            (Role::Coordinator | Role::Teacher | Role::ProviderStaff, None)
            | (Role::Officer | Role::BudgetOfficer, Some(_)) => None,
        };
        match body {
            Some(body) => drop(grants.insert(Grant { role: claim.role, body })),
            None => dropped.push(claim.clone()),
        }
    }
    Ok((grants.into_iter().collect(), dropped))
}

async fn create(work: &mut Work, index: &[u8], claims: &Claims) -> Result<UserId, RegistryError> {
    let id = UserId::random();
    let new = work.vault().new_person();
    vault::store_keys(work, std::slice::from_ref(&new)).await?;
    let (name, email) = sealed(&new.key, new.person, claims);
    sqlx::query(
        "INSERT INTO users (id, person, subject_index, name_sealed, email_sealed, disabled, created, signed_in) \
         VALUES ($1, $2, $3, $4, $5, 0, $6, $6)",
    )
    .bind(&id.0[..])
    .bind(&new.person.0[..])
    .bind(index)
    .bind(name)
    .bind(email)
    .bind(list::instant(now()))
    .execute(work.connection())
    .await?;
    Ok(id)
}

async fn renew(work: &mut Work, id: UserId, person: PersonId, claims: &Claims) -> Result<(), RegistryError> {
    let vault = work.vault();
    let key = vault::load_key(work.connection(), &vault, person).await?;
    let key = key.ok_or(RegistryError::PersonUnknown(person))?;
    let (name, email) = sealed(&key, person, claims);
    sqlx::query("UPDATE users SET name_sealed = $1, email_sealed = $2, signed_in = $3 WHERE id = $4")
        .bind(name)
        .bind(email)
        .bind(list::instant(now()))
        .bind(&id.0[..])
        .execute(work.connection())
        .await?;
    Ok(())
}

fn sealed(key: &PersonKey, person: PersonId, claims: &Claims) -> (Vec<u8>, Option<Vec<u8>>) {
    let email = claims.email.as_ref().map(|email| key.seal(EMAIL, &person.0, email.as_bytes()));
    (key.seal(NAME, &person.0, claims.name.as_bytes()), email)
}

async fn replace_grants(work: &mut Work, id: UserId, grants: &[Grant]) -> Result<(), RegistryError> {
    sqlx::query("DELETE FROM grants WHERE user_id = $1").bind(&id.0[..]).execute(work.connection()).await?;
    for grant in grants {
        sqlx::query("INSERT INTO grants (user_id, role, body) VALUES ($1, $2, $3)")
            .bind(&id.0[..])
            .bind(grant.role.to_string())
            .bind(grant.body.to_string())
            .execute(work.connection())
            .await?;
    }
    Ok(())
}

/// The grants of a user who may act.
pub(crate) async fn active_grants(connection: &mut AnyConnection, id: UserId) -> Result<Vec<Grant>, RegistryError> {
    let active = sqlx::query("SELECT id FROM users WHERE id = $1 AND disabled = 0")
        .bind(&id.0[..])
        .fetch_optional(&mut *connection)
        .await?;
    if active.is_none() {
        return Err(RegistryError::UserUnknown(id));
    }
    grants_of(connection, id).await
}

async fn grants_of(connection: &mut AnyConnection, id: UserId) -> Result<Vec<Grant>, RegistryError> {
    let rows = sqlx::query("SELECT role, body FROM grants WHERE user_id = $1 ORDER BY role, body")
        .bind(&id.0[..])
        .fetch_all(connection)
        .await?;
    let grant = |row: &AnyRow| {
        let role = list::parsed(row.try_get("role")?, "grants.role")?;
        Ok(Grant { role, body: list::parsed(row.try_get("body")?, "grants.body")? })
    };
    rows.iter().map(grant).collect()
}
