//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![Schedule::new("squads.roles", "5-59/10 * * * *", |connection| Box::pin(reconcile_roles(connection)))]
}

async fn reconcile_roles(conn: &mut PgConnection) -> Result<Value, JobError> {
    let mended = crate::roles::reconcile(conn, None).await?;
    Ok(json!({ "mended": mended }))
}
