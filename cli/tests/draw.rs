//! Drawing a sample: the seed alone decides, everybody draws the same, and only what moved money is drawn.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use keis_cli::draw::{Named, Sample};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{BlockId, Nullifier, OrderId, PupilId, SchoolId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Change, NewPupil, Operation, OrderAction, WalletOperation};

const YEAR: Year = Year(2027);
const NETWORK: Hash = Hash([3; 32]);
const BLOCK: BlockId = BlockId([4; 32]);

fn pupil(number: u8) -> PupilId {
    PupilId([number; 16])
}

fn open(year: Year, numbers: std::ops::Range<u8>) -> Operation {
    let new = |number| NewPupil {
        pupil: pupil(number),
        nullifier: Nullifier([number; 32]),
        school: SchoolId([1; 16]),
        grade: 5,
    };
    Operation::Wallet(WalletOperation::OpenPupils { year, pupils: numbers.map(new).collect() })
}

fn act(order: u8, action: OrderAction) -> Operation {
    Operation::Order { year: YEAR, order: OrderId([order; 16]), action }
}

fn request(order: u8, pupils: &[u8]) -> Operation {
    let pupils = pupils.iter().map(|number| pupil(*number)).collect();
    let (session, price, school_money) = (SessionId([2; 16]), Cents::new(800), Cents::ZERO);
    act(order, OrderAction::Request { session, pupils, price, school_money })
}

fn named(operations: &[Operation]) -> Named {
    let mut named = Named::default();
    operations.iter().for_each(|operation| named.take(YEAR, operation));
    named
}

fn draw(named: &Named, seed: &str, most: usize) -> Sample {
    named.draw(NETWORK, BLOCK, seed, YEAR, most).unwrap()
}

#[test]
fn the_seed_alone_decides() {
    let requests: Vec<Operation> = (1..=100).map(|order| request(order, &[order % 9 + 1])).collect();
    let mut operations = vec![open(YEAR, 1..20)];
    operations.extend(requests.clone());
    let one = draw(&named(&operations), "lottery of 3 May", 10);
    assert_eq!((one.orders.len(), one.drawn_from), (10, 100));
    operations[1..].reverse();
    assert_eq!(draw(&named(&operations), "lottery of 3 May", 10), one, "the order of blocks decides nothing");
    let longer = draw(&named(&operations), "lottery of 3 May", 20);
    assert_eq!(longer.orders[..10], one.orders, "a larger sample begins with the smaller one");
    let other = draw(&named(&operations), "lottery of 4 May", 10);
    assert_ne!(other.orders, one.orders);
    assert_ne!(other.mark(), one.mark());
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Sample>(&text).unwrap().mark(), one.mark());
    assert_eq!(draw(&named(&operations), "x", 1_000).orders.len(), 100);
}

#[test]
fn every_wallet_that_an_order_named_is_listed() {
    let add = Change::Booking { session: None, drop: vec![0], add: vec![pupil(3)] };
    let named = named(&[
        open(YEAR, 1..9),
        open(Year(2026), 9..12),
        request(1, &[1, 2]),
        act(1, OrderAction::ProposeChange(add)),
        act(1, OrderAction::Swap { lines: vec![(1, pupil(4))] }),
        act(1, OrderAction::ConfirmAttendance { absent: vec![], added: vec![pupil(5)] }),
        act(2, OrderAction::Propose { session: SessionId([2; 16]), pupils: vec![pupil(6)] }),
    ]);
    let sample = draw(&named, "x", 9);
    assert_eq!(sample.drawn_from, 1, "what was proposed only moved no money");
    let wallets: Vec<PupilId> = sample.orders[0].wallets.iter().map(|one| one.wallet).collect();
    assert_eq!(wallets, [1, 2, 3, 4, 5].map(pupil));
    assert_eq!(sample.orders[0].wallets[0].nullifier, Nullifier([1; 32]));
}

#[test]
fn an_order_of_unopened_wallets_is_a_fault() {
    let named = named(&[open(YEAR, 1..2), request(1, &[1, 7])]);
    let refused = named.draw(NETWORK, BLOCK, "x", YEAR, 5).unwrap_err();
    assert!(refused.to_string().contains("never opened"), "{refused}");
}
