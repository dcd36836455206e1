//! `/healthz`, `/readyz` and `/metrics`: for those who watch over the process. No part of the API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::App;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router, routing::get};
use db::migrate::Schema;
use kernel::Problem;
use kernel::problem::UNAUTHENTICATED;
use serde_json::{Value, json};
use sqlx::PgPool;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

use crate::operations::ScriptRunner;
use crate::settings::Settings;

/// How long a check may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long after the database ran out of something it is not asked for more.
const SHORT: Duration = Duration::from_secs(30);

/// Cancelled when the process begins to stop: from then on it is not ready.
#[derive(Debug, Clone)]
pub(crate) struct Draining(pub(crate) CancellationToken);

/// The routes. `/metrics` exists only where the settings want it.
pub(crate) fn router(settings: &Settings) -> Router<App> {
    let router = Router::new().route("/healthz", get(alive)).route("/readyz", get(ready));
    if settings.metrics.enabled { router.route("/metrics", get(figures)) } else { router }
}

/// The process is alive: it answers. Looks at nothing else, so that a database that is away restarts nobody.
async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Whether requests should be sent here, check by check.
async fn ready(
    State(app): State<App>,
    Extension(schema): Extension<&'static Schema>,
    Extension(draining): Extension<Draining>,
) -> Response {
    let running = if draining.0.is_cancelled() { Err("the process is stopping".to_owned()) } else { Ok(()) };
    let database = match kernel::problem::shortage(SHORT) {
        Some(what) => Err(what.to_owned()),
        None => within(database(app.pool())).await,
    };
    let migrations = match &database {
        Ok(()) => within(migrations(schema, app.pool())).await,
        Err(_) => Err("not looked at, for the database's sake".to_owned()),
    };
    let checks = [("running", running), ("database", database), ("migrations", migrations)];
    let good = checks.iter().all(|(_, result)| result.is_ok());
    let checks: serde_json::Map<String, Value> = checks
        .into_iter()
        .map(|(name, result)| (name.to_owned(), result.map_or_else(Value::from, |()| json!("ok"))))
        .collect();
    let (status, word) =
        if good { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (status, Json(json!({ "status": word, "checks": checks }))).into_response()
}

async fn within(check: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, check)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// What went wrong is logged; who asks without a key learns only that it did.
async fn database(pool: &PgPool) -> Result<(), String> {
    let asked: sqlx::Result<i32> = async {
        let mut conn = db::acquire(pool).await?;
        sqlx::query_scalar!(r#"SELECT 1 AS "one!""#).fetch_one(&mut *conn).await
    }
    .await;
    asked.map(drop).map_err(|error| {
        tracing::warn!(%error, "the database does not answer");
        "the database does not answer".to_owned()
    })
}

async fn migrations(schema: &Schema, pool: &PgPool) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::warn!(%error, "the state of the migrations could not be read");
        "their state could not be read".to_owned()
    };
    let mut connection = db::acquire(pool).await.map_err(|error| failed(&error))?;
    let entries = schema.status(&mut connection).await.map_err(|error| failed(&error))?;
    let pending = entries.iter().filter(|entry| entry.state == db::migrate::State::Pending).count();
    if pending > 0 {
        return Err(format!("{pending} not applied; run `questhall db migrate`"));
    }
    Ok(())
}

/// What `/metrics` needs.
#[derive(Clone)]
pub(crate) struct Scrape(pub(crate) Arc<Settings>);

async fn figures(
    State(app): State<App>,
    Extension(Scrape(settings)): Extension<Scrape>,
    Extension(ScriptRunner(sandbox)): Extension<ScriptRunner>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let peer = peer.map(|Extension(ConnectInfo(address))| address);
    may_scrape(settings.metrics.token.as_deref(), peer, &headers)?;
    let text = crate::figures::render(app.pool(), &settings, sandbox.as_ref()).await;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// With a token, whoever knows it. Without, this machine alone; a request that came through a proxy is not from this
/// machine, whatever address it seems to have.
fn may_scrape(token: Option<&str>, peer: Option<SocketAddr>, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(token) = token else {
        let proxied =
            ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        if !proxied && peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
            return Ok(());
        }
        return Err(Problem::forbidden(
            "Figures are for this machine only, unless the setting `metrics.token` says otherwise.",
        ));
    };
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    if bool::from(given.ct_eq(token.as_bytes())) {
        return Ok(());
    }
    Err(Problem::new(
        UNAUTHENTICATED,
        "Send the token of the setting `metrics.token`: `Authorization: Bearer …`.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_only_this_machine_may_scrape() {
        let none = HeaderMap::new();
        let status = |peer: &str, headers: &HeaderMap| {
            may_scrape(None, Some(peer.parse().unwrap()), headers).map_err(|problem| problem.status())
        };
        assert_eq!(status("127.0.0.1:1", &none), Ok(()));
        assert_eq!(status("[::1]:1", &none), Ok(()));
        assert_eq!(status("[::ffff:127.0.0.1]:1", &none), Ok(()));
        assert_eq!(status("192.0.2.1:1", &none), Err(403));
        assert_eq!(may_scrape(None, None, &none).unwrap_err().status(), 403);
        let proxied = HeaderMap::from_iter([(
            header::HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("192.0.2.1"),
        )]);
        assert_eq!(status("127.0.0.1:1", &proxied), Err(403));
    }

    #[test]
    fn with_a_token_only_who_knows_it_may_scrape() {
        let bearing = |text: &str| {
            HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap())])
        };
        let local = Some("127.0.0.1:1".parse().unwrap());
        let token = Some("0123456789abcdef");
        assert!(may_scrape(token, None, &bearing("Bearer 0123456789abcdef")).is_ok());
        for bad in ["Bearer 0123456789abcdee", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef"] {
            assert_eq!(may_scrape(token, local, &bearing(bad)).unwrap_err().status(), 401, "{bad}");
        }
        assert_eq!(may_scrape(token, local, &HeaderMap::new()).unwrap_err().status(), 401);
    }
}
