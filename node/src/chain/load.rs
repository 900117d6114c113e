//! The start: the newest snapshot that proves to be the state of its block, then every later block, executed and compared.

use std::time::Instant;

use keis_ledger::block::{Block, Executed, Tip};
use keis_ledger::chain::{Header, Height, ValidatorSet};
use keis_ledger::protocol;
use keis_ledger::state::State;

use super::error::ChainError;
use super::execution;
use super::handover::{self, Handover, Handovers, Lineage};
use super::past::Proven;
use super::records::{Decision, decode_receipts};
use super::snapshot;
use crate::store::{Link, Store, StoreError};

/// The chain as a start finds it.
pub struct Loaded {
    /// Where the chain stands.
    pub tip: Tip,
    /// Header of the last block; none at genesis.
    pub header: Option<Header>,
    /// Height whose snapshot was used; none when everything was replayed.
    pub snapshot: Option<Height>,
    /// Number of blocks executed again.
    pub replayed: u64,
    pub(super) handovers: Handovers,
}

impl Loaded {
    /// A chain that stands at its snapshot.
    fn at(tip: Tip, header: Header, handovers: Handovers) -> Self {
        let snapshot = Some(header.height);
        Self { tip, header: Some(header), snapshot, replayed: 0, handovers }
    }
}

/// Brings the state of a store's tip into memory.
///
/// # Errors
/// [`ChainError::Damaged`] when something that is needed cannot be read: it must come again from peers. Any other error
/// means that the chain does not follow by this version's rules, which nothing can mend here.
pub fn load(store: &Store, genesis: &Tip) -> Result<Loaded, ChainError> {
    load_within(store, genesis, protocol::LATEST)
}

/// The same for a node that knows the rules up to a version.
///
/// # Errors
/// As [`load`], and [`ChainError::ProtocolUnknown`].
pub fn load_within(store: &Store, genesis: &Tip, supported: u32) -> Result<Loaded, ChainError> {
    let started = Instant::now();
    let mut loaded = from_snapshot(store, genesis)?;
    let Some((last, _)) = store.tip() else { return Ok(loaded) };
    loaded.handovers = Handovers::open(store, Height(last))?;
    for height in loaded.tip.height.next().0..=last {
        let height = Height(height);
        let executed = replay(store, &loaded.tip, height, supported)?;
        loaded.header = Some(executed.block.header);
        loaded.tip = executed.tip;
        loaded.replayed += 1;
    }
    tracing::info!(
        height = %loaded.tip.height,
        snapshot = ?loaded.snapshot,
        replayed = loaded.replayed,
        records = loaded.tip.state.len(),
        seconds = started.elapsed().as_secs_f64(),
        "loaded the chain"
    );
    Ok(loaded)
}

fn from_snapshot(store: &Store, genesis: &Tip) -> Result<Loaded, ChainError> {
    let heights = store.snapshot_heights().map_err(ChainError::store(genesis.height))?;
    for height in heights.into_iter().map(Height) {
        match restore(store, genesis, height) {
            Ok((tip, header)) => {
                return Ok(Loaded::at(tip, header, Handovers::default()));
            }
            Err(reason) => {
                tracing::warn!(%height, reason, "a snapshot is not used, and removed");
                store.remove_snapshot(height.0).map_err(ChainError::store(height))?;
            }
        }
    }
    Ok(Loaded { tip: genesis.clone(), header: None, snapshot: None, replayed: 0, handovers: Handovers::default() })
}

/// The chain at a snapshot's height, or why the snapshot is not sound.
fn restore(store: &Store, genesis: &Tip, height: Height) -> Result<(Tip, Header), String> {
    let link = store.link(height.0).map_err(|error| error.to_string())?;
    let link = link.ok_or("its block is not stored")?;
    let Decision { header, .. } = Decision::decode(&link.certificate, height).map_err(|error| error.to_string())?;
    if header.id().0 != link.id || header.height != height || header.network != genesis.network {
        return Err("its block's header is another's".to_owned());
    }
    let restored = snapshot::read(store, height).map_err(|error| error.to_string())?;
    if restored.block != header.id() || restored.height != header.height {
        return Err("it was written for another block".to_owned());
    }
    if restored.state.root() != header.state_root {
        return Err("its root is not its block's".to_owned());
    }
    let tip = Tip { network: genesis.network, height, block: header.id(), time: header.time, state: restored.state };
    Ok((tip, header))
}

