//! What a proof promises: it holds as it is, and not when anything in it is changed.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use keis_ledger::chain::{
    Address, Certificate, CertificateError, Header, Height, Validator, ValidatorSet, VoteStep, vote_bytes,
};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{BlockId, InstitutionId, OrderId, SchoolId, TransactionId};
use keis_ledger::list;
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::record::OrderState;
use keis_ledger::time::Timestamp;
use keis_wallet::verify::{ProvenReceipt, VerifyError};

const NETWORK: Hash = Hash([3; 32]);
const TIME: Timestamp = Timestamp(1_767_225_600_000);

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

fn validators() -> ValidatorSet {
    let validator = |seed| Validator { institution: InstitutionId([seed; 16]), key: key(seed).public(), power: 1 };
    ValidatorSet::new((1..=4).map(validator).collect()).unwrap()
}

fn receipt(index: u32) -> Receipt {
    let subject = Subject {
        year: Some(Year(2026)),
        order: Some(OrderId([7; 16])),
        order_state: Some(OrderState::Confirmed),
        school: Some(SchoolId([8; 16])),
        ..Subject::default()
    };
    Receipt {
        id: TransactionId([10 + index as u8; 32]),
        height: Height(5),
        index,
        time: TIME,
        kind: Kind::OrderConfirmed,
        subject,
        on_behalf: false,
        total: Amounts { state: Cents::new(12_345), school: Cents::new(1) },
        lines: 24,
        lines_root: Hash([9; 32]),
    }
}

/// The third of seven receipts in a block that these validators signed.
fn proven(signers: &[u8]) -> ProvenReceipt {
    let leaves: Vec<Hash> = (0..7).map(|index| receipt(index).leaf()).collect();
    let header = Header {
        protocol: 1,
        network: NETWORK,
        height: Height(5),
        parent: BlockId([4; 32]),
        time: TIME,
        proposer: Address::of(&key(1).public()),
        transactions_root: Hash([5; 32]),
        receipts_root: list::root(&leaves),
        state_root: Hash([6; 32]),
        validators: validators().hash(),
        next_validators: validators().hash(),
    };
    let block = header.id();
    let sign = |seed: &u8| {
        let address = Address::of(&key(*seed).public());
        let message = vote_bytes(&NETWORK, VoteStep::Precommit, Height(5), 2, Some(block), &address);
        (address, key(*seed).sign(&message))
    };
    let certificate =
        Certificate { height: Height(5), round: 2, block, signatures: signers.iter().map(sign).collect() };
    ProvenReceipt { receipt: receipt(2), header, proof: list::prove(&leaves, 2).unwrap(), certificate }
}

#[test]
fn proof_holds_and_survives_both_forms() {
    let proven = proven(&[1, 2, 3]);
    proven.verify(&NETWORK, &validators()).unwrap();
    assert_eq!(ProvenReceipt::decode(&proven.encode()).unwrap(), proven);
    let text = serde_json::to_string_pretty(&proven).unwrap();
    assert_eq!(serde_json::from_str::<ProvenReceipt>(&text).unwrap(), proven);
}

#[test]
fn every_kind_and_state_survives_the_text_form() {
    let mut whole = proven(&[1, 2, 3]);
    let mut kinds = 0;
    for number in 0u32.. {
        let Ok(kind) = keis_ledger::codec::decode::<Kind>(&number.to_le_bytes()) else { break };
        whole.receipt.kind = kind;
        if let Ok(state) = keis_ledger::codec::decode::<OrderState>(&number.to_le_bytes()) {
            whole.receipt.subject.order_state = Some(state);
        }
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<ProvenReceipt>(&text).unwrap(), whole);
        kinds += 1;
    }
    assert!(kinds > 30, "{kinds} kinds");
}

#[test]
fn every_changed_byte_is_refused() {
    let (bytes, validators) = (proven(&[1, 2, 3]).encode(), validators());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            let accepted = ProvenReceipt::decode(&changed).is_ok_and(|it| it.verify(&NETWORK, &validators).is_ok());
            assert!(!accepted, "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn every_changed_character_is_refused() {
    let (text, validators) = (serde_json::to_string(&proven(&[1, 2, 3])).unwrap().into_bytes(), validators());
    for place in 0..text.len() {
        for other in [text[place] ^ 1, text[place] ^ 0x20, b'0', b' ', b'"'] {
            let mut changed = text.clone();
            changed[place] = other;
            if changed == text {
                continue;
            }
            let accepted = serde_json::from_slice::<ProvenReceipt>(&changed)
                .is_ok_and(|it| it.verify(&NETWORK, &validators).is_ok());
            assert!(!accepted, "character {place}: {} -> {}", char::from(text[place]), char::from(other));
        }
    }
}

#[test]
fn two_of_four_prove_nothing() {
    let refused = proven(&[1, 2]).verify(&NETWORK, &validators()).unwrap_err();
    let source = CertificateError::Quorum { signed: 2, total: 4 };
    assert_eq!(refused, VerifyError::Certificate { height: Height(5), source });
    let twice = proven(&[1, 2, 2]).verify(&NETWORK, &validators()).unwrap_err();
    let source = CertificateError::Twice(Address::of(&key(2).public()));
    assert_eq!(twice, VerifyError::Certificate { height: Height(5), source });
    assert!(matches!(
        proven(&[1, 2, 9]).verify(&NETWORK, &validators()),
        Err(VerifyError::Certificate { source: CertificateError::Stranger(_), .. })
    ));
}

#[test]
fn each_link_is_judged() {
    let whole = proven(&[1, 2, 3]);
    let fault = |change: fn(&mut ProvenReceipt)| {
        let mut changed = whole.clone();
        change(&mut changed);
        changed.verify(&NETWORK, &validators()).unwrap_err()
    };
    assert_eq!(whole.verify(&Hash([1; 32]), &validators()), Err(VerifyError::Network(NETWORK)));
    assert!(matches!(fault(|it| it.header.validators = Hash([1; 32])), VerifyError::Validators(_)));
    assert_eq!(fault(|it| it.header.state_root = Hash([1; 32])), VerifyError::Block(Height(5)));
    assert_eq!(fault(|it| it.certificate.height = Height(6)), VerifyError::Block(Height(5)));
    assert!(matches!(fault(|it| it.certificate.round = 1), VerifyError::Certificate { .. }));
    assert_eq!(fault(|it| it.receipt.index = 3), VerifyError::Place(Height(5)));
    assert_eq!(fault(|it| it.receipt.time = Timestamp(1)), VerifyError::Place(Height(5)));
    assert!(matches!(fault(|it| it.receipt.lines = 25), VerifyError::Inclusion { .. }));
    // Another receipt of the same block does not pass for this one.
    assert!(matches!(fault(|it| it.receipt = receipt(2 + 1)), VerifyError::Place(_)));
}
