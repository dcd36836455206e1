//! Timers as slices see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{GuildId, TimerId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When a timer is due, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// When the transaction that schedules it commits.
    Now,
    /// So long after the beginning of that transaction.
    In(Duration),
    /// At this time; at once when it is past.
    At(DateTime<Utc>),
}

/// A timer to be scheduled.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTimer {
    /// Which handler runs it, such as `challenges.pregenerate`: lower case, digits, dots, underscores, at most 64 characters.
    pub kind: &'static str,
    /// The guild it concerns, if any.
    pub guild_id: Option<GuildId>,
    /// At most one PENDING timer of a kind has this key; a second is not scheduled, and the first keeps its time. One that
    /// already runs does not count.
    pub dedupe_key: Option<String>,
    /// When it is due.
    pub at: At,
    /// What the handler needs. It re-reads all state and trusts nothing here.
    pub payload: Value,
}

/// A claimed timer, as its handler gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    /// Its id: a good idempotency key for effects outside.
    pub id: TimerId,
    /// What it is.
    pub kind: String,
    /// The guild it concerns.
    pub guild_id: Option<GuildId>,
    /// Its key among the pending ones.
    pub dedupe_key: Option<String>,
    /// When it was due.
    pub scheduled_at: DateTime<Utc>,
    /// What the handler needs.
    pub payload: Value,
    /// Failures so far.
    pub retry_count: i32,
}

/// Where a timer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not executed yet.
    Pending,
    /// Under a lease.
    Running,
    /// Executed.
    Completed,
    /// Failed for good; an admin may re-run it.
    Failed,
    /// No longer wanted.
    Cancelled,
}

impl Status {
    /// As the database has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}
