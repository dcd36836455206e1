//! The document that clients are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    let known: BTreeSet<&str> = access::scope::named().iter().map(|scope| scope.name).collect();
    for operation in operations(&document()) {
        for requirement in operation.description["security"].as_array().unwrap() {
            for scope in requirement["api_key"].as_array().into_iter().flatten() {
                assert!(known.contains(scope.as_str().unwrap()), "{}: {scope}", operation.name());
            }
        }
    }
}

/// What every operation may be refused with, and what comes with a body or an `Idempotency-Key`.
#[test]
fn every_answer_is_described_and_no_refusal_forgotten() {
    for operation in all_operations(&document()) {
        let (name, responses) = (operation.name(), &operation.description["responses"]);
        for (status, response) in responses.as_object().unwrap() {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{name} {status} has no description");
        }
        let body = !operation.description["requestBody"].is_null();
        let repeatable = operation.parameters("header").any(|header| header["name"] == "Idempotency-Key");
        let refusals = [("405", true), ("503", true), ("413", body), ("415", body), ("422", repeatable)];
        for (status, _) in refusals.into_iter().filter(|(_, wanted)| *wanted) {
            let schema = &responses[status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
        }
    }
}

/// Of two types under one name the document keeps one, and says it of both.
#[test]
fn no_two_types_are_described_under_one_name() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for crate_dir in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap() {
        schemas_in(&crate_dir.unwrap().path().join("src"), &mut found);
    }
    assert!(found.len() > 150, "only {} types found", found.len());
    let doubles: Vec<_> = found.iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(doubles.is_empty(), "give one of each another name by `#[schema(as = …)]`: {doubles:#?}");
}

/// The names under which the types of these sources are described, and where they are declared.
fn schemas_in(directory: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            schemas_in(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let (mut derived, mut renamed) = (false, None);
            for line in text.lines().map(str::trim) {
                derived |= line.starts_with("#[derive(") && line.contains("ToSchema");
                if let Some(rest) = line.strip_prefix("#[schema(as = ") {
                    renamed = rest.split([')', ',']).next();
                }
                let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                let mut words = words.skip_while(|word| !matches!(*word, "struct" | "enum"));
                if line.starts_with("//") || line.starts_with('#') || words.next().is_none() {
                    continue;
                }
                let name = words.next().unwrap_or_default();
                if std::mem::take(&mut derived) && !name.is_empty() {
                    let name = renamed.unwrap_or(name).to_owned();
                    found.entry(name).or_default().push(path.display().to_string());
                }
                renamed = None;
            }
        }
    }
}

/// The wire's words, and not Rust's, in whatever way the type is declared.
#[test]
fn values_are_named_as_they_are_sent() {
    let document = document();
    let named = |schema: &str| document["components"]["schemas"][schema]["enum"].clone();
    assert_eq!(named("CampaignType"), serde_json::json!(["player", "squad"]));
    assert_eq!(named("ScoringType"), serde_json::json!(["time_based", "point_based"]));
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let rusty = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.starts_with(|c: char| c.is_ascii_uppercase()) && text.contains(|c: char| c.is_ascii_lowercase())
    };
    // What the seed of learning calls these is what is stored and sent; algorithms bear JOSE's names.
    let the_seeds = [
        "Algorithm",
        "AssessmentType",
        "AttemptStatus",
        "Difficulty",
        "PathType",
        "QuestType",
        "ResourceType",
        "StepStatus",
        "StepType",
    ];
    for (name, schema) in schemas.iter().filter(|(name, _)| !the_seeds.contains(&name.as_str())) {
        let values = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(!values.iter().any(rusty), "{name}: {values:?}");
    }
}
