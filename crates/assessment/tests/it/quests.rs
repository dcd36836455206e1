//! Quests that are assessed as a whole: complete only once they are passed, tested out of, tried by the server's clock.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, Way, assessed};

fn quiz(extra: &Value) -> Value {
    let mut quiz = json!({ "cooldown_seconds": 0, "questions": [
        { "slug": "word", "type": "text", "text": "Word?", "answers": ["sesame"], "explanation": "As in the tale." }] });
    quiz.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({ "slug": "exam", "type": "Quiz", "title": "Exam", "quiz": quiz })
}

async fn answer(stage: &Stage, way: &Way, user: i64, text: &str) -> (u16, Value) {
    let begun = stage.ok("POST", &way.to("tries"), Some(user), None).await;
    let body = json!({ "answers": [{ "question": begun["questions"][0]["id"], "text": text }] });
    stage.send("POST", &way.to("answers"), Some(user), Some(body)).await
}

async fn state(stage: &Stage, quest: &str, user: i64) -> Value {
    stage.ok("GET", &format!("learning/quests/{quest}"), Some(user), None).await["state"].clone()
}

#[tokio::test]
async fn a_quest_is_complete_only_once_its_assessment_is_passed() {
    let stage = Stage::new().await;
    let way = stage.way(&quiz(&json!({}))).await;
    let attempt = stage.read(&way.quest, ADA).await;
    assert_eq!(attempt["progress"], json!({ "done": 1, "total": 2, "percentage": "50.00" }));
    let (status, wrong) = answer(&stage, &way, ADA, "open").await;
    assert_eq!((status, &wrong["passed"], &wrong["points"]), (200, &json!(false), &json!("0")));
    assert!(!wrong.to_string().contains("tale"), "the key reached a learner: {wrong}");
    assert_eq!(state(&stage, &way.quest, ADA).await, json!("in_progress"));
    let (_, right) = answer(&stage, &way, ADA, " SESAME ").await;
    assert_eq!(right["passed"], json!(true));
    assert_eq!(state(&stage, &way.quest, ADA).await, json!("completed"));
    assert_eq!(stage.xp(ADA).await, 35);
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!(
        (&seen["passed"], &seen["best_grade"], &seen["tries"]),
        (&json!(true), &json!("100.00"), &json!(2))
    );
    // What is passed is not tried again.
    assert_eq!(stage.refused("POST", &way.to("tries"), Some(ADA), None).await.1, "attempt-state");
    // The other way round: passed first, completed by the step.
    stage.begin(&way.quest, BOB).await;
    answer(&stage, &way, BOB, "sesame").await;
    assert_eq!(state(&stage, &way.quest, BOB).await, json!("in_progress"));
    stage.read(&way.quest, BOB).await;
    assert_eq!(state(&stage, &way.quest, BOB).await, json!("completed"));
    stage.assert_clean().await;
}

#[tokio::test]
async fn testing_out_completes_a_quest_without_its_steps_once() {
    let stage = Stage::new().await;
    let mut exam = quiz(&json!({}));
    exam["test_out"] = json!(true);
    let way = stage.way(&exam).await;
    assert_eq!(stage.begin(&way.quest, ADA).await["progress"]["total"], json!(1));
    answer(&stage, &way, ADA, "sesame").await;
    assert_eq!(state(&stage, &way.quest, ADA).await, json!("completed"));
    assert_eq!(stage.xp(ADA).await, 30);
    // The step can still be done, for what it brings itself.
    let attempt = stage.read(&way.quest, ADA).await;
    assert_eq!(
        (&attempt["status"], &attempt["progress"]["percentage"]),
        (&json!("Completed"), &json!("100.00"))
    );
    assert_eq!(stage.xp(ADA).await, 35);
    stage.assert_clean().await;
}

