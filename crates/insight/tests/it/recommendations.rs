//! What to do next: to whom it may be recommended, why, and that it is derived once.

use kernel::UserId;
use learning::ids::QuestId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{ADA, BOB, GUILD, Stage, reading};

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
async fn what_others_did_next_is_recommended_unless_it_may_not_be() {
    let stage = Stage::new().await;
    let mut quests = Vec::new();
    for name in ["a", "b", "c", "d"] {
        quests.push(stage.quest(name, &reading(&name.to_uppercase(), 1)).await);
    }
    let mut locked: Value = reading("Locked", 1);
    locked["requires"] = json!(["d"]);
    let locked = stage.quest("locked", &locked).await;
    for n in 0..3 {
        let user = 100 + n;
        let mut conn = stage.pool().acquire().await.unwrap();
        people::members_ensure(&mut conn, GUILD, &[(UserId::new(user), Some("Other"))]).await.unwrap();
        drop(conn);
        walk(&stage, user, &[quests[0], quests[2], quests[1], quests[3], locked]).await;
    }
    walk(&stage, ADA, &[quests[0]]).await;
    stage.count().await;
    let mine = recommended(&stage, ADA).await;
    let titles: Vec<&str> = mine.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(
        titles,
        ["C", "B", "D"],
        "what came next first; not what is done, nor what is locked: {mine:?}"
    );
    assert_eq!(mine[0].1[0], "done_next");
    let cold = recommended(&stage, BOB).await;
    assert_eq!(cold.len(), 4, "{cold:?}");
    assert_eq!(cold[0].1, ["popular"], "nothing is known of Bob: {cold:?}");
    // Dismissed, it comes no more; taken back, it does.
    let path = format!("insight/recommendations/{}/dismissal", quests[2]);
    for _ in 0..2 {
        assert_eq!(stage.send("PUT", &path, Some(ADA), None).await.0, 204);
    }
    assert!(recommended(&stage, ADA).await.iter().all(|one| one.0 != "C"));
    assert_eq!(stage.send("DELETE", &path, Some(ADA), None).await.0, 204);
    assert_eq!(recommended(&stage, ADA).await[0].0, "C");
    // Begun, it is not recommended either, and retired neither.
    stage.ok("POST", &format!("learning/quests/{}/attempt", quests[2]), Some(ADA), None).await;
    let gone = format!("learning/sources/quests/{}", quests[1]);
    stage.ok("DELETE", &gone, None, None).await;
    let titles: Vec<String> = recommended(&stage, ADA).await.into_iter().map(|one| one.0).collect();
    assert_eq!(titles, ["D"]);
    // Derived again, many times at once: the same.
    let before = stage.everything().await;
    let again = (0..4).map(|_| insight::ops::guild_recount(stage.pool(), GUILD));
    for done in futures::future::join_all(again).await {
        done.unwrap();
    }
    assert_eq!(stage.everything().await["transitions"], before["transitions"]);
    stage.assert_clean().await;
    // Who is forgotten leaves the sums.
    let keeper = insight::SLICE.personal.unwrap();
    let mut tx = stage.pool().begin().await.unwrap();
    sqlx::query("SET LOCAL questhall.allow_erasure = 'on'").execute(&mut *tx).await.unwrap();
    assert_eq!((keeper.forget)(&mut tx, GUILD, UserId::new(100)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    stage.assert_clean().await;
    let left: i64 = sqlx::query_scalar(
        "SELECT weight FROM insight.transitions WHERE from_quest_id = $1 AND to_quest_id = $2",
    )
    .bind(quests[0])
    .bind(quests[2])
    .fetch_one(stage.pool())
    .await
    .unwrap();
    assert_eq!(left, 2 * 2520);
    // Bad requests.
    assert_eq!(stage.send("GET", "insight/recommendations?limit=0", Some(ADA), None).await.0, 400);
    let foreign = format!("insight/recommendations/{}/dismissal", Uuid::now_v7());
    assert_eq!(stage.send("PUT", &foreign, Some(ADA), None).await.0, 404);
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
