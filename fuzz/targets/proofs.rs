//! Files of receipts and records that people keep and show, and the answers of gateways that they are made of.
#![no_main]

use std::sync::LazyLock;

use keis_audit::trial::Trial;
use keis_wallet::verify::{ProvenReceipt, ReceiptFile, RecordFile, SealedRecordFile};
use libfuzzer_sys::fuzz_target;

static TRIAL: LazyLock<Trial> = LazyLock::new(|| Trial::founded(100));

fuzz_target!(|bytes: &[u8]| {
    let genesis = TRIAL.genesis();
    let (network, founders) = (genesis.hash(), genesis.validators());
    if let Ok(proven) = ProvenReceipt::decode(bytes) {
        let _ = proven.verify(&network, founders);
    }
    if let Ok(file) = serde_json::from_slice::<ReceiptFile>(bytes) {
        let _ = file.verify(&network, founders);
    }
    if let Ok(file) = serde_json::from_slice::<RecordFile>(bytes) {
        drop((file.verify(&network, founders), file.decoded()));
    }
    if let Ok(file) = serde_json::from_slice::<SealedRecordFile>(bytes) {
        drop((file.verify(&network, founders), file.sealed(), file.decoded()));
    }
});
