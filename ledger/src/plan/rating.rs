//! Ratings: what those who were there say of an order, once, and the sums for the service's page.

use super::{Actor, succession, year_of};
use crate::classifiers::{Facts, Scope, Score, Year};
use crate::ids::{OrderId, PupilId};
use crate::money::Amounts;
use crate::operation::Party;
use crate::receipt::{Kind, ReceiptLine, Subject};
use crate::record::{LineState, Order, OrderState, Rating, ServiceRating};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) fn plan(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    key: (Year, OrderId),
    (score, facts): (Score, Facts),
) -> Result<Effect, Rejection> {
    let party = actor.party(Scope::Propose)?;
    year_of(&work, key.0)?;
    let order = work.get::<Order>(key).ok_or(Rejection::OrderUnknown { item: 0 })?;
    let pupil = rater(&work, order, party, key.0)?;
    took_place(order.state)?;
    if pupil.is_some_and(|pupil| !was_there(order, pupil)) {
        return Err(Rejection::NotAttended);
    }
    let rating = (key.0, key.1, pupil);
    if work.has::<Rating>(rating) {
        return Err(Rejection::RatedBefore);
    }
    let service = order.service;
    let subject = Subject {
        year: Some(key.0),
        order: Some(key.1),
        order_state: Some(order.state),
        session: Some(order.session),
        service: Some(service),
        school: Some(order.school),
        provider: Some(order.provider),
        ..Subject::default()
    };

    work.put(rating, Rating { score, facts, at });
    let mut sums = work.get::<ServiceRating>(service).copied().unwrap_or_default();
    let kind = match pupil {
        Some(pupil) => {
            sums.pupils = sums.pupils.with(score, facts);
            work.note(ReceiptLine { pupil, moved: Amounts::ZERO });
            Kind::RatedByPupil
        }
        None => {
            sums.schools = sums.schools.with(score, facts);
            Kind::RatedBySchool
        }
    };
    work.put(service, sums);
    Ok(work.done(kind, subject, Amounts::ZERO))
}

/// Who rates: the school that ordered, or stands in its place, or a pupil of the order, then named.
fn rater(work: &Work, order: &Order, party: Party, year: Year) -> Result<Option<PupilId>, Rejection> {
    let ordered = |school| match order.orderer {
        Party::School(orderer) => succession::school_now(work, orderer) == school,
        Party::Pupil(..) | Party::Provider(_) => false,
    };
    match party {
        Party::Pupil(of, pupil) if of == year && order.lines.iter().any(|line| line.pupil == pupil) => Ok(Some(pupil)),
        Party::School(school) if ordered(school) => Ok(None),
        Party::Pupil(..) | Party::School(_) | Party::Provider(_) => Err(Rejection::NotYours),
    }
}

fn was_there(order: &Order, pupil: PupilId) -> bool {
    order.lines.iter().any(|line| line.pupil == pupil && line.state == LineState::Attended)
}

fn took_place(state: OrderState) -> Result<(), Rejection> {
    match state {
        OrderState::Attended | OrderState::AttendedAutomatically | OrderState::Settled => Ok(()),
        OrderState::Proposed
        | OrderState::Requested
        | OrderState::Confirmed
        | OrderState::Delivered
        | OrderState::Declined
        | OrderState::Lapsed
        | OrderState::CancelledFree
        | OrderState::CancelledLate
        | OrderState::CancelledByProvider
        | OrderState::Disputed
        | OrderState::Reversed
        | OrderState::CancelledForceMajeure => Err(Rejection::OrderStateWrong { state }),
    }
}
