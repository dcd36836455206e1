//! How far readers of the outbox are behind.

use access::scope::OperationsRead;
use access::weekly::{Audit, Figure};
use access::{App, Global, Json, Problems};
use axum::Extension;
use axum::extract::State;
use chrono::{DateTime, Utc};
use kernel::{GuildId, Problem};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::health::Scrape;
use crate::settings::Settings;

/// Positions of readers that another cluster counted: what happens now would be skipped. Every guild's, so told whichever was asked for. A
/// start settles it, and so does a repair.
pub(super) const AUDIT: Audit = Audit {
    drift: |conn, _| {
        Box::pin(async move {
            let Some(estranged) = jobs::outbox::estranged(&mut *conn).await? else { return Ok(Vec::new()) };
            let here = jobs::outbox::horizon(conn).await?;
            Ok(vec![Figure {
                guild_id: GuildId::new(0),
                what: format!("positions of the outbox's readers: {estranged}"),
                stored: estranged.position().map_or("another cluster's".to_owned(), |at| at.to_string()),
                derived: format!("at most {here}"),
            }])
        })
    },
    weekly: None,
};

/// How far readers of the outbox are behind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutboxLag {
    /// Age in seconds of the oldest transaction that writes and is still open: no reader passes it.
    pub(crate) oldest_transaction_seconds: f64,
    /// The latest event that readers may see.
    pub(crate) latest_event_at: Option<DateTime<Utc>>,
    /// The durable consumers, by name.
    pub(crate) consumers: Vec<ConsumerLag>,
}

/// How far one durable consumer is behind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConsumerLag {
    /// Its name.
    pub(crate) consumer: String,
    /// Where it stands, as event ids are written.
    #[schema(example = "1234-5678")]
    pub(crate) position: String,
    /// Events it has still to consume, counted up to 10,000.
    pub(crate) behind: i64,
    /// Age in seconds of the oldest of them; 0 when there is none.
    pub(crate) lag_seconds: f64,
}

/// Looks it up.
pub(crate) async fn lag(pool: &PgPool, settings: &Settings) -> Result<OutboxLag, sqlx::Error> {
    let mut conn = db::acquire(pool).await?;
    let general = sqlx::query!(
        r#"SELECT coalesce(extract(epoch FROM now() - (
                      SELECT min(xact_start) FROM pg_stat_activity
                       WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid())), 0)
                      ::double precision AS "age!",
                  (SELECT created_at FROM jobs.outbox
                    WHERE transaction_id < (SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot())))
                    ORDER BY transaction_id DESC, id DESC LIMIT 1) AS latest"#
    )
    .fetch_one(&mut *conn)
    .await?;
    // A broker that was configured once leaves its cursor behind, for when it is again; nobody lags meanwhile. Another node may
    // publish though this one does not.
    let unused = if settings.nats.url.is_some() { vec![] } else { vec![delivery::nats::CONSUMER] };
    let consumers = sqlx::query_as!(
        ConsumerLag,
        r#"SELECT c.consumer, c.transaction_id::text || '-' || c.id AS "position!", b.behind AS "behind!",
                  coalesce(greatest(extract(epoch FROM now() - b.oldest), 0), 0)::double precision AS "lag_seconds!"
             FROM jobs.outbox_cursors c
            CROSS JOIN LATERAL
                  (SELECT count(*) AS behind, min(o.created_at) AS oldest
                             FROM (SELECT created_at FROM jobs.outbox
                                    WHERE (transaction_id, id) > (c.transaction_id, c.id)
                                      AND transaction_id < (SELECT jobs.outbox_order(pg_snapshot_xmin(pg_current_snapshot())))
                                    ORDER BY transaction_id, id LIMIT 10000) o) b
            WHERE c.consumer <> ALL ($1) OR c.locked_until > now()
            ORDER BY c.consumer"#,
        &unused as &[&str],
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(OutboxLag { oldest_transaction_seconds: general.age, latest_event_at: general.latest, consumers })
}

/// See how far the outbox's readers are behind
#[utoipa::path(get, path = "/operations/outbox", tag = "operations", operation_id = "operations_outbox_show",
    responses((status = 200, body = OutboxLag), Problems), security(("api_key" = ["operations:read"])))]
pub(super) async fn show(
    State(app): State<App>,
    Extension(Scrape(settings)): Extension<Scrape>,
    _guard: Global<OperationsRead>,
) -> Result<Json<OutboxLag>, Problem> {
    Ok(Json(lag(app.pool(), &settings).await?))
}
