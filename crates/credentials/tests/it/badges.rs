//! Badges: what is wrong of them, and their pictures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stage::{ADA, Stage};

/// A PNG of one pixel.
pub(crate) const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn wrong_badges_are_told_what_is_wrong() {
    let stage = Stage::new().await;
    let (path, _) = stage.path("rust").await;
    let whole = json!({ "path_id": path, "name": "Rust", "description": "d", "criteria": "c" });
    for (field, value, named) in [
        ("name", json!(" "), "name"),
        ("name", json!("a\u{202e}b"), "name"),
        ("description", json!(""), "description"),
        ("criteria", json!("x".repeat(10_001)), "criteria"),
        ("valid_days", json!(0), "valid_days"),
        ("achievement_id", json!(1), "path_id"),
        ("path_id", Value::Null, "path_id"),
        ("path_id", json!("x"), "path_id"),
    ] {
        let mut wrong = whole.clone();
        wrong[field] = value;
        let answer = stage.send("POST", "credentials/badges", None, Some(wrong.clone())).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.json());
        assert!(answer.json().to_string().contains(named), "{wrong}: {}", answer.json());
    }
    let mut foreign = whole.clone();
    foreign["path_id"] = json!("0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f");
    assert_eq!(stage.refused("POST", "credentials/badges", None, Some(foreign)).await.0, 404);
    let made = stage.ok("POST", "credentials/badges", None, Some(whole.clone())).await;
    assert_eq!(stage.refused("POST", "credentials/badges", None, Some(whole)).await.0, 409);
    let badge = format!("credentials/badges/{}", made["id"].as_str().unwrap());
    let edit = json!({ "valid_days": 7, "name": "Rust, by heart" });
    let edited = stage.ok("PATCH", &badge, None, Some(edit)).await;
    assert_eq!((&edited["valid_days"], &edited["description"]), (&json!(7), &json!("d")));
    let edited = stage.ok("PATCH", &badge, None, Some(json!({ "valid_days": null }))).await;
    assert!(edited.get("valid_days").is_none());
    assert_eq!(stage.ok("GET", "credentials/badges", None, None).await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_picture_is_shown_to_anybody_and_baked_for_the_holder() {
    let (stage, badge, id) = Stage::furnished().await;
    let picture = format!("credentials/mine/{id}/image");
    assert_eq!(stage.refused("GET", &picture, Some(ADA), None).await.0, 404);
    assert_eq!(stage.public(&format!("achievements/{badge}/image")).await.status, 404);
    let put = format!("credentials/badges/{badge}/image");
    for wrong in ["", "!", &STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg'/>"), &PIXEL[..40]] {
        assert_eq!(stage.refused("PUT", &put, None, Some(json!({ "png": wrong }))).await.0, 400, "{wrong}");
    }
    let after = stage.ok("PUT", &put, None, Some(json!({ "png": PIXEL }))).await;
    assert_eq!(after["has_image"], true);
    let shown = stage.public(&format!("achievements/{badge}/image")).await;
    assert_eq!((shown.kind.as_str(), STANDARD.encode(&shown.bytes).as_str()), ("image/png", PIXEL));
    let baked = stage.send("GET", &picture, Some(ADA), None).await;
    assert_eq!((baked.status, baked.kind.as_str()), (200, "image/png"));
    assert!(baked.disposition.starts_with("attachment"), "{}", baked.disposition);
    let document = stage.document(ADA, &id).await;
    let within = baked.bytes.windows(document.len()).any(|bytes| bytes == document.as_bytes());
    assert!(within, "the document is in it");
    assert_eq!(stage.refused("GET", &picture, Some(8), None).await.0, 404, "others do not get it");
    stage.ok("PUT", &put, None, Some(json!({ "png": null }))).await;
    assert_eq!(stage.refused("GET", &picture, Some(ADA), None).await.0, 404);
}
