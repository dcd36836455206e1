//! What a database error means to the code that met it.

use sqlx::postgres::PgDatabaseError;

/// A write changed another number of rows than its author was sure of: somebody else was there first, or the caller
/// is wrong. Either way the transaction must not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the statement changed {actual} rows where {expected} were expected")]
pub struct AffectedError {
    /// Rows the caller expected.
    pub expected: u64,
    /// Rows PostgreSQL reports.
    pub actual: u64,
}

/// Asserts that a statement changed exactly `expected` rows. Accepts `query.execute(…).await?` as it comes.
pub fn ensure_affected(result: &sqlx::postgres::PgQueryResult, expected: u64) -> Result<(), AffectedError> {
    let actual = result.rows_affected();
    if actual == expected { Ok(()) } else { Err(AffectedError { expected, actual }) }
}

impl From<AffectedError> for sqlx::Error {
    fn from(error: AffectedError) -> Self {
        if error.actual == 0 { Self::RowNotFound } else { Self::Protocol(error.to_string()) }
    }
}

/// The violated constraint or unique index, by name, so that the caller can turn it into a sentence.
/// PostgreSQL names it for unique, check, foreign-key, exclusion and not-null (by column, so none) violations, and for
/// `RAISE … USING CONSTRAINT` in our triggers.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint)
}

/// True when repeating the whole transaction can succeed: PostgreSQL rolled it back for a serialization failure or a
/// deadlock, the server was not there, or the connection broke.
///
/// After a broken connection nobody knows whether a COMMIT in flight took effect. Repeat only what is idempotent then;
/// [`crate::retry`] repeats on rolled-back errors alone.
pub fn is_retryable(error: &sqlx::Error) -> bool {
    is_rolled_back(error) || is_connection_lost(error)
}

/// True for 40001 (serialization failure) and 40P01 (deadlock detected): rolled back without a trace.
pub(crate) fn is_rolled_back(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(is_rollback_code)
}

/// See [`is_rolled_back`].
pub(crate) fn is_rollback_code(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// True when the connection or the server went away, or could not be reached: shutdown, crash, start-up, network.
pub fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        // 57P01 admin shutdown, 57P02 crash shutdown, 57P03 not accepting connections yet, 57P05 idle session ended,
        // 25P03 idle transaction ended, 53300 too many connections, class 08 connection exceptions.
        _ => sqlstate(error).is_some_and(|code| {
            matches!(code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "53300")
                || code.starts_with("08")
        }),
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
}
