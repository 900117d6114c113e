//! Schools and providers, made and renewed by code. The rooms that call this write the log.

use super::*;

use crate::boxed;

/// A school as the register of schools has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchool {
    /// Code of the legal entity.
    pub code: String,
    /// Name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Branches beside the main school.
    pub branches: u8,
    /// Code of who controls it, if another does.
    pub controlling_code: Option<String>,
}

/// A provider as it was approved.
#[derive(Clone, PartialEq, Eq)]
pub struct NewProvider {
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
    /// Code of who controls it, if another does.
    pub controlling_code: Option<String>,
}

/// What became of a body that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put<T> {
    /// The body.
    pub body: T,
    /// It was not there before.
    pub fresh: bool,
    /// It was there and is another now.
    pub changed: bool,
}

/// Makes or renews a school, found by its code. The wallet's id is drawn once; the controlling entity stays what it was at
/// first, since the ledger was told so.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn put_school(work: &mut Work, new: &NewSchool) -> Result<Put<School>, RegistryError> {
    if let Some(known) = school_of_code(work, &new.code).await? {
        let body = School { name: new.name.clone(), place: new.place, branches: new.branches, ..known.clone() };
        let changed = body != known;
        if changed {
            sqlx::query("UPDATE schools SET name = $1, place = $2, branches = $3 WHERE id = $4")
                .bind(&body.name)
                .bind(body.place.to_string())
                .bind(i64::from(body.branches))
                .bind(&body.id.0[..])
                .execute(work.connection())
                .await?;
        }
        return Ok(Put { body, fresh: false, changed });
    }
    let entity = entity(work, new.controlling_code.as_deref().unwrap_or(&new.code)).await?;
    let body = School {
        id: SchoolId(vault::random()),
        code: new.code.trim().to_owned(),
        name: new.name.clone(),
        place: new.place,
        entity,
        branches: new.branches,
        opened: false,
    };
    sqlx::query(
        "INSERT INTO schools (id, code, name, place, entity, branches, opened) VALUES ($1, $2, $3, $4, $5, $6, 0)",
    )
    .bind(&body.id.0[..])
    .bind(&body.code)
    .bind(&body.name)
    .bind(body.place.to_string())
    .bind(&body.entity.0[..])
    .bind(i64::from(body.branches))
    .execute(work.connection())
    .await?;
    Ok(Put { body, fresh: true, changed: false })
}

/// Makes or renews a provider, as [`put_school`] does a school.
///
/// # Errors
/// What the database answers, or [`RegistryError::Vault`].
#[boxed]
pub async fn put_provider(work: &mut Work, new: &NewProvider) -> Result<Put<Provider>, RegistryError> {
    let Some(known) = provider_of_code(work, &new.code).await? else { return create_provider(work, new).await };
    let fields = (new.name.clone(), new.place, new.vat_registered);
    let body = Provider { name: fields.0, place: fields.1, vat_registered: fields.2, ..known.clone() };
    let changed = body != known;
    if changed {
        let (name, sealed) = match body.person {
            None => (Some(body.name.clone()), None),
            Some(person) => {
                let vault = work.vault();
                let key = vault::load_key(work.connection(), &vault, person).await?;
                let key = key.ok_or(RegistryError::PersonUnknown(person))?;
                (None, Some(key.seal(NAME, &person.0, body.name.as_bytes())))
            }
        };
        sqlx::query("UPDATE providers SET name = $1, name_sealed = $2, place = $3, vat_registered = $4 WHERE id = $5")
            .bind(name)
            .bind(sealed)
            .bind(body.place.to_string())
            .bind(i64::from(body.vat_registered))
            .bind(&body.id.0[..])
            .execute(work.connection())
            .await?;
    }
    Ok(Put { body, fresh: false, changed })
}

async fn create_provider(work: &mut Work, new: &NewProvider) -> Result<Put<Provider>, RegistryError> {
    let entity = entity(work, new.controlling_code.as_deref().unwrap_or(&new.code)).await?;
    let vault = work.vault();
    let code = new.code.trim().to_owned();
    let person = match new.kind {
        ProviderKind::Legal => None,
        ProviderKind::Natural => {
            let person = vault.new_person();
            vault::store_keys(work, std::slice::from_ref(&person)).await?;
            Some(person)
        }
    };
    let body = Provider {
        id: ProviderId(vault::random()),
        code,
        kind: new.kind,
        name: new.name.clone(),
        place: new.place,
        vat_registered: new.vat_registered,
        entity,
        opened: false,
        person: person.as_ref().map(|person| person.person),
    };
    let plain = person.is_none();
    let sealed = |field, text: &str| person.as_ref().map(|new| new.key.seal(field, &new.person.0, text.as_bytes()));
    sqlx::query(
        "INSERT INTO providers (id, kind, code, name, person, code_sealed, name_sealed, code_index, place, \
         vat_registered, entity, opened) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
    )
    .bind(&body.id.0[..])
    .bind(if plain { "legal" } else { "natural" })
    .bind(plain.then(|| body.code.clone()))
    .bind(plain.then(|| body.name.clone()))
    .bind(body.person.map(|person| person.0.to_vec()))
    .bind(sealed(CODE, &body.code))
    .bind(sealed(NAME, &body.name))
    .bind((!plain).then(|| vault.index(CODE, &body.code)))
    .bind(body.place.to_string())
    .bind(i64::from(body.vat_registered))
    .bind(&body.entity.0[..])
    .execute(work.connection())
    .await?;
    Ok(Put { body, fresh: true, changed: false })
}

/// The entity of a controlling code, drawn when the code is new.
async fn entity(work: &mut Work, code: &str) -> Result<EntityId, RegistryError> {
    let index = work.vault().index(ENTITY, code);
    let known = sqlx::query("SELECT id FROM entities WHERE code_index = $1")
        .bind(&index[..])
        .fetch_optional(work.connection())
        .await?;
    if let Some(row) = known {
        return Ok(EntityId(list::id(row.try_get("id")?, "entities.id")?));
    }
    let id = EntityId(vault::random());
    sqlx::query("INSERT INTO entities (id, code_index) VALUES ($1, $2)")
        .bind(&id.0[..])
        .bind(index)
        .execute(work.connection())
        .await?;
    Ok(id)
}

/// Notes that the ledger has a school's wallet.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn mark_school_opened(work: &mut Work, id: SchoolId) -> Result<(), RegistryError> {
    sqlx::query("UPDATE schools SET opened = 1 WHERE id = $1").bind(&id.0[..]).execute(work.connection()).await?;
    Ok(())
}

/// Notes that the ledger has a provider's wallet.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn mark_provider_opened(work: &mut Work, id: ProviderId) -> Result<(), RegistryError> {
    sqlx::query("UPDATE providers SET opened = 1 WHERE id = $1").bind(&id.0[..]).execute(work.connection()).await?;
    Ok(())
}
