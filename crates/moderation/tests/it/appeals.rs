//! Appeals: by link, once per cooldown, decided with a reason, undone on acceptance.

use access::testing::House;
use moderation::model::{Action, NewCase};
use moderation::ops;
use serde_json::json;

use super::{ADA, GUILD, due, make};

#[tokio::test]
async fn a_banned_member_appeals_by_the_link_that_they_were_sent() {
    let house = House::new(GUILD, &["moderation:read", "moderation:write", "moderation:own"], |_| {
        moderation::router().split_for_parts().0
    })
    .await;
    let pool = house.pool();
    let ban = make(pool, NewCase::about(Action::Ban, ADA, "Spam")).await;
    let told = due(pool).await.remove(0);
    let token = told.appeal_token.unwrap();
    let path = format!("/appeals/{token}");
    let (status, shown) = house.send("GET", &path, None, None).await;
    assert_eq!((status, &shown["reason"], &shown["in_force"]), (200, &json!("Spam"), &json!(true)));
    for wrong in ["x", "1.x", "2.x", &token.replacen("1.", "2.", 1), &format!("{token}x")] {
        assert_eq!(house.send("GET", &format!("/appeals/{wrong}"), None, None).await.0, 404, "{wrong}");
    }
    assert_eq!(house.send("POST", &path, None, Some(json!({ "statement": " " }))).await.0, 400);
    let both = futures::future::join_all((0..2).map(|n| {
        house.send("POST", &path, None, Some(json!({ "statement": format!("It was not me {n}") })))
    }))
    .await;
    let mut statuses: Vec<u16> = both.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let (_, page) = house.send("GET", "/guilds/1/moderation/appeals?status=open", None, None).await;
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    let base = format!("/guilds/1/moderation/appeals/{id}");
    let (status, thread) =
        house.send("POST", &format!("{base}/notes"), None, Some(json!({ "body": "I believe them" }))).await;
    assert_eq!((status, &thread["notes"][0]["body"]), (201, &json!("I believe them")));
    let (status, decided) = house
        .send(
            "POST",
            &format!("{base}/decision"),
            None,
            Some(json!({ "accept": true, "reason": "A mistake" })),
        )
        .await;
    assert_eq!((status, &decided["status"]), (200, &json!("accepted")));
    assert_eq!(
        house
            .send("POST", &format!("{base}/decision"), None, Some(json!({ "accept": false, "reason": "No" })))
            .await
            .0,
        409
    );
    let ban = ops::case_get(pool, GUILD, ban.case_number).await.unwrap();
    assert_eq!(ban.resolution.unwrap().as_str(), "appealed");
    let (_, shown) = house.send("GET", &path, None, None).await;
    assert_eq!((&shown["last"]["decision_reason"], &shown["in_force"]), (&json!("A mistake"), &json!(false)));
    assert!(shown["last"].get("decided_by").is_none(), "who decided is for staff");
}

#[tokio::test]
async fn once_per_cooldown_and_only_of_ones_own_cases() {
    let house = House::new(GUILD, &["moderation:read", "moderation:write", "moderation:own"], |_| {
        moderation::router().split_for_parts().0
    })
    .await;
    let pool = house.pool();
    make(pool, NewCase::about(Action::Warn, ADA, "Loud")).await;
    make(pool, NewCase::about(Action::Note, ADA, "Watch them")).await;
    let said = json!({ "statement": "I was not loud" });
    let path = "/guilds/1/moderation/own-cases/1/appeals";
    assert_eq!(house.send("POST", path, Some(8), Some(said.clone())).await.0, 404);
    assert_eq!(
        house.send("POST", "/guilds/1/moderation/own-cases/2/appeals", Some(7), Some(said.clone())).await.0,
        404
    );
    assert_eq!(house.send("POST", path, Some(7), Some(said.clone())).await.0, 201);
    let (_, page) = house.send("GET", "/guilds/1/moderation/appeals", None, None).await;
    let id = page["items"][0]["id"].as_str().unwrap().to_owned();
    let decision = format!("/guilds/1/moderation/appeals/{id}/decision");
    assert_eq!(
        house.send("POST", &decision, None, Some(json!({ "accept": false, "reason": "You were" }))).await.0,
        200
    );
    let (status, problem) = house.send("POST", path, Some(7), Some(said.clone())).await;
    assert_eq!((status, problem["type"].as_str().unwrap()), (409, "/problems/appeal-too-early"), "{problem}");
    sqlx::query("UPDATE moderation.appeals SET created_at = created_at - interval '1 year', next_allowed_at = created_at")
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(house.send("POST", path, Some(7), Some(said)).await.0, 201);
}
