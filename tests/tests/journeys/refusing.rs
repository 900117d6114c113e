//! A school refuses an invoice for its own money: its coordinator says why and signs in the page, the provider reads it and the ledger
//! has the invoice no longer.

use keis_ledger::ids::{SchoolId, StatementId};
use keis_ledger::operation::Buyer;
use keis_ledger::receipt::Kind;
use keis_ledger::record::StatementState;
use keis_tests::browser::{Browser, WebDriver};
use keis_tests::house::House;
use keis_tests::wait::turn;

use crate::bills::statement;
use crate::decisions::seated;
use crate::hands::{PUPILS, sign, until_at, with_key};
use crate::sides::{makes_invoice, programme_is_ready, says_its_details};

const WHY: &str = "Sutarta buvo dėl 7 mokinių, o ne 8.";

/// The statement that a sample school pays with its own money.
async fn of_own_money(house: &House) -> (StatementId, SchoolId) {
    let all = house.ledger().all_statements_of(house.year().await, None).await.expect("the gateways answer");
    let school = |buyer| match buyer {
        Buyer::School(school) => Some(school),
        Buyer::Programme => None,
    };
    let found = all.into_iter().find_map(|view| Some((view.id, school(view.statement.buyer)?)));
    found.expect("a sample school pays something itself")
}

/// The operator says where the school is, as invoices name it.
async fn school_is_ready(officer: &Browser, school: SchoolId) {
    officer.open(&format!("office/invoicing/{school}?lang=en")).await;
    for (css, text) in [("#street", "Mokyklos g. 1"), ("#city", "Vilnius"), ("#country", "LT")] {
        officer.fill(css, text).await;
    }
    officer.assert_accessible().await;
    officer.picture("a-school-as-buyer").await;
    officer.follow("main form button").await;
    officer.see(".flash.good").await;
}

/// Refuses the invoice of the only statement that can be refused.
async fn refuses(coordinator: &Browser, id: StatementId) {
    coordinator.open("school/statements?lang=en").await;
    coordinator.hear("ŠT-000001").await;
    coordinator.assert_accessible().await;
    coordinator.picture("statements-of-a-school").await;
    coordinator.click(&format!("main a[href^='/school/statements/{id}/refuse']")).await;
    coordinator.see("#reason").await;
    coordinator.assert_accessible().await;
    coordinator.picture("an-invoice-to-be-refused").await;
    coordinator.fill("#reason", WHY).await;
    coordinator.follow("form[data-intent='settlement.reject_invoice'] button").await;
    coordinator.hear(WHY).await;
    let said = sign(coordinator, "signing-that-an-invoice-is-refused").await;
    assert!(said.contains("Refuse an invoice"), "{said}");
    assert!(!coordinator.has("main a[href*='/refuse']").await, "it is offered a second time");
    coordinator.assert_accessible().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_school_refuses_an_invoice_for_its_own_money_and_the_provider_reads_why() {
    let _turn = turn().await;
    let house = House::open(PUPILS).await;
    let driver = WebDriver::start().await;
    let officer = seated(&driver, &house, "officer").await;
    let budget = seated(&driver, &house, "budget-officer").await;
    let coordinator = with_key(&driver, &officer, &house.url, "coordinator-2").await;
    let provider = with_key(&driver, &officer, &house.url, "provider").await;

    let (id, school) = of_own_money(&house).await;
    provider.open(&format!("provider/statements/{id}?lang=en")).await;
    provider.click("button[data-intent='settlement.accept']").await;
    sign(&provider, "signing-a-statement-of-a-school").await;
    let payee = statement(&house, id).await.statement.provider.to_string();
    programme_is_ready(&officer, &budget, &payee).await;
    school_is_ready(&officer, school).await;
    says_its_details(&provider).await;
    makes_invoice(&provider, id).await;
    let attached = statement(&house, id).await;
    assert_eq!(attached.statement.state, StatementState::InvoiceAttached);
    let total = attached.statement.total;
    assert!(!total.is_zero() && attached.statement.buyer == Buyer::School(school), "{attached:?}");

    refuses(&coordinator, id).await;
    let refused = statement(&house, id).await;
    assert_eq!((refused.statement.state, refused.bill.invoice), (StatementState::Accepted, None));
    assert_eq!(refused.statement.balance, total, "the money stays in the statement");
    let order = house.history(&refused.statement.orders[0].to_string()).await;
    assert_eq!(order.last().map(|receipt| receipt.kind), Some(Kind::InvoiceRejected));

    // The provider is told where it begins its day, reads the reason, and makes another invoice.
    let reason = format!("main a[href^='/provider/refused/{id}']");
    until_at(&provider, "provider?lang=en", &reason).await;
    provider.assert_accessible().await;
    provider.picture("notice-of-a-refused-invoice").await;
    provider.click(&reason).await;
    provider.hear(WHY).await;
    provider.assert_accessible().await;
    provider.picture("why-an-invoice-was-refused").await;
    provider.open(&format!("provider/statements/{id}?lang=en")).await;
    assert!(provider.has(&format!("main a[href^='/provider/statements/{id}/invoice']")).await, "no other can be made");
    for browser in [coordinator, provider, budget, officer] {
        browser.assert_quiet().await;
        browser.close().await.expect("the browser ends");
    }
    house.close().await;
}