#[tokio::test]
async fn tries_cool_down_and_time_run_by_the_servers_clock() {
    let stage = Stage::new().await;
    let way =
        stage.way(&quiz(&json!({ "max_tries": 2, "time_limit_minutes": 10, "cooldown_seconds": 600 }))).await;
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!((&seen["max_tries"], &seen["time_limit_minutes"]), (&json!(2), &json!(10)));
    let first = stage.ok("POST", &way.to("tries"), Some(ADA), None).await;
    assert_eq!(stage.ok("POST", &way.to("tries"), Some(ADA), None).await, first, "the open try goes on");
    stage.execute("UPDATE learning.item_tries SET due_at = now() - interval '1 second'").await;
    let body = json!({ "answers": [{ "question": first["questions"][0]["id"], "text": "sesame" }] });
    assert_eq!(stage.refused("POST", &way.to("answers"), Some(ADA), Some(body)).await.1, "try-expired");
    assert_eq!(
        stage.refused("POST", &way.to("tries"), Some(ADA), None).await,
        (429, "try-too-soon".to_owned())
    );
    stage.execute("UPDATE learning.item_tries SET finished_at = finished_at - interval '1 hour'").await;
    let (status, last) = answer(&stage, &way, ADA, "open").await;
    assert_eq!((status, &last["tries_left"]), (200, &json!(0)));
    stage.execute("UPDATE learning.item_tries SET finished_at = finished_at - interval '1 hour'").await;
    assert_eq!(stage.refused("POST", &way.to("tries"), Some(ADA), None).await.1, "no-tries-left");
    // Neither giving up nor beginning anew brings tries.
    stage.ok("POST", &format!("learning/quests/{}/attempt/abandon", way.quest), Some(ADA), None).await;
    stage.begin(&way.quest, ADA).await;
    assert_eq!(stage.refused("POST", &way.to("tries"), Some(ADA), None).await.1, "no-tries-left");
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_was_passed_stays_passed_when_a_quest_is_begun_anew() {
    let stage = Stage::new().await;
    let way = stage.way(&quiz(&json!({ "max_tries": 1 }))).await;
    answer(&stage, &way, ADA, "sesame").await;
    stage.ok("POST", &format!("learning/quests/{}/attempt/abandon", way.quest), Some(ADA), None).await;
    let attempt = stage.begin(&way.quest, ADA).await;
    assert_eq!(
        (&attempt["assessments"][0]["passed"], &attempt["progress"]["done"]),
        (&json!(true), &json!(1))
    );
    let attempt = stage.read(&way.quest, ADA).await;
    assert_eq!(attempt["status"], json!("Completed"));
    stage.assert_clean().await;
}

#[tokio::test]
async fn documents_that_make_no_sense_are_refused_field_by_field() {
    let stage = Stage::new().await;
    for (wrong, field) in [
        (json!({ "slug": "a", "type": "Quiz", "title": "A" }), "quest.assessments[0].quiz"),
        (json!({ "slug": "a", "type": "Project", "title": "A" }), "quest.assessments[0].review"),
        (
            json!({ "slug": "a", "type": "PeerReview", "title": "A", "review": {} }),
            "quest.assessments[0].review.rubric",
        ),
        (
            json!({ "slug": "a", "type": "Project", "title": "A", "review": { "late_days": 2 } }),
            "quest.assessments[0].review.due_at",
        ),
        (
            json!({ "slug": "A b", "type": "Project", "title": "A", "review": {} }),
            "quest.assessments[0].slug",
        ),
        (
            json!({ "slug": "a", "type": "Project", "title": "A", "review": { "peers": {} } }),
            "quest.assessments[0].review.peers",
        ),
    ] {
        let body = json!({ "slug": "q", "quest": assessed(&json!([wrong])) });
        let (status, problem) = stage.send("POST", "learning/sources/quests", None, Some(body)).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!(field)), "{problem}");
    }
    let way = stage.way(&quiz(&json!({}))).await;
    let foreign = format!("assessment/quests/{}/assessments/{}/tries", way.quest, way.quest);
    assert_eq!(stage.refused("POST", &foreign, Some(ADA), None).await.0, 404);
    let (status, _) =
        stage.house.send("POST", &format!("/guilds/2/{}", way.to("tries")), Some(ADA), None).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_deadline_changes_at_once_and_a_rubric_makes_a_version() {
    let stage = Stage::new().await;
    let project = |due: &str, points: u32| {
        json!({ "slug": "work", "type": "Project", "title": "Work", "review": { "due_at": due, "rubric": [
            { "slug": "sense", "text": "Sense", "points": points }] } })
    };
    let way = stage.way(&project("2030-01-01T00:00:00Z", 5)).await;
    stage.publish(&way.quest, &assessed(&json!([project("2031-01-01T00:00:00Z", 5)]))).await;
    assert_eq!(stage.seen(&way.quest, ADA).await["due_at"], json!("2031-01-01T00:00:00Z"));
    assert_eq!(stage.begin(&way.quest, ADA).await["current_version"], json!(1));
    stage.publish(&way.quest, &assessed(&json!([project("2031-01-01T00:00:00Z", 6)]))).await;
    assert_eq!(stage.begin(&way.quest, ADA).await["current_version"], json!(2));
    let preview =
        stage.ok("GET", &format!("learning/quests/{}/attempt/upgrade", way.quest), Some(ADA), None).await;
    assert_eq!(preview["changed"], json!(["Work"]));
}

