//! What runs by the clock: folding every minute, figures every ten, telling of reviews every fifteen.

use ::jobs::schedule::{JobError, Schedule};
use serde_json::json;
use sqlx::PgPool;

use crate::ops;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules(pool: &PgPool) -> Vec<Schedule> {
    // Each guild in transactions of its own: the schedule's would hold many locks for long.
    let counted = |name: &'static str, cron: &'static str, figures: bool| {
        let pool = pool.clone();
        Schedule::new(name, cron, move |_| {
            let pool = pool.clone();
            Box::pin(async move {
                let done = ops::all_count(&pool, figures).await;
                done.map(|guilds| json!({ "guilds": guilds }))
                    .map_err(|error| JobError::Failed(error.to_string()))
            })
        })
    };
    let told = pool.clone();
    let reviews = Schedule::new("insight.reviews", "*/15 * * * *", move |_| {
        let pool = told.clone();
        Box::pin(async move {
            let done = ops::reviews_tell(&pool).await;
            done.map(|learners| json!({ "learners": learners }))
                .map_err(|error| JobError::Failed(error.to_string()))
        })
    });
    vec![
        counted("insight.fold", "* * * * *", false),
        counted("insight.figures", "*/10 * * * *", true),
        reviews,
    ]
}
