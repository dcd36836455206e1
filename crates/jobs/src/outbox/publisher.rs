//! Durable readers of the outbox whose effects are outside of the database: brokers, other people's systems.
//!
//! Publishing may take long or hang, so no transaction is open meanwhile: it would hold up every reader of the outbox. One
//! node at a time publishes under a lease with a fencing token, and the cursor moves when the other side has confirmed.
//! A node that dies before that has the same events published again by the next; their ids tell.

use std::{future::Future, time::Duration};

use sqlx::{PgConnection, PgPool};
use tokio::task::JoinHandle;

use super::{
    Position, Start, Stored,
    consumer::ensure,
    read::{parse_xid, read_all_after},
};
use crate::{node::NodeHandle, wake::Wake};

/// How long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(30);
/// Longest that publishing a batch may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to sleep when nothing is new and nobody wakes us.
const POLL: Duration = Duration::from_millis(500);
/// How long to sleep after the first failure in a row, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Why a batch could not be published: it comes again.
pub type PublishError = Box<dyn std::error::Error + Send + Sync>;

/// Something outside that takes every event, at least once and in order.
pub trait Publisher: Send + Sync + 'static {
    /// Its name, which owns the cursor, such as `nats`.
    fn name(&self) -> &'static str;

    /// Where it begins.
    fn start(&self) -> Start {
        Start::Now
    }

    /// Events it takes at once.
    fn batch(&self) -> i64 {
        500
    }

    /// Publishes these events and waits for them to be confirmed. After an error the same events come again.
    fn publish(&self, events: &[Stored]) -> impl Future<Output = Result<(), PublishError>> + Send;
}

/// Publishes until the node stops; any number of nodes may do so, one at a time works.
pub fn spawn<P: Publisher>(pool: PgPool, publisher: P, mut node: NodeHandle, wake: &Wake) -> JoinHandle<()> {
    let mut signal = wake.subscribe_outbox();
    let workers = node.clone();
    workers.spawn(async move {
        let mut pause = PAUSES.0;
        while node.ready().await {
            let held = hold(&pool, &publisher, &mut node, &mut signal, &mut pause).await;
            let wait = match held {
                Ok(()) => POLL,
                Err(error) => {
                    let name = publisher.name();
                    metrics::counter!("questhall_outbox_consumer_errors_total", "consumer" => name)
                        .increment(1);
                    tracing::warn!(publisher = name, %error, ?pause, "events could not be published");
                    let wait = pause;
                    pause = (pause * 2).min(PAUSES.1);
                    wait
                }
            };
            tokio::select! {
                () = node.stopping().cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    })
}

/// Claims the cursor and publishes while all goes well. Gives the claim up when it ends: another node may fare better.
async fn hold<P: Publisher>(
    pool: &PgPool,
    publisher: &P,
    node: &mut NodeHandle,
    signal: &mut tokio::sync::watch::Receiver<u64>,
    pause: &mut Duration,
) -> Result<(), PublishError> {
    ensure(pool, publisher.name(), publisher.start()).await?;
    let mut conn = db::acquire(pool).await?;
    let Some((token, mut position)) = claim(&mut conn, publisher.name(), node).await? else { return Ok(()) };
    drop(conn);
    let outcome = async {
        while node.ready().await {
            signal.borrow_and_update();
            let mut conn = db::acquire(pool).await?;
            let events = read_all_after(&mut conn, position, publisher.batch()).await?;
            drop(conn);
            if let Some(last) = events.last().map(|event| event.position) {
                tokio::time::timeout(PATIENCE, publisher.publish(&events))
                    .await
                    .map_err(|_| format!("nothing was confirmed within {} s", PATIENCE.as_secs()))??;
                position = last;
                *pause = PAUSES.0;
                metrics::counter!("questhall_outbox_consumed_total", "consumer" => publisher.name())
                    .increment(events.len() as u64);
            }
            let mut conn = db::acquire(pool).await?;
            if !advance(&mut conn, publisher.name(), token, position).await? {
                return Err("another node publishes".into());
            }
            drop(conn);
            if events.len() as u64 == publisher.batch().unsigned_abs() {
                continue;
            }
            tokio::select! {
                () = node.stopping().cancelled() => break,
                () = tokio::time::sleep(POLL) => {}
                _ = signal.changed() => {}
            }
        }
        Ok(())
    }
    .await;
    let mut conn = db::acquire(pool).await?;
    release(&mut conn, publisher.name(), token).await?;
    outcome
}

/// Takes the cursor if nobody has it; one that a dead node had, without waiting for the lease to end.
async fn claim(
    conn: &mut PgConnection,
    name: &str,
    node: &NodeHandle,
) -> Result<Option<(i64, Position)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"UPDATE jobs.outbox_cursors
              SET locked_by = $2, locked_until = now() + make_interval(secs => $3), fencing_token = fencing_token + 1
            WHERE consumer = $1
              AND (locked_until IS NULL OR locked_until < now()
                   OR locked_by IN (SELECT id FROM jobs.nodes WHERE died_at IS NOT NULL))
        RETURNING fencing_token, transaction_id::text AS "transaction_id!", id"#,
        name,
        node.id(),
        LEASE.as_secs_f64(),
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let position = Position { transaction_id: parse_xid(&row.transaction_id)?, id: row.id };
    Ok(Some((row.fencing_token, position)))
}

/// Moves the cursor and renews the lease; false when the lease was lost.
async fn advance(
    conn: &mut PgConnection,
    name: &str,
    token: i64,
    position: Position,
) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!(
        "UPDATE jobs.outbox_cursors
            SET transaction_id = $3::text::xid8, id = $4, locked_until = now() + make_interval(secs => $5),
                updated_at = now()
          WHERE consumer = $1 AND fencing_token = $2 AND locked_by IS NOT NULL",
        name,
        token,
        position.transaction_id.to_string(),
        position.id,
        LEASE.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(result.rows_affected() == 1)
}

async fn release(conn: &mut PgConnection, name: &str, token: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE jobs.outbox_cursors SET locked_by = NULL, locked_until = NULL WHERE consumer = $1 AND fencing_token = $2",
        name,
        token,
    )
    .execute(conn)
    .await?;
    Ok(())
}
