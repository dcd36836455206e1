//! Quizzes: what is told, what is refused, tries, time.

use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage};

fn quiz(settings: &Value) -> Value {
    let mut quiz = json!({ "questions": [
        { "slug": "pick", "type": "single", "text": "Pick the first letter", "points": 2, "explanation": "SECRET because",
          "choices": [{ "slug": "vowel", "text": "A", "right": true }, { "slug": "other", "text": "B" }, { "slug": "third", "text": "C" }] },
        { "slug": "sum", "type": "number", "text": "{a} + 1?", "number": "a + 1", "parameters": [{ "name": "a", "from": 1, "to": 1000 }] },
        { "slug": "word", "type": "text", "text": "Say SESAME", "answers": ["sesame"] },
    ] });
    for (name, value) in settings.as_object().unwrap() {
        quiz[name] = value.clone();
    }
    json!({
        "title": "Quiz", "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "steps": [{ "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": quiz }],
    })
}

struct Table {
    stage: Stage,
    step: String,
    quest: String,
}

impl Table {
    async fn laid(settings: Value) -> Self {
        let stage = Stage::new().await;
        let quest = stage.quest("quiz", &quiz(&settings)).await;
        let attempt = stage.ok("POST", &format!("quests/{quest}/attempt"), Some(ADA), None).await;
        let step = format!("quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
        Self { stage, step, quest }
    }

    async fn begin(&self, user: i64) -> Value {
        self.stage.ok("POST", &format!("{}/tries", self.step), Some(user), None).await
    }

    async fn answer(&self, user: i64, answers: Value) -> (u16, Value) {
        let body = json!({ "answers": answers });
        self.stage.send("POST", &format!("{}/answers", self.step), Some(user), Some(body)).await
    }
}

/// The right answers to a try, read off its questions as a clever learner would.
fn right(begun: &Value) -> Value {
    let answers = begun["questions"].as_array().unwrap().iter().map(|question| {
        match question["type"].as_str().unwrap() {
            "single" => {
                let choice = question["choices"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|choice| choice["text"] == "A")
                    .unwrap();
                json!({ "question": question["id"], "choice": choice["id"] })
            }
            "number" => {
                let a: i64 = question["text"].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
                json!({ "question": question["id"], "number": (a + 1).to_string() })
            }
            _ => json!({ "question": question["id"], "text": " Sesame " }),
        }
    });
    answers.collect()
}

#[tokio::test]
async fn a_quiz_is_passed_and_only_then_explained() {
    let table = Table::laid(json!({ "pass_percent": 75, "cooldown_seconds": 0 })).await;
    let begun = table.begin(ADA).await;
    assert_eq!(begun, table.begin(ADA).await, "an open try goes on");
    // Half of it: told is the total, and nothing else.
    let part = json!([right(&begun)[0], right(&begun)[1]]);
    let (status, result) = table.answer(ADA, part).await;
    assert_eq!(status, 200, "{result}");
    let points: f64 = result["points"].as_str().unwrap().parse().unwrap();
    if points < 3.0 {
        assert_eq!(result["passed"], json!(false));
        assert!(result.get("questions").is_none(), "{result}");
        let next = table.begin(ADA).await;
        assert_ne!(next["questions"][0]["id"], begun["questions"][0]["id"], "ids are of a try");
        // Answers to another try are refused and use none.
        let (status, _) = table.answer(ADA, right(&begun)).await;
        assert_eq!(status, 400);
        let (status, result) = table.answer(ADA, right(&next)).await;
        assert_eq!((status, &result["passed"]), (200, &json!(true)), "{result}");
        assert_eq!(result["questions"].as_array().unwrap().len(), 3);
        assert_eq!(result["try_number"], json!(2));
    }
    let attempt =
        table.stage.ok("GET", &format!("quests/{}", table.quest), Some(ADA), None).await["attempt"].clone();
    assert_eq!(attempt["status"], json!("Completed"));
    assert_eq!(table.answer(ADA, json!([])).await.0, 409);
    table.stage.assert_clean().await;
}

#[tokio::test]
async fn tries_run_out_and_abandoning_buys_none() {
    let table = Table::laid(json!({ "max_tries": 2, "cooldown_seconds": 0 })).await;
    let wrong = |begun: &Value| {
        json!([{ "question": begun["questions"].as_array().unwrap().iter()
        .find(|question| question["type"] == "text").unwrap()["id"], "text": "open" }])
    };
    let first = table.begin(ADA).await;
    assert_eq!(first["tries_left"], json!(1));
    // Empty, foreign and twofold answers are refused and use no try.
    let question = first["questions"][0]["id"].clone();
    for bad in [
        json!([]),
        json!([{ "question": question }]),
        json!([{ "question": "0123456789abcdef", "text": "x" }]),
        json!([right(&first)[0], right(&first)[0]]),
    ] {
        assert_eq!(table.answer(ADA, bad.clone()).await.0, 400, "{bad}");
    }
    assert_eq!(table.answer(ADA, wrong(&first)).await.1["tries_left"], json!(1));
    table.stage.ok("POST", &format!("quests/{}/attempt/abandon", table.quest), Some(ADA), None).await;
    table.stage.ok("POST", &format!("quests/{}/attempt", table.quest), Some(ADA), None).await;
    let second = table.begin(ADA).await;
    assert_eq!((&second["try_number"], &second["tries_left"]), (&json!(2), &json!(0)));
    let (_, last) = table.answer(ADA, wrong(&second)).await;
    assert_eq!(
        last["questions"].as_array().unwrap().len(),
        3,
        "no tries are left: what each brought is told"
    );
    let (status, kind, _) =
        table.stage.refused("POST", &format!("{}/tries", table.step), Some(ADA), None).await;
    assert_eq!((status, kind.as_str()), (409, "no-tries-left"));
}

#[tokio::test]
async fn a_try_waits_for_the_one_before_and_ends_with_its_time() {
    let table = Table::laid(json!({ "time_limit_minutes": 5, "cooldown_seconds": 60 })).await;
    let begun = table.begin(ADA).await;
    assert!(begun["due_at"].is_string());
    sqlx::query("UPDATE learning.item_tries SET due_at = now() - interval '1 second'")
        .execute(table.stage.house.pool())
        .await
        .unwrap();
    let (status, problem) = table.answer(ADA, right(&begun)).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/try-expired")));
    let (status, kind, problem) =
        table.stage.refused("POST", &format!("{}/tries", table.step), Some(ADA), None).await;
    assert_eq!((status, kind.as_str()), (429, "try-too-soon"));
    assert!(problem["retry_after"].as_u64().unwrap() <= 60);
    sqlx::query("UPDATE learning.item_tries SET finished_at = now() - interval '61 seconds'")
        .execute(table.stage.house.pool())
        .await
        .unwrap();
    let next = table.begin(ADA).await;
    assert_eq!(next["try_number"], json!(2));
    assert_eq!(table.answer(ADA, right(&next)).await.1["passed"], json!(true));
    table.stage.assert_clean().await;
}

#[tokio::test]
async fn every_learner_has_a_shuffle_of_their_own_and_no_answer_holds_a_key() {
    let table = Table::laid(json!({ "cooldown_seconds": 0 })).await;
    table.stage.ok("POST", &format!("quests/{}/attempt", table.quest), Some(BOB), None).await;
    let (ada, bob) = (table.begin(ADA).await, table.begin(BOB).await);
    assert_ne!(ada["questions"], bob["questions"]);
    let (status, _) = table.answer(BOB, right(&ada)).await;
    assert_eq!(status, 400, "another learner's ids");
    let path = format!("quests/{}", table.quest);
    for answer in [
        ada.to_string(),
        table.stage.ok("GET", &path, Some(ADA), None).await.to_string(),
        table.stage.ok("POST", &format!("{path}/attempt"), Some(ADA), None).await.to_string(),
        table.answer(ADA, json!([right(&ada)[0]])).await.1.to_string(),
        serde_json::to_string(
            &table.stage.events(ADA).await.iter().map(|event| &event.1).collect::<Vec<_>>(),
        )
        .unwrap(),
    ] {
        for secret in ["SECRET", "sesame", "a + 1", "vowel", "\"right\":", "\"number\":\"", "cooldown"] {
            assert!(!answer.contains(secret), "{secret} in {answer}");
        }
    }
}

#[tokio::test]
async fn what_was_answered_is_kept_so_that_it_can_be_graded_again() {
    let table = Table::laid(json!({ "cooldown_seconds": 0 })).await;
    let begun = table.begin(ADA).await;
    let picked: Vec<Value> =
        right(&begun).as_array().unwrap().iter().filter(|answer| answer["text"].is_null()).cloned().collect();
    table.answer(ADA, Value::Array(picked)).await;
    let rows: Vec<(String, Option<Value>, String, Value)> = sqlx::query_as(
        "SELECT item, answer, score::text, parameters FROM learning.item_responses ORDER BY item",
    )
    .fetch_all(table.stage.house.pool())
    .await
    .unwrap();
    assert_eq!(
        (rows[0].0.as_str(), &rows[0].1, rows[0].2.as_str()),
        ("pick", &Some(json!("vowel")), "2.0000")
    );
    let a: i64 = rows[1].3["a"].as_str().unwrap().parse().unwrap();
    assert_eq!(rows[1].1, Some(json!((a + 1).to_string())));
    assert_eq!((rows[2].0.as_str(), &rows[2].1, rows[2].2.as_str()), ("word", &None, "0.0000"));
    let (score, full): (String, String) =
        sqlx::query_as("SELECT score::text, max_score::text FROM learning.item_tries")
            .fetch_one(table.stage.house.pool())
            .await
            .unwrap();
    assert_eq!((score.as_str(), full.as_str()), ("3.0000", "4.0000"));
    table.stage.assert_clean().await;
}
