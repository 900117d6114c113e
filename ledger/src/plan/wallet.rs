//! Wallets of schools, providers and pupils, and the keys bound to them.

use std::collections::BTreeSet;

use super::governance::is_taken;
use super::{Actor, ascending, bounded, every, item, open_year, order};
use crate::accounts::Account;
use crate::classifiers::{Grades, Scope, Year};
use crate::crypto::PublicKey;
use crate::ids::{Nullifier, OrderId, PupilId, SchoolId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::{KeyGrant, MAX_BATCH, NewProvider, NewPupil, NewSchool, Owner, Party, WalletOperation};
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{Booking, Key, Order, OrderState, Provider, Pupil, School, Standing, Token, Totals, YearRecord};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

/// The grades of general education.
const GRADES: Grades = Grades { from: 1, until: 12 };

pub(super) fn plan(work: Work, at: Timestamp, actor: &Actor, operation: &WalletOperation) -> Result<Effect, Rejection> {
    match operation {
        WalletOperation::OpenSchools { schools } => open_schools(work, actor, schools),
        WalletOperation::OpenProviders { providers } => open_providers(work, actor, providers),
        WalletOperation::OpenPupils { year, pupils } => open_pupils(work, at, actor, *year, pupils),
        WalletOperation::BindKeys { grants } => bind_keys(work, actor, grants),
        WalletOperation::RevokeKey { key } => revoke_key(work, at, actor, *key),
        WalletOperation::MovePupil { year, pupil, school, grade, keep_lines } => {
            let place = Enrolment { school: *school, grade: *grade, keep_lines: *keep_lines };
            move_pupil(work, at, actor, (*year, *pupil), &place)
        }
        WalletOperation::Suspend { party } => {
            set_standing(work, actor, *party, Standing::Suspended, Kind::WalletSuspended)
        }
        WalletOperation::Reinstate { party } => {
            set_standing(work, actor, *party, Standing::Active, Kind::WalletReinstated)
        }
        WalletOperation::Close { party } => close(work, at, actor, *party),
    }
}

/// A list of one batch whose ids ascend.
fn batch<T, Id: Ord>(list: &[T], id: impl Fn(&T) -> Id) -> Result<(), Rejection> {
    bounded(list, MAX_BATCH)?;
    let ids: Vec<Id> = list.iter().map(id).collect();
    ascending(&ids)
}

/// What the public may know of a wallet: a pupil's is never named.
fn about(party: Party) -> Subject {
    match party {
        Party::Pupil(year, _) => Subject { year: Some(year), ..Subject::default() },
        Party::School(school) => Subject { school: Some(school), ..Subject::default() },
        Party::Provider(provider) => Subject { provider: Some(provider), ..Subject::default() },
    }
}

fn open_schools(mut work: Work, actor: &Actor, schools: &[NewSchool]) -> Result<Effect, Rejection> {
    actor.operator()?;
    batch(schools, |new| new.school)?;
    every(schools, |new| new.place.is_sound(), |item| Rejection::ItemUnsound { item })?;
    every(schools, |new| !work.has::<School>(new.school), |item| Rejection::IdTaken { item })?;

    for NewSchool { school, entity, place } in schools {
        work.put(*school, School { entity: *entity, place: *place, standing: Standing::Active });
    }
    Ok(work.done(Kind::SchoolsOpened, Subject::default(), Amounts::ZERO))
}

fn open_providers(mut work: Work, actor: &Actor, providers: &[NewProvider]) -> Result<Effect, Rejection> {
    actor.operator()?;
    batch(providers, |new| new.provider)?;
    every(providers, |new| !work.has::<Provider>(new.provider), |item| Rejection::IdTaken { item })?;

    for NewProvider { provider, entity } in providers {
        work.put(*provider, Provider { entity: *entity, standing: Standing::Active });
    }
    Ok(work.done(Kind::ProvidersOpened, Subject::default(), Amounts::ZERO))
}

fn open_pupils(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    year: Year,
    pupils: &[NewPupil],
) -> Result<Effect, Rejection> {
    actor.operator()?;
    batch(pupils, |new| new.pupil)?;
    every(pupils, |new| GRADES.has(new.grade), |item| Rejection::ItemUnsound { item })?;
    open_year(&work, year)?;
    every(pupils, |new| work.has::<School>(new.school), |item| Rejection::SchoolUnknown { item })?;
    every(pupils, |new| !work.has::<Pupil>((year, new.pupil)), |item| Rejection::IdTaken { item })?;
    tokens_unused(&work, year, pupils)?;
    every(pupils, |new| !is_closed(&work, Party::School(new.school)), |item| Rejection::WalletClosed { item })?;

    for NewPupil { pupil, nullifier, school, grade } in pupils {
        let wallet = Pupil {
            pupil: *pupil,
            school: *school,
            grade: *grade,
            standing: Standing::Active,
            opened: at,
            allocated: false,
            balance: Cents::ZERO,
            bookings: Vec::new(),
        };
        work.put((year, *pupil), wallet);
        work.put((year, *nullifier), Token);
    }
    let subject = Subject { year: Some(year), ..Subject::default() };
    Ok(work.done(Kind::PupilsOpened, subject, Amounts::ZERO))
}

/// No token was used before, on the ledger or earlier in the batch.
fn tokens_unused(work: &Work, year: Year, pupils: &[NewPupil]) -> Result<(), Rejection> {
    let mut seen = BTreeSet::<Nullifier>::new();
    for (index, new) in pupils.iter().enumerate() {
        if work.has::<Token>((year, new.nullifier)) || !seen.insert(new.nullifier) {
            return Err(Rejection::NullifierUsed { item: item(index) });
        }
    }
    Ok(())
}

fn bind_keys(mut work: Work, actor: &Actor, grants: &[KeyGrant]) -> Result<Effect, Rejection> {
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
            let enrolled = work.get::<Pupil>((year, pupil)).map(|pupil| pupil.school);
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

/// Every party is on the ledger. Where several are not, the rule that stands first among the rejections is named.
fn parties_known(work: &Work, parties: impl Iterator<Item = Party>) -> Result<(), Rejection> {
    let unknown = (0..).zip(parties).filter_map(|(item, party)| match party {
        Party::Pupil(year, _) if !work.has::<YearRecord>(year) => Some((0, Rejection::YearUnknown)),
        Party::School(school) if !work.has::<School>(school) => Some((1, Rejection::SchoolUnknown { item })),
        Party::Provider(provider) if !work.has::<Provider>(provider) => Some((2, Rejection::ProviderUnknown)),
        Party::Pupil(year, pupil) if !work.has::<Pupil>((year, pupil)) => Some((3, Rejection::PupilUnknown { item })),
        Party::Pupil(..) | Party::School(_) | Party::Provider(_) => None,
    });
    match unknown.min_by_key(|(rank, _)| *rank) {
        None => Ok(()),
        Some((_, rejection)) => Err(rejection),
    }
}

fn revoke_key(mut work: Work, at: Timestamp, actor: &Actor, id: PublicKey) -> Result<Effect, Rejection> {
    let revoker = revoker(actor)?;
    let Key { owner, until, .. } = *work.get::<Key>(id).ok_or(Rejection::TargetKeyUnknown)?;
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

/// Where a pupil goes.
struct Enrolment {
    school: SchoolId,
    grade: u8,
    keep_lines: bool,
}

fn move_pupil(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: (Year, PupilId),
    place: &Enrolment,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    if !GRADES.has(place.grade) {
        return Err(Rejection::ItemUnsound { item: 0 });
    }
    open_year(&work, key.0)?;
    let school = work.get::<School>(place.school).ok_or(Rejection::SchoolUnknown { item: 0 })?;
    let pupil = work.get::<Pupil>(key).ok_or(Rejection::PupilUnknown { item: 0 })?;
    if pupil.standing == Standing::Closed || school.standing == Standing::Closed {
        return Err(Rejection::WalletClosed { item: 0 });
    }
    if (pupil.school, pupil.grade) == (place.school, place.grade) {
        return Err(Rejection::StandingUnchanged);
    }

    let released = if place.keep_lines { Amounts::ZERO } else { release_ahead(&mut work, at, key)? };
    let pupil = work.edit::<Pupil>(key).expect("the pupil was found above");
    pupil.school = place.school;
    pupil.grade = place.grade;
    let subject = Subject { school: Some(place.school), ..about(Party::Pupil(key.0, key.1)) };
    Ok(work.done(Kind::PupilMoved, subject, released))
}

/// Releases the pupil from every order that has not begun. Returns what went back, by source.
fn release_ahead(work: &mut Work, at: Timestamp, key: (Year, PupilId)) -> Result<Amounts, Rejection> {
    let bookings = &work.get::<Pupil>(key).expect("the plan has looked the pupil up before").bookings;
    let ahead = bookings.iter().filter(|booking| booking.start > at);
    let ahead: Vec<OrderId> = ahead.map(|booking| booking.order).collect();
    let before = set_aside(work, key.0)?;
    for order in ahead {
        order::release_pupil(work, key.0, order, key.1)?;
    }
    let after = set_aside(work, key.0)?;
    Ok(Amounts { state: before.state.saturating_sub(after.state), school: before.school.saturating_sub(after.school) })
}

/// Money of a year that orders hold, by source.
fn set_aside(work: &Work, year: Year) -> Result<Amounts, Rejection> {
    let record = work.get::<YearRecord>(year).ok_or(Rejection::YearUnknown)?;
    let sum = |totals: &Totals| totals.held.checked_add(totals.escrowed).ok_or(Rejection::AmountTooLarge);
    Ok(Amounts { state: sum(&record.state_money)?, school: sum(&record.school_money)? })
}

fn standing(work: &Work, party: Party) -> Option<Standing> {
    match party {
        Party::Pupil(year, pupil) => work.get::<Pupil>((year, pupil)).map(|pupil| pupil.standing),
        Party::School(school) => work.get::<School>(school).map(|school| school.standing),
        Party::Provider(provider) => work.get::<Provider>(provider).map(|provider| provider.standing),
    }
}

fn is_closed(work: &Work, party: Party) -> bool {
    standing(work, party) == Some(Standing::Closed)
}

fn stand(work: &mut Work, party: Party, standing: Standing) {
    let found = "the plan has looked the wallet up before";
    match party {
        Party::Pupil(year, pupil) => work.edit::<Pupil>((year, pupil)).expect(found).standing = standing,
        Party::School(school) => work.edit::<School>(school).expect(found).standing = standing,
        Party::Provider(provider) => work.edit::<Provider>(provider).expect(found).standing = standing,
    }
}

fn set_standing(
    mut work: Work,
    actor: &Actor,
    party: Party,
    wanted: Standing,
    kind: Kind,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    parties_known(&work, std::iter::once(party))?;
    if is_closed(&work, party) {
        return Err(Rejection::WalletClosed { item: 0 });
    }
    if standing(&work, party) == Some(wanted) {
        return Err(Rejection::StandingUnchanged);
    }

    stand(&mut work, party, wanted);
    Ok(work.done(kind, about(party), Amounts::ZERO))
}

/// Closes a wallet. What a school or provider has agreed to goes on to its end, and its money with it.
fn close(mut work: Work, at: Timestamp, actor: &Actor, party: Party) -> Result<Effect, Rejection> {
    actor.operator()?;
    parties_known(&work, std::iter::once(party))?;
    if is_closed(&work, party) {
        return Err(Rejection::WalletClosed { item: 0 });
    }
    let moved = match party {
        Party::Pupil(year, pupil) => close_pupil(&mut work, at, (year, pupil))?,
        Party::School(_) | Party::Provider(_) => {
            stand(&mut work, party, Standing::Closed);
            Amounts::ZERO
        }
    };
    Ok(work.done(Kind::WalletClosed, about(party), moved))
}

/// Closes a pupil's wallet: what is booked ahead is released, and all its money returns.
fn close_pupil(work: &mut Work, at: Timestamp, key: (Year, PupilId)) -> Result<Amounts, Rejection> {
    let bookings = &work.get::<Pupil>(key).expect("the plan has looked the wallet up before").bookings;
    if bookings.iter().any(|booking| booking.start <= at && is_unfinished(work, key.0, booking)) {
        return Err(Rejection::WalletInUse);
    }

    // Closed first, so that what its orders release returns too.
    stand(work, Party::Pupil(key.0, key.1), Standing::Closed);
    let released = release_ahead(work, at, key)?;
    let balance = work.get::<Pupil>(key).expect("it was closed above").balance;
    let left = Amounts { state: balance, school: Cents::ZERO };
    work.transfer(key.0, Source::State, Account::Pupil(key.1), Account::Returned, balance)?;
    if !left.is_zero() {
        work.note(ReceiptLine { pupil: key.1, moved: left });
    }
    released.checked_add(&left).ok_or(Rejection::AmountTooLarge)
}

/// Whether the order of a booking has begun and its money is still set aside.
fn is_unfinished(work: &Work, year: Year, booking: &Booking) -> bool {
    let state = work.get::<Order>((year, booking.order)).map(|order| order.state);
    matches!(state, Some(OrderState::Requested | OrderState::Confirmed | OrderState::Delivered))
}
