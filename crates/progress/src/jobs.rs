//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{achievements, levels, seasons};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("progress.achievements_sweep", "23 4 * * *", |connection| {
            Box::pin(achievements::retroactive::sweep(connection))
        }),
        Schedule::new("progress.fold_xp_histogram", "* * * * *", |connection| {
            Box::pin(fold_histogram(connection))
        }),
    ]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers() -> Handlers {
    seasons::turn::handlers().and(achievements::retroactive::handlers()).and(levels::handlers())
}

/// Folds the changes of the XP histogram in, which keeps ranks quick; they are right without it too.
async fn fold_histogram(conn: &mut PgConnection) -> Result<Value, JobError> {
    let folded =
        sqlx::query_scalar!(r#"SELECT progress.xp_histogram_fold() AS "folded!""#).fetch_one(conn).await?;
    Ok(json!({ "folded": folded }))
}
