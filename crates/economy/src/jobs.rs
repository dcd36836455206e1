//! What runs by the clock, and readers of the outbox.

use ::jobs::outbox::Consumers;
use ::jobs::schedule::{JobError, Schedule};
use people::roles::Span;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::first_messages::DailyClaims;
use crate::{reports, role_rewards};

/// The job that makes up for role rewards: its last result says how far it has come.
const ROLE_REWARDS: &str = "economy.role_rewards";

/// The periodic jobs of this slice, for the server to run.
pub fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new("economy.daily_reports", "20 0 * * *", |connection| {
            Box::pin(daily_reports(connection))
        }),
        Schedule::new(ROLE_REWARDS, "* * * * *", |connection| Box::pin(reconcile_role_rewards(connection))),
    ]
}

/// This slice's consumers of the outbox.
pub fn consumers() -> Consumers {
    Consumers::new().with(DailyClaims)
}

/// Reports on yesterday, and on days of the last week that were missed.
async fn daily_reports(conn: &mut PgConnection) -> Result<Value, JobError> {
    let mut reports = 0;
    let days = reports::due(&mut *conn).await?;
    for day in &days {
        for guild in reports::guilds(&mut *conn, *day).await? {
            reports += reports::fill(&mut *conn, guild, *day).await?;
        }
    }
    Ok(json!({ "days": days, "reports": reports }))
}

async fn reconcile_role_rewards(conn: &mut PgConnection) -> Result<Value, JobError> {
    let span = Span::next(&mut *conn, ROLE_REWARDS).await?;
    let (granted, wished) = role_rewards::reconcile(conn, &span).await?;
    Ok(json!({ "granted": granted, "wished": wished, "until": span.mark() }))
}
