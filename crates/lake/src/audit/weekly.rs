//! The weekly audit: counters and days of all guilds are looked at, and each guild's mended unless the guild wants to be told only.

use ::jobs::TimerError;
use ::jobs::schedule::JobError;
use ::jobs::timers::{Handlers, LeaseSettings, Timer};
use access::{Author, By, Origin, weekly};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::{drift, repair};
use crate::error::Error;

/// The timer that mends a guild.
pub const TIMER: &str = "lake.audit_repair";

/// Looks for drift in all guilds, says what there is, and schedules its repair where that is wanted.
pub(crate) async fn look(conn: &mut PgConnection) -> Result<Value, JobError> {
    let found = drift(conn).await.map_err(|error| match error {
        Error::Database(error) => JobError::Database(error),
        other => JobError::Failed(other.to_string()),
    })?;
    weekly::told(conn, "lake", TIMER, &found, |drift| drift.guild_id).await
}

/// The handlers of this module's timers.
pub(crate) fn handlers(pool: &PgPool) -> Handlers {
    let pool = pool.clone();
    // One at a time: journals are read from one end to the other.
    let settings = LeaseSettings { concurrency: 1, ..LeaseSettings::default() };
    Handlers::new().leased(TIMER, settings, move |timer, _| {
        let pool = pool.clone();
        async move { on_timer(&pool, &timer).await }
    })
}

/// Mends a guild. Running it twice mends nothing twice.
async fn on_timer(pool: &PgPool, timer: &Timer) -> Result<(), TimerError> {
    let guild = timer.guild_id.ok_or_else(|| TimerError::Fail("it names no guild".to_owned()))?;
    let here = Origin::default();
    repair(pool, guild, Author::new(By::System, &here)).await.map_err(|error| match error {
        Error::Database(error) => TimerError::from(error),
        other => TimerError::Retry(other.to_string()),
    })?;
    Ok(())
}
