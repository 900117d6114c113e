//! Money and places of an order's lines. A line takes the pupil's money first, then the school's; a release gives back
//! in reverse (DESIGN section 3).

use super::{Key, clear_deadline, end, order, order_mut, standing};
use crate::accounts::Account;
use crate::classifiers::{Grades, Year};
use crate::ids::{OrderId, PupilId, SchoolId, SessionId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::Party;
use crate::plan::{every, item, succession, year_of};
use crate::receipt::ReceiptLine;
use crate::record::{
    Booking, DueKind, Entity, Line, LineState, OrderState, Pupil, Service, Session, Standing, YearRecord, YearState,
};
use crate::rejection::Rejection;
use crate::state::Work;
use crate::time::Timestamp;

/// Looks for the pupils of some of an order's lines, all at one time.
pub(super) fn look_for_pupils(work: &Work, key: Key, wanted: impl Fn(LineState) -> bool) {
    let lines = order(work, key).lines.iter().filter(|line| wanted(line.state));
    work.look_ahead(lines.map(|line| Pupil::key((key.0, line.pupil))));
}

/// Where and for whom pupils are wanted.
pub(super) struct Place {
    pub(super) school: SchoolId,
    pub(super) grades: Grades,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

/// The year and each pupil of a list are on the ledger: the pupils' records. A list that is empty asks for nothing.
pub(super) fn pupils_known<'w>(work: &'w Work, year: Year, pupils: &[PupilId]) -> Result<Vec<&'w Pupil>, Rejection> {
    year_of(work, year)?;
    work.look_ahead(pupils.iter().map(|pupil| Pupil::key((year, *pupil))));
    let one = |(index, pupil): (usize, &PupilId)| {
        work.get::<Pupil>((year, *pupil)).ok_or_else(|| Rejection::PupilUnknown { item: item(index) })
    };
    pupils.iter().enumerate().map(one).collect()
}

/// The records of pupils that were looked up before.
pub(super) fn records<'w>(work: &'w Work, year: Year, pupils: &[PupilId]) -> Vec<&'w Pupil> {
    let known = |pupil: &PupilId| work.get::<Pupil>((year, *pupil)).expect("the plan has looked every pupil up before");
    pupils.iter().map(known).collect()
}

/// The wallets of the parties, then of pupils, may take part in something new.
pub(super) fn in_use(parties: &[Standing], pupils: &[&Pupil]) -> Result<(), Rejection> {
    if parties.contains(&Standing::Suspended) {
        return Err(Rejection::WalletSuspended { item: 0 });
    }
    every(pupils, |one| one.standing != Standing::Suspended, |item| Rejection::WalletSuspended { item })?;
    if parties.contains(&Standing::Closed) {
        return Err(Rejection::WalletClosed { item: 0 });
    }
    every(pupils, |one| one.standing != Standing::Closed, |item| Rejection::WalletClosed { item })
}

/// Pupils can take part there, rule by rule over the whole list.
pub(super) fn admit_pupils(work: &Work, pupils: &[&Pupil], place: &Place) -> Result<(), Rejection> {
    let school = succession::school_now(work, place.school);
    let enrolled = |pupil: &&Pupil| pupil.school == school || succession::school_now(work, pupil.school) == school;
    every(pupils, enrolled, |item| Rejection::NotEnrolled { item })?;
    every(pupils, |pupil| place.grades.has(pupil.grade), |item| Rejection::GradeNotOffered { item })?;
    let free = |pupil: &&Pupil| !is_elsewhere(pupil, None, place.start, place.end);
    every(pupils, free, |item| Rejection::PupilElsewhere { item })
}

/// Whether a pupil is booked at some instant of `start..end`, other than in the order `but`.
pub(super) fn is_elsewhere(pupil: &Pupil, but: Option<Key>, start: Timestamp, end: Timestamp) -> bool {
    let other = |booking: &&Booking| Some(booking.order) != but.map(|key| key.1);
    pupil.bookings.iter().filter(other).any(|booking| booking.start < end && start < booking.end)
}

/// Takes places in a session.
pub(super) fn take_places(work: &mut Work, session: (Year, SessionId), count: u16) -> Result<(), Rejection> {
    let session = work.edit::<Session>(session).ok_or(Rejection::SessionUnknown)?;
    let free = session.offer.capacity.saturating_sub(session.booked);
    if count > free {
        return Err(Rejection::SessionFull { free });
    }
    session.booked += count;
    Ok(())
}

/// Gives places of the order's session back.
pub(super) fn give_places(work: &mut Work, key: Key, count: u16) {
    let session = order(work, key).session;
    let session = work.edit::<Session>((key.0, session)).expect("an order's session is never taken away");
    session.booked = session.booked.checked_sub(count).expect("an order gives back only places that it took");
}

