//! The routes of learning and of assessment with a key that may do everything.

use access::testing::House;
use community::skills::Cascade;
use jobs::outbox::{Consumer as _, consume_batch};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const ADA: i64 = 7;
pub(crate) const BOB: i64 = 8;

pub(crate) struct Stage {
    pub(crate) house: House,
}

/// A quest with these assessments and one step to read, which brings 5 XP; the quest brings 30.
pub(crate) fn assessed(assessments: &Value) -> Value {
    json!({
        "title": "Essay", "type": "Project", "difficulty": "Advanced", "experience_points": 30,
        "steps": [{ "slug": "read", "type": "Reading", "title": "Read", "experience_points": 5 }], "assessments": assessments,
    })
}

/// A learner's way to an assessment.
pub(crate) struct Way {
    pub(crate) quest: String,
    pub(crate) assessment: String,
}

impl Way {
    pub(crate) fn to(&self, what: &str) -> String {
        format!("assessment/quests/{}/assessments/{}/{what}", self.quest, self.assessment)
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let routes = || learning::router().merge(assessment::router());
        let house = House::new(GUILD, &["*"], |app| {
            let steps = learning::StepDesk::start(app.pool(), app.wake());
            let reviews = assessment::ReviewDesk::start(app.pool(), app.wake());
            routes().split_for_parts().0.layer(axum::Extension(steps)).layer(axum::Extension(reviews))
        })
        .await;
        let stage = Self { house };
        stage.members(&[ADA, BOB]).await;
        stage
    }

    pub(crate) async fn members(&self, users: &[i64]) {
        let mut conn = self.house.pool().acquire().await.unwrap();
        let members: Vec<_> = users.iter().map(|user| (UserId::new(*user), Some("Somebody"))).collect();
        people::members_ensure(&mut conn, GUILD, &members).await.unwrap();
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        self.house.send(method, &format!("/guilds/1/{path}"), user, body).await
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
    ) -> (u16, String) {
        let (status, problem) = self.send(method, path, user, body).await;
        assert!((400..500).contains(&status) || status == 503, "{method} {path}: {status} {problem}");
        (status, problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned())
    }

    /// Publishes a quest of this document, and tells its id.
    pub(crate) async fn quest(&self, slug: &str, quest: &Value) -> String {
        let body = json!({ "slug": slug, "quest": quest });
        let made = self.ok("POST", "learning/sources/quests", None, Some(body)).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.ok("POST", &format!("learning/sources/quests/{id}/publication"), None, None).await;
        id
    }

    /// Publishes another version of a quest.
    pub(crate) async fn publish(&self, id: &str, quest: &Value) {
        let source = self.ok("GET", &format!("learning/sources/quests/{id}"), None, None).await;
        let body = json!({ "revision": source["revision"], "quest": quest });
        self.ok("PUT", &format!("learning/sources/quests/{id}"), None, Some(body)).await;
        self.ok("POST", &format!("learning/sources/quests/{id}/publication"), None, None).await;
    }

    pub(crate) async fn begin(&self, quest: &str, user: i64) -> Value {
        self.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(user), None).await
    }

    /// Publishes a quest with one assessment, begun by Ada.
    pub(crate) async fn way(&self, assessment: &Value) -> Way {
        let quest = self.quest("essay", &assessed(&json!([assessment]))).await;
        let attempt = self.begin(&quest, ADA).await;
        let assessment = attempt["assessments"][0]["id"].as_str().unwrap().to_owned();
        Way { quest, assessment }
    }

    /// Confirms the only step.
    pub(crate) async fn read(&self, quest: &str, user: i64) -> Value {
        let attempt = self.begin(quest, user).await;
        let step = attempt["steps"][0]["id"].as_str().unwrap();
        let path = format!("learning/quests/{quest}/attempt/steps/{step}/completion");
        self.ok("POST", &path, Some(user), Some(json!({}))).await
    }

    /// Hands a text in, and tells the submission's id.
    pub(crate) async fn hand_in(&self, way: &Way, user: i64, text: &str) -> String {
        let body = Some(json!({ "text": text }));
        let made = self.ok("POST", &way.to("submissions"), Some(user), body).await;
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn judge(&self, submission: &str, body: Value) -> Value {
        self.ok("POST", &format!("assessment/submissions/{submission}/judgement"), None, Some(body)).await
    }

    /// The only assessment as a learner sees it.
    pub(crate) async fn seen(&self, quest: &str, user: i64) -> Value {
        let path = format!("assessment/quests/{quest}/assessments");
        self.ok("GET", &path, Some(user), None).await[0].clone()
    }

    /// Delivers the cascades to the community's ledgers.
    pub(crate) async fn deliver(&self) {
        let mut conn = self.house.pool().acquire().await.unwrap();
        // Readers stop at the oldest transaction that runs anywhere, also in other tests' databases.
        let behind = "SELECT EXISTS (SELECT FROM jobs.outbox o WHERE NOT EXISTS (
                          SELECT FROM jobs.outbox_cursors c
                           WHERE c.consumer = $1 AND (c.transaction_id, c.id) >= (o.transaction_id, o.id)))";
        while sqlx::query_scalar(behind).bind(Cascade.name()).fetch_one(&mut *conn).await.unwrap() {
            consume_batch(&mut conn, &Cascade).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    /// XP of a member.
    pub(crate) async fn xp(&self, user: i64) -> i64 {
        self.deliver().await;
        sqlx::query_scalar("SELECT xp FROM people.members WHERE guild_id = 1 AND user_id = $1")
            .bind(user)
            .fetch_one(self.house.pool())
            .await
            .unwrap()
    }

    /// What was emitted of a type, in order: whom it is for, and its data.
    pub(crate) async fn told(&self, event_type: &str) -> Vec<(Option<i64>, Value)> {
        sqlx::query_as("SELECT user_id, payload FROM jobs.outbox WHERE event_type = $1 ORDER BY id")
            .bind(event_type)
            .fetch_all(self.house.pool())
            .await
            .unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.house.pool()).await.unwrap();
    }

    /// Nothing differs from what it follows from, in both slices.
    pub(crate) async fn assert_clean(&self) {
        let mut conn = self.house.pool().acquire().await.unwrap();
        let drift = assessment::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
        let drift = learning::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
    }
}
