//! What the database's errors mean to a client.

use std::time::Duration;

use kernel::Problem;
use kernel::problem::UNAVAILABLE;

/// 503 when the database is away or busy, 500 for anything else.
pub(crate) fn unavailable_or_internal(error: sqlx::Error) -> Problem {
    // A closed pool is a node on its way out.
    if db::is_connection_lost(&error) || matches!(error, sqlx::Error::PoolClosed) {
        tracing::warn!(%error, "the database did not answer");
        return Problem::new(UNAVAILABLE, "The database does not answer; try again in a moment.")
            .retry_after(Duration::from_secs(1));
    }
    error.into()
}
