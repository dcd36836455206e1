//! Requests and answers held against Discord's published description.
//!
//! It is not ours to hand on, so it lies outside: `QUESTHALL_DISCORD_OPENAPI` names it, else `../shared/discord/openapi.json` beside the
//! repository. Where there is none, nothing is judged, and the log of the tests says so.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Option<Value>> = LazyLock::new(|| {
    let default = || {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let beside = |up: &str| root.join(up).join("shared/discord/openapi.json");
        ["..", "../.."].into_iter().map(beside).find(|path| path.exists()).unwrap_or_else(|| beside(".."))
    };
    let path = std::env::var_os("QUESTHALL_DISCORD_OPENAPI").map_or_else(default, PathBuf::from);
    match std::fs::read(&path) {
        Ok(text) => Some(serde_json::from_slice(&text).expect("Discord's description is JSON")),
        Err(error) => {
            eprintln!("SKIPPED: nothing is held against Discord's description: {}: {error}", path.display());
            None
        }
    }
});

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Whether there is a description to judge by.
pub(crate) fn sits() -> bool {
    DOCUMENT.is_some()
}

/// The description's paths, in parts.
static PATHS: LazyLock<Vec<(Vec<&'static str>, &'static str)>> = LazyLock::new(|| {
    let paths = DOCUMENT.as_ref().and_then(|document| document["paths"].as_object());
    paths.into_iter().flatten().map(|(path, _)| (path.split('/').collect(), path.as_str())).collect()
});

/// The path of the description that a path is one of; texts come before parameters.
fn template(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_parameter = |part: &&str| part.starts_with('{');
    PATHS
        .iter()
        .filter(|(known, _)| {
            known.len() == parts.len()
                && known.iter().zip(&parts).all(|(known, part)| known == part || is_parameter(known))
        })
        .min_by_key(|(known, _)| known.iter().filter(|part| is_parameter(part)).count())
        .map(|(_, path)| *path)
}

/// What is wrong with a request's body.
pub(crate) fn request(method: &str, path: &str, body: Option<&Value>) -> Result<(), String> {
    let Some(document) = DOCUMENT.as_ref() else { return Ok(()) };
    let template = template(path).ok_or_else(|| format!("Discord has no path {path}"))?;
    let operation = &document["paths"][template][method.to_lowercase()];
    if operation.is_null() {
        return Err(format!("Discord has no {method} {template}"));
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    match body {
        None if operation["requestBody"]["required"] == true => {
            Err(format!("{method} {template} needs a body"))
        }
        None => Ok(()),
        Some(_) if schema.is_null() => Err(format!("{method} {template} takes no body")),
        Some(body) => against(&format!("{method} {template} asked"), schema, body),
    }
}

/// What is wrong with an answer's body.
pub(crate) fn answer(method: &str, path: &str, status: u16, body: &Value) -> Result<(), String> {
    let Some(document) = DOCUMENT.as_ref() else { return Ok(()) };
    let template = template(path).ok_or_else(|| format!("Discord has no path {path}"))?;
    let responses = &document["paths"][template][method.to_lowercase()]["responses"];
    let response = &responses[status.to_string()];
    let response =
        if response.is_null() && (400..500).contains(&status) { &responses["4XX"] } else { response };
    if response.is_null() {
        return Err(format!("{method} {template} is never answered {status}"));
    }
    let schema = &response["content"]["application/json"]["schema"];
    match (schema.is_null(), body.is_null()) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("{method} {template} {status} has no body")),
        (false, _) => against(&format!("{method} {template} {status}"), schema, body),
    }
}

/// What is wrong with a value by a schema of the description's, by its name.
pub(crate) fn is_a(name: &str, value: &Value) -> Result<(), String> {
    if !sits() {
        return Ok(());
    }
    against(name, &json!({ "$ref": format!("#/components/schemas/{name}") }), value)
}

fn against(what: &str, schema: &Value, value: &Value) -> Result<(), String> {
    let mut validators = VALIDATORS.lock().unwrap();
    let validator = Arc::clone(validators.entry(what.to_owned()).or_insert_with(|| {
        let mut used = BTreeMap::new();
        let mut whole = schema.clone();
        collect(schema, &mut used);
        whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        whole["components"] = json!({ "schemas": used });
        Arc::new(
            jsonschema::options().should_validate_formats(true).build(&whole).expect("its schema is one"),
        )
    }));
    drop(validators);
    let faults: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("at `{}`: {error}", error.instance_path()))
        .take(5)
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(format!("{what}: {}", faults.join("; "))) }
}

/// The schemas that one refers to, and those that these refer to.
fn collect(schema: &Value, used: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|target| target.strip_prefix("#/components/schemas/"))
                && !used.contains_key(name)
            {
                let target = DOCUMENT.as_ref().expect("there is one")["components"]["schemas"][name].clone();
                assert!(!target.is_null(), "the description has no schema `{name}`");
                used.insert(name.to_owned(), target.clone());
                collect(&target, used);
            }
            map.values().for_each(|value| collect(value, used));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, used)),
        _ => {}
    }
}

#[test]
fn the_judge_knows_good_from_bad() {
    if !sits() {
        return;
    }
    assert_eq!(request("POST", "/channels/1/messages", Some(&json!({ "content": "hi" }))), Ok(()));
    assert!(request("POST", "/channels/1/messages", Some(&json!({ "content": 5 }))).is_err());
    assert!(request("POST", "/channels/1/messages", Some(&json!({ "content": "x".repeat(9_000) }))).is_err());
    assert!(request("POST", "/channels/1/letters", None).is_err());
    assert!(request("PURGE", "/channels/1/messages", None).is_err());
    assert!(answer("GET", "/gateway/bot", 200, &json!({ "url": "wss://x" })).is_err());
    assert!(answer("GET", "/gateway/bot", 299, &json!({})).is_err());
}
