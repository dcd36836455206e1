//! The routes of learning and insight with a key that may do everything, quests to walk, and attempts of days that are past.

use access::testing::House;
use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const ADA: i64 = 7;
pub(crate) const BOB: i64 = 8;

pub(crate) struct Stage {
    pub(crate) house: House,
}

/// A quest of so many steps to read.
pub(crate) fn reading(title: &str, steps: usize) -> Value {
    let steps: Vec<Value> = (1..=steps)
        .map(|n| json!({ "slug": format!("s{n}"), "type": "Reading", "title": format!("Step {n}") }))
        .collect();
    json!({ "title": title, "type": "Tutorial", "difficulty": "Beginner", "steps": steps })
}

/// An attempt of somebody that is written by hand, for days that are past.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Past {
    pub(crate) learner: Uuid,
    pub(crate) attempt: Uuid,
    pub(crate) quest: Uuid,
    pub(crate) version: i32,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let house = House::new(GUILD, &["*"], |app| {
            let steps = learning::StepDesk::start(app.pool(), app.wake());
            let routes = learning::router().merge(insight::router()).split_for_parts().0;
            routes.layer(axum::Extension(steps))
        })
        .await;
        let mut conn = house.pool().acquire().await.unwrap();
        let members = [(UserId::new(ADA), Some("Ada")), (UserId::new(BOB), Some("Bob"))];
        people::members_ensure(&mut conn, GUILD, &members).await.unwrap();
        drop(conn);
        Self { house }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.house.pool()
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

    /// Publishes a quest of this document, and tells its id.
    pub(crate) async fn quest(&self, slug: &str, quest: &Value) -> Uuid {
        let new = json!({ "slug": slug, "quest": quest });
        let made = self.ok("POST", "learning/sources/quests", None, Some(new)).await;
        let id = made["id"].as_str().unwrap().to_owned();
        self.ok("POST", &format!("learning/sources/quests/{id}/publication"), None, None).await;
        id.parse().unwrap()
    }

    /// Another version of a quest, published.
    pub(crate) async fn version(&self, quest: Uuid, document: &Value) {
        let path = format!("learning/sources/quests/{quest}");
        self.ok("PUT", &path, None, Some(json!({ "quest": document }))).await;
        self.ok("POST", &format!("{path}/publication"), None, None).await;
    }

    /// The steps of a quest, in their order.
    pub(crate) async fn steps(&self, quest: Uuid) -> Vec<Uuid> {
        sqlx::query_scalar("SELECT id FROM learning.quest_steps WHERE quest_id = $1 ORDER BY step_number")
            .bind(quest)
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// Makes so many learners, and tells their ids.
    pub(crate) async fn class(&self, size: i64) -> Vec<Uuid> {
        let mut conn = self.pool().acquire().await.unwrap();
        let names: Vec<(UserId, Option<&str>)> =
            (0..size).map(|n| (UserId::new(1_000 + n), Some("Somebody"))).collect();
        people::members_ensure(&mut conn, GUILD, &names).await.unwrap();
        sqlx::query_scalar(
            "INSERT INTO learning.learners (guild_id, auth_user_id, user_id)
             SELECT 1, auth_user_id, id FROM people.users WHERE id >= 1000 AND id < 1000 + $1 ORDER BY id RETURNING auth_user_id",
        )
        .bind(size)
        .fetch_all(&mut *conn)
        .await
        .unwrap()
    }

    /// An attempt, in progress, with no events yet.
    pub(crate) async fn attempt(&self, learner: Uuid, quest: Uuid, version: i32) -> Past {
        let attempt = sqlx::query_scalar(
            "INSERT INTO learning.user_quest_attempts (guild_id, auth_user_id, quest_id, version, total_count)
             VALUES (1, $1, $2, $3, 9) RETURNING id",
        )
        .bind(learner)
        .bind(quest)
        .bind(version)
        .fetch_one(self.pool())
        .await
        .unwrap();
        Past { learner, attempt, quest, version }
    }

    /// Something that happened in an attempt.
    pub(crate) async fn event(
        &self,
        past: Past,
        run: i32,
        what: &str,
        step: Option<Uuid>,
        at: DateTime<Utc>,
    ) {
        sqlx::query(
            "INSERT INTO learning.attempt_events (guild_id, attempt_id, auth_user_id, quest_id, version, run, event_type, step_id, occurred_at)
             VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(past.attempt)
        .bind(past.learner)
        .bind(past.quest)
        .bind(past.version)
        .bind(run)
        .bind(what)
        .bind(step)
        .bind(at)
        .execute(self.pool())
        .await
        .unwrap();
    }

    /// A try at a step with these questions' shares of a point each; none for left out.
    pub(crate) async fn answered(
        &self,
        past: Past,
        step: Uuid,
        number: i32,
        answers: &[(&str, Option<&str>, f64)],
    ) {
        let (score, full): (f64, i32) =
            (answers.iter().map(|one| one.2).sum(), i32::try_from(answers.len()).unwrap());
        let id: Uuid = sqlx::query_scalar(
            "INSERT INTO learning.item_tries (guild_id, attempt_id, auth_user_id, version, run, step_id, try_number, status, finished_at,
                                              score, max_score, is_passed)
             VALUES (1, $1, $2, $3, 0, $4, $5, 'graded', now(), $6::float8::numeric(9,4), $7, true) RETURNING id",
        )
        .bind(past.attempt)
        .bind(past.learner)
        .bind(past.version)
        .bind(step)
        .bind(number)
        .bind(score)
        .bind(full)
        .fetch_one(self.pool())
        .await
        .unwrap();
        for (place, (item, answer, share)) in (1_i32..).zip(answers) {
            sqlx::query(
                "INSERT INTO learning.item_responses (guild_id, try_id, item, item_hash, place, answer, score, max_score)
                 VALUES (1, $1, $2, sha256('key'), $3, $4, $5::float8::numeric(9,4), 1)",
            )
            .bind(id)
            .bind(item)
            .bind(place)
            .bind(answer.map(|answer| json!(answer)))
            .bind(share)
            .execute(self.pool())
            .await
            .unwrap();
        }
        self.event(past, 0, "tried", Some(step), Utc::now()).await;
    }

    /// Counts all that has happened.
    pub(crate) async fn count(&self) {
        insight::ops::guild_count(self.pool(), GUILD).await.unwrap();
    }

    /// Nothing differs from what it follows from.
    pub(crate) async fn assert_clean(&self) {
        let mut conn = self.pool().acquire().await.unwrap();
        let drift = insight::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
    }

    /// All figures that are stored, but for when they were made.
    pub(crate) async fn everything(&self) -> Value {
        sqlx::query_scalar(
            "SELECT jsonb_build_object(
                'days', (SELECT jsonb_agg(to_jsonb(a) - '{created_at,updated_at}'::text[] ORDER BY quest_id, date_recorded) FROM insight.quest_analytics a),
                'versions', (SELECT jsonb_agg(to_jsonb(a) ORDER BY quest_id, version) FROM insight.version_figures a),
                'steps', (SELECT jsonb_agg(to_jsonb(a) ORDER BY quest_id, version, place) FROM insight.step_figures a),
                'items', (SELECT jsonb_agg(to_jsonb(a) ORDER BY subject_id, item) FROM insight.item_figures a),
                'answers', (SELECT jsonb_agg(to_jsonb(a) ORDER BY subject_id, item, answer) FROM insight.item_answers a),
                'runs', (SELECT jsonb_agg(to_jsonb(a) ORDER BY attempt_id, run) FROM insight.runs a),
                'abilities', (SELECT jsonb_agg(to_jsonb(a) ORDER BY auth_user_id) FROM insight.abilities a),
                'difficulties', (SELECT jsonb_agg(to_jsonb(a) ORDER BY subject_id) FROM insight.difficulties a),
                'transitions', (SELECT jsonb_agg(to_jsonb(a) ORDER BY from_quest_id, to_quest_id) FROM insight.transitions a),
                'tries', (SELECT jsonb_agg(to_jsonb(a) ORDER BY place) FROM insight.first_tries a))",
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
    }
}
