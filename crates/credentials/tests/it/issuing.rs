//! What is issued, to whom, how often.

use serde_json::json;

use crate::stage::{ADA, BOB, Stage, URL, said};

#[tokio::test]
async fn a_completed_path_brings_a_credential_that_says_so() {
    let (stage, badge, id) = Stage::furnished().await;
    let (header, claims) = said(&stage.document(ADA, &id).await);
    let base = format!("{URL}/api/v1/guilds/1/credentials");
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("JWT")));
    let kid = header["kid"].as_str().unwrap();
    assert_eq!(stage.at_address(kid).await.json()["kid"], json!(kid));
    assert_eq!(claims["iss"], json!(format!("{base}/issuer")));
    assert_eq!(claims["iss"], claims["issuer"]["id"]);
    assert_eq!(claims["issuer"]["name"], "A guild");
    assert_eq!(claims["jti"], json!(format!("{base}/verification/{id}")));
    assert_eq!(claims["jti"], claims["id"]);
    assert_eq!(claims["sub"], claims["credentialSubject"]["id"]);
    assert!(claims["sub"].as_str().unwrap().starts_with("urn:uuid:"), "{claims}");
    let from = claims["validFrom"].as_str().unwrap();
    assert_eq!(
        claims["nbf"].as_i64().unwrap(),
        chrono::DateTime::parse_from_rfc3339(from).unwrap().timestamp()
    );
    assert!(claims.get("exp").is_none() && claims.get("validUntil").is_none());
    assert_eq!(
        claims["@context"],
        json!([
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
        ])
    );
    assert_eq!(claims["type"], json!(["VerifiableCredential", "OpenBadgeCredential"]));
    let achievement = &claims["credentialSubject"]["achievement"];
    assert_eq!(achievement["id"], json!(format!("{base}/achievements/{badge}")));
    assert_eq!(achievement["criteria"]["narrative"], "Complete *everything*.");
    assert_eq!(claims["credentialSubject"]["identifier"][0]["identityHash"], "Ada");
    assert_eq!(claims["credentialStatus"]["statusListIndex"], "0");
    // What is named by address is there for anybody.
    assert_eq!(&stage.at_address(achievement["id"].as_str().unwrap()).await.json(), achievement);
    assert_eq!(stage.at_address(claims["iss"].as_str().unwrap()).await.json()["name"], "A guild");
    let known = stage.at_address(claims["jti"].as_str().unwrap()).await.json();
    assert_eq!((&known["standing"], &known["holder_name"]), (&json!("valid"), &json!("Ada")));
    let told = stage.events("credential.issued").await;
    assert_eq!((told.len(), &told[0]["credential_id"]), (1, &json!(id)));
    stage.assert_clean().await;
}

#[tokio::test]
async fn nothing_is_issued_twice_whatever_is_repeated_or_at_once() {
    let stage = Stage::new().await;
    let path = stage.path("rust").await;
    stage.badge(&path.0, json!({})).await;
    for user in [ADA, BOB] {
        stage.complete(user, &path).await;
    }
    // The reader, and jobs of two nodes at one instant.
    let ((), one, other) = futures::future::join3(stage.deliver(), stage.sweep(), stage.sweep()).await;
    assert!(one + other <= 2);
    stage.deliver().await;
    assert_eq!(stage.sweep().await, 0);
    // The reader begins anew.
    sqlx::query("UPDATE jobs.outbox_cursors SET transaction_id = '0', id = 0")
        .execute(stage.pool())
        .await
        .unwrap();
    stage.deliver().await;
    for user in [ADA, BOB] {
        assert_eq!(stage.mine(user).await.len(), 1);
    }
    assert_eq!(stage.events("credential.issued").await.len(), 2);
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_badge_that_comes_later_and_achievements_are_issued_too() {
    let stage = Stage::new().await;
    let path = stage.path("rust").await;
    stage.complete(ADA, &path).await;
    stage.deliver().await;
    sqlx::raw_sql(
        "INSERT INTO progress.achievement_templates (guild_id, name, requirement_type) VALUES (1, 'Helper', 'custom');
         INSERT INTO progress.user_achievements (guild_id, user_id, achievement_id) SELECT 1, 8, id FROM progress.achievement_templates",
    )
    .execute(stage.pool())
    .await
    .unwrap();
    let achievement: i32 = sqlx::query_scalar("SELECT id FROM progress.achievement_templates")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    stage.badge(&path.0, json!({ "valid_days": 30 })).await;
    stage.badge("x", json!({ "path_id": null, "achievement_id": achievement, "name": "Helper" })).await;
    assert_eq!(stage.sweep().await, 2);
    let ada = stage.mine(ADA).await;
    let (_, claims) = said(&stage.document(ADA, ada[0]["id"].as_str().unwrap()).await);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["nbf"].as_i64().unwrap(), 30 * 86_400);
    assert_eq!(stage.mine(BOB).await[0]["badge"], "Helper");
    // Its time passes.
    sqlx::raw_sql(
        "UPDATE credentials.credentials SET issued_at = issued_at - interval '31 days', valid_until = valid_until - interval '31 days'
          WHERE valid_until IS NOT NULL",
    )
    .execute(stage.pool())
    .await
    .unwrap();
    assert_eq!(stage.standing(ada[0]["id"].as_str().unwrap()).await["standing"], "expired");
}

