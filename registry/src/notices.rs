//! What a school or provider should know: that an officer acted for it, that a key was decided on. Ids only.

use keis_ledger::codec;
use keis_ledger::operation::Party;
use keis_ledger::time::Timestamp;
use sqlx::Row;

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::page::{Listed, Page};
use crate::permission::{Permission, demand};

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// An officer acted for the party. The subject is the transaction or the order.
    OfficerActed,
    /// A key was approved. The subject is the key, as in the following.
    KeyApproved,
    /// A key is on the ledger.
    KeyActive,
    /// A key was refused.
    KeyRefused,
    /// A key was revoked.
    KeyRevoked,
    /// The buyer refused an invoice. The subject is the statement.
    InvoiceRejected,
}

/// A notice to a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What about.
    pub kind: NoticeKind,
    /// Which thing, by its id.
    pub subject: String,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::OfficerActed,
        Self::KeyApproved,
        Self::KeyActive,
        Self::KeyRefused,
        Self::KeyRevoked,
        Self::InvoiceRejected,
    ];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::OfficerActed => "officer_acted",
            Self::KeyApproved => "key_approved",
            Self::KeyActive => "key_active",
            Self::KeyRefused => "key_refused",
            Self::KeyRevoked => "key_revoked",
            Self::InvoiceRejected => "invoice_rejected",
        }
    }
}

/// A text names no kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such kind of notice")]
pub struct NoticeKindError;

impl std::str::FromStr for NoticeKind {
    type Err = NoticeKindError;

    fn from_str(text: &str) -> Result<Self, NoticeKindError> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(NoticeKindError)
    }
}

/// Leaves a notice to a party. `subject` is an id.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn notify(work: &mut Work, party: Party, kind: NoticeKind, subject: &str) -> Result<(), RegistryError> {
    sqlx::query(
        "INSERT INTO notices (seq, party, at, kind, subject) \
         SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4 FROM notices",
    )
    .bind(codec::encode(&party))
    .bind(list::instant(now()))
    .bind(kind.name())
    .bind(subject)
    .execute(work.connection())
    .await?;
    Ok(())
}

impl Registry {
    /// Notes that an officer acts for a party that phoned or wrote, and tells the party. `subject` is the id of what was done.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn note_behalf(&self, actor: &Actor, party: Party, subject: &str) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ActOnBehalf).await?;
        notify(&mut work, party, NoticeKind::OfficerActed, subject).await?;
        append(&mut work, Entry::new(actor, "acted on behalf", party_id(party)).detail(subject)).await?;
        work.commit().await
    }

    /// Notices to a party that were not dismissed, the newest first. The cursor is the number of the last one seen.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn notices(&self, party: Party, page: &Page) -> Result<Listed<Notice>, RegistryError> {
        let mut reader = self.reader().await?;
        let before = page.after.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "SELECT seq, at, kind, subject FROM notices WHERE party = $1 AND dismissed IS NULL AND seq < $2 \
             ORDER BY seq DESC LIMIT $3",
        )
        .bind(codec::encode(&party))
        .bind(before)
        .bind(page.rows())
        .fetch_all(&mut *reader)
        .await?;
        let notice = |row: &sqlx::any::AnyRow| -> Result<Notice, RegistryError> {
            Ok(Notice {
                seq: list::number(row.try_get("seq")?, "notices.seq")?,
                at: Timestamp(list::number(row.try_get("at")?, "notices.at")?),
                kind: list::parsed(row.try_get("kind")?, "notices.kind")?,
                subject: row.try_get("subject")?,
            })
        };
        let notices = rows.iter().map(notice).collect::<Result<Vec<_>, _>>()?;
        Ok(page.list(notices, |notice| notice.seq))
    }

    /// Puts a notice of a party aside; one of another party, or none, is left alone.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn dismiss(&self, party: Party, seq: u64) -> Result<(), RegistryError> {
        let Ok(seq) = i64::try_from(seq) else { return Ok(()) };
        let mut work = self.begin().await?;
        sqlx::query("UPDATE notices SET dismissed = $1 WHERE seq = $2 AND party = $3 AND dismissed IS NULL")
            .bind(list::instant(now()))
            .bind(seq)
            .bind(codec::encode(&party))
            .execute(work.connection())
            .await?;
        work.commit().await
    }
}

/// How the log names a party: a pupil's wallet stays out of it.
fn party_id(party: Party) -> String {
    match party {
        Party::School(school) => school.to_string(),
        Party::Provider(provider) => provider.to_string(),
        Party::Pupil(year, _) => format!("a pupil's wallet of {year}"),
    }
}
