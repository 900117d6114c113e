//! Keys made in browsers, the signing page, and the door for what browsers signed.

use std::net::Ipv4Addr;

use crate::support::ledger::{NETWORK, NOW};
use crate::support::{BUDGET_HOLDER, Browser, OPERATOR, Page, SiteOptions, TestSite, start};
use bytes::Bytes;
use keis_ledger::classifiers::{Scope, Scopes, Year};
use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use keis_ledger::ids::{Commitment, DecisionId, OrderId, SchoolId, StatementId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{
    Buyer, GovernanceOperation, Operation, OrderAction, Owner, Party, SettlementOperation, WalletOperation,
};
use keis_ledger::receipt::{Kind, Receipt, Subject};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::RawTransaction;
use keis_portal::words::{LANGS, Lang};
use keis_registry::Actor;
use keis_registry::ids::KeyId;
use keis_registry::keys::{KeyState, UserKey, mark_active};
use keis_registry::notices::NoticeKind;
use keis_registry::refusals::NewRefusal;
use keis_registry::users::User;
use keis_wallet::compose::Composer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

/// The ledger of these tests refuses what is about this order.
const FULL: OrderId = OrderId([0xFF; 16]);

fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

fn order(id: OrderId, action: OrderAction) -> Operation {
    Operation::Order { year: Year(2026), order: id, action }
}

fn cancel(number: u8) -> Operation {
    order(OrderId([number; 16]), OrderAction::Cancel)
}

/// A ledger that takes everything but what is about the order `FULL`.
async fn ledger() -> String {
    let status = warp::path!("v1" / "status").map(|| {
        warp::reply::json(&json!({
            "network": NETWORK, "height": 1, "block": format!("blk_{}", "0".repeat(64)), "time": NOW,
            "state_root": NETWORK, "clock": NOW, "simulated": true, "syncing": false,
        }))
    });
    let taken = warp::path!("v1" / "transactions").and(warp::post()).and(warp::body::bytes()).map(|raw: Bytes| {
        let parsed = RawTransaction(raw.to_vec()).parse(&NETWORK).expect("only sound transactions arrive");
        let (status, answer) = match &parsed.body().operation {
            Operation::Order { order: FULL, .. } => {
                (422, json!({ "status": 422, "title": "refused", "code": "session_full", "free": 0 }))
            }
            _ => (200, json!({ "id": parsed.id(), "status": "included", "receipt": receipt(&parsed) })),
        };
        warp::reply::with_status(warp::reply::json(&answer), StatusCode::from_u16(status).expect("a status"))
    });
    let key = warp::path!("v1" / "keys" / PublicKey).map(|key: PublicKey| {
        let owner = [(7, Owner::Operator(OPERATOR)), (8, Owner::BudgetHolder(BUDGET_HOLDER))];
        match owner.into_iter().find(|(number, _)| secret(*number).public() == key) {
            Some((_, owner)) => {
                let (from, until) = (Timestamp(0), NOW.after(Span::days(30)));
                let view = json!({
                    "key": key, "owner": owner, "scopes": Scopes::of(&[]), "cap": 0, "from": from, "until": until,
                });
                warp::reply::with_status(warp::reply::json(&view), StatusCode::OK)
            }
            None => {
                let problem = json!({ "type": "about:blank", "title": "no", "status": 404, "code": "not_found" });
                warp::reply::with_status(warp::reply::json(&problem), StatusCode::NOT_FOUND)
            }
        }
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(warp::serve(status.or(taken).or(key)).incoming(listener).run());
    format!("http://{address}")
}

fn receipt(transaction: &keis_ledger::transaction::SignedTransaction) -> Receipt {
    Receipt {
        id: transaction.id(),
        height: keis_ledger::chain::Height(1),
        index: 0,
        time: NOW,
        kind: Kind::OrderCancelled,
        subject: Subject::default(),
        on_behalf: false,
        total: Amounts::ZERO,
        lines: 0,
        lines_root: Hash([9; 32]),
    }
}

async fn site() -> TestSite {
    start(SiteOptions { gateway: Some(ledger().await), ..SiteOptions::default() }).await
}

async fn send(browser: &Browser, path: &str, content: &Value) -> (u16, Value) {
    let url = browser.url(path);
    let origin = url.origin().ascii_serialization();
    let request = browser.http().post(url).header("content-type", "application/json").header("origin", origin);
    let page = browser.send(request.header("sec-fetch-site", "same-origin").body(content.to_string())).await;
    (page.status, serde_json::from_str(&page.text).unwrap_or_else(|_| json!({ "html": page.text })))
}

/// The registry's view of a sample person who has signed in.
async fn user(site: &TestSite, person: &str) -> User {
    site.user(person).await
}

fn enrolment(user: &User, key: &SecretKey, party: &str) -> Value {
    let message = [b"KEIS/enrol/0001\0".as_slice(), &NETWORK.0, &user.id.0, &key.public().0].concat();
    json!({ "key": key.public(), "label": "Raštinė", "party": party, "proof": key.sign(&message) })
}

/// A key that the person asked for, an officer approved and the ledger has.
async fn active_key(site: &TestSite, browser: &Browser, person: &str, key: &SecretKey) -> UserKey {
    let user = user(site, person).await;
    let party = match person {
        "provider_staff" => site.provider.id.to_string(),
        _ => site.school.id.to_string(),
    };
    let (status, told) = send(browser, "/wallet/keys", &enrolment(&user, key, &party)).await;
    assert_eq!(status, 200, "{told}");
    let asked = own(site, &user, key).await;
    assert_eq!(asked.state, KeyState::Requested);
    approve(site, asked.id).await;
    own(site, &user, key).await
}

async fn own(site: &TestSite, user: &User, key: &SecretKey) -> UserKey {
    let keys = site.registry.keys_of(user).await.expect("the registry answers");
    keys.into_iter().find(|one| one.key == key.public()).expect("the key is known")
}

async fn approve(site: &TestSite, id: KeyId) {
    let until = NOW.after(Span::days(365));
    let system = Actor::System("test");
    site.registry.approve_key(&system, id, Cents::new(50_000), Timestamp(0), until).await.expect("it waits");
    let mut work = site.registry.begin().await.expect("the registry answers");
    mark_active(&mut work, id).await.expect("it was approved");
    work.commit().await.expect("the registry answers");
}

fn signed(key: &SecretKey, operation: Operation) -> String {
    hex::encode(Composer::new(NETWORK, key.clone()).compose(NOW, operation).expect("it fits").raw())
}

async fn submit(browser: &Browser, transactions: &[String]) -> (u16, Value) {
    send(browser, "/wallet/submit", &json!({ "transactions": transactions, "next": "/school/orders" })).await
}

/// The data block of a page.
fn block(page: &Page, id: &str) -> Value {
    let open = format!("<script type=\"application/json\" id=\"{id}\">");
    let (_, rest) = page.text.split_once(&open).unwrap_or_else(|| panic!("no {id}: {}", page.text));
    serde_json::from_str(rest.split_once("</script>").expect("the block ends").0).expect("the block is JSON")
}

#[tokio::test]
async fn pages_of_keys_are_for_those_who_hold_keys() {
    let site = site().await;
    for person in ["coordinator", "teacher", "provider_staff", "officer", "budget_officer"] {
        let browser = site.signed_in(person).await;
        for path in ["/wallet", "/wallet/new", "/wallet/recover"] {
            for lang in LANGS {
                let page = browser.get(&format!("{path}?lang={}", lang.code())).await;
                assert_eq!(page.status, 200, "{person} {path}: {}", page.text);
                assert!(page.text.contains("<noscript>") && !page.text.contains(">wallet-"), "{}", page.text);
                let phrases = block(&page, "phrases");
                let words = lang.words().text("keys-trouble-offline");
                assert_eq!(phrases["keys-trouble-offline"], words);
            }
        }
    }
    for path in ["/wallet", "/wallet/new", "/wallet/recover"] {
        assert_eq!(site.browser().get(path).await.status, 303, "{path}");
    }
    assert_eq!(submit(&site.browser(), &[signed(&secret(1), cancel(1))]).await.0, 303);
}

#[tokio::test]
async fn a_key_is_asked_for_with_a_proof_and_for_ones_own_body() {
    let site = site().await;
    let browser = site.signed_in("coordinator").await;
    let user_id = user(&site, "coordinator").await;
    let school = site.school.id.to_string();
    let sound = enrolment(&user_id, &secret(1), &school);
    let with = |field: &str, value: Value| {
        let mut changed = sound.clone();
        changed[field] = value;
        changed
    };
    let other_user = user(&site, "teacher").await;
    let weak = format!("key_01{}", "00".repeat(31));
    let cases = [
        (with("proof", enrolment(&user_id, &secret(2), &school)["proof"].clone()), 400, "wallet-key-proof-bad"),
        (with("proof", enrolment(&other_user, &secret(1), &school)["proof"].clone()), 400, "wallet-key-proof-bad"),
        (with("key", json!(weak)), 400, "wallet-key-proof-bad"),
        (with("party", json!(site.other_school.id)), 403, "wallet-key-party-bad"),
        (with("party", json!(site.provider.id)), 403, "wallet-key-party-bad"),
        (with("party", json!("sch_1")), 403, "wallet-key-party-bad"),
        (with("label", json!("  ")), 400, "wallet-key-label-bad"),
        (with("label", json!("x".repeat(61))), 400, "wallet-key-label-bad"),
        (with("more", json!(1)), 400, "wallet-submit-malformed"),
    ];
    for (content, status, key) in cases {
        let answer = send(&browser, "/wallet/keys", &content).await;
        assert_eq!(answer, (status, json!({ "text": Lang::Lt.words().text(key) })), "{content}");
    }
    assert!(site.registry.keys_of(&user_id).await.expect("the registry answers").is_empty());

    assert_eq!(send(&browser, "/wallet/keys", &sound).await.0, 200);
    assert_eq!(send(&browser, "/wallet/keys", &sound).await.0, 409, "a key is asked for once");
    let known = own(&site, &user_id, &secret(1)).await;
    assert_eq!((known.party, known.label.as_str()), (Party::School(site.school.id), "Raštinė"));
    assert!([Scope::Order, Scope::Settlement].into_iter().all(|scope| known.scopes.has(scope)));
    let page = browser.get("/wallet").await;
    assert!(page.text.contains(&known.fingerprint) && page.says("wallet-state-requested"), "{}", page.text);
    assert_eq!(block(&page, "wallet-data")["known"], json!([known.key]));
}

#[tokio::test]
async fn what_one_signed_reaches_the_ledger_and_the_rules_sentence_comes_back() {
    let site = site().await;
    let browser = site.signed_in("coordinator").await;
    active_key(&site, &browser, "coordinator", &secret(1)).await;

    let transactions = [signed(&secret(1), cancel(1)), signed(&secret(1), order(FULL, OrderAction::Cancel))];
    let (status, told) = submit(&browser, &transactions).await;
    assert_eq!((status, &told["next"]), (200, &json!("/school/orders")), "{told}");
    assert_eq!(told["results"][0]["state"], "included");
    let refused = &told["results"][1];
    assert_eq!((&refused["state"], &refused["code"]), (&json!("refused"), &json!("session_full")));
    assert!(refused["text"].as_str().is_some_and(|text| text.len() > 10 && !text.contains("rejection-")), "{told}");
    assert_eq!(refused["advice"], Lang::Lt.words().text("wallet-advice-session"));

    let (status, told) = submit(&browser, &transactions[..1]).await;
    assert_eq!((status, &told["results"][0]["state"]), (200, &json!("included")), "the same bytes again: {told}");
    let page = browser.get("/wallet").await;
    assert!(page.text.contains(&Lang::Lt.words().count("wallet-done", 1_u64)), "the next page says so: {}", page.text);
}

#[tokio::test]
async fn a_provider_gets_one_notice_of_a_schools_refusal() {
    let site = site().await;
    let browser = site.signed_in("coordinator").await;
    active_key(&site, &browser, "coordinator", &secret(1)).await;
    let coordinator = user(&site, "coordinator").await.actor();
    let (year, statement) = (Year(2026), StatementId([1; 16]));
    let (file, provider, buyer) = (Commitment([1; 32]), site.provider.id, Buyer::School(site.school.id));
    let new = NewRefusal { statement, file, provider, buyer };
    site.registry.keep_refusal(&coordinator, &new, Some("Ne ta mokykla")).await.expect("it is kept");
    let refuse = signed(&secret(1), Operation::Settlement(SettlementOperation::RejectInvoice { year, statement }));
    for _ in 0..2 {
        let (status, told) = submit(&browser, std::slice::from_ref(&refuse)).await;
        assert_eq!((status, &told["results"][0]["state"]), (200, &json!("included")), "{told}");
    }
    let notices = site.registry.notices(Party::Provider(provider), &keis_registry::Page::default()).await;
    let notices = notices.expect("the registry reads").items;
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((notice.kind, &notice.subject), (NoticeKind::InvoiceRejected, &statement.to_string()));
}

#[tokio::test]
async fn nothing_leaves_that_is_not_the_users_own() {
    let site = site().await;
    let browser = site.signed_in("teacher").await;
    active_key(&site, &browser, "teacher", &secret(1)).await;
    let coordinator = site.signed_in("coordinator").await;
    active_key(&site, &coordinator, "coordinator", &secret(2)).await;
    let waiting = enrolment(&user(&site, "teacher").await, &secret(3), &site.school.id.to_string());
    assert_eq!(send(&browser, "/wallet/keys", &waiting).await.0, 200);

    let propose = order(OrderId([1; 16]), OrderAction::AcceptChange);
    let sound = signed(&secret(1), propose.clone());
    let elsewhere = Composer::new(Hash([8; 32]), secret(1)).compose(NOW, propose.clone()).expect("it fits");
    let behalf = Composer::new(NETWORK, secret(1));
    let behalf = behalf.compose_on_behalf(NOW, Party::School(SchoolId([1; 16])), propose.clone()).expect("it fits");
    let mut torn = sound.clone();
    torn.replace_range(80..81, if &sound[80..81] == "0" { "1" } else { "0" });
    let report = order(OrderId([1; 16]), OrderAction::ReportDelivery { absent: Vec::new() });
    let suspend = Operation::Wallet(WalletOperation::Suspend { party: Party::School(site.school.id) });
    let cases = [
        (vec![], "wallet-submit-none"),
        (vec![sound.clone(); 51], "wallet-sign-many"),
        (vec!["zz".to_owned()], "wallet-submit-malformed"),
        (vec![format!("{sound}00")], "wallet-submit-malformed"),
        (vec![torn], "wallet-submit-malformed"),
        (vec![hex::encode(elsewhere.raw())], "wallet-submit-malformed"),
        (vec![signed(&secret(2), propose.clone())], "wallet-submit-not-yours"),
        (vec![signed(&secret(3), propose.clone())], "wallet-submit-not-yours"),
        (vec![signed(&secret(4), propose.clone())], "wallet-submit-not-yours"),
        (vec![hex::encode(behalf.raw())], "wallet-submit-not-allowed"),
        (vec![signed(&secret(1), cancel(1))], "wallet-submit-not-allowed"),
        (vec![signed(&secret(1), report)], "wallet-submit-not-allowed"),
        (vec![signed(&secret(1), suspend)], "wallet-submit-not-allowed"),
        (vec![sound.clone(), signed(&secret(2), propose)], "wallet-submit-not-yours"),
    ];
    for (transactions, key) in cases {
        let answer = submit(&browser, &transactions).await;
        assert_eq!(answer, (400, json!({ "text": Lang::Lt.words().text(key) })), "{key}");
    }
    assert_eq!(submit(&browser, &[sound]).await.0, 200);
}

#[tokio::test]
async fn a_form_of_another_site_sends_nothing() {
    let site = site().await;
    let browser = site.signed_in("coordinator").await;
    active_key(&site, &browser, "coordinator", &secret(1)).await;
    let content = json!({ "transactions": [signed(&secret(1), cancel(1))], "next": "//elsewhere.example" });
    let request = browser.http().post(browser.url("/wallet/submit")).header("content-type", "application/json");
    let request = request.header("origin", "https://elsewhere.example").header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(request.body(content.to_string())).await.status, 403);
    let (status, told) = send(&browser, "/wallet/submit", &content).await;
    assert_eq!((status, &told["next"]), (200, &json!("/")), "nobody is sent to another site");
}

#[tokio::test]
async fn a_key_is_ended_by_a_signature_or_without_one() {
    let site = site().await;
    let browser = site.signed_in("coordinator").await;
    let key = active_key(&site, &browser, "coordinator", &secret(1)).await;
    let text = key.key.to_string();

    let page = browser.post("/wallet/revoke", &[("key", &text), ("sign", "1")]).await;
    let data = block(&page, "sign-data");
    let wanted = Operation::Wallet(WalletOperation::RevokeKey { key: key.key });
    let bytes = hex::encode(keis_ledger::codec::encode(&wanted));
    assert_eq!(data["operations"], json!([{ "bytes": bytes }]));
    assert_eq!(data["keys"], json!([text]));
    assert_eq!(data["network"], json!(NETWORK));
    assert_eq!(data["time"], json!(NOW));
    assert_eq!(data["dictionary"][&text], "Raštinė");
    assert_eq!(page.header("cache-control"), "no-store");

    let (_, told) = submit(&browser, &[signed(&secret(1), wanted.clone())]).await;
    assert_eq!(told["results"][0]["state"], "included", "{told}");
    let user_id = user(&site, "coordinator").await;
    assert_eq!(own(&site, &user_id, &secret(1)).await.state, KeyState::Revoked);
    let (status, _) = submit(&browser, &[signed(&secret(1), wanted)]).await;
    assert_eq!(status, 400, "a revoked key sends nothing any more");

    let lost = active_key(&site, &browser, "coordinator", &secret(2)).await;
    let page = browser.post("/wallet/revoke", &[("key", &lost.key.to_string())]).await;
    assert_eq!(page.header("location"), "/wallet");
    assert!(own(&site, &user_id, &secret(2)).await.revoking, "the operator will sign its end");

    let other = site.signed_in("teacher").await;
    let page = other.post("/wallet/revoke", &[("key", &lost.key.to_string())]).await;
    assert_eq!(page.status, 404, "keys of others are not there");
}

#[tokio::test]
async fn a_request_is_taken_back_by_who_made_it() {
    let site = site().await;
    let browser = site.signed_in("provider_staff").await;
    let staff = user(&site, "provider_staff").await;
    let asked = enrolment(&staff, &secret(1), &site.provider.id.to_string());
    assert_eq!(send(&browser, "/wallet/keys", &asked).await.0, 200);
    let page = browser.post("/wallet/revoke", &[("key", &secret(1).public().to_string())]).await;
    let page = browser.follow(page).await;
    assert!(page.says("wallet-withdrawn") && page.says("wallet-state-revoked"), "{}", page.text);
}

#[tokio::test]
async fn an_officers_key_waits_for_its_appointment_and_signs_by_its_office() {
    let site = site().await;
    let browser = site.signed_in("officer").await;
    let officer = user(&site, "officer").await;
    let (waiting, appointed) = (secret(1), secret(7));
    for key in [&waiting, &appointed] {
        let (status, told) = send(&browser, "/wallet/keys", &enrolment(&officer, key, "officer")).await;
        assert_eq!(status, 200, "{told}");
    }
    let refused = send(&browser, "/wallet/keys", &enrolment(&officer, &secret(2), "budget_officer")).await;
    assert_eq!(refused.0, 403, "not the officer's office: {refused:?}");
    let teacher = user(&site, "teacher").await;
    let other = site.signed_in("teacher").await;
    assert_eq!(send(&other, "/wallet/keys", &enrolment(&teacher, &secret(2), "officer")).await.0, 403);

    let page = browser.get("/wallet").await;
    let command =
        format!("keis governance propose --appoint {} --office operator --institution {OPERATOR} ", waiting.public());
    assert!(page.text.contains(&command) && page.says("wallet-officer-waits"), "{}", page.text);
    let end = Lang::Lt.words().with1("wallet-officer-until", "until", "2026-03-12 12:00");
    assert!(page.text.contains(&end) && page.text.contains("Nacionalinė biblioteka"), "{}", page.text);
    assert!(!page.text.contains(&format!("--appoint {}", appointed.public())), "it is appointed");

    let (year, statement) = (Year(2026), StatementId([1; 16]));
    let approve = Operation::Settlement(SettlementOperation::Approve { year, statement });
    let vote = Operation::Governance(GovernanceOperation::Approve { decision: DecisionId([1; 16]) });
    let sound = [signed(&appointed, approve.clone()), signed(&appointed, vote.clone())];
    let (status, told) = submit(&browser, &sound).await;
    assert_eq!((status, &told["results"][1]["state"]), (200, &json!("included")), "{told}");
    for (key, operation) in [(&waiting, vote.clone()), (&secret(8), vote.clone()), (&appointed, cancel(1))] {
        assert_eq!(submit(&browser, &[signed(key, operation.clone())]).await.0, 400, "{operation:?}");
    }

    let budget = site.signed_in("budget_officer").await;
    let holder = user(&site, "budget_officer").await;
    assert_eq!(send(&budget, "/wallet/keys", &enrolment(&holder, &secret(8), "budget_officer")).await.0, 200);
    assert_eq!(submit(&budget, &[signed(&secret(8), vote)]).await.0, 200);
    assert_eq!(submit(&budget, &[signed(&secret(8), approve)]).await.0, 400, "the operator approves invoices");

    for (key, words) in [(&appointed, "wallet-officer-appointed"), (&waiting, "wallet-withdrawn")] {
        let page = browser.post("/wallet/revoke", &[("key", &key.public().to_string())]).await;
        assert!(browser.follow(page).await.says(words), "{words}");
    }
    assert_eq!(site.registry.officer_keys(&officer).await.expect("the registry answers").len(), 1);
}
