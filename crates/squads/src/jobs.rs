//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use people::roles::Span;
use serde_json::{Value, json};
use sqlx::PgConnection;

/// The job that mends roles: its last result says how far it has come.
const ROLES: &str = "squads.roles";

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![Schedule::new(ROLES, "* * * * *", |connection| Box::pin(reconcile_roles(connection)))]
}

async fn reconcile_roles(conn: &mut PgConnection) -> Result<Value, JobError> {
    let span = Span::next(&mut *conn, ROLES).await?;
    let mended = crate::roles::reconcile(conn, &span).await?;
    Ok(json!({ "mended": mended, "until": span.mark() }))
}
