//! Decided blocks and the proposals that may become one.
//!
//! A proposal's bytes are written once: the commit of the block that is durable already adds certificate, receipts and
//! receipt ids to it, in one atomic step that also removes the proposals that lost.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::engine::{Batch, Engine};
use super::error::StoreError;
use super::options::Verify;
use super::{keys, value};

/// A decided block as it is committed.
#[derive(Debug, Clone, Copy)]
pub struct Commit<'a> {
    /// Its height, one above the tip.
    pub height: u64,
    /// Its id.
    pub id: [u8; 32],
    /// Its bytes.
    pub block: &'a [u8],
    /// The votes that decided it.
    pub certificate: &'a [u8],
    /// What its transactions and clock steps did.
    pub receipts: &'a [u8],
}

/// What is known of a decided height without reading its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The height.
    pub height: u64,
    /// The decided block's id.
    pub id: [u8; 32],
    /// The votes that decided it.
    pub certificate: Vec<u8>,
}

/// A proposal that is durable and not decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Its height.
    pub height: u64,
    /// The round it was proposed in.
    pub round: u32,
    /// The block's id.
    pub id: [u8; 32],
    /// What the caller keeps beside the block.
    pub meta: Vec<u8>,
    /// The block's bytes.
    pub block: Vec<u8>,
}

/// A part of the chain that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The height it belongs to.
    pub height: u64,
    /// What is wrong with it.
    pub detail: String,
}

/// What verifying the chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainReport {
    /// The lowest stored height.
    pub first: Option<u64>,
    /// The highest stored height.
    pub tip: Option<u64>,
    /// How many heights were read whole.
    pub checked: u64,
    /// Heights between first and tip that are missing or damaged.
    pub damaged: Vec<Damage>,
}

impl ChainReport {
    /// Whether every height that was read is as it was written.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    pub(super) first: u64,
    pub(super) tip: u64,
    pub(super) tip_id: [u8; 32],
}

pub(super) struct Chain {
    order: Mutex<()>,
    extent: RwLock<Option<Extent>>,
}

impl Chain {
    pub(super) fn open(engine: &Engine) -> Result<Self, StoreError> {
        let ends = engine.first_under(&keys::LINKS)?.zip(engine.last_under(&keys::LINKS)?);
        let extent = match ends.and_then(|(first, tip)| keys::height_of(&first).zip(keys::height_of(&tip))) {
            // A damaged tip is for `verify` to report; its id is unknown.
            Some((first, tip)) => {
                let tip_id = match link(engine, tip) {
                    Ok(link) => link.id,
                    Err(StoreError::Corrupt { .. }) => [0; 32],
                    Err(error) => return Err(error),
                };
                Some(Extent { first, tip, tip_id })
            }
            None => None,
        };
        Ok(Chain { order: Mutex::new(()), extent: RwLock::new(extent) })
    }

    /// While it is held nobody else changes blocks, proposals or documents; reads of the tip go on.
    pub(super) fn alone(&self) -> MutexGuard<'_, ()> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn extent(&self) -> Option<Extent> {
        *self.extent.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_extent(&self, extent: Extent) {
        *self.extent.write().unwrap_or_else(PoisonError::into_inner) = Some(extent);
    }

    pub(super) fn holds(&self, height: u64) -> bool {
        self.extent().is_some_and(|extent| (extent.first..=extent.tip).contains(&height))
    }
}

/// Stages the commit of a block.
pub(super) fn stage_commit(engine: &Engine, commit: &Commit<'_>, receipt_ids: &[u8]) -> Result<Batch, StoreError> {
    let mut batch = stage_past(engine, commit, receipt_ids)?;
    batch.decides(commit.height, commit.id);
    Ok(batch)
}