/// Adds lines for pupils and books them; the money follows by [`charge`]. Returns the new lines' indices.
pub(super) fn add_lines(work: &mut Work, key: Key, pupils: &[PupilId]) -> Vec<u16> {
    let order = order_mut(work, key);
    let first = order.lines.len();
    order.lines.extend(pupils.iter().map(|pupil| Line::new(*pupil, LineState::Booked)));
    let indices = (first..order.lines.len()).map(index).collect();
    for pupil in pupils {
        book(work, key, *pupil);
    }
    indices
}

fn index(line: usize) -> u16 {
    u16::try_from(line).expect("an order has at most a few hundred lines")
}

impl Line {
    /// A line without money.
    pub(super) fn new(pupil: PupilId, state: LineState) -> Self {
        Self { pupil, state, held: Amounts::ZERO, escrow: Amounts::ZERO, due: Amounts::ZERO }
    }
}

pub(super) fn book(work: &mut Work, key: Key, pupil: PupilId) {
    let order = order(work, key);
    let booking = Booking { order: key.1, start: order.start, end: order.end };
    let pupil = work.edit::<Pupil>((key.0, pupil)).expect("the plan has looked the pupil up before");
    // Few pupils are booked often; room for more would be most of a wallet's memory.
    pupil.bookings.reserve_exact(1);
    pupil.bookings.push(booking);
}

pub(super) fn unbook(work: &mut Work, key: Key, pupil: PupilId) {
    let pupil = work.edit::<Pupil>((key.0, pupil)).expect("an order's pupils are never taken away");
    pupil.bookings.retain(|booking| booking.order != key.1);
}

/// Charges `amounts` to lines: pupil's money first, then the school's up to what the order allows in all.
///
/// # Errors
/// [`Rejection::SchoolMoneyExceeded`], then [`Rejection::FundsMissing`].
pub(super) fn charge(
    work: &mut Work,
    key: Key,
    lines: &[(u16, Cents)],
    account: fn(OrderId, u16) -> Account,
) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    let mut school_left = school_money_left(work, key);
    let mut beyond = Cents::ZERO;
    let mut parts = Vec::with_capacity(lines.len());
    for (line, amount) in lines {
        let pupil = order(work, key).lines[usize::from(*line)].pupil;
        let balance = work.get::<Pupil>((key.0, pupil)).map_or(Cents::ZERO, |pupil| pupil.balance);
        let state = balance.min(*amount);
        let school = amount.saturating_sub(state);
        beyond = beyond.checked_add(school.saturating_sub(school_left)).ok_or(Rejection::AmountTooLarge)?;
        school_left = school_left.saturating_sub(school);
        parts.push((*line, pupil, Amounts { state, school }));
    }
    if !beyond.is_zero() {
        return Err(Rejection::SchoolMoneyExceeded { missing: beyond });
    }
    let school = succession::school_now(work, order(work, key).school);
    for (line, pupil, part) in parts {
        let to = account(key.1, line);
        work.transfer(key.0, Source::State, Account::Pupil(pupil), to, part.state)?;
        work.transfer(key.0, Source::School, Account::School(school), to, part.school)?;
        total = total.checked_add(&part).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: part });
    }
    Ok(total)
}

/// What the order may still take of the school's money. A pupil who orders alone has none.
fn school_money_left(work: &Work, key: Key) -> Cents {
    let order = order(work, key);
    match order.orderer {
        Party::Pupil(..) | Party::Provider(_) => return Cents::ZERO,
        Party::School(_) => {}
    }
    let used = order.lines.iter().flat_map(|line| [line.held.school, line.escrow.school, line.due.school]);
    used.fold(order.school_money, Cents::saturating_sub)
}

/// Moves every held line into escrow.
pub(super) fn hold_to_escrow(work: &mut Work, key: Key) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    for line in 0..index(order(work, key).lines.len()) {
        let Line { held, pupil, .. } = order(work, key).lines[usize::from(line)].clone();
        if held.is_zero() {
            continue;
        }
        for source in Source::ALL {
            work.transfer(key.0, source, Account::Hold(key.1, line), Account::Escrow(key.1, line), held.of(source))?;
        }
        total = total.checked_add(&held).ok_or(Rejection::AmountTooLarge)?;
        work.note(ReceiptLine { pupil, moved: held });
    }
    Ok(total)
}

/// Gives everything that a line holds back to where it came from, the school's part first.
pub(super) fn give_back(work: &mut Work, key: Key, line: u16) -> Result<Amounts, Rejection> {
    let Line { held, escrow, pupil, .. } = order(work, key).lines[usize::from(line)].clone();
    for (account, money) in [(Account::Hold(key.1, line), held), (Account::Escrow(key.1, line), escrow)] {
        for source in [Source::School, Source::State].into_iter().filter(|source| !money.of(*source).is_zero()) {
            let home = home(work, key, pupil, source);
            work.transfer(key.0, source, account, home, money.of(source))?;
        }
    }
    held.checked_add(&escrow).ok_or(Rejection::AmountTooLarge)
}

