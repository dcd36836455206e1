//! Requests made from the document: every operation, with bodies that its schemas allow.

use axum::http::Method;
use serde_json::{Map, Value, json};

/// One operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) description: Value,
}

impl Operation {
    /// `GET /path`, for messages.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(crate) fn parameters<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a Value> {
        let all = self.description["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |parameter| parameter["in"] == place)
    }

    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The schema of its JSON body, if it takes one.
    pub(crate) fn body_schema(&self) -> Option<&Value> {
        self.description.pointer("/requestBody/content/application~1json/schema")
    }

    /// The path with each `{name}` replaced.
    pub(crate) fn path_with(&self, value: impl Fn(&str) -> String) -> String {
        let parts = self.path.split('/').map(|part| {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => value(name),
                None => part.to_owned(),
            }
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Every operation of a document that takes a key, in the order of paths.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut all = all_operations(document);
    all.retain(|operation| {
        let security = operation.description["security"].as_array();
        security.is_some_and(|ways| ways.iter().any(|way| way["api_key"].is_array()))
    });
    all
}

/// Every operation, those of people who are signed in, or about to, too.
pub(crate) fn all_operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if let Some(description) = item.get(method.as_str().to_ascii_lowercase()) {
                all.push(Operation {
                    method,
                    path: path.clone(),
                    id: description["operationId"].as_str().unwrap().to_owned(),
                    description: description.clone(),
                });
            }
        }
    }
    all
}

/// Follows a schema's reference, and takes the first of its alternatives that is not null.
pub(crate) fn resolve<'a>(document: &'a Value, mut schema: &'a Value) -> &'a Value {
    loop {
        if let Some(target) = schema["$ref"].as_str() {
            schema = document.pointer(target.trim_start_matches('#')).unwrap();
        } else if let Some(one) = ["oneOf", "anyOf"]
            .iter()
            .find_map(|key| schema[*key].as_array()?.iter().find(|schema| schema["type"] != "null"))
        {
            schema = one;
        } else {
            return schema;
        }
    }
}

/// The properties of a schema, those of what it is composed of included.
pub(crate) fn properties(document: &Value, schema: &Value) -> Map<String, Value> {
    let schema = resolve(document, schema);
    let mut all = schema["properties"].as_object().cloned().unwrap_or_default();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        all.extend(properties(document, part));
    }
    all
}

fn required<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    let schema = resolve(document, schema);
    let mut names: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        names.extend(required(document, part));
    }
    names
}

/// A value that the schema allows: its example, else the smallest. Objects have what they require, and with `all` the rest.
pub(crate) fn sample(document: &Value, schema: &Value, all: bool) -> Value {
    if let Some(example) = schema.get("example").or_else(|| schema.get("default")) {
        return example.clone();
    }
    let schema = resolve(document, schema);
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").cloned().unwrap_or(Value::Null),
        one => one.clone(),
    };
    match kind.as_str() {
        Some("string") => match schema["format"].as_str() {
            Some("date-time") => json!("2030-01-01T00:00:00Z"),
            Some("date") => json!("2030-01-01"),
            Some("uuid") => json!("0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f"),
            _ => {
                json!("a".repeat(usize::try_from(schema["minLength"].as_u64().unwrap_or(1).max(1)).unwrap()))
            }
        },
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") if all || schema["minItems"].as_u64() > Some(0) => {
            json!([sample(document, &schema["items"], all)])
        }
        Some("array") => json!([]),
        _ => {
            let required = required(document, schema);
            let properties = properties(document, schema);
            let wanted = properties.iter().filter(|(name, _)| all || required.contains(&name.as_str()));
            Value::Object(
                wanted.map(|(name, schema)| (name.clone(), sample(document, schema, all))).collect(),
            )
        }
    }
}

/// A rule of automod.
fn automod_rule() -> Value {
    json!({ "name": "shouting", "rule_type": "caps_spam", "config": { "percent": 80 }, "action": "alert" })
}

/// A body that the operation accepts, if it takes one: from the document, and where rules reach across fields, by hand.
pub(crate) fn body_of(document: &Value, operation: &Operation) -> Option<Value> {
    let schema = operation.body_schema()?;
    let by_hand = match operation.id.as_str() {
        "campaign_import" | "campaign_import_into" | "campaign_check" => Some(bundle()),
        "webhook_replay" => Some(json!({ "all": true })),
        "case_make" => Some(json!({ "action": "note", "user_id": "11", "reason": "Seen" })),
        "case_evidence_add" => Some(json!({ "url": "https://example.org/b" })),
        "assessment_submission_create" | "assessment_step_submission_create" => {
            Some(json!({ "text": "Done." }))
        }
        "insight_opinion_put" => Some(json!({ "difficulty": 3 })),
        // One transparent point.
        "badge_image_put" => Some(json!({
            "png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        })),
        "rule_create" | "rule_replace" => Some(automod_rule()),
        "rule_try" => Some(json!({ "rule": automod_rule(), "samples": [{ "text": "hello" }] })),
        "rule_replay" => Some(json!({
            "rule": { "name": "joins", "rule_type": "join_rate", "config": { "count": 9, "seconds": 9 }, "action": "alert" },
            "since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z",
        })),
        "escalation_create" | "escalation_replace" => {
            Some(json!({ "warnings": 5, "within_days": 9, "action": "alert" }))
        }
        _ => None,
    };
    Some(by_hand.unwrap_or_else(|| sample(document, schema, false)))
}

/// A campaign with one of everything.
pub(crate) fn bundle() -> Value {
    json!({
        "campaign": {
            "name": "A campaign", "description": "…", "campaign_type": "player", "scoring_type": "point_based",
            "starting_points": 100, "points_decrease_step": 1, "start_time": "2030-01-01T00:00:00Z",
            "duration_hours": 24, "release_delay_minutes": 60,
            "rewards": [{ "from": 1, "to": 3, "bytes": 10, "xp": 1, "gold": 1 }, { "participation": true, "bytes": 1 }],
        },
        "challenges": [{
            "slug": "one", "title": "One", "description": "…", "part_descriptions": ["…"], "parts": 2,
            "language": "en", "translations": [{ "language": "de", "title": "Eins", "description": "…", "part_descriptions": ["…"] }],
            "categories": ["grid"], "difficulty": 3, "closes_after_minutes": 60,
            "generation_script": "print({})", "hints": [{ "text": "Look.", "cost_bytes": 1, "penalty": 1, "part": 2 }],
        }],
    })
}
