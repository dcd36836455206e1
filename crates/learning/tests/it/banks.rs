//! Banks of questions: drawn from, changed, brought along with a path.

use std::collections::BTreeSet;

use learning::authoring::{read, write};
use learning::model::path::Bundle;
use serde_json::{Value, json};

use crate::stage::{ADA, BOB, Stage, reading};

fn bank(key: &str) -> Value {
    let questions: Vec<Value> = (0..12)
        .map(|n| json!({ "slug": format!("q{n}"), "type": "text", "text": format!("Question {n}?"), "answers": [format!("{key}{n}")],
                         "explanation": "SECRET" }))
        .collect();
    json!({ "title": "Twelve", "questions": questions })
}

/// A quest whose quiz asks one question of its own and draws three from the bank.
fn quest(count: usize) -> Value {
    json!({
        "title": "Drawn", "type": "Assessment", "difficulty": "Beginner", "experience_points": 10,
        "steps": [{ "slug": "quiz", "type": "Quiz", "title": "Quiz", "quiz": {
            "cooldown_seconds": 0, "draws": [{ "pool": "twelve", "count": count }],
            "questions": [{ "slug": "own", "type": "text", "text": "Own?", "answers": ["own"] }] } }],
    })
}

async fn with_bank() -> Stage {
    let stage = Stage::new().await;
    let made =
        stage.ok("POST", "sources/banks", None, Some(json!({ "slug": "twelve", "bank": bank("a") }))).await;
    assert_eq!((&made["revision"], &made["quests"]), (&json!(1), &json!([])));
    stage
}

async fn begin(stage: &Stage, user: i64, quest: &str) -> (String, Value) {
    let attempt = stage.ok("POST", &format!("quests/{quest}/attempt"), Some(user), None).await;
    let step = format!("quests/{quest}/attempt/steps/{}", attempt["steps"][0]["id"].as_str().unwrap());
    let begun = stage.ok("POST", &format!("{step}/tries"), Some(user), None).await;
    (step, begun)
}

