//! Days, versions, funnels: what is counted, and that it is counted once.

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Past, Stage, reading};

/// Noon, so many days ago.
fn noon(days: u64) -> DateTime<Utc> {
    let day = Utc::now().date_naive().checked_sub_days(Days::new(days)).unwrap();
    day.and_hms_opt(12, 0, 0).unwrap().and_utc()
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

async fn day(stage: &Stage, quest: uuid::Uuid, days: u64) -> Value {
    let day = noon(days).date_naive();
    let path = format!("insight/quests/{quest}/days?from={day}&until={day}");
    stage.ok("GET", &path, None, None).await["items"][0].clone()
}

#[tokio::test]
async fn what_learners_do_is_counted_once_and_the_same_again() {
    let stage = Stage::new().await;
    let quest = stage.quest("one", &reading("=One", 2)).await;
    for user in [ADA, BOB] {
        let attempt = stage.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(user), None).await;
        for step in attempt["steps"].as_array().unwrap().iter().take(if user == ADA { 2 } else { 1 }) {
            let path =
                format!("learning/quests/{quest}/attempt/steps/{}/completion", step["id"].as_str().unwrap());
            stage.ok("POST", &path, Some(user), Some(json!({}))).await;
        }
    }
    stage.ok("POST", &format!("learning/quests/{quest}/attempt/abandon"), Some(BOB), None).await;
    stage.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(BOB), None).await;
    stage.count().await;
    let today = day(&stage, quest, 0).await;
    assert_eq!((&today["total_attempts"], &today["restarts"]), (&json!(3), &json!(1)), "{today}");
    assert_eq!((&today["successful_completions"], &today["abandonments"]), (&json!(1), &json!(1)));
    assert_eq!(today["abandonment_rate"]["n"], json!(2));
    assert_eq!(today["abandonment_rate"]["value"], json!(0.5));
    assert_eq!(today["abandonment_rate"]["method"], json!("wilson"));
    // Three runs were open; Bob has done nothing in his second.
    assert_eq!(
        (&today["engagement"]["n"], today["engagement"]["value"].as_f64().unwrap()),
        (&json!(3), 2.0 / 3.0)
    );
    let figures = stage.ok("GET", &format!("insight/quests/{quest}"), None, None).await;
    let version = &figures["versions"][0];
    assert_eq!((&version["attempts"], &version["restarts"]), (&json!(2), &json!(1)), "restarts stand apart");
    let funnel: Vec<(i64, i64, f64)> = version["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let number = |name: &str| step[name].as_i64().unwrap();
            (
                number("reached"),
                step["left"]["n"].as_i64().unwrap(),
                step["survival"]["value"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(funnel, [(2, 2, 1.0), (1, 2, 0.5)]);
    // Again, from the first event on: the same to the last digit. Eight at once, too.
    let before = stage.everything().await;
    stage.count().await;
    assert_eq!(stage.everything().await, before);
    let again = (0..8).map(|_| insight::ops::guild_recount(stage.pool(), GUILD));
    for done in futures::future::join_all(again).await {
        done.unwrap();
    }
    assert_eq!(stage.everything().await, before);
    stage.assert_clean().await;
    let made = stage.ok("PUT", &format!("insight/days/{}", noon(0).date_naive()), None, None).await;
    assert_eq!(made["quests"], json!(1));
    assert_eq!(stage.everything().await, before);
    let (parts, csv) = stage.house.send_text("GET", "/guilds/1/insight/days.csv", None, String::new()).await;
    assert_eq!(parts.status, 200);
    let lines: Vec<&str> = csv.trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 2, "{csv}");
    assert!(lines[1].contains("\"'=One\""), "a title is no formula: {csv}");
    assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
}

#[tokio::test]
async fn a_late_event_reopens_its_day_and_idle_attempts_are_given_up() {
    let stage = Stage::new().await;
    let quest = stage.quest("one", &reading("One", 2)).await;
    let steps = stage.steps(quest).await;
    let class = stage.class(3).await;
    let begin = async |learner| -> Past {
        let past = stage.attempt(learner, quest, 1).await;
        stage.event(past, 0, "begun", None, noon(20)).await;
        past
    };
    // The first is done after 20 minutes, with a gap of hours that counts as half an hour, and a pause that counts as nothing.
    let first = begin(class[0]).await;
    stage.event(first, 0, "completed", Some(steps[0]), noon(20) + minutes(10)).await;
    stage.event(first, 0, "paused", None, noon(20) + minutes(20)).await;
    stage.event(first, 0, "resumed", None, noon(20) + minutes(200)).await;
    stage.event(first, 0, "completed", Some(steps[1]), noon(20) + minutes(400)).await;
    stage.event(first, 0, "quest_completed", None, noon(20) + minutes(400)).await;
    // The second does nothing more, the third was here four days ago.
    begin(class[1]).await;
    let third = begin(class[2]).await;
    stage.event(third, 0, "opened", Some(steps[0]), noon(4)).await;
    stage.count().await;
    let then = day(&stage, quest, 20).await;
    assert_eq!(then["successful_completions"], json!(1));
    assert_eq!(then["average_completion_time_minutes"]["value"], json!(50.0), "10 + 10 + 30: {then}");
    assert_eq!(then["engagement"]["value"].as_f64().unwrap(), 1.0 / 3.0);
    let given_up = day(&stage, quest, 6).await;
    assert_eq!(given_up["abandonments"], json!(1), "fourteen days later: {given_up}");
    assert!(day(&stage, quest, 5).await.is_null(), "nothing happened on that day");
    // The second was only slow: an event of nine days ago arrives. It is idle no more, and its day is made again.
    let second: (uuid::Uuid,) =
        sqlx::query_as("SELECT id FROM learning.user_quest_attempts WHERE auth_user_id = $1")
            .bind(class[1])
            .fetch_one(stage.pool())
            .await
            .unwrap();
    let second = Past { learner: class[1], attempt: second.0, quest, version: 1 };
    stage.event(second, 0, "opened", Some(steps[0]), noon(9)).await;
    stage.count().await;
    assert!(day(&stage, quest, 6).await.is_null(), "nobody gave up on that day after all");
    assert_eq!(day(&stage, quest, 9).await["engagement"]["n"], json!(2));
    assert_eq!(
        day(&stage, quest, 4).await["engagement"]["n"],
        json!(2),
        "a day in between counts it as open"
    );
    stage.assert_clean().await;
    // The same by deriving everything again.
    let before = stage.everything().await;
    insight::ops::guild_recount(stage.pool(), GUILD).await.unwrap();
    assert_eq!(stage.everything().await, before);
}

#[tokio::test]
async fn who_is_forgotten_leaves_the_figures_and_nobodys_tries_stay() {
    let stage = Stage::new().await;
    let quest = stage.quest("one", &reading("One", 1)).await;
    let step = stage.steps(quest).await[0];
    let class = stage.class(2).await;
    for learner in &class {
        let past = stage.attempt(*learner, quest, 1).await;
        stage.event(past, 0, "begun", None, noon(1)).await;
        stage.answered(past, step, 1, &[("a", Some("x"), 1.0)]).await;
    }
    stage.count().await;
    assert_eq!(day(&stage, quest, 1).await["total_attempts"], json!(2));
    let keeper = insight::SLICE.personal.unwrap();
    let mut conn = stage.pool().begin().await.unwrap();
    let copy = (keeper.copy)(&mut conn, GUILD, kernel::UserId::new(1_000)).await.unwrap();
    assert_eq!(copy["runs"].as_array().unwrap().len(), 1, "{copy}");
    assert_eq!(copy["ability"]["tries"], json!(1));
    sqlx::query("SET LOCAL questhall.allow_erasure = 'on'").execute(&mut *conn).await.unwrap();
    assert_eq!((keeper.forget)(&mut conn, GUILD, kernel::UserId::new(1_000)).await.unwrap(), 1);
    assert_eq!((keeper.forget)(&mut conn, GUILD, kernel::UserId::new(1_000)).await.unwrap(), 0);
    conn.commit().await.unwrap();
    stage.count().await;
    assert_eq!(day(&stage, quest, 1).await["total_attempts"], json!(1));
    let theirs: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM insight.first_tries WHERE auth_user_id = $1) + (SELECT count(*) FROM insight.runs WHERE auth_user_id = $1)
              + (SELECT count(*) FROM insight.abilities WHERE auth_user_id = $1)",
    )
    .bind(class[0])
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(theirs, 0);
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM insight.first_tries").fetch_one(stage.pool()).await.unwrap();
    assert_eq!(kept, 2, "what it told of the step stays");
    stage.assert_clean().await;
}

