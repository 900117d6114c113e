//! After a visit: the school disputes it, takes the dispute back, confirms who was there and rates; the provider attaches the
//! invoice of its statement.

use std::path::Path;
use std::process::Command;

use keis_ledger::ids::StatementId;
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, StatementState};
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;

use crate::bills::decide_on_account;
use crate::decisions::seated;
use crate::hands::{PUPILS, sign, with_key};

/// Disputes the order of the page, and takes that back.
async fn disputes(house: &House, coordinator: &Browser, order: &str) {
    coordinator.click("main a[href$='/dispute']").await;
    coordinator.hear("officers of two institutions decide").await;
    coordinator.assert_accessible().await;
    coordinator.picture("dispute").await;
    coordinator.click("main form button.danger").await;
    let said = sign(coordinator, "signing-a-dispute").await;
    assert!(said.contains("Dispute an order"), "{said}");
    coordinator.hear("The order is disputed").await;
    coordinator.assert_accessible().await;
    assert_eq!(house.order(order).await.order.state, OrderState::Disputed);
    coordinator.open("school?lang=en").await;
    coordinator.hear("Officers of two institutions have to decide.").await;

    coordinator.open(&format!("{}?lang=en", order.trim_start_matches('/'))).await;
    coordinator.click("main a[href$='/dispute']").await;
    coordinator.hear("You cannot dispute this order a second time.").await;
    coordinator.click("main form button").await;
    sign(coordinator, "signing-a-withdrawal").await;
    coordinator.hear("There was a dispute").await;
    assert!(!coordinator.has("main a[href$='/dispute']").await, "it is offered a second time");
    assert_eq!(house.order(order).await.order.state, OrderState::Delivered);
}

/// Confirms attendance and rates the visit.
async fn rates(house: &House, coordinator: &Browser, order: &str) {
    coordinator.click("main a[href$='/attendance']").await;
    coordinator.click("button[data-intent='order.confirm_attendance']").await;
    sign(coordinator, "signing-attendance-after-a-dispute").await;
    coordinator.click("main a[href$='/rate']").await;
    coordinator.click("input[name=score][value='4']").await;
    coordinator.click("input[name=facts][value=took_place]").await;
    coordinator.click("input[name=facts][value=on_time]").await;
    coordinator.assert_accessible().await;
    coordinator.picture("rating").await;
    coordinator.click("main form button").await;
    sign(coordinator, "signing-a-rating").await;
    coordinator.hear("Rated by the school").await;
    assert!(!coordinator.has("main a[href$='/rate']").await, "it is offered a second time");
    assert!(house.history(order).await.iter().any(|receipt| receipt.kind == Kind::RatedBySchool));
}

/// The programme says what its invoices name, two institutions where the provider is paid.
pub async fn programme_is_ready(officer: &Browser, budget: &Browser, provider: &str) {
    decide_on_account(officer, budget, provider).await;
    officer.open("office/invoicing/buyer?lang=en").await;
    for (css, text) in [
        ("#name", "Nacionalinė biblioteka"),
        ("#code", "290757560"),
        ("#city", "Vilnius"),
        ("#country", "LT"),
        ("#scheme", "0200"),
        ("#endpoint", "290757560"),
        ("#answering_scheme", "0200"),
        ("#answering", "290757560"),
    ] {
        officer.fill(css, text).await;
    }
    officer.assert_accessible().await;
    officer.picture("the-programme-as-buyer").await;
    officer.follow("main form button").await;
    officer.open("office/invoicing/terms?lang=en").await;
    officer.fill("#days", "400").await;
    officer.follow("main form button").await;
    officer.assert_accessible().await;
    officer.fill("#reference", "KP-2028").await;
    officer.fill("#days", "30").await;
    officer.follow("main form button").await;
    officer.open("office/invoicing/rates?lang=en").await;
    officer.fill("#rates", "2020-01-01; 21; 9").await;
    officer.follow("main form button").await;
    officer.hear("KP-2028").await;
    officer.assert_accessible().await;
    officer.picture("details-of-invoices").await;
}

/// The provider says what its invoices name.
pub async fn says_its_details(provider: &Browser) {
    provider.open("provider/invoicing?lang=en").await;
    provider.fill("#city", " ").await;
    provider.follow("main form button").await;
    provider.assert_accessible().await;
    for (css, text) in [("#street", "Žemaitės g. 7"), ("#city", "Šiauliai"), ("#country", "LT"), ("#series", "ŠT")]
    {
        provider.fill(css, text).await;
    }
    provider.follow("main form button").await;
    provider.hear("Your details are saved.").await;
    provider.assert_accessible().await;
    provider.picture("details-for-invoices").await;
}

