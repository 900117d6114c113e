//! The invoices of a demo's year: every case is among them, the official judge finds all of them sound, files can be told from others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keis_einvoice::{Kind, Reading};
use keis_tests::program;
use serde_json::Value;

use crate::text;

/// Exports them twice, judges them, and verifies what is whole and what is not.
pub async fn assert_exported(home: &Path, out: &Path) {
    let (home, target) = (text(home), text(out));
    let export = ["invoice", "export", "--home", &home, "--out", &target];
    program::keis(export).await.well();
    let files = xml(out);
    let readings: Vec<Reading> = files.iter().map(|file| reading(file)).collect();
    assert_cases(&readings);
    assert_judged(&files);
    let index = fs::read_to_string(out.join("index.csv")).expect("an index lies beside the files");
    assert_eq!(index.lines().count(), files.len() + 1, "{index}");
    for state in ["reconciled", "credited"] {
        assert!(index.contains(&format!(",{state},")), "{state} is missing in {index}");
    }

    let again = program::keis(export).await.well();
    assert!(again.out.contains("0 new"), "{}", again.out);
    let one = text(&files[0]);
    let whole = fs::read(&files[0]).expect("the file can be read");
    let found = program::keis(["invoice", "verify", &one, "--home", &home]).await.well();
    assert!(found.out.contains("is the ledger's"), "{}", found.out);

    let other = String::from_utf8(whole.clone()).expect("UTF-8").replace("</cbc:ID>", " </cbc:ID>");
    fs::write(&files[0], other).expect("the file can be written");
    assert_eq!(program::keis(["invoice", "verify", &one, "--home", &home]).await.code(), 3);
    let refused = program::keis(export).await;
    assert!(refused.code() == 1 && refused.err.contains("--force"), "{refused:?}");
    program::keis([&export[..], &["--force", "--pdf", "--html", "--language", "en"]].concat()).await.well();
    assert_eq!(fs::read(&files[0]).expect("the file can be read"), whole);
    assert!(files[0].with_extension("pdf").exists() && files[0].with_extension("html").exists());

    let listed = program::keis(["invoice", "list", "--home", &home, "--json"]).await.well();
    assert_eq!(listed.out.lines().count(), files.len());
    let month =
        files[0].parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("a folder of a month");
    let listed = program::keis(["invoice", "list", "--home", &home, "--json", "--period", month]).await.well();
    let there = files.iter().filter(|file| file.parent() == files[0].parent()).count();
    assert_eq!(listed.out.lines().count(), there);
}

fn xml(out: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(out).expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    let files =
        folders.filter(|path| path.is_dir()).flat_map(|folder| fs::read_dir(folder).expect("a folder of a month"));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "xml"));
    files.sort();
    assert!(!files.is_empty(), "nothing was exported");
    files
}

fn reading(file: &Path) -> Reading {
    let bytes = fs::read(file).expect("the file can be read");
    Reading::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Everything that the issue names is there at least once.
fn assert_cases(readings: &[Reading]) {
    let mut cases: BTreeSet<String> = BTreeSet::new();
    for reading in readings {
        let received = &reading.received;
        let kind = match received.kind {
            Kind::Invoice => "",
            Kind::CreditNote => "credit ",
        };
        for (group, reason) in received.breakdown.iter().zip(&reading.reasons) {
            let rate = group.rate.map(|rate| rate.get().to_string()).unwrap_or_default();
            let of = ["kultūros ir švietimo", "kultūros", "švietimo"];
            let why = of.into_iter().find(|why| reason.as_ref().is_some_and(|reason| reason.contains(why)));
            cases.insert(format!("{kind}{} {rate} {}", group.category, why.unwrap_or_default()).trim_end().to_owned());
        }
        if received.breakdown.len() > 1 {
            cases.insert(format!("{kind}mixed"));
        }
        if received.seller.code.is_none() {
            assert!(!received.seller.ids.is_empty(), "a natural person has a certificate");
            cases.insert(format!("{kind}natural"));
        }
        if received.seller.vat.as_ref().is_some_and(|vat| !vat.starts_with("LT")) {
            cases.insert("union".to_owned());
        }
        if received.buyer.code.as_deref() != Some("980000990") {
            cases.insert("school money".to_owned());
        }
        if received.kind == Kind::CreditNote {
            let of =
                readings.iter().find(|other| other.received.kind == Kind::Invoice && other.object == reading.object);
            let of = of.expect("a credit note's invoice is exported too");
            let is_whole = of.received.totals.gross == received.totals.gross;
            cases.insert(if is_whole { "credit whole" } else { "credit part" }.to_owned());
        }
    }
    for wanted in [
        "S 2100",
        "S 1200",
        "E 0 kultūros",
        "E 0 švietimo",
        "O",
        "mixed",
        "natural",
        "union",
        "school money",
        "credit part",
        "credit whole",
        "credit S 2100",
        "credit natural",
    ] {
        assert!(cases.contains(wanted), "{wanted} is missing among {cases:?}");
    }
}

/// The official judge of `registry/einvoice` finds nothing.
fn assert_judged(files: &[PathBuf]) {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/einvoice/tests/judge");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for file in files {
        fs::copy(file, folder.path().join(file.file_name().expect("a file's name"))).expect("the file can be copied");
    }
    let python = judge.join("venv/bin/python");
    assert!(python.exists(), "the judge is missing: run `sh registry/einvoice/tests/judge/prepare.sh`");
    let output = Command::new(python).arg(judge.join("judge.py")).arg(folder.path()).output().expect("the judge runs");
    assert!(output.status.success(), "the judge failed: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).expect("the judge answers in UTF-8");
    assert_eq!(told.lines().count(), files.len(), "every file is judged");
    for line in told.lines() {
        let verdict: Value = serde_json::from_str(line).expect("a line of JSON");
        for field in ["schema", "rules", "peppol"] {
            assert_eq!(verdict[field], Value::Array(Vec::new()), "{verdict:#}");
        }
    }
}
