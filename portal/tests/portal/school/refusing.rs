//! A school refuses an invoice for its own money: who may, with which key, and how the provider learns why.

use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::{Buyer, Party, SettlementOperation};
use keis_ledger::record::{Statement, StatementState};
use keis_registry::permission::Role;
use keis_registry::refusals::LONGEST_REASON;

use super::*;

const MADE: StatementId = StatementId([7; 16]);
const WHY: &str = "Neteisingas mokyklos kodas, o 6b klasė <nebuvo>";

fn invoiced(stage: &Stage, file: u8) {
    let key = SecretKey::from_bytes(&[9; 32]).public();
    let invoice = json!({ "file": Commitment([file; 32]), "number": Commitment([2; 32]), "by": key });
    let bill = json!({ "invoice": invoice, "approval": null, "payments": [], "credited": 0, "bank": null });
    let statement = Statement {
        provider: stage.site.provider.id,
        buyer: Buyer::School(stage.site.school.id),
        orders: Vec::new(),
        total: Cents::new(1_500),
        balance: Cents::new(1_500),
        state: StatementState::InvoiceAttached,
        issued: NOW,
    };
    let mut book = stage.market.book();
    book.statements.insert(MADE, statement);
    book.bills.insert(MADE, json!({ "bill": bill, "paid": 0, "set_off": 0 }));
}

/// The ledger has the refusal.
fn taken(stage: &Stage) {
    let mut book = stage.market.book();
    book.statements.get_mut(&MADE).expect("it is there").state = StatementState::Accepted;
    book.bills.get_mut(&MADE).expect("it is there")["bill"]["invoice"] = Value::Null;
}

async fn key(stage: &Stage, number: u8, scopes: Scopes) -> String {
    let key = SecretKey::from_bytes(&[number; 32]).public();
    stage.site.active_key("coordinator", Party::School(stage.site.school.id), key, scopes).await;
    key.to_string()
}

fn path() -> String {
    format!("/school/statements/{MADE}/refuse?year=2026")
}

