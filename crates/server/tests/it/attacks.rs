//! What an attacker tried, each for its kind.

use std::collections::BTreeSet;

use access::Role;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::guilds::Guild;
use crate::house::{Answer, House, ask};
use crate::malformed::{named, places};
use crate::samples::{body_of, operations};

const GUILD: i64 = 175_928_847_299_117_063;
const USER: i64 = 11;

fn document() -> Value {
    serde_json::to_value(server::openapi()).unwrap()
}

fn value(guild: &Guild, name: &str) -> String {
    guild.ids.get(name).cloned().unwrap_or_else(|| match name {
        "day" => "2026-11-20".to_owned(),
        "node_id" => uuid::Uuid::nil().to_string(),
        _ => "1".to_owned(),
    })
}

#[tokio::test]
async fn streams_of_events_are_answered_for_clients_that_take_gzip() {
    let house = House::new().await;
    let key = house.key(Some(GUILD), None, &["*"]).await;
    let now = db::now(&mut house.database.pool().acquire().await.unwrap()).await.unwrap();
    let event = |n: i64| {
        json!({ "event_type": "message_create", "user_id": "7", "channel_id": "9", "source_id": format!("m{n}"),
                "timestamp": now })
        .to_string()
    };
    let body: String = (0..2_000).map(|n| event(n) + "\n").collect();
    let request = ask(Method::POST, &format!("/api/v1/guilds/{GUILD}/lake/events"), &key)
        .header("content-type", "application/x-ndjson")
        .header("accept-encoding", "gzip")
        .body(Body::from(body))
        .unwrap();
    let answer = house.send(request).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (StatusCode::OK, "gzip"));
}

/// Whatever does not say that it looks as a member refuses to be asked for one, unless members may do it anyway.
#[tokio::test]
async fn who_acts_for_a_member_may_do_what_members_may() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let (mut tried, mut faults) = (0, Vec::new());
    for operation in operations(&document()) {
        let declared = operation.parameters("header").any(|header| header["name"] == "Questhall-User");
        let scopes = operation.description["security"][0]["api_key"].as_array().cloned().unwrap_or_default();
        let of_members =
            scopes.iter().all(|scope| Role::Member.scopes().permit(scope.as_str().unwrap_or_default()));
        if declared || of_members {
            continue;
        }
        tried += 1;
        let path = operation.path_with(|name| value(&guild, name));
        let key = if operation.path.contains("{guild_id}") { &guild.key } else { &house.global };
        let request = ask(operation.method.clone(), &path, key).header("questhall-user", USER);
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        if answer.status != StatusCode::FORBIDDEN {
            faults.push(format!("{}: {}", operation.name(), answer.status));
        }
    }
    assert!(tried > 80, "{tried}");
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn the_audit_log_shows_scripts_and_hints_to_those_who_may_write_them() {
    let house = House::new().await;
    // As a change of a challenge is written down.
    sqlx::query(
        "INSERT INTO access.admin_log (guild_id, actor_kind, action_type, target_table, target_id, after_snapshot)
         VALUES ($1, 'cli', 'UPDATE', 'challenges.challenges', 'one', $2)",
    )
    .bind(GUILD)
    .bind(json!({ "title": "One", "generation_script": "json.dumps(1)", "hints": [{ "text": "Look closer." }] }))
    .execute(house.database.pool())
    .await
    .unwrap();
    let path = format!("/api/v1/guilds/{GUILD}/audit-log?limit=200");
    let secrets = ["json.dumps", "Look closer."];
    let author = house.key(Some(GUILD), None, &["operations:read", "campaigns:write"]).await;
    let log = house.get(&path, &author).await;
    assert!(secrets.iter().any(|secret| log.text.contains(secret)), "nothing to hide: {}", log.text);
    let operator = house.key(Some(GUILD), None, &["operations:read"]).await;
    let log = house.get(&path, &operator).await;
    assert_eq!(log.status, StatusCode::OK);
    for secret in secrets {
        assert!(!log.text.contains(secret), "{secret}: {}", log.text);
    }
}

