//! What a stranger verifies with this crate alone: receipts, lines, records and certificates.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::block::Builder;
use keis_ledger::chain::{
    Address, Certificate, CertificateError, Height, ValidatorSet, ValidatorSetError, VoteStep, vote_bytes,
};
use keis_ledger::crypto::{Domain, Hash, hash};
use keis_ledger::ids::{BlockId, InstitutionId};
use keis_ledger::list;
use keis_ledger::record::{Entity, Order, OrderState, Record, RecordKey};
use support::stage::*;
use support::{NETWORK, World, secret, validators};

#[test]
fn a_receipt_is_proven_by_its_blocks_header() {
    let mut world = World::founded();
    staged(&mut world);
    let mut builder = Builder::start(&world.tip, world.next_time()).expect("time goes on");
    for number in 1..=3 {
        let transaction = world.sign(SCHOOL, None, request(number, number, &[number], 0));
        builder.offer(&transaction).expect("it takes effect");
    }
    let executed = world.decide(builder);
    let root = executed.block.header.receipts_root;
    let leaves: Vec<Hash> = executed.receipts.iter().map(|full| full.receipt.leaf()).collect();
    assert_eq!(list::root(&leaves), root);
    for (index, full) in executed.receipts.iter().enumerate() {
        let proof = list::prove(&leaves, index).expect("it is in the list");
        proof.verify(&root, &full.receipt.leaf()).expect("it is in the block");
        let mut other = full.receipt.clone();
        other.total.state = keis_ledger::money::Cents::new(1);
        assert!(proof.verify(&root, &other.leaf()).is_err(), "another receipt is not");
    }
    let transactions: Vec<Hash> = executed.block.transactions.iter().map(|raw| list::leaf(&[raw])).collect();
    assert_eq!(list::root(&transactions), executed.block.header.transactions_root);
}

#[test]
fn a_line_is_proven_to_its_party_and_guessed_by_nobody() {
    let mut world = World::founded();
    staged(&mut world);
    let full = world.submit(SCHOOL, request(1, 1, &[1, 2, 3], 0)).expect("requested");
    let id = full.receipt.id;
    let leaves: Vec<Hash> = (0..).zip(&full.lines).map(|(index, line)| line.leaf(&full.seed, &id, index)).collect();
    assert_eq!(list::root(&leaves), full.receipt.lines_root);
    let proof = list::prove(&leaves, 1).expect("it is in the list");
    // The blind of one line, as a party is given it, spelled out as README.md says.
    let blind = hash(Domain::Blind, &[&full.seed.0, &id.0, &1u32.to_be_bytes()]);
    let leaf = list::leaf(&[&blind.0, &keis_ledger::codec::encode(&full.lines[1])]);
    proof.verify(&full.receipt.lines_root, &leaf).expect("the party's own line");
    let guess = full.lines[1].leaf(&Hash::default(), &id, 1);
    assert!(proof.verify(&full.receipt.lines_root, &guess).is_err(), "without the blind a true guess proves nothing");
}

#[test]
fn automatic_receipts_are_blinded_too() {
    let mut world = with_order(OrderState::Requested);
    world.at(support::day(50));
    let [lapsed] = &world.tick()[..] else { panic!("one order lapses") };
    assert_ne!(lapsed.seed, Hash::default());
    assert_eq!(lapsed.lines.len(), 3);
    let step = hash(Domain::Step, &[&lapsed.receipt.height.0.to_be_bytes(), &0u64.to_be_bytes()]);
    assert_eq!(lapsed.receipt.id, step.into());
}

