//! A reader of one chain goes on block by block, to the same headers as everybody else; a block that is false leaves it
//! where it was, and it can go back.

mod support;

use keis_ledger::block::{Block, InvalidBlock, Tip, execute};
use keis_ledger::chain::Header;
use keis_ledger::crypto::Hash;
use keis_ledger::follow::{Followed, Follower};
use keis_ledger::record::{Sealed, StatementState, YearRecord};
use keis_ledger::state::{Roots, State};
use keis_ledger::time::Timestamp;
use keis_ledger::tree::TreeKey;
use support::settlement::*;
use support::stage::*;
use support::{BUDGET_HOLDER, World, day, verified};

/// A year from its opening to its seal.
fn lived() -> World {
    let mut world = with_statement(StatementState::Reconciled);
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("the year is over");
    world.tick();
    world.submit(BUDGET_HOLDER, seal_year()).expect("nothing is left to do");
    world
}

/// The same block with another header.
fn with_header(block: &Block, change: impl FnOnce(&mut Header)) -> Block {
    let mut other = block.clone();
    change(&mut other.header);
    other
}

fn take(follower: &mut Follower, block: &Block) -> Result<Followed, InvalidBlock> {
    follower.take(&block.header, block.header.id(), &verified(block))
}

const START: TreeKey = TreeKey([0; 34]);

/// The reader has the records of a state and no others.
fn assert_has(follower: &Follower, state: &State) {
    assert!(follower.records().records_from(&START).eq(state.records()));
    // From the middle on, too.
    let middle = TreeKey([0x7F; 34]);
    assert!(follower.records().records_from(&middle).eq(state.records_from(&middle)));
}

fn assert_stands(follower: &Follower, tip: &Tip) {
    assert_eq!((follower.height(), follower.block(), follower.time()), (tip.height, tip.block, tip.time));
    assert_has(follower, &tip.state);
}

#[test]
fn goes_where_execution_goes() {
    let world = lived();
    let (mut follower, mut roots) = (Follower::of(&world.genesis), Roots::of(&world.genesis.state));
    assert_eq!(roots.root(), world.genesis.state.root());
    let mut tip = world.genesis.clone();
    for block in &world.blocks {
        let executed = execute(&tip, block, &verified(block)).expect("it was decided");
        // What is known of a year spares its seal the hashes; elsewhere here it is not told.
        follower.weigh_by(&roots);
        let Followed { unproven, sealed, retreat } = take(&mut follower, block).expect("it was decided");
        let (header, receipts) = unproven.prove(&mut roots, block.header.transactions_root);
        assert_eq!((&header, &receipts), (&executed.block.header, &executed.receipts));
        let gone = retreat.into_sealed();
        assert!(sealed.iter().eq(executed.sealed.iter().map(|(year, _)| year)));
        for ((year, records), (of, state)) in gone.iter().zip(&executed.sealed) {
            assert_eq!(year, of);
            assert!(records.records_from(&START).eq(state.records()));
        }
        assert_eq!(gone.len(), sealed.len());
        assert_stands(&follower, &executed.tip);
        tip = executed.tip;
    }
    assert!(follower.get::<YearRecord>(YEAR).is_none());
    assert!(follower.get::<Sealed>(YEAR).is_some(), "the last block sealed the year");
}

#[test]
fn tells_another_header_than_a_false_one() {
    let world = lived();
    let (mut follower, mut roots) = (Follower::of(&world.genesis), Roots::of(&world.genesis.state));
    let mut tip = world.genesis.clone();
    for block in &world.blocks {
        let other = Hash([9; 32]);
        for (wrong, fault) in [
            (with_header(block, |header| header.parent.0 = other.0), InvalidBlock::Parent),
            (with_header(block, |header| header.network = other), InvalidBlock::Parent),
            (with_header(block, |header| header.time = Timestamp(1)), InvalidBlock::Time(Timestamp(1))),
        ] {
            assert_eq!(take(&mut follower, &wrong).err(), Some(fault));
            assert_eq!(execute(&tip, &wrong, &verified(block)).err(), Some(fault));
            assert_stands(&follower, &tip);
        }
        // What execution gives does not depend on what the header says of it.
        let wrong = with_header(block, |header| (header.state_root, header.receipts_root) = (other, other));
        assert_eq!(execute(&tip, &wrong, &verified(block)).err(), Some(InvalidBlock::Header));
        let followed = take(&mut follower, &wrong).expect("its contents are lawful");
        follower.retreat(followed.retreat);
        assert_stands(&follower, &tip);
        let followed = take(&mut follower, block).expect("it was decided");
        let (header, _) = followed.unproven.prove(&mut roots, block.header.transactions_root);
        assert_eq!(header, block.header);
        tip = execute(&tip, block, &verified(block)).expect("it was decided").tip;
    }
}

#[test]
fn goes_back_block_by_block() {
    let world = lived();
    let mut follower = Follower::of(&world.genesis);
    let mut way = Vec::new();
    let mut tip = world.genesis.clone();
    for block in &world.blocks {
        let followed = take(&mut follower, block).expect("it was decided");
        let next = execute(&tip, block, &verified(block)).expect("it was decided").tip;
        way.push((followed.retreat, std::mem::replace(&mut tip, next)));
    }
    for (retreat, tip) in way.into_iter().rev() {
        follower.retreat(retreat);
        assert_stands(&follower, &tip);
    }
}