async fn make(house: &House, key: &str, body: &Value) -> Answer {
    house.post("/api/v1/keys", key, body).await
}

#[tokio::test]
async fn a_key_makes_none_that_outlives_it() {
    let house = House::new().await;
    let soon = db::now(&mut house.database.pool().acquire().await.unwrap()).await.unwrap()
        + chrono::TimeDelta::hours(1);
    let short = json!({ "name": "short", "guild_id": GUILD.to_string(), "scopes": ["keys:write", "campaigns:read"],
                        "expires_at": soon });
    let short = make(&house, &house.global, &short).await.json()["secret"].as_str().unwrap().to_owned();
    let late = soon + chrono::TimeDelta::seconds(1);
    let lasting = json!({ "name": "x", "scopes": ["campaigns:read"], "expires_at": late });
    let answer = make(&house, &short, &lasting).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["errors"][0]["field"], "expires_at");
    // Left out, it is the maker's.
    let made = make(&house, &short, &json!({ "name": "x", "scopes": ["campaigns:read"] })).await.json();
    let end = made["key"]["expires_at"].as_str().unwrap_or_default().parse::<chrono::DateTime<chrono::Utc>>();
    assert!(end.is_ok_and(|end| (end - soon).num_milliseconds().abs() <= 1), "{made}");
    // Nor does it take over one that does.
    let lasting = json!({ "name": "lasting", "guild_id": GUILD.to_string(), "scopes": ["campaigns:read"] });
    let lasting = make(&house, &house.global, &lasting).await.json();
    let rotate = format!("/api/v1/keys/{}/rotate", lasting["key"]["id"].as_str().unwrap());
    assert_eq!(house.post(&rotate, &short, &json!({})).await.status, 403);
}

#[tokio::test]
async fn what_a_revoked_key_made_is_revoked_with_it_and_no_key_revokes_a_stronger_one() {
    let house = House::new().await;
    let made_by = async |key: &str, scopes: &[&str]| {
        let answer =
            make(&house, key, &json!({ "name": "x", "guild_id": GUILD.to_string(), "scopes": scopes })).await;
        let made = answer.json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (text(&made["key"]["id"]), text(&made["secret"]))
    };
    let (maker_id, maker) = made_by(&house.global, &["keys:write", "campaigns:read"]).await;
    let (child_id, child) = made_by(&maker, &["keys:write", "campaigns:read"]).await;
    let (grandchild_id, _) = made_by(&child, &["campaigns:read"]).await;
    let (strong_id, _) = made_by(&house.global, &["campaigns:write"]).await;

    let revoke = async |id: &str, key: &str| {
        house.call(Method::DELETE, &format!("/api/v1/keys/{id}"), key, &Value::Null).await
    };
    assert_eq!(revoke(&strong_id, &maker).await.status, StatusCode::FORBIDDEN);
    // The answer tells which went with it; once they are gone, nothing more goes.
    let revoked = revoke(&maker_id, &house.global).await.json();
    assert_eq!((&revoked["id"], &revoked["is_active"]), (&json!(maker_id), &json!(false)), "{revoked}");
    let went: BTreeSet<&str> =
        revoked["also_revoked"].as_array().unwrap().iter().filter_map(|key| key["id"].as_str()).collect();
    assert_eq!(went, BTreeSet::from([child_id.as_str(), grandchild_id.as_str()]), "{revoked}");
    assert_eq!(revoke(&maker_id, &house.global).await.json()["also_revoked"], json!([]));
    let grandchild = house.get(&format!("/api/v1/keys/{grandchild_id}"), &house.global).await.json();
    assert_eq!(grandchild["is_active"], false, "{grandchild}");
    assert!(grandchild["revoked_at"].is_string(), "{grandchild}");
    let strong = house.get(&format!("/api/v1/keys/{strong_id}"), &house.global).await.json();
    assert_eq!(strong["is_active"], true);
}

