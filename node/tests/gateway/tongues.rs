//! Problems in the reader's language.

use std::collections::BTreeSet;

use keis_ledger::operation::{FundsOperation, Operation};
use keis_node::gateway::problem::lithuanian;

use crate::support::{Answer, BUDGET_HOLDER, Stand, YEAR};

async fn ask(stand: &Stand, path: &str, wanted: &str) -> Answer {
    stand.send(stand.http.get(format!("{}{path}", stand.address)).header("accept-language", wanted)).await
}

/// The codes of an enum's variants, read where they stand.
fn rules() -> Vec<String> {
    let source = include_str!("../../../ledger/src/rejection.rs");
    let (_, list) = source.split_once("pub enum Rejection {").unwrap();
    let (list, _) = list.split_once("\n}\n").unwrap();
    let variants = list.lines().filter_map(|line| line.strip_prefix("    "));
    let names = variants.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    names
        .map(|line| {
            let mut code = String::new();
            for letter in line.chars().take_while(|letter| letter.is_ascii_alphanumeric()) {
                if letter.is_ascii_uppercase() && !code.is_empty() {
                    code.push('_');
                }
                code.push(letter.to_ascii_lowercase());
            }
            code
        })
        .collect()
}

#[test]
fn every_rule_of_the_ledger_has_a_sentence_in_lithuanian() {
    let rules = rules();
    assert!(rules.len() > 100 && rules.contains(&"funds_missing".to_owned()));
    let mut sentences = BTreeSet::new();
    for rule in &rules {
        let sentence = lithuanian::of_rule(rule).unwrap_or_else(|| panic!("{rule} has no sentence"));
        assert!(sentence.ends_with('.') && sentences.insert(sentence), "{rule}: {sentence}");
    }
    assert_eq!(lithuanian::of_rule("none_such"), None);
}

/// The gateway's own codes stand in its sources as the word after what makes a problem.
#[test]
fn every_problem_of_the_gateway_has_its_words() {
    let mut codes = BTreeSet::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/gateway"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).unwrap();
            for opening in ["unavailable(\"", "refused(\"", "unauthenticated(\"", "Self::new(StatusCode::"] {
                for piece in source.split(opening).skip(1) {
                    // Behind a status stands the code, or the name of what holds it.
                    let behind = || piece.split_once(", ").and_then(|(_, rest)| rest.strip_prefix('"'));
                    let code = if opening.ends_with('"') { Some(piece) } else { behind() };
                    codes.extend(code.and_then(|code| code.split('"').next()).map(str::to_owned));
                }
            }
        }
    }
    // A rule's own code takes the place of this one.
    codes.remove("rejected");
    assert!(codes.len() > 15, "{codes:?}");
    for code in codes {
        let (title, detail) = lithuanian::of_gateway(&code).unwrap_or_else(|| panic!("{code} has no words"));
        assert!(!title.is_empty() && detail.ends_with('.'), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_is_answered_in_the_language_that_is_preferred() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    for (wanted, language) in [
        ("lt", "lt"),
        ("LT-lt", "lt"),
        ("lt;q=0.9, en;q=0.8", "lt"),
        ("de, lt;q=0.3", "lt"),
        ("en, lt", "en"),
        ("en;q=0.2, lt;q=0.1", "en"),
        ("*", "en"),
        ("*, en;q=0.1", "lt"),
        ("", "en"),
        ("lt;q=2", "en"),
        ("lt;q=x", "en"),
        ("ltx", "en"),
        (";;;,,,", "en"),
        ("lt;q=0", "en"),
    ] {
        let answer = ask(&stand, "/v1/headers/999", wanted).await;
        let problem = answer.is_problem(404, "not_found");
        assert_eq!(
            (answer.header("content-language"), answer.header("vary")),
            (language, "accept-language"),
            "{wanted}"
        );
        assert_eq!(problem["detail"] == "To, ko prašoma, čia nėra.", language == "lt", "{wanted}: {problem}");
        assert_eq!(problem.get("note").is_some(), language == "lt", "{wanted}: {problem}");
    }
    let plain = stand.get("/v1/headers/999").await;
    assert_eq!(plain.header("content-language"), "en");

    let end = stand.signed(BUDGET_HOLDER, None, Operation::Funds(FundsOperation::EndYear { year: YEAR }));
    let request = stand.http.post(format!("{}/v1/transactions", stand.address));
    let request = request.header("content-type", "application/octet-stream").header("accept-language", "lt");
    let answer = stand.send(request.body(end.raw().to_vec())).await;
    let problem = answer.is_problem(422, "year_not_over");
    assert_eq!(problem["title"], lithuanian::NO_EFFECT);
    assert_eq!(problem["detail"], lithuanian::of_rule("year_not_over").unwrap());
    assert!(problem["from"].is_u64() && problem["note"].as_str().unwrap().starts_with("the year may end"));
}
