//! Writes the seeds of all targets below `seeds/`: real bytes of a small invented year, made by the ledger itself.
//! `cargo run --example seeds` in this folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use keis_audit::trial::{self, Size, Trial};
use keis_ledger::block::{self, Block, Executed};
use keis_ledger::chain::{Address, Certificate, Height, VoteStep};
use keis_ledger::codec;
use keis_ledger::crypto::{Hash, PublicKey, Signature};
use keis_ledger::ids::BlockId;
use keis_ledger::list;
use keis_ledger::record::{Record, RecordKey};
use keis_ledger::transaction::{RawTransaction, SignedTransaction};
use keis_ledger::tree::TreeKey;
use keis_wallet::verify::{ProvenReceipt, ProvenRecord, PublicRecord, ReceiptFile, RecordFile};

type Chain = [(Executed, Certificate, Vec<SignedTransaction>)];

/// Seeds of one kind; more teach a fuzzer little.
const MOST: usize = 100;
/// Longest seed in bytes.
const LONGEST: usize = 10_000;

fn keep(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::remove_dir_all(&folder).ok();
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

/// The ledger's frozen encodings: names and bytes.
fn frozen() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/tests/vectors");
    let files = ["transactions", "chain", "governance", "sealed"].map(|name| folder.join(format!("{name}.txt")));
    let lines = files.map(|file| fs::read_to_string(file).expect("the frozen encodings")).concat();
    let named = lines.lines().filter_map(|line| line.split_once(' '));
    named.filter_map(|(name, digits)| Some((name.to_owned(), bytes(digits.trim())?))).collect()
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// One transaction of every operation.
fn every_operation() -> Vec<SignedTransaction> {
    let raw = frozen().into_iter().filter(|(name, _)| name.ends_with(".raw"));
    raw.map(|(_, raw)| RawTransaction(raw).parse(&Hash([7; 32])).expect("a frozen transaction")).collect()
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

/// Every kind of record once, with its place.
fn records(chain: &Chain) -> Vec<(TreeKey, Record)> {
    let mut kinds = BTreeMap::new();
    for (executed, _, _) in chain.iter().rev() {
        for (place, record) in executed.tip.state.records() {
            let kind = codec::encode(record)[..4].to_vec();
            kinds.entry(kind).or_insert_with(|| (*place, record.clone()));
        }
    }
    for record in frozen().iter().filter_map(|(_, bytes)| codec::decode::<Record>(bytes).ok()) {
        let kind = codec::encode(&record)[..4].to_vec();
        let place = TreeKey([kind[0]; 34]);
        kinds.entry(kind).or_insert((place, record));
    }
    kinds.into_values().collect()
}

fn state(chain: &Chain) {
    let mut records = records(chain);
    let one = records.iter().map(|(_, record)| codec::encode(record));
    let keys = [RecordKey::Network, RecordKey::Key(PublicKey([1; 32])), RecordKey::Year(trial::YEAR)];
    let headers = chain.iter().take(2).map(|(executed, _, _)| codec::encode(&executed.block.header));
    let mut receipts = BTreeMap::new();
    for full in chain.iter().flat_map(|(executed, _, _)| &executed.receipts) {
        receipts.entry(format!("{:?}", full.receipt.kind)).or_insert_with(|| codec::encode(full));
    }
    let proof = list::prove(&leaves(&chain[0].0), 0).expect("the first of them");
    let all = one.chain(keys.iter().map(codec::encode)).chain(headers).chain([codec::encode(&proof)]);
    keep("records", all.chain(receipts.into_values()));
    records.sort_by_key(|(place, _)| *place);
    keep("snapshot", [codec::encode(&records), codec::encode(&records[..2].to_vec())]);
}

fn leaves(executed: &Executed) -> Vec<keis_ledger::crypto::Hash> {
    executed.receipts.iter().map(|full| full.receipt.leaf()).collect()
}

fn proofs(chain: &Chain) {
    let receipts = chain.iter().map(|(executed, certificate, _)| {
        let receipt = executed.receipts[0].receipt.clone();
        let proof = list::prove(&leaves(executed), 0).expect("the first of them");
        ProvenReceipt { receipt, header: executed.block.header.clone(), proof, certificate: certificate.clone() }
    });
    let receipts: Vec<ProvenReceipt> = receipts.collect();
    let files = receipts.iter().take(2).map(|one| {
        serde_json::to_vec(&ReceiptFile::new(one.clone(), Vec::new(), Vec::new())).expect("a file is plain data")
    });
    let (executed, certificate, _) = chain.last().expect("a year has blocks");
    let kept = [PublicRecord::Parameters {}, PublicRecord::Year { year: trial::YEAR }].map(|key| {
        let place = key.key().place();
        let record =
            executed.tip.state.records().find(|(at, _)| **at == place).map(|(_, record)| codec::encode(record));
        let (proof, header) = (executed.tip.state.prove(&key.key()), executed.block.header.clone());
        let proven = ProvenRecord { record, proof, header, certificate: certificate.clone() };
        serde_json::to_vec(&RecordFile::new(key, proven, Vec::new())).expect("a file is plain data")
    });
    keep("proofs", receipts.iter().take(2).map(ProvenReceipt::encode).chain(files).chain(kept));
}

/// What nodes say to each other, as their enumerations are encoded: a number, then the fields.
fn peers(chain: &Chain, document: &[u8]) {
    let past: Vec<(Vec<u8>, Certificate, Vec<u8>)> = chain
        .iter()
        .rev()
        .take(2)
        .map(|(executed, certificate, _)| {
            (executed.block.encode(), certificate.clone(), codec::encode(&executed.receipts))
        })
        .collect();
    let (executed, certificate, signed) = chain.last().expect("a year has blocks");
    let header = executed.block.header.clone();
    let validators = executed.tip.network_record().validators.clone();
    let (handover, digests) = ((header.clone(), certificate.clone(), validators), vec![header.state_root]);
    let chunk = codec::encode(&records(chain)[..2].to_vec());
    let answers = [
        codec::encode(&0u32),
        codec::encode(&(1u32, header.height, vec![(header.clone(), certificate.clone(), digests)])),
        codec::encode(&(2u32, vec![handover])),
        codec::encode(&(3u32, chunk)),
        codec::encode(&(4u32, past[..1].to_vec())),
    ];
    let ids = vec![signed[0].id()];
    let documents = vec![document.to_vec()];
    let said = [
        codec::encode(&(0u32, ids.clone())),
        codec::encode(&(1u32, vec![(signed[0].raw().to_vec(), None), (vec![1], Some(document.to_vec()))])),
        codec::encode(&(2u32, ids)),
        codec::encode(&(3u32, documents.clone())),
        codec::encode(&(4u32, 1_800_000_000_000u64, Signature([1; 64]))),
        codec::encode(&(2u32, documents)),
        codec::encode(&(3u32, header.height)),
    ];
    let framed = |bytes: &Vec<u8>| [&(bytes.len() as u32).to_le_bytes(), bytes.as_slice()].concat();
    keep("frames", said.iter().chain(&answers).map(framed));
    keep("answer", answers);
    let genesis = codec::encode(&(2u32, document.to_vec()));
    let network = (1u32, header.network, Height(1), header.height, header.id(), Some((header.height, header.id())));
    let frames = [
        codec::encode(&(0u32, network)),
        genesis,
        codec::encode(&(7u32, past[0].clone())),
        codec::encode(&(9u32, 1u64, 0u64, 0u64)),
    ];
    let sealed = frames.iter().flat_map(|frame| [&(frame.len() as u16).to_le_bytes(), frame.as_slice()].concat());
    keep("backup", [[0].into_iter().chain(sealed).collect()]);
}

/// What the engine says and logs, in its codec's mirrors.
fn engine() {
    let (height, address, signature, block) = (Height(6), Address([1; 20]), Signature([2; 64]), BlockId([3; 32]));
    let vote = (VoteStep::Precommit, height, Some(2u32), Some(block), address, signature);
    let proposal = (height, Some(1u32), block, None::<u32>, address, signature);
    let votes = vec![(address, signature), (Address([4; 20]), signature)];
    let skip = (height, Some(3u32), false, vec![(VoteStep::Prevote, None::<BlockId>, address, signature)]);
    let head = (0u32, height, 1u32, None::<u32>, address, 100_000u32);
    let decided = (vec![7u8; 40], height, Some(0u32), block, votes.clone());
    let peer = [&[0, 36, 8, 1, 18, 32], [9; 32].as_slice()].concat();
    let messages: [(u8, Vec<u8>); 15] = [
        (0, codec::encode(&(0u32, vote))),
        (0, codec::encode(&(1u32, proposal))),
        (1, codec::encode(&(0u32, vote))),
        (1, codec::encode(&(1u32, height, Some(0u32), block, votes.clone()))),
        (1, codec::encode(&(2u32, skip))),
        (2, codec::encode(&head)),
        (2, codec::encode(&(1u32, vec![5u8; 20]))),
        (2, codec::encode(&(2u32, 1u32, proposal))),
        (3, codec::encode(&(vec![1u8, 2], 0u64, Some(head)))),
        (4, codec::encode(&(height, Some(1u32), None::<u32>, address, block, true))),
        (5, codec::encode(&(height, Some(0u32), block, votes))),
        (6, codec::encode(&(peer.clone(), height, Height(1)))),
        (7, codec::encode(&(height, vec![decided]))),
        (8, codec::encode(&(vec![1u8; 32], peer, signature))),
        (8, codec::encode(&(Height(1), height))),
    ];
    keep("wire", messages.into_iter().map(|(kind, bytes)| [&[kind], bytes.as_slice()].concat()));
    let records = [
        codec::encode(&(3u32, Height(4))),
        codec::encode(&(4u32, 3u64)),
        codec::encode(&(1u32, height, 1u32, 1u32, None::<u32>, Some(block), signature)),
        codec::encode(&5u32),
    ];
    let behind = records.iter().flat_map(|record| [&[record.len() as u8], record.as_slice()].concat());
    keep("sign_log", [[0].into_iter().chain(behind).collect()]);
    keep(
        "guard",
        [b"\0\x10\x01\x01\0\x10\x02\x01\x07\0\0\0\0\x10\x01\x02\x05\x10\0\xff\x04\x21\x01\x01\x06\0\0\0".to_vec()],
    );
    keep("streams", [b"\0\0\x01\x2c\x01\0\0\x01\x05\xc8\0\0\0\x02\x05\x64\0\0".to_vec()]);
    keep("wal", [b"\x01\x20\0\xff".to_vec(), [0].into_iter().chain([0; 64]).collect()]);
}

/// What clients write of themselves.
fn clients() {
    let covered = "(\"@method\" \"@authority\" \"@path\" \"@query\")";
    let parameters = "created=1800000000;expires=1800000060;nonce=\"n-1\";alg=\"ed25519\";tag=\"keis\"";
    let key = "26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb";
    let signature = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    let head = format!(
        "1800000010\nGET /v1/orders year=2026\nkeis={covered};{parameters};keyid=\"key_{key}\"\nkeis=:{signature}:"
    );
    let two = format!("\nGET / \na=(\"date\");tag=\"x\", b={covered}\na=:{signature}:, b=:{signature}:\nDate: now\n0");
    keep("signature", [head, two].map(String::into_bytes));
    let found =
        "ažuol teatr\n{\"title\":{\"lt\":\"Ąžuolas\",\"en\":\"Oak\"},\"parts\":[\"Teatro pamoka\"],\"salt\":\"00\"}";
    keep("search", [found, "ŽALIOJI 7\nKauno „Žalioji“ 7", "e\u{307}\n"].map(|text| text.as_bytes().to_vec()));
    let taken = ["lt;q=0.8, en-GB;q=0.5, *;q=0.1", "text/html, application/xml;q=0.9, */*;q=0.2", "application/*;q=0"];
    keep("accept", taken.map(|text| text.as_bytes().to_vec()));
}

fn main() {
    let size = Size { classes: 2, pupils: 2, rounds: 1, block: 12 };
    let trial = Trial::year(size);
    let chain = executed(&trial);
    let operations = every_operation();
    keep("transaction", operations.iter().map(|one| one.raw().to_vec()));
    keep("json_transaction", operations.iter().map(json));
    keep("block", trial.entries().iter().rev().map(|entry| entry.block.clone()));
    keep("certificate", trial.entries().iter().map(|entry| entry.certificate.clone()));
    let genesis = serde_json::to_vec_pretty(trial.genesis().document()).expect("a document is plain data");
    keep("genesis", [genesis]);
    let short = keis_audit::trial::export(trial.genesis(), &trial.entries()[..2], &[]);
    keep("export_parts", [parts(&short), parts(&keis_audit::trial::export(trial.genesis(), &[], trial.documents()))]);
    keep("export", [short]);
    state(&chain);
    proofs(&chain);
    peers(&chain, &trial.documents()[0].1);
    engine();
    clients();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/einvoice/tests/einvoice/golden");
    let invoices = fs::read_dir(golden).expect("the golden invoices").map(|entry| entry.expect("an entry").path());
    keep("invoice", invoices.map(|path| fs::read(path).expect("a golden invoice")));
}
