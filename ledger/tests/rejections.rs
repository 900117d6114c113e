//! Every rejection is hit, and of two broken rules the one that stands first is named.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

#[path = "rejections/governance.rs"]
mod governance;
#[path = "rejections/pairs.rs"]
mod pairs;
#[path = "rejections/remedies.rs"]
mod remedies;
#[path = "rejections/settlement.rs"]
mod settlement;
mod support;

use std::collections::BTreeSet;

use keis_ledger::classifiers::{Grades, Place, Scope, Year};
use keis_ledger::ids::{EntityId, Nullifier, PupilId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, FundsOperation, NewPupil, Operation, OrderAction, Party, WalletOperation,
};
use keis_ledger::record::OrderState;
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Span, Timestamp};
use support::rejections::{NAMES, name, rank};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, secret};

/// Worlds to be refused in, and what was refused so far.
struct Hits {
    stage: World,
    requested: World,
    confirmed: World,
    attended: World,
    seen: BTreeSet<&'static str>,
}

impl Hits {
    fn new() -> Self {
        let mut stage = World::founded();
        staged(&mut stage);
        let state = |state| {
            let mut world = stage.clone();
            bring(&mut world, state);
            world
        };
        let (requested, confirmed) = (state(OrderState::Requested), state(OrderState::Confirmed));
        let attended = state(OrderState::Attended);
        Self { stage, requested, confirmed, attended, seen: BTreeSet::new() }
    }

    fn hit(&mut self, world: &World, who: u8, operation: Operation, wanted: Rejection) {
        let answer = world.clone().submit(who, operation.clone());
        assert_eq!(answer.err(), Some(wanted), "{operation:?}");
        self.seen.insert(name(&wanted));
    }
}

/// The world after these have taken effect.
fn after(world: &World, steps: &[(u8, Operation)]) -> World {
    let mut world = world.clone();
    for (who, operation) in steps {
        world.submit(*who, operation.clone()).unwrap_or_else(|rejection| panic!("{operation:?}: {rejection}"));
    }
    world
}

fn at(world: &World, time: Timestamp) -> World {
    let mut world = world.clone();
    world.at(time);
    world
}

fn standing(make: fn(Party) -> WalletOperation, party: Party) -> Operation {
    wallet(make(party))
}

fn suspend(party: Party) -> Operation {
    standing(|party| WalletOperation::Suspend { party }, party)
}

fn close(party: Party) -> Operation {
    standing(|party| WalletOperation::Close { party }, party)
}

fn one_pupil(number: u8) -> Party {
    Party::Pupil(YEAR, pupil(number))
}

fn priced(number: u8, session_number: u8, numbers: &[u8], price: u64) -> Operation {
    let (session, pupils, price) = (session(session_number), pupils(numbers), Cents::new(price));
    on_order(number, OrderAction::Request { session, pupils, price, school_money: Cents::ZERO })
}

#[test]
fn every_rejection_is_hit() {
    let mut hits = Hits::new();
    who_and_when(&mut hits);
    form(&mut hits);
    existence(&mut hits);
    parties(&mut hits);
    sessions_and_states(&mut hits);
    lines_and_pupils(&mut hits);
    money(&mut hits);
    governance::hit(&mut hits);
    settlement::hit(&mut hits);
    remedies::hit(&mut hits);
    let missing: Vec<_> = NAMES.iter().filter(|name| !hits.seen.contains(*name)).collect();
    assert!(missing.is_empty(), "never hit: {missing:?}");
}

