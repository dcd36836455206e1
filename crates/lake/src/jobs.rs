//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::audit::weekly;
use crate::{browse, multipliers};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut retention =
        Schedule::new("lake.retention", "43 3 * * *", |connection| Box::pin(retain(connection)));
    // Dropping a partition locks its parent: rather tomorrow than that writers queue up behind us.
    retention.lock_timeout = std::time::Duration::from_secs(1);
    let mut audit = Schedule::new("lake.audit", "7 4 * * 0", |connection| Box::pin(weekly::look(connection)));
    // The lake is read from one end to the other.
    audit.statement_timeout = std::time::Duration::from_hours(1);
    vec![retention, audit]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers(pool: &PgPool) -> Handlers {
    multipliers::handlers().and(weekly::handlers(pool))
}

/// Drops the months of the lake that are over.
async fn retain(conn: &mut PgConnection) -> Result<Value, JobError> {
    Ok(json!(browse::retain(conn).await?))
}
