//! Keys as users and officers see them.

use keis_ledger::ids::{ProviderId, SchoolId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::*;
use crate::bodies;
use crate::boxed;

const COLUMNS: &str = "SELECT user_keys.id, user_id, party, public_key, scopes, label_sealed, state, requested, decided, cap, \
     valid_from, valid_until, reason_sealed, revoking, users.person, users.name_sealed, wrapped FROM user_keys \
     JOIN users ON users.id = user_keys.user_id LEFT JOIN person_keys ON person_keys.person = users.person";

impl Registry {
    /// The user's own keys, the newest first.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn keys_of(&self, user: &User) -> Result<Vec<UserKey>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = format!("{COLUMNS} WHERE user_id = $1 ORDER BY requested DESC, user_keys.id");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(&user.id.0[..]).fetch_all(&mut *reader).await?;
        read_all(&mut reader, self.vault(), &rows).await
    }

    /// Keys in a state with the names of who asked, the oldest request first. The cursor is a position.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn key_requests(
        &self,
        actor: &Actor,
        state: KeyState,
        page: &Page,
    ) -> Result<Listed<UserKey>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ApproveKeys).await?;
        let from = page.after.and_then(|from| i64::try_from(from).ok()).unwrap_or(0);
        let sql = format!("{COLUMNS} WHERE state = $1 ORDER BY requested, user_keys.id LIMIT $2 OFFSET $3");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(state.name()).bind(page.rows()).bind(from);
        let rows = query.fetch_all(work.connection()).await?;
        let vault = work.vault();
        let keys = read_all(work.connection(), &vault, &rows).await?;
        let detail = format!("{}, {} keys", state.name(), keys.len());
        append(&mut work, Entry::new(actor, "key requests read", "keys").detail(detail)).await?;
        work.commit().await?;
        Ok(page.follow(keys))
    }

    /// One key.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless it is the user's own or the actor decides on keys.
    #[boxed]
    pub async fn user_key(&self, actor: &Actor, id: KeyId) -> Result<Option<UserKey>, RegistryError> {
        let mut work = self.begin().await?;
        let sql = format!("{COLUMNS} WHERE user_keys.id = $1");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(&id.0[..]).fetch_all(work.connection()).await?;
        let vault = work.vault();
        let key = read_all(work.connection(), &vault, &rows).await?.pop();
        let own = key.as_ref().is_some_and(|key| *actor == Actor::User(key.user));
        if !own {
            demand(&mut work, actor, Permission::ApproveKeys).await?;
            append(&mut work, Entry::new(actor, "key read", id)).await?;
        }
        work.commit().await?;
        Ok(key)
    }
}

async fn read_all(
    connection: &mut AnyConnection,
    vault: &vault::Vault,
    rows: &[AnyRow],
) -> Result<Vec<UserKey>, RegistryError> {
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let mut key = read(vault, row)?;
        key.body_name = body_name(connection, vault, key.party).await?;
        keys.push(key);
    }
    Ok(keys)
}

fn read(vault: &vault::Vault, row: &AnyRow) -> Result<UserKey, RegistryError> {
    let id = KeyId(list::id(row.try_get("id")?, "user_keys.id")?);
    let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
    let wrapped: Option<Vec<u8>> = row.try_get("wrapped")?;
    let person_key = wrapped.map(|wrapped| vault.unwrap_key(person, &wrapped)).transpose()?;
    let text = |field: Field, column: &str, place: &[u8]| -> Result<Option<String>, RegistryError> {
        let sealed: Option<Vec<u8>> = row.try_get(column)?;
        let Some((key, sealed)) = person_key.as_ref().zip(sealed) else { return Ok(None) };
        Ok(Some(key.open_text(field, place, &sealed)?))
    };
    let own = [&person.0[..], &id.0].concat();
    let stored = |column| RegistryError::Stored { column };
    let instant = |column: &str| -> Result<Option<Timestamp>, RegistryError> {
        let at: Option<i64> = row.try_get(column)?;
        at.map(|at| list::number(at, "user_keys").map(Timestamp)).transpose()
    };
    let key = PublicKey(list::id(row.try_get("public_key")?, "user_keys.public_key")?);
    let cap: Option<i64> = row.try_get("cap")?;
    Ok(UserKey {
        id,
        user: UserId(list::id(row.try_get("user_id")?, "user_keys.user_id")?),
        user_name: text(users::NAME, "name_sealed", &person.0)?.unwrap_or_default(),
        body_name: String::new(),
        party: codec::decode(row.try_get("party")?).map_err(|_| stored("user_keys.party"))?,
        key,
        fingerprint: fingerprint(key),
        scopes: codec::decode(row.try_get("scopes")?).map_err(|_| stored("user_keys.scopes"))?,
        cap: cap.map(|cap| list::number(cap, "user_keys.cap").map(Cents::new)).transpose()?,
        label: text(LABEL, "label_sealed", &own)?.unwrap_or_default(),
        state: list::parsed(row.try_get("state")?, "user_keys.state")?,
        revoking: row.try_get::<i64, _>("revoking")? != 0,
        requested: instant("requested")?.ok_or(stored("user_keys.requested"))?,
        decided: instant("decided")?,
        reason: text(REASON, "reason_sealed", &own)?,
        from: instant("valid_from")?,
        until: instant("valid_until")?,
    })
}

async fn body_name(
    connection: &mut AnyConnection,
    vault: &vault::Vault,
    party: Party,
) -> Result<String, RegistryError> {
    let school = async |connection: &mut AnyConnection, id: SchoolId| -> Result<Option<String>, RegistryError> {
        Ok(bodies::school(connection, id).await?.map(|school| school.name))
    };
    let provider = async |connection: &mut AnyConnection, id: ProviderId| -> Result<Option<String>, RegistryError> {
        Ok(bodies::provider(connection, vault, id).await?.map(|provider| provider.name))
    };
    let name = match party {
        Party::School(id) => school(connection, id).await?,
        Party::Provider(id) => provider(connection, id).await?,
        Party::Pupil(_, _) => None,
    };
    Ok(name.unwrap_or_default())
}
