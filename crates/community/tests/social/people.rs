//! What members see and choose for themselves.

use community::announcements::Producer;
use jobs::outbox::consume_batch;
use kernel::UserId;
use serde_json::json;

use crate::house::{ADA, BOB, House};

#[tokio::test]
async fn a_member_chooses_what_is_announced_about_them() {
    let house = House::new().await;
    let all = json!({ "announce_level_up": true, "announce_achievements": true, "announce_awards": true });
    assert_eq!(house.ok("GET", "/preferences", None).await, all);
    let quiet = json!({ "announce_level_up": false, "announce_awards": false });
    let chosen = house.ok("PUT", "/preferences", Some(quiet.clone())).await;
    assert_eq!(
        chosen,
        json!({ "announce_level_up": false, "announce_achievements": true, "announce_awards": false })
    );
    assert_eq!(house.ok("PUT", "/preferences", Some(quiet)).await, chosen, "again changes nothing");
    assert_eq!(house.ok("GET", "/preferences", None).await, chosen);
    // Others' are theirs, in this guild and in others.
    let (status, of_bob) = house.send_as(BOB, "GET", "/preferences", None).await;
    assert_eq!((status, of_bob), (200, all));
    assert_eq!(house.count("SELECT count(*) FROM people.user_preferences").await, 1);
    for bad in [json!({ "announce_nothing": true }), json!({ "announce_awards": "no" }), json!(7)] {
        let (status, _) = house.send("PUT", "/preferences", Some(bad.clone())).await;
        assert_eq!(status, 400, "{bad}");
    }
    assert_eq!(house.send_as(UserId::new(99), "PUT", "/preferences", Some(json!({}))).await.0, 404);

    // They are asked when an announcement's turn comes.
    house.follow("community.announcements").await;
    for kind in ["level_up", "award"] {
        house.ok("PUT", "/announcement-channels", Some(json!({ "kind": kind, "channel_id": "500" }))).await;
    }
    house.ok("POST", "/awards", Some(json!({ "user_ids": ["7", "8"], "xp": 200, "reason": "both" }))).await;
    house.settled().await;
    let mut conn = house.pool().acquire().await.unwrap();
    while consume_batch(&mut conn, &Producer).await.unwrap() > 0 {}
    let due = house.events("announcement.due").await;
    let told: Vec<_> = due.iter().map(|one| (&one["kind"], &one["user_id"])).collect();
    assert_eq!(told.len(), 2, "{due:?}");
    assert!(told.iter().all(|(_, user)| **user == json!("8")), "{due:?}");
}

#[tokio::test]
async fn a_members_seasons_tell_what_they_did_and_where_they_stood() {
    let house = House::new().await;
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
    house.run("UPDATE people.users SET is_bot = true WHERE id = 8").await;
    assert_eq!(board().await, [1, 1], "bots are on none");
    house.run("UPDATE people.users SET is_bot = false").await;
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

#[tokio::test]
async fn a_guilds_chart_has_what_was_granted_besides_what_events_brought() {
    let house = House::new().await;
    house.give(ADA, "a", 1_200, 30).await;
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

#[tokio::test]
async fn a_copy_holds_everything_and_forgetting_leaves_no_words_about_them() {
    let house = House::new().await;
    house.follow("community.announcements").await;
    house.ok("PUT", "/announcement-channels", Some(json!({ "kind": "award", "channel_id": "500" }))).await;
    let award = json!({ "user_ids": ["7"], "gold": 500, "reason": "Ada Lovelace spoke" });
    house.ok("POST", "/awards", Some(award)).await;
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
    house.settled().await;
    let mut conn = house.pool().acquire().await.unwrap();
    while consume_batch(&mut conn, &Producer).await.unwrap() > 0 {}

    let copy = house.ok("GET", "/members/7/export", None).await;
    assert_eq!(copy["purchases"][0]["item"], "Coffee");
    assert_eq!(
        (&copy["quests"][0]["title"], &copy["quests"][0]["status"]),
        (&json!("Mend the gate"), &json!("claimed"))
    );
    assert_eq!(
        (&copy["skills"][0]["skill"], &copy["skills"][0]["skill_points"]),
        (&json!("graphs"), &json!(40))
    );
    assert_eq!(copy["announcements"][0]["what"]["reason"], "Ada Lovelace spoke");
    assert_eq!(copy["activity"].as_array().unwrap().len(), 2, "the award and the purchase");
    let of_bob = house.ok("GET", "/members/8/export", None).await;
    for what in ["purchases", "quests", "skills", "skill_rewards", "standings", "announcements", "activity"] {
        assert_eq!(of_bob[what], json!([]), "{what}");
    }

    for _ in 0..2 {
        house.ok("POST", "/members/7/erasure", Some(json!({ "reason": "asked for" }))).await;
    }
    let left = house.ok("GET", "/members/7/export", None).await;
    assert!(!left.to_string().contains("Lovelace"), "{left}");
    assert_eq!((&left["announcements"], &left["quests"]), (&json!([]), &json!([])));
    assert_eq!(house.ok("GET", &format!("/board/{quest}"), None).await["status"], "open");
    assert_eq!(house.events("board.quest_released").await.len(), 1);
    assert_eq!(house.figures(ADA).await.1, 400, "balances are what the journal says");
    house.assert_sound().await;
}
