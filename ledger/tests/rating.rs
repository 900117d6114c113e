//! Ratings: one by the school that ordered, one by each pupil with a key who was there.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::classifiers::{Fact, Facts, Scope, Score};
use keis_ledger::codec;
use keis_ledger::money::Amounts;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, Rating, ServiceRating, Tally};
use keis_ledger::rejection::Rejection;
use support::scenario::{check, does, refused};
use support::settlement::rate;
use support::stage::*;
use support::{OPERATOR, World, day};

const GOOD: [Fact; 3] = [Fact::TookPlace, Fact::OnTime, Fact::Accessible];

/// Order 1 of pupils 1, 2 and 6, the last with a key of its own; pupil 2 is absent.
fn attended() -> World {
    let mut world = World::founded();
    staged(&mut world);
    world.submit(OPERATOR, bind(vec![grant(31, Party::Pupil(YEAR, pupil(7)), &[Scope::Propose])])).expect("bound");
    world.submit(SCHOOL, request(1, 1, &[1, 2, GROWN], 0)).expect("requested");
    world.submit(PROVIDER, confirm(1)).expect("confirmed");
    let wrong = |state| Rejection::OrderStateWrong { state };
    assert_eq!(world.submit(SCHOOL, rate(1, 5, &GOOD)).err(), Some(wrong(OrderState::Confirmed)));
    world.at(day(61)).submit(PROVIDER, report(1, &[1])).expect("reported");
    assert_eq!(world.submit(SCHOOL, rate(1, 5, &GOOD)).err(), Some(wrong(OrderState::Delivered)));
    world.submit(SCHOOL, attend(1, &[1], &[])).expect("attended");
    world
}

#[test]
fn who_was_there_rates_once() {
    let mut world = attended();
    check(
        &mut world,
        [
            refused("another school", OTHER_SCHOOL, rate(1, 1, &[]), Rejection::NotYours),
            refused("the provider", PROVIDER, rate(1, 5, &GOOD), Rejection::NotYours),
            refused("another pupil", 31, rate(1, 5, &GOOD), Rejection::NotYours),
            refused("an officer", OPERATOR, rate(1, 5, &GOOD), Rejection::NotPermitted),
            refused("who only reads", READER, rate(1, 5, &GOOD), Rejection::ScopeMissing { scope: Scope::Propose }),
            refused("no such order", SCHOOL, rate(9, 5, &GOOD), Rejection::OrderUnknown { item: 0 }),
            does("the teacher who came along", TEACHER, rate(1, 4, &GOOD), Kind::RatedBySchool),
            refused("the school has", SCHOOL, rate(1, 1, &[]), Rejection::RatedBefore),
            does("the pupil", PUPIL, rate(1, 2, &[Fact::TookPlace]), Kind::RatedByPupil),
            refused("once", PUPIL, rate(1, 5, &GOOD), Rejection::RatedBefore),
        ],
    );
    let mut paid = world.clone();
    paid.submit(OPERATOR, issue(1, 1, keis_ledger::operation::Buyer::Programme, &[1])).expect("issued");
    paid.submit(PROVIDER, accept(1)).expect("settled");
    assert_eq!(paid.submit(SCHOOL, rate(1, 1, &[])).err(), Some(Rejection::RatedBefore), "settled or not");
    let rating = world.get::<Rating>((YEAR, order(1), None));
    assert_eq!((rating.score.get(), rating.facts), (4, Facts::of(&GOOD)));
    let sums = world.get::<ServiceRating>(service(1));
    assert_eq!(sums.schools, Tally { count: 1, sum: 4, facts: [1, 1, 0, 0, 1] });
    assert_eq!(sums.pupils, Tally { count: 1, sum: 2, facts: [1, 0, 0, 0, 0] });
}

#[test]
fn a_rating_names_no_pupil_in_public() {
    let mut world = attended();
    let full = world.submit(PUPIL, rate(1, 2, &[])).expect("rated");
    assert_eq!((full.lines.len(), full.lines[0].pupil, full.lines[0].moved), (1, pupil(GROWN), Amounts::ZERO));
    assert!(!format!("{:?}", full.receipt).contains("pup_"));
    assert_eq!(full.receipt.subject.service, Some(service(1)));
}

#[test]
fn who_was_absent_or_did_not_order_does_not_rate() {
    let mut world = attended();
    world.submit(OPERATOR, wallet_move(2)).expect("a grade with keys");
    let key = grant(32, Party::Pupil(YEAR, pupil(2)), &[Scope::Propose]);
    world.submit(SCHOOL, bind(vec![key])).expect("bound");
    assert_eq!(world.submit(32, rate(1, 1, &[])).err(), Some(Rejection::NotAttended));

    let mut alone = World::founded();
    staged(&mut alone);
    let steps = [(2, PUPIL, request(1, 1, &[GROWN], 0)), (2, PROVIDER, confirm(1)), (61, PROVIDER, report(1, &[]))];
    for (on, who, operation) in steps {
        alone.at(day(on)).submit(who, operation).expect("a pupil orders alone");
    }
    alone.submit(PUPIL, attend(1, &[], &[])).expect("attended");
    assert_eq!(alone.submit(SCHOOL, rate(1, 5, &[])).err(), Some(Rejection::NotYours), "the school was not there");
    alone.submit(PUPIL, rate(1, 5, &GOOD)).expect("the pupil was");
}

fn wallet_move(number: u8) -> Operation {
    let (year, pupil, school) = (YEAR, pupil(number), school(1));
    wallet(keis_ledger::operation::WalletOperation::MovePupil { year, pupil, school, grade: 10, keep_lines: true })
}

#[test]
fn scores_and_facts_are_closed() {
    assert_eq!((Score::new(0), Score::new(6)), (None, None));
    for byte in [0u8, 6, 255] {
        assert!(codec::decode::<Score>(&[byte]).is_err(), "{byte} is no score");
    }
    assert_eq!(codec::decode::<Score>(&[5]), Ok(Score::new(5).expect("the best")));
    assert!(codec::decode::<Facts>(&[0b10_0000]).is_err(), "there is no sixth fact");
    let facts = codec::decode::<Facts>(&[0b1_0011]).expect("three facts");
    assert_eq!(facts.iter().collect::<Vec<_>>(), GOOD);
}
