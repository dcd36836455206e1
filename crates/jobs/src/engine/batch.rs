//! One batch: claim, execute and commit in one transaction; and finding the culprit when that fails.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, time::Instant};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use rand::{RngExt, rngs::StdRng};
use sqlx::{Connection, PgConnection};

use super::{
    failure::{End, Failure},
    figures,
    pace::{Claimed, retry_pause},
};
use crate::table::{Floor, Run, TimerError, TimerTable};

/// What came of a batch.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The queue is paused; nothing was claimed.
    Paused,
    /// What was claimed is done, or its failure is stored.
    Done(Claimed),
    /// The same, but for some whose failure could not be stored: they are still due.
    Stuck,
    /// PostgreSQL rolled it back for a deadlock, a serialization failure or a lock that somebody else held for too long:
    /// nothing happened, and no timer is to blame.
    Conflict,
}

/// The claim's circumstances.
pub(super) struct Head {
    pub(super) now: DateTime<Utc>,
    pub(super) paused: bool,
}

/// The database's time, and whether the queue is paused.
pub(super) async fn head(connection: &mut PgConnection, queue: &str) -> Result<Head, sqlx::Error> {
    sqlx::query_as!(
        Head,
        r#"SELECT now() AS "now!", EXISTS (SELECT FROM jobs.queues WHERE name = $1 AND paused) AS "paused!""#,
        queue,
    )
    .fetch_one(connection)
    .await
}

/// Runs a batch of at most `limit`. When it fails, claims again and finds out which timers are to blame.
pub(super) async fn run<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    run: &Run,
    floor: Option<Floor>,
    limit: i64,
    rng: &mut StdRng,
    forgive_conflicts: bool,
) -> Result<Outcome, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let head = head(&mut transaction, table.name()).await?;
    if head.paused {
        return Ok(Outcome::Paused);
    }
    let claiming = Instant::now();
    let timers = table.claim(&mut transaction, floor, limit).await?;
    let claim = claiming.elapsed();
    let claimed = |timers: &[T::Timer]| Claimed {
        count: i64::try_from(timers.len()).unwrap_or(i64::MAX),
        first: first::<T>(timers),
        now: head.now,
        claim,
        whole: run.started.elapsed(),
    };
    if timers.is_empty() {
        transaction.commit().await?;
        return Ok(Outcome::Done(claimed(&timers)));
    }
    let error = match guarded(table.execute(&mut transaction, run, &timers)).await {
        Ok(()) => match transaction.commit().await {
            Ok(()) => {
                figures::executed(table, head.now, &timers);
                return Ok(Outcome::Done(claimed(&timers)));
            }
            Err(error) => TimerError::Database(error),
        },
        Err(error) => {
            transaction.rollback().await?;
            error
        }
    };
    match error {
        TimerError::Database(error) if db::is_connection_lost(&error) => Err(error),
        TimerError::Database(error) if forgive_conflicts && is_conflict(&error) => {
            tracing::debug!(queue = table.name(), %error, "a batch was rolled back by PostgreSQL");
            Ok(Outcome::Conflict)
        }
        error => {
            tracing::warn!(queue = table.name(), size = timers.len(), %error, "a batch failed; it is run in halves");
            halves(connection, table, run, floor, limit, rng).await
        }
    }
}

/// Whether others are to blame: see [`Outcome::Conflict`].
fn is_conflict(error: &sqlx::Error) -> bool {
    // 55P03: lock not available.
    let locked = error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"));
    locked || db::is_retryable(error)
}