/// Begins the chain of an empty store after a block of which state and descent are proven: the state becomes its first
/// snapshot. Cut short anywhere, it leaves a store that is still empty.
///
/// # Errors
/// [`ChainError::Store`].
pub(crate) fn join(
    store: &Store,
    block: &Proven,
    state: State,
    lineage: &Lineage,
    chunks: impl Iterator<Item = Result<Vec<u8>, StoreError>>,
) -> Result<Loaded, ChainError> {
    let header = block.header.clone();
    let (height, id) = (header.height, header.id());
    let tip = Tip { network: header.network, height, block: id, time: header.time, state };
    let mut changes = lineage.changes().to_vec();
    if header.validators != header.next_validators {
        let validators = tip.network_record().validators.clone();
        changes.push(Handover { header: header.clone(), certificate: block.certificate().clone(), validators });
    }
    let write = || {
        handover::store_all(store, &changes)?;
        let mut writer = store.snapshot_writer(height.0, id.0)?;
        for chunk in chunks {
            writer.write(&chunk?)?;
        }
        writer.finish()?;
        block.begin(store)
    };
    write().map_err(ChainError::store(height))?;
    Ok(Loaded::at(tip, header, Handovers::open(store, height)?))
}

/// Executes a stored block on its parent and compares everything that the header says.
fn replay(store: &Store, parent: &Tip, height: Height, supported: u32) -> Result<Executed, ChainError> {
    check_protocol(parent, supported)?;
    let link = needed(store.link(height.0), height)?;
    let bytes = needed(store.block(height.0), height)?;
    let block = Block::decode(&bytes).map_err(|_| ChainError::Malformed { what: "the block", height })?;
    check_link(&link, &block, parent, height)?;
    let prove = execution::prove_anew(parent.network);
    execution::judge(parent, &block, &prove, supported).map_err(|reason| ChainError::Replay { height, reason })
}

/// Whether the block after a tip is under rules that are known here.
pub(super) fn check_protocol(tip: &Tip, supported: u32) -> Result<(), ChainError> {
    let (height, version) = (tip.height.next(), tip.next_protocol());
    if version > supported { Err(ChainError::ProtocolUnknown { height, version, supported }) } else { Ok(()) }
}

fn check_link(link: &Link, block: &Block, parent: &Tip, height: Height) -> Result<(), ChainError> {
    let Decision { header, certificate } = Decision::decode(&link.certificate, height)?;
    let id = block.header.id();
    if id.0 != link.id || header != block.header || certificate.block != id || certificate.height != height {
        return Err(ChainError::Malformed { what: "the decision", height });
    }
    let validators: &ValidatorSet = &parent.network_record().validators;
    certificate.verify(&parent.network, validators).map_err(|source| ChainError::Certificate { height, source })
}

/// What must be there at a stored height; what is damaged is told apart from what fails.
fn needed<T>(read: Result<Option<T>, StoreError>, height: Height) -> Result<T, ChainError> {
    match read {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(ChainError::Damaged { height, detail: "it is missing".to_owned() }),
        Err(error @ StoreError::Corrupt { .. }) => Err(ChainError::Damaged { height, detail: error.to_string() }),
        Err(source) => Err(ChainError::Store { height, source }),
    }
}

/// Writes the index of receipts anew from the receipts of every height.
///
/// # Errors
/// [`ChainError::Damaged`] when receipts cannot be read, [`ChainError::Store`] otherwise.
pub fn rebuild_index(store: &Store) -> Result<(), ChainError> {
    let mut malformed = None;
    let rebuilt = store.rebuild_receipt_index(|height, bytes| match decode_receipts(bytes, Height(height)) {
        Ok(receipts) => receipts.iter().map(|full| (full.receipt.id.0, full.receipt.index)).collect(),
        Err(error) => {
            malformed.get_or_insert(error);
            Vec::new()
        }
    });
    let tip = Height(store.tip().map_or(0, |(tip, _)| tip));
    needed(rebuilt.map(Some), tip)?;
    malformed.map_or(Ok(()), Err)
}
