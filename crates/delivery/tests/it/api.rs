//! Webhooks over HTTP.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::house::{House, local, path};

const WEBHOOKS: &str = "/guilds/1/webhooks";

#[tokio::test]
async fn a_webhook_is_made_seen_changed_pinged_and_removed() {
    let house = House::idle(local()).await;
    let mut endpoint = Endpoint::ok().await;
    let body = json!({ "name": " our site ", "url": endpoint.url(), "event_types": ["timer.*", "timer.*"] });
    let (status, made) = house.send(&house.key, "POST", WEBHOOKS, body).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let webhook = &made["webhook"];
    assert_eq!((&webhook["name"], &webhook["event_types"]), (&json!("our site"), &json!(["timer.*"])));
    let id = webhook["id"].as_str().unwrap().parse().unwrap();

    let (_, page) = house.send(&house.key, "GET", WEBHOOKS, Value::Null).await;
    assert_eq!(page["items"], json!([webhook]));
    let edit = json!({ "name": "theirs", "enabled": false });
    let (status, edited) = house.send(&house.key, "PATCH", &path(id, ""), edit).await;
    assert_eq!((status, &edited["disabled_reason"]), (200, &json!("BY_HAND")));

    let (status, ping) = house.send(&house.key, "POST", &path(id, "/ping"), Value::Null).await;
    assert_eq!((status, &ping["delivered"], &ping["response_status"]), (200, &json!(true), &json!(204)));
    let request = endpoint.next().await;
    assert_eq!(request.json()["type"], "webhook.ping");

    let rotate = path(id, "/rotate-secret");
    let (status, rotated) = house.send(&house.key, "POST", &rotate, json!({ "overlap_hours": 2 })).await;
    assert_eq!(status, 200);
    assert_ne!(rotated["secret"], made["secret"]);
    assert!(rotated["webhook"]["previous_secret_until"].is_string());
    assert_eq!(house.send(&house.key, "POST", &rotate, json!({ "overlap_hours": 169 })).await.0, 400);

    let (_, seen) = house.send(&house.key, "GET", &path(id, ""), Value::Null).await;
    let log = house
        .text("SELECT string_agg(coalesce(before_snapshot::text, '') || coalesce(after_snapshot::text, ''), ' ') FROM access.admin_log")
        .await;
    for text in [seen.to_string(), log, page.to_string()] {
        assert!(!text.contains("whsec_") && !text.contains(&secret[6..]), "{text}");
    }
    assert_eq!(house.send(&house.key, "DELETE", &path(id, ""), Value::Null).await.0, 204);
    assert_eq!(house.send(&house.key, "GET", &path(id, ""), Value::Null).await.0, 404);
    let deeds = house.text("SELECT string_agg(action_type, ' ' ORDER BY id) FROM access.admin_log WHERE target_table = 'delivery.webhooks'").await;
    assert_eq!(deeds, "CREATE UPDATE ROTATE DELETE");
}

