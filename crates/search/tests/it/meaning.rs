//! By meaning.

use search::Search;
use serde_json::json;

use crate::stage::{Stage, model};

async fn furnished() -> (Stage, tempfile::TempDir) {
    let folder = model();
    let stage = Stage::new(Some(Search::load(folder.path()).unwrap())).await;
    stage.quest("loops", "Loops", "", "english").await;
    stage.quest("soup", "Soup", "cook", "english").await;
    stage.quest("song", "Song", "sing", "english").await;
    (stage, folder)
}

#[tokio::test]
async fn what_means_the_same_is_found_without_a_word_in_common() {
    let (stage, _folder) = furnished().await;
    assert_eq!(stage.find("q=repeat").await["meaning"], "behind");
    assert_eq!(stage.refill().await, 3);
    assert_eq!(stage.refill().await, 0);
    let found = stage.find("q=repeat").await;
    assert_eq!(found["meaning"], "used");
    assert_eq!(
        (found["items"][0]["slug"].as_str(), found["items"].as_array().unwrap().len()),
        (Some("loops"), 1)
    );
    assert_eq!(found["items"][0]["by_words"], false);
    assert!(found["items"][0]["likeness"].as_f64().unwrap() > 0.9);
    // What is found both ways is told as both.
    let both = stage.find("q=song").await;
    assert_eq!((&both["items"][0]["slug"], &both["items"][0]["by_words"]), (&json!("song"), &json!(true)));
    assert!(both["items"][0]["likeness"].as_f64().is_some());
    assert_eq!(stage.slugs("q=sing%20repeat&mode=meaning").await.len(), 2);
    assert_eq!(stage.slugs("q=repeat&mode=words").await, Vec::<String>::new());
    assert_eq!(stage.slugs("q=repeat&mode=meaning&kind=path").await, Vec::<String>::new());
    assert_eq!(stage.slugs("q=repeat&mode=meaning&language=german").await, Vec::<String>::new());
    assert_eq!(stage.slugs("q=unheard&mode=meaning").await, Vec::<String>::new());
}

#[tokio::test]
async fn vectors_follow_what_changes_and_never_show_what_is_gone() {
    let (stage, _folder) = furnished().await;
    stage.refill().await;
    assert_eq!(stage.slugs("q=again&mode=meaning").await, ["loops"]);
    let quests = stage.ok("GET", "learning/sources/quests?limit=200", None).await;
    let id = |slug: &str| {
        let all = quests["items"].as_array().unwrap();
        all.iter().find(|quest| quest["slug"] == slug).unwrap()["id"].as_str().unwrap().to_owned()
    };
    // Soup becomes a loop, and the loop is retired: it is gone at once, whatever is in memory.
    let changed = json!({ "quest": { "title": "Repeat", "description": "", "type": "Tutorial", "difficulty": "Beginner",
                                     "steps": [{ "slug": "read", "type": "Reading", "title": "x" }] } });
    stage.ok("PUT", &format!("learning/sources/quests/{}", id("soup")), Some(changed)).await;
    stage.ok("POST", &format!("learning/sources/quests/{}/publication", id("soup")), None).await;
    stage.ok("DELETE", &format!("learning/sources/quests/{}", id("loops")), None).await;
    assert_eq!(stage.slugs("q=again&mode=meaning").await, Vec::<String>::new());
    assert_eq!(stage.find("q=again&mode=meaning").await["meaning"], "behind");
    assert_eq!(stage.refill().await, 1);
    assert_eq!(stage.slugs("q=again&mode=meaning").await, ["soup"]);
    assert_eq!(stage.find("q=again&mode=meaning").await["meaning"], "used");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM search.embeddings").fetch_one(stage.pool()).await.unwrap();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn a_node_sees_what_another_embedded_and_vectors_of_another_model_are_none_of_its() {
    let (stage, folder) = furnished().await;
    let other = Search::load(folder.path()).unwrap();
    search::ops::refill(stage.pool(), &other).await.unwrap();
    assert_eq!(stage.slugs("q=repeat").await, ["loops"], "by what the other node wrote");
    let elsewhere = tempfile::tempdir().unwrap();
    for file in ["small.safetensors", "tokenizer.json"] {
        std::fs::copy(folder.path().join(file), elsewhere.path().join(file)).unwrap();
    }
    let text = std::fs::read_to_string(elsewhere.path().join("tokenizer.json")).unwrap();
    std::fs::write(elsewhere.path().join("tokenizer.json"), format!("{text} ")).unwrap();
    let newer = Search::load(elsewhere.path()).unwrap();
    assert_ne!(newer.name(), other.name());
    let kinds: i64 = sqlx::query_scalar("SELECT count(DISTINCT model) FROM search.embeddings")
        .fetch_one(stage.pool())
        .await
        .unwrap();
    assert_eq!(kinds, 1);
    assert_eq!(search::ops::refill(stage.pool(), &newer).await.unwrap(), 3);
}

#[test]
fn what_is_no_model_is_told_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let told = || Search::load(folder.path()).unwrap_err().to_string();
    assert!(told().contains("*.safetensors must be there once, and is 0 times"), "{}", told());
    std::fs::write(folder.path().join("a.safetensors"), b"short").unwrap();
    assert!(told().contains("tokenizer.json"), "{}", told());
    std::fs::write(folder.path().join("tokenizer.json"), b"{}").unwrap();
    assert!(told().contains("*.safetensors is too short"), "{}", told());
    assert!(Search::load(std::path::Path::new("/nowhere")).is_err());
}

#[tokio::test]
async fn quests_are_like_what_was_liked_as_far_as_their_texts_are_known() {
    let (stage, _folder) = furnished().await;
    let search = Search::load(model().path()).unwrap();
    let quests = stage.ok("GET", "learning/sources/quests?limit=200", None).await;
    let id = |slug: &str| -> learning::ids::QuestId {
        let all = quests["items"].as_array().unwrap();
        let quest = all.iter().find(|quest| quest["slug"] == slug).unwrap();
        serde_json::from_value(quest["id"].clone()).unwrap()
    };
    let like = async |liked: &[learning::ids::QuestId]| {
        let candidates = [id("loops"), id("soup")];
        search::ops::likeness(stage.pool(), &search, kernel::GuildId::new(1), liked, &candidates)
            .await
            .unwrap()
    };
    assert_eq!(like(&[id("loops")]).await, [None, None], "nothing is embedded yet");
    search::ops::refill(stage.pool(), &search).await.unwrap();
    let found = like(&[id("loops")]).await;
    assert!(found[0].unwrap() > 0.99 && found[1].unwrap() < 0.5, "{found:?}");
    assert_eq!(like(&[]).await, [None, None]);
    assert!(like(&[id("loops"), id("soup")]).await.iter().all(|like| like.unwrap() > 0.99));
}
