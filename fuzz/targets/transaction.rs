//! Raw transactions, as gateways and peers give them: what is read is the one encoding of itself.
#![no_main]

use keis_ledger::crypto::Hash;
use keis_ledger::transaction::RawTransaction;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let network = Hash([7; 32]);
    let Ok(transaction) = RawTransaction(bytes.to_vec()).parse(&network) else { return };
    assert_eq!(transaction.raw(), bytes);
    let together = RawTransaction::parse_all(vec![RawTransaction(bytes.to_vec())], &network);
    assert_eq!(together.expect("alone it was read")[0].id(), transaction.id());
    drop(transaction.verify(&network));
});