/// Claims again, runs what it gets in ever smaller parts, each under a savepoint, and stores the failure of those that fail
/// alone. All of it commits together, so a timer's failure is stored under the same lock under which it failed.
async fn halves<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    run: &Run,
    floor: Option<Floor>,
    limit: i64,
    rng: &mut StdRng,
) -> Result<Outcome, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let head = head(&mut transaction, table.name()).await?;
    if head.paused {
        return Ok(Outcome::Paused);
    }
    let claiming = Instant::now();
    let timers = table.claim(&mut transaction, floor, limit).await?;
    let claim = claiming.elapsed();
    let failures = settle(&mut transaction, table, run, &timers, rng).await?;
    transaction.commit().await?;
    figures::settled(table, head.now, &timers, &failures);
    if failures.iter().any(|failure| failure.end == End::Unstored) {
        return Ok(Outcome::Stuck);
    }
    Ok(Outcome::Done(Claimed {
        count: i64::try_from(timers.len()).unwrap_or(i64::MAX),
        first: first::<T>(&timers),
        now: head.now,
        claim,
        whole: run.started.elapsed(),
    }))
}

/// The first of the claimed: from there the next claim searches.
fn first<T: TimerTable>(timers: &[T::Timer]) -> Option<Floor> {
    timers.iter().map(|timer| Floor { at: T::scheduled_at(timer), id: T::id(timer) }).min()
}

/// Runs the timers, already claimed in this transaction, in ever smaller parts; returns those that failed.
pub(super) async fn settle<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    run: &Run,
    timers: &[T::Timer],
    rng: &mut StdRng,
) -> Result<Vec<Failure>, sqlx::Error> {
    let mut failures = Vec::new();
    // A stack with the earliest on top keeps the order. The whole is known to fail, so begin with its halves.
    let middle = timers.len() / 2;
    let mut parts = vec![middle..timers.len(), 0..middle];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let mut savepoint = connection.begin().await?;
        let result = guarded(async {
            table.execute(&mut savepoint, run, &timers[part.clone()]).await?;
            // What is checked only at commit must show itself here, where it can still be told whose fault it is.
            sqlx::query!("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *savepoint).await?;
            Ok(())
        })
        .await;
        match result {
            Ok(()) => savepoint.commit().await?,
            Err(TimerError::Database(error)) if db::is_connection_lost(&error) => return Err(error),
            Err(error) => {
                savepoint.rollback().await?;
                if part.len() > 1 {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                } else {
                    let timer = &timers[part.start];
                    let end = store_failure(connection, table, run, timer, &error, rng).await?;
                    failures.push(Failure { index: part.start, end });
                }
            }
        }
    }
    Ok(failures)
}

/// Stores the failure of a timer that failed alone.
pub(super) async fn store_failure<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    run: &Run,
    timer: &T::Timer,
    error: &TimerError,
    rng: &mut StdRng,
) -> Result<End, sqlx::Error> {
    let failures = T::retries(timer).saturating_add(1);
    let finally = matches!(error, TimerError::Fail(_)) || failures >= table.max_retries();
    let retry_in = (!finally).then(|| retry_pause(failures, rng.random()));
    let text = error.to_string();
    let mut savepoint = connection.begin().await?;
    match table.fail(&mut savepoint, run, timer, &text, retry_in).await {
        Ok(()) => savepoint.commit().await?,
        Err(problem) if db::is_connection_lost(&problem) => return Err(problem),
        Err(problem) => {
            // The others of the batch must not suffer. The timer stays due, and so shows itself as stuck.
            savepoint.rollback().await?;
            tracing::error!(queue = table.name(), timer = %T::id(timer), error = text, %problem,
                "a timer failed, and its failure could not be stored");
            return Ok(End::Unstored);
        }
    }
    let (queue, kind, timer) = (table.name(), T::kind(timer), T::id(timer));
    if finally {
        tracing::error!(queue, kind, %timer, failures, error = text, "a timer failed for good; an admin must re-run it");
    } else {
        tracing::warn!(queue, kind, %timer, failures, ?retry_in, error = text, "a timer failed and will be tried again");
    }
    Ok(if finally { End::Failed } else { End::Retried })
}

/// Turns a panic into a failure: one bad timer must not end the engine.
async fn guarded(work: impl Future<Output = Result<(), TimerError>>) -> Result<(), TimerError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(TimerError::Retry(format!("panicked: {}", panic_message(&*panic)))))
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
