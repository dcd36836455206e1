//! Squads over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use access::keys::{NewKey, key_create};
use access::{App, By, HttpSettings, Origin, Scopes};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use db::testing::TestDatabase;
use kernel::GuildId;
use serde_json::{Value, json};
use tower::ServiceExt as _;

struct House {
    router: Router,
    key: String,
    /// Last, so that the database goes after those who use it.
    database: TestDatabase,
}

impl House {
    /// The slice's routes on a database of their own, with a key for guild 1.
    async fn new(scopes: &[&str]) -> Self {
        let database = TestDatabase::new().await;
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GuildId::new(1)),
            user: None,
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        let mut conn = database.pool().acquire().await.unwrap();
        let (_, key) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
        drop(conn);
        let app = App::new(database.pool().clone(), jobs::Wake::new(), HttpSettings::default());
        let (router, _) = squads::router().split_for_parts();
        Self { router: router.with_state(app), key: key.reveal().to_owned(), database }
    }

    /// Sends a request as member `user`, and tells status and body.
    async fn send(&self, method: &str, path: &str, user: Option<i64>, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        if let Some(user) = user {
            request = request.header("questhall-user", user.to_string());
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn a_squad_is_made_joined_changed_and_retired() {
    let house = House::new(&["squads:read", "squads:play", "squads:write"]).await;
    community::members_ensure(
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
    let house = House::new(&["squads:read", "squads:play", "squads:write"]).await;
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
    let house = House::new(&["squads:read", "squads:write", "community:write"]).await;
    let members = [(kernel::UserId::new(7), Some("Ada"))];
    community::members_ensure(&mut house.database.pool().acquire().await.unwrap(), GuildId::new(1), &members)
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
