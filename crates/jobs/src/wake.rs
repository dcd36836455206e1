//! Wake-ups: how an engine that sleeps until its next timer learns of an earlier one, and how the outbox's reader learns
//! of new events.
//!
//! Within the process a wake-up is a counter that grows, so none is lost however early it comes. Between nodes it is a
//! `NOTIFY`, which costs a global lock at commit: it is sent only for a timer that is due before anybody would look
//! anyway. Every engine looks at its table at least once in [`MAX_SLEEP`], so whatever is due later needs no wake-up, and a
//! lost one costs no more than that.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::watch;

/// The channel on which nodes wake each other; the payload is the queue's name.
pub const CHANNEL: &str = "questhall_timers";

/// The longest an engine sleeps without a look at its table.
pub const MAX_SLEEP: Duration = Duration::from_secs(5);

/// Wakes engines and the outbox's reader of this process, and those of other nodes through the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Wake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queues: Mutex<HashMap<String, Queue>>,
    outbox: watch::Sender<u64>,
}

#[derive(Debug)]
struct Queue {
    signal: watch::Sender<u64>,
    /// Until when this process's engine sleeps, if it does: that timer's time by the database, and the instant.
    announced: Option<(DateTime<Utc>, Instant)>,
}

impl Default for Wake {
    fn default() -> Self {
        Self::new()
    }
}

impl Wake {
    /// One for the whole process.
    pub fn new() -> Self {
        Self(Arc::new(Inner { queues: Mutex::default(), outbox: watch::Sender::new(0) }))
    }

    /// Tells this process's engines of `queue` to look at their table. Call it after the commit that added a timer.
    pub fn timers(&self, queue: &str) {
        self.with(queue, |queue| queue.signal.send_modify(|count| *count = count.wrapping_add(1)));
    }

    /// Tells this process's reader of the outbox to look. Call it after the commit that emitted events.
    pub fn outbox(&self) {
        self.0.outbox.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Wakes every engine and reader of this process: for when it is unknown what was missed.
    pub fn everything(&self) {
        for queue in self.queues().values() {
            queue.signal.send_modify(|count| *count = count.wrapping_add(1));
        }
        self.outbox();
    }

    /// Says, within the transaction that adds it, that a timer of `queue` is due `at`; on commit the other nodes' engines
    /// are woken, if need be. Follow it with [`Wake::timers`] after the commit: that spares this process's own engine the
    /// way through the database.
    ///
    /// Nothing is sent for a timer that is not due soon, or that comes after one for which this process's engine will
    /// wake up anyway.
    pub async fn timer_scheduled(
        &self,
        connection: &mut PgConnection,
        queue: &str,
        at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let covered = self.with(queue, |queue| {
            queue.announced.is_some_and(|(announced, until)| announced <= at && Instant::now() < until)
        });
        if !covered {
            notify_if_soon(connection, queue, at).await?;
        }
        Ok(())
    }

    /// Grows with every wake-up of `queue`.
    pub fn subscribe(&self, queue: &str) -> watch::Receiver<u64> {
        self.with(queue, |queue| queue.signal.subscribe())
    }

    /// Grows with every wake-up of the outbox.
    pub(crate) fn subscribe_outbox(&self) -> watch::Receiver<u64> {
        self.0.outbox.subscribe()
    }

    /// An engine of this process says that it sleeps until the timer due at `at`, that is `until`; or that it is awake.
    pub(crate) fn announce(&self, queue: &str, asleep: Option<(DateTime<Utc>, Instant)>) {
        self.with(queue, |queue| queue.announced = asleep);
    }

    fn with<R>(&self, name: &str, f: impl FnOnce(&mut Queue) -> R) -> R {
        let mut queues = self.queues();
        if let Some(queue) = queues.get_mut(name) {
            return f(queue);
        }
        f(queues
            .entry(name.to_owned())
            .or_insert_with(|| Queue { signal: watch::Sender::new(0), announced: None }))
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, HashMap<String, Queue>> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `NOTIFY`, unless `at` is so far away that every engine will have looked before.
async fn notify_if_soon(
    connection: &mut PgConnection,
    queue: &str,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    // A second more than the longest sleep, for a look that is slow.
    sqlx::query!(
        "SELECT pg_notify($1, $2) WHERE $3 < clock_timestamp() + make_interval(secs => $4)",
        CHANNEL,
        queue,
        at,
        MAX_SLEEP.as_secs_f64() + 1.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Wakes every node's engines of `queue` when the transaction commits.
pub(crate) async fn notify(connection: &mut PgConnection, queue: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, queue).execute(connection).await?;
    Ok(())
}
