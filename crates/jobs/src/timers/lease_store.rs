//! The statements of leases. Each is its own short transaction.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{GuildId, TimerId};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Timer;
use crate::table::{MAX_CRASHES, delta};

/// A timer claimed under a lease.
pub(super) struct Claimed {
    pub(super) timer: Timer,
    pub(super) token: i64,
    /// False when it was taken over once too often and is FAILED instead.
    pub(super) running: bool,
    pub(super) lateness: TimeDelta,
}

struct Row {
    id: TimerId,
    kind: String,
    guild_id: Option<GuildId>,
    dedupe_key: Option<String>,
    scheduled_at: DateTime<Utc>,
    payload: Value,
    retry_count: i32,
    fencing_token: i64,
    running: bool,
    late: f64,
}

/// Leases at most `limit` timers of a kind: first those whose lease ended without a word, or whose
/// node is known to be dead, then due ones. Every lease has a
/// greater token than all before it. One that five nodes in a row did not come back from is FAILED.
pub(super) async fn claim(
    connection: &mut PgConnection,
    kind: &str,
    node: Uuid,
    lease: Duration,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"WITH expired AS MATERIALIZED (
               SELECT id FROM jobs.timers
                WHERE kind = $1 AND status = 'RUNNING'
                  AND (locked_until < now() OR locked_by IN (SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL))
                ORDER BY locked_until LIMIT $2 FOR UPDATE SKIP LOCKED
           ), due AS MATERIALIZED (
               SELECT id FROM jobs.timers
                WHERE kind = $1 AND status = 'PENDING' AND scheduled_at <= now()
                ORDER BY scheduled_at, id LIMIT $2 - (SELECT count(*) FROM expired) FOR UPDATE SKIP LOCKED
           ), claimed AS (
               SELECT id, true AS expired FROM expired UNION ALL SELECT id, false FROM due
           )
           UPDATE jobs.timers AS t
              SET crash_count = t.crash_count + c.expired::int,
                  status = CASE WHEN c.expired AND t.crash_count + 1 >= $5 THEN 'FAILED' ELSE 'RUNNING' END,
                  locked_until = CASE WHEN c.expired AND t.crash_count + 1 >= $5 THEN NULL
                                      ELSE now() + make_interval(secs => $4) END,
                  last_error = CASE WHEN c.expired THEN 'the node that ran it did not come back' ELSE t.last_error END,
                  locked_by = $3,
                  fencing_token = t.fencing_token + 1
             FROM claimed AS c
            WHERE t.id = c.id
           RETURNING t.id AS "id: TimerId", t.kind, t.guild_id AS "guild_id: GuildId", t.dedupe_key, t.scheduled_at,
                     t.payload, t.retry_count, t.fencing_token, t.status = 'RUNNING' AS "running!",
                     extract(epoch FROM now() - t.scheduled_at)::float8 AS "late!""#,
        kind,
        limit,
        node,
        lease.as_secs_f64(),
        MAX_CRASHES,
    )
    .fetch_all(connection)
    .await?;
    let mut claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| Claimed {
            timer: Timer {
                id: row.id,
                kind: row.kind,
                guild_id: row.guild_id,
                dedupe_key: row.dedupe_key,
                scheduled_at: row.scheduled_at,
                payload: row.payload,
                retry_count: row.retry_count,
            },
            token: row.fencing_token,
            running: row.running,
            lateness: delta(row.late),
        })
        .collect();
    claimed.sort_by_key(|claimed| (claimed.timer.scheduled_at, claimed.timer.id));
    Ok(claimed)
}

