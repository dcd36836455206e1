//! The life of a key: made, shown once, used, rotated, revoked.

use std::fmt::Write as _;

use access::keys::NewKey;
use access::keys::cache::{FRESH, STALE, UNKNOWN};
use access::{App, HttpSettings, Scopes};
use chrono::TimeDelta;
use kernel::{ApiKeyId, GuildId};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::house::{GUILD, House, OTHER_GUILD, now, post_json};

/// Action, kind of actor, key, guild, whether active afterwards, request id.
type Logged = (String, String, Option<uuid::Uuid>, i64, bool, Option<String>);

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

async fn revoke_behind_our_back(house: &House, id: ApiKeyId) {
    let changed =
        sqlx::query("UPDATE access.api_keys SET is_active = false, revoked_at = now() WHERE id = $1")
            .bind(id.get())
            .execute(house.database.pool())
            .await
            .unwrap();
    assert_eq!(changed.rows_affected(), 1);
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_a_hash() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["keys:write", "campaigns:read"]).await;
    let made = house.post("/keys", &admin, r#"{"name": "our bot", "scopes": ["campaigns:read"]}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.headers["cache-control"], "no-store");
    let secret = made.body["secret"].as_str().unwrap();
    let (id, guild) = (made.body["key"]["id"].as_str().unwrap(), &made.body["key"]["guild_id"]);
    assert_eq!(*guild, GUILD.to_string());
    assert!(secret.starts_with(made.body["key"]["prefix"].as_str().unwrap()));

    let stored: String = sqlx::query_scalar("SELECT key_hash FROM access.api_keys WHERE id = $1::uuid")
        .bind(id)
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    let hash = sha256(secret);
    assert_eq!(stored, hash);

    for path in [format!("/keys/{id}"), "/keys".to_owned()] {
        let shown = house.get(&path, &admin).await;
        assert_eq!(shown.status, 200);
        assert!(shown.body.to_string().contains(id));
        assert!(
            !shown.body.to_string().contains(secret) && !shown.body.to_string().contains(&hash),
            "{path}"
        );
    }
    let who = house.get("/whoami", secret).await;
    assert_eq!(
        who.body,
        json!({"key_id": id, "name": "our bot", "guild_id": GUILD.to_string(), "user_id": null,
               "scopes": ["campaigns:read"]})
    );
}

