//! Writes the seeds of all targets below `seeds/`: real bytes of a small invented year, made by the ledger itself.
//! `cargo run --example seeds` in this folder.

use std::fs;
use std::path::Path;

use keis_audit::trial::{Size, Trial};
use keis_ledger::block::{self, Block, Executed};
use keis_ledger::chain::Certificate;
use keis_ledger::codec;
use keis_ledger::list;
use keis_ledger::transaction::SignedTransaction;
use keis_wallet::verify::{ProvenReceipt, ReceiptFile};

/// Seeds of one kind; more teach a fuzzer little.
const MOST: usize = 12;
/// Longest seed in bytes.
const LONGEST: usize = 10_000;

fn keep(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).expect("a folder of ours");
    let short = seeds.into_iter().filter(|seed| seed.len() <= LONGEST);
    for (number, seed) in short.take(MOST).enumerate() {
        fs::write(folder.join(format!("{number:02}")), seed).expect("a folder of ours");
    }
}

/// The chain executed from the founding document on.
fn executed(trial: &Trial) -> Vec<(Executed, Certificate, Vec<SignedTransaction>)> {
    let (mut tip, mut all) = (trial.genesis().tip(), Vec::new());
    for entry in trial.entries() {
        let block = Block::decode(&entry.block).expect("a block of ours");
        let signed: Vec<_> =
            block.raw_transactions().map(|raw| raw.parse(&tip.network).expect("a transaction of ours")).collect();
        let proven: Vec<_> =
            signed.iter().map(|one| one.clone().verify(&tip.network).expect("it was signed")).collect();
        let executed = block::execute(&tip, &block, &proven).expect("a lawful block");
        tip = executed.tip.clone();
        all.push((executed, codec::decode(&entry.certificate).expect("a certificate of ours"), signed));
    }
    all
}

/// One transaction of every kind that comes.
fn kinds(chain: &[(Executed, Certificate, Vec<SignedTransaction>)]) -> Vec<&SignedTransaction> {
    let all = chain.iter().flat_map(|(executed, _, signed)| {
        let receipts = executed.receipts.iter().rev().map(|full| format!("{:?}", full.receipt.kind));
        receipts.zip(signed.iter().rev())
    });
    let mut kinds = std::collections::BTreeMap::new();
    for (kind, transaction) in all {
        kinds.entry(kind).or_insert(transaction);
    }
    kinds.into_values().collect()
}

fn json(transaction: &SignedTransaction) -> Vec<u8> {
    let mut value = serde_json::to_value(transaction.body()).expect("a body is plain data");
    let raw = transaction.raw();
    let signature: String = raw[raw.len() - 64..].iter().map(|byte| format!("{byte:02x}")).collect();
    value["signature"] = signature.into();
    serde_json::to_vec(&value).expect("a value is plain data")
}

/// The content of an export as `export_parts` takes it.
fn parts(export: &[u8]) -> Vec<u8> {
    let (mut rest, mut parts) = (&export[keis_audit::MAGIC.len()..], Vec::new());
    while rest.len() > 44 {
        let number = |at: usize| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]) as usize;
        let (kind, packed, plain) = (rest[0], number(4), number(8));
        let content = zstd::bulk::decompress(&rest[44..44 + packed], plain).expect("a frame of ours");
        if let Ok(length) = u16::try_from(plain) {
            parts.extend([&[kind], length.to_le_bytes().as_slice(), &content].concat());
        }
        rest = &rest[44 + packed..];
    }
    parts
}

fn main() {
    let size = Size { classes: 2, pupils: 2, rounds: 1, block: 12 };
    let trial = Trial::year(size);
    let chain = executed(&trial);
    let kinds = kinds(&chain);
    keep("transaction", kinds.iter().map(|one| one.raw().to_vec()));
    keep("json_transaction", kinds.iter().map(|one| json(one)));
    keep("block", trial.entries().iter().rev().map(|entry| entry.block.clone()));
    keep("certificate", trial.entries().iter().take(2).map(|entry| entry.certificate.clone()));
    let genesis = serde_json::to_vec_pretty(trial.genesis().document()).expect("a document is plain data");
    keep("genesis", [genesis]);
    let short = keis_audit::trial::export(trial.genesis(), &trial.entries()[..2], &[]);
    keep("export_parts", [parts(&short), parts(&keis_audit::trial::export(trial.genesis(), &[], trial.documents()))]);
    keep("export", [short]);
    let receipts = chain.iter().map(|(executed, certificate, _)| {
        let leaves: Vec<_> = executed.receipts.iter().map(|full| full.receipt.leaf()).collect();
        let receipt = executed.receipts[0].receipt.clone();
        let proof = list::prove(&leaves, 0).expect("the first of them");
        ProvenReceipt { receipt, header: executed.block.header.clone(), proof, certificate: certificate.clone() }
    });
    let receipts: Vec<ProvenReceipt> = receipts.collect();
    let files = receipts.iter().take(2).map(|one| {
        serde_json::to_vec(&ReceiptFile::new(one.clone(), Vec::new(), Vec::new())).expect("a file is plain data")
    });
    keep("proofs", receipts.iter().take(2).map(ProvenReceipt::encode).chain(files));
    let full = chain.iter().flat_map(|(executed, _, _)| &executed.receipts).map(codec::encode);
    let headers = chain.iter().take(2).map(|(executed, _, _)| codec::encode(&executed.block.header));
    keep("records", headers.chain(full));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/einvoice/tests/einvoice/golden");
    let invoices = fs::read_dir(golden).expect("the golden invoices").map(|entry| entry.expect("an entry").path());
    keep("invoice", invoices.map(|path| fs::read(path).expect("a golden invoice")));
}
