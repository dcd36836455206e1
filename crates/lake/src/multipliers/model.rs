//! Timed events.

use chrono::{DateTime, Utc};
use kernel::{ChannelId, GuildId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::categories::Interaction;
use crate::ids::{CategoryId, MultiplierEventId};

/// Something that multiplies rewards for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MultiplierEvent {
    /// Its number.
    pub id: MultiplierEventId,
    /// The guild.
    pub guild_id: GuildId,
    /// The name members see.
    pub name: String,
    /// The interactions it is for; absent for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interaction_types: Option<Vec<Interaction>>,
    /// The category it is for; absent for all, and for channels without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<CategoryId>,
    /// Factor on XP.
    pub xp_multiplier: f64,
    /// Factor on stars.
    pub star_multiplier: f64,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends: the first instant that is no longer part of it.
    pub ends_at: DateTime<Utc>,
    /// False once it was called off before it began.
    pub active: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A timed event to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMultiplierEvent {
    /// The name members see, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The interactions it is for; null for all.
    #[serde(default)]
    pub interaction_types: Option<Vec<Interaction>>,
    /// The category it is for; null for all.
    #[serde(default)]
    pub category_id: Option<CategoryId>,
    /// Factor on XP, 0 to 100.
    #[serde(default = "two")]
    #[schema(minimum = 0, maximum = 100, default = 2.0)]
    pub xp_multiplier: f64,
    /// Factor on stars, 0 to 100.
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 100, default = 1.0)]
    pub star_multiplier: f64,
    /// When it begins; now, if left out.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends, in the future.
    #[serde(deserialize_with = "kernel::time::instant")]
    pub ends_at: DateTime<Utc>,
}

const fn two() -> f64 {
    2.0
}

const fn one() -> f64 {
    1.0
}

/// A change of a timed event that is not over. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiplierEventEdit {
    /// The name members see, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// When it begins; only before it has begun.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends, in the future.
    #[serde(default)]
    #[serde(deserialize_with = "kernel::time::instant_if_any")]
    pub ends_at: Option<DateTime<Utc>>,
}

/// An interaction to be weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Weighing {
    /// The interaction.
    pub interaction_type: Interaction,
    /// The channel it happens in.
    pub channel_id: Option<ChannelId>,
    /// When; now, if left out.
    #[serde(default, deserialize_with = "kernel::time::instant_if_any")]
    pub at: Option<DateTime<Utc>>,
}

/// What multiplies the reward of an interaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Factors {
    /// The category of its channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category_id: Option<CategoryId>,
    /// The category's factors first, then each timed event's; all multiply.
    pub factors: Vec<Factor>,
    /// What XP are multiplied by.
    pub xp: f64,
    /// What stars are multiplied by.
    pub stars: f64,
}

/// A category's or a timed event's factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Factor {
    /// `category` or `timed_event`.
    pub why: progress::rewards::Why,
    /// Factor on XP.
    pub xp: f64,
    /// Factor on stars.
    pub stars: f64,
}
