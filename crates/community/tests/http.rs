//! Members over HTTP.

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
        let (router, _) = community::router().split_for_parts();
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
async fn a_member_is_added_changed_and_seen() {
    let house = House::new(&["community:read", "community:write"]).await;
    assert_eq!(house.send("GET", "/guilds/1/members/7", None, None).await.0, 404);
    let (status, made) = house.send("PUT", "/guilds/1/members/7", None, Some(json!({ "name": "Ada" }))).await;
    assert_eq!(
        (status, &made["name"], &made["level"], &made["rank"]),
        (200, &json!("Ada"), &json!(1), &json!(1))
    );
    assert_eq!((&made["user_id"], &made["next_level_xp"]), (&json!("7"), &json!(157)));
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
    let house = House::new(&["community:read", "community:write"]).await;
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
    let house = House::new(&["community:read", "community:write"]).await;
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
    assert_eq!(house.send("GET", "/guilds/2/members/7", None, None).await.0, 404);
    assert_eq!(House::new(&["squads:read"]).await.send("GET", "/guilds/1/members", None, None).await.0, 403);
}
