//! Lists of timers for operators, by keyset pages.

use chrono::{DateTime, Utc};
use kernel::{GuildId, TimerId};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::Status;

/// Which timers to list.
#[derive(Debug, Clone, Copy)]
pub struct Listing<'a> {
    /// In this status.
    pub status: Status,
    /// Only this guild's.
    pub guild: Option<GuildId>,
    /// Only of this kind.
    pub kind: Option<&'a str>,
}

/// A timer as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: TimerId,
    /// Which handler runs it.
    pub kind: String,
    /// The guild it concerns.
    pub guild_id: Option<GuildId>,
    /// PENDING, RUNNING, COMPLETED, FAILED or CANCELLED.
    pub status: String,
    /// When it is or was due.
    pub scheduled_at: DateTime<Utc>,
    /// When it was executed or cancelled.
    pub executed_at: Option<DateTime<Utc>>,
    /// What its handler needs.
    pub payload: Value,
    /// Failures so far.
    pub retry_count: i32,
    /// Deaths of nodes during its runs.
    pub crash_count: i32,
    /// The latest failure.
    pub last_error: Option<String>,
}

impl Listed {
    /// Where a page that ends with it is continued.
    pub fn key(&self) -> After {
        (self.scheduled_at, self.id)
    }
}

/// The key of a page's last row.
pub type After = (DateTime<Utc>, TimerId);

/// At most `limit` timers by time and id, after the given key.
pub async fn list(
    connection: &mut PgConnection,
    listing: Listing<'_>,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    let (after_at, after_id) = after.map_or((None, None), |(at, id)| (Some(at), Some(id.get())));
    sqlx::query_as!(
        Listed,
        r#"SELECT id AS "id: TimerId", kind, guild_id AS "guild_id: GuildId", status, scheduled_at, executed_at, payload,
                  retry_count, crash_count, last_error
             FROM jobs.timers
            WHERE status = $1
              AND ($2::bigint IS NULL OR guild_id = $2)
              AND ($3::text IS NULL OR kind = $3)
              AND ($4::timestamptz IS NULL OR (scheduled_at, id) > ($4, $5::uuid))
            ORDER BY scheduled_at, id
            LIMIT $6"#,
        listing.status.as_str(),
        listing.guild.map(GuildId::get),
        listing.kind,
        after_at,
        after_id,
        limit,
    )
    .fetch_all(connection)
    .await
}
