//! A member with their standing.

use access::settings::{Settings, settings_read};
use kernel::{Gold, GuildId, UserId, Xp};
use people::Member;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use utoipa::ToSchema;

use crate::error::Error;
use crate::rewards::RewardSettings;
use crate::rules::Curve;

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
    let ranked = ranked(&mut conn, guild, user).await?;
    let settings: RewardSettings = settings_read(&mut conn, Some(guild)).await?;
    Ok(profile(ranked, &settings.curve()))
}

/// The same by the level curve as this process knows it: a change of it counts within a second.
pub async fn member_profile_known(
    pool: &PgPool,
    settings: &Settings,
    guild: GuildId,
    user: UserId,
) -> Result<Profile, Error> {
    let ranked = ranked(&mut *db::acquire(pool).await?, guild, user).await?;
    let settings = settings.get::<RewardSettings>(Some(guild)).await?;
    Ok(profile(ranked, &settings.curve()))
}

fn profile((mut member, rank): (Member, Option<i64>), curve: &Curve) -> Profile {
    // As it is under the curve that the next one is told by, also while a changed curve still makes its round.
    member.level = curve.level_for_xp(member.xp.get());
    let level_xp = curve.xp_for_level(member.level).unwrap_or_default();
    let next_level_xp = curve.xp_for_level(member.level.saturating_add(1));
    Profile { member, rank, level_xp, next_level_xp }
}

/// A member, and their rank by XP, if they have one.
async fn ranked(
    conn: &mut PgConnection,
    guild: GuildId,
    user: UserId,
) -> Result<(Member, Option<i64>), Error> {
    let row = sqlx::query!(
        r#"SELECT k.name AS "name!", k.avatar_hash, m.is_bot, m.xp AS "xp: Xp", m.level, m.gold AS "gold: Gold", m.stars,
                  m.joined_at, m.left_at,
                  CASE WHEN m.left_at IS NULL AND NOT m.is_bot THEN progress.xp_rank(m.guild_id, m.xp) END AS rank
             FROM people.members m JOIN people.known_as k ON k.guild_id = m.guild_id AND k.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(Error::Member(people::Error::UnknownMember(user)))?;
    let member = Member {
        guild_id: guild,
        user_id: user,
        name: row.name,
        avatar_hash: row.avatar_hash,
        is_bot: row.is_bot,
        xp: row.xp,
        level: row.level,
        gold: row.gold,
        stars: row.stars,
        joined_at: row.joined_at,
        left_at: row.left_at,
    };
    Ok((member, row.rank))
}

/// The rank by XP in the guild of whoever has this much: one more than the number of members with more.
pub async fn xp_rank(conn: &mut PgConnection, guild: GuildId, xp: i64) -> Result<i64, Error> {
    let rank = sqlx::query_scalar!(r#"SELECT progress.xp_rank($1, $2) AS "rank!""#, guild.get(), xp)
        .fetch_one(conn)
        .await?;
    Ok(rank)
}
