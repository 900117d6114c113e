//! Decisions of two institutions: read in words, voted for, proposed. What is signed is what was asked for.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::market::{DAY, HOUR, bytes, session};
use crate::support::ledger::{NETWORK, NOW, parameters};
use crate::support::{BUDGET_HOLDER, Browser, OPERATOR, Page, SiteOptions, TestSite, start};
use keis_ledger::classifiers::{Place, Scopes, Year};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{DecisionId, InstitutionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{ClosureScope, GovernanceOperation, Measure, Operation, Owner, Party, Threshold};
use keis_ledger::record::{LineState, Order, OrderState};
use keis_ledger::time::{Span, Timestamp};
use keis_portal::words::{LANGS, Lang};
use keis_registry::permission::Role;
use keis_registry::users::User;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use warp::Filter;
use warp::http::StatusCode;

const YEAR: Year = Year(2026);
const ORDER: OrderId = OrderId([0xD1; 16]);
const ATTENDED: OrderId = OrderId([0xD2; 16]);
const DECISION: DecisionId = DecisionId([0xDE; 16]);
const RULES: DecisionId = DecisionId([0xDF; 16]);

/// What the gateway tells.
struct Ledger {
    orders: Vec<(OrderId, Order)>,
    decisions: Vec<(DecisionId, Measure, InstitutionId)>,
}

fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

fn money(cents: u64) -> Amounts {
    Amounts { state: Cents::new(cents), ..Amounts::ZERO }
}

impl Ledger {
    fn answer(&self, path: &str, query: &BTreeMap<String, String>) -> Option<Value> {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match parts[..] {
            ["status"] => Some(json!({
                "network": NETWORK, "height": 1, "block": format!("blk_{}", "0".repeat(64)), "time": NOW,
                "state_root": NETWORK, "clock": NOW, "simulated": true, "syncing": false,
            })),
            ["parameters"] => Some(json!({
                "height": 1, "years": [{ "year": 2026, "state": "open", "parameters": parameters() }],
                "network": { "protocol": 2, "max_validity": Span::days(1), "step_budget": 1000, "max_touched": 10_000,
                    "max_block_bytes": 1_048_576, "clock_bound": Span::days(1) },
            })),
            ["keys", key] => key_view(key),
            ["orders"] => {
                let wanted = query.get("state").map(String::as_str);
                let is_it = |order: &Order| wanted.is_none_or(|wanted| json!(order.state) == wanted);
                let items = self.orders.iter().filter(|(_, order)| is_it(order)).map(|(id, order)| view(*id, order));
                Some(json!({ "height": 1, "items": items.collect::<Vec<_>>() }))
            }
            ["orders", id, "lines"] => {
                let (id, order) = self.orders.iter().find(|(one, _)| one.to_string() == id)?;
                Some(view(*id, order))
            }
            ["decisions"] => {
                let open = query.get("state").is_none_or(|state| state == "open");
                let all = self.decisions.iter().filter(|_| open).map(decision);
                Some(json!({ "height": 1, "items": all.collect::<Vec<_>>() }))
            }
            ["decisions", id] => {
                let mut found = decision(self.decisions.iter().find(|(one, _, _)| one.to_string() == id)?);
                found["height"] = json!(1);
                found["receipts"] = json!([]);
                Some(found)
            }
            ["decisions", id, "measure"] => {
                let (id, measure, _) = self.decisions.iter().find(|(one, _, _)| one.to_string() == id)?;
                Some(json!({ "id": id, "measure": measure }))
            }
            ["providers", id] => Some(json!({
                "height": 1, "provider": id, "standing": "active", "purse": { "state": 0, "school": 0 }, "keys": [],
            })),
            _ => None,
        }
    }
}

fn view(id: OrderId, order: &Order) -> Value {
    let mut view = json!({ "id": id, "year": YEAR, "order": order });
    if order.state == OrderState::Disputed {
        view["dispute"] = json!({ "by": "orderer", "raised": NOW, "was": "delivered", "state": "open", "both": false });
    }
    view
}

fn key_view(key: &str) -> Option<Value> {
    let owners = [(7, Owner::Operator(OPERATOR)), (8, Owner::BudgetHolder(BUDGET_HOLDER))];
    let (number, owner) = owners.into_iter().find(|(number, _)| secret(*number).public().to_string() == key)?;
    let (from, until) = (Timestamp(0), NOW.after(Span::days(30)));
    let key = secret(number).public();
    Some(json!({ "key": key, "owner": owner, "scopes": Scopes::of(&[]), "cap": 0, "from": from, "until": until }))
}

/// A decision as the gateway shows it: split and lines are for officers.
fn decision((id, measure, proposer): &(DecisionId, Measure, InstitutionId)) -> Value {
    let (told, whole) = match measure {
        Measure::Resolve { year, order, split } => {
            (json!({ "resolve": { "year": year, "order": order, "lines": split.len(), "total": 800 } }), false)
        }
        other => (json!(other), true),
    };
    json!({
        "id": id, "measure": told, "whole": whole, "threshold": measure.threshold(), "wanted": 2, "proposer": proposer,
        "proposed": NOW, "until": NOW.after(Span::days(30)), "state": "open",
        "approvals": [{ "institution": proposer, "at": NOW }],
    })
}

async fn gateway(ledger: Ledger) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it has an address"));
    let ledger = Arc::new(ledger);
    let query = warp::query::<BTreeMap<String, String>>();
    let reads = warp::path::full().and(query).map(move |path: warp::path::FullPath, query| {
        let found = ledger.answer(path.as_str(), &query);
        let status = if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        let missing = || json!({ "title": "not there", "status": 404, "code": "not_found" });
        warp::reply::with_status(warp::reply::json(&found.unwrap_or_else(missing)), status)
    });
    tokio::spawn(warp::serve(reads).incoming(listener).run());
    address
}

