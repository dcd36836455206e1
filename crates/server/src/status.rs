//! `/status`: whether everything works, for people. It tells nothing of what goes on inside, and however many look, it is looked at
//! once in some seconds.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use access::App;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Router, routing::get};
use chrono::{DateTime, Utc};
use frame::status::{Health, Part, page};
use kernel::Clock;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::operations::ScriptRunner;

/// For how long what was seen is told.
const KEPT: Duration = Duration::from_secs(5);
/// How long looking may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// From so many seconds of delay on something is slow, and from so many it does not work.
const LATE: (f64, f64) = (60.0, 900.0);

/// What was seen, and when.
type Seen = (Instant, DateTime<Utc>, Arc<[Part]>);

/// By the database that was looked at: tests have several in one process.
static LAST: LazyLock<Mutex<Vec<(String, Seen)>>> = LazyLock::new(Mutex::default);

pub(crate) fn router() -> Router<App> {
    Router::new().route("/status", get(show))
}

async fn show(
    State(app): State<App>,
    Extension(ScriptRunner(sandbox)): Extension<ScriptRunner>,
    Extension(bot): Extension<Option<discord::Bot>>,
    headers: HeaderMap,
) -> Response {
    let database = app.pool().connect_options().get_database().unwrap_or_default().to_owned();
    // Who comes while somebody looks waits for that.
    let mut last = LAST.lock().await;
    let known = last.iter().find(|(of, seen)| *of == database && seen.0.elapsed() < KEPT);
    let (at, parts) = if let Some((_, (_, at, parts))) = known {
        (*at, Arc::clone(parts))
    } else {
        let parts: Arc<[Part]> = look(app.pool(), sandbox.is_some(), bot.is_some()).await.into();
        let at = Clock::system().now();
        last.retain(|(of, _)| *of != database);
        last.push((database, (Instant::now(), at, Arc::clone(&parts))));
        (at, parts)
    };
    drop(last);
    page(&app, &headers, &parts, at)
}

/// How long the oldest of what is due has waited, in seconds.
struct Delays {
    timers: f64,
    events: f64,
}

async fn look(pool: &PgPool, scripts: bool, bot: bool) -> Vec<Part> {
    let delays = tokio::time::timeout(PATIENCE, delays(pool)).await;
    let delays = match delays {
        Ok(Ok(delays)) => Some(delays),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the status could not be looked up");
            None
        }
        Err(_) => None,
    };
    let late = |seconds: Option<f64>| match seconds {
        None => (Health::Bad, String::new()),
        Some(seconds) if seconds > LATE.1 => (Health::Bad, waited(seconds)),
        Some(seconds) if seconds > LATE.0 => (Health::Slow, waited(seconds)),
        Some(_) => (Health::Good, String::new()),
    };
    let set_up = |there| if there { Health::Good } else { Health::Absent };
    let part = |name, about, (health, note)| Part { name, about, health, note };
    vec![
        part("Pages and API", "What you are looking at.", (Health::Good, String::new())),
        part(
            "Database",
            "Where everything is kept.",
            (if delays.is_some() { Health::Good } else { Health::Bad }, String::new()),
        ),
        part(
            "Timers",
            "Campaigns start, release and close by them.",
            late(delays.as_ref().map(|delays| delays.timers)),
        ),
        part(
            "Announcements and streams",
            "What happens is told by them.",
            late(delays.as_ref().map(|delays| delays.events)),
        ),
        part("Scripts", "Inputs are made by them, programs are judged.", (set_up(scripts), String::new())),
        part("Discord", "The bot.", (set_up(bot), String::new())),
    ]
}

fn waited(seconds: f64) -> String {
    format!("The oldest waits since {:.0} minutes.", seconds / 60.0)
}

async fn delays(pool: &PgPool) -> sqlx::Result<Delays> {
    sqlx::query_as!(
        Delays,
        r#"SELECT greatest(0, extract(epoch FROM now() - least(
                      (SELECT min(scheduled_at) FROM campaigns.campaign_timers WHERE status = 'PENDING'),
                      (SELECT min(scheduled_at) FROM jobs.timers WHERE status = 'PENDING'))))::float8 AS "timers!",
                  greatest(0, extract(epoch FROM now() - (
                      SELECT min(o.created_at) FROM jobs.outbox_cursors c CROSS JOIN LATERAL
                          (SELECT created_at FROM jobs.outbox
                            WHERE (transaction_id, id) > (c.transaction_id, c.id)
                              AND transaction_id < (SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot())))
                            ORDER BY transaction_id, id LIMIT 1) o
                       WHERE c.consumer <> $1 OR c.locked_until > now())))::float8 AS "events!""#,
        delivery::nats::CONSUMER,
    )
    .fetch_one(&mut *db::acquire(pool).await?)
    .await
}