fn who_and_when(hits: &mut Hits) {
    let mut world = hits.stage.clone();
    let now = world.next_time();
    let late = world.sign_until(SCHOOL, None, request(1, 1, &[1], 0), 1, now.before(Span(1)));
    let valid_until = now.before(Span(1));
    assert_eq!(world.include(&late), Err(Rejection::Expired { valid_until, at: now }));
    let latest = now.after(Span::days(1));
    let long = world.sign_until(SCHOOL, None, request(1, 1, &[1], 0), 1, latest.after(Span(1)));
    assert_eq!(world.include(&long), Err(Rejection::ValidTooLong { latest }));
    let good = world.sign_until(SCHOOL, None, request(1, 1, &[1], 0), 1, latest);
    world.include(&good).expect("in time");
    world.at(latest);
    assert_eq!(world.include(&good), Err(Rejection::Known), "to its last instant");
    let gone = world.next_time().after(Span(1));
    world.at(gone);
    assert_eq!(world.include(&good), Err(Rejection::Expired { valid_until: latest, at: gone }));
    hits.seen.extend(["Expired", "ValidTooLong", "Known"]);

    let stage = hits.stage.clone();
    hits.hit(&stage, 99, request(1, 1, &[1], 0), Rejection::KeyUnknown);
    let mut later = grant(50, Party::School(school(1)), &[Scope::Order]);
    (later.from, later.until) = (day(100), day(101));
    let bound = after(&stage, &[(OPERATOR, bind(vec![later]))]);
    let inactive = Rejection::KeyInactive { from: day(100), until: day(101) };
    hits.hit(&bound, 50, request(1, 1, &[1], 0), inactive);
    hits.hit(&at(&bound, day(101)), 50, request(1, 1, &[1], 0), inactive);
    let behalf = stage.clone().submit_for(SCHOOL, Some(Party::Provider(provider(1))), confirm(1));
    assert_eq!(behalf.err(), Some(Rejection::BehalfNotAllowed));
    hits.seen.insert("BehalfNotAllowed");
    hits.hit(&stage, SCHOOL, allocate(&[1]), Rejection::NotPermitted);
    hits.hit(&stage, OPERATOR, request(1, 1, &[1], 0), Rejection::NotPermitted);
    hits.hit(&stage, support::AUDITOR, end_year(), Rejection::NotPermitted);
    hits.hit(&stage, PROVIDER, request(1, 1, &[1], 0), Rejection::NotPermitted);
    hits.hit(&stage, TEACHER, request(1, 1, &[1], 0), Rejection::ScopeMissing { scope: Scope::Order });
    hits.hit(&stage, READER, propose(1, 1, &[1]), Rejection::ScopeMissing { scope: Scope::Propose });
}

fn form(hits: &mut Hits) {
    let stage = hits.stage.clone();
    hits.hit(&stage, SCHOOL, request(1, 1, &[], 0), Rejection::ListEmpty);
    let many: Vec<PupilId> = (0..501u16).map(many_pupil).collect();
    let too_many = Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils: many });
    hits.hit(&stage, OPERATOR, too_many, Rejection::ListTooLong { most: 500 });
    hits.hit(&stage, SCHOOL, request(1, 1, &[1, 3, 3], 0), Rejection::ListNotAscending { item: 2 });
    hits.hit(&stage, OPERATOR, school_money(1, 0), Rejection::AmountZero);
    for year in [1999, 10_000, u16::MAX - 1, u16::MAX] {
        hits.hit(&stage, BUDGET_HOLDER, open_year(Year(year), parameters(), 1, 0), Rejection::ParametersUnsound);
    }
    let mut odd = terms();
    odd.venues.reverse();
    hits.hit(&stage, OPERATOR, publish(3, 1, odd), Rejection::TermsUnsound);
    let mut backwards = offer(60);
    backwards.end = backwards.start;
    hits.hit(&stage, PROVIDER, open_session(9, 1, backwards), Rejection::OfferUnsound);
    let thirteenth = NewPupil { grade: 13, ..new_pupil(9) };
    hits.hit(&stage, OPERATOR, open_pupils(vec![thirteenth]), Rejection::ItemUnsound { item: 0 });
}

