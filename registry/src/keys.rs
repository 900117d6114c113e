//! Keys that users made in their browsers: asked for, approved by an officer, bound on the ledger, revoked.
//!
//! Only public keys are here. What a user calls a key is sealed under the user's person key. Approval and revocation are wishes
//! to the ledger, enqueued in the same transaction; a key is active when the ledger says so.

use keis_ledger::classifiers::Scopes;
use keis_ledger::codec;
use keis_ledger::crypto::PublicKey;
use keis_ledger::money::Cents;
use keis_ledger::operation::Party;
use keis_ledger::time::Timestamp;
use sqlx::Row;

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::{KeyId, PersonId, UserId};
use crate::log::{Actor, Entry, append};
use crate::notices::{NoticeKind, notify};
use crate::page::{Listed, Page};
use crate::permission::{Body, Permission, demand};
use crate::users::{self, User};
use crate::vault::{self, Field};

mod read;
mod wishes;

/// Most keys of one user that wait for an officer.
pub const MOST_WAITING: i64 = 10;
/// Longest label and reason, in characters.
const MOST_TEXT: usize = 200;

const LABEL: Field = Field::of("user_keys", "label_sealed");
const REASON: Field = Field::of("user_keys", "reason_sealed");

/// How far a key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Waits for an officer.
    Requested,
    /// Approved; the ledger does not have it yet.
    Approved,
    /// The ledger has it.
    Active,
    /// An officer refused it.
    Refused,
    /// It is no longer used.
    Revoked,
}

/// What a user asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// The wallet that the key is to act for: a school or provider of the user's.
    pub party: Party,
    /// The public half.
    pub key: PublicKey,
    /// What it is to do; no more than the user's role allows.
    pub scopes: Scopes,
    /// What the user calls it.
    pub label: String,
}

/// A key and what became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey {
    /// Its request.
    pub id: KeyId,
    /// Whose.
    pub user: UserId,
    /// The user's name; empty once the user was erased.
    pub user_name: String,
    /// Name of the school or provider.
    pub body_name: String,
    /// The wallet.
    pub party: Party,
    /// The public half.
    pub key: PublicKey,
    /// To be compared over the telephone.
    pub fingerprint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Most that one order may cost, once approved.
    pub cap: Option<Cents>,
    /// What the user calls it.
    pub label: String,
    /// How far it has come.
    pub state: KeyState,
    /// Its revocation is on the way to the ledger.
    pub revoking: bool,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When an officer decided.
    pub decided: Option<Timestamp>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// First instant of its use.
    pub from: Option<Timestamp>,
    /// It is no longer accepted from this instant on.
    pub until: Option<Timestamp>,
}

/// Why a key was not asked for or decided.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The user has no role that holds keys there, or the scopes are more than the role allows.
    #[error("no role of the user allows such a key for this wallet")]
    NotAllowed,
    /// A key without scopes does nothing.
    #[error("a key needs a scope")]
    NoScope,
    /// Too many wait already.
    #[error("{MOST_WAITING} keys of this user wait already")]
    TooMany,
    /// The key was asked for before; every request needs a key of its own.
    #[error("this key was asked for before")]
    Known,
    /// The label or reason is empty or too long.
    #[error("the text is empty or longer than {MOST_TEXT} characters")]
    Text,
    /// Nobody decides on their own key.
    #[error("an officer does not decide on their own key")]
    Own,
    /// The key is past that.
    #[error("a key that is {0:?} cannot do that")]
    State(KeyState),
    /// The period ends before it begins.
    #[error("a key must begin before it ends")]
    Period,
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?} of {}", self.id, self.state, self.user)
    }
}

impl KeyState {
    /// Every state, in the order of a key's life.
    pub const ALL: [Self; 5] = [Self::Requested, Self::Approved, Self::Active, Self::Refused, Self::Revoked];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Refused => "refused",
            Self::Revoked => "revoked",
        }
    }
}

/// A text names no state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is requested, approved, active, refused or revoked")]
pub struct KeyStateError;

impl std::str::FromStr for KeyState {
    type Err = KeyStateError;

