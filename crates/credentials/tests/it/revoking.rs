//! Revocations: for good, and for anybody to see.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::stage::{ADA, BOB, Stage, said};

/// The places that are set in a guild's first list.
async fn revoked(stage: &Stage) -> Vec<usize> {
    let answer = stage.public("status/0").await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/vc+jwt"));
    let (header, claims) = said(&answer.text());
    assert_eq!(header["alg"], "ES256");
    assert_eq!(claims["type"], json!(["VerifiableCredential", "BitstringStatusListCredential"]));
    assert_eq!(claims["credentialSubject"]["statusPurpose"], "revocation");
    let list = claims["credentialSubject"]["encodedList"].as_str().unwrap().strip_prefix('u').unwrap();
    let mut bits = Vec::new();
    let packed = URL_SAFE_NO_PAD.decode(list).unwrap();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bits).unwrap();
    assert!(bits.len() * 8 >= 131_072);
    (0..bits.len() * 8).filter(|at| bits[at / 8] & (0x80 >> (at % 8)) != 0).collect()
}

#[tokio::test]
async fn a_revocation_is_seen_by_anybody_and_never_taken_back() {
    let (stage, _, id) = Stage::furnished().await;
    assert_eq!(revoked(&stage).await, Vec::<usize>::new());
    let path = format!("credentials/{id}/revocation");
    for reason in ["", "  ", &"x".repeat(501), "a\0b"] {
        let refused = stage.refused("POST", &path, None, Some(json!({ "reason": reason }))).await;
        assert_eq!(refused, (400, "invalid-request".to_owned()), "{reason:?}");
    }
    let revocation = Some(json!({ "reason": "The path was completed by another" }));
    let done = stage.ok("POST", &path, None, revocation.clone()).await;
    assert_eq!(done["standing"], "revoked");
    assert_eq!(stage.refused("POST", &path, None, revocation).await, (409, "credential-revoked".to_owned()));
    assert_eq!(revoked(&stage).await, vec![0]);
    assert_eq!(stage.standing(&id).await["standing"], "revoked");
    assert_eq!(stage.mine(ADA).await[0]["revocation_reason"], "The path was completed by another");
    let told = stage.events("credential.revoked").await;
    assert_eq!(told[0]["reason"], "The path was completed by another");
    for back in [
        "UPDATE credentials.statuses SET is_revoked = false, revoked_at = NULL",
        "DELETE FROM credentials.statuses",
        "UPDATE credentials.issuers SET next_status_index = 0",
    ] {
        sqlx::raw_sql(back).execute(stage.pool()).await.unwrap_err();
    }
    let actions: Vec<String> = sqlx::query_scalar(
        "SELECT action_type FROM access.admin_log WHERE target_table = 'credentials.credentials' ORDER BY id",
    )
    .fetch_all(stage.pool())
    .await
    .unwrap();
    assert_eq!(actions, ["REVOKE"]);
    stage.assert_clean().await;
}

#[tokio::test]
async fn of_two_who_revoke_at_once_one_is_told() {
    let (stage, _, id) = Stage::furnished().await;
    let path = format!("credentials/{id}/revocation");
    let revoke = |reason| stage.send("POST", &path, None, Some(json!({ "reason": reason })));
    let (one, other) = futures::future::join(revoke("one"), revoke("other")).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(stage.events("credential.revoked").await.len(), 1);
}

#[tokio::test]
async fn what_is_unknown_is_told_to_be_unknown_and_nothing_else() {
    let (stage, _, _) = Stage::furnished().await;
    let unknown = stage.standing("7d3f9c1e-6c1e-4c0b-9f3d-2a1b0c4d5e6f").await;
    assert_eq!(unknown, json!({ "standing": "unknown" }));
    assert_eq!(stage.public("verification/nonsense").await.status, 400);
    for path in ["status/1", "status/-1", "status/99999", "issuer/keys/7d3f9c1e-6c1e-4c0b-9f3d-2a1b0c4d5e6f"]
    {
        assert_eq!(stage.public(path).await.status, 404, "{path}");
    }
    assert_eq!(stage.public("status/99999999999").await.status, 400);
    // Nobody without a key sees what members hold.
    for path in ["mine", "keys", "badges"] {
        assert_eq!(stage.public(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn the_list_of_all_is_filtered_and_paged() {
    let (stage, badge, id) = Stage::furnished().await;
    let path = stage.path("go").await;
    stage.badge(&path.0, json!({})).await;
    stage.complete(BOB, &path).await;
    stage.complete(ADA, &path).await;
    stage.deliver().await;
    stage.ok("POST", &format!("credentials/{id}/revocation"), None, Some(json!({ "reason": "x" }))).await;
    let count = async |query: &str| {
        let page = stage.ok("GET", &format!("credentials?{query}"), None, None).await;
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("user_id=7").await, 2);
    assert_eq!(count("revoked=true").await, 1);
    assert_eq!(count("revoked=false&user_id=7").await, 1);
    assert_eq!(count(&format!("badge_id={badge}")).await, 1);
    let first = stage.ok("GET", "credentials?limit=2", None, None).await;
    let next = first["next"].as_str().unwrap();
    let second = stage.ok("GET", &format!("credentials?limit=2&cursor={next}"), None, None).await;
    assert_eq!((second["items"].as_array().unwrap().len(), second.get("next")), (1, None));
}
