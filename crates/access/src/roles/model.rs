//! Roles that people have in a guild, and Discord roles that confer them.

use chrono::{DateTime, Utc};
use kernel::{GuildId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::role::Role;

/// A role of somebody in a guild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RoleGrant)]
pub struct Grant {
    /// Who has it.
    pub user_id: UserId,
    /// The role.
    #[schema(value_type = Role)]
    pub role: String,
    /// `manual`, or `discord` where it follows what Discord says, at sign-in and every few minutes while they stay.
    pub source: String,
    /// Who granted it; null when a key, the operator or Discord did.
    pub granted_by: Option<UserId>,
    /// From when it does not count any more; null for never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A Discord role that confers one of ours on whoever signs in with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RoleMapping)]
pub struct Mapping {
    #[serde(skip)]
    pub(crate) guild_id: GuildId,
    /// The Discord role.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, example = "175928847299117063")]
    pub discord_role_id: i64,
    /// The role that it confers.
    #[schema(value_type = Role)]
    pub role: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn as_text<S: serde::Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
