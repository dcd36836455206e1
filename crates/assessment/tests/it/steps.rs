//! What is handed in for Submission steps.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage};

fn essay(submission: &Value) -> Value {
    json!({
        "title": "Essay", "type": "Project", "difficulty": "Advanced", "experience_points": 30,
        "steps": [{ "slug": "essay", "type": "Submission", "title": "Essay", "experience_points": 10, "submission": submission }],
    })
}

/// The quest, and the step.
async fn begun(stage: &Stage, submission: &Value) -> (String, String) {
    let quest = stage.quest("essay", &essay(submission)).await;
    let attempt = stage.begin(&quest, ADA).await;
    (quest, attempt["steps"][0]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_handed_in_is_judged_by_its_rubric_and_completes_the_step_once() {
    let stage = Stage::new().await;
    let rubric = json!({ "pass_percent": 60, "max_tries": 2, "rubric": [
        { "slug": "style", "text": "SECRET style", "points": 4 }, { "slug": "sense", "text": "SECRET sense", "points": 6 }] });
    let (quest, step) = begun(&stage, &rubric).await;
    let path = format!("assessment/quests/{quest}/steps/{step}/submissions");
    assert_eq!(stage.refused("POST", &path, Some(ADA), Some(json!({ "text": " " }))).await.0, 400);
    assert_eq!(
        stage.refused("POST", &path, Some(ADA), Some(json!({ "links": ["javascript:x"] }))).await.0,
        400
    );
    assert_eq!(
        stage
            .refused(
                "POST",
                &format!("learning/quests/{quest}/attempt/steps/{step}/completion"),
                Some(ADA),
                Some(json!({}))
            )
            .await
            .1,
        "attempt-state"
    );
    let first = stage
        .ok("POST", &path, Some(ADA), Some(json!({ "text": "My essay.", "links": ["https://example.org/"] })))
        .await;
    assert_eq!((&first["attempt_number"], &first["tries_left"]), (&json!(1), &json!(1)));
    assert_eq!(
        stage.refused("POST", &path, Some(ADA), Some(json!({ "text": "Another." }))).await.1,
        "submission-state"
    );

    let queue = stage.ok("GET", "assessment/submissions", None, None).await;
    assert_eq!(
        (&queue["items"][0]["user_id"], &queue["items"][0]["work"]["text"]),
        (&json!("7"), &json!("My essay."))
    );
    let judge = |id: &Value| format!("assessment/submissions/{}/judgement", id.as_str().unwrap());
    let (status, problem) =
        stage.send("POST", &judge(&first["id"]), None, Some(json!({ "scores": { "style": 5 } }))).await;
    assert_eq!((status, problem["errors"].as_array().unwrap().len()), (400, 2));
    let failed = json!({ "scores": { "style": 4, "sense": 1 }, "feedback": "More sense, please." });
    let judged = stage.ok("POST", &judge(&first["id"]), None, Some(failed.clone())).await;
    assert_eq!((&judged["grade"], &judged["passed"]), (&json!("50.00"), &json!(false)));
    assert_eq!(stage.refused("POST", &judge(&first["id"]), None, Some(failed)).await.1, "submission-state");
    let seen = stage.ok("GET", &format!("learning/quests/{quest}"), Some(ADA), None).await;
    assert_eq!(seen["attempt"]["steps"][0]["feedback"], json!("More sense, please."));
    assert!(!seen.to_string().contains("SECRET"), "a rubric reached a learner: {seen}");

    let second = stage.ok("POST", &path, Some(ADA), Some(json!({ "text": "A better one." }))).await;
    let passed = json!({ "scores": { "style": 2, "sense": 4 } });
    assert_eq!(stage.ok("POST", &judge(&second["id"]), None, Some(passed)).await["passed"], json!(true));
    assert_eq!(stage.ok("GET", "assessment/submissions", None, None).await["items"], json!([]));
    assert_eq!(
        stage.ok("GET", "assessment/submissions?all=true", None, None).await["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let seen = stage.ok("GET", &format!("learning/quests/{quest}"), Some(ADA), None).await;
    assert_eq!(seen["state"], json!("completed"));
    assert_eq!(stage.xp(ADA).await, 40);
    let history: i64 = sqlx::query_scalar("SELECT count(*) FROM assessment.grade_history")
        .fetch_one(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(history, 2);
    stage.assert_clean().await;
}

#[tokio::test]
async fn two_reviewers_at_once_grade_once_and_none_of_it_is_for_strangers() {
    let stage = Stage::new().await;
    let (quest, step) = begun(&stage, &json!({})).await;
    let hand_in = format!("assessment/quests/{quest}/steps/{step}/submissions");
    let made = stage.ok("POST", &hand_in, Some(ADA), Some(json!({ "text": "x" }))).await;
    let path = format!("assessment/submissions/{}/judgement", made["id"].as_str().unwrap());
    let body = || Some(json!({ "passed": true }));
    let (one, other) =
        futures::join!(stage.send("POST", &path, None, body()), stage.send("POST", &path, None, body()));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    // Bob has not begun.
    assert_eq!(
        stage.refused("POST", &hand_in, Some(BOB), body().map(|_| json!({ "text": "x" }))).await.0,
        409
    );
    let (status, _) = stage.house.send("POST", &format!("/guilds/2/{path}"), None, body()).await;
    assert_eq!(status, 404);
    stage.assert_clean().await;
}
