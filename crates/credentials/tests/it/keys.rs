//! Signing keys: changed, published, sealed.

use access::Vault;
use serde_json::json;

use crate::stage::{ADA, BOB, Stage, said};

#[tokio::test]
async fn what_an_older_key_signed_can_be_verified_by_its_public_half() {
    let stage = Stage::new().await;
    let path = stage.path("rust").await;
    stage.badge(&path.0, json!({})).await;
    stage.complete(ADA, &path).await;
    stage.deliver().await;
    let made = stage.ok("POST", "credentials/keys", None, Some(json!({ "algorithm": "EdDSA" }))).await;
    stage.complete(BOB, &path).await;
    stage.deliver().await;
    let token = async |user| {
        let id = stage.mine(user).await[0]["id"].as_str().unwrap().to_owned();
        stage.document(user, &id).await
    };
    let (old, new) = (token(ADA).await, token(BOB).await);
    for (token, algorithm) in [(&old, "ES256"), (&new, "EdDSA")] {
        let (header, _) = said(token);
        assert_eq!(header["alg"], algorithm);
        let key = stage.at_address(header["kid"].as_str().unwrap()).await.json();
        assert_eq!(key["alg"], algorithm);
    }
    assert!(said(&new).0["kid"].as_str().unwrap().ends_with(made["id"].as_str().unwrap()));
    let all = stage.public("issuer/keys").await.json();
    assert_eq!(all["keys"].as_array().unwrap().len(), 2);
    assert!(!all.to_string().contains("\"d\""), "no private half is told");
    let listed = stage.ok("GET", "credentials/keys", None, None).await;
    assert_eq!(listed[0]["id"], made["id"]);
    assert!(listed[0].get("retired_at").is_none() && listed[1].get("retired_at").is_some());
    // Of the old one nothing is left that could sign.
    let private: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM credentials.issuer_keys WHERE retired_at IS NOT NULL AND private_key_sealed IS NOT NULL",
    )
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(private, 0);
    // The list is signed by the one that signs now.
    assert_eq!(said(&stage.public("status/0").await.text()).0["alg"], "EdDSA");
}

#[tokio::test]
async fn of_two_changes_at_once_one_key_signs() {
    let (stage, _, _) = Stage::furnished().await;
    let change = || stage.send("POST", "credentials/keys", None, Some(json!({})));
    let (one, other) = futures::future::join(change(), change()).await;
    assert_eq!((one.status, other.status), (201, 201));
    let current: i64 =
        sqlx::query_scalar("SELECT count(*) FROM credentials.issuer_keys WHERE retired_at IS NULL")
            .fetch_one(stage.pool())
            .await
            .unwrap();
    assert_eq!(current, 1);
}

#[tokio::test]
async fn private_halves_are_sealed_and_sealed_anew_after_a_rotation() {
    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    let (mut stage, _, _) = Stage::furnished().await;
    let path = stage.path("go").await;
    stage.badge(&path.0, json!({})).await;
    stage.vault = Vault::parse(ONE).unwrap();
    // A key that this node does not open: nobody else is kept waiting, and it is told.
    stage.complete(ADA, &path).await;
    stage.deliver().await;
    assert_eq!(stage.mine(ADA).await.len(), 1);
    let mut conn = stage.pool().acquire().await.unwrap();
    assert_eq!(credentials::keys_foreign(&mut conn, &stage.vault).await.unwrap().len(), 1);
    assert_eq!(credentials::keys_reseal(&mut conn, &stage.vault).await.unwrap(), (0, 1));
    // Another key is made, by which it goes on.
    let origin = access::Origin::default();
    let author = access::Author::new(access::By::Cli, &origin);
    let es256 = credentials::model::Algorithm::Es256;
    credentials::ops::key_rotate(stage.pool(), &stage.issuing(), crate::stage::GUILD, es256, author)
        .await
        .unwrap();
    assert_eq!(stage.sweep().await, 1);
    // The installation's key is rotated.
    stage.vault = Vault::parse(&format!("{OTHER}\n{ONE}")).unwrap();
    assert_eq!(credentials::keys_reseal(&mut conn, &stage.vault).await.unwrap(), (1, 0));
    assert_eq!(credentials::keys_reseal(&mut conn, &stage.vault).await.unwrap(), (0, 0));
    stage.vault = Vault::parse(OTHER).unwrap();
    assert!(credentials::keys_foreign(&mut conn, &stage.vault).await.unwrap().is_empty());
    stage.complete(BOB, &path).await;
    stage.deliver().await;
    assert_eq!(stage.mine(BOB).await.len(), 1);
}
