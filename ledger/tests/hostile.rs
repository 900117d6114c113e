//! Bytes and numbers that no honest party would send: refused, or counted rightly, never a panic.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::block::{Block, InvalidBlock, execute};
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::codec::{self, MAX_TRANSACTION};
use keis_ledger::ids::BlockId;
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{CatalogueOperation, FundsOperation, Operation, OrderAction, Party};
use keis_ledger::parameters::ProgrammeParameters;
use keis_ledger::record::{Order, YearRecord};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Day, Span, Timestamp};
use keis_ledger::transaction::{RawTransaction, TransactionError};
use proptest::prelude::*;
use support::samples::{NAMES, every_operation, name};
use support::stage::*;
use support::{BUDGET_HOLDER, NETWORK, OPERATOR, World, day, secret, verified};

#[test]
fn there_is_a_sample_of_every_operation() {
    let names: std::collections::BTreeSet<_> = every_operation().iter().map(name).collect();
    assert_eq!(names.len(), NAMES);
}

#[test]
fn every_operation_has_one_encoding_and_one_signature() {
    let world = World::founded();
    for operation in every_operation() {
        let about = name(&operation);
        let signed = world.sign_until(SCHOOL, Some(Party::School(school(1))), operation, 1, Timestamp(5));
        let raw = signed.raw().to_vec();
        for end in 0..raw.len() {
            assert!(RawTransaction(raw[..end].to_vec()).parse(&NETWORK).is_err(), "{about} cut at {end}");
        }
        let mut longer = raw.clone();
        longer.push(0);
        assert!(RawTransaction(longer).parse(&NETWORK).is_err(), "{about} with a byte more");
        for at in 0..raw.len() {
            for flip in [0x01, 0x80] {
                let mut other = raw.clone();
                other[at] ^= flip;
                let Ok(parsed) = RawTransaction(other.clone()).parse(&NETWORK) else { continue };
                assert_eq!(parsed.raw(), other);
                assert_eq!(codec::encode(parsed.body()), other[..other.len() - 64], "one body, one encoding");
                assert_eq!(parsed.verify(&NETWORK), Err(TransactionError::Signature), "{about} changed at {at}");
            }
        }
        let elsewhere = RawTransaction(raw).parse(&keis_ledger::crypto::Hash([8; 32])).expect("the form is the same");
        assert_ne!(elsewhere.id(), signed.id());
        assert_eq!(elsewhere.verify(&keis_ledger::crypto::Hash([8; 32])), Err(TransactionError::Signature));
    }
}

