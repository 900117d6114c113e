//! What of a block can be judged without the state: form, certificate, signatures. Done ahead, on many threads.

use std::sync::{Arc, PoisonError, RwLock};

use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Height, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::{Batch, Domain, Hash, KnownKeys};
use keis_ledger::ids::BlockId;
use keis_ledger::list;
use keis_ledger::transaction::{RawTransaction, VerifiedTransaction};

use crate::content::Entry;
use crate::fault::{Fault, rule};

/// A set of validators with its hash.
pub(crate) struct KnownSet {
    pub(crate) hash: Hash,
    pub(crate) set: ValidatorSet,
}

impl KnownSet {
    pub(crate) fn of(set: &ValidatorSet) -> Self {
        Self { hash: set.hash(), set: set.clone() }
    }
}

/// The validators of the height that the state has come to. Sets seldom change, so blocks ahead mostly have the same.
pub(crate) struct Validators(RwLock<Arc<KnownSet>>);

impl Validators {
    pub(crate) fn new(set: &ValidatorSet) -> Self {
        Self(RwLock::new(Arc::new(KnownSet::of(set))))
    }

    pub(crate) fn now(&self) -> Arc<KnownSet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change(&self, set: &ValidatorSet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(KnownSet::of(set));
    }
}

/// A block that is well formed, with proven signatures.
pub(crate) struct Checked {
    pub(crate) block: Block,
    pub(crate) id: BlockId,
    pub(crate) certificate: Certificate,
    /// Hash of the validators against whom the certificate was found sound; none when they were not known ahead.
    pub(crate) sound_by: Option<Hash>,
    pub(crate) transactions: Vec<VerifiedTransaction>,
    /// The root that the header should name.
    pub(crate) transactions_root: Hash,
}

/// Judges an entry.
pub(crate) fn check(
    network: &Hash,
    validators: &Validators,
    keys: &mut KnownKeys,
    entry: &Entry,
) -> Result<Checked, Fault> {
    let at = entry.height;
    let block = Block::decode(&entry.block).map_err(|error| Fault::block(rule::BLOCK, at, error))?;
    if block.header.network != *network {
        return Err(Fault::block(rule::NETWORK, at, "the header names another network than the founding document"));
    }
    if block.header.height != at {
        return Err(Fault::block(rule::HEIGHT, at, format!("the header says height {}", block.header.height)));
    }
    let id = block.header.id();
    let certificate = certificate(at, id, &entry.certificate)?;
    let known = validators.now();
    let sound_by = if known.hash == block.header.validators {
        judge(&certificate, network, &known.set)?;
        Some(known.hash)
    } else {
        None
    };
    let transactions = transactions(network, keys, at, &block)?;
    let mut leaves = Batch::default();
    block.transactions.iter().for_each(|raw| leaves.add(Domain::ListLeaf, &[raw]));
    let transactions_root = list::root(&leaves.hashes());
    Ok(Checked { block, id, certificate, sound_by, transactions, transactions_root })
}

fn certificate(at: Height, id: BlockId, bytes: &[u8]) -> Result<Certificate, Fault> {
    let certificate: Certificate =
        codec::decode(bytes).map_err(|error| Fault::block(rule::CERTIFICATE_FORM, at, error))?;
    if certificate.height != at || certificate.block != id {
        return Err(Fault::block(rule::CERTIFICATE_FORM, at, "the certificate is of another block"));
    }
    Ok(certificate)
}

/// Judges a certificate against the validators of its height.
pub(crate) fn judge(certificate: &Certificate, network: &Hash, set: &ValidatorSet) -> Result<(), Fault> {
    certificate.verify(network, set).map_err(|error| Fault::block(rule::CERTIFICATE, certificate.height, error))
}

fn transactions(
    network: &Hash,
    keys: &mut KnownKeys,
    at: Height,
    block: &Block,
) -> Result<Vec<VerifiedTransaction>, Fault> {
    let one = |(index, raw): (usize, RawTransaction)| {
        let signed =
            raw.parse(network).map_err(|error| Fault::transaction(rule::TRANSACTION, at, index, None, error))?;
        let id = signed.id();
        let verified = signed.verify_among(network, keys);
        verified.map_err(|error| Fault::transaction(rule::SIGNATURE, at, index, Some(id), error))
    };
    block.raw_transactions().enumerate().map(one).collect()
}
