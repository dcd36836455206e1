//! Two guilds with two members, and a slice's routes to knock at: for tests, by the feature `testing`.
//!
//! What is here panics with a sentence instead of returning errors: a test has nothing better to do.

use access::testing::{House as Door, deliver};
use access::{App, Author, By, Origin};
use axum::Router;
use chrono::{DateTime, Utc};
use jobs::outbox::Consumer;
use kernel::{GuildId, UserId};
use serde_json::Value;
use sqlx::PgPool;

use crate::store::{member_get, members_ensure};

/// The guild that the key is of.
pub const GUILD: GuildId = GuildId::new(1);
/// Another one.
pub const OTHER: GuildId = GuildId::new(2);
/// A member of both.
pub const ADA: UserId = UserId::new(7);
/// A member of both.
pub const BOB: UserId = UserId::new(8);

static NOWHERE: Origin = Origin { ip: None, request_id: None };

/// The operator.
pub fn operator() -> Author<'static> {
    Author::new(By::Cli, &NOWHERE)
}

/// A database with Ada and Bob in two guilds, routes, and a key of [`GUILD`] that may do everything.
#[derive(Debug)]
pub struct House(Door);

impl House {
    /// With these routes.
    pub async fn new(routes: impl FnOnce(&App) -> Router<App>) -> Self {
        let door = Door::new(GUILD, &["*"], routes).await;
        let mut conn = db::acquire(door.pool()).await.expect("the test database answers");
        for guild in [GUILD, OTHER] {
            let members = [(ADA, Some("Ada")), (BOB, Some("Bob"))];
            members_ensure(&mut conn, guild, &members).await.expect("members are made");
        }
        Self(door)
    }

    /// The database's pool.
    pub fn pool(&self) -> &PgPool {
        self.0.pool()
    }

    /// Sends a request as Ada, and tells status and body. The path goes on after `/guilds/1`.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.send_as(ADA, method, path, body).await
    }

    /// Sends a request as a member, and tells status and body. The path goes on after `/guilds/1`.
    pub async fn send_as(&self, user: UserId, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.0.send(method, &format!("/guilds/{GUILD}{path}"), Some(user.get()), body).await
    }

    /// The answer to a request that must succeed.
    pub async fn ok(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// XP, gold and stars of a member.
    pub async fn figures(&self, user: UserId) -> (i64, i64, i64) {
        let mut conn = db::acquire(self.pool()).await.expect("the test database answers");
        let member = member_get(&mut conn, GUILD, user).await.expect("the test database answers");
        let member = member.unwrap_or_else(|| panic!("{user} is no member"));
        (member.xp.get(), member.gold.get(), member.stars)
    }

    /// The payloads of the guild's events of a type, in order.
    pub async fn events(&self, event_type: &str) -> Vec<Value> {
        let events = sqlx::query_scalar(
            "SELECT payload FROM jobs.outbox WHERE guild_id = 1 AND event_type = $1 ORDER BY transaction_id, id",
        );
        events.bind(event_type).fetch_all(self.pool()).await.expect("the test database answers")
    }

    /// What was written to the audit log about a table, in order.
    pub async fn audited(&self, table: &str) -> Vec<String> {
        let actions = sqlx::query_scalar(
            "SELECT action_type FROM access.admin_log WHERE target_table = $1 ORDER BY id",
        );
        actions.bind(table).fetch_all(self.pool()).await.expect("the test database answers")
    }

    /// A consumer of the outbox begins with the first event there is.
    pub async fn follow(&self, consumer: &str) {
        let begun =
            sqlx::query("INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ($1, '0', 0)");
        begun.bind(consumer).execute(self.pool()).await.expect("the consumer is new");
    }

    /// The database's time.
    pub async fn now(&self) -> DateTime<Utc> {
        let mut conn = db::acquire(self.pool()).await.expect("the test database answers");
        db::now(&mut conn).await.expect("the test database answers")
    }

    /// What a statement counts.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Has a reader of the outbox take everything that is in it.
    pub async fn deliver(&self, reader: &impl Consumer) {
        deliver(self.pool(), reader).await;
    }

    /// Runs statements.
    pub async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
