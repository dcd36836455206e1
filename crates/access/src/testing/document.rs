//! Whether answers are as the API's document promises. Every slice's tests hold theirs against it.
//!
//! The document is the one checked in, of which a test of `server` says that it is what the code makes.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Where the whole server has the routes that slices have at the root.
const PREFIX: &str = "/api/v1";
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "head"];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    // By its own crate's code, which is optimised here: it has two and a half megabytes, and every test's process reads it.
    text.parse().unwrap_or_else(|error| panic!("{file}: {error}"))
});

/// A template of an address, in its parts, and its operations.
type Place = (Vec<&'static str>, &'static Map<String, Value>);

/// The document's addresses by how many parts they have: tests ask for tens of thousands.
static PLACES: LazyLock<HashMap<usize, Vec<Place>>> = LazyLock::new(|| {
    let mut places: HashMap<usize, Vec<Place>> = HashMap::new();
    for (template, item) in DOCUMENT["paths"].as_object().into_iter().flatten() {
        let parts: Vec<&'static str> = template.split('/').collect();
        if let Some(operations) = item.as_object() {
            places.entry(parts.len()).or_default().push((parts, operations));
        }
    }
    places
});

/// What answers are held against, by the place of its schema in the document: made once, as that takes longer than to answer.
static VALIDATORS: LazyLock<Mutex<HashMap<usize, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Fails the test when the document does not promise this answer: its status, its type, its body, the headers that go with
/// its status. Addresses that the document does not name (a test's own routes) are passed over.
pub fn assert_documented(method: &str, uri: &str, status: u16, headers: &HeaderMap, body: &[u8]) {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let Some(operations) = operations_at(path) else { return };
    let name = method.to_ascii_lowercase();
    // HEAD is what GET says of itself.
    let name = if name == "head" && operations.get("head").is_none() { "get".to_owned() } else { name };
    let Some(operation) = METHODS.contains(&name.as_str()).then(|| operations.get(&name)).flatten() else {
        assert!(matches!(status, 404 | 405), "{method} {uri} is answered {status}, but not in the document");
        return;
    };
    if let Err(fault) = hold(operation, method, status, headers, body) {
        let text: String = String::from_utf8_lossy(body).chars().take(2_000).collect();
        panic!("{method} {uri} is answered {status} as the document does not say: {fault}\n{text}");
    }
}

/// Whether an operation says that it looks at `Questhall-User`; where the document knows no such operation, it may.
pub fn takes_member(method: &str, uri: &str) -> bool {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let Some(operation) = operations_at(path).and_then(|all| all.get(&method.to_ascii_lowercase())) else {
        return true;
    };
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    parameters.iter().any(|parameter| parameter["name"] == "Questhall-User")
}

/// The operations of the template that fits best: literal parts before placeholders.
fn operations_at(path: &str) -> Option<&'static Map<String, Value>> {
    let whole = if path.starts_with(PREFIX) { path.to_owned() } else { format!("{PREFIX}{path}") };
    let parts: Vec<&str> = whole.split('/').collect();
    let literal = |template: &[&str]| -> Option<usize> {
        let mut literal = 0;
        for (place, part) in template.iter().zip(&parts) {
            if place == part {
                literal += 1;
            } else if !place.starts_with('{') || part.is_empty() {
                return None;
            }
        }
        Some(literal)
    };
    let alike = PLACES.get(&parts.len())?;
    let fitting = alike.iter().filter_map(|(template, operations)| Some((literal(template)?, *operations)));
    fitting.max_by_key(|(literal, _)| *literal).map(|(_, operations)| operations)
}

fn hold(
    operation: &'static Value,
    method: &str,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), String> {
    let response = &operation["responses"][status.to_string()];
    if response.is_null() {
        return Err("no such status".to_owned());
    }
    // Compressed, which is the middleware's affair.
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let Some(kinds) = response["content"].as_object().filter(|kinds| !kinds.is_empty()) else {
        return if body.is_empty() { Ok(()) } else { Err("there should be no body".to_owned()) };
    };
    let promised = kinds.get(kind).ok_or_else(|| {
        format!("`{kind}` instead of {}", kinds.keys().cloned().collect::<Vec<_>>().join(" or "))
    })?;
    if method == "HEAD" || !(kind == "application/json" || kind.ends_with("+json")) {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let schema = &promised["schema"];
    if schema.is_null() {
        return Err("the document has no schema for it".to_owned());
    }
    let validator = validator_of(schema)?;
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("at `{}`: {}", error.instance_path(), error.masked()))
        .take(10)
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

fn validator_of(schema: &'static Value) -> Result<Arc<Validator>, String> {
    let place = std::ptr::from_ref(schema).addr();
    let mut made = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(validator) = made.get(&place) {
        return Ok(Arc::clone(validator));
    }
    let mut whole = schema.clone();
    let mut used = BTreeMap::new();
    collect(schema, &mut used);
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["components"] = json!({ "schemas": used });
    let validator = jsonschema::options().should_validate_formats(true).build(&whole);
    let validator = Arc::new(validator.map_err(|error| format!("its schema is none: {error}"))?);
    made.insert(place, Arc::clone(&validator));
    Ok(validator)
}

/// The schemas that one refers to, and those that these refer to.
fn collect(schema: &Value, used: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str);
            if let Some(name) = name.and_then(|target| target.strip_prefix("#/components/schemas/"))
                && !used.contains_key(name)
            {
                let target = DOCUMENT["components"]["schemas"][name].clone();
                assert!(!target.is_null(), "the document has no schema `{name}`");
                used.insert(name.to_owned(), target.clone());
                collect(&target, used);
            }
            map.values().for_each(|value| collect(value, used));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(method: &str, uri: &str, status: u16, kind: &'static str, body: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        assert_documented(method, uri, status, &headers, body.as_bytes());
    }

    #[test]
    fn what_the_document_promises_passes() {
        let problem = r#"{"type":"/problems/not-found","title":"t","status":404}"#;
        check("GET", "/keys?limit=1", 404, "application/problem+json", problem);
        check("GET", "/api/v1/keys", 200, "application/json", r#"{"items":[]}"#);
        check("GET", "/no/such/thing", 200, "text/plain", "?");
    }

    #[test]
    #[should_panic(expected = "no such status")]
    fn a_status_that_it_does_not_name() {
        check("GET", "/keys", 299, "application/json", "{}");
    }

    #[test]
    #[should_panic(expected = "`text/html` instead of application/json")]
    fn a_type_that_it_does_not_name() {
        check("GET", "/keys", 200, "text/html", "");
    }

    #[test]
    #[should_panic(expected = "items")]
    fn a_body_of_another_shape() {
        check("GET", "/keys", 200, "application/json", "{}");
    }

    #[test]
    #[should_panic(expected = "not in the document")]
    fn a_method_that_it_does_not_name() {
        check("DELETE", "/keys", 200, "application/json", "{}");
    }
}
