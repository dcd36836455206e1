//! Spaced reviews: asked for, capped, told of once, answered when due.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Stage};

fn quiz(title: &str) -> Value {
    json!({
        "title": title, "type": "Practice", "difficulty": "Beginner",
        "steps": [{ "slug": "quiz", "type": "Quiz", "title": title,
                    "quiz": { "questions": [{ "slug": "word", "type": "text", "text": "Say it", "answers": ["it"] }] } }],
    })
}

/// Passes a quiz.
async fn passed(stage: &Stage, user: i64, slug: &str) {
    let quest = stage.quest(slug, &quiz(slug)).await;
    let attempt = stage.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(user), None).await;
    let step =
        format!("learning/quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
    let begun = stage.ok("POST", &format!("{step}/tries"), Some(user), None).await;
    let answers = json!({ "answers": [{ "question": begun["questions"][0]["id"], "text": "it" }] });
    let result = stage.ok("POST", &format!("{step}/answers"), Some(user), Some(answers)).await;
    assert_eq!(result["passed"], json!(true));
}

/// So many days pass.
async fn later(stage: &Stage, days: i32) {
    sqlx::query(
        "WITH cards AS (UPDATE insight.review_cards SET due_at = due_at - make_interval(days => $1),
                               last_answer_at = last_answer_at - make_interval(days => $1)),
              answers AS (UPDATE insight.review_answers SET answered_at = answered_at - make_interval(days => $1))
         UPDATE insight.review_settings SET told_on = told_on - $1",
    )
    .bind(days)
    .execute(stage.pool())
    .await
    .unwrap();
}

async fn due(stage: &Stage, user: i64) -> Vec<Value> {
    stage.ok("GET", "insight/reviews", Some(user), None).await.as_array().unwrap().clone()
}

async fn told(stage: &Stage) -> Vec<Value> {
    sqlx::query_scalar("SELECT payload FROM jobs.outbox WHERE event_type = 'insight.reviews_due' ORDER BY id")
        .fetch_all(stage.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_passed_is_asked_again_of_who_wants_it() {
    let stage = Stage::new().await;
    passed(&stage, ADA, "one").await;
    stage.count().await;
    assert_eq!(due(&stage, ADA).await.len(), 0, "nobody asked");
    assert_eq!(stage.send("PUT", "insight/reviews", Some(ADA), Some(json!({ "per_day": 0 }))).await.0, 400);
    stage.ok("PUT", "insight/reviews", Some(ADA), Some(json!({ "per_day": 2 }))).await;
    // What is passed from now on comes by folding.
    for slug in ["two", "three"] {
        passed(&stage, ADA, slug).await;
    }
    stage.count().await;
    assert_eq!(due(&stage, ADA).await.len(), 0, "not on the same day");
    assert_eq!(insight::ops::reviews_tell(stage.pool()).await.unwrap(), 0);
    later(&stage, 1).await;
    let first = due(&stage, ADA).await;
    assert_eq!(first.len(), 2, "two a day: {first:?}");
    assert_eq!(due(&stage, BOB).await.len(), 0);
    // Told once a day, whoever tells, and however many at once.
    let telling = (0..4).map(|_| insight::ops::reviews_tell(stage.pool()));
    for done in futures::future::join_all(telling).await {
        done.unwrap();
    }
    assert_eq!(told(&stage).await, [json!({ "user_id": ADA.to_string(), "due": 2 })]);
    let answer = |review: &Value, rating: &str| {
        let path = format!("insight/reviews/{}/answers", review["step_id"].as_str().unwrap());
        let body = json!({ "rating": rating });
        let stage = &stage;
        async move { stage.send("POST", &path, Some(ADA), Some(body)).await }
    };
    let (status, good) = answer(&first[0], "good").await;
    assert_eq!((status, &good["answers"]), (200, &json!(1)), "{good}");
    assert_eq!(answer(&first[0], "easy").await.0, 409, "it is not due");
    assert_eq!(answer(&first[1], "soso").await.0, 400);
    assert_eq!(answer(&first[1], "again").await.0, 200);
    assert_eq!(due(&stage, ADA).await.len(), 0, "two were answered today");
    stage.assert_clean().await;
    later(&stage, 1).await;
    // What was not remembered comes again the next day, after the one that has waited longer.
    let next = due(&stage, ADA).await;
    assert_eq!(next.len(), 2);
    assert_eq!(next[1]["step_id"], first[1]["step_id"]);
    assert_eq!(insight::ops::reviews_tell(stage.pool()).await.unwrap(), 1);
    assert_eq!(told(&stage).await.len(), 2);
    // Others' and foreign reviews are not there; who wants no more is asked no more.
    let path = format!("insight/reviews/{}/answers", first[0]["step_id"].as_str().unwrap());
    assert_eq!(stage.send("POST", &path, Some(BOB), Some(json!({ "rating": "good" }))).await.0, 404);
    assert_eq!(stage.send("DELETE", "insight/reviews", Some(ADA), None).await.0, 204);
    assert_eq!(due(&stage, ADA).await.len(), 0);
    later(&stage, 1).await;
    assert_eq!(insight::ops::reviews_tell(stage.pool()).await.unwrap(), 0);
    let keeper = insight::SLICE.personal.unwrap();
    let mut conn = stage.pool().acquire().await.unwrap();
    let copy = (keeper.copy)(&mut conn, GUILD, kernel::UserId::new(ADA)).await.unwrap();
    assert_eq!(copy["review_cards"].as_array().unwrap().len(), 3, "{copy}");
}
