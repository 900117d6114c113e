//! The description against the routes, and against real answers.

use std::collections::BTreeSet;

use keis_ledger::classifiers::ArtField;
use serde_json::Value;

use crate::support::{AUDITOR, ORDER, PROVIDER, PUPIL, SCHOOL, SERVICE, SESSION, Stand, key};
use crate::{acts, party};

#[tokio::test(flavor = "multi_thread")]
async fn description_and_routes_are_the_same() {
    let stand = Stand::start().await;
    let document = stand.get("/v1/openapi.json").await.is(200);
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let routes = stand.gateway.as_ref().unwrap().routes().iter();
    let routes: BTreeSet<(String, String)> =
        routes.map(|(method, path)| (method.clone(), (*path).to_owned())).collect();
    assert_eq!(described, routes);
}

/// `KEIS_UPDATE=1` writes the file anew; its difference shows in review what clients will see.
#[test]
fn committed_description_is_the_served_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let mut now = serde_json::to_string_pretty(&keis_node::gateway::openapi_document()).unwrap();
    now.push('\n');
    if std::env::var_os("KEIS_UPDATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "node/openapi.json is out of date: run this test with KEIS_UPDATE=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn real_answers_have_the_described_form() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    stand.open_session().await;
    let order = stand.request_order().await;
    let document = stand.get("/v1/openapi.json").await.is(200);
    let id = order.id();
    for (template, path) in [
        ("/v1/status", "/v1/status".to_owned()),
        ("/v1/transactions/{id}", format!("/v1/transactions/{id}")),
        ("/v1/receipts/{id}", format!("/v1/receipts/{id}?proof=1")),
        ("/v1/headers", "/v1/headers?limit=2".to_owned()),
        ("/v1/headers/{height}", "/v1/headers/1".to_owned()),
        ("/v1/certificates/{height}", "/v1/certificates/1".to_owned()),
        ("/v1/parameters", "/v1/parameters".to_owned()),
        ("/v1/handovers", "/v1/handovers".to_owned()),
        ("/v1/proofs/parameters", "/v1/proofs/parameters".to_owned()),
        ("/v1/proofs/years/{year}", "/v1/proofs/years/2030".to_owned()),
        ("/v1/proofs/services/{id}", format!("/v1/proofs/services/{SERVICE}")),
        ("/v1/proofs/sessions/{id}", format!("/v1/proofs/sessions/{SESSION}?year=2026")),
        ("/v1/funds/{year}", "/v1/funds/2026".to_owned()),
        ("/v1/statistics/{year}", "/v1/statistics/2026".to_owned()),
        ("/v1/orders/summary/{year}", "/v1/orders/summary/2026".to_owned()),
        ("/v1/orders/{id}", format!("/v1/orders/{ORDER}?year=2026")),
        ("/v1/blocks/{height}/receipts", "/v1/blocks/1/receipts".to_owned()),
        ("/v1/services", "/v1/services".to_owned()),
        ("/v1/services/{id}", format!("/v1/services/{SERVICE}")),
        ("/v1/services/{id}/sessions", format!("/v1/services/{SERVICE}/sessions?year=2026")),
        ("/v1/decisions", "/v1/decisions".to_owned()),
        ("/health/live", "/health/live".to_owned()),
        ("/health/ready", "/health/ready".to_owned()),
    ] {
        has_the_described_form(&document, template, &stand.get(&path).await.is(200));
    }
    let problem = stand.get("/v1/headers/999").await.is_problem(404, "not_found");
    let schema = &document["components"]["schemas"]["Problem"];
    Form { document: &document }.check(&problem, schema).unwrap();
}

