//! Announcements: once each, three a minute a channel, and never about who does not wish it.

use community::announcements::Producer;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::house::{ADA, House, give, house};

async fn queue(house: &House, status: &str) -> Vec<Value> {
    let page = house.ok("GET", &format!("/announcements?status={status}"), None).await;
    page["items"].as_array().unwrap().clone()
}

/// A minute passes for what was sent and for the timers that wait.
async fn minute(house: &House) {
    house.run(
        "UPDATE community.announcements SET sent_at = sent_at - interval '1 minute' WHERE sent_at IS NOT NULL;
         UPDATE jobs.timers SET scheduled_at = now() WHERE status = 'PENDING' AND kind = 'community.announcements_release'",
    )
    .await;
    let wake = jobs::Wake::new();
    let node = jobs::Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    for _ in 0..2 {
        let settings = jobs::EngineSettings::default();
        jobs::timers::spawn(house.pool(), community::jobs::handlers(), settings, &node.handle(), &wake);
    }
    let open = "SELECT count(*) FROM jobs.timers WHERE status = 'PENDING' AND scheduled_at <= now()
                   AND kind = 'community.announcements_release'";
    while house.count(open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
}

#[tokio::test]
async fn three_a_minute_leave_for_a_channel_and_the_rest_wait() {
    let house = house().await;
    house.follow("community.announcements").await;
    let here = json!({ "kind": "award", "channel_id": "500" });
    house.ok("PUT", "/announcement-channels", Some(here)).await;
    for n in 0..8 {
        let body = json!({ "user_ids": ["7"], "gold": 1, "reason": format!("number {n}") });
        house.ok("POST", "/awards", Some(body)).await;
    }
    // What is taken is told to nobody, and level-ups have no channel.
    house
        .ok("POST", "/awards/revocations", Some(json!({ "user_ids": ["7"], "gold": 1, "reason": "x" })))
        .await;
    give(&house, ADA, "a", 200, 0).await;
    // Several nodes at once.
    join_all((0..4).map(|_| house.deliver(&Producer))).await;
    house.deliver(&Producer).await;
    assert_eq!((queue(&house, "sent").await.len(), queue(&house, "pending").await.len()), (3, 5));
    for left in [2, 0] {
        minute(&house).await;
        assert_eq!(queue(&house, "pending").await.len(), left);
    }
    let due = house.events("announcement.due").await;
    assert_eq!(
        (due.len(), &due[0]["channel_id"], &due[0]["what"]["event"]),
        (8, &json!("500"), &json!("member.awarded"))
    );
    let told: Vec<&str> = due.iter().map(|one| one["what"]["reason"].as_str().unwrap()).collect();
    assert_eq!(told[..3], ["number 0", "number 1", "number 2"], "the oldest first");
    // Each once, though the events are read again.
    house.run("UPDATE jobs.outbox_cursors SET transaction_id = '0', id = 0").await;
    house.deliver(&Producer).await;
    assert_eq!(house.count("SELECT count(*) FROM community.announcements").await, 8);
}

#[tokio::test]
async fn who_does_not_wish_it_is_not_announced() {
    let house = house().await;
    house.follow("community.announcements").await;
    for kind in ["level_up", "award", "achievement"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    house
        .run(
            "INSERT INTO people.user_preferences (guild_id, user_id, announce_level_up) VALUES (1, 7, false)",
        )
        .await;
    house.ok("POST", "/awards", Some(json!({ "user_ids": ["7", "8"], "xp": 200, "reason": "both" }))).await;
    house.deliver(&Producer).await;
    let suppressed = queue(&house, "suppressed").await;
    assert_eq!(
        (suppressed.len(), &suppressed[0]["user_id"], &suppressed[0]["kind"]),
        (1, &json!("7"), &json!("level_up"))
    );
    assert_eq!(queue(&house, "sent").await.len(), 3, "two awards, and Bob's level");

    // An achievement with a channel of its own goes there; a kind that is switched off goes nowhere.
    let own = json!({ "name": "Own", "requirement_type": "custom", "announce_channel_id": "600" });
    let own = house.ok("POST", "/achievements", Some(own)).await;
    house.ok("POST", &format!("/achievements/{}/grants", own["id"]), Some(json!({ "user_id": "8" }))).await;
    house.deliver(&Producer).await;
    assert_eq!(
        house.ok("GET", "/announcements?channel_id=600", None).await["items"][0]["kind"],
        "achievement"
    );
    let off = json!({ "kind": "achievement", "channel_id": "500", "enabled": false });
    house.ok("PUT", "/announcement-channels", Some(off)).await;
    house.ok("POST", &format!("/achievements/{}/grants", own["id"]), Some(json!({ "user_id": "7" }))).await;
    house.deliver(&Producer).await;
    assert_eq!(
        house.ok("GET", "/announcements?channel_id=600", None).await["items"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn what_has_waited_for_a_day_is_no_news() {
    let house = house().await;
    house.follow("community.announcements").await;
    for kind in ["award", "notice"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    for n in 0..6 {
        let body = json!({ "user_ids": ["7"], "gold": 1, "reason": format!("number {n}") });
        house.ok("POST", "/awards", Some(body)).await;
    }
    house.deliver(&Producer).await;
    house.ok("POST", "/announcements", Some(json!({ "text": "The server moves tonight." }))).await;
    house.run("UPDATE community.announcements SET created_at = created_at - interval '25 hours'").await;
    minute(&house).await;
    assert_eq!((queue(&house, "suppressed").await.len(), queue(&house, "pending").await.len()), (3, 0));
    let sent = queue(&house, "sent").await;
    assert_eq!(sent.iter().filter(|one| one["kind"] == "notice").count(), 1, "what people said is said");
}

#[tokio::test]
async fn an_administrator_says_something_and_takes_it_back() {
    let house = house().await;
    assert_eq!(house.send("POST", "/announcements", Some(json!({ "text": "Hello" }))).await.0, 400);
    let say = json!({ "text": "Hello", "channel_id": "9" });
    for _ in 0..3 {
        let said = house.ok("POST", "/announcements", Some(say.clone())).await;
        assert_eq!(said["status"], "sent");
    }
    let waits = house.ok("POST", "/announcements", Some(say)).await;
    assert_eq!(waits["status"], "pending");
    let path = format!("/announcements/{}", waits["id"].as_str().unwrap());
    assert_eq!(house.ok("DELETE", &path, None).await["status"], "suppressed");
    assert_eq!(house.send("DELETE", &path, None).await.0, 409);
    assert_eq!(
        house.send("POST", "/announcements", Some(json!({ "text": " ", "channel_id": "9" }))).await.0,
        400
    );
}

#[tokio::test]
async fn preferences_are_asked_when_an_announcements_turn_comes() {
    let house = house().await;
    house
        .ok("PUT", "/preferences", Some(json!({ "announce_level_up": false, "announce_awards": false })))
        .await;
    house.follow("community.announcements").await;
    for kind in ["level_up", "award"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    house.ok("POST", "/awards", Some(json!({ "user_ids": ["7", "8"], "xp": 200, "reason": "both" }))).await;
    house.deliver(&Producer).await;
    let due = house.events("announcement.due").await;
    let told: Vec<_> = due.iter().map(|one| (&one["kind"], &one["user_id"])).collect();
    assert_eq!(told.len(), 2, "{due:?}");
    assert!(told.iter().all(|(_, user)| **user == json!("8")), "{due:?}");
}
