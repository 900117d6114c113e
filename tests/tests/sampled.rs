//! Invariant 7 to its end, by the commands that people use: an auditor exports the ledger, judges it, draws orders from it, and
//! the registry proves under supervision that their wallets are those of real, different pupils.

use std::fs;
use std::path::{Path, PathBuf};

use keis_tests::door::http;
use keis_tests::house::House;
use keis_tests::program::{self, Said};
use keis_tests::scan::Marks;
use keis_tests::wait::turn;
use serde_json::Value;

/// How many orders are drawn.
const DRAWN: usize = 5;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file is there")).expect("the file is JSON")
}

/// An auditor who visits the operator's house.
struct Visit {
    house: House,
    /// Where the auditor keeps files.
    desk: tempfile::TempDir,
}

impl Visit {
    async fn begin() -> Self {
        Self { house: House::open(200).await, desk: tempfile::tempdir().expect("a temporary folder") }
    }

    fn genesis(&self) -> PathBuf {
        self.house.home.join("genesis.json")
    }

    fn portal(&self) -> PathBuf {
        self.house.home.join("portal")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.desk.path().join(name)
    }

    /// The whole ledger in a file, as the gateway gives it to an officer.
    async fn export(&self) -> PathBuf {
        let (key, out, genesis) = (self.portal().join("operator.key"), self.file("ledger.export"), self.genesis());
        let gateway = &self.house.gateways[0];
        let arguments = ["export", "--gateway", gateway, "--key", text(&key), "--genesis", text(&genesis), "--out"];
        program::keis(arguments.iter().chain(&[text(&out)])).await.well();
        out
    }

    async fn draw(&self, export: &Path, seed: &str, name: &str) -> (Said, PathBuf) {
        let (genesis, out, orders) = (self.genesis(), self.file(name), DRAWN.to_string());
        let begin = ["audit", "sample", text(export), "--genesis", text(&genesis), "--year", "2027", "--orders"];
        let said = program::keis(begin.iter().chain(&[&orders[..], "--seed", seed, "--out", text(&out)])).await;
        (said.well(), out)
    }

    /// Signs a sample person in at the portal's door, as a browser would.
    async fn sign_in(&self, person: &str) -> String {
        let url = format!("{}signin/simulated", self.house.url);
        let form = http().post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = form.body(format!("person={person}")).send().await.expect("the portal answers");
        assert!(answer.status().is_success(), "{person} is not let in: {}", answer.status());
        // Reading the log is the newest entry in it.
        let said = self.log(2).await;
        let user = said.split_whitespace().find_map(|word| word.strip_prefix("user:"));
        user.unwrap_or_else(|| panic!("nobody signed in:\n{said}")).to_owned()
    }

    /// The newest entries of the registry's log, whose chain is verified.
    async fn log(&self, last: u32) -> String {
        let (portal, last) = (self.portal(), last.to_string());
        program::keis(["registry", "log", "--home", text(&portal), "--last", &last]).await.well().out
    }

    async fn open(&self, sample: &Path, officer: &str, witness: &str) -> Said {
        let portal = self.portal();
        let begin = ["registry", "open-sample", text(sample), "--home", text(&portal), "--officer", officer];
        program::keis(begin.iter().chain(&["--witness", witness, "--json"])).await
    }

    /// Opens a list that is no longer what was drawn. Returns the faults that were found.
    async fn open_forged(&self, forged: &Value, people: (&str, &str)) -> Vec<String> {
        let path = self.file("forged.json");
        fs::write(&path, forged.to_string()).expect("the file can be written");
        let said = self.open(&path, people.0, people.1).await;
        assert_eq!(said.code(), 3, "{said:?}");
        let told: Value = serde_json::from_str(&said.out).expect("the answer is JSON");
        let faults = told["faults"].as_array().expect("a list of faults").clone();
        assert_eq!(told["proven"].as_u64(), told["wallets"].as_u64().map(|all| all - faults.len() as u64));
        faults.iter().map(|fault| fault["fault"].as_str().expect("a fault's name").to_owned()).collect()
    }
}

