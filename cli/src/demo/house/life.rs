//! A little life before the doors open: sessions of the weeks around, orders in several states.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, OrderId, ProviderId, PupilId, ServiceId, SessionId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, FundsOperation, Operation, OrderAction, SessionOffer, SettlementOperation,
};
use keis_ledger::time::{Span, Timestamp};
use keis_registry::Registry;
use keis_wallet::random::new_id;

use super::own::{self, Spare};
use super::wallets;
use crate::demo::drive::{Driver, timestamp};
use crate::demo::setup::{by_operator, place};
use crate::demo::translate::Wish;
use crate::programme::{Programme, Service};

/// Days from the opening of the doors on which every service has a session.
const DAYS: [i32; 5] = [-3, 4, 9, 16, 30];
/// Sessions begin at nine, UTC.
const HOUR: u64 = 9 * 60 * 60 * 1000;
/// How long before the doors open the sessions are offered; shorter than a request waits for its answer.
const LEAD: Span = Span::days(7);
/// Money of its own that a sample school has.
pub(super) const SCHOOL_MONEY: Cents = Cents::new(50_000);
/// Pupils of a sample order.
pub(super) const GROUP: usize = 8;

/// How far a sample order has come when the doors open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// A teacher proposed it.
    Proposed,
    /// It waits for the provider.
    Requested,
    /// The session is ahead.
    Confirmed,
    /// The session is over, the provider has to report.
    Over,
    /// Reported; the school has to confirm attendance.
    Delivered,
    /// In a statement that waits for the provider.
    Billed,
}

/// Day of the session and how far the order has come, for each sample school.
const STAGES: [(i32, Stage); 7] = [
    (-3, Stage::Billed),
    (-3, Stage::Delivered),
    (-3, Stage::Over),
    (4, Stage::Confirmed),
    (9, Stage::Requested),
    (16, Stage::Proposed),
    (16, Stage::Requested),
];

/// An order whose session is over when the doors open.
pub(super) struct Past {
    pub(super) order: OrderId,
    pub(super) provider: ProviderId,
    pub(super) staff: SecretKey,
    pub(super) coordinator: SecretKey,
    pub(super) stage: Stage,
    /// To whom it is billed, once it is.
    pub(super) buyer: Buyer,
}

/// A session on offer.
pub(super) struct Offered<'a> {
    pub(super) id: SessionId,
    pub(super) service: &'a Service,
    pub(super) day: i32,
}

/// Lives until `doors`, when the portal is shown to people.
pub(super) async fn live(
    driver: &mut Driver,
    registry: &Registry,
    programme: &Programme,
    year: Year,
    doors: Timestamp,
) -> anyhow::Result<()> {
    driver.step(doors.before(LEAD)).await?;
    let offered = sessions(driver, programme, year, doors).await?;
    let mut wishes = Vec::new();
    for school in programme.schools.iter().take(2) {
        let school = driver.book.schools[&school.school_code].id;
        let money = FundsOperation::RecordSchoolMoney { year, school, amount: SCHOOL_MONEY };
        wishes.push(by_operator(driver, Operation::Funds(money)));
    }
    driver.all(wishes, &|_| {}).await?;
    let (mut past, used, spare) = orders(driver, registry, programme, year, &offered).await?;
    past.extend(own::visit(driver, programme, (year, doors), (&offered, &used), &spare).await?);
    driver.step(doors).await?;
    aftermath(driver, year, &past).await
}

/// What follows on a session: report, attendance, statement, as far as the order has come.
async fn aftermath(driver: &mut Driver, year: Year, past: &[Past]) -> anyhow::Result<()> {
    let reported = past.iter().filter(|past| past.stage != Stage::Over);
    let report = |past: &Past| Wish {
        signer: past.staff.clone(),
        operation: Operation::Order {
            year,
            order: past.order,
            action: OrderAction::ReportDelivery { absent: vec![0] },
        },
    };
    driver.all(reported.map(report).collect(), &|_| {}).await?;
    let billed = || past.iter().filter(|past| past.stage == Stage::Billed);
    let attended = |past: &Past| {
        let action = OrderAction::ConfirmAttendance { absent: vec![0], added: Vec::new() };
        Wish { signer: past.coordinator.clone(), operation: Operation::Order { year, order: past.order, action } }
    };
    driver.all(billed().map(attended).collect(), &|_| {}).await?;
    let mut by_sides: BTreeMap<(ProviderId, Buyer), Vec<OrderId>> = BTreeMap::new();
    for past in billed() {
        by_sides.entry((past.provider, past.buyer)).or_default().push(past.order);
    }
    let mut statements = Vec::new();
    for ((provider, buyer), mut orders) in by_sides {
        orders.sort_unstable();
        let statement = new_id(StatementId);
        let issue = SettlementOperation::Issue { year, statement, provider, buyer, orders };
        statements.push(by_operator(driver, Operation::Settlement(issue)));
    }
    driver.all(statements, &|_| {}).await?;
    Ok(())
}

