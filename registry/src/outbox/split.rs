//! A batch that the ledger refuses because of one wallet is cut into halves until that one stands alone.

use keis_ledger::ids::PupilId;
use keis_ledger::operation::{FundsOperation, Operation, Party, WalletOperation};

use super::effect::{batch, free};
use super::row::{self, Change, Insert};
use super::{Effect, OutboxId, OutboxRow, OutboxState};
use crate::database::Work;
use crate::error::RegistryError;
use crate::wallets::{self, Wallet, WalletState};

/// The halves of a batch of independent wallets; none for anything else and for a single wallet.
fn halves(operation: &Operation) -> Option<[Operation; 2]> {
    fn cut<T: Clone>(list: &[T]) -> Option<[Vec<T>; 2]> {
        let (first, second) = list.split_at(list.len() / 2);
        (!first.is_empty()).then(|| [first.to_vec(), second.to_vec()])
    }
    let wallet = Operation::Wallet;
    match operation {
        Operation::Wallet(WalletOperation::OpenPupils { year, pupils }) => {
            cut(pupils).map(|halves| halves.map(|pupils| wallet(WalletOperation::OpenPupils { year: *year, pupils })))
        }
        Operation::Wallet(WalletOperation::OpenSchools { schools }) => {
            cut(schools).map(|halves| halves.map(|schools| wallet(WalletOperation::OpenSchools { schools })))
        }
        Operation::Wallet(WalletOperation::OpenProviders { providers }) => {
            cut(providers).map(|halves| halves.map(|providers| wallet(WalletOperation::OpenProviders { providers })))
        }
        Operation::Funds(FundsOperation::Allocate { year, pupils }) => cut(pupils)
            .map(|halves| halves.map(|pupils| Operation::Funds(FundsOperation::Allocate { year: *year, pupils }))),
        Operation::Wallet(
            WalletOperation::BindKeys { .. }
            | WalletOperation::RevokeKey { .. }
            | WalletOperation::MovePupil { .. }
            | WalletOperation::Suspend { .. }
            | WalletOperation::Reinstate { .. }
            | WalletOperation::Close { .. }
            | WalletOperation::RevokeAllKeys { .. }
            | WalletOperation::MovePupils { .. },
        )
        | Operation::Funds(
            FundsOperation::OpenYear { .. }
            | FundsOperation::RecordSchoolMoney { .. }
            | FundsOperation::EndYear { .. }
            | FundsOperation::SealYear { .. },
        )
        | Operation::Catalogue(_)
        | Operation::Order { .. }
        | Operation::Settlement(_)
        | Operation::Governance(_)
        | Operation::Rate { .. } => None,
    }
}

/// The wallets of an allocation without those that are closed, or whose closing is on its way; none when it has no such wallets.
async fn without_closed(work: &mut Work, operation: &Operation) -> Result<Option<Vec<Operation>>, RegistryError> {
    let Operation::Funds(FundsOperation::Allocate { year, pupils }) = operation else { return Ok(None) };
    let vault = work.vault();
    let known = wallets::of_wallets(work.connection(), &vault, *year, pupils).await?;
    let mut left = Vec::with_capacity(pupils.len());
    for pupil in pupils {
        if !closes(work, known.get(pupil)).await? {
            left.push(*pupil);
        }
    }
    if left.len() == pupils.len() {
        return Ok(None);
    }
    let allocate = |pupils| Operation::Funds(FundsOperation::Allocate { year: *year, pupils });
    Ok(Some(if left.is_empty() { Vec::new() } else { vec![allocate(left)] }))
}

async fn closes(work: &mut Work, wallet: Option<&Wallet>) -> Result<bool, RegistryError> {
    let Some(wallet) = wallet else { return Ok(false) };
    let latest = match wallet.latest {
        Some(row) => row::get(work.connection(), row).await?,
        None => None,
    };
    Ok(wallet.state == WalletState::Closed || latest.is_some_and(|row| row.effect == Effect::PupilClosed))
}

/// Puts smaller rows in the place of one that is refused, or none when nothing is left to do; says whether that was possible.
pub(super) async fn split(work: &mut Work, row: &OutboxRow) -> Result<bool, RegistryError> {
    let parts = match without_closed(work, &row.operation).await? {
        Some(fewer) => fewer,
        None => match halves(&row.operation) {
            Some(halves) => Vec::from(halves),
            None => return Ok(false),
        },
    };
    let change = Change { of: row.transaction, ..Change::to(OutboxState::Split) };
    if !row::change(work, row.id, &[OutboxState::Signed], &change).await? {
        return Ok(true);
    }
    if parts.is_empty() {
        for follower in row::followers(work, row.id).await? {
            row::follow(work, follower, row.after).await?;
        }
        free(work, row.id).await?;
        return Ok(true);
    }
    let inserts: Vec<Insert> = parts.iter().map(|part| Insert::part_of(row, part)).collect();
    let OutboxId(first) = row::insert(work, &inserts).await?;
    let numbered: Vec<(OutboxId, Operation)> = (first..).map(OutboxId).zip(parts).collect();
    hand_over(work, row, &numbered).await?;
    Ok(true)
}

/// What pointed to the row points to its parts: wallets and bodies, and rows that wait for it.
async fn hand_over(work: &mut Work, row: &OutboxRow, parts: &[(OutboxId, Operation)]) -> Result<(), RegistryError> {
    let (last, _) = parts.last().expect("a row is split into at least one part");
    wallets::relink(work, row.id, *last).await?;
    for sql in [
        "UPDATE schools SET open_row = $1 WHERE open_row = $2",
        "UPDATE providers SET open_row = $1 WHERE open_row = $2",
    ] {
        sqlx::query(sql).bind(last.0).bind(row.id.0).execute(work.connection()).await?;
    }
    for (id, operation) in parts {
        if let Some((year, pupils)) = batch(operation) {
            wallets::link(work, year, &pupils, *id).await?;
        }
    }
    for follower in row::followers(work, row.id).await? {
        let follows = row::get(work.connection(), follower).await?;
        let about = follows.as_ref().and_then(|row| about(&row.operation));
        let holds = |operation: &Operation| {
            batch(operation).is_some_and(|(_, pupils)| about.is_some_and(|pupil| pupils.contains(&pupil)))
        };
        let part = parts.iter().find(|(_, operation)| holds(operation)).unwrap_or(parts.last().expect("as above"));
        row::follow(work, follower, Some(part.0)).await?;
    }
    Ok(())
}

/// The one pupil that an operation is about.
fn about(operation: &Operation) -> Option<PupilId> {
    match operation {
        Operation::Wallet(
            WalletOperation::MovePupil { pupil, .. } | WalletOperation::Close { party: Party::Pupil(_, pupil) },
        ) => Some(*pupil),
        Operation::Wallet(
            WalletOperation::OpenSchools { .. }
            | WalletOperation::OpenProviders { .. }
            | WalletOperation::OpenPupils { .. }
            | WalletOperation::BindKeys { .. }
            | WalletOperation::RevokeKey { .. }
            | WalletOperation::Suspend { .. }
            | WalletOperation::Reinstate { .. }
            | WalletOperation::Close { party: Party::School(_) | Party::Provider(_) }
            | WalletOperation::RevokeAllKeys { .. }
            | WalletOperation::MovePupils { .. },
        )
        | Operation::Funds(_)
        | Operation::Catalogue(_)
        | Operation::Order { .. }
        | Operation::Settlement(_)
        | Operation::Governance(_)
        | Operation::Rate { .. } => None,
    }
}