#[tokio::test]
async fn wrong_webhooks_are_refused_with_the_field() {
    let house = House::idle(delivery::WebhookSettings { max_per_guild: 2, ..local() }).await;
    let good = json!({ "name": "x", "url": "https://127.0.0.1/" });
    for (field, wrong) in [
        ("name", json!("")),
        ("name", json!("a\nb")),
        ("url", json!("https://10.0.0.1/")),
        ("url", json!("not an address")),
        ("event_types", json!([])),
        ("event_types[1]", json!(["*", "campaign.ended"])),
    ] {
        let mut body = good.clone();
        body[field.split('[').next().unwrap()] = wrong;
        let (status, problem) = house.send(&house.key, "POST", WEBHOOKS, body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    for _ in 0..2 {
        assert_eq!(house.send(&house.key, "POST", WEBHOOKS, good.clone()).await.0, 201);
    }
    let (status, problem) = house.send(&house.key, "POST", WEBHOOKS, good).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/webhook-limit")));
}

#[tokio::test]
async fn nobody_reaches_another_guilds_webhooks() {
    let house = House::idle(local()).await;
    let made = house.webhook("https://127.0.0.1/").await;
    let id = made.webhook.id;
    let stranger = house.key_of(2, &["*"]).await;
    let reader = house.key_of(1, &["webhooks:read"]).await;
    for (method, rest, body) in [
        ("GET", "", Value::Null),
        ("PATCH", "", json!({ "name": "mine" })),
        ("DELETE", "", Value::Null),
        ("POST", "/rotate-secret", json!({})),
        ("POST", "/ping", Value::Null),
        ("GET", "/deliveries", Value::Null),
        ("POST", "/replay", json!({ "all": true })),
    ] {
        let theirs = path(id, rest).replace("/guilds/1/", "/guilds/2/");
        for path in [path(id, rest), theirs] {
            assert_eq!(house.send(&stranger, method, &path, body.clone()).await.0, 404, "{method} {path}");
        }
        let expected = if method == "GET" { 200 } else { 403 };
        assert_eq!(house.send(&reader, method, &path(id, rest), body).await.0, expected, "{method} {rest}");
    }
}

#[tokio::test]
async fn the_catalogue_is_served() {
    let house = House::idle(local()).await;
    let (status, catalogue) = house.send(&house.key, "GET", "/events/catalogue", Value::Null).await;
    assert_eq!(status, 200);
    let items = catalogue["items"].as_array().unwrap();
    let own = items.iter().find(|item| item["type"] == "webhook.disabled").unwrap();
    assert_eq!((&own["audience"], &own["admin_scope"]), (&json!("admins"), &json!("webhooks:write")));
    assert_eq!(own["schema"]["properties"]["webhook_id"]["format"], "uuid");
    assert!(own["example"]["webhook_id"].is_string());
}

/// What was queued for one address is not for the next, nor what a stronger key was allowed to hear for a weaker.
#[tokio::test]
async fn a_change_of_address_or_scopes_hands_nothing_over() {
    let mut house = House::idle(local()).await;
    let gone = "http://127.0.0.1:9/";
    let made = house.webhook(gone).await;
    let id = made.webhook.id;
    house.node().await;
    house.emit_numbers(0..3).await;
    house.until("SELECT count(*) = 3 FROM delivery.webhook_deliveries WHERE status = 'PENDING'").await;
    house.until("SELECT failures > 0 AND locked_by IS NULL FROM delivery.webhook_queues").await;
    // Some were given up, too, and might be replayed.
    house
        .run("UPDATE delivery.webhook_deliveries SET status = 'DEAD', finished_at = now() WHERE id % 2 = 0")
        .await;
    let mut endpoint = Endpoint::ok().await;
    let (status, edited) =
        house.send(&house.key, "PATCH", &path(id, ""), json!({ "url": endpoint.url() })).await;
    assert_eq!(status, 200, "{edited}");
    assert_eq!((&edited["health"]["pending"], &edited["health"]["dead"]), (&json!(0), &json!(0)));
    house.emit_numbers(7..8).await;
    assert_eq!(endpoint.numbers(1).await, [7]);
    house.settled().await;

    // The same address under weaker scopes.
    house.run("UPDATE delivery.webhooks SET url = 'http://127.0.0.1:9/'").await;
    house.emit_numbers(8..9).await;
    house.until("SELECT failures > 0 AND locked_by IS NULL FROM delivery.webhook_queues").await;
    house.run("UPDATE delivery.webhook_queues SET next_attempt_at = now() + interval '1 hour'").await;
    let weak = house.key_of(1, &["webhooks:write", "squads:read"]).await;
    let (status, edited) = house.send(&weak, "PATCH", &path(id, ""), json!({ "event_types": ["*"] })).await;
    assert_eq!((status, &edited["health"]["pending"]), (200, &json!(0)), "{edited}");
    // A new name changes nothing of what waits.
    house.run("UPDATE delivery.webhooks SET scopes = ARRAY['*']").await;
    house.emit_numbers(9..10).await;
    house.until("SELECT failures > 0 AND locked_by IS NULL FROM delivery.webhook_queues").await;
    let (_, edited) = house.send(&weak, "PATCH", &path(id, ""), json!({ "name": "another" })).await;
    assert_eq!(edited["health"]["pending"], 1, "{edited}");
}
