//! Why invoices are refused by hand: a school's words about one for its own money, an office's about any. Kept before the refusal is
//! signed, since the ledger holds no reasons; shown to the provider once the ledger has that invoice no longer. Answers of the
//! buyer's system are `dispatch`'s.

use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::operation::{Buyer, Party};
use keis_ledger::time::Timestamp;
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::dispatch::Reason;
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::notices::{NoticeKind, notify};
use crate::permission::{Body, Permission, pass};
use crate::successions;
use crate::vault::{Field, Vault};
use crate::witnesses::{self, Holder};

const REASON: Field = Field::of("refusals", "reason_sealed");

/// Most letters of a reason.
pub const LONGEST_REASON: usize = 1_000;

/// An invoice that somebody is about to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRefusal {
    /// Its statement.
    pub statement: StatementId,
    /// The commitment to its file that the ledger has now.
    pub file: Commitment,
    /// Who is paid, and is told.
    pub provider: ProviderId,
    /// Whose money it asks for.
    pub buyer: Buyer,
}

impl Registry {
    /// Keeps why an invoice is refused; the same invoice again replaces it. More than [`LONGEST_REASON`] letters are cut.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor refuses invoices for the buying school or who stands in its place, or is an officer;
    /// [`RegistryError::BodyUnknown`] for a provider that is not here or was erased, or what the database answers.
    #[boxed]
    pub async fn keep_refusal(
        &self,
        actor: &Actor,
        new: &NewRefusal,
        reason: Option<&str>,
    ) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        may_refuse(&mut work, actor, new).await?;
        let key = witnesses::key(&mut work, Holder::Provider(new.provider)).await?;
        let reason: Option<String> = reason.map(|text| text.chars().take(LONGEST_REASON).collect());
        sqlx::query(
            "INSERT INTO refusals (statement, file, provider, reason_sealed, kept) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (statement, file) DO UPDATE SET provider = excluded.provider, \
             reason_sealed = excluded.reason_sealed, kept = excluded.kept, told = NULL",
        )
        .bind(&new.statement.0[..])
        .bind(&new.file.0[..])
        .bind(&new.provider.0[..])
        .bind(reason.map(|text| key.seal(REASON, &row_of(new.statement, new.file), text.as_bytes())))
        .bind(list::instant(now()))
        .execute(work.connection())
        .await?;
        append(&mut work, Entry::new(actor, "refusal of an invoice kept", new.statement)).await?;
        work.commit().await
    }

    /// The ledger has a refusal: the provider gets notice of the last one that was kept for the statement, once.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn tell_refused(&self, statement: StatementId) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        let sql =
            "SELECT file, provider FROM refusals WHERE statement = $1 AND told IS NULL ORDER BY kept DESC LIMIT 1";
        let found = sqlx::query(sql).bind(&statement.0[..]).fetch_optional(work.connection()).await?;
        let Some(row) = found else { return Ok(()) };
        let file: Vec<u8> = row.try_get("file")?;
        let provider = ProviderId(list::id(row.try_get("provider")?, "refusals.provider")?);
        sqlx::query("UPDATE refusals SET told = $1 WHERE statement = $2 AND file = $3")
            .bind(list::instant(now()))
            .bind(&statement.0[..])
            .bind(file)
            .execute(work.connection())
            .await?;
        notify(&mut work, Party::Provider(provider), NoticeKind::InvoiceRejected, &statement.to_string()).await?;
        work.commit().await
    }
}

/// Officers of both offices refuse any invoice, a school those for its own money and for that of schools in whose place it stands.
async fn may_refuse(work: &mut Work, actor: &Actor, new: &NewRefusal) -> Result<(), RegistryError> {
    let office = pass(work.connection(), actor, Permission::RecordPayments, |_| true).await;
    match (office, new.buyer) {
        (Err(RegistryError::Denied(_)), Buyer::School(school)) => {
            let heirs = successions::heirs(work.connection(), new.provider, Some(school)).await?;
            let reaches = |body: &Body| *body == Body::School(school) || heirs.has(body);
            pass(work.connection(), actor, Permission::RefuseInvoices, reaches).await
        }
        (answer, Buyer::School(_) | Buyer::Programme) => answer,
    }
}

/// Reasons about a statement's invoices that the ledger does not have `attached` now, with the provider that each is told to.
pub(crate) async fn kept(
    connection: &mut AnyConnection,
    vault: &Vault,
    statement: StatementId,
    attached: Option<Commitment>,
) -> Result<Vec<(ProviderId, Reason)>, RegistryError> {
    let sql = "SELECT file, provider, reason_sealed, kept FROM refusals WHERE statement = $1";
    let rows = sqlx::query(sql).bind(&statement.0[..]).fetch_all(&mut *connection).await?;
    let mut all = Vec::new();
    for row in rows {
        let file = Commitment(list::id(row.try_get("file")?, "refusals.file")?);
        if attached == Some(file) {
            continue;
        }
        let provider = ProviderId(list::id(row.try_get("provider")?, "refusals.provider")?);
        let at = Timestamp(list::number(row.try_get("kept")?, "refusals.kept")?);
        let sealed: Option<Vec<u8>> = row.try_get("reason_sealed")?;
        let key = witnesses::key_of(connection, vault, Holder::Provider(provider)).await?;
        let text = match (key, sealed) {
            (Some(key), Some(sealed)) => Some(key.open_text(REASON, &row_of(statement, file), &sealed)?),
            (_, _) => None,
        };
        all.push((provider, Reason { at, text }));
    }
    Ok(all)
}

fn row_of(statement: StatementId, file: Commitment) -> Vec<u8> {
    [&statement.0[..], &file.0[..]].concat()
}