#[tokio::test]
async fn a_coordinator_refuses_with_a_key_that_may_and_the_provider_reads_why() {
    let stage = Stage::new().await;
    invoiced(&stage, 1);
    let coordinator = stage.coordinator().await;
    let id = MADE.to_string();
    let form = |reason| [("statement", id.as_str()), ("reason", reason)];
    for lang in LANGS {
        let list = page(&coordinator, &format!("/school/statements?lang={}", lang.code())).await;
        assert!(list.text.contains(&format!("href=\"{}\"", path())), "{}", list.text);
        let keyless = page(&coordinator, &format!("{}&lang={}", path(), lang.code())).await;
        assert!(keyless.text.contains(&lang.words().text("school-refuse-keyless")), "{}", keyless.text);
        assert!(!keyless.text.contains("<textarea"), "nothing is asked of who cannot sign");
    }
    page(&coordinator, "/school?lang=lt").await;
    // A key of before schools could refuse.
    key(&stage, 1, Scopes::of(&[Scope::Propose, Scope::Order, Scope::Attendance, Scope::Read])).await;
    let keyless = coordinator.post(&path(), &form(WHY)).await;
    assert!(keyless.says("school-refuse-keyless") && !keyless.text.contains("sign-data"), "{}", keyless.text);
    let lacks = Lang::Lt.words().text("wallet-scope-settlement-school");
    assert!(page(&coordinator, "/wallet").await.text.contains(&lacks));

    let able = key(&stage, 2, Role::Coordinator.scopes()).await;
    assert!(page(&coordinator, &path()).await.says("school-refuse-why"));
    let long = "ą".repeat(LONGEST_REASON + 1);
    for (reason, key) in [("  \r\n", "school-refuse-why-missing"), (long.as_str(), "school-refuse-why-long")] {
        let refused = coordinator.post(&path(), &form(reason)).await;
        let says = Lang::Lt.words().with1(key, "most", &LONGEST_REASON.to_string());
        assert!(refused.status == 422 && refused.text.contains(&says), "{}", refused.text);
    }
    let sheet = coordinator.post(&path(), &form(WHY)).await;
    let refuse = SettlementOperation::RejectInvoice { year: YEAR, statement: MADE };
    assert_eq!(sheet.asked(), [Operation::Settlement(refuse)]);
    assert_eq!(sheet.sheet()["keys"], json!([able]), "the older key may not");
    assert!(sheet.label(MADE).contains("Šviesos teatras"), "{}", sheet.text);
    assert!(sheet.text.contains("o 6b klasė &#60;nebuvo&#62;"), "what the provider will read: {}", sheet.text);

    let staff = stage.site.signed_in("provider_staff").await;
    let refused = format!("/provider/refused/{MADE}");
    assert_eq!(staff.get(&refused).await.status, 404, "nothing is refused before the ledger has it");
    taken(&stage);
    stage.site.registry.tell_refused(MADE).await.expect("the registry writes");
    stage.site.registry.tell_refused(MADE).await.expect("the registry writes");
    let home = page(&staff, "/provider").await;
    assert_eq!(home.text.matches(&format!("href=\"{refused}\"")).count(), 1, "one notice: {}", home.text);
    assert!(page(&staff, &format!("/provider/statements/{MADE}?year=2026")).await.text.contains(&refused));
    assert!(page(&staff, &refused).await.text.contains("6b klasė &#60;nebuvo&#62;"));
    assert_eq!(coordinator.get(&refused).await.status, 403);
    invoiced(&stage, 3);
    assert!(page(&staff, &refused).await.text.contains("6b klasė"), "also after another invoice");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn nobody_else_refuses_and_nothing_that_is_past_it() {
    let stage = Stage::new().await;
    invoiced(&stage, 1);
    key(&stage, 2, Role::Coordinator.scopes()).await;
    let (id, other) = (MADE.to_string(), StatementId([8; 16]).to_string());
    let form = [("statement", id.as_str()), ("reason", WHY)];
    for person in ["teacher", "provider_staff", "officer", "budget_officer"] {
        let browser = stage.site.signed_in(person).await;
        for page in [browser.get(&path()).await, browser.post(&path(), &form).await] {
            assert_eq!(page.status, 403, "{person}: {}", page.text);
        }
    }
    let coordinator = stage.coordinator().await;
    assert_eq!(coordinator.post(&path(), &[("statement", other.as_str()), ("reason", WHY)]).await.status, 400);
    for state in [StatementState::Accepted, StatementState::Approved, StatementState::Paid] {
        stage.market.book().statements.get_mut(&MADE).expect("it is there").state = state;
        for sends in [false, true] {
            let late = if sends { coordinator.post(&path(), &form).await } else { coordinator.get(&path()).await };
            assert_eq!(late.status, 303, "{state:?}");
            assert!(coordinator.follow(late).await.says("school-refuse-late"), "{state:?}");
        }
        assert!(!page(&coordinator, "/school/statements").await.text.contains("/refuse"), "{state:?}");
    }
    invoiced(&stage, 1);
    for buyer in [Buyer::School(stage.site.other_school.id), Buyer::Programme] {
        stage.market.book().statements.get_mut(&MADE).expect("it is there").buyer = buyer;
        for page in [coordinator.get(&path()).await, coordinator.post(&path(), &form).await] {
            assert_eq!(page.status, 404, "{buyer:?}");
        }
    }
    let system = Actor::System("test");
    let kept = stage.site.registry.refusals(&system, MADE, None).await.expect("the registry reads");
    assert!(kept.is_empty(), "{kept:?}");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_successor_refuses_what_was_invoiced_to_its_predecessor_with_its_own_key() {
    let stage = Stage::new().await;
    invoiced(&stage, 1);
    let before = stage.site.other_school.id;
    stage.market.book().statements.get_mut(&MADE).expect("it is there").buyer = Buyer::School(before);
    let own = key(&stage, 2, Role::Coordinator.scopes()).await;
    let coordinator = stage.coordinator().await;
    let id = MADE.to_string();
    let form = [("statement", id.as_str()), ("reason", WHY)];
    for page in [coordinator.get(&path()).await, coordinator.post(&path(), &form).await] {
        assert_eq!(page.status, 404, "another school's: {}", page.text);
    }
    stage.market.book().schools_before = vec![before];
    for lang in LANGS {
        let list = page(&coordinator, &format!("/school/statements?lang={}", lang.code())).await;
        assert!(list.text.contains(&format!("href=\"{}\"", path())), "{}", list.text);
    }
    page(&coordinator, "/school?lang=lt").await;
    assert!(page(&coordinator, &path()).await.says("school-refuse-why"));
    let sheet = coordinator.post(&path(), &form).await;
    let refuse = SettlementOperation::RejectInvoice { year: YEAR, statement: MADE };
    assert_eq!(sheet.asked(), [Operation::Settlement(refuse)]);
    assert_eq!(sheet.sheet()["keys"], json!([own]));
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.post(&path(), &form).await.status, 403);

    taken(&stage);
    stage.site.registry.tell_refused(MADE).await.expect("the registry writes");
    let staff = stage.site.signed_in("provider_staff").await;
    assert!(page(&staff, &format!("/provider/refused/{MADE}")).await.text.contains("6b klasė &#60;nebuvo&#62;"));
    stage.site.shutdown().await;
}
