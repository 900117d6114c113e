//! Who belongs to the network: validators, and the keys by which their institutions vote on measures.

use std::collections::BTreeSet;

use super::{Applied, is_member, is_taken, network};
use crate::chain::{Validator, ValidatorSet};
use crate::classifiers::Scopes;
use crate::crypto::PublicKey;
use crate::ids::InstitutionId;
use crate::money::{Amounts, Cents};
use crate::operation::{Admission, MAX_VALIDATORS, Owner};
use crate::plan::{ascending, bounded, every, item};
use crate::receipt::{Kind, Subject};
use crate::record::{Institution, Key, Network};
use crate::rejection::Rejection;
use crate::state::Work;
use crate::time::Timestamp;

/// The new set is sound, its keys serve no other purpose, and who joins brings its governance keys.
pub(super) fn judge_set(
    work: &Work,
    validators: &[Validator],
    admitted: &[Admission],
) -> Result<ValidatorSet, Rejection> {
    bounded(validators, MAX_VALIDATORS)?;
    if admitted.len() > MAX_VALIDATORS {
        return Err(Rejection::ListTooLong { most: item(MAX_VALIDATORS) });
    }
    let joining: Vec<InstitutionId> = admitted.iter().map(|admission| admission.institution).collect();
    ascending(&joining)?;
    every(admitted, |one| are_sound(&one.keys), |item| Rejection::ItemUnsound { item })?;
    let set = ValidatorSet::new(validators.to_vec()).map_err(|_| Rejection::ValidatorsUnsound)?;
    if !validators.iter().all(|validator| validator.key.is_sound()) {
        return Err(Rejection::ValidatorsUnsound);
    }
    let new = validators.iter().map(|validator| validator.institution).filter(|id| !is_member(work, *id));
    if new.collect::<BTreeSet<_>>() != joining.iter().copied().collect() {
        return Err(Rejection::AdmissionsWrong);
    }
    every(validators, |validator| !work.has::<Key>(validator.key), |item| Rejection::KeyTaken { item })?;
    keys_of_their_own(work, validators, admitted)?;
    if set == network(work).validators { Err(Rejection::ChangeEmpty) } else { Ok(set) }
}

/// No governance key of who joins is bound, signs votes now or then, or is another's.
fn keys_of_their_own(work: &Work, validators: &[Validator], admitted: &[Admission]) -> Result<(), Rejection> {
    let mut seen: BTreeSet<PublicKey> = validators.iter().map(|validator| validator.key).collect();
    for (item, admission) in (0..).zip(admitted) {
        for key in &admission.keys {
            if is_taken(work, key) || !seen.insert(*key) {
                return Err(Rejection::KeyTaken { item });
            }
        }
    }
    Ok(())
}

pub(super) fn set(
    work: &mut Work,
    at: Timestamp,
    validators: &[Validator],
    admitted: &[Admission],
) -> Result<Applied, Rejection> {
    let set = judge_set(work, validators, admitted)?;
    let before = std::mem::replace(
        &mut work.edit::<Network>(()).expect("genesis puts the network's record, and nothing takes it away").validators,
        set,
    );

    let left: BTreeSet<InstitutionId> = before.as_slice().iter().map(|validator| validator.institution).collect();
    for institution in left.into_iter().filter(|id| !is_member(work, *id)).collect::<Vec<_>>() {
        give_keys(work, at, institution, &[]);
    }
    for Admission { institution, keys } in admitted {
        give_keys(work, at, *institution, keys);
    }
    Ok(Applied { kind: Kind::ValidatorsSet, subject: Subject::default(), total: Amounts::ZERO })
}

/// Sound, ascending and so two.
fn are_sound(keys: &[PublicKey; 2]) -> bool {
    keys[0] < keys[1] && keys.iter().all(PublicKey::is_sound)
}

pub(super) fn judge_keys(work: &Work, institution: InstitutionId, keys: &[PublicKey; 2]) -> Result<(), Rejection> {
    if !are_sound(keys) {
        return Err(Rejection::ItemUnsound { item: 0 });
    }
    if !is_member(work, institution) {
        return Err(Rejection::InstitutionUnknown);
    }
    let own = work.get::<Institution>(institution).map_or(&[][..], |one| &one.keys);
    every(keys, |key| own.contains(key) || !is_taken(work, key), |item| Rejection::KeyTaken { item })?;
    if own == keys { Err(Rejection::ChangeEmpty) } else { Ok(()) }
}

pub(super) fn replace_keys(
    work: &mut Work,
    at: Timestamp,
    institution: InstitutionId,
    keys: &[PublicKey; 2],
) -> Result<Applied, Rejection> {
    judge_keys(work, institution, keys)?;

    give_keys(work, at, institution, keys);
    Ok(Applied { kind: Kind::GovernanceKeysReplaced, subject: Subject::default(), total: Amounts::ZERO })
}

/// From now on these are the institution's governance keys, and no others.
fn give_keys(work: &mut Work, at: Timestamp, institution: InstitutionId, keys: &[PublicKey]) {
    let mut record = work.get::<Institution>(institution).cloned().unwrap_or_default();
    for old in record.keys.iter().filter(|old| !keys.contains(old)) {
        work.edit::<Key>(*old).expect("a key of an institution is bound").until = at;
    }
    for new in keys.iter().filter(|new| !record.keys.contains(new)) {
        work.put(*new, Key::governance(institution, at));
    }
    record.keys = keys.to_vec();
    work.put(institution, record);
}

impl Key {
    /// A governance key of an institution, from an instant on.
    pub fn governance(institution: InstitutionId, from: Timestamp) -> Self {
        let owner = Owner::Governance(institution);
        Self { owner, scopes: Scopes::of(&[]), cap: Cents::ZERO, from, until: Timestamp::LATEST }
    }
}
