//! Charts.

use serde_json::json;

use crate::house::{ADA, give, house};

#[tokio::test]
async fn a_guilds_chart_has_what_was_granted_besides_what_events_brought() {
    let house = house().await;
    give(&house, ADA, "a", 1_200, 30).await;
    house
        .run(
            "INSERT INTO progress.activity_log (guild_id, user_id, event_type, source_system, source_event_id, xp_delta, \"timestamp\")
             VALUES (1, 8, 'CAMPAIGN_REWARD', 'campaigns', 'b', 40, now() - interval '1 day');
             INSERT INTO progress.guild_days (guild_id, day, kind, count, xp, stars)
             SELECT 1, (now() AT TIME ZONE 'UTC')::date, 'MESSAGE', 2, 30, 2;
             INSERT INTO progress.guild_days (guild_id, day, kind, count)
             SELECT 1, (now() AT TIME ZONE 'UTC')::date, 'message_create', 3",
        )
        .await;
    let feed = house.ok("GET", "/activity?event_type=CAMPAIGN_REWARD&limit=1", None).await;
    assert_eq!(feed["items"][0]["user_id"], "7", "the latest first");
    let rest = format!("/activity?event_type=CAMPAIGN_REWARD&cursor={}", feed["next"].as_str().unwrap());
    let rest = house.ok("GET", &rest, None).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]["xp"]), (1, &json!(40)));
    let levels = house.ok("GET", "/activity?event_type=LEVEL_UP", None).await;
    assert!(levels["items"].as_array().unwrap().iter().all(|one| one["event_type"] == "LEVEL_UP"));
    assert!(!levels["items"].as_array().unwrap().is_empty());
    let today = house.now().await.date_naive();
    let days = house.ok("GET", &format!("/days?to={today}"), None).await;
    let days = days.as_array().unwrap();
    assert_eq!(days.len(), 30);
    assert_eq!(days[29], json!({ "day": today, "xp": 1230, "stars": 2, "events": { "message_create": 3 } }));
    assert_eq!((&days[28]["xp"], &days[28]["events"]), (&json!(40), &json!({})));
    assert!(days[..28].iter().all(|day| day["xp"] == 0));
}
