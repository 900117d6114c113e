//! Succession: a school or provider in the place of another one. Nothing is moved order by order: whoever asks for the
//! party of an order, session, service or pupil is told who stands in its place by now.
//!
//! A party that is succeeded is closed for good, and only an active one succeeds, so the way to the last one has an end.

use super::governance::Applied;
use super::wallet::{about, parties_known, stand, standing};
use super::{ascending, year_of};
use crate::accounts::Account;
use crate::classifiers::Year;
use crate::ids::{EntityId, ProviderId, SchoolId};
use crate::money::{Amounts, Cents, Source};
use crate::operation::Party;
use crate::receipt::Kind;
use crate::record::{Exceptions, Order, Provider, School, SchoolPurse, Standing, Succession, YearRecord, YearState};
use crate::rejection::Rejection;
use crate::state::Work;

/// Most years whose money passes at once.
const MOST_YEARS: usize = Exceptions::MOST;

/// The school that stands in a school's place by now, mostly itself.
pub(super) fn school_now(work: &Work, school: SchoolId) -> SchoolId {
    match party_now(work, Party::School(school)) {
        Party::School(now) => now,
        Party::Provider(_) | Party::Pupil(..) => unreachable!("a school's successor is a school"),
    }
}

/// The provider that stands in a provider's place by now, mostly itself.
pub(super) fn provider_now(work: &Work, provider: ProviderId) -> ProviderId {
    match party_now(work, Party::Provider(provider)) {
        Party::Provider(now) => now,
        Party::School(_) | Party::Pupil(..) => unreachable!("a provider's successor is a provider"),
    }
}

fn party_now(work: &Work, party: Party) -> Party {
    Succession::last(party, |party| work.get::<Succession>(party).map(|one| one.to))
}

/// The parties of an order as they stand by now.
pub(super) struct Sides {
    pub(super) school: SchoolId,
    pub(super) provider: ProviderId,
    /// Whether a succession has brought both sides into one hand.
    pub(super) one_hand: bool,
}

pub(super) fn sides(work: &Work, order: &Order) -> Sides {
    let (school, provider) = (school_now(work, order.school), provider_now(work, order.provider));
    let changed = (school, provider) != (order.school, order.provider);
    let one_hand = changed && school_entity(work, school) == provider_entity(work, provider);
    Sides { school, provider, one_hand }
}

fn school_entity(work: &Work, school: SchoolId) -> Option<EntityId> {
    work.get::<School>(school).map(|school| school.entity)
}

fn provider_entity(work: &Work, provider: ProviderId) -> Option<EntityId> {
    work.get::<Provider>(provider).map(|provider| provider.entity)
}

/// Whether the succession can be.
pub(super) fn judge(work: &Work, from: Party, to: Party, years: &[Year]) -> Result<(), Rejection> {
    let sound = match (from, to) {
        (Party::School(one), Party::School(other)) => one != other,
        (Party::Provider(one), Party::Provider(other)) => one != other && years.is_empty(),
        (Party::Pupil(..) | Party::School(_) | Party::Provider(_), _) => false,
    };
    if years.len() > MOST_YEARS {
        return Err(Rejection::ListTooLong { most: super::item(MOST_YEARS) });
    }
    ascending(years)?;
    if !sound {
        return Err(Rejection::MeasureUnsound);
    }
    for year in years {
        year_of(work, *year)?;
    }
    parties_known(work, [from, to].into_iter())?;
    match standing(work, to) {
        Some(Standing::Active) => {}
        Some(Standing::Suspended) => return Err(Rejection::WalletSuspended { item: 1 }),
        Some(Standing::Closed) | None => return Err(Rejection::WalletClosed { item: 1 }),
    }
    if work.has::<Succession>(from) { Err(Rejection::StandingUnchanged) } else { Ok(()) }
}

/// Puts one party in the place of the other, and gives it a school's money of the named years.
pub(super) fn apply(work: &mut Work, from: Party, to: Party, years: &[Year]) -> Result<Applied, Rejection> {
    judge(work, from, to, years)?;
    let mut total = Amounts::ZERO;
    for year in years {
        let moved = pass_money(work, *year, from, to)?;
        total.school = total.school.checked_add(moved).ok_or(Rejection::AmountTooLarge)?;
    }
    stand(work, from, Standing::Closed);
    work.put(from, Succession { to });
    Ok(Applied { kind: Kind::PartySucceeded, subject: about(from), total })
}

/// A school's free money of a year passes to its successor; that of an ended year returns.
fn pass_money(work: &mut Work, year: Year, from: Party, to: Party) -> Result<Cents, Rejection> {
    let (Party::School(from), Party::School(to)) = (from, to) else { return Ok(Cents::ZERO) };
    let balance = work.get::<SchoolPurse>((year, from)).map_or(Cents::ZERO, |purse| purse.balance);
    let ended = work.get::<YearRecord>(year).is_none_or(|year| year.state == YearState::Ended);
    let to = if ended { Account::Returned } else { Account::School(to) };
    work.transfer(year, Source::School, Account::School(from), to, balance)?;
    Ok(balance)
}
