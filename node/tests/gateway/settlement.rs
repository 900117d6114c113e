//! Statements with their bills, what is owed back, and a year's lists for officers.

use keis_ledger::money::Cents;
use keis_ledger::operation::Buyer;
use keis_ledger::record::{OrderState, PaymentWay, StatementState};
use keis_wallet::client::{Client, Policy};
use serde_json::json;

use crate::acts::{ACCOUNT, BANK, INVOICE, bill, pay, reconcile, reconcile_repayment, reference, repay, reverse};
use crate::owners::who;
use crate::party::{
    OTHER_PROVIDER_KEY, OTHER_SCHOOL_KEY, OWN_ORDER, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STATEMENT, TEACHER_KEY,
    request_orders, settle, stand,
};
use crate::support::{AUDITOR, OPERATOR, ORDER, PROVIDER, SCHOOL, Stand, YEAR, key};

fn client(stand: &Stand, seed: u8) -> Client {
    Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(seed))
}

#[tokio::test(flavor = "multi_thread")]
async fn statement_shows_its_bill_from_invoice_to_bank() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    let path = format!("/v1/statements/{STATEMENT}?year=2026");
    let accepted = stand.read(PROVIDER_KEY, &path).await.is(200);
    assert_eq!((&accepted["bill"]["invoice"], &accepted["paid"]), (&json!(null), &json!(0)));

    bill(&mut stand).await;
    let provider = client(&stand, PROVIDER_KEY);
    let approved = provider.statement(YEAR, STATEMENT).await.unwrap().unwrap();
    assert_eq!(approved.statement.state, StatementState::Approved);
    assert_eq!(
        approved.bill.invoice.map(|invoice| (invoice.file, invoice.by)),
        Some((INVOICE, key(PROVIDER_KEY).public()))
    );
    assert_eq!(approved.bill.approval.map(|approval| approval.by), Some(key(OPERATOR).public()));

    pay(&mut stand, 300, 71).await;
    let part = provider.statement(YEAR, STATEMENT).await.unwrap().unwrap();
    assert_eq!((part.paid, part.statement.balance, part.set_off), (Cents::new(300), Cents::new(500), Cents::ZERO));
    let way = PaymentWay::Bank { reference: reference(71), account: ACCOUNT };
    assert_eq!(part.bill.payments.iter().map(|payment| payment.way).collect::<Vec<_>>(), [way]);
    pay(&mut stand, 500, 72).await;
    reconcile(&mut stand).await;
    let done = provider.statement(YEAR, STATEMENT).await.unwrap().unwrap();
    assert_eq!(
        (done.statement.state, done.bill.bank, done.paid),
        (StatementState::Reconciled, Some(BANK), Cents::new(800))
    );
    let listed = provider.all_provider_statements(PROVIDER, YEAR).await.unwrap();
    assert_eq!(listed, [done]);

    let history = provider.order_history(YEAR, ORDER).await.unwrap().unwrap();
    let kinds: Vec<_> = history.iter().map(|one| serde_json::to_value(one.kind).unwrap()).skip(6).collect();
    let told = ["invoice_attached", "invoice_approved", "payment_recorded", "payment_recorded", "payment_reconciled"];
    assert_eq!(kinds, told);
    let wallet = provider.provider_wallet(PROVIDER, YEAR).await.unwrap().unwrap();
    assert_eq!(wallet.payment_account.map(|account| account.account), Some(ACCOUNT));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_owes_and_repaid_is_told_to_it_and_officers() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    bill(&mut stand).await;
    pay(&mut stand, 800, 71).await;
    let provider = client(&stand, PROVIDER_KEY);
    assert!(provider.all_provider_receivables(PROVIDER, YEAR).await.unwrap().is_empty());
    reverse(&mut stand, 2).await;
    let owed = provider.all_provider_receivables(PROVIDER, YEAR).await.unwrap();
    assert_eq!(owed.iter().map(|one| (one.buyer, one.owed)).collect::<Vec<_>>(), [(Buyer::Programme, Cents::new(800))]);
    let funds = provider.funds(YEAR).await.unwrap().unwrap();
    assert_eq!((funds.money.state.receivable, funds.money.state.paid), (Cents::new(800), Cents::new(800)));

    repay(&mut stand, 300, 91).await;
    repay(&mut stand, 100, 81).await;
    reconcile_repayment(&mut stand, 81).await;
    let repaid = provider.all_provider_repayments(PROVIDER, YEAR).await.unwrap();
    let told: Vec<_> = repaid.iter().map(|one| (one.reference, one.repayment.amount, one.repayment.bank)).collect();
    assert_eq!(told, [(reference(81), Cents::new(100), Some(BANK)), (reference(91), Cents::new(300), None)]);
    let first = provider.provider_repayments(PROVIDER, YEAR, Some(&reference(81).to_string())).await.unwrap();
    assert_eq!(first.items, repaid[1..]);
    let owed = client(&stand, AUDITOR).provider_receivables(PROVIDER, YEAR, None).await.unwrap();
    assert_eq!(owed.items[0].owed, Cents::new(400));
    assert!(
        client(&stand, AUDITOR).provider_receivables(PROVIDER, YEAR, Some("programme")).await.unwrap().items.is_empty()
    );

    let one = format!("/v1/providers/{PROVIDER}/repayments?year=2026&limit=1");
    let page = stand.read(PROVIDER_KEY, &one).await.is(200);
    assert_eq!(page["next"], reference(81).to_string());
    for list in ["receivables", "repayments"] {
        let path = format!("/v1/providers/{PROVIDER}/{list}?year=2026");
        who(&stand, &path, &[PROVIDER_KEY], &[SCHOOL_KEY, OTHER_PROVIDER_KEY, PUPIL_KEY]).await;
        for wrong in ["&limit=0", "&limit=501", "&cursor=x"] {
            stand.read(PROVIDER_KEY, &format!("{path}{wrong}")).await.is_problem(400, "malformed");
        }
        stand.read(OPERATOR, &path.replace("2026", "2020")).await.is_problem(404, "not_found");
        stand.read(OPERATOR, path.split('?').next().unwrap()).await.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_list_a_year_by_state() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    let everybody_else = [SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, TEACHER_KEY];
    for path in ["/v1/orders?year=2026", "/v1/statements?year=2026", "/v1/statements?year=2026&state=accepted"] {
        who(&stand, path, &[], &everybody_else).await;
    }
    for path in ["/v1/orders", "/v1/statements"] {
        stand.read(OPERATOR, path).await.is_problem(400, "malformed");
        stand.read(OPERATOR, &format!("{path}?year=2020")).await.is_problem(404, "not_found");
        for wrong in ["state=lost", "limit=0", "limit=501", "cursor=x"] {
            stand.read(OPERATOR, &format!("{path}?year=2026&{wrong}")).await.is_problem(400, "malformed");
        }
    }
    let officer = client(&stand, OPERATOR);
    let orders = officer.all_orders_of(YEAR, None).await.unwrap();
    assert_eq!(orders.iter().map(|one| one.id).collect::<Vec<_>>(), [ORDER, OWN_ORDER]);
    assert_eq!(officer.orders_of(YEAR, Some(OrderState::Settled), None).await.unwrap().items, orders[..1]);
    assert!(officer.all_orders_of(YEAR, Some(OrderState::Disputed)).await.unwrap().is_empty());
    let page = stand.read(AUDITOR, "/v1/orders?year=2026&limit=1").await.is(200);
    assert_eq!((&page["next"], page["items"].as_array().unwrap().len()), (&json!(ORDER), 1));
    let accepted = officer.all_statements_of(YEAR, Some(StatementState::Accepted)).await.unwrap();
    assert_eq!(accepted, officer.statements_of(YEAR, None, None).await.unwrap().items);
    assert_eq!(accepted.iter().map(|one| one.id).collect::<Vec<_>>(), [STATEMENT]);
    assert!(officer.all_statements_of(YEAR, Some(StatementState::Paid)).await.unwrap().is_empty());
    let own = format!("/v1/providers/{PROVIDER}/statements?year=2026&state=");
    assert_eq!(stand.read(PROVIDER_KEY, &format!("{own}accepted")).await.is(200)["items"].as_array().unwrap().len(), 1);
    assert_eq!(stand.read(PROVIDER_KEY, &format!("{own}paid")).await.is(200)["items"], json!([]));
    let schools = format!("/v1/schools/{SCHOOL}/statements?year=2026&state=accepted");
    assert_eq!(stand.read(SCHOOL_KEY, &schools).await.is(200)["items"], json!([]));
}
