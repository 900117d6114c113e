//! Numbers of a provider's series: each is given once, in the transaction that keeps what bears it.

use keis_einvoice::{Text, number_in_series};
use keis_ledger::ids::{ProviderId, StatementId};
use sqlx::{AnyConnection, Row};

use super::{BillingError, counted};
use crate::database::Work;
use crate::error::RegistryError;
use crate::invoices;
use crate::vault::WitnessKey;

/// Most letters of a series, so that a number of it is no longer than a number may be.
pub const LONGEST_SERIES: usize = 40;

/// What a series is known by, without saying it.
fn mark(key: &WitnessKey, series: &Text) -> [u8; 32] {
    key.commit("number_series", series.as_str().as_bytes())
}

/// Where a series goes on.
pub(crate) async fn next_of(
    connection: &mut AnyConnection,
    key: &WitnessKey,
    provider: ProviderId,
    series: &Text,
) -> Result<u32, RegistryError> {
    let sql = "SELECT next FROM number_series WHERE provider = $1 AND series = $2";
    let query = sqlx::query(sql).bind(&provider.0[..]).bind(mark(key, series).to_vec());
    match query.fetch_optional(connection).await? {
        Some(row) => counted(row.try_get("next")?),
        None => Ok(1),
    }
}

/// Has a series go on at a number, which is none that was given.
pub(super) async fn set(
    work: &mut Work,
    key: &WitnessKey,
    provider: ProviderId,
    series: &Text,
    next: Option<u32>,
) -> Result<(), BillingError> {
    if series.as_str().chars().count() > LONGEST_SERIES {
        return Err(BillingError::SeriesLong);
    }
    let least = next_of(work.connection(), key, provider, series).await?;
    match next {
        Some(next) if next < least => Err(BillingError::NumberGiven { least }),
        Some(next) => Ok(put(work, key, provider, series, next).await?),
        None => Ok(()),
    }
}

/// The next number of a series that stands on no other statement's paper; from now on it is given. None at the end of a series.
pub(crate) async fn take(
    work: &mut Work,
    key: &WitnessKey,
    (provider, statement): (ProviderId, StatementId),
    series: &Text,
) -> Result<Option<Text>, RegistryError> {
    let mut next = next_of(work.connection(), key, provider, series).await?;
    loop {
        let Some(after) = next.checked_add(1) else { return Ok(None) };
        let Ok(number) = number_in_series(series, next) else { return Ok(None) };
        if !invoices::stands_elsewhere(work, key, number.as_str(), statement).await? {
            put(work, key, provider, series, after).await?;
            return Ok(Some(number));
        }
        next = after;
    }
}

async fn put(
    work: &mut Work,
    key: &WitnessKey,
    provider: ProviderId,
    series: &Text,
    next: u32,
) -> Result<(), RegistryError> {
    sqlx::query(
        "INSERT INTO number_series (provider, series, next) VALUES ($1, $2, $3) \
         ON CONFLICT (provider, series) DO UPDATE SET next = excluded.next",
    )
    .bind(&provider.0[..])
    .bind(mark(key, series).to_vec())
    .bind(i64::from(next))
    .execute(work.connection())
    .await?;
    Ok(())
}