/// Where money of a source goes back to: its owner, or out of the programme when the year or the wallet has ended.
pub(in crate::plan) fn home(work: &Work, key: Key, pupil: PupilId, source: Source) -> Account {
    let ended = work.get::<YearRecord>(key.0).is_none_or(|year| year.state == YearState::Ended);
    let closed = || work.get::<Pupil>((key.0, pupil)).is_none_or(|pupil| pupil.standing == Standing::Closed);
    match source {
        Source::State if ended || closed() => Account::Returned,
        Source::School if ended => Account::Returned,
        Source::State => Account::Pupil(pupil),
        Source::School => Account::School(succession::school_now(work, order(work, key).school)),
    }
}

/// Earns `amount` of a line's escrow for the provider, the state's part first.
pub(super) fn capture(work: &mut Work, key: Key, line: u16, amount: Cents) -> Result<Amounts, Rejection> {
    let escrow = order(work, key).lines[usize::from(line)].escrow;
    let provider = order(work, key).provider;
    let state = escrow.state.min(amount);
    let part = Amounts { state, school: amount.saturating_sub(state) };
    for source in Source::ALL {
        let to = Account::Provider(provider);
        work.transfer(key.0, source, Account::Escrow(key.1, line), to, part.of(source))?;
    }
    let due = &mut order_mut(work, key).lines[usize::from(line)].due;
    *due = due.checked_add(&part).ok_or(Rejection::AmountTooLarge)?;
    Ok(part)
}

/// Drops a line: `charge` of it is earned, the rest goes back. Returns what was earned or given back, in that order.
pub(super) fn drop_line(work: &mut Work, key: Key, line: u16, charge: Cents) -> Result<(Amounts, Amounts), Rejection> {
    let pupil = order(work, key).lines[usize::from(line)].pupil;
    let was = order(work, key).lines[usize::from(line)].state;
    let earned = capture(work, key, line, charge)?;
    let back = give_back(work, key, line)?;
    order_mut(work, key).lines[usize::from(line)].state = LineState::Dropped;
    if was != LineState::Proposed {
        unbook(work, key, pupil);
        give_places(work, key, 1);
    }
    let moved = if charge.is_zero() { back } else { earned };
    work.note(ReceiptLine { pupil, moved });
    Ok((earned, back))
}

/// Drops every standing line. Returns what was earned when a charge was due, else what went back.
pub(super) fn release_all(work: &mut Work, key: Key, charge: Cents) -> Result<Amounts, Rejection> {
    let mut total = Amounts::ZERO;
    look_for_pupils(work, key, |state| state != LineState::Dropped);
    for line in 0..index(order(work, key).lines.len()) {
        if order(work, key).lines[usize::from(line)].state == LineState::Dropped {
            continue;
        }
        let (earned, back) = drop_line(work, key, line, charge)?;
        let part = if charge.is_zero() { back } else { earned };
        total = total.checked_add(&part).ok_or(Rejection::AmountTooLarge)?;
    }
    Ok(total)
}

/// Releases one pupil from an order that has not begun, without charge: the pupil moves or leaves. An order that no
/// pupil is left in is cancelled.
pub(in crate::plan) fn release_pupil(
    work: &mut Work,
    year: Year,
    id: OrderId,
    pupil: PupilId,
) -> Result<(), Rejection> {
    let key = (year, id);
    let lines = &order(work, key).lines;
    let Some(line) = lines.iter().position(|line| line.pupil == pupil && line.state == LineState::Booked) else {
        return Ok(());
    };
    drop_line(work, key, index(line), Cents::ZERO)?;
    if standing(order(work, key)) == 0 {
        if order(work, key).state == OrderState::Requested {
            clear_deadline(work, key, DueKind::Lapse);
        }
        end(work, key, OrderState::CancelledFree);
    }
    Ok(())
}

/// Gives a pupil's line back and puts another pupil into it, at the same price.
pub(super) fn swap_line(work: &mut Work, key: Key, line: u16, pupil: PupilId) -> Result<(), Rejection> {
    let old = order(work, key).lines[usize::from(line)].pupil;
    give_back(work, key, line)?;
    unbook(work, key, old);
    order_mut(work, key).lines[usize::from(line)].pupil = pupil;
    book(work, key, pupil);
    Ok(())
}

/// Where the order's pupils must be able to be.
pub(super) fn place_of(work: &Work, key: Key) -> Place {
    let order = order(work, key);
    let service = work.get::<Service>(order.service).expect("an order's service is never taken away");
    Place { school: order.school, grades: service.terms.grades, start: order.start, end: order.end }
}

/// Gives known pupils lines and places at the order's price, which is then to be charged.
pub(super) fn join(work: &mut Work, key: Key, add: &[PupilId]) -> Result<Vec<(u16, Cents)>, Rejection> {
    admit_pupils(work, &records(work, key.0, add), &place_of(work, key))?;
    let count = u16::try_from(add.len()).map_err(|_| Rejection::AmountTooLarge)?;
    let session = order(work, key).session;
    take_places(work, (key.0, session), count)?;
    let price = order(work, key).price;
    Ok(add_lines(work, key, add).into_iter().map(|line| (line, price)).collect())
}
