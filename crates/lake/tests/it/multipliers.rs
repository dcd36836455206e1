//! Categories and timed events, over HTTP and as batches of events see them.

use chrono::TimeDelta;
use jobs::{EngineSettings, Node, Wake};
use kernel::ChannelId;
use lake::categories::Interaction;
use lake::multipliers::multipliers_of;
use serde_json::json;

use crate::house::{GUILD, OTHER, house};

#[tokio::test]
async fn a_channel_is_in_one_category_and_a_removed_one_lets_it_go() {
    let house = house().await;
    let help = json!({
        "name": "Help", "channels": ["5", "6"],
        "multipliers": [{ "interaction_type": "MESSAGE", "xp_multiplier": 1.5 }],
    });
    let help = house.ok("POST", "/categories", Some(help)).await;
    assert_eq!(
        (&help["channels"], &help["multipliers"][0]["star_multiplier"]),
        (&json!(["5", "6"]), &json!(1.0))
    );
    let other = json!({ "name": "Other", "channels": ["6"] });
    assert_eq!(house.send("POST", "/categories", Some(other.clone())).await.0, 409);
    assert_eq!(house.send("POST", "/categories", Some(json!({ "name": "Help" }))).await.0, 409);
    for bad in [
        json!({ "name": "X", "multipliers": [{ "interaction_type": "MESSAGE", "xp_multiplier": 101 }] }),
        json!({ "name": "X", "multipliers": [{ "interaction_type": "DANCE" }] }),
        json!({ "name": "X", "multipliers": [{ "interaction_type": "MESSAGE" }, { "interaction_type": "MESSAGE" }] }),
    ] {
        assert_eq!(house.send("POST", "/categories", Some(bad.clone())).await.0, 400, "{bad}");
    }
    let path = format!("/categories/{}", help["id"]);
    let changed =
        house.ok("PATCH", &path, Some(json!({ "channels": ["5", "7"], "description": "ask" }))).await;
    assert_eq!((&changed["channels"], &changed["description"]), (&json!(["5", "7"]), &json!("ask")));
    assert_eq!(changed["multipliers"], help["multipliers"]);
    house.ok("POST", "/categories", Some(other)).await;
    let gone = house.ok("DELETE", &path, None).await;
    assert_eq!((&gone["active"], &gone["channels"]), (&json!(false), &json!([])));
    house.ok("DELETE", &path, None).await;
    assert_eq!(house.ok("GET", "/categories", None).await["items"].as_array().unwrap().len(), 1);
    let audited = house.audited("lake.categories").await;
    assert_eq!(audited, ["CREATE", "UPDATE", "CREATE", "DELETE"]);
}

#[tokio::test]
async fn a_double_xp_weekend_counts_by_when_things_happened() {
    let house = house().await;
    let help = json!({
        "name": "Help", "channels": ["5"],
        "multipliers": [{ "interaction_type": "MESSAGE", "xp_multiplier": 3, "star_multiplier": 0 }],
    });
    let help = house.ok("POST", "/categories", Some(help)).await;
    let now = house.now().await;
    let weekend = json!({
        "name": "Double XP weekend", "starts_at": now - TimeDelta::hours(2), "ends_at": now + TimeDelta::hours(2),
        "interaction_types": ["MESSAGE", "MESSAGE"],
    });
    let weekend = house.ok("POST", "/multiplier-events", Some(weekend)).await;
    assert_eq!(weekend["interaction_types"], json!(["MESSAGE"]));
    let only_help = json!({
        "name": "Help week", "ends_at": now + TimeDelta::hours(2), "xp_multiplier": 5, "category_id": help["id"],
    });
    house.ok("POST", "/multiplier-events", Some(only_help)).await;
    let unknown = json!({ "name": "x", "ends_at": now + TimeDelta::hours(1), "category_id": 999 });
    assert_eq!(house.send("POST", "/multiplier-events", Some(unknown)).await.0, 409);
    for bad in [
        json!({ "name": "x", "ends_at": now - TimeDelta::hours(1) }),
        json!({ "name": "x", "ends_at": now + TimeDelta::hours(1), "xp_multiplier": -1 }),
        json!({ "name": "x", "ends_at": now + TimeDelta::hours(1), "interaction_types": [] }),
        json!({ "name": "x", "ends_at": "9999-12-31T00:00:00Z" }),
    ] {
        assert_eq!(house.send("POST", "/multiplier-events", Some(bad.clone())).await.0, 400, "{bad}");
    }

    let mut conn = house.pool().acquire().await.unwrap();
    let seen = multipliers_of(&mut conn, GUILD).await.unwrap();
    let soon = now + TimeDelta::hours(1);
    let factors = |channel, at| -> Vec<(f64, f64)> {
        let weighed = seen.active_at(Interaction::Message, Some(ChannelId::new(channel)), at);
        weighed.multipliers.iter().map(|factor| (factor.xp, factor.stars)).collect()
    };
    assert_eq!(factors(9, soon), [(2.0, 1.0)]);
    assert_eq!(factors(5, soon), [(3.0, 0.0), (2.0, 1.0), (5.0, 1.0)]);
    assert_eq!(factors(9, now - TimeDelta::hours(3)), []);
    assert_eq!(factors(9, now + TimeDelta::hours(2)), []);
    let elsewhere = multipliers_of(&mut conn, OTHER).await.unwrap();
    assert_eq!(elsewhere.timed.len() + elsewhere.categories.len(), 0);

    // Called off, it ends now: what it multiplied stays.
    let path = format!("/multiplier-events/{}", weekend["id"]);
    let late = json!({ "starts_at": now - TimeDelta::hours(1) });
    assert_eq!(house.send("PATCH", &path, Some(late)).await.0, 409);
    let ended = house.ok("DELETE", &path, None).await;
    assert_eq!(ended["active"], true);
    assert_eq!(house.ok("DELETE", &path, None).await["ends_at"], ended["ends_at"]);
    assert_eq!(house.send("PATCH", &path, Some(json!({ "name": "y" }))).await.0, 409);
    assert_eq!(house.events("multiplier.called_off").await.len(), 1);
    assert_eq!(house.audited("lake.multiplier_events").await, ["CREATE", "CREATE", "DELETE"]);
}

