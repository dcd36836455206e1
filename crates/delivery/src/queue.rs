//! SQL of what nodes do with webhooks' queues: claim one, take its next deliveries, record what came of them.
//!
//! A queue is claimed under a lease with a fencing token; whatever is recorded first locks the queue's row and finds the
//! token unchanged, so that a node which hung, and lost its lease meanwhile, records nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{GuildId, WebhookId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::rules::GIVE_UP_AFTER;

/// The right to work on a webhook's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) guild_id: GuildId,
    pub(crate) webhook_id: WebhookId,
    pub(crate) token: i64,
}

/// Claims queues that are due and that nobody works on, or a node that is known to be dead; at most so many.
pub(crate) async fn claim(
    conn: &mut PgConnection,
    node: Uuid,
    lease: Duration,
    limit: i64,
) -> sqlx::Result<Vec<Lease>> {
    let rows = sqlx::query!(
        "UPDATE delivery.webhook_queues q
            SET locked_by = $1, locked_until = now() + make_interval(secs => $2), fencing_token = fencing_token + 1
           FROM (SELECT guild_id, webhook_id FROM delivery.webhook_queues
                  WHERE next_attempt_at <= now()
                    AND (locked_until IS NULL OR locked_until < now()
                         OR locked_by IN (SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL))
                  ORDER BY next_attempt_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED) due
          WHERE q.guild_id = due.guild_id AND q.webhook_id = due.webhook_id
         RETURNING q.guild_id, q.webhook_id, q.fencing_token",
        node,
        lease.as_secs_f64(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Lease {
            guild_id: GuildId::new(row.guild_id),
            webhook_id: WebhookId::new(row.webhook_id),
            token: row.fencing_token,
        })
        .collect())
}

/// A delivery to be attempted.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) event_id: Uuid,
    pub(crate) body: String,
}

/// The next pending deliveries after `after`, in order.
pub(crate) async fn next(
    conn: &mut PgConnection,
    lease: &Lease,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        "SELECT id, event_id, body FROM delivery.webhook_deliveries
          WHERE guild_id = $1 AND webhook_id = $2 AND status = 'PENDING' AND id > $3 ORDER BY id LIMIT $4",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// How a queue stands while it is locked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) failures: i32,
    pub(crate) failing_since: Option<DateTime<Utc>>,
}

/// Locks the queue's row; `None` when the lease was lost.
pub(crate) async fn confirm(conn: &mut PgConnection, lease: &Lease) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as!(
        Standing,
        "SELECT failures, failing_since FROM delivery.webhook_queues
          WHERE guild_id = $1 AND webhook_id = $2 AND fencing_token = $3 AND locked_by IS NOT NULL FOR NO KEY UPDATE",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        lease.token,
    )
    .fetch_optional(conn)
    .await
}

/// Deliveries that the endpoint took, turned on their side for `unnest`.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) ids: Vec<i64>,
    pub(crate) statuses: Vec<i32>,
    pub(crate) millis: Vec<i32>,
}

pub(crate) async fn taken(conn: &mut PgConnection, lease: &Lease, taken: &Taken) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE delivery.webhook_deliveries d
            SET status = 'DELIVERED', attempts = attempts + 1, attempted_at = clock_timestamp(),
                finished_at = clock_timestamp(), response_status = t.status, response_ms = t.ms, error = NULL
           FROM unnest($3::bigint[], $4::integer[], $5::integer[]) AS t (id, status, ms)
          WHERE d.guild_id = $1 AND d.webhook_id = $2 AND d.id = t.id AND d.status = 'PENDING'",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        &taken.ids,
        &taken.statuses,
        &taken.millis,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE delivery.webhook_queues SET failures = 0, failing_since = NULL, last_success_at = clock_timestamp()
          WHERE guild_id = $1 AND webhook_id = $2",
        lease.guild_id.get(),
        lease.webhook_id.get(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is known of a failed attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failure {
    pub(crate) status: Option<i32>,
    pub(crate) ms: i32,
    pub(crate) error: String,
}

/// Records that a delivery failed, and gives up what is older than a day. Returns how many were given up.
pub(crate) async fn failed(
    conn: &mut PgConnection,
    lease: &Lease,
    delivery: i64,
    failure: &Failure,
) -> sqlx::Result<u64> {
    sqlx::query!(
        "UPDATE delivery.webhook_deliveries
            SET attempts = attempts + 1, attempted_at = clock_timestamp(), response_status = $4, response_ms = $5, error = $6
          WHERE guild_id = $1 AND webhook_id = $2 AND id = $3 AND status = 'PENDING'",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        delivery,
        failure.status,
        failure.ms,
        failure.error,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE delivery.webhook_queues
            SET failures = failures + 1, failing_since = coalesce(failing_since, clock_timestamp())
          WHERE guild_id = $1 AND webhook_id = $2",
        lease.guild_id.get(),
        lease.webhook_id.get(),
    )
    .execute(&mut *conn)
    .await?;
    let dead = sqlx::query!(
        "UPDATE delivery.webhook_deliveries SET status = 'DEAD', finished_at = now()
          WHERE guild_id = $1 AND webhook_id = $2 AND status = 'PENDING'
            AND queued_at < now() - make_interval(secs => $3)",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        GIVE_UP_AFTER.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(dead.rows_affected())
}

/// Goes on working on the queue.
pub(crate) async fn renew(conn: &mut PgConnection, lease: &Lease, time: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE delivery.webhook_queues SET locked_until = now() + make_interval(secs => $3)
          WHERE guild_id = $1 AND webhook_id = $2",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        time.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Leaves the queue to others: until `wait` is over, if something is pending, else until something is.
///
/// The row is locked, so whoever queues something has done so already, or does so after us.
pub(crate) async fn release(conn: &mut PgConnection, lease: &Lease, wait: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE delivery.webhook_queues q
            SET locked_by = NULL, locked_until = NULL,
                next_attempt_at = CASE WHEN EXISTS (
                    SELECT FROM delivery.webhook_deliveries d
                     WHERE d.guild_id = q.guild_id AND d.webhook_id = q.webhook_id AND d.status = 'PENDING')
                    THEN clock_timestamp() + make_interval(secs => $3) END
          WHERE guild_id = $1 AND webhook_id = $2",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        wait.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Disables the webhook, unless somebody did; true if it was us. Locks it after its queue, as deleting does not: a webhook
/// that is being deleted is left alone.
pub(crate) async fn disable(conn: &mut PgConnection, lease: &Lease, reason: &str) -> sqlx::Result<bool> {
    let result = sqlx::query!(
        "UPDATE delivery.webhooks SET enabled = false, disabled_reason = $3, disabled_at = now()
          WHERE guild_id = $1 AND enabled
            AND id = (SELECT id FROM delivery.webhooks WHERE guild_id = $1 AND id = $2 FOR NO KEY UPDATE SKIP LOCKED)",
        lease.guild_id.get(),
        lease.webhook_id.get(),
        reason,
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}
