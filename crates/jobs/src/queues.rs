//! Pausing queues. A pause is a row, looked at in the transaction of every batch: it holds on every node from the next batch
//! on, and survives restarts. Resuming wakes every node.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::wake;

/// A queue that is or was paused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Queue {
    /// Its name, such as `campaigns.campaign_timers`.
    pub name: String,
    /// Whether nothing of it is executed.
    pub paused: bool,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// When.
    pub paused_at: Option<DateTime<Utc>>,
    /// Why, for people.
    pub reason: Option<String>,
}

/// What is written down of a queue, locked until the transaction ends; `None` where it was never paused.
pub async fn lock(connection: &mut PgConnection, name: &str) -> Result<Option<Queue>, sqlx::Error> {
    sqlx::query_as!(
        Queue,
        "SELECT name, paused, paused_by, paused_at, reason FROM jobs.queues WHERE name = $1 FOR NO KEY UPDATE",
        name
    )
    .fetch_optional(connection)
    .await
}

/// Executes nothing of a queue from the next batch on, on any node, until [`resume`]. What runs is finished.
pub async fn pause(
    connection: &mut PgConnection,
    name: &str,
    by: &str,
    reason: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO jobs.queues (name, paused, paused_by, paused_at, reason) VALUES ($1, true, $2, now(), $3)
         ON CONFLICT (name) DO UPDATE SET paused = true, paused_by = $2, paused_at = now(), reason = $3",
        name,
        by,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Executes the queue again, at once when the transaction commits. False when it was not paused.
pub async fn resume(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    let result = sqlx::query!("UPDATE jobs.queues SET paused = false WHERE name = $1 AND paused", name)
        .execute(&mut *connection)
        .await?;
    wake::notify(connection, name).await?;
    Ok(result.rows_affected() == 1)
}

/// Whether a queue is paused.
pub async fn is_paused(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM jobs.queues WHERE name = $1 AND paused) AS "paused!""#,
        name
    )
    .fetch_one(connection)
    .await
}

/// Every queue that was ever paused, by name.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Queue>, sqlx::Error> {
    sqlx::query_as!(Queue, "SELECT name, paused, paused_by, paused_at, reason FROM jobs.queues ORDER BY name")
        .fetch_all(connection)
        .await
}
