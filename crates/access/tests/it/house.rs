//! A small house to knock at: routes of every kind of permission on a database of their own, and a clock to drive.

use access::keys::{NewKey, key_create};
use access::scope::{CampaignsPlay, CampaignsRead, CampaignsWrite, OperationsRead};
use access::{App, AsMember, By, Global, HttpSettings, InGuild, Json, Origin, Path, Query, Scopes};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use axum::{Router, middleware};
use chrono::{DateTime, Utc};
use db::testing::TestDatabase;
use jobs::Wake;
use kernel::{ApiKeyId, Bytes, CampaignId, Clock, GuildId, PageQuery, Problem, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const GUILD: i64 = 175_928_847_299_117_063;
pub(crate) const OTHER_GUILD: i64 = 175_928_847_299_117_064;

pub(crate) struct House {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) router: Router,
    /// Last, so that the database goes after those who use it.
    pub(crate) database: TestDatabase,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// `status slug: detail`, the whole story of a refusal in a line.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let slug = self.body["type"].as_str().unwrap().trim_start_matches("/problems/");
        format!("{} {slug}: {}", self.status.as_u16(), self.body["detail"].as_str().unwrap_or_default())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Draft {
    title: String,
    rewards: Vec<Reward>,
    #[serde(default)]
    host: Option<UserId>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    nested: std::collections::BTreeMap<String, u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Reward {
    rank: u32,
    bytes: Bytes,
    #[serde(default)]
    public: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    PointBased,
    TimeBased,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|router| router).await
    }

    /// The house with more routes.
    pub(crate) async fn with(more: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        Self::build(HttpSettings::default(), more).await
    }

    /// The house with other settings.
    pub(crate) async fn with_settings(settings: HttpSettings) -> Self {
        Self::build(settings, |router| router).await
    }

    async fn build(settings: HttpSettings, more: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        let database = TestDatabase::new().await;
        let clock = Clock::manual(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000));
        let settings = HttpSettings { body_limit: 2_000, upload_limit: 10_000, ..settings };
        let app = App::with_clock(database.pool().clone(), Wake::new(), settings, clock.clone());
        app.know_guilds(guilds_known());
        let (keys, _) = access::routes::routes().split_for_parts();
        let router = Router::new()
            .route("/drafts", post(|Json(_): Json<Draft>| async { StatusCode::CREATED }))
            .route(
                "/maybe",
                post(|body: Option<Json<Draft>>| async move { Json(json!({ "given": body.is_some() })) }),
            )
            .route(
                "/list",
                get(|Query(page): Query<PageQuery>| async move { Json(json!({"limit": page.limit})) }),
            )
            .route(
                "/campaigns/{campaign_id}",
                get(|Path(id): Path<CampaignId>| async move { Json(json!({"id": id})) }),
            )
            .route(
                "/guilds/{guild_id}/campaigns/{campaign_id}",
                get(|guard: InGuild<CampaignsRead>, Path(ids): Path<(GuildId, CampaignId)>| async move {
                    Json(json!({ "guild": guard.guild_id, "ids": ids, "by": guard.by().changed_by() }))
                }),
            )
            .route(
                "/guilds/{guild_id}/campaigns",
                post(
                    |guard: InGuild<CampaignsWrite>| async move { Json(json!({ "guild": guard.guild_id })) },
                ),
            )
            .route(
                "/guilds/{guild_id}/play",
                post(|guard: AsMember<CampaignsPlay>| async move { Json(json!({ "user": guard.user_id })) }),
            )
            .route(
                "/operations",
                get(|guard: Global<OperationsRead>| async move {
                    Json(json!({ "key": guard.actor.changed_by() }))
                }),
            )
            .merge(keys);
        let router = router
            .route("/api/ping", get(|| async { "pong" }))
            .route("/api/me", get(|actor: access::Actor| async move { actor.changed_by() }));
        let router = more(router)
            .fallback(access::web::no_route)
            .method_not_allowed_fallback(access::web::no_method)
            .layer(axum::Extension(crate::settings::registry()))
            .layer(axum::extract::DefaultBodyLimit::max(app.http().body_limit))
            .layer(middleware::from_fn_with_state(app.clone(), access::web::idempotency))
            .layer(middleware::from_fn_with_state(app.clone(), access::web::rate_limits))
            .layer(middleware::from_fn_with_state(app.clone(), access::web::time_limit))
            .layer(middleware::from_fn(access::web::request_id))
            .with_state(app.clone());
        Self { app, clock, router, database }
    }

    /// A key made at the command line.
    pub(crate) async fn key(
        &self,
        guild: Option<i64>,
        user: Option<i64>,
        scopes: &[&str],
    ) -> (ApiKeyId, String) {
        let new = NewKey {
            name: "test".to_owned(),
            guild: guild.map(GuildId::new),
            user: user.map(UserId::new),
            scopes: Scopes::new(scopes.iter().copied()),
            expires_at: None,
        };
        self.make(&new).await
    }

    pub(crate) async fn make(&self, new: &NewKey) -> (ApiKeyId, String) {
        let mut conn = self.database.pool().acquire().await.unwrap();
        let (key, plain) = key_create(&mut conn, By::Cli, &Origin::default(), new).await.unwrap();
        (key.id, plain.reveal().to_owned())
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(bearing(Request::get(path), key).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str, key: &str) -> Answer {
        self.send(bearing(Request::delete(path), key).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn patch(&self, path: &str, key: &str, body: &str) -> Answer {
        let request = bearing(Request::patch(path), key).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &str) -> Answer {
        self.send(post_json(path, key).body(Body::from(body.to_owned())).unwrap()).await
    }
}

/// Two guilds are here, whatever others there are on Discord.
fn guilds_known() -> access::sign_in::GuildsKnown {
    std::sync::Arc::new(|guilds| {
        let here = [GUILD, OTHER_GUILD].map(GuildId::new);
        let known = guilds.into_iter().filter(|guild| here.contains(guild)).collect();
        Box::pin(async move { Ok(known) })
    })
}

pub(crate) fn post_json(path: &str, key: &str) -> axum::http::request::Builder {
    bearing(Request::post(path), key).header("content-type", "application/json")
}

fn bearing(request: axum::http::request::Builder, key: &str) -> axum::http::request::Builder {
    request.header("authorization", format!("Bearer {key}"))
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let (method, uri) = (request.method().to_string(), request.uri().to_string());
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    // This house has routes of its own where campaigns have theirs.
    if !uri.contains("/campaigns") {
        access::testing::assert_documented(&method, &uri, parts.status.as_u16(), &parts.headers, &bytes);
    }
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    Answer { status: parts.status, headers: parts.headers, body }
}

/// Routes may fail too.
pub(crate) type Handled = Result<Json<Value>, Problem>;

pub(crate) async fn now(pool: &sqlx::PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT now()").fetch_one(pool).await.unwrap()
}
