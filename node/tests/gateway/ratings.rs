//! Ratings stand beside their service, and none of a few.

use keis_ledger::classifiers::{Fact, Facts, Scope, Scopes, Score};
use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{KeyGrant, Operation, OrderAction, Party, WalletOperation};
use keis_ledger::time::Span;
use keis_wallet::client::{Client, Policy};
use serde_json::json;

use crate::acts::{act, confirm_attendance, deliver};
use crate::party::{SCHOOL_KEY, open_pupils, stand, wallet};
use crate::support::{ORDER, SCHOOL, SERVICE, SESSION, START, Stand, YEAR, assert_no_pupil, key};

const SCORES: [u8; 5] = [5, 4, 4, 5, 5];

fn pupil(number: u8) -> PupilId {
    PupilId([120 + number; 16])
}

/// The key of a pupil.
fn seed(number: u8) -> u8 {
    140 + number
}

/// An order in which five pupils with keys took part.
async fn attended(stand: &mut Stand) {
    let pupils: Vec<PupilId> = (0..5).map(pupil).collect();
    let wallets: Vec<_> = pupils.iter().map(|pupil| (*pupil, SCHOOL, 10)).collect();
    open_pupils(stand, &wallets).await;
    let mut grants: Vec<KeyGrant> = (0..5)
        .map(|number| KeyGrant {
            key: key(seed(number)).public(),
            party: Party::Pupil(YEAR, pupil(number)),
            scopes: Scopes::of(&[Scope::Propose]),
            cap: Cents::ZERO,
            from: START,
            until: START.after(Span::days(400)),
        })
        .collect();
    grants.sort_by_key(|grant| grant.key);
    wallet(stand, WalletOperation::BindKeys { grants }).await;
    let request = OrderAction::Request { session: SESSION, pupils, price: Cents::new(800), school_money: Cents::ZERO };
    act(stand, SCHOOL_KEY, request).await;
    deliver(stand).await;
    confirm_attendance(stand).await;
}

async fn rate(stand: &mut Stand, seed: u8, score: u8, facts: &[Fact]) {
    let (score, facts) = (Score::new(score).unwrap(), Facts::of(facts));
    stand.take_effect(seed, None, Operation::Rate { year: YEAR, order: ORDER, score, facts }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_few_ratings_and_sums_of_five() {
    let mut stand = stand().await;
    attended(&mut stand).await;
    let path = format!("/v1/services/{SERVICE}");
    rate(&mut stand, SCHOOL_KEY, 1, &[Fact::TookPlace]).await;
    for number in 0..4 {
        rate(&mut stand, seed(number), SCORES[usize::from(number)], &[Fact::TookPlace]).await;
        assert_eq!(stand.get(&path).await.is(200)["rating"], json!({}), "{number}");
    }
    rate(&mut stand, seed(4), SCORES[4], &[Fact::TookPlace, Fact::OnTime]).await;
    let told = stand.get(&path).await;
    assert_no_pupil(&told);
    let facts = json!({ "took_place": 5, "on_time": 1, "as_described": 0, "suited_to_age": 0, "accessible": 0 });
    let rating = json!({ "pupils": { "count": 5, "average_hundredths": 460, "facts": facts } });
    assert_eq!(told.is(200)["rating"], rating, "the one of the school is told to nobody");
    assert_eq!(stand.get("/v1/services").await.is(200)["services"][0]["rating"], rating);

    let client = Client::new(&[&stand.address], Policy::default()).unwrap();
    let service = client.service(SERVICE).await.unwrap().unwrap().service;
    assert_eq!(service.rating.schools, None);
    let pupils = service.rating.pupils.unwrap();
    assert_eq!((pupils.count, pupils.average_hundredths, pupils.facts[&Fact::OnTime]), (5, 460, 1));
}
