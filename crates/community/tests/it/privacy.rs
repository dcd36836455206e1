//! A copy of what is known of a member, and forgetting them.

use chrono::TimeDelta;
use community::announcements::Producer;
use serde_json::json;

use crate::house::{ADA, assert_sound, house};

#[tokio::test]
async fn a_copy_holds_everything_and_forgetting_leaves_no_words_about_them() {
    let house = house().await;
    house.follow("community.announcements").await;
    house.ok("PUT", "/members/7", Some(json!({ "name": "Ada Lovelace" }))).await;
    house.ok("PUT", "/announcement-channels", Some(json!({ "kind": "award", "channel_id": "500" }))).await;
    let award = json!({ "user_ids": ["7"], "gold": 500, "reason": "Ada Lovelace spoke" });
    house.ok("POST", "/awards", Some(award)).await;
    let for_another = json!({ "user_ids": ["8"], "gold": 5, "reason": "Helped ada lovelace, who is 7" });
    house.ok("POST", "/awards", Some(for_another)).await;
    house
        .ok(
            "POST",
            "/board",
            Some(json!({ "title": "Ask Ada Lovelace", "description": "She is \"Ada Lovelace\"." })),
        )
        .await;
    let coffee = house.ok("GET", "/shop/items", None).await["items"][0]["id"].clone();
    house.ok("POST", &format!("/shop/items/{coffee}/purchases"), Some(json!({}))).await;
    let quest = house.ok("POST", "/board", Some(json!({ "title": "Mend the gate" }))).await["id"].clone();
    house.ok("POST", &format!("/board/{quest}/claim"), None).await;
    house.ok("POST", "/skills", Some(json!({ "slug": "graphs", "name": "Graphs" }))).await;
    house
        .run(
            "INSERT INTO community.user_skills (guild_id, user_id, skill_id, skill_points)
             SELECT 1, 7, id, 40 FROM community.skills WHERE guild_id = 1",
        )
        .await;
    house.deliver(&Producer).await;

    let copy = house.ok("GET", "/members/7/export", None).await;
    assert_eq!(copy["slices"]["community"]["purchases"][0]["item"], "Coffee");
    assert_eq!(
        (
            &copy["slices"]["community"]["quests"][0]["title"],
            &copy["slices"]["community"]["quests"][0]["status"]
        ),
        (&json!("Mend the gate"), &json!("claimed"))
    );
    assert_eq!(
        (
            &copy["slices"]["community"]["skills"][0]["skill"],
            &copy["slices"]["community"]["skills"][0]["skill_points"]
        ),
        (&json!("graphs"), &json!(40))
    );
    assert_eq!(copy["slices"]["community"]["announcements"][0]["what"]["reason"], "Ada Lovelace spoke");
    assert_eq!(
        copy["slices"]["progress"]["activity"].as_array().unwrap().len(),
        2,
        "the award and the purchase"
    );
    let of_bob = house.ok("GET", "/members/8/export", None).await;
    let of_bob = &of_bob["slices"];
    for what in ["purchases", "quests", "skills", "skill_rewards"] {
        assert_eq!(of_bob["community"][what], json!([]), "{what}");
    }
    for what in ["seasons", "achievements", "standings"] {
        assert_eq!(of_bob["progress"][what], json!([]), "{what}");
    }
    let announced = of_bob["community"]["announcements"].as_array().unwrap();
    assert!(announced.len() == 1 && announced[0]["what"]["user_id"] == "8", "his own alone: {announced:?}");
    assert_eq!(of_bob["progress"]["activity"].as_array().unwrap().len(), 1, "the award");

    for _ in 0..2 {
        house.ok("POST", "/members/7/erasure", Some(json!({ "reason": "asked for" }))).await;
    }
    let left = house.ok("GET", "/members/7/export", None).await;
    assert!(!left.to_string().contains("Lovelace"), "{left}");
    assert_eq!(
        (&left["slices"]["community"]["announcements"], &left["slices"]["community"]["quests"]),
        (&json!([]), &json!([]))
    );
    for of_others in [
        "SELECT count(*) FROM access.admin_log l WHERE concat(l.before_snapshot, l.after_snapshot, l.reason) ILIKE '%lovelace%'",
        "SELECT count(*) FROM community.announcements a WHERE a.payload::text ILIKE '%lovelace%'",
        "SELECT count(*) FROM progress.activity_log a WHERE a.metadata::text ILIKE '%lovelace%'",
    ] {
        assert_eq!(house.count(of_others).await, 0, "{of_others}");
    }
    let kept = "SELECT count(*) FROM access.admin_log WHERE after_snapshot->>'description' = 'She is \"Deleted member\".'";
    assert_eq!(house.count(kept).await, 1);
    assert_eq!(house.ok("GET", &format!("/board/{quest}"), None).await["status"], "open");
    assert_eq!(house.events("board.quest_released").await.len(), 1);
    assert_eq!(house.figures(ADA).await.1, 400, "balances are what the journal says");
    assert_sound(&house).await;
}

