//! Levels follow XP, also when the curve is changed under them.

use std::time::Duration;

use jobs::{EngineSettings, Node, Wake};
use serde_json::json;

use crate::house::{ADA, House, assert_sound, give, house};

/// Level and gold that are kept.
async fn kept(house: &House) -> (i64, i64) {
    let level =
        house.count("SELECT level::bigint FROM people.members WHERE guild_id = 1 AND user_id = 7").await;
    (level, house.figures(ADA).await.1)
}

/// Lets the timers that are due do what they have to.
async fn let_timers_run(house: &House) {
    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "test", "0", &["worker"], wake.clone()).await.unwrap();
    let handlers = progress::jobs::handlers();
    jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    while house.count("SELECT count(*) FROM jobs.timers WHERE status IN ('PENDING', 'RUNNING')").await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn a_level_follows_xp_under_the_curve_in_force_and_is_paid_once() {
    let house = house().await;
    give(&house, ADA, "a", 1_000, 0).await;
    assert_eq!(kept(&house).await, (10, 9 * 50));

    // A trial: 1.25^30 is 808, 1.25^31 is 1,010.
    house
        .run(
            "INSERT INTO access.settings (guild_id, key, value_json, category)
             VALUES (1, 'rewards.level_base', '1', 'rewards')",
        )
        .await;
    let ada = house.ok("GET", "/members/7", None).await;
    assert_eq!(
        (&ada["level"], &ada["level_xp"], &ada["next_level_xp"]),
        (&json!(30), &json!(808), &json!(1_010))
    );
    give(&house, ADA, "b", 20, 0).await;
    assert_eq!(kept(&house).await, (31, 10 * 50), "only the level that these XP reached is paid");
    let_timers_run(&house).await;
    assert_sound(&house).await;

    house.run("DELETE FROM access.settings WHERE key = 'rewards.level_base'").await;
    let ada = house.ok("GET", "/members/7", None).await;
    assert_eq!(
        (&ada["level"], &ada["level_xp"], &ada["next_level_xp"]),
        (&json!(10), &json!(932), &json!(1_165))
    );
    let_timers_run(&house).await;
    assert_eq!(kept(&house).await, (10, 10 * 50), "what was earned stays");
    assert_eq!(house.ok("GET", "/leaderboard", None).await["items"][0]["level"], 10);

    give(&house, ADA, "c", 200, 0).await;
    assert_eq!(kept(&house).await, (11, 11 * 50), "reached by XP, for the first time");
    give(&house, ADA, "d", -300, 0).await;
    give(&house, ADA, "e", 300, 0).await;
    assert_eq!(kept(&house).await, (11, 11 * 50), "once");
    assert_sound(&house).await;
}

#[tokio::test]
async fn a_curve_of_the_installation_moves_all_guilds_but_those_with_their_own() {
    let house = house().await;
    give(&house, ADA, "a", 1_000, 0).await;
    house
        .run(
            "UPDATE people.members SET xp = 1000, level = 10 WHERE guild_id = 2 AND user_id = 7;
             INSERT INTO access.settings (guild_id, key, value_json, category)
             VALUES (0, 'rewards.level_base', '1', 'rewards'), (2, 'rewards.level_base', '500', 'rewards')",
        )
        .await;
    let_timers_run(&house).await;
    let levels = "SELECT (max(level) FILTER (WHERE guild_id = 1) * 100 + max(level) FILTER (WHERE guild_id = 2))::bigint
                    FROM people.members";
    assert_eq!(house.count(levels).await, 30 * 100 + 3);
}
