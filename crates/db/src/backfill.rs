//! Changing the rows of a large table while the service runs.
//!
//! A migration adds the column; a backfill fills it, batch by batch, in the order of a key:
//! * Each batch is a transaction that changes some rows *and* advances the cursor in `jobs.backfills`. Whatever dies at
//!   whatever instant, every row is done exactly once and the next run goes on where this one came to.
//! * Two runners share the work: they take turns on the backfill's row, and the throttle holds for both together.
//! * A batch that takes too long is followed by a smaller one, so that locks are held briefly; the pace keeps below
//!   the rows per second that were allowed.
//! * [`pause`] and [`resume`] work from any node; dropping the future is a stop like any other.
//!
//! ```no_run
//! # async fn example(pool: &sqlx::PgPool) -> Result<(), db::backfill::BackfillError> {
//! use db::backfill::{self, Batch, Pace};
//! backfill::run(
//!     pool,
//!     "members_rank",
//!     "people.members",
//!     Pace::default(),
//!     |mut tx, after: Option<i64>, limit| async move {
//!         let done: Vec<i64> = sqlx::query_scalar(
//!             "WITH batch AS (SELECT id FROM things WHERE id > $1 ORDER BY id LIMIT $2 FOR UPDATE)
//!              UPDATE things SET rank = 0 FROM batch WHERE things.id = batch.id RETURNING things.id",
//!         )
//!         .bind(after.unwrap_or(i64::MIN))
//!         .bind(limit)
//!         .fetch_all(&mut *tx)
//!         .await?;
//!         Ok((tx, Batch { rows: done.len() as u64, last: done.into_iter().max() }))
//!     },
//!     |progress| println!("{} of about {:?}", progress.rows_done, progress.rows_estimated),
//! )
//! .await?;
//! # Ok(())
//! # }
//! ```

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, PgPool, PgTransaction};

use crate::errors::is_retryable;

/// How often a batch is tried again in a row before the backfill counts as failed.
const MAX_RETRIES: u32 = 5;

/// How fast a backfill may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rows of the largest batch; also of the first.
    pub batch: u32,
    /// How long a batch should take at most: locks are held that long.
    pub batch_time: Duration,
    /// Rows per second over all runners together; None: as fast as it goes.
    pub rows_per_second: Option<u32>,
}

impl Default for Pace {
    /// Batches of 1,000 rows or a quarter of a second, at most 10,000 rows a second: the service hardly notices.
    fn default() -> Self {
        Self { batch: 1000, batch_time: Duration::from_millis(250), rows_per_second: Some(10_000) }
    }
}

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<K> {
    /// Rows it went through, changed or not.
    pub rows: u64,
    /// The key of the last of them; None when no row was left, which ends the backfill.
    pub last: Option<K>,
}

/// How far a backfill has come, after each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done, by all runs together.
    pub rows_done: u64,
    /// Rows in all, estimated when it first began.
    pub rows_estimated: Option<u64>,
    /// Rows of the batch that was just committed.
    pub batch: u64,
    /// How long this run has been going.
    pub elapsed: Duration,
}

/// How a run ended, short of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No row is left; it holds how many rows were done in all.
    Completed(u64),
    /// Somebody paused it; the next run after [`resume`] goes on.
    Paused(u64),
}