#[tokio::test]
async fn no_key_and_no_hidden_test_is_in_anything_that_a_learner_gets() {
    let stage = Stage::new().await;
    let exam = json!({ "slug": "exam", "type": "Quiz", "title": "Exam", "quiz": { "cooldown_seconds": 0, "max_tries": 2, "questions": [
        { "slug": "word", "type": "text", "text": "Word?", "answers": ["SECRET"], "explanation": "SECRET" },
        { "slug": "pick", "type": "single", "text": "Which?", "choices": [
            { "slug": "SECRET.right".to_lowercase(), "text": "This", "right": true }, { "slug": "b", "text": "That" }] }] } });
    let program = json!({ "slug": "code", "type": "AutoGraded", "title": "Code", "coding": { "starter": "# here", "checker": "SECRET", "tests": [
        { "name": "seen", "append": "print(1)", "expected": "1" },
        { "name": "SECRET", "append": "print('SECRET')", "expected": "SECRET", "hidden": true }] } });
    let quest = stage.quest("both", &assessed(&json!([exam, program]))).await;
    let attempt = stage.begin(&quest, ADA).await;
    let way = |n: usize| Way {
        quest: quest.clone(),
        assessment: attempt["assessments"][n]["id"].as_str().unwrap().to_owned(),
    };
    let list = format!("assessment/quests/{quest}/assessments");
    let mut got = vec![attempt.clone()];
    for user in [ADA, BOB] {
        got.push(stage.ok("GET", &list, Some(user), None).await);
        got.push(stage.ok("GET", &format!("learning/quests/{quest}"), Some(user), None).await);
    }
    let shown = got[1].clone();
    assert_eq!((&shown[1]["starter"], shown[1]["tests"].as_array().unwrap().len()), (&json!("# here"), 1));
    got.push(stage.ok("POST", &way(0).to("tries"), Some(ADA), None).await);
    got.push(answer(&stage, &way(0), ADA, "wrong").await.1);
    // No scripts can be run here: that is no try, and no secret.
    let (status, refused) =
        stage.send("POST", &way(1).to("programs"), Some(ADA), Some(json!({ "code": "x" }))).await;
    assert_eq!(status, 503);
    got.push(refused);
    got.push(stage.ok("GET", &list, Some(ADA), None).await);
    for answer in got {
        let text = answer.to_string().to_lowercase();
        assert!(!text.contains("secret"), "{text}");
    }
    let events: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM jobs.outbox").fetch_all(stage.house.pool()).await.unwrap();
    assert!(events.iter().all(|event| !event.to_string().to_lowercase().contains("secret")));
}
