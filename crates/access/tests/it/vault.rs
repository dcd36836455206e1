//! One key for all who share a database: noted by the first, asked of the others.

use access::vault::{self, KeyError, key_adopt, key_agreed, key_note};
use access::{By, Origin, Vault};
use db::testing::{Folder, TestDatabase};
use sqlx::PgPool;

const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

fn with(keys: &[&str]) -> Vault {
    Vault::parse(&keys.join("\n")).unwrap()
}

/// As a node does when it starts.
async fn starts(pool: &PgPool, vault: &Vault) -> Result<(), KeyError> {
    let mut conn = pool.acquire().await.unwrap();
    if key_agreed(&mut conn, vault).await? {
        return Ok(());
    }
    key_note(&mut conn, vault, &[]).await
}

async fn stored(pool: &PgPool) -> Vec<u8> {
    sqlx::query_scalar("SELECT sealed FROM access.vault_checks").fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn whoever_has_another_key_than_the_first_is_refused() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    starts(pool, &with(&[ONE])).await.unwrap();
    let noted = stored(pool).await;
    starts(pool, &with(&[ONE])).await.unwrap();
    starts(pool, &with(&[ONE, OTHER])).await.unwrap();
    assert_eq!(stored(pool).await, noted);
    let told = starts(pool, &with(&[OTHER])).await.unwrap_err().to_string();
    assert!(told.contains("QUESTHALL_SECRETS__KEY") && told.contains("secrets adopt"), "{told}");
    assert!(told.contains("the key 630dcd29, and this node has 72dbb733"), "{told}");

    // A node without any makes none, which would only hide what is wrong.
    let folder = Folder::new();
    let path = folder.path().join("secrets.key");
    let told = starts(pool, &Vault::in_file(&path)).await.unwrap_err().to_string();
    assert!(told.contains("this node has none") && !path.exists(), "{told}");
    assert_eq!(stored(pool).await, noted);
}

#[tokio::test]
async fn the_first_node_makes_the_key_that_is_noted() {
    let database = TestDatabase::new().await;
    let folder = Folder::new();
    let path = folder.path().join("data/secrets.key");
    starts(database.pool(), &Vault::in_file(&path)).await.unwrap();
    starts(database.pool(), &Vault::in_file(&path)).await.unwrap();
    let copied = Vault::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    starts(database.pool(), &copied).await.unwrap();
}

#[tokio::test]
async fn of_nodes_that_start_at_once_with_several_keys_one_wins() {
    for _ in 0..5 {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let (one, other) = (with(&[ONE]), with(&[OTHER]));
        let (a, b, c) = tokio::join!(starts(pool, &one), starts(pool, &other), starts(pool, &one));
        assert_eq!(a.is_ok(), c.is_ok());
        assert_ne!(a.is_ok(), b.is_ok(), "{a:?} {b:?}");
    }
}

#[tokio::test]
async fn after_a_rotation_nodes_without_the_new_key_are_found_out() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    starts(pool, &with(&[ONE])).await.unwrap();
    starts(pool, &with(&[OTHER, ONE])).await.unwrap();
    assert!(matches!(starts(pool, &with(&[ONE])).await, Err(KeyError::Another { .. })));
    starts(pool, &with(&[OTHER])).await.unwrap();
}

#[tokio::test]
async fn what_is_sealed_already_says_which_key_is_the_right_one() {
    let database = TestDatabase::new().await;
    let mut conn = database.pool().acquire().await.unwrap();
    let heads = |vault: Vault| vault.heads().unwrap();
    let from_before = heads(with(&[ONE]));
    let refused = key_note(&mut conn, &with(&[OTHER]), &from_before).await;
    assert!(matches!(refused, Err(KeyError::Another { theirs, .. }) if theirs == "630dcd29"));
    assert!(!key_agreed(&mut conn, &with(&[ONE])).await.unwrap(), "nothing was noted");
    // What was lost long ago keeps nobody from starting.
    key_note(&mut conn, &with(&[OTHER]), &heads(with(&[ONE, OTHER]))).await.unwrap();
    assert!(key_agreed(&mut conn, &with(&[OTHER])).await.unwrap());
}

#[tokio::test]
async fn an_operator_who_lost_the_key_takes_another_and_it_is_told() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let (lost, ours) = (with(&[ONE]), with(&[OTHER]));
    starts(pool, &lost).await.unwrap();
    let leave = async |user: i64, vault: &Vault| {
        sqlx::query(
            "INSERT INTO access.discord_leaves (user_id, sealed, access_until) VALUES ($1, $2, now())",
        )
        .bind(user)
        .bind(vault.seal("whatever", &[0; 64]).unwrap())
        .execute(pool)
        .await
        .unwrap();
    };
    leave(7, &lost).await;
    leave(8, &ours).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(vault::discord_leave_heads(&mut conn).await.unwrap().len(), 2);
    assert_eq!(vault::discord_leaves_foreign(&mut conn, &ours).await.unwrap(), 1);
    let mut tx = pool.begin().await.unwrap();
    assert_eq!(key_adopt(&mut tx, &ours, By::Cli, &Origin::default()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    starts(pool, &ours).await.unwrap();
    assert!(starts(pool, &lost).await.is_err());
    assert_eq!(vault::discord_leaves_foreign(&mut conn, &ours).await.unwrap(), 0);
    let told: (String, serde_json::Value, serde_json::Value) =
        sqlx::query_as("SELECT action_type, before_snapshot, after_snapshot FROM access.admin_log")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(told.0, "ADOPT_KEY");
    assert_eq!((told.1["key"].as_str(), told.2["key"].as_str()), (Some("630dcd29"), Some("72dbb733")));
}

#[tokio::test]
async fn what_was_noted_and_altered_since_is_told() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    starts(pool, &with(&[ONE])).await.unwrap();
    sqlx::query("UPDATE access.vault_checks SET sealed = set_byte(sealed, length(sealed) - 1, 0) || '\\x00'")
        .execute(pool)
        .await
        .unwrap();
    assert!(matches!(starts(pool, &with(&[ONE])).await, Err(KeyError::Damaged)));
    let mut tx = pool.begin().await.unwrap();
    key_adopt(&mut tx, &with(&[ONE]), By::Cli, &Origin::default()).await.unwrap();
    tx.commit().await.unwrap();
    starts(pool, &with(&[ONE])).await.unwrap();
}
