//! Those who grade: claims, judgements, overrides, deadlines, and what learners are told.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, assessed};

fn project(extra: &Value) -> Value {
    let mut review = json!({ "pass_percent": 60, "rubric": [
        { "slug": "style", "text": "SECRET style", "points": 4 }, { "slug": "sense", "text": "SECRET sense", "points": 6 }] });
    review.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    json!({ "slug": "work", "type": "Project", "title": "Work", "description": "Make something.", "review": review })
}

fn points(style: u32, sense: u32) -> Value {
    json!({ "scores": { "style": style, "sense": sense }, "feedback": "I see." })
}

#[tokio::test]
async fn a_project_is_judged_overridden_and_rewarded_once() {
    let stage = Stage::new().await;
    let way = stage.way(&project(&json!({}))).await;
    stage.read(&way.quest, ADA).await;
    let id = stage.hand_in(&way, ADA, "Mine.").await;
    let judged = stage.judge(&id, points(4, 1)).await;
    assert_eq!((&judged["grade"], &judged["passed"]), (&json!("50.00"), &json!(false)));
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!(
        (&seen["best_grade"], &seen["submissions"][0]["feedback"]),
        (&json!("50.00"), &json!("I see."))
    );
    assert_eq!(seen["rubric"].as_array().unwrap().len(), 2, "shown once it is graded");

    let path = format!("assessment/submissions/{id}/override");
    let change = |judgement: Value, reason: &str| Some(json!({ "judgement": judgement, "reason": reason }));
    assert_eq!(stage.refused("POST", &path, None, change(points(4, 4), " ")).await.0, 400);
    let better = stage.ok("POST", &path, None, change(points(4, 4), "I misread it.")).await;
    assert_eq!((&better["grade"], &better["passed"]), (&json!("80.00"), &json!(true)));
    assert_eq!(stage.xp(ADA).await, 35);
    // A grade that falls takes nothing that was passed, or paid.
    let worse = stage.ok("POST", &path, None, change(points(0, 0), "It was copied.")).await;
    assert_eq!(worse["passed"], json!(false));
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!((&seen["passed"], &seen["best_grade"]), (&json!(true), &json!("0.00")));
    let again = stage.ok("POST", &path, None, change(points(4, 6), "It was not.")).await;
    assert_eq!(again["grade"], json!("100.00"));
    assert_eq!(stage.xp(ADA).await, 35);

    let details = stage.ok("GET", &format!("assessment/submissions/{id}"), None, None).await;
    let causes: Vec<_> =
        details["history"].as_array().unwrap().iter().map(|one| one["cause"].clone()).collect();
    assert_eq!(causes, ["instructor", "override", "override", "override"]);
    assert_eq!(details["history"][1]["reason"], json!("I misread it."));
    assert_eq!(stage.told("assessment.graded").await.len(), 4);
    stage.assert_clean().await;
}

#[tokio::test]
async fn no_rubric_reaches_a_learner_before_its_time() {
    let stage = Stage::new().await;
    for visibility in ["after_grading", "never", "always"] {
        let quest = stage
            .quest(
                visibility.replace('_', "-").as_str(),
                &assessed(&json!([project(&json!({ "rubric_visibility": visibility }))])),
            )
            .await;
        let attempt = stage.begin(&quest, ADA).await;
        let way = crate::stage::Way {
            quest,
            assessment: attempt["assessments"][0]["id"].as_str().unwrap().to_owned(),
        };
        let told = async || {
            let quest = stage.ok("GET", &format!("learning/quests/{}", way.quest), Some(ADA), None).await;
            format!("{quest}{}", stage.seen(&way.quest, ADA).await).contains("SECRET")
        };
        assert_eq!(told().await, visibility == "always", "{visibility}, begun");
        let made = stage.ok("POST", &way.to("submissions"), Some(ADA), Some(json!({ "text": "x" }))).await;
        assert!(!made.to_string().contains("SECRET"));
        assert_eq!(told().await, visibility == "always", "{visibility}, handed in");
        stage.judge(made["id"].as_str().unwrap(), points(1, 1)).await;
        assert_eq!(told().await, visibility != "never", "{visibility}, graded");
        // Who only looks at the quest sees no more.
        let seen = stage.seen(&way.quest, BOB).await;
        assert_eq!(seen.to_string().contains("SECRET"), visibility == "always");
    }
    let events: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM jobs.outbox").fetch_all(stage.house.pool()).await.unwrap();
    assert!(events.iter().all(|event| !event.to_string().contains("SECRET")));
}

