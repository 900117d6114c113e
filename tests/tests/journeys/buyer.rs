//! An invoice leaves for the buyer's system, and what that answers is on the ledger: approved, paid, and nothing twice.

use std::path::Path;
use std::time::Duration;

use keis_ledger::money::Cents;
use keis_ledger::record::StatementState;
use keis_tests::browser::WebDriver;
use keis_tests::house::House;
use keis_tests::program;
use keis_tests::wait::{turn, until};
use serde_json::{Value, json};

use crate::bills::statement;
use crate::decisions::seated;
use crate::hands::{PUPILS, with_key};
use crate::sides::{attaches, is_clean};

const PATIENCE: Duration = Duration::from_secs(60);
const REFERENCE: &str = "FT28-0042";

/// Puts an answer where the buyer's system puts them, complete from the first moment.
fn answers(buyer: &Path, answer: &Value) {
    let id = answer["id"].as_str().expect("an answer has an id");
    let beside = buyer.join("answers").join(format!("{id}.new"));
    std::fs::write(&beside, answer.to_string()).expect("the folder takes a file");
    std::fs::rename(beside, buyer.join("answers").join(format!("{id}.json"))).expect("the folder takes a file");
}

/// The invoice, as the operator's gateway gives it to an officer, once the portal has filled the gateway's folder.
async fn exported(house: &House, id: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (out, key) = (folder.path().join("invoices"), house.home.join("portal/operator.key"));
    let operators = house.gateways[1].as_str();
    until("the gateway has the invoice", PATIENCE, async || {
        let (out, key) = (out.to_str()?, key.to_str()?);
        let ran = program::keis(["invoice", "export", "--gateway", operators, "--key", key, "--out", out]).await;
        let found = std::fs::read_dir(out).ok()?.flatten().map(|month| month.path().join(format!("{id}.xml")));
        let file = found.into_iter().find(|file| file.exists());
        file.map(|file| std::fs::read_to_string(file).unwrap_or_else(|_| panic!("{ran:?}")))
    })
    .await
}

/// The files of a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("the folder is readable").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(ending)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_leaves_and_the_buyers_answers_pay_it_once() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = seated(&driver, &house, "officer").await;
    let budget = seated(&driver, &house, "budget-officer").await;
    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    let id = attaches(&house, &officer, &budget, &provider).await;
    let owed = statement(&house, id).await.statement.balance;

    let buyer = house.home.join("portal/buyer");
    let out = buyer.join("out");
    let name = until("the invoice leaves", PATIENCE, async || files(&out, ".xml").pop()).await;
    let xml = std::fs::read_to_string(out.join(&name)).expect("a document");
    is_clean(&xml);
    assert!(xml.contains(&id.to_string()), "{xml}");
    assert_eq!(exported(&house, &id.to_string()).await, xml, "the gateway has the same bytes");
    let message = name.trim_end_matches(".xml");
    officer.open("office/dispatch?lang=en").await;
    officer.hear(message).await;
    officer.assert_accessible().await;
    officer.picture("invoices-to-the-buyers-system").await;

    let state = async |wanted: StatementState| {
        let what = format!("the statement is {wanted:?}");
        until(&what, PATIENCE, async || {
            let found = statement(&house, id).await;
            (found.statement.state == wanted).then_some(found)
        })
        .await
    };
    answers(&buyer, &json!({ "id": "a-1", "message": message, "verdict": "approved" }));
    state(StatementState::Approved).await;
    let amount = format!("{}.{:02}", owed.get() / 100, owed.get() % 100);
    let paid = |answer: &str| {
        json!({
            "id": answer, "message": message, "verdict": "paid",
            "amount": amount, "currency": "EUR", "reference": REFERENCE, "day": "2028-02-10",
        })
    };
    answers(&buyer, &paid("a-2"));
    let found = state(StatementState::Paid).await;
    assert_eq!((found.paid, found.statement.balance), (owed, Cents::ZERO));

    // The same payment told again, and an approval that comes late.
    answers(&buyer, &paid("a-3"));
    answers(&buyer, &json!({ "id": "a-4", "message": message, "verdict": "approved" }));
    answers(&buyer, &json!({ "id": "a-5", "message": "msg_00000000000000000000000000000000", "verdict": "approved" }));
    std::fs::write(buyer.join("answers/a-6.json"), "no answer").expect("the folder takes a file");
    until("every answer was taken", PATIENCE, async || files(&buyer.join("answers"), ".json").is_empty().then_some(()))
        .await;
    assert_eq!(statement(&house, id).await.paid, owed, "it is paid once");
    assert_eq!(files(&out, ".xml"), std::slice::from_ref(&name), "it left once");
    officer.open("office/dispatch?lang=en").await;
    officer.hear("msg_00000000000000000000000000000000").await;
    officer.assert_accessible().await;
    officer.picture("answers-put-aside").await;
    provider.open(&format!("provider/statements/{id}?lang=en")).await;
    provider.assert_accessible().await;
    provider.picture("a-statement-that-was-paid").await;

    for browser in [provider, budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