/// Every service that is valid then offers a session on each of the days.
async fn sessions<'a>(
    driver: &mut Driver,
    programme: &'a Programme,
    year: Year,
    doors: Timestamp,
) -> anyhow::Result<Vec<Offered<'a>>> {
    let midnight = Timestamp(doors.0 - doors.0 % Span::days(1).0);
    let (mut offered, mut wishes) = (Vec::new(), Vec::new());
    for (index, service) in programme.services.iter().enumerate() {
        let valid_from = timestamp(programme.parameters.instant(service.valid_from, 0, 0).seconds());
        let valid_until = timestamp(programme.parameters.instant(service.valid_until, 0, 0).seconds());
        let venue = service.venues.places().first().copied().context("a service without a venue")?;
        for day in DAYS {
            // Sessions of one day begin at different hours, so that a class can see two things.
            let hour = HOUR + (index as u64 % 5) * 60 * 60 * 1000;
            let shift = Span::days(day.unsigned_abs());
            let midnight = if day < 0 { midnight.before(shift) } else { midnight.after(shift) };
            let start = midnight.after(Span(hour));
            let end = start.after(Span(90 * 60 * 1000));
            if start < valid_from || valid_until < end {
                continue;
            }
            let id = new_id(SessionId);
            let offer = SessionOffer { start, end, place: place(venue), capacity: service.max_group };
            let service_id: ServiceId = driver.book.services[&service.service_code];
            let open = CatalogueOperation::OpenSession { year, session: id, service: service_id, offer };
            let signer = driver.book.providers[&service.provider_code].staff.clone();
            wishes.push(Wish { signer, operation: Operation::Catalogue(open) });
            offered.push(Offered { id, service, day });
        }
    }
    driver.all(wishes, &|_| {}).await?;
    Ok(offered)
}

/// Orders of the sample schools. Returns those whose session is over when the doors open, the sessions that are ordered, and who of
/// the schools is in no order.
async fn orders<'p>(
    driver: &mut Driver,
    registry: &Registry,
    programme: &'p Programme,
    year: Year,
    offered: &[Offered<'_>],
) -> anyhow::Result<(Vec<Past>, BTreeSet<SessionId>, Vec<Spare<'p>>)> {
    let (mut asked, mut confirmed, mut past, mut spare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut used: BTreeSet<SessionId> = BTreeSet::new();
    for school in programme.schools.iter().take(2) {
        let wallet = &driver.book.schools[&school.school_code];
        let (teacher, coordinator) = (wallet.teacher.clone(), wallet.coordinator.clone());
        let mut pupils = wallets(registry, wallet.id, year).await?;
        for (day, stage) in STAGES {
            let Some(session) = session(driver, programme, offered, &used, day, wallet.entity) else { continue };
            // Everybody is in one order at most: nobody is in two places, and the money suffices.
            let fits = |(grade, _): &mut (u8, PupilId)| {
                (session.service.grade_from..=session.service.grade_to).contains(grade)
            };
            let mut group: Vec<PupilId> = pupils.extract_if(.., fits).take(GROUP).map(|(_, pupil)| pupil).collect();
            group.sort_unstable();
            if group.is_empty() {
                continue;
            }
            used.insert(session.id);
            let order = new_id(OrderId);
            let act = |signer: &SecretKey, action| Wish {
                signer: signer.clone(),
                operation: Operation::Order { year, order, action },
            };
            let provider = &driver.book.providers[&session.service.provider_code];
            if stage == Stage::Proposed {
                asked.push(act(&teacher, OrderAction::Propose { session: session.id, pupils: group }));
                continue;
            }
            let price = Cents::new(session.service.price_cents.into());
            let school_money = SCHOOL_MONEY;
            let request = OrderAction::Request { session: session.id, pupils: group, price, school_money };
            asked.push(act(&coordinator, request));
            if stage != Stage::Requested {
                confirmed.push(act(&provider.staff, OrderAction::Confirm));
            }
            if matches!(stage, Stage::Over | Stage::Delivered | Stage::Billed) {
                let (provider, staff) = (provider.id, provider.staff.clone());
                let (coordinator, buyer) = (coordinator.clone(), Buyer::Programme);
                past.push(Past { order, provider, staff, coordinator, stage, buyer });
            }
        }
        spare.push(Spare { school, pupils });
    }
    driver.all(asked, &|_| {}).await?;
    driver.all(confirmed, &|_| {}).await?;
    Ok((past, used, spare))
}

/// A session of the day that nobody of the sample has ordered. Providers whose people can sign in come first.
fn session<'a, 'b>(
    driver: &Driver,
    programme: &Programme,
    offered: &'a [Offered<'b>],
    used: &BTreeSet<SessionId>,
    day: i32,
    orderer: EntityId,
) -> Option<&'a Offered<'b>> {
    let may = |one: &&Offered<'_>| {
        let provider = &driver.book.providers[&one.service.provider_code];
        one.day == day && !used.contains(&one.id) && provider.entity != orderer && one.service.price_cents <= 1400
    };
    let rank = |one: &&Offered<'_>| {
        let code = one.service.provider_code;
        let place = programme.providers.iter().position(|provider| provider.provider_code == code);
        (place.unwrap_or(usize::MAX).max(1), one.service.service_code)
    };
    offered.iter().filter(may).min_by_key(rank)
}
