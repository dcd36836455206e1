//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::audit::weekly;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut audit =
        Schedule::new("squads.audit", "37 4 * * 0", |connection| Box::pin(weekly::look(connection)));
    // The journal is read from one end to the other.
    audit.statement_timeout = std::time::Duration::from_hours(1);
    vec![
        audit,
        Schedule::new("squads.roles", "5-59/10 * * * *", |connection| Box::pin(reconcile_roles(connection))),
    ]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers(pool: &PgPool) -> Handlers {
    weekly::handlers(pool)
}

async fn reconcile_roles(conn: &mut PgConnection) -> Result<Value, JobError> {
    let mended = crate::roles::reconcile(conn, None).await?;
    Ok(json!({ "mended": mended }))
}