#[tokio::test]
async fn versions_are_held_side_by_side_and_little_is_not_judged() {
    let stage = Stage::new().await;
    let quest = stage.quest("one", &reading("One", 2)).await;
    stage.version(quest, &reading("One", 1)).await;
    let class = stage.class(80).await;
    let mut done_before = 0;
    for (n, learner) in class.iter().enumerate() {
        let version = if n < 40 { 1 } else { 2 };
        let past = stage.attempt(*learner, quest, version).await;
        stage.event(past, 0, "begun", None, noon(3)).await;
        // Of the first version one in four is completed, of the second three in four.
        let completes = if version == 1 { n % 4 == 0 } else { n % 4 != 0 };
        done_before += i32::from(completes && version == 1);
        let what = if completes { "quest_completed" } else { "abandoned" };
        stage.event(past, 0, what, None, noon(3) + minutes(5)).await;
        if n == 49 {
            stage.count().await;
            let figures = stage.ok("GET", &format!("insight/quests/{quest}"), None, None).await;
            assert_eq!(figures["change"]["verdict"], json!("too_few"), "ten are no evidence: {figures}");
        }
    }
    stage.count().await;
    let figures = stage.ok("GET", &format!("insight/quests/{quest}"), None, None).await;
    assert_eq!(figures["change"]["verdict"], json!("better"), "{figures}");
    assert_eq!(figures["change"]["completion"]["value"], json!(0.5));
    assert_eq!(figures["versions"][1]["completion"]["value"], json!(f64::from(done_before) / 40.0));
    assert_eq!(figures["versions"][0]["steps"].as_array().unwrap().len(), 1);
    assert_eq!(figures["versions"][1]["steps"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn bad_questions_get_clear_answers() {
    let stage = Stage::new().await;
    let quest = stage.quest("one", &reading("One", 1)).await;
    let foreign = uuid::Uuid::now_v7();
    for path in ["", "/days", "/items", "/items.csv"] {
        let (status, _) = stage.send("GET", &format!("insight/quests/{foreign}{path}"), None, None).await;
        assert_eq!(status, 404, "{path}");
        let elsewhere = format!("/guilds/2/insight/quests/{quest}{path}");
        assert!(matches!(stage.house.send("GET", &elsewhere, None, None).await.0, 403 | 404), "{path}");
    }
    let (status, problem) =
        stage.send("GET", "insight/days?from=2026-02-01&until=2026-01-01", None, None).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("from")), "{problem}");
    assert_eq!(stage.send("PUT", "insight/days/2999-01-01", None, None).await.0, 400);
    assert_eq!(stage.send("PUT", "insight/days/soon", None, None).await.0, 400);
    // Opinions: of what was begun, and within bounds.
    let path = format!("insight/quests/{quest}/opinion");
    let said = |value: Value| stage.send("PUT", &path, Some(ADA), Some(value));
    assert_eq!(said(json!({ "difficulty": 3 })).await.0, 409, "not begun");
    stage.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(ADA), None).await;
    assert_eq!(said(json!({ "difficulty": 6 })).await.0, 400);
    assert_eq!(said(json!({})).await.0, 400);
    assert_eq!(said(json!({ "comment": "x".repeat(5_001) })).await.0, 400);
    assert_eq!(said(json!({ "difficulty": 2, "comment": " Fine. " })).await.1["comment"], json!("Fine."));
    assert_eq!(said(json!({ "difficulty": 4, "enjoyment": 5 })).await.0, 200);
    assert_eq!(
        stage.ok("GET", &path, Some(ADA), None).await,
        json!({ "difficulty": 4, "enjoyment": 5, "comment": null })
    );
    stage.count().await;
    let today = day(&stage, quest, 0).await;
    assert_eq!((&today["difficulty_rating"], &today["ratings"]), (&json!(4.0), &json!(1)), "{today}");
    stage.assert_clean().await;
}
