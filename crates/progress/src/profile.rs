//! A member with their standing.

use access::settings::settings_read;
use kernel::{GuildId, UserId};
use people::Member;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;
use crate::rewards::RewardSettings;

/// A member with their standing among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The member.
    #[serde(flatten)]
    pub member: Member,
    /// Rank by XP among those who have not left; ties share one (1, 1, 3). Absent for bots and who has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<i64>,
    /// XP at which the present level was reached.
    pub level_xp: i64,
    /// XP at which the next level is reached; absent at the last level there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_level_xp: Option<i64>,
}

/// A member with rank and the way to the next level.
#[kernel::boxed]
pub async fn member_profile(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Profile, Error> {
    let mut conn = db::acquire(pool).await?;
    profile(&mut conn, guild, user).await
}

async fn profile(conn: &mut PgConnection, guild: GuildId, user: UserId) -> Result<Profile, Error> {
    let mut member = people::member_known(conn, guild, user).await?;
    let rank = match member.left_at {
        None if !member.is_bot => Some(xp_rank(conn, guild, member.xp.get()).await?),
        _ => None,
    };
    let settings: RewardSettings = settings_read(conn, Some(guild)).await?;
    let curve = settings.curve();
    // As it is under the curve that the next one is told by, also while a changed curve still makes its round.
    member.level = curve.level_for_xp(member.xp.get());
    let level_xp = curve.xp_for_level(member.level).unwrap_or_default();
    let next_level_xp = curve.xp_for_level(member.level.saturating_add(1));
    Ok(Profile { member, rank, level_xp, next_level_xp })
}

/// The rank by XP in the guild of whoever has this much: one more than the number of members with more.
pub async fn xp_rank(conn: &mut PgConnection, guild: GuildId, xp: i64) -> Result<i64, Error> {
    let rank = sqlx::query_scalar!(r#"SELECT progress.xp_rank($1, $2) AS "rank!""#, guild.get(), xp)
        .fetch_one(conn)
        .await?;
    Ok(rank)
}
