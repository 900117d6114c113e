//! What approval and revocation ask of the ledger.

use keis_ledger::operation::{KeyGrant, Operation, WalletOperation};

use super::*;
use crate::outbox::{Effect, New, Office, OutboxId, enqueue};

/// Asks for the key to be bound. The row's number, so that a revocation waits for it.
pub(super) async fn bind(
    work: &mut Work,
    actor: &Actor,
    id: KeyId,
    known: &Known,
    cap: Cents,
    (from, until): (Timestamp, Timestamp),
) -> Result<i64, RegistryError> {
    let grant = KeyGrant { key: known.key, party: known.party, scopes: known.scopes, cap, from, until };
    let operation = Operation::Wallet(WalletOperation::BindKeys { grants: vec![grant] });
    let new = New::of(Office::Operator, "bind_key", operation).then(Effect::KeyBound { key: id });
    Ok(enqueue(work, actor, new).await?.0)
}

/// Asks for the key to be ended, after its binding.
pub(super) async fn revoke(work: &mut Work, actor: &Actor, id: KeyId, known: &Known) -> Result<(), RegistryError> {
    let operation = Operation::Wallet(WalletOperation::RevokeKey { key: known.key });
    let new = New::of(Office::Operator, "revoke_key", operation).then(Effect::KeyRevoked { key: id });
    enqueue(work, actor, new.after(known.bind_row.map(OutboxId))).await?;
    Ok(())
}
