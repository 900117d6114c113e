//! Disputes, moved deadlines, successions and lost keys, as readers meet them.

use keis_ledger::classifiers::Scopes;
use keis_ledger::money::Cents;
use keis_ledger::operation::{KeyGrant, Measure, OrderAction, Party, WalletOperation};
use keis_ledger::record::{DisputeState, OrderState, Side};
use keis_ledger::time::Span;
use keis_wallet::client::{Client, ClientError, Policy};
use serde_json::json;

use crate::acts::{act, decide, deliver};
use crate::party::{
    LATER_KEY, OTHER_PROVIDER, OTHER_PROVIDER_KEY, OTHER_SCHOOL, OTHER_SCHOOL_KEY, OWN_ORDER, PROVIDER_KEY, PUPIL_KEY,
    SCHOOL_KEY, STRANGER_KEY, TEACHER_KEY, request_orders, stand, wallet,
};
use crate::support::{OPERATOR, ORDER, PROVIDER, SCHOOL, START, Stand, YEAR, key};

fn client(stand: &Stand, seed: u8) -> Client {
    Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(seed))
}

#[tokio::test(flavor = "multi_thread")]
async fn dispute_shows_to_the_sides_and_to_officers() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    deliver(&mut stand).await;
    let school = client(&stand, SCHOOL_KEY);
    let delivered = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    assert_eq!((delivered.dispute, delivered.deadlines.unwrap().next), (None, Some(delivered.order.deadline)));

    act(&mut stand, SCHOOL_KEY, OrderAction::Dispute).await;
    let disputed = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    let dispute = disputed.dispute.unwrap();
    assert_eq!((dispute.by, dispute.was, dispute.state), (Side::Orderer, OrderState::Delivered, DisputeState::Open));
    assert_eq!(disputed.deadlines.unwrap().next, None, "the clock stands still");
    assert_eq!(client(&stand, PROVIDER_KEY).order_lines(YEAR, ORDER).await.unwrap().as_ref(), Some(&disputed));
    let listed = client(&stand, OPERATOR).all_orders_of(YEAR, Some(OrderState::Disputed)).await.unwrap();
    assert_eq!(listed, [disputed]);

    decide(&mut stand, 1, Measure::Resolve { year: YEAR, order: ORDER, split: vec![Cents::new(400)] }).await;
    let resolved = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    assert_eq!(resolved.dispute.map(|dispute| dispute.state), Some(DisputeState::Resolved));
    let kinds: Vec<_> = school.order_history(YEAR, ORDER).await.unwrap().unwrap();
    let kinds: Vec<_> = kinds.iter().map(|one| serde_json::to_value(one.kind).unwrap()).skip(3).collect();
    assert_eq!(kinds, ["order_disputed", "dispute_resolved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_are_those_that_the_rules_go_by() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let school = client(&stand, SCHOOL_KEY);
    let before = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    let set = before.order.deadline;
    assert_eq!(before.deadlines.unwrap().next, Some(set));
    // The last day on which cancelling is free falls into the second window, the answer into the first.
    let window = |from, until, by| {
        let (from, until) = (START.after(Span::days(from)), START.after(Span::days(until)));
        Measure::Extend { year: YEAR, from, until, by: Span::days(by) }
    };
    decide(&mut stand, 1, window(5, 8, 2)).await;
    decide(&mut stand, 2, window(26, 28, 2)).await;
    let after = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    let deadlines = after.deadlines.unwrap();
    assert_eq!((after.order.deadline, deadlines.next), (set, Some(set.after(Span::days(2)))));
    let (was, start) = (before.deadlines.unwrap(), after.order.start);
    assert_eq!((was.free_cancel, was.free_change), (start.before(Span::days(3)), start.before(Span::days(3))));
    assert_eq!(deadlines.free_cancel, start.before(Span::days(1)));
    assert_eq!((was.unreported, deadlines.unreported), (None, None));

    // The rules take an answer after the first deadline and before the moved one, and a free cancelling likewise.
    stand.step_to(set.after(Span::days(1))).await;
    act(&mut stand, PROVIDER_KEY, OrderAction::Confirm).await;
    let confirmed = school.order_lines(YEAR, ORDER).await.unwrap().unwrap().deadlines.unwrap();
    assert!(confirmed.next.is_none() && confirmed.unreported.is_some_and(|instant| instant > after.order.end));
    stand.step_to(deadlines.free_cancel.before(Span(1_000))).await;
    act(&mut stand, SCHOOL_KEY, OrderAction::Cancel).await;
    let cancelled = school.order_lines(YEAR, ORDER).await.unwrap().unwrap();
    assert_eq!(cancelled.order.state, OrderState::CancelledFree);
}

#[tokio::test(flavor = "multi_thread")]
async fn successor_reads_in_the_place_of_the_one_before() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    for (number, from, to) in [
        (1, Party::Provider(PROVIDER), Party::Provider(OTHER_PROVIDER)),
        (2, Party::School(SCHOOL), Party::School(OTHER_SCHOOL)),
    ] {
        decide(&mut stand, number, Measure::Succeed { from, to, years: Vec::new() }).await;
    }
    let (provider, school) = (client(&stand, OTHER_PROVIDER_KEY), client(&stand, OTHER_SCHOOL_KEY));
    let old = provider.provider_wallet(PROVIDER, YEAR).await.unwrap().unwrap();
    assert_eq!((old.successor, old.predecessors.len()), (Some(OTHER_PROVIDER), 0));
    let new = provider.provider_wallet(OTHER_PROVIDER, YEAR).await.unwrap().unwrap();
    assert_eq!((new.successor, new.predecessors), (None, vec![PROVIDER]));
    let old = school.school_wallet(SCHOOL, YEAR).await.unwrap().unwrap();
    assert_eq!((old.successor, old.predecessors.len()), (Some(OTHER_SCHOOL), 0));
    let new = school.school_wallet(OTHER_SCHOOL, YEAR).await.unwrap().unwrap();
    assert_eq!((new.successor, new.predecessors), (None, vec![SCHOOL]));
    assert_eq!(school.all_school_pupils(SCHOOL, YEAR).await.unwrap().len(), 2);
    let orders = provider.all_provider_orders(PROVIDER, YEAR, None).await.unwrap();
    assert_eq!(orders, school.all_school_orders(SCHOOL, YEAR, None).await.unwrap());
    assert_eq!((orders[0].school_successor, orders[0].provider_successor), (Some(OTHER_SCHOOL), Some(OTHER_PROVIDER)));
    assert!(provider.order_history(YEAR, OWN_ORDER).await.unwrap().is_some());

    for (seed, path) in [
        (PROVIDER_KEY, format!("/v1/providers/{PROVIDER}?year=2026")),
        (SCHOOL_KEY, format!("/v1/schools/{SCHOOL}?year=2026")),
        (SCHOOL_KEY, format!("/v1/schools/{OTHER_SCHOOL}?year=2026")),
    ] {
        stand.read(seed, &path).await.is_problem(403, "not_yours");
    }
    stand.read(PUPIL_KEY, &format!("/v1/orders/{OWN_ORDER}/lines?year=2026")).await.is(200);
    stand.read(SCHOOL_KEY, &format!("/v1/keys/{}", key(SCHOOL_KEY).public())).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_keys_read_nothing() {
    let mut stand = stand().await;
    let own = format!("/v1/schools/{SCHOOL}?year=2026");
    stand.read(SCHOOL_KEY, &own).await.is(200);
    wallet(&mut stand, WalletOperation::RevokeAllKeys { party: Party::School(SCHOOL) }).await;
    let height = stand.get("/v1/status").await.is(200)["time"].as_u64().unwrap();
    stand.read(SCHOOL_KEY, &own).await.is_problem(403, "not_yours");
    let refused = client(&stand, SCHOOL_KEY).school_wallet(SCHOOL, YEAR).await;
    assert!(matches!(refused, Err(ClientError::Problem(problem)) if problem.code == "not_yours"));
    let shown = stand.read(OPERATOR, &own).await.is(200);
    for one in shown["keys"].as_array().unwrap() {
        assert_eq!(one["until"], json!(height), "{one}");
    }
    for seed in [SCHOOL_KEY, TEACHER_KEY, LATER_KEY] {
        let path = format!("/v1/keys/{}", key(seed).public());
        assert_eq!(stand.read(seed, &path).await.is(200)["until"], json!(height), "a key tells that it is over");
    }
    let until = START.after(Span::days(400));
    let (party, scopes, cap) = (Party::School(SCHOOL), Scopes::all(), Cents::new(5));
    let grants = vec![KeyGrant { key: key(STRANGER_KEY).public(), party, scopes, cap, from: START, until }];
    wallet(&mut stand, WalletOperation::BindKeys { grants }).await;
    let fresh = client(&stand, STRANGER_KEY);
    assert_eq!(fresh.key(key(STRANGER_KEY).public()).await.unwrap().unwrap().until, until);
    assert_eq!(fresh.school_wallet(SCHOOL, YEAR).await.unwrap().unwrap().keys.len(), 4);
    stand.read(SCHOOL_KEY, &own).await.is_problem(403, "not_yours");
}
