//! One reader per process that follows the outbox and hands every event to whoever listens.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;

use super::{
    Position, Subscription, Topic,
    read::{horizon, read_all_after},
    topics::Topics,
};
use crate::{node::NodeHandle, wake::Wake};

/// How long the reader sleeps at most when nothing is new and nobody wakes it: while nobody follows it, and while somebody
/// does. Other nodes' events come without a wake-up.
const POLL: Duration = Duration::from_millis(200);
const FOLLOWED_POLL: Duration = Duration::from_millis(25);
/// How long it sleeps right after something was new: events seldom come alone.
const BUSY_POLL: Duration = Duration::from_millis(10);
/// How long it leaves the table alone after a look that found something: what comes meanwhile is read together. Longer while nobody follows it,
/// for whom it would be read.
const GATHER: Duration = Duration::from_millis(100);
const FOLLOWED_GATHER: Duration = Duration::from_millis(4);
/// How often the age of what is read is measured.
const MEASURE: Duration = Duration::from_secs(1);
/// Events read at once.
const BATCH: i64 = 1000;

/// The process's reader of the outbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tail {
    pool: PgPool,
    topics: Arc<Topics>,
    position: watch::Receiver<Option<Position>>,
}

impl Tail {
    /// Starts to follow the outbox from now on, until the node stops.
    pub fn spawn(pool: PgPool, node: &NodeHandle, wake: &Wake) -> Self {
        let (position, position_receiver) = watch::channel(None);
        let tail =
            Self { pool: pool.clone(), topics: Arc::new(Topics::default()), position: position_receiver };
        let stopping = node.stopping().clone();
        let topics = Arc::clone(&tail.topics);
        let mut signal = wake.subscribe_outbox();
        node.spawn(async move {
            let _stop = Stop(Arc::clone(&topics));
            let mut reader = Reader { pool, topics, position, measured: None };
            let mut pause = BUSY_POLL;
            loop {
                signal.borrow_and_update();
                match reader.follow().await {
                    Ok(Found::Nothing) => {
                        let most = if reader.topics.is_followed() { FOLLOWED_POLL } else { POLL };
                        pause = (pause * 2).min(most);
                    }
                    Ok(Found::Some) => {
                        pause = BUSY_POLL;
                        let rest = if reader.topics.is_followed() { FOLLOWED_GATHER } else { GATHER };
                        if stopping.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
                            return;
                        }
                    }
                    Ok(Found::More) => {
                        tokio::task::yield_now().await;
                        if stopping.is_cancelled() {
                            return;
                        }
                        continue;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the outbox cannot be read");
                        pause = (pause * 2).clamp(POLL, Duration::from_secs(5));
                    }
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

    /// All events from now on. To resume from a position without a gap, subscribe first and then read the table from
    /// there: a [`Feed`](super::Feed) does so.
    pub fn subscribe(&self) -> Subscription {
        self.topics.subscribe(Topic::Everything)
    }

    /// A topic's events from now on.
    pub fn follow(&self, topic: Topic) -> Subscription {
        self.topics.subscribe(topic)
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

/// Tells subscribers that there is no more, however the task ends.
struct Stop(Arc<Topics>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

enum Found {
    Nothing,
    Some,
    /// There may be more at once.
    More,
}

struct Reader {
    pool: PgPool,
    topics: Arc<Topics>,
    position: watch::Sender<Option<Position>>,
    measured: Option<Instant>,
}

impl Reader {
    /// Reads on and hands out.
    async fn follow(&mut self) -> Result<Found, sqlx::Error> {
        let mut connection = db::acquire(&self.pool).await?;
        let after = *self.position.borrow();
        let Some(after) = after else {
            let now = horizon(&mut connection).await?;
            self.position.send_replace(Some(now));
            return Ok(Found::More);
        };
        let batch = read_all_after(&mut connection, after, BATCH).await?;
        let count = batch.len();
        let Some((last, written)) = batch.last().map(|event| (event.position, event.created_at)) else {
            return Ok(Found::Nothing);
        };
        self.topics.publish(batch);
        self.position.send_replace(Some(last));
        metrics::counter!("questhall_outbox_events_total").increment(count as u64);
        if self.measured.is_none_or(|measured| measured.elapsed() >= MEASURE) {
            self.measured = Some(Instant::now());
            metrics::histogram!("questhall_outbox_delay_seconds")
                .record(age(&mut connection, written).await?);
        }
        Ok(if count as u64 == BATCH.unsigned_abs() { Found::More } else { Found::Some })
    }
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
