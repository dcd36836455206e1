//! Quests of the board.

use chrono::{DateTime, Utc};
use kernel::fields::given;
use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::ids::BoardQuestId;

kernel::decl_words! {
    /// Where a quest stands.
    pub enum BoardStatus {
        /// Anybody may take it on.
        Open = "open",
        /// Somebody has taken it on.
        Claimed = "claimed",
        /// It is done, and paid.
        Complete = "complete",
    }
}

/// A task on a guild's board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BoardQuest {
    /// Its number.
    pub id: BoardQuestId,
    /// The guild.
    pub guild_id: GuildId,
    /// Title.
    pub title: String,
    /// What is to be done, in Markdown.
    pub description: String,
    /// XP for completing it.
    pub xp_reward: i32,
    /// Gold for completing it.
    pub gold_reward: i32,
    /// Where it stands.
    pub status: BoardStatus,
    /// GitHub issue it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_issue_url: Option<String>,
    /// False once taken off the board.
    pub active: bool,
    /// Who took it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_by: Option<UserId>,
    /// When they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the claim lapses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_expires_at: Option<DateTime<Utc>>,
    /// Hours after which a claim lapses; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_hours: Option<i32>,
    /// When it leaves the board unless it is done by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was accepted as done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When it was posted.
    pub created_at: DateTime<Utc>,
}

/// A quest to be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBoardQuest {
    /// Title, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// What is to be done, in Markdown, at most 10,000 characters.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    /// XP for completing it, 0 to 1,000,000; the guild's setting `quest_complete_xp` (50) if left out.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub xp_reward: Option<i32>,
    /// Gold for completing it, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub gold_reward: i32,
    /// GitHub issue or pull request it is about: `https://github.com/owner/name/issues/7`.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub github_issue_url: Option<String>,
    /// Hours after which a claim lapses, 1 to 8,760; null for never.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 8_760)]
    pub claim_hours: Option<i32>,
    /// When it leaves the board unless it is done by then, in the future; null for never.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A change of a quest that is not done. What is absent stays as it is; where null is taken, it clears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoardQuestEdit {
    /// Title, 1 to 200 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// What is to be done, at most 10,000 characters.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    /// XP for completing it, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub xp_reward: Option<i32>,
    /// Gold for completing it, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub gold_reward: Option<i32>,
    /// GitHub issue it is about; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub github_issue_url: Option<Option<String>>,
    /// Hours after which a claim made from now on lapses; null for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 8_760)]
    pub claim_hours: Option<Option<i32>>,
    /// When it leaves the board; null for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Which quests to list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BoardQuery {
    /// Only those that stand here.
    pub status: Option<BoardStatus>,
    /// Only those that this member took on.
    pub claimed_by: Option<UserId>,
    /// How many items to answer with: 1 to 200, 50 unless told.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: the `next` of the page before. Opaque.
    pub cursor: Option<String>,
}
