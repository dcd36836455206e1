//! One reader per process that follows the outbox and hands every event to whoever listens.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::{broadcast, watch};

use super::{
    Position, Stored,
    read::{horizon, read_all_after},
};
use crate::{node::NodeHandle, wake::Wake};

/// How long the reader sleeps when nothing is new and nobody wakes it.
const POLL: Duration = Duration::from_millis(200);
/// Events read at once.
const BATCH: i64 = 1000;
/// Events a slow subscriber may be behind before it must catch up from the table.
const BACKLOG: usize = 4096;

/// The process's reader of the outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tail {
    pool: PgPool,
    events: Arc<Mutex<broadcast::WeakSender<Arc<Stored>>>>,
    position: watch::Receiver<Option<Position>>,
}

impl Tail {
    /// Starts to follow the outbox from now on, until the node stops.
    pub fn spawn(pool: PgPool, node: &NodeHandle, wake: &Wake) -> Self {
        let (events, _) = broadcast::channel(BACKLOG);
        let (position, position_receiver) = watch::channel(None);
        let tail = Self {
            pool: pool.clone(),
            events: Arc::new(Mutex::new(events.downgrade())),
            position: position_receiver,
        };
        let stopping = node.stopping().clone();
        let mut signal = wake.subscribe_outbox();
        // The only strong sender lives in the task: when that ends, subscribers learn that there is no more.
        node.spawn(async move {
            let mut pause = POLL;
            loop {
                signal.borrow_and_update();
                let more = match follow(&pool, &events, &position).await {
                    Ok(more) => {
                        pause = POLL;
                        more
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the outbox cannot be read");
                        pause = (pause * 2).min(Duration::from_secs(5));
                        false
                    }
                };
                if more {
                    tokio::task::yield_now().await;
                    if stopping.is_cancelled() {
                        return;
                    }
                    continue;
                }
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                    _ = signal.changed() => {}
                }
            }
        });
        tail
    }

    /// Events from now on. To resume from a position without a gap, subscribe first and then read the table from there: a
    /// [`Feed`](super::Feed) does so.
    pub fn subscribe(&self) -> Subscription {
        let sender = self.events.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        Subscription { receiver: sender.map(|sender| sender.subscribe()) }
    }

    /// Up to where the reader has come: every event before it was handed out. Waits for the first look at the database.
    pub async fn position(&self) -> Result<Position, TailError> {
        let mut position = self.position.clone();
        let position = position.wait_for(Option::is_some).await.map_err(|_| TailError::Stopped)?;
        position.ok_or(TailError::Stopped)
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// Reads on and hands out; true when there may be more at once.
async fn follow(
    pool: &PgPool,
    events: &broadcast::Sender<Arc<Stored>>,
    position: &watch::Sender<Option<Position>>,
) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let after = *position.borrow();
    let Some(after) = after else {
        let now = horizon(&mut connection).await?;
        position.send_replace(Some(now));
        return Ok(true);
    };
    let batch = read_all_after(&mut connection, after, BATCH).await?;
    let count = batch.len();
    let Some((last, written)) = batch.last().map(|event| (event.position, event.created_at)) else {
        return Ok(false);
    };
    metrics::counter!("questhall_outbox_events_total").increment(count as u64);
    metrics::histogram!("questhall_outbox_lag_seconds").record(age(&mut connection, written).await?);
    drop(connection);
    for event in batch {
        // Without subscribers there is nobody to tell.
        let _ = events.send(Arc::new(event));
    }
    position.send_replace(Some(last));
    Ok(count as u64 == BATCH.unsigned_abs())
}

/// Seconds since `written`, which is when its transaction began, by the database's clock.
async fn age(connection: &mut PgConnection, written: DateTime<Utc>) -> Result<f64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT extract(epoch FROM clock_timestamp() - $1)::float8 AS "age!""#, written)
        .fetch_one(connection)
        .await
}

/// Why a subscription gave no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TailError {
    /// The subscriber was too slow: it must catch up from the table, from the last position it saw.
    #[error("too slow: {0} events were missed")]
    Lagged(u64),
    /// The node stops.
    #[error("the node is stopping")]
    Stopped,
}

/// A subscriber's end.
#[derive(Debug)]
pub struct Subscription {
    receiver: Option<broadcast::Receiver<Arc<Stored>>>,
}

impl Subscription {
    /// The next event of any guild, in order.
    pub async fn next(&mut self) -> Result<Arc<Stored>, TailError> {
        let receiver = self.receiver.as_mut().ok_or(TailError::Stopped)?;
        receiver.recv().await.map_err(|error| match error {
            broadcast::error::RecvError::Lagged(missed) => TailError::Lagged(missed),
            broadcast::error::RecvError::Closed => TailError::Stopped,
        })
    }
}
