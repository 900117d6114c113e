//! Looking for services by words of their descriptions.

use keis_ledger::classifiers::ArtField;
use keis_ledger::ids::{DocumentId, ServiceId};
use keis_ledger::operation::{CatalogueOperation, Operation};
use serde_json::json;

use crate::support::{OPERATOR, PROVIDER, Stand, terms};

const THEATRE: ServiceId = ServiceId([10; 16]);
const MUSEUM: ServiceId = ServiceId([11; 16]);
const MUSIC: ServiceId = ServiceId([12; 16]);

async fn publish(stand: &mut Stand, service: ServiceId, title: &str, description: &str) {
    let text = |lt: &str| json!({ "lt": lt, "en": "" });
    let salt = "ab".repeat(32);
    let document = json!({ "salt": salt, "title": text(title), "description": text(description) }).to_string();
    let answer = stand.post("/v1/documents", "application/json", document).await.is(201);
    let document: DocumentId = answer["id"].as_str().unwrap().parse().unwrap();
    let publish =
        CatalogueOperation::Publish { service, provider: PROVIDER, terms: terms(document, ArtField::Theatre) };
    stand.take_effect(OPERATOR, None, Operation::Catalogue(publish)).await;
}

async fn found(stand: &Stand, query: &[(&str, &str)]) -> Vec<ServiceId> {
    let request = stand.http.get(format!("{}/v1/services", stand.address)).query(query);
    let answer = stand.send(request).await.is(200);
    let services = answer["services"].as_array().unwrap();
    services.iter().map(|service| service["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_in_any_case_order_and_spelling() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    publish(&mut stand, THEATRE, "Spektaklis „Ąžuolų šnabždesys“", "Klaipėdos lėlių teatras kviečia.").await;
    publish(&mut stand, MUSEUM, "Ekskursija po pilį", "Gedimino pilis, Vilnius: žygeivių įspūdžiai.").await;
    publish(&mut stand, MUSIC, "Koncertas vaikams", "Šiaulių kamerinis orkestras. Éclair.").await;
    for (q, expected) in [
        ("ąžuolų", vec![THEATRE]),
        ("azuolu", vec![THEATRE]),
        ("AŽUOL", vec![THEATRE]),
        ("a\u{328}z\u{30c}uol", vec![THEATRE]),
        ("teatras spektaklis", vec![THEATRE]),
        ("spekt klaip", vec![THEATRE]),
        ("ispudziai ziggeiviu", vec![]),
        ("ispudziai zyg", vec![MUSEUM]),
        ("siauliu", vec![MUSIC]),
        ("eclair", vec![MUSIC]),
        ("pil", vec![MUSEUM]),
        ("ilis", vec![]),
        ("k", vec![THEATRE, MUSIC]),
        ("k  koncert", vec![MUSIC]),
        ("abababab", vec![]),
        ("vilnius; OR 1=1", vec![]),
    ] {
        assert_eq!(found(&stand, &[("q", q)]).await, expected, "{q}");
    }
    assert_eq!(found(&stand, &[("q", "k"), ("limit", "1")]).await, [THEATRE]);
    assert_eq!(found(&stand, &[("q", "k"), ("cursor", &THEATRE.to_string())]).await, [MUSIC]);
    assert_eq!(found(&stand, &[("q", "k"), ("field", "music")]).await, []);
    let long = "a".repeat(201);
    for q in ["", " ", "„“", "\u{0}", "a b c d e f g h i", &long] {
        let request = stand.http.get(format!("{}/v1/services", stand.address)).query(&[("q", q)]);
        stand.send(request).await.is_problem(400, "malformed");
    }
    stand.get("/v1/services?q=a&q=b").await.is_problem(400, "malformed");
    let odd = stand.get("/v1/services?q=%ff%fe").await.status;
    assert!(matches!(odd, 200 | 400), "{odd}");
}
