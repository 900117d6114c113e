//! Sign-ins that were begun in a browser and wait for the provider's answer. Each lies in that browser's session, holds for
//! ten minutes and is taken out by the first answer.

use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use tower_sessions::session::Error;

use crate::session::seconds;

/// How long a person may take at the provider.
pub(super) const LONGEST_SECONDS: u64 = 10 * 60;
/// Begun at a time in one browser, such as in several tabs.
const MOST: usize = 4;
/// Name of what the session holds.
const PENDING: &str = "pending";

/// A sign-in that waits for the provider's answer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Name of the provider.
    pub(super) provider: String,
    /// What the answer must bring along.
    pub(super) state: String,
    /// What the token must hold.
    pub(super) nonce: String,
    /// What shows to the provider that who began it ends it.
    pub(super) verifier: String,
    /// Where the person wanted to go.
    pub(super) next: String,
    /// When it was begun, in seconds.
    pub(super) begun: u64,
}

impl Pending {
    fn holds(&self) -> bool {
        let now = seconds();
        self.begun <= now && now - self.begun < LONGEST_SECONDS
    }
}

/// Keeps a sign-in that was begun.
pub(super) async fn keep(session: &Session, pending: Pending) -> Result<(), Error> {
    let mut all: Vec<Pending> = session.get(PENDING).await?.unwrap_or_default();
    all.retain(Pending::holds);
    all.push(pending);
    let oldest = all.len().saturating_sub(MOST);
    session.insert(PENDING, &all[oldest..]).await
}

/// Takes out the sign-in of a state. It is gone for good before anything is done with it, whatever comes of it.
pub(super) async fn take(session: &Session, provider: &str, state: &str) -> Result<Option<Pending>, Error> {
    let mut all: Vec<Pending> = session.get(PENDING).await?.unwrap_or_default();
    let Some(found) = all.iter().position(|one| one.state == state) else { return Ok(None) };
    let pending = all.swap_remove(found);
    session.insert(PENDING, &all).await?;
    session.save().await?;
    Ok(Some(pending).filter(|pending| pending.holds() && pending.provider == provider))
}
