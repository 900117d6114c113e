//! What follows in the registry once the ledger has a row's transaction, in the same database transaction.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_ledger::operation::{FundsOperation, Operation, Party, WalletOperation};
use serde::{Deserialize, Serialize};

use super::{OutboxId, OutboxRow};
use crate::database::Work;
use crate::error::RegistryError;
use crate::ids::KeyId;
use crate::log::Actor;
use crate::{bodies, import, keys, wallets};

/// What follows in the registry. Which wallets it is about, the row's operation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Nothing.
    None,
    /// Schools' wallets are open.
    SchoolsOpened,
    /// Providers' wallets are open.
    ProvidersOpened,
    /// Pupils' wallets are open; in a year whose wallets have their money, these are given theirs.
    WalletsOpened,
    /// Pupils' wallets have their money of the year.
    Allocated,
    /// A pupil's wallet belongs to another school or grade.
    PupilMoved,
    /// A pupil's wallet is closed.
    PupilClosed,
    /// A user's key may be used.
    KeyBound {
        /// The key.
        key: KeyId,
    },
    /// A user's key may not be used any more.
    KeyRevoked {
        /// The key.
        key: KeyId,
    },
}

const WORKER: Actor = Actor::System("outbox");

impl Effect {
    pub(super) fn to_text(self) -> String {
        serde_json::to_string(&self).expect("an effect of ids has a text")
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The wallets of a batch that opens or funds pupils.
pub(super) fn batch(operation: &Operation) -> Option<(Year, Vec<PupilId>)> {
    if let Operation::Wallet(WalletOperation::OpenPupils { year, pupils }) = operation {
        return Some((*year, pupils.iter().map(|new| new.pupil).collect()));
    }
    if let Operation::Funds(FundsOperation::Allocate { year, pupils }) = operation {
        return Some((*year, pupils.clone()));
    }
    None
}

/// Does what follows from a row that took effect.
pub(super) async fn apply(work: &mut Work, row: &OutboxRow) -> Result<(), RegistryError> {
    let wrong = RegistryError::Stored { column: "outbox.effect" };
    match row.effect {
        Effect::None => Ok(()),
        Effect::SchoolsOpened => {
            let Operation::Wallet(WalletOperation::OpenSchools { schools }) = &row.operation else { return Err(wrong) };
            for new in schools {
                bodies::mark_school_opened(work, new.school).await?;
            }
            free(work, row.id).await
        }
        Effect::ProvidersOpened => {
            let Operation::Wallet(WalletOperation::OpenProviders { providers }) = &row.operation else {
                return Err(wrong);
            };
            for new in providers {
                bodies::mark_provider_opened(work, new.provider).await?;
            }
            free(work, row.id).await
        }
        Effect::WalletsOpened => {
            let (year, pupils) = batch(&row.operation).ok_or(wrong)?;
            wallets::opened(work, year, &pupils).await?;
            import::fund_opened(work, &WORKER, year, &pupils).await
        }
        Effect::Allocated => {
            let (year, pupils) = batch(&row.operation).ok_or(wrong)?;
            wallets::funded(work, year, &pupils).await.map(drop)
        }
        Effect::PupilMoved => {
            let Operation::Wallet(WalletOperation::MovePupil { year, pupil, school, grade, .. }) = &row.operation
            else {
                return Err(wrong);
            };
            wallets::moved(work, *year, *pupil, (*school, *grade), row.id).await
        }
        Effect::PupilClosed => {
            let Operation::Wallet(WalletOperation::Close { party: Party::Pupil(year, pupil) }) = &row.operation else {
                return Err(wrong);
            };
            wallets::closed(work, *year, &[*pupil]).await.map(drop)
        }
        Effect::KeyBound { key } => keys::mark_active(work, key).await,
        Effect::KeyRevoked { key } => keys::mark_revoked(work, key).await,
    }
}

/// Nothing comes of a row any more: what it was to do may be enqueued again.
pub(super) async fn free(work: &mut Work, id: OutboxId) -> Result<(), RegistryError> {
    for sql in [
        "UPDATE schools SET open_row = NULL WHERE open_row = $1",
        "UPDATE providers SET open_row = NULL WHERE open_row = $1",
    ] {
        sqlx::query(sql).bind(id.0).execute(work.connection()).await?;
    }
    wallets::free(work, id).await
}
