//! What the tests of the store share: blocks whose every byte follows from their height.

use std::path::Path;

use keis_node::store::{Commit, OpenReport, Options, Store, StoreError, Undecided};

pub const NETWORK: [u8; 32] = [7; 32];

/// Bytes that follow from a label and a number.
pub fn bytes(label: &str, number: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(label.as_bytes()).update(&number.to_be_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}

pub fn hash(label: &str, number: u64) -> [u8; 32] {
    bytes(label, number, 32).try_into().unwrap()
}

pub fn options() -> Options {
    Options { min_free_bytes: 0, cache_bytes: 4 << 20, ..Options::new(NETWORK) }
}

pub fn open(path: &Path) -> (Store, OpenReport) {
    Store::open(path, options()).unwrap()
}

/// Everything that a block of a height consists of.
pub struct Sample {
    pub height: u64,
    pub id: [u8; 32],
    pub block: Vec<u8>,
    pub certificate: Vec<u8>,
    pub receipts: Vec<u8>,
    pub receipt_ids: Vec<([u8; 32], u32)>,
}

impl Sample {
    pub fn sized(height: u64, block_bytes: usize) -> Self {
        Sample {
            height,
            id: hash("id", height),
            block: bytes("block", height, block_bytes),
            certificate: bytes("certificate", height, 700),
            receipts: bytes("receipts", height, 900),
            receipt_ids: receipt_ids(height),
        }
    }

    pub fn new(height: u64) -> Self {
        Sample::sized(height, 1_000 + (height as usize * 7_919) % 60_000)
    }

    pub fn commit(&self) -> Commit<'_> {
        Commit {
            height: self.height,
            id: self.id,
            block: &self.block,
            certificate: &self.certificate,
            receipts: &self.receipts,
        }
    }

    pub fn write(&self, store: &Store) -> Result<(), StoreError> {
        store.commit(&self.commit(), self.receipt_ids.iter().copied())
    }

    pub fn undecided(&self, round: u32) -> Undecided {
        let meta = bytes("meta", self.height, 200);
        Undecided { height: self.height, round, id: self.id, meta, block: self.block.clone() }
    }

    pub fn check(&self, store: &Store) {
        let height = self.height;
        assert!(store.block(height).unwrap().as_ref() == Some(&self.block), "block {height}");
        assert_eq!(store.link(height).unwrap().unwrap().id, self.id);
        assert_eq!(store.certificate(height).unwrap().as_ref(), Some(&self.certificate));
        assert_eq!(store.receipts(height).unwrap().as_ref(), Some(&self.receipts));
        for (id, position) in &self.receipt_ids {
            assert_eq!(store.find_receipt(id).unwrap(), Some((height, *position)), "receipt of {height}");
        }
    }
}

/// Seven receipts a block.
pub fn receipt_ids(height: u64) -> Vec<([u8; 32], u32)> {
    (0..7).map(|position| (hash("receipt", height * 100 + u64::from(position)), position)).collect()
}