/// Why a backfill stopped. What was committed stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The database refused, or stayed away for too long.
    #[error("backfill {name} stopped: {source}")]
    Database {
        /// The backfill.
        name: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// The stored cursor is not of the type that the backfill's code expects: another backfill of the same name.
    #[error("backfill {name} cannot go on: its cursor in jobs.backfills is not readable ({source})")]
    Cursor {
        /// The backfill.
        name: String,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
    /// No backfill has that name.
    #[error("there is no backfill {0}")]
    Unknown(String),
}

/// A line of [`list`].
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Status {
    /// The backfill.
    pub name: String,
    /// RUNNING, PAUSED, COMPLETED or FAILED.
    pub state: String,
    /// Rows done so far.
    pub rows_done: i64,
    /// Rows in all, estimated when it first began.
    pub rows_estimated: Option<i64>,
    /// The latest failure.
    pub last_error: Option<String>,
    /// When it first began.
    pub started_at: DateTime<Utc>,
    /// When it last advanced.
    pub updated_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Runs the backfill `name` over `table` (for the estimate only) to its end, from wherever earlier runs came to.
///
/// `step` is given the batch's transaction, the last key done (None: from the beginning) and the most rows to take. It
/// goes through the next rows in the order of the key, and gives the transaction back along with the key of the last;
/// it neither commits nor rolls back. The key is stored as JSON; tuples make composite ones.
pub async fn run<K, F, R>(
    pool: &PgPool,
    name: &str,
    table: &str,
    pace: Pace,
    mut step: F,
    mut progress: impl FnMut(Progress),
) -> Result<Outcome, BackfillError>
where
    K: Serialize + DeserializeOwned,
    F: FnMut(PgTransaction<'static>, Option<K>, i64) -> R,
    R: Future<Output = sqlx::Result<(PgTransaction<'static>, Batch<K>)>>,
{
    let failed = |source| BackfillError::Database { name: name.to_owned(), source };
    begin(pool, name, table).await.map_err(failed)?;
    let begun = Instant::now();
    let mut size = i64::from(pace.batch.max(1));
    let mut failures = 0;
    loop {
        let batch_begun = Instant::now();
        match turn(pool, name, size, pace, &mut step).await {
            Ok(Turn::Advanced { rows_done, rows_estimated, batch }) => {
                failures = 0;
                progress(Progress { rows_done, rows_estimated, batch, elapsed: begun.elapsed() });
                size = next_size(size, batch_begun.elapsed(), pace);
            }
            Ok(Turn::Wait(wait)) => tokio::time::sleep(wait).await,
            Ok(Turn::Ended(outcome)) => return Ok(outcome),
            Err(TurnError::Cursor(source)) => {
                return Err(BackfillError::Cursor { name: name.to_owned(), source });
            }
            // The cursor says what was committed, so even a lost connection may simply be tried again.
            Err(TurnError::Database(error)) if is_retryable(&error) && failures < MAX_RETRIES => {
                failures += 1;
                tracing::warn!(name, failures, %error, "a batch of a backfill failed, trying it again");
                tokio::time::sleep(Duration::from_millis(100 << failures)).await;
            }
            Err(TurnError::Database(error)) => {
                mark_failed(pool, name, &error).await;
                return Err(failed(error));
            }
        }
    }
}

/// Half the size after a batch that took too long, half as much again after a quick one.
fn next_size(size: i64, took: Duration, pace: Pace) -> i64 {
    let size = if took > pace.batch_time {
        size / 2
    } else if took < pace.batch_time / 2 {
        size + size / 2 + 1
    } else {
        size
    };
    size.clamp(1, i64::from(pace.batch.max(1)))
}

enum Turn {
    Advanced { rows_done: u64, rows_estimated: Option<u64>, batch: u64 },
    Wait(Duration),
    Ended(Outcome),
}

enum TurnError {
    Database(sqlx::Error),
    Cursor(serde_json::Error),
}

impl From<sqlx::Error> for TurnError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    state: String,
    cursor: Option<serde_json::Value>,
    rows_done: i64,
    rows_estimated: Option<i64>,
    idle_ms: i64,
}

/// One batch, if it is time for one and the backfill is to go on.
async fn turn<K, F, R>(
    pool: &PgPool,
    name: &str,
    size: i64,
    pace: Pace,
    step: &mut F,
) -> Result<Turn, TurnError>
where
    K: Serialize + DeserializeOwned,
    F: FnMut(PgTransaction<'static>, Option<K>, i64) -> R,
    R: Future<Output = sqlx::Result<(PgTransaction<'static>, Batch<K>)>>,
{
    let mut transaction = crate::begin(pool).await?;
    // The lock on this row is the turn. `clock_timestamp`, not `now`: we may have waited for it.
    let row: Row = sqlx::query_as(
        "SELECT state, cursor, rows_done, rows_estimated,
                (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint AS idle_ms
           FROM jobs.backfills WHERE name = $1 FOR UPDATE",
    )
    .bind(name)
    .fetch_one(&mut *transaction)
    .await?;
    let rows_done = unsigned(row.rows_done);
    match row.state.as_str() {
        "PAUSED" => return Ok(Turn::Ended(Outcome::Paused(rows_done))),
        "COMPLETED" => return Ok(Turn::Ended(Outcome::Completed(rows_done))),
        _ => {}
    }
    if let Some(wait) = pause_before(size, row.cursor.is_some(), unsigned(row.idle_ms), pace) {
        return Ok(Turn::Wait(wait));
    }
    let after = row.cursor.map(serde_json::from_value).transpose().map_err(TurnError::Cursor)?;
    let (mut transaction, batch) = step(transaction, after, size).await?;
    let cursor = batch.last.map(serde_json::to_value).transpose().map_err(TurnError::Cursor)?;
    let finished = cursor.is_none();
    let total = rows_done + batch.rows;
    sqlx::query(
        "UPDATE jobs.backfills
            SET cursor = coalesce($2, cursor), rows_done = $3, updated_at = clock_timestamp(), last_error = NULL,
                state = CASE WHEN $4 THEN 'COMPLETED' ELSE 'RUNNING' END,
                finished_at = CASE WHEN $4 THEN clock_timestamp() END
          WHERE name = $1",
    )
    .bind(name)
    .bind(cursor)
    .bind(i64::try_from(total).unwrap_or(i64::MAX))
    .bind(finished)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    if finished {
        return Ok(Turn::Ended(Outcome::Completed(total)));
    }
    let rows_estimated = row.rows_estimated.map(unsigned);
    Ok(Turn::Advanced { rows_done: total, rows_estimated, batch: batch.rows })
}

/// How long to wait before the next batch so that all runners together keep the pace: a batch of n rows may begin
/// n / rate after the last one was committed, whoever did that.
fn pause_before(size: i64, begun: bool, idle_ms: u64, pace: Pace) -> Option<Duration> {
    let rate = u64::from(pace.rows_per_second?.max(1));
    let due_ms = unsigned(size).saturating_mul(1000) / rate;
    (begun && idle_ms < due_ms).then(|| Duration::from_millis(due_ms - idle_ms))
}

/// Registers the backfill, or takes up one that failed.
async fn begin(pool: &PgPool, name: &str, table: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO jobs.backfills (name, rows_estimated)
          SELECT $1, (SELECT sum(greatest(reltuples, 0))::bigint
                        FROM pg_class
                       WHERE oid IN (SELECT relid FROM pg_partition_tree(to_regclass($2)) WHERE isleaf
                                     UNION ALL SELECT to_regclass($2)::oid WHERE to_regclass($2) IS NOT NULL
                                        AND NOT EXISTS (SELECT FROM pg_partition_tree(to_regclass($2)))))
          ON CONFLICT (name) DO UPDATE SET state = 'RUNNING', updated_at = clock_timestamp()
           WHERE backfills.state = 'FAILED'",
    )
    .bind(name)
    .bind(table)
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes the failure where an operator looks. If even that fails, the caller's error still says it.
async fn mark_failed(pool: &PgPool, name: &str, error: &sqlx::Error) {
    let marked = sqlx::query(
        "UPDATE jobs.backfills SET state = 'FAILED', last_error = $2, updated_at = clock_timestamp()
          WHERE name = $1 AND state = 'RUNNING'",
    )
    .bind(name)
    .bind(error.to_string())
    .execute(pool)
    .await;
    if let Err(error) = marked {
        tracing::warn!(name, %error, "the failure of a backfill could not be noted");
    }
}

/// Stops the backfill's runners after their current batch, on whatever node they are.
pub async fn pause(pool: &PgPool, name: &str) -> Result<(), BackfillError> {
    change_state(pool, name, "PAUSED").await
}

/// Lets a paused or failed backfill run again; somebody must still call [`run`].
pub async fn resume(pool: &PgPool, name: &str) -> Result<(), BackfillError> {
    change_state(pool, name, "RUNNING").await
}

/// A completed backfill stays completed.
async fn change_state(pool: &PgPool, name: &str, state: &str) -> Result<(), BackfillError> {
    let changed = sqlx::query(
        "UPDATE jobs.backfills
            SET state = CASE WHEN state = 'COMPLETED' THEN state ELSE $2 END, updated_at = clock_timestamp()
          WHERE name = $1",
    )
    .bind(name)
    .bind(state)
    .execute(pool)
    .await
    .map_err(|source| BackfillError::Database { name: name.to_owned(), source })?;
    if changed.rows_affected() == 0 { Err(BackfillError::Unknown(name.to_owned())) } else { Ok(()) }
}

/// Every backfill there ever was, the latest first.
pub async fn list(connection: &mut PgConnection) -> sqlx::Result<Vec<Status>> {
    sqlx::query_as(
        "SELECT name, state, rows_done, rows_estimated, last_error, started_at, updated_at, finished_at
           FROM jobs.backfills ORDER BY started_at DESC, name",
    )
    .fetch_all(connection)
    .await
}

/// Counts and times that the schema keeps from being negative.
fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { batch: 1000, batch_time: Duration::from_millis(200), rows_per_second: Some(2000) };

    #[test]
    fn batches_shrink_when_slow_and_grow_back() {
        assert_eq!(next_size(1000, Duration::from_millis(300), PACE), 500);
        assert_eq!(next_size(1, Duration::from_secs(9), PACE), 1);
        assert_eq!(next_size(500, Duration::from_millis(150), PACE), 500);
        assert_eq!(next_size(500, Duration::from_millis(20), PACE), 751);
        assert_eq!(next_size(900, Duration::from_millis(20), PACE), 1000);
    }

    #[test]
    fn the_pace_is_kept_over_all_runners() {
        assert_eq!(pause_before(1000, false, 0, PACE), None);
        assert_eq!(pause_before(1000, true, 100, PACE), Some(Duration::from_millis(400)));
        assert_eq!(pause_before(1000, true, 500, PACE), None);
        assert_eq!(pause_before(1000, true, 0, Pace { rows_per_second: None, ..PACE }), None);
    }
}
