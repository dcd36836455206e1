//! What falls due: the time that peers have, reminders of what nobody grades, regrades.

use chrono::{DateTime, Utc};
use jobs::TimerError;
use jobs::timers::{Due, Handlers, Kind, LeaseSettings};
use sandbox::Sandbox;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::error::Error;
use crate::ids::{RegradeId, SubmissionId};
use crate::ops;

/// The time that peers had for a submission is over.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ReviewDue {
    /// The submission.
    pub submission_id: SubmissionId,
}

/// What fell to the instructors still waits.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Remind {
    /// The submission.
    pub submission_id: SubmissionId,
    /// When they are reminded: so that the timer that runs now still has a key of its own.
    pub at: DateTime<Utc>,
}

/// A regrade is to be carried through.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Carry {
    /// The regrade.
    pub regrade_id: RegradeId,
}

/// The time that peers had is over.
pub const REVIEW_DUE: Kind<ReviewDue> =
    Kind::once("assessment.review_due", |due| due.submission_id.to_string());
/// Those who grade are reminded.
pub const REMIND: Kind<Remind> = Kind::once("assessment.review_remind", |remind| {
    format!("{}:{}", remind.submission_id, remind.at.timestamp_micros())
});
/// A regrade is carried through.
pub const REGRADE: Kind<Carry> = Kind::once("assessment.regrade", |carry| carry.regrade_id.to_string());

/// What runs the timers. Each in transactions of its own, which take their locks in the slice's order; what they find is read
/// again, so that running twice changes nothing.
pub fn handlers(pool: &PgPool, sandbox: Option<Sandbox>) -> Handlers {
    let settings = LeaseSettings::default();
    let (due, remind, regrade) = (pool.clone(), pool.clone(), pool.clone());
    Handlers::new()
        .leased(REVIEW_DUE, settings, move |timer: Due<ReviewDue>, _| {
            let pool = due.clone();
            async move {
                ops::review_due(&pool, timer.guild()?, timer.payload.submission_id).await.map_err(failed)
            }
        })
        .leased(REMIND, settings, move |timer: Due<Remind>, _| {
            let pool = remind.clone();
            async move {
                ops::review_remind(&pool, timer.guild()?, timer.payload.submission_id).await.map_err(failed)
            }
        })
        .leased(REGRADE, settings, move |timer: Due<Carry>, _| {
            let (pool, sandbox) = (regrade.clone(), sandbox.clone());
            async move {
                let (guild, id) = (timer.guild()?, timer.payload.regrade_id);
                ops::regrade_run(&pool, sandbox.as_ref(), guild, id).await.map_err(failed)
            }
        })
}

fn failed(error: Error) -> TimerError {
    match error {
        Error::Database(error) => TimerError::Database(error),
        other => TimerError::Retry(other.to_string()),
    }
}
