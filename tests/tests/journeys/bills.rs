//! An invoice on its way to the bank: two institutions decide on the provider's account, the operator's officer approves, the
//! budget holder's pays, and the operator finds the payment at the bank.

use keis_ledger::ids::StatementId;
use keis_ledger::operation::Buyer;
use keis_ledger::record::StatementState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;
use keis_wallet::client::StatementView;

use crate::decisions::seated;
use crate::hands::{PUPILS, sign, with_key};
use crate::sides::attaches;

const REFERENCE: &str = "MK 0012/28";

/// A statement, as the ledger holds it.
pub async fn statement(house: &House, id: StatementId) -> StatementView {
    let found = house.ledger().statement(house.year().await, id).await.expect("the gateways answer");
    found.expect("the statement is on the ledger")
}

/// One officer proposes the account of a provider, the other agrees.
pub async fn decide_on_account(officer: &Browser, budget: &Browser, provider: &str) {
    officer.open(&format!("office/decisions/account?party={provider}&lang=en")).await;
    officer.fill("#number", "LT12 1000 0111 0100 1000").await;
    officer.follow("main form button").await;
    officer.assert_accessible().await;
    officer.picture("an-account-to-be-decided").await;
    officer.follow("main form button").await;
    sign(officer, "signing-an-account").await;
    let decision = officer.path().await;
    budget.open(decision.trim_start_matches('/')).await;
    budget.press("Agree").await;
    sign(budget, "signing-the-vote-for-an-account").await;
    budget.hear("carried out").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_is_approved_paid_and_found_at_the_bank() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = seated(&driver, &house, "officer").await;
    let budget = seated(&driver, &house, "budget-officer").await;
    let provider = with_key(&driver, &officer, &house.url, "provider-2").await;
    let id = attaches(&house, &officer, &budget, &provider).await;
    let attached = statement(&house, id).await.statement;
    assert_eq!(attached.buyer, Buyer::Programme, "the budget holder pays it");

    let page = format!("office/bills/{}/{id}?lang=en", house.year().await);
    officer.open("office/bills?lang=en").await;
    officer.assert_accessible().await;
    officer.picture("bills").await;
    officer.open(&page).await;
    officer.assert_accessible().await;
    officer.picture("a-bill-to-be-approved").await;
    officer.click("button[data-intent='settlement.approve']").await;
    sign(&officer, "signing-an-approval").await;
    assert_eq!(statement(&house, id).await.statement.state, StatementState::Approved);

    budget.open(&page).await;
    budget.press("Record a payment").await;
    budget.fill(&format!("#reference-{id}"), REFERENCE).await;
    budget.assert_accessible().await;
    budget.picture("a-payment").await;
    budget.follow("form[data-intent='settlement.record_payment'] button").await;
    let said = sign(&budget, "signing-a-payment").await;
    assert!(said.contains(REFERENCE), "{said}");
    assert_eq!(statement(&house, id).await.statement.state, StatementState::Paid);

    officer.open(&page).await;
    officer.press("Compare with the bank").await;
    officer.hear(REFERENCE).await;
    officer.fill("#bank", "2028-02").await;
    officer.assert_accessible().await;
    officer.picture("a-payment-to-be-compared").await;
    officer.follow("form[data-intent='settlement.reconcile'] button").await;
    sign(&officer, "signing-a-comparison").await;
    assert_eq!(statement(&house, id).await.statement.state, StatementState::Reconciled);
    officer.assert_accessible().await;
    officer.picture("a-bill-compared").await;

    for browser in [provider, budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
