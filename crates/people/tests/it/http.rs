//! Members over HTTP.

use access::testing::House;
use kernel::GuildId;
use serde_json::{Value, json};

/// The slice's routes on a database of their own, with a key for guild 1.
async fn house_for(scopes: &[&str]) -> House {
    House::new(GuildId::new(1), scopes, |_| people::router().split_for_parts().0).await
}

#[tokio::test]
async fn a_member_is_added_changed_and_seen() {
    let house = house_for(&["community:read", "community:write"]).await;
    let (status, made) = house.send("PUT", "/guilds/1/members/7", None, Some(json!({ "name": "Ada" }))).await;
    assert_eq!((status, &made["name"], &made["level"]), (200, &json!("Ada"), &json!(1)));
    assert_eq!(made["user_id"], "7");
    let (_, again) = house.send("PUT", "/guilds/1/members/7", None, Some(json!({ "is_bot": true }))).await;
    assert_eq!((&again["name"], &again["is_bot"]), (&json!("Ada"), &json!(true)));
    house.send("PUT", "/guilds/1/members/7", None, Some(json!({ "is_bot": true }))).await;
    let audited: Vec<String> = sqlx::query_scalar("SELECT action_type FROM access.admin_log ORDER BY id")
        .fetch_all(house.database.pool())
        .await
        .unwrap();
    assert_eq!(audited, ["CREATE", "CREATE", "UPDATE"], "the key, the member, one change");
}

#[tokio::test]
async fn members_are_listed_in_pages_without_gaps() {
    let house = house_for(&["community:read", "community:write"]).await;
    for user in 1..=5 {
        house.send("PUT", &format!("/guilds/1/members/{user}"), None, Some(json!({}))).await;
    }
    let (mut path, mut seen) = ("/guilds/1/members?limit=2".to_owned(), Vec::new());
    loop {
        let (status, page) = house.send("GET", &path, None, None).await;
        assert_eq!(status, 200);
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|m| m["user_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/guilds/1/members?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let house = house_for(&["community:read", "community:write"]).await;
    for (method, path, body, status, field) in [
        ("PUT", "/guilds/1/members/0", json!({}), 400, "user_id"),
        ("PUT", "/guilds/1/members/abc", json!({}), 400, "user_id"),
        ("PUT", "/guilds/1/members/7", json!({ "name": "" }), 400, "name"),
        ("PUT", "/guilds/1/members/7", json!({ "nmae": "Ada" }), 400, "nmae"),
        ("GET", "/guilds/1/members?limit=0", Value::Null, 400, "limit"),
        ("GET", "/guilds/1/members?cursor=x", Value::Null, 400, "cursor"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let (got, problem) = house.send(method, path, None, body).await;
        assert_eq!((got, &problem["errors"][0]["field"]), (status, &json!(field)), "{path}: {problem}");
    }
    assert_eq!(house.send("GET", "/guilds/2/members", None, None).await.0, 404);
    assert_eq!(house_for(&["squads:read"]).await.send("GET", "/guilds/1/members", None, None).await.0, 403);
}

#[tokio::test]
async fn who_left_and_is_put_again_is_there_again() {
    let house = house_for(&["community:read", "community:write"]).await;
    house.send("PUT", "/guilds/1/members/7", None, Some(json!({ "name": "Ada" }))).await;
    sqlx::query("UPDATE people.members SET left_at = now(), joined_at = now() - interval '1 year'")
        .execute(house.database.pool())
        .await
        .unwrap();
    let (status, back) = house.send("PUT", "/guilds/1/members/7", None, Some(json!({}))).await;
    assert_eq!((status, &back["left_at"], &back["name"]), (200, &Value::Null, &json!("Ada")), "{back}");
    let since: bool = sqlx::query_scalar("SELECT joined_at > now() - interval '1 hour' FROM people.members")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    assert!(since, "they joined anew");
    house.send("PUT", "/guilds/1/members/7", None, Some(json!({}))).await;
    let audited: i64 =
        sqlx::query_scalar("SELECT count(*) FROM access.admin_log WHERE action_type = 'UPDATE'")
            .fetch_one(house.database.pool())
            .await
            .unwrap();
    assert_eq!(audited, 1, "coming back, once");
}

#[tokio::test]
async fn what_a_guild_says_of_a_person_is_believed_by_no_other() {
    let house = house_for(&["community:read", "community:write"]).await;
    // The first guild that sees somebody calls them a bot and worse, and shows a face.
    let said = json!({ "name": "Cheat", "is_bot": true, "avatar_hash": "abc" });
    let (_, first) = house.send("PUT", "/guilds/1/members/7", None, Some(said)).await;
    assert_eq!(
        (&first["name"], &first["is_bot"], &first["avatar_hash"]),
        (&json!("Cheat"), &json!(true), &json!("abc"))
    );
    let other = GuildId::new(2);
    let put = async |edit: people::MemberEdit| {
        let (pool, origin) = (house.database.pool(), access::Origin::default());
        people::ops::member_put(pool, other, kernel::UserId::new(7), &edit, access::By::Cli, &origin)
            .await
            .unwrap()
    };
    let second = put(people::MemberEdit::default()).await;
    assert_eq!((second.name.as_str(), second.is_bot, second.avatar_hash), ("7", false, None));
    // Nor does what the second one says change anything in the first.
    put(people::MemberEdit {
        name: Some("Ada".into()),
        is_bot: Some(false),
        avatar_hash: Some("def".into()),
    })
    .await;
    let (_, still) = house.send("PUT", "/guilds/1/members/7", None, Some(json!({}))).await;
    assert_eq!(
        (&still["name"], &still["is_bot"], &still["avatar_hash"]),
        (&json!("Cheat"), &json!(true), &json!("abc"))
    );
}
