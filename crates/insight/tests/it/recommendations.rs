//! What to do next: to whom it may be recommended, why, and that it is derived once.

use kernel::UserId;
use learning::ids::QuestId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{ADA, GUILD, Stage, reading};

async fn recommended(stage: &Stage, user: i64) -> Vec<(String, Vec<String>)> {
    let all = stage.ok("GET", "insight/recommendations?limit=50", Some(user), None).await;
    let told = all.as_array().unwrap().iter().map(|one| {
        let reasons = one["reasons"].as_array().unwrap();
        let sum: f64 = reasons.iter().map(|reason| reason["weight"].as_f64().unwrap()).sum();
        assert!((sum - one["score"].as_f64().unwrap()).abs() < 1e-9, "{one}");
        let why = reasons.iter().map(|reason| reason["why"].as_str().unwrap().to_owned()).collect();
        (one["title"].as_str().unwrap().to_owned(), why)
    });
    told.collect()
}

/// Completes quests, one after the other.
async fn walk(stage: &Stage, user: i64, quests: &[Uuid]) {
    for quest in quests {
        let attempt = stage.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(user), None).await;
        let step = attempt["steps"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("learning/quests/{quest}/attempt/steps/{step}/completion");
        stage.ok("POST", &path, Some(user), Some(json!({}))).await;
    }
}

#[tokio::test]
async fn a_path_and_likeness_have_their_say() {
    let stage = Stage::new().await;
    let quests: Vec<Value> = ["one", "two", "three"]
        .iter()
        .map(|slug| json!({ "slug": slug, "quest": reading(slug, 1) }))
        .collect();
    let bundle = json!({
        "slug": "course",
        "path": { "name": "A course", "type": "Course", "description": "All.",
                  "quests": [{ "quest": "two" }, { "quest": "one" }, { "quest": "three" }] },
        "quests": quests,
    });
    stage.ok("POST", "learning/import", None, Some(bundle)).await;
    let paths = stage.ok("GET", "learning/sources/paths", None, None).await;
    let path = paths["items"][0]["id"].as_str().unwrap().to_owned();
    stage.ok("POST", &format!("learning/paths/{path}/enrolment"), Some(ADA), None).await;
    let mine = recommended(&stage, ADA).await;
    assert_eq!((mine[0].0.as_str(), mine[0].1[0].as_str()), ("two", "next_in_path"), "{mine:?}");
    let id: Uuid = sqlx::query_scalar("SELECT id FROM learning.quests WHERE slug = 'two'")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    walk(&stage, ADA, &[id]).await;
    assert_eq!(recommended(&stage, ADA).await[0].0, "one");
    // Somebody who knows texts says that the third is like the second; somebody who fails is done without.
    let three: Uuid = sqlx::query_scalar("SELECT id FROM learning.quests WHERE slug = 'three'")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    let knows = insight::ops::Likeness::new(move |_, liked, candidates| {
        Box::pin(async move {
            assert_eq!(liked, [QuestId::new(id)]);
            Ok(candidates.iter().map(|one| (one.get() == three).then_some(0.9)).collect())
        })
    });
    let fails = insight::ops::Likeness::new(|_, _, _| Box::pin(async { Err("no model".to_owned()) }));
    let of = async |likeness| {
        insight::ops::recommendations(stage.pool(), GUILD, UserId::new(ADA), 10, Some(likeness))
            .await
            .unwrap()
    };
    let told = of(&knows).await;
    let third = told.iter().find(|one| one.title == "three").unwrap();
    assert!(third.reasons.iter().any(|reason| reason.text == "like what you liked"), "{third:?}");
    assert_eq!(of(&fails).await.len(), 2);
}
