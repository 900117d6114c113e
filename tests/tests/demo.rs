//! The main job, as its users run it: `keis sample`, `keis demo`, and the invoices that are left of it.

#[path = "demo/bench.rs"]
mod bench;
#[path = "demo/invoices.rs"]
mod invoices;

use std::fs;
use std::path::Path;

use keis_tests::program::{self, Said};
use keis_tests::wait::turn;
use serde_json::Value;
use tempfile::TempDir;

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}

/// A folder with a programme year of two hundred pupils in `year`.
async fn sample() -> TempDir {
    sample_of("200").await
}

async fn sample_of(pupils: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let year = text(&folder.path().join("year"));
    program::keis(["sample", "--pupils", pupils, "--seed", "7", "--out", &year]).await.well();
    folder
}

async fn demo(folder: &TempDir, name: &str, more: &[&str]) -> (Said, Option<Value>) {
    let (year, home) = (text(&folder.path().join("year")), text(&folder.path().join(name)));
    let report = folder.path().join(format!("{name}.json"));
    let mut arguments = vec!["demo".to_owned(), "--data".to_owned(), year, "--home".to_owned(), home];
    arguments.extend(["--report".to_owned(), text(&report)]);
    arguments.extend(more.iter().map(ToString::to_string));
    let said = program::keis(&arguments).await;
    let bytes = fs::read(&report).ok();
    let report = bytes.map(|bytes| serde_json::from_slice(&bytes).expect("the report is JSON"));
    (said, report)
}

/// The report as the issue lists its fields, of a year that came out as it must.
fn assert_report(report: &Value, year: &Path) {
    assert_eq!(report["validators"], 4);
    assert!(report["height"].as_u64().is_some_and(|height| height > 0), "{report:#}");
    let roots = report["state_roots"].as_array().expect("a list of roots");
    assert_eq!(roots.len(), 4);
    assert!(roots.iter().all(|root| root == &roots[0] && root.as_str().is_some_and(|root| root.len() == 64)));
    assert_eq!(report["balanced"], true);
    for source in ["state", "school"] {
        let of =
            |class: &str| report["money"][source][class].as_u64().unwrap_or_else(|| panic!("{class} of {report:#}"));
        let somewhere = [
            "budget",
            "reserve",
            "pupils",
            "schools",
            "held",
            "escrowed",
            "providers",
            "settlement",
            "paid",
            "returned",
        ];
        assert_eq!(of("minted") + of("receivable"), somewhere.iter().map(|class| of(class)).sum::<u64>(), "{report:#}");
    }
    let orders = report["orders"].as_object().expect("orders by state");
    let counted: u64 = orders.values().map(|count| count.as_u64().expect("a count")).sum();
    let expected = fs::read_to_string(year.join("orders.csv")).expect("the year's orders").lines().count() - 1;
    let beside = report["exceptions"]["orders"].as_u64().expect("a count");
    assert_eq!(counted, expected as u64 + beside, "{report:#}");
    assert_end(report);
    for count in ["transactions", "pupil_debits", "rejected"] {
        assert!(report[count].is_u64(), "{count} of {report:#}");
    }
    assert!(report["transactions"].as_u64() > Some(0) && report["pupil_debits"].as_u64() > Some(0));
    let latency = |point: &str| report["latency_ms"][point].as_f64().expect("a latency");
    assert!(latency("p50") > 0.0 && latency("p99") >= latency("p50"));
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
}

/// Every cent was paid or returned, what went wrong was put right, and the year is sealed.
fn assert_end(report: &Value) {
    assert_eq!(report["outstanding"], 0, "{report:#}");
    assert!(report["sealed_root"].as_str().is_some_and(|root| root.len() == 64), "{report:#}");
    let settlement = &report["settlement"];
    for source in ["state", "school"] {
        let paid = &settlement[format!("paid_{source}")];
        assert_eq!(paid, &settlement[format!("expected_{source}")], "{report:#}");
        let money = &report["money"][source];
        let of = |class: &str| money[class].as_u64().unwrap_or_else(|| panic!("{class} of {report:#}"));
        assert_eq!((of("paid") + of("returned"), of("receivable")), (of("minted"), 0), "{report:#}");
    }
    assert!(settlement["statements"].as_u64() > Some(0) && settlement["invoices_refused"] == 1, "{report:#}");
    let happened = report["exceptions"]["happened"].as_array().expect("what went wrong");
    assert!(happened.len() >= 9 && report["decisions"].as_u64() > Some(6), "{report:#}");
    let audit = &report["audit"];
    assert_eq!((&audit["verdict"], &audit["fault"]), (&Value::from("sound"), &Value::Null), "{report:#}");
    assert_eq!(audit["same_money"], true, "{report:#}");
    assert_eq!(audit["transactions"], report["transactions"], "{report:#}");
}

#[tokio::test]
async fn a_year_comes_out_as_its_calendar_says() {
    let _turn = turn().await;
    // Enough for statements of schools' own money.
    let folder = sample_of("600").await;
    let (said, report) = demo(&folder, "home", &[]).await;
    let said = said.well();
    assert_report(&report.expect("a report was asked for"), &folder.path().join("year"));
    for words in [
        "equation",
        "holds",
        "settled",
        "latency",
        "state root",
        "sealed root",
        "outstanding",
        "force majeure",
        "everything holds",
    ] {
        assert!(said.out.contains(words), "the page lacks `{words}`:\n{}", said.out);
    }
    let home = folder.path().join("home");
    let names: Vec<String> = fs::read_dir(&home)
        .expect("the home is kept")
        .map(|entry| entry.expect("the home can be read").file_name().into_string().expect("a name of text"))
        .collect();
    assert!(names.iter().any(|name| name.starts_with("genesis.")), "{names:?}");
    assert!(names.iter().any(|name| name == "witnesses.jsonl"), "{names:?}");
    assert_eq!(
        names.len(),
        13,
        "a founding document, a folder and a governance key a validator, a portal's folder with the registry, what the bank \
         committed to, an export, its audit: {names:?}"
    );
    assert_audited_anew(&home).await;
    invoices::assert_exported(&home, &folder.path().join("invoices")).await;
    let (again, _) = demo(&folder, "home", &[]).await;
    assert_eq!(again.code(), 1, "a network's folder was used twice");
    assert!(again.err.contains(&text(&home)), "{}", again.err);
}

