//! A visit that a sample school pays with its own money: its pupils' money of the state is bound for visits ahead by then. The provider
//! is one whose people can sign in, so that the invoice for it can be followed to its end.

use std::collections::BTreeSet;

use anyhow::Context;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{OrderId, PupilId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, CatalogueOperation, Operation, OrderAction, SessionOffer};
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::random::new_id;

use super::life::{GROUP, Offered, Past, SCHOOL_MONEY, Stage};
use crate::demo::drive::Driver;
use crate::demo::setup::place;
use crate::demo::translate::Wish;
use crate::programme::{Programme, School};

/// Days of the visits ahead, each on another one: nobody is in two places.
const AHEAD: [i32; 4] = [4, 9, 16, 30];
/// How long before the doors open the visit begins, at midnight plus fifteen hours.
const AGO: Span = Span::days(3);
const HOUR: Span = Span(15 * 60 * 60 * 1000);
const LENGTH: Span = Span(90 * 60 * 1000);

/// Who is in no order yet.
pub(super) struct Spare<'a> {
    pub(super) school: &'a School,
    pub(super) pupils: Vec<(u8, PupilId)>,
}

/// The visit, of the first school of these that can; none where the files have too few pupils or services.
pub(super) async fn visit(
    driver: &mut Driver,
    programme: &Programme,
    (year, doors): (Year, Timestamp),
    (offered, used): (&[Offered<'_>], &BTreeSet<SessionId>),
    spare: &[Spare<'_>],
) -> anyhow::Result<Option<Past>> {
    for spare in spare {
        if let Some((group, ahead)) = chosen(driver, programme, (offered, used), spare) {
            return go(driver, programme, (year, doors), spare.school, (&group, &ahead)).await.map(Some);
        }
    }
    Ok(None)
}

/// Pupils of one grade, and visits ahead that cost them all that they have.
fn chosen<'a>(
    driver: &Driver,
    programme: &Programme,
    (offered, used): (&'a [Offered<'a>], &BTreeSet<SessionId>),
    spare: &Spare<'_>,
) -> Option<(Vec<PupilId>, Vec<&'a Offered<'a>>)> {
    let entity = driver.book.schools[&spare.school.school_code].entity;
    let host = programme.providers.first()?;
    let grade = spare.pupils.last()?.0;
    let of_grade = spare.pupils.iter().rev().filter(|(one, _)| *one == grade);
    let mut group: Vec<PupilId> = of_grade.take(GROUP).map(|(_, pupil)| *pupil).collect();
    group.sort_unstable();
    let may = |one: &&Offered<'_>| {
        let provider = &driver.book.providers[&one.service.provider_code];
        let fits = (one.service.grade_from..=one.service.grade_to).contains(&grade);
        fits && provider.entity != entity && !used.contains(&one.id)
    };
    let dearest = |day| {
        let of_day = offered.iter().filter(|one| one.day == day).filter(may);
        of_day.max_by_key(|one| (one.service.price_cents, one.service.service_code))
    };
    let ahead: Vec<&Offered<'_>> = AHEAD.into_iter().filter_map(dearest).collect();
    let spent: u32 = ahead.iter().map(|one| one.service.price_cents).sum();
    let suffices = u64::from(spent) * group.len() as u64 <= SCHOOL_MONEY.get();
    let is_other = driver.book.providers[&host.provider_code].entity != entity;
    (is_other && group.len() == GROUP && suffices && spent >= programme.parameters.amount_per_pupil_cents)
        .then_some((group, ahead))
}

/// Orders the visits ahead, then this one, and has all of them confirmed.
async fn go(
    driver: &mut Driver,
    programme: &Programme,
    (year, doors): (Year, Timestamp),
    school: &School,
    (group, ahead): (&[PupilId], &[&Offered<'_>]),
) -> anyhow::Result<Past> {
    let coordinator = driver.book.schools[&school.school_code].coordinator.clone();
    let order = |signer: &SecretKey, order, action| Wish {
        signer: signer.clone(),
        operation: Operation::Order { year, order, action },
    };
    let request = |session, price: u32| OrderAction::Request {
        session,
        pupils: group.to_vec(),
        price: Cents::new(price.into()),
        school_money: SCHOOL_MONEY,
    };
    let (mut asked, mut confirmed) = (Vec::new(), Vec::new());
    for one in ahead {
        let id = new_id(OrderId);
        asked.push(order(&coordinator, id, request(one.id, one.service.price_cents)));
        let staff = &driver.book.providers[&one.service.provider_code].staff;
        confirmed.push(order(staff, id, OrderAction::Confirm));
    }
    driver.all(asked, &|_| {}).await?;

    // A provider's first service is for every grade and the whole year.
    let host = programme.providers.first().context("a provider")?;
    let service = programme.services.iter().find(|service| service.provider_code == host.provider_code);
    let service = service.context("a provider without a service")?;
    let (session, id) = (new_id(SessionId), new_id(OrderId));
    let midnight = Timestamp(doors.0 - doors.0 % Span::days(1).0);
    let start = midnight.before(AGO).after(HOUR);
    let venue = service.venues.places().first().copied().context("a service without a venue")?;
    let offer = SessionOffer { start, end: start.after(LENGTH), place: place(venue), capacity: service.max_group };
    let open =
        CatalogueOperation::OpenSession { year, session, service: driver.book.services[&service.service_code], offer };
    let host = &driver.book.providers[&host.provider_code];
    let (provider, staff) = (host.id, host.staff.clone());
    driver.all(vec![Wish { signer: staff.clone(), operation: Operation::Catalogue(open) }], &|_| {}).await?;
    driver.all(vec![order(&coordinator, id, request(session, service.price_cents))], &|_| {}).await?;
    confirmed.push(order(&staff, id, OrderAction::Confirm));
    driver.all(confirmed, &|_| {}).await?;
    let school = driver.book.schools[&school.school_code].id;
    Ok(Past { order: id, provider, staff, coordinator, stage: Stage::Billed, buyer: Buyer::School(school) })
}
