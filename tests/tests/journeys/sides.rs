//! After a visit: the school disputes it, takes the dispute back, confirms who was there and rates; the provider attaches the
//! invoice of its statement.

use std::path::PathBuf;

use keis_ledger::ids::StatementId;
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, StatementState};
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;

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

/// Accepts a statement and attaches its invoice.
pub async fn attaches(house: &House, provider: &Browser, file: PathBuf) -> StatementId {
    provider.open("provider/statements?lang=en").await;
    provider.click("main a[href*='/provider/statements/stm_']").await;
    if provider.has("button[data-intent='settlement.accept']").await {
        provider.click("button[data-intent='settlement.accept']").await;
        sign(provider, "signing-a-statement-before-its-invoice").await;
    }
    provider.click("main a[href*='/invoice']").await;
    provider.assert_accessible().await;
    provider.fill("#number", "ŠT 2027-1").await;
    std::fs::write(&file, b"%PDF-1.7 an invoice").expect("the folder takes a file");
    let path = file.to_str().expect("a path of text");
    provider.see("#file").await.send_keys(path).await.expect("a file can be chosen");
    provider.follow("main form button").await;
    provider.hear("Check the invoice").await;
    provider.assert_accessible().await;
    provider.picture("invoice").await;
    provider.click("main form button").await;
    let said = sign(provider, "signing-an-invoice").await;
    assert!(said.contains("ŠT 2027-1") && said.contains("invoice.pdf"), "{said}");
    provider.hear("The invoice is attached.").await;
    provider.hear("ŠT 2027-1").await;
    provider.assert_accessible().await;
    provider.picture("statement-with-an-invoice").await;
    let shown = provider.path().await;
    let id = shown.rsplit('/').next().and_then(|last| last.split('?').next()).expect("a statement's page");
    let id: StatementId = id.parse().expect("a statement's id");
    let found = house.ledger().statement(house.year().await, id).await.expect("the gateways answer");
    let found = found.expect("the statement is on the ledger");
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
    let officer = driver.browser(&house.url).await;
    officer.sign_in("officer").await;
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator").await;
    coordinator.open("school/orders?state=delivered&lang=en").await;
    coordinator.click("main a[href^='/school/orders/ord_']").await;
    let order = coordinator.path().await;
    let order = order.split('?').next().expect("a path").to_owned();
    disputes(&house, &coordinator, &order).await;
    rates(&house, &coordinator, &order).await;

    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    attaches(&house, &provider, house.home.join("invoice.pdf")).await;
    for browser in [coordinator, provider, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
