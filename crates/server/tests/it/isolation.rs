//! One guild's key on every operation with another guild's ids: nothing is told, nothing is changed.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::guilds::{Guild, rows_of};
use crate::house::{Answer, House, ask};
use crate::samples::{Operation, body_of, operations};

const A: i64 = 175_928_847_299_117_063;
const B: i64 = 175_928_847_299_117_064;
const NOWHERE: i64 = 175_928_847_299_117_065;

async fn call(
    house: &House,
    guild: &Guild,
    operation: &Operation,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let mut request = ask(operation.method.clone(), path, &guild.key);
    // To the others it means that they do no more than a member may.
    if access::testing::takes_member(operation.method.as_str(), path) {
        request = request.header("questhall-user", guild.user);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    house.send(request.body(body).unwrap()).await
}

/// What stands for a name in a path: an id of the guild, or something that is of no guild.
fn value(guild: &Guild, name: &str) -> String {
    match name {
        "part" => "1".to_owned(),
        "day" => "2026-11-20".to_owned(),
        "category" => "api_keys".to_owned(),
        "name" => "max_lifetime_days".to_owned(),
        "source_id" => "an-event-of-nobody".to_owned(),
        _ => guild
            .ids
            .get(name)
            .unwrap_or_else(|| panic!("no guild has a {{{name}}}: add one to Guild::furnish"))
            .clone(),
    }
}

/// What is answered 503 where no scripts can be run, as in these tests.
const NEEDS_SCRIPTS: [&str; 5] =
    ["campaign_check", "challenge_check", "input_get", "learning_program_run", "assessment_program_run"];

/// People are of all guilds; that a member of one may join another is no leak. Cases are numbered in each guild.
fn is_guilds_own(name: &str) -> bool {
    !matches!(
        name,
        "guild_id"
            | "user_id"
            | "part"
            | "day"
            | "category"
            | "name"
            | "role"
            | "discord_role_id"
            | "case_number"
            | "token"
    )
}

#[tokio::test]
async fn one_guild_neither_sees_nor_changes_another() {
    let house = House::new().await;
    let (a, b) = (Guild::furnish(&house, A, 11).await, Guild::furnish(&house, B, 21).await);
    let document = serde_json::to_value(server::openapi()).unwrap();
    let before = rows_of(&house, B).await;
    assert!(before.len() >= 10, "{:?}", before.keys());
    let mut faults = Vec::new();
    let mut tried = 0;
    for operation in operations(&document).iter().filter(|operation| operation.path.contains("{guild_id}")) {
        let body = body_of(&document, operation);
        let mut paths = vec![operation.path_with(|name| value(&b, name))];
        let own: Vec<&str> = operation.path_parameters().filter(|name| is_guilds_own(name)).collect();
        for foreign in &own {
            paths.push(operation.path_with(|name| value(if name == *foreign { &b } else { &a }, name)));
        }
        if !own.is_empty() {
            paths.push(operation.path_with(|name| value(if name == "guild_id" { &a } else { &b }, name)));
        }
        for (n, path) in paths.into_iter().enumerate() {
            tried += 1;
            let answer = call(&house, &a, operation, &path, body.as_ref()).await;
            // In one's own guild, what needs scripts is not even begun without a sandbox.
            let no_scripts = n > 0 && answer.status == 503 && NEEDS_SCRIPTS.contains(&operation.id.as_str());
            let not_found = answer.status == 404 && answer.problem().starts_with("404 not-found");
            if !no_scripts && !not_found {
                faults.push(format!("{} as {path}: {} {}", operation.name(), answer.status, answer.text));
            }
        }
        // A guild that is there is refused in the same words as one that is not.
        let there =
            call(&house, &a, operation, &operation.path_with(|name| value(&b, name)), body.as_ref()).await;
        let nowhere = operation
            .path_with(|name| if name == "guild_id" { NOWHERE.to_string() } else { value(&b, name) });
        let nowhere = call(&house, &a, operation, &nowhere, body.as_ref()).await;
        if there.text != nowhere.text {
            faults.push(format!("{}: {} is told from {}", operation.name(), there.text, nowhere.text));
        }
    }
    assert!(faults.is_empty(), "{} of {tried}:\n{}", faults.len(), faults.join("\n"));
    assert!(tried > 60, "only {tried}");
    assert_same(&before, &rows_of(&house, B).await);
}

#[tokio::test]
async fn ids_of_another_guild_in_bodies_and_queries_reach_nothing_of_it() {
    let house = House::new().await;
    let (a, b) = (Guild::furnish(&house, A, 11).await, Guild::furnish(&house, B, 21).await);
    let document = serde_json::to_value(server::openapi()).unwrap();
    let before = rows_of(&house, B).await;
    let mut tried = BTreeSet::new();
    let mut faults = Vec::new();
    // A receiver is a person as a user is.
    let person = b.ids["user_id"].clone();
    let foreign = |name: &str| match name {
        "receiver_id" => Some(person.clone()),
        "guild_id" => None,
        _ => b.ids.get(name).cloned(),
    };
    for operation in operations(&document).iter().filter(|operation| operation.path.contains("{guild_id}")) {
        let path = operation.path_with(|name| value(&a, name));
        let body = body_of(&document, operation);
        let fields = operation
            .body_schema()
            .map(|schema| crate::samples::properties(&document, schema))
            .unwrap_or_default();
        for (name, id) in fields.keys().filter_map(|name| Some((name, foreign(name)?))) {
            let mut body = body.clone().unwrap_or_else(|| json!({}));
            body[name] = json!(id);
            let answer = call(&house, &a, operation, &path, Some(&body)).await;
            tried.insert(format!("{} {name}", operation.id));
            if answer.status.is_server_error() || (is_guilds_own(name) && answer.status.is_success()) {
                faults.push(format!("{} {name}: {} {}", operation.name(), answer.status, answer.text));
            }
        }
        let names = operation.parameters("query").map(|parameter| parameter["name"].as_str().unwrap());
        for (name, id) in names.filter_map(|name| Some((name, foreign(name)?))) {
            let answer = call(&house, &a, operation, &format!("{path}?{name}={id}"), body.as_ref()).await;
            tried.insert(format!("{} {name}", operation.id));
            // A filter by what is not there may as well find nothing.
            let is_empty = |answer: &Answer| match answer.header("content-type") {
                // A table has its names of columns.
                csv if csv.starts_with("text/csv") => answer.text.lines().count() == 1,
                _ => answer.json()["items"] == json!([]),
            };
            // A case may be about somebody who never came: above one was just made about this person, in this guild.
            let own = operation.id == "case_export";
            if answer.status.is_server_error() || (answer.status.is_success() && !own && !is_empty(&answer)) {
                faults.push(format!("{} {name}: {} {}", operation.name(), answer.status, answer.text));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(tried.len() >= 3, "{tried:?}");
    assert_same(&before, &rows_of(&house, B).await);
}

#[tokio::test]
async fn keys_of_another_guild_and_the_installation_are_out_of_reach() {
    let house = House::new().await;
    let (a, b) = (Guild::furnish(&house, A, 11).await, Guild::furnish(&house, B, 21).await);
    let document = serde_json::to_value(server::openapi()).unwrap();
    let before = rows_of(&house, B).await;
    let mut operators = 0;
    for operation in operations(&document) {
        let path = operation
            .path_with(|name| b.ids.get(name).cloned().unwrap_or_else(|| uuid::Uuid::nil().to_string()));
        if operation.path.contains("/keys/{key_id}") {
            let answer = call(&house, &a, &operation, &path, None).await;
            assert!(answer.problem().starts_with("404 not-found"), "{}: {answer:?}", operation.name());
        }
        if operation.path.contains("/operations/") && !operation.path.contains("{guild_id}") {
            operators += 1;
            let answer = call(&house, &a, &operation, &path, body_of(&document, &operation).as_ref()).await;
            assert!(answer.problem().starts_with("403 forbidden"), "{}: {answer:?}", operation.name());
        }
    }
    assert!(operators >= 10, "{operators}");
    let listed = house.get("/api/v1/keys", &a.key).await;
    assert_eq!(listed.status, StatusCode::OK);
    assert!(!listed.text.contains(&B.to_string()));
    let answer = house.get(&format!("/api/v1/keys?guild_id={B}"), &a.key).await;
    assert!(answer.status.is_client_error() || answer.json()["items"] == json!([]), "{answer:?}");
    let body = json!({ "name": "x", "guild_id": B.to_string(), "scopes": ["*"] });
    let answer = house.post("/api/v1/keys", &a.key, &body).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert_same(&before, &rows_of(&house, B).await);
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let house = House::new().await;
    let a = Guild::furnish(&house, A, 11).await;
    let document = serde_json::to_value(server::openapi()).unwrap();
    for operation in operations(&document) {
        let path = operation.path_with(|name| a.ids.get(name).cloned().unwrap_or_else(|| "1".to_owned()));
        for key in ["", "qh_wrong"] {
            let request =
                ask(operation.method.clone(), &path, key).header("content-type", "application/json");
            let answer = house.send(request.body(Body::from("{}")).unwrap()).await;
            assert!(answer.problem().starts_with("401 unauthenticated"), "{}: {answer:?}", operation.name());
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn a_key_without_its_scope_is_refused_everywhere() {
    let house = House::new().await;
    let a = Guild::furnish(&house, A, 11).await;
    let none = house.key(Some(A), None, &["no:such"]).await;
    let document = serde_json::to_value(server::openapi()).unwrap();
    for operation in operations(&document) {
        let scopes = operation.description["security"][0]["api_key"].as_array().unwrap();
        if scopes.is_empty() {
            continue;
        }
        let path = operation.path_with(|name| a.ids.get(name).cloned().unwrap_or_else(|| "1".to_owned()));
        let request = ask(operation.method.clone(), &path, &none).header("questhall-user", "11");
        let request = request.header("content-type", "application/json");
        let body = if operation.method == Method::GET { Body::empty() } else { Body::from("{}") };
        let answer = house.send(request.body(body).unwrap()).await;
        assert!(answer.problem().starts_with("403 forbidden"), "{}: {answer:?}", operation.name());
        let named = scopes.iter().any(|scope| answer.text.contains(scope.as_str().unwrap()));
        assert!(named, "{} names another scope than its document: {}", operation.name(), answer.text);
    }
}

fn assert_same(
    before: &std::collections::BTreeMap<String, Vec<String>>,
    after: &std::collections::BTreeMap<String, Vec<String>>,
) {
    for (table, rows) in before {
        assert_eq!(Some(rows), after.get(table), "{table} was changed");
    }
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "rows were added");
}

#[tokio::test]
async fn what_a_guild_says_of_a_person_stays_the_guilds() {
    let house = House::new().await;
    let (a, b) = (Guild::furnish(&house, A, 11).await, Guild::furnish(&house, B, 21).await);
    let in_a = format!("/api/v1/guilds/{A}/members/{}", b.user);
    let in_b = format!("/api/v1/guilds/{B}/members/{}", b.user);
    let before = house.get(&in_b, &b.key).await.json();
    let said = json!({ "name": "somebody", "is_bot": true, "avatar_hash": "abc" });
    // Whether a guild's own key says it, or one that serves all guilds: it is said in this one.
    for key in [&a.key, &house.global] {
        let there = house.call(Method::PUT, &in_a, key, &said).await.json();
        assert_eq!((&there["name"], &there["is_bot"]), (&json!("somebody"), &json!(true)));
        assert_eq!(house.get(&in_b, &b.key).await.json(), before);
    }
    // Nor is a guild that sees somebody first believed by the next, whichever way it tells.
    let bot = json!({ "events": [{ "event_type": "message_create", "user_id": "77", "channel_id": "9", "source_id": "m-1",
        "timestamp": before["joined_at"], "payload": { "length": 10, "bot": true } }] });
    let told = house.call(Method::POST, &format!("/api/v1/guilds/{A}/lake/events"), &a.key, &bot).await;
    assert_eq!(told.status, StatusCode::OK, "{:?}", told.json());
    assert_eq!(house.get(&format!("/api/v1/guilds/{A}/members/77"), &a.key).await.json()["is_bot"], true);
    let there =
        house.call(Method::PUT, &format!("/api/v1/guilds/{B}/members/77"), &b.key, &json!({})).await.json();
    assert_eq!((&there["name"], &there["is_bot"]), (&json!("77"), &json!(false)));
}
