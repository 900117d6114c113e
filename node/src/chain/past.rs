//! Decided blocks as nodes hand them to each other below the point where a chain was joined: verified by their parents'
//! hashes, downwards, and by their certificates. Nothing is executed.

use bincode::{Decode, Encode};
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;
use keis_ledger::list;
use keis_ledger::receipt::FullReceipt;

use super::error::ChainError;
use super::execution;
use super::handover::{Lineage, LineageError};
use super::records::Decision;
use crate::store::{Commit, Store, StoreError};

/// A decided block with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PastBlock {
    /// The encoded block.
    pub block: Vec<u8>,
    /// The votes that decided it.
    pub certificate: Certificate,
    /// The encoded receipts.
    pub receipts: Vec<u8>,
}

/// Why a block of the past is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PastError {
    /// Its bytes are no block.
    #[error("the bytes are no block")]
    NotABlock,
    /// It is another block than the one that is missing.
    #[error("block {0} is not the one that is missing")]
    Other(BlockId),
    /// Its certificate does not hold.
    #[error(transparent)]
    Decided(#[from] LineageError),
    /// The receipts are not those that its header commits to.
    #[error("the receipts are not those of the block")]
    Receipts,
}

/// A block of the past that is what it must be.
pub(crate) struct Proven {
    pub(crate) header: Header,
    certificate: Certificate,
    block: Vec<u8>,
    decision: Vec<u8>,
    receipts: Vec<u8>,
    ids: Vec<([u8; 32], u32)>,
}

impl PastBlock {
    /// Reads one from a store, if its height is held.
    pub(crate) fn read(store: &Store, height: Height) -> Result<Option<Self>, ChainError> {
        let failed = |source| ChainError::Store { height, source };
        let Some(block) = store.block(height.0).map_err(failed)? else { return Ok(None) };
        let Some(link) = store.certificate(height.0).map_err(failed)? else { return Ok(None) };
        let Some(receipts) = store.receipts(height.0).map_err(failed)? else { return Ok(None) };
        let Decision { certificate, .. } = Decision::decode(&link, height)?;
        Ok(Some(Self { block, certificate, receipts }))
    }

    /// Its header, when the bytes are a block.
    pub(crate) fn header(&self) -> Option<Header> {
        execution::read(&self.block).map(|block| block.header)
    }

    /// Judges it as the block of an id.
    pub(crate) fn prove(self, id: BlockId, lineage: &Lineage) -> Result<Proven, PastError> {
        let header = execution::read(&self.block).ok_or(PastError::NotABlock)?.header;
        if header.id() != id {
            return Err(PastError::Other(header.id()));
        }
        lineage.verify(&header, &self.certificate)?;
        let ids = receipt_ids(&self.receipts, &header).ok_or(PastError::Receipts)?;
        let certificate = self.certificate;
        let decision = codec::encode(&Decision { header: header.clone(), certificate: certificate.clone() });
        Ok(Proven { header, certificate, block: self.block, decision, receipts: self.receipts, ids })
    }
}

/// The ids of the receipts, when they are whole and those of the header.
fn receipt_ids(bytes: &[u8], header: &Header) -> Option<Vec<([u8; 32], u32)>> {
    let receipts: Vec<FullReceipt> = codec::decode(bytes).ok()?;
    let leaves: Vec<Hash> = receipts.iter().map(|full| full.receipt.leaf()).collect();
    if list::root(&leaves) != header.receipts_root {
        return None;
    }
    let whole = |full: &FullReceipt| FullReceipt::new(full.receipt.clone(), full.lines.clone(), full.seed) == *full;
    let ids = receipts.iter().map(|full| (full.receipt.id.0, full.receipt.index)).collect();
    receipts.iter().all(whole).then_some(ids)
}

impl Proven {
    /// The votes that decided it.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Begins a store with it: the state after it is there already.
    pub(crate) fn begin(&self, store: &Store) -> Result<(), StoreError> {
        store.begin(&self.commit(), self.ids.iter().copied())
    }

    /// Puts it above the highest block of a store, its parent.
    pub(crate) fn append(&self, store: &Store) -> Result<(), StoreError> {
        store.commit(&self.commit(), self.ids.iter().copied())
    }

    /// Puts it below the lowest block of a store, its child.
    pub(crate) fn prepend(&self, store: &Store) -> Result<(), StoreError> {
        store.prepend(&self.commit(), self.ids.iter().copied())
    }

    fn commit(&self) -> Commit<'_> {
        let Self { header, block, decision, receipts, .. } = self;
        Commit { height: header.height.0, id: header.id().0, block, certificate: decision, receipts }
    }
}
