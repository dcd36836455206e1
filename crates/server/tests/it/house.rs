//! The whole face on a database of its own, without a socket.

use std::sync::Arc;
use std::time::Duration;

use access::keys::{NewKey, key_create};
use access::{App, By, Origin, Scopes};
use assessment::ReviewDesk;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use challenges::SubmissionWriter;
use db::testing::TestDatabase;
use economy::TransferWriter;
use jobs::outbox::Tail;
use jobs::{Node, Wake};
use kernel::{Clock, GuildId, UserId};
use serde_json::Value;
use server::{Services, Settings};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) struct House {
    pub(crate) services: Services,
    pub(crate) router: Router,
    /// A key with every scope that is confined to no guild.
    pub(crate) global: String,
    _node: Node,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `status slug: detail`, the whole story of a refusal in a line.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16(), "{self:?}");
        let slug = body["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned();
        format!("{} {slug}: {}", self.status.as_u16(), body["detail"].as_str().unwrap_or_default())
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::by(settings, Clock::system()).await
    }

    /// With a clock of its own, by which what is remembered grows old.
    pub(crate) async fn by(settings: Settings, clock: Clock) -> Self {
        let database = TestDatabase::new().await;
        let pool = database.pool().clone();
        let wake = Wake::new();
        let node = Node::start(pool.clone(), "test", "0", &["http"], wake.clone()).await.unwrap();
        let services = Services {
            schema: db::testing::schema(),
            app: App::with_clock(pool.clone(), wake.clone(), settings.api(), clock),
            tail: Tail::spawn(pool.clone(), &node.handle(), &wake),
            webhooks: delivery::Webhooks::new(settings.webhooks.clone()).unwrap(),
            submissions: SubmissionWriter::start(&pool, &wake, 1, None),
            transfers: TransferWriter::start(&pool, &wake, 1),
            steps: learning::StepDesk::start(&pool, &wake),
            reviews: ReviewDesk::start(&pool, &wake),
            lake: lake::ingest::EventWriter::start(&pool, &wake, 1),
            sandbox: None,
            discord: None,
            search: None,
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            settings: Arc::new(settings),
        };
        let router = server::build(&services);
        let mut house = Self { services, router, global: String::new(), _node: node, database };
        house.global = house.key(None, None, &["*"]).await;
        house
    }

    /// A key made at the command line.
    pub(crate) async fn key(&self, guild: Option<i64>, user: Option<i64>, scopes: &[&str]) -> String {
        let new = NewKey {
            name: "test".to_owned(),
            guild: guild.map(GuildId::new),
            user: user.map(UserId::new),
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        let mut tx = self.database.pool().begin().await.unwrap();
        let (_, plain) = key_create(&mut tx, By::Cli, &Origin::default(), &new).await.unwrap();
        tx.commit().await.unwrap();
        plain.reveal().to_owned()
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(ask(Method::GET, path, key).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        let request = ask(method, path, key).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, key, body).await
    }

    /// The answer to a POST on behalf of a member, which must succeed.
    pub(crate) async fn act(&self, path: &str, key: &str, user: i64, body: &Value) -> Value {
        let request = ask(Method::POST, path, key).header("content-type", "application/json");
        let request = request.header("questhall-user", user).body(Body::from(body.to_string())).unwrap();
        let answer = self.send(request).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json()
    }

    /// The answer to a POST that must succeed.
    pub(crate) async fn made(&self, path: &str, key: &str, body: &Value) -> Value {
        let answer = self.post(path, key, body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }
}

pub(crate) fn ask(method: Method, path: &str, key: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    if key.is_empty() { request } else { request.header("authorization", format!("Bearer {key}")) }
}

/// Sends a request and reads its whole answer; one that never ends fails the test.
pub(crate) async fn send(router: Router, request: Request) -> Answer {
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let answer = async {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        access::testing::assert_documented(&method, &uri, parts.status.as_u16(), &parts.headers, &bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    };
    tokio::time::timeout(Duration::from_mins(1), answer)
        .await
        .unwrap_or_else(|_| panic!("{method} {uri} does not end"))
}
