//! What composing promises: every node reads the same transaction back, signed for one network by one key.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use keis_ledger::classifiers::Year;
use keis_ledger::codec::MAX_TRANSACTION;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{OrderId, PupilId, SchoolId, SessionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, Operation, OrderAction, Party};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{RawTransaction, TransactionError};
use keis_wallet::compose::{Composer, STANDARD_VALIDITY};
use keis_wallet::random::{new_id, new_key};

const NETWORK: Hash = Hash([3; 32]);
const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn request(pupils: usize) -> Operation {
    let action = OrderAction::Request {
        session: new_id(SessionId),
        pupils: (0..pupils).map(|_| new_id(PupilId)).collect(),
        price: Cents::new(500),
        school_money: Cents::ZERO,
    };
    Operation::Order { year: Year(2026), order: new_id(OrderId), action }
}

#[test]
fn composed_bytes_are_read_back_and_verified() {
    let composer = Composer::new(NETWORK, new_key());
    let operation = request(500);
    let composed = composer.compose(NOW, operation.clone()).unwrap();
    let read = RawTransaction(composed.raw().to_vec()).parse(&NETWORK).unwrap();
    assert_eq!(read, composed);
    let verified = read.verify(&NETWORK).unwrap();
    let body = verified.body();
    assert_eq!((body.signer, body.behalf, body.valid_until), (composer.signer(), None, NOW.after(STANDARD_VALIDITY)));
    assert_eq!(body.operation, operation);
}

#[test]
fn every_changed_byte_is_refused() {
    let composed = Composer::new(NETWORK, new_key()).compose(NOW, request(3)).unwrap();
    for place in 0..composed.raw().len() {
        for bit in 0..8 {
            let mut changed = composed.raw().to_vec();
            changed[place] ^= 1 << bit;
            let accepted = RawTransaction(changed).parse(&NETWORK).and_then(|read| read.verify(&NETWORK));
            assert!(accepted.is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn signature_is_for_one_network() {
    let composed = Composer::new(NETWORK, new_key()).compose(NOW, request(1)).unwrap();
    let other = Hash([4; 32]);
    let read = RawTransaction(composed.raw().to_vec()).parse(&other).unwrap();
    assert_ne!(read.id(), composed.id());
    assert_eq!(read.verify(&other), Err(TransactionError::Signature));
}

#[test]
fn equal_wishes_are_two_transactions() {
    let composer = Composer::new(NETWORK, new_key()).valid_for(Span(5));
    let wish = Operation::Funds(FundsOperation::EndYear { year: Year(2026) });
    let (one, other) = (composer.compose(NOW, wish.clone()).unwrap(), composer.compose(NOW, wish).unwrap());
    assert_ne!(one.id(), other.id());
    assert_eq!(one.body().valid_until, Timestamp(NOW.0 + 5));
}

#[test]
fn behalf_is_signed() {
    let party = Party::School(new_id(SchoolId));
    let composed = Composer::new(NETWORK, new_key()).compose_on_behalf(NOW, party, request(1)).unwrap();
    assert_eq!(composed.body().behalf, Some(party));
}

#[test]
fn what_fits_in_no_transaction_is_not_signed() {
    let refused = Composer::new(NETWORK, new_key()).compose(NOW, request(5000)).unwrap_err();
    assert!(refused.length > MAX_TRANSACTION);
}
