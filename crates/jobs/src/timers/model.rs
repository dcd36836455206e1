//! Timers as slices see them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kernel::{GuildId, TimerId};
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

/// A claimed timer.
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

kernel::decl_words! {
    /// Where a timer stands.
    #[schema(as = TimerStatus)]
    pub enum Status {
        /// Not executed yet.
        Pending = "PENDING",
        /// Under a lease.
        Running = "RUNNING",
        /// Executed.
        Completed = "COMPLETED",
        /// Failed for good; an admin may re-run it.
        Failed = "FAILED",
        /// No longer wanted.
        Cancelled = "CANCELLED",
    }
}
