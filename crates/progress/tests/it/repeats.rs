//! Seasons that repeat: how long the next one is, and what it is called.

use std::time::Duration;

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use jobs::{EngineSettings, Node, Wake};
use serde_json::{Value, json};

use crate::house::{House, house};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The first instant of the month that is so many months away from this one.
async fn month(house: &House, away: i32) -> DateTime<Utc> {
    let now = house.now().await;
    let first = NaiveDate::from_ymd_opt(now.year(), now.month(), 1).unwrap();
    let shifted = if away < 0 {
        first.checked_sub_months(Months::new(away.unsigned_abs()))
    } else {
        first.checked_add_months(Months::new(away.unsigned_abs()))
    };
    shifted.unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc()
}

fn named(at: DateTime<Utc>) -> String {
    format!("{} {}", MONTHS[at.month0() as usize], at.year())
}

/// The season that is planned.
async fn planned(house: &House) -> Value {
    let all = house.ok("GET", "/seasons", None).await;
    all["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|season| season["state"] == "planned")
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_month_is_followed_by_the_next_month_and_named_so() {
    let house = house().await;
    let (this, next, after) = (month(&house, 0).await, month(&house, 1).await, month(&house, 2).await);
    let first = json!({ "name": named(this), "starts_at": this, "ends_at": next, "repeats": true, "repeat_by": "month" });
    let made = house.ok("POST", "/seasons", Some(first)).await;
    assert_eq!((&made["state"], &made["repeat_by"]), (&json!("active"), &json!("month")));
    let heir = planned(&house).await;
    assert_eq!((&heir["starts_at"], &heir["ends_at"]), (&json!(next), &json!(after)));
    assert_eq!((&heir["name"], &heir["repeat_by"]), (&json!(named(next)), &json!("month")));

    // Rolled over before its end, the month that was planned begins now and ends with its month all the same.
    house.ok("POST", &format!("/seasons/{}/roll", made["id"]), Some(json!({ "bring_forward": true }))).await;
    let heir = planned(&house).await;
    assert_eq!((&heir["starts_at"], &heir["name"]), (&json!(after), &json!(named(after))));
    assert_eq!(heir["ends_at"], json!(month(&house, 3).await));
}

#[tokio::test]
async fn a_name_follows_its_pattern() {
    let house = house().await;
    let (this, next) = (month(&house, 0).await, month(&house, 1).await);
    let first = json!({
        "name": "Opening", "starts_at": this, "ends_at": next, "repeats": true, "repeat_by": "month",
        "name_pattern": "Round {number}: {month} {year}",
    });
    let made = house.ok("POST", "/seasons", Some(first)).await;
    assert_eq!(planned(&house).await["name"], format!("Round 1: {}", named(next)));
    house.ok("POST", &format!("/seasons/{}/roll", made["id"]), Some(json!({ "bring_forward": true }))).await;
    assert_eq!(planned(&house).await["name"], format!("Round 2: {}", named(month(&house, 2).await)));
    for pattern in ["Season {nmber}", "", "{month", "no placeholder"] {
        let bad = json!({
            "name": "x", "starts_at": month(&house, 20).await, "ends_at": month(&house, 21).await, "repeats": true,
            "name_pattern": pattern,
        });
        let (status, problem) = house.send("POST", "/seasons", Some(bad)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("name_pattern")), "{pattern}");
    }
}

#[tokio::test]
async fn a_year_in_a_name_is_no_number_to_count_on() {
    let house = house().await;
    // Of the same length, as ever, but named after a month.
    let this = month(&house, 0).await;
    let first = json!({
        "name": named(this), "starts_at": this, "ends_at": month(&house, 1).await + TimeDelta::days(10), "repeats": true,
    });
    house.ok("POST", "/seasons", Some(first)).await;
    let heir = planned(&house).await;
    let starts: DateTime<Utc> = serde_json::from_value(heir["starts_at"].clone()).unwrap();
    let name = heir["name"].as_str().unwrap();
    assert_ne!(name, format!("{} {}", MONTHS[this.month0() as usize], this.year() + 1));
    assert!(name.starts_with(&named(starts)), "{name}");
}

#[tokio::test]
async fn when_an_end_moves_the_month_that_follows_keeps_its_own() {
    let house = house().await;
    let (this, next, after) = (month(&house, 0).await, month(&house, 1).await, month(&house, 2).await);
    let first =
        json!({ "name": "One", "starts_at": this, "ends_at": next, "repeats": true, "repeat_by": "month" });
    let made = house.ok("POST", "/seasons", Some(first)).await;
    let longer = json!({ "ends_at": after });
    house.ok("PATCH", &format!("/seasons/{}", made["id"]), Some(longer)).await;
    let heir = planned(&house).await;
    assert_eq!((&heir["starts_at"], &heir["ends_at"]), (&json!(after), &json!(month(&house, 3).await)));
}

#[tokio::test]
async fn by_the_clock_one_month_follows_the_other() {
    let house = house().await;
    let first = json!({
        "name": named(month(&house, -1).await), "starts_at": month(&house, -1).await, "ends_at": month(&house, 1).await,
        "repeats": true, "repeat_by": "quarter", "name_pattern": "Q{quarter} {year}",
    });
    let made = house.ok("POST", "/seasons", Some(first)).await;
    assert_eq!(planned(&house).await["ends_at"], json!(month(&house, 4).await));
    // Its end comes: the planned one starts by itself, and plans the next.
    house
        .run(
            "BEGIN;
             SET CONSTRAINTS progress.ex_seasons_overlap DEFERRED;
             UPDATE progress.seasons SET ends_at = now() - interval '1 second' WHERE active;
             UPDATE progress.seasons SET starts_at = now() - interval '1 second' WHERE NOT active;
             UPDATE jobs.timers SET scheduled_at = now();
             COMMIT;",
        )
        .await;
    let wake = Wake::new();
    let node = Node::start(house.pool().clone(), "test", "0", &["worker"], wake.clone()).await.unwrap();
    let handlers = progress::jobs::handlers();
    jobs::timers::spawn(house.pool(), handlers, EngineSettings::default(), &node.handle(), &wake);
    while house.count("SELECT count(*) FROM progress.seasons").await < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(node.stop(Duration::from_mins(2)).await.unwrap());
    let heir = planned(&house).await;
    assert_eq!(
        (&heir["starts_at"], &heir["ends_at"]),
        (&json!(month(&house, 4).await), &json!(month(&house, 7).await))
    );
    assert_ne!(heir["id"], made["id"]);
    let starts = month(&house, 4).await;
    assert_eq!(heir["name"], format!("Q{} {}", starts.month0() / 3 + 1, starts.year()));
}
