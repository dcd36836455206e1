//! What operators of the whole installation see and do.

use axum::http::{Method, StatusCode};
use jobs::timers::{At, Kind};
use serde_json::{Value, json};

use crate::house::House;

const OPERATIONS: &str = "/api/v1/operations";

impl House {
    async fn operations(&self, what: &str) -> Value {
        let answer = self.get(&format!("{OPERATIONS}/{what}"), &self.global).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {answer:?}");
        answer.json()
    }

    async fn order(&self, what: &str, body: &Value) -> StatusCode {
        self.call(Method::POST, &format!("{OPERATIONS}/{what}"), &self.global, body).await.status
    }

    /// What administrators did, as `action table: before → after`.
    async fn audit_log(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT concat(action_type, ' ', target_table, ': ', before_snapshot, ' → ', after_snapshot)
               FROM access.admin_log ORDER BY id",
        )
        .fetch_all(self.database.pool())
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn nodes_are_seen_and_drained() {
    let house = House::new().await;
    let nodes = house.operations("nodes").await;
    assert_eq!((nodes[0]["name"].clone(), nodes[0]["state"].clone()), (json!("test"), json!("running")));
    let id = nodes[0]["id"].as_str().unwrap();
    assert_eq!(house.order(&format!("nodes/{id}/drain"), &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(house.operations("nodes").await[0]["state"], "draining");
    assert_eq!(house.order(&format!("nodes/{id}/resume"), &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(house.operations("nodes").await[0]["state"], "running");
    let nobody = uuid::Uuid::nil();
    assert_eq!(house.order(&format!("nodes/{nobody}/drain"), &json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(
        house.audit_log().await[1..],
        [
            r#"DRAIN jobs.nodes: {"draining": false} → {"draining": true}"#,
            r#"RESUME jobs.nodes: {"draining": true} → {"draining": false}"#,
        ]
    );
}

#[tokio::test]
async fn queues_are_paused_and_resumed() {
    let house = House::new().await;
    let paused = async || -> Vec<String> {
        let queues = house.operations("queues").await;
        let paused = queues.as_array().unwrap().iter().filter(|queue| queue["paused"] == true);
        paused.map(|queue| format!("{}: {}", queue["name"], queue["reason"])).collect()
    };
    assert_eq!(paused().await, Vec::<String>::new());
    let names: Vec<Value> = house
        .operations("queues")
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|queue| queue["name"].clone())
        .collect();
    assert_eq!(names, ["campaigns.campaign_timers", "jobs.schedules", "jobs.timers"]);
    assert_eq!(
        house.order("queues/jobs.timers/pause", &json!({ "reason": "mending" })).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(paused().await, [r#""jobs.timers": "mending""#]);
    let by = house.operations("queues").await;
    let by =
        by.as_array().unwrap().iter().find(|queue| queue["paused"] == true).unwrap()["paused_by"].clone();
    let who = by.as_str().unwrap().to_owned();
    assert_eq!(house.order("queues/jobs.timers/resume", &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(paused().await, Vec::<String>::new());
    assert_eq!(house.order("queues/no.such/pause", &json!({})).await, StatusCode::NOT_FOUND);
    let long = json!({ "reason": "x".repeat(501) });
    assert_eq!(house.order("queues/jobs.timers/pause", &long).await, StatusCode::BAD_REQUEST);
    let log: Vec<String> =
        house.audit_log().await.iter().map(|entry| entry.replace(&who, "(an operator)")).collect();
    let mending = r#"{"paused": true, "reason": "mending", "paused_by": "(an operator)"}"#;
    let idle = r#"{"paused": false}"#;
    assert_eq!(
        log[1..],
        [format!("PAUSE jobs.queues: {idle} → {mending}"), format!("RESUME jobs.queues: {mending} → {idle}"),]
    );
}

#[tokio::test]
async fn failed_work_is_listed_run_again_and_cancelled() {
    let house = House::new().await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    for n in 0..3 {
        let work: Kind<Value> = Kind::often("test.work");
        work.schedule(&mut conn, None, At::Now, &json!({ "n": n })).await.unwrap();
    }
    sqlx::query("UPDATE jobs.timers SET status = 'FAILED', last_error = 'oh' WHERE payload->>'n' <> '2'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let first = house.operations("timers?limit=1").await;
    assert_eq!(first["items"][0]["last_error"], "oh");
    let second =
        house.operations(&format!("timers?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(second["items"][0]["payload"], json!({ "n": 1 }));
    assert_eq!(second["next"], Value::Null);
    assert_eq!(house.operations("timers?kind=other").await["items"], json!([]));
    assert_eq!(house.operations("timers?status=PENDING").await["items"].as_array().unwrap().len(), 1);

    let id = |page: &Value| page["items"][0]["id"].as_str().unwrap().to_owned();
    let (one, two) = (id(&first), id(&second));
    assert_eq!(house.order(&format!("timers/{one}/retry"), &json!({})).await, StatusCode::ACCEPTED);
    assert_eq!(house.order(&format!("timers/{one}/retry"), &json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(house.order(&format!("timers/{two}/cancel"), &json!({})).await, StatusCode::NO_CONTENT);
    assert_eq!(house.operations("timers").await["items"], json!([]));
    assert_eq!(house.operations("timers?status=CANCELLED").await["items"][0]["id"], two);
    assert_eq!(
        house.audit_log().await[1..],
        [
            r#"RETRY jobs.timers: {"status": "FAILED"} → {"status": "PENDING"}"#,
            r#"CANCEL jobs.timers: {"status": "FAILED"} → {"status": "CANCELLED"}"#,
        ]
    );
}

#[tokio::test]
async fn the_outbox_the_sandbox_and_the_schedules_are_seen() {
    let house = House::new().await;
    let outbox = house.operations("outbox").await;
    assert_eq!(outbox["consumers"], json!([]));
    let sandbox = house.operations("sandbox").await;
    assert_eq!((sandbox["enabled"].clone(), sandbox["jail"].clone()), (json!(false), Value::Null));
    assert_eq!(house.operations("schedules").await, json!([]));
    assert_eq!(house.order("schedules/no.such/run", &json!({})).await, StatusCode::NOT_FOUND);
    sqlx::query(
        "INSERT INTO jobs.schedules (name, cron, next_run_at) VALUES ('a.job', '0 0 1 1 *', '2100-01-01')",
    )
    .execute(house.database.pool())
    .await
    .unwrap();
    assert_eq!(house.order("schedules/a.job/run", &json!({})).await, StatusCode::ACCEPTED);
    let log = house.audit_log().await;
    let before = r#"RUN jobs.schedules: {"next_run_at": "2100-01-01T00:00:00Z"} → {"next_run_at": "20"#;
    assert!(log[1].starts_with(before), "{log:?}");
}

#[tokio::test]
async fn only_keys_of_no_guild_with_the_scope_may_operate() {
    let house = House::new().await;
    let path = format!("{OPERATIONS}/nodes");
    let confined = house.key(Some(1), None, &["*"]).await;
    let other = house.key(None, None, &["campaigns:read"]).await;
    for key in [&confined, &other] {
        assert!(house.get(&path, key).await.problem().starts_with("403 forbidden"));
    }
    let reader = house.key(None, None, &["operations:read"]).await;
    assert_eq!(house.get(&path, &reader).await.status, StatusCode::OK);
    let pause = format!("{OPERATIONS}/queues/jobs.timers/pause");
    assert!(house.post(&pause, &reader, &json!({})).await.problem().starts_with("403 forbidden"));
}
