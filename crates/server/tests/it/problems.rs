//! What goes wrong is said in one format, whoever noticed it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use serde_json::json;
use server::Settings;

use crate::house::{House, ask};

#[tokio::test]
async fn addresses_and_methods_that_are_not_there() {
    let house = House::new().await;
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v2/whoami",
        "/api/v1/guilds",
        "/docs/nothing",
        "/problems/nothing",
    ] {
        let answer = house.get(path, "").await;
        assert!(answer.problem().starts_with("404 not-found"), "{path}: {answer:?}");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/api/v1/whoami", "GET,HEAD"),
        (Method::PATCH, "/api/v1/keys", "GET,HEAD,POST"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let answer = house.send(ask(method, path, "").body(Body::empty()).unwrap()).await;
        assert!(answer.problem().starts_with("405 method-not-allowed"), "{answer:?}");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_safe_headers() {
    let house = House::new().await;
    for path in ["/nowhere", "/healthz", "/api/v1/whoami", "/problems", "/docs/"] {
        let answer = house.get(path, "").await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let request = Request::get("/healthz").header("x-request-id", "my-id.1").body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.header("x-request-id"), "my-id.1");
}

#[tokio::test]
async fn bodies_that_are_too_large_malformed_or_of_the_wrong_type() {
    let mut settings = Settings::default();
    settings.http.body_limit = 1000;
    settings.http.upload_limit = 2000;
    let house = House::with(settings).await;
    let send = async |path: &str, kind: &str, body: String| {
        let request = ask(Method::POST, path, &house.global).header("content-type", kind);
        house.send(request.body(Body::from(body)).unwrap()).await.problem()
    };
    let keys = "/api/v1/keys";
    assert!(send(keys, "application/json", " ".repeat(1001)).await.starts_with("413 body-too-large"));
    assert!(send(keys, "text/plain", "{}".into()).await.starts_with("415 unsupported-media-type"));
    assert_eq!(
        send(keys, "application/json", "{\"name\": \"x\",\n oops}".into()).await,
        "400 invalid-request: The body is not JSON: key must be a string at line 2, column 2."
    );
    assert!(send(keys, "application/json", "[".repeat(999)).await.starts_with("400 invalid-request"));
    // Imports may be larger, and end somewhere too.
    let import = "/api/v1/guilds/175928847299117063/campaigns/import";
    assert!(send(import, "application/json", " ".repeat(1500)).await.starts_with("400 invalid-request"));
    assert!(send(import, "application/json", " ".repeat(2001)).await.starts_with("413 body-too-large"));
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let mut settings = Settings::default();
    // Long enough for the request that waits for nobody.
    settings.http.request_timeout = Duration::from_secs(3);
    let house = House::with(settings).await;
    let mut locker = house.database.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE people.members IN ACCESS EXCLUSIVE MODE").execute(&mut *locker).await.unwrap();
    let path = "/api/v1/guilds/175928847299117063/members";
    let answer = house.get(path, &house.global).await;
    assert!(answer.problem().starts_with("503 timed-out"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), "1");
    locker.rollback().await.unwrap();
    let answer = house.get(path, &house.global).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn every_kind_of_problem_has_a_page() {
    let house = House::new().await;
    let list = house.get("/problems", "").await;
    assert!(list.header("content-type").starts_with("text/html"));
    for kind in server::catalogue() {
        let path = format!("/problems/{}", kind.slug);
        assert!(list.text.contains(&format!("href=\"{path}\"")), "{path}");
        let page = house.get(&path, "").await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(&format!("status {}", kind.status)), "{path}");
    }
}

#[tokio::test]
async fn a_post_that_is_repeated_with_its_key_has_its_effect_once() {
    let house = House::new().await;
    let path = "/api/v1/guilds/175928847299117063/campaigns";
    let send = async || {
        let request = ask(Method::POST, path, &house.global)
            .header("content-type", "application/json")
            .header("idempotency-key", "one");
        let body = json!({ "name": "A", "campaign_type": "player", "duration_hours": 1 });
        house.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let (first, second) = (send().await, send().await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED), "{first:?}");
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn only_pages_of_named_origins_may_call_from_a_browser() {
    let mut settings = Settings::default();
    settings.http.cors_origins = vec!["https://example.org".to_owned()];
    let house = House::with(settings).await;
    let allowed = async |origin: &str| {
        let request = Request::get("/api/v1/whoami").header("origin", origin).body(Body::empty()).unwrap();
        house.send(request).await.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed("https://example.org").await, "https://example.org");
    assert_eq!(allowed("https://example.com").await, "");
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_can_read_them() {
    let house = House::new().await;
    let request =
        Request::get("/api/v1/openapi.json").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let answer = house.send(request).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let request = Request::get("/healthz").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.header("content-encoding"), "");
}

#[tokio::test]
async fn what_vanished_since_it_was_looked_at_is_a_conflict_and_no_fault_of_ours() {
    let house = House::new().await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    let gone =
        "CREATE TEMP TABLE someone (id int PRIMARY KEY); CREATE TEMP TABLE deed (by int REFERENCES someone);
                INSERT INTO deed VALUES (1)";
    let problem = kernel::Problem::from(sqlx::raw_sql(gone).execute(&mut *conn).await.unwrap_err());
    assert_eq!((problem.status(), problem.slug()), (409, "conflict"));
    assert!(problem.detail().contains("nothing was changed"), "{problem}");
}
