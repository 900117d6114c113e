//! The official judge, one process for all files: every case clean and read back equal, every broken document refused
//! by the rule that it breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use keis_einvoice::{Breakdown, Charge, Totals};
use serde_json::Value;

use crate::{broken, broken_peppol, cases, properties};

/// A document, and what its maker says that it says.
struct Expected {
    xml: Vec<u8>,
    totals: Totals,
    lines: Vec<Charge>,
    breakdown: Vec<Breakdown>,
}

fn python(arguments: &[&str]) -> String {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge");
    let python = home.join("venv/bin/python");
    assert!(python.exists(), "the judge is missing: run `sh registry/einvoice/tests/judge/prepare.sh`");
    let output = Command::new(python).arg(home.join("judge.py")).args(arguments).output().expect("the judge runs");
    assert!(output.status.success(), "the judge failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the judge answers in UTF-8")
}

/// Verdicts by the name of the document.
fn judge(documents: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Value> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, xml) in documents {
        std::fs::write(folder.path().join(format!("{name}.xml")), xml).expect("the folder takes files");
    }
    let answer = python(&[folder.path().to_str().expect("a path of text")]);
    let verdicts = answer.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let verdicts: BTreeMap<String, Value> =
        verdicts.map(|verdict| (verdict["file"].as_str().expect("a name").to_owned(), verdict)).collect();
    assert_eq!(verdicts.len(), documents.len(), "every document is judged");
    verdicts
}

fn named(verdict: &Value, field: &str) -> BTreeSet<String> {
    let rules = verdict[field].as_array().expect("a list of rules").iter();
    rules.map(|rule| rule.as_str().expect("a rule's name").to_owned()).collect()
}

fn sound() -> BTreeMap<String, Expected> {
    let invoices = cases::invoices().into_iter().chain(properties::sample_of_invoices());
    let notes = cases::credit_notes().into_iter().chain(properties::sample_of_credit_notes());
    let invoices = invoices.map(|(name, invoice)| {
        let expected = Expected {
            xml: invoice.to_xml(),
            totals: invoice.totals(),
            lines: invoice.lines().to_vec(),
            breakdown: invoice.breakdown().to_vec(),
        };
        (name, expected)
    });
    let notes = notes.map(|(name, note)| {
        let expected = Expected {
            xml: note.to_xml(),
            totals: note.totals(),
            lines: note.lines().to_vec(),
            breakdown: note.breakdown().to_vec(),
        };
        (name, expected)
    });
    invoices.chain(notes).collect()
}

#[test]
fn every_case_is_clean_and_read_back_equal_by_another_parser() {
    let expected = sound();
    let documents = expected.iter().map(|(name, expected)| (name.clone(), expected.xml.clone())).collect();
    for (name, verdict) in judge(&documents) {
        for field in ["schema", "rules", "peppol"] {
            assert_eq!(named(&verdict, field), BTreeSet::new(), "{name}: {field}");
        }
        reads_back(&name, &verdict["amounts"], &expected[&name]);
    }
}

fn reads_back(name: &str, amounts: &Value, expected: &Expected) {
    let totals = expected.totals;
    let wanted = [
        ("lines", totals.net),
        ("net", totals.net),
        ("tax", totals.tax),
        ("gross", totals.gross),
        ("payable", totals.gross),
    ];
    for (field, amount) in wanted {
        assert_eq!(amounts["totals"][field].as_u64(), Some(amount.get()), "{name}: {field}");
    }
    let nets: Vec<u64> = expected.lines.iter().map(|line| line.net.get()).collect();
    assert_eq!(amounts["line_nets"], serde_json::json!(nets), "{name}");
    let orders: Vec<String> = expected.lines.iter().map(|line| line.order.to_string()).collect();
    assert_eq!(amounts["orders"], serde_json::json!(orders), "{name}");
    let groups = amounts["groups"].as_array().expect("a list of breakdowns");
    assert_eq!(groups.len(), expected.breakdown.len(), "{name}");
    for (group, breakdown) in groups.iter().zip(&expected.breakdown) {
        assert_eq!(group[0].as_str(), Some(breakdown.group.code()), "{name}");
        assert_eq!(group[2].as_u64(), Some(breakdown.taxable.get()), "{name}");
        assert_eq!(group[3].as_u64(), Some(breakdown.tax.get()), "{name}");
    }
}

#[test]
fn every_broken_document_is_refused_by_the_rule_that_it_breaks() {
    let rules = broken::documents();
    let peppol = broken_peppol::documents();
    let schema = broken::unschematic();
    assert!(rules.len() >= 80, "{} documents break a rule of EN 16931", rules.len());

    let mut documents = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    let mut want = |field: &'static str, rule: &str, document: &crate::edit::Document| {
        let name = format!("{:03}-{field}", documents.len());
        documents.insert(name.clone(), document.0.clone().into_bytes());
        wanted.insert(name, (field, rule.to_owned()));
    };
    rules.iter().for_each(|(rule, document)| want("rules", rule, document));
    peppol.iter().for_each(|(rule, document)| want("peppol", rule, document));
    schema.iter().for_each(|(name, document)| want("schema", name, document));

    let mut missed = Vec::new();
    for (name, verdict) in judge(&documents) {
        let (field, rule) = &wanted[&name];
        let found = named(&verdict, field);
        let refused = if *field == "schema" { !found.is_empty() } else { found.contains(rule) };
        if !refused {
            missed.push(format!("{field} {rule}: {found:?}, {:?}", named(&verdict, "schema")));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn every_listed_rule_of_peppol_is_shown_to_bite() {
    let listed: Vec<(String, String)> = serde_json::from_str(&python(&["--peppol"])).expect("pairs of rule and words");
    let listed: BTreeSet<String> = listed.into_iter().map(|(rule, _)| rule).collect();
    let shown = broken_peppol::documents().into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(listed, shown);
}
