//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use serde_json::json;
use sqlx::PgPool;

/// Learners whose progress is worked out anew by one run.
const RECALCULATED: i64 = 500;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules(pool: &PgPool) -> Vec<Schedule> {
    let pool = pool.clone();
    // Each learner in a transaction of their own: the schedule's own would hold many locks for long.
    vec![Schedule::new("learning.recalculate", "* * * * *", move |_| {
        let pool = pool.clone();
        Box::pin(async move {
            let done = crate::ops::recalculate(&pool, RECALCULATED).await;
            done.map(|learners| json!({ "learners": learners }))
                .map_err(|error| JobError::Failed(error.to_string()))
        })
    })]
}
