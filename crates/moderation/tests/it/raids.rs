//! Raid mode: who joins is dealt with in few requests, and let go by one command.

use access::testing::House;
use chrono::DateTime;
use db::testing::TestDatabase;
use kernel::UserId;
use moderation::effects::Payload;
use moderation::model::{Action, Joined, NewCase, NewRaid, RaidAction};
use moderation::{Error, ops};
use serde_json::json;

use super::{GUILD, MOD, count, make, moderator, operator};

fn joined(from: i64, to: i64) -> Vec<Joined> {
    (from..to)
        .map(|id| Joined {
            user_id: UserId::new(id),
            tag: format!("raider{id}"),
            joined_at: DateTime::UNIX_EPOCH,
        })
        .collect()
}

#[tokio::test]
async fn five_thousand_joins_are_twenty_five_bans_and_one_release() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    make(pool, NewCase::about(Action::Ban, UserId::new(1_005), "before")).await;
    assert_eq!(ops::raid_joined(pool, GUILD, &joined(1_000, 1_010)).await.unwrap(), 0, "raid mode is off");
    let new = NewRaid { action: RaidAction::Ban, reason: "A raid".into(), minutes: Some(30) };
    let raid = ops::raid_start(pool, GUILD, &new, None, &moderator(MOD), operator()).await.unwrap();
    assert!(matches!(
        ops::raid_start(pool, GUILD, &new, None, &moderator(MOD), operator()).await,
        Err(Error::RaidOn)
    ));
    let mut made = 0;
    for n in 0..25 {
        made += ops::raid_joined(pool, GUILD, &joined(1_000 + n * 200, 1_200 + n * 200)).await.unwrap();
    }
    assert_eq!(made, 4_999, "who was banned before is not banned twice");
    assert_eq!(ops::raid_joined(pool, GUILD, &joined(1_000, 1_200)).await.unwrap(), 0, "once a join");
    let bulk = "SELECT count(*) FROM moderation.effects WHERE kind = 'bulk_ban'";
    assert_eq!(count(pool, bulk).await, 25);
    let numbers = "SELECT max(case_number)::bigint - count(*) FROM moderation.moderation_cases";
    assert_eq!(count(pool, numbers).await, 0, "no gaps");
    let released = ops::raid_release(pool, GUILD, raid.id, &moderator(MOD), operator()).await.unwrap();
    assert_eq!(released, 4_999);
    assert_eq!(ops::raid_release(pool, GUILD, raid.id, &moderator(MOD), operator()).await.unwrap(), 0);
    assert_eq!(count(pool, numbers).await, 0, "no gaps after the release");
    assert!(ops::raid_running(pool, GUILD).await.unwrap().is_none());
    let held = "SELECT count(*) FROM moderation.moderation_cases WHERE action = 'ban' AND NOT resolved";
    assert_eq!(count(pool, held).await, 1, "who was banned before stays banned");
    let unbans = "SELECT count(*) FROM moderation.effects WHERE kind = 'unban'";
    assert_eq!(count(pool, unbans).await, 4_999);
}

#[tokio::test]
async fn raid_mode_over_http() {
    let house = House::new(GUILD, &["moderation:read", "moderation:write"], |_| {
        moderation::router().split_for_parts().0
    })
    .await;
    let base = "/guilds/1/moderation/raids";
    let (status, _) = house.send("POST", &format!("{base}/end"), None, None).await;
    assert_eq!(status, 409);
    let (status, raid) = house
        .send("POST", base, None, Some(json!({ "action": "timeout", "reason": "Many", "minutes": 10 })))
        .await;
    assert_eq!((status, &raid["action"]), (201, &json!("timeout")));
    assert_eq!(
        house.send("POST", base, None, Some(json!({ "action": "kick", "reason": "Many" }))).await.0,
        409
    );
    assert_eq!(
        house
            .send("POST", base, None, Some(json!({ "action": "kick", "reason": "Many", "minutes": 0 })))
            .await
            .0,
        400
    );
    assert_eq!(ops::raid_joined(house.pool(), GUILD, &joined(10, 13)).await.unwrap(), 3);
    let id = raid["id"].as_str().unwrap();
    let (status, let_go) = house.send("POST", &format!("{base}/{id}/release"), None, None).await;
    assert_eq!((status, &let_go["released"]), (200, &json!(3)));
    let (_, page) = house.send("GET", base, None, None).await;
    assert_eq!(page["items"][0]["cases"], json!(3));
    let due = super::due(house.pool()).await;
    assert!(due.iter().any(|effect| matches!(effect.payload, Payload::IncidentActions { until: Some(_) })));
    let (_, failed) = house.send("GET", "/guilds/1/moderation/effects", None, None).await;
    assert_eq!(failed["items"], json!([]));
}
