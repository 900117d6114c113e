//! JSON forms of what the ledger writes and does not read itself. Everything here must give back the very same value,
//! since hashes are taken over it; an unknown field is refused.

use bincode::{Decode, Encode};
use keis_ledger::chain::{Address, Certificate, Header, Height, Validator, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::crypto::{Hash, PublicKey, Signature};
use keis_ledger::ids::{
    BlockId, DecisionId, InstitutionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId,
    TransactionId,
};
use keis_ledger::list::ListProof;
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::receipt::{Kind, Receipt, ReceiptLine, Subject};
use keis_ledger::record::{OrderState, Totals};
use keis_ledger::time::Timestamp;
use keis_ledger::tree::{Proof, Step, TreeKey};
use serde::de::{Deserializer, Error};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(remote = "Receipt", deny_unknown_fields)]
pub(crate) struct ReceiptWire {
    id: TransactionId,
    #[serde(deserialize_with = "height")]
    height: Height,
    index: u32,
    time: Timestamp,
    #[serde(deserialize_with = "named")]
    kind: Kind,
    #[serde(deserialize_with = "SubjectWire::deserialize")]
    subject: Subject,
    on_behalf: bool,
    #[serde(deserialize_with = "AmountsWire::deserialize")]
    total: Amounts,
    lines: u32,
    lines_root: Hash,
}

#[derive(Deserialize)]
#[serde(remote = "Subject", deny_unknown_fields)]
struct SubjectWire {
    #[serde(default)]
    year: Option<Year>,
    #[serde(default)]
    order: Option<OrderId>,
    #[serde(default, deserialize_with = "named_if_any")]
    order_state: Option<OrderState>,
    #[serde(default)]
    session: Option<SessionId>,
    #[serde(default)]
    service: Option<ServiceId>,
    #[serde(default)]
    school: Option<SchoolId>,
    #[serde(default)]
    provider: Option<ProviderId>,
    #[serde(default)]
    statement: Option<StatementId>,
    #[serde(default)]
    decision: Option<DecisionId>,
}

#[derive(Deserialize)]
#[serde(remote = "Header", deny_unknown_fields)]
pub(crate) struct HeaderWire {
    protocol: u32,
    network: Hash,
    #[serde(deserialize_with = "height")]
    height: Height,
    parent: BlockId,
    time: Timestamp,
    proposer: Address,
    transactions_root: Hash,
    receipts_root: Hash,
    state_root: Hash,
    validators: Hash,
    next_validators: Hash,
}

#[derive(Deserialize)]
#[serde(remote = "Certificate", deny_unknown_fields)]
pub(crate) struct CertificateWire {
    #[serde(deserialize_with = "height")]
    height: Height,
    round: u32,
    block: BlockId,
    signatures: Vec<(Address, Signature)>,
}

#[derive(Deserialize)]
#[serde(remote = "ListProof", deny_unknown_fields)]
pub(crate) struct ListProofWire {
    index: u64,
    count: u64,
    path: Vec<Hash>,
}

#[derive(Deserialize)]
#[serde(remote = "ReceiptLine", deny_unknown_fields)]
pub(crate) struct ReceiptLineWire {
    pupil: PupilId,
    #[serde(deserialize_with = "AmountsWire::deserialize")]
    moved: Amounts,
}

#[derive(Deserialize)]
#[serde(remote = "Amounts", deny_unknown_fields)]
struct AmountsWire {
    state: Cents,
    school: Cents,
}

#[derive(Deserialize)]
#[serde(remote = "Proof", deny_unknown_fields)]
pub(crate) struct TreeProofWire {
    // Named, so that a missing field is a fault and not the empty tree.
    #[serde(deserialize_with = "Option::deserialize")]
    leaf: Option<(TreeKey, Hash)>,
    #[serde(deserialize_with = "steps")]
    path: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(remote = "Step", deny_unknown_fields)]
struct StepWire {
    bit: u16,
    sibling: Hash,
}

fn steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Step>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(with = "StepWire")] Step);
    Ok(Vec::<One>::deserialize(deserializer)?.into_iter().map(|One(step)| step).collect())
}

#[derive(Deserialize)]
#[serde(remote = "Validator", deny_unknown_fields)]
struct ValidatorWire {
    institution: InstitutionId,
    key: PublicKey,
    power: u64,
}

/// Reads a set of validators in its one order.
pub(crate) fn validators<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ValidatorSet, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(with = "ValidatorWire")] Validator);
    let given: Vec<Validator> = Vec::<One>::deserialize(deserializer)?.into_iter().map(|One(one)| one).collect();
    let set = ValidatorSet::new(given.clone()).map_err(D::Error::custom)?;
    if set.as_slice() == given {
        Ok(set)
    } else {
        Err(D::Error::custom("validators are not in the order of addresses"))
    }
}

#[derive(Deserialize)]
#[serde(remote = "Totals", deny_unknown_fields)]
pub(crate) struct TotalsWire {
    minted: Cents,
    budget: Cents,
    reserve: Cents,
    pupils: Cents,
    schools: Cents,
    held: Cents,
    escrowed: Cents,
    providers: Cents,
    settlement: Cents,
    receivable: Cents,
    paid: Cents,
    returned: Cents,
}

/// Reads a height.
pub(crate) fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Height, D::Error> {
    u64::deserialize(deserializer).map(Height)
}

/// Reads a height, if there is one.
pub(crate) fn height_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Height>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Height))
}

/// Reads a variant of one of the ledger's closed lists by the name under which the ledger writes it.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<T, D::Error> {
    let name = String::deserialize(deserializer)?;
    by_name(&name).ok_or_else(|| D::Error::custom(format_args!("`{name}` is unknown here")))
}

fn named_if_any<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<Option<T>, D::Error> {
    named(deserializer).map(Some)
}

/// A list of names, numbered from 0 in its encoding.
pub(crate) trait Named: Encode + Decode<()> + Serialize {}
impl<T: Encode + Decode<()> + Serialize> Named for T {}

/// Walks the list by its numbers, which never change, so that no second list of the names can fall behind.
fn by_name<T: Named>(name: &str) -> Option<T> {
    (0u32..)
        .map_while(|number| codec::decode::<T>(&codec::encode(&number)).ok())
        .find(|variant| serde_json::to_value(variant).is_ok_and(|written| written == name))
}

/// Reads bytes in lower-case hexadecimal, if there are any.
pub(crate) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let lower = text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    let bytes = hex::decode(&text).ok().filter(|_| lower);
    bytes.map(Some).ok_or_else(|| D::Error::custom("bytes are pairs of lower-case hexadecimal digits"))
}

/// Reads bytes in lower-case hexadecimal.
pub(crate) fn some_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    bytes(deserializer)?.ok_or_else(|| D::Error::custom("bytes are missing"))
}

/// Writes bytes in lower-case hexadecimal, if there are any.
pub(crate) fn write_bytes<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(hex::encode).serialize(serializer)
}