fn texts(begun: &Value) -> BTreeSet<String> {
    begun["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["text"].as_str().unwrap().to_owned())
        .collect()
}

/// Right answers with this key.
fn right(begun: &Value, key: &str) -> Value {
    let answers = begun["questions"].as_array().unwrap().iter().map(|question| {
        let text = question["text"].as_str().unwrap();
        let number = text.trim_start_matches("Question ").trim_end_matches('?');
        let text = if text == "Own?" { "own".to_owned() } else { format!("{key}{number}") };
        json!({ "question": question["id"], "text": text })
    });
    json!({ "answers": answers.collect::<Vec<_>>() })
}

#[tokio::test]
async fn each_learner_draws_their_own_and_the_same_again() {
    let stage = with_bank().await;
    let id = stage.quest("drawn", &quest(3)).await;
    let (step, begun) = begin(&stage, ADA, &id).await;
    assert_eq!(begun["questions"].as_array().unwrap().len(), 4);
    assert!(texts(&begun).contains("Own?"));
    assert!(!begun.to_string().contains("SECRET") && !begun.to_string().contains("twelve"));
    assert_eq!(begin(&stage, ADA, &id).await.1, begun, "looked at again, it is the same");
    let mut draws = BTreeSet::from([texts(&begun)]);
    for user in 100..112 {
        draws.insert(texts(&begin(&stage, user, &id).await.1));
    }
    assert!(draws.len() > 6, "of 220 draws thirteen learners hardly share many: {draws:?}");
    let done = stage.ok("POST", &format!("{step}/answers"), Some(ADA), Some(right(&begun, "a"))).await;
    assert_eq!(done["passed"], json!(true), "{done}");
    // What was asked is kept: by the bank's question, so that figures of it can be told.
    let kept: Vec<String> = sqlx::query_scalar("SELECT item FROM learning.item_responses ORDER BY item")
        .fetch_all(stage.house.pool())
        .await
        .unwrap();
    assert_eq!(kept.iter().filter(|item| item.starts_with("twelve/q")).count(), 3, "{kept:?}");
    stage.assert_clean().await;
}

#[tokio::test]
async fn a_changed_bank_is_drawn_from_once_the_quest_is_published_again() {
    let stage = with_bank().await;
    let id = stage.quest("drawn", &quest(3)).await;
    let (step, begun) = begin(&stage, ADA, &id).await;
    let put = json!({ "revision": 1, "bank": bank("b") });
    let changed = stage.ok("PUT", "sources/banks/twelve", None, Some(put.clone())).await;
    assert_eq!((&changed["revision"], &changed["quests"][0]["behind"]), (&json!(2), &json!(true)));
    let (status, kind, _) = stage.refused("PUT", "sources/banks/twelve", None, Some(put)).await;
    assert_eq!((status, kind.as_str()), (409, "changed-meanwhile"));
    // The same document, another bank: another version, for whoever begins now.
    stage.ok("POST", &format!("sources/quests/{id}/publication"), None, None).await;
    let source = stage.ok("GET", &format!("sources/quests/{id}"), None, None).await;
    assert_eq!(
        (&source["version"], &source["quest"]["steps"][0]["quiz"]["questions"].as_array().unwrap().len()),
        (&json!(2), &1)
    );
    let seen = stage.ok("GET", "sources/banks/twelve", None, None).await;
    assert_eq!(seen["quests"][0]["behind"], json!(false));
    let done = stage.ok("POST", &format!("{step}/answers"), Some(ADA), Some(right(&begun, "a"))).await;
    assert_eq!(done["passed"], json!(true), "who had begun is judged by the key of then: {done}");
    let (step, begun) = begin(&stage, BOB, &id).await;
    let done = stage.ok("POST", &format!("{step}/answers"), Some(BOB), Some(right(&begun, "b"))).await;
    assert_eq!(done["passed"], json!(true), "{done}");
    // Published once more, nothing is another.
    stage.ok("POST", &format!("sources/quests/{id}/publication"), None, None).await;
    assert_eq!(stage.ok("GET", &format!("sources/quests/{id}"), None, None).await["version"], json!(2));
    stage.assert_clean().await;
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_and_so_is_retiring_what_is_drawn_from() {
    let stage = with_bank().await;
    for (slug, count, wrong) in [("many", 13, "count"), ("nowhere", 3, "pool")] {
        let mut quest = quest(count);
        if wrong == "pool" {
            quest["steps"][0]["quiz"]["draws"][0]["pool"] = json!("elsewhere");
        }
        let made =
            stage.ok("POST", "sources/quests", None, Some(json!({ "slug": slug, "quest": quest }))).await;
        let path = format!("sources/quests/{}/publication", made["id"].as_str().unwrap());
        let (status, _, problem) = stage.refused("POST", &path, None, None).await;
        let field = format!("{slug}.steps[0].quiz.draws[0].{wrong}");
        assert_eq!(
            (status, problem["errors"][0]["field"].as_str().unwrap()),
            (400, field.as_str()),
            "{problem}"
        );
    }
    let mut pooled = bank("a");
    pooled["questions"][0]["pool"] = json!("x");
    let (status, ..) =
        stage.refused("POST", "sources/banks", None, Some(json!({ "slug": "x", "bank": pooled }))).await;
    assert_eq!(status, 400);
    let (status, ..) = stage
        .refused("POST", "sources/banks", None, Some(json!({ "slug": "twelve", "bank": bank("a") })))
        .await;
    assert_eq!(status, 400);
    let id = stage.quest("drawn", &quest(3)).await;
    let (status, ..) = stage.refused("DELETE", "sources/banks/twelve", None, None).await;
    assert_eq!(status, 400);
    stage.ok("DELETE", &format!("sources/quests/{id}"), None, None).await;
    stage.ok("DELETE", "sources/banks/twelve", None, None).await;
    let listed = stage.ok("GET", "sources/banks", None, None).await;
    assert!(
        listed["items"][0]["retired_at"].is_string() && listed["items"][0]["questions"] == json!(12),
        "{listed}"
    );
    let (status, ..) = stage.refused("POST", &format!("sources/quests/{id}/publication"), None, None).await;
    assert_eq!(status, 400, "from what is retired nothing new draws");
}

fn bundle() -> Value {
    let mut graph = reading("Read", &[], 5);
    graph["skills"] = json!({ "trees": 5 });
    json!({
        "slug": "drawing", "path": { "name": "Drawing", "type": "Course", "quests": [{ "quest": "drawn" }, { "quest": "read" }] },
        "quests": [{ "slug": "drawn", "quest": quest(3) }, { "slug": "read", "quest": graph }],
        "banks": [{ "slug": "twelve", "bank": bank("a") }],
        "skills": { "trees": { "name": "Trees", "domain": "structures" } },
    })
}

#[tokio::test]
async fn a_path_brings_its_banks_and_skills_along_and_takes_them_out_again() {
    let stage = Stage::new().await;
    let done = stage.ok("POST", "import", None, Some(bundle())).await;
    assert_eq!(done["created"], json!(2));
    let path = done["path_id"].as_str().unwrap();
    let out = stage.ok("GET", &format!("sources/paths/{path}/export"), None, None).await;
    let (out, brought): (Bundle, Bundle) =
        (serde_json::from_value(out).unwrap(), serde_json::from_value(bundle()).unwrap());
    assert_eq!(out, brought);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("drawing");
    write(&out, &dir).unwrap();
    assert_eq!(read(&dir, None).unwrap(), brought);
    assert_eq!(stage.ok("POST", "import", None, Some(bundle())).await["unchanged"], json!(2));
    // Another key in the bank is another version of what draws from it, and of nothing else.
    let mut changed = bundle();
    changed["banks"][0]["bank"] = bank("b");
    let done = stage.ok("POST", "import", None, Some(changed)).await;
    assert_eq!((&done["new_versions"], &done["unchanged"]), (&json!(1), &json!(1)));
    let explained = |text: &str| {
        let mut changed = bundle();
        changed["banks"][0]["bank"] = bank("b");
        changed["banks"][0]["bank"]["questions"][0]["explanation"] = json!(text);
        changed
    };
    let done = stage.ok("POST", "import", None, Some(explained("Because."))).await;
    assert_eq!((&done["new_versions"], &done["reworded"]), (&json!(0), &json!(1)));
    stage.assert_clean().await;
}

#[test]
fn what_does_not_fit_together_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("drawing");
    let mut wrong = bundle();
    wrong["quests"][0]["quest"]["steps"][0]["quiz"]["draws"][0]["count"] = json!(13);
    wrong["banks"].as_array_mut().unwrap().push(json!({ "slug": "unused", "bank": bank("a") }));
    wrong["skills"]["idle"] = json!({ "name": "Idle" });
    write(&serde_json::from_value(wrong).unwrap(), &dir).unwrap();
    let findings: Vec<String> = read(&dir, None).unwrap_err().iter().map(ToString::to_string).collect();
    for expected in [
        "quests/drawn/01-quiz.md:12: draw 1 (`twelve`): `count` must be 1 to the 12 questions of the bank `twelve`",
        "banks/unused.toml:1: is a bank that no quiz here draws from",
        "skills.toml:1: `idle` is a skill that no quest here brings",
    ] {
        assert!(findings.iter().any(|finding| finding == expected), "{expected}\nin {findings:#?}");
    }
    std::fs::write(
        dir.join("banks/twelve.toml"),
        "title = \"Twelve\"\n[[questions]]\nslug = \"q\"\ntype = \"text\"\ntext = \"?\"\n",
    )
    .unwrap();
    let findings: Vec<String> = read(&dir, None).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(findings[0].starts_with("banks/twelve.toml"), "{findings:#?}");
}
