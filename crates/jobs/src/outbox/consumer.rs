//! Durable readers of the outbox: each has a cursor in the database that moves in the transaction of its effects.

use std::{future::Future, time::Duration};

use sqlx::{Connection, PgConnection, PgPool};
use tokio::task::JoinHandle;

use super::{
    Position, Stored,
    read::{horizon, parse_xid, read_all_after},
};
use crate::{node::NodeHandle, table::TimerError, wake::Wake};

/// Where a consumer begins that has no cursor yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest event that is kept.
    Beginning,
    /// With what happens from now on.
    Now,
}

/// How long a consumer sleeps when nothing is new and nobody wakes it.
const POLL: Duration = Duration::from_millis(500);
/// How long a consumer leaves the table alone after it found something: what comes meanwhile is consumed together. Twice as long after each
/// look that found something again, up to the longest: where answers come by the thousand, six consumers took more commits than the answers.
const GATHER: Duration = Duration::from_millis(40);
const LONGEST_GATHER: Duration = Duration::from_millis(320);
/// The longest sleep while the database is away.
const AWAY_POLL: Duration = Duration::from_secs(5);

/// Something that has an effect in the database for every event, once: a ledger, a table of deliveries.
pub trait Consumer: Send + Sync + 'static {
    /// Its name, which owns the cursor, such as `webhooks`.
    fn name(&self) -> &'static str;

    /// Where it begins.
    fn start(&self) -> Start {
        Start::Now
    }

    /// Events it takes at once.
    fn batch(&self) -> i64 {
        500
    }

    /// Has the effects of these events, in the transaction in which the cursor moves past them. After an error the same
    /// events come again.
    fn consume(
        &self,
        connection: &mut PgConnection,
        events: &[Stored],
    ) -> impl Future<Output = Result<(), TimerError>> + Send;
}

/// Starts a reader: see [`spawn`].
type Starter = Box<dyn FnOnce(&PgPool, &NodeHandle, &Wake) + Send>;

/// The readers of a slice, by name.
#[derive(Default)]
pub struct Consumers(Vec<(&'static str, Starter)>);

impl std::fmt::Debug for Consumers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Consumers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This one as well.
    #[must_use]
    pub fn with<C: Consumer>(mut self, consumer: C) -> Self {
        let name = consumer.name();
        let start = move |pool: &PgPool, node: &NodeHandle, wake: &Wake| {
            // Its handle is the node's, which waits for it when it stops.
            drop(spawn(pool.clone(), consumer, node.clone(), wake));
        };
        self.0.push((name, Box::new(start)));
        self
    }

    /// Their names, each of which owns a cursor.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// Has all of them consume until the node stops.
    pub fn start(self, pool: &PgPool, node: &NodeHandle, wake: &Wake) {
        for (_, start) in self.0 {
            start(pool, node, wake);
        }
    }
}

/// Takes one batch, if any other node is not just doing so: reads behind the cursor, consumes, moves the cursor, commits.
/// Returns how many events were consumed.
pub async fn consume_batch<C: Consumer>(
    connection: &mut PgConnection,
    consumer: &C,
) -> Result<usize, TimerError> {
    let mut transaction = connection.begin().await?;
    let Some(position) = lock_cursor(&mut transaction, consumer.name(), consumer.start()).await? else {
        return Ok(0);
    };
    let events = read_all_after(&mut transaction, position, consumer.batch()).await?;
    let Some(last) = events.last().map(|event| event.position) else {
        return Ok(0);
    };
    consumer.consume(&mut transaction, &events).await?;
    sqlx::query!(
        "UPDATE jobs.outbox_cursors SET transaction_id = $2::text::xid8, id = $3, updated_at = now() WHERE consumer = $1",
        consumer.name(),
        last.transaction_id.to_string(),
        last.id,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(events.len())
}

/// The cursor, locked; `None` when another transaction holds it.
async fn lock_cursor(
    connection: &mut PgConnection,
    name: &str,
    start: Start,
) -> Result<Option<Position>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT transaction_id::text AS "transaction_id!", id FROM jobs.outbox_cursors WHERE consumer = $1
           FOR UPDATE SKIP LOCKED"#,
        name,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = row {
        return Ok(Some(Position { transaction_id: parse_xid(&row.transaction_id)?, id: row.id }));
    }
    let start = match start {
        Start::Beginning => Position::START,
        Start::Now => horizon(connection).await?,
    };
    // Whoever inserts it first goes on; the others find it there, or locked, the next time.
    let inserted = sqlx::query!(
        "INSERT INTO jobs.outbox_cursors (consumer, transaction_id, id) VALUES ($1, $2::text::xid8, $3)
         ON CONFLICT DO NOTHING",
        name,
        start.transaction_id.to_string(),
        start.id,
    )
    .execute(connection)
    .await?;
    Ok((inserted.rows_affected() == 1).then_some(start))
}

/// Makes the cursor of that name, so that what happens from now on is not missed although nothing is consumed yet.
#[kernel::boxed]
pub(super) async fn ensure(pool: &PgPool, name: &str, start: Start) -> Result<(), sqlx::Error> {
    let mut transaction = db::begin(pool).await?;
    lock_cursor(&mut transaction, name, start).await?;
    transaction.commit().await
}

/// Consumes until the node stops; any number of nodes may do so, one at a time works.
pub fn spawn<C: Consumer>(pool: PgPool, consumer: C, mut node: NodeHandle, wake: &Wake) -> JoinHandle<()> {
    let mut signal = wake.subscribe_outbox();
    let workers = node.clone();
    workers.spawn(async move {
        let (mut pause, mut gather) = (POLL, GATHER);
        let mut registered = false;
        while node.ready().await {
            signal.borrow_and_update();
            let result = async {
                if !registered {
                    ensure(&pool, consumer.name(), consumer.start()).await?;
                    registered = true;
                }
                let mut connection = db::acquire(&pool).await?;
                consume_batch(&mut connection, &consumer).await
            };
            match result.await {
                Ok(count) => {
                    pause = POLL;
                    metrics::counter!("questhall_outbox_consumed_total", "consumer" => consumer.name())
                        .increment(count as u64);
                    if count as u64 == consumer.batch().unsigned_abs() {
                        continue;
                    }
                    if count == 0 {
                        gather = GATHER;
                    } else {
                        let rest = tokio::time::sleep(gather);
                        if node.stopping().run_until_cancelled(rest).await.is_none() {
                            return;
                        }
                        gather = (gather * 2).min(LONGEST_GATHER);
                    }
                }
                Err(TimerError::Database(error)) if db::is_connection_lost(&error) => {
                    pause = (pause * 2).min(AWAY_POLL);
                    tracing::warn!(consumer = consumer.name(), %error, ?pause, "the database is away; events wait");
                }
                Err(error) => {
                    metrics::counter!("questhall_outbox_consumer_errors_total", "consumer" => consumer.name())
                        .increment(1);
                    pause = (pause * 2).min(Duration::from_secs(30));
                    tracing::error!(consumer = consumer.name(), %error, ?pause, "events could not be consumed");
                }
            }
            tokio::select! {
                () = node.stopping().cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                _ = signal.changed(), if pause == POLL => {}
            }
        }
    })
}
