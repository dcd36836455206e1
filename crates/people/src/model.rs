//! Members, and what is said about them.

use chrono::{DateTime, Utc};
use kernel::{Gold, GuildId, UserId, Xp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A member of a guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The guild.
    pub guild_id: GuildId,
    /// The person.
    pub user_id: UserId,
    /// The name shown in this guild: as the guild says, else as they told when they signed in, else their number.
    pub name: String,
    /// Discord's hash of their avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_hash: Option<String>,
    /// Whether this guild says that it is a bot: bots earn, own and receive nothing.
    pub is_bot: bool,
    /// Lifetime XP in this guild.
    pub xp: Xp,
    /// Level reached by that XP; 1 at first.
    pub level: i32,
    /// Gold held.
    pub gold: Gold,
    /// Lifetime stars in this guild.
    pub stars: i64,
    /// When they joined, or were first seen.
    pub joined_at: DateTime<Utc>,
    /// When they left; absent while they are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<DateTime<Utc>>,
}

/// What an administrator or the bot may say about a member of this guild; no other guild sees it. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberEdit {
    /// Their name here, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Discord's hash of their avatar, at most 100 characters.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub avatar_hash: Option<String>,
    /// Whether it is a bot.
    #[serde(default)]
    pub is_bot: Option<bool>,
}