/// Stages a decided block without saying that the chain has come so far.
pub(super) fn stage_past(engine: &Engine, commit: &Commit<'_>, receipt_ids: &[u8]) -> Result<Batch, StoreError> {
    let mut batch = Batch::new();
    let body = keys::body(commit.height, &commit.id);
    if value::stored_seal(engine, &body)? != Some(value::seal(&body, commit.block)) {
        value::replace(engine, &mut batch, &body, commit.block)?;
    }
    let stays = |height: u64, id: &[u8; 32]| height == commit.height && *id == commit.id;
    stage_forget_undecided(engine, &mut batch, commit.height, stays)?;
    value::put(&mut batch, &keys::link(commit.height), &encode_link(&commit.id, commit.certificate));
    value::put(&mut batch, &keys::receipts(commit.height), commit.receipts);
    if !receipt_ids.is_empty() {
        value::put(&mut batch, &keys::receipt_ids(commit.height), receipt_ids);
    }
    Ok(batch)
}

/// Stages the removal of proposals up to a height, but for the blocks that stay.
pub(super) fn stage_forget_undecided(
    engine: &Engine,
    batch: &mut Batch,
    height: u64,
    stays: impl Fn(u64, &[u8; 32]) -> bool,
) -> Result<(), StoreError> {
    let after = keys::undecided_at(height.saturating_add(1));
    for key in engine.keys_between(&keys::ALL_UNDECIDED, &after)? {
        if let Some((height, _, id)) = keys::parse_undecided(&key)
            && !stays(height, &id)
        {
            value::remove(engine, batch, &keys::body(height, &id))?;
        }
        batch.remove(key);
    }
    Ok(())
}

pub(super) fn stage_undecided(engine: &Engine, proposal: &Undecided) -> Result<Batch, StoreError> {
    let mut batch = Batch::new();
    let body = keys::body(proposal.height, &proposal.id);
    // One block may be proposed in several rounds.
    if value::stored_seal(engine, &body)? != Some(value::seal(&body, &proposal.block)) {
        value::replace(engine, &mut batch, &body, &proposal.block)?;
    }
    let key = keys::undecided(proposal.height, proposal.round, &proposal.id);
    value::replace(engine, &mut batch, &key, &proposal.meta)?;
    Ok(batch)
}

/// Proposals whose keys begin so, in the order of their rounds.
pub(super) fn undecided(engine: &Engine, prefix: &[u8]) -> Result<Vec<Undecided>, StoreError> {
    let mut found = Vec::new();
    for key in value::keys_under(engine, prefix, 45)? {
        let Some((height, round, id)) = keys::parse_undecided(&key) else { continue };
        let meta = value::read_present(engine, &key)?;
        let block = value::read_present(engine, &keys::body(height, &id))?;
        found.push(Undecided { height, round, id, meta, block });
    }
    Ok(found)
}

/// The link of a height that must be there.
pub(super) fn link(engine: &Engine, height: u64) -> Result<Link, StoreError> {
    let key = keys::link(height);
    let stored = value::read_present(engine, &key)?;
    match stored.split_at_checked(32) {
        Some((id, certificate)) => {
            let id = id.try_into().expect("the split left 32 bytes");
            Ok(Link { height, id, certificate: certificate.to_vec() })
        }
        None => Err(StoreError::corrupt(keys::describe(&key), "it is too short")),
    }
}

pub(super) fn block(engine: &Engine, height: u64) -> Result<Vec<u8>, StoreError> {
    let id = link(engine, height)?.id;
    value::read_present(engine, &keys::body(height, &id))
}

pub(super) fn receipts(engine: &Engine, height: u64) -> Result<Vec<u8>, StoreError> {
    value::read_present(engine, &keys::receipts(height))
}

/// Reads the asked part of the chain whole.
pub(super) fn verify(engine: &Engine, extent: Option<Extent>, verify: Verify) -> Result<ChainReport, StoreError> {
    let Some(Extent { first, tip, .. }) = extent else { return Ok(ChainReport::default()) };
    let from = match verify {
        Verify::All => first,
        Verify::Last(heights) => first.max(tip.saturating_add(1).saturating_sub(heights)),
    };
    let mut report = ChainReport { first: Some(first), tip: Some(tip), checked: 0, damaged: Vec::new() };
    for height in from..=tip {
        report.checked += 1;
        match block(engine, height).and_then(|_| receipts(engine, height)) {
            Ok(_) => {}
            Err(error @ StoreError::Corrupt { .. }) => {
                report.damaged.push(Damage { height, detail: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

fn encode_link(id: &[u8; 32], certificate: &[u8]) -> Vec<u8> {
    [id.as_slice(), certificate].concat()
}