/// A disk that is full, memory that is used up: not the request's fault, and not for ever.
#[tokio::test]
async fn a_database_without_room_is_told_as_such() {
    let house = House::new().await;
    let key = house.key(Some(GUILD), None, &["*"]).await;
    sqlx::raw_sql(
        "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER no_room BEFORE INSERT ON squads.squads FOR EACH ROW EXECUTE FUNCTION public.no_room()",
    )
    .execute(house.database.pool())
    .await
    .unwrap();
    assert_eq!(house.get("/readyz", "").await.status, StatusCode::OK);
    let path = format!("/api/v1/guilds/{GUILD}/squads");
    let answer = house.post(&path, &key, &json!({ "name": "sea otters" })).await;
    assert!(answer.problem().starts_with("503 unavailable: The database has no room"), "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
    let ready = house.get("/readyz", "").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.json()["checks"]["database"].as_str().unwrap().contains("no room"), "{}", ready.text);
}

/// What moves a terminal's cursor or changes its title is no part of any text.
#[tokio::test]
async fn escape_sequences_are_taken_nowhere() {
    let house = House::new().await;
    let document = document();
    let (mut tried, mut faults) = (0, Vec::new());
    for (n, operation) in operations(&document).iter().enumerate() {
        let Some(whole) = body_of(&document, operation) else { continue };
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = if operation.path.contains("{guild_id}") { &guild.key } else { &house.global };
        let path = operation.path_with(|name| value(&guild, name));
        let declared = operation.parameters("header").any(|header| header["name"] == "Questhall-User");
        for (name, field) in whole.as_object().into_iter().flatten() {
            if !field.is_string() || operation.id.starts_with("campaign_") {
                continue;
            }
            for bad in ["a\u{1b}[2Jb", "a\u{9b}2Jb", "a\u{8}b", "a\u{7f}b"] {
                tried += 1;
                let mut body = whole.clone();
                body[name] = json!(bad);
                let mut request =
                    ask(operation.method.clone(), &path, key).header("content-type", "application/json");
                if declared {
                    request = request.header("questhall-user", guild.user);
                }
                let answer = house.send(request.body(Body::from(body.to_string())).unwrap()).await;
                if !answer.status.is_client_error() && answer.status != 503 {
                    faults.push(format!("{} {name} = {bad:?}: {}", operation.name(), answer.status));
                }
            }
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn escape_sequences_in_reasons_and_descriptions_are_refused() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let api = format!("/api/v1/guilds/{GUILD}");
    for (path, body) in [
        ("awards", json!({ "user_ids": [USER.to_string()], "gold": 1, "reason": "for\u{1b}[2Jnothing" })),
        ("board", json!({ "title": "x", "description": "line\none\u{1b}]0;title\u{7}" })),
    ] {
        let answer = house.post(&format!("{api}/{path}"), &guild.key, &body).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    // Lines and tabs are no trouble.
    let body = json!({ "title": "x", "description": "line\n\tone\r\ntwo" });
    assert!(house.post(&format!("{api}/board"), &guild.key, &body).await.status.is_success());
}

/// Years that PostgreSQL's calendar, or RFC 3339, does not reach.
#[tokio::test]
async fn times_beyond_the_calendar_are_refused_by_their_field() {
    let house = House::new().await;
    let guild = Guild::furnish(&house, GUILD, USER).await;
    let document = document();
    let (mut tried, mut faults) = (0, Vec::new());
    let cursors =
        ["-262143-01-01T00:00:00Z", "+262142-12-31T23:59:59Z", "0000-01-01T00:00:00Z"].map(|time| {
            use base64::Engine as _;
            let number = json!([time, 1]).to_string();
            let uuid = json!([time, uuid::Uuid::nil()]).to_string();
            [number, uuid].map(|text| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text))
        });
    for operation in operations(&document).iter().filter(|operation| operation.method == Method::GET) {
        if operation.description.pointer("/responses/200/content/text~1event-stream").is_some() {
            continue;
        }
        let key = if operation.path.contains("{guild_id}") { &guild.key } else { &house.global };
        let path = operation.path_with(|name| value(&guild, name));
        let declared = operation.parameters("header").any(|header| header["name"] == "Questhall-User");
        let mut queries = Vec::new();
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            let text = parameter["schema"].to_string();
            if text.contains("date-time") {
                for time in ["-262143-01-01T00:00:00Z", "%2B262142-12-31T23:59:59Z", "-4714-01-01T00:00:00Z"]
                {
                    queries.push((name, time.to_owned()));
                }
            } else if text.contains("\"date\"") {
                queries.extend(["-262143-01-01", "%2B262142-12-31"].map(|day| (name, day.to_owned())));
            } else if name == "cursor" {
                queries.extend(cursors.iter().flatten().map(|cursor| (name, cursor.clone())));
            }
        }
        for (name, text) in queries {
            tried += 1;
            let mut request = ask(Method::GET, &format!("{path}?{name}={text}"), key);
            if declared {
                request = request.header("questhall-user", USER);
            }
            let answer = house.send(request.body(Body::empty()).unwrap()).await;
            let named = answer.status == 400 && answer.json()["errors"][0]["field"] == name;
            if !named && (answer.status.is_server_error() || name != "cursor") {
                faults.push(format!("{} {name}={text}: {} {}", operation.name(), answer.status, answer.text));
            }
        }
    }
    assert!(tried > 60, "{tried}");
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
}

/// However deep they stand.
#[tokio::test]
async fn times_beyond_the_calendar_are_refused_in_bodies() {
    let house = House::new().await;
    let document = document();
    let (mut tried, mut deep, mut faults) = (0, 0, Vec::new());
    for (n, operation) in operations(&document).iter().enumerate() {
        let Some(schema) = operation.body_schema() else { continue };
        let is_time = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.parse::<chrono::DateTime<chrono::Utc>>().is_ok() || text.parse::<chrono::NaiveDate>().is_ok()
        };
        let whole = match body_of(&document, operation) {
            Some(by_hand) if operation.id.starts_with("campaign_") || operation.id.starts_with("rule_") => {
                by_hand
            }
            _ => crate::samples::sample(&document, schema, true),
        };
        let mut times = Vec::new();
        places(&whole, "", &mut times);
        times.retain(|place| is_time(whole.pointer(place)));
        if times.is_empty() {
            continue;
        }
        let guild = {
            let n = i64::try_from(n).unwrap();
            Guild::furnish(&house, GUILD + n, USER + 10 * n).await
        };
        let key = if operation.path.contains("{guild_id}") { &guild.key } else { &house.global };
        let path = operation.path_with(|name| value(&guild, name));
        for place in times {
            let day = whole.pointer(&place).and_then(Value::as_str).is_some_and(|text| text.len() == 10);
            for time in ["-262143-01-01", "+262142-12-31", "10000-01-01"] {
                tried += 1;
                deep += usize::from(place.matches('/').count() > 1);
                let mut body = whole.clone();
                *body.pointer_mut(&place).unwrap() =
                    if day { json!(time) } else { json!(format!("{time}T00:00:00Z")) };
                let answer = house.call(operation.method.clone(), &path, key, &body).await;
                let told = match answer.status.as_u16() {
                    // What needs a sandbox is not looked at here.
                    503 if answer.text.contains("runs no scripts") => continue,
                    400 => answer.json()["errors"][0]["field"].clone(),
                    // Of a batch, what is wrong is told an event at a time.
                    200 => answer.json()["refused"][0]["field"].clone(),
                    _ => Value::Null,
                };
                if !told.as_str().is_some_and(|told| named(&place).ends_with(told)) {
                    faults.push(format!(
                        "{} {place}={time}: {} {}",
                        operation.name(),
                        answer.status,
                        answer.text
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 40 && deep > 10, "{tried}, {deep} of them deep");
}
