//! XP from another bot: what it brings is not announced.

use serde_json::json;

use crate::house::{BOB, assert_sound, give, house};

#[tokio::test]
async fn what_an_import_brings_is_no_news_and_of_no_season() {
    let house = house().await;
    let until = house.now().await + chrono::TimeDelta::days(9);
    house.ok("POST", "/seasons", Some(json!({ "name": "Spring", "ends_at": until }))).await;
    house.follow("community.announcements").await;
    for kind in ["level_up", "achievement"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    let veteran =
        json!({ "name": "Veteran", "requirement_type": "xp_milestone", "requirement_value": 1_000 });
    house.ok("POST", "/achievements", Some(veteran)).await;
    house.ok("POST", "/xp/import", Some(json!({ "format": "csv", "data": "id,xp\n7,5000\n" }))).await;
    assert_eq!(house.events("member.levelled_up").await[0]["retroactive"], true);
    assert_eq!(house.events("achievement.earned").await[0]["retroactive"], true);
    let seasonal = "SELECT count(*) FROM progress.user_stats";
    assert_eq!(house.count(seasonal).await, 0);
    let journaled =
        "SELECT count(*) FROM progress.activity_log WHERE event_type = 'IMPORT' AND season_id IS NULL";
    assert_eq!(house.count(journaled).await, 1);
    // Other XP are.
    give(&house, BOB, "a", 5_000, 0).await;
    assert_eq!(house.count(seasonal).await, 1);
    house.deliver(&community::announcements::Producer).await;
    let told = house.ok("GET", "/announcements", None).await["items"].as_array().unwrap().clone();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|one| one["user_id"] == "8"), "{told:?}");
    assert_sound(&house).await;
}
