//! The weekly audit: what drifted is mended by itself, and on record; or only told, where the guild wants that.

use access::testing::means;
use std::time::Duration;

use access::Origin;
use jobs::schedule::Schedule;
use jobs::{EngineSettings, Node, Wake};
use serde_json::{Value, json};

use crate::house::{ADA, BOB, House, assert_sound, give, house};

/// The weekly job's turn has come.
async fn week(house: &House) -> Value {
    let weekly = || -> Schedule {
        progress::SLICE
            .jobs(&means(house.pool()))
            .into_iter()
            .find(|job| job.name == "progress.audit")
            .unwrap()
    };
    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    jobs::schedule::spawn(house.pool().clone(), vec![weekly()], &node.handle(), &wake).unwrap();
    let done =
        "SELECT count(*) FROM jobs.schedules WHERE name = 'progress.audit' AND last_run_at IS NOT NULL";
    while house.count(done).await == 0 {
        tokio::task::yield_now().await;
    }
    // And the timers of those that it found.
    let handlers = progress::SLICE.handlers(&means(house.pool()));
    jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    let open = "SELECT count(*) FROM jobs.timers WHERE kind = 'progress.audit_repair' AND status IN ('PENDING', 'RUNNING')";
    while house.count(open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    sqlx::query_scalar("SELECT last_result FROM jobs.schedules WHERE name = 'progress.audit'")
        .fetch_one(house.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_weekly_audit_mends_what_drifted() {
    let house = house().await;
    give(&house, ADA, "a", 120, 30).await;
    give(&house, BOB, "b", 40, 0).await;
    let before = (house.figures(ADA).await, house.figures(BOB).await);
    house
        .run("UPDATE people.members SET xp = xp + 1000, gold = gold + 7 WHERE guild_id = 1 AND user_id = 7")
        .await;
    let result = week(&house).await;
    // XP and gold.
    assert_eq!((&result["drift"], &result["mending"]), (&json!(2), &json!(["1"])), "{result}");
    assert_eq!((house.figures(ADA).await, house.figures(BOB).await), before);
    assert_sound(&house).await;
    let (action, by, was, is): (String, String, Value, Value) = sqlx::query_as(
        "SELECT action_type, actor_kind, before_snapshot, after_snapshot FROM access.admin_log WHERE guild_id = 1 AND action_type = 'REPAIR'",
    )
    .fetch_one(house.pool())
    .await
    .unwrap();
    assert_eq!((action.as_str(), by.as_str()), ("REPAIR", "system"));
    assert_eq!((&was["figures"], &is["figures"]), (&json!(2), &json!(2)));
    let gold = |figures: &Value| {
        let first = figures["first"].as_array().unwrap().clone();
        first.into_iter().find(|one| one["what"] == "gold").unwrap()["is"].clone()
    };
    assert_eq!((gold(&was), gold(&is)), (json!(before.0.1 + 7), json!(before.0.1)));
}

#[tokio::test]
async fn where_a_guild_wants_to_be_told_only_it_is_told_only() {
    let house = house().await;
    give(&house, ADA, "a", 10, 0).await;
    house.run("UPDATE people.members SET xp = 11 WHERE user_id = 7 AND guild_id = 1").await;
    house.run("UPDATE people.members SET gold = 5 WHERE user_id = 7 AND guild_id = 2").await;
    house
        .run(
            "INSERT INTO access.settings (guild_id, key, value_json, category)
             VALUES (1, 'audit.weekly_repair', 'false', 'audit')",
        )
        .await;
    let result = week(&house).await;
    assert_eq!((&result["drift"], &result["mending"]), (&json!(2), &json!(["2"])), "{result}");
    assert_eq!(house.figures(ADA).await.0, 11);
    let here = Origin::default();
    let author = access::Author::new(access::By::Cli, &here);
    let mended = progress::audit::repair(house.pool(), crate::house::GUILD, author).await.unwrap();
    assert_eq!((mended.len(), mended[0].figure.to_string()), (1, "xp".to_owned()));
    assert_sound(&house).await;
}