#[tokio::test]
async fn everybody_hears_when_one_is_planned_begins_ends_or_is_called_off() {
    let house = house().await;
    let now = house.now().await;
    let soon = |hours| now + TimeDelta::hours(hours);
    let weekend = json!({ "name": "Weekend", "starts_at": soon(4), "ends_at": soon(6) });
    let weekend = house.ok("POST", "/multiplier-events", Some(weekend)).await;
    // Its end moves: nothing is told of the old one.
    let path = format!("/multiplier-events/{}", weekend["id"]);
    house.ok("PATCH", &path, Some(json!({ "ends_at": soon(8) }))).await;
    let at_once = json!({ "name": "At once", "ends_at": now + TimeDelta::hours(1) });
    house.ok("POST", "/multiplier-events", Some(at_once)).await;
    let never = json!({ "name": "Never", "starts_at": soon(5), "ends_at": soon(7) });
    let never = house.ok("POST", "/multiplier-events", Some(never)).await;
    house.ok("DELETE", &format!("/multiplier-events/{}", never["id"]), None).await;
    // Nine hours later, but for what began at once. A timer bears the instant that it waits for.
    house
        .run(
            "UPDATE lake.multiplier_events SET starts_at = starts_at - interval '9 hours', ends_at = ends_at - interval '9 hours'
              WHERE starts_at > now();
             UPDATE jobs.timers SET scheduled_at = scheduled_at - interval '9 hours',
                 payload = jsonb_set(payload, '{at}', to_jsonb((payload ->> 'at')::timestamptz - interval '9 hours'))
              WHERE kind = 'lake.multiplier_turn' AND scheduled_at > now() + interval '2 hours'",
        )
        .await;

    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "t", "0", &["worker"], wake.clone()).await.unwrap();
    for _ in 0..2 {
        let handlers = lake::jobs::handlers();
        jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    }
    let open = "SELECT count(*) FROM jobs.timers WHERE kind = 'lake.multiplier_turn' AND status = 'PENDING'
                   AND scheduled_at < now() + interval '1 minute'";
    while house.count(open).await > 0 {
        tokio::task::yield_now().await;
    }
    assert!(node.stop(std::time::Duration::from_mins(2)).await.unwrap());
    let mut told = Vec::new();
    for what in ["scheduled", "started", "ended", "called_off"] {
        let names =
            house.events(&format!("multiplier.{what}")).await.into_iter().map(|one| one["name"].clone());
        told.push((what, names.collect::<Vec<_>>()));
    }
    assert_eq!(
        told,
        [
            ("scheduled", vec![json!("Weekend"), json!("Never")]),
            ("started", vec![json!("At once"), json!("Weekend")]),
            ("ended", vec![json!("Weekend")]),
            ("called_off", vec![json!("Never")]),
        ]
    );
}
