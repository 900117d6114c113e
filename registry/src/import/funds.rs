//! Opening and funding the wallets of a year: in batches, each wallet once. What the ledger has is asked of the outbox's effects.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_ledger::operation::{FundsOperation, MAX_BATCH, NewPupil, Operation, WalletOperation};
use sqlx::Row;

use super::CHUNK;
use crate::boxed;
use crate::database::{Registry, Work};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::outbox::{self, Effect, New, Office};
use crate::permission::{Permission, demand};
use crate::wallets::{self, Wallet, WalletState};

/// Enqueues the opening of all drawn wallets of a year; from now on wallets that are drawn later are opened at once. Returns how
/// many were enqueued; the same again enqueues none twice.
///
/// # Errors
/// [`RegistryError::Denied`], or what the database answers.
#[boxed]
pub async fn open_wallets(registry: &Registry, actor: &Actor, year: Year) -> Result<u64, RegistryError> {
    switch(registry, actor, year, "opening").await?;
    open_drawn(registry, actor, year).await
}

/// Enqueues the money of all opened wallets of a year; from now on wallets that are opened later get theirs at once. Returns how
/// many were enqueued; the same again enqueues none twice.
///
/// # Errors
/// [`RegistryError::Denied`], or what the database answers.
#[boxed]
pub async fn allocate(registry: &Registry, actor: &Actor, year: Year) -> Result<u64, RegistryError> {
    switch(registry, actor, year, "funding").await?;
    let mut enqueued = 0;
    let mut after = None;
    loop {
        let mut work = registry.begin().await?;
        let page = wallets::idle(&mut work, year, WalletState::Opened, after.as_ref(), CHUNK).await?;
        let pupils: Vec<PupilId> = page.wallets.iter().map(|wallet| wallet.wallet).collect();
        fund(&mut work, actor, year, pupils).await?;
        work.commit().await?;
        enqueued += page.wallets.len() as u64;
        after = page.next;
        if after.is_none() {
            return Ok(enqueued);
        }
    }
}

/// Opens drawn wallets of a year in which that has begun.
pub(super) async fn follow(registry: &Registry, actor: &Actor, year: Year) -> Result<(), RegistryError> {
    let mut work = registry.begin().await?;
    let opening = has(&mut work, year, "opening").await?;
    work.commit().await?;
    if opening {
        open_drawn(registry, actor, year).await?;
    }
    Ok(())
}

/// Gives opened wallets their money, in a year in which that has begun.
pub(crate) async fn fund_opened(
    work: &mut Work,
    actor: &Actor,
    year: Year,
    pupils: &[PupilId],
) -> Result<(), RegistryError> {
    if !has(work, year, "funding").await? {
        return Ok(());
    }
    let vault = work.vault();
    let known = wallets::of_wallets(work.connection(), &vault, year, pupils).await?;
    let due = known.into_values().filter(|wallet| wallet.state == WalletState::Opened && wallet.pending.is_none());
    fund(work, actor, year, due.map(|wallet| wallet.wallet).collect()).await
}

/// Sets how far a year's wallets go by themselves.
async fn switch(registry: &Registry, actor: &Actor, year: Year, column: &'static str) -> Result<(), RegistryError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, Permission::ManageYear).await?;
    let year_number = i64::from(year.0);
    sqlx::query("INSERT INTO wallet_years (year, opening, funding) VALUES ($1, 0, 0) ON CONFLICT (year) DO NOTHING")
        .bind(year_number)
        .execute(work.connection())
        .await?;
    let (sql, action) = match column {
        "opening" => ("UPDATE wallet_years SET opening = 1 WHERE year = $1", "wallets to be opened"),
        _ => ("UPDATE wallet_years SET funding = 1 WHERE year = $1", "wallets to be funded"),
    };
    sqlx::query(sql).bind(year_number).execute(work.connection()).await?;
    append(&mut work, Entry::new(actor, action, year)).await?;
    work.commit().await
}

async fn has(work: &mut Work, year: Year, column: &'static str) -> Result<bool, RegistryError> {
    let query = sqlx::query("SELECT opening, funding FROM wallet_years WHERE year = $1").bind(i64::from(year.0));
    let row = query.fetch_optional(work.connection()).await?;
    Ok(row.map(|row| row.try_get::<i64, _>(column)).transpose()?.is_some_and(|set| set != 0))
}

async fn open_drawn(registry: &Registry, actor: &Actor, year: Year) -> Result<u64, RegistryError> {
    let mut enqueued = 0;
    let mut after = None;
    loop {
        let mut work = registry.begin().await?;
        let page = wallets::idle(&mut work, year, WalletState::Drawn, after.as_ref(), CHUNK).await?;
        open(&mut work, actor, year, &page.wallets).await?;
        work.commit().await?;
        enqueued += page.wallets.len() as u64;
        after = page.next;
        if after.is_none() {
            return Ok(enqueued);
        }
    }
}

async fn open(work: &mut Work, actor: &Actor, year: Year, drawn: &[Wallet]) -> Result<(), RegistryError> {
    for batch in drawn.chunks(MAX_BATCH) {
        let new = |wallet: &Wallet| NewPupil {
            pupil: wallet.wallet,
            nullifier: wallet.nullifier,
            school: wallet.school,
            grade: wallet.grade,
        };
        let mut pupils: Vec<NewPupil> = batch.iter().map(new).collect();
        pupils.sort_by_key(|new| new.pupil);
        let ids: Vec<PupilId> = pupils.iter().map(|new| new.pupil).collect();
        let operation = Operation::Wallet(WalletOperation::OpenPupils { year, pupils });
        let new = New::of(Office::Operator, "open_pupils", operation).then(Effect::WalletsOpened);
        let row = outbox::enqueue(work, actor, new).await?;
        wallets::link(work, year, &ids, row).await?;
    }
    Ok(())
}

async fn fund(work: &mut Work, actor: &Actor, year: Year, mut pupils: Vec<PupilId>) -> Result<(), RegistryError> {
    pupils.sort_unstable();
    for batch in pupils.chunks(MAX_BATCH) {
        let operation = Operation::Funds(FundsOperation::Allocate { year, pupils: batch.to_vec() });
        let new = New::of(Office::Operator, "allocate", operation).then(Effect::Allocated);
        let row = outbox::enqueue(work, actor, new).await?;
        wallets::link(work, year, batch, row).await?;
    }
    Ok(())
}