    fn from_str(text: &str) -> Result<Self, KeyStateError> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(KeyStateError)
    }
}

/// Six groups of four to read over the telephone: the first 12 bytes of the key itself, which a browser shows without any hash.
/// Nobody finds another key with the same 96 bits.
pub fn fingerprint(key: PublicKey) -> String {
    let groups: Vec<String> = key.0[..12].chunks_exact(2).map(hex::encode).collect();
    groups.join(" ")
}

/// The body that a wallet stands for; a pupil's wallet has none here.
fn body(party: Party) -> Option<Body> {
    match party {
        Party::School(school) => Some(Body::School(school)),
        Party::Provider(provider) => Some(Body::Provider(provider)),
        Party::Pupil(_, _) => None,
    }
}

pub(crate) fn checked(text: &str) -> Result<&str, KeyError> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= MOST_TEXT && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(KeyError::Text) }
}

/// What a decision needs to know of a key.
struct Known {
    user: UserId,
    party: Party,
    key: PublicKey,
    scopes: Scopes,
    state: KeyState,
    bind_row: Option<i64>,
    revoking: bool,
}

impl Registry {
    /// Asks for a key of the user's own to be bound to a school's or provider's wallet.
    ///
    /// # Errors
    /// [`KeyError`].
    #[boxed]
    pub async fn request_key(&self, user: &User, request: &KeyRequest) -> Result<KeyId, KeyError> {
        let label = checked(&request.label)?;
        let body = body(request.party).ok_or(KeyError::NotAllowed)?;
        let mut work = self.begin().await?;
        // What the session remembers may be old: the grants of now decide.
        let grants = users::active_grants(work.connection(), user.id).await?;
        let mut held = grants.iter().filter(|grant| grant.body == body && grant.role.may(Permission::HoldKeys));
        if request.scopes.is_empty() {
            return Err(KeyError::NoScope);
        }
        if !held.any(|grant| request.scopes.iter().all(|scope| grant.role.scopes().has(scope))) {
            return Err(KeyError::NotAllowed);
        }
        refuse_known_or_many(&mut work, user.id, request.key).await?;
        let (person, key) = person_key(&mut work, user.id).await?;
        let id = KeyId::random();
        sqlx::query(
            "INSERT INTO user_keys (id, user_id, party, public_key, scopes, label_sealed, state, requested, revoking) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
        )
        .bind(&id.0[..])
        .bind(&user.id.0[..])
        .bind(codec::encode(&request.party))
        .bind(&request.key.0[..])
        .bind(codec::encode(&request.scopes))
        .bind(key.seal(LABEL, &[&person.0[..], &id.0].concat(), label.as_bytes()))
        .bind(KeyState::Requested.name())
        .bind(list::instant(now()))
        .execute(work.connection())
        .await?;
        append(&mut work, Entry::new(&user.actor(), "key requested", id).detail(body)).await?;
        work.commit().await?;
        Ok(id)
    }

