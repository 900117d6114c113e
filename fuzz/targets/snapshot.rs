//! Parts of snapshots: records that a peer or a backup gives, of which a state is made before its root is known to be right.
#![no_main]

use keis_ledger::codec;
use keis_ledger::record::Record;
use keis_ledger::state::{Records, Roots, State};
use keis_ledger::tree::TreeKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(records) = codec::decode::<Vec<(TreeKey, Record)>>(bytes) else { return };
    let count = records.len();
    let Ok(state) = State::from_records(records) else { return };
    assert_eq!(state.len(), count);
    assert_eq!(Roots::of(&state).root(), state.root());
    let held = Records::of(&state);
    let start = TreeKey([0; 34]);
    assert!(held.records_from(&start).eq(state.records()), "records are found in the order of their places");
    state.first_due();
});
