//! Scheduling, cancelling, re-running and clearing away.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{GuildId, TimerId};
use serde_json::Value;
use sqlx::PgConnection;

use super::{At, QUEUE};
use crate::wake::{CHANNEL, MAX_SLEEP};

/// A timer to be written.
pub(super) struct Planned {
    pub(super) kind: &'static str,
    pub(super) guild_id: Option<GuildId>,
    /// At most one PENDING timer of a kind has this key.
    pub(super) dedupe_key: Option<String>,
    pub(super) at: At,
    pub(super) payload: Value,
}

/// Writes timers; answers the ids of those that did not wait already.
#[kernel::boxed]
pub(super) async fn insert(
    connection: &mut PgConnection,
    timers: &[Planned],
) -> Result<Vec<TimerId>, sqlx::Error> {
    let kinds: Vec<String> = timers.iter().map(|timer| timer.kind.to_owned()).collect();
    let guild_ids: Vec<Option<i64>> = timers.iter().map(|timer| timer.guild_id.map(GuildId::get)).collect();
    let keys: Vec<Option<String>> = timers.iter().map(|timer| timer.dedupe_key.clone()).collect();
    let due: Vec<Option<DateTime<Utc>>> = timers
        .iter()
        .map(|timer| match timer.at {
            At::At(time) => Some(time),
            At::Now | At::In(_) => None,
        })
        .collect();
    let delays: Vec<f64> = timers
        .iter()
        .map(|timer| match timer.at {
            At::In(delay) => delay.as_secs_f64(),
            At::Now | At::At(_) => 0.0,
        })
        .collect();
    let payloads: Vec<Value> = timers.iter().map(|timer| timer.payload.clone()).collect();
    // Sorted, so that two transactions that schedule the same keys wait for each other and do not deadlock. One NOTIFY for all
    // of them, and none when each is due after the engines' next look in any case.
    sqlx::query_scalar!(
        r#"WITH scheduled AS (
               INSERT INTO jobs.timers (kind, guild_id, dedupe_key, scheduled_at, payload)
               SELECT kind, guild_id, dedupe_key, coalesce(at, now() + make_interval(secs => delay)), payload
                 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::float8[], $6::jsonb[])
                      AS t (kind, guild_id, dedupe_key, at, delay, payload)
                ORDER BY kind, dedupe_key
               ON CONFLICT (kind, dedupe_key) WHERE status = 'PENDING' AND dedupe_key IS NOT NULL DO NOTHING
               RETURNING id, scheduled_at
           ), woken AS (
               SELECT pg_notify($7, $8)
                WHERE (SELECT min(scheduled_at) FROM scheduled) < clock_timestamp() + make_interval(secs => $9)
           )
           SELECT id AS "id: TimerId" FROM scheduled LEFT JOIN woken ON true"#,
        &kinds,
        &guild_ids as &[Option<i64>],
        &keys as &[Option<String>],
        &due as &[Option<DateTime<Utc>>],
        &delays,
        &payloads,
        CHANNEL,
        QUEUE,
        MAX_SLEEP.as_secs_f64() + 1.0,
    )
    .fetch_all(connection)
    .await
}

/// Cancels a pending or failed timer, and tells which of the two it was; `None` when it is neither.
pub async fn cancel_id(connection: &mut PgConnection, id: TimerId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "UPDATE jobs.timers t SET status = 'CANCELLED', executed_at = now()
           FROM (SELECT id, status FROM jobs.timers WHERE id = $1 AND status IN ('PENDING', 'FAILED')
                    FOR NO KEY UPDATE) before
          WHERE t.id = before.id
         RETURNING before.status",
        id.get(),
    )
    .fetch_optional(connection)
    .await
}

/// Runs a failed timer again, at once and with all its retries. `guild` limits it to that guild's timers. False when there is no
/// such failed timer, or one with its dedupe key is pending by now.
pub async fn retry_failed(
    connection: &mut PgConnection,
    id: TimerId,
    guild: Option<GuildId>,
) -> Result<bool, sqlx::Error> {
    let retried = sqlx::query_scalar!(
        r#"WITH retried AS (
               UPDATE jobs.timers AS t
                  SET status = 'PENDING', scheduled_at = now(), retry_count = 0, crash_count = 0, executed_at = NULL
                WHERE id = $1 AND status = 'FAILED' AND ($2::bigint IS NULL OR guild_id = $2)
                  AND NOT EXISTS (SELECT FROM jobs.timers AS o
                                   WHERE o.kind = t.kind AND o.dedupe_key = t.dedupe_key AND o.status = 'PENDING')
               RETURNING id
           )
           SELECT count(pg_notify($3, $4)) AS "count!" FROM retried"#,
        id.get(),
        guild.map(GuildId::get),
        CHANNEL,
        QUEUE,
    )
    .fetch_one(connection)
    .await?;
    Ok(retried == 1)
}

/// Deletes at most `limit` timers that were executed or cancelled longer ago than `age`; returns how many.
pub async fn clean_up(connection: &mut PgConnection, age: Duration, limit: i64) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "DELETE FROM jobs.timers
          WHERE id IN (SELECT id FROM jobs.timers
                        WHERE status IN ('COMPLETED', 'CANCELLED')
                          AND executed_at < now() - make_interval(secs => $1)
                        ORDER BY executed_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age.as_secs_f64(),
        limit,
    )
    .execute(connection)
    .await?;
    Ok(result.rows_affected())
}
