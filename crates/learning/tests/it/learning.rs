//! Walking a path: what is open, what is missing, what completing brings, once.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, bundle, reading};

fn states(path: &Value) -> Vec<(&str, &str)> {
    let quests = path["quests"].as_array().unwrap();
    quests.iter().map(|quest| (quest["slug"].as_str().unwrap(), quest["state"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_path_is_walked_from_enrolment_to_its_end() {
    let stage = Stage::furnished().await;
    let path = stage.path().await;
    let (one, two, three) = (stage.id("one").await, stage.id("two").await, stage.id("three").await);

    let enrolled = stage.ok("POST", &format!("paths/{path}/enrolment"), Some(ADA), None).await;
    assert_eq!(
        states(&enrolled),
        [("one", "open"), ("two", "locked"), ("three", "locked"), ("extra", "locked")]
    );
    assert_eq!(enrolled["progress"], json!({ "done": 0, "total": 3, "percentage": "0.00" }));
    assert_eq!(enrolled["total_experience_points"], json!(220));
    assert_eq!(
        enrolled["quests"][1]["missing"],
        json!([{ "kind": "quest", "text": "complete \"One\"", "quest_id": one }])
    );

    let (status, kind, problem) =
        stage.refused("POST", &format!("quests/{two}/attempt"), Some(ADA), None).await;
    assert_eq!((status, kind.as_str()), (409, "quest-locked"));
    assert_eq!(problem["detail"], json!("This quest is locked. Missing: complete \"One\"."));
    // Locked quests can be read about.
    let seen = stage.ok("GET", &format!("quests/{two}"), Some(ADA), None).await;
    assert_eq!((&seen["state"], &seen["title"]), (&json!("locked"), &json!("Two")));

    let attempt = stage.walk(ADA, &one).await;
    assert_eq!(
        (&attempt["status"], &attempt["progress"]["percentage"]),
        (&json!("Completed"), &json!("100.00"))
    );
    let seen = stage.ok("GET", &format!("paths/{path}"), Some(ADA), None).await;
    assert_eq!(
        states(&seen),
        [("one", "completed"), ("two", "open"), ("three", "locked"), ("extra", "open")]
    );
    assert_eq!(seen["progress"], json!({ "done": 1, "total": 3, "percentage": "33.33" }));
    assert_eq!(seen["chapters"][0]["progress"]["percentage"], json!("50.00"));

    stage.walk(ADA, &two).await;
    stage.walk(ADA, &three).await;
    let seen = stage.ok("GET", &format!("paths/{path}"), Some(ADA), None).await;
    assert_eq!(seen["progress"]["percentage"], json!("100.00"));
    assert!(seen["completed_at"].is_string());

    // 3 × 5 for steps, 10 + 20 + 40 for quests, 30 for the first chapter, 100 for the path.
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 215);
    let points: i64 = sqlx::query_scalar("SELECT skill_points FROM community.user_skills WHERE user_id = $1")
        .bind(ADA)
        .fetch_one(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(points, 20);
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_completion_brings_xp_then_skill_points_then_unlocks_under_one_correlation_id() {
    let stage = Stage::furnished().await;
    let one = stage.id("one").await;
    stage.walk(ADA, &one).await;
    let events = stage.events(ADA).await;
    let cascade: Vec<_> =
        events.iter().filter(|(name, ..)| name.contains("_granted") || name.contains("unlocked")).collect();
    let told: Vec<(&str, i64)> =
        cascade.iter().map(|(name, data, _)| (name.as_str(), data["ordinal"].as_i64().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("learning.xp_granted", 1),
            ("learning.xp_granted", 2),
            ("learning.skill_points_granted", 3),
            ("learning.challenge_unlocked", 4),
            ("learning.challenge_unlocked", 5),
        ]
    );
    assert_eq!((&cascade[0].1["xp"], &cascade[0].1["source_type"]), (&json!(5), &json!("step")));
    assert_eq!((&cascade[1].1["xp"], &cascade[1].1["source_type"]), (&json!(10), &json!("quest")));
    assert_eq!((&cascade[2].1["skill"], &cascade[2].1["skill_points"]), (&json!("graphs"), &json!(20)));
    assert!(cascade[0].2.is_some() && cascade.iter().all(|event| event.2 == cascade[0].2));
    stage.deliver().await;
    // Delivered again, nothing comes of it again.
    sqlx::query("UPDATE jobs.outbox_cursors SET transaction_id = '0', id = 0")
        .execute(stage.house.pool())
        .await
        .unwrap();
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 15);
}

#[tokio::test]
async fn what_is_done_twice_counts_once_and_what_is_given_up_and_done_again_pays_nothing() {
    let stage = Stage::furnished().await;
    let quest = reading("Twice", &[], 50);
    let mut quest_two_steps = quest.clone();
    quest_two_steps["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "slug": "more", "type": "Reading", "title": "More" }));
    let id = stage.quest("twice", &quest_two_steps).await;
    let attempt = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    let step = |n: usize| {
        format!("quests/{id}/attempt/steps/{}/completion", attempt["steps"][n]["id"].as_str().unwrap())
    };
    for _ in 0..3 {
        let seen = stage.ok("POST", &step(0), Some(ADA), Some(json!({}))).await;
        assert_eq!(
            (&seen["progress"]["percentage"], &seen["experience_earned"]),
            (&json!("50.00"), &json!(5))
        );
    }
    let abandoned = stage.ok("POST", &format!("quests/{id}/attempt/abandon"), Some(ADA), None).await;
    assert_eq!(abandoned["status"], json!("Abandoned"));
    let (_, kind, _) = stage.refused("POST", &step(1), Some(ADA), Some(json!({}))).await;
    assert_eq!(kind, "attempt-state");
    let again = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    assert_eq!((&again["id"], &again["progress"]["done"]), (&attempt["id"], &json!(0)));
    for n in [0, 1] {
        stage.ok("POST", &step(n), Some(ADA), Some(json!({}))).await;
    }
    // Completed stays completed.
    for deed in ["pause", "abandon"] {
        let (_, kind, _) =
            stage.refused("POST", &format!("quests/{id}/attempt/{deed}"), Some(ADA), None).await;
        assert_eq!(kind, "attempt-state");
    }
    let still = stage.ok("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    assert_eq!((&still["status"], &still["experience_earned"]), (&json!("Completed"), &json!(55)));
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 55);
    let names: Vec<String> = sqlx::query_scalar("SELECT event_type FROM learning.attempt_events ORDER BY id")
        .fetch_all(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(
        names,
        ["begun", "completed", "abandoned", "restarted", "completed", "completed", "quest_completed"]
    );
    stage.assert_clean().await;
}

#[tokio::test]
async fn pauses_notes_openings_and_skips() {
    let stage = Stage::new().await;
    let quest = json!({
        "title": "Steps", "type": "Exploration", "difficulty": "Expert",
        "steps": [
            { "slug": "watch", "type": "Video", "title": "Watch", "url": "https://example.org/film" },
            { "slug": "try", "type": "Interactive", "title": "Try", "url": "https://example.org/toy" },
            { "slug": "talk", "type": "Discussion", "title": "Talk", "note_characters": 10 },
            { "slug": "think", "type": "Reflection", "title": "Think", "optional": true },
        ],
    });
    let id = stage.quest("steps", &quest).await;
    let base = format!("quests/{id}/attempt");
    let (status, kind, _) = stage.refused("POST", &format!("{base}/pause"), Some(ADA), None).await;
    assert_eq!((status, kind.as_str()), (409, "attempt-state"));
    let attempt = stage.ok("POST", &base, Some(ADA), None).await;
    let step =
        |n: usize, deed: &str| format!("{base}/steps/{}/{deed}", attempt["steps"][n]["id"].as_str().unwrap());
    for _ in 0..2 {
        let seen = stage.ok("POST", &step(0, "opening"), Some(ADA), None).await;
        assert_eq!(seen["steps"][0]["status"], json!("InProgress"));
    }
    let paused = stage.ok("POST", &format!("{base}/pause"), Some(ADA), None).await;
    assert_eq!(paused["status"], json!("Paused"));
    assert_eq!(
        stage.refused("POST", &step(0, "completion"), Some(ADA), Some(json!({}))).await.1,
        "attempt-state"
    );
    stage.ok("POST", &format!("{base}/resume"), Some(ADA), None).await;
    stage.ok("PUT", &format!("{base}/notes"), Some(ADA), Some(json!({ "notes": "Remember this." }))).await;
    for n in [0, 1] {
        stage.ok("POST", &step(n, "completion"), Some(ADA), Some(json!({}))).await;
    }
    let (status, _, problem) =
        stage.refused("POST", &step(2, "completion"), Some(ADA), Some(json!({ "note": " short " }))).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("note")));
    assert_eq!(stage.refused("POST", &step(2, "skip"), Some(ADA), None).await.1, "attempt-state");
    let done =
        stage.ok("POST", &step(2, "completion"), Some(ADA), Some(json!({ "note": "long enough now" }))).await;
    // The optional step does not count, and can still be skipped or done.
    assert_eq!((&done["status"], &done["progress"]["total"]), (&json!("Completed"), &json!(3)));
    let skipped = stage.ok("POST", &step(3, "skip"), Some(ADA), None).await;
    assert_eq!(
        (&skipped["steps"][3]["status"], &skipped["notes"]),
        (&json!("Skipped"), &json!("Remember this."))
    );
    stage.assert_clean().await;
}

#[tokio::test]
async fn rules_of_xp_levels_dates_and_alternatives_open_and_tell_what_is_missing() {
    let stage = Stage::furnished().await;
    let mut gated = reading("Gated", &["one"], 0);
    gated["unlock"] = json!({ "any": [
        { "quests": { "of": ["two", "three"], "at_least": 2 } },
        { "all": [{ "xp": 10 }, { "after": "2020-01-01" }, { "skill": { "slug": "graphs", "points": 20 } }] },
    ] });
    let id = stage.quest("gated", &gated).await;
    let (_, _, problem) = stage.refused("POST", &format!("quests/{id}/attempt"), Some(ADA), None).await;
    let detail = problem["detail"].as_str().unwrap();
    for part in [
        "complete \"One\"",
        "complete \"Two\" and complete \"Three\"",
        "earn 10 XP",
        "20 points in the skill `graphs`",
    ] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    assert!(!detail.contains("2020"), "{detail}");
    let one = stage.id("one").await;
    stage.walk(ADA, &one).await;
    stage.deliver().await;
    // XP and skill points came after the completion; the quest is open all the same.
    let seen = stage.ok("GET", &format!("quests/{id}"), Some(ADA), None).await;
    assert_eq!((&seen["state"], &seen["missing"]), (&json!("open"), &json!([])));
    stage.walk(ADA, &id).await;
    // Nobody in particular looks: what is open from the beginning.
    let seen = stage.ok("GET", &format!("quests/{id}"), None, None).await;
    assert_eq!(seen["state"], json!("locked"));
}

#[tokio::test]
async fn chapters_open_and_close_by_the_calendar_of_the_paths_zone() {
    let stage = Stage::new().await;
    let days = |from: i64, to: i64| {
        let sql = "SELECT ((now() AT TIME ZONE 'Pacific/Auckland')::date + $1::int)::text,
                          ((now() AT TIME ZONE 'Pacific/Auckland')::date + $2::int)::text";
        let pool = stage.house.pool().clone();
        async move {
            let pair: (String, String) =
                sqlx::query_as(sql).bind(from).bind(to).fetch_one(&pool).await.unwrap();
            pair
        }
    };
    let mut bundle = bundle();
    bundle["path"]["timezone"] = json!("Pacific/Auckland");
    // An end date is inclusive: a chapter that ends today is open all day.
    for (from, to, state) in [(0, 0, "open"), (1, 5, "locked"), (-5, -1, "locked"), (-5, 0, "open")] {
        let (starts, ends) = days(from, to).await;
        bundle["path"]["chapters"][0]["starts"] = json!(starts);
        bundle["path"]["chapters"][0]["ends"] = json!(ends);
        stage.ok("POST", "import", None, Some(bundle.clone())).await;
        let one = stage.id("one").await;
        let seen = stage.ok("GET", &format!("quests/{one}"), Some(ADA), None).await;
        assert_eq!(seen["state"], json!(state), "{from} to {to}: {seen}");
    }
    let mut wrong = bundle.clone();
    wrong["path"]["timezone"] = json!("Europe/Nowhere");
    let (status, _, problem) = stage.refused("POST", "import", None, Some(wrong)).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (400, &json!("path.timezone")));
    let midnight: (bool,) = sqlx::query_as(
        "SELECT (start_date::timestamp AT TIME ZONE 'Pacific/Auckland') <> (start_date::timestamp AT TIME ZONE 'UTC')
           FROM learning.quest_chapters WHERE slug = 'a'",
    )
    .fetch_one(stage.house.pool())
    .await
    .unwrap();
    assert!(midnight.0);
}

#[tokio::test]
async fn who_enrols_late_is_given_what_they_have_done() {
    let stage = Stage::furnished().await;
    for slug in ["one", "two", "three"] {
        let id = stage.id(slug).await;
        stage.walk(BOB, &id).await;
    }
    stage.deliver().await;
    assert_eq!(stage.xp(BOB).await, 85, "no path, no chapters");
    let path = stage.path().await;
    let seen = stage.ok("POST", &format!("paths/{path}/enrolment"), Some(BOB), None).await;
    assert!(seen["completed_at"].is_string(), "{seen}");
    stage.ok("POST", &format!("paths/{path}/enrolment"), Some(BOB), None).await;
    stage.deliver().await;
    assert_eq!(stage.xp(BOB).await, 215);
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_path_that_changes_is_worked_out_anew_and_completed_stays_completed() {
    let stage = Stage::furnished().await;
    let path = stage.path().await;
    for user in [ADA, BOB] {
        stage.ok("POST", &format!("paths/{path}/enrolment"), Some(user), None).await;
    }
    let ids = [stage.id("one").await, stage.id("two").await, stage.id("three").await];
    for id in &ids {
        stage.walk(ADA, id).await;
    }
    for id in &ids[..2] {
        stage.walk(BOB, id).await;
    }
    // Another quest becomes mandatory: Ada, who was through, stays so; Bob has two of four.
    let mut changed = bundle();
    changed["path"]["chapters"][1]["quests"][1]["optional"] = json!(false);
    stage.ok("POST", "import", None, Some(changed.clone())).await;
    let view = format!("paths/{path}");
    let at = |user| stage.ok("GET", &view, Some(user), None);
    assert_eq!(
        at(BOB).await["progress"],
        json!({ "done": 2, "total": 4, "percentage": "50.00" }),
        "also before the job"
    );
    assert_eq!(at(ADA).await["progress"]["percentage"], json!("100.00"));
    assert_eq!(learning::ops::recalculate(stage.house.pool(), 100).await.unwrap(), 2);
    assert_eq!(learning::ops::recalculate(stage.house.pool(), 100).await.unwrap(), 0);
    assert_eq!(at(BOB).await["progress"]["percentage"], json!("50.00"));
    stage.assert_clean().await;
    // Two quests go: what is left Bob has done, and the job finds it out.
    let mut short = changed;
    short["path"]["chapters"].as_array_mut().unwrap().pop();
    stage.ok("POST", "import", None, Some(short)).await;
    learning::ops::recalculate(stage.house.pool(), 100).await.unwrap();
    assert!(at(BOB).await["completed_at"].is_string());
    stage.deliver().await;
    assert_eq!(
        stage.xp(BOB).await,
        10 + 30 + 30 + 100,
        "two quests with their steps, the first chapter, the path"
    );
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_learner_is_copied_and_forgotten_and_not_paid_again() {
    let stage = Stage::furnished().await;
    let (one, path) = (stage.id("one").await, stage.path().await);
    stage.ok("POST", &format!("paths/{path}/enrolment"), Some(ADA), None).await;
    stage.walk(ADA, &one).await;
    let keepers = access::personal::Keepers::of(&[&learning::SLICE]);
    let mut tx = stage.house.pool().begin().await.unwrap();
    let (guild, user) = (crate::stage::GUILD, kernel::UserId::new(ADA));
    let copy = keepers.copies(&mut tx, guild, user).await.unwrap();
    let mine = &copy["learning"];
    assert_eq!((&mine["attempts"][0]["quest"], &mine["paths"][0]["completed"]), (&json!("One"), &json!(1)));
    assert_eq!(mine["events"].as_array().unwrap().len(), 3);
    let sum = |of: &str, what: &str| -> i64 {
        mine[of].as_array().unwrap().iter().filter_map(|one| one[what].as_i64()).sum()
    };
    assert_eq!((sum("chapters", "completed"), sum("granted", "experience_points")), (1, 15), "{mine}");
    keepers.forget(&mut tx, guild, user, &["Ada".to_owned()]).await.unwrap();
    tx.commit().await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM learning.learners) + (SELECT count(*) FROM learning.user_quest_attempts)
              + (SELECT count(*) FROM learning.attempt_events) + (SELECT count(*) FROM learning.quest_unlocks)
              + (SELECT count(*) FROM learning.user_learning_path_progress)",
    )
    .fetch_one(stage.house.pool())
    .await
    .unwrap();
    assert_eq!(left, 0);
    stage.walk(ADA, &one).await;
    stage.deliver().await;
    assert_eq!(stage.xp(ADA).await, 15);
}

#[tokio::test]
async fn other_guilds_and_what_is_not_there_are_404() {
    let stage = Stage::furnished().await;
    let nowhere = "0193a6b2-7c00-7d2a-9d0a-3f1f0c2d4e5f";
    let one = stage.id("one").await;
    stage.ok("POST", &format!("quests/{one}/attempt"), Some(ADA), None).await;
    for (method, path) in [
        ("GET", format!("paths/{nowhere}")),
        ("GET", format!("quests/{nowhere}")),
        ("POST", format!("quests/{nowhere}/attempt")),
        ("POST", format!("quests/{nowhere}/attempt/pause")),
        ("POST", format!("quests/{one}/attempt/steps/{nowhere}/opening")),
        ("POST", format!("paths/{nowhere}/enrolment")),
        ("GET", format!("sources/quests/{nowhere}")),
        ("DELETE", format!("sources/paths/{nowhere}")),
    ] {
        let (status, _, problem) = stage.refused(method, &path, Some(ADA), None).await;
        assert_eq!(status, 404, "{method} {path}: {problem}");
    }
    // A step of another quest's attempt.
    let two = stage.quest("other", &reading("Other", &[], 0)).await;
    let other = stage.ok("POST", &format!("quests/{two}/attempt"), Some(ADA), None).await;
    let step = other["steps"][0]["id"].as_str().unwrap();
    let path = format!("quests/{one}/attempt/steps/{step}/completion");
    assert_eq!(stage.refused("POST", &path, Some(ADA), Some(json!({}))).await.0, 404);
    let (status, _) =
        stage.house.send("GET", &format!("/guilds/2/learning/quests/{one}"), Some(ADA), None).await;
    assert_eq!(status, 404);
}
