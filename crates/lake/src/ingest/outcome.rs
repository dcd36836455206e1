//! What became of events, and why they were not taken.

use std::time::Duration;

use kernel::Problem;
use kernel::problem::UNAVAILABLE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::Fault;

/// The most events taken in one transaction.
pub const MAX_BATCH: usize = 8_000;
/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Outcome {
    /// It is in the lake, counted and rewarded, and stays so.
    Counted,
    /// It was in the lake already; nothing changed.
    Duplicate,
    /// The guild does not take events of this type; nothing changed.
    SwitchedOff,
    /// It cannot be taken; nothing changed.
    Refused(Fault),
}

/// Why events were not taken, for no fault of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Too many events wait already.
    #[error("too many events are waiting; send them again in a moment")]
    Busy,
    /// The database does not answer, or refuses. What was taken of the events counts once, so all of them may be sent again.
    #[error("the events could not be written; send them again in a moment, each counts once")]
    Unavailable,
    /// The process is stopping.
    #[error("this node is stopping; send the events to another, or again in a moment")]
    Stopping,
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        Self::new(UNAVAILABLE, format!("{error}.")).retry_after(Duration::from_secs(1))
    }
}
