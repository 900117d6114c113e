//! Officers: appointed and dismissed.

use super::{Applied, is_member, is_taken};
use crate::classifiers::Scopes;
use crate::crypto::PublicKey;
use crate::money::{Amounts, Cents};
use crate::operation::Owner;
use crate::receipt::{Kind, Subject};
use crate::record::Key;
use crate::rejection::Rejection;
use crate::state::Work;
use crate::time::Timestamp;

/// An officer who signs is of an institution that holds a validator; an auditor may be of any.
pub(super) fn judge_appointment(
    work: &Work,
    at: Timestamp,
    key: &PublicKey,
    owner: Owner,
    (from, until): (Timestamp, Timestamp),
) -> Result<(), Rejection> {
    let known = match owner {
        Owner::Operator(institution) | Owner::BudgetHolder(institution) => is_member(work, institution),
        Owner::Auditor(_) => true,
        Owner::Party(_) | Owner::Governance(_) => return Err(Rejection::ItemUnsound { item: 0 }),
    };
    if !key.is_sound() || from >= until || until <= at {
        return Err(Rejection::ItemUnsound { item: 0 });
    }
    if !known {
        return Err(Rejection::InstitutionUnknown);
    }
    if is_taken(work, key) { Err(Rejection::KeyTaken { item: 0 }) } else { Ok(()) }
}

pub(super) fn appoint(
    work: &mut Work,
    at: Timestamp,
    key: PublicKey,
    owner: Owner,
    (from, until): (Timestamp, Timestamp),
) -> Result<Applied, Rejection> {
    judge_appointment(work, at, &key, owner, (from, until))?;

    work.put(key, Key { owner, scopes: Scopes::of(&[]), cap: Cents::ZERO, from, until });
    Ok(Applied { kind: Kind::OfficerAppointed, subject: Subject::default(), total: Amounts::ZERO })
}

pub(super) fn judge_dismissal(work: &Work, at: Timestamp, key: &PublicKey) -> Result<(), Rejection> {
    let Key { owner, until, .. } = *work.get::<Key>(*key).ok_or(Rejection::TargetKeyUnknown)?;
    match owner {
        Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) => {}
        Owner::Party(_) | Owner::Governance(_) => return Err(Rejection::TargetKeyOther),
    }
    if until <= at { Err(Rejection::TargetKeyEnded { until }) } else { Ok(()) }
}

pub(super) fn dismiss(work: &mut Work, at: Timestamp, key: PublicKey) -> Result<Applied, Rejection> {
    judge_dismissal(work, at, &key)?;

    work.edit::<Key>(key).expect("the key was found above").until = at;
    Ok(Applied { kind: Kind::OfficerDismissed, subject: Subject::default(), total: Amounts::ZERO })
}