/// Codes and names of the register's extract.
fn persons(files: &Path) -> Marks {
    let content = fs::read_to_string(files.join("pupils.csv")).expect("the year's pupils");
    let columns = content.lines().skip(1).flat_map(|line| line.split(',').take(3));
    Marks::new(columns.filter(|word| word.len() >= 4).map(|word| word.as_bytes().to_vec()))
}

/// What the auditor was told of the list when it was drawn.
fn mark(said: &Said) -> String {
    let line = said.out.lines().find_map(|line| line.strip_prefix("mark"));
    line.unwrap_or_else(|| panic!("no mark: {}", said.out)).trim().to_owned()
}

#[tokio::test]
async fn drawn_wallets_are_proven_to_be_pupils_and_a_wrong_list_is_refused() {
    let _turn = turn().await;
    let visit = Visit::begin().await;
    let export = visit.export().await;
    let genesis = visit.genesis();
    program::keis(["audit", text(&export), "--genesis", text(&genesis)]).await.well();

    // Everybody who has the export draws the same by the same seed.
    let (said, sample) = visit.draw(&export, "draw of 3 May", "sample.json").await;
    let (again, same) = visit.draw(&export, "draw of 3 May", "again.json").await;
    assert_eq!((mark(&said), read(&sample)), (mark(&again), read(&same)));
    let (_, other) = visit.draw(&export, "draw of 4 May", "other.json").await;
    assert_ne!(read(&other)["orders"], read(&sample)["orders"]);
    let drawn = read(&sample);
    assert_eq!(drawn["orders"].as_array().map(Vec::len), Some(DRAWN), "{drawn:#}");

    let officer = visit.sign_in("officer").await;
    let witness = visit.sign_in("budget-officer").await;
    let coordinator = visit.sign_in("coordinator").await;
    let opened = visit.open(&sample, &officer, &witness).await.well();
    let told: Value = serde_json::from_str(&opened.out).expect("the answer is JSON");
    assert!(told["wallets"].as_u64() > Some(DRAWN as u64), "{told:#}");
    assert_eq!((&told["proven"], &told["sample"]), (&told["wallets"], &Value::from(mark(&said))), "{told:#}");
    persons(&visit.house.files).assert_absent("what the registry tells", opened.out.as_bytes());
    let log = visit.log(3).await;
    for words in [&officer, &witness, "sample opened", "opening of a sample witnessed", &mark(&said)] {
        assert!(log.contains(words), "the log lacks `{words}`:\n{log}");
    }

    // One person alone is no supervision, and who looks nobody up opens nothing.
    for (first, second) in [(&officer, &officer), (&coordinator, &witness), (&officer, &coordinator)] {
        let refused = visit.open(&sample, first, second).await;
        assert_eq!(refused.code(), 1, "{refused:?}");
    }

    let people = (&officer[..], &witness[..]);
    let mut forged = drawn.clone();
    let token = drawn["orders"][0]["wallets"][0]["nullifier"].as_str().expect("a token");
    let (rest, last) = token.split_at(token.len() - 1);
    forged["orders"][0]["wallets"][0]["nullifier"] = Value::from(format!("{rest}{}", if last == "0" { 1 } else { 0 }));
    assert_eq!(visit.open_forged(&forged, people).await, ["other_token"]);
    let mut forged = drawn.clone();
    forged["orders"][0]["wallets"][0]["wallet"] = Value::from(format!("pup_{}", "5e".repeat(16)));
    assert_eq!(visit.open_forged(&forged, people).await, ["nobody"]);

    // A list of another network says nothing about these pupils.
    let mut forged = drawn.clone();
    forged["network"] = Value::from("7a".repeat(32));
    fs::write(visit.file("foreign.json"), forged.to_string()).expect("the file can be written");
    let refused = visit.open(&visit.file("foreign.json"), people.0, people.1).await;
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.err.contains("network"), "{}", refused.err);
    visit.house.close().await;
}
