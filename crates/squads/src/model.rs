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
