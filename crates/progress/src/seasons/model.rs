//! Seasons and their standings.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::SeasonId;

/// Where a season stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeasonState {
    /// It has not begun.
    Planned,
    /// It runs.
    Active,
    /// It is over, its standings are archived.
    Ended,
}

kernel::decl_words! {
    /// How long the successor of a season that repeats is.
    #[derive(Default)]
    pub enum RepeatBy {
        /// As long as the season itself, to the microsecond.
        #[default]
        Length = "length",
        /// Seven days.
        Week = "week",
        /// A month of the calendar: it ends on the same day of the next month, or on the last where that has no such day.
        Month = "month",
        /// Three months of the calendar.
        Quarter = "quarter",
        /// Twelve months of the calendar.
        Year = "year",
    }
}

/// A window of competition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Season {
    /// Its number.
    pub id: SeasonId,
    /// The guild.
    pub guild_id: GuildId,
    /// Its name, unique in the guild.
    pub name: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends: the first instant that is no longer part of it.
    pub ends_at: DateTime<Utc>,
    /// Where it stands.
    pub state: SeasonState,
    /// Whether a successor is made when it starts.
    pub repeats: bool,
    /// How long that is.
    pub repeat_by: RepeatBy,
    /// What that is called, with `{number}`, `{month}`, `{quarter}`, `{week}` and `{year}` filled in; absent, its name is made from this
    /// one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_pattern: Option<String>,
    /// When it was rolled over and its standings archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A season to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSeason {
    /// Name, 1 to 100 characters, unique in the guild.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// When it begins; now, if left out. It may lie in the past: what happened since then counts for it, as far as lake and journal
    /// reach; minutes in voice count from now on.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends, in the future.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub ends_at: DateTime<Utc>,
    /// Whether a successor is to be made when it starts, and so on for ever.
    #[serde(default)]
    pub repeats: bool,
    /// How long successors are.
    #[serde(default)]
    #[schema(default = "length")]
    pub repeat_by: RepeatBy,
    /// What successors are called, up to 100 characters: `{month}` (January), `{quarter}` (1 to 4), `{week}` (of the ISO calendar),
    /// `{year}` and `{number}` (counted on) are filled in. Left out, the year in the name of a season follows the calendar, and so does a
    /// month or quarter beside it (`November 2026` → `December 2026`); other names are counted on (`May Day Cup` → `May Day Cup 2`).
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name_pattern: Option<String>,
}

/// A change of a season that is not over. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeasonEdit {
    /// Name, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// When it begins; only while it is planned.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends, in the future. A planned season that begins at the old end moves along.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether a successor is made when it starts.
    #[serde(default)]
    pub repeats: Option<bool>,
    /// How long successors are.
    #[serde(default)]
    pub repeat_by: Option<RepeatBy>,
    /// What successors are called; null for names made from the season's own.
    #[serde(default, deserialize_with = "kernel::fields::given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    pub name_pattern: Option<Option<String>>,
}

/// How to roll over a season before its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollSeason {
    /// The season that is to begin at this instant. Left out, the earliest planned one starts at its own time.
    #[serde(default)]
    pub next: Option<NextSeason>,
    /// Whether the earliest planned season is to begin at this instant instead of at its own time.
    #[serde(default)]
    pub bring_forward: bool,
    /// Why, for the audit log; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// A season that begins where another ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NextSeason {
    /// Name, 1 to 100 characters, unique in the guild.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// When it ends, in the future.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub ends_at: DateTime<Utc>,
    /// Whether a successor is to be made.
    #[serde(default)]
    pub repeats: bool,
    /// How long successors are.
    #[serde(default)]
    #[schema(default = "length")]
    pub repeat_by: RepeatBy,
    /// What successors are called, up to 100 characters: `{month}` (January), `{quarter}` (1 to 4), `{week}` (of the ISO calendar),
    /// `{year}` and `{number}` (counted on) are filled in. Left out, the year in the name of a season follows the calendar, and so does a
    /// month or quarter beside it (`November 2026` → `December 2026`); other names are counted on (`May Day Cup` → `May Day Cup 2`).
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name_pattern: Option<String>,
}

/// What came of a rollover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rolled {
    /// The season that ended.
    pub ended: Season,
    /// How many members are in its archived standings.
    pub standings: i64,
    /// The season that runs now, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Season>,
}

/// Where a member stood when a season ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SeasonStanding)]
pub struct Standing {
    /// The season.
    pub season_id: SeasonId,
    /// The member.
    pub user_id: UserId,
    /// Their name in the guild now.
    pub name: String,
    /// Rank by the season's stars; ties share one (1, 1, 3).
    pub rank: i64,
    /// Stars earned in the season.
    pub season_stars: i64,
    /// XP earned in the season.
    pub season_xp: i64,
    /// Level when it ended.
    pub level: i32,
}
