//! The lake over HTTP.

use access::keys::{NewKey, key_create};
use access::{App, By, HttpSettings, Origin, Scopes};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::{Extension, Router};
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use futures::{StreamExt as _, stream};
use jobs::Wake;
use kernel::GuildId;
use lake::ingest::EventWriter;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

struct House {
    router: Router,
    key: String,
    now: DateTime<Utc>,
    database: TestDatabase,
}

impl House {
    async fn new(scopes: &[&str]) -> Self {
        let database = TestDatabase::new().await;
        let pool = database.pool();
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GuildId::new(1)),
            user: None,
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        let mut conn = pool.acquire().await.unwrap();
        let (_, key) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
        let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&mut *conn).await.unwrap();
        drop(conn);
        let app = App::new(pool.clone(), Wake::new(), HttpSettings::default());
        let (router, _) = people::router().merge(progress::router()).merge(lake::router()).split_for_parts();
        let router = router.layer(Extension(EventWriter::start(pool, &Wake::new(), 1))).with_state(app);
        Self { router, key: key.reveal().to_owned(), now, database }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: impl Into<Body>) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", kind);
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        access::testing::assert_documented(method, path, status, &parts.headers, &bytes);
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        let (status, text) =
            self.send("POST", "/guilds/1/lake/events", "application/json", body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.send("GET", path, "application/json", Body::empty()).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn message(&self, user: &str, source: &str, seconds: i64, payload: &Value) -> Value {
        json!({
            "event_type": "message_create", "user_id": user, "channel_id": "9", "source_id": source,
            "timestamp": self.now - TimeDelta::seconds(seconds), "payload": payload,
        })
    }
}

const ALL: &[&str] = &["community:ingest", "community:read", "community:write"];

