//! The slice's routes and those of learning, with quests to be found.

use std::path::Path;

use access::testing::House;
use axum::Extension;
use kernel::{GuildId, UserId};
use search::Search;
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;

pub(crate) const GUILD: GuildId = GuildId::new(1);

pub(crate) struct Stage {
    pub(crate) house: House,
    pub(crate) search: Option<Search>,
}

/// A small model in a folder: a vector a word, of what it is about (loops, cooking, music).
pub(crate) fn model() -> TempDir {
    let words: [(&str, [f32; 3]); 10] = [
        ("[UNK]", [0.0; 3]),
        ("loop", [1.0, 0.0, 0.0]),
        ("##s", [0.0; 3]),
        ("repeat", [0.9, 0.1, 0.0]),
        ("again", [0.8, 0.0, 0.1]),
        ("soup", [0.0, 1.0, 0.0]),
        ("cook", [0.0, 0.9, 0.1]),
        ("song", [0.0, 0.0, 1.0]),
        ("sing", [0.1, 0.0, 0.9]),
        ("the", [0.0; 3]),
    ];
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &words);
    folder
}

fn write(folder: &Path, words: &[(&str, [f32; 3])]) {
    let data: Vec<u8> =
        words.iter().flat_map(|(_, vector)| vector.iter().flat_map(|value| value.to_le_bytes())).collect();
    let head = json!({ "embeddings": { "dtype": "F32", "shape": [words.len(), 3], "data_offsets": [0, data.len()] } }).to_string();
    let file = [&(head.len() as u64).to_le_bytes()[..], head.as_bytes(), &data].concat();
    std::fs::write(folder.join("small.safetensors"), file).unwrap();
    let vocab: serde_json::Map<String, Value> =
        words.iter().enumerate().map(|(n, (word, _))| ((*word).to_owned(), json!(n))).collect();
    let tokenizer = json!({ "model": { "type": "WordPiece", "unk_token": "[UNK]", "vocab": vocab }, "normalizer": { "lowercase": true } });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

impl Stage {
    pub(crate) async fn new(search: Option<Search>) -> Self {
        let provided = search.clone();
        let house = House::new(GUILD, &["*"], |_| {
            let routes = search::router().merge(learning::router()).split_for_parts().0;
            match provided {
                Some(search) => routes.layer(Extension(search)),
                None => routes,
            }
        })
        .await;
        let mut conn = house.pool().acquire().await.unwrap();
        people::members_ensure(&mut conn, GUILD, &[(UserId::new(7), Some("Ada"))]).await.unwrap();
        drop(conn);
        Self { house, search }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.house.pool()
    }

    pub(crate) async fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.house.send(method, &format!("/guilds/1/{path}"), None, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Drafts a quest, and tells its id.
    pub(crate) async fn draft(&self, slug: &str, title: &str, description: &str, language: &str) -> String {
        let quest = json!({ "slug": slug, "quest": {
            "title": title, "description": description, "language": language, "type": "Tutorial", "difficulty": "Beginner",
            "steps": [{ "slug": "read", "type": "Reading", "title": "A step of umbrellas", "description": "Umbrellas again." }] } });
        let made = self.ok("POST", "learning/sources/quests", Some(quest)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Publishes a quest.
    pub(crate) async fn quest(&self, slug: &str, title: &str, description: &str, language: &str) -> String {
        let id = self.draft(slug, title, description, language).await;
        self.ok("POST", &format!("learning/sources/quests/{id}/publication"), None).await;
        id
    }

    pub(crate) async fn find(&self, query: &str) -> Value {
        self.ok("GET", &format!("search?{query}"), None).await
    }

    /// The short names of what is found.
    pub(crate) async fn slugs(&self, query: &str) -> Vec<String> {
        let found = self.find(query).await;
        found["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["slug"].as_str().unwrap().to_owned())
            .collect()
    }

    pub(crate) async fn refill(&self) -> usize {
        search::ops::refill(self.pool(), self.search.as_ref().unwrap()).await.unwrap()
    }
}

/// The parts of a text, hits in brackets.
pub(crate) fn marked(parts: &Value) -> String {
    let text = |part: &Value| {
        let text = part["text"].as_str().unwrap();
        if part["hit"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    parts.as_array().unwrap().iter().map(text).collect()
}
