//! What the pages promise is held against the ledger itself.

mod stage;

use keis_ledger::ids::PupilId;
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{Change, OrderAction};
use keis_ledger::record::{Booking, LineState, OrderState, Standing};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Span, Timestamp};

use super::*;
use stage::{By, GRADES, ORDER, OTHER_SCHOOL, SCHOOL, Stage, at, offer, pupil, session};

const SHARES: [[u16; 3]; 4] = [[5_000, 5_000, 6_000], [0, 0, 0], [10_000, 3_333, 9_999], [2_501, 10_000, 0]];

fn pupils(numbers: &[u8]) -> Vec<PupilId> {
    numbers.iter().map(|number| pupil(*number)).collect()
}

fn request(numbers: &[u8], price: u64, school_money: u64) -> OrderAction {
    OrderAction::Request {
        session: session(1),
        pupils: pupils(numbers),
        price: Cents::new(price),
        school_money: Cents::new(school_money),
    }
}

/// Balances that look random and are the same every time.
fn balances(seed: u64, count: usize) -> Vec<u64> {
    let mut next = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = || {
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        next % 1_600
    };
    (0..count).map(|_| draw()).collect()
}

fn wanted() -> Wanted {
    Wanted { school: SCHOOL, grades: GRADES, start: offer(1).start, end: offer(1).end, but: None }
}

#[test]
fn the_shortfall_is_what_the_ledger_asks_for() {
    for seed in 1..40 {
        let balances = balances(seed, 6);
        let mut stage = Stage::new(1_000, &balances, 100_000, SHARES[0]);
        let sum = quote(Cents::new(1_000), balances.iter().map(|one| Cents::new(*one))).expect("small sums");
        let all = [1, 2, 3, 4, 5, 6];
        if !sum.school.is_zero() {
            let less = stage.would(By::School, at(10, 0), request(&all, 1_000, sum.school.get() - 1));
            assert_eq!(less, Err(Rejection::SchoolMoneyExceeded { missing: Cents::new(1) }));
        }
        stage.act(By::School, at(10, 0), request(&all, 1_000, sum.school.get())).expect("the money reaches");
        let held = stage.order().lines.iter().fold(Amounts::ZERO, |sum, line| sum.checked_add(&line.held).unwrap());
        assert_eq!(held, sum);
    }
}

#[test]
fn who_fits_is_who_the_ledger_takes() {
    let stage = || Stage::new(1_000, &[1_400; 3], 0, SHARES[0]);
    let elsewhere = |start: Timestamp, end| {
        move |one: &mut keis_ledger::record::Pupil| {
            one.bookings.push(Booking { order: keis_ledger::ids::OrderId([8; 16]), start, end });
        }
    };
    let (start, end) = (offer(1).start, offer(1).end);
    type Edit = Box<dyn Fn(&mut keis_ledger::record::Pupil)>;
    let cases: Vec<(Edit, Fit)> = vec![
        (Box::new(|_| {}), Fit::Fits),
        (Box::new(|one| one.grade = 9), Fit::Grade),
        (Box::new(|one| one.grade = 8), Fit::Fits),
        (Box::new(|one| one.school = OTHER_SCHOOL), Fit::Moved),
        (Box::new(|one| one.standing = Standing::Suspended), Fit::Suspended),
        (Box::new(|one| one.standing = Standing::Closed), Fit::Closed),
        (Box::new(elsewhere(start.before(Span(10)), start)), Fit::Fits),
        (Box::new(elsewhere(end, end.after(Span(10)))), Fit::Fits),
        (
            Box::new(elsewhere(start.before(Span(10)), start.after(Span(1)))),
            Fit::Elsewhere(keis_ledger::ids::OrderId([8; 16])),
        ),
        (
            Box::new(elsewhere(end.before(Span(1)), end.after(Span(10)))),
            Fit::Elsewhere(keis_ledger::ids::OrderId([8; 16])),
        ),
    ];
    for (edit, expected) in cases {
        let mut stage = stage();
        stage.edit(2, edit);
        assert_eq!(fit(Some(&stage.wallet(2)), &wanted()), expected);
        let outcome = stage.would(By::School, at(10, 0), request(&[1, 2], 1_000, 0));
        assert_eq!(outcome.is_ok(), expected.fits(), "{expected:?}: {outcome:?}");
    }
    assert_eq!(fit(None, &wanted()), Fit::NoWallet);
}

/// An operation that does an act, and who signs it.
fn operation(act: Act, order: &keis_ledger::record::Order) -> OrderAction {
    let first = order.lines.iter().position(|line| line.state != LineState::Dropped).unwrap_or(0);
    let first = u16::try_from(first).expect("few lines");
    match act {
        Act::TakeUp => request(&[1, 2], 1_000, 0),
        Act::AcceptChange => OrderAction::AcceptChange,
        Act::RefuseChange | Act::DropChange => OrderAction::DropChange,
        Act::ProposeChange => {
            OrderAction::ProposeChange(Change::Booking { session: None, drop: vec![first], add: vec![pupil(5)] })
        }
        Act::Swap => OrderAction::Swap { lines: vec![(first, pupil(5))] },
        Act::DropLines => OrderAction::DropLines { lines: vec![first] },
        Act::ConfirmAttendance => OrderAction::ConfirmAttendance { absent: vec![], added: vec![] },
        Act::AmendAttendance => OrderAction::ProposeChange(Change::Attendance { absent: vec![first] }),
        Act::Cancel => OrderAction::Cancel,
    }
}