fn has_the_described_form(document: &Value, template: &str, answer: &Value) {
    let schema = &document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{template} describes no answer");
    let fits = Form { document }.check(answer, schema);
    assert_eq!(fits, Ok(()), "{template}: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_answers_have_the_described_form() {
    let mut stand = party::stand().await;
    party::request_orders(&mut stand).await;
    party::settle(&mut stand).await;
    acts::bill(&mut stand).await;
    acts::pay(&mut stand, 800, 71).await;
    acts::reverse(&mut stand, 2).await;
    acts::repay(&mut stand, 300, 81).await;
    let document = stand.get("/v1/openapi.json").await.is(200);
    assert!(document["components"]["securitySchemes"]["signature"]["description"].is_string());
    let (key, statement, decision) = (key(party::SCHOOL_KEY).public(), party::STATEMENT, acts::decision(2));
    let public = ["/v1/sessions/{id}", "/v1/decisions/{id}"];
    for (template, path) in [
        ("/v1/keys/{key}", format!("/v1/keys/{key}?")),
        ("/v1/schools/{id}", format!("/v1/schools/{SCHOOL}?year=2026")),
        ("/v1/schools/{id}/pupils", format!("/v1/schools/{SCHOOL}/pupils?year=2026&limit=1")),
        ("/v1/schools/{id}/orders", format!("/v1/schools/{SCHOOL}/orders?year=2026")),
        ("/v1/schools/{id}/statements", format!("/v1/schools/{SCHOOL}/statements?year=2026")),
        ("/v1/pupils", "/v1/pupils?year=2026".to_owned()),
        ("/v1/pupils/{id}", format!("/v1/pupils/{PUPIL}?year=2026")),
        ("/v1/providers/{id}", format!("/v1/providers/{PROVIDER}?year=2026")),
        ("/v1/providers/{id}/orders", format!("/v1/providers/{PROVIDER}/orders?year=2026")),
        ("/v1/providers/{id}/sessions", format!("/v1/providers/{PROVIDER}/sessions?year=2026")),
        ("/v1/providers/{id}/statements", format!("/v1/providers/{PROVIDER}/statements?year=2026")),
        ("/v1/providers/{id}/receivables", format!("/v1/providers/{PROVIDER}/receivables?year=2026")),
        ("/v1/providers/{id}/repayments", format!("/v1/providers/{PROVIDER}/repayments?year=2026")),
        ("/v1/orders", "/v1/orders?year=2026".to_owned()),
        ("/v1/statements", "/v1/statements?year=2026".to_owned()),
        ("/v1/settlements/report", "/v1/settlements/report?year=2026".to_owned()),
        ("/v1/decisions/{id}", format!("/v1/decisions/{decision}?")),
        ("/v1/decisions/{id}/measure", format!("/v1/decisions/{decision}/measure?")),
        ("/v1/orders/{id}/lines", format!("/v1/orders/{ORDER}/lines?year=2026")),
        ("/v1/orders/{id}/history", format!("/v1/orders/{ORDER}/history?year=2026")),
        ("/v1/statements/{id}", format!("/v1/statements/{statement}?year=2026")),
        ("/v1/sessions/{id}", format!("/v1/sessions/{SESSION}?year=2026")),
    ] {
        has_the_described_form(&document, template, &stand.read(AUDITOR, &path).await.is(200));
        let security = &document["paths"][template]["get"]["security"];
        assert_eq!(security.is_null(), public.contains(&template), "{template} says whether it needs a signature");
    }
}

/// As much of JSON Schema as the description uses. Unknown fields are faults: a description that lacks one is out of date.
struct Form<'a> {
    document: &'a Value,
}

impl Form<'_> {
    fn check(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let (mut known, mut open) = (BTreeSet::new(), false);
        self.shape(value, schema, &mut known, &mut open)?;
        if let (Some(fields), false) = (value.as_object(), open)
            && let Some(unknown) = fields.keys().find(|field| !known.contains(field.as_str()))
        {
            return Err(format!("the field {unknown} is not described"));
        }
        Ok(())
    }

    fn shape(
        &self,
        value: &Value,
        schema: &Value,
        known: &mut BTreeSet<String>,
        open: &mut bool,
    ) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            return self.shape(value, &self.document["components"]["schemas"][name], known, open);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.shape(value, part, known, open)?;
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let fits = |choice: &&Value| self.check(value, choice).is_ok();
            let fitting = choices.iter().find(fits).ok_or_else(|| format!("{value} is none of the choices"))?;
            return self.shape(value, fitting, known, open);
        }
        self.kind(value, schema)?;
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{value} is not in the list"));
        }
        for item in value.as_array().into_iter().flatten() {
            self.check(item, &schema["items"])?;
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                return Err(format!("the field {required} is missing"));
            }
        }
        let values = &schema["additionalProperties"];
        *open |= !values.is_null() || schema["properties"].is_null() && !schema["type"].is_null();
        fields.values().filter(|_| !values.is_null()).try_for_each(|value| self.check(value, values))?;
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            known.insert(name.clone());
            if let Some(value) = fields.get(name) {
                self.check(value, property).map_err(|fault| format!("{name}: {fault}"))?;
            }
        }
        Ok(())
    }

    fn kind(&self, value: &Value, schema: &Value) -> Result<(), String> {
        let several = schema["type"].as_array().into_iter().flatten();
        let kinds: Vec<&str> = several.chain([&schema["type"]]).filter_map(Value::as_str).collect();
        let fits = kinds.is_empty()
            || kinds.iter().any(|kind| match *kind {
                "null" => value.is_null(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                "number" => value.is_number(),
                "string" => value.is_string(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                _ => false,
            });
        if fits { Ok(()) } else { Err(format!("{value} is not {kinds:?}")) }
    }
}
