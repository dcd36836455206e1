//! What runs by the clock.

use ::jobs::outbox::Consumers;
use ::jobs::schedule::{JobError, Schedule};
use serde_json::json;
use sqlx::PgPool;

/// Learners whose progress is worked out anew by one run.
const RECALCULATED: i64 = 500;
/// Learners of a guild whose rules one run looks at.
const LOOKED_AT: i64 = 1_000;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules(pool: &PgPool) -> Vec<Schedule> {
    let pool = pool.clone();
    // Each learner in a transaction of their own: the schedule's own would hold many locks for long.
    let elsewhere = pool.clone();
    let looks = Schedule::new("learning.elsewhere", "* * * * *", move |_| {
        let pool = elsewhere.clone();
        Box::pin(async move {
            let failed = |error: crate::Error| JobError::Failed(error.to_string());
            let steps = crate::ops::steps_come_true(&pool).await.map_err(failed)?;
            let unlocked = crate::ops::rules_come_true(&pool, LOOKED_AT).await.map_err(failed)?;
            Ok(json!({ "steps": steps, "unlocked": unlocked }))
        })
    });
    let recalculates = Schedule::new("learning.recalculate", "* * * * *", move |_| {
        let pool = pool.clone();
        Box::pin(async move {
            let done = crate::ops::recalculate(&pool, RECALCULATED).await;
            done.map(|learners| json!({ "learners": learners }))
                .map_err(|error| JobError::Failed(error.to_string()))
        })
    });
    vec![recalculates, looks]
}

/// This slice's readers of the outbox.
pub fn consumers() -> Consumers {
    Consumers::new().with(crate::ops::Elsewhere)
}
