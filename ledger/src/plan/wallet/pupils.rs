//! Pupils who move: one, or a whole year's promotion at once.

use super::{GRADES, about, batch};
use crate::classifiers::Year;
use crate::ids::{OrderId, PupilId};
use crate::money::Amounts;
use crate::operation::{MAX_BATCH, Party, PupilMove};
use crate::plan::{Actor, every, item, open_year, order, year_of};
use crate::receipt::{Kind, Subject};
use crate::record::{Booking, Entity, Pupil, School, Standing, Totals};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) fn move_one(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    year: Year,
    place: PupilMove,
    keep_lines: bool,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    judge(&work, year, &[place])?;
    let released = move_to(&mut work, at, year, &place, keep_lines)?;
    let subject = Subject { school: Some(place.school), ..about(Party::Pupil(year, place.pupil)) };
    Ok(work.done(Kind::PupilMoved, subject, released))
}

/// Moves pupils, all or none. With lines to drop, so many that one transaction stays small.
pub(super) fn move_all(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    year: Year,
    moves: &[PupilMove],
    keep_lines: bool,
) -> Result<Effect, Rejection> {
    actor.operator()?;
    batch(moves, |one| one.pupil)?;
    judge(&work, year, moves)?;
    let bookings = |one: &PupilMove| work.get::<Pupil>((year, one.pupil)).map_or(0, |pupil| ahead(pupil, at).count());
    if !keep_lines && moves.iter().map(bookings).sum::<usize>() > MAX_DROPPED {
        return Err(Rejection::TooManyBookings { most: item(MAX_DROPPED) });
    }

    let mut total = Amounts::ZERO;
    for one in moves {
        let released = move_to(&mut work, at, year, one, keep_lines)?;
        total = total.checked_add(&released).ok_or(Rejection::AmountTooLarge)?;
    }
    Ok(work.done(Kind::PupilsMoved, Subject { year: Some(year), ..Subject::default() }, total))
}

/// Most lines that one batch drops: each touches an order and a session of its own.
const MAX_DROPPED: usize = MAX_BATCH / 2;

fn judge(work: &Work, year: Year, moves: &[PupilMove]) -> Result<(), Rejection> {
    every(moves, |one| GRADES.has(one.grade), |item| Rejection::ItemUnsound { item })?;
    open_year(work, year)?;
    work.look_ahead(moves.iter().flat_map(|one| [Pupil::key((year, one.pupil)), School::key(one.school)]));
    every(moves, |one| work.has::<School>(one.school), |item| Rejection::SchoolUnknown { item })?;
    every(moves, |one| work.has::<Pupil>((year, one.pupil)), |item| Rejection::PupilUnknown { item })?;
    let pupil = |one: &PupilMove| work.get::<Pupil>((year, one.pupil)).expect("every pupil was found above");
    let school = |one: &PupilMove| work.get::<School>(one.school).expect("every school was found above");
    let open = |one: &PupilMove| pupil(one).standing != Standing::Closed && school(one).standing != Standing::Closed;
    every(moves, open, |item| Rejection::WalletClosed { item })?;
    let moved = |one: &PupilMove| (pupil(one).school, pupil(one).grade) != (one.school, one.grade);
    every(moves, moved, |_| Rejection::StandingUnchanged)
}

fn move_to(work: &mut Work, at: Timestamp, year: Year, to: &PupilMove, keep_lines: bool) -> Result<Amounts, Rejection> {
    let key = (year, to.pupil);
    let released = if keep_lines { Amounts::ZERO } else { release_ahead(work, at, key)? };
    let pupil = work.edit::<Pupil>(key).expect("the plan has looked the pupil up before");
    pupil.school = to.school;
    pupil.grade = to.grade;
    Ok(released)
}

/// Bookings whose orders have not begun.
fn ahead(pupil: &Pupil, at: Timestamp) -> impl Iterator<Item = &Booking> {
    pupil.bookings.iter().filter(move |booking| booking.start > at)
}

/// Releases the pupil from every order that has not begun. Returns what went back, by source.
pub(super) fn release_ahead(work: &mut Work, at: Timestamp, key: (Year, PupilId)) -> Result<Amounts, Rejection> {
    let pupil = work.get::<Pupil>(key).expect("the plan has looked the pupil up before");
    let ahead: Vec<OrderId> = ahead(pupil, at).map(|booking| booking.order).collect();
    let before = set_aside(work, key.0)?;
    for order in ahead {
        order::release_pupil(work, key.0, order, key.1)?;
    }
    let after = set_aside(work, key.0)?;
    Ok(Amounts { state: before.state.saturating_sub(after.state), school: before.school.saturating_sub(after.school) })
}

/// Money of a year that orders hold, by source.
fn set_aside(work: &Work, year: Year) -> Result<Amounts, Rejection> {
    let record = year_of(work, year)?;
    let sum = |totals: &Totals| totals.held.checked_add(totals.escrowed).ok_or(Rejection::AmountTooLarge);
    Ok(Amounts { state: sum(&record.state_money)?, school: sum(&record.school_money)? })
}
