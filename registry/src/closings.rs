//! Closing reports of years that ended, kept as they were reckoned: sealing takes away the records of which they are made. Whether
//! they are the sealed year's, the seal's sums say. Knows nothing of what is inside: no names are.

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::Row;

use crate::boxed;
use crate::database::{Registry, list, now};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::{Body, Permission, demand, pass};

/// Most bytes of a report.
const LONGEST: usize = 16 << 20;
/// How hard reports are packed.
const LEVEL: i32 = 3;

/// A report to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClosing {
    /// The name of its period.
    pub period: String,
    /// Height of the ledger at which it was reckoned.
    pub height: Height,
    /// The report.
    pub bytes: Vec<u8>,
}

/// A kept report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptClosing {
    /// Height of the ledger at which it was reckoned.
    pub height: Height,
    /// The report.
    pub bytes: Vec<u8>,
    /// When it was kept.
    pub kept: Timestamp,
}

impl Registry {
    /// Keeps the reports of a year in the place of those of before, all or none; a report of a greater height stays. Their hash stands
    /// in the log, which shows tampering.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor manages the year, or what the database answers.
    #[boxed]
    pub async fn keep_closings(&self, actor: &Actor, year: Year, all: &[NewClosing]) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageYear).await?;
        let mut whole = Sha256::new();
        for new in all {
            let hash = Sha256::digest(&new.bytes);
            whole.update(new.period.as_bytes());
            whole.update(hash);
            let packed = zstd::bulk::compress(&new.bytes, LEVEL).expect("what is in memory is packed in memory");
            sqlx::query(
                "INSERT INTO closings (year, period, height, packed, hash, kept) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (year, period) DO UPDATE SET height = excluded.height, packed = excluded.packed, \
                 hash = excluded.hash, kept = excluded.kept WHERE closings.height <= excluded.height",
            )
            .bind(i64::from(year.0))
            .bind(&new.period)
            .bind(i64::try_from(new.height.0).unwrap_or(i64::MAX))
            .bind(packed)
            .bind(hash.to_vec())
            .bind(list::instant(now()))
            .execute(work.connection())
            .await?;
        }
        let detail = format!("{} of them, {}", all.len(), hex::encode(whole.finalize()));
        append(&mut work, Entry::new(actor, "closing reports kept", year.0).detail(detail)).await?;
        work.commit().await
    }

    /// The kept report of a period. For operator and budget holder.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], [`RegistryError::Stored`] for bytes that are not those that were kept, or what the database answers.
    #[boxed]
    pub async fn closing(&self, actor: &Actor, year: Year, period: &str) -> Result<Option<KeptClosing>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let sql = "SELECT height, packed, hash, kept FROM closings WHERE year = $1 AND period = $2";
        let query = sqlx::query(sql).bind(i64::from(year.0)).bind(period);
        let Some(row) = query.fetch_optional(&mut *reader).await? else { return Ok(None) };
        let changed = || RegistryError::Stored { column: "closings.packed" };
        let bytes = zstd::bulk::decompress(row.try_get("packed")?, LONGEST).map_err(|_| changed())?;
        if Sha256::digest(&bytes).as_slice() != row.try_get::<&[u8], _>("hash")? {
            return Err(changed());
        }
        let height: u64 = list::number(row.try_get("height")?, "closings.height")?;
        let kept: u64 = list::number(row.try_get("kept")?, "closings.kept")?;
        Ok(Some(KeptClosing { height: Height(height), bytes, kept: Timestamp(kept) }))
    }
}

fn is_office(body: &Body) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::School(_) | Body::Provider(_) => false,
    }
}
