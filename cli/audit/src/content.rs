//! What the frames of an export hold.

use keis_ledger::chain::Height;
use keis_ledger::codec::{self, CodecError};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{BlockId, DocumentId};
use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_ledger::transaction::Body;
use serde::Serialize;

/// The version of the contents that this crate reads and writes.
pub const VERSION: u32 = 1;

/// What the export is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Version of the contents.
    pub version: u32,
    /// Hash of the founding document.
    pub network: Hash,
    /// First height.
    pub from: Height,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(&(self.version, self.network, self.from))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let (version, network, from) = codec::decode(bytes)?;
        Ok(Self { version, network, from })
    }
}

/// A block with the votes that decided it, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The height.
    pub height: Height,
    /// The encoded block.
    pub block: Vec<u8>,
    /// The encoded certificate.
    pub certificate: Vec<u8>,
}

/// An entry as it is encoded.
pub(crate) type EntryParts = (Height, Vec<u8>, Vec<u8>);

impl Entry {
    pub(crate) fn into_parts(self) -> EntryParts {
        (self.height, self.block, self.certificate)
    }

    /// Entries one after the other, as a frame holds them.
    pub fn encode_all(entries: Vec<Self>) -> Vec<u8> {
        codec::encode(&entries.into_iter().map(Self::into_parts).collect::<Vec<_>>())
    }

    /// Reads what [`Entry::encode_all`] wrote.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are anything else.
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>, CodecError> {
        let parts: Vec<EntryParts> = codec::decode(bytes)?;
        Ok(parts.into_iter().map(|(height, block, certificate)| Self { height, block, certificate }).collect())
    }
}

/// How far an export reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// First height.
    pub from: Height,
    /// Number of blocks.
    pub blocks: u64,
    /// The last block; none when there is no block.
    pub tip: Option<BlockId>,
    /// Number of documents.
    pub documents: u64,
}

impl Extent {
    pub(crate) fn new(from: Height) -> Self {
        Self { from, blocks: 0, tip: None, documents: 0 }
    }

    /// The height after the last.
    pub fn next(&self) -> Height {
        Height(self.from.0.saturating_add(self.blocks))
    }

    pub(crate) fn grow(&mut self, tip: BlockId) {
        self.blocks += 1;
        self.tip = Some(tip);
    }
}

/// Where a frame of blocks begins, and its first height.
pub type IndexEntry = (u64, Height);

/// The end of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foot {
    /// How far it reaches.
    pub extent: Extent,
    /// Its frames of blocks.
    pub index: Vec<IndexEntry>,
}

impl Foot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Extent { from, blocks, tip, documents } = self.extent;
        codec::encode(&(from, blocks, tip, documents, self.index.clone()))
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let (from, blocks, tip, documents, index) = codec::decode(bytes)?;
        Ok(Self { extent: Extent { from, blocks, tip, documents }, index })
    }
}

/// The public document that a transaction names.
pub fn document_named(body: &Body) -> Option<DocumentId> {
    if let Operation::Catalogue(CatalogueOperation::Publish { terms, .. } | CatalogueOperation::Amend { terms, .. }) =
        &body.operation
    {
        return Some(terms.document);
    }
    None
}