/// A disputed order of three pupils, one of whom was taken out, and an attended one; a proposal of the operator's about the
/// first, and one that officers do not decide.
async fn site() -> TestSite {
    let (school, provider) = (SchoolId([1; 16]), ProviderId([2; 16]));
    let held = session(ServiceId(bytes(1)), 3 * HOUR, 3);
    let pupils: Vec<PupilId> = (1..=3).map(|number| PupilId(bytes(number))).collect();
    let mut disputed =
        crate::market::order(school, provider, (SessionId(bytes(1)), &held), &pupils, OrderState::Disputed);
    for (line, (state, escrow)) in
        disputed.lines.iter_mut().zip([(LineState::Attended, 500), (LineState::Absent, 250), (LineState::Dropped, 50)])
    {
        (line.state, line.escrow) = (state, money(escrow));
    }
    let mut attended =
        crate::market::order(school, provider, (SessionId(bytes(1)), &held), &pupils, OrderState::Attended);
    attended.lines[0].due = money(500);
    attended.lines[2].due = money(250);
    let mut standing =
        crate::market::order(school, provider, (SessionId(bytes(1)), &held), &pupils, OrderState::Confirmed);
    standing.lines.iter_mut().for_each(|line| line.escrow = money(500));
    let split = vec![Cents::new(500), Cents::new(250), Cents::new(50)];
    let ledger = Ledger {
        orders: vec![(ORDER, disputed), (ATTENDED, attended), (OrderId([0xD3; 16]), standing)],
        decisions: vec![
            (DECISION, Measure::Resolve { year: YEAR, order: ORDER, split }, OPERATOR),
            (RULES, Measure::DismissOfficer { key: secret(7).public() }, OPERATOR),
        ],
    };
    start(SiteOptions { gateway: Some(gateway(ledger).await), ..SiteOptions::default() }).await
}

async fn user(site: &TestSite, person: &str) -> User {
    site.user(person).await
}

/// An officer whose key the ledger lists.
async fn seated(site: &TestSite, role: Role, number: u8) -> Browser {
    let browser = site.signed_in(&role.to_string()).await;
    let user = user(site, &role.to_string()).await;
    let added = site.registry.add_officer_key(&user, role, secret(number).public(), "Raktas").await;
    added.expect("the officer may have a key");
    browser
}

/// What a signing page would have signed: the only operation, with the keys that may, and what ids are called.
fn signing(page: &Page) -> (Operation, Vec<String>, Value) {
    let data = page.sheet();
    let keys = data["keys"].as_array().expect("a list").iter().map(|key| key.as_str().expect("text").to_owned());
    let operation = page.asked().into_iter().next().expect("something is signed");
    (operation, keys.collect(), data["dictionary"].clone())
}

fn proposed(page: &Page) -> Measure {
    let (operation, keys, _) = signing(page);
    assert_eq!(keys, [secret(7).public().to_string()]);
    let Operation::Governance(GovernanceOperation::Propose { measure, until, .. }) = operation else {
        panic!("{operation:?}")
    };
    assert_eq!(until, NOW.after(Span::days(30)));
    assert_eq!(measure.threshold(), Threshold::TwoPersons);
    measure
}

fn path(form: &str, order: OrderId) -> String {
    format!("/office/decisions/{form}/2026/{order}")
}

