//! Encodings, hashes and roots that must never move: signed transactions, blocks and stored states depend on them.
//!
//! Where one has to move, so does the protocol version. `KEIS_WRITE_VECTORS=1` writes the files anew.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use std::path::Path;

use keis_ledger::classifiers::Scope;
use keis_ledger::codec;
use keis_ledger::operation::{Buyer, ClosureScope, Operation, Party, WalletOperation};
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_ledger::record::{
    BoundIn, Closure, Dispute, DueKey, DueKind, DueWork, Entity, Era, Exceptions, Institution, Order, OrderState,
    Record, RecordKey, Sealed, SealedProof, StatementState, Succession,
};
use keis_ledger::time::{Span, Timestamp};
use support::governance::{decision, equals, institution, set, vote};
use support::samples::{every_operation, name};
use support::stage::*;
use support::{BUDGET_HOLDER, NEW_YEAR, OPERATOR, World, day, network_parameters, secret};

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

/// The samples that the first version of the rules knows stand first.
const OF_FIRST_VERSION: usize = 37;

#[test]
fn transactions() {
    let world = World::founded();
    let samples = every_operation();
    let (first, later) = samples.split_at(OF_FIRST_VERSION);
    let line = |operation: &Operation| {
        let signed = world.sign_until(SCHOOL, None, operation.clone(), 0x0102_0304_0506_0708, NEW_YEAR);
        let name = name(operation);
        [(format!("{name}.raw"), hex(signed.raw())), (format!("{name}.id"), signed.id().to_string())]
    };
    let mut lines: Vec<(String, String)> = first.iter().flat_map(line).collect();
    let behalf = keis_ledger::operation::Party::School(school(1));
    let signed = world.sign_until(OPERATOR, Some(behalf), confirm(1), 1, Timestamp(u64::MAX));
    lines.push(("on_behalf.raw".to_owned(), hex(signed.raw())));
    lines.push(("on_behalf.id".to_owned(), signed.id().to_string()));
    lines.extend(later.iter().flat_map(line));
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

/// Two orders and their parties through every remedy.
fn remedied() -> (World, Vec<(String, String)>) {
    let mut world = World::founded();
    staged(&mut world);
    let mut lines = Vec::new();
    let two = [OPERATOR, BUDGET_HOLDER];
    bring(&mut world, OrderState::Delivered);
    world.submit(SCHOOL, request(2, 2, &[4, 5], 0)).expect("requested");
    let mut root = |name: &str, world: &World| lines.push((name.to_owned(), world.tip.state.root().to_string()));
    world.submit(SCHOOL, dispute(1)).expect("disputed");
    root("disputed", &world);
    world.submit(SCHOOL, withdraw_dispute(1)).expect("withdrawn");
    root("dispute_withdrawn", &world);
    world.submit(PROVIDER, dispute(1)).expect("disputed");
    world.decided(1, &two, &resolve(1, &[1_000, 500, 0]));
    root("resolved", &world);
    world.decided(2, &two, &reverse(1, &[1]));
    root("reversed", &world);
    world.decided(3, &two, &extend(day(60), day(70), Span::days(2)));
    root("extended", &world);
    world.decided(4, &two, &force_majeure(day(67), day(68), ClosureScope::Service(service(1))));
    root("force_majeure_declared", &world);
    world.tick();
    root("force_majeure_ended", &world);
    world.decided(5, &two, &succeed(Party::School(school(1)), Party::School(school(2)), &[YEAR]));
    root("succeeded", &world);
    world
        .submit(OPERATOR, wallet(WalletOperation::RevokeAllKeys { party: Party::School(school(2)) }))
        .expect("revoked");
    world.submit(OPERATOR, bind(vec![grant(60, Party::School(school(2)), &[Scope::Order])])).expect("bound");
    root("keys_anew", &world);
    world.submit(OPERATOR, promote(&[4, 5], 2, 6, true)).expect("promoted");
    root("promoted", &world);
    (world, lines)
}

#[test]
fn remedies() {
    let (world, mut lines) = remedied();
    let mut record = |name: &str, key: RecordKey, record: Record| {
        lines.push((format!("{name}.place"), key.place().to_string()));
        lines.push((format!("{name}.record"), hex(&codec::encode(&record))));
    };
    let (ours, theirs, key) = (Party::School(school(1)), Party::School(school(2)), secret(60).public());
    let dispute = *world.get::<Dispute>((YEAR, order(1)));
    record("dispute", RecordKey::Dispute(YEAR, order(1)), dispute.into_record());
    let mut exceptions = world.get::<Exceptions>(YEAR).clone();
    let (from, until) = (day(60), day(61));
    exceptions.closures.push(Closure { decision: decision(1), from, until, scope: ClosureScope::Everything });
    record("exceptions", RecordKey::Exceptions(YEAR), exceptions.into_record());
    record("succession", RecordKey::Succession(ours), world.get::<Succession>(ours).into_record());
    record("era", RecordKey::Era(theirs), world.get::<Era>(theirs).into_record());
    record("bound_in", RecordKey::BoundIn(key), world.get::<BoundIn>(key).into_record());
    let strike = DueKey::order(DueKind::Strike, day(60), (YEAR, order(1)));
    record("strike", RecordKey::Due(strike), DueWork::Strike(YEAR, order(1)).into_record());
    let walk = DueKey::closure(day(60), YEAR, decision(1));
    let from = RecordKey::year_start(YEAR);
    record("closure", RecordKey::Due(walk), DueWork::Closure(YEAR, decision(1), from).into_record());
    frozen("remedies.txt", &lines);
}

/// A year sealed after a paid and reconciled statement: the one leaf that is left of it, and what proves a record under it.
#[test]
fn a_sealed_year() {
    let mut world = support::settlement::with_statement(StatementState::Reconciled);
    world.at(day(353)).submit(BUDGET_HOLDER, end_year()).expect("ended");
    world.tick();
    let bill = world.bill(1).clone().into_record();
    let archive = world.tip.state.year(YEAR);
    world.submit(BUDGET_HOLDER, support::settlement::seal_year()).expect("sealed");
    let (leaf, key) = (RecordKey::Sealed(YEAR), RecordKey::Order(YEAR, order(1)));
    let sealed = *world.get::<Sealed>(YEAR);
    let proof = SealedProof { leaf: world.tip.state.prove(&leaf), record: archive.prove(&key) };
    let held = archive.get::<Order>((YEAR, order(1))).expect("an archive reads on").clone().into_record();
    let (root, hash) = (world.tip.state.root(), held.hash());
    assert_eq!(proof.verify(&root, (YEAR, &sealed), &key, Some(&hash)), Ok(()), "an archive of the block before");
    let frozen_values = [
        ("bill", hex(&codec::encode(&bill))),
        ("sealed.key", hex(&codec::encode(&leaf))),
        ("sealed.place", leaf.place().to_string()),
        ("sealed.record", hex(&codec::encode(&sealed.into_record()))),
        ("sealed.root", sealed.root.to_string()),
        ("state.root", root.to_string()),
        ("record.hash", hash.to_string()),
        ("record.proof", hex(&codec::encode(&proof))),
    ];
    frozen("sealed.txt", &frozen_values.map(|(name, value)| (name.to_owned(), value)));
}
