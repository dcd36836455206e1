//! The slice's routes and operations on a database of their own.

use access::keys::{NewKey, key_create};
use access::{App, By, HttpSettings, Origin, Scopes};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use chrono::{DateTime, Utc};
use community::{Author, Event, Grant, members_ensure};
use db::testing::TestDatabase;
use kernel::{Gold, GuildId, UserId, Xp};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const OTHER: GuildId = GuildId::new(2);
pub(crate) const ADA: UserId = UserId::new(7);
pub(crate) const BOB: UserId = UserId::new(8);

static NOWHERE: Origin = Origin { ip: None, request_id: None };

/// The operator.
pub(crate) fn operator() -> Author<'static> {
    Author::new(By::Cli, &NOWHERE)
}

pub(crate) struct House {
    router: Router,
    key: String,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

impl House {
    /// With Ada and Bob in two guilds, and a key of guild 1 that may do everything.
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        let mut conn = database.pool().acquire().await.unwrap();
        for guild in [GUILD, OTHER] {
            members_ensure(&mut conn, guild, &[(ADA, Some("Ada")), (BOB, Some("Bob"))]).await.unwrap();
        }
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GUILD),
            user: None,
            scopes: Scopes::new(["*"]),
            expires_at: None,
        };
        let (_, key) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
        drop(conn);
        let app = App::new(database.pool().clone(), jobs::Wake::new(), HttpSettings::default());
        let (router, _) = community::router().split_for_parts();
        Self { router: router.with_state(app), key: key.reveal().to_owned(), database }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// Sends a request as Ada, and tells status and body. The path goes on after `/guilds/1`.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.send_as(ADA, method, path, body).await
    }

    pub(crate) async fn send_as(
        &self,
        user: UserId,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/guilds/1{path}"))
            .header("authorization", format!("Bearer {}", self.key))
            .header("questhall-user", user.to_string())
            .header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The answer to a request that must succeed.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Gives a member XP and gold, as a campaign does.
    pub(crate) async fn give(&self, user: UserId, cause: &str, xp: i64, gold: i64) {
        let grant = Grant {
            guild_id: GUILD,
            user_id: user,
            xp: Xp::new(xp),
            gold: Gold::new(gold),
            stars: 0,
            event_type: Event::CampaignReward,
            source_system: "campaigns".into(),
            source_event_id: cause.into(),
            metadata: json!({}),
        };
        let mut tx = self.pool().begin().await.unwrap();
        community::grant(&mut tx, &[grant]).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// XP, gold and stars of a member.
    pub(crate) async fn figures(&self, user: UserId) -> (i64, i64, i64) {
        let mut conn = self.pool().acquire().await.unwrap();
        let member = community::member_get(&mut conn, GUILD, user).await.unwrap().unwrap();
        (member.xp.get(), member.gold.get(), member.stars)
    }

    /// The payloads of guild 1's events of a type, in order.
    pub(crate) async fn events(&self, event_type: &str) -> Vec<Value> {
        sqlx::query_scalar(
            "SELECT payload FROM jobs.outbox WHERE guild_id = 1 AND event_type = $1 ORDER BY transaction_id, id",
        )
        .bind(event_type)
        .fetch_all(self.pool())
        .await
        .unwrap()
    }

    /// What was written to the audit log about a table, in order.
    pub(crate) async fn audited(&self, table: &str) -> Vec<String> {
        sqlx::query_scalar("SELECT action_type FROM access.admin_log WHERE target_table = $1 ORDER BY id")
            .bind(table)
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// A consumer of the outbox begins with the first event there is.
    pub(crate) async fn follow(&self, consumer: &str) {
        sqlx::query("INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ($1, '0', 0)")
            .bind(consumer)
            .execute(self.pool())
            .await
            .unwrap();
    }

    /// The database's time.
    pub(crate) async fn now(&self) -> DateTime<Utc> {
        db::now(&mut self.pool().acquire().await.unwrap()).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.unwrap()
    }

    /// Returns when no transaction is open any more that may still come before what is in the outbox: readers wait for
    /// those, also for transactions in the databases of other tests.
    pub(crate) async fn settled(&self) {
        while sqlx::query_scalar::<_, bool>(
            "SELECT EXISTS (SELECT FROM jobs.outbox WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot()))",
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap();
    }

    /// What members hold is what the journal adds up to.
    pub(crate) async fn assert_sound(&self) {
        let drift = community::audit::drift(&mut self.pool().acquire().await.unwrap()).await.unwrap();
        assert_eq!(drift, []);
    }
}
