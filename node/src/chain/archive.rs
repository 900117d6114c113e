//! Reading of history: decided blocks, their certificates and receipts. Reads the disk; keep it off the executor's threads.
//!
//! It ends where the published view ends, so that whoever has seen a receipt finds its effect in the state.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::TransactionId;
use keis_ledger::list::{self, ListProof};
use keis_ledger::receipt::FullReceipt;

use super::error::ChainError;
use super::handover::{Handover, Handovers};
use super::past::PastBlock;
use super::records::{Decision, decode_receipts};
use crate::store::Store;
use crate::view::Views;

/// Blocks whose receipts stay in memory: those who submitted ask for them right after the block.
const RECENT: usize = 16;

/// The history of the chain. Clones share it.
#[derive(Clone)]
pub struct Archive {
    store: Store,
    views: Views,
    handovers: Handovers,
    recent: Arc<Mutex<VecDeque<Arc<Past>>>>,
}

/// A decided block's head with its receipts.
#[derive(Debug, Clone)]
pub struct Past {
    /// The block's header.
    pub header: Header,
    /// What its clock steps and transactions did, in order.
    pub receipts: Vec<FullReceipt>,
}

/// A receipt with the header of its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The receipt with its lines.
    pub full: FullReceipt,
    /// The header of its block.
    pub header: Header,
}

impl Past {
    /// Proves that the receipt at `index` stands under the header's receipts root.
    pub fn prove(&self, index: u32) -> Option<ListProof> {
        let leaves: Vec<Hash> = self.receipts.iter().map(|full| full.receipt.leaf()).collect();
        list::prove(&leaves, usize::try_from(index).ok()?)
    }
}

impl Archive {
    pub(super) fn new(store: Store, views: Views, handovers: Handovers) -> Self {
        Self { store, views, handovers, recent: Arc::default() }
    }

    /// The height up to which it tells: that of the published view.
    pub fn tip(&self) -> Height {
        self.views.borrow().height()
    }

    /// The lowest height that is held; none while there is no block.
    pub fn first_height(&self) -> Option<Height> {
        self.store.first_height().map(Height)
    }

    /// Every change of the validators above a height, ascending: with the founding document they prove who decides which
    /// height, also where older blocks are not held.
    pub fn handovers_above(&self, height: Height) -> Vec<Handover> {
        self.handovers.between(height, self.views.borrow().height())
    }

    /// A decided block with certificate and receipts, as another node would take it.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn past_block(&self, height: Height) -> Result<Option<PastBlock>, ChainError> {
        if !self.shows(height) {
            return Ok(None);
        }
        PastBlock::read(&self.store, height)
    }

    /// The receipt of a transaction or clock step, whatever its age.
    ///
    /// # Errors
    /// [`ChainError::Store`] or [`ChainError::Malformed`] when the disk is damaged.
    pub fn receipt(&self, id: &TransactionId) -> Result<Option<Located>, ChainError> {
        let Some((past, index)) = self.locate(id)? else { return Ok(None) };
        let full = past.receipts.get(index as usize).cloned();
        Ok(full.map(|full| Located { full, header: past.header.clone() }))
    }

    /// Proof that a receipt stands in its block, to be verified with the block's header.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn prove(&self, id: &TransactionId) -> Result<Option<ListProof>, ChainError> {
        Ok(self.locate(id)?.and_then(|(past, index)| past.prove(index)))
    }

    /// Height and place of a receipt.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn find(&self, id: &TransactionId) -> Result<Option<(Height, u32)>, ChainError> {
        let found = self.store.find_receipt(&id.0).map_err(ChainError::store(Height(0)))?;
        let found = found.map(|(height, index)| (Height(height), index));
        Ok(found.filter(|(height, _)| self.shows(*height)))
    }

    /// The header of a decided height.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn header(&self, height: Height) -> Result<Option<Header>, ChainError> {
        Ok(self.decision(height)?.map(|decision| decision.header))
    }

    /// The votes that decided a height.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn certificate(&self, height: Height) -> Result<Option<Certificate>, ChainError> {
        Ok(self.decision(height)?.map(|decision| decision.certificate))
    }

    /// The encoded block of a decided height.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn block_bytes(&self, height: Height) -> Result<Option<Vec<u8>>, ChainError> {
        if !self.shows(height) {
            return Ok(None);
        }
        self.store.block(height.0).map_err(ChainError::store(height))
    }

    /// The block of a decided height.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn block(&self, height: Height) -> Result<Option<Block>, ChainError> {
        let Some(bytes) = self.block_bytes(height)? else { return Ok(None) };
        Block::decode(&bytes).map(Some).map_err(|_| ChainError::Malformed { what: "the block", height })
    }

    /// The header and receipts of a decided height.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn past(&self, height: Height) -> Result<Option<Arc<Past>>, ChainError> {
        if !self.shows(height) {
            return Ok(None);
        }
        let held = self.recent().iter().find(|past| past.header.height == height).cloned();
        if held.is_some() {
            return Ok(held);
        }
        let Some(Decision { header, .. }) = self.decision(height)? else { return Ok(None) };
        let Some(bytes) = self.store.receipts(height.0).map_err(ChainError::store(height))? else { return Ok(None) };
        let past = Arc::new(Past { header, receipts: decode_receipts(&bytes, height)? });
        self.remember(past.clone());
        Ok(Some(past))
    }

    /// The receipts of a decided height, in order.
    ///
    /// # Errors
    /// As for [`Archive::receipt`].
    pub fn receipts(&self, height: Height) -> Result<Option<Vec<FullReceipt>>, ChainError> {
        Ok(self.past(height)?.map(|past| past.receipts.clone()))
    }

    pub(crate) fn decision(&self, height: Height) -> Result<Option<Decision>, ChainError> {
        if !self.shows(height) {
            return Ok(None);
        }
        let stored = self.store.certificate(height.0).map_err(ChainError::store(height))?;
        stored.map(|bytes| Decision::decode(&bytes, height)).transpose()
    }

    pub(super) fn handovers(&self) -> &Handovers {
        &self.handovers
    }

    pub(super) fn remember(&self, past: Arc<Past>) {
        let mut recent = self.recent();
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back(past);
    }

    fn shows(&self, height: Height) -> bool {
        height <= self.views.borrow().height()
    }

    fn locate(&self, id: &TransactionId) -> Result<Option<(Arc<Past>, u32)>, ChainError> {
        let Some((height, index)) = self.find(id)? else { return Ok(None) };
        Ok(self.past(height)?.map(|past| (past, index)))
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Past>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Archive in {}", self.store.path().display())
    }
}