#[tokio::test]
async fn what_a_new_key_may_not_be_is_told() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["keys:write", "campaigns:play"]).await;
    let (_, global) = house.key(None, None, &["*"]).await;
    let (_, member) = house.key(Some(GUILD), Some(7), &["keys:write", "campaigns:play"]).await;
    let (_, player) = house.key(Some(GUILD), None, &["campaigns:play"]).await;
    let every_scope =
        access::scope::named().iter().map(|scope| scope.name).chain(["*"]).collect::<Vec<_>>().join(", ");
    let mut told = String::new();
    for (who, key, body) in [
        ("guild", &admin, r#"{"name": "x", "scopes": ["*"]}"#),
        ("guild", &admin, r#"{"name": "x", "scopes": ["economy:write"]}"#),
        ("guild", &admin, r#"{"name": "x", "scopes": ["economy:wirte"]}"#),
        ("guild", &admin, r#"{"name": "x", "scopes": []}"#),
        ("guild", &admin, r#"{"name": "", "scopes": ["campaigns:play"]}"#),
        (
            "guild",
            &admin,
            r#"{"name": "x", "scopes": ["campaigns:play"], "expires_at": "2001-01-01T00:00:00Z"}"#,
        ),
        ("guild", &admin, r#"{"name": "x", "scopes": ["campaigns:play"], "expires_at": "tomorrow"}"#),
        ("guild", &admin, r#"{"name": "x", "scopes": ["campaigns:play"], "guild_id": "175928847299117064"}"#),
        (
            "guild",
            &admin,
            r#"{"name": "x", "scopes": ["campaigns:play"], "expires_at": "-9999-01-01T00:00:00Z"}"#,
        ),
        (
            "guild",
            &admin,
            r#"{"name": "x", "scopes": ["campaigns:play"], "expires_at": "+99999-01-01T00:00:00Z"}"#,
        ),
        ("guild", &admin, r#"{"name": "x\u0000", "scopes": ["campaigns:play"]}"#),
        ("global", &global, r#"{"name": "x", "scopes": ["campaigns:play"], "user_id": "7"}"#),
        ("member 7", &member, r#"{"name": "x", "scopes": ["campaigns:play"]}"#),
        ("member 7", &member, r#"{"name": "x", "scopes": ["campaigns:play"], "user_id": "8"}"#),
        ("player", &player, r#"{"name": "x", "scopes": ["campaigns:play"]}"#),
    ] {
        let answer = house.post("/keys", key, body).await;
        let problem = answer.problem().replace(&every_scope, "every scope that there is");
        writeln!(told, "{who} {body}\n    {problem}").unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    guild {"name": "x", "scopes": ["*"]}
        403 forbidden: A key cannot hand out what it does not hold itself: it lacks the scope `*`.
    guild {"name": "x", "scopes": ["economy:write"]}
        403 forbidden: A key cannot hand out what it does not hold itself: it lacks the scope `economy:write`.
    guild {"name": "x", "scopes": ["economy:wirte"]}
        400 invalid-request: `scopes[0]` must be one of every scope that there is
    guild {"name": "x", "scopes": []}
        400 invalid-request: `scopes` must name at least one scope
    guild {"name": "", "scopes": ["campaigns:play"]}
        400 invalid-request: `name` must have 1 to 100 characters that can be seen, none of them a control character
    guild {"name": "x", "scopes": ["campaigns:play"], "expires_at": "2001-01-01T00:00:00Z"}
        400 invalid-request: `expires_at` must be in the future
    guild {"name": "x", "scopes": ["campaigns:play"], "expires_at": "tomorrow"}
        400 invalid-request: `expires_at` must be a day such as "2026-01-31" where a day is asked for, else a date and time with its zone, such as "2026-01-31T18:00:00Z" or "2026-01-31T19:00:00+01:00"
    guild {"name": "x", "scopes": ["campaigns:play"], "guild_id": "175928847299117064"}
        404 not-found: There is no such guild here.
    guild {"name": "x", "scopes": ["campaigns:play"], "expires_at": "-9999-01-01T00:00:00Z"}
        400 invalid-request: `expires_at` must be in the years 1 to 9999
    guild {"name": "x", "scopes": ["campaigns:play"], "expires_at": "+99999-01-01T00:00:00Z"}
        400 invalid-request: `expires_at` must be in the years 1 to 9999
    guild {"name": "x\u0000", "scopes": ["campaigns:play"]}
        400 invalid-request: `name` must not hold a NUL character (\u0000)
    global {"name": "x", "scopes": ["campaigns:play"], "user_id": "7"}
        400 invalid-request: `user_id` needs a guild_id: members are of a guild
    member 7 {"name": "x", "scopes": ["campaigns:play"]}
        403 forbidden: A key that is bound to a member hands out only keys that are bound to the same member.
    member 7 {"name": "x", "scopes": ["campaigns:play"], "user_id": "8"}
        403 forbidden: A key that is bound to a member hands out only keys that are bound to the same member.
    player {"name": "x", "scopes": ["campaigns:play"]}
        403 forbidden: This takes a key with the scope `keys:write`.
    "#);
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM access.api_keys WHERE name = 'x'")
        .fetch_one(house.database.pool())
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn a_guilds_admin_sees_no_other_guilds_keys() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["*"]).await;
    let (theirs, _) = house.key(Some(OTHER_GUILD), None, &["*"]).await;
    let (global, _) = house.key(None, None, &["*"]).await;
    let nobodys = ApiKeyId::new(uuid::Uuid::nil());
    for id in [theirs, global, nobodys] {
        let rotate = house.post(&format!("/keys/{id}/rotate"), &admin, "").await;
        let refused = "404 not-found: There is no such API key here.";
        assert_eq!(house.get(&format!("/keys/{id}"), &admin).await.problem(), refused);
        assert_eq!(house.delete(&format!("/keys/{id}"), &admin).await.problem(), refused);
        assert_eq!(rotate.problem(), refused);
    }
    let list = house.get("/keys", &admin).await;
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "{list:?}");
    assert_eq!(house.get(&format!("/keys?guild_id={OTHER_GUILD}"), &admin).await.status, 404);
}

#[tokio::test]
async fn lists_of_keys_go_on_where_the_page_before_ended() {
    let house = House::new().await;
    let (_, admin) = house.key(None, None, &["*"]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(house.key(Some(GUILD), None, &["*"]).await.0.to_string());
    }
    made.reverse();
    let (mut seen, mut path) = (Vec::new(), format!("/keys?guild_id={GUILD}&limit=2"));
    loop {
        let page = house.get(&path, &admin).await;
        seen.extend(
            page.body["items"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/keys?guild_id={GUILD}&limit=2&cursor={next}");
    }
    assert_eq!(seen, made);
}

#[tokio::test]
async fn a_cached_key_costs_no_query() {
    let house = House::new().await;
    let (_, key) = house.key(Some(GUILD), None, &["*"]).await;
    assert_eq!(house.get("/whoami", &key).await.status, 200);
    house.app.pool().close().await;
    assert_eq!(house.get("/whoami", &key).await.status, 200);
    // And a house whose database is away lets in nobody whom it cannot ask about.
    house.clock.advance(STALE);
    let refused = house.get("/whoami", &key).await;
    insta::assert_snapshot!(refused.problem(), @"503 unavailable: The database does not answer; try again in a moment.");
    assert_eq!(refused.headers["retry-after"], "1");
}

#[tokio::test]
async fn a_revoked_key_stops_within_a_second_though_nobody_was_told() {
    let house = House::new().await;
    let (id, key) = house.key(Some(GUILD), None, &["*"]).await;
    assert_eq!(house.get("/whoami", &key).await.status, 200);
    revoke_behind_our_back(&house, id).await;
    house.clock.advance(STALE);
    assert!(STALE < TimeDelta::seconds(1));
    assert_eq!(
        house.get("/whoami", &key).await.problem(),
        "401 unauthenticated: This API key is unknown, expired or revoked."
    );
}

#[tokio::test]
async fn a_busy_key_is_asked_about_in_the_background() {
    let house = House::new().await;
    let (id, key) = house.key(Some(GUILD), None, &["*"]).await;
    let (_, quiet) = house.key(Some(GUILD), None, &["*"]).await;
    for key in [&key, &quiet] {
        assert_eq!(house.get("/whoami", key).await.status, 200);
    }
    revoke_behind_our_back(&house, id).await;
    house.clock.advance(FRESH);
    // Still good, as of less than a second ago; and the question is asked.
    assert_eq!(house.get("/whoami", &key).await.status, 200);
    house.app.keys().settled().await;
    assert_eq!(house.get("/whoami", &key).await.status, 401);
    // The same question was about the other key that was used: it is fresh again, without a query of its own.
    house.clock.advance(STALE - FRESH);
    house.app.keys().settled().await;
    house.app.pool().close().await;
    assert_eq!(house.get("/whoami", &quiet).await.status, 200);
}

#[tokio::test]
async fn a_change_of_scopes_is_seen_within_a_second() {
    let house = House::new().await;
    let (id, key) = house.key(None, None, &["squads:read"]).await;
    assert_eq!(house.get("/operations", &key).await.status, 403);
    sqlx::query("UPDATE access.api_keys SET scopes = '{operations:read}' WHERE id = $1")
        .bind(id.get())
        .execute(house.database.pool())
        .await
        .unwrap();
    house.clock.advance(STALE);
    assert_eq!(house.get("/operations", &key).await.status, 200);
}

#[tokio::test]
async fn an_expired_key_is_refused_by_the_databases_time() {
    let house = House::new().await;
    let soon = now(house.database.pool()).await + TimeDelta::hours(1);
    let new = NewKey {
        name: "guest".to_owned(),
        guild: Some(GuildId::new(GUILD)),
        user: None,
        scopes: Scopes::new(["*"]),
        expires_at: Some(soon),
    };
    let (id, key) = house.make(&new).await;
    // Our own clock is decades off, and is not asked.
    assert_eq!(house.get("/whoami", &key).await.status, 200);
    sqlx::query(
        "UPDATE access.api_keys SET created_at = now() - interval '2 s', expires_at = now() - interval '1 s' WHERE id = $1",
    )
    .bind(id.get())
    .execute(house.database.pool())
    .await
    .unwrap();
    house.clock.advance(STALE);
    assert_eq!(house.get("/whoami", &key).await.status, 401);
}

#[tokio::test]
async fn unknown_keys_are_remembered_for_a_while() {
    let house = House::new().await;
    let made_up = format!("qh_{}", "a".repeat(43));
    assert_eq!(house.get("/whoami", &made_up).await.status, 401);
    let (id, _) = house.key(None, None, &["*"]).await;
    sqlx::query("UPDATE access.api_keys SET key_hash = $2 WHERE id = $1")
        .bind(id.get())
        .bind(sha256(&made_up))
        .execute(house.database.pool())
        .await
        .unwrap();
    assert_eq!(house.get("/whoami", &made_up).await.status, 401);
    house.clock.advance(UNKNOWN);
    assert_eq!(house.get("/whoami", &made_up).await.status, 200);
}

#[tokio::test]
async fn rotation_keeps_the_key_and_changes_the_secret() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["keys:write", "squads:read"]).await;
    let (id, old) = house.key(Some(GUILD), None, &["squads:read"]).await;
    assert_eq!(house.get("/whoami", &old).await.status, 200);
    let rotated = house.post(&format!("/keys/{id}/rotate"), &admin, "").await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let new = rotated.body["secret"].as_str().unwrap();
    house.clock.advance(STALE);
    assert_eq!(house.get("/whoami", &old).await.status, 401);
    let who = house.get("/whoami", new).await;
    assert_eq!((who.status.as_u16(), &who.body["key_id"]), (200, &json!(id)));

    // Else whoever may manage keys could take any.
    let (stronger, _) = house.key(Some(GUILD), None, &["*"]).await;
    let refused = house.post(&format!("/keys/{stronger}/rotate"), &admin, "").await;
    insta::assert_snapshot!(refused.problem(), @"403 forbidden: A key cannot hand out what it does not hold itself: it lacks the scope `*`.");
}

#[tokio::test]
async fn a_rotated_keys_old_secret_is_good_for_its_grace() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["*"]).await;
    let (id, old) = house.key(Some(GUILD), None, &["squads:read"]).await;
    let rotate = format!("/keys/{id}/rotate");
    for bad in ["-1", "10081"] {
        let refused = house.post(&rotate, &admin, &format!(r#"{{"grace_minutes": {bad}}}"#)).await;
        assert_eq!(refused.problem(), "400 invalid-request: `grace_minutes` must be from 0 to 10080");
    }
    let rotated = house.post(&rotate, &admin, r#"{"grace_minutes": 60}"#).await;
    assert!(rotated.body["key"]["previous_until"].is_string(), "{rotated:?}");
    let new = rotated.body["secret"].as_str().unwrap();
    house.clock.advance(STALE);
    for secret in [&old, new] {
        assert_eq!(house.get("/whoami", secret).await.body["key_id"], json!(id));
    }
    sqlx::query("UPDATE access.api_keys SET previous_until = now() - interval '1 second' WHERE id = $1")
        .bind(id.get())
        .execute(house.database.pool())
        .await
        .unwrap();
    house.clock.advance(STALE);
    assert_eq!(
        (house.get("/whoami", &old).await.status, house.get("/whoami", new).await.status.as_u16()),
        (401.try_into().unwrap(), 200)
    );

    // The guild's setting is what counts where the rotation says nothing; and revoking ends both.
    let path = format!("/guilds/{GUILD}/settings/api_keys");
    assert_eq!(house.patch(&path, &admin, r#"{"rotation_grace_minutes": 5}"#).await.status, 200);
    let third = house.post(&rotate, &admin, "").await;
    let third = third.body["secret"].as_str().unwrap();
    house.clock.advance(STALE);
    assert_eq!(house.get("/whoami", new).await.status, 200);
    assert_eq!(house.delete(&format!("/keys/{id}"), &admin).await.status, 200);
    house.clock.advance(STALE);
    for secret in [new, third] {
        assert_eq!(house.get("/whoami", secret).await.status, 401);
    }
}

#[tokio::test]
async fn revoking_is_for_good_and_written_down() {
    let house = House::new().await;
    let (admin_id, admin) = house.key(Some(GUILD), None, &["keys:write", "squads:read"]).await;
    let (id, _) = house.key(Some(GUILD), None, &["squads:read"]).await;
    let first = house
        .send(
            axum::http::Request::delete(format!("/keys/{id}"))
                .header("authorization", format!("Bearer {admin}"))
                .header("x-request-id", "req-1")
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await;
    assert_eq!((first.status.as_u16(), &first.body["is_active"]), (200, &json!(false)));
    let again = house.delete(&format!("/keys/{id}"), &admin).await;
    assert_eq!(again.body["revoked_at"], first.body["revoked_at"]);
    let rotate = house.post(&format!("/keys/{id}/rotate"), &admin, "").await;
    insta::assert_snapshot!(rotate.problem(), @"409 conflict: This API key has been revoked and stays so; make a new one.");

    let log: Vec<Logged> = sqlx::query_as(
        "SELECT action_type, actor_kind, api_key_id, guild_id, (after_snapshot->>'is_active')::bool, request_id
         FROM access.admin_log WHERE target_id = $1 ORDER BY id",
    )
    .bind(id.to_string())
    .fetch_all(house.database.pool())
    .await
    .unwrap();
    assert_eq!(
        log,
        [
            ("CREATE".into(), "cli".into(), None, GUILD, true, None),
            ("REVOKE".into(), "api_key".into(), Some(admin_id.get()), GUILD, false, Some("req-1".into())),
        ]
    );
}

#[tokio::test]
async fn use_is_written_down_in_batches() {
    let house = House::new().await;
    let (_, admin) = house.key(None, None, &["keys:write"]).await;
    let (used, key) = house.key(None, None, &["squads:read"]).await;
    let (unused, _) = house.key(None, None, &["squads:read"]).await;
    for _ in 0..20 {
        assert_eq!(house.get("/whoami", &key).await.status, 200);
    }
    assert_eq!(house.app.keys().flush().await.unwrap(), 1);
    assert_eq!(house.app.keys().flush().await.unwrap(), 0);
    assert!(house.get(&format!("/keys/{used}"), &admin).await.body["last_used"].is_string());
    assert!(house.get(&format!("/keys/{unused}"), &admin).await.body["last_used"].is_null());
}

#[tokio::test]
async fn two_nodes_write_down_the_same_use_without_quarrel() {
    let house = House::new().await;
    let other = App::new(house.database.pool().clone(), jobs::Wake::new(), HttpSettings::default());
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(house.key(None, None, &["*"]).await.1);
    }
    for key in &keys {
        assert!(house.app.keys().authenticate(key).await.unwrap().is_some());
        assert!(other.keys().authenticate(key).await.unwrap().is_some());
    }
    let (one, two) = tokio::join!(house.app.keys().flush(), other.keys().flush());
    // A row that the other holds is left to it; on the turn of a minute it is written twice.
    assert!((20..=40).contains(&(one.unwrap() + two.unwrap())));
}

#[tokio::test]
async fn a_repeated_request_for_a_key_makes_one_key_and_keeps_no_secret() {
    let house = House::new().await;
    let (_, admin) = house.key(Some(GUILD), None, &["*"]).await;
    let ask = || {
        post_json("/keys", &admin)
            .header("idempotency-key", "make-it")
            .body(axum::body::Body::from(r#"{"name": "once", "scopes": ["squads:read"]}"#))
            .unwrap()
    };
    let first = house.send(ask()).await;
    let secret = first.body["secret"].as_str().unwrap();
    insta::assert_snapshot!(house.send(ask()).await.problem(), @"409 answer-not-kept: The first request was carried out; its answer is not kept. Look at what it did.");
    let (made, kept): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM access.api_keys WHERE name = 'once'),
                (SELECT count(*) FROM access.idempotency_keys WHERE position($1::bytea in response_body) > 0)",
    )
    .bind(secret.as_bytes())
    .fetch_one(house.database.pool())
    .await
    .unwrap();
    assert_eq!((made, kept), (1, 0));
}
