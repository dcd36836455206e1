//! Achievements, and who has them.

use chrono::{DateTime, Utc};
use kernel::fields::given;
use kernel::{ChannelId, GuildId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{AchievementId, SeasonId};

kernel::decl_words! {
    /// What it takes to earn an achievement.
    pub enum RequirementType {
        /// A counter reaches the value.
        CounterThreshold = "counter_threshold",
        /// The stars reach the value.
        StarThreshold = "star_threshold",
        /// The XP reach the value.
        XpMilestone = "xp_milestone",
        /// An administrator grants it.
        Custom = "custom",
    }
}

kernel::decl_words! {
    /// Over what a requirement counts.
    pub enum RequirementScope {
        /// Within a season.
        Season = "season",
        /// As long as they are members.
        Lifetime = "lifetime",
    }
}

kernel::decl_words! {
    /// How rare it is meant to be.
    pub enum Rarity {
        /// For many.
        Common = "common",
        /// For quite a few.
        Uncommon = "uncommon",
        /// For some.
        Rare = "rare",
        /// For a few.
        Epic = "epic",
        /// For the one or two.
        Legendary = "legendary",
    }
}

/// Something that can be earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Achievement {
    /// Its number.
    pub id: AchievementId,
    /// The guild.
    pub guild_id: GuildId,
    /// Its name, unique in the guild.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Group it is shown in.
    pub category: String,
    /// What it takes.
    pub requirement_type: RequirementType,
    /// Over what that counts.
    pub requirement_scope: RequirementScope,
    /// The counter meant, for `counter_threshold`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement_field: Option<String>,
    /// The threshold; absent for `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement_value: Option<i32>,
    /// XP paid with it.
    pub xp_reward: i32,
    /// Gold paid with it.
    pub gold_reward: i32,
    /// Picture of the badge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge_image_url: Option<String>,
    /// How rare it is meant to be.
    pub rarity: Rarity,
    /// Channel to announce it in instead of the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announce_channel_id: Option<ChannelId>,
    /// False once it can no longer be earned.
    pub active: bool,
    /// How many members have it.
    pub earned_by: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// An achievement to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAchievement {
    /// Name, 1 to 200 characters, unique in the guild.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub description: String,
    /// Group it is shown in, 1 to 50 characters.
    #[serde(default = "social")]
    #[schema(min_length = 1, max_length = 50, default = "social")]
    pub category: String,
    /// What it takes.
    #[schema(example = "custom")]
    pub requirement_type: RequirementType,
    /// Over what that counts.
    #[serde(default = "lifetime")]
    #[schema(default = "lifetime")]
    pub requirement_scope: RequirementScope,
    /// For `counter_threshold`: `messages_sent`, `reactions_given`, `reactions_received`, `threads_created` or
    /// `voice_minutes`; over a lifetime also a type of event, such as `voice_join`.
    #[serde(default)]
    #[schema(max_length = 50)]
    pub requirement_field: Option<String>,
    /// The threshold, from 1; null for `custom`.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub requirement_value: Option<i32>,
    /// XP paid with it, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub xp_reward: i32,
    /// Gold paid with it, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, default = 0)]
    pub gold_reward: i32,
    /// Picture of the badge: an address that begins with `https://`, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub badge_image_url: Option<String>,
    /// How rare it is meant to be.
    #[serde(default = "common")]
    #[schema(default = "common")]
    pub rarity: Rarity,
    /// Channel to announce it in instead of the usual one.
    #[serde(default)]
    pub announce_channel_id: Option<ChannelId>,
}

fn social() -> String {
    "social".to_owned()
}

const fn lifetime() -> RequirementScope {
    RequirementScope::Lifetime
}

const fn common() -> Rarity {
    Rarity::Common
}

/// A change of an achievement. What is absent stays as it is; where null is taken, it clears. What it takes stays what
/// it is, but for the threshold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AchievementEdit {
    /// Name, 1 to 200 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    #[schema(max_length = 1_000)]
    pub description: Option<String>,
    /// Group it is shown in, 1 to 50 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 50)]
    pub category: Option<String>,
    /// The threshold, from 1. Who has the achievement keeps it.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub requirement_value: Option<i32>,
    /// XP paid from now on, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub xp_reward: Option<i32>,
    /// Gold paid from now on, 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub gold_reward: Option<i32>,
    /// Picture of the badge; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub badge_image_url: Option<Option<String>>,
    /// How rare it is meant to be.
    #[serde(default)]
    pub rarity: Option<Rarity>,
    /// Channel to announce it in; null for the usual one.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<ChannelId>)]
    pub announce_channel_id: Option<Option<ChannelId>>,
    /// Whether it can be earned.
    #[serde(default)]
    pub active: Option<bool>,
}

/// Granting by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantAchievement {
    /// To whom.
    pub user_id: UserId,
    /// Why, for the audit log; at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// Revoking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeAchievement {
    /// From whom.
    pub user_id: UserId,
    /// Why, for the audit log; 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Whether the XP and gold paid for it are taken back. Refused when they are no longer there.
    #[serde(default)]
    pub take_back: bool,
}

/// Somebody who has an achievement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Earner {
    /// The achievement.
    pub achievement_id: AchievementId,
    /// The member.
    pub user_id: UserId,
    /// Their name in the guild.
    pub name: String,
    /// When they earned it.
    pub earned_at: DateTime<Utc>,
    /// The season they earned it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub season_id: Option<SeasonId>,
    /// Who granted it; absent when it was earned by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<UserId>,
}

/// How far a member is with an achievement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The achievement.
    pub achievement_id: AchievementId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Group it is shown in.
    pub category: String,
    /// How rare it is meant to be.
    pub rarity: Rarity,
    /// Picture of the badge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge_image_url: Option<String>,
    /// When the member earned it; absent if they have not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earned_at: Option<DateTime<Utc>>,
    /// How far they are; absent for what only an administrator grants. Of the running season, where seasons count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<i64>,
    /// What it takes; absent for what only an administrator grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<i64>,
}
