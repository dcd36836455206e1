//! Squads and their members.

use chrono::{DateTime, Utc};
use kernel::{Bytes, GuildId, RoleId, SquadId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A team of a guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Squad {
    /// Identifier; as text, the participant id of squad campaigns.
    pub id: SquadId,
    /// The guild.
    pub guild_id: GuildId,
    /// Name, unique among the guild's active squads whatever its case.
    pub name: String,
    /// What the squad is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Discord role that follows membership.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<RoleId>,
    /// Bytes it costs to come here other than by a first, free joining.
    pub switch_cost: Bytes,
    /// Most members at a time; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_members: Option<i32>,
    /// False once retired.
    pub is_active: bool,
    /// How many members it has now.
    pub member_count: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Somebody in a squad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SquadMember {
    /// The squad.
    pub squad_id: SquadId,
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// When they joined this squad.
    pub joined_at: DateTime<Utc>,
}

/// A squad to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSquad {
    /// Name, 1 to 100 characters, unique among the guild's active squads whatever its case.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What the squad is about, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// Discord role that follows membership.
    #[serde(default)]
    pub role_id: Option<RoleId>,
    /// Bytes it costs to come here other than by a first, free joining: 0 to 1,000,000.
    #[serde(default = "default_switch_cost")]
    #[schema(minimum = 0, maximum = 1_000_000, default = 50)]
    pub switch_cost: i32,
    /// Most members at a time, at least 1; null for no limit.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub max_members: Option<i32>,
}

/// 002's default, and the column's.
const fn default_switch_cost() -> i32 {
    50
}

/// A change of a squad. What is absent stays as it is; where null is taken, it clears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SquadEdit {
    /// Name, 1 to 100 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What the squad is about, at most 500 characters; null for nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub description: Option<Option<String>>,
    /// Discord role that follows membership; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RoleId>)]
    pub role_id: Option<Option<RoleId>>,
    /// Bytes it costs to come here other than by a first joining: 0 to 1,000,000.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub switch_cost: Option<i32>,
    /// Most members at a time; null for no limit. Whoever is there already stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i32>, minimum = 1)]
    pub max_members: Option<Option<i32>>,
}

/// Tells a null, which clears, from an absent field, which changes nothing.
#[expect(clippy::option_option, reason = "absent, null and a value are three things in a PATCH")]
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// An administrator puts a member into a squad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The member.
    pub user_id: UserId,
    /// Whether to do so although a running campaign forbids it.
    #[serde(default)]
    pub force: bool,
}

/// What came of joining, moving or leaving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MembershipChange {
    /// The member.
    pub user_id: UserId,
    /// The squad they were in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_squad_id: Option<SquadId>,
    /// The squad they are in now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_squad_id: Option<SquadId>,
    /// Bytes paid for it.
    pub cost: Bytes,
    /// When it took effect.
    pub occurred_at: DateTime<Utc>,
}