#[tokio::test]
async fn every_page_is_shown_in_both_languages() {
    let site = site().await;
    let officer = seated(&site, Role::Officer, 7).await;
    let budget = seated(&site, Role::BudgetOfficer, 8).await;
    let pages = [
        "/office/decisions".to_owned(),
        "/office/decisions?state=all".to_owned(),
        "/office/decisions?state=executed".to_owned(),
        format!("/office/decisions/{DECISION}"),
        format!("/office/decisions/{RULES}"),
        path("resolve", ORDER),
        format!("{}?fill=half", path("resolve", ORDER)),
        path("reverse", ATTENDED),
        path("reverse", ORDER),
        "/office/decisions/force-majeure".to_owned(),
        "/office/decisions/force-majeure?kind=provider&q=teatras".to_owned(),
        "/office/decisions/force-majeure?kind=everything".to_owned(),
        "/office/decisions/extend".to_owned(),
        "/office/decisions/succeed".to_owned(),
        "/office/decisions/account".to_owned(),
    ];
    for path in pages {
        for (lang, browser) in LANGS.into_iter().flat_map(|lang| [(lang, &officer), (lang, &budget)]) {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = browser.get(&format!("{path}{mark}lang={}", lang.code())).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            for lacking in [">decisions-", ">office-", ">nav-", "\"decisions-"] {
                assert!(!page.text.contains(lacking), "{path} lacks words: {}", page.text);
            }
            assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
        }
    }
    let start = officer.get("/office?lang=lt").await;
    assert!(start.text.contains(&path("resolve", ORDER)), "the disputed order is linked: {}", start.text);
    assert!(start.text.contains(&DECISION.to_string()) && !start.text.contains(&RULES.to_string()), "{}", start.text);
    for person in ["coordinator", "teacher", "provider_staff"] {
        let browser = site.signed_in(person).await;
        assert_eq!(browser.get("/office/decisions").await.status, 403, "{person}");
        assert_eq!(browser.post(&format!("/office/decisions/{DECISION}/approve"), &[]).await.status, 403, "{person}");
    }
    site.shutdown().await;
}

#[tokio::test]
async fn the_other_institution_agrees_and_the_proposer_withdraws() {
    let site = site().await;
    let (officer, budget) = (seated(&site, Role::Officer, 7).await, seated(&site, Role::BudgetOfficer, 8).await);
    let address = format!("/office/decisions/{DECISION}");
    let own = officer.get(&address).await;
    assert!(
        own.says("decisions-voted") && own.says("decisions-withdraw") && !own.says("decisions-approve"),
        "{}",
        own.text
    );
    assert!(own.text.contains("Nacionalinė biblioteka") && own.text.contains("8,00"), "{}", own.text);
    let other = budget.get(&address).await;
    assert!(other.says("decisions-approve") && !other.says("decisions-withdraw"), "{}", other.text);

    let (operation, keys, names) = signing(&budget.post(&format!("{address}/approve"), &[]).await);
    assert_eq!(operation, Operation::Governance(GovernanceOperation::Approve { decision: DECISION }));
    assert_eq!(keys, [secret(8).public().to_string()]);
    let label = names[DECISION.to_string()].as_str().expect("the decision has a name").to_owned();
    assert!(other.text.contains(&format!("data-label=\"{label}\"")), "the form names it alike: {label}");
    let (operation, _, _) = signing(&officer.post(&format!("{address}/withdraw"), &[]).await);
    assert_eq!(operation, Operation::Governance(GovernanceOperation::Withdraw { decision: DECISION }));

    let governance = budget.post(&format!("/office/decisions/{RULES}/approve"), &[]).await;
    assert_eq!(governance.status, 400, "officers do not vote on measures of all institutions");
    assert!(budget.get(&format!("/office/decisions/{RULES}")).await.says("decisions-not-officers"));
    let keyless = site.signed_in("officer").await;
    let id = user(&site, "officer").await;
    let key = site.registry.officer_keys(&id).await.expect("the registry answers").remove(0);
    site.registry.drop_officer_key(&id, key.id).await.expect("it is the officer's");
    assert!(keyless.get(&address).await.says("decisions-no-key"));
    site.shutdown().await;
}

