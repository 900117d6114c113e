//! Every alert has a page, every page an alert, and what an alert asks for is told by the program.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use keis_tests::sources::files;

use crate::room;

/// What every page of the runbook says.
const PARTS: [&str; 4] = ["## What it means for users", "## What to look at", "## What to do", "## Whom to call"];

fn rules() -> String {
    fs::read_to_string(room().join("prometheus/keis.rules.yml")).expect("the rules are there")
}

fn alerts(rules: &str) -> BTreeSet<String> {
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

/// The words of a text that are names of our metrics, without what histograms add.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|next: char| !next.is_ascii_alphanumeric() && next != '_');
    let words = words.filter(|word| word.starts_with("keis_"));
    words.map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned()).collect()
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let rules = rules();
    let pages = fs::read_dir(room().join("runbook")).expect("there is a runbook");
    let pages = pages.map(|page| page.expect("the runbook can be read").path());
    let mut names = BTreeSet::new();
    for page in pages {
        let name = page.file_stem().expect("a page has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&page).expect("a page can be read");
        assert!(text.starts_with(&format!("# {name}: ")), "{name} begins otherwise");
        let places: Vec<_> = PARTS.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name} lacks a part: {places:?}");
        names.insert(name);
    }
    assert_eq!(alerts(&rules), names);
    for name in &names {
        assert!(rules.contains(&format!("runbook: /usr/share/doc/keis/operation/runbook/{name}.md")), "{name}");
    }
}

#[test]
fn pages_lead_to_pages_that_exist() {
    for page in fs::read_dir(room().join("runbook")).expect("there is a runbook") {
        let page = page.expect("the runbook can be read").path();
        let text = fs::read_to_string(&page).expect("a page can be read");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            assert!(room().join("runbook").join(link).exists(), "{}: {link}", page.display());
        }
    }
}

#[test]
fn every_metric_of_an_alert_or_page_is_told_by_the_program() {
    let mut told = BTreeSet::new();
    for source in files("", &[".rs", ".sh"]).iter().filter(|source| !source.path.starts_with("tests/")) {
        for literal in source.text.split('"').skip(1) {
            told.extend(metrics(literal));
        }
    }
    let mut asked = BTreeSet::new();
    for line in rules().lines().filter(|line| !line.contains("runbook:") && !line.contains("- name:")) {
        asked.extend(metrics(line));
    }
    for page in fs::read_dir(room().join("runbook")).expect("there is a runbook") {
        asked.extend(metrics(&fs::read_to_string(page.expect("a page").path()).expect("a page can be read")));
    }
    let missing: Vec<_> = asked.difference(&told).collect();
    assert!(missing.is_empty(), "nothing tells {missing:?}");
    assert!(asked.len() > 20, "{asked:?}");
}

/// Prometheus' own tool judges the rules where it is installed.
#[test]
fn the_rules_hold_by_their_own_tests() {
    let folder = room().join("prometheus");
    for (verb, file) in [("check", "keis.rules.yml"), ("test", "keis.rules.test.yml")] {
        let judged = Command::new("promtool").args([verb, "rules", file]).current_dir(&folder).output();
        let Ok(judged) = judged else { return };
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&[judged.stdout, judged.stderr].concat()));
    }
    let tests = fs::read_to_string(folder.join("keis.rules.test.yml")).expect("the rules' tests are there");
    for alert in alerts(&rules()) {
        let named = format!("alertname: {alert}\n");
        assert!(tests.matches(&named).count() >= 2, "{alert} is not tried both ways");
    }
}
