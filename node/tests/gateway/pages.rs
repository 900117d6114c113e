//! Lists in pages: every item exactly once.

use std::collections::BTreeSet;

use keis_ledger::ids::{OrderId, PupilId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, OrderAction};

use crate::party::{PROVIDER_KEY, SCHOOL_KEY, open_pupils, stand};
use crate::support::{OPERATOR, PROVIDER, SCHOOL, SESSION, Stand, YEAR};

const PUPILS: u8 = 23;

fn pupil(number: u8) -> PupilId {
    // Not in the order in which they are opened.
    PupilId([number.wrapping_mul(37).wrapping_add(110); 16])
}

async fn fill(stand: &mut Stand) {
    for number in 0..PUPILS {
        open_pupils(stand, &[(pupil(number), SCHOOL, 5)]).await;
    }
}

/// Walks a list to its end; ids in the order of the answers.
async fn walk(stand: &Stand, seed: u8, path: &str, limit: usize, name: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = stand.read(seed, &format!("{path}&limit={limit}{after}")).await.is(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        ids.extend(items.iter().map(|item| item[name].as_str().unwrap().to_owned()));
        let Some(next) = page.get("next") else { return ids };
        cursor = Some(next.as_str().unwrap().to_owned());
        assert_eq!(items.len(), limit, "a page with a next one is full");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_walk_pupils_exactly_once() {
    let mut stand = stand().await;
    fill(&mut stand).await;
    for (seed, path, others) in [
        (SCHOOL_KEY, format!("/v1/schools/{SCHOOL}/pupils?year=2026"), 2),
        (OPERATOR, "/v1/pupils?year=2026".to_owned(), 3),
    ] {
        for limit in [1, 7, 24, 25, 26, 500] {
            let ids = walk(&stand, seed, &path, limit, "pupil").await;
            assert_eq!(ids.len(), usize::from(PUPILS) + others, "{path} by {limit}");
            assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == ids.len());
        }
        for wrong in ["limit=0", "limit=501", "cursor=", "cursor=x", "limit=1&limit=2"] {
            stand.read(seed, &format!("{path}&{wrong}")).await.is_problem(400, "malformed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_walk_orders_exactly_once_while_more_come() {
    let mut stand = stand().await;
    fill(&mut stand).await;
    let request = |number: u8| {
        let (session, pupils, price, school_money) = (SESSION, vec![pupil(number)], Cents::new(800), Cents::ZERO);
        let action = OrderAction::Request { session, pupils, price, school_money };
        Operation::Order { year: YEAR, order: OrderId([number.wrapping_mul(41); 16]), action }
    };
    for number in 1..12 {
        stand.take_effect(SCHOOL_KEY, None, request(number)).await;
    }
    for number in [3u8, 4] {
        let order = OrderId([number.wrapping_mul(41); 16]);
        let decline = Operation::Order { year: YEAR, order, action: OrderAction::Decline };
        stand.take_effect(PROVIDER_KEY, None, decline).await;
    }
    for (seed, path) in [
        (SCHOOL_KEY, format!("/v1/schools/{SCHOOL}/orders?year=2026")),
        (PROVIDER_KEY, format!("/v1/providers/{PROVIDER}/orders?year=2026")),
    ] {
        for limit in [1, 3, 11, 500] {
            assert_eq!(walk(&stand, seed, &path, limit, "id").await.len(), 11);
            assert_eq!(walk(&stand, seed, &format!("{path}&state=requested"), limit, "id").await.len(), 9);
            assert_eq!(walk(&stand, seed, &format!("{path}&state=declined"), limit, "id").await.len(), 2);
            assert!(walk(&stand, seed, &format!("{path}&state=settled"), limit, "id").await.is_empty());
        }
    }
    let path = format!("/v1/schools/{SCHOOL}/orders?year=2026&limit=5");
    let first = stand.read(SCHOOL_KEY, &path).await.is(200);
    stand.take_effect(SCHOOL_KEY, None, request(12)).await;
    let rest = format!("{path}&cursor={}", first["next"].as_str().unwrap());
    let rest = walk(&stand, SCHOOL_KEY, &rest.replace("&limit=5", ""), 500, "id").await;
    let first: Vec<&str> = first["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert!((6..=7).contains(&rest.len()) && rest.iter().all(|id| !first.contains(&id.as_str())));
}
