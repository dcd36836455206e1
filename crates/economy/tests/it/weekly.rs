//! The weekly audit of bytes: what drifted is mended by itself, and on record; or only told, where the guild wants that.

use std::time::Duration;

use access::testing::means;
use access::{By, Origin};
use db::testing::TestDatabase;
use economy::model::{AwardKind, AwardRequest};
use jobs::{EngineSettings, Node, Wake};
use kernel::{Bytes, GuildId, UserId};
use people::members_ensure;
use serde_json::{Value, json};
use sqlx::PgPool;

/// The weekly job's turn has come; then that of the timers it scheduled.
async fn week(pool: &PgPool) -> Value {
    let weekly =
        economy::SLICE.jobs(&means(pool)).into_iter().find(|job| job.name == "economy.audit").unwrap();
    let wake = Wake::new();
    let node = Node::start(pool.clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(pool.clone(), vec![weekly], &node.handle(), &wake).unwrap();
    let count = async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(pool).await.unwrap() };
    while count(
        "SELECT count(*) FROM jobs.schedules WHERE name = 'economy.audit' AND last_run_at IS NOT NULL",
    )
    .await
        == 0
    {
        tokio::task::yield_now().await;
    }
    jobs::timers::spawn(
        pool,
        economy::SLICE.handlers(&means(pool)),
        EngineSettings::default(),
        &node.handle(),
        &wake,
    );
    while count("SELECT count(*) FROM jobs.timers WHERE kind = 'economy.audit_repair' AND status IN ('PENDING', 'RUNNING')").await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    sqlx::query_scalar("SELECT last_result FROM jobs.schedules WHERE name = 'economy.audit'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn bytes_that_drifted_are_mended_every_week_unless_the_guild_wants_to_be_told_only() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for guild in [1, 2] {
        let users = [(UserId::new(7), None), (UserId::new(8), None)];
        members_ensure(&mut pool.acquire().await.unwrap(), GuildId::new(guild), &users).await.unwrap();
        let award = AwardRequest {
            user_id: UserId::new(7),
            amount: Bytes::new(100),
            kind: AwardKind::Award,
            reason: None,
        };
        economy::ops::award(pool, GuildId::new(guild), &award, By::Cli, &Origin::default()).await.unwrap();
    }
    let nothing = week(pool).await;
    assert_eq!((&nothing["drift"], &nothing["mending"]), (&json!(0), &json!([])), "{nothing}");

    for sql in [
        "UPDATE economy.bytes_balances SET balance = 170, total_sent = 5 WHERE user_id = 7",
        "INSERT INTO access.settings (guild_id, key, value_json, category)
         VALUES (2, 'audit.weekly_repair', 'false', 'audit')",
        "DELETE FROM jobs.schedules",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    let found = week(pool).await;
    assert_eq!((&found["drift"], &found["mending"]), (&json!(4), &json!(["1"])), "{found}");
    let balances: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT balance, total_sent FROM economy.bytes_balances WHERE user_id = 7 ORDER BY guild_id",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    // Everybody begins with 100.
    assert_eq!(balances, [(200, 0), (170, 5)]);
    let on_record: Vec<(i64, String)> =
        sqlx::query_as("SELECT guild_id, actor_kind FROM access.admin_log WHERE action_type = 'REPAIR'")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(on_record, [(1, "system".to_owned())]);
}
