//! What administrators changed, as it is read.

use std::fmt::Write as _;

use serde_json::json;

use crate::house::{GUILD, House, OTHER_GUILD};

#[tokio::test]
async fn the_log_is_read_by_page_and_filter() {
    let house = House::new().await;
    let (id, key) = house.key(Some(GUILD), None, &["*"]).await;
    let (_, global) = house.key(None, None, &["*"]).await;
    let (other_id, other) = house.key(Some(GUILD), None, &["keys:write"]).await;
    for days in 1..=3 {
        let body = json!({ "max_lifetime_days": days }).to_string();
        assert_eq!(house.patch(&format!("/guilds/{GUILD}/settings/api_keys"), &key, &body).await.status, 200);
    }
    let log = format!("/guilds/{GUILD}/audit-log");
    let first = house.get(&format!("{log}?limit=2"), &key).await;
    let entries = first.body["items"].as_array().unwrap();
    assert_eq!(entries[0]["before"], json!({"api_keys.max_lifetime_days": 2}));
    assert_eq!(entries[0]["after"], json!({"api_keys.max_lifetime_days": 3}));
    assert_eq!(entries[0]["actor"], format!("key:{id}"));
    let rest = house.get(&format!("{log}?cursor={}", first.body["next"].as_str().unwrap()), &key).await;
    // Two pages hold the three changes, and the making of the two keys.
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 3, "{rest:?}");

    let count = async |query: &str| {
        let answer = house.get(&format!("{log}?{query}"), &key).await;
        answer.body["items"].as_array().unwrap_or_else(|| panic!("{query}: {answer:?}")).len()
    };
    assert_eq!(count(&format!("actor=key:{id}")).await, 3);
    assert_eq!(count("actor=cli").await, 2);
    assert_eq!(count(&format!("target_table=access.api_keys&target_id={other_id}")).await, 1);
    assert_eq!(count("actor=user:5").await, 0);
    assert_eq!(count("action=CREATE").await, 2);
    assert_eq!(count("target_table=access.settings&target_id=api_keys").await, 3);
    assert_eq!(count("since=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2999-01-01T00:00:00Z").await, 5);
    assert_eq!(house.get("/audit-log", &global).await.body["items"].as_array().unwrap().len(), 1);

    let mut told = String::new();
    for query in ["actor=me", "actor=key:7", "actor=user:x", "target_id=1", "since=soon", "who=me"] {
        writeln!(told, "{query}: {}", house.get(&format!("{log}?{query}"), &key).await.problem()).unwrap();
    }
    insta::assert_snapshot!(told, @r#"
    actor=me: 400 invalid-request: `actor` must be user:<id>, key:<id>, admin:<id>, cli or system
    actor=key:7: 400 invalid-request: `actor` must be user:<id>, key:<id>, admin:<id>, cli or system
    actor=user:x: 400 invalid-request: `actor` must be user:<id>, key:<id>, admin:<id>, cli or system
    target_id=1: 400 invalid-request: `target_table` is missing: a target_id is a row of some table
    since=soon: 400 invalid-request: `since` must be a day such as "2026-01-31" where a day is asked for, else a date and time with its zone, such as "2026-01-31T18:00:00Z" or "2026-01-31T19:00:00+01:00"
    who=me: 400 invalid-request: `who` is not known here; known are `actor`, `action`, `target_table`, `target_id`, `since`, `until`, `limit`, `cursor`
    "#);
    assert_eq!(house.get(&format!("/guilds/{OTHER_GUILD}/audit-log"), &key).await.status, 404);
    assert_eq!(house.get("/audit-log", &key).await.status, 403);
    assert_eq!(house.get(&log, &other).await.status, 403);
}
