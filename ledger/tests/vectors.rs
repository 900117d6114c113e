//! Encodings, hashes and roots that must never move: signed transactions, blocks and stored states depend on them.
//!
//! Where one has to move, so does the protocol version. `KEIS_WRITE_VECTORS=1` writes the files anew.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use std::path::Path;

use keis_ledger::codec;
use keis_ledger::operation::Buyer;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_ledger::record::{Entity, Institution, Order, RecordKey};
use keis_ledger::time::Timestamp;
use support::governance::{decision, equals, institution, set, vote};
use support::samples::{every_operation, name};
use support::stage::*;
use support::{NEW_YEAR, OPERATOR, World, day, network_parameters};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file's lines are these.
fn frozen(file: &str, lines: &[(String, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let now: String = lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    if std::env::var_os("KEIS_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &now).expect("the vectors can be written");
    }
    let then = std::fs::read_to_string(&path).expect("the vectors are there");
    for (now, then) in now.lines().zip(then.lines()) {
        assert_eq!(now, then, "{file} has moved");
    }
    assert_eq!(now.lines().count(), then.lines().count(), "{file} has as many lines");
}

#[test]
fn transactions() {
    let world = World::founded();
    let mut lines = Vec::new();
    for operation in every_operation() {
        let name = name(&operation);
        let signed = world.sign_until(SCHOOL, None, operation, 0x0102_0304_0506_0708, NEW_YEAR);
        lines.push((format!("{name}.raw"), hex(signed.raw())));
        lines.push((format!("{name}.id"), signed.id().to_string()));
    }
    let behalf = keis_ledger::operation::Party::School(school(1));
    let signed = world.sign_until(OPERATOR, Some(behalf), confirm(1), 1, Timestamp(u64::MAX));
    lines.push(("on_behalf.raw".to_owned(), hex(signed.raw())));
    lines.push(("on_behalf.id".to_owned(), signed.id().to_string()));
    frozen("transactions.txt", &lines);
}

/// An order from its request through a change, attendance and an amendment of it to the accepted statement.
fn walk() -> (World, Vec<(String, String)>) {
    // The first version of the rules: its chains are executed again by every later build.
    let mut world = World::with(NetworkParameters { protocol: protocol::FIRST, ..network_parameters() });
    staged(&mut world);
    let mut roots = vec![
        ("founded".to_owned(), world.genesis.state.root().to_string()),
        ("staged".to_owned(), world.tip.state.root().to_string()),
    ];
    let steps = [
        ("requested", 2, SCHOOL, request(1, 1, &[1, 2, 3], 0)),
        ("confirmed", 2, PROVIDER, confirm(1)),
        ("change_proposed", 2, SCHOOL, change(1, Some(2), &[0], &[4])),
        ("change_accepted", 2, PROVIDER, accept_change(1)),
        ("swapped", 3, SCHOOL, swap(1, &[(1, 5)])),
        ("delivered", 68, PROVIDER, report(1, &[1])),
        ("attended", 68, SCHOOL, attend(1, &[1], &[GROWN])),
        ("amendment_proposed", 69, PROVIDER, amend_attendance(1, &[])),
        ("amended", 69, SCHOOL, accept_change(1)),
        ("statement_issued", 70, OPERATOR, issue(1, 1, Buyer::Programme, &[1])),
        ("statement_accepted", 70, PROVIDER, accept(1)),
    ];
    for (name, on, who, operation) in steps {
        world.at(day(on));
        world.submit(who, operation).unwrap_or_else(|rejection| panic!("{name}: {rejection}"));
        roots.push((name.to_owned(), world.tip.state.root().to_string()));
    }
    (world, roots)
}

#[test]
fn roots_of_a_walk() {
    let (_, roots) = walk();
    frozen("walk.txt", &roots);
}

#[test]
fn blocks_receipts_and_records() {
    let (world, _) = walk();
    let block = world.blocks.last().expect("a block");
    let attended = world.receipts.iter().rev().nth(4).expect("attendance was confirmed");
    let key = RecordKey::Order(YEAR, order(1));
    let record = world.get::<Order>((YEAR, order(1))).clone().into_record();
    let validators = support::validators();
    let frozen_values = [
        ("header", hex(&codec::encode(&block.header))),
        ("header.id", block.header.id().to_string()),
        ("block", hex(&block.encode())),
        ("receipt", hex(&codec::encode(&attended.receipt))),
        ("receipt.leaf", attended.receipt.leaf().to_string()),
        ("receipt.lines_root", attended.receipt.lines_root.to_string()),
        ("receipt.full", hex(&codec::encode(attended))),
        ("record.key", hex(&codec::encode(&key))),
        ("record.place", key.place().to_string()),
        ("record", hex(&codec::encode(&record))),
        ("record.hash", record.hash().to_string()),
        ("record.proof", hex(&codec::encode(&world.tip.state.prove(&key)))),
        ("validators", hex(&codec::encode(&validators))),
        ("validators.hash", validators.hash().to_string()),
    ];
    let lines: Vec<(String, String)> = frozen_values.map(|(name, value)| (name.to_owned(), value)).to_vec();
    frozen("chain.txt", &lines);
}

#[test]
fn governance() {
    let mut world = World::governed(4);
    let proposed = world.propose(1, vote(1), &set(&equals(1..=5), &[5])).expect("proposed");
    world.approve(1, vote(2)).expect("a vote");
    let decided = world.approve(1, vote(3)).expect("decided");
    let lines = [
        ("proposed.receipt", hex(&codec::encode(&proposed.receipt))),
        ("decided.receipt", hex(&codec::encode(&decided.receipt))),
        ("decided.receipt.leaf", decided.receipt.leaf().to_string()),
        ("decision", hex(&codec::encode(&world.decision(1).clone().into_record()))),
        ("decision.place", RecordKey::Decision(decision(1)).place().to_string()),
        ("institution", hex(&codec::encode(&world.get::<Institution>(institution(5)).clone().into_record()))),
        ("institution.place", RecordKey::Institution(institution(5)).place().to_string()),
        ("next_validators", world.network().validators.hash().to_string()),
        ("root", world.tip.state.root().to_string()),
    ];
    frozen("governance.txt", &lines.map(|(name, value)| (name.to_owned(), value)));
}
