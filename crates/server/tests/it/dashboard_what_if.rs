//! What the last days would have earned under other settings: told, and not done.

use access::Role;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::dashboard::Browser;
use crate::guilds::{Guild, rows_of};
use crate::house::House;
use crate::streams::GUILD;

/// Ten short messages of one member, four long ones of another, each far enough from the one before; and a reaction.
async fn chatter(house: &House, guild: &Guild) {
    let now = db::now(&mut house.database.pool().acquire().await.unwrap()).await.unwrap();
    let at = |minutes: i64| (now - TimeDelta::minutes(minutes)).to_rfc3339();
    let message = |user: i64, n: i64, length: u32| {
        json!({ "event_type": "message_create", "user_id": user.to_string(), "channel_id": "500",
            "source_id": format!("m-{user}-{n}"), "timestamp": at(60 - n), "payload": { "length": length } })
    };
    let mut events: Vec<Value> = (0..10).map(|n| message(11, n, 20)).collect();
    events.extend((0..4).map(|n| message(12, n, 600)));
    events
        .push(json!({ "event_type": "reaction_add", "user_id": "11", "target_id": "12", "channel_id": "500",
        "source_id": "r-1", "timestamp": at(5), "payload": { "message_id": "900" } }));
    let told = house
        .made(&format!("/api/v1/guilds/{GUILD}/lake/events"), &guild.key, &json!({ "events": events }))
        .await;
    assert_eq!(told["counted"], 15, "{told}");
}

#[tokio::test]
async fn other_settings_are_tried_on_what_happened_and_nothing_is_written() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, 11).await;
    chatter(&house, &guild).await;
    let before = rows_of(&house, GUILD).await;
    let path = format!("/api/v1/guilds/{GUILD}/lake/what-if");
    let ask = async |settings: Value| house.made(&path, &guild.key, &json!({ "settings": settings })).await;
    // As it is: 10 × 15 and 5 for the reaction; 4 × 22.5, rounded, and 8.
    let same = ask(json!({})).await;
    assert_eq!((same["moved"].as_i64(), same["events"].as_i64()), (Some(0), Some(15)), "{same}");
    assert_eq!(
        (&same["earned"], same["earned"]["xp"].as_i64()),
        (&same["supposed"], Some(155 + 100)),
        "{same}"
    );
    assert_eq!(same["rows"], json!([]));
    // What was earned is what is counted anew.
    let paid: i64 = sqlx::query_scalar(
        "SELECT sum(xp_delta)::bigint FROM progress.activity_log WHERE guild_id = $1 AND source_system = 'discord'
            AND event_type IN ('MESSAGE', 'REACTION_GIVEN', 'REACTION_RECEIVED')",
    )
    .bind(GUILD)
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert_eq!(same["earned"]["xp"], paid);
    let long = ask(json!({ "long_factor": 10 })).await;
    assert_eq!((long["moved"].as_i64(), long["members"].as_i64()), (Some(2), Some(2)), "{long}");
    let row = |user: &str| {
        let rows = long["rows"].as_array().unwrap();
        rows.iter().find(|row| row["user_id"] == user).unwrap().clone()
    };
    assert_eq!((row("12")["rank"].as_i64(), row("12")["supposed_rank"].as_i64()), (Some(2), Some(1)));
    assert_eq!(row("12")["supposed"]["xp"], 4 * 150 + 8);
    assert_eq!(row("11")["earned"], row("11")["supposed"]);
    // A longer cooldown lets fewer messages count; a channel that earns nothing none.
    assert_eq!(ask(json!({ "message_cooldown_seconds": 3600 })).await["supposed"]["xp"], 15 + 23 + 5 + 8);
    assert_eq!(ask(json!({ "no_xp_channels": ["500"] })).await["supposed"]["xp"], 0);
    for (body, field) in [
        (json!({ "settings": { "mesage_xp": 1 } }), "settings.mesage_xp"),
        (json!({ "settings": { "message_xp": -1 } }), "settings.message_xp"),
        (json!({ "days": 8 }), "days"),
    ] {
        let answer = house.post(&path, &guild.key, &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{answer:?}");
    }
    let mut staff = Browser::signed_in(&house, GUILD, 31, Role::Owner).await;
    let page = staff.page(&format!("/g/{GUILD}/staff/what-if?message_xp=15&long_factor=10")).await;
    assert!(
        page.contains("Supposed: Long factor 10.") && page.contains("1 up") && page.contains("1 down"),
        "{page}"
    );
    let after = rows_of(&house, GUILD).await;
    for table in ["lake.event_lake", "progress.activity_log", "people.members", "access.settings"] {
        assert_eq!(after.get(table), before.get(table), "{table}");
    }
}
