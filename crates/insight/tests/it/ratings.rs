//! Difficulty and ability: each first try moves them once.

use serde_json::json;

use crate::stage::{GUILD, Stage, reading};

#[tokio::test]
async fn first_tries_move_ratings_once_whatever_is_repeated() {
    let stage = Stage::new().await;
    let quest = stage.quest("quiz", &reading("Quiz", 2)).await;
    let steps = stage.steps(quest).await;
    let class = stage.class(30).await;
    for (n, learner) in class.iter().enumerate() {
        let past = stage.attempt(*learner, quest, 1).await;
        // The first step is easy, the second hard; some try again.
        stage.answered(past, steps[0], 1, &[("a", Some("x"), if n % 10 == 0 { 0.0 } else { 1.0 })]).await;
        stage.answered(past, steps[1], 1, &[("a", Some("x"), if n % 10 == 0 { 1.0 } else { 0.0 })]).await;
        stage.answered(past, steps[1], 2, &[("a", Some("x"), 1.0)]).await;
        if n % 7 == 0 {
            // Many at once, and again: nothing is taken twice.
            let folds = (0..4).map(|_| insight::ops::guild_fold(stage.pool(), GUILD));
            for done in futures::future::join_all(folds).await {
                done.unwrap();
            }
            insight::ops::guild_recount(stage.pool(), GUILD).await.unwrap();
        }
    }
    stage.count().await;
    let taken: i64 =
        sqlx::query_scalar("SELECT count(*) FROM insight.first_tries").fetch_one(stage.pool()).await.unwrap();
    assert_eq!(taken, 60);
    let figures = stage.ok("GET", &format!("insight/quests/{quest}"), None, None).await;
    let of = |n: usize| &figures["versions"][0]["steps"][n];
    assert_eq!((&of(0)["tries"], &of(1)["tries"]), (&json!(30), &json!(30)), "{figures}");
    let difficulty = |n: usize| of(n)["difficulty"].as_f64().unwrap();
    assert!(difficulty(0) < -1.0 && difficulty(1) > 1.0, "{} and {}", difficulty(0), difficulty(1));
    stage.assert_clean().await;
    // A figure that was meddled with is found.
    sqlx::query("UPDATE insight.difficulties SET difficulty = difficulty + 0.000001 WHERE subject_id = $1")
        .bind(steps[0])
        .execute(stage.pool())
        .await
        .unwrap();
    let mut conn = stage.pool().acquire().await.unwrap();
    let drift = insight::audit::drift(&mut conn, Some(GUILD)).await.unwrap();
    assert_eq!(drift.len(), 1, "{drift:?}");
}
