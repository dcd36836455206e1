//! A house that delivers: a database, nodes, and the routes.

use std::time::Duration;

use access::keys::{NewKey, key_create};
use access::{App, By, HttpSettings, Origin, Scopes};
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::{Extension, Router};
use db::testing::TestDatabase;
use delivery::model::{NewWebhook, WebhookWithSecret};
use delivery::{Resolver, Sender, WebhookSettings, Webhooks, ops};
use jobs::outbox::{Event, emit};
use jobs::{Node, Wake};
use kernel::{Clock, GuildId, UserId, WebhookId};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;

// Types of events are seen by who may, as they are declared: also those that only tests emit.
mod declared_0 {
    jobs::declare_events! {
        read "campaigns:read", admin "campaigns:write";

        "campaign.test_a" Everyone "a test says so" {}
        "campaign.test_tick" Everyone "a test says so" {}
        "challenge.test_secret" Everyone "a test says so" {}
    }
}

mod declared_1 {
    jobs::declare_events! {
        read "economy:read", admin "economy:write";

        "bytes.test_paid" Everyone "a test says so" {}
    }
}

pub(crate) const GUILD: GuildId = GuildId::new(1);

/// The longest a test waits for the database to say something.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct House {
    pub(crate) webhooks: Webhooks,
    pub(crate) wake: Wake,
    pub(crate) nodes: Vec<Node>,
    router: Router,
    pub(crate) key: String,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

/// Settings under which loopback may be called.
pub(crate) fn local() -> WebhookSettings {
    WebhookSettings {
        internal_networks: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: Duration::from_secs(15),
        ..WebhookSettings::default()
    }
}

pub(crate) fn event(n: i64) -> Event {
    Event {
        guild_id: GUILD,
        event_type: "campaign.test_tick",
        subject: "campaigns/x".to_owned(),
        correlation_id: None,
        user_id: None,
        payload: json!({ "n": n }),
    }
}

impl House {
    /// With one node that delivers.
    pub(crate) async fn new() -> Self {
        let mut house = Self::idle(local()).await;
        house.node().await;
        house
    }

    /// With no node yet.
    pub(crate) async fn idle(settings: WebhookSettings) -> Self {
        Self::resolving(settings, Resolver::system()).await
    }

    pub(crate) async fn resolving(settings: WebhookSettings, resolver: Resolver) -> Self {
        let database = TestDatabase::new().await;
        let sender = Sender::with_resolver(settings.clone(), resolver).unwrap();
        let webhooks = Webhooks::with_sender(settings, sender, Clock::system());
        let app = App::new(database.pool().clone(), Wake::new(), HttpSettings::default());
        let (router, _) = delivery::router().split_for_parts();
        let router = router.with_state(app).layer(Extension(webhooks.clone()));
        let mut house =
            Self { webhooks, wake: Wake::new(), nodes: Vec::new(), router, key: String::new(), database };
        house.key = house.key_of(1, &["*"]).await;
        house
    }

    /// One more node, which has its own look at the webhooks.
    pub(crate) async fn node(&mut self) {
        let pool = self.pool().clone();
        let node = Node::start(pool.clone(), "test", "0", &["worker"], self.wake.clone()).await.unwrap();
        self.webhooks.spawn(&pool, &node.handle(), &self.wake);
        self.nodes.push(node);
        // What happens before the consumer's first look is not its business.
        self.until("SELECT EXISTS (SELECT FROM jobs.outbox_cursors WHERE consumer = 'webhooks')").await;
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    pub(crate) async fn key_of(&self, guild: i64, scopes: &[&str]) -> String {
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GuildId::new(guild)),
            user: None,
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        let mut conn = self.pool().acquire().await.unwrap();
        key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap().1.reveal().to_owned()
    }

    pub(crate) async fn webhook(&self, url: &str) -> WebhookWithSecret {
        let new =
            NewWebhook { name: "ours".to_owned(), url: url.to_owned(), event_types: vec!["*".to_owned()] };
        ops::webhook_create(self.pool(), &self.webhooks, GUILD, new, By::Cli, &Origin::default())
            .await
            .unwrap()
    }

    pub(crate) async fn emit(&self, events: &[Event]) {
        let mut tx = self.pool().begin().await.unwrap();
        emit(&mut tx, events).await.unwrap();
        tx.commit().await.unwrap();
        self.wake.outbox();
    }

    pub(crate) async fn emit_numbers(&self, numbers: std::ops::Range<i64>) {
        self.emit(&numbers.map(event).collect::<Vec<_>>()).await;
    }

    /// Waits until a query says true.
    pub(crate) async fn until(&self, query: &'static str) {
        let done = async {
            while !sqlx::query_scalar::<_, bool>(query).fetch_one(self.pool()).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, done).await.unwrap_or_else(|_| panic!("never true: {query}"));
    }

    /// Waits until a failure is written down, and has the queue tried again now.
    pub(crate) async fn again(&self) {
        self.until(
            "SELECT EXISTS (SELECT FROM delivery.webhook_queues WHERE locked_by IS NULL AND next_attempt_at > now())",
        )
        .await;
        self.run("UPDATE delivery.webhook_queues SET next_attempt_at = now()").await;
    }

    pub(crate) async fn settled(&self) {
        self.until(
            "SELECT NOT EXISTS (SELECT FROM delivery.webhook_queues
                                 WHERE next_attempt_at IS NOT NULL OR locked_by IS NOT NULL)",
        )
        .await;
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.pool()).await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.pool()).await.unwrap()
    }

    pub(crate) async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar::<_, Option<String>>(sql).fetch_one(self.pool()).await.unwrap().unwrap_or_default()
    }

    /// Sends a request, and tells status and body.
    pub(crate) async fn send(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        access::testing::assert_documented(method, path, status, &parts.headers, &bytes);
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

pub(crate) fn about(user: i64, event: Event) -> Event {
    Event { user_id: Some(UserId::new(user)), ..event }
}

pub(crate) fn path(id: WebhookId, rest: &str) -> String {
    format!("/guilds/1/webhooks/{id}{rest}")
}
