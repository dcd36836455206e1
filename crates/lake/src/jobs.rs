//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{browse, multipliers};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut retention =
        Schedule::new("lake.retention", "43 3 * * *", |connection| Box::pin(retain(connection)));
    // Dropping a partition locks its parent: rather tomorrow than that writers queue up behind us.
    retention.lock_timeout = std::time::Duration::from_secs(1);
    vec![retention]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers() -> Handlers {
    multipliers::handlers()
}

/// Drops the months of the lake that are over.
async fn retain(conn: &mut PgConnection) -> Result<Value, JobError> {
    Ok(json!(browse::retain(conn).await?))
}
