//! The document that clients are made from.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::house::House;
use crate::samples::{all_operations, operations};

fn document() -> Value {
    serde_json::to_value(server::openapi()).unwrap()
}

#[test]
fn the_checked_in_document_is_the_one_that_the_code_makes() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let checked_in = std::fs::read_to_string(file).unwrap_or_default();
    let made = server::document_text(&server::openapi());
    let first = made.lines().zip(checked_in.lines()).position(|(made, there)| made != there);
    let line = first.unwrap_or_else(|| made.lines().count().min(checked_in.lines().count())) + 1;
    assert!(
        checked_in == made,
        "openapi.json is not up to date from line {line} on: run script/update-openapi"
    );
}

#[tokio::test]
async fn it_is_served_with_a_reader_that_needs_nothing_from_elsewhere() {
    let house = House::new().await;
    let answer = house.get("/api/v1/openapi.json", "").await;
    assert_eq!(answer.json(), document());
    let page = house.get("/docs/", "").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    for file in [
        "swagger-ui.css",
        "index.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "swagger-initializer.js",
    ] {
        assert!(page.text.contains(file), "{file}");
        let answer = house.get(&format!("/docs/{file}"), "").await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{file}");
    }
    let initializer = house.get("/docs/swagger-initializer.js", "").await;
    assert!(initializer.text.contains("/api/v1/openapi.json"), "{}", initializer.text);
    assert_eq!(house.get("/docs", "").await.header("location"), "/docs/");
}

#[test]
fn it_is_openapi_3_1_with_everything_that_readers_need() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    for pointer in ["/info/title", "/info/version", "/info/license/identifier", "/servers/0/url"] {
        assert!(document.pointer(pointer).is_some_and(Value::is_string), "{pointer}");
    }
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    let operations = all_operations(&document);
    assert!(operations.len() > 50, "only {} operations", operations.len());
    for operation in &operations {
        let (name, body) = (operation.name(), &operation.description);
        assert!(ids.insert(operation.id.clone()), "{name}: its operationId is another's too");
        assert!(operation.path.starts_with("/api/v1/"), "{name}");
        assert!(body["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        let tag = body["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{name}: no description of its tag `{tag}`");
        let security =
            body["security"].as_array().unwrap_or_else(|| panic!("{name} has no security requirement"));
        // By key, by session, or by nobody yet: whoever is about to sign in.
        let known = |requirement: &Value| {
            let requirement = requirement.as_object().unwrap();
            requirement.keys().all(|scheme| scheme == "api_key" || scheme == "session")
        };
        assert!(!security.is_empty() && security.iter().all(known), "{name}");
        let responses = body["responses"].as_object().unwrap();
        assert!(
            responses.keys().any(|status| status.starts_with('2') || status == "303"),
            "{name} never succeeds"
        );
        for status in ["400", "401", "404", "500"] {
            let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
        }
        let described: BTreeSet<&str> =
            operation.parameters("path").map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let in_path: BTreeSet<&str> = operation.path_parameters().collect();
        assert_eq!(described, in_path, "{name}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value, seen: &mut usize) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target} leads nowhere");
            *seen += 1;
        }
        match value {
            Value::Object(map) => map.values().for_each(|value| walk(value, document, seen)),
            Value::Array(list) => list.iter().for_each(|value| walk(value, document, seen)),
            _ => {}
        }
    }
    let document = document();
    let mut seen = 0;
    walk(&document, &document, &mut seen);
    assert!(seen > 100, "only {seen} references");
}

#[test]
fn scopes_are_ones_that_there_are() {
    let known: BTreeSet<&str> = access::scope::ALL.iter().map(|scope| scope.name).collect();
    for operation in operations(&document()) {
        for requirement in operation.description["security"].as_array().unwrap() {
            for scope in requirement["api_key"].as_array().into_iter().flatten() {
                assert!(known.contains(scope.as_str().unwrap()), "{}: {scope}", operation.name());
            }
        }
    }
}
