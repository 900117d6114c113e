//! Wallets of schools, providers and pupils, and the keys bound to them.

mod keys;
mod pupils;

pub(super) use keys::key_end;

use std::collections::BTreeSet;

use super::{Actor, ascending, bounded, every, item, open_year, year_missing};
use crate::accounts::Account;
use crate::classifiers::{Grades, Year};
use crate::ids::{Nullifier, PupilId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::{MAX_BATCH, NewProvider, NewPupil, NewSchool, Party, PupilMove, WalletOperation};
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{Booking, Entity, Order, OrderState, Provider, Pupil, School, Standing, Token, YearRecord};
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
        WalletOperation::BindKeys { grants } => keys::bind(work, actor, grants),
        WalletOperation::RevokeKey { key } => keys::revoke(work, at, actor, *key),
        WalletOperation::MovePupil { year, pupil, school, grade, keep_lines } => {
            let place = PupilMove { pupil: *pupil, school: *school, grade: *grade };
            pupils::move_one(work, at, actor, *year, place, *keep_lines)
        }
        WalletOperation::Suspend { party } => {
            set_standing(work, actor, *party, Standing::Suspended, Kind::WalletSuspended)
        }
        WalletOperation::Reinstate { party } => {
            set_standing(work, actor, *party, Standing::Active, Kind::WalletReinstated)
        }
        WalletOperation::Close { party } => close(work, at, actor, *party),
        WalletOperation::RevokeAllKeys { party } => keys::revoke_all(work, at, actor, *party),
        WalletOperation::MovePupils { year, moves, keep_lines } => {
            pupils::move_all(work, at, actor, *year, moves, *keep_lines)
        }
    }
}

/// A list of one batch whose ids ascend.
fn batch<T, Id: Ord>(list: &[T], id: impl Fn(&T) -> Id) -> Result<(), Rejection> {
    bounded(list, MAX_BATCH)?;
    let ids: Vec<Id> = list.iter().map(id).collect();
    ascending(&ids)
}

/// What the public may know of a wallet: a pupil's is never named.
pub(super) fn about(party: Party) -> Subject {
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
    let keys =
        |new: &NewPupil| [Pupil::key((year, new.pupil)), Token::key((year, new.nullifier)), School::key(new.school)];
    work.look_ahead(pupils.iter().flat_map(keys));
    every(pupils, |new| work.has::<School>(new.school), |item| Rejection::SchoolUnknown { item })?;
    every(pupils, |new| !work.has::<Pupil>((year, new.pupil)), |item| Rejection::IdTaken { item })?;
    tokens_unused(&work, year, pupils)?;
    every(pupils, |new| !is_closed(&work, Party::School(new.school)), |item| Rejection::WalletClosed { item })?;

    work.put_all(pupils.iter().map(|new| (year, new.nullifier)), Token);
    for NewPupil { pupil, school, grade, .. } in pupils {
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

/// Every party is on the ledger. Where several are not, the rule that stands first among the rejections is named.
pub(super) fn parties_known(work: &Work, parties: impl Iterator<Item = Party>) -> Result<(), Rejection> {
    let unknown = (0..).zip(parties).filter_map(|(item, party)| match party {
        Party::Pupil(year, _) if !work.has::<YearRecord>(year) => Some((0, year_missing(work, year))),
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

pub(super) fn standing(work: &Work, party: Party) -> Option<Standing> {
    match party {
        Party::Pupil(year, pupil) => work.get::<Pupil>((year, pupil)).map(|pupil| pupil.standing),
        Party::School(school) => work.get::<School>(school).map(|school| school.standing),
        Party::Provider(provider) => work.get::<Provider>(provider).map(|provider| provider.standing),
    }
}

fn is_closed(work: &Work, party: Party) -> bool {
    standing(work, party) == Some(Standing::Closed)
}

pub(super) fn stand(work: &mut Work, party: Party, standing: Standing) {
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
    let released = pupils::release_ahead(work, at, key)?;
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
    matches!(state, Some(OrderState::Requested | OrderState::Confirmed | OrderState::Delivered | OrderState::Disputed))
}
