//! A slice's routes to knock at, on a database of their own: for tests, by the feature `testing`.
//!
//! Helpers here panic with a sentence instead of returning errors: a test has nothing better to do.

mod document;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::response::Parts;
use db::testing::TestDatabase;
use jobs::outbox::{Consumer, consume_batch};
use kernel::GuildId;
use serde_json::Value;
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::keys::{NewKey, key_create};
use crate::{App, By, HttpSettings, Means, Origin, Scopes};

/// What work in the background is given, with nothing but this database.
pub fn means(pool: &PgPool) -> Means {
    Means::new(App::new(pool.clone(), jobs::Wake::new(), HttpSettings::default()))
}

pub use document::{assert_documented, takes_member};

/// Has a reader of the outbox take everything that is in it, also what comes of its taking, as nodes do.
///
/// Readers stop at the oldest transaction that runs anywhere, also in the databases of other tests: those are waited for, some minutes at most.
pub async fn deliver(pool: &PgPool, reader: &impl Consumer) {
    const OPEN: &str = "SELECT EXISTS (SELECT FROM jobs.outbox WHERE transaction_id >= pg_snapshot_xmin(pg_current_snapshot()))";
    let mut conn = db::acquire(pool).await.expect("the test database answers");
    let everything = async {
        loop {
            while sqlx::query_scalar::<_, bool>(OPEN)
                .fetch_one(&mut *conn)
                .await
                .expect("the test database answers")
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if consume_batch(&mut conn, reader).await.expect("the reader takes what there is") == 0 {
                break;
            }
        }
    };
    let done = tokio::time::timeout(Duration::from_mins(4), everything).await;
    assert!(done.is_ok(), "{} still waits for somebody's transaction after minutes", reader.name());
}

/// Routes, and a key that opens them.
#[derive(Debug)]
pub struct House {
    router: Router,
    key: String,
    /// Last, so that the database goes after those who use it.
    pub database: TestDatabase,
}

impl House {
    /// A slice's routes, with a key of this guild with these scopes.
    pub async fn new(guild: GuildId, scopes: &[&str], routes: impl FnOnce(&App) -> Router<App>) -> Self {
        Self::within(TestDatabase::new().await, guild, scopes, routes).await
    }

    /// The same, in a database that is furnished already.
    pub async fn within(
        database: TestDatabase,
        guild: GuildId,
        scopes: &[&str],
        routes: impl FnOnce(&App) -> Router<App>,
    ) -> Self {
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(guild),
            user: None,
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        let mut conn = db::acquire(database.pool()).await.expect("the test database answers");
        let made = key_create(&mut conn, By::Cli, &Origin::default(), &new).await;
        let (_, key) = made.unwrap_or_else(|error| panic!("no key could be made: {error}"));
        drop(conn);
        let app = App::new(database.pool().clone(), jobs::Wake::new(), HttpSettings::default());
        Self { router: routes(&app).with_state(app), key: key.reveal().to_owned(), database }
    }

    /// The database's pool.
    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// Sends a request with the key, on behalf of member `user`, and tells status and body; `Null` where that is no JSON.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let (parts, body) = self.send_text(method, path, user, body).await;
        (parts.status.as_u16(), serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// The same with a body that need not be JSON, and an answer that is not.
    pub async fn send_text(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: String,
    ) -> (Parts, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        // To the others it means that they do no more than a member may.
        if let Some(user) = user.filter(|_| takes_member(method, path)) {
            request = request.header("questhall-user", user.to_string());
        }
        let request =
            request.body(Body::from(body)).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        // Routes answer every error themselves.
        let response = self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body ends");
        assert_documented(method, path, parts.status.as_u16(), &parts.headers, &bytes);
        (parts, String::from_utf8_lossy(&bytes).into_owned())
    }
}
