//! The document that clients read.

use access::openapi::Common;
use serde_json::{Value, json};
use utoipa::Modify as _;

fn document() -> Value {
    let (_, mut document) = access::routes::routes().split_for_parts();
    Common.modify(&mut document);
    serde_json::to_value(document).unwrap()
}

#[test]
fn operations_name_their_scope_and_their_problems() {
    let document = document();
    let create = &document["paths"]["/keys"]["post"];
    assert_eq!(create["security"], json!([{ "api_key": ["keys:write"] }]));
    assert_eq!(
        create["responses"]["403"]["content"]["application/problem+json"]["schema"]["$ref"],
        "#/components/schemas/Problem",
    );
    assert_eq!(create["parameters"][0]["name"], "Idempotency-Key");
    assert_eq!(create["parameters"][0]["in"], "header");
    assert_eq!(create["parameters"][0]["required"], json!(false));
    assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
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
    assert!(seen > 20, "only {seen} references");
}
