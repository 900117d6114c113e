//! Services and sessions.

use keis_ledger::classifiers::ArtField;
use keis_ledger::ids::ServiceId;
use keis_ledger::operation::{CatalogueOperation, Operation};
use serde_json::{Value, json};

use crate::support::{OPERATOR, ORDER, PROVIDER, SCHOOL, SERVICE, SESSION, Stand, assert_no_pupil};

fn ids(answer: &Value) -> Vec<String> {
    let services = answer["services"].as_array().unwrap();
    services.iter().map(|service| service["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_listed_filtered_and_paged() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    let [theatre, music, film] = [10, 11, 12].map(|seed| ServiceId([seed; 16]));
    stand.publish(theatre, 1, ArtField::Theatre).await;
    stand.publish(music, 2, ArtField::Music).await;
    stand.publish(film, 3, ArtField::Film).await;
    let text = |services: &[ServiceId]| services.iter().map(ToString::to_string).collect::<Vec<_>>();

    let all = stand.get("/v1/services").await.is(200);
    assert_eq!(ids(&all), text(&[theatre, music, film]));
    assert_eq!(all.get("next"), None);
    assert_eq!(all["services"][0]["terms"]["price"], 800);
    for (query, expected) in [
        ("field=music", vec![music]),
        ("kind=performance", vec![theatre, music, film]),
        ("kind=workshop", vec![]),
        ("place=LT-57", vec![theatre, music, film]),
        ("place=LT-01", vec![]),
        ("grade=12", vec![theatre, music, film]),
        ("grade=13", vec![]),
        (&format!("provider={PROVIDER}&field=film"), vec![film]),
        (&format!("cursor={music}"), vec![film]),
    ] {
        assert_eq!(ids(&stand.get(&format!("/v1/services?{query}")).await.is(200)), text(&expected), "{query}");
    }
    let page = stand.get("/v1/services?limit=2").await.is(200);
    assert_eq!((ids(&page), page["next"].as_str()), (text(&[theatre, music]), Some(music.to_string().as_str())));
    for query in [
        "field=opera",
        "kind=",
        "place=LT-99",
        "limit=0",
        "limit=201",
        "cursor=prv_12",
        "colour=red",
        "limit=1&limit=2",
    ] {
        stand.get(&format!("/v1/services?{query}")).await.is_problem(400, "malformed");
    }

    let suspend = CatalogueOperation::Suspend { service: music };
    stand.take_effect(OPERATOR, None, Operation::Catalogue(suspend)).await;
    assert_eq!(ids(&stand.get("/v1/services").await.is(200)), text(&[theatre, film]), "a suspended one is not offered");
    let one = stand.get(&format!("/v1/services/{music}")).await.is(200);
    assert_eq!(one["standing"], "suspended", "and still answers by its id");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_shows_its_description_and_its_newest_version() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    let path = format!("/v1/services/{SERVICE}");
    let first = stand.get(&path).await.is(200);
    assert_eq!((&first["version"], &first["description"]), (&json!(1), &json!("held")));
    assert_eq!(first["document"]["title"], "Spektaklis „Ąžuolas“");

    let document = stand.put_document(2).await;
    let mut terms = crate::support::terms(document, ArtField::Dance);
    terms.price = keis_ledger::money::Cents::new(900);
    let amend = CatalogueOperation::Amend { service: SERVICE, terms };
    stand.take_effect(OPERATOR, None, Operation::Catalogue(amend)).await;
    let second = stand.get(&path).await.is(200);
    assert_eq!((&second["version"], &second["terms"]["price"]), (&json!(2), &json!(900)));
    assert_eq!(second["terms"]["document"], document.to_string());
    assert_eq!(ids(&stand.get("/v1/services?field=dance").await.is(200)), [SERVICE.to_string()]);
    let ordered = stand.get(&format!("{path}?version=1")).await.is(200);
    for field in ["version", "terms", "document", "description"] {
        assert_eq!(ordered[field], first[field], "{field}: an order of the first version is of this");
    }
    assert_eq!(stand.get(&format!("{path}?version=2")).await.is(200)["terms"], second["terms"]);
    for (none, status, code) in [("0", 404, "not_found"), ("3", 404, "not_found"), ("x", 400, "malformed")] {
        stand.get(&format!("{path}?version={none}")).await.is_problem(status, code);
    }

    stand.get(&format!("/v1/services/{}", ServiceId([77; 16]))).await.is_problem(404, "not_found");
    stand.get("/v1/services/srv_1").await.is_problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_show_free_places_and_no_pupil() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    let path = format!("/v1/services/{SERVICE}/sessions?year=2026");
    assert_eq!(stand.get(&path).await.is(200)["sessions"], json!([]));
    stand.open_session().await;
    let free = |answer: &Value| answer["sessions"][0]["free"].as_u64();
    let empty = stand.get(&path).await.is(200);
    assert_eq!((empty["sessions"][0]["id"].as_str(), free(&empty)), (Some(SESSION.to_string().as_str()), Some(25)));
    assert_eq!(empty["sessions"][0]["place"], "LT-57");
    stand.request_order().await;
    let booked = stand.get(&path).await;
    assert_no_pupil(&booked);
    assert_eq!(free(&booked.is(200)), Some(24));

    let summary = stand.get("/v1/orders/summary/2026").await.is(200);
    assert_eq!((&summary["orders"], &summary["total"]), (&json!({ "requested": 1 }), &json!(1)));
    let action = keis_ledger::operation::OrderAction::Cancel;
    let cancel = Operation::Order { year: crate::support::YEAR, order: ORDER, action };
    stand.take_effect(OPERATOR, Some(keis_ledger::operation::Party::School(SCHOOL)), cancel).await;
    let summary = stand.get("/v1/orders/summary/2026").await.is(200);
    assert_eq!(summary["orders"], json!({ "cancelled_free": 1 }));

    stand.get(&format!("/v1/services/{SERVICE}/sessions")).await.is_problem(400, "malformed");
    stand.get(&format!("/v1/services/{}/sessions?year=2026", ServiceId([77; 16]))).await.is_problem(404, "not_found");
}
