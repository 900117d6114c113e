//! The end of a year: free money returns over several blocks, each of bounded work.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::ids::{Nullifier, PupilId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, NewPupil, Operation};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, YearRecord};
use support::scenario::{check, does, refused};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, replay};

#[test]
fn free_money_returns_and_what_is_set_aside_follows() {
    let mut world = with_order(OrderState::Requested);
    world.submit(PROVIDER, confirm(1)).expect("confirmed");
    check(
        &mut world,
        [does("an order is never reported", BUDGET_HOLDER, end_year(), Kind::YearEnded)
            .at(day(353))
            .money("state: pupils 8200, escrow 3000, returned 1988800; school: schools 3000")],
    );
    let [returned] = &world.tick()[..] else { panic!("one block has room for all") };
    assert_eq!(returned.receipt.kind, Kind::FundsReturned);
    assert_eq!((returned.receipt.total.state, returned.receipt.total.school), (Cents::new(8_200), Cents::new(3_000)));
    assert_eq!(returned.lines.len(), 8);
    check(
        &mut world,
        [
            refused("no new orders", SCHOOL, request(2, 2, &[4], 0), keis_ledger::rejection::Rejection::YearEnded),
            does("what is set aside returns to its source", SCHOOL, cancel(1), Kind::OrderCancelled)
                .money("state: returned 2000000; school: returned 3000"),
        ],
    );
    assert_eq!(world.tip.state.first_due(), None);
}

fn many(batch: u16) -> Vec<NewPupil> {
    let one = |number: u16| {
        let mut id = [batch as u8 + 100; 16];
        id[14..].copy_from_slice(&number.to_be_bytes());
        let mut nullifier = [batch as u8 + 100; 32];
        nullifier[30..].copy_from_slice(&number.to_be_bytes());
        NewPupil {
            pupil: PupilId(id),
            nullifier: Nullifier(nullifier),
            school: keis_ledger::ids::SchoolId([1; 16]),
            grade: 5,
        }
    };
    (0..500).map(one).collect()
}

#[test]
fn a_large_year_returns_over_several_blocks() {
    let mut parameters = support::network_parameters();
    parameters.max_touched = 4_000;
    let mut world = World::with(parameters);
    staged_with(
        &mut world,
        keis_ledger::parameters::ProgrammeParameters {
            amount_per_pupil: Cents::new(100),
            ..support::stage::parameters()
        },
    );
    world.clock = world.tip.time;
    for batch in 0..10 {
        let pupils = many(batch);
        let ids = pupils.iter().map(|new| new.pupil).collect();
        world.submit(OPERATOR, open_pupils(pupils)).expect("opened");
        if batch < 8 {
            let allocation = FundsOperation::Allocate { year: YEAR, pupils: ids };
            world.submit(OPERATOR, Operation::Funds(allocation)).expect("allocated");
        }
    }
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("ended");
    let before = world.blocks.len();
    let steps = world.tick();
    // 4,008 wallets with money, at most half of 4,000 touched records a block.
    assert_eq!((steps.len(), world.blocks.len() - before), (3, 3));
    assert!(steps.iter().all(|step| step.receipt.kind == Kind::FundsReturned && step.lines.len() <= 2_000));
    let year = world.get::<YearRecord>(YEAR);
    assert!(year.state_money.pupils.is_zero() && year.school_money.schools.is_zero());
    assert_eq!(replay(&world).state.root(), world.tip.state.root());
}
