//! What of a block can be judged without the state: form, certificate, signatures. Done ahead, on many threads.

use std::sync::{Arc, PoisonError, RwLock};

use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Header, Height, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::{Batch, Domain, Hash, KnownKeys, Signatures};
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
    pub(crate) header: Header,
    pub(crate) id: BlockId,
    pub(crate) certificate: Certificate,
    /// Hash of the validators against whom the certificate was found sound; none when they were not known ahead.
    pub(crate) sound_by: Option<Hash>,
    pub(crate) transactions: Vec<VerifiedTransaction>,
    /// The root that the header should name.
    pub(crate) transactions_root: Hash,
}

/// A block that is well formed, and the votes for it.
struct Formed {
    block: Block,
    id: BlockId,
    certificate: Certificate,
}

/// Judges entries up to the first that is not sound.
pub(crate) fn check(
    network: &Hash,
    validators: &Validators,
    keys: &mut KnownKeys,
    entries: &[Entry],
) -> Vec<Result<Checked, Fault>> {
    let known = validators.now();
    let formed: Result<Vec<Formed>, Fault> = entries.iter().map(|entry| form(network, entry)).collect();
    if let Some(checked) = formed.ok().and_then(|formed| together(network, &known, keys, formed)) {
        return checked.into_iter().map(Ok).collect();
    }
    // Something does not hold, or there is little to judge: one after the other, so that what is told is the first fault.
    let mut judged = Vec::with_capacity(entries.len());
    for entry in entries {
        let one = form(network, entry).and_then(|formed| alone(network, &validators.now(), keys, formed));
        let sound = one.is_ok();
        judged.push(one);
        if !sound {
            break;
        }
    }
    judged
}

fn form(network: &Hash, entry: &Entry) -> Result<Formed, Fault> {
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
    Ok(Formed { block, id, certificate })
}

/// All of these blocks, if every signature of all of them holds and there is enough to judge.
fn together(network: &Hash, known: &KnownSet, keys: &mut KnownKeys, formed: Vec<Formed>) -> Option<Vec<Checked>> {
    let of_block = |one: &Formed| one.block.transactions.len() + one.certificate.signatures.len();
    let members = formed.iter().map(of_block).sum();
    if members < Signatures::WORTH {
        return None;
    }
    let mut coins = [0; 32];
    getrandom::fill(&mut coins).ok()?;
    let mut signatures = Signatures::with_room(members, &coins);
    let (mut heads, mut signed) = (Vec::with_capacity(formed.len()), Vec::with_capacity(formed.len()));
    for Formed { block: Block { header, transactions }, id, certificate } in formed {
        if known.hash == header.validators {
            certificate.verify_with(network, &known.set, keys, &mut signatures).ok()?;
        }
        let raw = transactions.into_iter().map(RawTransaction).collect();
        signed.push(RawTransaction::parse_all(raw, network).ok()?);
        heads.push((header, id, certificate));
    }
    let verified = VerifiedTransaction::all(signed, network, keys, signatures)?;
    Some(heads.into_iter().zip(verified).map(|(head, transactions)| checked(head, known, transactions)).collect())
}

fn alone(network: &Hash, known: &KnownSet, keys: &mut KnownKeys, formed: Formed) -> Result<Checked, Fault> {
    let Formed { block, id, certificate } = formed;
    if known.hash == block.header.validators {
        judge(&certificate, network, &known.set)?;
    }
    let transactions = transactions(network, keys, &block)?;
    Ok(checked((block.header, id, certificate), known, transactions))
}

fn checked(
    (header, id, certificate): (Header, BlockId, Certificate),
    known: &KnownSet,
    transactions: Vec<VerifiedTransaction>,
) -> Checked {
    let sound_by = (known.hash == header.validators).then_some(known.hash);
    let mut leaves = Batch::default();
    transactions.iter().for_each(|one| leaves.add(Domain::ListLeaf, &[one.raw()]));
    let transactions_root = list::root(&leaves.hashes());
    Checked { header, id, certificate, sound_by, transactions, transactions_root }
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

fn transactions(network: &Hash, keys: &mut KnownKeys, block: &Block) -> Result<Vec<VerifiedTransaction>, Fault> {
    let at = block.header.height;
    let one = |(index, raw): (usize, RawTransaction)| {
        let signed =
            raw.parse(network).map_err(|error| Fault::transaction(rule::TRANSACTION, at, index, None, error))?;
        let id = signed.id();
        let signer = keys.find(&signed.body().signer);
        let verified = signed.verify_by(network, &signer);
        verified.map_err(|error| Fault::transaction(rule::SIGNATURE, at, index, Some(id), error))
    };
    block.raw_transactions().enumerate().map(one).collect()
}
