//! The slice's routes with a key that may do everything, and a small path to walk.

use access::testing::{House, deliver};
use community::skills::Cascade;
use kernel::{GuildId, UserId};
use serde_json::{Value, json};

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const ADA: i64 = 7;
pub(crate) const BOB: i64 = 8;

pub(crate) struct Stage {
    pub(crate) house: House,
}

/// A reading quest that requires others and brings `xp`.
pub(crate) fn reading(title: &str, requires: &[&str], xp: i32) -> Value {
    json!({
        "title": title, "type": "Tutorial", "difficulty": "Beginner", "experience_points": xp, "requires": requires,
        "steps": [{ "slug": "read", "type": "Reading", "title": "Read", "experience_points": 5 }],
    })
}

/// Three quests in two chapters: one leads to two, two to three.
pub(crate) fn bundle() -> Value {
    let mut first = reading("One", &[], 10);
    first["skills"] = json!({ "graphs": 20 });
    json!({
        "slug": "course",
        "path": {
            "name": "A course", "type": "Course", "experience_points": 100, "description": "All of it.",
            "chapters": [
                { "slug": "a", "title": "Beginnings", "experience_points": 30, "quests": [{ "quest": "one" }, { "quest": "two" }] },
                { "slug": "b", "title": "Ends", "quests": [{ "quest": "three" }, { "quest": "extra", "optional": true }] },
            ],
        },
        "quests": [
            { "slug": "one", "quest": first },
            { "slug": "two", "quest": reading("Two", &["one"], 20) },
            { "slug": "three", "quest": reading("Three", &["two"], 40) },
            { "slug": "extra", "quest": reading("Extra", &["one"], 0) },
        ],
    })
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let house = House::new(GUILD, &["*"], |app| {
            let steps = learning::StepDesk::start(app.pool(), app.wake());
            learning::router().split_for_parts().0.layer(axum::Extension(steps))
        })
        .await;
        let mut conn = house.pool().acquire().await.unwrap();
        let members = [(UserId::new(ADA), Some("Ada")), (UserId::new(BOB), Some("Bob"))];
        people::members_ensure(&mut conn, GUILD, &members).await.unwrap();
        sqlx::query("INSERT INTO community.skills (guild_id, slug, name) VALUES (1, 'graphs', 'Graphs')")
            .execute(&mut *conn)
            .await
            .unwrap();
        drop(conn);
        Self { house }
    }

    /// With the small path published.
    pub(crate) async fn furnished() -> Self {
        let stage = Self::new().await;
        stage.ok("POST", "import", None, Some(bundle())).await;
        stage
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        self.house.send(method, &format!("/guilds/1/learning/{path}"), user, body).await
    }

    /// An answer that must be a success.
    pub(crate) async fn ok(&self, method: &str, path: &str, user: Option<i64>, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, user, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// An answer that must be a refusal: its status and the kind of problem.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> (u16, String, Value) {
        let (status, problem) = self.send(method, path, user, body).await;
        assert!((400..500).contains(&status) || status == 503, "{method} {path}: {status} {problem}");
        let slug = problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned();
        (status, slug, problem)
    }

    /// Publishes a quest of this document, and tells its id.
    pub(crate) async fn quest(&self, slug: &str, quest: &Value) -> String {
        let made =
            self.ok("POST", "sources/quests", None, Some(json!({ "slug": slug, "quest": quest }))).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.ok("POST", &format!("sources/quests/{id}/publication"), None, None).await;
        id
    }

    /// The id of a quest by its short name.
    pub(crate) async fn id(&self, slug: &str) -> String {
        let page = self.ok("GET", "sources/quests?limit=200", None, None).await;
        let quest = page["items"].as_array().unwrap().iter().find(|quest| quest["slug"] == *slug);
        quest.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The id of the path.
    pub(crate) async fn path(&self) -> String {
        let page = self.ok("GET", "sources/paths", None, None).await;
        page["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Begins a quest and confirms all its steps; the attempt then.
    pub(crate) async fn walk(&self, user: i64, quest: &str) -> Value {
        let mut attempt = self.ok("POST", &format!("quests/{quest}/attempt"), Some(user), None).await;
        for step in attempt["steps"].as_array().unwrap().clone() {
            let path = format!("quests/{quest}/attempt/steps/{}/completion", step["id"].as_str().unwrap());
            attempt =
                self.ok("POST", &path, Some(user), Some(json!({ "note": "I have read all of it." }))).await;
        }
        attempt
    }

    /// Delivers the cascades to the community's ledgers.
    pub(crate) async fn deliver(&self) {
        deliver(self.house.pool(), &Cascade).await;
    }

    /// XP of a member.
    pub(crate) async fn xp(&self, user: i64) -> i64 {
        sqlx::query_scalar("SELECT xp FROM people.members WHERE guild_id = 1 AND user_id = $1")
            .bind(user)
            .fetch_one(self.house.pool())
            .await
            .unwrap()
    }

    /// What was emitted to a member, in order: type and data.
    pub(crate) async fn events(&self, user: i64) -> Vec<(String, Value, Option<uuid::Uuid>)> {
        sqlx::query_as(
            "SELECT event_type, payload, correlation_id FROM jobs.outbox WHERE user_id = $1 ORDER BY id",
        )
        .bind(user)
        .fetch_all(self.house.pool())
        .await
        .unwrap()
    }

    /// Nothing differs from what it follows from.
    pub(crate) async fn assert_clean(&self) {
        let mut conn = self.house.pool().acquire().await.unwrap();
        let drift = learning::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
    }
}
