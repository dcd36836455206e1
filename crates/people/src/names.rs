//! Members' names.

use kernel::{GuildId, Problem, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

/// The most names asked for at once.
pub const MAX_NAMES: usize = 200;

/// A member's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Named {
    /// The member.
    pub user_id: UserId,
    /// The name shown in the guild.
    pub name: String,
    /// Discord's hash of their avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_hash: Option<String>,
}

/// The names of these members, those who left included; who is no member is left out.
pub async fn names(pool: &PgPool, guild: GuildId, users: &[UserId]) -> Result<Vec<Named>, Problem> {
    if users.len() > MAX_NAMES {
        return Err(Problem::field("user_ids", format!("must be at most {MAX_NAMES}")));
    }
    let ids: Vec<i64> = users.iter().map(|user| user.get()).collect();
    let named = sqlx::query_as!(
        Named,
        r#"SELECT k.user_id AS "user_id!: UserId", k.name AS "name!", k.avatar_hash
             FROM people.known_as k WHERE k.guild_id = $1 AND k.user_id = ANY ($2) ORDER BY k.user_id"#,
        guild.get(),
        &ids,
    )
    .fetch_all(&mut *db::acquire(pool).await?)
    .await?;
    Ok(named)
}