#[tokio::test]
async fn a_claim_is_a_lease_and_the_next_one_is_another() {
    let stage = Stage::new().await;
    let way = stage.way(&project(&json!({}))).await;
    stage.begin(&way.quest, BOB).await;
    let (first, second) =
        (stage.hand_in(&way, ADA, "Ada's.").await, stage.hand_in(&way, BOB, "Bob's.").await);
    let next = async || stage.ok("POST", "assessment/claims", None, None).await["submission"]["id"].clone();
    assert_eq!(next().await, json!(first));
    assert_eq!(next().await, json!(first), "what one has claimed comes first");
    let claim = format!("assessment/submissions/{first}/claim");
    assert!(stage.ok("PUT", &claim, None, None).await["claimed_until"].is_string());
    assert_eq!(stage.send("DELETE", &claim, None, None).await.0, 204);
    // Somebody else is at the first.
    let other = "UPDATE assessment.quest_submissions SET claimed_by = gen_random_uuid(), claim_expires_at = now() + interval '5 minutes'
                  WHERE received_at = (SELECT min(received_at) FROM assessment.quest_submissions)";
    stage.execute(other).await;
    assert_eq!(next().await, json!(second));
    let judge = format!("assessment/submissions/{first}/judgement");
    assert_eq!(
        stage.refused("POST", &judge, None, Some(points(1, 1))).await,
        (409, "claimed-by-another".to_owned())
    );
    assert_eq!(stage.refused("PUT", &claim, None, None).await.1, "claimed-by-another");
    // Their lease is over: it is anybody's.
    stage
        .execute("UPDATE assessment.quest_submissions SET claim_expires_at = now() - interval '1 second'")
        .await;
    assert_eq!(next().await, json!(first));
    stage.judge(&first, points(4, 6)).await;
    assert_eq!(next().await, json!(second));
    stage.judge(&second, points(4, 6)).await;
    assert_eq!(stage.ok("POST", "assessment/claims", None, None).await, json!({}));
    assert_eq!(stage.refused("PUT", &claim, None, None).await.1, "submission-state");
    let (status, _) = stage.house.send("PUT", &format!("/guilds/2/{claim}"), None, None).await;
    assert_eq!(status, 404);
    stage.assert_clean().await;
}

#[tokio::test]
async fn late_is_what_comes_after_ones_own_deadline_and_the_best_counts() {
    let stage = Stage::new().await;
    let due = chrono::Utc::now() - chrono::TimeDelta::hours(30);
    let policy = json!({ "due_at": due, "late_percent_per_day": 10, "late_days": 3, "grace_minutes": 5 });
    let way = stage.way(&project(&policy)).await;
    let id = stage.hand_in(&way, ADA, "Late.").await;
    let judged = stage.judge(&id, points(4, 5)).await;
    assert_eq!((&judged["raw_grade"], &judged["grade"]), (&json!("90.00"), &json!("70.00")));
    // Worse the second time: what was better stays.
    let second = stage.hand_in(&way, ADA, "Later.").await;
    stage.judge(&second, points(0, 6)).await;
    assert_eq!(stage.seen(&way.quest, ADA).await["best_grade"], json!("70.00"));
    stage.assert_clean().await;
    // An extension makes good what was late; the history says why.
    let path = way.to(&format!("extensions/{ADA}"));
    let extend =
        Some(json!({ "due_at": chrono::Utc::now() + chrono::TimeDelta::hours(1), "reason": "was ill" }));
    stage.ok("PUT", &path, None, extend).await;
    let seen = stage.seen(&way.quest, ADA).await;
    assert_eq!((&seen["best_grade"], &seen["submissions"][0]["late_seconds"]), (&json!("90.00"), &json!(0)));
    assert_eq!(stage.ok("GET", &way.to("extensions"), None, None).await[0]["reason"], json!("was ill"));
    assert_eq!(stage.told("assessment.extended").await[0].0, Some(ADA));
    stage.assert_clean().await;
    // Whoever has none is refused once nothing is taken any more.
    let over = json!({ "due_at": due, "late_percent_per_day": 10, "late_days": 1 });
    stage.publish(&way.quest, &assessed(&json!([project(&over)]))).await;
    stage.begin(&way.quest, BOB).await;
    let body = Some(json!({ "text": "x" }));
    assert_eq!(
        stage.refused("POST", &way.to("submissions"), Some(BOB), body).await,
        (409, "deadline-over".to_owned())
    );
    stage.assert_clean().await;
}

