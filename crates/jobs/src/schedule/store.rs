//! The rows of periodic jobs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{Job, QUEUE, Schedule};
use crate::{table::delta, wake};

/// A failed run is tried again after this time at the latest.
const RETRY: TimeDelta = TimeDelta::minutes(5);

/// A periodic job as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScheduleRow {
    /// The job.
    pub name: String,
    /// When it runs, in cron syntax, UTC.
    pub cron: String,
    /// The next run.
    pub next_run_at: DateTime<Utc>,
    /// The last one.
    pub last_run_at: Option<DateTime<Utc>>,
    /// How long that took, in milliseconds.
    pub last_duration_ms: Option<i32>,
    /// Why it failed; `None` when it did not.
    pub last_error: Option<String>,
    /// What it did.
    pub last_result: Option<Value>,
    /// Runs so far, failed ones among them.
    pub runs: i64,
    /// Failed runs so far.
    pub failures: i64,
    /// The node that ran it last.
    pub last_node_id: Option<Uuid>,
}

/// Every job ever declared, by name.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<ScheduleRow>, sqlx::Error> {
    sqlx::query_as!(
        ScheduleRow,
        "SELECT name, cron, next_run_at, last_run_at, last_duration_ms, last_error, last_result, runs, failures, last_node_id
           FROM jobs.schedules ORDER BY name",
    )
    .fetch_all(connection)
    .await
}

/// Makes a job due at once; some node's scheduler runs it when the transaction commits. Answers with when it was due and
/// when it is now; `None` when there is no such job.
pub async fn run_now(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, sqlx::Error> {
    let moved = sqlx::query!(
        "UPDATE jobs.schedules s SET next_run_at = now(), updated_at = now()
           FROM (SELECT name, next_run_at FROM jobs.schedules WHERE name = $1 FOR NO KEY UPDATE) before
          WHERE s.name = before.name
         RETURNING before.next_run_at AS before, s.next_run_at AS after",
        name
    )
    .fetch_optional(&mut *connection)
    .await?;
    wake::notify(connection, QUEUE).await?;
    Ok(moved.map(|moved| (moved.before, moved.after)))
}

/// Writes the jobs' rows. A new one is due at once; one whose pattern changed gets its next time by the new pattern, unless
/// it is due.
pub(super) async fn declare(connection: &mut PgConnection, jobs: &[&Job]) -> Result<(), sqlx::Error> {
    let now = db::now(&mut *connection).await?;
    let mut jobs = jobs.to_vec();
    jobs.sort_by_key(|job| job.schedule.name);
    let names: Vec<String> = jobs.iter().map(|job| job.schedule.name.to_owned()).collect();
    let crons: Vec<String> = jobs.iter().map(|job| job.schedule.cron.to_owned()).collect();
    let nexts: Vec<DateTime<Utc>> = jobs.iter().map(|job| job.next_after(now)).collect();
    sqlx::query!(
        "INSERT INTO jobs.schedules AS s (name, cron, next_run_at)
         SELECT name, cron, now() FROM unnest($1::text[], $2::text[]) AS t (name, cron) ORDER BY name
         ON CONFLICT (name) DO UPDATE
            SET cron = EXCLUDED.cron, updated_at = now(),
                next_run_at = least(s.next_run_at, ($3::timestamptz[])[array_position($1, s.name)])
          WHERE s.cron <> EXCLUDED.cron",
        &names,
        &crons,
        &nexts,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Time until each job is due, by the database's clock.
pub(super) async fn times(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<Vec<(String, TimeDelta)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT name, extract(epoch FROM next_run_at - clock_timestamp())::float8 AS "left!"
             FROM jobs.schedules WHERE name = ANY($1) ORDER BY next_run_at, name"#,
        names,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, delta(row.left))).collect())
}

/// A run that has its job's lock.
pub(super) struct Begun {
    /// The database's time.
    pub(super) now: DateTime<Utc>,
    /// The process of the database that it runs in.
    pub(super) backend: i32,
}

/// Breaks off what a process of the database does at this moment, if it does anything.
pub(super) async fn break_off(pool: &PgPool, backend: i32) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!("SELECT pg_cancel_backend($1)", backend)
        .fetch_one(&mut *db::acquire(pool).await?)
        .await?;
    Ok(())
}

/// Takes the job's lock for this transaction and sets its limits; `None` when another holds it, or the job is no longer due.
pub(super) async fn begin(
    connection: &mut PgConnection,
    schedule: &Schedule,
) -> Result<Option<Begun>, sqlx::Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended('jobs.schedules:' || $1, 0)) AS "locked!""#,
        schedule.name,
    )
    .fetch_one(&mut *connection)
    .await?;
    if !locked {
        return Ok(None);
    }
    // In a statement of its own: its snapshot is younger than the lock, and sees what the last holder committed.
    sqlx::query_as!(
        Begun,
        r#"SELECT now() AS "now!", pg_backend_pid() AS "backend!"
             FROM jobs.schedules,
                  set_config('statement_timeout', $2, true) AS a, set_config('lock_timeout', $3, true) AS b
            WHERE name = $1 AND next_run_at <= clock_timestamp()"#,
        schedule.name,
        schedule.statement_timeout.as_millis().to_string(),
        schedule.lock_timeout.as_millis().to_string(),
    )
    .fetch_optional(connection)
    .await
}

/// Milliseconds, as the table stores them.
fn millis(took: Duration) -> i32 {
    i32::try_from(took.as_millis()).unwrap_or(i32::MAX)
}

pub(super) async fn record_success(
    connection: &mut PgConnection,
    job: &Job,
    now: DateTime<Utc>,
    node: Uuid,
    took: Duration,
    result: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs.schedules
            SET last_run_at = $2, next_run_at = $3, last_duration_ms = $4, last_result = $5, last_error = NULL,
                runs = runs + 1, last_node_id = $6, updated_at = now()
          WHERE name = $1",
        job.schedule.name,
        now,
        job.next_after(now),
        millis(took),
        result,
        node,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn record_failure_in(
    connection: &mut PgConnection,
    job: &Job,
    now: DateTime<Utc>,
    node: Uuid,
    took: Duration,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs.schedules
            SET last_run_at = $2, next_run_at = $3, last_duration_ms = $4, last_error = $5, runs = runs + 1,
                failures = failures + 1, last_node_id = $6, updated_at = now()
          WHERE name = $1",
        job.schedule.name,
        now,
        job.next_after(now).min(now + RETRY),
        millis(took),
        error,
        node,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records a failure of the run's transaction itself, in another, unless the job ran meanwhile.
pub(super) async fn record_failure(
    pool: &PgPool,
    job: &Job,
    node: Uuid,
    error: &str,
) -> Result<(), sqlx::Error> {
    let mut transaction = db::begin(pool).await?;
    if let Some(Begun { now, .. }) = begin(&mut transaction, &job.schedule).await? {
        record_failure_in(&mut transaction, job, now, node, Duration::ZERO, error).await?;
    }
    transaction.commit().await
}
