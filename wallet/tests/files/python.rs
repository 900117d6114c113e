//! The verifier in Python, which shares nothing with ours but the README, judges every file as ours does.

use std::path::Path;
use std::process::Command;

use keis_ledger::receipt::Kind;

use crate::damage;
use crate::support::{genesis, good, judge, receipt_file};

/// Files given to one run.
const BATCH: usize = 500;

/// What the verifier says of each file: nothing when it holds.
fn verdicts(texts: &[Vec<u8>]) -> Vec<Option<String>> {
    let folder = tempfile::tempdir().unwrap();
    genesis().save(&folder.path().join("genesis.json")).unwrap();
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(folder.path().join(number.to_string()), text).unwrap();
    }
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/verifier");
    let python = home.join("venv/bin/python");
    assert!(python.exists(), "the verifier's libraries are missing: run `sh tests/verifier/prepare.sh`");
    let mut verdicts = Vec::new();
    let numbers: Vec<String> = (0..texts.len()).map(|number| number.to_string()).collect();
    for batch in numbers.chunks(BATCH) {
        let mut command = Command::new(&python);
        command.arg(home.join("verify.py")).args(["--genesis", "genesis.json"]).args(batch);
        let output = command.current_dir(folder.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), batch.len(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        verdicts.extend(lines.into_iter().zip(batch).map(|(line, number)| {
            let verdict = line.strip_prefix(&format!("{number}: ")).unwrap_or_else(|| panic!("{line}"));
            (verdict != "holds").then(|| verdict.to_owned())
        }));
    }
    verdicts
}

#[test]
fn both_verifiers_accept_what_is_good() {
    let mut files = good();
    for number in 0u32.. {
        let Ok(kind) = keis_ledger::codec::decode::<Kind>(&number.to_le_bytes()) else { break };
        files.push(("kind", serde_json::to_string(&receipt_file(kind, number % 2 == 0)).unwrap()));
    }
    let texts: Vec<Vec<u8>> = files.iter().map(|(_, text)| text.clone().into_bytes()).collect();
    for ((name, text), verdict) in files.iter().zip(verdicts(&texts)) {
        assert_eq!((judge(text.as_bytes()), verdict), (Ok(()), None), "{name}");
    }
}

#[test]
fn both_verifiers_agree_on_what_is_damaged() {
    let damaged = damage::all();
    let texts: Vec<Vec<u8>> = damaged.iter().map(|damaged| damaged.text.clone()).collect();
    for (damaged, theirs) in damaged.iter().zip(verdicts(&texts)) {
        let ours = judge(&damaged.text);
        assert_eq!(ours.is_ok(), theirs.is_none(), "{}: {ours:?} here, {theirs:?} there", damaged.name);
        let broken = theirs.as_ref().is_some_and(|reason| reason.contains("internal"));
        assert!(!broken, "{}: {theirs:?}", damaged.name);
    }
}
