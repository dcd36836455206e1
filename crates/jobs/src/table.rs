//! What a table of timers must be able to do so that the [`Engine`](crate::Engine) can drain it.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// How many failures a timer has in it before it is FAILED (001).
pub const MAX_RETRIES: i32 = 5;

/// How many nodes in a row may die while they run a timer alone before it is FAILED unrun.
pub const MAX_CRASHES: i32 = 5;

/// A table of durable timers. Each method is a statement or a few over the caller's connection; none of them begins or
/// commits. The engine owns the transaction, so claim, effect and completion stand or fall together.
///
/// A timer is PENDING until [`execute`](Self::execute) completes it or [`fail`](Self::fail) makes it FAILED.
pub trait TimerTable: Send + Sync + 'static {
    /// A claimed timer: its id and what its execution needs.
    type Timer: Send + Sync;

    /// The queue's name, such as `campaigns.campaign_timers`: for wake-ups, pauses and figures.
    fn name(&self) -> &'static str;

    /// The timer's id.
    fn id(timer: &Self::Timer) -> Uuid;

    /// What sort of timer it is, for the figures; few distinct values.
    #[expect(clippy::unnecessary_literal_bound, reason = "others take it from the timer")]
    fn kind(_timer: &Self::Timer) -> &str {
        "timer"
    }

    /// When it was due, by the database's clock.
    fn scheduled_at(timer: &Self::Timer) -> DateTime<Utc>;

    /// How often it failed so far.
    fn retries(timer: &Self::Timer) -> i32;

    /// With this many failures it is FAILED.
    fn max_retries(&self) -> i32 {
        MAX_RETRIES
    }

    /// Locks at most `limit` due timers, the earliest first:
    ///
    /// ```sql
    /// SELECT … WHERE status = 'PENDING' AND scheduled_at <= now() AND (scheduled_at, id) >= floor
    ///  ORDER BY scheduled_at, id LIMIT limit FOR UPDATE SKIP LOCKED
    /// ```
    ///
    /// It may hold a timer back while another that comes before it is pending. Without a floor it searches from the beginning. Write the floor as `(scheduled_at, id) >= (coalesce($1, '-infinity'), coalesce($2, nil))`, so
    /// that it bounds the scan of the index: rows that died since an old snapshot was taken lie below it.
    fn claim(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Self::Timer>, sqlx::Error>> + Send;

    /// Has the timers' effects, set-based; marks them COMPLETED, writes their execution rows, further timers and outbox
    /// rows. All in the caller's transaction, in which they were claimed. An error undoes it all; the engine then finds
    /// out which timer is to blame by running them in halves.
    fn execute(
        &self,
        connection: &mut PgConnection,
        run: &Run,
        timers: &[Self::Timer],
    ) -> impl Future<Output = Result<(), TimerError>> + Send;

    /// Stores a failure: `retry_count + 1`, `last_error`, `crash_count = 0` (it came back), and `scheduled_at = now() +
    /// retry_in`; without `retry_in` it is FAILED and a `timer.failed` event goes to the outbox. Writes a FAILED execution row.
    /// Changes nothing when the timer is no longer PENDING.
    fn fail(
        &self,
        connection: &mut PgConnection,
        run: &Run,
        timer: &Self::Timer,
        error: &str,
        retry_in: Option<Duration>,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// `crash_count + 1`, and returns it. Committed alone before the timer is run alone, after a node died.
    fn count_crash(
        &self,
        connection: &mut PgConnection,
        timer: &Self::Timer,
    ) -> impl Future<Output = Result<i32, sqlx::Error>> + Send;

    /// Time until the earliest PENDING timer that is not before `floor`, by the database's clock: `min(scheduled_at) - now()`.
    /// Zero or negative when it is due, `None` when there is none.
    fn next_due(
        &self,
        connection: &mut PgConnection,
        floor: Option<Floor>,
    ) -> impl Future<Output = Result<Option<TimeDelta>, sqlx::Error>> + Send;

    /// How many are due, counted no further than to some bound, for the gauge of the queue's depth; `None` when it cannot be
    /// had cheaply. Asked every few seconds.
    fn depth(
        &self,
        _connection: &mut PgConnection,
    ) -> impl Future<Output = Result<Option<i64>, sqlx::Error>> + Send {
        std::future::ready(Ok(None))
    }
}

/// Where a search begins: nothing that is due comes before it, as far as the engine knows. A time alone would not do: a
/// thousand campaigns start at the same full hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Floor {
    /// The time at which it is due.
    pub at: DateTime<Utc>,
    /// Its id, which orders those of one time.
    pub id: Uuid,
}

/// One run of a batch: who, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// The node that runs it.
    pub node_id: Uuid,
    /// When it began, for the execution time.
    pub started: Instant,
}

impl Run {
    /// Milliseconds since it began, as execution rows store them.
    pub fn elapsed_ms(&self) -> i32 {
        i32::try_from(self.started.elapsed().as_millis()).unwrap_or(i32::MAX)
    }
}

/// Why a timer could not be executed. Says whether trying again makes sense.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// It may go better later: the timer is tried again after a pause.
    #[error("{0}")]
    Retry(String),
    /// It will never go: the timer is FAILED at once.
    #[error("{0}")]
    Fail(String),
    /// The database refused, or was not there. A lost connection is no fault of the timer's and is not counted.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Seconds, as `extract(epoch FROM …)` gives them, as a span; for [`TimerTable::next_due`]. Clamped to a century.
#[expect(clippy::cast_possible_truncation, reason = "clamped to a century of microseconds")]
pub fn delta(seconds: f64) -> TimeDelta {
    const CENTURY: f64 = 100.0 * 366.0 * 86_400.0;
    TimeDelta::microseconds((seconds.clamp(-CENTURY, CENTURY) * 1e6) as i64)
}