/// Extends a lease; false when it was lost.
pub(super) async fn renew(
    connection: &mut PgConnection,
    id: TimerId,
    token: i64,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "UPDATE jobs.timers SET locked_until = now() + make_interval(secs => $3)
          WHERE id = $1 AND fencing_token = $2 AND status = 'RUNNING'",
        id.get(),
        token,
        lease.as_secs_f64(),
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Locks the timer's row until the transaction ends, if the lease still holds; false when it was lost.
pub(super) async fn confirm(
    connection: &mut PgConnection,
    id: TimerId,
    token: i64,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT FROM jobs.timers WHERE id = $1 AND fencing_token = $2 AND status = 'RUNNING' FOR UPDATE",
        id.get(),
        token,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// Completes it; false when the lease was lost, true also when this lease completed it already.
pub(super) async fn complete(
    connection: &mut PgConnection,
    id: TimerId,
    token: i64,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "UPDATE jobs.timers SET status = 'COMPLETED', executed_at = coalesce(executed_at, now()), locked_until = NULL, crash_count = 0
          WHERE id = $1 AND fencing_token = $2 AND status IN ('RUNNING', 'COMPLETED')",
        id.get(),
        token,
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Stores a failure: PENDING again after `retry_in`, or FAILED without it; CANCELLED when the same work was scheduled anew
/// meanwhile. Returns the status it has now, `None` when the lease was lost.
pub(super) async fn fail(
    connection: &mut PgConnection,
    id: TimerId,
    token: i64,
    error: &str,
    retry_in: Option<Duration>,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE jobs.timers AS t
            SET retry_count = least(t.retry_count + 1, 5), crash_count = 0, last_error = $3, locked_until = NULL,
                status = CASE WHEN $4::float8 IS NULL THEN 'FAILED'
                              WHEN EXISTS (SELECT FROM jobs.timers AS o
                                            WHERE o.kind = t.kind AND o.dedupe_key = t.dedupe_key AND o.status = 'PENDING')
                              THEN 'CANCELLED' ELSE 'PENDING' END,
                executed_at = CASE WHEN $4 IS NOT NULL
                                    AND EXISTS (SELECT FROM jobs.timers AS o
                                                 WHERE o.kind = t.kind AND o.dedupe_key = t.dedupe_key AND o.status = 'PENDING')
                                   THEN now() END,
                scheduled_at = CASE WHEN $4 IS NULL THEN t.scheduled_at ELSE now() + make_interval(secs => $4) END
          WHERE t.id = $1 AND t.fencing_token = $2 AND t.status = 'RUNNING'
          RETURNING t.status",
        id.get(),
        token,
        error,
        retry_in.map(|pause| pause.as_secs_f64()),
    )
    .fetch_optional(connection)
    .await
}

/// Ends a lease as if it had never been: PENDING again, due as before; CANCELLED when the same work was scheduled anew meanwhile.
/// False when the lease was lost, or the handler completed its timer itself.
pub(super) async fn give_back(
    connection: &mut PgConnection,
    id: TimerId,
    token: i64,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "UPDATE jobs.timers AS t
            SET locked_until = NULL, status = CASE WHEN anew.found THEN 'CANCELLED' ELSE 'PENDING' END,
                executed_at = CASE WHEN anew.found THEN now() END
           FROM (SELECT EXISTS (SELECT FROM jobs.timers AS mine
                                  JOIN jobs.timers AS other USING (kind, dedupe_key)
                                 WHERE mine.id = $1 AND other.status = 'PENDING') AS found) AS anew
          WHERE t.id = $1 AND t.fencing_token = $2 AND t.status = 'RUNNING'",
        id.get(),
        token,
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// Time until a timer of the kind is due or a lease of one ends, whichever is first.
pub(super) async fn next_due(
    connection: &mut PgConnection,
    kind: &str,
) -> Result<Option<TimeDelta>, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        "SELECT extract(epoch FROM least(
                    (SELECT min(scheduled_at) FROM jobs.timers WHERE kind = $1 AND status = 'PENDING'),
                    (SELECT min(locked_until) FROM jobs.timers WHERE kind = $1 AND status = 'RUNNING'))
                - clock_timestamp())::float8",
        kind,
    )
    .fetch_one(connection)
    .await?;
    Ok(seconds.map(delta))
}