#[test]
fn a_record_and_its_absence_are_proven_by_the_state_root() {
    let world = with_order(OrderState::Confirmed);
    let header = &world.blocks.last().expect("a block").header;
    let key = RecordKey::Order(YEAR, order(1));
    let record: Record = world.get::<Order>((YEAR, order(1))).clone().into_record();
    let proof = world.tip.state.prove(&key);
    proof.verify(&header.state_root, &key.place(), Some(&record.hash())).expect("the order is there");
    let mut cheaper = world.get::<Order>((YEAR, order(1))).clone();
    cheaper.price = keis_ledger::money::Cents::new(1);
    assert!(proof.verify(&header.state_root, &key.place(), Some(&cheaper.into_record().hash())).is_err());
    let absent = RecordKey::Order(YEAR, order(2));
    let proof = world.tip.state.prove(&absent);
    proof.verify(&header.state_root, &absent.place(), None).expect("there is no such order");
    assert!(proof.verify(&header.state_root, &key.place(), None).is_err());
    for validator in validators().as_slice() {
        assert!(!format!("{:?}", proof).contains(&format!("{}", validator.key)), "a proof shows hashes only");
    }
}

const HEIGHT: Height = Height(7);
const BLOCK: BlockId = BlockId([5; 32]);

fn vote(number: u8, block: BlockId) -> (Address, keis_ledger::crypto::Signature) {
    let key = secret(200 + number);
    let address = Address::of(&key.public());
    let message = vote_bytes(&NETWORK, VoteStep::Precommit, HEIGHT, 2, Some(block), &address);
    (address, key.sign(&message))
}

fn certificate(signatures: Vec<(Address, keis_ledger::crypto::Signature)>) -> Certificate {
    Certificate { height: HEIGHT, round: 2, block: BLOCK, signatures }
}

#[test]
fn a_certificate_needs_more_than_two_thirds_of_this_heights_validators() {
    let set = validators();
    let votes: Vec<_> = (1..=4).map(|number| vote(number, BLOCK)).collect();
    certificate(votes.clone()).verify(&NETWORK, &set).expect("all four");
    certificate(votes[..3].to_vec()).verify(&NETWORK, &set).expect("three of four");
    let short = certificate(votes[..2].to_vec()).verify(&NETWORK, &set);
    assert_eq!(short, Err(CertificateError::Quorum { signed: 2, total: 4 }));
    assert_eq!(certificate(vec![]).verify(&NETWORK, &set), Err(CertificateError::Quorum { signed: 0, total: 4 }));
    let twice = certificate(vec![votes[0], votes[1], votes[0]]).verify(&NETWORK, &set);
    assert_eq!(twice, Err(CertificateError::Twice(votes[0].0)));
    let stranger = vote(9, BLOCK);
    let with_stranger = certificate(vec![votes[0], votes[1], votes[2], stranger]).verify(&NETWORK, &set);
    assert_eq!(with_stranger, Err(CertificateError::Stranger(stranger.0)));
    let other = vote(3, BlockId([6; 32]));
    let forged = certificate(vec![votes[0], votes[1], other]);
    assert_eq!(forged.verify(&NETWORK, &set), Err(CertificateError::Signature(other.0)));
    assert!(certificate(votes.clone()).verify(&Hash([8; 32]), &set).is_err(), "of another network");
    let mut other_round = certificate(votes.clone());
    other_round.round = 3;
    assert!(other_round.verify(&NETWORK, &set).is_err(), "of another round");
    let prevote = vote_bytes(&NETWORK, VoteStep::Prevote, HEIGHT, 2, Some(BLOCK), &votes[0].0);
    let weaker = (votes[0].0, secret(201).sign(&prevote));
    let mixed = certificate(vec![weaker, votes[1], votes[2]]);
    assert_eq!(mixed.verify(&NETWORK, &set), Err(CertificateError::Signature(weaker.0)), "a prevote decides nothing");
}

