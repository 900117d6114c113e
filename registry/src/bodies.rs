//! Schools and providers, and who controls them.
//!
//! Codes and names of legal persons are public and stand plain. A provider who is a natural person has a data key: name and
//! certificate number are sealed under it, the number beside it as a blind index. They are shown to everybody all the same, as
//! the programme's act wants it, so reading them is no access to log; sealed they are so that they can be erased.

use std::sync::Arc;

use keis_ledger::classifiers::Place;
use keis_ledger::ids::{EntityId, ProviderId, SchoolId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::collate;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::log::{Actor, Entry, append};
use crate::page::{Listed, Page};
use crate::permission::{Permission, demand};
use crate::vault::{self, Field, Vault};

mod write;
pub use write::{NewProvider, NewSchool, Put, mark_provider_opened, mark_school_opened, put_provider, put_school};

const ENTITY: Field = Field::of("entities", "code_index");
const CODE: Field = Field::of("providers", "code_sealed");
const NAME: Field = Field::of("providers", "name_sealed");

/// A school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    /// Its wallet.
    pub id: SchoolId,
    /// Code of the legal entity.
    pub code: String,
    /// Name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Who controls it.
    pub entity: EntityId,
    /// Branches beside the main school.
    pub branches: u8,
    /// Whether the ledger has its wallet.
    pub opened: bool,
}

/// What a provider is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// A legal entity.
    Legal,
    /// A natural person with a certificate of individual activity.
    Natural,
}

/// A provider.
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its wallet.
    pub id: ProviderId,
    /// Code of the legal entity, or number of the certificate.
    pub code: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Name.
    pub name: String,
    /// Seat.
    pub place: Place,
    /// Whether it is registered for VAT.
    pub vat_registered: bool,
    /// Who controls it.
    pub entity: EntityId,
    /// Whether the ledger has its wallet.
    pub opened: bool,
    /// The person whose data key seals name and code, of a natural person.
    pub person: Option<PersonId>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.id, self.kind)
    }
}

impl School {
    fn read(row: &AnyRow) -> Result<Self, RegistryError> {
        Ok(Self {
            id: SchoolId(list::id(row.try_get("id")?, "schools.id")?),
            code: row.try_get("code")?,
            name: row.try_get("name")?,
            place: list::parsed(row.try_get("place")?, "schools.place")?,
            entity: EntityId(list::id(row.try_get("entity")?, "schools.entity")?),
            branches: list::number(row.try_get("branches")?, "schools.branches")?,
            opened: row.try_get::<i64, _>("opened")? != 0,
        })
    }
}

const PROVIDERS: &str = "SELECT id, kind, code, name, providers.person AS person, code_sealed, name_sealed, wrapped, place, \
     vat_registered, entity, opened FROM providers LEFT JOIN person_keys ON person_keys.person = providers.person";

impl Provider {
    /// None for an erased natural person.
    fn read(row: &AnyRow, vault: &Vault) -> Result<Option<Self>, RegistryError> {
        let person: Option<Vec<u8>> = row.try_get("person")?;
        let person = person.map(|bytes| list::id(&bytes, "providers.person").map(PersonId)).transpose()?;
        let (kind, code, name) = match person {
            None => (ProviderKind::Legal, row.try_get("code")?, row.try_get("name")?),
            Some(person) => {
                let Some(wrapped) = row.try_get::<Option<Vec<u8>>, _>("wrapped")? else { return Ok(None) };
                let key = vault.unwrap_key(person, &wrapped)?;
                let code = key.open_text(CODE, &person.0, row.try_get("code_sealed")?)?;
                (ProviderKind::Natural, code, key.open_text(NAME, &person.0, row.try_get("name_sealed")?)?)
            }
        };
        Ok(Some(Self {
            id: ProviderId(list::id(row.try_get("id")?, "providers.id")?),
            code,
            kind,
            name,
            place: list::parsed(row.try_get("place")?, "providers.place")?,
            vat_registered: row.try_get::<i64, _>("vat_registered")? != 0,
            entity: EntityId(list::id(row.try_get("entity")?, "providers.entity")?),
            opened: row.try_get::<i64, _>("opened")? != 0,
            person,
        }))
    }
}

