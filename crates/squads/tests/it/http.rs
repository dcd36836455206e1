//! Squads over HTTP.

use access::testing::House;
use kernel::GuildId;
use serde_json::{Value, json};

/// The slice's routes on a database of their own, with a key for guild 1.
async fn house_for(scopes: &[&str]) -> House {
    House::new(GuildId::new(1), scopes, |_| squads::router().split_for_parts().0).await
}

#[tokio::test]
async fn a_squad_is_made_joined_changed_and_retired() {
    let house = house_for(&["squads:read", "squads:play", "squads:write"]).await;
    people::members_ensure(
        &mut house.database.pool().acquire().await.unwrap(),
        GuildId::new(1),
        &[(kernel::UserId::new(7), Some("Ada"))],
    )
    .await
    .unwrap();
    let new = json!({ "name": "Owls", "max_members": 1, "role_id": "55" });
    let (status, owls) = house.send("POST", "/guilds/1/squads", None, Some(new.clone())).await;
    assert_eq!((status, &owls["switch_cost"], &owls["role_id"]), (201, &json!(50), &json!("55")));
    let id = owls["id"].as_str().unwrap();
    let (status, problem) = house.send("POST", "/guilds/1/squads", None, Some(new)).await;
    assert_eq!((status, problem["type"].as_str().unwrap()), (409, "/problems/conflict"));

    let (status, change) = house.send("POST", &format!("/guilds/1/squads/{id}/join"), Some(7), None).await;
    assert_eq!((status, &change["to_squad_id"], &change["cost"]), (200, &json!(id), &json!(0)));
    let (status, _) = house.send("POST", &format!("/guilds/1/squads/{id}/join"), Some(7), None).await;
    assert_eq!(status, 409);
    let (_, page) = house.send("GET", &format!("/guilds/1/squads/{id}/members"), None, None).await;
    assert_eq!(page["items"][0]["name"], json!("Ada"));

    let edit = json!({ "max_members": null, "role_id": null, "name": "Night Owls" });
    let (status, edited) = house.send("PATCH", &format!("/guilds/1/squads/{id}"), None, Some(edit)).await;
    assert_eq!((status, &edited["name"], &edited["member_count"]), (200, &json!("Night Owls"), &json!(1)));
    assert!(edited.get("max_members").is_none() && edited.get("role_id").is_none(), "{edited}");

    assert_eq!(house.send("POST", "/guilds/1/squads/leave", Some(7), None).await.0, 200);
    let (status, gone) = house.send("DELETE", &format!("/guilds/1/squads/{id}"), None, None).await;
    assert_eq!((status, &gone["is_active"]), (200, &json!(false)));
    let (_, active) = house.send("GET", "/guilds/1/squads", None, None).await;
    assert_eq!(active["items"], json!([]));
    let (_, all) = house.send("GET", "/guilds/1/squads?with_retired=true", None, None).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let house = house_for(&["squads:read", "squads:play", "squads:write"]).await;
    for (method, path, body, field) in [
        ("POST", "squads", json!({ "name": " " }), "name"),
        ("POST", "squads", json!({}), "name"),
        ("POST", "squads", json!({ "name": "Owls", "switch_cost": -1 }), "switch_cost"),
        ("POST", "squads", json!({ "name": "Owls", "max_members": 0 }), "max_members"),
        ("POST", "squads", json!({ "name": "Owls", "role_id": 5 }), "role_id"),
        ("GET", "squads/abc", Value::Null, "squad_id"),
        ("GET", "squads?with_retired=perhaps", Value::Null, "with_retired"),
    ] {
        let body = (!body.is_null()).then_some(body);
        let (status, problem) = house.send(method, &format!("/guilds/1/{path}"), Some(7), body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{path}: {problem}");
    }
    let nobody = "squads/0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f";
    for (method, path) in
        [("GET", nobody.to_owned()), ("DELETE", nobody.to_owned()), ("POST", format!("{nobody}/join"))]
    {
        let (status, problem) = house.send(method, &format!("/guilds/1/{path}"), Some(7), None).await;
        assert_eq!(status, 404, "{method} {path}: {problem}");
    }
}

#[tokio::test]
async fn pages_leaderboards_assignments_and_observed_roles_answer() {
    let house = house_for(&["squads:read", "squads:write", "community:write"]).await;
    let members = [(kernel::UserId::new(7), Some("Ada"))];
    people::members_ensure(&mut house.database.pool().acquire().await.unwrap(), GuildId::new(1), &members)
        .await
        .unwrap();
    let (_, squad) =
        house.send("POST", "/guilds/1/squads", None, Some(json!({ "name": "Owls", "role_id": "70" }))).await;
    let base = format!("/guilds/1/squads/{}", squad["id"].as_str().unwrap());
    let path = format!("{base}/members");
    let (status, change) = house.send("POST", &path, None, Some(json!({ "user_id": "7" }))).await;
    assert_eq!((status, &change["to_squad_id"], &change["cost"]), (200, &squad["id"], &json!(0)));
    let (status, page) = house.send("GET", &format!("{base}/page"), None, None).await;
    assert_eq!((status, &page["members"][0]["name"]), (200, &json!("Ada")));
    let (status, board) = house.send("GET", "/guilds/1/squads/leaderboard?by=wins", None, None).await;
    assert_eq!((status, &board["items"][0]["rank"]), (200, &json!(1)));
    assert_eq!(house.send("GET", "/guilds/1/squads/leaderboard?by=luck", None, None).await.0, 400);
    assert_eq!(house.send("GET", "/guilds/2/squads/leaderboard", None, None).await.0, 404);
    let seen = json!({ "role_ids": ["70", "5"] });
    let (status, told) = house.send("PUT", "/guilds/1/member-roles/7", None, Some(seen)).await;
    assert_eq!((status, &told["reopened"]), (200, &json!(0)));
    assert_eq!(
        house.send("PUT", "/guilds/1/member-roles/8", None, Some(json!({ "role_ids": [] }))).await.0,
        404
    );
}