    /// Approves a key: its binding goes to the ledger.
    ///
    /// # Errors
    /// [`KeyError`]; nobody approves their own key.
    #[boxed]
    pub async fn approve_key(
        &self,
        actor: &Actor,
        id: KeyId,
        cap: Cents,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<(), KeyError> {
        if from >= until {
            return Err(KeyError::Period);
        }
        let (mut work, known) = self.to_decide(actor, id).await?;
        let row = wishes::bind(&mut work, actor, id, &known, cap, (from, until)).await?;
        let cap = i64::try_from(cap.get()).map_err(|_| RegistryError::Stored { column: "user_keys.cap" })?;
        sqlx::query(
            "UPDATE user_keys SET state = $1, decided = $2, cap = $3, valid_from = $4, valid_until = $5, bind_row = $6 \
             WHERE id = $7",
        )
        .bind(KeyState::Approved.name())
        .bind(list::instant(now()))
        .bind(cap)
        .bind(list::instant(from))
        .bind(list::instant(until))
        .bind(row)
        .bind(&id.0[..])
        .execute(work.connection())
        .await?;
        notify(&mut work, known.party, NoticeKind::KeyApproved, &id.to_string()).await?;
        append(&mut work, Entry::new(actor, "key approved", id)).await?;
        Ok(work.commit().await?)
    }

    /// Refuses a key and says why.
    ///
    /// # Errors
    /// [`KeyError`].
    #[boxed]
    pub async fn refuse_key(&self, actor: &Actor, id: KeyId, reason: &str) -> Result<(), KeyError> {
        let reason = checked(reason)?;
        let (mut work, known) = self.to_decide(actor, id).await?;
        let (person, key) = person_key(&mut work, known.user).await?;
        sqlx::query("UPDATE user_keys SET state = $1, decided = $2, reason_sealed = $3 WHERE id = $4")
            .bind(KeyState::Refused.name())
            .bind(list::instant(now()))
            .bind(key.seal(REASON, &[&person.0[..], &id.0].concat(), reason.as_bytes()))
            .bind(&id.0[..])
            .execute(work.connection())
            .await?;
        notify(&mut work, known.party, NoticeKind::KeyRefused, &id.to_string()).await?;
        append(&mut work, Entry::new(actor, "key refused", id)).await?;
        Ok(work.commit().await?)
    }

    /// Ends a key: an officer any, a user their own. One that waits for an officer is withdrawn at once; for any other the
    /// revocation goes to the ledger.
    ///
    /// # Errors
    /// [`KeyError`].
    #[boxed]
    pub async fn revoke_key(&self, actor: &Actor, id: KeyId) -> Result<(), KeyError> {
        let mut work = self.begin().await?;
        let known = known(&mut work, id).await?;
        if *actor != Actor::User(known.user) {
            demand(&mut work, actor, Permission::ApproveKeys).await?;
        }
        if end(&mut work, actor, id, &known).await? {
            notify(&mut work, known.party, NoticeKind::KeyRevoked, &id.to_string()).await?;
            append(&mut work, Entry::new(actor, "key revoked", id)).await?;
        }
        Ok(work.commit().await?)
    }

    async fn to_decide(&self, actor: &Actor, id: KeyId) -> Result<(Work, Known), KeyError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ApproveKeys).await?;
        let known = known(&mut work, id).await?;
        if *actor == Actor::User(known.user) {
            return Err(KeyError::Own);
        }
        match known.state {
            KeyState::Requested => Ok((work, known)),
            KeyState::Approved | KeyState::Active | KeyState::Refused | KeyState::Revoked => {
                Err(KeyError::State(known.state))
            }
        }
    }
}

/// Whether anything was left to end.
async fn end(work: &mut Work, actor: &Actor, id: KeyId, known: &Known) -> Result<bool, KeyError> {
    match known.state {
        KeyState::Refused | KeyState::Revoked => Err(KeyError::State(known.state)),
        KeyState::Requested => {
            set_state(work, id, KeyState::Revoked).await?;
            Ok(true)
        }
        KeyState::Approved | KeyState::Active if known.revoking => Ok(false),
        KeyState::Approved | KeyState::Active => {
            wishes::revoke(work, actor, id, known).await?;
            let sql = "UPDATE user_keys SET revoking = 1 WHERE id = $1";
            sqlx::query(sql).bind(&id.0[..]).execute(work.connection()).await?;
            Ok(true)
        }
    }
}

async fn refuse_known_or_many(work: &mut Work, user: UserId, key: PublicKey) -> Result<(), KeyError> {
    let sql = "SELECT id FROM user_keys WHERE public_key = $1 UNION SELECT id FROM officer_keys WHERE public_key = $1";
    if sqlx::query(sql).bind(&key.0[..]).fetch_optional(work.connection()).await?.is_some() {
        return Err(KeyError::Known);
    }
    let sql = "SELECT COUNT(*) AS waiting FROM user_keys WHERE user_id = $1 AND state = 'requested'";
    let row = sqlx::query(sql).bind(&user.0[..]).fetch_one(work.connection()).await?;
    if row.try_get::<i64, _>("waiting")? >= MOST_WAITING { Err(KeyError::TooMany) } else { Ok(()) }
}

