//! Caution after a node died: one of the timers it ran may have killed it, and must not kill the others one by one.
//!
//! The dead node's batch was rolled back, so its timers are among the earliest that are due. These are run one by one, and
//! before each run the attempt is counted in a transaction of its own, so that a death during the run leaves a trace.
//! A timer whose count says that it killed several nodes is FAILED unrun. Caution covers as many timers as a node can have in its
//! hands at once; if the culprit was not among them it kills again, and stands nearer to the front then.

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use sqlx::{Connection, PgConnection};

use super::{
    batch::{head, settle, store_failure},
    figures,
};
use crate::table::{MAX_CRASHES, Run, TimerError, TimerTable};

/// A period of caution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caution {
    /// Timers that were due by then are suspect.
    pub(super) until: DateTime<Utc>,
    /// How many are still run alone.
    pub(super) left: i64,
}

/// What came of a cautious step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One was run, or another node took it: go on.
    Next,
    /// No suspect is left.
    Over,
    /// The queue is paused.
    Paused,
}

/// Counts and runs the earliest due timer alone.
pub(super) async fn step<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    run: &Run,
    until: DateTime<Utc>,
    rng: &mut StdRng,
) -> Result<Step, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if head(&mut transaction, table.name()).await?.paused {
        return Ok(Step::Paused);
    }
    let Some(suspect) = claim_suspect(&mut transaction, table, until).await? else {
        return Ok(Step::Over);
    };
    let count = table.count_crash(&mut transaction, &suspect).await?;
    transaction.commit().await?;

    let mut transaction = connection.begin().await?;
    let now = head(&mut transaction, table.name()).await?.now;
    let Some(timer) = claim_suspect(&mut transaction, table, until).await? else {
        return Ok(Step::Over);
    };
    if T::id(&timer) != T::id(&suspect) {
        // Another node took ours between the two transactions; this one is not counted yet.
        return Ok(Step::Next);
    }
    let failures = if count > MAX_CRASHES {
        let error = TimerError::Fail(format!("{MAX_CRASHES} nodes in a row died while they ran it"));
        store_failure(&mut transaction, table, run, &timer, &error, rng).await?;
        vec![super::batch::Failure { index: 0, finally: true }]
    } else {
        settle(&mut transaction, table, run, std::slice::from_ref(&timer), rng).await?
    };
    transaction.commit().await?;
    figures::settled(table, now, std::slice::from_ref(&timer), &failures);
    Ok(Step::Next)
}

/// The earliest due timer, locked, if it is a suspect.
async fn claim_suspect<T: TimerTable>(
    connection: &mut PgConnection,
    table: &T,
    until: DateTime<Utc>,
) -> Result<Option<T::Timer>, sqlx::Error> {
    let earliest = table.claim(connection, None, 1).await?.into_iter().next();
    Ok(earliest.filter(|timer| T::scheduled_at(timer) <= until))
}