const ACTS: [Act; 10] = [
    Act::TakeUp,
    Act::AcceptChange,
    Act::RefuseChange,
    Act::DropChange,
    Act::ProposeChange,
    Act::Swap,
    Act::DropLines,
    Act::ConfirmAttendance,
    Act::AmendAttendance,
    Act::Cancel,
];

/// At instants around every deadline, the page offers an act exactly when the ledger takes it.
fn offers_what_is_taken(stage: &mut Stage) {
    let order = stage.order();
    let calendar = stage.parameters.calendar.clone();
    let edges = [
        order.deadline,
        order.start,
        order.end,
        order.start.before(order.rules.free_change),
        order.start.before(order.rules.free_cancel),
        order.rules.attendance_deadline(&calendar, order.end),
    ];
    for edge in edges {
        for now in [edge.before(Span(1)), edge, edge.after(Span(1))] {
            let offered = possible(&order, now, order.rules.attendance_deadline(&calendar, order.end));
            for act in ACTS {
                // Refusing and taking back are one operation; the other side's change is not the school's to take back.
                let side = order.change.as_ref().map(|waiting| waiting.by);
                let named = if act == Act::RefuseChange {
                    side == Some(keis_ledger::record::Side::Provider)
                } else if act == Act::DropChange {
                    side == Some(keis_ledger::record::Side::Orderer)
                } else {
                    act != Act::TakeUp || order.state == OrderState::Proposed
                };
                let taken = named.then(|| stage.would(By::School, now, operation(act, &order)));
                let is_taken = taken.as_ref().is_some_and(Result::is_ok);
                let is_offered = offered.iter().any(|one| one.act == act);
                assert_eq!(is_offered, is_taken, "{act:?} in {:?} at {now:?}: {taken:?}", order.state);
            }
        }
    }
}

fn booking() -> OrderAction {
    OrderAction::ProposeChange(Change::Booking { session: Some(session(2)), drop: vec![], add: vec![] })
}

#[test]
fn the_page_offers_what_the_ledger_takes() {
    let end = offer(1).end;
    let (school, provider) = (By::School, By::Provider);
    let requested = vec![(school, at(10, 0), request(&[1, 2], 1_000, 0))];
    let confirmed = [requested.clone(), vec![(provider, at(11, 0), OrderAction::Confirm)]].concat();
    let delivered = |absent| {
        let report = (provider, end, OrderAction::ReportDelivery { absent });
        [confirmed.clone(), vec![report]].concat()
    };
    let attended =
        [delivered(vec![0]), vec![(school, end, OrderAction::ConfirmAttendance { absent: vec![0], added: vec![] })]]
            .concat();
    let amended = OrderAction::ProposeChange(Change::Attendance { absent: vec![] });
    let walks = [
        vec![(school, at(10, 0), OrderAction::Propose { session: session(1), pupils: pupils(&[1, 2]) })],
        requested.clone(),
        [requested.clone(), vec![(provider, at(11, 0), booking())]].concat(),
        [requested.clone(), vec![(school, at(11, 0), booking())]].concat(),
        [requested.clone(), vec![(school, at(11, 0), OrderAction::DropLines { lines: vec![0] })]].concat(),
        [requested, vec![(provider, at(11, 0), OrderAction::Decline)]].concat(),
        confirmed.clone(),
        [confirmed.clone(), vec![(provider, at(12, 0), booking())]].concat(),
        [confirmed.clone(), vec![(school, at(12, 0), booking())]].concat(),
        [confirmed.clone(), vec![(school, at(12, 0), OrderAction::Cancel)]].concat(),
        [confirmed.clone(), vec![(provider, at(12, 0), OrderAction::Cancel)]].concat(),
        delivered(vec![]),
        attended.clone(),
        [attended.clone(), vec![(provider, end.after(Span(1)), amended.clone())]].concat(),
        [attended, vec![(school, end.after(Span(1)), amended)]].concat(),
    ];
    for walk in walks {
        let mut stage = Stage::new(1_000, &[1_400; 5], 0, SHARES[0]);
        for (by, now, action) in walk {
            stage.act(by, now, action).expect("the walk is one that the ledger takes");
        }
        offers_what_is_taken(&mut stage);
    }
}

