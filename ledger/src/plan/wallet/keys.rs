//! Keys: binding them to wallets, and ending them one by one or all at once.

use super::{about, batch, parties_known};
use crate::classifiers::Scope;
use crate::crypto::PublicKey;
use crate::ids::SchoolId;
use crate::money::Amounts;
use crate::operation::{KeyGrant, Owner, Party};
use crate::plan::governance::is_taken;
use crate::plan::{Actor, every, succession};
use crate::receipt::{Kind, Subject};
use crate::record::{BoundIn, Era, Key, Pupil, YearRecord};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

/// From when on a key is not accepted: its own end, or when all older keys of its party were revoked.
pub(in crate::plan) fn key_end(work: &Work, id: PublicKey, key: &Key) -> Timestamp {
    match key.owner {
        Owner::Party(party) => key.end(work.get::<Era>(party), work.get::<BoundIn>(id)),
        Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => key.until,
    }
}

pub(super) fn bind(mut work: Work, actor: &Actor, grants: &[KeyGrant]) -> Result<Effect, Rejection> {
    let school = binder(actor, grants)?;
    batch(grants, |grant| grant.key)?;
    let sound = |grant: &KeyGrant| !grant.scopes.is_empty() && grant.from < grant.until;
    every(grants, sound, |item| Rejection::ItemUnsound { item })?;
    parties_known(&work, grants.iter().map(|grant| grant.party))?;
    every(grants, |grant| !is_taken(&work, &grant.key), |item| Rejection::KeyTaken { item })?;
    every(grants, |grant| is_enrolled(&work, grant.party, school), |item| Rejection::NotEnrolled { item })?;
    every(grants, |grant| may_have_key(&work, grant.party), |item| Rejection::GradeNotOffered { item })?;

    for KeyGrant { key, party, scopes, cap, from, until } in grants {
        let record = Key { owner: Owner::Party(*party), scopes: *scopes, cap: *cap, from: *from, until: *until };
        work.put(*key, record);
        if let Some(Era { number, .. }) = work.get::<Era>(*party) {
            let era = *number;
            work.put(*key, BoundIn { era });
        }
    }
    Ok(work.done(Kind::KeysBound, Subject::default(), Amounts::ZERO))
}

/// Who may bind these keys: the operator any, a school (then named) those of pupils.
fn binder(actor: &Actor, grants: &[KeyGrant]) -> Result<Option<SchoolId>, Rejection> {
    if actor.operator().is_ok() {
        return Ok(None);
    }
    let pupils_only = grants.iter().all(|grant| matches!(grant.party, Party::Pupil(..)));
    match actor.party(Scope::Order)? {
        Party::School(school) if pupils_only => Ok(Some(school)),
        Party::School(_) | Party::Pupil(..) | Party::Provider(_) => Err(Rejection::NotPermitted),
    }
}

/// Whether the party is a pupil of the school, where a school asks.
fn is_enrolled(work: &Work, party: Party, school: Option<SchoolId>) -> bool {
    match party {
        Party::Pupil(year, pupil) => {
            let enrolled = work.get::<Pupil>((year, pupil)).map(|pupil| succession::school_now(work, pupil.school));
            school.is_none() || school == enrolled
        }
        Party::School(_) | Party::Provider(_) => school.is_none(),
    }
}

/// A pupil's own key needs a grade of the year's parameters.
fn may_have_key(work: &Work, party: Party) -> bool {
    match party {
        Party::Pupil(year, pupil) => {
            let grades = work.get::<YearRecord>(year).map(|year| year.parameters.own_key_grades);
            let grade = work.get::<Pupil>((year, pupil)).map(|pupil| pupil.grade);
            grades.zip(grade).is_some_and(|(grades, grade)| grades.has(grade))
        }
        Party::School(_) | Party::Provider(_) => true,
    }
}

pub(super) fn revoke(mut work: Work, at: Timestamp, actor: &Actor, id: PublicKey) -> Result<Effect, Rejection> {
    let revoker = revoker(actor)?;
    let key = work.get::<Key>(id).ok_or(Rejection::TargetKeyUnknown)?;
    let (owner, until) = (key.owner, key_end(&work, id, key));
    let party = match owner {
        Owner::Party(party) => party,
        Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => {
            return Err(Rejection::NotPermitted);
        }
    };
    if until <= at {
        return Err(Rejection::TargetKeyEnded { until });
    }
    if revoker.is_some_and(|own| own != party) {
        return Err(Rejection::NotYours);
    }

    work.edit::<Key>(id).expect("the key was found above").until = at;
    Ok(work.done(Kind::KeyRevoked, about(party), Amounts::ZERO))
}

/// Who ends keys: the operator those of every party, a party (then named) its own.
fn revoker(actor: &Actor) -> Result<Option<Party>, Rejection> {
    if actor.operator().is_ok() {
        return Ok(None);
    }
    // A key that only reads signs nothing, so a leaked one cannot take the others away.
    let signing = [Scope::Propose, Scope::Attendance, Scope::Settlement];
    match signing.into_iter().find_map(|scope| actor.party(scope).ok()) {
        Some(own) => Ok(Some(own)),
        None => actor.party(Scope::Order).map(Some),
    }
}

/// Ends every key of a party that was bound until now, also one whose time has not begun. An era needs no list of keys.
pub(super) fn revoke_all(mut work: Work, at: Timestamp, actor: &Actor, party: Party) -> Result<Effect, Rejection> {
    actor.operator()?;
    parties_known(&work, std::iter::once(party))?;
    let number = work.get::<Era>(party).map_or(0, |era| era.number);
    let number = number.checked_add(1).ok_or(Rejection::AmountTooLarge)?;

    work.put(party, Era { number, from: at });
    Ok(work.done(Kind::AllKeysRevoked, about(party), Amounts::ZERO))
}
