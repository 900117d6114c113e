//! The browser's encoder against the ledger's: random operations and bodies in both directions, damaged bytes, the frozen
//! vectors, and signatures made by the scripts and judged by the ledger. Node runs the scripts' own tests with what this
//! test gives it.

#![allow(clippy::unwrap_used, reason = "tests may unwrap, and so may what they share")]

#[path = "../encoder/generate.rs"]
mod generate;

use std::path::Path;
use std::process::Command;

use ed25519_check::verifies;
use generate::Source;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::operation::Operation;
use keis_ledger::transaction::RawTransaction;
use keis_portal::words::LANGS;
use serde_json::{Value, json};

const NETWORK: Hash = Hash([7; 32]);
const USER: [u8; 16] = [9; 16];

mod ed25519_check {
    use keis_ledger::crypto::{PublicKey, Signature};

    /// By the ledger's one rule.
    pub fn verifies(key: &str, message: &[u8], signature: &str) -> bool {
        let (key, signature): (PublicKey, Signature) = (key.parse().unwrap(), signature.parse().unwrap());
        key.verify(message, &signature)
    }
}

/// Some bytes changed, cut or added.
fn damaged(source: &mut Source, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = usize::try_from(source.below(bytes.len() as u64)).unwrap();
    match source.below(4) {
        0 => bytes.truncate(place),
        1 => bytes.push(0),
        2 => bytes[place] ^= 1 << source.below(8),
        _ => bytes[place] = 255,
    }
    bytes
}

fn words() -> Value {
    let of = |lang: keis_portal::words::Lang| {
        let mut all = lang.words().templates("sign-");
        all.extend(lang.words().templates("keys-"));
        (lang.code().to_owned(), Value::Object(all.into_iter().map(|(key, text)| (key, text.into())).collect()))
    };
    Value::Object(LANGS.into_iter().map(of).collect())
}

fn fixtures() -> Value {
    let mut source = Source(0x5EED_0001);
    let mut operations = Vec::new();
    let mut harmed = Vec::new();
    for _ in 0..4_000 {
        let operation = source.operation();
        let bytes = codec::encode(&operation);
        let damaged = damaged(&mut source, &bytes);
        let is_sound = codec::decode::<Operation>(&damaged).is_ok();
        harmed.push(json!({ "hex": hex::encode(damaged), "sound": is_sound }));
        operations.push(json!({ "hex": hex::encode(bytes), "json": operation }));
    }
    let bodies: Vec<Value> = (0..1_000)
        .map(|_| source.body())
        .map(|body| json!({ "hex": hex::encode(codec::encode(&body)), "json": body }))
        .collect();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/tests/vectors/transactions.txt");
    let vectors = std::fs::read_to_string(vectors).expect("the ledger's vectors are there");
    json!({
        "network": NETWORK, "user": hex::encode(USER), "operations": operations, "bodies": bodies, "harmed": harmed,
        "vectors": vectors, "words": words(),
    })
}

/// Runs the scripts' tests; what they signed comes back.
fn node(fixtures: &Value) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let (given, signed) = (folder.path().join("fixtures.json"), folder.path().join("signed.json"));
    std::fs::write(&given, serde_json::to_vec(fixtures).expect("plain values")).expect("the folder takes files");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoder");
    let files = ["encoding", "judge", "keys", "words"].map(|name| tests.join(format!("{name}.test.js")));
    let run = Command::new("node")
        .arg("--test")
        .args(files)
        .env("KEIS_FIXTURES", &given)
        .env("KEIS_SIGNED", &signed)
        .output()
        .expect("node is installed: Debian's package nodejs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "the scripts' tests fail:\n{told}\n{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&std::fs::read(&signed).expect("the tests wrote what they signed")).expect("JSON")
}

#[test]
fn the_browser_and_the_ledger_agree() {
    let signed = node(&fixtures());

    let transactions = signed["transactions"].as_array().expect("a list");
    assert!(!transactions.is_empty(), "the scripts signed something");
    for transaction in transactions {
        let raw = hex::decode(transaction["raw"].as_str().expect("text")).expect("digits");
        let parsed = RawTransaction(raw).parse(&NETWORK).expect("the scripts write the one encoding");
        assert_eq!(json!(parsed.body().operation), transaction["operation"]);
        parsed.verify(&NETWORK).expect("the scripts' signature holds by the ledger's rule");
    }

    let key = signed["key"].as_str().expect("text");
    let proof = signed["proof"].as_str().expect("text");
    let parsed: keis_ledger::crypto::PublicKey = key.parse().expect("a key's text form");
    let message = [b"KEIS/enrol/0001\0".as_slice(), &NETWORK.0, &USER, &parsed.0].concat();
    assert!(verifies(key, &message, proof), "the proof of possession holds");
}
