//! Founding documents: whatever passes the check makes a first state.
#![no_main]

use keis_genesis::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Document>(bytes) else { return };
    let Ok(genesis) = document.check() else { return };
    genesis.state().root();
    let tip = genesis.tip();
    assert_eq!(tip.network, genesis.hash());
    let again = serde_json::to_vec(genesis.document()).expect("a document is plain data");
    let again: Document = serde_json::from_slice(&again).expect("what was written is read");
    assert_eq!(again.check().expect("what was sound is sound").hash(), genesis.hash());
});
