//! A reader of one chain goes on block by block, to the same states as everybody else; a block that is false leaves it
//! where it was.

mod support;

use keis_ledger::block::{Block, InvalidBlock, Tip, advance, execute};
use keis_ledger::chain::Header;
use keis_ledger::crypto::Hash;
use keis_ledger::record::{Sealed, StatementState, YearRecord};
use keis_ledger::time::Timestamp;
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

/// Headers that do not follow, each with its fault.
fn false_blocks(block: &Block) -> Vec<(Block, InvalidBlock)> {
    let other = Hash([9; 32]);
    let header = InvalidBlock::Header;
    vec![
        (with_header(block, |header| header.state_root = other), header),
        (with_header(block, |header| header.receipts_root = other), header),
        (with_header(block, |header| header.transactions_root = other), header),
        (with_header(block, |header| header.next_validators = other), header),
        (with_header(block, |header| header.parent.0 = other.0), InvalidBlock::Parent),
        (with_header(block, |header| header.time = Timestamp(1)), InvalidBlock::Time(Timestamp(1))),
    ]
}

fn assert_stands(tip: &Tip, (height, root): (u64, Hash)) {
    assert_eq!((tip.height.0, tip.state.root()), (height, root));
    assert_eq!(tip.state.records().count(), tip.state.len());
}

#[test]
fn goes_where_execution_goes() {
    let world = lived();
    let (mut reader, mut other) = (world.genesis.clone(), world.genesis.clone());
    for block in &world.blocks {
        let transactions = verified(block);
        let executed = execute(&other, block, &transactions).expect("it was decided");
        let advanced = advance(&mut reader, block, &transactions).expect("it was decided");
        assert_eq!((&advanced.block, &advanced.receipts), (&executed.block, &executed.receipts));
        let sealed = |executed: &keis_ledger::block::Executed| -> Vec<_> {
            executed.sealed.iter().map(|(year, records)| (*year, records.root(), records.len())).collect()
        };
        assert_eq!(sealed(&advanced), sealed(&executed));
        assert_eq!(
            (reader.height, reader.block, reader.time),
            (executed.tip.height, executed.tip.block, executed.tip.time)
        );
        assert_stands(&reader, (executed.tip.height.0, executed.tip.state.root()));
        other = executed.tip;
    }
    assert!(reader.state.get::<YearRecord>(YEAR).is_none());
    assert!(reader.state.get::<Sealed>(YEAR).is_some(), "the last block sealed the year");
}

#[test]
fn stays_where_it_was_before_a_false_block() {
    let world = lived();
    let mut reader = world.genesis.clone();
    for block in &world.blocks {
        let transactions = verified(block);
        let before = (reader.height.0, reader.state.root());
        for (wrong, fault) in false_blocks(block) {
            assert_eq!(advance(&mut reader, &wrong, &transactions).err(), Some(fault));
            assert_eq!(execute(&reader, &wrong, &transactions).err(), Some(fault));
            assert_stands(&reader, before);
        }
        advance(&mut reader, block, &transactions).expect("it was decided");
    }
    assert_eq!(reader.state.root(), world.tip.state.root());
}

#[test]
fn clones_of_the_tip_keep_their_state() {
    let world = lived();
    let mut reader = world.genesis.clone();
    let mut kept = Vec::new();
    for block in &world.blocks {
        advance(&mut reader, block, &verified(block)).expect("it was decided");
        kept.push((reader.clone(), block.header.state_root));
    }
    for (tip, root) in kept {
        assert_eq!(tip.state.root(), root);
        let again = keis_ledger::state::State::from_records(
            tip.state.records().map(|(place, record)| (*place, record.clone())),
        );
        assert_eq!(again.expect("records ascend").root(), root);
    }
}
