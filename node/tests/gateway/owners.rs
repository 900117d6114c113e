//! What owners and officers read, and that nobody else does.

use serde_json::{Value, json};

use crate::party::{
    OTHER_PROVIDER_KEY, OTHER_PUPIL, OTHER_SCHOOL, OTHER_SCHOOL_KEY, OWN_ORDER, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY,
    STATEMENT, STRANGER_KEY, TEACHER_KEY, TEN, request_orders, settle, stand,
};
use crate::support::{AUDITOR, BUDGET_HOLDER, OPERATOR, ORDER, PROVIDER, PUPIL, SCHOOL, SERVICE, SESSION, Stand, key};

const OFFICERS: [u8; 3] = [OPERATOR, BUDGET_HOLDER, AUDITOR];

/// The readers get an answer, the others are refused, and nobody without a signature gets one.
pub async fn who(stand: &Stand, path: &str, readers: &[u8], others: &[u8]) {
    for seed in readers.iter().chain(&OFFICERS) {
        let answer = stand.read(*seed, path).await;
        assert_eq!(answer.status, 200, "{seed} {path}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("cache-control"), "private, no-store", "{path}");
    }
    for seed in others {
        let answer = stand.read(*seed, path).await;
        assert_eq!(answer.status, 403, "{seed} {path}: {}", String::from_utf8_lossy(&answer.body));
        answer.is_problem(403, "not_yours");
    }
    stand.get(path).await.is_problem(401, "signature_missing");
    stand.read(STRANGER_KEY, path).await.is_problem(401, "signature_wrong");
    let unknown = format!("{path}{}colour=red", if path.contains('?') { '&' } else { '?' });
    stand.read(OPERATOR, &unknown).await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_for_its_owners_and_officers() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    let (school, provider, pupil) = (SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY);
    let (other_school, other_provider, teacher) = (OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, TEACHER_KEY);
    for part in ["", "/pupils", "/orders", "/statements"] {
        let path = format!("/v1/schools/{SCHOOL}{part}?year=2026");
        who(&stand, &path, &[school], &[teacher, other_school, provider, pupil]).await;
    }
    for part in ["", "/orders", "/sessions", "/statements"] {
        let path = format!("/v1/providers/{PROVIDER}{part}?year=2026");
        who(&stand, &path, &[provider], &[school, other_provider, pupil]).await;
    }
    who(&stand, "/v1/pupils?year=2026", &[], &[school, provider, pupil]).await;
    let path = format!("/v1/pupils/{PUPIL}?year=2026");
    who(&stand, &path, &[school], &[other_school, provider, pupil, teacher]).await;
    who(&stand, &format!("/v1/pupils/{TEN}?year=2026"), &[school, pupil], &[other_school, provider]).await;
    for part in ["lines", "history"] {
        let path = format!("/v1/orders/{ORDER}/{part}?year=2026");
        who(&stand, &path, &[school, provider], &[other_school, other_provider, pupil, teacher]).await;
        let path = format!("/v1/orders/{OWN_ORDER}/{part}?year=2026");
        who(&stand, &path, &[school, provider, pupil], &[other_school, other_provider]).await;
    }
    let path = format!("/v1/statements/{STATEMENT}?year=2026");
    who(&stand, &path, &[provider], &[school, other_provider, pupil]).await;
    let path = format!("/v1/keys/{}", key(SCHOOL_KEY).public());
    who(&stand, &path, &[school], &[other_school, provider, pupil, teacher]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_tells_its_own_holder() {
    let stand = stand().await;
    let path = |seed| format!("/v1/keys/{}", key(seed).public());
    let own = stand.read(SCHOOL_KEY, &path(SCHOOL_KEY)).await.is(200);
    assert_eq!(own["owner"], json!({ "party": { "school": SCHOOL } }));
    assert_eq!(own["scopes"], json!(["propose", "order", "attendance", "settlement", "read"]));
    // A key without the scope to read still reads what it is.
    assert_eq!(stand.read(TEACHER_KEY, &path(TEACHER_KEY)).await.is(200)["scopes"], json!(["propose"]));
    stand.read(SCHOOL_KEY, &path(TEACHER_KEY)).await.is(200);
    stand.read(OPERATOR, &path(STRANGER_KEY)).await.is_problem(404, "not_found");
    stand.read(SCHOOL_KEY, &path(STRANGER_KEY)).await.is_problem(403, "not_yours");
    stand.read(SCHOOL_KEY, &path(OPERATOR)).await.is_problem(403, "not_yours");
    stand.read(AUDITOR, &path(OPERATOR)).await.is(200);
    stand.read(SCHOOL_KEY, "/v1/keys/key_1").await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_show_money_keys_and_bookings() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let school = stand.read(SCHOOL_KEY, &format!("/v1/schools/{SCHOOL}?year=2026")).await.is(200);
    assert_eq!((&school["pupils"], &school["purse"], &school["place"]), (&json!(2), &json!(0), &json!("LT-57")));
    assert_eq!(school["keys"].as_array().unwrap().len(), 3);
    let pupils = stand.read(SCHOOL_KEY, &format!("/v1/schools/{SCHOOL}/pupils?year=2026")).await.is(200);
    assert_eq!(ids(&pupils, "pupil"), [PUPIL.to_string(), TEN.to_string()]);
    let ten = &pupils["items"][1];
    assert_eq!((&ten["balance"], &ten["grade"], &ten["allocated"]), (&json!(700), &json!(10), &json!(true)));
    assert_eq!(ten["bookings"][0]["order"], OWN_ORDER.to_string());
    assert_eq!(ten.get("nullifier"), None);
    let alone = stand.read(PUPIL_KEY, &format!("/v1/pupils/{TEN}?year=2026")).await.is(200);
    assert_eq!(&alone, ten);
    let all = stand.read(AUDITOR, "/v1/pupils?year=2026").await.is(200);
    assert_eq!(ids(&all, "pupil"), [PUPIL, TEN, OTHER_PUPIL].map(|id| id.to_string()));
    assert_eq!(all["items"][0]["nullifier"], keis_ledger::ids::Nullifier([9; 32]).to_string());
    let provider = stand.read(PROVIDER_KEY, &format!("/v1/providers/{PROVIDER}?year=2026")).await.is(200);
    assert_eq!(provider["purse"], json!({ "state": 0, "school": 0 }));
    assert_eq!(provider["keys"][0]["key"], key(PROVIDER_KEY).public().to_string());
    for path in [
        format!("/v1/schools/{SCHOOL}?year=2020"),
        format!("/v1/schools/{}?year=2026", keis_ledger::ids::SchoolId([77; 16])),
        format!("/v1/providers/{}?year=2026", keis_ledger::ids::ProviderId([77; 16])),
        format!("/v1/pupils/{PUPIL}?year=2025"),
        "/v1/pupils?year=2020".to_owned(),
        format!("/v1/orders/{ORDER}/lines?year=2025"),
        format!("/v1/orders/{ORDER}/history?year=2025"),
        format!("/v1/statements/{STATEMENT}?year=2026"),
    ] {
        stand.read(OPERATOR, &path).await.is_problem(404, "not_found");
    }
    for path in [format!("/v1/schools/{SCHOOL}"), "/v1/pupils".into(), format!("/v1/orders/{ORDER}/lines?year=x")] {
        stand.read(OPERATOR, &path).await.is_problem(400, "malformed");
    }
}

fn ids(page: &Value, name: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pupil_who_moves_is_listed_at_the_new_school_alone() {
    use keis_ledger::operation::WalletOperation;
    let mut stand = stand().await;
    let year = crate::support::YEAR;
    let step = WalletOperation::MovePupil { year, pupil: TEN, school: OTHER_SCHOOL, grade: 10, keep_lines: true };
    crate::party::wallet(&mut stand, step).await;
    let before = stand.read(SCHOOL_KEY, &format!("/v1/schools/{SCHOOL}/pupils?year=2026")).await.is(200);
    assert_eq!(ids(&before, "pupil"), [PUPIL.to_string()]);
    let path = format!("/v1/schools/{OTHER_SCHOOL}/pupils?year=2026");
    let after = stand.read(OTHER_SCHOOL_KEY, &path).await.is(200);
    assert_eq!(ids(&after, "pupil"), [TEN, OTHER_PUPIL].map(|id| id.to_string()));
    let path = format!("/v1/pupils/{TEN}?year=2026");
    stand.read(SCHOOL_KEY, &path).await.is_problem(403, "not_yours");
    stand.read(OTHER_SCHOOL_KEY, &path).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_shows_its_lines_history_and_statement() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let orders = format!("/v1/schools/{SCHOOL}/orders?year=2026");
    let requested = stand.read(SCHOOL_KEY, &orders).await.is(200);
    assert_eq!(ids(&requested, "id"), [ORDER.to_string(), OWN_ORDER.to_string()]);
    settle(&mut stand).await;

    let lines = format!("/v1/orders/{ORDER}/lines?year=2026");
    let seen_by_school = stand.read(SCHOOL_KEY, &lines).await.is(200);
    assert_eq!(seen_by_school["order"]["lines"][0]["pupil"], PUPIL.to_string());
    assert_eq!(seen_by_school["order"]["lines"][0]["state"], "attended");
    assert_eq!(stand.read(PROVIDER_KEY, &lines).await.is(200), seen_by_school);
    let settled = stand.read(SCHOOL_KEY, &format!("{orders}&state=settled")).await.is(200);
    assert_eq!(settled["items"], json!([seen_by_school]));
    stand.read(SCHOOL_KEY, &format!("{orders}&state=lost")).await.is_problem(400, "malformed");
    let provided = stand.read(PROVIDER_KEY, &format!("/v1/providers/{PROVIDER}/orders?year=2026")).await.is(200);
    assert_eq!(ids(&provided, "id"), [ORDER.to_string(), OWN_ORDER.to_string()]);

    let history = stand.read(SCHOOL_KEY, &format!("/v1/orders/{ORDER}/history?year=2026")).await.is(200);
    let kinds: Vec<&str> =
        history["receipts"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    let expected = [
        "order_requested",
        "order_confirmed",
        "delivery_reported",
        "attendance_confirmed",
        "statement_issued",
        "statement_accepted",
    ];
    assert_eq!(kinds, expected);
    assert!(!history.to_string().contains("pup_"));

    let statement = stand.read(PROVIDER_KEY, &format!("/v1/statements/{STATEMENT}?year=2026")).await.is(200);
    assert_eq!((&statement["statement"]["total"], &statement["statement"]["state"]), (&json!(800), &json!("accepted")));
    let statements = stand.read(PROVIDER_KEY, &format!("/v1/providers/{PROVIDER}/statements?year=2026")).await.is(200);
    assert_eq!(statements["items"], json!([statement]));
    let none = stand.read(SCHOOL_KEY, &format!("/v1/schools/{SCHOOL}/statements?year=2026")).await.is(200);
    assert_eq!(none["items"], json!([]), "the programme pays it");
}

#[tokio::test(flavor = "multi_thread")]
async fn pupil_sees_its_own_line_of_a_schools_order_alone() {
    use keis_ledger::money::Cents;
    use keis_ledger::operation::{Operation, OrderAction};
    let mut stand = stand().await;
    let (year, order) = (crate::support::YEAR, keis_ledger::ids::OrderId([55; 16]));
    let (session, price, school_money) = (SESSION, Cents::new(800), Cents::ZERO);
    let action = OrderAction::Request { session, pupils: vec![PUPIL, TEN], price, school_money };
    stand.take_effect(SCHOOL_KEY, None, Operation::Order { year, order, action }).await;
    let path = format!("/v1/orders/{order}/lines?year=2026");
    let seen = stand.read(PUPIL_KEY, &path).await.is(200);
    assert_eq!(seen["order"]["lines"].as_array().unwrap().len(), 1);
    assert!(!seen.to_string().contains(&PUPIL.to_string()), "{seen}");
    assert_eq!(stand.read(SCHOOL_KEY, &path).await.is(200)["order"]["lines"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_show_to_their_provider_and_to_everybody() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let own = stand.read(PROVIDER_KEY, &format!("/v1/providers/{PROVIDER}/sessions?year=2026")).await.is(200);
    assert_eq!(ids(&own, "id"), [SESSION.to_string()]);
    assert_eq!((&own["items"][0]["session"]["booked"], &own["items"][0]["year"]), (&json!(2), &json!(2026)));
    let public = stand.get(&format!("/v1/sessions/{SESSION}?year=2026")).await;
    crate::support::assert_no_pupil(&public);
    let public = public.is(200);
    assert_eq!((&public["service"], &public["free"]), (&json!(SERVICE), &json!(23)));
    stand.get(&format!("/v1/sessions/{SESSION}?year=2025")).await.is_problem(404, "not_found");
    stand.get(&format!("/v1/sessions/{SESSION}")).await.is_problem(400, "malformed");
}