#[tokio::test]
async fn without_an_address_it_waits_and_keeps_nobody_waiting() {
    let mut stage = Stage::at(None).await;
    let path = stage.path("rust").await;
    let badge = stage.badge(&path.0, json!({})).await;
    stage.complete(ADA, &path).await;
    stage.deliver().await;
    assert_eq!(stage.sweep().await, 0);
    assert!(stage.mine(ADA).await.is_empty());
    let issue = json!({ "badge_id": badge, "user_id": ADA.to_string() });
    assert_eq!(
        stage.refused("POST", "credentials", None, Some(issue)).await,
        (409, "no-public-address".to_owned())
    );
    for path in ["issuer", "issuer/keys", "status/0"] {
        assert_eq!(stage.public(path).await.status, 404, "{path}");
    }
    stage.url = Some(URL.to_owned());
    assert_eq!(stage.sweep().await, 1);
    assert_eq!(stage.mine(ADA).await.len(), 1);
}

#[tokio::test]
async fn only_what_was_earned_is_issued_by_hand_and_only_once() {
    let (stage, badge, id) = Stage::furnished().await;
    let to = |user: i64| Some(json!({ "badge_id": badge, "user_id": user.to_string() }));
    assert_eq!(stage.refused("POST", "credentials", None, to(BOB)).await, (409, "not-earned".to_owned()));
    assert_eq!(stage.refused("POST", "credentials", None, to(ADA)).await, (409, "conflict".to_owned()));
    let revocation = json!({ "reason": "By mistake" });
    stage.ok("POST", &format!("credentials/{id}/revocation"), None, Some(revocation)).await;
    // What was revoked is not issued again by itself.
    assert_eq!(stage.sweep().await, 0);
    let again = stage.ok("POST", "credentials", None, to(ADA)).await;
    assert_ne!(again["id"], json!(id));
    assert_eq!(stage.standing(&id).await["standing"], "revoked");
    let other = json!({ "badge_id": "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f", "user_id": "7" });
    assert_eq!(stage.refused("POST", "credentials", None, Some(other)).await, (404, "not-found".to_owned()));
    stage
        .ok("PATCH", &format!("credentials/badges/{badge}"), None, Some(json!({ "is_active": false })))
        .await;
    let again = again["id"].as_str().unwrap();
    let revocation = json!({ "reason": "Once more" });
    stage.ok("POST", &format!("credentials/{again}/revocation"), None, Some(revocation)).await;
    assert_eq!(stage.refused("POST", "credentials", None, to(ADA)).await, (409, "conflict".to_owned()));
    stage.assert_clean().await;
}

#[tokio::test]
async fn under_a_new_name_it_is_issued_anew_and_the_old_one_is_revoked() {
    let (stage, _, id) = Stage::furnished().await;
    let reissue = format!("credentials/mine/{id}/reissue");
    let same = stage.ok("POST", &reissue, Some(ADA), None).await;
    assert_eq!(same["id"], json!(id), "nothing would be different");
    sqlx::raw_sql("UPDATE people.members SET display_name = 'Augusta' WHERE user_id = 7")
        .execute(stage.pool())
        .await
        .unwrap();
    assert_eq!(stage.refused("POST", &reissue, Some(BOB), None).await, (404, "not-found".to_owned()));
    let anew = stage.ok("POST", &reissue, Some(ADA), None).await;
    let (_, claims) = said(&stage.document(ADA, anew["id"].as_str().unwrap()).await);
    assert_eq!(claims["credentialSubject"]["identifier"][0]["identityHash"], "Augusta");
    let (_, before) = said(&stage.document(ADA, &id).await);
    assert_eq!(claims["sub"], before["sub"]);
    assert_eq!(claims["awardedDate"], before["awardedDate"]);
    let old = stage.standing(&id).await;
    assert_eq!(
        (&old["standing"], old.get("holder_name")),
        (&json!("revoked"), None),
        "the old name is told nobody"
    );
    assert_eq!(
        stage.refused("POST", &reissue, Some(ADA), None).await,
        (409, "credential-revoked".to_owned())
    );
    let told = stage.events("credential.issued").await;
    assert_eq!(told[1]["replaces"], json!(id));
    stage.assert_clean().await;
}
