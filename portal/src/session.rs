//! Server-side sessions: the browser holds a random id, everything else lies sealed in the registry.
//!
//! A session of somebody who signed in ends after a time without a request, after twelve hours whatever happens, at
//! sign-out, and when the user is disabled. A request that is still under way cannot bring an ended session back.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use keis_ledger::time::Timestamp;
use keis_registry::Registry;
use keis_registry::ids::UserId;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Session, SessionStore};

use crate::call::Call;

/// A session ends so many seconds after the sign-in, however busy it is.
pub const LONGEST_SECONDS: u64 = 12 * 60 * 60;
/// How often a request makes a session last longer: seldom enough that reading pages writes hardly anything.
const TOUCH_SECONDS: u64 = 60;
/// When the user signed in, in seconds.
const SINCE: &str = "since";
/// When the session was last made to last longer, in seconds.
const SEEN: &str = "seen";

/// The registry as a store of sessions.
#[derive(Clone)]
pub struct Sessions {
    registry: Registry,
}

impl Sessions {
    /// Sessions in this registry.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }

    async fn put(&self, record: &Record) -> Result<()> {
        let bytes = serde_json::to_vec(record).map_err(|error| Error::Encode(error.to_string()))?;
        let expires = u64::try_from(record.expiry_date.unix_timestamp()).unwrap_or_default();
        let user = record.data.get("user").and_then(|user| user.as_str());
        let user: Option<UserId> = user.and_then(|user| user.parse().ok());
        let expires = Timestamp(expires.saturating_mul(1000));
        self.registry.save_session(&place(&record.id), user, &bytes, expires).await.map_err(failed)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Who reads the database must not be able to take a session over: it holds the id's hash only.
fn place(id: &Id) -> [u8; 32] {
    *blake3::hash(&id.0.to_le_bytes()).as_bytes()
}

fn failed(error: impl fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

/// Seconds since 1970 by the machine's clock: sessions live in real time, whatever the ledger's clock shows.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

/// The same as an instant.
pub(crate) fn instant() -> Timestamp {
    Timestamp(seconds().saturating_mul(1000))
}

/// Makes a session last while it is used, and ends it when it has lasted too long. Comes before every page.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn keep(session: &Session) -> std::result::Result<(), tower_sessions::session::Error> {
    if session.id().is_none() || Call::user_of(session).await.is_none() {
        return Ok(());
    }
    let now = seconds();
    let Some(since) = session.get::<u64>(SINCE).await? else { return begin(session).await };
    if now >= since.saturating_add(LONGEST_SECONDS) {
        return session.flush().await;
    }
    let seen: u64 = session.get(SEEN).await?.unwrap_or_default();
    if now >= seen.saturating_add(TOUCH_SECONDS) {
        session.insert(SEEN, now).await?;
    }
    Ok(())
}

/// Notes when somebody signed in.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn begin(session: &Session) -> std::result::Result<(), tower_sessions::session::Error> {
    session.insert(SINCE, seconds()).await?;
    session.insert(SEEN, seconds()).await
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while self.load(&record.id).await?.is_some() {
            record.id = Id::default();
        }
        self.put(record).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // Signed out, or shut out, while this request was under way: it stays ended.
        if self.load(&record.id).await?.is_none() {
            return Ok(());
        }
        self.put(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let bytes = self.registry.load_session(&place(id), instant()).await.map_err(failed)?;
        bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|error| Error::Decode(error.to_string()))).transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.registry.delete_session(&place(id)).await.map_err(failed)
    }
}
