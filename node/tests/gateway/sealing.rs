//! What is left to read of a sealed year, and what is told of one that is not there any more.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::ServiceId;
use keis_ledger::money::Cents;
use keis_ledger::operation::FundsOperation;
use keis_ledger::record::Record;
use keis_ledger::time::Span;
use keis_wallet::client::{Client, ClientError, Policy};
use keis_wallet::verify::PublicRecord;
use serde_json::json;

use crate::acts::{bill, funds, pay, reconcile, reconcile_repayment, repay, reverse};
use crate::party::{OWN_ORDER, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STATEMENT, TEN, request_orders, settle, stand};
use crate::support::{
    BUDGET_HOLDER, OPERATOR, ORDER, PROVIDER, PUPIL, SCHOOL, SERVICE, SESSION, START, Stand, YEAR, assert_no_pupil,
    genesis, key,
};

/// A year with an order that was paid and reversed, brought to its seal.
async fn sealed() -> Stand {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    bill(&mut stand).await;
    pay(&mut stand, 800, 71).await;
    reconcile(&mut stand).await;
    reverse(&mut stand, 2).await;
    repay(&mut stand, 500, 81).await;
    reconcile_repayment(&mut stand, 81).await;
    repay(&mut stand, 300, 82).await;
    reconcile_repayment(&mut stand, 82).await;
    stand.step_to(START.after(Span::days(351))).await;
    funds(&mut stand, BUDGET_HOLDER, FundsOperation::EndYear { year: YEAR }).await;
    // Free money returns in the blocks after it.
    stand.block().await;
    stand.block().await;
    let ended = stand.get("/v1/funds/2026").await.is(200);
    assert_eq!((&ended["state"], ended.get("sealed")), (&json!("ended"), None));
    funds(&mut stand, BUDGET_HOLDER, FundsOperation::SealYear { year: YEAR }).await;
    stand
}

/// Every address of the year, by who may read it.
fn addresses() -> Vec<(Option<u8>, String)> {
    let school = ["", "/pupils", "/orders", "/statements"].map(|part| format!("/v1/schools/{SCHOOL}{part}?year=2026"));
    let provider = ["", "/orders", "/sessions", "/statements", "/receivables", "/repayments"]
        .map(|part| format!("/v1/providers/{PROVIDER}{part}?year=2026"));
    let order = ["lines", "history"].map(|part| format!("/v1/orders/{ORDER}/{part}?year=2026"));
    let mut all: Vec<(Option<u8>, String)> = school.map(|path| (Some(SCHOOL_KEY), path)).into();
    all.extend(provider.map(|path| (Some(PROVIDER_KEY), path)));
    all.extend(order.map(|path| (Some(SCHOOL_KEY), path)));
    all.extend(
        ["/v1/pupils", "/v1/orders", "/v1/statements", "/v1/settlements/report"]
            .map(|path| (Some(OPERATOR), format!("{path}?year=2026"))),
    );
    all.push((Some(PUPIL_KEY), format!("/v1/pupils/{TEN}?year=2026")));
    all.push((Some(SCHOOL_KEY), format!("/v1/pupils/{PUPIL}?year=2026")));
    all.push((Some(PROVIDER_KEY), format!("/v1/statements/{STATEMENT}?year=2026")));
    all.push((None, format!("/v1/orders/{OWN_ORDER}?year=2026")));
    all.push((None, "/v1/orders/summary/2026".to_owned()));
    all.push((None, "/v1/statistics/2026".to_owned()));
    all.push((None, format!("/v1/sessions/{SESSION}?year=2026")));
    all.push((None, format!("/v1/services/{SERVICE}/sessions?year=2026")));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_year_tells_its_sums_and_that_the_rest_is_gone() {
    let mut stand = sealed().await;
    for again in [false, true] {
        if again {
            // A gateway that reads all of history behind the seal says the same.
            stand.reopen().await;
        }
        let client = Client::new(&[&stand.address], Policy::default()).unwrap();
        let funds = client.funds(YEAR).await.unwrap().unwrap();
        let (seal, state) = (funds.sealed.unwrap(), funds.money.state);
        assert!(funds.balanced && funds.money.balances() && seal.records > 10);
        assert_eq!((state.paid, state.receivable, state.returned), (Cents::ZERO, Cents::ZERO, state.minted));
        assert_eq!(client.parameters().await.unwrap().sealed, [YEAR]);
        for (seed, path) in addresses() {
            let answer = match seed {
                Some(seed) => stand.read(seed, &path).await,
                None => stand.get(&path).await,
            };
            let problem = answer.is_problem(410, "year_sealed");
            assert_eq!((&problem["year"], &problem["root"]), (&json!(2026), &json!(seal.root)), "{path}");
        }
        let genesis = genesis(true);
        let file = client.record_file(PublicRecord::Sealed { year: YEAR }).await.unwrap();
        let proven = file.verify(&genesis.hash(), genesis.validators()).unwrap();
        assert!(matches!(proven, Some(Record::Sealed(sealed)) if sealed.root.to_string() == seal.root.to_string()));
        let file = client.record_file(PublicRecord::Sealed { year: Year(2027) }).await.unwrap();
        assert_eq!(file.verify(&genesis.hash(), genesis.validators()).unwrap(), None);
        let gone = client.signed_by(key(SCHOOL_KEY)).school_wallet(SCHOOL, YEAR).await;
        assert!(matches!(gone, Err(ClientError::Problem(problem)) if problem.code == "year_sealed"));

        stand.read(PUPIL_KEY, &format!("/v1/keys/{}", key(PUPIL_KEY).public())).await.is(200);
        stand.get(&format!("/v1/services/{SERVICE}")).await.is(200);
        assert_eq!(stand.get("/v1/services").await.is(200)["services"].as_array().unwrap().len(), 1);
        assert_eq!(client.all_decisions(None).await.unwrap().len(), 2);
        let tip = client.status().await.unwrap().height;
        let receipts = stand.get(&format!("/v1/blocks/{tip}/receipts")).await;
        assert_no_pupil(&receipts);
        assert_eq!(receipts.is(200)["receipts"][0]["kind"], "year_sealed");
        stand.read(OPERATOR, &format!("/v1/schools/{SCHOOL}?year=2027")).await.is_problem(404, "not_found");
        stand.get(&format!("/v1/services/{}", ServiceId([99; 16]))).await.is_problem(404, "not_found");
    }
}
