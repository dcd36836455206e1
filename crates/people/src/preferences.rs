//! What a member wants announced about them.

use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::error::Error;

/// What is announced about a member; everything unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// Levels they reach.
    #[serde(default = "yes")]
    pub announce_level_up: bool,
    /// Achievements they earn.
    #[serde(default = "yes")]
    pub announce_achievements: bool,
    /// Awards they are given.
    #[serde(default = "yes")]
    pub announce_awards: bool,
}

const fn yes() -> bool {
    true
}

/// A member's preferences.
pub async fn preferences_get(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Preferences, Error> {
    sqlx::query_as!(
        Preferences,
        r#"SELECT coalesce(p.announce_level_up, true) AS "announce_level_up!",
                  coalesce(p.announce_achievements, true) AS "announce_achievements!",
                  coalesce(p.announce_awards, true) AS "announce_awards!"
             FROM people.members m
             LEFT JOIN people.user_preferences p ON p.guild_id = m.guild_id AND p.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(pool)
    .await?
    .ok_or(Error::UnknownMember(user))
}

/// Writes a member's preferences, all of them. Repeating it changes nothing.
pub async fn preferences_put(
    pool: &PgPool,
    guild: GuildId,
    user: UserId,
    wanted: Preferences,
) -> Result<Preferences, Error> {
    let done = sqlx::query!(
        "INSERT INTO people.user_preferences (guild_id, user_id, announce_level_up, announce_achievements, announce_awards)
         SELECT guild_id, user_id, $3, $4, $5 FROM people.members WHERE guild_id = $1 AND user_id = $2
         ON CONFLICT ON CONSTRAINT pk_user_preferences DO UPDATE
            SET announce_level_up = excluded.announce_level_up, announce_achievements = excluded.announce_achievements,
                announce_awards = excluded.announce_awards",
        guild.get(),
        user.get(),
        wanted.announce_level_up,
        wanted.announce_achievements,
        wanted.announce_awards,
    )
    .execute(pool)
    .await?;
    if done.rows_affected() == 0 { Err(Error::UnknownMember(user)) } else { Ok(wanted) }
}
