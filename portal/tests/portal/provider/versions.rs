//! An invoice tells what was ordered: title and taxation of the version that the order names, by the seller's status of that day.

use keis_einvoice::{Received, VatNumber, VatRegistration};
use keis_ledger::classifiers::VatCategory;
use keis_portal::billing::{Billing, BillingTrouble, Lack};

use super::invoicing::prepared;
use super::*;

const SYSTEM: Actor = Actor::System("test");

/// The service of the orders was amended: another title, and taxed at the standard rate.
fn amend(stage: &Stage) {
    let mut book = stage.market.book();
    let before = book.services[&SERVICE].clone();
    let mut now = service(stage.site.provider.id, "Tamsos spektaklis", "A play of darkness");
    now.version = 2;
    now.terms.vat = VatCategory::Standard;
    book.earlier.insert((SERVICE, before.version), before);
    book.services.insert(SERVICE, now);
}

#[tokio::test]
async fn an_order_of_an_earlier_version_is_invoiced_as_it_was_ordered() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    amend(&stage);
    let billing = Billing::new(stage.site.site.client.clone(), stage.site.registry.clone());
    let registered = VatRegistration {
        number: VatNumber::new("LT100001234512").expect("a number"),
        from: billing.day(Timestamp(NOW.0 - 20 * DAY)),
        until: None,
    };
    let provider = stage.site.provider.id;
    stage.site.registry.set_vat_registrations(&SYSTEM, provider, &[registered]).await.expect("it is set");
    let staff = stage.staff().await;
    let id = made.to_string();
    let form = [("statement", id.as_str()), ("issued", "2026-05-02")];
    let make = format!("/provider/statements/{made}/invoice/make?year=2026");
    let check = staff.post(&make, &form).await;
    assert_eq!(check.status, 200, "{}", check.text);
    assert!(check.text.contains("Šviesos spektaklis") && !check.text.contains("Tamsos"), "{}", check.text);
    let file = check.hidden("invoice");
    let xml = staff.get(&format!("/provider/statements/{made}/paper/xml?year=2026&file={file}")).await.text;
    let received = Received::parse(xml.as_bytes()).expect("it is UBL");
    assert_eq!(received.lines[0].category.as_deref(), Some("E"), "exempt when it was ordered");
    assert_eq!((received.totals.tax, received.totals.gross), (0, 1_500));

    // An order of the version of now is taxed as now.
    stage.market.book().orders.get_mut(&super::id(9)).expect("it is there").version = 2;
    let check = staff.post(&make, &form).await;
    assert!(check.text.contains("Tamsos spektaklis") && check.text.contains("21"), "{}", check.text);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn what_is_not_known_of_a_version_is_told() {
    let stage = Stage::new().await;
    prepared(&stage).await;
    let made = accepted(&stage);
    amend(&stage);
    stage.market.book().earlier.get_mut(&(SERVICE, 1)).expect("it is there").document = None;
    let staff = stage.staff().await;
    let w = Lang::Lt.words();
    let path = format!("/provider/statements/{made}/invoice?year=2026&lang=lt");
    let shown = page(&staff, &path).await;
    assert!(shown.text.contains(&w.count("inv-retitled", 1_u64)), "no node holds its description: {}", shown.text);
    stage.market.book().earlier.clear();
    let billing = Billing::new(stage.site.site.client.clone(), stage.site.registry.clone());
    let view = stage.site.site.client.statement(YEAR, made).await.expect("it answers").expect("it is there");
    let Err(BillingTrouble::Lacks(lacks)) = billing.settled(&view).await else { panic!("terms of now are not taken") };
    assert_eq!(lacks, [Lack::Service(super::id(9))]);
    stage.site.shutdown().await;
}