pub(crate) async fn person_key(work: &mut Work, user: UserId) -> Result<(PersonId, vault::PersonKey), RegistryError> {
    let sql = "SELECT person FROM users WHERE id = $1";
    let row = sqlx::query(sql).bind(&user.0[..]).fetch_optional(work.connection()).await?;
    let row = row.ok_or(RegistryError::UserUnknown(user))?;
    let person = PersonId(list::id(row.try_get("person")?, "users.person")?);
    let vault = work.vault();
    let key = vault::load_key(work.connection(), &vault, person).await?;
    Ok((person, key.ok_or(RegistryError::PersonUnknown(person))?))
}

async fn known(work: &mut Work, id: KeyId) -> Result<Known, RegistryError> {
    let sql = "SELECT user_id, party, public_key, scopes, state, bind_row, revoking FROM user_keys WHERE id = $1";
    let row = sqlx::query(sql).bind(&id.0[..]).fetch_optional(work.connection()).await?;
    let row = row.ok_or(RegistryError::KeyUnknown(id))?;
    let stored = |column| RegistryError::Stored { column };
    Ok(Known {
        user: UserId(list::id(row.try_get("user_id")?, "user_keys.user_id")?),
        party: codec::decode(row.try_get("party")?).map_err(|_| stored("user_keys.party"))?,
        key: PublicKey(list::id(row.try_get("public_key")?, "user_keys.public_key")?),
        scopes: codec::decode(row.try_get("scopes")?).map_err(|_| stored("user_keys.scopes"))?,
        state: list::parsed(row.try_get("state")?, "user_keys.state")?,
        bind_row: row.try_get("bind_row")?,
        revoking: row.try_get::<i64, _>("revoking")? != 0,
    })
}

async fn set_state(work: &mut Work, id: KeyId, state: KeyState) -> Result<(), RegistryError> {
    let sql = "UPDATE user_keys SET state = $1 WHERE id = $2";
    sqlx::query(sql).bind(state.name()).bind(&id.0[..]).execute(work.connection()).await?;
    Ok(())
}

/// The ledger has the key.
///
/// # Errors
/// [`RegistryError::KeyUnknown`], or what the database answers.
#[boxed]
pub async fn mark_active(work: &mut Work, id: KeyId) -> Result<(), RegistryError> {
    let known = known(work, id).await?;
    match known.state {
        // A key that ended in the meantime stays ended.
        KeyState::Active | KeyState::Refused | KeyState::Revoked => Ok(()),
        KeyState::Requested | KeyState::Approved => {
            set_state(work, id, KeyState::Active).await?;
            notify(work, known.party, NoticeKind::KeyActive, &id.to_string()).await
        }
    }
}

/// The ledger has ended the key.
///
/// # Errors
/// As [`mark_active`].
#[boxed]
pub async fn mark_revoked(work: &mut Work, id: KeyId) -> Result<(), RegistryError> {
    known(work, id).await?;
    set_state(work, id, KeyState::Revoked).await
}

/// Ends all keys of a user who is erased, and forgets what they were called.
pub(crate) async fn forget_user(work: &mut Work, actor: &Actor, user: UserId) -> Result<(), RegistryError> {
    let sql = "SELECT id FROM user_keys WHERE user_id = $1 AND state IN ('requested', 'approved', 'active')";
    let rows = sqlx::query(sql).bind(&user.0[..]).fetch_all(work.connection()).await?;
    for row in rows {
        let id = KeyId(list::id(row.try_get("id")?, "user_keys.id")?);
        let known = known(work, id).await?;
        match end(work, actor, id, &known).await {
            Ok(_) => {}
            Err(KeyError::Registry(error)) => return Err(error),
            Err(
                KeyError::NotAllowed
                | KeyError::NoScope
                | KeyError::TooMany
                | KeyError::Known
                | KeyError::Text
                | KeyError::Own
                | KeyError::State(_)
                | KeyError::Period,
            ) => unreachable!("only standing keys were asked for, and they can be ended"),
        }
    }
    let sql = "UPDATE user_keys SET label_sealed = NULL, reason_sealed = NULL WHERE user_id = $1";
    sqlx::query(sql).bind(&user.0[..]).execute(work.connection()).await?;
    Ok(())
}