#[tokio::test]
async fn a_dispute_is_split_line_by_line_within_the_ledgers_bounds() {
    let site = site().await;
    let officer = seated(&site, Role::Officer, 7).await;
    let form = officer.get(&format!("{}?fill=all", path("resolve", ORDER))).await;
    for value in ["value=\"5,00\"", "value=\"2,50\"", "value=\"0,50\""] {
        assert!(form.text.contains(value), "{value}: {}", form.text);
    }
    let post = async |split: [&str; 3]| {
        let order = ORDER.to_string();
        let mut fields = vec![("order", order.as_str()), ("year", "2026")];
        fields.extend(split.map(|amount| ("split", amount)));
        officer.post(&path("resolve", ORDER), &fields).await
    };
    for (split, fault) in [
        (["5,01", "0", "0"], "decisions-above-most"),
        (["5", "5,01", "0"], "decisions-above-most"),
        (["5", "0", "0,51"], "decisions-above-most"),
        (["5", "", "0"], "office-error-empty"),
        (["5", "x", "0"], "office-error-money"),
    ] {
        let page = post(split).await;
        assert_eq!(page.status, 422, "{split:?}");
        assert!(page.says(fault), "{split:?}: {}", page.text);
    }
    let page = post(["5,00", "5", "0"]).await;
    let split = vec![Cents::new(500), Cents::new(500), Cents::ZERO];
    assert_eq!(proposed(&page), Measure::Resolve { year: YEAR, order: ORDER, split });
    assert!(page.says("decisions-split-lacks"), "more than is frozen of the second: {}", page.text);
    let (_, _, names) = signing(&page);
    for id in [ORDER.to_string(), format!("{ORDER}/0"), format!("{ORDER}/2")] {
        assert!(names[&id].is_string(), "{id} has a name: {names}");
    }
    assert_eq!(officer.get(&path("resolve", ATTENDED)).await.status, 400, "it is not disputed");
    site.shutdown().await;
}

#[tokio::test]
async fn lines_with_something_due_are_given_back() {
    let site = site().await;
    let officer = seated(&site, Role::Officer, 7).await;
    let form = officer.get(&path("reverse", ATTENDED)).await;
    assert!(form.text.contains("name=\"line\" value=\"0\"") && form.text.contains("name=\"line\" value=\"2\""));
    assert!(!form.text.contains("name=\"line\" value=\"1\""), "nothing is due of it: {}", form.text);
    assert!(officer.post(&path("reverse", ATTENDED), &[]).await.says("decisions-no-line"));
    assert_eq!(officer.post(&path("reverse", ATTENDED), &[("line", "1")]).await.status, 422);
    assert_eq!(officer.post(&path("reverse", ORDER), &[("line", "0")]).await.status, 400);
    let page = officer.post(&path("reverse", ATTENDED), &[("line", "2"), ("line", "0")]).await;
    assert_eq!(proposed(&page), Measure::Reverse { year: YEAR, order: ATTENDED, lines: vec![0, 2] });

    let found = officer.get(&format!("/office/decisions/order?q={ATTENDED}")).await;
    assert_eq!(found.header("location"), path("reverse", ATTENDED));
    let found = officer.get(&format!("/office/decisions/order?q={ORDER}")).await;
    assert_eq!(found.header("location"), path("resolve", ORDER));
    let lost = officer.get("/office/decisions/order?q=ord_1").await;
    assert!(officer.follow(lost).await.says("decisions-order-unknown"));
    site.shutdown().await;
}

#[tokio::test]
async fn force_majeure_says_what_it_meets_before_it_is_signed() {
    let site = site().await;
    let officer = seated(&site, Role::Officer, 7).await;
    let address = "/office/decisions/force-majeure";
    let asked =
        [("year", "2026"), ("from", "2026-02-10T00:00"), ("until", "2026-02-11T00:00"), ("scope", "everything")];
    let page = officer.post(address, &asked).await;
    let words = Lang::Lt.words();
    for fact in
        [words.count("count-orders", 1_u64), words.count("count-pupils", 3_u64), words.money(&Cents::new(1_500))]
    {
        assert!(page.text.contains(&fact), "{fact}: {}", page.text);
    }
    assert!(page.text.contains("data-intent=\"measure.force_majeure\""), "{}", page.text);
    let sure: Vec<(&str, &str)> = asked.into_iter().chain([("sure", "yes")]).collect();
    let (from, until) = (Timestamp(NOW.0 - 12 * HOUR), Timestamp(NOW.0 + 12 * HOUR));
    let measure = proposed(&officer.post(address, &sure).await);
    assert_eq!(measure, Measure::ForceMajeure { year: YEAR, from, until, scope: ClosureScope::Everything });

    let place = [
        ("year", "2026"),
        ("from", "2026-02-10T00:00"),
        ("until", "2026-02-11T00:00"),
        ("scope", "LT-57"),
        ("sure", "1"),
    ];
    let measure = proposed(&officer.post(address, &place).await);
    assert!(matches!(measure, Measure::ForceMajeure { scope: ClosureScope::Place(Place::Municipality(57)), .. }));
    for (name, value, fault) in [
        ("until", "2026-02-10T00:00", "decisions-error-window"),
        ("from", "rytoj", "decisions-error-time"),
        ("scope", "LT-99", "office-error-choice"),
        ("year", "2031", "office-error-choice"),
    ] {
        let mut wrong = asked;
        wrong.iter_mut().filter(|(field, _)| *field == name).for_each(|field| field.1 = value);
        let page = officer.post(address, &wrong).await;
        assert!(page.status == 422 && page.says(fault), "{name}: {} {}", page.status, page.text);
    }
    site.shutdown().await;
}

