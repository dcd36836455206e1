//! Many at once: one cascade, no deadlock, nothing lost.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::stage::{ADA, Stage, reading};

#[tokio::test]
async fn racing_completions_of_the_last_step_bring_one_cascade() {
    let stage = Stage::furnished().await;
    let (one, path) = (stage.id("one").await, stage.path().await);
    stage.ok("POST", &format!("paths/{path}/enrolment"), Some(ADA), None).await;
    let attempt = stage.ok("POST", &format!("quests/{one}/attempt"), Some(ADA), None).await;
    let step =
        format!("quests/{one}/attempt/steps/{}/completion", attempt["steps"][0]["id"].as_str().unwrap());
    let answers = join_all((0..12).map(|_| stage.send("POST", &step, Some(ADA), Some(json!({}))))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let names: Vec<String> = stage.events(ADA).await.into_iter().map(|event| event.0).collect();
    for (name, times) in [
        ("learning.xp_granted", 2),
        ("learning.skill_points_granted", 1),
        ("learning.quest_completed", 1),
        ("learning.challenge_unlocked", 2),
    ] {
        assert_eq!(names.iter().filter(|one| *one == name).count(), times, "{name} in {names:?}");
    }
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 15);
    stage.assert_clean().await;
}

#[tokio::test]
async fn two_quests_of_a_path_finished_at_one_instant_finish_the_path_once() {
    let stage = Stage::new().await;
    let quests: Vec<Value> = (0..6)
        .map(|n| json!({ "slug": format!("q{n}"), "quest": reading(&format!("Q{n}"), &[], 1) }))
        .collect();
    let entries: Vec<Value> = (0..6).map(|n| json!({ "quest": format!("q{n}") })).collect();
    let bundle = json!({ "slug": "wide", "path": { "name": "Wide", "type": "Custom", "experience_points": 50, "quests": entries },
                         "quests": quests });
    stage.ok("POST", "import", None, Some(bundle)).await;
    let path = stage.path().await;
    stage.ok("POST", &format!("paths/{path}/enrolment"), Some(ADA), None).await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(stage.id(&format!("q{n}")).await);
    }
    join_all(ids.iter().map(|id| stage.walk(ADA, id))).await;
    let seen = stage.ok("GET", &format!("paths/{path}"), Some(ADA), None).await;
    assert!(seen["completed_at"].is_string(), "{seen}");
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 6 * 6 + 50);
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_quiz_probed_by_many_tabs_uses_a_try_for_each_grading() {
    let stage = Stage::new().await;
    let quiz = json!({
        "title": "Quiz", "type": "Assessment", "difficulty": "Beginner",
        "steps": [{ "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": { "max_tries": 3, "cooldown_seconds": 0, "questions": [
            { "slug": "word", "type": "text", "text": "Word?", "answers": ["sesame"] }] } }],
    });
    let quest = stage.quest("quiz", &quiz).await;
    let attempt = stage.ok("POST", &format!("quests/{quest}/attempt"), Some(ADA), None).await;
    let step = format!("quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
    let probe = async || {
        let (status, begun) = stage.send("POST", &format!("{step}/tries"), Some(ADA), None).await;
        if status != 200 {
            return false;
        }
        let body = json!({ "answers": [{ "question": begun["questions"][0]["id"], "text": "open" }] });
        stage.send("POST", &format!("{step}/answers"), Some(ADA), Some(body)).await.0 == 200
    };
    let graded = join_all((0..10).map(|_| probe())).await.into_iter().filter(|graded| *graded).count();
    let tries: i64 = sqlx::query_scalar("SELECT count(*) FROM learning.item_tries")
        .fetch_one(stage.house.pool())
        .await
        .unwrap();
    assert!(graded <= 3 && tries <= 3, "{graded} graded, {tries} tries");
    stage.assert_clean().await;
}