#[test]
fn cancelling_and_dropping_cost_what_the_page_says() {
    for (seed, shares) in (1..).zip(SHARES.repeat(6)) {
        let balances = balances(seed, 4);
        let mut stage = Stage::new(999, &balances, 100_000, shares);
        let calendar = stage.parameters.calendar.clone();
        stage.act(By::School, at(10, 0), request(&[1, 2, 3, 4], 999, 10_000)).expect("the money reaches");
        stage.act(By::Provider, at(11, 0), OrderAction::Confirm).expect("it waits for the provider");
        let order = stage.order();
        let last = late_from(&order);
        assert_eq!(
            cancelling(&order, last, order.rules.attendance_deadline(&calendar, order.end)),
            Cancelling::Free(Some(last))
        );
        for now in [last, last.after(Span(1)), order.start.before(Span(1))] {
            let mut cancelled = stage.clone();
            cancelled.act(By::School, now, OrderAction::Cancel).expect("it has not begun");
            let said = match cancelling(&order, now, order.rules.attendance_deadline(&calendar, order.end)) {
                Cancelling::Free(_) => Amounts::ZERO,
                Cancelling::Late { total, .. } => total,
                Cancelling::Impossible => panic!("the ledger took it"),
            };
            assert_eq!(cancelled.earned(), said, "at {now:?} with {shares:?}");
            let mut dropped = stage.clone();
            dropped.act(By::School, now, OrderAction::DropLines { lines: vec![0, 2] }).expect("two stay");
            assert_eq!(dropped.earned(), drop_cost(&order, &[0, 2], now));
        }
    }
}

#[test]
fn attendance_costs_what_the_page_says() {
    for (seed, shares) in (1..).zip(SHARES.repeat(8)) {
        let balances = balances(seed, 6);
        let mut stage = Stage::new(1_001, &balances, 100_000, shares);
        stage.act(By::School, at(10, 0), request(&[1, 2, 3, 4], 1_001, 100_000)).expect("the money reaches");
        stage.act(By::Provider, at(11, 0), OrderAction::Confirm).expect("it waits for the provider");
        let end = offer(1).end;
        stage.act(By::Provider, end, OrderAction::ReportDelivery { absent: vec![] }).expect("it is over");
        let order = stage.order();
        for absent in [vec![], vec![1], vec![0, 3], vec![0, 1, 2, 3]] {
            let added: Vec<u8> = if seed % 2 == 0 { vec![5, 6] } else { vec![] };
            let cost_of_added: Vec<Cents> = added.iter().map(|number| stage.wallet(*number).balance).collect();
            let mut after = stage.clone();
            let action = OrderAction::ConfirmAttendance { absent: absent.clone(), added: pupils(&added) };
            after.act(By::School, end.after(Span(1)), action).expect("nobody is elsewhere");
            assert_eq!(after.earned(), attendance(&order, &absent, &cost_of_added), "{absent:?} with {shares:?}");
            amending_costs_what_the_page_says(after, end);
        }
    }
}

fn amending_costs_what_the_page_says(mut stage: Stage, end: Timestamp) {
    let order = stage.order();
    if order.state != OrderState::Attended {
        return;
    }
    let change = OrderAction::ProposeChange(Change::Attendance { absent: vec![2] });
    stage.act(By::Provider, end.after(Span(2)), change).expect("no statement names it");
    stage.act(By::School, end.after(Span(3)), OrderAction::AcceptChange).expect("the money reaches");
    assert_eq!(stage.earned().total(), Some(amendment(&order, &[2])));
}

#[test]
fn pupils_who_come_instead_cost_what_the_page_says() {
    for seed in 1..30 {
        let balances = balances(seed, 6);
        let agreed: u64 = balances.iter().take(3).map(|one| 1_000_u64.saturating_sub(*one)).sum();
        let mut stage = Stage::new(1_000, &balances, 100_000, SHARES[0]);
        stage.act(By::School, at(10, 0), request(&[1, 2, 3], 1_000, agreed)).expect("the money reaches");
        let order = stage.order();
        let balances = [stage.wallet(5).balance, stage.wallet(6).balance];
        let (cost, lacking) = refill(&order, &[0, 2], &balances);
        let before = stage.purse();
        let freed = [0, 2].map(|line: usize| order.lines[line].held.school.get()).iter().sum::<u64>();
        let swap = OrderAction::Swap { lines: vec![(0, pupil(5)), (2, pupil(6))] };
        let outcome = stage.act(By::School, at(11, 0), swap);
        if lacking.is_zero() {
            outcome.expect("the school allowed as much");
            assert_eq!(stage.purse().get() + cost.school.get(), before.get() + freed);
        } else {
            assert_eq!(outcome, Err(Rejection::SchoolMoneyExceeded { missing: lacking }));
        }
    }
}

#[test]
fn an_order_of_its_own_is_no_clash() {
    let booked = [Booking { order: ORDER, start: at(5, 8), end: at(5, 10) }];
    assert!(clash(&booked, Some(ORDER), at(5, 9), at(5, 11)).is_none());
    assert_eq!(clash(&booked, None, at(5, 9), at(5, 11)), Some(&booked[0]));
}

#[test]
fn what_nobody_answered_is_over_at_its_deadline() {
    let mut stage = Stage::new(1_000, &[1_400; 2], 0, SHARES[0]);
    stage.act(By::School, at(10, 0), request(&[1], 1_000, 0)).expect("the money reaches");
    let order = stage.order();
    assert!(!is_over(&order, order.deadline.before(Span(1))));
    assert!(is_over(&order, order.deadline));
}
