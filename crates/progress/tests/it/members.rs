//! What members see of what they earned.

use kernel::UserId;
use serde_json::json;

use crate::house::{ADA, BOB, give, house};

#[tokio::test]
async fn a_member_is_seen_with_rank_and_the_way_to_the_next_level() {
    let house = house().await;
    assert_eq!(house.send("GET", "/members/9", None).await.0, 404);
    give(&house, ADA, "a", 160, 0).await;
    let ada = house.ok("GET", "/members/7", None).await;
    assert_eq!((&ada["name"], &ada["level"], &ada["rank"]), (&json!("Ada"), &json!(2), &json!(1)));
    assert_eq!(ada["level_xp"], 157);
    let bob = house.ok("GET", "/members/8", None).await;
    assert_eq!((&bob["rank"], &bob["next_level_xp"]), (&json!(2), &json!(157)));
    house.run("UPDATE people.members SET is_bot = true WHERE user_id = 7").await;
    assert_eq!(house.ok("GET", "/members/7", None).await["rank"], json!(null), "bots are on no leaderboard");
}

#[tokio::test]
async fn a_members_seasons_tell_what_they_did_and_where_they_stood() {
    let house = house().await;
    let until = house.now().await + chrono::TimeDelta::days(30);
    let spring = house.ok("POST", "/seasons", Some(json!({ "name": "Spring", "ends_at": until }))).await;
    house
        .run(
            "INSERT INTO progress.user_stats (guild_id, user_id, season_id, season_stars, season_xp, messages_sent)
             SELECT 1, m.user_id, s.id, 10 * m.user_id, 100, 3 FROM people.members m, progress.seasons s
              WHERE m.guild_id = 1",
        )
        .await;
    let of = async |user: UserId| {
        house.ok("GET", &format!("/members/{user}/seasons"), None).await["items"].clone()
    };
    assert_eq!((&of(ADA).await[0]["rank"], &of(BOB).await[0]["rank"]), (&json!(2), &json!(1)));
    house.run("UPDATE people.members SET left_at = now() WHERE user_id = 8 AND guild_id = 1").await;
    assert_eq!(of(ADA).await[0]["rank"], 1, "who left is on no leaderboard");
    assert_eq!(of(BOB).await[0]["rank"], json!(null));
    house.run("UPDATE people.members SET left_at = NULL").await;
    let board = async || {
        let of_season = format!("/leaderboard?season_id={}", spring["id"]);
        let (all, season) =
            (house.ok("GET", "/leaderboard", None).await, house.ok("GET", &of_season, None).await);
        [all, season].map(|board| board["items"].as_array().unwrap().len())
    };
    assert_eq!(board().await, [2, 2]);
    house.run("UPDATE people.members SET is_bot = true WHERE user_id = 8").await;
    assert_eq!(board().await, [1, 1], "bots are on none");
    house.run("UPDATE people.members SET is_bot = false").await;
    let next = json!({ "next": { "name": "Summer", "ends_at": until + chrono::TimeDelta::days(30) } });
    house.ok("POST", &format!("/seasons/{}/roll", spring["id"]), Some(next)).await;
    // What comes late counts in the season, and not in its archive.
    house
        .run(
            "UPDATE progress.user_stats SET season_stars = 500 WHERE user_id = 7;
             INSERT INTO progress.user_stats (guild_id, user_id, season_id, season_stars)
             SELECT 1, 7, id, 1 FROM progress.seasons WHERE active",
        )
        .await;
    let all = of(ADA).await;
    assert_eq!(
        (&all[0]["name"], &all[0]["state"], &all[0]["rank"]),
        (&json!("Summer"), &json!("active"), &json!(1))
    );
    assert_eq!(
        (&all[1]["name"], &all[1]["state"], &all[1]["rank"]),
        (&json!("Spring"), &json!("ended"), &json!(2))
    );
    assert_eq!((&all[1]["season_stars"], &all[1]["messages_sent"]), (&json!(500), &json!(3)));
    let page = house.ok("GET", "/members/7/seasons?limit=1", None).await;
    let rest =
        house.ok("GET", &format!("/members/7/seasons?cursor={}", page["next"].as_str().unwrap()), None).await;
    assert_eq!(rest["items"], json!([all[1]]));
    assert_eq!(house.send("GET", "/members/99/seasons", None).await.0, 404);
}