/// The document that a page's link downloads.
async fn downloaded(browser: &Browser) -> String {
    let script =
        "return fetch(document.querySelector(\"main a[href*='/paper/xml']\").href).then(found => found.text())";
    let text = browser.client.execute(script, Vec::new()).await.expect("the file comes");
    text.as_str().expect("it is text").to_owned()
}

/// Asks the official judge of e-invoices about a document.
pub fn is_clean(xml: &str) {
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../registry/einvoice/tests/judge");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("invoice.xml"), xml).expect("the folder takes a file");
    let python = judge.join("venv/bin/python");
    assert!(python.exists(), "the judge is missing: run `sh registry/einvoice/tests/judge/prepare.sh`");
    let said = Command::new(python).arg(judge.join("judge.py")).arg(folder.path()).output().expect("the judge runs");
    let said = String::from_utf8(said.stdout).expect("the judge answers in UTF-8");
    let verdict: serde_json::Value = serde_json::from_str(said.trim()).expect("one verdict");
    for field in ["schema", "rules", "peppol"] {
        assert_eq!(verdict[field], serde_json::json!([]), "{field}: {verdict}");
    }
}

/// Has the invoice of an accepted statement made from its orders, and attaches it.
pub async fn makes_invoice(provider: &Browser, id: StatementId) {
    provider.open(&format!("provider/statements/{id}/invoice?lang=en")).await;
    provider.assert_accessible().await;
    provider.picture("making-an-invoice").await;
    provider.press("Make the invoice").await;
    provider.hear("Check the invoice").await;
    provider.hear("ŠT-000001").await;
    provider.assert_accessible().await;
    provider.picture("invoice").await;
    provider.click("form[data-intent='settlement.attach_invoice'] button").await;
    let said = sign(provider, "signing-an-invoice").await;
    assert!(said.contains("ŠT-000001") && said.contains("ŠT-000001.xml"), "{said}");
    provider.hear("The invoice is attached.").await;
    provider.hear("ŠT-000001").await;
    provider.assert_accessible().await;
    provider.picture("statement-with-an-invoice").await;
}

/// Accepts a statement, has its invoice made from the orders, and attaches it. Both officers sit at their institutions.
pub async fn attaches(house: &House, officer: &Browser, budget: &Browser, provider: &Browser) -> StatementId {
    provider.open("provider/statements?lang=en").await;
    provider.click("main a[href*='/provider/statements/stm_']").await;
    if provider.has("button[data-intent='settlement.accept']").await {
        provider.click("button[data-intent='settlement.accept']").await;
        sign(provider, "signing-a-statement-before-its-invoice").await;
    }
    let page = provider.path().await;
    let id = page.rsplit('/').next().and_then(|last| last.split('?').next()).expect("a statement's page");
    let id: StatementId = id.parse().expect("a statement's id");
    let statement = async || {
        let found = house.ledger().statement(house.year().await, id).await.expect("the gateways answer");
        found.expect("the statement is on the ledger")
    };
    let owed = statement().await.statement;
    programme_is_ready(officer, budget, &owed.provider.to_string()).await;
    says_its_details(provider).await;

    makes_invoice(provider, id).await;
    provider.press("See and download the invoice").await;
    provider.hear("made here from the settled orders").await;
    provider.assert_accessible().await;
    provider.picture("an-invoice-as-people-read-it").await;
    let xml = downloaded(provider).await;
    assert!(xml.contains(&id.to_string()) && xml.contains("KP-2028"), "{xml}");
    is_clean(&xml);
    let found = statement().await;
    assert_eq!(found.statement.state, StatementState::InvoiceAttached);
    let attached = found.bill.invoice.expect("an invoice is attached");
    assert_ne!(attached.file, attached.number);
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_is_disputed_and_rated_and_its_invoice_attached() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = seated(&driver, &house, "officer").await;
    let budget = seated(&driver, &house, "budget-officer").await;
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;
    coordinator.open("school/orders?state=delivered&lang=en").await;
    coordinator.click("main a[href^='/school/orders/ord_']").await;
    let order = coordinator.path().await;
    let order = order.split('?').next().expect("a path").to_owned();
    disputes(&house, &coordinator, &order).await;
    rates(&house, &coordinator, &order).await;

    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    attaches(&house, &officer, &budget, &provider).await;
    for browser in [coordinator, provider, budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