/// What the demo leaves is enough for anybody to judge it again.
async fn assert_audited_anew(home: &Path) {
    let (export, genesis) = (text(&home.join("ledger.export")), text(&home.join("genesis.json")));
    let said = program::keis(["audit", &export, "--genesis", &genesis, "--json"]).await.well();
    let kept = fs::read_to_string(home.join("auditor/report.json")).expect("the auditor's report is kept");
    assert_eq!(said.out, kept);
    let page = fs::read_to_string(home.join("auditor/report.html")).expect("the auditor's page is kept");
    assert!(page.contains("<svg"), "the flow of the money is no picture");
    assert_proven_out_of(&export, &genesis, home, &kept).await;
}

/// The records of the sealed year are on no node any more; the export proves them.
async fn assert_proven_out_of(export: &str, genesis: &str, home: &Path, report: &str) {
    let report: Value = serde_json::from_str(report).expect("the report is JSON");
    let year = report["years"][0]["year"].to_string();
    let record = text(&home.join("year.json"));
    let asked = ["proof", "from-export", export, "--genesis", genesis, "--year", &year];
    let said = program::keis([&asked[..], &["--rules", "--out", &record, "--json"]].concat()).await.well();
    let proven: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (&proven["verified"], &proven["record"]["state"]),
        (&Value::from(true), &Value::from("ended")),
        "{proven:#}"
    );
    let verified = program::keis(["proof", "verify", &record, "--genesis", genesis]).await.well();
    assert!(verified.out.contains("against the founding document"), "{}", verified.out);
    let none = program::keis([&asked[..], &["--order", "ord_00000000000000000000000000000000"]].concat()).await;
    assert_eq!(none.code(), 3, "{}{}", none.out, none.err);
    let other = ["proof", "from-export", export, "--genesis", genesis, "--year", "1999", "--rules"];
    assert_eq!(program::keis(other).await.code(), 1);
}

#[tokio::test]
async fn validators_killed_on_the_way_change_nothing() {
    let _turn = turn().await;
    let folder = sample().await;
    let (said, report) = demo(&folder, "home", &["--chaos"]).await;
    said.well();
    let report = report.expect("a report was asked for");
    assert_report(&report, &folder.path().join("year"));
    assert!(report["kills"].as_u64() > Some(0), "{report:#}");
}

#[tokio::test]
async fn two_networks_live_on_one_machine() {
    let _turn = turn().await;
    let folder = sample().await;
    let ((one, first), (other, second)) = futures::join!(demo(&folder, "one", &[]), demo(&folder, "other", &[]));
    one.well();
    other.well();
    let (first, second) = (first.expect("a report was asked for"), second.expect("a report was asked for"));
    assert_report(&first, &folder.path().join("year"));
    assert_report(&second, &folder.path().join("year"));
    for same in ["money", "orders", "pupil_debits", "rejected", "transactions"] {
        assert_eq!(first[same], second[same], "the same year comes out differently");
    }
    assert_ne!(first["state_roots"][0], second["state_roots"][0], "wallets of two networks must not be the same");
}

#[tokio::test]
async fn fewer_than_four_validators_are_refused() {
    let _turn = turn().await;
    for count in ["0", "1", "3"] {
        let said = program::keis(["demo", "--validators", count]).await;
        assert_eq!(said.code(), 1, "{said:?}");
        assert!(said.err.contains('4') && said.err.contains("third"), "the reason is missing: {}", said.err);
    }
    assert_eq!(program::keis(["demo", "--validators", "many"]).await.code(), 2);
}

#[tokio::test]
async fn files_that_are_of_no_use_are_named_with_their_line() {
    let _turn = turn().await;
    let folder = sample().await;
    let missing = folder.path().join("nowhere");
    let said = program::keis(["demo", "--data", &text(&missing)]).await;
    assert_eq!(said.code(), 1);
    assert!(said.err.contains(&text(&missing)), "{}", said.err);

    let pupils = folder.path().join("year/pupils.csv");
    let whole = fs::read_to_string(&pupils).expect("the year's pupils");
    let mut lines: Vec<String> = whole.lines().map(ToOwned::to_owned).collect();
    let (_, rest) = lines[4].split_once(',').expect("columns");
    lines[4] = format!("12345,{rest}");
    fs::write(&pupils, lines.join("\n") + "\n").expect("the file can be written");
    let (said, report) = demo(&folder, "home", &[]).await;
    assert_eq!((said.code(), report), (1, None));
    assert!(said.err.contains("pupils.csv") && said.err.contains('5'), "no file and line: {}", said.err);
    assert!(!folder.path().join("home").exists(), "a network was founded for files that are of no use");

    fs::remove_file(&pupils).expect("the file can be removed");
    let (said, _) = demo(&folder, "home", &[]).await;
    assert_eq!(said.code(), 1);
    assert!(said.err.contains("pupils.csv"), "{}", said.err);
}
