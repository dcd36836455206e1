//! Caution after a node died: one of the timers it ran may have killed it, and must not kill the others one by one.
//!
//! The dead node's batch was rolled back, so its timers are among the earliest that are due. These are run one by one, and
//! before each run the attempt is counted in a transaction of its own, so that a death during the run leaves a trace.
//! A timer whose count says that it killed several nodes is FAILED unrun. Caution covers as many timers as a node can have in its
//! hands at once; if the culprit was not among them it kills again, and stands nearer to the front then.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;

use super::{
    batch::{head, settle, store_failure},
    failure::Failure,
    figures,
};
use crate::table::{MAX_CRASHES, Run, TimerError, TimerTable};

/// A period of caution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caution {
    /// Timers that were due by then are suspect.
    until: DateTime<Utc>,
    /// How many are still run alone.
    left: i64,
}

/// The caution that an engine's workers share: the first of them runs the suspects, the others wait until they are through.
#[derive(Debug, Clone)]
pub(super) struct Cautions(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
struct State {
    /// The latest death that was heeded.
    heeded: Option<DateTime<Utc>>,
    current: Option<Caution>,
}

impl Cautions {
    pub(super) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    /// A node was found dead at this time: the next `count` timers that were due by then are suspects. True when this is news.
    pub(super) fn heed(&self, death: DateTime<Utc>, count: i64) -> bool {
        self.0.send_if_modified(|state| {
            let news = state.heeded.is_none_or(|heeded| heeded < death);
            if news {
                *state = State { heeded: Some(death), current: Some(Caution { until: death, left: count }) };
            }
            news
        })
    }

    /// Until when timers are suspect, if there is reason for caution.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.0.borrow().current.map(|caution| caution.until)
    }

    /// One suspect less, or none left at all.
    fn progress(&self, over: bool) {
        self.0.send_modify(|state| {
            if let Some(caution) = &mut state.current {
                caution.left -= 1;
                if over || caution.left <= 0 {
                    state.current = None;
                }
            }
        });
    }

    /// Waits until there is no reason for caution.
    pub(super) async fn over(&self) {
        // The sender lives as long as we do.
        let _ = self.0.subscribe().wait_for(|state| state.current.is_none()).await;
    }
}

/// What came of a cautious step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One was run, or there is none left: go on.
    Next,
    /// Another node is just running a suspect of this queue.
    Elsewhere,
    /// The queue is paused.
    Paused,
}

/// Counts and runs the earliest due timer alone. One node at a time does so per queue: else they would count runs of each other's
/// that never happened. The lock is that of the run's transaction; the count commits in another meanwhile, on another
/// connection.
pub(super) async fn step<T: TimerTable>(
    pool: &PgPool,
    table: &T,
    run: &Run,
    cautions: &Cautions,
    rng: &mut StdRng,
) -> Result<Step, sqlx::Error> {
    let Some(until) = cautions.until() else {
        return Ok(Step::Next);
    };
    let mut transaction = db::begin(pool).await?;
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended('jobs.caution:' || $1, 0)) AS "locked!""#,
        table.name(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    if !locked {
        return Ok(Step::Elsewhere);
    }
    let head = head(&mut transaction, table.name()).await?;
    if head.paused {
        return Ok(Step::Paused);
    }
    let mut counting = db::begin(pool).await?;
    let Some(suspect) = claim_suspect(&mut counting, table, until).await? else {
        cautions.progress(true);
        return Ok(Step::Next);
    };
    let count = table.count_crash(&mut counting, &suspect).await?;
    counting.commit().await?;

    let timer = claim_suspect(&mut transaction, table, until).await?;
    // Another node, less cautious, may have taken ours between the two; the next one is not counted yet.
    let Some(timer) = timer.filter(|timer| T::id(timer) == T::id(&suspect)) else {
        return Ok(Step::Next);
    };
    let failures = if count > MAX_CRASHES {
        let error = TimerError::Fail(format!("{MAX_CRASHES} nodes in a row died while they ran it"));
        vec![Failure {
            index: 0,
            end: store_failure(&mut transaction, table, run, &timer, &error, rng).await?,
        }]
    } else {
        settle(&mut transaction, table, run, std::slice::from_ref(&timer), rng).await?
    };
    transaction.commit().await?;
    cautions.progress(false);
    figures::settled(table, head.now, std::slice::from_ref(&timer), &failures);
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