fn existence(hits: &mut Hits) {
    let stage = hits.stage.clone();
    let elsewhere = FundsOperation::Allocate { year: Year(2030), pupils: pupils(&[1]) };
    hits.hit(&stage, OPERATOR, Operation::Funds(elsewhere), Rejection::YearUnknown);
    hits.hit(&stage, BUDGET_HOLDER, open_year(YEAR, parameters(), 1, 0), Rejection::YearExists);
    hits.hit(&stage, BUDGET_HOLDER, end_year(), Rejection::YearNotOver { from: day(353) });
    let ended = after(&at(&stage, day(353)), &[(BUDGET_HOLDER, end_year())]);
    hits.hit(&ended, OPERATOR, allocate(&[1]), Rejection::YearEnded);
    hits.hit(&stage, OPERATOR, school_money(9, 1), Rejection::SchoolUnknown { item: 0 });
    hits.hit(&stage, OPERATOR, publish(3, 9, terms()), Rejection::ProviderUnknown);
    hits.hit(&stage, OPERATOR, allocate(&[1, 99]), Rejection::PupilUnknown { item: 1 });
    hits.hit(&stage, PROVIDER, open_session(9, 9, offer(60)), Rejection::ServiceUnknown);
    hits.hit(&stage, SCHOOL, request(1, 99, &[1], 0), Rejection::SessionUnknown);
    hits.hit(&stage, PROVIDER, confirm(1), Rejection::OrderUnknown { item: 0 });
    hits.hit(&stage, PROVIDER, accept(1), Rejection::StatementUnknown);
    let revoke = |number: u8| wallet(WalletOperation::RevokeKey { key: secret(number).public() });
    hits.hit(&stage, SCHOOL, revoke(99), Rejection::TargetKeyUnknown);
    let mut revoked = stage.clone();
    let full = revoked.submit(SCHOOL, revoke(TEACHER)).expect("the school's own key");
    hits.hit(&revoked, SCHOOL, revoke(TEACHER), Rejection::TargetKeyEnded { until: full.receipt.time });
    hits.hit(&stage, OTHER_SCHOOL, revoke(TEACHER), Rejection::NotYours);
    hits.hit(&stage, OPERATOR, revoke(BUDGET_HOLDER), Rejection::NotPermitted);
    hits.hit(&stage, OPERATOR, publish(1, 1, terms()), Rejection::IdTaken { item: 0 });
    let twin = NewPupil { nullifier: Nullifier([1; 32]), ..new_pupil(9) };
    hits.hit(&stage, OPERATOR, open_pupils(vec![twin]), Rejection::NullifierUsed { item: 0 });
    let again = bind(vec![grant(SCHOOL, Party::School(school(1)), &[Scope::Order])]);
    hits.hit(&stage, OPERATOR, again, Rejection::KeyTaken { item: 0 });
}

fn parties(hits: &mut Hits) {
    let (stage, requested) = (hits.stage.clone(), hits.requested.clone());
    hits.hit(&requested, OTHER_PROVIDER, confirm(1), Rejection::NotYours);
    let mut own_school = new_school(9);
    own_school.entity = EntityId([101; 16]);
    let mut twofold = after(&stage, &[(OPERATOR, wallet(WalletOperation::OpenSchools { schools: vec![own_school] }))]);
    let both = twofold.submit_for(OPERATOR, Some(Party::School(school(9))), request(1, 1, &[1], 0));
    assert_eq!(both.err(), Some(Rejection::BothSides));
    hits.seen.insert("BothSides");
    let suspended = after(&stage, &[(OPERATOR, suspend(one_pupil(2)))]);
    hits.hit(&suspended, SCHOOL, request(1, 1, &[1, 2], 0), Rejection::WalletSuspended { item: 1 });
    let closed = after(&stage, &[(OPERATOR, close(Party::Provider(provider(1))))]);
    hits.hit(&closed, SCHOOL, request(1, 1, &[1], 0), Rejection::WalletClosed { item: 0 });
    let reinstate = wallet(WalletOperation::Reinstate { party: one_pupil(1) });
    hits.hit(&stage, OPERATOR, reinstate, Rejection::StandingUnchanged);
    let begun = at(&hits.confirmed, offer(60).start);
    hits.hit(&begun, OPERATOR, close(one_pupil(1)), Rejection::WalletInUse);
}

