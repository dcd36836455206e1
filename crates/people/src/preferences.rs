//! What a member wants announced about them, and in which language they read.

use kernel::fields::Wrong;
use kernel::language::is_tag;
use kernel::{GuildId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::error::Error;

/// What is announced about a member, everything unless they say otherwise, and their language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// In which language they read what is there in several, as a tag: `de`, `pt-BR`; absent leaves it to their program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$", example = "de")]
    pub language: Option<String>,
}

const fn yes() -> bool {
    true
}

/// A member's preferences.
#[kernel::boxed]
pub async fn preferences_get(pool: &PgPool, guild: GuildId, user: UserId) -> Result<Preferences, Error> {
    sqlx::query_as!(
        Preferences,
        r#"SELECT coalesce(p.announce_level_up, true) AS "announce_level_up!",
                  coalesce(p.announce_achievements, true) AS "announce_achievements!",
                  coalesce(p.announce_awards, true) AS "announce_awards!", p.language
             FROM people.members m
             LEFT JOIN people.user_preferences p ON p.guild_id = m.guild_id AND p.user_id = m.user_id
            WHERE m.guild_id = $1 AND m.user_id = $2"#,
        guild.get(),
        user.get(),
    )
    .fetch_optional(&mut *db::acquire(pool).await?)
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
    if wanted.language.as_deref().is_some_and(|language| !is_tag(language)) {
        return Err(Wrong::new("language", "must be a language's tag, such as de or pt-BR").into());
    }
    let done = sqlx::query!(
        "INSERT INTO people.user_preferences (guild_id, user_id, announce_level_up, announce_achievements, announce_awards, language)
         SELECT guild_id, user_id, $3, $4, $5, $6 FROM people.members WHERE guild_id = $1 AND user_id = $2
         ON CONFLICT ON CONSTRAINT pk_user_preferences DO UPDATE
            SET announce_level_up = excluded.announce_level_up, announce_achievements = excluded.announce_achievements,
                announce_awards = excluded.announce_awards, language = excluded.language",
        guild.get(),
        user.get(),
        wanted.announce_level_up,
        wanted.announce_achievements,
        wanted.announce_awards,
        wanted.language,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    if done.rows_affected() == 0 { Err(Error::UnknownMember(user)) } else { Ok(wanted) }
}