impl Registry {
    /// A school.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn school(&self, id: SchoolId) -> Result<Option<School>, RegistryError> {
        school(&mut *self.reader().await?, id).await
    }

    /// The school of a legal entity code.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn school_by_code(&self, code: &str) -> Result<Option<School>, RegistryError> {
        school_by(&mut *self.reader().await?, code).await
    }

    /// Schools in the order of their names, those alone whose name or code holds `search`. The cursor is a position.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn schools(&self, search: &str, page: &Page) -> Result<Listed<School>, RegistryError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT * FROM schools").fetch_all(&mut *reader).await?;
        let mut schools = rows.iter().map(School::read).collect::<Result<Vec<_>, _>>()?;
        let wanted = search.trim().to_lowercase();
        schools.retain(|school| collate::holds(&school.name, &wanted) || school.code.starts_with(&wanted));
        schools.sort_by(|a, b| collate::names(&a.name, &b.name).then_with(|| a.code.cmp(&b.code)));
        Ok(page.part(schools))
    }

    /// A provider; none for an erased natural person.
    ///
    /// # Errors
    /// What the database answers, or [`RegistryError::Vault`].
    #[boxed]
    pub async fn provider(&self, id: ProviderId) -> Result<Option<Provider>, RegistryError> {
        provider(&mut *self.reader().await?, self.vault(), id).await
    }

    /// The provider of a legal entity code or certificate number.
    ///
    /// # Errors
    /// As [`Registry::provider`].
    #[boxed]
    pub async fn provider_by_code(&self, code: &str) -> Result<Option<Provider>, RegistryError> {
        provider_by(&mut *self.reader().await?, self.vault(), code).await
    }

    /// Providers in the order of their names, those alone whose name or code holds `search`. The cursor is a position.
    ///
    /// # Errors
    /// As [`Registry::provider`].
    #[boxed]
    pub async fn providers(&self, search: &str, page: &Page) -> Result<Listed<Provider>, RegistryError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(PROVIDERS).fetch_all(&mut *reader).await?;
        let read = |row| Provider::read(row, self.vault()).transpose();
        let mut providers = rows.iter().filter_map(read).collect::<Result<Vec<_>, _>>()?;
        let wanted = search.trim().to_lowercase();
        providers.retain(|provider| collate::holds(&provider.name, &wanted) || provider.code.starts_with(&wanted));
        providers.sort_by(|a, b| collate::names(&a.name, &b.name).then_with(|| a.id.cmp(&b.id)));
        Ok(page.part(providers))
    }

    /// Makes or renews a school, found by its code; the same again changes nothing.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn put_school(&self, actor: &Actor, new: &NewSchool) -> Result<Put<School>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        let put = put_school(&mut work, new).await?;
        if put.fresh || put.changed {
            append(&mut work, Entry::new(actor, "school put", put.body.id)).await?;
        }
        work.commit().await?;
        Ok(put)
    }

    /// Makes or renews a provider, found by its code; the same again changes nothing.
    ///
    /// # Errors
    /// As [`Registry::put_school`].
    #[boxed]
    pub async fn put_provider(&self, actor: &Actor, new: &NewProvider) -> Result<Put<Provider>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        let put = put_provider(&mut work, new).await?;
        if put.fresh || put.changed {
            append(&mut work, Entry::new(actor, "provider put", put.body.id)).await?;
        }
        work.commit().await?;
        Ok(put)
    }
}

pub(crate) async fn school(connection: &mut AnyConnection, id: SchoolId) -> Result<Option<School>, RegistryError> {
    let row = sqlx::query("SELECT * FROM schools WHERE id = $1").bind(&id.0[..]).fetch_optional(connection).await?;
    row.as_ref().map(School::read).transpose()
}

async fn school_by(connection: &mut AnyConnection, code: &str) -> Result<Option<School>, RegistryError> {
    let row = sqlx::query("SELECT * FROM schools WHERE code = $1").bind(code.trim()).fetch_optional(connection).await?;
    row.as_ref().map(School::read).transpose()
}

pub(crate) async fn provider(
    connection: &mut AnyConnection,
    vault: &Vault,
    id: ProviderId,
) -> Result<Option<Provider>, RegistryError> {
    let sql = sqlx::AssertSqlSafe(format!("{PROVIDERS} WHERE id = $1"));
    let row = sqlx::query(sql).bind(&id.0[..]).fetch_optional(connection).await?;
    Ok(row.as_ref().map(|row| Provider::read(row, vault)).transpose()?.flatten())
}

pub(crate) async fn provider_by(
    connection: &mut AnyConnection,
    vault: &Vault,
    code: &str,
) -> Result<Option<Provider>, RegistryError> {
    let sql = sqlx::AssertSqlSafe(format!("{PROVIDERS} WHERE code = $1 OR code_index = $2"));
    let query = sqlx::query(sql).bind(code.trim()).bind(vault.index(CODE, code));
    let row = query.fetch_optional(connection).await?;
    Ok(row.as_ref().map(|row| Provider::read(row, vault)).transpose()?.flatten())
}

/// The school of a code, within a transaction.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn school_of_code(work: &mut Work, code: &str) -> Result<Option<School>, RegistryError> {
    school_by(work.connection(), code).await
}

/// The provider of a code, within a transaction.
///
/// # Errors
/// What the database answers, or [`RegistryError::Vault`].
#[boxed]
pub async fn provider_of_code(work: &mut Work, code: &str) -> Result<Option<Provider>, RegistryError> {
    let vault: Arc<Vault> = work.vault();
    provider_by(work.connection(), &vault, code).await
}

/// A natural person's name and number become unreadable; the wallet's id stays.
pub(crate) async fn forget_person(work: &mut Work, person: PersonId) -> Result<u64, RegistryError> {
    let gone =
        sqlx::query("UPDATE providers SET code_sealed = NULL, name_sealed = NULL, code_index = NULL WHERE person = $1")
            .bind(&person.0[..])
            .execute(work.connection())
            .await?;
    Ok(gone.rows_affected())
}