#[tokio::test]
async fn deadlines_succession_and_accounts_are_proposed() {
    let site = site().await;
    let officer = seated(&site, Role::Officer, 7).await;
    let asked = [("year", "2026"), ("from", "2026-02-10T00:00"), ("until", "2026-02-11T00:00"), ("by", "86400000")];
    let (from, until) = (Timestamp(NOW.0 - 12 * HOUR), Timestamp(NOW.0 + 12 * HOUR));
    let measure = proposed(&officer.post("/office/decisions/extend", &asked).await);
    assert_eq!(measure, Measure::Extend { year: YEAR, from, until, by: Span(DAY) });

    let codes =
        [("kind", "school"), ("old", crate::support::SCHOOL), ("new", crate::support::OTHER_SCHOOL), ("years", "2026")];
    let page = officer.post("/office/decisions/succeed", &codes).await;
    let (one, other) = (site.school.id.to_string(), site.other_school.id.to_string());
    assert!(page.text.contains("Kauno Liepų mokykla") && page.text.contains(&one), "{}", page.text);
    let sure = [("sure", "yes"), ("predecessor", one.as_str()), ("successor", other.as_str()), ("years", "2026")];
    let measure = proposed(&officer.post("/office/decisions/succeed", &sure).await);
    let (from, to) = (Party::School(site.school.id), Party::School(site.other_school.id));
    assert_eq!(measure, Measure::Succeed { from, to, years: vec![YEAR] });
    for (old, new, fault) in [
        (crate::support::SCHOOL, crate::support::SCHOOL, "decisions-error-same"),
        (crate::support::PROVIDER, crate::support::SCHOOL, "decisions-error-code"),
    ] {
        let page = officer.post("/office/decisions/succeed", &[("kind", "school"), ("old", old), ("new", new)]).await;
        assert!(page.status == 422 && page.says(fault), "{fault}: {}", page.text);
    }

    for (path, id) in [("succeed", one.as_str()), ("account", site.provider.id.to_string().as_str())] {
        let page = officer.get(&format!("/office/decisions/{path}?party={id}")).await;
        let code = if path == "account" { crate::support::PROVIDER } else { crate::support::SCHOOL };
        assert!(page.text.contains(&format!("value=\"{code}\"")), "{path} is filled in: {}", page.text);
    }
    let account = [("code", crate::support::PROVIDER), ("number", "lt12 1000 0111 0100 1000")];
    let page = officer.post("/office/decisions/account", &account).await;
    assert!(page.text.contains("LT12\u{a0}1000\u{a0}0111\u{a0}0100\u{a0}1000"), "{}", page.text);
    let (_, rest) = page.text.split_once("name=\"account\" value=\"").expect("the form says the commitment");
    let commitment = rest.split_once('"').expect("it ends").0.to_owned();
    let provider = site.provider.id.to_string();
    let sure = [("sure", "yes"), ("provider", provider.as_str()), ("account", commitment.as_str())];
    let measure = proposed(&officer.post("/office/decisions/account", &sure).await);
    let account = commitment.parse().expect("a commitment");
    assert_eq!(measure, Measure::ChangePaymentAccount { provider: site.provider.id, account });
    let other = format!("com_{}", "0".repeat(64));
    let forged = [("sure", "yes"), ("provider", provider.as_str()), ("account", other.as_str())];
    assert_eq!(officer.post("/office/decisions/account", &forged).await.status, 400, "a commitment to nothing known");
    let wrong = [("code", crate::support::PROVIDER), ("number", "LT12 1000 0111 0100 1001")];
    let page = officer.post("/office/decisions/account", &wrong).await;
    assert!(page.status == 422 && page.says("decisions-error-iban"), "{}", page.text);
    site.shutdown().await;
}
