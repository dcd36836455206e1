//! Categories and their weights.

use chrono::{DateTime, Utc};
use kernel::fields::given;
use kernel::{ChannelId, GuildId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::CategoryId;

kernel::decl_words! {
    /// An interaction whose reward a category or a timed event may weigh (`activity_log.event_type`).
    pub enum Interaction {
        /// A message written.
        Message = "MESSAGE",
        /// A reaction to another's message.
        ReactionGiven = "REACTION_GIVEN",
        /// A reaction by another to one's own message.
        ReactionReceived = "REACTION_RECEIVED",
        /// A thread begun.
        ThreadCreate = "THREAD_CREATE",
        /// Ten minutes in a voice channel.
        VoiceTick = "VOICE_TICK",
    }
}

/// What an interaction in a category is worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The interaction.
    pub interaction_type: Interaction,
    /// Factor on XP, 0 to 100.
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 100, default = 1.0)]
    pub xp_multiplier: f64,
    /// Factor on stars, 0 to 100.
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 100, default = 1.0)]
    pub star_multiplier: f64,
}

const fn one() -> f64 {
    1.0
}

/// A group of channels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Category {
    /// Its number.
    pub id: CategoryId,
    /// The guild.
    pub guild_id: GuildId,
    /// Its name, unique in the guild.
    pub name: String,
    /// What belongs in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// False once removed.
    pub active: bool,
    /// Its channels, by id.
    pub channels: Vec<ChannelId>,
    /// What interactions in it are worth, where that is not once.
    pub multipliers: Vec<Weight>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A channel that is in another category of Discord's now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovedChannel {
    /// The channel.
    pub channel: ChannelId,
    /// Which of ours stands for where it was.
    pub from: Option<CategoryId>,
    /// Which of ours stands for where it is.
    pub to: Option<CategoryId>,
}

/// A category to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCategory {
    /// Name, 1 to 100 characters, unique in the guild.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What belongs in it, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// Its channels, at most 500; each is in one category at most.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub channels: Vec<ChannelId>,
    /// What interactions in it are worth; one that is not named counts once.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub multipliers: Vec<Weight>,
}

/// A change of a category. What is absent stays as it is; lists are replaced as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryEdit {
    /// Name, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What belongs in it; null for nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub description: Option<Option<String>>,
    /// Its channels, all of them, at most 500.
    #[serde(default)]
    #[schema(max_items = 500)]
    pub channels: Option<Vec<ChannelId>>,
    /// What interactions in it are worth, all of them.
    #[serde(default)]
    #[schema(max_items = 5)]
    pub multipliers: Option<Vec<Weight>>,
}
