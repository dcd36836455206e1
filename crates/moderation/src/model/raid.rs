//! Raids: times in which who joins is dealt with at once.

use chrono::{DateTime, Utc};
use kernel::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Action, RaidId, RuleId};

kernel::decl_words! {
    /// What is done to who joins while raid mode is on.
    pub enum RaidAction {
        /// They may not speak for as long as raid mode lasts.
        Timeout = "timeout",
        /// They are put out.
        Kick = "kick",
        /// They are banned, many at once.
        Ban = "ban",
        /// Nothing but stopping invites.
        None = "none",
    }
}

impl RaidAction {
    /// The case that it makes, if any.
    pub const fn case(self) -> Option<Action> {
        match self {
            Self::Timeout => Some(Action::Timeout),
            Self::Kick => Some(Action::Kick),
            Self::Ban => Some(Action::Ban),
            Self::None => None,
        }
    }
}

/// Raid mode, to be switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRaid {
    /// What is done to who joins meanwhile.
    pub action: RaidAction,
    /// Why: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// For how many minutes, 1 to 1440; as the guild's settings say, if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1440)]
    pub minutes: Option<i64>,
}

/// A time in which a guild was, or is, in raid mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Raid {
    /// Its row.
    pub id: RaidId,
    /// Why.
    pub reason: String,
    /// What is done to who joins meanwhile.
    pub action: RaidAction,
    /// Who began it; 0 for a rule, or for the operator.
    #[schema(value_type = String)]
    pub started_by: UserId,
    /// That one's name.
    pub started_by_tag: String,
    /// The rule that began it, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When everybody whom it hit was let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<DateTime<Utc>>,
    /// How many cases were made in its time.
    pub cases: i64,
}

/// Somebody who joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub tag: String,
    /// When, as Discord says it.
    pub joined_at: DateTime<Utc>,
}