#[test]
fn the_length_of_a_transaction_is_bounded_exactly() {
    let long = RawTransaction(vec![0; MAX_TRANSACTION + 1]).parse(&NETWORK);
    assert_eq!(long, Err(TransactionError::TooLong { length: MAX_TRANSACTION + 1 }));
    assert!(matches!(RawTransaction(vec![0; MAX_TRANSACTION]).parse(&NETWORK), Err(TransactionError::Codec(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_no_transaction_and_no_block(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(RawTransaction(bytes.clone()).parse(&NETWORK).is_err());
        prop_assert!(Block::decode(&bytes).is_err());
    }

    #[test]
    fn spliced_transactions_do_not_hold(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), patch in proptest::collection::vec(any::<u8>(), 1..40)) {
        let operations = every_operation();
        let operation = which.get(&operations).clone();
        let signed = World::founded().sign_until(SCHOOL, None, operation, 1, Timestamp(5));
        let mut raw = signed.raw().to_vec();
        let start = at.index(raw.len());
        for (byte, new) in raw[start..].iter_mut().zip(&patch) {
            *byte = *new;
        }
        let same = raw == signed.raw();
        if let Ok(parsed) = RawTransaction(raw).parse(&NETWORK) {
            prop_assert_eq!(parsed.verify(&NETWORK).is_ok(), same);
        }
    }
}

#[test]
fn a_block_that_does_not_follow_is_refused() {
    let mut world = World::founded();
    staged(&mut world);
    let (parent, mut chain) = (world.tip.clone(), world.clone());
    chain.submit(SCHOOL, request(1, 1, &[1], 0)).expect("requested");
    let good = chain.blocks.last().expect("a block").clone();
    let refusal = |change: &dyn Fn(&mut Block)| {
        let mut block = good.clone();
        change(&mut block);
        let answer = execute(&parent, &block, &verified(&block));
        answer.map(|executed| executed.tip.height).expect_err("the block does not follow")
    };
    let header = [
        refusal(&|block| block.header.state_root.0[0] ^= 1),
        refusal(&|block| block.header.receipts_root.0[0] ^= 1),
        refusal(&|block| block.header.transactions_root.0[0] ^= 1),
        refusal(&|block| block.header.validators.0[0] ^= 1),
        refusal(&|block| block.header.next_validators.0[0] ^= 1),
        refusal(&|block| block.header.protocol += 1),
        refusal(&|block| block.transactions.clear()),
        refusal(&|block| block.header.time = block.header.time.after(Span(1))),
    ];
    assert!(header.iter().all(|refusal| *refusal == InvalidBlock::Header), "{header:?}");
    assert_eq!(refusal(&|block| block.header.time = parent.time), InvalidBlock::Time(parent.time));
    assert_eq!(refusal(&|block| block.header.parent = BlockId([1; 32])), InvalidBlock::Parent);
    assert_eq!(refusal(&|block| block.header.network.0[0] ^= 1), InvalidBlock::Parent);
    assert_eq!(refusal(&|block| block.header.height = block.header.height.next()), InvalidBlock::Parent);
    let twice = refusal(&|block| block.transactions.push(block.transactions[0].clone()));
    assert_eq!(twice, InvalidBlock::NoEffect { index: 1, rejection: Rejection::Known });
}

/// A year whose pupils have almost all the money that can be counted.
fn rich(price: u64, amount: u64, shares: u16) -> World {
    let share = BasisPoints::new(shares).expect("a share");
    let huge = ProgrammeParameters {
        amount_per_pupil: Cents::new(amount),
        window_until: Timestamp::LATEST,
        late_share: share,
        absence_share: share,
        minimum_share: share,
        hold_expiry: Span(u64::MAX),
        free_change: Span(0),
        free_cancel: Span(u64::MAX),
        settlement_period: Span(u64::MAX),
        attendance_days: 60,
        ..parameters()
    };
    let mut world = World::founded();
    let mut does = |who: u8, operation: Operation| {
        world.submit(who, operation).expect("it can be counted");
    };
    does(BUDGET_HOLDER, open_year(YEAR, huge, u64::MAX, 0));
    let schools = vec![new_school(1)];
    does(OPERATOR, wallet(keis_ledger::operation::WalletOperation::OpenSchools { schools }));
    let providers = vec![new_provider(1)];
    does(OPERATOR, wallet(keis_ledger::operation::WalletOperation::OpenProviders { providers }));
    does(OPERATOR, open_pupils((1..=4).map(new_pupil).collect()));
    let everything = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement];
    let mut ours = grant(SCHOOL, Party::School(school(1)), &everything);
    let mut theirs = grant(PROVIDER, Party::Provider(provider(1)), &everything);
    (ours.cap, theirs.cap) = (Cents::new(u64::MAX), Cents::new(u64::MAX));
    (ours.until, theirs.until) = (Timestamp(u64::MAX), Timestamp(u64::MAX));
    does(OPERATOR, bind(vec![ours, theirs]));
    does(OPERATOR, allocate(&[1, 2, 3, 4]));
    does(OPERATOR, school_money(1, u64::MAX));
    let mut terms = terms();
    (terms.price, terms.capacity, terms.until) = (Cents::new(price), u16::MAX, Timestamp(u64::MAX));
    does(OPERATOR, publish(1, 1, terms));
    let mut roomy = offer(60);
    roomy.capacity = u16::MAX;
    does(PROVIDER, open_session(1, 1, roomy));
    world
}

fn at_price(number: u8, numbers: &[u8], price: u64, school_money: u64) -> Operation {
    let (session, pupils, price) = (session(1), pupils(numbers), Cents::new(price));
    on_order(number, OrderAction::Request { session, pupils, price, school_money: Cents::new(school_money) })
}

#[test]
fn the_largest_amounts_are_counted_rightly() {
    let quarter = u64::MAX / 4;
    for shares in [0, 1, 9_999, 10_000] {
        let mut world = rich(quarter, quarter, shares);
        let mut does = |who: u8, operation: Operation, on: u32| {
            world.at(day(on));
            world.submit(who, operation.clone()).unwrap_or_else(|rejection| panic!("{operation:?}: {rejection}"));
        };
        does(SCHOOL, at_price(1, &[1, 2, 3], quarter, u64::MAX), 40);
        does(PROVIDER, confirm(1), 40);
        does(SCHOOL, drop_lines(1, &[0]), 41);
        does(SCHOOL, change(1, None, &[], &[1]), 42);
        does(PROVIDER, accept_change(1), 42);
        does(PROVIDER, report(1, &[1]), 61);
        does(SCHOOL, attend(1, &[1, 2], &[4]), 61);
        if shares > 0 {
            does(SCHOOL, amend_attendance(1, &[]), 61);
            does(PROVIDER, accept_change(1), 61);
            does(PROVIDER, amend_attendance(1, &[1, 2, 3, 4]), 61);
            does(SCHOOL, accept_change(1), 61);
        }
        let order = world.get::<Order>((YEAR, order(1)));
        assert!(order.lines.iter().all(|line| line.due.total().is_some()));
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let half = u64::MAX / 2 + 1;
    let mut world = rich(half, 1, 5_000);
    let answer = world.submit(SCHOOL, at_price(1, &[1, 2], half, u64::MAX));
    assert_eq!(answer, Err(Rejection::AmountTooLarge));
    world.submit(SCHOOL, at_price(1, &[1], half, u64::MAX)).expect("one can be paid");
    assert_eq!(world.submit(SCHOOL, change(1, None, &[], &[2])), Err(Rejection::AmountTooLarge));
    assert_eq!(world.submit(OPERATOR, school_money(1, 1)), Err(Rejection::AmountTooLarge));
}

#[test]
fn parameters_at_the_edge_of_what_is_sound() {
    let mut world = World::founded();
    let mut year = 2030;
    let mut opens = |change: &dyn Fn(&mut ProgrammeParameters)| {
        let mut parameters = parameters();
        change(&mut parameters);
        year += 1;
        world.submit(BUDGET_HOLDER, open_year(Year(year), parameters, 1, u64::MAX - 1)).map(|full| full.receipt.kind)
    };
    let unsound = Err(Rejection::ParametersUnsound);
    assert_eq!(opens(&|it| it.window_until = Timestamp::LATEST.after(Span(1))), unsound);
    assert_eq!(opens(&|it| it.window_until = Timestamp(u64::MAX)), unsound);
    assert_eq!(opens(&|it| it.register_until = it.window_until), unsound);
    assert_eq!(opens(&|it| it.attendance_days = 61), unsound);
    assert_eq!(opens(&|it| it.hold_expiry = Span(0)), unsound);
    assert_eq!(opens(&|it| it.amount_per_pupil = Cents::ZERO), unsound);
    assert_eq!(opens(&|it| it.calendar.offsets.clear()), unsound);
    assert_eq!(opens(&|it| it.calendar.holidays = vec![Day(2), Day(1)]), unsound);
    assert!(
        opens(&|it| {
            it.window_from = Timestamp(0);
            it.window_until = Timestamp::LATEST;
            it.register_until = Timestamp(0);
            it.amount_per_pupil = Cents::new(u64::MAX);
            it.calendar.holidays = vec![Day(u32::MAX - 1), Day(u32::MAX)];
            (it.hold_expiry, it.free_change, it.free_cancel) = (Span(u64::MAX), Span(u64::MAX), Span(u64::MAX));
            it.settlement_period = Span(u64::MAX);
        })
        .is_ok()
    );
}

#[test]
fn a_part_of_the_largest_amount_is_allocated() {
    let mut world = World::founded();
    staged(&mut world);
    let wide = ProgrammeParameters {
        window_from: Timestamp(0),
        window_until: Timestamp::LATEST,
        register_until: Timestamp(0),
        amount_per_pupil: Cents::new(u64::MAX),
        ..parameters()
    };
    let year = Year(2031);
    world.submit(BUDGET_HOLDER, open_year(year, wide, 1, u64::MAX - 1)).expect("sound");
    let pupils = vec![new_pupil(1)];
    world
        .submit(OPERATOR, wallet(keis_ledger::operation::WalletOperation::OpenPupils { year, pupils }))
        .expect("opened");
    let allocation = FundsOperation::Allocate { year, pupils: support::stage::pupils(&[1]) };
    world.submit(OPERATOR, Operation::Funds(allocation)).expect("a part");
    let share = world.get::<YearRecord>(year).state_money.pupils.get();
    assert!(share > u64::MAX / 100 * 99 && share < u64::MAX);
}

#[test]
fn deadlines_hold_at_the_end_of_time() {
    let mut world = rich(5, 50, 5_000);
    let end = Timestamp::LATEST;
    let mut last = offer(60);
    (last.start, last.end) = (end.before(Span::days(1)), end);
    world.submit(PROVIDER, open_session(2, 1, last)).expect("the last session");
    let request = OrderAction::Request {
        session: session(2),
        pupils: pupils(&[1]),
        price: Cents::new(5),
        school_money: Cents::ZERO,
    };
    world.submit(SCHOOL, on_order(1, request)).expect("requested");
    world.submit(PROVIDER, confirm(1)).expect("confirmed");
    for late in [end, Timestamp(u64::MAX / 2)] {
        let mut then = world.clone();
        then.at(late);
        let reported = then.submit(PROVIDER, report(1, &[]));
        assert!(reported.is_ok(), "{reported:?}");
        then.tick();
    }
    world.at(Timestamp(u64::MAX / 2));
    world.submit(SCHOOL, cancel(1)).expect("never reported");
}

#[test]
fn the_largest_lists_are_taken_in_one_transaction() {
    let mut world = World::founded();
    staged(&mut world);
    let id = |number: u16| {
        let mut id = [0xee; 16];
        id[14..].copy_from_slice(&number.to_be_bytes());
        id
    };
    let new = |number: u16| {
        let mut nullifier = [0xee; 32];
        nullifier[30..].copy_from_slice(&number.to_be_bytes());
        keis_ledger::operation::NewPupil {
            pupil: keis_ledger::ids::PupilId(id(number)),
            nullifier: keis_ledger::ids::Nullifier(nullifier),
            ..new_pupil(1)
        }
    };
    world.submit(OPERATOR, open_pupils((0..500).map(new).collect())).expect("a full batch");
    let all: Vec<_> = (0..500).map(|number| keis_ledger::ids::PupilId(id(number))).collect();
    let allocation = FundsOperation::Allocate { year: YEAR, pupils: all.clone() };
    let full = world.submit(OPERATOR, Operation::Funds(allocation)).expect("a full batch");
    assert_eq!(full.lines.len(), 500);
    let mut terms = terms();
    terms.capacity = u16::MAX;
    world.submit(OPERATOR, catalogue(CatalogueOperation::Amend { service: service(1), terms })).expect("amended");
    let mut roomy = offer(70);
    roomy.capacity = u16::MAX;
    world.submit(PROVIDER, open_session(9, 1, roomy)).expect("opened");
    let mut unbounded = grant(70, Party::School(school(1)), &[Scope::Order, Scope::Attendance]);
    unbounded.cap = Cents::new(u64::MAX);
    assert_ne!(unbounded.key, secret(SCHOOL).public());
    world.submit(OPERATOR, bind(vec![unbounded])).expect("bound");
    let request = OrderAction::Request { session: session(9), pupils: all, price: PRICE, school_money: Cents::ZERO };
    world.submit(70, on_order(1, request)).expect("500 pupils");
    world.submit(PROVIDER, confirm(1)).expect("confirmed");
    world.at(day(71)).submit(PROVIDER, report(1, &(0..500).collect::<Vec<u16>>())).expect("reported");
    world.submit(70, attend(1, &(0..499).collect::<Vec<u16>>(), &[])).expect("attended");
    assert_eq!(
        world.submit(70, attend(1, &[], &[])).err().map(|one| support::rejections::name(&one)),
        Some("OrderStateWrong")
    );
}
