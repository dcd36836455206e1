//! Tries graded again by another key: the dry run, the job, a kill in its middle, and many at once.

use assessment::ids::RegradeId;
use assessment::ops;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, GUILD, Stage, Way, assessed};

const EVE: i64 = 9;

fn exam(key: &str, pass: u32) -> Value {
    json!([{ "slug": "exam", "type": "Quiz", "title": "Exam", "quiz": { "cooldown_seconds": 0, "pass_percent": pass, "shuffle": false,
        "questions": [
            { "slug": "word", "type": "text", "text": "Word?", "answers": [key] },
            { "slug": "six", "type": "number", "text": "{a} times 2?", "number": "a * 2",
              "parameters": [{ "name": "a", "from": 2, "to": 900 }] }] } }])
}

async fn answer(stage: &Stage, way: &Way, user: i64, word: &str) {
    stage.begin(&way.quest, user).await;
    let begun = stage.ok("POST", &way.to("tries"), Some(user), None).await;
    let number: i64 =
        begun["questions"][1]["text"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
    let body = json!({ "answers": [{ "question": begun["questions"][0]["id"], "text": word },
                                   { "question": begun["questions"][1]["id"], "number": (number * 2).to_string() }] });
    stage.ok("POST", &way.to("answers"), Some(user), Some(body)).await;
}

/// A quest whose key is wrong, with tries of Ada (what is right), Bob (what the wrong key says) and Eve (neither).
async fn wronged(stage: &Stage) -> Way {
    let quest = stage.quest("essay", &assessed(&exam("sesam", 100))).await;
    let attempt = stage.begin(&quest, ADA).await;
    let way = Way { quest, assessment: attempt["assessments"][0]["id"].as_str().unwrap().to_owned() };
    stage.members(&[EVE]).await;
    for (user, word) in [(ADA, "sesame"), (BOB, "sesam"), (EVE, "open")] {
        answer(stage, &way, user, word).await;
        stage.read(&way.quest, user).await;
    }
    stage.publish(&way.quest, &assessed(&exam("sesame", 100))).await;
    way
}

fn body(way: &Way, extra: &Value) -> Option<Value> {
    let mut body = json!({ "quest_id": way.quest, "assessment_id": way.assessment });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Some(body)
}

async fn asked(stage: &Stage, way: &Way, extra: &Value) -> RegradeId {
    let mut extra = extra.clone();
    extra["reason"] = json!("The key had a slip.");
    let made = stage.ok("POST", "assessment/regrades", None, body(way, &extra)).await;
    made["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_dry_run_tells_the_differences_and_the_job_brings_what_was_lacking_once() {
    let stage = Stage::new().await;
    let way = wronged(&stage).await;
    assert_eq!((stage.xp(ADA).await, stage.xp(BOB).await), (5, 35));
    let preview = stage.ok("POST", "assessment/regrades/preview", None, body(&way, &json!({}))).await;
    assert_eq!(
        (
            &preview["key_version"],
            &preview["looked_at"],
            &preview["raised"],
            &preview["lowered"],
            &preview["newly_passed"]
        ),
        (&json!(2), &json!(3), &json!(1), &json!(0), &json!(1))
    );
    assert_eq!(
        (&preview["differences"][0]["from"], &preview["differences"][0]["to"]),
        (&json!("50.00"), &json!("100.00"))
    );
    let lowering =
        stage.ok("POST", "assessment/regrades/preview", None, body(&way, &json!({ "lowers": true }))).await;
    assert_eq!((&lowering["lowered"], &lowering["newly_failed"]), (&json!(1), &json!(1)));
    assert_eq!(stage.xp(ADA).await, 5, "a dry run changes nothing");

    let id = asked(&stage, &way, &json!({ "dry": true })).await;
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap();
    let dry = stage.ok("GET", &format!("assessment/regrades/{id}"), None, None).await;
    assert_eq!(
        (&dry["changed"], &dry["passed"], &dry["differences"][0]["to"]),
        (&json!(1), &json!(1), &json!("100.00"))
    );
    assert_eq!(stage.xp(ADA).await, 5, "nor does a job that is to be dry");

    let id = asked(&stage, &way, &json!({})).await;
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap();
    let done = stage.ok("GET", &format!("assessment/regrades/{id}"), None, None).await;
    assert_eq!(
        (&done["status"], &done["looked_at"], &done["changed"], &done["passed"]),
        (&json!("done"), &json!(3), &json!(1), &json!(1))
    );
    assert_eq!((stage.xp(ADA).await, stage.xp(BOB).await, stage.xp(EVE).await), (35, 35, 5));
    assert_eq!(stage.seen(&way.quest, ADA).await["best_grade"], json!("100.00"));
    stage.assert_clean().await;
    // Once more changes nothing; lowering takes a score, and nothing that was passed.
    let id = asked(&stage, &way, &json!({})).await;
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap();
    assert_eq!(stage.ok("GET", &format!("assessment/regrades/{id}"), None, None).await["changed"], json!(0));
    let id = asked(&stage, &way, &json!({ "lowers": true })).await;
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap();
    let bob = stage.seen(&way.quest, BOB).await;
    assert_eq!((&bob["passed"], &bob["best_grade"]), (&json!(true), &json!("50.00")));
    assert_eq!((stage.xp(ADA).await, stage.xp(BOB).await), (35, 35));
    let history: Vec<(String, String)> = sqlx::query_as("SELECT cause, reason FROM assessment.grade_history")
        .fetch_all(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(history, vec![("regrade".to_owned(), "The key had a slip.".to_owned()); 2]);
}

#[tokio::test]
async fn a_regrade_killed_in_its_middle_goes_on_and_two_at_once_bring_one_cascade() {
    let stage = Stage::new().await;
    let way = wronged(&stage).await;
    let id = asked(&stage, &way, &json!({})).await;
    let timers: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM jobs.timers WHERE kind = 'assessment.regrade' AND status = 'PENDING'",
    )
    .fetch_one(stage.house.pool())
    .await
    .unwrap();
    assert_eq!(timers, 1);
    // What dies before its commit leaves nothing.
    let failing = "ALTER TABLE assessment.regrades ADD CONSTRAINT ck_regrades_killed CHECK (looked_at = 0)";
    stage.execute(failing).await;
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap_err();
    assert_eq!(stage.xp(ADA).await, 5);
    stage.assert_clean().await;
    stage.execute("ALTER TABLE assessment.regrades DROP CONSTRAINT ck_regrades_killed").await;
    let other = asked(&stage, &way, &json!({})).await;
    let runs = [id, id, other, other].map(|id| ops::regrade_run(stage.house.pool(), None, GUILD, id));
    for done in join_all(runs).await {
        done.unwrap();
    }
    let all = stage.ok("GET", "assessment/regrades", None, None).await;
    let passed: i64 = all.as_array().unwrap().iter().map(|one| one["passed"].as_i64().unwrap()).sum();
    assert_eq!(passed, 1, "{all}");
    assert_eq!(stage.xp(ADA).await, 35);
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let stage = Stage::new().await;
    let way = wronged(&stage).await;
    let both = body(&way, &json!({ "step_id": way.quest, "reason": "x" }));
    for (wrong, status) in [
        (both, 400),
        (body(&way, &json!({ "reason": " " })), 400),
        (body(&way, &json!({ "reason": "x", "key_version": 3 })), 400),
        (Some(json!({ "quest_id": way.quest, "assessment_id": way.quest, "reason": "x" })), 404),
        (Some(json!({ "quest_id": way.assessment, "assessment_id": way.assessment, "reason": "x" })), 404),
    ] {
        assert_eq!(
            stage.refused("POST", "assessment/regrades", None, wrong.clone()).await.0,
            status,
            "{wrong:?}"
        );
    }
    let (status, _) = stage
        .house
        .send("POST", "/guilds/2/assessment/regrades", None, body(&way, &json!({ "reason": "x" })))
        .await;
    assert_eq!(status, 404);
}

/// 100,000 answers of 1,000 learners, of which each tenth changes and none passes anew, within ten seconds (unoptimised, and beside
/// whatever else runs here).
#[tokio::test]
async fn a_hundred_thousand_answers_take_seconds() {
    let stage = Stage::new().await;
    let way = wronged(&stage).await;
    stage.execute(
        "INSERT INTO people.users (id, discord_name) SELECT 100000 + n, 'learner ' || n FROM generate_series(1, 1000) n").await;
    stage.execute("INSERT INTO people.members (guild_id, user_id) SELECT 1, 100000 + n FROM generate_series(1, 1000) n").await;
    stage
        .execute(
            "INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
                   SELECT 1, u.auth_user_id, u.id FROM people.users u WHERE u.id > 100000",
        )
        .await;
    stage.execute("INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
                   SELECT 1, l.auth_user_id, (SELECT id FROM learning.quests), 1, 2 FROM learning.learners l WHERE l.user_id > 100000").await;
    stage.execute("INSERT INTO learning.item_tries (guild_id, attempt_id, auth_user_id, version, run, assessment_id, try_number, status,
                                                    finished_at, score, max_score, is_passed)
                   SELECT 1, a.id, a.auth_user_id, 1, 0, (SELECT assessment_id FROM learning.item_tries LIMIT 1), n, 'graded', now(), 0, 10, false
                     FROM learning.user_quest_attempts a JOIN learning.learners l USING (guild_id, auth_user_id),
                          generate_series(1, 10) n WHERE l.user_id > 100000").await;
    stage.execute("INSERT INTO learning.item_responses (guild_id, try_id, item, item_hash, place, answer, score, max_score)
                   SELECT 1, t.id, CASE i WHEN 1 THEN 'word' ELSE 'other' || i END, sha256('x'), i,
                          to_jsonb(CASE WHEN t.try_number = 1 THEN 'sesame' ELSE 'open' END), 0, 1
                     FROM learning.item_tries t, generate_series(1, 10) i WHERE t.max_score = 10").await;
    stage.execute("ANALYZE learning.item_tries, learning.item_responses, learning.learners, learning.user_quest_attempts").await;
    let preview = std::time::Instant::now();
    let told = stage.ok("POST", "assessment/regrades/preview", None, body(&way, &json!({}))).await;
    assert_eq!((&told["looked_at"], &told["raised"]), (&json!(10_003), &json!(1_001)));
    let preview = preview.elapsed();
    let id = asked(&stage, &way, &json!({})).await;
    let begun = std::time::Instant::now();
    ops::regrade_run(stage.house.pool(), None, GUILD, id).await.unwrap();
    println!("100,000 answers: dry run {preview:?}, regrade {:?}", begun.elapsed());
    let done = stage.ok("GET", &format!("assessment/regrades/{id}"), None, None).await;
    assert_eq!((&done["looked_at"], &done["changed"]), (&json!(10_003), &json!(1_001)));
}
