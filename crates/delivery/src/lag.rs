//! How far readers of the outbox are behind.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

/// How far readers of the outbox are behind.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboxLag {
    /// Age in seconds of the oldest transaction that writes and is still open: no reader passes it.
    pub oldest_transaction_seconds: f64,
    /// The latest event that readers may see.
    pub latest_event_at: Option<DateTime<Utc>>,
    /// The durable consumers, by name.
    pub consumers: Vec<ConsumerLag>,
}

/// How far one durable consumer is behind.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsumerLag {
    /// Its name.
    pub consumer: String,
    /// Where it stands, as event ids are written.
    #[schema(example = "1234-5678")]
    pub position: String,
    /// Events it has still to consume, counted up to 10,000.
    pub behind: i64,
    /// Age in seconds of the oldest of them; 0 when there is none.
    pub lag_seconds: f64,
}

/// Looks it up. `publishes` tells whether this node has a broker.
pub async fn lag(pool: &PgPool, publishes: bool) -> Result<OutboxLag, sqlx::Error> {
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
    let unused = if publishes { vec![] } else { vec![crate::nats::CONSUMER] };
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
