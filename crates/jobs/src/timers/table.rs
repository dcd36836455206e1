//! `jobs.timers` as the engine sees it: the kinds whose handlers run in the timer's transaction.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{GuildId, TimerId};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{QUEUE, Timer, handlers::Transactional};
use crate::{
    outbox::{Event, emit_one},
    table::{Floor, Run, TimerError, TimerTable},
};

/// How far due timers are counted for the gauge.
const DEPTH_BOUND: i64 = 10_000;

/// The table, with the handlers of this process.
pub struct Timers {
    handlers: BTreeMap<&'static str, Transactional>,
    kinds: Vec<String>,
}

impl std::fmt::Debug for Timers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timers").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl Timers {
    pub(super) fn new(handlers: BTreeMap<&'static str, Transactional>) -> Self {
        let kinds = handlers.keys().map(|kind| (*kind).to_owned()).collect();
        Self { handlers, kinds }
    }
}

/// Tells the guild's admins of a timer that failed for good.
pub(super) async fn emit_failed(
    connection: &mut PgConnection,
    timer: &Timer,
    error: &str,
) -> Result<(), sqlx::Error> {
    let Some(guild_id) = timer.guild_id else {
        return Ok(());
    };
    let event = Event {
        guild_id,
        event_type: "timer.failed",
        subject: format!("timers/{}", timer.id),
        correlation_id: None,
        // Nobody but admins: errors may hold what members must not see.
        user_id: None,
        payload: json!({ "queue": QUEUE, "kind": timer.kind, "error": error }),
    };
    emit_one(connection, event).await
}

impl TimerTable for Timers {
    type Timer = Timer;

    fn name(&self) -> &'static str {
        QUEUE
    }

    fn id(timer: &Timer) -> Uuid {
        timer.id.get()
    }

    fn kind(timer: &Timer) -> &str {
        &timer.kind
    }

    fn scheduled_at(timer: &Timer) -> DateTime<Utc> {
        timer.scheduled_at
    }

    fn retries(timer: &Timer) -> i32 {
        timer.retry_count
    }

    // Per kind, so that each scan begins at that kind's first due timer, whatever backlog others have.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
        limit: i64,
    ) -> Result<Vec<Timer>, sqlx::Error> {
        sqlx::query_as!(
            Timer,
            r#"SELECT t.id AS "id: TimerId", t.kind, t.guild_id AS "guild_id: GuildId", t.dedupe_key, t.scheduled_at, t.payload,
                      t.retry_count
                 FROM unnest($1::text[]) AS k (kind)
                CROSS JOIN LATERAL (
                    SELECT id, kind, guild_id, dedupe_key, scheduled_at, payload, retry_count
                      FROM jobs.timers
                     WHERE kind = k.kind AND status = 'PENDING' AND scheduled_at <= now()
                       AND (scheduled_at, id) >= (coalesce($2::timestamptz, '-infinity'), coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
                     ORDER BY scheduled_at, id
                     LIMIT $3
                       FOR UPDATE SKIP LOCKED) AS t
                ORDER BY t.scheduled_at, t.id
                LIMIT $3"#,
            &self.kinds,
            floor.map(|floor| floor.at),
            limit,
            floor.map(|floor| floor.id),
        )
        .fetch_all(connection)
        .await
    }

    async fn execute(
        &self,
        connection: &mut PgConnection,
        _run: &Run,
        timers: &[Timer],
    ) -> Result<(), TimerError> {
        for timer in timers {
            let handler = self
                .handlers
                .get(timer.kind.as_str())
                .ok_or_else(|| TimerError::Retry(format!("this node has no handler for {}", timer.kind)))?;
            handler(&mut *connection, timer).await?;
        }
        let ids: Vec<Uuid> = timers.iter().map(Self::id).collect();
        let result = sqlx::query!(
            "UPDATE jobs.timers SET status = 'COMPLETED', executed_at = now(), crash_count = 0
              WHERE id = ANY($1) AND status = 'PENDING'",
            &ids,
        )
        .execute(connection)
        .await?;
        db::ensure_affected(&result, timers.len() as u64).map_err(sqlx::Error::from)?;
        Ok(())
    }

    async fn fail(
        &self,
        connection: &mut PgConnection,
        _run: &Run,
        timer: &Timer,
        error: &str,
        retry_in: Option<Duration>,
    ) -> Result<(), sqlx::Error> {
        let result = sqlx::query!(
            "UPDATE jobs.timers
                SET retry_count = least(retry_count + 1, 5), crash_count = 0, last_error = $2,
                    status = CASE WHEN $3::float8 IS NULL THEN 'FAILED' ELSE 'PENDING' END,
                    scheduled_at = CASE WHEN $3 IS NULL THEN scheduled_at ELSE now() + make_interval(secs => $3) END
              WHERE id = $1 AND status = 'PENDING'",
            timer.id.get(),
            error,
            retry_in.map(|pause| pause.as_secs_f64()),
        )
        .execute(&mut *connection)
        .await?;
        if result.rows_affected() == 1 && retry_in.is_none() {
            emit_failed(connection, timer, error).await?;
        }
        Ok(())
    }

    async fn count_crash(&self, connection: &mut PgConnection, timer: &Timer) -> Result<i32, sqlx::Error> {
        sqlx::query_scalar!(
            "UPDATE jobs.timers SET crash_count = crash_count + 1 WHERE id = $1 RETURNING crash_count",
            timer.id.get(),
        )
        .fetch_one(connection)
        .await
    }

    async fn next_due(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
    ) -> Result<Option<TimeDelta>, sqlx::Error> {
        let seconds = sqlx::query_scalar!(
            "SELECT extract(epoch FROM min(t.scheduled_at) - clock_timestamp())::float8
               FROM unnest($1::text[]) AS k (kind)
              CROSS JOIN LATERAL (
                  SELECT scheduled_at FROM jobs.timers
                   WHERE kind = k.kind AND status = 'PENDING'
                     AND (scheduled_at, id) >= (coalesce($2::timestamptz, '-infinity'), coalesce($3::uuid, '00000000-0000-0000-0000-000000000000'))
                   ORDER BY scheduled_at, id LIMIT 1) AS t",
            &self.kinds,
            floor.map(|floor| floor.at),
            floor.map(|floor| floor.id),
        )
        .fetch_one(connection)
        .await?;
        Ok(seconds.map(crate::table::delta))
    }

    async fn depth(&self, connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
        let due = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!"
                 FROM unnest($1::text[]) AS k (kind)
                CROSS JOIN LATERAL (
                    SELECT FROM jobs.timers
                     WHERE kind = k.kind AND status = 'PENDING' AND scheduled_at <= now() LIMIT $2) AS t"#,
            &self.kinds,
            DEPTH_BOUND,
        )
        .fetch_one(connection)
        .await?;
        Ok(Some(due))
    }
}