#[tokio::test]
async fn a_member_gets_a_copy_and_is_forgotten() {
    let house = house().await;
    let now = house.now().await;
    let message = json!({
        "event_type": "message_create", "user_id": "7", "channel_id": "9", "source_id": "a",
        "timestamp": now - TimeDelta::seconds(100), "payload": { "length": 10 },
    });
    let reaction = json!({
        "event_type": "reaction_add", "user_id": "7", "target_id": "8", "channel_id": "9", "source_id": "r",
        "timestamp": now, "payload": { "message_id": "5" },
    });
    house.ok("POST", "/lake/events", Some(json!({ "events": [message, reaction] }))).await;
    // In no other guild: the name is the person's own.
    house.run("DELETE FROM people.members WHERE guild_id = 2").await;
    house.ok("PUT", "/members/7", Some(json!({ "name": "Zaphod" }))).await;
    let copy = house.ok("GET", "/members/7/export", None).await;
    assert_eq!(
        (
            copy["slices"]["lake"]["events"].as_array().unwrap().len(),
            copy["slices"]["progress"]["activity"].as_array().unwrap().len()
        ),
        (2, 2)
    );
    assert_eq!(copy["slices"]["access"]["changed_by_administrators"][0]["after"]["name"], "Zaphod", "{copy}");
    for again in [false, true] {
        let reason = json!({ "reason": "asked for by mail" });
        let erased = house.ok("POST", "/members/7/erasure", Some(reason)).await;
        assert_eq!((erased["person"] == true, erased["rows"] == 0), (true, again), "{erased}");
        assert_eq!(house.count("SELECT count(*) FROM lake.event_lake WHERE user_id = 7").await, 1);
    }
    let profile = house.ok("GET", "/members/7", None).await;
    assert_eq!((&profile["name"], &profile["rank"]), (&json!("Deleted member"), &json!(null)));
    assert_eq!(house.ok("GET", "/members/8", None).await["xp"], 8, "what others earned stays");
    let days = house.ok("GET", "/days", None).await;
    let days = days.as_array().unwrap();
    let counted = |kind: &str| days.iter().filter_map(|day| day["events"][kind].as_i64()).sum::<i64>();
    assert_eq!(
        (counted("message_create"), counted("reaction_add")),
        (0, 1),
        "charts of the guild are without them"
    );
    assert_sound(&house).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(house.pool())
    .await
    .unwrap();
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%Zaphod%'");
        let named: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(house.pool()).await.unwrap();
        assert_eq!(named, 0, "{table}");
    }
    assert_eq!(house.send("POST", "/members/7/erasure", Some(json!({ "reason": " " }))).await.0, 400);
    house.ok("PUT", "/members/7", Some(json!({ "name": "Back" }))).await;
    let back = house.ok("GET", "/members/7", None).await;
    assert_eq!(back["name"], "Back", "whoever comes back has a name again");
}

/// Others named them, too: in why they gave, took and changed something.
#[tokio::test]
async fn a_name_is_forgotten_in_others_reasons() {
    let house = house().await;
    for reason in ["for helping Ada with the gate", "ADA asked; Adamant helped"] {
        let award = json!({ "user_ids": ["8"], "gold": 1, "reason": reason });
        house.ok("POST", "/awards", Some(award)).await;
    }
    house.ok("POST", "/members/7/erasure", Some(json!({ "reason": "asked for" }))).await;
    let reasons: Vec<String> = sqlx::query_scalar(
        "SELECT reason FROM (SELECT metadata ->> 'reason' AS reason FROM progress.activity_log WHERE user_id = 8
         UNION ALL SELECT reason FROM access.admin_log) r WHERE reason LIKE '%help%' ORDER BY 1",
    )
    .fetch_all(house.pool())
    .await
    .unwrap();
    let (first, second) =
        ("Deleted member asked; Adamant helped", "for helping Deleted member with the gate");
    assert_eq!(reasons, [first, first, second, second]);
}
