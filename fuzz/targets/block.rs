//! Blocks, as peers give them, with the transactions in them.
#![no_main]

use keis_ledger::block::Block;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(block) = Block::decode(bytes) else { return };
    assert_eq!(block.encode(), bytes);
    let network = block.header.network;
    for raw in block.raw_transactions() {
        drop(raw.parse(&network));
    }
    block.header.id();
});
