//! Whole transactions: the time they run at, and running them again when PostgreSQL asks for it.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, error::DatabaseError};

use crate::errors::{is_rollback_code, is_rolled_back};

/// How often [`retry`] runs a transaction at most. Deadlocks between our own statements are ruled out by lock order,
/// so a third failure in a row means a fault, not bad luck.
pub const MAX_ATTEMPTS: u32 = 5;

/// The database's time, which alone decides what is due: the start of the current transaction, in UTC.
pub async fn now(connection: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar("SELECT now()").fetch_one(connection).await
}

/// Begins a transaction: [`sqlx::Pool::begin`], its future boxed. All that a pool awaits would else be part of the type of
/// every future above it, and the compiler proves of each handler anew that all of it is `Send`: four tenths of the time in
/// which a crate of handlers is compiled.
pub fn begin(pool: &PgPool) -> BoxFuture<'_, sqlx::Result<Transaction<'static, Postgres>>> {
    Box::pin(pool.begin())
}

/// Begins a transaction whose reads all see one instant, and which writes nothing; its future boxed as that of [`begin`] is. For what is
/// told together and must agree: elsewhere a connection will do.
pub fn begin_reading(pool: &PgPool) -> BoxFuture<'_, sqlx::Result<Transaction<'static, Postgres>>> {
    Box::pin(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
}

/// Takes a connection out of the pool: [`sqlx::Pool::acquire`], its future boxed as that of [`begin`] is. For single statements, too: on
/// the pool itself, each would bring along all that a pool awaits.
pub fn acquire(pool: &PgPool) -> BoxFuture<'_, sqlx::Result<PoolConnection<Postgres>>> {
    Box::pin(pool.acquire())
}

/// Runs `work`, a whole transaction from begin to commit; runs it again, from the start, when PostgreSQL rolled it back
/// for a serialization failure (40001) or a deadlock (40P01), at most [`MAX_ATTEMPTS`] times in all with growing
/// pauses.
///
/// `work` must do nothing that outlives a rollback. Any other error, and a broken connection above all (whose commit
/// may have happened), is returned as it is.
///
/// ```no_run
/// # async fn example(pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
/// let rank = db::retry(|| async {
///     let mut tx = db::begin(pool).await?;
///     let rank: i64 = sqlx::query_scalar("SELECT 1::bigint").fetch_one(&mut *tx).await?;
///     tx.commit().await?;
///     Ok::<_, sqlx::Error>(rank)
/// })
/// .await?;
/// # let _ = rank;
/// # Ok(())
/// # }
/// ```
pub async fn retry<T, E, F, R>(mut work: F) -> Result<T, E>
where
    E: Error + 'static,
    F: FnMut() -> R,
    R: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match work().await {
            Err(error) if attempt < MAX_ATTEMPTS && was_rolled_back(&error) => {
                tracing::debug!(attempt, %error, "transaction rolled back by PostgreSQL, running it again");
                tokio::time::sleep(Duration::from_millis(5 << attempt)).await;
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Looks for the database's verdict anywhere in the chain of causes, so that each slice's own error type will do.
fn was_rolled_back(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(|error| {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            return is_rolled_back(error);
        }
        // `#[error(transparent)]` hides the `sqlx::Error` and shows only what it wraps.
        error
            .downcast_ref::<Box<dyn DatabaseError>>()
            .is_some_and(|error| error.code().is_some_and(|code| is_rollback_code(&code)))
    })
}
