//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::audit::weekly;
use crate::{achievements, levels, seasons};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut audit =
        Schedule::new("progress.audit", "17 4 * * 0", |connection| Box::pin(weekly::look(connection)));
    // Journals are read from one end to the other.
    audit.statement_timeout = std::time::Duration::from_hours(1);
    vec![
        audit,
        Schedule::new("progress.achievements_sweep", "23 4 * * *", |connection| {
            Box::pin(achievements::retroactive::sweep(connection))
        }),
        Schedule::new("progress.fold_xp_histogram", "* * * * *", |connection| {
            Box::pin(fold_histogram(connection))
        }),
    ]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers(pool: &PgPool) -> Handlers {
    seasons::turn::handlers()
        .and(achievements::retroactive::handlers())
        .and(levels::handlers())
        .and(weekly::handlers(pool))
}

/// Folds the changes of the XP histogram in, which keeps ranks quick; they are right without it too.
async fn fold_histogram(conn: &mut PgConnection) -> Result<Value, JobError> {
    let folded =
        sqlx::query_scalar!(r#"SELECT progress.xp_histogram_fold() AS "folded!""#).fetch_one(conn).await?;
    Ok(json!({ "folded": folded }))
}