#[test]
fn no_institution_holds_a_third() {
    let of = |powers: &[(u8, u64)]| {
        let one = |(index, (institution, power)): (usize, &(u8, u64))| keis_ledger::chain::Validator {
            institution: InstitutionId([*institution; 16]),
            key: secret(100 + index as u8).public(),
            power: *power,
        };
        ValidatorSet::new(powers.iter().enumerate().map(one).collect()).map(|set| set.total_power())
    };
    assert_eq!(of(&[(1, 1), (2, 1), (3, 1), (4, 1)]), Ok(4));
    assert!(matches!(of(&[(1, 1), (2, 1), (3, 1)]), Err(ValidatorSetError::TooPowerful(_))));
    assert!(matches!(of(&[(1, 1), (1, 1), (2, 2), (3, 2)]), Err(ValidatorSetError::TooPowerful(_))));
    assert_eq!(of(&[(1, 0), (2, 1), (3, 1), (4, 1)]), Err(ValidatorSetError::Power));
    assert_eq!(of(&[(1, u64::MAX), (2, 1), (3, 1), (4, 1)]), Err(ValidatorSetError::Power));
    assert_eq!(of(&[(1, u64::MAX / 4), (2, 1), (3, 1), (4, 1)]), Err(ValidatorSetError::Power));
}

fn blake3_of(parts: &[&[u8]]) -> [u8; 32] {
    *blake3::hash(&parts.concat()).as_bytes()
}

/// A verifier written from README.md alone, without this crate's functions.
#[test]
fn formats_are_as_the_rulebook_says() {
    let world = with_order(OrderState::Confirmed);
    let block = world.blocks.last().expect("a block");
    let h = &block.header;
    let mut header = h.protocol.to_le_bytes().to_vec();
    header.extend(h.network.0);
    header.extend(h.height.0.to_le_bytes());
    header.extend(h.parent.0);
    header.extend(h.time.0.to_le_bytes());
    header.extend(h.proposer.0);
    for root in [h.transactions_root, h.receipts_root, h.state_root, h.validators, h.next_validators] {
        header.extend(root.0);
    }
    assert_eq!(header.len(), 264);
    assert_eq!(h.id().0, blake3_of(&[b"KEIS/block/0001\0", &header]));
    let mut wire = header;
    wire.extend(1u64.to_le_bytes());
    let raw = &block.transactions[0];
    wire.extend((raw.len() as u64).to_le_bytes());
    wire.extend(raw);
    assert_eq!(block.encode(), wire);

    let body = &raw[..raw.len() - 64];
    assert_eq!(body[..32], secret(PROVIDER).public().0, "a body opens with its signer");
    let id = blake3_of(&[b"KEIS/transact/1\0", &NETWORK.0, body]);
    assert_eq!(support::verified(block)[0].id().0, id);
    let leaf = blake3_of(&[b"KEIS/listleaf/1\0", raw]);
    let root = blake3_of(&[b"KEIS/listnode/1\0", &1u64.to_be_bytes(), &leaf]);
    assert_eq!(h.transactions_root.0, root);

    let key = RecordKey::Order(YEAR, order(1));
    let encoded = [&11u32.to_le_bytes()[..], &2026u16.to_le_bytes(), &[1; 16]].concat();
    let place = [&2026u16.to_be_bytes()[..], &blake3_of(&[b"KEIS/reckey/001\0", &encoded])].concat();
    assert_eq!(key.place().0[..], place);
    let value = keis_ledger::codec::encode(&world.get::<Order>((YEAR, order(1))).clone().into_record());
    let value = blake3_of(&[b"KEIS/recvalue/1\0", &value]);
    let mut hash = blake3_of(&[b"KEIS/stateleaf/\0", &place, &value]);
    for step in world.tip.state.prove(&key).path {
        let right = place[usize::from(step.bit / 8)] >> (7 - step.bit % 8) & 1 == 1;
        let (low, high) = if right { (step.sibling.0, hash) } else { (hash, step.sibling.0) };
        hash = blake3_of(&[b"KEIS/statenode/\0", &step.bit.to_be_bytes(), &low, &high]);
    }
    assert_eq!(h.state_root.0, hash);
}