fn sessions_and_states(hits: &mut Hits) {
    let (stage, requested, confirmed) = (hits.stage.clone(), hits.requested.clone(), hits.confirmed.clone());
    let withdrawn = after(&stage, &[(PROVIDER, catalogue(CatalogueOperation::Withdraw { service: service(1) }))]);
    hits.hit(&withdrawn, SCHOOL, request(1, 1, &[1], 0), Rejection::ServiceNotOffered);
    let close_session = catalogue(CatalogueOperation::CloseSession { year: YEAR, session: session(1) });
    let closed = after(&stage, &[(PROVIDER, close_session)]);
    hits.hit(&closed, SCHOOL, request(1, 1, &[1], 0), Rejection::SessionClosed);
    let amend = catalogue(CatalogueOperation::AmendSession { year: YEAR, session: session(1), offer: offer(90) });
    hits.hit(&requested, PROVIDER, amend, Rejection::SessionInUse);
    hits.hit(&requested, SCHOOL, change(1, Some(5), &[], &[]), Rejection::SessionOfOtherService);
    hits.hit(&confirmed, PROVIDER, confirm(1), Rejection::OrderStateWrong { state: OrderState::Confirmed });
    let issued = after(&hits.attended, &[(OPERATOR, issue(1, 1, Buyer::Programme, &[1])), (PROVIDER, accept(1))]);
    let accepted = Rejection::StatementStateWrong { state: keis_ledger::record::StatementState::Accepted };
    hits.hit(&issued, PROVIDER, contest(1), accepted);
    hits.hit(&requested, PROVIDER, accept_change(1), Rejection::ChangeMissing);
    let pending = after(&requested, &[(SCHOOL, change(1, Some(2), &[], &[]))]);
    hits.hit(&pending, PROVIDER, change(1, Some(2), &[], &[]), Rejection::ChangePending);
    hits.hit(&pending, SCHOOL, accept_change(1), Rejection::ChangeOwn);
    hits.hit(&requested, SCHOOL, change(1, Some(1), &[], &[]), Rejection::ChangeEmpty);
    hits.hit(&confirmed, PROVIDER, report(1, &[]), Rejection::TooEarly { from: offer(60).end });
    let begun = at(&confirmed, offer(60).start);
    hits.hit(&begun, SCHOOL, swap(1, &[(0, 4)]), Rejection::TooLate { until: offer(60).start });
    hits.hit(&stage, PROVIDER, open_session(9, 1, offer(360)), Rejection::OutsideWindow);
    let mut away = offer(60);
    away.place = Place::Country(*b"IE");
    hits.hit(&stage, PROVIDER, open_session(9, 1, away), Rejection::VenueNotOffered);
    hits.hit(&stage, SCHOOL, priced(1, 1, &[1], 999), Rejection::PriceDiffers { price: PRICE });
}

/// A pupil whose id differs from those of the stage.
fn many_pupil(number: u16) -> PupilId {
    let mut id = [0xee; 16];
    id[14..].copy_from_slice(&number.to_be_bytes());
    PupilId(id)
}

fn many_pupils(count: u16) -> Vec<NewPupil> {
    let one = |number: u16| {
        let mut nullifier = [0xee; 32];
        nullifier[30..].copy_from_slice(&number.to_be_bytes());
        NewPupil { pupil: many_pupil(number), nullifier: Nullifier(nullifier), school: school(1), grade: 5 }
    };
    (0..count).map(one).collect()
}

fn lines_and_pupils(hits: &mut Hits) {
    let (stage, requested, confirmed) = (hits.stage.clone(), hits.requested.clone(), hits.confirmed.clone());
    hits.hit(&confirmed, SCHOOL, drop_lines(1, &[0, 3]), Rejection::LineUnknown { line: 3 });
    let dropped = after(&confirmed, &[(SCHOOL, drop_lines(1, &[1]))]);
    hits.hit(&dropped, SCHOOL, swap(1, &[(1, 4)]), Rejection::LineNotBooked { line: 1 });
    hits.hit(&confirmed, SCHOOL, drop_lines(1, &[0, 1, 2]), Rejection::NoLineLeft);
    let crowd = after(&confirmed, &[(OPERATOR, open_pupils(many_pupils(498)))]);
    let all = keis_ledger::operation::Change::Booking {
        session: None,
        drop: vec![],
        add: (0..498).map(many_pupil).collect(),
    };
    let add_all = on_order(1, OrderAction::ProposeChange(all));
    hits.hit(&crowd, SCHOOL, add_all, Rejection::TooManyLines { most: 500 });
    hits.hit(&stage, SCHOOL, request(1, 1, &[1, 7], 0), Rejection::NotEnrolled { item: 1 });
    let own_key = bind(vec![grant(60, one_pupil(1), &[Scope::Order])]);
    hits.hit(&stage, SCHOOL, own_key, Rejection::GradeNotOffered { item: 0 });
    let mut for_elders = terms();
    for_elders.grades = Grades { from: 9, until: 12 };
    let elders =
        after(&stage, &[(OPERATOR, catalogue(CatalogueOperation::Amend { service: service(1), terms: for_elders }))]);
    hits.hit(&elders, SCHOOL, request(1, 1, &[1, GROWN], 0), Rejection::GradeNotOffered { item: 0 });
    hits.hit(&requested, SCHOOL, request(2, 4, &[3, 4], 0), Rejection::PupilElsewhere { item: 0 });
    hits.hit(&requested, SCHOOL, request(2, 1, &[4, 5, 6], 0), Rejection::SessionFull { free: 2 });
}