#[tokio::test]
async fn a_batch_is_taken_but_for_what_is_wrong_with_it() {
    let house = House::new(ALL).await;
    let (status, receipt) = house
        .post(&json!({ "events": [
            house.message("7", "a", 100, &json!({ "length": 300, "links": 1 })),
            house.message("7", "b", 90, &json!({ "content": "secret words" })),
            house.message("7", "a", 100, &json!({ "length": 300 })),
            { "event_type": "message_create" },
            house.message("8", "c", 80, &json!({})),
        ] }))
        .await;
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(
        (&receipt["counted"], &receipt["duplicates"], &receipt["events"]),
        (&json!(2), &json!(1), &json!(5))
    );
    let refused: Vec<_> = receipt["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["index"].as_u64(), r["field"].as_str()))
        .collect();
    assert_eq!(refused, [(Some(1), Some("payload.content")), (Some(3), Some("user_id"))]);
}

#[tokio::test]
async fn a_stream_is_answered_part_by_part() {
    let house = House::new(ALL).await;
    let mut body = String::new();
    for n in 0..9_000 {
        let event = house.message(&(10 + n % 50).to_string(), &format!("m{n}"), 10_000 - n, &json!({}));
        body.push_str(&event.to_string());
        body.push('\n');
    }
    body.push_str("not an event\n");
    let (status, text) =
        house.send("POST", "/guilds/1/lake/events", "application/x-ndjson", body.clone()).await;
    assert_eq!(status, 200);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (end, parts) = lines.split_last().unwrap();
    assert_eq!(end, &json!({ "done": true, "lines": 9001 }));
    assert!(parts.len() >= 3);
    let counted: u64 = parts.iter().map(|part| part["counted"].as_u64().unwrap()).sum();
    assert_eq!(counted, 9_000);
    assert_eq!(parts.last().unwrap()["refused"][0]["index"], 9001);
    // Everything again changes nothing.
    let (_, text) = house.send("POST", "/guilds/1/lake/events", "application/x-ndjson", body).await;
    assert!(text.lines().all(|line| !line.contains("\"counted\":1")), "{text}");
}

#[tokio::test]
async fn who_streams_an_event_and_waits_gets_its_answer_and_a_torn_stream_ends_with_what_was_taken() {
    let house = House::new(ALL).await;
    let (to, from) = mpsc::unbounded_channel::<Result<String, std::io::Error>>();
    let body = stream::unfold(from, |mut from| async move { Some((from.recv().await?, from)) });
    let request = Request::post("/guilds/1/lake/events")
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", "application/x-ndjson")
        .body(Body::from_stream(body))
        .unwrap();
    let mut answer = house.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream();
    for n in 0..3 {
        let event = house.message("7", &format!("m{n}"), 100 - n, &json!({}));
        to.send(Ok(format!("{event}\n"))).unwrap();
        let line: Value = serde_json::from_slice(&answer.next().await.unwrap().unwrap()).unwrap();
        assert_eq!((&line["events"], &line["counted"]), (&json!(1), &json!(1)));
    }
    to.send(Ok(r#"{"event_type":"#.to_owned())).unwrap();
    to.send(Err(std::io::Error::other("the line went dead"))).unwrap();
    let end: Value = serde_json::from_slice(&answer.next().await.unwrap().unwrap()).unwrap();
    assert_eq!((&end["done"], &end["lines"]), (&json!(false), &json!(3)), "{end}");
    assert!(answer.next().await.is_none());
}

#[tokio::test]
async fn why_an_event_earned_what_it_earned_is_told() {
    let house = House::new(ALL).await;
    house
        .post(&json!({ "events": [
            house.message("7", "a", 100, &json!({ "length": 300, "links": 1 })),
            house.message("7", "b", 90, &json!({ "length": 10 })),
        ] }))
        .await;
    let (status, told) = house.get("/guilds/1/lake/events/a/rewards").await;
    assert_eq!(status, 200, "{told}");
    let reward = &told["rewards"][0];
    assert_eq!((&reward["xp"], &reward["base_xp"], &reward["stars"]), (&json!(23), &json!(15), &json!(1)));
    let steps: Vec<_> =
        reward["steps"].as_array().unwrap().iter().map(|s| (s["why"].as_str(), s["xp"].as_f64())).collect();
    assert_eq!(steps, [(Some("medium"), Some(1.2)), (Some("link"), Some(1.25))]);
    let (_, told) = house.get("/guilds/1/lake/events/b/rewards").await;
    assert_eq!(told["rewards"], json!([]));
    assert!(told["refused"].as_str().unwrap().contains("moments before"));
    assert_eq!(house.get("/guilds/1/lake/events/none/rewards").await.0, 404);
}

#[tokio::test]
async fn a_stay_in_voice_is_told_tick_by_tick_and_factors_by_name() {
    let house = House::new(ALL).await;
    let pool = house.database.pool();
    sqlx::raw_sql(
        "INSERT INTO people.guilds (guild_id, name) VALUES (1, 'One') ON CONFLICT DO NOTHING;
         INSERT INTO lake.categories (guild_id, name) VALUES (1, 'Talk');
         INSERT INTO lake.category_channels (guild_id, category_id, channel_id)
             SELECT 1, id, 9 FROM lake.categories WHERE guild_id = 1;
         INSERT INTO lake.category_multipliers (guild_id, category_id, interaction_type, xp_multiplier)
             SELECT 1, id, 'VOICE_TICK', 3 FROM lake.categories WHERE guild_id = 1;
         INSERT INTO lake.multiplier_events (guild_id, name, xp_multiplier, starts_at, ends_at)
             VALUES (1, 'Weekend', 2, now() - interval '5 hours', now() + interval '1 hour')",
    )
    .execute(pool)
    .await
    .unwrap();
    let voice = |kind: &str, user: &str, source: &str, minutes: i64| {
        json!({
            "event_type": kind, "user_id": user, "channel_id": "9", "source_id": source,
            "timestamp": house.now - TimeDelta::minutes(minutes),
        })
    };
    house
        .post(&json!({ "events": [
            voice("voice_join", "7", "in", 100), voice("voice_join", "8", "other", 100), voice("voice_leave", "7", "out", 75),
            voice("voice_join", "7", "again", 5), voice("voice_leave", "7", "short", 1),
            { "event_type": "reaction_remove", "user_id": "7", "target_id": "8", "channel_id": "9", "source_id": "back",
              "timestamp": house.now, "payload": { "message_id": "5" } },
        ] }))
        .await;
    for source in ["in", "out"] {
        let (status, told) = house.get(&format!("/guilds/1/lake/events/{source}/rewards")).await;
        assert_eq!(status, 200, "{told}");
        let ticks: Vec<_> = told["rewards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tick| (tick["event_type"].as_str(), tick["xp"].as_i64(), tick["base_xp"].as_i64()))
            .collect();
        assert_eq!(ticks, [(Some("VOICE_TICK"), Some(60), Some(10)); 2], "{source}: {told}");
        let names: Vec<_> = told["rewards"][0]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["name"].as_str())
            .collect();
        assert_eq!(names, [Some("Talk"), Some("Weekend")]);
    }
    for (source, word) in [("short", "tick"), ("back", "reaction back")] {
        let (_, told) = house.get(&format!("/guilds/1/lake/events/{source}/rewards")).await;
        assert_eq!(told["rewards"], json!([]));
        assert!(told["refused"].as_str().unwrap().contains(word), "{told}");
    }
}

#[tokio::test]
async fn every_member_may_ask_why_but_the_lake_is_for_administrators() {
    let house = House::new(&["community:read", "community:ingest"]).await;
    house.post(&json!({ "events": [house.message("7", "a", 100, &json!({ "length": 300 }))] })).await;
    let (status, told) = house.get("/guilds/1/lake/events/a/rewards").await;
    assert_eq!((status, &told["rewards"][0]["xp"], &told["event"]["payload"]), (200, &json!(18), &json!({})));
    assert_eq!(house.get("/guilds/1/lake/events").await.0, 403);
    let admin = House::new(ALL).await;
    admin.post(&json!({ "events": [admin.message("7", "a", 100, &json!({ "length": 300 }))] })).await;
    let (_, told) = admin.get("/guilds/1/lake/events/a/rewards").await;
    assert_eq!(told["event"]["payload"]["length"], 300);
}

#[tokio::test]
async fn the_lake_is_browsed_in_pages_and_filtered() {
    let house = House::new(ALL).await;
    let events: Vec<Value> = (0..5)
        .map(|n| house.message(&(7 + n % 2).to_string(), &format!("m{n}"), 100 - n, &json!({})))
        .collect();
    house.post(&json!({ "events": events })).await;
    let (mut path, mut seen) = ("/guilds/1/lake/events?limit=2".to_owned(), Vec::new());
    loop {
        let (status, page) = house.get(&path).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|e| e["source_id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/guilds/1/lake/events?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["m4", "m3", "m2", "m1", "m0"]);
    let (_, page) = house.get("/guilds/1/lake/events?user_id=8&event_type=message_create&channel_id=9").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert_eq!(house.get("/guilds/1/lake/events?event_type=typing").await.0, 400);
    let (status, health) = house.get("/guilds/1/lake").await;
    assert_eq!(
        (status, &health["last_day"], &health["retention_days"]),
        (200, &json!(5), &json!(90)),
        "{health}"
    );
    assert_eq!(
        health["days"].as_array().unwrap().iter().map(|day| day["events"].as_i64().unwrap()).sum::<i64>(),
        5
    );
}

#[tokio::test]
async fn wrong_requests_are_told_what_is_wrong() {
    let house = House::new(ALL).await;
    assert_eq!(house.post(&json!({ "event": [] })).await.0, 400);
    assert_eq!(house.post(&json!([])).await.0, 400);
    let (status, _) = house.send("POST", "/guilds/1/lake/events", "text/csv", "a,b").await;
    assert_eq!(status, 415);
    let request = Request::post("/guilds/1/lake/events")
        .header("authorization", format!("Bearer {}", house.key))
        .header("content-type", "application/x-ndjson")
        .header("content-encoding", "gzip")
        .body(Body::from(vec![0x1f, 0x8b, 8, 0]))
        .unwrap();
    assert_eq!(house.router.clone().oneshot(request).await.unwrap().status(), 415, "compressed");
    assert_eq!(house.get("/guilds/1/leaderboard?season_id=77").await.0, 404);
    let (status, _) =
        house.send("POST", "/guilds/2/lake/events", "application/json", "{\"events\":[]}").await;
    assert_eq!(status, 404, "another guild's");
    let reader = House::new(&["community:read"]).await;
    assert_eq!(reader.post(&json!({ "events": [] })).await.0, 403);
}

#[tokio::test]
async fn members_see_leaderboards_feeds_and_charts() {
    let house = House::new(ALL).await;
    let events: Vec<Value> = (0..6)
        .map(|n| house.message(&(7 + n % 3).to_string(), &format!("m{n}"), 1_000 - 100 * n, &json!({})))
        .chain([house.message("9", "long", 1, &json!({ "length": 600 }))])
        .collect();
    house.post(&json!({ "events": events })).await;
    let (mut path, mut seen) = ("/guilds/1/leaderboard?limit=1".to_owned(), Vec::new());
    loop {
        let (status, page) = house.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let placed = &page["items"][0];
        seen.push((placed["rank"].as_i64().unwrap(), placed["user_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/guilds/1/leaderboard?limit=1&cursor={next}");
    }
    assert_eq!(seen, [(1, "9".to_owned()), (2, "7".to_owned()), (2, "8".to_owned())]);
    let (_, feed) = house.get("/guilds/1/members/9/activity?limit=1").await;
    assert_eq!((&feed["items"][0]["event_type"], &feed["items"][0]["xp"]), (&json!("MESSAGE"), &json!(23)));
    assert_eq!(house.get("/guilds/1/activity").await.1["items"].as_array().unwrap().len(), 7);
    let (_, feed) = house.get("/guilds/1/members/9/activity?event_type=MESSAGE&limit=2").await;
    assert_eq!(feed["items"].as_array().unwrap().len(), 2);
    let rest =
        format!("/guilds/1/members/9/activity?event_type=MESSAGE&cursor={}", feed["next"].as_str().unwrap());
    assert_eq!(house.get(&rest).await.1["items"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/guilds/1/members/9/activity?event_type=IMPORT").await.1["items"], json!([]));
    let (status, problem) = house.get("/guilds/1/activity?event_type=MESSAGE").await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("event_type")), "{problem}");
    assert_eq!(house.get("/guilds/1/activity?event_type=message").await.0, 400);
    let (_, days) = house.get("/guilds/1/days").await;
    let xp: i64 = days.as_array().unwrap().iter().map(|day| day["xp"].as_i64().unwrap()).sum();
    assert_eq!((days.as_array().unwrap().len(), xp), (30, 6 * 15 + 23));
    let messages = |days: &Value| -> i64 {
        days.as_array().unwrap().iter().filter_map(|day| day["events"]["message_create"].as_i64()).sum()
    };
    assert_eq!(messages(&days), 7);
    let mut of_members = 0;
    for user in [7, 8, 9] {
        of_members += messages(&house.get(&format!("/guilds/1/members/{user}/days")).await.1);
    }
    assert_eq!(of_members, 7);
    assert_eq!(house.get("/guilds/1/members/9/days?from=2026-01-02&to=2026-01-01").await.0, 400);
    let (_, names) = house.get("/guilds/1/members/names?user_ids=7,9,11").await;
    assert_eq!(names.as_array().unwrap().len(), 2);
}
