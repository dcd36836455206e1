//! Copies of what is kept of a member, and forgetting.

use access::personal::Keepers;
use access::{By, Origin};
use kernel::UserId;
use serde_json::json;

use crate::stage::{ADA, BOB, GUILD, Stage};

#[tokio::test]
async fn a_revocation_outlives_who_is_forgotten_and_its_bit_is_given_to_nobody() {
    let (stage, _, id) = Stage::furnished().await;
    let path = stage.path("go").await;
    stage.badge(&path.0, json!({})).await;
    stage.complete(BOB, &path).await;
    stage.deliver().await;
    let bobs = stage.mine(BOB).await[0]["id"].as_str().unwrap().to_owned();
    for (credential, reason) in [(&id, "By mistake"), (&bobs, "It was Ada who did it")] {
        let revocation = json!({ "reason": reason });
        stage.ok("POST", &format!("credentials/{credential}/revocation"), None, Some(revocation)).await;
    }
    let keepers = Keepers::of(&[&credentials::SLICE, &learning::SLICE]);
    let mut conn = stage.pool().acquire().await.unwrap();
    let copy = keepers.copies(&mut conn, GUILD, UserId::new(ADA)).await.unwrap();
    assert_eq!(copy["credentials"]["credentials"][0]["revocation_reason"], "By mistake");
    assert_eq!(copy["credentials"]["credentials"].as_array().unwrap().len(), 1);
    people::privacy::member_erase(
        stage.pool(),
        &keepers,
        GUILD,
        UserId::new(ADA),
        "asked",
        By::Cli,
        &Origin::default(),
    )
    .await
    .unwrap();
    let known = stage.standing(&id).await;
    assert_eq!((&known["standing"], &known["issuer"]), (&json!("revoked"), &json!("A guild")));
    assert!(!known.to_string().contains("Ada") && known.get("badge").is_none(), "{known}");
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM credentials.credentials WHERE user_id = 7 OR jwt = '' OR holder_name = 'Ada'",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert_eq!(left, 0);
    let reason = stage.mine(BOB).await[0]["revocation_reason"].clone();
    assert_eq!(reason, "It was Deleted member who did it");
    // Nothing is issued to whoever is forgotten, and the next bit is a new one.
    assert_eq!(stage.sweep().await, 0);
    let third = stage.path("zig").await;
    stage.badge(&third.0, json!({})).await;
    stage.complete(BOB, &third).await;
    stage.deliver().await;
    let indexes: Vec<i32> = sqlx::query_scalar("SELECT status_index FROM credentials.statuses ORDER BY 1")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    assert_eq!(indexes, [0, 1, 2]);
    stage.assert_clean().await;
}
