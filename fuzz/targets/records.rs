//! What snapshots and answers are made of: records of the state, receipts, headers, proofs.
#![no_main]

use keis_ledger::chain::Header;
use keis_ledger::codec;
use keis_ledger::list::ListProof;
use keis_ledger::receipt::FullReceipt;
use keis_ledger::record::{Record, RecordKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    macro_rules! read {
        ($($kind:ty),+) => {$(
            if let Ok(value) = codec::decode::<$kind>(bytes) {
                assert_eq!(codec::encode(&value), bytes);
            }
        )+};
    }
    read!(Record, RecordKey, FullReceipt, Header, ListProof);
});
