//! Awards.

use serde_json::json;

use crate::house::{ADA, BOB, assert_sound, give, house};

#[tokio::test]
async fn awards_are_given_to_all_or_to_none_and_audited() {
    let house = house().await;
    let talk = json!({ "user_ids": ["7", "8", "7"], "xp": 200, "stars": 3, "reason": "a talk" });
    let awarded = house.ok("POST", "/awards", Some(talk)).await;
    assert_eq!(
        (&awarded["members"][0]["level"], awarded["members"].as_array().unwrap().len()),
        (&json!(3), 2)
    );
    assert_eq!(house.figures(ADA).await, (200, 100, 3));
    let stranger = json!({ "user_ids": ["7", "99"], "xp": 1, "reason": "x" });
    assert_eq!(house.send("POST", "/awards", Some(stranger)).await.0, 400);
    for bad in [
        json!({ "user_ids": ["7"], "reason": "nothing" }),
        json!({ "user_ids": [], "xp": 1, "reason": "nobody" }),
        json!({ "user_ids": ["7"], "xp": -1, "reason": "less" }),
        json!({ "user_ids": ["7"], "xp": 1, "reason": " " }),
    ] {
        assert_eq!(house.send("POST", "/awards", Some(bad.clone())).await.0, 400, "{bad}");
    }
    give(&house, BOB, "spent", 0, -60).await;
    let back = json!({ "user_ids": ["7", "8"], "gold": 50, "reason": "a mistake" });
    assert_eq!(house.send("POST", "/awards/revocations", Some(back)).await.0, 409, "Bob has 40");
    assert_eq!(house.figures(ADA).await.1, 100);
    let back = json!({ "user_ids": ["7"], "xp": 200, "stars": 3, "reason": "a mistake" });
    house.ok("POST", "/awards/revocations", Some(back)).await;
    assert_eq!(house.figures(ADA).await, (0, 100, 0));
    let told = house.events("member.awarded").await;
    assert_eq!((told.len(), &told[2]["xp"]), (3, &json!(-200)));
    assert_eq!(house.audited("people.members").await, ["MANUAL_AWARD", "MANUAL_REVOKE"]);
    assert_sound(&house).await;
}

#[tokio::test]
async fn who_left_and_is_given_an_award_is_there_again() {
    let house = house().await;
    house.run("UPDATE people.members SET left_at = now() - interval '1 day' WHERE guild_id = 1").await;
    let talk = json!({ "user_ids": ["7", "8"], "xp": 200, "reason": "a talk" });
    house.ok("POST", "/awards", Some(talk)).await;
    let board = house.ok("GET", "/leaderboard", None).await;
    assert_eq!(board["items"].as_array().unwrap().len(), 2, "{board}");
    // Taking something back is no sign of anybody.
    house.run("UPDATE people.members SET left_at = now() WHERE guild_id = 1 AND user_id = 8").await;
    let back = json!({ "user_ids": ["8"], "xp": 100, "reason": "a mistake" });
    house.ok("POST", "/awards/revocations", Some(back)).await;
    assert_ne!(house.ok("GET", "/members/8", None).await["left_at"], json!(null));
    assert_sound(&house).await;
}
