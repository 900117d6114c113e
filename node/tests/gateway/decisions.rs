//! Decisions of the institutions as everybody, and as officers read them.

use keis_ledger::chain::Height;
use keis_ledger::money::Cents;
use keis_ledger::operation::{GovernanceOperation, Measure, Operation, OrderAction, Threshold};
use keis_ledger::protocol;
use keis_ledger::time::Span;
use keis_wallet::client::{Client, ClientError, DecisionStage, Policy};
use serde_json::{Value, json};

use crate::acts::{ACCOUNT, act, approve, decide, decision, deliver, governance, propose};
use crate::party::{OTHER_PROVIDER_KEY, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STRANGER_KEY, request_orders, stand};
use crate::support::{AUDITOR, BUDGET_HOLDER, OPERATOR, ORDER, PROVIDER, START, Stand, YEAR, assert_no_pupil, key};

const NEXT: u32 = protocol::LATEST + 1;

fn extension(days: u32) -> Measure {
    Measure::Extend { year: YEAR, from: START, until: START.after(Span::days(8)), by: Span::days(days) }
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn names(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| decision(*number).to_string()).collect()
}

/// A decision of each kind of end, proposed in this order.
async fn some(stand: &mut Stand) {
    propose(stand, governance(1), 9, Measure::SwitchProtocol { version: NEXT, height: Height(900) }).await;
    propose(stand, OPERATOR, 3, extension(1)).await;
    decide(stand, 7, extension(2)).await;
    let withdraw = GovernanceOperation::Withdraw { decision: decision(3) };
    stand.take_effect(OPERATOR, None, Operation::Governance(withdraw)).await;
    propose(stand, BUDGET_HOLDER, 5, extension(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_decisions_newest_first() {
    let mut stand = stand().await;
    assert_eq!(stand.get("/v1/decisions").await.is(200)["items"], json!([]));
    some(&mut stand).await;
    let all = stand.get("/v1/decisions").await.is(200);
    assert_eq!(ids(&all), names(&[5, 7, 3, 9]));
    let states: Vec<&str> = all["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["open", "executed", "withdrawn", "open"]);
    for (state, wanted) in [("open", &[5, 9][..]), ("executed", &[7]), ("withdrawn", &[3]), ("expired", &[])] {
        assert_eq!(ids(&stand.get(&format!("/v1/decisions?state={state}")).await.is(200)), names(wanted));
    }
    for limit in 1..=5 {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = stand.get(&format!("/v1/decisions?limit={limit}{cursor}")).await.is(200);
            assert!(page["items"].as_array().unwrap().len() <= limit);
            walked.extend(ids(&page));
            let Some(next) = page.get("next").and_then(Value::as_str) else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(walked, names(&[5, 7, 3, 9]), "{limit}");
    }
    let unknown = format!("cursor={}", decision(99));
    for wrong in ["limit=0", "limit=501", "cursor=x", "state=lost", "year=2026", unknown.as_str()] {
        stand.get(&format!("/v1/decisions?{wrong}")).await.is_problem(400, "malformed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decision_tells_who_agreed_and_what_came_of_it() {
    let mut stand = stand().await;
    some(&mut stand).await;
    let path = format!("/v1/decisions/{}", decision(9));
    let open = stand.get(&path).await.is(200);
    assert_eq!(open["measure"], json!({ "switch_protocol": { "version": NEXT, "height": 900 } }));
    assert_eq!((&open["threshold"], &open["wanted"], &open["whole"]), (&json!("two_thirds"), &json!(3), &json!(true)));
    assert_eq!(open["approvals"].as_array().unwrap().len(), 1);
    assert!(!open.to_string().contains("key_"), "votes are told by institution: {open}");
    approve(&mut stand, governance(2), 9).await;
    let status = stand.get("/v1/status").await.is(200);
    assert_eq!(status["protocol"], json!({ "version": protocol::LATEST, "supported": protocol::LATEST }));
    approve(&mut stand, governance(4), 9).await;

    let decided = stand.get(&path).await.is(200);
    assert_eq!((&decided["state"], &decided["proposer"]), (&json!("executed"), &open["proposer"]));
    assert!(decided["closed"].as_u64().is_some());
    let told = |name: &str| -> Vec<Value> {
        decided[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.get("kind").unwrap_or(&one["institution"]).clone())
            .collect()
    };
    assert_eq!(told("receipts"), ["decision_proposed", "decision_approved", "protocol_switch_decided"]);
    assert_eq!(told("approvals").len(), 3);
    let switch = json!({ "version": NEXT, "height": 900 });
    let status = stand.get("/v1/status").await.is(200);
    assert_eq!(status["protocol"]["switch"], switch);
    let client = Client::new(&[&stand.address], Policy::default()).unwrap();
    let protocol = client.status().await.unwrap().protocol.unwrap();
    assert_eq!((protocol.supported, protocol.switch.unwrap().height), (protocol::LATEST, Height(900)));

    stand.get(&format!("/v1/decisions/{}", decision(99))).await.is_problem(404, "not_found");
    stand.get("/v1/decisions/ord_1").await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_on_lines_and_accounts_is_for_officers() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    deliver(&mut stand).await;
    act(&mut stand, SCHOOL_KEY, OrderAction::Dispute).await;
    let resolve = Measure::Resolve { year: YEAR, order: ORDER, split: vec![Cents::new(400)] };
    decide(&mut stand, 1, resolve.clone()).await;
    let account = Measure::ChangePaymentAccount { provider: PROVIDER, account: ACCOUNT };
    propose(&mut stand, OPERATOR, 2, account.clone()).await;

    let public = stand.get("/v1/decisions").await;
    assert_no_pupil(&public);
    let text = String::from_utf8_lossy(&public.body).into_owned();
    assert!(!text.contains("split") && !text.contains("com_"), "{text}");
    let [second, first] = [0, 1].map(|place| public.is(200)["items"][place].clone());
    assert_eq!(first["measure"], json!({ "resolve": { "year": YEAR, "order": ORDER, "lines": 1, "total": 400 } }));
    assert_eq!(second["measure"], json!({ "change_payment_account": { "provider": PROVIDER } }));
    assert_eq!((&first["whole"], &second["whole"]), (&json!(false), &json!(false)));

    let client = Client::new(&[&stand.address], Policy::default()).unwrap();
    for seed in [OPERATOR, BUDGET_HOLDER, AUDITOR] {
        let officer = client.signed_by(key(seed));
        assert_eq!(officer.decision_measure(decision(1)).await.unwrap().as_ref(), Some(&resolve));
        assert_eq!(officer.decision_measure(decision(2)).await.unwrap().as_ref(), Some(&account));
        assert_eq!(officer.decision_measure(decision(9)).await.unwrap(), None);
    }
    let path = format!("/v1/decisions/{}/measure", decision(1));
    for seed in [SCHOOL_KEY, PROVIDER_KEY, OTHER_PROVIDER_KEY, PUPIL_KEY, governance(1)] {
        stand.read(seed, &path).await.is_problem(403, "not_yours");
    }
    stand.read(STRANGER_KEY, &path).await.is_problem(401, "signature_wrong");
    stand.get(&path).await.is_problem(401, "signature_missing");
    assert_eq!(stand.read(OPERATOR, &path).await.header("cache-control"), "private, no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_reads_decisions_typed() {
    let mut stand = stand().await;
    some(&mut stand).await;
    let client = Client::new(&[&stand.address], Policy::default()).unwrap();
    let open = client.all_decisions(Some(DecisionStage::Open)).await.unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [decision(5), decision(9)]);
    assert_eq!((open[0].threshold, open[1].threshold), (Threshold::TwoPersons, Threshold::TwoThirds));
    assert_eq!(open[0].public_measure(), Some(extension(3)));
    let page = client.decisions(None, Some(&decision(7).to_string())).await.unwrap();
    assert_eq!(page.items.iter().map(|one| one.id).collect::<Vec<_>>(), [decision(3), decision(9)]);
    let detail = client.decision(decision(7)).await.unwrap().unwrap();
    assert_eq!((detail.decision.state, detail.receipts.len()), (DecisionStage::Executed, 2));
    assert_eq!(client.decision(decision(99)).await.unwrap(), None);
    let unsigned = client.decision_measure(decision(7)).await;
    assert!(matches!(unsigned, Err(ClientError::Problem(problem)) if problem.code == "signature_missing"));
}