fn money(hits: &mut Hits) {
    let (stage, requested, attended) = (hits.stage.clone(), hits.requested.clone(), hits.attended.clone());
    hits.hit(&stage, OPERATOR, allocate(&[3]), Rejection::AllocatedBefore { item: 0 });
    let mut poor = grant(50, Party::School(school(1)), &[Scope::Order, Scope::Attendance]);
    poor.cap = Cents::new(1_999);
    let capped = after(&stage, &[(OPERATOR, bind(vec![poor.clone()]))]);
    let exceeded = |cost: u64| Rejection::CapExceeded { cost: Cents::new(cost), cap: Cents::new(1_999) };
    hits.hit(&capped, 50, request(1, 1, &[1, 2], 0), exceeded(2_000));
    let mut delivered = hits.confirmed.clone();
    delivered.at(day(61)).submit(PROVIDER, report(1, &[])).expect("reported");
    let delivered = after(&delivered, &[(OPERATOR, bind(vec![poor]))]);
    hits.hit(&delivered, 50, attend(1, &[], &[4]), exceeded(4_000));
    let missing = Cents::new(600);
    hits.hit(&requested, SCHOOL, request(2, 2, &[1], 0), Rejection::SchoolMoneyExceeded { missing });
    let spent = after(&stage, &[(OTHER_SCHOOL, request(1, 1, &[7], 0))]);
    hits.hit(&spent, OTHER_SCHOOL, request(2, 2, &[7], 600), Rejection::FundsMissing { missing });
    hits.hit(&stage, OPERATOR, school_money(1, u64::MAX), Rejection::AmountTooLarge);
    let year = open_year(Year(2027), parameters(), u64::MAX, 1);
    hits.hit(&stage, BUDGET_HOLDER, year, Rejection::AmountTooLarge);
    let first = issue(1, 1, Buyer::Programme, &[1]);
    let other = issue(2, 1, Buyer::School(school(1)), &[1]);
    hits.hit(&attended, OPERATOR, other, Rejection::NothingDue { item: 0 });
    let issued = after(&attended, &[(OPERATOR, first)]);
    hits.hit(&issued, OPERATOR, issue(2, 1, Buyer::Programme, &[1]), Rejection::NothingDue { item: 0 });
    let second = after(&issued, &[(SCHOOL, request(2, 2, &[4], 0)), (PROVIDER, confirm(2))]);
    let second = after(&at(&second, day(68)), &[(PROVIDER, report(2, &[])), (SCHOOL, attend(2, &[], &[]))]);
    let issued_at = issued.tip.time;
    let from = issued_at.after(Span::days(14));
    hits.hit(&second, OPERATOR, issue(2, 1, Buyer::Programme, &[2]), Rejection::StatementTooSoon { from });
}

#[test]
fn the_names_are_in_the_order_of_the_source() {
    let source = include_str!("../src/rejection.rs");
    let body = source.split("pub enum Rejection {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("the enum");
    let variants: Vec<&str> = body
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.trim_end_matches([',', '{', ' ']))
        .collect();
    assert_eq!(variants, NAMES);
}

#[test]
fn the_rulebook_lists_them_in_their_order() {
    let rulebook = include_str!("../README.md").split("## Rejections").nth(1).expect("the chapter");
    let chapter = rulebook.split("`Rejection::may_pass_later`").next().expect("its lists");
    let lists = chapter.lines().filter(|line| line.contains(": ") || line.starts_with("StatementUnknown"));
    let words = lists.flat_map(|line| line.split([' ', ',', '.', ':']).filter(|word| NAMES.contains(word)));
    assert_eq!(words.collect::<Vec<_>>(), NAMES);
}
