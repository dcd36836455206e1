//! What runs by the clock.

use ::jobs::schedule::{JobError, Schedule};
use ::jobs::timers::Handlers;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

use crate::audit::weekly;
use crate::{reports, role_rewards};

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    let mut audit =
        Schedule::new("economy.audit", "27 4 * * 0", |connection| Box::pin(weekly::look(connection)));
    // The ledger is read from one end to the other.
    audit.statement_timeout = std::time::Duration::from_hours(1);
    vec![
        audit,
        Schedule::new("economy.daily_reports", "20 0 * * *", |connection| {
            Box::pin(daily_reports(connection))
        }),
        Schedule::new("economy.role_rewards", "*/10 * * * *", |connection| {
            Box::pin(reconcile_role_rewards(connection))
        }),
    ]
}

/// The handlers of this slice's timers, for the server to run.
pub fn handlers(pool: &PgPool) -> Handlers {
    weekly::handlers(pool)
}

/// Reports on yesterday, and on days of the last week that were missed.
async fn daily_reports(conn: &mut PgConnection) -> Result<Value, JobError> {
    let mut reports = 0;
    let days = reports::due(conn).await?;
    for day in &days {
        reports += reports::fill(conn, None, *day).await?;
    }
    Ok(json!({ "days": days, "reports": reports }))
}

async fn reconcile_role_rewards(conn: &mut PgConnection) -> Result<Value, JobError> {
    let (granted, wished) = role_rewards::reconcile(conn, None).await?;
    Ok(json!({ "granted": granted, "wished": wished }))
}
