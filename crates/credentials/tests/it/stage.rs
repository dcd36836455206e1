//! The slice's routes and those of learning, reached at an address, and a path whose completion earns a badge.

use access::keys::{NewKey, key_create};
use access::testing::assert_documented;
use access::{App, By, HttpSettings, Origin, Scopes, Vault};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credentials::jobs::Issuer;
use credentials::ops::{self, Issuing};
use db::testing::TestDatabase;
use jobs::outbox::{Consumer as _, consume_batch};
use kernel::{GuildId, UserId};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;

pub(crate) const GUILD: GuildId = GuildId::new(1);
pub(crate) const ADA: i64 = 7;
pub(crate) const BOB: i64 = 8;
pub(crate) const URL: &str = "https://quests.example.org";

pub(crate) struct Stage {
    router: Router,
    key: String,
    pub(crate) vault: Vault,
    pub(crate) url: Option<String>,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) disposition: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
}

/// What a token says: its header and its claims.
pub(crate) fn said(token: &str) -> (Value, Value) {
    let mut parts = token
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .take(2)
        .map(|part| serde_json::from_slice::<Value>(&part).unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::at(Some(URL)).await
    }

    /// Reached at this address, or at none that it knew.
    pub(crate) async fn at(url: Option<&str>) -> Self {
        let database = TestDatabase::new().await;
        let mut conn = database.pool().acquire().await.unwrap();
        let members = [(UserId::new(ADA), Some("Ada")), (UserId::new(BOB), Some("Bob"))];
        people::members_ensure(&mut conn, GUILD, &members).await.unwrap();
        people::guild_ensure(&mut conn, GUILD, Some("A guild")).await.unwrap();
        let new = NewKey {
            name: "test".to_owned(),
            guild: Some(GUILD),
            user: None,
            scopes: Scopes::new(["*"]),
            expires_at: None,
        };
        let (_, key) = key_create(&mut conn, By::Cli, &Origin::default(), &new).await.unwrap();
        drop(conn);
        let vault = Vault::ephemeral();
        let http = HttpSettings {
            public_url: url.map(str::to_owned),
            vault: vault.clone(),
            ..HttpSettings::default()
        };
        let app = App::new(database.pool().clone(), jobs::Wake::new(), http);
        let steps = learning::StepDesk::start(app.pool(), app.wake());
        let routes = credentials::router().merge(learning::router()).split_for_parts().0;
        let routes = routes.layer(axum::Extension(steps));
        Self {
            router: routes.with_state(app),
            key: key.reveal().to_owned(),
            vault,
            url: url.map(str::to_owned),
            database,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        key: bool,
        user: Option<i64>,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/guilds/1/{path}");
        let mut request =
            Request::builder().method(method).uri(&path).header("content-type", "application/json");
        if key {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        if let Some(user) = user {
            request = request.header("questhall-user", user.to_string());
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        assert_documented(method, &path, parts.status.as_u16(), &parts.headers, &bytes);
        let header =
            |name| parts.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
        Answer {
            status: parts.status.as_u16(),
            kind: header(header::CONTENT_TYPE),
            disposition: header(header::CONTENT_DISPOSITION),
            bytes,
        }
    }

    /// By the guild's key, for a member or for nobody.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> Answer {
        self.request(method, path, true, user, body).await
    }

    /// By somebody who has no key.
    pub(crate) async fn public(&self, path: &str) -> Answer {
        self.request("GET", &format!("credentials/{path}"), false, None, None).await
    }

    /// What a public address of ours answers.
    pub(crate) async fn at_address(&self, address: &str) -> Answer {
        let path = address.strip_prefix(URL).unwrap().strip_prefix("/api/v1/guilds/1/credentials/").unwrap();
        self.public(path).await
    }

    pub(crate) async fn ok(&self, method: &str, path: &str, user: Option<i64>, body: Option<Value>) -> Value {
        let answer = self.send(method, path, user, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// An answer that must be a refusal: its status and the kind of problem.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        user: Option<i64>,
        body: Option<Value>,
    ) -> (u16, String) {
        let answer = self.send(method, path, user, body).await;
        let problem = answer.json();
        assert!((400..500).contains(&answer.status), "{method} {path}: {} {problem}", answer.status);
        (answer.status, problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned())
    }

    /// Publishes a path of one quest; tells the ids of both.
    pub(crate) async fn path(&self, slug: &str) -> (String, String) {
        let quest = format!("{slug}-quest");
        let bundle = json!({
            "slug": slug,
            "path": { "name": format!("The path {slug}"), "type": "Course", "description": "All of it.",
                      "quests": [{ "quest": quest }] },
            "quests": [{ "slug": quest, "quest": {
                "title": "One", "type": "Tutorial", "difficulty": "Beginner",
                "steps": [{ "slug": "read", "type": "Reading", "title": "Read" }] } }],
        });
        let done = self.ok("POST", "learning/import", None, Some(bundle)).await;
        let quests = self.ok("GET", "learning/sources/quests?limit=200", None, None).await;
        let found = quests["items"].as_array().unwrap().iter().find(|one| one["slug"] == quest).unwrap();
        (done["path_id"].as_str().unwrap().to_owned(), found["id"].as_str().unwrap().to_owned())
    }

    /// Has a member enrol in a path and complete it.
    pub(crate) async fn complete(&self, user: i64, (path, quest): &(String, String)) {
        self.ok("POST", &format!("learning/paths/{path}/enrolment"), Some(user), None).await;
        let attempt = self.ok("POST", &format!("learning/quests/{quest}/attempt"), Some(user), None).await;
        let step = attempt["steps"][0]["id"].as_str().unwrap();
        let step = format!("learning/quests/{quest}/attempt/steps/{step}/completion");
        self.ok("POST", &step, Some(user), Some(json!({}))).await;
    }

    /// Makes a badge for a path.
    pub(crate) async fn badge(&self, path: &str, more: Value) -> String {
        let mut badge = json!({ "path_id": path, "name": format!("Badge of {path}"), "description": "Knows Rust.",
                                "criteria": "Complete *everything*." });
        badge.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.ok("POST", "credentials/badges", None, Some(badge)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn issuing(&self) -> Issuing<'_> {
        Issuing { vault: &self.vault, public_url: self.url.as_deref() }
    }

    /// Has the reader of the outbox issue what was earned.
    pub(crate) async fn deliver(&self) {
        let issuer = Issuer::new(self.vault.clone(), self.url.clone());
        let mut conn = self.pool().acquire().await.unwrap();
        // Readers stop at the oldest transaction that runs anywhere, also in other tests' databases.
        let behind = "SELECT EXISTS (SELECT FROM jobs.outbox o WHERE NOT EXISTS (
                          SELECT FROM jobs.outbox_cursors c
                           WHERE c.consumer = $1 AND (c.transaction_id, c.id) >= (o.transaction_id, o.id)))";
        // What issuing tells is read, too.
        while sqlx::query_scalar(behind).bind(issuer.name()).fetch_one(&mut *conn).await.unwrap() {
            consume_batch(&mut conn, &issuer).await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    /// Has the job issue what the reader missed.
    pub(crate) async fn sweep(&self) -> usize {
        ops::issue_missing(self.pool(), &self.issuing()).await.unwrap()
    }

    pub(crate) async fn mine(&self, user: i64) -> Vec<Value> {
        let page = self.ok("GET", "credentials/mine", Some(user), None).await;
        page["items"].as_array().unwrap().clone()
    }

    pub(crate) async fn document(&self, user: i64, credential: &str) -> String {
        let path = format!("credentials/mine/{credential}/document");
        let answer = self.send("GET", &path, Some(user), None).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/vc+jwt"));
        answer.text()
    }

    /// With a path, its badge, and Ada's credential for it; tells the badge and the credential.
    pub(crate) async fn furnished() -> (Self, String, String) {
        let stage = Self::new().await;
        let path = stage.path("rust").await;
        let badge = stage.badge(&path.0, json!({})).await;
        stage.complete(ADA, &path).await;
        stage.deliver().await;
        let mine = stage.mine(ADA).await;
        assert_eq!(mine.len(), 1, "{mine:?}");
        let credential = mine[0]["id"].as_str().unwrap().to_owned();
        (stage, badge, credential)
    }

    pub(crate) async fn standing(&self, credential: &str) -> Value {
        self.public(&format!("verification/{credential}")).await.json()
    }

    /// Events of a type: the data of each.
    pub(crate) async fn events(&self, event_type: &str) -> Vec<Value> {
        sqlx::query_scalar("SELECT payload FROM jobs.outbox WHERE event_type = $1 ORDER BY id")
            .bind(event_type)
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    /// Nothing differs from what it follows from.
    pub(crate) async fn assert_clean(&self) {
        let mut conn = self.pool().acquire().await.unwrap();
        let drift = credentials::audit::drift(&mut conn, None).await.unwrap();
        assert!(drift.is_empty(), "{drift:?}");
    }
}
