//! Alive, ready, measured.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use serde_json::json;
use server::Settings;

use crate::house::{Answer, House};

async fn scrape(house: &House, peer: &str, token: Option<&str>) -> Answer {
    let mut request = Request::get("/metrics");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    house.send(request).await
}

#[tokio::test]
async fn a_process_that_answers_is_alive() {
    let house = House::new().await;
    let answer = house.get("/healthz", "").await;
    assert_eq!((answer.status, answer.json()["status"].clone()), (StatusCode::OK, json!("ok")));
}

#[tokio::test]
async fn it_is_ready_until_it_stops() {
    let house = House::new().await;
    let answer = house.get("/readyz", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let checks = json!({ "running": "ok", "database": "ok", "migrations": "ok" });
    assert_eq!(answer.json(), json!({ "status": "ready", "checks": checks }));

    house.services.draining.cancel();
    let answer = house.get("/readyz", "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["checks"]["running"], "the process is stopping");
    assert_eq!(house.get("/healthz", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_its_schema_or_its_database_it_is_not_ready() {
    let house = House::new().await;
    sqlx::query("DELETE FROM public._sqlx_migrations WHERE version = (SELECT max(version) FROM public._sqlx_migrations)")
        .execute(house.database.pool())
        .await
        .unwrap();
    let answer = house.get("/readyz", "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["checks"]["migrations"], "1 not applied; run `questhall db migrate`");

    house.database.pool().close().await;
    let answer = house.get("/readyz", "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["checks"]["database"], "the database does not answer");
    assert_eq!(house.get("/healthz", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn figures_are_for_this_machine_and_name_routes_not_paths() {
    let house = House::new().await;
    let guild = "/api/v1/guilds/175928847299117063/members";
    assert_eq!(house.get(guild, &house.global).await.status, StatusCode::OK);
    assert_eq!(house.get("/no/such/path", "").await.status, StatusCode::NOT_FOUND);

    assert!(scrape(&house, "192.0.2.1:9", None).await.problem().starts_with("403 forbidden"));
    let answer = scrape(&house, "127.0.0.1:9", None).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("content-type").starts_with("text/plain"));
    for line in [
        r#"questhall_http_requests_total{method="GET",route="/api/v1/guilds/{guild_id}/members",status="200"} 1"#,
        r#"questhall_http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        "questhall_up 1",
        "questhall_db_pool_max 20",
    ] {
        assert!(answer.text.lines().any(|found| found == line), "{line}\n{}", answer.text);
    }
    for name in [
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "questhall_outbox_oldest_transaction_seconds ",
    ] {
        assert!(answer.text.lines().any(|line| line.starts_with(name)), "{name}\n{}", answer.text);
    }
    assert!(!answer.text.contains("175928847299117063"));
}

#[tokio::test]
async fn figures_can_be_had_from_afar_with_a_token_or_not_at_all() {
    let mut settings = Settings::default();
    settings.metrics.token = Some("0123456789abcdef".to_owned());
    let house = House::with(settings).await;
    assert_eq!(scrape(&house, "192.0.2.1:9", Some("0123456789abcdef")).await.status, StatusCode::OK);
    assert!(scrape(&house, "127.0.0.1:9", Some("0123456789abcdee")).await.problem().starts_with("401"));

    let mut settings = Settings::default();
    settings.metrics.enabled = false;
    let house = House::with(settings).await;
    assert_eq!(scrape(&house, "127.0.0.1:9", None).await.status, StatusCode::NOT_FOUND);
}

/// Every family says what it means and of which kind it is, once, before its samples. Kept in a file, which CI has another parser
/// read.
#[tokio::test]
async fn figures_are_what_prometheus_reads() {
    let house = House::new().await;
    house.get("/healthz", "").await;
    metrics::counter!("questhall_outbox_consumed_total", "consumer" => "test").increment(1);
    metrics::histogram!("questhall_outbox_delay_seconds").record(0.2);
    metrics::histogram!("questhall_ingest_batch_events").record(3.0);
    server::figures::describe();
    sqlx::query(
        "INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ('nats', '0', 0), ('webhooks', '0', 0)",
    )
    .execute(house.database.pool())
    .await
    .unwrap();
    let page = scrape(&house, "127.0.0.1:1", None).await.text;
    let mut kinds = std::collections::HashMap::new();
    let mut helped = std::collections::HashSet::new();
    for line in page.lines().filter(|line| !line.is_empty()) {
        let word = |n: usize| line.split(' ').nth(n).unwrap();
        if line.starts_with("# HELP ") {
            assert!(helped.insert(word(2)), "explained twice: {line}");
        } else if line.starts_with("# TYPE ") {
            assert!(kinds.insert(word(2), word(3)).is_none(), "two kinds: {line}");
            assert_ne!(word(3), "summary", "no bounds are set: {line}");
            assert!(helped.contains(word(2)), "not explained: {line}");
        } else {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                name.strip_suffix(end).filter(|family| kinds.get(family) == Some(&"histogram"))
            });
            assert!(kinds.contains_key(family.unwrap_or(name)), "of no kind: {line}");
        }
    }
    let lag =
        |consumer: &str| page.contains(&format!("questhall_outbox_lag_seconds{{consumer=\"{consumer}\"}}"));
    assert!(lag("webhooks"));
    assert!(!lag("nats"), "nobody lags behind where NATS is not configured: {page}");
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/figures.txt"), page).unwrap();
}
