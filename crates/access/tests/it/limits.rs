//! How many requests somebody may send, on one node and on several.

use std::net::SocketAddr;

use access::rate_limit::{Allowance, HELD_FOR, Limiter};
use access::settings::MAX_UNHEARD;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::TimeDelta;
use kernel::Clock;
use serde_json::json;

use crate::house::{Answer, House};
use crate::people::{PASSWORD, development, grant, signed_in};

async fn choose(house: &House, values: serde_json::Value) {
    for (name, value) in values.as_object().unwrap() {
        sqlx::query(
            "INSERT INTO access.settings (guild_id, key, value_json, category) VALUES (0, $1, $2, 'rate_limits')
             ON CONFLICT (guild_id, key) DO UPDATE SET value_json = EXCLUDED.value_json",
        )
        .bind(format!("rate_limits.{name}"))
        .bind(value)
        .execute(house.database.pool())
        .await
        .unwrap();
    }
    house.clock.advance(MAX_UNHEARD);
}

async fn from(house: &House, address: &str, key: Option<&str>, path: &str) -> Answer {
    let peer: SocketAddr = address.parse().unwrap();
    let mut request = Request::get(path).extension(ConnectInfo(peer));
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    house.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_key_has_an_allowance_and_is_told_how_much_is_left() {
    let house = House::new().await;
    choose(&house, json!({"key_per_minute": 1, "key_burst": 20})).await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let (_, other) = house.key(None, None, &["*"]).await;
    let mut left = Vec::new();
    for n in 0..20 {
        let answer = from(&house, "1.2.3.4:5", Some(&key), "/api/me").await;
        assert_eq!(answer.status, 200, "{n}: {answer:?}");
        assert_eq!(answer.headers["ratelimit-policy"], "\"key\";q=20;w=1200");
        left.push(answer.headers["ratelimit"].to_str().unwrap().split(';').nth(1).unwrap().to_owned());
    }
    let expected: Vec<_> = (0..20).rev().map(|n| format!("r={n}")).collect();
    assert_eq!(left, expected);
    let refused = from(&house, "1.2.3.4:5", Some(&key), "/api/me").await;
    insta::assert_snapshot!(refused.problem(), @"429 rate-limited: Too many requests of this key: 1 a minute, 20 at once. `Retry-After` says when to go on.");
    let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Refused from memory: no query.
    house.app.pool().close().await;
    assert_eq!(from(&house, "1.2.3.4:5", Some(&key), "/api/me").await.status, 429);
    drop(other);
}

#[tokio::test]
async fn keys_do_not_share_an_allowance_and_neither_pays_for_the_address() {
    let house = House::new().await;
    choose(&house, json!({"key_per_minute": 1, "key_burst": 1, "address_per_minute": 1, "address_burst": 3}))
        .await;
    let (_, one) = house.key(None, None, &["*"]).await;
    let (_, other) = house.key(None, None, &["*"]).await;
    assert_eq!(from(&house, "1.2.3.4:5", Some(&one), "/api/me").await.status, 200);
    assert_eq!(from(&house, "1.2.3.4:5", Some(&one), "/api/me").await.status, 429);
    assert_eq!(from(&house, "1.2.3.4:5", Some(&other), "/api/me").await.status, 200);
    // Keys cost their address nothing, also when they are not known yet: all three are left for whoever has none.
    for _ in 0..3 {
        assert_eq!(from(&house, "1.2.3.4:5", None, "/api/ping").await.status, 200);
    }
    let refused = from(&house, "1.2.3.4:9", None, "/api/ping").await;
    insta::assert_snapshot!(refused.problem(), @"429 rate-limited: Too many requests from this address: 1 a minute, 3 at once. `Retry-After` says when to go on.");
    // A flood of made-up keys is not even asked about.
    let made_up = format!("qh_{}", "b".repeat(43));
    assert_eq!(from(&house, "1.2.3.4:5", Some(&made_up), "/api/me").await.status, 429);
    assert_eq!(from(&house, "1.2.3.5:5", None, "/api/ping").await.status, 200);
    // What is no part of the API is not limited, and nothing is where there are no limits.
    choose(&house, json!({"key_per_minute": null, "address_per_minute": null})).await;
    for _ in 0..5 {
        assert_eq!(from(&house, "1.2.3.4:5", None, "/api/ping").await.status, 200);
        assert!(from(&house, "1.2.3.4:5", Some(&one), "/api/me").await.headers.get("ratelimit").is_none());
    }
}

#[tokio::test]
async fn a_busy_client_is_not_refused_by_a_process_that_has_just_started() {
    let house = House::new().await;
    choose(&house, json!({"address_per_minute": 1, "address_burst": 3})).await;
    let (_, key) = house.key(None, None, &["*"]).await;
    let (_, other) = house.key(None, None, &["*"]).await;
    // Sixty requests at once by two keys that this process has never seen.
    let asked =
        (0..60).map(|n| from(&house, "1.2.3.4:5", Some(if n % 2 == 0 { &key } else { &other }), "/api/me"));
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    // Made-up ones do cost the address, also the same one again; then nobody is asked about any more.
    let made_up = |letter: &str| format!("qh_{}", letter.repeat(43));
    for letter in ["b", "c", "b"] {
        assert_eq!(from(&house, "1.2.3.4:5", Some(&made_up(letter)), "/api/me").await.status, 401);
    }
    assert_eq!(from(&house, "1.2.3.4:5", Some(&made_up("d")), "/api/me").await.status, 429);
    // Not even about a good one that is new, until the address may ask again; those known go on.
    let (_, third) = house.key(None, None, &["*"]).await;
    assert_eq!(from(&house, "1.2.3.4:5", Some(&third), "/api/me").await.status, 429);
    assert_eq!(from(&house, "1.2.3.4:5", Some(&key), "/api/me").await.status, 200);
}

#[tokio::test]
async fn somebodys_sessions_share_an_allowance() {
    let house = House::new().await;
    choose(&house, json!({"person_per_minute": 1, "person_burst": 2})).await;
    grant(&house, crate::house::GUILD, 5, access::Role::Member).await;
    let (one, other) = (signed_in(&house, 5).await, signed_in(&house, 5).await);
    assert_eq!(one.get("/api/me").await.status, 200);
    assert_eq!(other.get("/api/me").await.status, 200);
    assert_eq!(one.get("/api/me").await.status, 429);
    assert_eq!(signed_in(&house, 6).await.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn passwords_are_not_guessed_at_leisure() {
    let house = House::with_settings(development()).await;
    choose(&house, json!({"sign_in_per_minute": 2})).await;
    let mut conn = house.database.pool().acquire().await.unwrap();
    access::sign_in::admin_user_create(&mut conn, access::By::Cli, "ada", PASSWORD).await.unwrap();
    let attempt = |n: u8, name: &'static str| {
        let peer: SocketAddr = format!("1.2.3.{n}:5").parse().unwrap();
        let body = json!({ "username": name, "password": "a guess at leisure" }).to_string();
        let request = Request::post("/auth/login/local").header("content-type", "application/json");
        house.send(request.extension(ConnectInfo(peer)).body(Body::from(body)).unwrap())
    };
    // From one address by several names, and for one name from several addresses.
    for (n, name, status) in
        [(1, "ada", 400), (1, "bob", 400), (1, "eve", 429), (2, "ada", 400), (3, "ada", 429), (3, "eve", 400)]
    {
        assert_eq!(attempt(n, name).await.status, status, "{n} {name}");
    }
}

#[tokio::test]
async fn nodes_share_an_allowance_up_to_a_handful() {
    let house = House::new().await;
    let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    let nodes: Vec<_> = (0..3).map(|_| Limiter::new(house.database.pool().clone(), clock.clone())).collect();
    let allowance = Allowance { name: "test", per_minute: 1, burst: 60 };
    let mut allowed = 0;
    for n in 0..300 {
        if nodes[n % nodes.len()].take("somebody", allowance).await.refused.is_none() {
            allowed += 1;
        }
    }
    assert_eq!(allowed, 60, "no node lets through what was not granted");
    // Everybody at once takes no more either.
    let everybody = (0..300).map(|n| {
        let node = nodes[n % nodes.len()].clone();
        async move { node.take("somebody else", allowance).await.refused.is_none() }
    });
    let granted = futures::future::join_all(everybody).await.into_iter().filter(|granted| *granted).count();
    assert_eq!(granted, 60);
}

#[tokio::test]
async fn what_a_node_holds_and_does_not_use_is_forfeited() {
    let house = House::new().await;
    let clock = Clock::manual(chrono::DateTime::UNIX_EPOCH);
    let node = Limiter::new(house.database.pool().clone(), clock.clone());
    let allowance = Allowance { name: "test", per_minute: 1, burst: 100 };
    let tat = async || -> i64 {
        sqlx::query_scalar(
            "SELECT round(extract(epoch FROM tat - now()) / 60)::bigint FROM access.rate_limits",
        )
        .fetch_one(house.database.pool())
        .await
        .unwrap()
    };
    // Handfuls of 1, 2, 4 and 8: four questions for 15 requests.
    for taken in [1, 3, 3, 7, 7, 7, 7, 15, 15] {
        node.take("somebody", allowance).await;
        assert_eq!(tat().await, taken);
    }
    clock.advance(HELD_FOR + TimeDelta::seconds(1));
    // Two of the last eight were used: next time four are taken.
    node.take("somebody", allowance).await;
    assert_eq!(tat().await, 19);
}