#[tokio::test]
async fn an_attempt_that_is_paused_is_completed_by_a_grade() {
    let stage = Stage::new().await;
    let way = stage.way(&project(&json!({}))).await;
    stage.read(&way.quest, ADA).await;
    let id = stage.hand_in(&way, ADA, "x").await;
    stage.ok("POST", &format!("learning/quests/{}/attempt/pause", way.quest), Some(ADA), None).await;
    stage.judge(&id, points(4, 6)).await;
    let seen = stage.ok("GET", &format!("learning/quests/{}", way.quest), Some(ADA), None).await;
    assert_eq!(seen["state"], json!("completed"));
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_is_graded_after_an_attempt_was_given_up_counts_when_it_is_begun_anew() {
    let stage = Stage::new().await;
    let only = json!({ "title": "Only", "type": "Project", "difficulty": "Advanced", "experience_points": 30,
                       "assessments": [project(&json!({}))] });
    let quest = stage.quest("only", &only).await;
    let attempt = stage.begin(&quest, ADA).await;
    let way =
        crate::stage::Way { quest, assessment: attempt["assessments"][0]["id"].as_str().unwrap().to_owned() };
    let id = stage.hand_in(&way, ADA, "x").await;
    stage.ok("POST", &format!("learning/quests/{}/attempt/abandon", way.quest), Some(ADA), None).await;
    stage.judge(&id, points(4, 6)).await;
    assert_eq!(stage.xp(ADA).await, 0);
    stage.assert_clean().await;
    assert_eq!(stage.begin(&way.quest, ADA).await["status"], json!("Completed"));
    assert_eq!(stage.xp(ADA).await, 30);
    stage.assert_clean().await;
}

#[tokio::test]
async fn learners_are_told_how_long_they_may_have_to_wait() {
    let stage = Stage::new().await;
    let way = stage.way(&project(&json!({}))).await;
    let none = stage.ok("GET", "assessment/waiting", Some(ADA), None).await;
    assert_eq!(none, json!({ "of": 0 }));
    let id = stage.hand_in(&way, ADA, "x").await;
    assert_eq!(stage.seen(&way.quest, ADA).await["waiting"], json!({ "of": 1 }));
    stage
        .execute("UPDATE assessment.quest_submissions SET received_at = now() - interval '150 minutes'")
        .await;
    stage.judge(&id, points(1, 1)).await;
    assert_eq!(stage.ok("GET", "assessment/waiting", Some(ADA), None).await, json!({ "hours": 3, "of": 1 }));
}

#[tokio::test]
async fn judging_and_overriding_at_one_instant_leave_one_truth() {
    let stage = Stage::new().await;
    let way = stage.way(&project(&json!({}))).await;
    stage.read(&way.quest, ADA).await;
    let id = stage.hand_in(&way, ADA, "x").await;
    let judge = format!("assessment/submissions/{id}/judgement");
    let answers = join_all((0..6).map(|n| stage.send("POST", &judge, None, Some(points(4, n))))).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 200).count(), 1, "{answers:?}");
    let path = format!("assessment/submissions/{id}/override");
    let change = |n: u32| Some(json!({ "judgement": points(4, n), "reason": "so" }));
    let answers = join_all((0..6).map(|n| stage.send("POST", &path, None, change(n)))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    stage.assert_clean().await;
    assert_eq!(stage.xp(ADA).await, 35);
}
