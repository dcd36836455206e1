//! Rungs of the escalation of warnings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, EscalationId};

kernel::decl_words! {
    /// What follows so many warnings.
    pub enum EscalationAction {
        /// A time-out.
        Timeout = "timeout",
        /// A kick.
        Kick = "kick",
        /// A ban.
        Ban = "ban",
        /// Those who moderate are told.
        Alert = "alert",
    }
}

impl EscalationAction {
    /// The case that it makes, if any.
    pub const fn case(self) -> Option<Action> {
        match self {
            Self::Timeout => Some(Action::Timeout),
            Self::Kick => Some(Action::Kick),
            Self::Ban => Some(Action::Ban),
            Self::Alert => None,
        }
    }
}

const fn yes() -> bool {
    true
}

/// A rung to be made, or as it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEscalation {
    /// Standing warnings it takes, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub warnings: i32,
    /// Days, back from the latest warning, that they must fall into: 1 to 3650.
    #[schema(minimum = 1, maximum = 3650)]
    pub within_days: i32,
    /// What follows.
    pub action: EscalationAction,
    /// How long a time-out (needed, at most 28 days) or a ban lasts.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub duration_seconds: Option<i32>,
    /// Reason written into the case; one that tells the figures, if left out.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// Whether it is applied.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub is_active: bool,
}

/// A rung of the escalation of warnings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Escalation {
    /// Its row.
    pub id: EscalationId,
    /// Standing warnings it takes.
    pub warnings: i32,
    /// Days, back from the latest warning, that they must fall into.
    pub within_days: i32,
    /// What follows.
    pub action: EscalationAction,
    /// How long a time-out or a ban lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i32>,
    /// Reason written into the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it is applied.
    pub is_active: bool,
}
