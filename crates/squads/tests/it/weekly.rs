//! The weekly audit of squads: what drifted is mended by itself, and on record; or only told, where the guild wants that.

use std::time::Duration;

use access::testing::means;
use access::{By, Origin};
use db::testing::TestDatabase;
use jobs::{EngineSettings, Node, Wake};
use kernel::{GuildId, UserId};
use people::members_ensure;
use serde_json::{Value, json};
use sqlx::PgPool;
use squads::NewSquad;
use squads::ops::{squad_create, squad_join};

/// The weekly job's turn has come; then that of the timers it scheduled.
async fn week(pool: &PgPool) -> Value {
    let weekly = squads::SLICE.jobs(&means(pool)).into_iter().find(|job| job.name == "squads.audit").unwrap();
    let wake = Wake::new();
    let node = Node::start(pool.clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(pool.clone(), vec![weekly], &node.handle(), &wake).unwrap();
    let count = async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(pool).await.unwrap() };
    while count("SELECT count(*) FROM jobs.schedules WHERE name = 'squads.audit' AND last_run_at IS NOT NULL")
        .await
        == 0
    {
        tokio::task::yield_now().await;
    }
    jobs::timers::spawn(
        pool,
        squads::SLICE.handlers(&means(pool)),
        EngineSettings::default(),
        &node.handle(),
        &wake,
    );
    while count("SELECT count(*) FROM jobs.timers WHERE kind = 'squads.audit_repair' AND status IN ('PENDING', 'RUNNING')").await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    sqlx::query_scalar("SELECT last_result FROM jobs.schedules WHERE name = 'squads.audit'")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn memberships_that_drifted_are_mended_every_week_unless_the_guild_wants_to_be_told_only() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    for guild in [1, 2].map(GuildId::new) {
        let user = UserId::new(7);
        members_ensure(&mut pool.acquire().await.unwrap(), guild, &[(user, None)]).await.unwrap();
        let owls = NewSquad {
            name: "Owls".into(),
            description: None,
            role_id: None,
            switch_cost: 0,
            max_members: None,
        };
        let owls = squad_create(pool, guild, owls, By::Cli, &Origin::default()).await.unwrap().id;
        squad_join(pool, guild, user, owls).await.unwrap();
    }
    for sql in [
        "DELETE FROM squads.squad_memberships",
        "INSERT INTO access.settings (guild_id, key, value_json, category)
         VALUES (2, 'audit.weekly_repair', 'false', 'audit')",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
    let found = week(pool).await;
    assert_eq!((&found["drift"], &found["mending"]), (&json!(2), &json!(["1"])), "{found}");
    let guilds: Vec<i64> =
        sqlx::query_scalar("SELECT guild_id FROM squads.squad_memberships").fetch_all(pool).await.unwrap();
    assert_eq!(guilds, [1]);
    let on_record: Vec<(i64, String)> =
        sqlx::query_as("SELECT guild_id, actor_kind FROM access.admin_log WHERE action_type = 'REPAIR'")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(on_record, [(1, "system".to_owned())]);
}
